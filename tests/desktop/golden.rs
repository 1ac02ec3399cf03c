//! What a screen says, and what it looks like, kept in files beside the tests.
//! `UPDATE_GOLDENS=1 cargo test --test desktop` writes them anew; look at what changed before keeping it.

use std::fs;
use std::path::PathBuf;

use andon::client::{Bridge, Model};
use andon::desktop::picture::{Image, Studio};
use andon::desktop::{Andon, Options};
use egui_kittest::Harness;
use egui_kittest::kittest::NodeT;

/// A channel may differ by so much before a pixel counts as another, and so many of a thousand pixels may.
/// Machines round sines and roots differently.
const SAME: u8 = 6;
const PER_MILLE: usize = 1;

fn place(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/desktop/goldens").join(file)
}

#[expect(clippy::disallowed_methods, reason = "this is the tests' one setting")]
fn updating() -> bool {
    std::env::var("UPDATE_GOLDENS").is_ok()
}

/// Compares what an accessibility tool would read of the window with `goldens/NAME.txt`.
pub fn text(name: &str, harness: &Harness<'_, Andon>) {
    let mut said = String::new();
    for node in harness.root().children_recursive() {
        let node = node.accesskit_node();
        let words: Vec<String> = [node.label(), node.value()].into_iter().flatten().filter(|words| !words.is_empty()).collect();
        if !words.is_empty() {
            let off = if node.is_disabled() { " (off)" } else { "" };
            said.push_str(&format!("{:?}: {}{off}\n", node.role(), words.join(" | ").replace('\n', " ")));
        }
    }
    let file = place(&format!("{name}.txt"));
    if updating() {
        return fs::write(&file, said).unwrap();
    }
    let known = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}; see golden.rs", file.display()));
    let same = known.lines().eq(said.lines());
    assert!(same, "{} says otherwise now:\n{}", file.display(), difference(&known, &said));
}

fn difference(known: &str, said: &str) -> String {
    let missing = known.lines().filter(|line| !said.lines().any(|other| other == *line)).map(|line| format!("- {line}\n"));
    let new = said.lines().filter(|line| !known.lines().any(|other| other == *line)).map(|line| format!("+ {line}\n"));
    missing.chain(new).collect()
}

/// Draws the app over `model` and compares the picture with `goldens/NAME.png`.
pub fn picture(name: &str, size: (f32, f32), model: Model, options: Options) {
    let (bridge, _far) = Bridge::detached(model);
    let mut app = Andon::new(bridge, options);
    let mut studio = Studio::new(size.into(), 1.0);
    for frame in 0..3 {
        studio.frame(f64::from(frame), |ui| app.draw(ui));
    }
    compare(name, &studio.image().expect("a frame was drawn"));
}

/// Compares a picture with `goldens/NAME.png`.
pub fn compare(name: &str, image: &Image) {
    let file = place(&format!("{name}.png"));
    if updating() {
        return fs::write(&file, image.png().unwrap()).unwrap();
    }
    let known = fs::read(&file).and_then(|bytes| Image::from_png(&bytes)).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    assert_eq!((known.width, known.height), (image.width, image.height), "{name}");
    let differs = |(a, b): &(&[u8], &[u8])| a.iter().zip(*b).any(|(a, b)| a.abs_diff(*b) > SAME);
    let others = known.rgb.chunks_exact(3).zip(image.rgb.chunks_exact(3)).filter(differs).count();
    if others * 1000 > PER_MILLE * image.width * image.height {
        let new = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.png"));
        fs::write(&new, image.png().unwrap()).unwrap();
        panic!("{others} pixels of {name} differ; the new picture is {}", new.display());
    }
}

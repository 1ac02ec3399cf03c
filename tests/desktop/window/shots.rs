//! Pictures of every screen, to be looked at: `ANDON_SHOTS=folder cargo test --test desktop every_screen_as_a_picture`.

use andon::client::{Bridge, Model, QueueFilter};
use andon::desktop::theme::Tone;
use andon::desktop::{Andon, Options, Route, picture};
use andon::domain::access::Role;
use std::sync::Arc;

use super::world::{self, DESK, PANEL, WALL};

pub fn shot(model: &Model, size: (f32, f32), tone: Tone, route: Option<Route>) -> picture::Image {
    let (bridge, _far) = Bridge::detached(model.clone());
    let mut app = Andon::new(bridge, Options { route, ..world::options(tone) });
    picture::render(eframe::egui::vec2(size.0, size.1), 1.0, 4, |ui| app.draw(ui))
}

#[test]
#[ignore = "writes pictures for looking at"]
fn every_screen_as_a_picture() {
    let folder = std::path::PathBuf::from("/tmp/shots-window");
    std::fs::create_dir_all(&folder).unwrap();
    let full = world::signed_in(Role::Superuser);
    let mut refused = full.clone();
    refused.queue = Arc::new(world::queue(QueueFilter::Quarantined));
    let mut login_first = world::signed_out();
    Arc::make_mut(&mut login_first.line).state = andon::client::LineState::Running("http://127.0.0.1:8440".to_owned());
    let cases: Vec<(&str, Model)> = vec![
        ("full", full.clone()),
        ("empty", world::empty(Role::Operator)),
        ("offline", world::offline(full.clone())),
        ("broken", world::broken(world::with_history(refused.clone()))),
        ("station", world::signed_in(Role::Station)),
    ];
    let only = option_env!("SHOT");
    for (size, tone) in [(DESK, Tone::Dark), (PANEL, Tone::Dark), (WALL, Tone::Light)] {
        let write = |name: &str, image: picture::Image| {
            if only.is_none_or(|only| name.contains(only)) {
                std::fs::write(folder.join(format!("{name}-{}x{}.png", size.0, size.1)), image.png().unwrap()).unwrap();
            }
        };
        write("login", shot(&world::signed_out(), size, tone, None));
        for (case, model) in &cases {
            for route in [Route::Overview, Route::Queue, Route::Connection, Route::Instances, Route::About] {
                if *case == "full" || matches!(route, Route::Overview | Route::Queue | Route::Connection) {
                    write(&format!("{}-{case}", route.key()), shot(model, size, tone, Some(route)));
                }
            }
        }
    }
}

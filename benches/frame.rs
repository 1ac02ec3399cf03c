//! What one frame costs the processor: laying the screen out and cutting it into triangles, beside an empty frame.
//! The screens hold still; only what is on them differs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use andon::client::{Bridge, Model, Remote};
use andon::desktop::format::Zone;
use andon::desktop::picture::Studio;
use andon::desktop::{Andon, Options, Route};
use andon::domain::instance::Application;
use andon::support::clock::Clock;
use eframe::egui::epaint::Primitive;
use eframe::egui::{CentralPanel, Context, Pos2, RawInput, Rect, Ui, Vec2};
use uuid::Uuid;

#[path = "../tests/desktop/line.rs"]
mod line;

const SIZE: Vec2 = Vec2::new(1920.0, 1080.0);
const WARM_UP: usize = 5;
const FRAMES: usize = 200;

fn main() {
    eprintln!("{:<34} {:>9} {:>9} {:>10}", "frame at 1920x1080", "best ms", "median ms", "vertices");
    measure("empty", |ui| {
        CentralPanel::default().show(ui, |_| {});
    });
    let mut app = monitor();
    measure("yield, monitor on the wall", |ui| app.draw(ui));
    let full = line::model(Application::Configurator, line::picture());
    let mut app = open(full.clone(), Route::Yield);
    measure("yield, desk with filters and lists", |ui| app.draw(ui));
    let mut list = full;
    Arc::make_mut(&mut list.reports).list = Remote::Ready(Arc::new(line::page()));
    let mut app = open(list.clone(), Route::Reports);
    measure("reports, a page of 100", |ui| app.draw(ui));
    for (name, groups) in [("report of 5 000 steps", 50), ("report of 50 000 steps", 500)] {
        let mut model = list.clone();
        Arc::make_mut(&mut model.reports).open = Some((Uuid::from_u128(3), Remote::Ready(Arc::new(line::report(groups, 99)))));
        let mut app = open(model, Route::Reports);
        measure(name, |ui| app.draw(ui));
    }
    painting();
}

/// The true app on `route`, over a model that stays as it is.
fn open(model: Model, route: Route) -> Andon {
    let (bridge, _) = Bridge::detached(model);
    let options = Options { route: Some(route), clock: Clock::held(line::now()), zone: Zone::utc(), ..Options::default() };
    Andon::new(bridge, options)
}

fn monitor() -> Andon {
    open(line::model(Application::YieldMonitor, line::picture()), Route::Yield)
}

fn measure(name: &str, mut ui: impl FnMut(&mut Ui)) {
    let ctx = Context::default();
    let mut times: Vec<Duration> = Vec::with_capacity(FRAMES);
    let mut vertices = 0;
    for frame in 0..WARM_UP + FRAMES {
        let input = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, SIZE)),
            time: Some(frame as f64 / 60.0),
            max_texture_side: Some(8192),
            ..RawInput::default()
        };
        let start = Instant::now();
        let mut output = ctx.run_ui(input, &mut ui);
        let primitives = ctx.tessellate(std::mem::take(&mut output.shapes), output.pixels_per_point);
        let time = start.elapsed();
        output.textures_delta.clear();
        if frame >= WARM_UP {
            times.push(time);
        }
        let count = |primitive: &Primitive| if let Primitive::Mesh(mesh) = primitive { mesh.vertices.len() } else { 0 };
        vertices = primitives.iter().map(|clipped| count(&clipped.primitive)).sum::<usize>();
    }
    times.sort();
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    eprintln!("{name:<34} {:>9.3} {:>9.3} {vertices:>10}", ms(times[0]), ms(times[times.len() / 2]));
}

/// A whole picture without a display: frames, triangles, pixels.
fn painting() {
    let mut app = monitor();
    let mut studio = Studio::new(SIZE, 1.0);
    let start = Instant::now();
    for frame in 0..2 {
        studio.frame(f64::from(frame) / 60.0, |ui| app.draw(ui));
    }
    let image = studio.image();
    let drawn = start.elapsed();
    let paint = |_| {
        let start = Instant::now();
        std::hint::black_box(studio.image());
        start.elapsed()
    };
    let painted = (0..5).map(paint).min().unwrap_or_default();
    let bytes = image.and_then(|image| image.png().ok()).map_or(0, |png| png.len());
    eprintln!("picture of the yield monitor: {drawn:.0?} from nothing, {painted:.1?} to paint it again, {bytes} bytes of PNG");
}

//! The true app over a model that a test publishes, and the services' end of its bridge.

use andon::client::{Bridge, Command, FarEnd, Model};
use andon::desktop::format::Zone;
use andon::desktop::theme::Tone;
use andon::desktop::{Andon, Options, Route};
use andon::support::clock::Clock;
use egui_kittest::Harness;

use super::line;

/// A desk, the touch panel, a television; width and height in points.
pub const DESK: (f32, f32) = (1280.0, 800.0);
pub const PANEL: (f32, f32) = (1280.0, 400.0);
pub const WALL: (f32, f32) = (1920.0, 1080.0);

pub struct Stage {
    pub harness: Harness<'static, Andon>,
    far: FarEnd,
}

impl Stage {
    /// Opens `route` and forgets what it asked for at first.
    pub fn new(size: (f32, f32), route: Route, model: Model) -> Stage {
        let (bridge, far) = Bridge::detached(model);
        let builder = Harness::builder().with_size(eframe::egui::vec2(size.0, size.1));
        let harness = builder.build_eframe(move |_| Andon::new(bridge, options(route, Tone::Dark)));
        let mut stage = Stage { harness, far };
        stage.harness.run_steps(3);
        stage
    }

    /// What was asked of the services since the last call.
    pub fn commands(&mut self) -> Vec<Command> {
        self.far.commands()
    }

    pub fn publish(&mut self, change: impl FnOnce(&mut Model)) {
        self.far.publish(change);
        self.harness.run_steps(3);
    }
}

/// Time and zone held still.
pub fn options(route: Route, tone: Tone) -> Options {
    Options { route: Some(route), tone: Some(tone), clock: Clock::held(line::now()), zone: Zone::utc(), ..Options::default() }
}

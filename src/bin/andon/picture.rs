//! Draws a screen into a file: the same window over the same services, without a display.

use std::path::Path;
use std::time::{Duration, Instant};

use andon::client::{Bridge, Startup};
use andon::desktop::picture::Studio;
use andon::desktop::{Andon, Options};
use eframe::egui::vec2;

/// What is wanted.
pub struct Order<'a> {
    pub file: &'a Path,
    /// Width and height in pixels.
    pub size: (u16, u16),
    /// Seconds of live data before it is drawn.
    pub after_secs: u32,
}

/// Longest wait for the station to be signed in, before the seconds of live data begin.
const SIGN_IN_LIMIT: Duration = Duration::from_secs(60);
/// Time between two frames that nobody sees: they let the screens ask for what they show.
const BEAT: Duration = Duration::from_millis(100);

/// `1920x1080`, each side 64 to 8192 pixels.
pub fn parse_size(text: &str) -> Result<(u16, u16), String> {
    let allowed = 64..=8192;
    let side = |text: &str| text.trim().parse::<u16>().ok().filter(|side| allowed.contains(side));
    text.split_once(['x', 'X'])
        .and_then(|(width, height)| Some((side(width)?, side(height)?)))
        .ok_or_else(|| "a size is WIDTHxHEIGHT, like 1920x1080, each from 64 to 8192".to_owned())
}

/// Starts the services, waits, draws, and writes the file.
pub fn draw(startup: &dyn Fn() -> Startup, options: Options, order: &Order<'_>) -> Result<(), String> {
    let startup = startup();
    let signs_in = startup.demo.is_some();
    let mut bridge = Bridge::start(startup, || ()).map_err(|error| format!("The station's services did not start: {error}."))?;
    if signs_in && bridge.wait(SIGN_IN_LIMIT, |model| model.session.station.is_some()).is_err() {
        return Err("The demo line did not start within a minute. The log has the reason.".to_owned());
    }
    let options = Options { renderer: "picture".to_owned(), ..options };
    let mut app = Andon::new(bridge, options);
    let mut studio = Studio::new(vec2(f32::from(order.size.0), f32::from(order.size.1)), 1.0);
    let start = Instant::now();
    let live = Duration::from_secs(u64::from(order.after_secs)).max(BEAT * 3);
    while start.elapsed() < live {
        studio.frame(start.elapsed().as_secs_f64(), |ui| app.draw(ui));
        #[expect(clippy::disallowed_methods, reason = "there is no window to keep alive")]
        std::thread::sleep(BEAT);
    }
    studio.frame(start.elapsed().as_secs_f64(), |ui| app.draw(ui));
    let image = studio.image().ok_or("There was nothing to draw.")?;
    let written = image.png().and_then(|bytes| std::fs::write(order.file, bytes));
    written.map_err(|error| format!("{} cannot be written: {error}.", order.file.display()))
}

#[cfg(test)]
mod tests {
    use super::parse_size;

    #[test]
    fn a_size_is_two_sides_within_bounds() {
        assert_eq!(parse_size("1920x1080"), Ok((1920, 1080)));
        for bad in ["", "1920", "1920x", "0x10", "99999x100", "ax b"] {
            assert!(parse_size(bad).is_err(), "{bad}");
        }
    }
}

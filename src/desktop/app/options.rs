//! What a window is opened with.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::desktop::format::Zone;
use crate::desktop::route::Route;
use crate::desktop::theme::Tone;
use crate::domain::instance::Application;
use crate::support::clock::Clock;
use crate::support::language::Language;

/// What the command line chose.
#[derive(Clone, Debug)]
pub struct Options {
    /// Overrules the instance's own application.
    pub application: Option<Application>,
    /// Where to open; the application's first screen where nobody chose.
    pub route: Option<Route>,
    pub kiosk: bool,
    /// Set once the system has asked the program to end: a kiosk closes too then.
    pub ending: Arc<AtomicBool>,
    /// `None` follows the system.
    pub tone: Option<Tone>,
    pub language: Language,
    /// The renderer in use, for About.
    pub renderer: String,
    pub clock: Clock,
    pub zone: Zone,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            application: None,
            route: None,
            kiosk: false,
            ending: Arc::default(),
            tone: Some(Tone::Dark),
            language: Language::english(),
            renderer: String::new(),
            clock: Clock::system(),
            zone: Zone::Local,
        }
    }
}

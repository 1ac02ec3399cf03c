//! Asked to end by the system, the window closes as by hand, and a demo leaves nothing behind.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use andon::client::Ending;
use eframe::egui::{Context, ViewportCommand};

/// How long a window may take to close, its services within.
const PATIENCE: Duration = Duration::from_secs(5);

/// The window that is open now, and whether the program was asked to end.
#[derive(Clone, Default)]
pub struct Goodbye {
    window: Arc<Mutex<Option<Context>>>,
    pub asked: Arc<AtomicBool>,
}

impl Goodbye {
    /// From now on this window is closed when the program is asked to end.
    pub fn close(&self, window: &Context) {
        *self.window.lock().unwrap_or_else(PoisonError::into_inner) = Some(window.clone());
    }

    /// `false` where there is no window.
    fn say(&self) -> bool {
        self.asked.store(true, Ordering::Relaxed);
        let window = self.window.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(window) = &window {
            window.send_viewport_cmd(ViewportCommand::Close);
            window.request_repaint();
        }
        window.is_some()
    }
}

/// Listens on a thread of its own. `temporary` is removed whatever the window does.
pub fn listen(temporary: Option<PathBuf>) -> Goodbye {
    let goodbye = Goodbye::default();
    let window = goodbye.clone();
    match Ending::listen() {
        Ok(ending) => drop(std::thread::spawn(move || {
            ending.wait();
            let closes = window.say();
            if closes {
                #[expect(clippy::disallowed_methods, reason = "a window that closes ends the program, and this thread with it")]
                std::thread::sleep(PATIENCE);
            }
            if let Some(folder) = temporary {
                let _ = std::fs::remove_dir_all(folder);
            }
            std::process::exit(i32::from(!closes));
        })),
        Err(error) => tracing::warn!(%error, "the system's wish to end cannot be heard"),
    }
    goodbye
}

//! A PIN of the station's own, where the server knows no persons: it guards leaving the kiosk, and the settings.

mod file;

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use super::bridge::{Notifier, Slice};
use super::command::PinCommand;
use super::explain::Explanation;
use super::people::Acts;
use super::verifier::Tools;
use crate::domain::credentials::PIN_LENGTH;

use file::PinFile;
pub(crate) use file::forget;

/// What the window sees of the PIN.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PinSlice {
    pub is_set: bool,
    /// Somebody has typed it. It stays open until the window locks it again.
    pub is_open: bool,
    pub acts: Acts,
    /// After too many wrong ones: when another try is welcome.
    pub locked_until: Option<DateTime<Utc>>,
}

/// Why a PIN was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PinError {
    #[error("the PIN is wrong; {left} tries are left")]
    Wrong { left: u32 },
    #[error("too many wrong PINs; nobody may try until {0}")]
    LockedUntil(DateTime<Utc>),
    #[error("a PIN has 4 to 12 digits")]
    Unusable,
    #[error("{} cannot be read: {detail}", file.display())]
    Unreadable { file: PathBuf, detail: String },
    #[error(transparent)]
    NotKept(io::Error),
}

impl PinError {
    fn explain(&self) -> Explanation {
        match self {
            PinError::Wrong { left } => Explanation::new("pin_wrong").with("n", left),
            PinError::LockedUntil(_) => Explanation::new("pin_locked"),
            PinError::Unusable => Explanation::new("pin_unusable").with("least", PIN_LENGTH.start()).with("most", PIN_LENGTH.end()),
            PinError::Unreadable { file, detail } => Explanation::new("pin_unreadable").with("file", file.display()).detail(detail),
            PinError::NotKept(error) => Explanation::new("disk_failed").detail(error),
        }
    }
}

/// What the service works with.
#[derive(Clone)]
pub(crate) struct Parts {
    file: Arc<Mutex<PinFile>>,
    slice: Slice<PinSlice>,
    notifier: Notifier,
}

impl Parts {
    /// Looks at the file before anything else starts: no moment is unguarded.
    pub(crate) fn open(tools: Tools, slice: Slice<PinSlice>, notifier: Notifier) -> Parts {
        let file = PinFile::new(tools);
        slice.set(PinSlice { is_set: file.is_set(), locked_until: file.locked_until(), ..PinSlice::default() });
        Parts { file: Arc::new(Mutex::new(file)), slice, notifier }
    }

    async fn with<T: Send + 'static>(&self, work: impl FnOnce(&mut PinFile) -> T + Send + 'static) -> Option<T> {
        let file = self.file.clone();
        spawn_blocking(move || work(&mut file.lock().unwrap_or_else(PoisonError::into_inner))).await.ok()
    }

    async fn obey(&self, command: PinCommand) {
        match command {
            PinCommand::Lock => self.slice.update(|slice| slice.is_open = false),
            PinCommand::Look => self.look().await,
            PinCommand::Enter(pin) => drop(self.act(true, move |file| file.check(&pin)).await),
            PinCommand::Set { current, new } => {
                if self.act(true, move |file| file.set(&current, &new)).await {
                    self.done("pin_set");
                }
            }
            PinCommand::Remove { current } => {
                if self.act(false, move |file| file.remove(&current)).await {
                    self.done("pin_removed");
                }
            }
        }
    }

    fn done(&self, key: &'static str) {
        tracing::info!(key, "the station's PIN");
        self.notifier.done(key, Vec::new());
    }

    /// The file may have been taken away, and what was said before is forgotten.
    async fn look(&self) {
        let Some((is_set, locked_until)) = self.with(|file| (file.is_set(), file.locked_until())).await else { return };
        self.slice.update(|slice| {
            (slice.is_set, slice.locked_until, slice.acts.refused) = (is_set, locked_until, None);
        });
    }

    /// Does something that needs the PIN. True where it was the right one; then it is open if `opens` says so.
    async fn act(&self, opens: bool, work: impl FnOnce(&mut PinFile) -> Result<(), PinError> + Send + 'static) -> bool {
        self.slice.update(|slice| (slice.acts.running, slice.acts.refused) = (true, None));
        let done = self.with(move |file| (work(file), file.is_set(), file.locked_until())).await;
        let good = matches!(done, Some((Ok(()), ..)));
        self.slice.update(|slice| {
            slice.acts.running = false;
            slice.acts.settled += 1;
            match done {
                Some((result, is_set, locked_until)) => {
                    (slice.is_set, slice.locked_until) = (is_set, locked_until);
                    slice.is_open = is_set && if good { opens } else { slice.is_open };
                    slice.acts.refused = result.err().map(|error| error.explain());
                }
                None => slice.acts.refused = Some(Explanation::new("busy")),
            }
        });
        good
    }
}

pub(crate) async fn run(parts: Parts, inbox: &mut mpsc::Receiver<PinCommand>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            command = inbox.recv() => match command {
                Some(command) => parts.obey(command).await,
                None => break,
            },
        }
    }
}

#[cfg(test)]
mod tests;

//! A tunnel without a station: opened, told of and held until the program is asked to end.

use std::io;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::ssh::{Pin, fingerprint};
use super::{Key, News, PATIENCE, SHORTEST, forward};
use crate::client::ending::Ending;
use crate::client::explain::Explanation;
use crate::client::health;
use crate::domain::tunnel::TunnelSettings;
use crate::support::secret::Secret;

/// What a person asks for.
#[derive(Clone, Debug, Default)]
pub struct TunnelAsk {
    pub settings: TunnelSettings,
    pub passphrase: Option<Secret>,
    /// Put the passphrase into the keyring once it has opened the key.
    pub keep_passphrase: bool,
    /// Take whichever host key is met for the good one from now on.
    pub accept_new_host_key: bool,
}

/// What happens to it, for the person who waits beside it.
#[derive(Clone, Debug, PartialEq)]
pub enum TunnelHappening {
    Up {
        local_end: String,
        fingerprint: String,
    },
    /// It broke, and is tried again after so many seconds.
    Down {
        why: Explanation,
        again_secs: u64,
    },
}

pub(crate) type KeepPin<'a> = dyn Fn(&str) -> Result<(), Explanation> + 'a;

/// Everything one tunnel needs.
pub(crate) struct Lone<'a> {
    pub(crate) settings: TunnelSettings,
    pub(crate) key: Key,
    pub(crate) keep_passphrase: bool,
    pub(crate) pin: Pin,
    /// Writes down the host key that was met.
    pub(crate) keep_pin: Box<KeepPin<'a>>,
}

/// Holds the tunnel until `ending`. The first try has to succeed; afterwards only what needs a person ends it.
pub(crate) fn run_alone(lone: Lone<'_>, ending: Ending, tell: &mut dyn FnMut(TunnelHappening)) -> Result<(), Explanation> {
    let failed = |error: io::Error| Explanation::new("disk_failed").detail(error);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(failed)?;
    let stop = CancellationToken::new();
    let asked = stop.clone();
    let waiting = std::thread::Builder::new().name("andon-ending".to_owned()).spawn(move || {
        ending.wait();
        asked.cancel();
    });
    waiting.map_err(failed)?;
    let result = runtime.block_on(hold_on(lone, stop, tell));
    runtime.shutdown_background();
    result
}

async fn hold_on(mut lone: Lone<'_>, stop: CancellationToken, tell: &mut dyn FnMut(TunnelHappening)) -> Result<(), Explanation> {
    let settings = Arc::new(lone.settings.clone());
    let (mut was_up, mut attempt) = (false, 0);
    while !stop.is_cancelled() {
        let (sender, mut news) = mpsc::channel(1);
        let mut holding = Box::pin(forward::hold(settings.clone(), lone.key.clone(), lone.pin.clone(), sender, stop.clone()));
        let ended = loop {
            tokio::select! {
                Some(news) = news.recv() => {
                    (was_up, attempt) = (true, 0);
                    lone.opened(&news)?;
                    tell(TunnelHappening::Up { local_end: news.local_end.to_string(), fingerprint: fingerprint(&news.host_key) });
                }
                ended = &mut holding => break ended,
            }
        };
        let Err(error) = ended else { break };
        if !was_up || error.fault.needs_person() {
            return Err(error.explain(&settings));
        }
        let wait = PATIENCE.delay(attempt, health::chance()).max(SHORTEST);
        attempt += 1;
        let again_secs = wait.as_secs_f64().ceil() as u64;
        tell(TunnelHappening::Down { why: error.explain(&settings), again_secs });
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
    Ok(())
}

impl Lone<'_> {
    fn opened(&mut self, news: &News) -> Result<(), Explanation> {
        if self.pin != Pin::Key(news.host_key.clone()) {
            (self.keep_pin)(&news.host_key)?;
            self.pin = Pin::Key(news.host_key.clone());
        }
        if std::mem::take(&mut self.keep_passphrase)
            && let Some(passphrase) = self.key.typed.clone()
        {
            let kept = tokio::task::block_in_place(|| self.key.vault.keep_passphrase(&self.settings.key_file, &passphrase));
            kept.map_err(|_| Explanation::new("tunnel_passphrase_not_kept"))?;
        }
        Ok(())
    }
}

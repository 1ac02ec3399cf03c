//! Keeps services going: one that panics is started again, with growing patience; all end together.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, OwnedMutexGuard, mpsc};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::support::backoff::Backoff;

/// Waits after a service failed.
const PATIENCE: Backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(30));
/// How long services may take to flush and end.
const END: Duration = Duration::from_millis(2500);

/// An inbox that outlives the service that reads it, with what is in it.
pub(crate) struct Inbox<T>(Arc<Mutex<mpsc::Receiver<T>>>);

impl<T> Clone for Inbox<T> {
    fn clone(&self) -> Self {
        Inbox(self.0.clone())
    }
}

impl<T> Inbox<T> {
    pub(crate) fn new(receiver: mpsc::Receiver<T>) -> Inbox<T> {
        Inbox(Arc::new(Mutex::new(receiver)))
    }

    /// For one service at a time.
    pub(crate) async fn open(&self) -> OwnedMutexGuard<mpsc::Receiver<T>> {
        self.0.clone().lock_owned().await
    }
}

/// A moment in a `select!`; none never comes.
pub(crate) async fn due(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// The result of a task in a `select!`; `None` where it was lost. The place is free again afterwards.
pub(crate) async fn finished<T>(task: &mut Option<JoinHandle<T>>) -> Option<T> {
    match task {
        Some(handle) => {
            let result = handle.await;
            *task = None;
            result.ok()
        }
        None => std::future::pending().await,
    }
}

/// A group of services that stops together.
pub(crate) struct Services {
    tasks: JoinSet<()>,
    pub(crate) stop: CancellationToken,
}

impl Services {
    pub(crate) fn new(stop: CancellationToken) -> Services {
        Services { tasks: JoinSet::new(), stop }
    }

    /// Runs a service until it ends by itself. `service` makes its future anew after a panic.
    pub(crate) fn start<F>(&mut self, name: &'static str, service: impl Fn() -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            for attempt in 0.. {
                match AbortOnDropHandle::new(tokio::spawn(service())).await {
                    Err(error) if error.is_panic() => tracing::error!(name, attempt, "a service failed and is started again"),
                    _ => return,
                }
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(PATIENCE.ceiling(attempt)) => {}
                }
            }
        });
    }

    /// Asks all to stop, and waits within the limit.
    pub(crate) async fn end(mut self) {
        self.stop.cancel();
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(END, all).await.is_err() {
            tracing::warn!("services that took too long were cut off");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_service_that_panics_is_started_again_and_its_inbox_kept() {
        let mut services = Services::new(CancellationToken::new());
        let (sender, receiver) = mpsc::channel(4);
        let (inbox, sum) = (Inbox::new(receiver), Arc::new(AtomicU32::new(0)));
        let seen = sum.clone();
        services.start("adder", move || {
            let (inbox, sum) = (inbox.clone(), seen.clone());
            async move {
                let mut inbox = inbox.open().await;
                while let Some(number) = inbox.recv().await {
                    assert_ne!(number, 13);
                    sum.fetch_add(number, Ordering::SeqCst);
                }
            }
        });
        for number in [1, 13, 2] {
            sender.send(number).await.unwrap();
        }
        crate::client::peer::until("the sum", || sum.load(Ordering::SeqCst), |sum| *sum == 3).await;
        drop(sender);
        services.end().await;
    }

    #[tokio::test]
    async fn a_service_that_does_not_end_is_cut_off() {
        let mut services = Services::new(CancellationToken::new());
        services.start("stubborn", std::future::pending);
        let started = std::time::Instant::now();
        services.end().await;
        assert!(started.elapsed() < Duration::from_secs(3));
    }
}

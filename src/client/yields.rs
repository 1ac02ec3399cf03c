//! The yield that the screens show: looked after on a beat while the server is there, at once after a delivery,
//! and kept on disk, so that a display shows what it knew with its age when the server is gone.

mod picture;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::bridge::{Notifier, Slice};
use super::command::YieldsCommand;
use super::explain::Explanation;
use super::files;
use super::link::{LinkReceiver, Observer};
use super::model::{Model, Period, YieldQuery, YieldSlice};
use super::remote::Remote;
use super::reports::{explain, left, reach};
use super::services::{due, finished};
use super::settings::Settings;
use crate::support::clock::Clock;
use picture::Rows;

/// What the service works with.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) settings: Settings,
    pub(crate) clock: Clock,
    pub(crate) notifier: Notifier,
    pub(crate) slice: Slice<YieldSlice>,
    /// Followed for deliveries of this station.
    pub(crate) model: watch::Receiver<Model>,
    pub(crate) link: LinkReceiver,
    pub(crate) observer: Observer,
    /// A screen has asked for the yield since the instance was opened: before, nobody fetches it.
    pub(crate) looked_at: Arc<AtomicBool>,
}

/// Between two looks at the server: one small request each, and the counts only where something is new.
const BEAT: Duration = Duration::from_secs(5);
/// After a delivery the server gets a moment, and deliveries close together share one fetch.
const AFTER_DELIVERY: Duration = Duration::from_millis(400);
/// The picture on disk is at most this old while it changes.
const KEEP_EVERY: Duration = Duration::from_secs(60);

pub(crate) async fn run(parts: Parts, inbox: &mut mpsc::Receiver<YieldsCommand>, stop: CancellationToken) {
    let mut service = Service::new(parts);
    service.show_kept();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            command = inbox.recv() => match command {
                Some(command) => service.answer(command),
                None => break,
            },
            fetched = finished(&mut service.fetching) => service.fetched(fetched),
            Ok(()) = service.parts.link.changed() => service.link_changed(),
            Ok(()) = service.parts.model.changed() => service.look_for_deliveries(),
            () = due(service.next), if service.fetching.is_none() => service.fetch(),
        }
    }
    service.keep(true);
}

struct Service {
    parts: Parts,
    query: YieldQuery,
    target: Option<f64>,
    /// The server of now, and what it told.
    server_id: String,
    rows: Option<Rows>,
    kept_at: Option<Instant>,
    fetching: Option<JoinHandle<(YieldQuery, Result<Rows, Explanation>)>>,
    next: Option<Instant>,
    delivered: u64,
}

impl Service {
    fn new(parts: Parts) -> Service {
        let config = parts.settings.get().yields;
        let query = YieldQuery { part_number: config.part_number, process: config.process, period: period_from(&config.period) };
        let target = config.target.filter(|target| (0.0..=1.0).contains(target));
        let delivered = parts.model.borrow().queue.delivered;
        Service { parts, query, target, server_id: String::new(), rows: None, kept_at: None, fetching: None, next: None, delivered }
    }

    fn answer(&mut self, command: YieldsCommand) {
        match command {
            YieldsCommand::Watch(query) => self.watch(query),
            YieldsCommand::SetTarget(target) => self.set_target(target),
        }
    }

    fn watch(&mut self, query: YieldQuery) {
        let first = !self.parts.looked_at.swap(true, Ordering::Relaxed) && self.parts.link.borrow().online().is_some();
        let fresh = query == self.query && self.rows.is_some() && !first;
        if query != self.query {
            self.query = query.clone();
            self.rows = None;
            self.stop_fetching();
            self.change_settings(move |config| {
                config.yields.part_number = query.part_number;
                config.yields.process = query.process;
                config.yields.period = period_name(query.period).to_owned();
            });
            let query = self.query.clone();
            self.parts.slice.set(YieldSlice { query, picture: Remote::Loading(None) });
        }
        if !fresh {
            self.soon(Duration::ZERO);
        }
    }

    fn set_target(&mut self, target: Option<f64>) {
        self.target = target.filter(|target| (0.0..=1.0).contains(target));
        let target = self.target;
        self.change_settings(move |config| config.yields.target = target);
        match reach(&self.parts.link.borrow()) {
            Ok(_) => self.show(Remote::Ready),
            Err(explanation) => self.show(|picture| Remote::Failed(explanation, Some(picture))),
        }
    }

    /// The disk may take its time; the display does not wait for it.
    fn change_settings(&self, change: impl FnOnce(&mut super::settings::Config) + Send + 'static) {
        let (settings, notifier) = (self.parts.settings.clone(), self.parts.notifier.clone());
        tokio::task::spawn_blocking(move || {
            if let Err(error) = settings.change(change) {
                notifier.failed(Explanation::new("disk_failed").detail(error));
            }
        });
    }

    fn soon(&mut self, wait: Duration) {
        if !self.parts.looked_at.load(Ordering::Relaxed) {
            return;
        }
        let at = Instant::now() + wait;
        self.next = Some(self.next.map_or(at, |next| next.min(at)));
    }

    fn stop_fetching(&mut self) {
        if let Some(fetching) = self.fetching.take() {
            fetching.abort();
        }
    }

    fn fetch(&mut self) {
        self.next = None;
        let link = self.parts.link.borrow().clone();
        let api = match reach(&link) {
            Ok(api) => api,
            Err(explanation) => return self.fail(explanation),
        };
        if self.rows.is_none() {
            self.parts.slice.update(|slice| slice.picture = slice.picture.reloading());
        }
        let (query, now, before, observer) = (self.query.clone(), self.parts.clock.now(), self.rows.clone(), self.parts.observer.clone());
        self.fetching = Some(tokio::spawn(async move {
            let result = picture::fetch(&api, &query, now, before).await;
            observer.saw(&result);
            (query, result.map(|rows| rows.told_by(link.server_id)).map_err(|error| explain(&error)))
        }));
    }

    fn fetched(&mut self, fetched: Option<(YieldQuery, Result<Rows, Explanation>)>) {
        match fetched {
            Some((query, Ok(rows))) if query == self.query => {
                self.rows = Some(rows);
                self.show(Remote::Ready);
                self.keep(false);
            }
            Some((query, Err(explanation))) if query == self.query => self.fail(explanation),
            _ => {}
        }
        if self.parts.link.borrow().online().is_some() {
            self.soon(BEAT);
        }
    }

    /// What was known stays on screen, with the reason why it is not fresh.
    fn fail(&mut self, explanation: Explanation) {
        match &self.rows {
            Some(_) => self.show(|picture| Remote::Failed(explanation, Some(picture))),
            None => self.parts.slice.update(|slice| slice.picture = slice.picture.settled(Err(explanation))),
        }
    }

    fn show(&self, state: impl FnOnce(std::sync::Arc<super::model::YieldPicture>) -> Remote<super::model::YieldPicture>) {
        let Some(rows) = &self.rows else { return };
        let picture = std::sync::Arc::new(rows.picture(self.target));
        let query = self.query.clone();
        self.parts.slice.set(YieldSlice { query, picture: state(picture) });
    }

    fn link_changed(&mut self) {
        let link = self.parts.link.borrow_and_update().clone();
        if left(&std::mem::replace(&mut self.server_id, link.server_id.clone()), &self.server_id) {
            self.forget();
        }
        if link.online().is_some() {
            self.soon(Duration::ZERO);
        } else if self.rows.is_some() || link.api.is_none() {
            self.stop_fetching();
            self.next = None;
            self.keep(true);
            if let Err(explanation) = reach(&link) {
                self.fail(explanation);
            }
        }
    }

    /// What a server told is no longer for whoever comes after it was left.
    fn forget(&mut self) {
        self.stop_fetching();
        (self.rows, self.kept_at, self.next) = (None, None, None);
        let query = self.query.clone();
        self.parts.slice.set(YieldSlice { query, picture: Remote::Idle });
        if let Err(error) = std::fs::remove_file(self.place())
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "the yield of the server before could not be removed");
        }
    }

    fn look_for_deliveries(&mut self) {
        let delivered = self.parts.model.borrow_and_update().queue.delivered;
        if std::mem::replace(&mut self.delivered, delivered) != delivered && self.parts.link.borrow().online().is_some() {
            self.soon(AFTER_DELIVERY);
        }
    }

    fn place(&self) -> PathBuf {
        self.parts.settings.folder().join("cache").join("yield.json")
    }

    /// Shows what was known before the start.
    fn show_kept(&mut self) {
        let bytes = files::read_bounded(&self.place(), KEPT_LIMIT).ok();
        let rows = bytes.and_then(|bytes| serde_json::from_slice::<Rows>(&bytes).ok());
        let connection = self.parts.settings.get().connection;
        let ours = |rows: &Rows| rows.server_id == connection.server_id && !connection.token_encrypted.is_empty();
        self.rows = rows.filter(|rows| rows.is_for(&self.query) && ours(rows));
        let query = self.query.clone();
        self.parts.slice.set(YieldSlice { query, picture: Remote::Idle });
        self.show(|picture| Remote::Loading(Some(picture)));
    }

    /// Writes the picture down, now or when it is time again. A cache that cannot be written is only logged.
    fn keep(&mut self, now: bool) {
        let Some(rows) = self.rows.as_ref().filter(|_| now || self.kept_at.is_none_or(|at| at.elapsed() >= KEEP_EVERY)) else { return };
        self.kept_at = Some(Instant::now());
        let path = self.place();
        let written = path
            .parent()
            .map_or(Ok(()), files::make_private_folder)
            .and_then(|()| files::write_whole(&path, &serde_json::to_vec(rows).unwrap_or_default()));
        if let Err(error) = written {
            tracing::warn!(%error, "the last yield could not be kept");
        }
    }
}

const KEPT_LIMIT: u64 = 16 * 1024 * 1024;

fn period_from(name: &str) -> Period {
    match name {
        "today" => Period::Today,
        "last_seven_days" => Period::LastSevenDays,
        _ => Period::LastEightHours,
    }
}

fn period_name(period: Period) -> &'static str {
    match period {
        Period::LastEightHours => "last_eight_hours",
        Period::Today => "today",
        Period::LastSevenDays => "last_seven_days",
    }
}

#[cfg(test)]
mod tests;

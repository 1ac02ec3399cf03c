//! The service that brings reports to the server: in order per unit, several units at a time, for as long as it takes.
//! What a crash may interrupt is only ever sent again under the same id, which the server acknowledges without doubling.

mod flights;
mod outcomes;
mod plan;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use tokio::sync::mpsc;
use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;

use super::super::bridge::{Notice, Slice};
use super::super::command::QueueCommand;
use super::super::link::{Link, LinkReceiver, Observer};
use super::super::model::{QueueFilter, QueueSlice};
use super::Queue;
use super::commands::Exporting;
use super::error::QueueError;
use super::flight::Flight;
use super::refusals::Refusals;
use super::schedule::Schedule;
use super::store::{Answer, Job, Outcome};
use super::view::Wanted;
use super::work::FORGET_A_STEP;

/// Ends of tries are written together: this many, or this long after the first. A crash before that sends them again.
const OUTCOMES_A_WRITE: usize = 64;
const OUTCOMES_WAIT: Duration = Duration::from_millis(200);
/// Pictures for the window come no faster.
const PUBLISH_EVERY: Duration = Duration::from_millis(150);
/// How often another program's work is looked for, and the file tidied.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const TIDY_EVERY: Duration = Duration::from_secs(60);
/// The wait after the queue's own file could not be read or written.
const DISK_WAIT: Duration = Duration::from_secs(3);
/// After being away this long, a server that is back gets everything at once; after a blink each report keeps its wait,
/// so that one report that always fails does not hammer.
const REAL_OUTAGE: Duration = Duration::from_secs(3);
/// How long requests under way may take when the program ends.
const LAST_WAIT: Duration = Duration::from_millis(1500);

/// Delivers until `stop`. Requests are started only while the link is connected.
pub(crate) async fn run(
    queue: Queue,
    link: LinkReceiver,
    observer: Observer,
    slice: Slice<QueueSlice>,
    mut inbox: mpsc::Receiver<QueueCommand>,
    notices: mpsc::Sender<Notice>,
    stop: CancellationToken,
) {
    let mut health = queue.0.health.clone();
    let mut links = link;
    let mut courier = Courier::new(queue, observer, slice, notices);
    let first = links.borrow_and_update().clone();
    courier.relink(first).await;
    loop {
        courier.pump();
        courier.publish().await;
        let wake = tokio::time::Instant::from_std(courier.next_wake());
        tokio::select! {
            () = stop.cancelled() => break,
            command = inbox.recv() => match command {
                Some(command) => courier.obey(command).await,
                None => break,
            },
            changed = links.changed() => {
                let link = links.borrow_and_update().clone();
                courier.relink(link).await;
                if changed.is_err() { break }
            }
            changed = health.changed() => if changed.is_ok() { courier.load_new(&mut health).await } else { break },
            Some(ended) = courier.flights.join_next_with_id() => courier.landed(ended),
            Some(ended) = courier.writes.join_next() => courier.written(ended).await,
            Some(ended) = courier.export.ended() => courier.exported(ended),
            () = tokio::time::sleep_until(wake) => courier.tick().await,
        }
    }
    courier.close().await;
}

type Written = (Vec<Outcome>, Result<Answer, QueueError>);

pub(super) struct Courier {
    pub(super) queue: Queue,
    observer: Observer,
    slice: Slice<QueueSlice>,
    pub(super) notices: mpsc::Sender<Notice>,
    pub(super) link: Link,
    offline_since: Option<Instant>,
    /// The queue has not been told yet which server was signed in to.
    to_bind: bool,
    refusals: Refusals,
    pub(super) schedule: Schedule,
    /// The last place in line that was looked at.
    last_seq: i64,
    flights: JoinSet<Flight>,
    /// The place in line and the server of each.
    flying: HashMap<Id, (i64, String)>,
    /// Ends of tries that are not written yet, and those being written.
    outcomes: Vec<Outcome>,
    write_due: Option<Instant>,
    /// After a failed write, when the next is worth a try.
    disk_wait: Option<Instant>,
    writes: JoinSet<Written>,
    being_written: Vec<Outcome>,
    pub(super) paused_until: Option<Instant>,
    pub(super) wanted: Wanted,
    pub(super) changed: bool,
    published_at: Option<Instant>,
    look_at: Instant,
    tidy_at: Instant,
    last_delivery: Option<DateTime<Utc>>,
    pub(super) export: Exporting,
}

impl Courier {
    fn new(queue: Queue, observer: Observer, slice: Slice<QueueSlice>, notices: mpsc::Sender<Notice>) -> Courier {
        let now = Instant::now();
        let newest = queue.list(QueueFilter::Delivered, 1).ok().and_then(|rows| rows.into_iter().next());
        Courier {
            observer,
            slice,
            notices,
            link: Link::default(),
            offline_since: Some(now),
            to_bind: false,
            refusals: Refusals::default(),
            schedule: Schedule::default(),
            last_seq: 0,
            flights: JoinSet::new(),
            flying: HashMap::new(),
            outcomes: Vec::new(),
            write_due: None,
            disk_wait: None,
            writes: JoinSet::new(),
            being_written: Vec::new(),
            paused_until: None,
            wanted: Wanted::default(),
            changed: true,
            published_at: None,
            look_at: now + LOOK_EVERY,
            tidy_at: now,
            last_delivery: newest.and_then(|row| row.delivered_at),
            export: Exporting::default(),
            queue,
        }
    }

    /// The session says something new about the server.
    async fn relink(&mut self, link: Link) {
        let now = Instant::now();
        let other_server = link.server_id != self.link.server_id;
        if link.api.as_ref().map(Arc::as_ptr) != self.link.api.as_ref().map(Arc::as_ptr) {
            // Another token or address may be welcome.
            self.refusals = Refusals::default();
            self.paused_until = None;
        }
        if link.online().is_none() {
            self.offline_since.get_or_insert(now);
        } else if self.offline_since.take().is_some_and(|since| now - since >= REAL_OUTAGE) {
            self.send_now();
        }
        self.link = link;
        self.changed = true;
        if other_server {
            self.to_bind = !self.link.server_id.is_empty();
        }
        if self.to_bind {
            self.bind().await;
        } else if other_server || self.last_seq == 0 {
            self.reload().await;
        }
    }

    /// Gives the server signed in to what nobody owns. Where that cannot be written now, the next tick tries again.
    async fn bind(&mut self) {
        match self.queue.ask(Job::Bind(self.link.server_id.clone())).await {
            Ok(_) => self.to_bind = false,
            Err(error) => tracing::error!("waiting reports could not be bound to the server: {error}"),
        }
        self.reload().await;
    }

    pub(super) fn send_now(&mut self) {
        self.schedule.hurry();
        self.refusals.hurry();
        self.paused_until = None;
    }

    /// Starts as many tries as may run, and the write of those that are over when it is time.
    fn pump(&mut self) {
        let now = Instant::now();
        self.schedule.wake(now);
        self.paused_until = self.paused_until.filter(|until| *until > now);
        self.start();
        let idle = self.flights.is_empty() || self.outcomes.len() >= OUTCOMES_A_WRITE;
        if self.disk_wait.is_none_or(|until| until <= now) && (idle || self.write_due.is_some_and(|due| due <= now)) {
            self.write();
        }
    }

    fn next_wake(&self) -> Instant {
        let publish = self.published_at.filter(|_| self.changed).map(|at| at + PUBLISH_EVERY);
        let due = self.schedule.next_due().filter(|_| self.link.online().is_some());
        let delivery = due.map(|due| due.max(self.paused_until.unwrap_or(due))).or(self.paused_until);
        let write = self.write_due.filter(|_| self.writes.is_empty());
        [publish, delivery, write].into_iter().flatten().fold(self.look_at.min(self.tidy_at), Instant::min)
    }

    async fn tick(&mut self) {
        let now = Instant::now();
        self.changed |= self.export.progress().is_some();
        if self.look_at <= now {
            self.look_at = now + LOOK_EVERY;
            if self.to_bind {
                self.bind().await;
            }
            if let Ok(Answer::Outside(true)) = self.queue.ask(Job::Look).await {
                self.reload().await;
            }
        }
        if self.tidy_at <= now {
            let answer = self.queue.ask(Job::Tidy).await;
            let more = matches!(answer, Ok(Answer::Count(count)) if count >= FORGET_A_STEP);
            self.tidy_at = now + if more { LOOK_EVERY } else { TIDY_EVERY };
        }
    }

    /// Lets requests under way end, for a short while, and writes down how they did.
    async fn close(mut self) {
        self.export.cancel();
        let _ = tokio::time::timeout(LAST_WAIT, async {
            while let Some(ended) = self.flights.join_next_with_id().await {
                self.landed(ended);
            }
            while let Some(ended) = self.writes.join_next().await {
                self.written(ended).await;
            }
        })
        .await;
        if !self.outcomes.is_empty() {
            let _ = tokio::time::timeout(LAST_WAIT / 2, self.queue.ask(Job::Settle(self.outcomes))).await;
        }
    }
}

//! The service that brings reports to the server: in order per unit, several units at a time, for as long as it takes.
//! What a crash may interrupt is only ever sent again under the same id, which the server acknowledges without doubling.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use rusqlite::Connection;
use tokio::sync::{mpsc, watch};
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::super::bridge::{Notice, Slice};
use super::super::command::QueueCommand;
use super::super::health::chance;
use super::super::link::{Link, LinkReceiver, Observer};
use super::super::model::{QueueFilter, QueueSlice};
use super::commands::Exporting;
use super::error::QueueError;
use super::flight::{Flight, Missed, fly};
use super::refusals::Refusals;
use super::schedule::Schedule;
use super::store::{Answer, End, Job, Outcome};
use super::verdict::Verdict;
use super::view::{self, Live, Wanted};
use super::work::FORGET_A_STEP;
use super::writer::Health;
use super::{Queue, read};

/// Reports under way at a time, each of another unit.
const FLIGHTS: usize = 4;
/// Ends of tries are written together: this many, or this long after the first. A crash before that sends them again.
const OUTCOMES_A_WRITE: usize = 64;
const OUTCOMES_WAIT: Duration = Duration::from_millis(200);
/// With so many unwritten ends no new try is started: the disk is in trouble.
const OUTCOMES_LIMIT: usize = 1000;
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

    fn start(&mut self) {
        if self.paused_until.is_some() || self.outcomes.len() >= OUTCOMES_LIMIT {
            return;
        }
        let Some(api) = self.link.online() else { return };
        let flights = if self.refusals.are_general() { 1 } else { FLIGHTS };
        while self.flights.len() < flights {
            let Some(seq) = self.schedule.take(&self.link.server_id) else { break };
            let handle = self.flights.spawn(fly(self.queue.clone(), api.clone(), seq));
            self.flying.insert(handle.id(), (seq, self.link.server_id.clone()));
            self.changed = true;
        }
    }

    fn landed(&mut self, ended: Result<(Id, Flight), JoinError>) {
        self.changed = true;
        let id = match &ended {
            Ok((id, _)) => *id,
            Err(error) => error.id(),
        };
        let Some((seq, server_id)) = self.flying.remove(&id) else { return };
        match ended {
            Ok((_, flight)) => self.judge(flight, server_id),
            Err(error) => {
                tracing::error!("a delivery broke off: {error}");
                self.schedule.land(seq, Instant::now() + DISK_WAIT);
            }
        }
    }

    fn judge(&mut self, Flight { seq, digest, end }: Flight, server_id: String) {
        let now = Instant::now();
        let result = match end {
            Ok(()) => Ok(()),
            Err(Missed::Api(error)) => Err(error),
            Err(Missed::Gone) => return self.schedule.remove(seq),
            Err(Missed::Queue(error)) => {
                tracing::error!("a waiting report could not be read: {error}");
                self.schedule.land(seq, now + DISK_WAIT);
                return;
            }
        };
        self.observer.saw(&result);
        if let Some(pause) = self.refusals.note(&result) {
            self.paused_until = self.paused_until.max(Some(now + pause));
        }
        let verdict = Verdict::of(result, self.schedule.tries(seq), chance());
        match &verdict {
            Verdict::Delivered => {
                self.last_delivery = Some(self.queue.0.clock.now());
                self.schedule.remove(seq);
            }
            Verdict::Refused(_) => self.schedule.remove(seq),
            Verdict::Again { wait, pause, .. } => {
                self.schedule.land(seq, now + *wait);
                if *pause {
                    self.paused_until = self.paused_until.max(Some(now + *wait));
                }
            }
        }
        self.outcomes.push(Outcome { seq, digest, server_id, end: verdict.end() });
        self.write_due.get_or_insert(now + OUTCOMES_WAIT);
    }

    /// Writes the ends of tries, one write at a time.
    fn write(&mut self) {
        if self.outcomes.is_empty() || !self.writes.is_empty() {
            return;
        }
        (self.write_due, self.disk_wait) = (None, None);
        self.being_written = std::mem::take(&mut self.outcomes);
        let (queue, outcomes) = (self.queue.clone(), self.being_written.clone());
        self.writes.spawn(async move {
            let answer = queue.ask(Job::Settle(outcomes.clone())).await;
            (outcomes, answer)
        });
    }

    async fn written(&mut self, ended: Result<Written, JoinError>) {
        self.changed = true;
        let outcomes = std::mem::take(&mut self.being_written);
        match ended.map(|(_, answer)| answer) {
            Ok(Ok(Answer::Stale(stale))) if stale.is_empty() => {}
            Ok(Ok(_)) => self.reload().await,
            Ok(Err(error)) => {
                tracing::error!("{} ends of deliveries could not be written: {error}", outcomes.len());
                self.keep(outcomes);
            }
            Err(error) => {
                tracing::error!("writing the ends of deliveries broke off: {error}");
                self.keep(outcomes);
            }
        }
    }

    fn keep(&mut self, outcomes: Vec<Outcome>) {
        self.outcomes.splice(0..0, outcomes);
        self.disk_wait = Some(Instant::now() + DISK_WAIT);
        self.write_due = self.disk_wait;
    }

    /// Takes in what this program has accepted since the last look.
    async fn load_new(&mut self, health: &mut watch::Receiver<Health>) {
        health.borrow_and_update();
        self.changed = true;
        let after = self.last_seq;
        match self.read(move |db| read::pending(db, after)).await {
            Ok(reports) => {
                for report in &reports {
                    self.schedule.put(report);
                    self.last_seq = report.seq;
                }
            }
            Err(error) => tracing::error!("new reports could not be looked at: {error}"),
        }
    }

    /// Makes the plan agree with the disk, after changes that are more than new reports.
    pub(super) async fn reload(&mut self) {
        self.changed = true;
        match self.read(|db| read::pending(db, 0)).await {
            Ok(mut reports) => {
                self.last_seq = self.last_seq.max(reports.last().map_or(0, |report| report.seq));
                let done = |outcome: &&Outcome| !matches!(outcome.end, End::Failed(_));
                let ended: Vec<i64> = self.outcomes.iter().chain(&self.being_written).filter(done).map(|outcome| outcome.seq).collect();
                reports.retain(|report| !ended.contains(&report.seq));
                self.schedule.reset(&reports);
            }
            Err(error) => tracing::error!("the queue could not be looked at: {error}"),
        }
    }

    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, QueueError> + Send + 'static,
    ) -> Result<T, QueueError> {
        let queue = self.queue.clone();
        tokio::task::spawn_blocking(move || read(&queue.reader())).await.map_err(|_| QueueError::Closed)?
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

    async fn publish(&mut self) {
        let now = Instant::now();
        if !self.changed || self.published_at.is_some_and(|at| now < at + PUBLISH_EVERY) {
            return;
        }
        (self.changed, self.published_at) = (false, Some(now));
        let wanted = self.wanted;
        match self.read(move |db| view::read(db, wanted)).await {
            Ok(read) => self.slice.set(view::draw(wanted, read, self.live(now))),
            Err(error) => self.slice.update(|slice| slice.trouble = Some(error.explain())),
        }
    }

    fn live(&self, now: Instant) -> Live<'_> {
        Live {
            schedule: &self.schedule,
            flying: self.flights.len() as u64,
            server_id: &self.link.server_id,
            limits: self.queue.limits(),
            health: self.queue.0.health.borrow().clone(),
            refused: self.refusals.explain(),
            last_delivery: self.last_delivery,
            problem: self.queue.problem(),
            busy: self.export.progress(),
            now: (now, self.queue.0.clock.now()),
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

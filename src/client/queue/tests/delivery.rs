//! The sender against a scripted server over real sockets: what it asks, in which order, and what it shows.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::super::super::api::{Api, Http, Identity};
use super::super::super::bridge::{Notice, Publisher};
use super::super::super::command::QueueCommand;
use super::super::super::link::{Link, Observer};
use super::super::super::model::{Model, QueueFilter, QueueSlice, QueueState};
use super::super::super::peer::{Answer, Asked, Peer, json, until};
use super::super::super::server_url::ServerUrl;
use super::super::super::tunnel::Way;
use super::super::{Limits, Queue, run};
use super::submission;
use crate::domain::connection::{Connection, Event, Trouble};
use crate::support::clock::Clock;
use crate::support::secret::Secret;

struct Station {
    folder: TempDir,
    queue: Queue,
    clock: Clock,
    link: watch::Sender<Link>,
    model: watch::Receiver<Model>,
    commands: mpsc::Sender<QueueCommand>,
    notices: mpsc::Receiver<Notice>,
    events: mpsc::Receiver<Event>,
    pictures: Arc<AtomicUsize>,
    stop: CancellationToken,
    service: tokio::task::JoinHandle<()>,
}

impl Station {
    fn start() -> Station {
        let folder = TempDir::new().unwrap();
        let clock = Clock::held(chrono::DateTime::from_timestamp(1_760_000_000, 0).unwrap());
        let queue = Queue::open(folder.path(), clock.clone(), Limits::default()).unwrap();
        let pictures = Arc::new(AtomicUsize::new(0));
        let counter = pictures.clone();
        let (publisher, model) = Publisher::new(Arc::new(move || {
            counter.fetch_add(1, Ordering::SeqCst);
        }));
        let (link, links) = watch::channel(Link::default());
        let (commands, inbox) = mpsc::channel(8);
        let (notice_sender, notices) = mpsc::channel(8);
        let (event_sender, events) = mpsc::channel(5000);
        let stop = CancellationToken::new();
        let slice = publisher.slice(|model| &mut model.queue);
        let service = tokio::spawn(run(queue.clone(), links, Observer(event_sender), slice, inbox, notice_sender, stop.clone()));
        Station { folder, queue, clock, link, model, commands, notices, events, pictures, stop, service }
    }

    fn connect(&self, peer: &Peer, server_id: &str) {
        let server = ServerUrl::parse(&peer.url).unwrap();
        let http = Http::new(&server, &[], Way::direct()).unwrap();
        let api = Api::new(http, server, Secret::new("token".to_owned()), Identity::Unknown);
        let link = Link { api: Some(Arc::new(api)), server_id: server_id.to_owned(), state: Connection::Connected, ..Link::default() };
        self.link.send_replace(link);
    }

    fn lose_server(&self) {
        self.link.send_modify(|link| link.state = Connection::Offline(Trouble::Unreachable));
    }

    async fn submit(&self, id: u128, serial: &str) {
        self.queue.enqueue(submission(id, serial, &format!("{{\"report\": {id}}}"))).await.unwrap();
    }

    /// The sender has told the queue which server was signed in to.
    async fn is_bound_to(&self, server_id: &str) {
        let known = || self.queue.reader().query_row("select value from fact where name = 'server'", [], |row| row.get::<_, String>(0));
        let _ = until("the sign-in is known", known, |known| known.as_deref() == Ok(server_id)).await;
    }

    async fn shows(&self, what: &str, good: impl Fn(&QueueSlice) -> bool) -> QueueSlice {
        until(what, || QueueSlice::clone(&self.model.borrow().queue), good).await
    }

    async fn ask(&mut self, command: QueueCommand) -> Notice {
        self.commands.send(command).await.unwrap();
        tokio::time::timeout(Duration::from_secs(10), self.notices.recv()).await.expect("a notice").unwrap()
    }

    async fn end(self) {
        self.stop.cancel();
        self.service.await.unwrap();
    }
}

fn good(_: &Asked) -> Answer {
    json(200, "[]")
}

fn number(asked: &Asked) -> u128 {
    let text = String::from_utf8(asked.body.clone()).unwrap();
    text.trim_start_matches("{\"report\": ").trim_end_matches('}').parse().unwrap()
}

fn numbers(peer: &Peer) -> Vec<u128> {
    peer.asked().iter().map(number).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_reports_arrive_once_in_order_per_unit_and_the_window_is_not_flooded() {
    let station = Station::start();
    let peer = Peer::start(good).await;
    for id in 0..1000 {
        station.submit(id, &format!("unit {}", id % 50)).await;
    }
    station.shows("all wait", |slice| slice.waiting == 1000).await;
    assert_eq!(peer.asked().len(), 0, "nobody is signed in");
    let (started, before) = (std::time::Instant::now(), station.pictures.load(Ordering::SeqCst));
    station.connect(&peer, "line");
    let slice = station.shows("all are delivered", |slice| slice.delivered == 1000 && slice.pending() == 0).await;
    let pictures = station.pictures.load(Ordering::SeqCst) - before;
    assert!(pictures as f64 <= started.elapsed().as_secs_f64() * 10.0 + 2.0, "{pictures} in {:?}", started.elapsed());
    assert_eq!(slice.bytes, 0);
    let mut by_unit: HashMap<u128, Vec<u128>> = HashMap::new();
    for number in numbers(&peer) {
        by_unit.entry(number % 50).or_default().push(number);
    }
    assert!(by_unit.values().all(|numbers| numbers.len() == 20 && numbers.is_sorted()), "{by_unit:?}");
    station.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poison_report_lies_in_quarantine_with_the_servers_sentence_and_the_next_goes_on() {
    let mut station = Station::start();
    let peer = Peer::start(|asked| match number(asked) {
        1 => json(400, r#"{"error":"The process 7 is not known.","code":"unknown_process"}"#),
        _ => json(200, "[]"),
    })
    .await;
    for id in 1..=4 {
        station.submit(id, "A").await;
    }
    station.connect(&peer, "line");
    station.shows("the others are delivered", |slice| slice.delivered == 3 && slice.quarantined == 1).await;
    assert_eq!(numbers(&peer), [1, 2, 3, 4]);
    station.commands.send(QueueCommand::Show(QueueFilter::Quarantined)).await.unwrap();
    let slice = station.shows("the row", |slice| slice.filter == QueueFilter::Quarantined).await;
    assert_eq!((slice.rows.len(), slice.rows[0].last_error.as_str()), (1, "The process 7 is not known."));
    peer.answer(good);
    let notice = station.ask(QueueCommand::RetryAllQuarantined).await;
    assert_eq!(notice, Notice::Done { key: "queue_retried", values: vec![("n", "1".to_owned())] });
    station.shows("it is delivered", |slice| slice.delivered == 4 && slice.quarantined == 0).await;
    station.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_answers_and_errors_are_tried_again_until_the_server_says_yes() {
    let mut station = Station::start();
    let count = Arc::new(AtomicUsize::new(0));
    let turn = count.clone();
    let peer = Peer::start(move |_| match turn.fetch_add(1, Ordering::SeqCst) {
        0 => Answer(0, Vec::new(), String::new()),
        1 => json(500, r#"{"error":"out of order"}"#),
        _ => json(200, "[]"),
    })
    .await;
    station.submit(1, "A").await;
    station.submit(2, "A").await;
    station.connect(&peer, "line");
    station.clock.push(TimeDelta::days(-1));
    station.shows("both are delivered", |slice| slice.delivered == 2).await;
    assert_eq!(numbers(&peer), [1, 1, 1, 2], "in order, although the first failed twice");
    let events: Vec<Event> = std::iter::from_fn(|| station.events.try_recv().ok()).collect();
    let failed = |trouble| Event::Failed(trouble);
    assert_eq!(events, [failed(Trouble::Unreachable), failed(Trouble::ServerError), Event::Answered, Event::Answered]);
    let history = station.queue.events(Uuid::from_u128(1)).unwrap().unwrap();
    assert_eq!(history.len(), 4, "{history:?}");
    station.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_asks_for_time_is_left_alone_for_as_long() {
    let station = Station::start();
    let count = Arc::new(AtomicUsize::new(0));
    let turn = count.clone();
    let peer = Peer::start(move |_| match turn.fetch_add(1, Ordering::SeqCst) {
        0 => Answer(429, vec![("retry-after", "2".to_owned())], "{}".to_owned()),
        _ => json(200, "[]"),
    })
    .await;
    station.submit(1, "A").await;
    station.connect(&peer, "line");
    station.shows("it waits", |slice| slice.rows.first().is_some_and(|row| row.tries == 1 && row.next_try.is_some())).await;
    let asked = std::time::Instant::now();
    station.submit(2, "B").await;
    station.shows("both are delivered", |slice| slice.delivered == 2).await;
    assert!(asked.elapsed() > Duration::from_millis(1500), "{:?}", asked.elapsed());
    station.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_while_the_server_is_away_and_all_at_once_when_it_is_back() {
    let mut station = Station::start();
    let peer = Peer::start(|_| json(401, "{}")).await;
    station.connect(&peer, "line");
    station.submit(1, "A").await;
    let event = tokio::time::timeout(Duration::from_secs(10), station.events.recv()).await.unwrap();
    assert_eq!(event, Some(Event::TokenRefused));
    station.link.send_replace(Link::default());
    station.shows("it waits", |slice| slice.waiting == 1 && slice.sending == 0).await;
    let asked = peer.asked().len();
    for id in 2..=20 {
        station.submit(id, "B").await;
    }
    station.shows("all wait", |slice| slice.waiting == 20).await;
    assert_eq!(peer.asked().len(), asked);
    peer.answer(good);
    station.connect(&peer, "line");
    station.shows("all are delivered", |slice| slice.delivered == 20).await;
    station.lose_server();
    station.submit(21, "C").await;
    station.shows("the last waits", |slice| slice.waiting == 1).await;
    station.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_for_another_server_wait_until_a_person_releases_them() {
    let mut station = Station::start();
    let peer = Peer::start(good).await;
    station.connect(&peer, "old");
    station.is_bound_to("old").await;
    station.lose_server();
    station.submit(1, "A").await;
    station.connect(&peer, "new");
    station.is_bound_to("new").await;
    station.submit(2, "A").await;
    let slice = station.shows("one is foreign", |slice| slice.delivered == 1 && slice.for_other_server == 1).await;
    assert_eq!(numbers(&peer), [2]);
    assert!(slice.rows.iter().all(|row| row.foreign && row.server_id == "old" && row.state == QueueState::Waiting));
    let notice = station.ask(QueueCommand::Release(vec![Uuid::from_u128(1)])).await;
    assert_eq!(notice, Notice::Done { key: "queue_released", values: vec![("n", "1".to_owned())] });
    station.shows("it is delivered", |slice| slice.delivered == 2 && slice.for_other_server == 0).await;
    station.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_released_while_it_is_on_its_way_to_the_server_before_goes_to_the_new_one_too() {
    let mut station = Station::start();
    let (go, gate) = std::sync::mpsc::channel::<()>();
    let old = Peer::start(move |asked| {
        // What else waits on this thread goes on elsewhere.
        let _ = tokio::task::block_in_place(|| gate.recv_timeout(Duration::from_secs(10)));
        good(asked)
    })
    .await;
    let new = Peer::start(good).await;
    station.connect(&old, "old");
    station.submit(1, "A").await;
    station.shows("it is on its way", |slice| slice.sending == 1).await;
    station.connect(&new, "new");
    station.is_bound_to("new").await;
    station.ask(QueueCommand::Release(vec![Uuid::from_u128(1)])).await;
    go.send(()).unwrap();
    until("the new server has it", || numbers(&new), |numbers| numbers == &[1]).await;
    station.shows("it is delivered once", |slice| slice.delivered == 1 && slice.pending() == 0).await;
    assert_eq!(numbers(&old), [1]);
    station.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_written_anew_while_it_waits_for_another_server_goes_to_the_present_one() {
    let station = Station::start();
    let (old, new) = (Peer::start(good).await, Peer::start(good).await);
    station.connect(&old, "old");
    station.is_bound_to("old").await;
    station.lose_server();
    station.submit(1, "A").await;
    station.connect(&new, "new");
    station.is_bound_to("new").await;
    station.shows("it is foreign", |slice| slice.for_other_server == 1).await;
    station.queue.enqueue(submission(1, "A", "{\"report\": 2}")).await.unwrap();
    let slice = station.shows("it is delivered", |slice| slice.delivered == 1).await;
    assert_eq!(slice.waiting, 0);
    station.shows("nothing is foreign", |slice| slice.for_other_server == 0).await;
    assert_eq!((numbers(&old), numbers(&new)), (Vec::new(), vec![2]));
    station.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_programs_report_is_noticed_and_delivered() {
    let station = Station::start();
    let peer = Peer::start(good).await;
    station.connect(&peer, "line");
    let other = super::open(station.folder.path());
    other.enqueue(submission(1, "A", "{\"report\": 1}")).await.unwrap();
    station.shows("it is delivered", |slice| slice.delivered == 1).await;
    assert_eq!(other.find(Uuid::from_u128(1)).unwrap().unwrap().state, QueueState::Delivered);
    station.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_under_way_when_the_program_ended_is_written_down() {
    let station = Station::start();
    let peer = Peer::start(good).await;
    station.connect(&peer, "line");
    station.submit(1, "A").await;
    until("the server has it", || peer.asked().len(), |asked| *asked == 1).await;
    let queue = station.queue.clone();
    station.end().await;
    assert_eq!(queue.count_blocking().unwrap().delivered, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_are_exported_and_deleted_by_hand() {
    let mut station = Station::start();
    station.submit(1, "A").await;
    station.submit(2, "B").await;
    let folder = station.folder.path().join("out");
    let notice = station.ask(QueueCommand::Export { ids: [1, 2].map(Uuid::from_u128).to_vec(), folder: folder.clone() }).await;
    assert_eq!(
        notice,
        Notice::Done { key: "queue_exported", values: vec![("n", "2".to_owned()), ("folder", folder.display().to_string())] }
    );
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 2);
    let notice = station.ask(QueueCommand::Delete(vec![Uuid::from_u128(1)])).await;
    assert_eq!(notice, Notice::Done { key: "queue_deleted", values: vec![("n", "1".to_owned())] });
    let is_second = |slice: &QueueSlice| slice.rows.iter().map(|row| row.id).eq([Uuid::from_u128(2)]);
    station.shows("the other is left", |slice| slice.waiting == 1 && is_second(slice)).await;
    let notice = station.ask(QueueCommand::Release(vec![Uuid::from_u128(2)])).await;
    assert!(matches!(notice, Notice::Failed(explanation) if explanation.key == "release_needs_server"));
    station.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_refuses_the_station_does_not_empty_the_queue_into_quarantine() {
    let mut station = Station::start();
    let permitted = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let may = permitted.clone();
    let answer = move |_: &Asked| match may.load(Ordering::SeqCst) {
        true => json(200, "[]"),
        false => json(403, r#"{"error":"This needs the permission submit_reports.","code":"forbidden","request_id":"1"}"#),
    };
    let peer = Peer::start(answer).await;
    for id in 0..100 {
        station.submit(id, &format!("unit {id}")).await;
    }
    station.connect(&peer, "line");
    let slice = station.shows("the trouble is said", |slice| slice.trouble.is_some() && slice.sending == 0).await;
    let trouble = slice.trouble.unwrap();
    assert_eq!((trouble.key, trouble.detail.as_str()), ("queue_refused", "403: This needs the permission submit_reports."));
    let slice = station.shows("the refused are in quarantine", |slice| slice.quarantined == peer.asked().len() as u64).await;
    assert!((20..30).contains(&slice.quarantined), "{slice:?}");
    assert_eq!(slice.waiting + slice.quarantined, 100);
    permitted.store(true, Ordering::SeqCst);
    station.ask(QueueCommand::RetryAllQuarantined).await;
    let slice = station.shows("all are delivered", |slice| slice.delivered == 100).await;
    assert_eq!((slice.trouble, slice.quarantined), (None, 0));
    station.end().await;
}

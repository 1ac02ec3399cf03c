//! Random lives of a queue against a model of a few lines: nothing lost, nothing doubled, order kept per unit.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use tempfile::TempDir;
use uuid::Uuid;

use super::super::super::api::ApiError;
use super::super::read;
use super::super::schedule::Schedule;
use super::super::store::{End, Job, Outcome};
use super::super::verdict::Verdict;
use super::super::{Accepted, Queue};
use super::{open, submission};

const SERVERS: [&str; 2] = ["one", "two"];

#[derive(Clone, Copy, Debug)]
enum Act {
    /// One of a few reports of three units, with one of two contents.
    Submit {
        report: u8,
        content: u8,
    },
    /// A try that ends like this; the answer may get lost on the way back.
    Deliver(Reply),
    /// The program dies, with everything it had only in memory.
    Crash,
    SignIn(usize),
    RetryQuarantined,
    ReleaseAll,
    TimePasses,
}

#[derive(Clone, Copy, Debug)]
enum Reply {
    Stored,
    StoredButLost,
    Dies,
    Busy,
    Refuses,
    TokenRefused,
}

fn act() -> impl Strategy<Value = Act> {
    use Reply::*;
    let reply = prop_oneof![4 => Just(Stored), 1 => Just(StoredButLost), 1 => Just(Dies), 1 => Just(Busy), 1 => Just(Refuses), 1 => Just(TokenRefused)];
    prop_oneof![
        6 => (0..12u8, 0..2u8).prop_map(|(report, content)| Act::Submit { report, content }),
        8 => reply.prop_map(Act::Deliver),
        1 => Just(Act::Crash),
        1 => (0..2usize).prop_map(Act::SignIn),
        1 => Just(Act::RetryQuarantined),
        1 => Just(Act::ReleaseAll),
        2 => Just(Act::TimePasses),
    ]
}

/// A station and its servers, as small as they can be.
struct World {
    folder: TempDir,
    queue: Option<Queue>,
    schedule: Schedule,
    now: Instant,
    server: usize,
    /// What each server has, and in which order reports came, by unit.
    stored: [HashMap<Uuid, String>; 2],
    arrived: Vec<(String, Uuid)>,
    /// What was accepted last under each id.
    accepted: BTreeMap<Uuid, String>,
    /// What was accepted and not yet acknowledged by a server.
    owed: HashSet<Uuid>,
    refused: HashMap<Uuid, String>,
}

impl World {
    fn new() -> World {
        let folder = TempDir::new().unwrap();
        let mut world = World {
            queue: Some(open(folder.path())),
            folder,
            schedule: Schedule::default(),
            now: Instant::now(),
            server: 0,
            stored: Default::default(),
            arrived: Vec::new(),
            accepted: BTreeMap::new(),
            owed: HashSet::new(),
            refused: HashMap::new(),
        };
        world.ask(Job::Bind(SERVERS[0].to_owned()));
        world
    }

    fn queue(&self) -> &Queue {
        self.queue.as_ref().unwrap()
    }

    fn ask(&mut self, job: Job) {
        self.queue().ask_blocking(job).unwrap();
        let pending = read::pending(&self.queue().reader(), 0).unwrap();
        self.schedule.reset(&pending);
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Submit { report, content } => {
                let unit = ["A", "B", "C"][usize::from(report % 3)];
                let text = format!("report {report}, content {content}");
                let accepted = self.queue().enqueue_blocking(submission(u128::from(report), unit, &text)).unwrap();
                let id = Uuid::from_u128(u128::from(report));
                if accepted != Accepted::Already {
                    self.owed.insert(id);
                }
                self.accepted.insert(id, text);
                self.ask(Job::Look);
            }
            Act::Deliver(reply) => self.deliver(reply),
            Act::Crash => {
                self.queue = None;
                self.queue = Some(open(self.folder.path()));
                self.schedule = Schedule::default();
                self.ask(Job::Look);
            }
            Act::SignIn(server) => {
                self.server = server;
                self.ask(Job::Bind(SERVERS[server].to_owned()));
            }
            Act::RetryQuarantined => self.ask(Job::Retry(super::super::store::Which::AllQuarantined)),
            Act::ReleaseAll => self.ask(Job::Release(self.queue().undelivered().unwrap(), SERVERS[self.server].to_owned())),
            Act::TimePasses => {
                self.now += Duration::from_secs(400);
                self.schedule.wake(self.now);
            }
        }
    }

    fn deliver(&mut self, reply: Reply) {
        let Some(seq) = self.schedule.take(SERVERS[self.server]) else { return };
        let (text, digest) = read::body(&self.queue().reader(), seq).unwrap().expect("what is planned has a text");
        let pending = read::pending(&self.queue().reader(), seq - 1).unwrap().remove(0);
        if matches!(reply, Reply::Stored | Reply::StoredButLost) {
            self.stored[self.server].insert(pending.id, text.clone());
            assert!(self.owed.contains(&pending.id), "{text} was delivered and is sent again");
            if matches!(reply, Reply::Stored) {
                self.owed.remove(&pending.id);
            }
            self.arrived.push((pending.serial.clone(), pending.id));
        }
        if matches!(reply, Reply::Refuses) {
            self.refused.insert(pending.id, text);
        }
        let verdict = Verdict::of(answer(reply), self.schedule.tries(seq), 1.0);
        if let Verdict::Again { wait, .. } = &verdict {
            self.schedule.land(seq, self.now + *wait);
        } else {
            self.schedule.remove(seq);
        }
        self.queue().ask_blocking(Job::Settle(vec![Outcome { seq, digest, server_id: pending.server_id, end: verdict.end() }])).unwrap();
    }

    /// A quiet week: everything that can be delivered is.
    fn come_to_rest(&mut self) {
        for (index, server) in SERVERS.iter().enumerate() {
            self.act(Act::SignIn(index));
            while self.schedule.waiting() > self.schedule.foreign(server) {
                self.act(Act::TimePasses);
                self.deliver(Reply::Stored);
            }
        }
    }
}

fn answer(reply: Reply) -> Result<(), ApiError> {
    match reply {
        Reply::Stored => Ok(()),
        Reply::StoredButLost | Reply::Dies => Err(ApiError::Unreachable("cut".to_owned())),
        Reply::Busy => Err(ApiError::Later { status: 429, sentence: String::new(), retry_after: Some(Duration::from_secs(9)) }),
        Reply::Refuses => Err(ApiError::Refused { status: 400, code: String::new(), sentence: "no".to_owned() }),
        Reply::TokenRefused => Err(ApiError::TokenRefused { sentence: String::new() }),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_each_report_is_on_a_server_or_in_quarantine(acts in prop::collection::vec(act(), 1..60)) {
        let mut world = World::new();
        for act in &acts {
            world.act(*act);
            let totals = world.queue().totals();
            prop_assert_eq!(totals, world.queue().count_blocking().unwrap(), "the totals kept in memory are those of the disk");
        }
        world.come_to_rest();
        prop_assert_eq!(world.queue().totals().waiting, 0);
        for (id, text) in &world.accepted {
            let delivered = world.stored.iter().any(|stored| stored.get(id) == Some(text));
            let quarantined = world.refused.get(id) == Some(text);
            prop_assert!(delivered || quarantined, "{} is lost", text);
        }
    }

    #[test]
    fn reports_of_a_unit_arrive_in_the_order_they_were_accepted(replies in prop::collection::vec(0..4u8, 1..60)) {
        let mut world = World::new();
        for report in 0..12 {
            world.act(Act::Submit { report, content: 0 });
        }
        for reply in replies {
            let reply = [Reply::Stored, Reply::StoredButLost, Reply::Dies, Reply::Busy][usize::from(reply)];
            world.act(Act::Deliver(reply));
            world.act(if matches!(reply, Reply::Dies) { Act::Crash } else { Act::TimePasses });
        }
        world.come_to_rest();
        for unit in ["A", "B", "C"] {
            let mut ids: Vec<u128> = world.arrived.iter().filter(|(serial, _)| serial == unit).map(|(_, id)| id.as_u128()).collect();
            ids.dedup();
            prop_assert!(ids.is_sorted(), "{} arrived as {:?}", unit, ids);
            prop_assert_eq!(ids.len(), 4);
        }
    }
}

#[test]
fn the_end_of_a_try_that_never_got_written_is_sent_again_and_not_lost() {
    let mut world = World::new();
    world.act(Act::Submit { report: 1, content: 0 });
    let seq = world.schedule.take(SERVERS[0]).unwrap();
    world.act(Act::Crash);
    assert_eq!(world.schedule.take(SERVERS[0]), Some(seq));
    let (_, digest) = read::body(&world.queue().reader(), seq).unwrap().unwrap();
    world.ask(Job::Settle(vec![Outcome { seq, digest, server_id: SERVERS[0].to_owned(), end: End::Delivered }]));
    assert_eq!(world.queue().totals().delivered, 1);
}

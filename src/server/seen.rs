//! Callers who showed a good credential less than a second ago: looked up once, not for every request. What ends one is heard on the bus
//! and holds at once; what another server or program changed in the database holds within the second.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::TryRecvError;
use tokio::time::Instant;

use super::bus::{Bus, Happening};
use super::caller::Caller;

/// How long a look at the database holds.
const FRESH: Duration = Duration::from_millis(700);
/// From when on whoever asks first looks again, while the others still go by what is known: of a hundred requests at once, one looks.
const RIPE: Duration = Duration::from_millis(450);
/// Callers that are remembered at most.
const MOST: usize = 10_000;

/// A credential, as it is remembered: its digest. One of a person is never found as one of a station, nor the other way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Mark([u8; 32]);

impl Mark {
    pub(super) fn of_person(token: &str) -> Mark {
        Mark::of("person", token)
    }

    pub(super) fn of_station(token: &str) -> Mark {
        Mark::of("station", token)
    }

    fn of(kind: &str, token: &str) -> Mark {
        Mark(Sha256::new().chain_update(kind).chain_update("\n").chain_update(token).finalize().into())
    }
}

pub(super) struct Seen(Mutex<Memory>);

struct Memory {
    callers: HashMap<Mark, Known>,
    news: Receiver<Happening>,
    /// Grows with everything that was forgotten, so that nobody puts back what he looked up before.
    age: u64,
}

/// A caller, when he was looked up, when his credential ends, and whether somebody is looking again.
struct Known {
    caller: Arc<Caller>,
    at: Instant,
    until: DateTime<Utc>,
    renewing: bool,
}

/// What a look-up knows of the memory when it begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Age(u64);

impl Seen {
    pub(super) fn new(bus: &Bus) -> Seen {
        Seen(Mutex::new(Memory { callers: HashMap::new(), news: bus.follow(), age: 0 }))
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        let mut memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        memory.hear();
        memory
    }

    /// The caller and when his credential ends, if he was looked up a moment ago; else what to [`keep`](Seen::keep) him with afterwards.
    pub(super) fn find(&self, mark: Mark, now: DateTime<Utc>) -> Result<(Arc<Caller>, DateTime<Utc>), Age> {
        let mut memory = self.memory();
        let age = Age(memory.age);
        memory.callers.get_mut(&mark).and_then(|known| known.tell(now)).ok_or(age)
    }

    /// Remembers a caller, unless something ended since the look-up began.
    pub(super) fn keep(&self, mark: Mark, caller: &Arc<Caller>, until: DateTime<Utc>, age: Age) {
        let mut memory = self.memory();
        if memory.age != age.0 {
            return;
        }
        if memory.callers.len() >= MOST {
            memory.callers.retain(|_, known| known.at.elapsed() < FRESH);
        }
        if memory.callers.len() < MOST {
            memory.callers.insert(mark, Known { caller: caller.clone(), at: Instant::now(), until, renewing: false });
        }
    }
}

impl Known {
    /// Nothing to whoever shall look again.
    fn tell(&mut self, now: DateTime<Utc>) -> Option<(Arc<Caller>, DateTime<Utc>)> {
        let age = self.at.elapsed();
        let looks_again = age >= RIPE && !std::mem::replace(&mut self.renewing, true);
        (!looks_again && age < FRESH && now < self.until).then(|| (self.caller.clone(), self.until))
    }

    fn is_one_of(&self, ids: &HashSet<String>) -> bool {
        ids.contains(&self.caller.id) || self.caller.session_id.as_ref().is_some_and(|id| ids.contains(id))
    }
}

impl Memory {
    /// Forgets whomever the news since the last look concern.
    fn hear(&mut self) {
        let mut gone: HashSet<String> = HashSet::new();
        loop {
            match self.news.try_recv() {
                Ok(
                    Happening::SessionEnded { session_id: id }
                    | Happening::UserChanged { user_id: id }
                    | Happening::TokenRevoked { token_id: id },
                ) => {
                    gone.insert(id);
                }
                Err(TryRecvError::Lagged(_)) | Ok(Happening::Missed) => self.forget_all(),
                Ok(_) => {}
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        if !gone.is_empty() {
            self.age += 1;
            self.callers.retain(|_, known| !known.is_one_of(&gone));
        }
    }

    fn forget_all(&mut self) {
        self.age += 1;
        self.callers.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Role;

    fn caller(id: &str, session: Option<&str>) -> Arc<Caller> {
        Arc::new(Caller { id: id.to_owned(), name: id.to_owned(), role: Role::Operator, session_id: session.map(str::to_owned) })
    }

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    fn find(seen: &Seen, credential: &str) -> Result<Arc<Caller>, Age> {
        seen.find(Mark::of_person(credential), now()).map(|(caller, _)| caller)
    }

    fn keep(seen: &Seen, credential: &str, caller: &Arc<Caller>) {
        let age = find(seen, credential).unwrap_err();
        seen.keep(Mark::of_person(credential), caller, now() + chrono::TimeDelta::minutes(1), age);
    }

    #[tokio::test]
    async fn a_caller_is_known_for_less_than_a_second() {
        let seen = Seen::new(&Bus::new());
        keep(&seen, "a", &caller("u1", Some("s1")));
        assert!(find(&seen, "a").is_ok() && find(&seen, "b").is_err());
        assert!(seen.find(Mark::of_station("a"), now()).is_err());
        assert!(
            seen.find(Mark::of_person("a"), now() + chrono::TimeDelta::minutes(1)).is_err(),
            "a credential that ended is not known any more"
        );
        assert!(tokio::time::timeout(Duration::from_secs(1), ripe(&seen, "a")).await.is_ok());
    }

    #[tokio::test]
    async fn of_many_who_ask_one_looks_again_before_the_caller_is_forgotten() {
        let seen = Seen::new(&Bus::new());
        keep(&seen, "a", &caller("u1", Some("s1")));
        let age = ripe(&seen, "a").await;
        assert!(find(&seen, "a").is_ok(), "the others need not wait for him who looks again");
        seen.keep(Mark::of_person("a"), &caller("u1", Some("s1")), now() + chrono::TimeDelta::minutes(1), age);
        assert!(find(&seen, "a").is_ok());
        ripe(&seen, "a").await;
        let forgotten = tokio::time::timeout(Duration::from_secs(1), ripe(&seen, "a")).await;
        assert!(forgotten.is_ok(), "whoever was not found again is forgotten in time");
    }

    /// Waits until somebody shall look again.
    async fn ripe(seen: &Seen, credential: &str) -> Age {
        loop {
            match find(seen, credential) {
                Err(age) => return age,
                Ok(_) => tokio::task::yield_now().await,
            }
        }
    }

    #[tokio::test]
    async fn what_ends_him_is_heard_at_once_and_nobody_else_is_forgotten() {
        let endings = [
            Happening::SessionEnded { session_id: "s1".to_owned() },
            Happening::UserChanged { user_id: "u1".to_owned() },
            Happening::TokenRevoked { token_id: "u1".to_owned() },
        ];
        for ending in endings {
            let bus = Bus::new();
            let seen = Seen::new(&bus);
            keep(&seen, "a", &caller("u1", Some("s1")));
            keep(&seen, "b", &caller("u2", Some("s2")));
            bus.publish(ending);
            assert!(find(&seen, "a").is_err() && find(&seen, "b").is_ok());
        }
    }

    #[tokio::test]
    async fn who_was_looked_up_before_the_news_is_not_remembered_after_them() {
        let bus = Bus::new();
        let seen = Seen::new(&bus);
        let age = find(&seen, "a").unwrap_err();
        bus.publish(Happening::SessionEnded { session_id: "s1".to_owned() });
        seen.keep(Mark::of_person("a"), &caller("u1", Some("s1")), now() + chrono::TimeDelta::minutes(1), age);
        assert!(find(&seen, "a").is_err());
    }

    #[tokio::test]
    async fn whoever_missed_news_asks_again_about_everybody() {
        let bus = Bus::new();
        let seen = Seen::new(&bus);
        keep(&seen, "a", &caller("u1", Some("s1")));
        for n in 0..5000 {
            bus.publish(Happening::ReportsStored { by: bus.origin(), ids: vec![n.to_string()], heads: Vec::new() });
        }
        assert!(find(&seen, "a").is_err());
    }

    #[tokio::test]
    async fn the_memory_is_bounded() {
        let seen = Seen::new(&Bus::new());
        for n in 0..MOST + 100 {
            keep(&seen, &n.to_string(), &caller("u", None));
        }
        assert!(seen.0.lock().unwrap().callers.len() <= MOST);
    }
}

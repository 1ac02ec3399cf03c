//! The order in which sign-ins are worked through, so that a storm of wrong ones waits for itself: a few at a time from one address, one
//! at a time for one name, and one at a time of all who have failed before. Turns share out this machine's processors, so each server of a
//! plant has its own; failures and locks, which all have in common, are counted in the database.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::server::error::Refusal;
use crate::server::store::sign_in_failures::Subjects;

/// Sign-ins that wait at a time, from everywhere and from one address; more are turned away at once.
const WAITING: usize = 1000;
const WAITING_AT_ADDRESS: usize = 64;
/// Least time between two refusals of those who need not be hashed: a storm of them is slowed to its own speed, not the server's.
const PACE: Duration = Duration::from_millis(4);
/// Longest wait for such a refusal.
const PACE_PATIENCE: Duration = Duration::from_secs(1);
/// How long one waits for its turn.
const PATIENCE: Duration = Duration::from_secs(20);

pub(in crate::server) struct Turns {
    waiting: Arc<Semaphore>,
    addresses: Lanes,
    names: Lanes,
    suspects: Arc<Semaphore>,
    refusals: Semaphore,
}

/// Held while a sign-in is worked on.
pub(in crate::server) struct Turn {
    _permits: [Option<OwnedSemaphorePermit>; 4],
}

impl Turns {
    /// `width`: how many sign-ins of one address go on at a time.
    pub(in crate::server) fn new(width: usize) -> Turns {
        Turns {
            waiting: Arc::new(Semaphore::new(WAITING)),
            addresses: Lanes::new(width.max(2)),
            names: Lanes::new(1),
            suspects: Arc::new(Semaphore::new(1)),
            refusals: Semaphore::new(1),
        }
    }

    /// Waits until a refusal that costs nothing may leave: callers who ask again at once would else take the server for themselves.
    pub(in crate::server) async fn pace(&self) {
        let wait = async {
            let _turn = self.refusals.acquire().await;
            tokio::time::sleep(PACE).await;
        };
        let _ = tokio::time::timeout(PACE_PATIENCE, wait).await;
    }

    /// Waits until it is this sign-in's turn. Whoever is suspect waits behind all others who are.
    pub(in crate::server) async fn take(&self, subjects: &Subjects, suspect: bool) -> Result<Turn, Refusal> {
        let waiting = self.waiting.clone().try_acquire_owned().map_err(|_| busy())?;
        let address = self.addresses.lane(&subjects.address);
        // The map's own reference is weak: all others belong to somebody who waits or works.
        if Arc::strong_count(&address) > WAITING_AT_ADDRESS {
            return Err(busy());
        }
        let turn = async {
            let address = address.acquire_owned().await.ok();
            let suspect = if suspect { self.suspects.clone().acquire_owned().await.ok() } else { None };
            let name = self.names.lane(&subjects.account).acquire_owned().await.ok();
            Turn { _permits: [Some(waiting), address, suspect, name] }
        };
        tokio::time::timeout(PATIENCE, turn).await.map_err(|_| busy())
    }
}

fn busy() -> Refusal {
    Refusal { retry_after: Some(5), ..Refusal::busy("Too many people are signing in at once. Try again in a moment.") }
}

/// A lane for everybody by name, as long as somebody is in it.
struct Lanes {
    width: usize,
    lanes: Mutex<HashMap<String, Weak<Semaphore>>>,
}

impl Lanes {
    fn new(width: usize) -> Lanes {
        Lanes { width, lanes: Mutex::default() }
    }

    fn lane(&self, name: &str) -> Arc<Semaphore> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lane) = lanes.get(name).and_then(Weak::upgrade) {
            return lane;
        }
        // Swept when the map would grow: it never holds more than twice those who wait.
        if lanes.len() == lanes.capacity() {
            lanes.retain(|_, lane| lane.strong_count() > 0);
        }
        let lane = Arc::new(Semaphore::new(self.width));
        lanes.insert(name.to_owned(), Arc::downgrade(&lane));
        lane
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    fn subjects(name: &str, address: u8) -> Subjects {
        Subjects::of(name, std::net::IpAddr::from([127, 0, 0, address]))
    }

    #[tokio::test]
    async fn one_name_has_one_turn_at_a_time_and_others_do_not_wait_for_it() {
        let turns = Turns::new(2);
        let first = turns.take(&subjects("anna", 2), false).await.unwrap();
        let again = subjects("ANNA ", 3);
        let second = turns.take(&again, false);
        tokio::pin!(second);
        assert!(second.as_mut().now_or_never().is_none());
        assert!(turns.take(&subjects("berta", 3), false).now_or_never().is_some());
        drop(first);
        assert!(second.await.is_ok());
    }

    #[tokio::test]
    async fn who_has_failed_waits_and_who_has_not_passes() {
        let turns = Turns::new(2);
        let _storm = turns.take(&subjects("a", 2), true).await.unwrap();
        assert!(turns.take(&subjects("b", 3), true).now_or_never().is_none());
        assert!(turns.take(&subjects("c", 4), false).now_or_never().is_some());
    }

    #[tokio::test]
    async fn one_address_cannot_take_all_places() {
        let turns = Turns::new(2);
        let many: Vec<Subjects> = (0..WAITING_AT_ADDRESS).map(|n| subjects(&n.to_string(), 2)).collect();
        let mut waiting: Vec<_> = many.iter().map(|who| Box::pin(turns.take(who, false))).collect();
        let at_work: Vec<_> = waiting.iter_mut().map(|turn| turn.as_mut().now_or_never()).collect();
        assert!(turns.take(&subjects("more", 2), false).now_or_never().is_some_and(|turn| turn.is_err()));
        assert!(turns.take(&subjects("more", 3), false).now_or_never().is_some_and(|turn| turn.is_ok()));
        drop((waiting, at_work));
        assert!(turns.take(&subjects("more", 2), false).now_or_never().is_some_and(|turn| turn.is_ok()));
    }

    #[test]
    fn lanes_that_nobody_is_in_are_forgotten() {
        let lanes = Lanes::new(1);
        for n in 0..10_000 {
            lanes.lane(&n.to_string());
        }
        assert!(lanes.lanes.lock().unwrap().len() < 100);
    }
}

//! Every open socket, of either kind: bounded in number, in total and a person, and told within seconds when its person may no longer
//! act. The database is asked, so it does not matter which server or program ended the session.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::bus::Happening;
use super::caller::Caller;
use super::state::Line;
use super::store::sessions;
use crate::domain::Role;
use crate::protocol::chat::Present;

/// How often the database is asked about everybody, whatever was heard.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// How a socket's person stands now.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Standing {
    /// May act, as this.
    Good { name: String, role: Role },
    /// The session ended, or the account was disabled.
    Ended,
}

/// No further socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    /// The server has as many as it may.
    Server,
    /// The person has.
    Person,
}

/// All open sockets of this server.
pub(super) struct Sockets {
    most: usize,
    most_a_person: usize,
    next: AtomicU64,
    open: Mutex<HashMap<u64, Open>>,
    /// Who is on other servers.
    elsewhere: Mutex<Vec<Present>>,
}

struct Open {
    /// Ended to make room for others, as long as nobody has signed in on it.
    gives_way: CancellationToken,
    person: Option<Person>,
}

struct Person {
    user_id: String,
    session_id: String,
    standing: watch::Sender<Standing>,
}

/// The place of one socket, for as long as this lives.
pub(super) struct Seat {
    sockets: Arc<Sockets>,
    number: u64,
    gives_way: CancellationToken,
}

impl Sockets {
    pub(super) fn new(most: usize, most_a_person: usize) -> Arc<Sockets> {
        Arc::new(Sockets { most, most_a_person, next: AtomicU64::new(0), open: Mutex::default(), elsewhere: Mutex::default() })
    }

    fn open(&self) -> MutexGuard<'_, HashMap<u64, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a stranger in. When all places are taken the stranger who came first has to go; people who signed in never do.
    pub(super) fn admit(self: &Arc<Sockets>) -> Result<Seat, Full> {
        let mut open = self.open();
        if open.len() >= self.most {
            let stranger = open.iter().filter(|(_, socket)| socket.person.is_none()).map(|(number, _)| *number).min();
            let gone = open.remove(&stranger.ok_or(Full::Server)?);
            gone.inspect(|socket| socket.gives_way.cancel());
        }
        let (number, gives_way) = (self.next.fetch_add(1, Ordering::Relaxed), CancellationToken::new());
        open.insert(number, Open { gives_way: gives_way.clone(), person: None });
        metrics::gauge!("websocket_connections_active").set(open.len() as f64);
        Ok(Seat { sockets: self.clone(), number, gives_way })
    }

    pub(super) fn count(&self) -> usize {
        self.open().len()
    }

    /// Waits until nobody is here, or for `limit`.
    pub(super) async fn empty(&self, limit: Duration) {
        let _ = tokio::time::timeout(limit, async {
            while self.count() > 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
    }

    /// Who is here or on another server, each once, by name.
    pub(super) fn present(&self) -> Vec<Present> {
        let mut present = self.present_here();
        present.extend_from_slice(&self.elsewhere.lock().unwrap_or_else(PoisonError::into_inner));
        in_order(present)
    }

    /// Notes who is on other servers.
    pub(super) fn set_elsewhere(&self, present: Vec<Present>) {
        *self.elsewhere.lock().unwrap_or_else(PoisonError::into_inner) = present;
    }

    /// Who is on this server, each once, by name.
    pub(super) fn present_here(&self) -> Vec<Present> {
        let mut present: Vec<Present> = Vec::new();
        for person in self.open().values().filter_map(|socket| socket.person.as_ref()) {
            if let Standing::Good { name, role } = &*person.standing.borrow() {
                present.push(Present { user_id: person.user_id.clone(), username: name.clone(), role: *role });
            }
        }
        in_order(present)
    }

    /// Session and user of everybody.
    fn people(&self) -> Vec<(String, String)> {
        let mut people: Vec<_> = self.open().values().filter_map(|socket| socket.person.as_ref()).map(Person::ids).collect();
        people.sort();
        people.dedup();
        people
    }

    /// Tells each socket among `asked` how its person stands.
    fn tell(&self, asked: &[(String, String)], good: &HashMap<(String, String), (String, Role)>) {
        for person in self.open().values().filter_map(|socket| socket.person.as_ref()) {
            let ids = person.ids();
            if asked.binary_search(&ids).is_err() {
                continue;
            }
            let standing = good.get(&ids).map_or(Standing::Ended, |(name, role)| Standing::Good { name: name.clone(), role: *role });
            person.standing.send_if_modified(|now| std::mem::replace(now, standing.clone()) != standing);
        }
    }
}

fn in_order(mut present: Vec<Present>) -> Vec<Present> {
    present.sort_by(|a, b| (a.username.to_lowercase(), &a.user_id).cmp(&(b.username.to_lowercase(), &b.user_id)));
    present.dedup_by(|a, b| a.user_id == b.user_id);
    present
}

impl Person {
    fn ids(&self) -> (String, String) {
        (self.session_id.clone(), self.user_id.clone())
    }
}

impl Seat {
    /// Somebody has signed in on this socket. What is returned tells how he stands from now on.
    pub(super) fn take(&self, caller: &Caller) -> Result<watch::Receiver<Standing>, Full> {
        let mut open = self.sockets.open();
        let of_person = |socket: &&Open| socket.person.as_ref().is_some_and(|person| person.user_id == caller.id);
        let others = open.iter().filter(|(number, socket)| **number != self.number && of_person(socket)).count();
        if others >= self.sockets.most_a_person {
            return Err(Full::Person);
        }
        // None: it has given way in this moment.
        let socket = open.get_mut(&self.number).ok_or(Full::Server)?;
        let (standing, told) = watch::channel(Standing::Good { name: caller.name.clone(), role: caller.role });
        let session_id = caller.session_id.clone().unwrap_or_default();
        socket.person = Some(Person { user_id: caller.id.clone(), session_id, standing });
        Ok(told)
    }

    /// Ends when this socket has to give way.
    pub(super) async fn given_up(&self) {
        self.gives_way.cancelled().await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut open = self.sockets.open();
        open.remove(&self.number);
        metrics::gauge!("websocket_connections_active").set(open.len() as f64);
    }
}

/// Looks after everybody's standing until `stop`.
pub(super) async fn watch_over(line: Arc<Line>, stop: CancellationToken) {
    let mut heard = line.bus.follow();
    let mut tick = tokio::time::interval(LOOK_AGAIN);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = tick.tick() => look(&line).await,
            happening = heard.recv() => match happening {
                Ok(Happening::SessionEnded { .. } | Happening::UserChanged { .. } | Happening::TokenRevoked { .. }) => look(&line).await,
                Ok(Happening::Missed) | Err(RecvError::Lagged(_)) => look(&line).await,
                Ok(_) => {}
                Err(RecvError::Closed) => return,
            },
        }
    }
}

async fn look(line: &Line) {
    let people = line.sockets.people();
    if people.is_empty() {
        return;
    }
    match sessions::find_actors(&line.store, &people, line.clock.now()).await {
        Ok(good) => line.sockets.tell(&people, &good),
        // Who was good a moment ago stays so until the database can be asked.
        Err(error) => tracing::warn!("the sessions of open sockets could not be looked at: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(id: &str) -> Caller {
        Caller { id: id.to_owned(), name: id.to_uppercase(), role: Role::Operator, session_id: Some(format!("s-{id}")) }
    }

    #[tokio::test]
    async fn strangers_give_way_to_newcomers_and_people_do_not() {
        let sockets = Sockets::new(2, 5);
        let (first, second) = (sockets.admit().unwrap(), sockets.admit().unwrap());
        let _told = second.take(&caller("anna")).unwrap();
        let third = sockets.admit().unwrap();
        first.given_up().await;
        drop(first);
        assert_eq!(sockets.count(), 2, "a place that was given up is not freed twice");
        let _told = third.take(&caller("jan")).unwrap();
        assert_eq!(sockets.admit().map(drop), Err(Full::Server));
        drop(third);
        assert!(sockets.admit().is_ok());
        let names: Vec<String> = sockets.present().into_iter().map(|present| present.username).collect();
        assert_eq!(names, ["ANNA"]);
    }

    #[tokio::test]
    async fn a_person_has_so_many_sockets_and_each_is_told_when_it_must_end() {
        let sockets = Sockets::new(10, 2);
        let seats: Vec<Seat> = (0..3).map(|_| sockets.admit().unwrap()).collect();
        let (mut one, two) = (seats[0].take(&caller("anna")).unwrap(), seats[1].take(&caller("anna")).unwrap());
        assert_eq!(seats[2].take(&caller("anna")).map(drop), Err(Full::Person));
        seats[0].take(&caller("anna")).unwrap();
        one = seats[0].take(&caller("anna")).unwrap_or(one);
        let people = sockets.people();
        let role = (String::from("ANNA"), Role::Guest);
        sockets.tell(&people, &HashMap::from([(people[0].clone(), role.clone())]));
        assert_eq!(*two.borrow(), Standing::Good { name: role.0, role: role.1 });
        sockets.tell(&people, &HashMap::new());
        one.changed().await.unwrap();
        assert_eq!((one.borrow().clone(), two.borrow().clone()), (Standing::Ended, Standing::Ended));
        assert_eq!(sockets.present(), []);
    }
}

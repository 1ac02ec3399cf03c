//! Who may sign in while the server is gone, and the rules of it. No disk, no clock: both are handed in.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::client::verifier::Verifier;
use crate::domain::access::Role;
use crate::domain::lockout::{ACCOUNT, History, Verdict};

/// How long after his last sign-in at the server a person may come without it.
pub(crate) const LIFE: TimeDelta = TimeDelta::days(7);
/// Most persons that are remembered; the one who has not come for longest is forgotten first.
pub(crate) const PERSONS: usize = 20;
/// How far a clock may be set back, as time servers do, before nothing is believed any more.
const SKEW: TimeDelta = TimeDelta::minutes(5);

/// Everybody who signed in at the server lately, and how far the clock had come by then.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Book {
    /// The latest time ever seen: a clock that is turned back lengthens nobody's time.
    latest: DateTime<Utc>,
    persons: Vec<Known>,
}

/// A person who signed in at the server.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Known {
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) verifier: Verifier,
    pub(crate) signed_in_at: DateTime<Utc>,
    /// What was tried with a wrong password since.
    failures: Option<History>,
}

impl Book {
    /// Whether the clock shows an earlier time than it did before. Otherwise its time is noted.
    pub(crate) fn clock_went_back(&mut self, now: DateTime<Utc>) -> bool {
        let back = now + SKEW < self.latest;
        self.latest = self.latest.max(now);
        back
    }

    /// Takes in who has just signed in at the server. It tells no lies about the time, so the clock counts from here on.
    pub(crate) fn remember(&mut self, name: &str, role: Role, verifier: Verifier, now: DateTime<Utc>) {
        self.latest = now;
        self.forget(name);
        self.expire(now);
        self.persons.push(Known { name: name.to_owned(), role, verifier, signed_in_at: now, failures: None });
        self.persons.sort_by_key(|known| known.signed_in_at);
        let surplus = self.persons.len().saturating_sub(PERSONS);
        self.persons.drain(..surplus);
    }

    /// Takes in those of a newer book.
    pub(crate) fn take_over(&mut self, newer: Book) {
        for Known { name, role, verifier, signed_in_at, .. } in newer.persons {
            self.remember(&name, role, verifier, signed_in_at);
        }
        self.latest = self.latest.max(newer.latest);
    }

    /// True where there was somebody to forget.
    pub(crate) fn forget(&mut self, name: &str) -> bool {
        let before = self.persons.len();
        self.persons.retain(|known| key(&known.name) != key(name));
        self.persons.len() < before
    }

    /// Who is too long ago is forgotten, and so is who signed in at a time that has not come yet.
    pub(crate) fn expire(&mut self, now: DateTime<Utc>) {
        let now = now.max(self.latest);
        self.persons.retain(|known| known.signed_in_at <= now + SKEW && now - known.signed_in_at < LIFE);
    }

    pub(crate) fn find(&mut self, name: &str) -> Option<&mut Known> {
        self.persons.iter_mut().find(|known| key(&known.name) == key(name))
    }
}

impl Known {
    /// Until when nobody may try.
    pub(crate) fn locked_until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match ACCOUNT.judge(self.failures.as_ref(), now) {
            Verdict::LockedUntil(until) => Some(until),
            Verdict::Free | Verdict::Suspect => None,
        }
    }

    /// Counts a try. True when it locks the name.
    pub(crate) fn count(&mut self, now: DateTime<Utc>) -> bool {
        let history = ACCOUNT.fail(self.failures.as_ref(), now);
        self.failures = Some(history);
        history.locked_until.is_some()
    }

    pub(crate) fn forgive(&mut self) {
        self.failures = None;
    }
}

/// What names are compared by, as the server does.
fn key(name: &str) -> String {
    name.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::verifier::Cost;
    use crate::support::secret::Secret;

    fn at(hours: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap() + TimeDelta::hours(hours)
    }

    fn verifier() -> Verifier {
        Verifier::of(&Secret::new("correct horse"), Cost::SMALL).unwrap()
    }

    fn book(names: &[&str]) -> Book {
        let mut book = Book::default();
        for (hour, name) in (0..).zip(names) {
            book.remember(name, Role::Operator, verifier(), at(hour));
        }
        book
    }

    fn knows(book: &mut Book, name: &str, now: DateTime<Utc>) -> bool {
        !book.clock_went_back(now) && {
            book.expire(now);
            book.find(name).is_some()
        }
    }

    #[test]
    fn a_person_is_known_for_seven_days_by_any_spelling_of_his_name() {
        assert!(knows(&mut book(&["Żaneta"]), " żANETA ", at(7 * 24 - 1)));
        assert!(!knows(&mut book(&["Żaneta"]), "Żaneta", at(7 * 24)));
        let mut renewed = book(&["ann", "ann"]);
        assert!(knows(&mut renewed, "ann", at(7 * 24)) && renewed.persons.len() == 1);
    }

    #[test]
    fn a_clock_that_is_turned_back_gives_nobody_more_time() {
        let mut book = book(&["ann"]);
        assert!(knows(&mut book, "ann", at(6 * 24)));
        assert!(!knows(&mut book, "ann", at(24)), "the clock was further before");
        assert!(knows(&mut book, "ann", at(6 * 24) - TimeDelta::minutes(4)), "as far as time servers set a clock");
        assert!(!knows(&mut book, "ann", at(7 * 24)));
    }

    #[test]
    fn who_signed_in_while_the_clock_ran_ahead_has_to_come_again() {
        let mut book = book(&["ann"]);
        book.remember("bob", Role::Operator, verifier(), at(1000));
        book.remember("ann", Role::Operator, verifier(), at(1));
        assert!(knows(&mut book, "ann", at(2)));
        assert!(!knows(&mut book, "bob", at(2)));
    }

    #[test]
    fn of_too_many_the_one_longest_gone_is_forgotten() {
        let names: Vec<String> = (0..=PERSONS).map(|n| format!("person {n}")).collect();
        let mut book = book(&names.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(book.persons.len(), PERSONS);
        assert!(book.find("person 0").is_none() && book.find("person 1").is_some());
    }

    #[test]
    fn the_third_wrong_password_locks_the_name_for_five_minutes() {
        let mut book = book(&["ann"]);
        let known = book.find("ann").unwrap();
        assert_eq!([known.count(at(0)), known.count(at(0)), known.count(at(0))], [false, false, true]);
        assert_eq!(known.locked_until(at(0)), Some(at(0) + TimeDelta::minutes(5)));
        assert_eq!(known.locked_until(at(0) + TimeDelta::minutes(5)), None);
        assert!(!known.count(at(1)), "then counting begins anew");
        known.forgive();
        assert_eq!(known.failures, None);
    }
}

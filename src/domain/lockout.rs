//! When failed sign-ins lock a name or an address: what is known of the past goes in, a verdict comes out.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// How long nobody may try again.
pub const LOCK: TimeDelta = TimeDelta::minutes(5);

/// How far the clocks of two servers on one database may be apart.
const SKEW: TimeDelta = TimeDelta::minutes(1);

/// What is counted, and how patiently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Failures from which on a caller waits behind those without.
    suspect_from: u32,
    /// Failures that lock.
    limit: u32,
    /// How long after the first one failures are remembered.
    memory: TimeDelta,
}

/// One account: three in a row lock it. A success forgets them, and so does a day.
pub const ACCOUNT: Rule = Rule { suspect_from: 3, limit: 3, memory: TimeDelta::hours(24) };
/// One address, which many honest people may share: fifty within five minutes lock it, and no success forgets them, for a thief may
/// have an account too.
pub const ADDRESS: Rule = Rule { suspect_from: 5, limit: 50, memory: TimeDelta::minutes(5) };

/// A station's own PIN: it is short, and everybody there tries the same one. Five wrong ones lock it.
pub const PIN: Rule = Rule { suspect_from: 5, limit: 5, memory: TimeDelta::hours(24) };

/// The failures of one account, address or PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    pub failures: u32,
    /// When the first of them was.
    pub since: DateTime<Utc>,
    pub locked_until: Option<DateTime<Utc>>,
}

/// What may happen now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Free,
    /// May try, behind those without failures.
    Suspect,
    LockedUntil(DateTime<Utc>),
}

impl Rule {
    /// Failures that lock.
    pub fn limit(&self) -> u32 {
        self.limit
    }

    /// What may happen at `now`. A lock from a clock that was wrong, longer than any lock is, does not count.
    pub fn judge(&self, history: Option<&History>, now: DateTime<Utc>) -> Verdict {
        let Some(history) = history else { return Verdict::Free };
        match history.locked_until {
            Some(until) if until > now && until <= now + LOCK + SKEW => Verdict::LockedUntil(until),
            _ if self.remembers(history, now) && history.failures >= self.suspect_from => Verdict::Suspect,
            _ => Verdict::Free,
        }
    }

    /// The history after one more failure at `now`.
    pub fn fail(&self, history: Option<&History>, now: DateTime<Utc>) -> History {
        let kept = history.filter(|history| self.remembers(history, now));
        let (failures, since) = kept.map_or((1, now), |history| (history.failures.saturating_add(1), history.since));
        // A failure that was on its way when the lock fell does not make it longer.
        let held = kept.and_then(|history| history.locked_until);
        History { failures, since, locked_until: held.or_else(|| (failures >= self.limit).then(|| now + LOCK)) }
    }

    /// Failures of now: none once a lock has ended, for then counting begins anew.
    fn remembers(&self, history: &History, now: DateTime<Utc>) -> bool {
        let lock_over = history.locked_until.is_some_and(|until| until <= now || until > now + LOCK + SKEW);
        !lock_over && history.since <= now + SKEW && now - history.since < self.memory
    }

    /// The failures that still count at `now`.
    pub fn failures(&self, history: Option<&History>, now: DateTime<Utc>) -> u32 {
        history.filter(|history| self.remembers(history, now)).map_or(0, |history| history.failures)
    }
}

/// Whole seconds until a lock ends, at least one.
pub fn seconds_left(until: DateTime<Utc>, now: DateTime<Utc>) -> u64 {
    let millis = (until - now).num_milliseconds().max(1).unsigned_abs();
    millis.div_ceil(1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    fn after(rule: Rule, times: &[i64]) -> Option<History> {
        times.iter().fold(None, |history, time| Some(rule.fail(history.as_ref(), at(*time))))
    }

    #[test]
    fn the_third_failure_locks_for_five_minutes_and_then_counting_begins_anew() {
        assert_eq!(ACCOUNT.judge(after(ACCOUNT, &[0, 1]).as_ref(), at(2)), Verdict::Free);
        let locked = after(ACCOUNT, &[0, 1, 2]).unwrap();
        assert_eq!(ACCOUNT.judge(Some(&locked), at(2)), Verdict::LockedUntil(at(302)));
        assert_eq!(ACCOUNT.judge(Some(&locked), at(301)), Verdict::LockedUntil(at(302)));
        assert_eq!(ACCOUNT.judge(Some(&locked), at(302)), Verdict::Free);
        let again = ACCOUNT.fail(Some(&locked), at(303));
        assert_eq!((again.failures, again.locked_until), (1, None));
    }

    #[test]
    fn a_failure_on_its_way_does_not_lengthen_the_lock() {
        let late = after(ACCOUNT, &[0, 1, 2, 100]).unwrap();
        assert_eq!(late.locked_until, Some(at(302)));
    }

    #[test]
    fn failures_of_yesterday_are_forgotten() {
        let day = 24 * 3600;
        assert_eq!(after(ACCOUNT, &[0, 1, day + 1]).unwrap().failures, 1);
        assert_eq!(ACCOUNT.failures(after(ACCOUNT, &[0, 1]).as_ref(), at(day + 1)), 0);
    }

    #[test]
    fn an_address_is_suspect_long_before_it_is_locked() {
        let few = after(ADDRESS, &[0; 4]);
        let some = after(ADDRESS, &[0; 49]);
        let many = after(ADDRESS, &[0; 50]);
        assert_eq!(ADDRESS.judge(few.as_ref(), at(1)), Verdict::Free);
        assert_eq!(ADDRESS.judge(some.as_ref(), at(1)), Verdict::Suspect);
        assert_eq!(ADDRESS.judge(many.as_ref(), at(1)), Verdict::LockedUntil(at(300)));
        assert_eq!(ADDRESS.judge(some.as_ref(), at(301)), Verdict::Free);
    }

    #[test]
    fn the_seconds_left_are_never_too_few() {
        assert_eq!(seconds_left(at(300), at(0)), 300);
        assert_eq!(seconds_left(at(1), at(0) + TimeDelta::milliseconds(1)), 1);
        assert_eq!(seconds_left(at(0), at(5)), 1);
    }

    proptest! {
        #[test]
        fn a_clock_that_was_wrong_locks_nobody_for_long(times in proptest::collection::vec(-100_000i64..100_000, 0..20), now in -100_000i64..100_000) {
            let history = after(ACCOUNT, &times);
            if let Verdict::LockedUntil(until) = ACCOUNT.judge(history.as_ref(), at(now)) {
                prop_assert!(until > at(now) && until - at(now) <= LOCK + SKEW);
            }
        }

        #[test]
        fn three_failures_within_a_minute_always_lock(start in -100_000i64..100_000) {
            let history = after(ACCOUNT, &[start, start + 20, start + 40]);
            prop_assert_eq!(ACCOUNT.judge(history.as_ref(), at(start + 41)), Verdict::LockedUntil(at(start + 340)));
        }
    }
}

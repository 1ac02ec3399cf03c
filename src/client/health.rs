//! When to look after the server: on a beat while it answers, with growing patience while it does not.

use std::time::Duration;

use crate::domain::connection::Connection;
use crate::support::backoff::Backoff;

/// Waits between tries while the server is away.
const AWAY: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));
/// Two probes never follow each other faster, whatever asks for them.
pub(crate) const SHORTEST: Duration = Duration::from_millis(250);

/// How long to wait before the next probe; `None` means until a person asks.
/// `attempt` counts the failed tries in a row, `chance` is drawn from 0 to 1.
pub(crate) fn wait(state: Connection, interval: Duration, auto_reconnect: bool, attempt: u32, chance: f64) -> Option<Duration> {
    match state {
        Connection::NotConnected => None,
        // A stored token that could not be tried yet is tried on, whatever happens after.
        Connection::Authenticating => Some(SHORTEST),
        // Ten per cent either way, so that a hall of stations does not knock in step; never later than the interval.
        Connection::Connected => Some(interval.mul_f64(0.8 + 0.2 * chance)),
        Connection::Offline(_) if !auto_reconnect => None,
        Connection::Offline(_) => Some(AWAY.delay(attempt.saturating_sub(1), chance).max(SHORTEST)),
    }
}

/// A number from 0 to 1 that others cannot be in step with.
pub(crate) fn chance() -> f64 {
    let mut bytes = [0; 4];
    match getrandom::fill(&mut bytes) {
        Ok(()) => f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX),
        Err(_) => 0.5,
    }
}

/// Something that is different after a cable was pulled, a network joined, or an address changed.
/// Cheap enough to be read every few seconds; constant where the platform does not tell.
pub(crate) fn network_mark() -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    if cfg!(target_os = "linux") {
        for path in ["/proc/net/route", "/proc/net/if_inet6"] {
            std::fs::read(path).unwrap_or_default().hash(&mut hasher);
        }
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::connection::Trouble;

    proptest! {
        #[test]
        fn the_next_look_never_comes_later_than_promised(attempt in 0u32..100, chance in 0.0f64..=1.0, secs in 5u64..3600) {
            let interval = Duration::from_secs(secs);
            let connected = wait(Connection::Connected, interval, true, 0, chance).unwrap();
            prop_assert!(connected <= interval && connected >= interval.mul_f64(0.79));
            let away = wait(Connection::Offline(Trouble::Unreachable), interval, true, attempt, chance).unwrap();
            prop_assert!(away <= Duration::from_secs(60) && away >= SHORTEST);
        }
    }

    #[test]
    fn without_reconnecting_only_a_person_ends_being_offline() {
        let interval = Duration::from_secs(30);
        assert_eq!(wait(Connection::Offline(Trouble::Unreachable), interval, false, 1, 0.5), None);
        assert_eq!(wait(Connection::NotConnected, interval, true, 1, 0.5), None);
    }
}

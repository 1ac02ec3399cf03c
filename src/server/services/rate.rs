//! How often somebody may do something: a bucket each, filled evenly, as large as one minute's share. Servers that share a Redis share
//! the buckets.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::server::shared::SharedBuckets;

/// Buckets that may be kept before the full ones are forgotten.
const SWEEP_AT: usize = 4096;

/// Buckets by name.
pub(in crate::server) struct Rate {
    per_minute: u32,
    buckets: Mutex<HashMap<String, Bucket>>,
    shared: Option<SharedBuckets>,
}

/// What is left, and when that was so.
#[derive(Clone, Copy, Debug)]
pub(in crate::server) struct Bucket {
    left: f64,
    at: Instant,
}

impl Bucket {
    pub(in crate::server) fn full(per_minute: u32, now: Instant) -> Bucket {
        Bucket { left: f64::from(per_minute), at: now }
    }

    /// Takes one out; else tells how long until there is one again.
    pub(in crate::server) fn take(&mut self, per_minute: u32, now: Instant) -> Result<(), Duration> {
        let full = f64::from(per_minute);
        let per_second = full / 60.0;
        self.left = (self.left + now.saturating_duration_since(self.at).as_secs_f64() * per_second).min(full);
        self.at = now;
        if self.left >= 1.0 {
            self.left -= 1.0;
            return Ok(());
        }
        Err(Duration::from_secs_f64((1.0 - self.left) / per_second))
    }

    fn give_back(&mut self, per_minute: u32) {
        self.left = (self.left + 1.0).min(per_minute.into());
    }
}

impl Rate {
    pub(in crate::server) fn per_minute(per_minute: u32, shared: Option<SharedBuckets>) -> Rate {
        Rate { per_minute: per_minute.max(1), buckets: Mutex::default(), shared }
    }

    /// Takes one out of a bucket; else tells how long until there is one again. This server's own bucket counts in any case, and alone
    /// while Redis is gone; what the shared one refuses is not taken from it.
    pub(in crate::server) async fn take(&self, name: &str, now: Instant) -> Result<(), Duration> {
        self.take_here(name, now)?;
        let Some(shared) = &self.shared else { return Ok(()) };
        let taken = shared.take(name, self.per_minute).await.unwrap_or(Ok(()));
        if taken.is_err() {
            self.give_back(name);
        }
        taken
    }

    fn give_back(&self, name: &str) {
        if let Some(bucket) = self.buckets.lock().unwrap_or_else(PoisonError::into_inner).get_mut(name) {
            bucket.give_back(self.per_minute);
        }
    }

    fn take_here(&self, name: &str, now: Instant) -> Result<(), Duration> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= SWEEP_AT {
            buckets.retain(|_, bucket| now.saturating_duration_since(bucket.at) < Duration::from_secs(60));
        }
        let bucket = buckets.entry(name.to_owned()).or_insert_with(|| Bucket::full(self.per_minute, now));
        bucket.take(self.per_minute, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minutes_share_may_be_used_at_once_and_comes_back_evenly() {
        let (rate, start) = (Rate::per_minute(30, None), Instant::now());
        assert!((0..30).all(|_| rate.take_here("anna", start).is_ok()));
        let wait = rate.take_here("anna", start).unwrap_err();
        assert!(wait > Duration::from_millis(1900) && wait <= Duration::from_secs(2), "{wait:?}");
        assert!(rate.take_here("jan", start).is_ok());
        assert!(rate.take_here("anna", start + Duration::from_secs(2)).is_ok());
        assert!(rate.take_here("anna", start + Duration::from_secs(2)).is_err());
        assert!((0..30).all(|_| rate.take_here("anna", start + Duration::from_secs(600)).is_ok()));
        assert!(rate.take_here("anna", start + Duration::from_secs(600)).is_err());
    }
}

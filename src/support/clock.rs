//! The one door to the time of day, so that a test can hold it, push it, and turn it back.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};

/// Tells the time, cut to microseconds: what every database and file can keep.
#[derive(Clone, Debug, Default)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    /// The machine's clock.
    pub fn system() -> Clock {
        Clock(None)
    }

    /// A clock that stands at `time` until it is moved.
    pub fn held(time: DateTime<Utc>) -> Clock {
        Clock(Some(Arc::new(AtomicI64::new(time.timestamp_micros()))))
    }

    pub fn now(&self) -> DateTime<Utc> {
        let micros = match &self.0 {
            Some(held) => held.load(Ordering::SeqCst),
            #[expect(clippy::disallowed_methods, reason = "this is the clock")]
            None => Utc::now().timestamp_micros(),
        };
        DateTime::from_timestamp_micros(micros).unwrap_or_default()
    }

    /// Moves a held clock, backwards too. The machine's clock stays as it is.
    pub fn push(&self, by: TimeDelta) {
        if let Some(held) = &self.0 {
            held.fetch_add(by.num_microseconds().unwrap_or(0), Ordering::SeqCst);
        }
    }
}

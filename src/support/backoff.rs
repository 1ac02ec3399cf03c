//! Waiting longer after each failure, with full jitter, so that a hall of stations does not knock in step.

use std::time::Duration;

/// Delays of `base · 2^attempt`, capped, then drawn uniformly from zero to that ("full jitter").
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    pub base: Duration,
    pub cap: Duration,
}

impl Backoff {
    pub const fn new(base: Duration, cap: Duration) -> Backoff {
        Backoff { base, cap }
    }

    /// The longest wait before try number `attempt`; 0 is the first after a failure.
    pub fn ceiling(&self, attempt: u32) -> Duration {
        self.base.saturating_mul(1 << attempt.min(20)).min(self.cap)
    }

    /// The wait before try number `attempt`; `chance` is drawn from 0 to 1 by the caller.
    pub fn delay(&self, attempt: u32, chance: f64) -> Duration {
        self.ceiling(attempt).mul_f64(chance.clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_the_cap_and_stay_there() {
        let backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(30));
        let ceilings: Vec<u64> = [0, 1, 2, 4, 5, 40, u32::MAX].iter().map(|n| backoff.ceiling(*n).as_secs()).collect();
        assert_eq!(ceilings, [1, 2, 4, 16, 30, 30, 30]);
        assert_eq!(backoff.delay(3, 0.5), Duration::from_secs(4));
        assert_eq!(backoff.delay(3, 0.0), Duration::ZERO);
    }
}

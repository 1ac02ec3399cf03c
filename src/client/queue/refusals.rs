//! Tells a server that refuses a report from one that refuses the station: no permission, or nothing at the address.
//! Each report that is refused goes to quarantine, but a wrong setting must not empty the whole queue into it.

use std::time::Duration;

use super::super::api::ApiError;
use super::super::explain::Explanation;
use crate::support::backoff::Backoff;

/// So many refusals of the station in a row, and the reports behind are kept back.
const IN_A_ROW: u32 = 20;
/// From then on one report goes at a time, after waits from 5 s to 5 min.
const WAITS: Backoff = Backoff::new(Duration::from_secs(5), Duration::from_secs(300));

#[derive(Debug, Default)]
pub(super) struct Refusals {
    in_a_row: u32,
    /// The server's words of the last time.
    last: String,
}

impl Refusals {
    /// Notes how a try ended. Answers how long to send nothing, once the server refuses whatever comes.
    pub(super) fn note(&mut self, result: &Result<(), ApiError>) -> Option<Duration> {
        match result {
            Err(ApiError::Refused { status: status @ (403..=405 | 410), sentence, .. }) => {
                self.in_a_row = self.in_a_row.saturating_add(1);
                self.last = format!("{status}: {sentence}");
            }
            // It looks at reports.
            Ok(()) | Err(ApiError::Refused { .. }) => *self = Refusals::default(),
            // Says nothing about the station or its reports.
            Err(_) => return None,
        }
        self.are_general().then(|| WAITS.delay(self.in_a_row - IN_A_ROW, 1.0))
    }

    /// Whether it is the station that is refused, as far as can be told.
    pub(super) fn are_general(&self) -> bool {
        self.in_a_row >= IN_A_ROW
    }

    /// Somebody expects it to work now: the waits begin anew.
    pub(super) fn hurry(&mut self) {
        self.in_a_row = self.in_a_row.min(IN_A_ROW);
    }

    pub(super) fn explain(&self) -> Option<Explanation> {
        self.are_general().then(|| Explanation::new("queue_refused").detail(&self.last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16) -> Result<(), ApiError> {
        Err(ApiError::Refused { status, code: String::new(), sentence: "no".to_owned() })
    }

    #[test]
    fn a_station_that_is_refused_is_told_from_reports_that_are() {
        let mut refusals = Refusals::default();
        for _ in 0..1000 {
            assert_eq!(refusals.note(&refused(400)), None, "a poison report holds up nobody");
        }
        for _ in 1..IN_A_ROW {
            assert_eq!(refusals.note(&refused(403)), None);
        }
        assert_eq!(refusals.explain(), None);
        let mut waits = || refusals.note(&refused(403)).map(|wait| wait.as_secs());
        assert_eq!((waits(), waits(), waits()), (Some(5), Some(10), Some(20)));
        assert_eq!(refusals.note(&Err(ApiError::Unreachable("x".to_owned()))), None);
        assert_eq!(refusals.explain().unwrap().detail, "403: no");
        refusals.hurry();
        assert_eq!(refusals.note(&refused(404)).map(|wait| wait.as_secs()), Some(10));
        assert_eq!((refusals.note(&Ok(())), refusals.are_general()), (None, false));
    }
}

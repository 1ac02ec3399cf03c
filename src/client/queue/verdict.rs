//! What the end of a try means: pure, so that every answer of a server can be tried in a test.

use std::time::Duration;

use super::super::api::ApiError;
use super::store::End;
use crate::support::backoff::Backoff;

/// Waits between tries of one report: 1 s, doubled, to 5 min, drawn with full jitter.
pub(super) const BACKOFF: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(300));
/// The longest time we let a server ask us to stay away.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Verdict {
    Delivered,
    /// The server will never take it.
    Refused(String),
    /// Try this report again after the wait; `pause` stops all others for as long.
    Again {
        why: String,
        wait: Duration,
        pause: bool,
    },
}

impl Verdict {
    /// `tries` are the failures before this one; `chance` is drawn from 0 to 1.
    pub(super) fn of(result: Result<(), ApiError>, tries: u32, chance: f64) -> Verdict {
        let wait = BACKOFF.delay(tries, chance);
        match result {
            Ok(()) => Verdict::Delivered,
            Err(ApiError::Refused { status, sentence, .. }) => {
                Verdict::Refused(if sentence.trim().is_empty() { format!("The server answered {status}.") } else { sentence })
            }
            Err(ApiError::Later { status, sentence, retry_after }) => {
                let wait = retry_after.map_or(wait, |asked| asked.min(LONGEST_PAUSE).max(wait));
                let pause = retry_after.is_some() || status == 429;
                Verdict::Again { why: format!("{status}: {sentence}"), wait, pause }
            }
            Err(error) => Verdict::Again { why: error.to_string(), wait, pause: false },
        }
    }

    pub(super) fn end(self) -> End {
        match self {
            Verdict::Delivered => End::Delivered,
            Verdict::Refused(sentence) => End::Refused(sentence),
            Verdict::Again { why, .. } => End::Failed(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn later(status: u16, retry_after: Option<u64>) -> Result<(), ApiError> {
        Err(ApiError::Later { status, sentence: "wait".to_owned(), retry_after: retry_after.map(Duration::from_secs) })
    }

    #[test]
    fn a_server_that_asks_for_time_gets_it_from_all_reports() {
        let wait = |result, tries| match Verdict::of(result, tries, 1.0) {
            Verdict::Again { wait, pause, .. } => (wait.as_secs(), pause),
            other => panic!("{other:?}"),
        };
        assert_eq!(wait(later(429, Some(7)), 0), (7, true));
        assert_eq!(wait(later(503, Some(2)), 5), (32, true), "its own backoff is longer");
        assert_eq!(wait(later(429, Some(u64::MAX)), 0), (3600, true));
        assert_eq!(wait(later(500, None), 3), (8, false));
        assert_eq!(wait(later(429, None), 40), (300, true));
        assert_eq!(wait(Err(ApiError::Unreachable("x".to_owned())), 0), (1, false));
        assert_eq!(wait(Err(ApiError::TokenRefused { sentence: String::new() }), 0), (1, false));
    }

    #[test]
    fn a_refused_report_keeps_the_servers_sentence() {
        let refused = |sentence: &str| ApiError::Refused { status: 400, code: String::new(), sentence: sentence.to_owned() };
        assert_eq!(Verdict::of(Err(refused("pn is missing")), 0, 0.0), Verdict::Refused("pn is missing".to_owned()));
        assert_eq!(Verdict::of(Err(refused(" ")), 0, 0.0), Verdict::Refused("The server answered 400.".to_owned()));
    }
}

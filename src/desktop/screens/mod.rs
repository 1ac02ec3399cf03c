//! One file a screen.

pub mod reports;
pub mod yields;

use crate::domain::report::Status;

/// The words for an outcome.
pub fn status_key(status: Status) -> &'static str {
    match status {
        Status::Passed => "reports.status.passed",
        Status::Failed => "reports.status.failed",
        Status::Done => "reports.status.done",
        Status::Error => "reports.status.error",
        Status::Terminated => "reports.status.terminated",
        Status::Skipped => "reports.status.skipped",
    }
}

//! What can go wrong with the queue, named by what the caller can do about it.

use rusqlite::ErrorCode;

use super::super::explain::Explanation;

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum QueueError {
    /// The bound is reached. Deliver or export first; nothing was taken.
    #[error("the queue is full: {reports} reports, {bytes} bytes")]
    Full { reports: u64, bytes: u64 },
    #[error("The report has {} MiB; at most {} MiB are taken.", bytes.div_ceil(1 << 20), limit >> 20)]
    TooLarge { bytes: u64, limit: u64 },
    /// No room on the disk. What was accepted before is kept; this one was not taken.
    #[error("the disk is full: {0}")]
    DiskFull(String),
    /// Another program holds the queue for longer than we wait. Try again.
    #[error("the queue is in use: {0}")]
    Busy(String),
    /// The file was written by a newer version of this program.
    #[error("the queue has format {0}, which this version does not know")]
    FromFuture(i64),
    #[error("the queue's file is damaged: {0}")]
    Damaged(String),
    /// The folder or the file cannot be used: permissions, a device that fails.
    #[error("the queue cannot be used: {0}")]
    Unusable(String),
    /// The queue is being closed.
    #[error("the queue is closed")]
    Closed,
}

/// `SQLITE_IOERR_SHMSIZE`: no room for the index of the log.
const NO_ROOM_FOR_INDEX: i32 = 4874;

impl From<rusqlite::Error> for QueueError {
    fn from(error: rusqlite::Error) -> QueueError {
        let text = error.to_string();
        let rusqlite::Error::SqliteFailure(failure, _) = &error else { return QueueError::Unusable(text) };
        match failure.code {
            ErrorCode::DiskFull => QueueError::DiskFull(text),
            _ if failure.extended_code == NO_ROOM_FOR_INDEX => QueueError::DiskFull(text),
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => QueueError::Busy(text),
            ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt => QueueError::Damaged(text),
            _ => QueueError::Unusable(text),
        }
    }
}

impl From<std::io::Error> for QueueError {
    fn from(error: std::io::Error) -> QueueError {
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => QueueError::DiskFull(error.to_string()),
            _ => QueueError::Unusable(error.to_string()),
        }
    }
}

impl QueueError {
    pub fn explain(&self) -> Explanation {
        match self {
            QueueError::Full { reports, bytes } => {
                Explanation::new("queue_full").with("reports", reports).with("megabytes", bytes / 1_000_000)
            }
            QueueError::TooLarge { bytes, limit } => {
                Explanation::new("report_too_large").with("megabytes", bytes.div_ceil(1 << 20)).with("limit", limit >> 20)
            }
            QueueError::DiskFull(detail) => Explanation::new("queue_disk_full").detail(detail),
            QueueError::Busy(detail) => Explanation::new("queue_busy").detail(detail),
            QueueError::FromFuture(version) => Explanation::new("queue_from_future").with("version", version),
            QueueError::Damaged(detail) => Explanation::new("queue_damaged").detail(detail),
            QueueError::Unusable(detail) => Explanation::new("queue_unusable").detail(detail),
            QueueError::Closed => Explanation::new("queue_closed"),
        }
    }
}

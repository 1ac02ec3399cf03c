//! One try to bring a report to the server.

use std::sync::Arc;

use super::super::api::{Api, ApiError};
use super::error::QueueError;
use super::{Queue, read};

/// One try that is over.
pub(super) struct Flight {
    pub(super) seq: i64,
    /// Of the text that was sent.
    pub(super) digest: [u8; 32],
    pub(super) end: Result<(), Missed>,
}

/// Why a try brought no report to the server.
pub(super) enum Missed {
    Api(ApiError),
    /// It is not there any more: deleted, or delivered by somebody else.
    Gone,
    Queue(QueueError),
}

/// Reads the report in line at `seq` and sends it.
pub(super) async fn fly(queue: Queue, api: Arc<Api>, seq: i64) -> Flight {
    let read = tokio::task::spawn_blocking(move || read::body(&queue.reader(), seq)).await;
    let (text, digest) = match read {
        Ok(Ok(Some(found))) => found,
        Ok(Ok(None)) => return Flight { seq, digest: [0; 32], end: Err(Missed::Gone) },
        Ok(Err(error)) => return Flight { seq, digest: [0; 32], end: Err(Missed::Queue(error)) },
        Err(_) => return Flight { seq, digest: [0; 32], end: Err(Missed::Queue(QueueError::Closed)) },
    };
    let end = api.submit_report(&text).await.map_err(Missed::Api);
    Flight { seq, digest, end }
}

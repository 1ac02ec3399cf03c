//! Memory for reports on their way: a burst of large ones waits at the door instead of filling the machine.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::body::REPORT_LIMIT;
use super::error::Refusal;

const MIB: u64 = 1024 * 1024;
/// All bodies of reports together, in MiB.
const ROOM_MIB: usize = 192;
/// How long a report waits for room.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) struct Room(Arc<Semaphore>);

impl Room {
    pub(super) fn new() -> Room {
        Room(Arc::new(Semaphore::new(ROOM_MIB)))
    }

    /// Room for a body of `bytes`; for the largest allowed where the length is not told.
    pub(super) async fn take(&self, bytes: Option<u64>) -> Result<OwnedSemaphorePermit, Refusal> {
        let mib = bytes.unwrap_or(u64::MAX).min(REPORT_LIMIT as u64).div_ceil(MIB).max(1) as u32;
        let busy = || Refusal::busy("The server has no room for another report right now. Send it again in a moment.");
        tokio::time::timeout(PATIENCE, self.0.clone().acquire_many_owned(mib)).await.map_err(|_| busy())?.map_err(|_| busy())
    }
}

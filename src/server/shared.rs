//! What the servers of a plant count together, in Redis. Without Redis each counts for itself.

use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, RedisResult};

use super::bus::Bus;
use crate::support::secret::Secret;

/// How long a count may keep somebody waiting.
const PATIENCE: Duration = Duration::from_millis(500);

/// One step of a [`Bucket`](super::services::rate::Bucket) as a script, so that servers cannot come between its parts; by Redis's own
/// clock, so that theirs may differ. Answers with the milliseconds until there is one again, 0 when one was taken. A bucket that
/// nobody touches for a minute is full, and forgotten.
const TAKE: &str = r"
local time = redis.call('TIME')
local now, full = time[1] + time[2] / 1000000, tonumber(ARGV[1])
local kept = redis.call('HMGET', KEYS[1], 'left', 'at')
local left, at = tonumber(kept[1]) or full, tonumber(kept[2]) or now
left = math.min(full, left + math.max(0, now - at) * full / 60)
local wait = 0
if left >= 1 then left = left - 1 else wait = math.ceil((1 - left) * 60000 / full) end
redis.call('HSET', KEYS[1], 'left', string.format('%.6f', left), 'at', string.format('%.6f', now))
redis.call('EXPIRE', KEYS[1], 60)
return wait";

/// Connects when it is first needed, and again when Redis was away.
pub(super) fn connect(redis: &Secret, patience: Duration) -> RedisResult<ConnectionManager> {
    let config =
        ConnectionManagerConfig::new().set_number_of_retries(0).set_connection_timeout(Some(patience)).set_response_timeout(Some(patience));
    ConnectionManager::new_lazy_with_config(Client::open(redis.expose())?, config)
}

/// Buckets that all servers of a line take from.
#[derive(Clone)]
pub(super) struct SharedBuckets {
    connection: ConnectionManager,
    /// Before the name of each.
    prefix: String,
    bus: Bus,
}

impl SharedBuckets {
    pub(super) fn new(redis: &Secret, server_id: &str, bus: &Bus) -> RedisResult<SharedBuckets> {
        Ok(SharedBuckets { connection: connect(redis, PATIENCE)?, prefix: format!("andon:{server_id}:rate:"), bus: bus.clone() })
    }

    /// Takes one out of a bucket; else tells how long until there is one again. None when Redis cannot be asked.
    pub(super) async fn take(&self, name: &str, per_minute: u32) -> Option<Result<(), Duration>> {
        // Whoever is known to be away is not waited for.
        if self.bus.is_cut_off() {
            return None;
        }
        let mut script = redis::cmd("EVAL");
        script.arg(TAKE).arg(1).arg(format!("{}{name}", self.prefix)).arg(per_minute);
        let wait: RedisResult<u64> = script.query_async(&mut self.connection.clone()).await;
        match wait {
            Ok(0) => Some(Ok(())),
            Ok(millis) => Some(Err(Duration::from_millis(millis))),
            Err(error) => {
                tracing::debug!("redis does not count: {error}");
                None
            }
        }
    }
}

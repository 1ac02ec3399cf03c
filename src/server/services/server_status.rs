//! What anybody may know of the server, in the shape of specification 002.

use crate::protocol::chat::ServerStatus;
use crate::server::state::Line;
use crate::server::store::users;

/// Never fails: a greeting must not wait for a database that is gone.
pub(in crate::server) async fn read(line: &Line) -> ServerStatus {
    let seconds = (line.clock.now() - line.started_at).num_seconds().max(0);
    ServerStatus {
        connected_users: line.sockets.present().len(),
        status: "online".to_owned(),
        total_users: users::count(&line.store).await.unwrap_or_default(),
        uptime: format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60),
        uptime_seconds: seconds,
    }
}

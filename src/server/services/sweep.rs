//! What is kept no longer than it must: an account that nobody ever confirmed or used keeps its name and address from others.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::audit::{self, Act};
use crate::domain::audit::Action;
use crate::server::bus::Happening;
use crate::server::state::Line;
use crate::server::store::{StoreError, users};

/// How often it is looked for.
const EVERY: Duration = Duration::from_secs(3600);

/// Looks at the start and every hour, until `stop`. Each server of a plant does; what one has removed no other finds.
pub(in crate::server) async fn run(line: Arc<Line>, stop: CancellationToken) {
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = tick.tick() => {}
        }
        if let Err(error) = remove_unverified(&line).await {
            tracing::warn!("accounts that nobody confirmed stay for now: {error}");
        }
    }
}

async fn remove_unverified(line: &Line) -> Result<(), StoreError> {
    let (now, days) = (line.clock.now(), line.config.unverified_days);
    let mut transaction = line.store.begin().await?;
    let removed = users::delete_unverified(&mut transaction, now - TimeDelta::days(days.into()), now).await?;
    let detail = format!("not confirmed within {days} days");
    for (_, name) in &removed {
        audit::write_in(&mut transaction, now, Act::by("system", Action::UserDeleted).to(name).detail(&detail)).await?;
    }
    transaction.commit().await?;
    for (user_id, name) in removed {
        tracing::info!(name, "an account that nobody confirmed was removed");
        line.bus.publish(Happening::UserChanged { user_id });
    }
    Ok(())
}

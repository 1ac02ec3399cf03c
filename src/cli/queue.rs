//! What waits for the server, and what it refused. All of it works beside a running station.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::{Value, json};
use uuid::Uuid;

use super::context::{Context, Failure};
use super::output::moment;
use crate::client::{Explanation, Queue, QueueFilter, QueueRow, QueueState, parse_id};

#[derive(Debug, Subcommand)]
pub enum Act {
    /// Count what is in it, and list what is not delivered
    List {
        /// List what is delivered instead, as long as it is remembered
        #[arg(long)]
        delivered: bool,
        /// Most rows of each kind
        #[arg(long, default_value_t = 200)]
        limit: usize,
    },
    /// Try refused reports again; all of them where none is named
    Retry { ids: Vec<String> },
    /// Give reports that were accepted for another server to the present one
    Release {
        #[arg(required = true)]
        ids: Vec<String>,
    },
    /// Write reports into a folder as files; all that are not delivered where none is named
    Export { folder: PathBuf, ids: Vec<String> },
}

pub fn run(context: &Context, act: Act) -> Result<(), Failure> {
    let (place, instance) = context.chosen()?;
    let queue = place.queue(&instance.id)?;
    let told = |error: crate::client::QueueError| error.explain();
    let (key, done) = match act {
        Act::List { delivered, limit } => return list(context, &queue, delivered, limit),
        Act::Retry { ids } if ids.is_empty() => ("queue_retried", queue.retry_all_quarantined_blocking().map_err(told)?),
        Act::Retry { ids } => ("queue_retried", queue.retry_blocking(parse(&ids)?).map_err(told)?),
        Act::Release { ids } => {
            let server = place.server(&instance.id)?;
            if !server.has_token {
                return Err(Explanation::new("not_signed_in").with("instance", &instance.id).into());
            }
            ("queue_released", queue.release_blocking(parse(&ids)?, &server.server_id).map_err(told)?)
        }
        Act::Export { folder, ids } => {
            let ids = if ids.is_empty() { queue.undelivered().map_err(told)? } else { parse(&ids)? };
            ("queue_exported", queue.export_blocking(&ids, &folder, |_| true).map_err(told)?)
        }
    };
    context.output.say(&json!({"reports": done}), key, &[("n", &done.to_string())]);
    Ok(())
}

fn parse(ids: &[String]) -> Result<Vec<Uuid>, Failure> {
    ids.iter().map(|id| parse_id(id).map_err(Failure::from)).collect()
}

fn list(context: &Context, queue: &Queue, delivered: bool, limit: usize) -> Result<(), Failure> {
    let totals = queue.count_blocking().map_err(|error| error.explain())?;
    let filters: &[QueueFilter] = if delivered { &[QueueFilter::Delivered] } else { &[QueueFilter::Quarantined, QueueFilter::Pending] };
    let mut rows = Vec::new();
    for filter in filters {
        rows.extend(queue.list(*filter, limit).map_err(|error| error.explain())?);
    }
    if context.output.json {
        context.output.value(&json!({
            "waiting": totals.waiting, "sending": 0, "quarantined": totals.quarantined, "delivered": totals.delivered, "bytes": totals.bytes,
            "rows": rows.iter().map(value).collect::<Vec<_>>(),
        }));
        return Ok(());
    }
    let [waiting, refused, sent] = [totals.waiting, totals.quarantined, totals.delivered].map(|n| n.to_string());
    context.output.line(&context.output.words("queue_totals", &[("waiting", &waiting), ("refused", &refused), ("delivered", &sent)]));
    if !rows.is_empty() {
        let line = |row: &QueueRow| {
            let state = context.output.words(&format!("state.{}", state(row.state)), &[]);
            let accepted = moment(row.accepted_at);
            vec![
                row.id.to_string(),
                state,
                row.part_number.clone(),
                row.serial_number.clone(),
                accepted,
                row.tries.to_string(),
                row.last_error.clone(),
            ]
        };
        let rows: Vec<Vec<String>> = rows.iter().map(line).collect();
        context.output.table(&["report", "state", "part", "serial", "accepted", "tries", "reason"], &rows);
    }
    Ok(())
}

pub fn state(state: QueueState) -> &'static str {
    match state {
        QueueState::Waiting => "waiting",
        QueueState::Sending => "sending",
        QueueState::Delivered => "delivered",
        QueueState::Quarantined => "quarantined",
    }
}

fn value(row: &QueueRow) -> Value {
    json!({
        "id": row.id, "state": state(row.state), "part_number": row.part_number, "serial_number": row.serial_number, "source": row.source,
        "accepted_at": row.accepted_at, "delivered_at": row.delivered_at, "bytes": row.bytes, "tries": row.tries,
        "last_error": row.last_error, "server_id": row.server_id,
    })
}

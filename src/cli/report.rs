//! Reports: handed over through the queue, read back from the server.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Subcommand;
use serde_json::json;
use uuid::Uuid;

use super::context::{Context, Exit, Failure};
use super::output::moment;
use crate::client::{Explanation, MAX_REPORT_BYTES, Place, Queue, QueueState, Submission, parse_id, read_submission};
use crate::domain::InstanceId;
use crate::domain::connection::Connection;

#[derive(Debug, Subcommand)]
pub enum Act {
    /// Put reports into the queue, deliver them if the server answers, and say which of both happened
    Submit {
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Seconds to wait for the delivery
        #[arg(long, default_value_t = 20, value_name = "SECONDS")]
        wait: u64,
    },
    /// Print one report as the server keeps it
    Get { id: String },
    /// List reports on the server, newest first
    List {
        #[arg(long, value_name = "SN")]
        serial: Option<String>,
        #[arg(long, value_name = "PN")]
        product: Option<String>,
        #[arg(long, default_value_t = 50)]
        top: usize,
    },
}

pub fn run(context: &Context, act: Act) -> Result<(), Failure> {
    match act {
        Act::Submit { files, wait } => submit(context, &files, Duration::from_secs(wait)),
        Act::Get { id } => {
            let id = parse_id(&id)?;
            let (place, instance) = context.chosen()?;
            context.output.text(&place.caller(&instance.id)?.report(id)?);
            Ok(())
        }
        Act::List { serial, product, top } => list(context, serial.as_deref(), product.as_deref(), top),
    }
}

/// What became of one file.
struct Handed {
    file: PathBuf,
    outcome: Outcome,
}

enum Outcome {
    /// In the queue under this id.
    Taken(Uuid),
    /// Not taken: unreadable, or no room.
    NotTaken(Explanation),
}

fn submit(context: &Context, files: &[PathBuf], wait: Duration) -> Result<(), Failure> {
    let (place, instance) = context.chosen()?;
    let queue = place.queue(&instance.id)?;
    let handed: Vec<Handed> = files.iter().map(|file| Handed { file: file.clone(), outcome: hand_over(&queue, file) }).collect();
    let taken: Vec<Uuid> = handed.iter().filter_map(|one| if let Outcome::Taken(id) = one.outcome { Some(id) } else { None }).collect();
    // The reports are safe from here on. What follows is only about when they arrive.
    let unreached = if taken.is_empty() { None } else { deliver(context, &place, &instance.id, instance.in_use, &queue, &taken, wait) };
    let mut worst = None;
    let mut rows = Vec::new();
    for one in &handed {
        let (state, id, reason) = fate(context, &queue, &one.outcome);
        let exit = match state {
            "refused" => Some(Exit::Failed),
            "quarantined" => Some(Exit::Refused),
            "waiting" => unreached,
            _ => None,
        };
        worst = worst.max(exit.map(|exit| (exit == Exit::Failed, exit as u8, exit)));
        if !context.output.json {
            let file = one.file.display().to_string();
            let id = id.map(|id| id.to_string()).unwrap_or_default();
            let values = [("file", file.as_str()), ("id", &id), ("reason", &reason)];
            match state {
                "refused" => context.output.complain(&context.output.words("submit.refused", &values)),
                _ => context.output.line(&context.output.words(&format!("submit.{state}"), &values)),
            }
        }
        rows.push(json!({"file": one.file.display().to_string(), "id": id, "state": state, "reason": reason}));
    }
    if context.output.json {
        context.output.value(&json!({"reports": rows}));
    }
    worst.map_or(Ok(()), |(_, _, exit)| Err(Failure::silent(exit)))
}

fn hand_over(queue: &Queue, file: &Path) -> Outcome {
    let taken = read(file).and_then(|submission| {
        let id = submission.id;
        queue.enqueue_blocking(submission).map(|_| id).map_err(|error| error.explain())
    });
    taken.map_or_else(Outcome::NotTaken, Outcome::Taken)
}

/// Reads no more than a report may have; `-` is standard input.
fn read(file: &Path) -> Result<Submission, Explanation> {
    let unreadable = |error| Explanation::new("file_unreadable").with("file", file.display()).detail(error);
    let limit = MAX_REPORT_BYTES as u64 + 1;
    let mut bytes = Vec::new();
    if file == Path::new("-") {
        std::io::stdin().lock().take(limit).read_to_end(&mut bytes).map_err(unreadable)?;
    } else {
        std::fs::File::open(file).map_err(unreadable)?.take(limit).read_to_end(&mut bytes).map_err(unreadable)?;
    }
    read_submission(&bytes, &format!("andonctl: {}", file.display()))
}

/// Lets the owner deliver, or owns the instance for that long. Answers why what is left could not be delivered.
fn deliver(context: &Context, place: &Place, id: &InstanceId, owned: bool, queue: &Queue, taken: &[Uuid], wait: Duration) -> Option<Exit> {
    let still_waiting = || taken.iter().any(|id| matches!(queue.find(*id), Ok(Some(row)) if row.state == QueueState::Waiting));
    let signed_in = place.server(id).is_ok_and(|server| server.has_token);
    if !signed_in {
        return Some(Exit::NotSignedIn);
    }
    let deadline = Instant::now() + wait;
    let mut owner = if owned { None } else { context.own(id, false).ok() };
    while still_waiting() && Instant::now() < deadline {
        match &mut owner {
            Some(owner) => {
                let settled = owner.until(Duration::from_millis(100), |model| {
                    model.connection.since.is_some() && matches!(model.connection.state, Connection::Offline(_) | Connection::NotConnected)
                });
                if let Ok(model) = settled {
                    return Some(if model.connection.state == Connection::NotConnected { Exit::NotSignedIn } else { Exit::Unreachable });
                }
            }
            None => {
                #[expect(clippy::disallowed_methods, reason = "another process delivers, and only its file tells")]
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    }
    drop(owner);
    if !still_waiting() {
        return None;
    }
    place.caller(id).and_then(|caller| caller.contact()).err().map(|error| Failure::from(error).exit)
}

/// State, id and reason of a file's report.
fn fate(context: &Context, queue: &Queue, outcome: &Outcome) -> (&'static str, Option<Uuid>, String) {
    match outcome {
        Outcome::NotTaken(told) => ("refused", None, context.output.sentence(told)),
        Outcome::Taken(id) => match queue.find(*id) {
            Ok(Some(row)) => (super::queue::state(row.state), Some(*id), row.last_error),
            _ => ("waiting", Some(*id), String::new()),
        },
    }
}

fn list(context: &Context, serial: Option<&str>, product: Option<&str>, top: usize) -> Result<(), Failure> {
    let (place, instance) = context.chosen()?;
    let headers = place.caller(&instance.id)?.headers(serial, product, top)?;
    if context.output.json {
        context.output.value(&json!({"reports": headers}));
        return Ok(());
    }
    let text = |text: Option<String>| text.unwrap_or_default();
    let rows = headers.into_iter().map(|row| {
        let start = row.start_utc.map(moment);
        vec![row.uuid, text(start), row.result, row.part_number, row.serial_number, text(row.process_name), text(row.station_name)]
    });
    context.output.table(&["report", "start", "result", "part", "serial", "process", "station"], &rows.collect::<Vec<_>>());
    Ok(())
}

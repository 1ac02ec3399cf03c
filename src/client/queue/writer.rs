//! The one thread that writes: requests that arrive together share one transaction, and one sync of the disk.
//! A request is answered only after the commit that holds it.

use tokio::sync::{mpsc, oneshot, watch};

use super::error::QueueError;
use super::store::{Answer, Job, Store, Totals};

/// The queue as the writer left it, and why it could not write last, until it can again.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Health {
    pub(super) totals: Totals,
    pub(super) failure: Option<QueueError>,
}

pub(super) struct Request {
    pub(super) job: Job,
    pub(super) answer: oneshot::Sender<Result<Answer, QueueError>>,
}

/// Requests that may wait for the writer, and the bounds of one transaction.
pub(super) const REQUESTS: usize = 64;
const GROUP_BYTES: usize = 16 << 20;

/// Works until every sender is gone; what was sent before is done.
pub(super) fn run(mut store: Store, mut inbox: mpsc::Receiver<Request>, health: watch::Sender<Health>) {
    let mut failure = None;
    while let Some(first) = inbox.blocking_recv() {
        let mut group = vec![first];
        let mut bytes = 0;
        while group.len() < REQUESTS && bytes < GROUP_BYTES {
            let Ok(next) = inbox.try_recv() else { break };
            bytes += weight(&next.job);
            group.push(next);
        }
        let looked = group.iter().all(|request| matches!(request.job, Job::Look | Job::Tidy));
        let done = commit(&mut store, group);
        let failed = done.iter().find_map(|(_, result)| result.as_ref().err());
        if !looked || failed.is_some() {
            failure = failed.cloned();
        }
        let now = Health { totals: store.totals(), failure: failure.clone() };
        health.send_if_modified(|known| {
            let changed = !looked || *known != now;
            *known = now;
            changed
        });
        for (answer, result) in done {
            let _ = answer.send(result);
        }
    }
}

type Done = (oneshot::Sender<Result<Answer, QueueError>>, Result<Answer, QueueError>);

/// Commits the group; when that fails, each request on its own, so that a small one still fits a nearly full disk.
fn commit(store: &mut Store, group: Vec<Request>) -> Vec<Done> {
    let jobs: Vec<&Job> = group.iter().map(|request| &request.job).collect();
    match store.run(&jobs) {
        Ok(answers) => group.into_iter().zip(answers).map(|(request, answer)| (request.answer, Ok(answer))).collect(),
        Err(error) if group.len() > 1 => {
            tracing::warn!("{} requests could not be written together, trying one by one: {error}", group.len());
            group.into_iter().flat_map(|request| commit(store, vec![request])).collect()
        }
        Err(error) => group.into_iter().map(|request| (request.answer, Err(error.clone()))).collect(),
    }
}

fn weight(job: &Job) -> usize {
    match job {
        Job::Add(entries) => entries.iter().map(|entry| entry.text.len()).sum(),
        _ => 0,
    }
}

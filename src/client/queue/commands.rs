//! What a person asks of the queue by hand. Each act ends in a notice.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::task::JoinSet;
use uuid::Uuid;

use super::super::bridge::Notice;
use super::super::command::QueueCommand;
use super::super::explain::Explanation;
use super::super::model::Progress;
use super::deliver::Courier;
use super::error::QueueError;
use super::store::{Answer, Job, Which};

impl Courier {
    pub(super) async fn obey(&mut self, command: QueueCommand) {
        self.changed = true;
        match command {
            QueueCommand::Show(filter) => self.wanted.filter = filter,
            QueueCommand::History(id) => self.wanted.history = Some(id),
            QueueCommand::CloseHistory => self.wanted.history = None,
            QueueCommand::Retry(ids) => self.retry(Which::These(ids)).await,
            QueueCommand::RetryAllQuarantined => self.retry(Which::AllQuarantined).await,
            QueueCommand::Release(ids) if self.link.server_id.is_empty() => {
                tracing::warn!("{} reports were to be released while nobody is signed in", ids.len());
                self.tell(Notice::Failed(Explanation::new("release_needs_server")));
            }
            QueueCommand::Release(ids) => {
                let job = Job::Release(ids, self.link.server_id.clone());
                self.change("queue_released", job).await;
            }
            QueueCommand::Export { ids, folder } => self.export(ids, folder),
            QueueCommand::Delete(ids) => self.change("queue_deleted", Job::Delete(ids)).await,
            QueueCommand::SendNow => {
                self.send_now();
                self.tell(Notice::Done { key: "queue_sending", values: Vec::new() });
            }
            QueueCommand::Cancel => self.export.cancel(),
        }
    }

    async fn retry(&mut self, which: Which) {
        self.change("queue_retried", Job::Retry(which)).await;
        self.send_now();
    }

    async fn change(&mut self, key: &'static str, job: Job) {
        let notice = match self.queue.ask(job).await {
            Ok(Answer::Count(count)) => Notice::Done { key, values: vec![("n", count.to_string())] },
            Ok(_) => return,
            Err(error) => Notice::Failed(error.explain()),
        };
        self.reload().await;
        self.tell(notice);
    }

    fn export(&mut self, ids: Vec<Uuid>, folder: PathBuf) {
        if self.export.is_running() {
            self.tell(Notice::Failed(Explanation::new("export_running")));
            return;
        }
        self.export.start(self.queue.clone(), ids, folder);
    }

    pub(super) fn exported(&mut self, ended: Exported) {
        self.changed = true;
        let notice = match ended {
            Ok((count, folder)) => {
                let values = vec![("n", count.to_string()), ("folder", folder.display().to_string())];
                Notice::Done { key: "queue_exported", values }
            }
            Err(error) => Notice::Failed(Explanation::new("export_failed").detail(error)),
        };
        let _ = self.notices.try_send(notice);
    }

    /// A window that does not listen any more loses the notice, never the act.
    fn tell(&self, notice: Notice) {
        let _ = self.notices.try_send(notice);
    }
}

type Exported = Result<(u64, PathBuf), QueueError>;

/// An export under way.
#[derive(Default)]
pub(super) struct Exporting {
    task: JoinSet<Exported>,
    cancelled: Arc<AtomicBool>,
    done: Arc<AtomicUsize>,
    total: usize,
}

impl Exporting {
    fn is_running(&self) -> bool {
        !self.task.is_empty()
    }

    fn start(&mut self, queue: super::Queue, ids: Vec<Uuid>, folder: PathBuf) {
        self.cancelled = Arc::default();
        self.done = Arc::default();
        self.total = ids.len();
        let (cancelled, done) = (self.cancelled.clone(), self.done.clone());
        self.task.spawn_blocking(move || {
            let step = |count| {
                done.store(count, Ordering::Relaxed);
                !cancelled.load(Ordering::Relaxed)
            };
            queue.export_blocking(&ids, &folder, step).map(|count| (count, folder))
        });
    }

    pub(super) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// Waits for the end; `None` at once where nothing runs.
    pub(super) async fn ended(&mut self) -> Option<Exported> {
        let ended = self.task.join_next().await?;
        Some(ended.unwrap_or_else(|error| Err(QueueError::Unusable(error.to_string()))))
    }

    pub(super) fn progress(&self) -> Option<Progress> {
        let done = self.done.load(Ordering::Relaxed) as f32 / self.total.max(1) as f32;
        self.is_running().then(|| Progress { what: "queue.exporting".to_owned(), done, can_cancel: true })
    }
}

//! The audit log: searched, read further back, and written into a file.

use std::path::{Path, PathBuf};

use tokio::task::spawn_blocking;

use super::{Acts, AuditFilter, AuditList, AuditSlice, Desk, Parts, Told};
use crate::client::command::AuditCommand;
use crate::client::explain::Explanation;
use crate::client::files;
use crate::client::remote::Remote;
use crate::protocol::audit::{AuditQuery, Entry};

/// Entries that are asked for at once.
const PAGE: usize = 500;

impl Desk for AuditSlice {
    type Command = AuditCommand;

    fn fetches(command: &AuditCommand) -> bool {
        !matches!(command, AuditCommand::Export { .. })
    }

    fn acts(&mut self) -> &mut Acts {
        &mut self.acts
    }

    async fn serve(parts: Parts<AuditSlice>, command: AuditCommand) {
        match command {
            AuditCommand::List(filter) => parts.list(filter).await,
            AuditCommand::Older => parts.older().await,
            AuditCommand::Export { folder } => {
                if let Ok(file) = parts.act(Told::InTheForm, parts.export(folder)).await {
                    parts.notifier.done("audit_exported", vec![("file", file.display().to_string())]);
                }
            }
        }
    }
}

impl Parts<AuditSlice> {
    fn query(&self, filter: &AuditFilter) -> AuditQuery {
        AuditQuery {
            from: filter.period.from(self.clock.now()),
            action: filter.action.clone(),
            search: filter.search.clone(),
            ..AuditQuery::default()
        }
    }

    async fn list(&self, filter: AuditFilter) {
        self.slice.update(|slice| {
            // What is shown belongs to another question.
            slice.list = if slice.filter == filter { slice.list.reloading() } else { Remote::Loading(None) };
            slice.filter = filter.clone();
        });
        let result = self.fetch(&filter, Vec::new()).await;
        self.slice.update(|slice| slice.list = slice.list.settled(result));
    }

    async fn older(&self) {
        let slice = self.slice.get();
        // It took the place of what was asked for before, and must not leave that unanswered.
        let Some(known) = slice.list.value() else { return self.list(slice.filter.clone()).await };
        self.slice.update(|slice| slice.list = slice.list.reloading());
        let result = self.fetch(&slice.filter, known.rows.clone()).await;
        self.slice.update(|slice| slice.list = slice.list.settled(result));
    }

    /// One page more than `rows`.
    async fn fetch(&self, filter: &AuditFilter, mut rows: Vec<Entry>) -> Result<AuditList, Explanation> {
        let before = rows.last().map(|entry| entry.id.clone());
        let query = AuditQuery { limit: Some(PAGE), before, ..self.query(filter) };
        let page = self.learn(self.person()?.fetch_audit(&query).await)?;
        let complete = page.len() < PAGE;
        rows.extend(page);
        Ok(AuditList { rows, complete, as_of: self.clock.now() })
    }

    /// All that the filter finds, as a table in a new file of `folder`.
    async fn export(&self, folder: PathBuf) -> Result<PathBuf, Explanation> {
        let query = self.query(&self.slice.get().filter);
        let text = self.learn(self.person()?.fetch_audit_table(&query).await)?;
        let file = folder.join(format!("audit-{}.csv", self.clock.now().format("%Y%m%dT%H%M%SZ")));
        let written = spawn_blocking(move || write(&folder, &file, &text).map(|()| file)).await;
        let written = written.unwrap_or_else(|error| Err(std::io::Error::other(error)));
        written.map_err(|error| Explanation::new("audit_not_written").detail(error))
    }
}

fn write(folder: &Path, file: &Path, text: &[u8]) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    files::write_whole(file, text)
}

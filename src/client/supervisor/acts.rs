//! What a person asks about instances: small acts at once, copying and deleting beside everything else.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};

use tokio::task::spawn_blocking;

use super::Supervisor;
use crate::client::command::InstancesCommand;
use crate::client::instances::{self, DoorLock, InstancesError, Unsent};
use crate::client::model::Progress;
use crate::client::offline;
use crate::client::settings;
use crate::domain::InstanceId;

impl Supervisor {
    pub(super) async fn instances(&mut self, command: InstancesCommand) {
        let done = match command {
            InstancesCommand::Create { name, application, template } => {
                let made = self.registry().create(None, &name, Some(application), &template);
                made.map(|_| self.notifier.done("instance_created", vec![("name", name)]))
            }
            InstancesCommand::Rename { id, name } => self.rename(&id, &name),
            InstancesCommand::MakeDefault(id) => self.registry().make_default(&id),
            InstancesCommand::Duplicate { id, name } => self.duplicate(&id, &name),
            InstancesCommand::Delete { id, with_reports } => self.delete(&id, with_reports).await,
            InstancesCommand::Open(id) => {
                self.open(id).await;
                Ok(())
            }
            InstancesCommand::Cancel => {
                if let Some((_, cancel)) = &self.act {
                    cancel.store(true, Ordering::Relaxed);
                }
                Ok(())
            }
        };
        if let Err(error) = done {
            self.notifier.failed(error.explain());
        }
        self.show();
    }

    fn rename(&self, id: &InstanceId, name: &str) -> Result<(), InstancesError> {
        self.registry().rename(id, name)?;
        if let Some(station) = self.station.as_ref().filter(|station| station.id == *id) {
            station.settings.change(|config| config.instance_name = name.trim().to_owned())?;
        }
        Ok(())
    }

    fn duplicate(&mut self, id: &InstanceId, name: &str) -> Result<(), InstancesError> {
        let copy = self.registry().begin_copy(id, name, &self.startup.clock)?;
        let (registry, name) = (self.registry.clone(), name.to_owned());
        self.act("instances.copying", name.clone(), true, move |progressed| {
            instances::copy(&copy, progressed)?;
            let mut registry = registry.lock().unwrap_or_else(PoisonError::into_inner);
            registry.finish_copy(copy)?;
            Ok(("instance_duplicated", name))
        })
    }

    async fn delete(&mut self, id: &InstanceId, with_reports: bool) -> Result<(), InstancesError> {
        if self.acts() {
            return Err(InstancesError::Busy);
        }
        let folder = self.registry().folder_of(id)?;
        if !folder.is_dir() {
            return self.registry().forget(id);
        }
        if !with_reports {
            none_waits(id, &folder).await?;
        }
        let station = self.station.take_if(|station| station.id == *id);
        let was_open = station.is_some();
        let lock = match station {
            Some(station) => station.close().await,
            None => self.registry().own(id)?.1,
        };
        // What came while it was still open counts as well: from here on nothing comes.
        let door = match close_door(id, &folder, with_reports).await {
            Ok(door) => door,
            Err(error) => {
                drop(lock);
                if was_open {
                    self.open(id.clone()).await;
                }
                return Err(error);
            }
        };
        let (registry, id, vault, sealed) = (self.registry.clone(), id.clone(), self.vault.clone(), settings::sealed_token(&folder));
        self.act("instances.deleting", id.to_string(), false, move |progressed| {
            sealed.iter().for_each(|sealed| vault.forget(sealed));
            // What stays of the folder is told below.
            let _ = offline::forget_file(&folder, &vault);
            instances::remove(&folder, (lock, door), progressed)?;
            registry.lock().unwrap_or_else(PoisonError::into_inner).forget(&id)?;
            Ok(("instance_deleted", id.to_string()))
        })
    }

    /// Whether a long act runs.
    fn acts(&self) -> bool {
        self.act.as_ref().is_some_and(|(task, _)| !task.is_finished())
    }

    /// Runs a long act beside everything else. One at a time.
    fn act(
        &mut self,
        what: &str,
        about: String,
        can_cancel: bool,
        work: impl FnOnce(&mut dyn FnMut(f32) -> bool) -> Result<(&'static str, String), InstancesError> + Send + 'static,
    ) -> Result<(), InstancesError> {
        if self.acts() {
            return Err(InstancesError::Busy);
        }
        let cancel = Arc::new(AtomicBool::new(false));
        let (slice, notifier, ends, cancelled) = (self.slice.clone(), self.notifier.clone(), self.act_ends.clone(), cancel.clone());
        tracing::info!(what, about, "begun");
        let what = what.to_owned();
        slice.update(|slice| slice.busy = Some(Progress { what: what.clone(), done: 0.0, can_cancel }));
        let task = spawn_blocking(move || {
            let result = work(&mut |done| {
                slice.update(|slice| slice.busy = Some(Progress { what: what.clone(), done, can_cancel }));
                !cancelled.load(Ordering::Relaxed)
            });
            slice.update(|slice| slice.busy = None);
            match result {
                Ok((key, name)) => notifier.done(key, vec![("name", name)]),
                Err(error) => notifier.failed(error.explain()),
            }
            let _ = ends.try_send(());
        });
        self.act = Some((task, cancel));
        Ok(())
    }
}

/// An error where something would be lost with the folder.
async fn none_waits(id: &InstanceId, folder: &Path) -> Result<(), InstancesError> {
    let folder = folder.to_owned();
    // Where it cannot be told, there may be one.
    let unsent = spawn_blocking(move || instances::unsent_in(&folder)).await.unwrap_or(Unsent { reports: 1, ..Unsent::default() });
    if unsent == Unsent::default() { Ok(()) } else { Err(InstancesError::ReportsWait { id: id.clone(), unsent }) }
}

/// Keeps visitors out, and counts for the last time.
async fn close_door(id: &InstanceId, folder: &Path, with_reports: bool) -> Result<DoorLock, InstancesError> {
    let place = folder.to_owned();
    let door = spawn_blocking(move || DoorLock::take(&place)).await.map_err(std::io::Error::other)?;
    let door = door.map_err(|error| InstancesError::from_lock(error, id))?;
    if !with_reports {
        none_waits(id, folder).await?;
    }
    Ok(door)
}

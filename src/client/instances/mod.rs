//! The instances on this PC: the registry, their folders, and who owns each of them.

mod acts;
mod lock;
mod migrate;
mod registry;
mod templates;
#[cfg(test)]
mod tests;

use std::io;
use std::path::Path;

pub(crate) use acts::{Unsent, copy, remove, unsent_in};
pub(crate) use lock::{DoorLock, LockError, OwnerLock, VisitorLock};
pub(crate) use migrate::open_settings;
pub(crate) use registry::Registry;
pub use templates::template_names;

use super::explain::Explanation;
use super::server_url::BadServerUrl;
use super::settings::SettingsError;
use crate::domain::InstanceId;

/// Why something could not be done with an instance.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InstancesError {
    #[error("there is no instance {0}")]
    Unknown(InstanceId),
    #[error("there is an instance {0} already")]
    Taken(InstanceId),
    #[error("there is no template {0:?}")]
    UnknownTemplate(String),
    #[error("an instance needs a name of 1 to 80 characters")]
    BadName,
    #[error("another process owns {0}")]
    InUse(InstanceId),
    #[error("{unsent:?} wait in {id}")]
    ReportsWait { id: InstanceId, unsent: Unsent },
    #[error("its folder is missing: {folder}")]
    FolderMissing { name: String, folder: String },
    #[error("written by a newer program (version {version})")]
    FromTheFuture { version: u64 },
    #[error("the folder belongs to {found:?}")]
    OtherInstance { id: InstanceId, found: String },
    #[error("nothing to take over in {0}")]
    NothingToImport(String),
    #[error("the old settings name no usable address: {0}")]
    OldAddress(BadServerUrl),
    #[error("another act on the instances is running")]
    Busy,
    #[error("cancelled")]
    Cancelled,
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl InstancesError {
    pub(crate) fn from_settings(error: SettingsError, id: &InstanceId) -> InstancesError {
        match error {
            SettingsError::FromTheFuture { version } => InstancesError::FromTheFuture { version },
            SettingsError::OtherInstance { found } => InstancesError::OtherInstance { id: id.clone(), found },
            SettingsError::Io(error) => error.into(),
        }
    }

    pub(crate) fn from_lock(error: LockError, id: &InstanceId) -> InstancesError {
        match error {
            LockError::Owned => InstancesError::InUse(id.clone()),
            LockError::Gone => InstancesError::Unknown(id.clone()),
            LockError::Io(error) => error.into(),
        }
    }

    pub(crate) fn explain(&self) -> Explanation {
        match self {
            InstancesError::Unknown(id) => Explanation::new("instance_unknown").with("instance", id),
            InstancesError::Taken(id) => Explanation::new("instance_taken").with("instance", id),
            InstancesError::UnknownTemplate(name) => Explanation::new("template_unknown").with("template", name),
            InstancesError::BadName => Explanation::new("instance_name_unusable"),
            InstancesError::InUse(id) => Explanation::new("instance_in_use").with("instance", id),
            InstancesError::ReportsWait { id, unsent: Unsent { reports, acts: 0, messages: 0 } } => {
                Explanation::new("instance_reports_wait").with("instance", id).with("n", reports)
            }
            InstancesError::ReportsWait { id, unsent: Unsent { reports, acts, messages } } => {
                let told = Explanation::new("instance_holds_unsent").with("instance", id).with("n", reports);
                told.with("acts", acts).with("messages", messages)
            }
            InstancesError::FolderMissing { name, folder } => missing(name, Path::new(folder)),
            InstancesError::FromTheFuture { version } => Explanation::new("settings_newer").with("version", version),
            InstancesError::OtherInstance { id, found } => {
                Explanation::new("settings_of_other_instance").with("instance", id).with("other", found)
            }
            InstancesError::NothingToImport(place) => Explanation::new("nothing_to_import").with("folder", place),
            InstancesError::OldAddress(error) => Explanation::new("old_address_unusable").detail(error),
            InstancesError::Busy => Explanation::new("instances_busy"),
            InstancesError::Cancelled => Explanation::new("cancelled"),
            InstancesError::Io(error) => Explanation::new("disk_failed").detail(error),
        }
    }
}

fn missing(name: &str, folder: &Path) -> Explanation {
    Explanation::new("instance_folder_missing").with("instance", name).with("folder", folder.display())
}

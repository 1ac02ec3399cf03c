//! Watched folders: reports that a tester drops as files are queued, then moved to Done, or to Error with the reason.
//! The system's word about new files makes it quick; a slow rescan makes it sure, on network shares too.

mod folder;
mod place;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::time::Duration;

use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::bridge::Slice;
use super::command::ConvertersCommand;
use super::model::ConvertersSlice;
use super::queue::Queue;
use super::settings::{FolderConfig, Settings};
use folder::{Folder, Pace};
pub(crate) use place::reports_below;

/// The least time between two steps that news of the system ask for.
const BREATH: Duration = Duration::from_millis(20);

/// Watches the folders of `settings` until `stop`.
pub(crate) async fn run(
    settings: Settings,
    queue: Queue,
    slice: Slice<ConvertersSlice>,
    inbox: mpsc::Receiver<ConvertersCommand>,
    stop: CancellationToken,
) {
    watch(settings, queue, slice, inbox, (stop, Pace::default())).await;
}

async fn watch(
    settings: Settings,
    queue: Queue,
    slice: Slice<ConvertersSlice>,
    mut inbox: mpsc::Receiver<ConvertersCommand>,
    (stop, pace): (CancellationToken, Pace),
) {
    let (news_sender, mut news) = mpsc::channel(1);
    let mut ears = Ears::new(news_sender);
    let mut folders: Vec<Folder> = settings.get().watched_folders.iter().map(|config| folder_of(&settings, config, pace)).collect();
    loop {
        let mut next = pace.rescan;
        for index in 0..folders.len() {
            let mut folder = folders.swap_remove(index);
            let queue = queue.clone();
            let stepped = tokio::task::spawn_blocking(move || {
                let due = folder.step(&queue);
                (folder, due)
            });
            let (folder, due) = match stepped.await {
                Ok(stepped) => stepped,
                // The supervisor starts a service anew that panics, and none that ends by itself.
                Err(error) => match error.try_into_panic() {
                    Ok(panic) => std::panic::resume_unwind(panic),
                    Err(_) => return,
                },
            };
            next = next.min(due.unwrap_or(pace.rescan));
            folders.push(folder);
            let last = folders.len() - 1;
            folders.swap(index, last);
        }
        ears.listen(&folders);
        slice.set(ConvertersSlice { folders: folders.iter().map(|folder| folder.view.clone()).collect() });
        tokio::select! {
            () = stop.cancelled() => return,
            command = inbox.recv() => match command {
                Some(ConvertersCommand::SetFolder { index, path, enabled }) => {
                    set_folder(&settings, index, FolderConfig { path, enabled, ..FolderConfig::default() });
                    ears.forget();
                    folders = renewed(&settings, folders, pace);
                }
                None => return,
            },
            _ = news.recv() => tokio::time::sleep(BREATH).await,
            () = tokio::time::sleep(next) => {}
        }
    }
}

fn folder_of(settings: &Settings, config: &FolderConfig, pace: Pace) -> Folder {
    let path = settings.place(&config.path);
    // A folder of the instance's own is made; one that lies elsewhere may be a share that is away for now.
    if config.path.is_relative()
        && config.enabled
        && let Err(error) = std::fs::create_dir_all(&path)
    {
        tracing::error!("{} cannot be made: {error}", path.display());
    }
    Folder::new(path, config.enabled, pace)
}

/// Keeps a folder's settings; one behind the last is a new one.
fn set_folder(settings: &Settings, index: usize, config: FolderConfig) {
    let kept = settings.change(|settings| match settings.watched_folders.get_mut(index) {
        Some(known) => *known = FolderConfig { rest: std::mem::take(&mut known.rest), ..config },
        None => settings.watched_folders.push(config),
    });
    if let Err(error) = kept {
        tracing::error!("the watched folders could not be saved: {error}");
    }
}

/// The folders as the settings have them now; those that did not change keep what they know.
fn renewed(settings: &Settings, mut old: Vec<Folder>, pace: Pace) -> Vec<Folder> {
    let configs = settings.get().watched_folders;
    let keep = |config: &FolderConfig| {
        let path = settings.place(&config.path);
        let known = old.iter().position(|folder| folder.path() == path && folder.view.enabled == config.enabled);
        known.map_or_else(|| folder_of(settings, config, pace), |index| old.swap_remove(index))
    };
    configs.iter().map(keep).collect()
}

/// Hears from the system about new files. Where it cannot, the rescan does all the work.
struct Ears {
    watcher: Option<RecommendedWatcher>,
    news: mpsc::Sender<()>,
    /// By folder, whether it is listened to.
    heard: Vec<bool>,
}

impl Ears {
    fn new(news: mpsc::Sender<()>) -> Ears {
        let mut ears = Ears { watcher: None, news, heard: Vec::new() };
        ears.forget();
        ears
    }

    fn forget(&mut self) {
        let news = self.news.clone();
        let hear = move |event: notify::Result<notify::Event>| {
            if event.is_ok_and(|event| brings_files(event.kind)) {
                // A full box means that news are waiting already.
                let _ = news.try_send(());
            }
        };
        self.watcher = notify::recommended_watcher(hear).inspect_err(|error| tracing::warn!("no news about files: {error}")).ok();
        self.heard.clear();
    }

    /// Listens to the folders that can be listened to, and tries the others again.
    fn listen(&mut self, folders: &[Folder]) {
        self.heard.resize(folders.len(), false);
        let Some(watcher) = &mut self.watcher else { return };
        for (folder, heard) in folders.iter().zip(&mut self.heard) {
            if !is_there(folder.path()) {
                *heard = false;
            } else if folder.view.enabled && !*heard {
                *heard = watcher.watch(folder.path(), RecursiveMode::NonRecursive).is_ok();
                // What came before the ears were open is found by the next look.
                let _ = self.news.try_send(());
            }
        }
    }
}

fn is_there(path: &Path) -> bool {
    path.is_dir()
}

/// Our own reading must not wake us again.
fn brings_files(kind: EventKind) -> bool {
    match kind {
        EventKind::Create(_) | EventKind::Modify(_) | EventKind::Any => true,
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        EventKind::Access(_) | EventKind::Remove(_) | EventKind::Other => false,
    }
}

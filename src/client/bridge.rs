//! The only door between the window and the services: the latest model out, happenings out, intent in.
//! Nothing here waits, so the window never does.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::command::{Command, Order};
use super::explain::Explanation;
use super::line::LocalLine;
use super::model::Model;
use super::supervisor;
use crate::domain::InstanceId;
use crate::support::clock::Clock;

/// Something that happened once and deserves a word to the person.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// Something was done, named by a key under `notice.` in the language file.
    Done { key: &'static str, values: Vec<(&'static str, String)> },
    /// Something that was asked for could not be done.
    Failed(Explanation),
}

/// How the services start.
pub struct Startup {
    pub data_folder: PathBuf,
    /// The instance to own; the registry's default where nobody chose.
    pub instance: Option<InstanceId>,
    /// Makes that instance where the registry does not know it.
    pub create_instance: bool,
    pub clock: Clock,
    /// The line server built into this program, if it has one.
    pub line: Option<LocalLine>,
    /// Whether tokens may be sealed with the help of the operating system's keyring.
    pub keyring: bool,
    /// Sets up the built-in line server and runs a simulated tester. Everything stays in the data folder.
    pub demo: Option<Demo>,
}

impl Startup {
    /// What a program does when nobody asked for anything else.
    pub fn new(data_folder: PathBuf) -> Startup {
        Startup { data_folder, instance: None, create_instance: false, clock: Clock::system(), line: None, keyring: true, demo: None }
    }
}

/// The simulated tester: what it has written before the start, and how fast it goes on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Demo {
    /// The same seed gives the same line.
    pub seed: u64,
    /// Reports of the past eight hours.
    pub backlog: usize,
    /// Time between two reports from then on.
    pub beat: Duration,
}

impl Default for Demo {
    fn default() -> Demo {
        Demo { seed: 1, backlog: 400, beat: Duration::from_secs(1) }
    }
}

/// Runs the services until they have ended, or have had their time. Tells what is left for calls that block.
async fn end_in_time(services: impl Future<Output = ()>, stop: CancellationToken) -> Duration {
    let mut services = std::pin::pin!(services);
    tokio::select! {
        () = &mut services => return SHUTDOWN_LIMIT,
        () = stop.cancelled() => {}
    }
    let begun = std::time::Instant::now();
    if tokio::time::timeout(CLOSING, services).await.is_err() {
        // What was being opened or asked for is cut off. All that was accepted is on disk.
        tracing::warn!("closing took too long and was cut short");
    }
    SHUTDOWN_LIMIT.saturating_sub(begun.elapsed())
}

/// The window's end of the door.
pub struct Bridge {
    model: watch::Receiver<Model>,
    notices: mpsc::Receiver<Notice>,
    commands: mpsc::Sender<Order>,
    /// The instance of the model that was handed out last: what is asked then is meant for it.
    shown: Option<InstanceId>,
    /// The account whose conversation that model held.
    talker: String,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

/// A command could not be taken: the services are busy or gone. Shown to the person.
#[derive(Debug, PartialEq, thiserror::Error)]
#[error("the station's services are busy; try again in a moment")]
pub struct Busy;

/// How long closing may take: the services first, then calls that block, a keyring's above all.
const SHUTDOWN_LIMIT: Duration = Duration::from_millis(2900);
const CLOSING: Duration = Duration::from_millis(2700);
const COMMANDS: usize = 64;
const NOTICES: usize = 64;

impl Bridge {
    /// Starts the services on a thread of their own. `wake` asks the window for a frame.
    pub fn start(startup: Startup, wake: impl Fn() + Send + Sync + 'static) -> std::io::Result<Bridge> {
        let wake: Arc<dyn Fn() + Send + Sync> = Arc::new(wake);
        let (publisher, model) = Publisher::new(wake.clone());
        let (notice_sender, notices) = mpsc::channel(NOTICES);
        let notifier = Notifier { sender: notice_sender, wake };
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let stop = CancellationToken::new();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).thread_name("andon-services").enable_all().build()?;
        let services = supervisor::run(startup, publisher, notifier, (commands.clone(), inbox), stop.clone());
        let asked = stop.clone();
        let thread = std::thread::Builder::new().name("andon-services".to_owned()).spawn(move || {
            let left = runtime.block_on(end_in_time(services, asked));
            runtime.shutdown_timeout(left);
        })?;
        Ok(Bridge { model, notices, commands, shown: None, talker: String::new(), stop, thread: Some(thread) })
    }

    /// A bridge to nobody, and its other end: for tests and for pictures of the window alone.
    pub fn detached(model: Model) -> (Bridge, FarEnd) {
        let (publisher, model) = Publisher::holding(model, Arc::new(|| ()));
        let (notice_sender, notices) = mpsc::channel(NOTICES);
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let bridge = Bridge { model, notices, commands, shown: None, talker: String::new(), stop: CancellationToken::new(), thread: None };
        (bridge, FarEnd { publisher, notices: notice_sender, inbox })
    }

    /// The newest model.
    pub fn model(&mut self) -> Model {
        let model = self.model.borrow_and_update().clone();
        self.shown.clone_from(&model.instances.current);
        self.talker.clone_from(&model.chat.user_id);
        model
    }

    pub fn next_notice(&mut self) -> Option<Notice> {
        self.notices.try_recv().ok()
    }

    pub fn send(&self, command: Command) -> Result<(), Busy> {
        self.commands.try_send(Order { meant_for: self.shown.clone(), by: self.talker.clone(), command }).map_err(|_| Busy)
    }

    /// Waits until `good` holds for the model or `limit` is over. For programs without a window and for tests.
    pub fn wait(&mut self, limit: Duration, good: impl Fn(&Model) -> bool) -> Result<Model, Model> {
        let deadline = std::time::Instant::now() + limit;
        loop {
            let model = self.model();
            if good(&model) {
                return Ok(model);
            }
            if std::time::Instant::now() >= deadline {
                return Err(model);
            }
            #[expect(clippy::disallowed_methods, reason = "the caller has no window to keep alive")]
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Closing flushes the queue and the vault, and takes three seconds at most.
impl Drop for Bridge {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The services' end of a detached bridge.
pub struct FarEnd {
    publisher: Publisher,
    notices: mpsc::Sender<Notice>,
    inbox: mpsc::Receiver<Order>,
}

impl FarEnd {
    pub fn publish(&self, change: impl FnOnce(&mut Model)) {
        self.publisher.model.send_modify(change);
    }

    pub fn notify(&self, notice: Notice) {
        let _ = self.notices.try_send(notice);
    }

    pub fn commands(&mut self) -> Vec<Command> {
        std::iter::from_fn(|| self.inbox.try_recv().ok()).map(|order| order.command).collect()
    }
}

/// Tells the person that something happened, and wakes the window, as one act.
#[derive(Clone)]
pub(crate) struct Notifier {
    sender: mpsc::Sender<Notice>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

impl Notifier {
    /// A notifier and the end that receives, for services that run without a bridge.
    #[cfg(test)]
    pub(crate) fn new() -> (Notifier, mpsc::Receiver<Notice>) {
        let (sender, receiver) = mpsc::channel(NOTICES);
        (Notifier { sender, wake: Arc::new(|| ()) }, receiver)
    }

    /// A full box drops the notice: state is in the model, notices are only its echo.
    pub(crate) fn say(&self, notice: Notice) {
        if self.sender.try_send(notice).is_err() {
            tracing::warn!("a notice was dropped: nobody reads them");
        }
        (self.wake)();
    }

    pub(crate) fn done(&self, key: &'static str, values: Vec<(&'static str, String)>) {
        self.say(Notice::Done { key, values });
    }

    pub(crate) fn failed(&self, explanation: Explanation) {
        self.say(Notice::Failed(explanation));
    }
}

/// Publishes the model and wakes the window, as one act.
#[derive(Clone)]
pub(crate) struct Publisher {
    model: watch::Sender<Model>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

impl Publisher {
    pub(crate) fn new(wake: Arc<dyn Fn() + Send + Sync>) -> (Publisher, watch::Receiver<Model>) {
        Publisher::holding(Model::default(), wake)
    }

    fn holding(model: Model, wake: Arc<dyn Fn() + Send + Sync>) -> (Publisher, watch::Receiver<Model>) {
        let (sender, receiver) = watch::channel(model);
        (Publisher { model: sender, wake }, receiver)
    }

    /// For a service that follows what another one writes.
    pub(crate) fn subscribe(&self) -> watch::Receiver<Model> {
        self.model.subscribe()
    }

    /// Forgets everything that belonged to an instance that was closed.
    pub(crate) fn clear_station(&self) {
        self.model.send_modify(|model| {
            let (instances, line) = (model.instances.clone(), model.line.clone());
            *model = Model { instances, line, ..Model::default() };
        });
        (self.wake)();
    }

    /// The part of the model that one service writes.
    pub(crate) fn slice<T>(&self, place: fn(&mut Model) -> &mut Arc<T>) -> Slice<T> {
        Slice { publisher: self.clone(), place }
    }
}

/// One service's part of the model. An unchanged value wakes nobody.
pub(crate) struct Slice<T> {
    publisher: Publisher,
    place: fn(&mut Model) -> &mut Arc<T>,
}

impl<T> Clone for Slice<T> {
    fn clone(&self) -> Self {
        Slice { publisher: self.publisher.clone(), place: self.place }
    }
}

impl<T: Clone + PartialEq> Slice<T> {
    pub(crate) fn set(&self, value: T) {
        self.update(|slot| *slot = value);
    }

    pub(crate) fn update(&self, change: impl FnOnce(&mut T)) {
        let changed = self.publisher.model.send_if_modified(|model| {
            let slot = (self.place)(model);
            let mut value = T::clone(slot);
            change(&mut value);
            let changed = value != **slot;
            if changed {
                *slot = Arc::new(value);
            }
            changed
        });
        if changed {
            (self.publisher.wake)();
        }
    }

    pub(crate) fn get(&self) -> Arc<T> {
        let mut model = self.publisher.model.borrow().clone();
        (self.place)(&mut model).clone()
    }
}

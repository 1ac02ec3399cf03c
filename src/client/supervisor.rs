//! Starts the station's services, hands each its commands, and stops them all within three seconds.
//! One instance is open at a time; the registry and the built-in line server outlive it.

mod acts;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::bridge::{Notifier, Publisher, Slice, Startup};
use super::command::{ChatAsk, Command, LineCommand, Order};
use super::explain::Explanation;
use super::files;
use super::instances::{self, InstancesError, OwnerLock, Registry};
use super::line;
use super::model::{InstancesSlice, LineSlice, LineState};
use super::services::{Inbox, Services};
use super::session::Ask;
use super::settings::Settings;
use super::station::{LINE_START, OpenStation, Opening};
use super::vault::Vault;
use crate::domain::InstanceId;
use crate::support::secret::Secret;

type Commands = (mpsc::Sender<Order>, mpsc::Receiver<Order>);

pub(crate) async fn run(startup: Startup, publisher: Publisher, notifier: Notifier, commands: Commands, stop: CancellationToken) {
    let (sender, mut inbox) = commands;
    let slice = publisher.slice(|model| &mut model.instances);
    let Some(registry) = open_registry(&startup, &slice) else {
        stop.cancelled().await;
        return;
    };
    let mut supervisor = Supervisor::new(startup, publisher, notifier, slice, registry);
    supervisor.start_line(sender);
    supervisor.begin().await;
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            order = inbox.recv() => match order {
                Some(order) => supervisor.dispatch(order).await,
                None => break,
            },
            Some(()) = supervisor.act_ended.recv() => supervisor.show(),
        }
    }
    supervisor.end().await;
}

/// A data folder that cannot be used leaves nothing to do but to say so.
fn open_registry(startup: &Startup, slice: &Slice<InstancesSlice>) -> Option<Registry> {
    let data_folder = startup.data_folder.display().to_string();
    match Registry::open(&startup.data_folder, &startup.clock) {
        Ok((registry, problems)) => {
            slice.set(InstancesSlice { problems, data_folder, list: registry.list(None), ..InstancesSlice::default() });
            Some(registry)
        }
        Err(error) => {
            tracing::error!(%error, "the data folder cannot be used");
            let problem = Explanation::new("data_folder_unusable").with("folder", &data_folder).detail(error);
            slice.set(InstancesSlice { problems: vec![problem], data_folder, ..InstancesSlice::default() });
            None
        }
    }
}

struct Supervisor {
    startup: Startup,
    publisher: Publisher,
    notifier: Notifier,
    slice: Slice<InstancesSlice>,
    registry: Arc<Mutex<Registry>>,
    vault: Vault,
    station: Option<OpenStation>,
    /// Services that outlive the instance.
    services: Services,
    line: Option<mpsc::Sender<line::Errand>>,
    address: watch::Sender<Option<String>>,
    /// The long act that runs, and how to cancel it.
    act: Option<(JoinHandle<()>, Arc<AtomicBool>)>,
    act_ended: mpsc::Receiver<()>,
    act_ends: mpsc::Sender<()>,
}

impl Supervisor {
    fn new(startup: Startup, publisher: Publisher, notifier: Notifier, slice: Slice<InstancesSlice>, registry: Registry) -> Supervisor {
        let vault = Vault::system(startup.keyring && startup.demo.is_none());
        let (act_ends, act_ended) = mpsc::channel(1);
        Supervisor {
            startup,
            publisher,
            notifier,
            slice,
            registry: Arc::new(Mutex::new(registry)),
            vault,
            station: None,
            services: Services::new(CancellationToken::new()),
            line: None,
            address: watch::Sender::new(None),
            act: None,
            act_ended,
            act_ends,
        }
    }

    fn registry(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn current(&self) -> Option<InstanceId> {
        self.station.as_ref().map(|station| station.id.clone())
    }

    fn start_line(&mut self, commands: mpsc::Sender<Order>) {
        let slice = self.publisher.slice(|model| &mut model.line);
        let Some(line) = self.startup.line.clone() else { return };
        slice.set(LineSlice { state: LineState::Stopped, is_set_up: false, simulated: self.startup.demo.is_some() });
        let (address, notifier, remember) = (self.address.clone(), self.notifier.clone(), self.startup.demo.is_none());
        let parts = line::Parts { line, slice, address, commands, notifier, remember };
        let (sender, inbox) = mpsc::channel(8);
        let (inbox, stop) = (Inbox::new(inbox), self.services.stop.clone());
        self.services.start("line", move || {
            let (parts, inbox, stop) = (parts.clone(), inbox.clone(), stop.clone());
            async move { line::run(parts, &mut *inbox.open().await, stop).await }
        });
        self.line = Some(sender);
    }

    /// Opens the instance that was asked for, else the default; makes the first one where there is none.
    async fn begin(&mut self) {
        let chosen = self.startup.instance.clone();
        let first = self.first_instance(chosen);
        match first {
            Ok(Some(id)) => self.open(id).await,
            Ok(None) => {}
            Err(error) => self.problem(error.explain()),
        }
        self.show();
        if self.startup.demo.is_some() {
            self.begin_demo();
        }
    }

    fn first_instance(&self, chosen: Option<InstanceId>) -> Result<Option<InstanceId>, InstancesError> {
        let mut registry = self.registry();
        if let Some(id) = chosen {
            return match registry.folder_of(&id) {
                Err(InstancesError::Unknown(id)) if self.startup.create_instance => {
                    registry.create(Some(id.clone()), id.as_str(), None, "default").map(Some)
                }
                Err(error) => Err(error),
                Ok(_) => Ok(Some(id)),
            };
        }
        match registry.default_instance() {
            Some(id) => Ok(Some(id)),
            None => match registry.import(&self.startup.data_folder, &self.vault) {
                Err(InstancesError::NothingToImport(_)) => {
                    registry.create(InstanceId::parse("default").ok(), "", None, "default").map(Some)
                }
                imported => imported.map(Some),
            },
        }
    }

    fn begin_demo(&self) {
        let mut bytes = [0_u8; 16];
        let drawn = getrandom::fill(&mut bytes).is_ok();
        let Some(line) = self.line.as_ref().filter(|_| drawn) else { return };
        let password: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let set_up = LineCommand::SetUp { administrator: "demo".to_owned(), password: Secret::new(password) };
        let _ = line.try_send((set_up, self.current()));
    }

    /// Told until it is over, and once.
    fn problem(&self, problem: Explanation) {
        self.slice.update(|slice| {
            if !slice.problems.contains(&problem) {
                slice.problems.push(problem);
            }
        });
    }

    /// An instance that opens has no trouble from before.
    fn forget_problems_of(&self, id: &InstanceId) {
        let name = self.registry().name_of(id);
        let concerns = |(key, value): &(&str, String)| *key == "instance" && (*value == id.as_str() || Some(value) == name.as_ref());
        self.slice.update(|slice| slice.problems.retain(|problem| !problem.values.iter().any(concerns)));
    }

    /// The registry as it is now.
    fn show(&mut self) {
        if self.act.as_ref().is_some_and(|(task, _)| task.is_finished()) {
            self.act = None;
        }
        let current = self.current();
        let list = {
            let mut registry = self.registry();
            registry.refresh();
            registry.list(current.as_ref())
        };
        self.slice.update(|slice| {
            slice.list = list;
            slice.current = current;
        });
    }

    /// Becomes the owner of an instance and reads its settings, and what was found wrong with them.
    fn prepare(&self, id: &InstanceId) -> Result<(PathBuf, OwnerLock, Settings, Vec<Explanation>), InstancesError> {
        self.registry().refresh();
        let (folder, lock) = self.registry().own(id)?;
        files::sweep(&folder);
        let (settings, problems) = instances::open_settings(&folder, id, &self.vault, &self.startup.clock)?;
        Ok((folder, lock, settings, problems))
    }

    /// Closes what is open and opens `id`. Where that cannot be, what was open stays.
    async fn open(&mut self, id: InstanceId) {
        if self.station.as_ref().is_some_and(|station| station.id == id) {
            return;
        }
        let (folder, lock, settings, problems) = match self.prepare(&id) {
            Ok(prepared) => prepared,
            Err(error) => {
                tracing::warn!(%error, instance = %id, "not opened");
                self.problem(error.explain());
                self.notifier.failed(error.explain());
                return;
            }
        };
        self.close().await;
        self.forget_problems_of(&id);
        problems.into_iter().for_each(|problem| self.problem(problem));
        if settings.get().connection.built_in_line {
            self.wait_for_line().await;
        }
        self.registry().touch(&id, self.startup.clock.now());
        let application = self.registry().application_of(&id);
        self.station = Some(OpenStation::open(Opening {
            id,
            application,
            folder,
            lock,
            settings,
            vault: self.vault.clone(),
            clock: self.startup.clock.clone(),
            publisher: self.publisher.clone(),
            notifier: self.notifier.clone(),
            built_in: self.address.subscribe(),
            demo: self.startup.demo,
        }));
    }

    /// The station's server is the one built in: it is started first, so that the first probe finds it.
    async fn wait_for_line(&self) {
        let Some(line) = &self.line else { return };
        let mut address = self.address.subscribe();
        if line.try_send((LineCommand::Start, None)).is_ok() {
            let _ = tokio::time::timeout(LINE_START, address.wait_for(Option::is_some)).await;
        }
    }

    async fn close(&mut self) {
        if let Some(station) = self.station.take() {
            drop(station.close().await);
        }
    }

    async fn dispatch(&mut self, Order { meant_for, by, command }: Order) {
        match command {
            Command::Instances(command) => self.instances(command).await,
            Command::Line(command) => match &self.line {
                Some(line) => self.hand(line.try_send((command, self.current()))),
                None => self.notifier.failed(Explanation::new("line_absent")),
            },
            command => match &self.station {
                Some(station) if meant_for.is_some_and(|id| id != station.id) => {
                    tracing::warn!(instance = %station.id, "a command for the station before was not carried out");
                    self.notifier.failed(Explanation::new("station_changed"));
                }
                Some(station) => self.hand(to_station(station, by, command)),
                None => self.notifier.failed(Explanation::new("no_instance_open")),
            },
        }
    }

    fn hand<T>(&self, handed: Result<(), mpsc::error::TrySendError<T>>) {
        if handed.is_err() {
            self.notifier.failed(Explanation::new("services_busy"));
        }
    }

    /// Ends the station and what outlives it side by side: together they have three seconds.
    async fn end(mut self) {
        if let Some((_, cancel)) = &self.act {
            cancel.store(true, Ordering::Relaxed);
        }
        let (station, services) = (self.station.take(), self.services);
        let close = async move {
            if let Some(station) = station {
                drop(station.close().await);
            }
        };
        tokio::join!(close, services.end());
    }
}

fn to_station(station: &OpenStation, by: String, command: Command) -> Result<(), mpsc::error::TrySendError<()>> {
    fn hand<T>(sender: &mpsc::Sender<T>, command: T) -> Result<(), mpsc::error::TrySendError<()>> {
        sender.try_send(command).map_err(|_| mpsc::error::TrySendError::Full(()))
    }
    match command {
        Command::Session(command) => hand(&station.session, Ask::Session(command)),
        Command::Connection(command) => hand(&station.session, Ask::Connection(command)),
        Command::Queue(command) => hand(&station.queue, command),
        Command::Converters(command) => hand(&station.converters, command),
        Command::Yields(command) => hand(&station.yields, command),
        Command::Reports(command) => hand(&station.reports, command),
        Command::Account(command) => hand(&station.account, command),
        Command::Users(command) => hand(&station.users, command),
        Command::Stations(command) => hand(&station.stations, command),
        Command::Audit(command) => hand(&station.audit, command),
        Command::Me(command) => hand(&station.me, command),
        Command::Chat(command) => hand(&station.chat, ChatAsk { by, command }),
        Command::Tunnel(command) => hand(&station.tunnel, command),
        Command::Pin(command) => hand(&station.pin, command),
        Command::Instances(_) | Command::Line(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests;

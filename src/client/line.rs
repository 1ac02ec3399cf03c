//! The handle to a line server that runs inside this program, and the service that minds it.
//! The station never learns how it is made.

use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::bridge::{Notifier, Slice};
use super::command::{Command, LineCommand, Order, SessionCommand, SignIn};
use super::explain::Explanation;
use super::model::{LineSlice, LineState};
use crate::domain::InstanceId;
use crate::support::secret::Secret;

/// Asks the line server built into this program to start or stop.
#[derive(Clone, Debug)]
pub struct LocalLine(pub mpsc::Sender<LineRequest>);

/// One request, and where its answer goes. A failure is a sentence.
#[derive(Debug)]
pub enum LineRequest {
    /// Answers with the address, `http://127.0.0.1:8440`; a running server answers with the one it has.
    Start(oneshot::Sender<Result<String, String>>),
    /// Whether accounts exist in its data folder.
    IsSetUp(oneshot::Sender<Result<bool, String>>),
    /// Makes the administrator. Refused once there is an account.
    SetUp {
        administrator: String,
        password: Secret,
        answer: oneshot::Sender<Result<(), String>>,
    },
    Stop(oneshot::Sender<Result<(), String>>),
}

impl LocalLine {
    async fn ask<T>(&self, request: impl FnOnce(oneshot::Sender<Result<T, String>>) -> LineRequest) -> Result<T, String> {
        let (answer, receiver) = oneshot::channel();
        let gone = || "the built-in line server has ended".to_owned();
        self.0.send(request(answer)).await.map_err(|_| gone())?;
        receiver.await.map_err(|_| gone())?
    }
}

/// What the service works with.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) line: LocalLine,
    pub(crate) slice: Slice<LineSlice>,
    /// Its address, for those who start with it.
    pub(crate) address: watch::Sender<Option<String>>,
    pub(crate) commands: mpsc::Sender<Order>,
    pub(crate) notifier: Notifier,
    /// The token that setting up gives is kept on disk; not so in a demo.
    pub(crate) remember: bool,
}

/// A command, and the station that is open: the one that setting up signs in.
pub(crate) type Errand = (LineCommand, Option<InstanceId>);

pub(crate) async fn run(parts: Parts, inbox: &mut mpsc::Receiver<Errand>, stop: CancellationToken) {
    match parts.line.ask(LineRequest::IsSetUp).await {
        Ok(is_set_up) => parts.slice.update(|slice| {
            slice.is_set_up = is_set_up;
            if slice.state == LineState::Absent {
                slice.state = LineState::Stopped;
            }
        }),
        Err(error) => parts.failed(&error),
    }
    loop {
        let command = tokio::select! {
            () = stop.cancelled() => break,
            command = inbox.recv() => command,
        };
        match command {
            Some((LineCommand::Start, _)) => drop(parts.start().await),
            Some((LineCommand::SetUp { administrator, password }, station)) => parts.set_up(administrator, password, station).await,
            None => break,
        }
    }
    let _ = parts.line.ask(LineRequest::Stop).await;
}

impl Parts {
    async fn start(&self) -> Option<String> {
        self.slice.update(|slice| slice.state = LineState::Starting);
        match self.line.ask(LineRequest::Start).await {
            Ok(address) => {
                self.slice.update(|slice| slice.state = LineState::Running(address.clone()));
                self.address.send_replace(Some(address.clone()));
                Some(address)
            }
            Err(error) => {
                self.failed(&error);
                None
            }
        }
    }

    /// Makes the administrator, then signs `station` in as him.
    async fn set_up(&self, administrator: String, password: Secret, station: Option<InstanceId>) {
        self.slice.update(|slice| slice.state = LineState::Starting);
        let (user, secret) = (administrator.clone(), password.clone());
        let made = self.line.ask(|answer| LineRequest::SetUp { administrator: user, password: secret, answer }).await;
        if let Err(error) = made {
            let explanation = Explanation::new("line_not_set_up").detail(&error);
            let is_set_up = self.line.ask(LineRequest::IsSetUp).await.unwrap_or(false);
            self.slice.update(|slice| {
                slice.is_set_up = is_set_up;
                slice.state = LineState::Failed(explanation.clone());
            });
            self.notifier.failed(explanation);
            return;
        }
        self.slice.update(|slice| slice.is_set_up = true);
        let Some(server_url) = self.start().await else { return };
        let sign_in =
            SignIn { server_url, user: administrator, password, remember: self.remember, application: None, allow_plain_http: false };
        let command = Command::Session(SessionCommand::SignIn(sign_in));
        let _ = self.commands.send(Order { meant_for: station, by: String::new(), command }).await;
    }

    fn failed(&self, error: &str) {
        tracing::warn!(error, "the built-in line server");
        let explanation = Explanation::new("line_failed").detail(error);
        self.address.send_replace(None);
        self.slice.update(|slice| slice.state = LineState::Failed(explanation.clone()));
        self.notifier.failed(explanation);
    }
}

//! The handle to a line server that runs inside this program. The station never learns how it is made.

use tokio::sync::{mpsc, oneshot};

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

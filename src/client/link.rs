//! What the session hands to every service that talks to the server, and what they tell it in return.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use super::api::{Api, ApiError, PersonSession};
use crate::domain::connection::{Connection, Event};

/// The server as of now. Services hold a `watch::Receiver<Link>` and look again after every change.
#[derive(Clone, Default)]
pub(crate) struct Link {
    /// Present while a token is held.
    pub(crate) api: Option<Arc<Api>>,
    /// Which server the token is for; empty without one.
    pub(crate) server_id: String,
    pub(crate) state: Connection,
    /// The person on top of the station, where the server knows persons.
    pub(crate) person: Option<Arc<PersonSession>>,
}

impl Link {
    /// The server to talk to, while it can be worked with.
    pub(crate) fn online(&self) -> Option<Arc<Api>> {
        self.api.clone().filter(|_| self.state == Connection::Connected)
    }
}

pub(crate) type LinkReceiver = watch::Receiver<Link>;

/// Where services report what requests taught them about the connection.
#[derive(Clone)]
pub(crate) struct Observer(pub(crate) mpsc::Sender<Event>);

impl Observer {
    /// Tells the session how a request went. A full box loses nothing: the session knows already.
    pub(crate) fn saw<T>(&self, result: &Result<T, ApiError>) {
        let event = match result {
            Ok(_) => Event::Answered,
            Err(ApiError::TokenRefused { .. }) => Event::TokenRefused,
            Err(error) => match error.trouble() {
                Some(trouble) => Event::Failed(trouble),
                None => Event::Answered,
            },
        };
        let _ = self.0.try_send(event);
    }

    /// As [`saw`](Self::saw). A person's token is no station's: its refusal says nothing about the station.
    pub(crate) fn saw_of_person<T>(&self, result: &Result<T, ApiError>) {
        if !matches!(result, Err(ApiError::TokenRefused { .. })) {
            self.saw(result);
        }
    }
}

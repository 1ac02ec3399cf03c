//! What a sign-in has got from the server before it has come to its end: kept then, and given back otherwise.

use std::sync::Arc;

use tokio::runtime::Handle;

use super::SignedInPerson;
use crate::client::api::{Api, PersonSession};

/// What a line server has issued for a sign-in. Whoever drops it unused, for the sign-in was refused at its end or given up, gives it
/// back: nobody holds it, and it would be good for days.
#[derive(Default)]
pub(crate) struct Issued {
    pub(super) person: Option<(Arc<Api>, SignedInPerson)>,
    pub(super) station: Option<Api>,
}

impl Issued {
    /// The sign-in has come to its end: it is used from now on.
    pub(crate) fn keep(&mut self) -> Option<SignedInPerson> {
        self.station = None;
        self.person.take().map(|(_, person)| person)
    }
}

impl Drop for Issued {
    fn drop(&mut self) {
        let (person, station) = (self.person.take(), self.station.take());
        if person.is_none() && station.is_none() {
            return;
        }
        // Where everything ends there is nobody who could.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(give_back(person, station));
        }
    }
}

async fn give_back(person: Option<(Arc<Api>, SignedInPerson)>, station: Option<Api>) {
    if let Some((api, person)) = person {
        PersonSession::start(api, &person.name, person.tokens).log_out().await;
    }
    if let Some(station) = station
        && let Err(error) = station.end_own_token().await
    {
        tracing::warn!(%error, "a token that nobody uses was left on the server");
    }
}

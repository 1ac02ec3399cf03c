//! Who did what, from where, and how it ended: one entry an act, never with a secret.

use std::net::IpAddr;

use crate::domain::audit::{Action, OFFLINE};
use crate::protocol::audit::OfflineAct;
use crate::server::caller::Caller;
use crate::server::client_address::ClientAddress;
use crate::server::state::Line;
use crate::server::store::audit::{self, NewEntry, Told};
use crate::server::store::{Store, StoreError};
use chrono::{DateTime, Utc};

/// One act. Start with [`Act::by`] and add what is to be told.
#[derive(Clone, Copy, Debug)]
pub(in crate::server) struct Act<'a> {
    who: &'a str,
    from: Option<IpAddr>,
    action: Action,
    target: &'a str,
    result: &'a str,
    detail: &'a str,
}

impl<'a> Act<'a> {
    /// Something that went well, done by the person, station or program with this name.
    pub(in crate::server) fn by(who: &'a str, action: Action) -> Act<'a> {
        Act { who, from: None, action, target: "", result: "ok", detail: "" }
    }

    /// Something that a caller did.
    pub(in crate::server) fn of(caller: &'a Caller, from: &ClientAddress, action: Action) -> Act<'a> {
        Act::by(&caller.name, action).from(from.ip)
    }

    pub(in crate::server) fn from(self, address: IpAddr) -> Act<'a> {
        Act { from: Some(address), ..self }
    }

    /// What it was done to, by name.
    pub(in crate::server) fn to(self, target: &'a str) -> Act<'a> {
        Act { target, ..self }
    }

    /// The code of the refusal it ended with.
    pub(in crate::server) fn refused(self, code: &'a str) -> Act<'a> {
        Act { result: code, ..self }
    }

    /// What changed.
    pub(in crate::server) fn detail(self, detail: &'a str) -> Act<'a> {
        Act { detail, ..self }
    }
}

/// Keeps an act that has happened. It stays done when it cannot be noted; the log then says what is missing.
pub(in crate::server) async fn record(line: &Line, act: Act<'_>) {
    if let Err(error) = write(&line.store, line.clock.now(), act).await {
        tracing::error!(
            who = act.who,
            action = act.action.as_str(),
            target = act.target,
            "an act could not be noted in the audit log: {error}"
        );
    }
}

/// As [`record`], where there is no running server.
pub(in crate::server) async fn write(store: &Store, now: DateTime<Utc>, act: Act<'_>) -> Result<(), StoreError> {
    let mut writer = store.writer.acquire().await?;
    write_in(&mut writer, now, act).await
}

/// As [`write`], as part of the change it tells of: both or neither.
pub(in crate::server) async fn write_in(connection: &mut sqlx::AnyConnection, now: DateTime<Utc>, act: Act<'_>) -> Result<(), StoreError> {
    let address = act.from.map(|ip| ip.to_string()).unwrap_or_default();
    let Act { who, target, result, detail, .. } = act;
    let entry = NewEntry { now, who, action: act.action.as_str(), target, address: &address, result, detail, told: None };
    audit::insert(connection, &entry).await
}

/// Keeps what a station tells of later, all of it or nothing, and each act once. It is marked as the station's word.
pub(in crate::server) async fn take_told(
    line: &Line,
    station: &Caller,
    from: &ClientAddress,
    acts: &[OfflineAct],
) -> Result<(), StoreError> {
    let (now, address) = (line.clock.now(), from.ip.to_string());
    let mut transaction = line.store.begin().await?;
    for act in acts {
        let told = Some(Told { station: &station.name, at: act.at, id: act.id });
        let action = format!("{OFFLINE}{}", act.action);
        let OfflineAct { user: who, target, result, .. } = act;
        let entry = NewEntry { now, who, action: &action, target, address: &address, result, detail: "", told };
        audit::insert(&mut transaction, &entry).await?;
    }
    Ok(transaction.commit().await?)
}

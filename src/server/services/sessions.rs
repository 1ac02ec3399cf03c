//! Sessions open, are renewed, and end; a station's enrolment becomes a token.

use axum::http::StatusCode;
use chrono::TimeDelta;
use uuid::Uuid;

use super::audit::{self, Act};
use crate::domain::Role;
use crate::domain::audit::Action;
use crate::domain::credentials::mask_token;
use crate::protocol::auth::{LoginResponse, code};
use crate::server::access_keys::{ACCESS_LIFE, Claims};
use crate::server::bus::Happening;
use crate::server::caller::Caller;
use crate::server::client_address::ClientAddress;
use crate::server::error::Refusal;
use crate::server::random;
use crate::server::state::Line;
use crate::server::store::StoreError;
use crate::server::store::sessions::{self, Actor, NewSession, Owner, Rotation};
use crate::server::store::station_tokens::{self, NewStationToken};
use crate::server::store::users::User;
use crate::support::secret::Secret;

/// How long a session lives without being renewed.
const REFRESH_LIFE: TimeDelta = TimeDelta::days(7);
/// Longest name of a program that is kept, in characters.
const CLIENT_MAX: usize = 200;

/// Where a session is opened from: the address, and the program by its own words.
#[derive(Clone, Debug)]
pub(in crate::server) struct Origin {
    pub(in crate::server) address: ClientAddress,
    pub(in crate::server) client: String,
}

impl Origin {
    pub(in crate::server) fn new(address: ClientAddress, headers: &axum::http::HeaderMap) -> Origin {
        let agent = headers.get(axum::http::header::USER_AGENT).map(|value| String::from_utf8_lossy(value.as_bytes()));
        let client = agent.unwrap_or_default().chars().filter(|c| !c.is_control()).take(CLIENT_MAX).collect();
        Origin { address, client }
    }
}

/// Opens a person's session and answers with its two tokens.
pub(in crate::server) async fn open(line: &Line, user: &User, origin: &Origin) -> Result<LoginResponse, Refusal> {
    let actor = Actor { id: user.id.clone(), name: user.name.clone(), role: user.role };
    start(line, actor, Owner::User(&user.id, user.version), origin).await
}

/// Opens a session for a station that showed its token: live sockets need one.
pub(in crate::server) async fn open_station(line: &Line, station: &Caller, origin: &Origin) -> Result<LoginResponse, Refusal> {
    if station.role != Role::Station || station.session_id.is_some() {
        return Err(Refusal::new(StatusCode::FORBIDDEN, "forbidden", "This is for a station's token; a person signs in by name."));
    }
    let actor = Actor { id: station.id.clone(), name: station.name.clone(), role: Role::Station };
    start(line, actor, Owner::StationToken(&station.id), origin).await
}

async fn start(line: &Line, actor: Actor, owner: Owner<'_>, origin: &Origin) -> Result<LoginResponse, Refusal> {
    let now = line.clock.now();
    let session_id = Uuid::now_v7().to_string();
    let refresh_token = random::refresh_token()?;
    let access_token = sign(line, &actor, &session_id)?;
    let new = NewSession {
        id: &session_id,
        owner,
        refresh_hash: &random::digest(&refresh_token),
        now,
        expires_at: now + REFRESH_LIFE,
        address: &origin.address.ip.to_string(),
        client: &origin.client,
    };
    let surplus = sessions::insert(&line.store, &new).await?.ok_or_else(changed_meanwhile)?;
    tell_ended(&line.bus, surplus);
    Ok(response(actor, access_token, refresh_token))
}

pub(super) fn changed_meanwhile() -> Refusal {
    Refusal::unauthorized("Your account was changed while you were signing in. Sign in again.")
}

fn sign(line: &Line, actor: &Actor, session_id: &str) -> Result<String, Refusal> {
    let claims = Claims::new(&actor.id, &actor.name, actor.role, session_id, line.clock.now());
    line.ring.keys.sign(&claims).map_err(|error| {
        tracing::error!("an access token could not be signed: {error}");
        Refusal::internal()
    })
}

fn response(actor: Actor, access_token: String, refresh_token: String) -> LoginResponse {
    let Actor { id, name, role } = actor;
    LoginResponse {
        access_token,
        refresh_token,
        token_type: "Bearer".to_owned(),
        expires_in: ACCESS_LIFE.num_seconds().unsigned_abs(),
        user: Caller { id, name, role, session_id: None }.to_wire(),
    }
}

/// Uses up a refresh token. One that comes a second time ends its session, for one of the two who have it is a thief.
pub(in crate::server) async fn refresh(line: &Line, token: &Secret, from: ClientAddress) -> Result<LoginResponse, Refusal> {
    let now = line.clock.now();
    let new = random::refresh_token()?;
    let (old_hash, new_hash) = (random::digest(token.expose()), random::digest(&new));
    let refused = || Refusal::unauthorized("This token is not known, has ended or was revoked. Sign in again.");
    // Changes run one at a time: whoever makes up tokens shall not queue up before those who have something to change.
    if !sessions::is_known(&line.store, &old_hash).await? {
        return Err(refused());
    }
    let mut transaction = line.store.begin().await?;
    let rotation = sessions::rotate(&mut transaction, &old_hash, &new_hash, now, now + REFRESH_LIFE).await?;
    if let Rotation::Reused { name, .. } = &rotation {
        let act = Act::by(name, Action::TokenReused).from(from.ip).refused(code::TOKEN_REUSED);
        audit::write_in(&mut transaction, now, act).await?;
    }
    transaction.commit().await.map_err(StoreError::from)?;
    match rotation {
        Rotation::Renewed { session_id, actor } => {
            let access = sign(line, &actor, &session_id)?;
            Ok(response(actor, access, new))
        }
        Rotation::Reused { session_id, .. } => {
            line.bus.publish(Happening::SessionEnded { session_id });
            let sentence = "This token was used before. To be safe the session has ended on every device: sign in again.";
            Err(Refusal::new(StatusCode::UNAUTHORIZED, code::TOKEN_REUSED, sentence))
        }
        Rotation::Refused => Err(refused()),
    }
}

/// Ends one session, here and on every other server, and notes the act.
pub(in crate::server) async fn end(line: &Line, session_id: &str, act: Act<'_>) -> Result<(), Refusal> {
    let now = line.clock.now();
    let mut transaction = line.store.begin().await?;
    sessions::end_in(&mut transaction, session_id, now).await?;
    audit::write_in(&mut transaction, now, act).await?;
    transaction.commit().await.map_err(StoreError::from)?;
    line.bus.publish(Happening::SessionEnded { session_id: session_id.to_owned() });
    Ok(())
}

/// As [`end`], every session of a user.
pub(in crate::server) async fn end_all(line: &Line, user_id: &str, act: Act<'_>) -> Result<(), Refusal> {
    let now = line.clock.now();
    let mut transaction = line.store.begin().await?;
    let ended = sessions::end_all(&mut transaction, user_id, None, now).await?;
    audit::write_in(&mut transaction, now, act).await?;
    transaction.commit().await.map_err(StoreError::from)?;
    tell_ended(&line.bus, ended);
    Ok(())
}

/// Tells everybody that these sessions have ended.
pub(in crate::server) fn tell_ended(bus: &crate::server::bus::Bus, session_ids: Vec<String>) {
    for session_id in session_ids {
        bus.publish(Happening::SessionEnded { session_id });
    }
}

/// Makes a token for a station. With `reset` its earlier ones end.
pub(in crate::server) async fn enroll_station(
    line: &Line,
    identifier: &str,
    issued_by: &str,
    reset: bool,
    from: ClientAddress,
) -> Result<(String, Secret), Refusal> {
    let token = Secret::new(random::station_token()?);
    let id = Uuid::now_v7().to_string();
    let new = NewStationToken {
        id: &id,
        identifier,
        hash: &random::digest(token.expose()),
        mask: &mask_token(token.expose()),
        issued_by,
        now: line.clock.now(),
        reset,
    };
    let mut transaction = line.store.begin().await?;
    let ended = station_tokens::insert(&mut transaction, &new).await?;
    let detail = if reset { "earlier tokens ended" } else { "" };
    let act = Act::by(issued_by, Action::TokenIssued).from(from.ip).to(identifier).detail(detail);
    audit::write_in(&mut transaction, new.now, act).await?;
    transaction.commit().await.map_err(StoreError::from)?;
    for token_id in ended {
        line.bus.publish(Happening::TokenRevoked { token_id });
    }
    Ok((id, token))
}

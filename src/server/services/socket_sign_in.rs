//! Who is at the other end of a socket: somebody with a name and password, whose session lasts as long as the socket, or somebody
//! with an access token or a page's cookies of a session that he has.

use axum::http::StatusCode;
use axum::http::request::Parts;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;
use uuid::Uuid;

use crate::domain::{Permission, Role};
use crate::server::caller::{self, Caller};
use crate::server::error::Refusal;
use crate::server::random;
use crate::server::services::sessions::{Origin, changed_meanwhile};
use crate::server::services::sign_in;
use crate::server::sockets::{Full, Seat, Standing};
use crate::server::state::Line;
use crate::server::store::sessions::{self, Owner};
use crate::support::secret::Secret;

/// How long a socket's own session lasts when nobody prolongs it: a server that is killed cannot end it.
const SESSION: TimeDelta = TimeDelta::minutes(15);
/// How often it is prolonged.
pub(in crate::server) const PROLONG: std::time::Duration = std::time::Duration::from_secs(180);

/// Somebody who signed in on a socket.
pub(in crate::server) struct Admitted {
    pub(in crate::server) caller: Caller,
    pub(in crate::server) email: Option<String>,
    standing: watch::Receiver<Standing>,
    /// When the token ends that he signed in with.
    pub(in crate::server) expires_at: Option<DateTime<Utc>>,
    /// Whether the session was opened for this socket alone.
    own_session: bool,
}

impl Admitted {
    /// Name and role of this moment.
    pub(in crate::server) fn now(&self) -> (String, Role) {
        match &*self.standing.borrow() {
            Standing::Good { name, role } => (name.clone(), *role),
            Standing::Ended => (self.caller.name.clone(), Role::Guest),
        }
    }

    /// Waits until he stands differently.
    pub(in crate::server) async fn changed(&mut self) -> Standing {
        match self.standing.changed().await {
            Ok(()) => self.standing.borrow_and_update().clone(),
            // The socket has lost its seat.
            Err(_) => Standing::Ended,
        }
    }
}

/// Counts into the same lockout as every other sign-in.
pub(in crate::server) async fn by_password(
    line: &Line,
    seat: &Seat,
    (name, password): (&str, &Secret),
    origin: &Origin,
) -> Result<Admitted, Refusal> {
    let user = sign_in::check(line, name, password, None, origin.address).await?;
    let session_id = Uuid::now_v7().to_string();
    let now = line.clock.now();
    let new = sessions::NewSession {
        id: &session_id,
        owner: Owner::User(&user.id, user.version),
        // Of a token that nobody has.
        refresh_hash: &random::digest(&random::refresh_token()?),
        now,
        expires_at: now + SESSION,
        address: &origin.address.ip.to_string(),
        client: &origin.client,
    };
    let caller = Caller { id: user.id.clone(), name: user.name, role: user.role, session_id: Some(session_id.clone()) };
    caller.require(Permission::Chat)?;
    // Before there is a session, whoever looks after the sockets would find none, and call it ended.
    sessions::insert(&line.store, &new).await?.ok_or_else(changed_meanwhile)?;
    let standing = match seat.take(&caller) {
        Ok(standing) => standing,
        Err(no_place) => {
            end_own(line, &session_id).await;
            return Err(full(no_place));
        }
    };
    Ok(Admitted { caller, email: user.email, standing, expires_at: None, own_session: true })
}

pub(in crate::server) async fn by_token(line: &Line, seat: &Seat, token: &Secret) -> Result<Admitted, Refusal> {
    let refused = || Refusal::unauthorized("This token is not known, has ended or was revoked. Sign in again.");
    let (caller, expires_at) = caller::by_access_token(line, token.expose()).await?.ok_or_else(refused)?;
    caller.require(Permission::Chat)?;
    let standing = seat.take(&caller).map_err(full)?;
    Ok(Admitted { caller, email: None, standing, expires_at: Some(expires_at), own_session: false })
}

/// Whoever is signed in on the page that opened the socket. He stays as long as his session, which the page renews.
pub(in crate::server) async fn by_page(line: &Line, seat: &Seat, handshake: &Parts) -> Result<Option<Admitted>, Refusal> {
    let caller = caller::of_handshake(line, handshake).await?.filter(|caller| caller.role.may(Permission::Chat));
    let Some(caller) = caller else { return Ok(None) };
    let standing = seat.take(&caller).map_err(full)?;
    Ok(Some(Admitted { caller, email: None, standing, expires_at: None, own_session: false }))
}

/// The socket is still there, and with it a session that is only its.
pub(in crate::server) async fn prolong(line: &Line, admitted: &Admitted) {
    if let (true, Some(session_id)) = (admitted.own_session, &admitted.caller.session_id)
        && let Err(error) = sessions::prolong(&line.store, session_id, line.clock.now() + SESSION).await
    {
        tracing::warn!("a socket's session could not be prolonged: {error}");
    }
}

/// The socket is gone, and with it a session that was only its.
pub(in crate::server) async fn leave(line: &Line, admitted: Admitted) {
    if let (true, Some(session_id)) = (admitted.own_session, &admitted.caller.session_id) {
        end_own(line, session_id).await;
    }
}

async fn end_own(line: &Line, session_id: &str) {
    if let Err(error) = sessions::end(&line.store, session_id, line.clock.now()).await {
        tracing::warn!("a socket's session could not be ended: {error}");
    }
}

fn full(full: Full) -> Refusal {
    let sentence = match full {
        Full::Server => "The server has as many connections as it can hold. Try again in a moment.",
        Full::Person => "You have too many connections open. Close one of them first.",
    };
    Refusal { retry_after: Some(5), ..Refusal::new(StatusCode::TOO_MANY_REQUESTS, "too_many_connections", sentence) }
}

//! How a stranger becomes somebody: by the page's cookies, a password or a token.

use serde_json::Value;

use super::hearing::Rooms;
use super::saying::no_place;
use super::{Conversation, CutOff, Going};
use crate::domain::chat::Room;
use crate::protocol::chat::{AuthError, AuthSuccess, Authenticate, ChatUser};
use crate::server::client_address::ClientAddress;
use crate::server::error::Refusal;
use crate::server::metrics;
use crate::server::services::sessions::Origin;
use crate::server::services::socket_sign_in::Admitted;
use crate::server::services::{server_status, socket_sign_in};
use crate::server::socket_io::payload::{Content, trust};
use crate::support::secret::Secret;

/// Wrong tries on one connection.
const TRIES: u32 = 10;

impl Conversation {
    /// A page that is signed in need not authenticate: its cookies came with the handshake.
    pub(super) async fn recognise(&mut self) -> Going {
        match socket_sign_in::by_page(&self.line, &self.seat, self.socket.req_parts()).await {
            Ok(Some(admitted)) => {
                self.rooms = Rooms::All;
                metrics::signed_in_on_socket_io(true);
                self.settle(admitted, "line").await
            }
            Ok(None) => Ok(()),
            Err(refusal) => self.emit("auth_error", &AuthError { error: sentence(&refusal), retry_after: refusal.retry_after }),
        }
    }

    pub(super) async fn authenticate(&mut self, content: Content) -> Going {
        let asked: Result<Authenticate, Refusal> = match content {
            Content::Json(asked @ Value::Object(_)) => Ok(serde_json::from_value(asked).unwrap_or_default()),
            Content::NoPlace => Err(no_place()),
            _ => Ok(Authenticate::default()),
        };
        let room = asked.as_ref().ok().and_then(|asked| asked.room.as_str()).unwrap_or("line").to_owned();
        let admitted = match asked {
            Ok(asked) => self.admit(asked).await,
            Err(refusal) => Err(refusal),
        };
        metrics::signed_in_on_socket_io(admitted.is_ok());
        match admitted {
            Ok(admitted) => self.settle(admitted, &room).await,
            Err(refusal) => {
                self.failures += 1;
                let error = sentence(&refusal);
                self.emit("auth_error", &AuthError { error, retry_after: refusal.retry_after })?;
                if self.failures >= TRIES { Err(CutOff) } else { Ok(()) }
            }
        }
    }

    async fn settle(&mut self, admitted: Admitted, room: &str) -> Going {
        if let Some(before) = self.known.replace(admitted) {
            socket_sign_in::leave(&self.line, before).await;
        }
        trust(&self.socket);
        self.rooms.enter(Room::Line.to_string());
        self.enter(room).await;
        self.welcome().await
    }

    async fn admit(&self, asked: Authenticate) -> Result<Admitted, Refusal> {
        let text = |value: Value| match value {
            Value::String(text) if !text.is_empty() => Some(Secret::new(text)),
            _ => None,
        };
        if let Some(token) = text(asked.token) {
            return socket_sign_in::by_token(&self.line, &self.seat, &token).await;
        }
        let missing = || Refusal::bad_request("missing_credentials", "Missing credentials");
        let (name, password) = (text(asked.username).ok_or_else(missing)?, text(asked.password).ok_or_else(missing)?);
        let parts = self.socket.req_parts();
        let origin = Origin::new(ClientAddress::noted(&parts.extensions, &parts.headers), &parts.headers);
        socket_sign_in::by_password(&self.line, &self.seat, (name.expose(), &password), &origin).await
    }

    async fn welcome(&self) -> Going {
        let Some(known) = &self.known else { return Ok(()) };
        let server_status = server_status::read(&self.line).await;
        let user = ChatUser { id: &known.caller.id, username: &known.caller.name, email: known.email.as_deref() };
        self.emit("auth_success", &AuthSuccess { message: "Authentication successful", user, characters: [], server_status })
    }
}

/// The original's sentences where it has one.
fn sentence(refusal: &Refusal) -> &str {
    match refusal.code {
        "invalid_credentials" => "Invalid credentials",
        "email_not_verified" => "Email not verified",
        _ => &refusal.sentence,
    }
}

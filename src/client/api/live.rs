//! The conversation's history, and the tokens of whoever talks.

use zeroize::{Zeroize, Zeroizing};

use super::{ApiError, Http, Request};
use crate::client::server_url::ServerUrl;
use crate::protocol::auth::{LoginResponse, RefreshRequest};
use crate::protocol::chat::History;
use crate::support::secret::Secret;

impl Http {
    /// `GET /api/chat/{room}/messages`: the newest, or those before one; oldest first.
    pub(crate) async fn fetch_history(
        &self,
        server: &ServerUrl,
        access: &Secret,
        room: &str,
        before: Option<&str>,
    ) -> Result<History, ApiError> {
        let mut request = Request::get(&format!("/api/chat/{}/messages", super::escape(room))).authorize("Bearer", access);
        if let Some(before) = before {
            request = request.query("before", before);
        }
        request.send(&self.0, server).await?.good().map_err(|denied| denied.error)?.json()
    }

    /// `POST /api/auth/refresh`: the next pair of tokens. The one given here is used up.
    pub(crate) async fn renew(&self, server: &ServerUrl, refresh: &Secret) -> Result<LoginResponse, ApiError> {
        let mut body = RefreshRequest { refresh_token: refresh.expose().to_owned() };
        let text = Zeroizing::new(serde_json::to_vec(&body).unwrap_or_default());
        body.refresh_token.zeroize();
        let answer = Request::post("/api/auth/refresh", text.to_vec()).send(&self.0, server).await?;
        answer.good().map_err(|denied| denied.error)?.json()
    }
}

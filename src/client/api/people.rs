//! What a person asks in his own name: accounts, stations, the audit log, his sessions.

use serde::Serialize;
use zeroize::Zeroizing;

use super::{Api, ApiError, LIST_BODY, LONG, PersonSession, REPORT_BODY, Request, escape};
use crate::protocol::audit::{self, AuditQuery, OfflineActs, OfflineActsTaken};
use crate::protocol::auth::{PasswordChange, Session};
use crate::protocol::stations::{IssuedToken, NewToken, Station, StationStatus, StationToken};
use crate::protocol::users::{NewUser, USERS_MOST, User, UserChange};
use crate::support::secret::Secret;

/// A body that may hold a password: it wipes itself.
fn body<T: Serialize>(value: &T) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(serde_json::to_vec(value).unwrap_or_default())
}

impl PersonSession {
    pub(crate) async fn fetch_sessions(&self) -> Result<Vec<Session>, ApiError> {
        self.call(Request::get("/api/auth/sessions")).await?.json()
    }

    pub(crate) async fn end_session(&self, id: &str) -> Result<(), ApiError> {
        self.call(Request::delete(&format!("/api/auth/sessions/{}", escape(id)))).await.map(drop)
    }

    /// All of them, this one too.
    pub(crate) async fn end_sessions(&self) -> Result<(), ApiError> {
        self.call(Request::delete("/api/auth/sessions")).await.map(drop)
    }

    pub(crate) async fn change_password(&self, current: &Secret, new: &Secret) -> Result<(), ApiError> {
        let change = PasswordChange { current_password: current.expose().to_owned(), new_password: new.expose().to_owned() };
        self.call(Request::post("/api/auth/password", body(&change).to_vec()).limit(LONG)).await.map(drop)
    }

    /// Accounts by name, from `offset` on, [`USERS_MOST`] at most.
    pub(crate) async fn fetch_users(&self, search: &str, offset: usize) -> Result<Vec<User>, ApiError> {
        let mut request = Request::get("/api/users").query("limit", &USERS_MOST.to_string()).query("offset", &offset.to_string());
        if !search.is_empty() {
            request = request.query("search", search);
        }
        self.call(request.body_limit(LIST_BODY)).await?.json()
    }

    pub(crate) async fn create_user(&self, user: &NewUser) -> Result<User, ApiError> {
        self.call(Request::post("/api/users", body(user).to_vec()).limit(LONG)).await?.json()
    }

    pub(crate) async fn change_user(&self, id: &str, change: &UserChange) -> Result<User, ApiError> {
        self.call(Request::patch(&format!("/api/users/{}", escape(id)), body(change).to_vec()).limit(LONG)).await?.json()
    }

    pub(crate) async fn unlock_user(&self, id: &str) -> Result<User, ApiError> {
        self.call(Request::post(&format!("/api/users/{}/unlock", escape(id)), Vec::new())).await?.json()
    }

    /// `POST /api/auth/password-reset`: a code goes to this address, if it is somebody's.
    pub(crate) async fn send_reset_code(&self, email: &str) -> Result<(), ApiError> {
        let text = body(&serde_json::json!({ "email": email }));
        self.call(Request::post("/api/auth/password-reset", text.to_vec())).await.map(drop)
    }

    pub(crate) async fn fetch_stations(&self) -> Result<Vec<Station>, ApiError> {
        self.call(Request::get("/api/stations").body_limit(LIST_BODY)).await?.json()
    }

    pub(crate) async fn fetch_tokens(&self) -> Result<Vec<StationToken>, ApiError> {
        self.call(Request::get("/api/tokens").body_limit(LIST_BODY)).await?.json()
    }

    pub(crate) async fn issue_token(&self, token: &NewToken) -> Result<IssuedToken, ApiError> {
        self.call(Request::post("/api/tokens", body(token).to_vec())).await?.json()
    }

    pub(crate) async fn revoke_token(&self, id: &str) -> Result<(), ApiError> {
        self.call(Request::delete(&format!("/api/tokens/{}", escape(id)))).await.map(drop)
    }

    pub(crate) async fn fetch_audit(&self, query: &AuditQuery) -> Result<Vec<audit::Entry>, ApiError> {
        self.call(audit_request(query).body_limit(LIST_BODY)).await?.json()
    }

    /// The entries as the server writes them into a table.
    pub(crate) async fn fetch_audit_table(&self, query: &AuditQuery) -> Result<Vec<u8>, ApiError> {
        let query = AuditQuery { format: "csv".to_owned(), ..query.clone() };
        Ok(self.call(audit_request(&query).limit(LONG).body_limit(REPORT_BODY)).await?.body)
    }
}

fn audit_request(query: &AuditQuery) -> Request {
    let mut request = Request::get("/api/audit");
    let time = |time: chrono::DateTime<chrono::Utc>| time.to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    let pairs = [
        ("from", query.from.map(time)),
        ("to", query.to.map(time)),
        ("user", Some(query.user.clone())),
        ("action", Some(query.action.clone())),
        ("search", Some(query.search.clone())),
        ("limit", query.limit.map(|limit| limit.to_string())),
        ("before", query.before.clone()),
        ("format", Some(query.format.clone())),
    ];
    for (name, value) in pairs {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            request = request.query(name, &value);
        }
    }
    request
}

impl Api {
    /// Ends the token that this asks with, where the server lets a station do so.
    pub(crate) async fn end_own_token(&self) -> Result<(), ApiError> {
        self.call(Request::delete("/api/tokens/own")).await.map(drop)
    }

    /// How this station is doing, in its own name.
    pub(crate) async fn tell_status(&self, status: &StationStatus) -> Result<(), ApiError> {
        self.call(Request::put("/api/stations/status", body(status).to_vec())).await.map(drop)
    }

    /// What people did here while the server was gone. Telling it again changes nothing.
    pub(crate) async fn tell_offline_acts(&self, acts: &OfflineActs) -> Result<OfflineActsTaken, ApiError> {
        self.call(Request::post("/api/audit/offline", body(acts).to_vec())).await?.json()
    }
}

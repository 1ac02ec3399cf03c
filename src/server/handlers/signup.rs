//! Specification 002's own addresses, with its sentences: signing up, confirming an address, signing in without a token.
//! `/api/auth/password-reset` goes the same way.

use std::sync::Arc;

use axum::extract::{FromRequest, Request, State};
use axum::http::{StatusCode, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::protocol::chat::ServerStatus;
use crate::server::body::{self, Answer, Json, PLAIN_LIMIT};
use crate::server::client_address::ClientAddress;
use crate::server::error::Refusal;
use crate::server::services::signup::{self, Applicant, Outcome};
use crate::server::services::{server_status, sign_in};
use crate::server::state::Line;
use crate::server::store::StoreError;
use crate::support::secret::Secret;

/// A body whose fields may all be missing: what is missing is said in the specification's sentence. It must say that it is JSON.
pub(in crate::server) struct Form<T>(T);

impl<T: DeserializeOwned + Default> FromRequest<Arc<Line>> for Form<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &Arc<Line>) -> Result<Form<T>, Refusal> {
        let (parts, body) = request.into_parts();
        if !parts.headers.contains_key(header::CONTENT_TYPE) {
            return Err(Refusal::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        }
        body::must_be_json(&parts.headers)?;
        let bytes = body::read(&parts.headers, body, PLAIN_LIMIT).await?;
        if bytes.trim_ascii() == b"null" { Ok(Form(T::default())) } else { body::parse(&bytes).map(Form) }
    }
}

#[derive(Default, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub(in crate::server) struct SignupForm {
    username: Option<String>,
    email: Option<String>,
    password: Option<String>,
}

#[derive(Default, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub(in crate::server) struct VerifyForm {
    email: Option<String>,
    /// Six digits, as a text.
    code: Option<Value>,
}

#[derive(Default, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub(in crate::server) struct EmailForm {
    email: Option<String>,
}

#[derive(Default, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub(in crate::server) struct LoginForm {
    username: Option<String>,
    password: Option<String>,
}

#[derive(Deserialize, utoipa::ToSchema)]
pub(in crate::server) struct ResetRequest {
    email: String,
}

#[derive(Deserialize, utoipa::ToSchema)]
pub(in crate::server) struct ResetConfirmation {
    email: String,
    /// Six digits.
    code: String,
    password: String,
}

/// Makes an account that waits for its address to be confirmed.
#[utoipa::path(
    post, path = "/api/signup", tag = "Sign up", operation_id = "sign_up", request_body = SignupForm,
    responses((status = 201, body = Object), (status = 403), (status = 429)),
    extensions(("x-permission" = json!("-"))),
)]
pub(in crate::server) async fn sign_up(
    State(line): State<Arc<Line>>,
    from: ClientAddress,
    Form(form): Form<SignupForm>,
) -> Result<(StatusCode, Answer<Value>), Refusal> {
    let password = filled(form.password).map(Secret::new);
    let (Some(name), Some(email), Some(password)) = (filled(form.username), filled(form.email), password) else { return Err(missing()) };
    let id = signup::sign_up(&line, Applicant { name, email, password }, from).await?;
    let message = "User created successfully. Please check your email for verification code.";
    Ok((StatusCode::CREATED, Answer(json!({ "message": message, "user_id": id }))))
}

/// Confirms an address with the code that was sent there.
#[utoipa::path(
    post, path = "/api/verify-email", tag = "Sign up", operation_id = "verify_email", request_body = VerifyForm,
    responses((status = 200, body = Object), (status = 404), (status = 429)),
    extensions(("x-permission" = json!("-"))),
)]
pub(in crate::server) async fn verify_email(
    State(line): State<Arc<Line>>,
    from: ClientAddress,
    Form(form): Form<VerifyForm>,
) -> Result<Answer<Value>, Refusal> {
    let code = form.code.filter(|code| !code.is_null() && code != "");
    let (Some(email), Some(code)) = (filled(form.email), code) else { return Err(missing()) };
    // A number is no code, not even the right one: it has lost its leading zeros.
    let code = Secret::new(code.as_str().unwrap_or_default());
    said(signup::verify(&line, &email, &code, from).await?, "Email verified successfully")
}

/// Sends a new code, and ends the one before.
#[utoipa::path(
    post, path = "/api/resend-verification", tag = "Sign up", operation_id = "resend_verification", request_body = EmailForm,
    responses((status = 200, body = Object), (status = 403), (status = 404), (status = 429)),
    extensions(("x-permission" = json!("-"))),
)]
pub(in crate::server) async fn resend_verification(
    State(line): State<Arc<Line>>,
    from: ClientAddress,
    Form(form): Form<EmailForm>,
) -> Result<Answer<Value>, Refusal> {
    let email = filled(form.email).ok_or_else(|| Refusal::bad_request("missing_fields", "Email is required"))?;
    said(signup::resend(&line, &email, from).await?, "Verification code sent")
}

/// Checks a name and a password, and opens no session: for a session there is `/api/auth/login`.
#[utoipa::path(
    post, path = "/api/login", tag = "Sign up", operation_id = "check_login", request_body = LoginForm,
    responses((status = 200, body = Object), (status = 401), (status = 403), (status = 429)),
    extensions(("x-permission" = json!("-"))),
)]
pub(in crate::server) async fn login(
    State(line): State<Arc<Line>>,
    from: ClientAddress,
    Form(form): Form<LoginForm>,
) -> Result<Answer<Value>, Refusal> {
    let password = filled(form.password).map(Secret::new);
    let (Some(name), Some(password)) = (filled(form.username), password) else { return Err(missing()) };
    let user = sign_in::check(&line, &name, &password, None, from).await.map_err(in_their_words)?;
    let status = server_status::read(&line).await;
    Ok(Answer(json!({
        "characters": [],
        "message": "Login successful",
        "server_status": status,
        "user": { "email": user.email, "id": user.id, "username": user.name },
    })))
}

/// How long the server runs and how many people it knows.
#[utoipa::path(
    get, path = "/api/server-status", tag = "Sign up", operation_id = "server_status",
    responses((status = 200, body = ServerStatus)),
    extensions(("x-permission" = json!("-"))),
)]
pub(in crate::server) async fn status(State(line): State<Arc<Line>>) -> Answer<ServerStatus> {
    Answer(server_status::read(&line).await)
}

/// Whether the server works, in specification 002's words.
#[utoipa::path(
    get, path = "/api/health", tag = "Sign up", operation_id = "plain_health",
    responses((status = 200, body = Object)),
    extensions(("x-permission" = json!("-"))),
)]
pub(in crate::server) async fn health(State(line): State<Arc<Line>>) -> Result<Answer<Value>, Refusal> {
    let usable: Result<(), StoreError> = line.store.check().await;
    usable?;
    Ok(Answer(json!({ "message": "Server is running", "status": "healthy" })))
}

/// Sends a code for a new password, if there is an account with this address. The answer is the same if there is none.
#[utoipa::path(
    post, path = "/api/auth/password-reset", tag = "Sign up", operation_id = "request_reset", request_body = ResetRequest,
    responses((status = 200, body = Object), (status = 403), (status = 429)),
    extensions(("x-permission" = json!("-"))),
)]
pub(in crate::server) async fn request_reset(
    State(line): State<Arc<Line>>,
    from: ClientAddress,
    Json(request): Json<ResetRequest>,
) -> Result<Answer<Value>, Refusal> {
    signup::request_reset(&line, &request.email, from).await?;
    Ok(Answer(json!({ "message": "If there is an account with this address, a code is on its way to it." })))
}

/// Puts a new password in the old one's place, and ends the account's sessions.
#[utoipa::path(
    post, path = "/api/auth/password-reset/confirm", tag = "Sign up", operation_id = "confirm_reset", request_body = ResetConfirmation,
    responses((status = 200, body = Object), (status = 403), (status = 429)),
    extensions(("x-permission" = json!("-"))),
)]
pub(in crate::server) async fn confirm_reset(
    State(line): State<Arc<Line>>,
    from: ClientAddress,
    Json(request): Json<ResetConfirmation>,
) -> Result<Answer<Value>, Refusal> {
    let (code, password) = (Secret::new(request.code), Secret::new(request.password));
    signup::confirm_reset(&line, &request.email, &code, &password, from).await?;
    Ok(Answer(json!({ "message": "Password changed successfully" })))
}

fn filled(field: Option<String>) -> Option<String> {
    field.filter(|text| !text.is_empty())
}

fn missing() -> Refusal {
    Refusal::bad_request("missing_fields", "Missing required fields")
}

fn said(outcome: Outcome, done: &str) -> Result<Answer<Value>, Refusal> {
    let message = if outcome == Outcome::Done { done } else { "Email already verified" };
    Ok(Answer(json!({ "message": message })))
}

/// The refusals of a sign-in as specification 002 words them.
fn in_their_words(refusal: Refusal) -> Refusal {
    let sentence = match refusal.code {
        "invalid_credentials" => "Invalid username or password",
        "email_not_verified" => "Email not verified. Please verify your email first.",
        _ => return refusal,
    };
    Refusal { sentence: sentence.to_owned(), ..refusal }
}

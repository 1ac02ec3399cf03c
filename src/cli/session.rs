//! Signing in and out, and whether that still holds.

use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::account::{ask_hidden, password_from_stdin};
use super::context::{Context, Failure};
use crate::client::{CallError, Command, Explanation, Model, SessionCommand, SignIn};
use crate::domain::InstanceId;
use crate::domain::connection::Connection;
use crate::support::secret::Secret;

#[derive(Debug, Args)]
pub struct Login {
    /// Address of the server
    #[arg(value_name = "URL")]
    url: String,
    /// User name; without one the password is a token
    #[arg(long, value_name = "USER", default_value = "")]
    user: String,
    /// Read the password from standard input instead of asking for it
    #[arg(long)]
    password_stdin: bool,
    /// Allow plain http to another machine: everybody on the way can read the token
    #[arg(long)]
    allow_plain_http: bool,
}

/// Longer than a keyring that does not answer is waited for, first for the old token and then for the new one.
const LIMIT: Duration = Duration::from_secs(60);

pub fn login(context: &Context, login: Login) -> Result<(), Failure> {
    let place = context.place()?;
    let known = place.choose(context.wanted.as_ref());
    let id = match (&known, &context.wanted) {
        (Ok(instance), _) => instance.id.clone(),
        (Err(_), Some(id)) => id.clone(),
        (Err(_), None) => InstanceId::from_name("station"),
    };
    if known.is_ok() {
        // What is wrong with its settings is best said before a password is asked for.
        place.server(&id)?;
    }
    let password = read_password(context, &login)?;
    let mut owner = context.own(&id, known.is_err())?;
    let before = owner.until(LIMIT, |model| model.connection.since.is_some())?.session.tries;
    let sign_in = SignIn {
        server_url: login.url,
        user: login.user,
        password,
        remember: true,
        application: None,
        allow_plain_http: login.allow_plain_http,
    };
    owner.send(Command::Session(SessionCommand::SignIn(sign_in)))?;
    // Why a saved sign-in could not be used may stand there already: only the end of this one counts.
    let over = |model: &Model| model.session.tries > before && model.connection.state != Connection::Authenticating;
    let model = owner.until(LIMIT, over)?;
    if let Some(told) = model.sign_in_error() {
        return Err(told.clone().into());
    }
    let Some(station) = &model.session.station else { return Err(Explanation::new("busy").into()) };
    let (url, user) = (model.session.server_url.clone(), model.session.last_user.clone());
    let value = json!({
        "instance": id, "server_url": url, "user": user, "server_id": model.connection.server_id,
        "server_version": model.connection.server_version, "has_roles": station.has_roles,
    });
    drop(owner);
    context.output.say(&value, "signed_in", &[("instance", id.as_str()), ("server", &url)]);
    Ok(())
}

fn read_password(context: &Context, login: &Login) -> Result<Secret, Failure> {
    if !login.password_stdin {
        let key = if login.user.is_empty() { "ask_token" } else { "ask_password" };
        return ask_hidden(&context.output.words(key, &[("user", &login.user)]));
    }
    password_from_stdin()
}

pub fn logout(context: &Context) -> Result<(), Failure> {
    let (place, instance) = context.chosen()?;
    let waiting = place.queue(&instance.id)?.count_blocking().map_err(|error| error.explain())?.waiting;
    drop(place);
    let mut owner = context.own(&instance.id, false)?;
    owner.until(LIMIT, |model| model.connection.since.is_some())?;
    // Asked even of a station that is not connected: a token that cannot be opened shall go as well.
    owner.send(Command::Session(SessionCommand::SignOut))?;
    owner.hear(LIMIT, "signed_out", "sign_out_not_kept")?;
    drop(owner);
    let value = json!({"instance": instance.id, "waiting": waiting});
    context.output.say(&value, "signed_out", &[("instance", instance.id.as_str()), ("n", &waiting.to_string())]);
    Ok(())
}

pub fn status(context: &Context) -> Result<(), Failure> {
    let (place, instance) = context.chosen()?;
    let server = place.server(&instance.id)?;
    let totals = place.queue(&instance.id)?.count_blocking().map_err(|error| error.explain())?;
    let contact = place.caller(&instance.id).and_then(|caller| caller.contact());
    let state = match &contact {
        Ok(_) => "connected",
        Err(CallError::NotSignedIn(_)) => "not_connected",
        Err(_) => "offline",
    };
    let (latency, offset) = contact.as_ref().map_or((None, None), |c| (Some(c.latency.as_millis() as u64), c.clock_offset_ms));
    let version = contact.as_ref().map(|contact| contact.version.clone()).unwrap_or_default();
    let trouble = contact.as_ref().err().map(|error| error.explanation().clone());
    if context.output.json {
        context.output.value(&json!({
            "instance": instance.id, "name": instance.name, "state": state, "server_url": server.url, "server_id": server.server_id,
            "server_version": version, "user": server.user, "last_connected": server.last_connected, "latency_ms": latency,
            "clock_offset_ms": offset, "trouble": trouble.as_ref().map(|told| told.key), "owned": instance.in_use,
            "queue": {"waiting": totals.waiting, "quarantined": totals.quarantined, "delivered": totals.delivered, "bytes": totals.bytes},
        }));
    } else {
        let number = |value: Option<i64>| value.map_or_else(|| "–".to_owned(), |ms| format!("{ms} ms"));
        context.output.pairs(&[
            ("instance", format!("{} ({})", instance.id, instance.name)),
            ("state", context.output.words(&format!("state.{state}"), &[])),
            ("server", if server.url.is_empty() { "–".to_owned() } else { format!("{} {version}", server.url).trim_end().to_owned() }),
            ("latency", number(latency.map(|ms| ms as i64))),
            ("clock", number(offset)),
            ("services", context.output.words(if instance.in_use { "running" } else { "not_running" }, &[])),
            ("waiting", totals.waiting.to_string()),
            ("refused", totals.quarantined.to_string()),
            ("delivered", totals.delivered.to_string()),
        ]);
    }
    match contact {
        Ok(_) => Ok(()),
        Err(error) => {
            let failure = Failure::from(error);
            if let (false, Some(told)) = (context.output.json, &failure.told) {
                context.output.warn(told);
            }
            Err(Failure::silent(failure.exit))
        }
    }
}

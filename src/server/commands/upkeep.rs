//! The commands that look after a database, beside a running server or without one.

use std::io::Read;

use super::arguments::{Command, Process, Token, User};
use super::{Failure, output};
use crate::server::admin::Admin;
use crate::server::config::Config;
use crate::support::clock::Clock;
use crate::support::secret::Secret;

/// Does what `command` says.
pub(super) async fn run(command: Command, config: &Config, clock: Clock) -> Result<(), Failure> {
    let admin = Admin::open(config, clock).await?;
    let result = match command {
        Command::User(command) => user(&admin, command).await,
        Command::Token(command) => token(&admin, command).await,
        Command::Process(command) => process(&admin, command).await,
        // Opening it has done it.
        Command::Migrate | Command::Serve(_) | Command::CheckConfig(_) | Command::Probe(_) | Command::Openapi => Ok(()),
    };
    admin.close().await;
    result
}

async fn user(admin: &Admin, command: User) -> Result<(), Failure> {
    match command {
        User::Add { name, role, email, .. } => {
            let user = admin.add_user(&name, role, email.as_deref(), &read_password()?).await?;
            output::line(&format!("{} is {}", user.name, user.role.as_str()));
        }
        User::List => {
            output::line("name\trole\tstate\te-mail\tlast login");
            for user in admin.list_users().await? {
                let state = if user.active { "active" } else { "disabled" };
                let seen = user.last_login.map(|time| time.to_rfc3339()).unwrap_or_default();
                output::line(&format!("{}\t{}\t{state}\t{}\t{seen}", user.name, user.role.as_str(), user.email.unwrap_or_default()));
            }
        }
        User::SetRole { name, role } => admin.set_role(&name, role).await?,
        User::SetPassword { name, .. } => admin.set_password(&name, &read_password()?).await?,
        User::Disable { name } => admin.set_active(&name, false).await?,
        User::Enable { name } => admin.set_active(&name, true).await?,
        User::Unlock { name } => admin.unlock(&name).await?,
    }
    Ok(())
}

async fn token(admin: &Admin, command: Token) -> Result<(), Failure> {
    match command {
        Token::Issue { station } => output::line(admin.issue_token(&station).await?.expose()),
        Token::List => {
            output::line("id\tstation\ttoken\tissued by\tissued\tlast used\tstate");
            for token in admin.list_tokens().await? {
                let state = if token.revoked_at.is_some() { "revoked" } else { "good" };
                let used = token.last_used.map(|time| time.to_rfc3339()).unwrap_or_default();
                let issued = token.created_at.to_rfc3339();
                output::line(&format!(
                    "{}\t{}\t{}\t{}\t{issued}\t{used}\t{state}",
                    token.id, token.identifier, token.mask, token.issued_by
                ));
            }
        }
        Token::RotateKey => {
            let retired = admin.rotate_keys().await?;
            output::line(&format!("{retired} retired; tokens signed with them are good until they end, within 15 minutes"));
        }
        Token::Revoke { token } => {
            let ended = admin.revoke_tokens(&token).await?;
            output::line(&format!("{ended} revoked"));
        }
    }
    Ok(())
}

async fn process(admin: &Admin, command: Process) -> Result<(), Failure> {
    match command {
        Process::Add { code, name, repair } => admin.add_process(code, &name, repair).await?,
        Process::List => {
            output::line("code\tname\tkind");
            for process in admin.list_processes().await? {
                let kind = if process.is_repair_operation { "repair" } else { "test" };
                output::line(&format!("{}\t{}\t{kind}", process.code, process.name));
            }
        }
    }
    Ok(())
}

/// Longest line that is read as a password, in bytes. Its true limits are checked where it is used.
const LINE_MAX: u64 = 4096;

/// The first line of standard input, without its end.
fn read_password() -> Result<Secret, Failure> {
    let mut bytes = zeroize::Zeroizing::new(Vec::with_capacity(LINE_MAX as usize));
    std::io::stdin().lock().take(LINE_MAX).read_to_end(&mut bytes)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| "the password on standard input is not UTF-8")?;
    Ok(Secret::new(text.lines().next().unwrap_or_default()))
}

//! What the command line and the built-in server's set-up do to the database directly, beside a running server or without one.

use uuid::Uuid;

use super::bus::{Bus, Happening};
use super::config::Config;
use super::passwords::Passwords;
use super::random::{self, NoRandom};
use super::services::accounts::{AccountError, Change, Desk, Draft, Who};
use super::services::audit::{self, Act};
use super::store::station_tokens::{self, NewStationToken, StationToken};
use super::store::users::{self, User};
use super::store::{Store, StoreError, access_keys, processes};
use crate::domain::Role;
use crate::domain::audit::Action;
use crate::domain::credentials::mask_token;
use crate::protocol::wats::Process;
use crate::support::clock::Clock;
use crate::support::secret::Secret;

/// The keeper of accounts, station tokens and processes.
pub struct Admin {
    store: Store,
    clock: Clock,
    passwords: Passwords,
    bus: Bus,
}

#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Account(#[from] AccountError),
    #[error(transparent)]
    Random(#[from] NoRandom),
    #[error("there is already an account: sign in with it")]
    AlreadySetUp,
    #[error("there is no user {0:?}")]
    UnknownUser(String),
    #[error("there is no token or station {0:?} that could be revoked")]
    UnknownToken(String),
    #[error("a station's name has 1 to 100 characters")]
    BadIdentifier,
    #[error("a process has a code from 0 to 32767 and a name of 1 to 100 characters")]
    BadProcess,
    #[error("another process has the name {0:?}")]
    ProcessNameTaken(String),
}

impl Admin {
    /// Opens the database of `config`, and makes or updates it.
    pub async fn open(config: &Config, clock: Clock) -> Result<Admin, AdminError> {
        let store = Store::open(&config.database).await?;
        processes::seed(&store).await?;
        Ok(Admin::of(store, clock, config.password_cost, Bus::new()))
    }

    pub(super) fn of(store: Store, clock: Clock, password_cost: u32, bus: Bus) -> Admin {
        Admin { store, clock, passwords: Passwords::new(password_cost), bus }
    }

    pub async fn has_accounts(&self) -> Result<bool, AdminError> {
        Ok(users::count(&self.store).await? > 0)
    }

    /// Makes the first account, a SUPERUSER. Refused once there is any.
    pub async fn set_up(&self, administrator: &str, password: &Secret) -> Result<User, AdminError> {
        if self.has_accounts().await? {
            return Err(AdminError::AlreadySetUp);
        }
        self.desk().create_first(administrator, password).await?.ok_or(AdminError::AlreadySetUp)
    }

    fn desk(&self) -> Desk<'_> {
        Desk { store: &self.store, passwords: &self.passwords, bus: &self.bus, now: self.clock.now(), who: Who::CommandLine }
    }

    /// Makes an account whose address counts as verified.
    pub async fn add_user(&self, name: &str, role: Role, email: Option<&str>, password: &Secret) -> Result<User, AdminError> {
        Ok(self.desk().create(&Draft { name, email, role, password }).await?)
    }

    /// By name.
    pub async fn list_users(&self) -> Result<Vec<User>, AdminError> {
        Ok(users::list(&self.store, "", i64::MAX, 0).await?)
    }

    async fn find(&self, name: &str) -> Result<User, AdminError> {
        users::find(&self.store, name).await?.ok_or_else(|| AdminError::UnknownUser(name.to_owned()))
    }

    async fn change(&self, name: &str, change: Change) -> Result<(), AdminError> {
        Ok(self.desk().change(&self.find(name).await?.id, &change).await.map(drop)?)
    }

    /// Holds at once; on other servers and for other programs within a second.
    pub async fn set_role(&self, name: &str, role: Role) -> Result<(), AdminError> {
        self.change(name, Change { role: Some(role), ..Change::default() }).await
    }

    /// Ends the user's sessions as well. Whoever was never verified, or is not any more, can sign in with it.
    pub async fn set_password(&self, name: &str, password: &Secret) -> Result<(), AdminError> {
        self.change(name, Change { password: Some(password.clone()), verified: Some(true), ..Change::default() }).await
    }

    /// Disabling ends the user's sessions; the stations he enrolled stay. Whoever is enabled counts as verified.
    pub async fn set_active(&self, name: &str, active: bool) -> Result<(), AdminError> {
        self.change(name, Change { active: Some(active), verified: active.then_some(true), ..Change::default() }).await
    }

    /// Forgets failed tries and a lock.
    pub async fn unlock(&self, name: &str) -> Result<(), AdminError> {
        Ok(self.desk().unlock(&self.find(name).await?.id).await.map(drop)?)
    }

    /// A token for a station. It is shown this once.
    pub async fn issue_token(&self, identifier: &str) -> Result<Secret, AdminError> {
        let identifier = identifier.trim();
        if identifier.is_empty() || identifier.chars().count() > 100 || identifier.chars().any(char::is_control) {
            return Err(AdminError::BadIdentifier);
        }
        let token = Secret::new(random::station_token()?);
        let new = NewStationToken {
            id: &Uuid::now_v7().to_string(),
            identifier,
            hash: &random::digest(token.expose()),
            mask: &mask_token(token.expose()),
            issued_by: "command line",
            now: self.clock.now(),
            reset: false,
        };
        let mut transaction = self.store.begin().await?;
        station_tokens::insert(&mut transaction, &new).await?;
        audit::write_in(&mut transaction, new.now, Act::by(new.issued_by, Action::TokenIssued).to(identifier)).await?;
        transaction.commit().await.map_err(StoreError::from)?;
        Ok(token)
    }

    pub async fn list_tokens(&self) -> Result<Vec<StationToken>, AdminError> {
        Ok(station_tokens::list(&self.store).await?)
    }

    /// Ends one token by its id, or all of a station by its name. How many it ended.
    pub async fn revoke_tokens(&self, id_or_identifier: &str) -> Result<u64, AdminError> {
        let now = self.clock.now();
        let mut transaction = self.store.begin().await?;
        let ended = station_tokens::revoke(&mut transaction, id_or_identifier, now).await?;
        if ended.is_empty() {
            return Err(AdminError::UnknownToken(id_or_identifier.to_owned()));
        }
        audit::write_in(&mut transaction, now, Act::by("command line", Action::TokenRevoked).to(id_or_identifier)).await?;
        transaction.commit().await.map_err(StoreError::from)?;
        let count = ended.len() as u64;
        for token_id in ended {
            self.bus.publish(Happening::TokenRevoked { token_id });
        }
        Ok(count)
    }

    /// Retires the keys that access tokens are signed with. Tokens that they signed are good until they end; every running server
    /// makes itself a new key within seconds, any other when it starts. How many were retired.
    pub async fn rotate_keys(&self) -> Result<u64, AdminError> {
        let now = self.clock.now();
        let retired = access_keys::retire_all(&self.store, now).await?;
        audit::write(&self.store, now, Act::by("command line", Action::KeyRotated)).await?;
        Ok(retired)
    }

    pub async fn list_processes(&self) -> Result<Vec<Process>, AdminError> {
        Ok(processes::list(&self.store).await?)
    }

    /// Adds a test or repair process, or renames the one with this code.
    pub async fn add_process(&self, code: i64, name: &str, is_repair: bool) -> Result<(), AdminError> {
        let name = name.trim();
        if !(0..=32767).contains(&code) || name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
            return Err(AdminError::BadProcess);
        }
        let process = Process {
            code,
            name: name.to_owned(),
            is_test_operation: !is_repair,
            is_repair_operation: is_repair,
            process_index: code,
            state: 1,
            ..Process::default()
        };
        if processes::put(&self.store, &process).await? { Ok(()) } else { Err(AdminError::ProcessNameTaken(name.to_owned())) }
    }

    /// Lets go of the database. For programs that end after it.
    pub async fn close(self) {
        self.store.close().await;
    }
}

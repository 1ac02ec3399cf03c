//! What the command line and the built-in server's set-up do to the database directly, beside a running server or without one.

use uuid::Uuid;

use super::config::Config;
use super::passwords::{PasswordError, Passwords};
use super::random::{self, NoRandom};
use super::store::station_tokens::{self, NewStationToken, StationToken};
use super::store::users::{self, NewUser, User};
use super::store::{Store, StoreError, access_keys, processes, sessions};
use crate::domain::Role;
use crate::domain::credentials::{CredentialError, check_email, check_password, check_user_name, mask_token};
use crate::protocol::wats::Process;
use crate::support::clock::Clock;
use crate::support::secret::Secret;

/// The keeper of accounts, station tokens and processes.
pub struct Admin {
    store: Store,
    clock: Clock,
    passwords: Passwords,
}

#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Credential(#[from] CredentialError),
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error(transparent)]
    Random(#[from] NoRandom),
    #[error("there is already an account: sign in with it")]
    AlreadySetUp,
    #[error("the user name or e-mail address is taken")]
    Taken,
    #[error("there is no user {0:?}")]
    UnknownUser(String),
    #[error("stations have tokens, not accounts: a user cannot have the role STATION")]
    StationRole,
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
        Ok(Admin::of(store, clock, config.password_cost))
    }

    pub(super) fn of(store: Store, clock: Clock, password_cost: u32) -> Admin {
        Admin { store, clock, passwords: Passwords::new(password_cost) }
    }

    pub async fn has_accounts(&self) -> Result<bool, AdminError> {
        Ok(users::count(&self.store).await? > 0)
    }

    /// Makes the first account, a SUPERUSER. Refused once there is any.
    pub async fn set_up(&self, administrator: &str, password: &Secret) -> Result<User, AdminError> {
        if self.has_accounts().await? {
            return Err(AdminError::AlreadySetUp);
        }
        let (id, hash) = self.prepare(administrator, None, password).await?;
        let new = self.new_user(&id, administrator, None, Role::Superuser, &hash);
        if users::insert_first(&self.store, &new).await? { self.find(administrator).await } else { Err(AdminError::AlreadySetUp) }
    }

    /// Makes an account whose address counts as verified.
    pub async fn add_user(&self, name: &str, role: Role, email: Option<&str>, password: &Secret) -> Result<User, AdminError> {
        refuse_station(role)?;
        let (id, hash) = self.prepare(name, email, password).await?;
        let new = self.new_user(&id, name, email, role, &hash);
        if users::insert(&self.store, &new).await? { self.find(name).await } else { Err(AdminError::Taken) }
    }

    async fn prepare(&self, name: &str, email: Option<&str>, password: &Secret) -> Result<(String, String), AdminError> {
        check_user_name(name)?;
        check_password(password.expose())?;
        email.map(check_email).transpose()?;
        Ok((Uuid::now_v7().to_string(), self.passwords.hash(password).await?))
    }

    fn new_user<'a>(&self, id: &'a str, name: &'a str, email: Option<&'a str>, role: Role, password_hash: &'a str) -> NewUser<'a> {
        NewUser { id, name, email, role, password_hash, verified: true, now: self.clock.now() }
    }

    pub async fn list_users(&self) -> Result<Vec<User>, AdminError> {
        Ok(users::list(&self.store).await?)
    }

    async fn find(&self, name: &str) -> Result<User, AdminError> {
        users::find(&self.store, name).await?.ok_or_else(|| AdminError::UnknownUser(name.to_owned()))
    }

    /// Holds from the user's next request on.
    pub async fn set_role(&self, name: &str, role: Role) -> Result<(), AdminError> {
        refuse_station(role)?;
        Ok(users::set_role(&self.store, &self.find(name).await?.id, role).await?)
    }

    /// Ends the user's sessions as well.
    pub async fn set_password(&self, name: &str, password: &Secret) -> Result<(), AdminError> {
        let user = self.find(name).await?;
        check_password(password.expose())?;
        let hash = self.passwords.hash(password).await?;
        users::set_password_hash(&self.store, &user.id, &hash).await?;
        Ok(sessions::end_all(&self.store, &user.id, self.clock.now()).await?)
    }

    /// Disabling ends the user's sessions at once; the stations he enrolled stay.
    pub async fn set_active(&self, name: &str, active: bool) -> Result<(), AdminError> {
        let user = self.find(name).await?;
        users::set_active(&self.store, &user.id, active).await?;
        if !active {
            sessions::end_all(&self.store, &user.id, self.clock.now()).await?;
        }
        Ok(())
    }

    /// Forgets failed tries and a lock.
    pub async fn unlock(&self, name: &str) -> Result<(), AdminError> {
        Ok(users::unlock(&self.store, &self.find(name).await?.id).await?)
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
        station_tokens::insert(&self.store, &new).await?;
        Ok(token)
    }

    pub async fn list_tokens(&self) -> Result<Vec<StationToken>, AdminError> {
        Ok(station_tokens::list(&self.store).await?)
    }

    /// Ends one token by its id, or all of a station by its name. How many it ended.
    pub async fn revoke_tokens(&self, id_or_identifier: &str) -> Result<u64, AdminError> {
        match station_tokens::revoke(&self.store, id_or_identifier, self.clock.now()).await? {
            0 => Err(AdminError::UnknownToken(id_or_identifier.to_owned())),
            ended => Ok(ended),
        }
    }

    /// Retires the keys that access tokens are signed with. Tokens that they signed are good until they end; every running server
    /// makes itself a new key within seconds, any other when it starts. How many were retired.
    pub async fn rotate_keys(&self) -> Result<u64, AdminError> {
        Ok(access_keys::retire_all(&self.store, self.clock.now()).await?)
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

fn refuse_station(role: Role) -> Result<(), AdminError> {
    if role == Role::Station { Err(AdminError::StationRole) } else { Ok(()) }
}

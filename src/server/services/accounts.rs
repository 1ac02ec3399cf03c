//! Accounts are made, changed and removed, by an administrator or by the command line: one set of rules, one entry in the audit log.

mod change;
mod error;

use chrono::{DateTime, Utc};
use uuid::Uuid;

pub(in crate::server) use self::change::Change;
use self::change::difference;
pub use self::error::AccountError;
pub(super) use self::error::sentence;
use super::audit::{self, Act};
use super::sessions::tell_ended;
use crate::domain::Role;
use crate::domain::audit::Action;
use crate::domain::credentials::{check_email, check_password};
use crate::server::bus::{Bus, Happening};
use crate::server::caller::Caller;
use crate::server::client_address::ClientAddress;
use crate::server::names::check_new_name;
use crate::server::passwords::Passwords;
use crate::server::store::users::{self, Added, NewUser, User};
use crate::server::store::{Store, mail, sessions, sign_in_failures};
use crate::support::secret::Secret;

/// Who acts.
#[derive(Clone, Copy)]
pub(in crate::server) enum Who<'a> {
    Person(&'a Caller, ClientAddress),
    /// Whoever may read the database's file or address may do anything.
    CommandLine,
}

impl<'a> Who<'a> {
    fn act(self, action: Action) -> Act<'a> {
        match self {
            Who::Person(caller, from) => Act::of(caller, &from, action),
            Who::CommandLine => Act::by("command line", action),
        }
    }

    fn may_manage(self, role: Role) -> bool {
        match self {
            Who::Person(caller, _) => caller.role.may_manage(role),
            Who::CommandLine => role != Role::Station,
        }
    }

    fn is(self, user: &User) -> bool {
        matches!(self, Who::Person(caller, _) if caller.id == user.id)
    }
}

/// Where accounts are looked after.
pub(in crate::server) struct Desk<'a> {
    pub(in crate::server) store: &'a Store,
    pub(in crate::server) passwords: &'a Passwords,
    pub(in crate::server) bus: &'a Bus,
    pub(in crate::server) now: DateTime<Utc>,
    pub(in crate::server) who: Who<'a>,
}

/// What a new account is made of.
pub(in crate::server) struct Draft<'a> {
    pub(in crate::server) name: &'a str,
    pub(in crate::server) email: Option<&'a str>,
    pub(in crate::server) role: Role,
    pub(in crate::server) password: &'a Secret,
}

impl Desk<'_> {
    /// Makes a verified account.
    pub(in crate::server) async fn create(&self, draft: &Draft<'_>) -> Result<User, AccountError> {
        self.check_role(draft.role)?;
        let (id, hash) = self.prepare(draft).await?;
        let new = NewUser {
            id: &id,
            name: draft.name,
            email: draft.email,
            role: draft.role,
            password_hash: &hash,
            verified: true,
            now: self.now,
        };
        self.add(self.store.begin().await?, &new, self.who.act(Action::UserCreated)).await
    }

    /// Makes the first account, a SUPERUSER. `None` once there is any.
    pub(in crate::server) async fn create_first(&self, name: &str, password: &Secret) -> Result<Option<User>, AccountError> {
        let draft = Draft { name, email: None, role: Role::Superuser, password };
        let (id, hash) = self.prepare(&draft).await?;
        let mut transaction = self.store.begin().await?;
        if users::count_in(&mut transaction).await? > 0 {
            return Ok(None);
        }
        let new = NewUser { id: &id, name, email: None, role: draft.role, password_hash: &hash, verified: true, now: self.now };
        self.add(transaction, &new, Act::by("set-up", Action::UserCreated)).await.map(Some)
    }

    /// Stores an account and what the log says of it.
    async fn add(
        &self,
        mut transaction: sqlx::Transaction<'static, sqlx::Any>,
        new: &NewUser<'_>,
        act: Act<'_>,
    ) -> Result<User, AccountError> {
        match users::insert(&mut transaction, new).await? {
            Added::Yes => {}
            Added::NameTaken => return Err(AccountError::NameTaken),
            Added::LookTaken => return Err(AccountError::LookTaken),
            Added::EmailTaken => return Err(AccountError::EmailTaken),
        }
        let detail = format!("role {}", new.role.as_str());
        audit::write_in(&mut transaction, self.now, act.to(new.name).detail(&detail)).await?;
        let user = users::find_by_id(&mut transaction, new.id).await?.ok_or(AccountError::Unknown)?;
        transaction.commit().await?;
        Ok(user)
    }

    /// Id and password hash of a new account whose fields are good.
    pub(in crate::server) async fn prepare(&self, draft: &Draft<'_>) -> Result<(String, String), AccountError> {
        check_new_name(draft.name).map_err(|error| AccountError::Field("username", error))?;
        check_password(draft.password.expose()).map_err(|error| AccountError::Field("password", error))?;
        draft.email.map(check_email).transpose().map_err(|error| AccountError::Field("email", error))?;
        Ok((Uuid::now_v7().to_string(), self.passwords.hash(draft.password).await?))
    }

    fn check_role(&self, role: Role) -> Result<(), AccountError> {
        match role {
            Role::Station => Err(AccountError::StationRole),
            role if !self.who.may_manage(role) => Err(AccountError::RoleTooHigh),
            _ => Ok(()),
        }
    }

    /// Changes an account. A new password and being disabled end its sessions at once; they and a new address end codes sent by mail.
    pub(in crate::server) async fn change(&self, id: &str, change: &Change) -> Result<User, AccountError> {
        change.role.map_or(Ok(()), |role| self.check_role(role))?;
        if let Some(email) = change.email.as_deref().filter(|email| !email.is_empty()) {
            check_email(email).map_err(|error| AccountError::Field("email", error))?;
        }
        let hash = match &change.password {
            Some(password) => {
                check_password(password.expose()).map_err(|error| AccountError::Field("password", error))?;
                Some(self.passwords.hash(password).await?)
            }
            None => None,
        };
        let mut transaction = self.store.begin().await?;
        let old = users::find_by_id(&mut transaction, id).await?.ok_or(AccountError::Unknown)?;
        let user = change.of(&old);
        self.allow(&old, &user, change)?;
        self.keep_a_superuser(&mut transaction, &old, Some(&user)).await?;
        if !users::update(&mut transaction, &user).await? {
            return Err(AccountError::EmailTaken);
        }
        if let Some(hash) = &hash {
            users::set_password_hash(&mut transaction, id, hash).await?;
        }
        let ended =
            if hash.is_some() || !user.active { sessions::end_all(&mut transaction, id, None, self.now).await? } else { Vec::new() };
        if hash.is_some() || !user.active || user.email != old.email {
            mail::forget_codes(&mut transaction, id).await?;
        }
        let act = self.who.act(Action::UserChanged);
        audit::write_in(&mut transaction, self.now, act.to(&old.name).detail(&difference(&old, &user, hash.is_some()))).await?;
        let user = users::find_by_id(&mut transaction, id).await?.ok_or(AccountError::Unknown)?;
        transaction.commit().await?;
        self.tell(id, ended);
        Ok(user)
    }

    fn allow(&self, old: &User, new: &User, change: &Change) -> Result<(), AccountError> {
        if !self.who.may_manage(old.role) {
            return Err(AccountError::RoleTooHigh);
        }
        if self.who.is(old) && (new.role != old.role || !new.active || old.verified && !new.verified || change.password.is_some()) {
            return Err(AccountError::OwnAccount);
        }
        if change.version.is_some_and(|version| version != old.version) { Err(AccountError::ChangedMeanwhile) } else { Ok(()) }
    }

    /// A person may not take the last account that may do everything; the command line can make another.
    async fn keep_a_superuser(&self, connection: &mut sqlx::AnyConnection, old: &User, new: Option<&User>) -> Result<(), AccountError> {
        let counts = |user: &User| user.role == Role::Superuser && user.active && user.verified;
        if matches!(self.who, Who::CommandLine) || !counts(old) || new.is_some_and(counts) {
            return Ok(());
        }
        if users::has_other_superuser(connection, &old.id).await? { Ok(()) } else { Err(AccountError::LastSuperuser) }
    }

    /// Removes an account and its sessions. The stations it enrolled stay.
    pub(in crate::server) async fn delete(&self, id: &str) -> Result<(), AccountError> {
        let mut transaction = self.store.begin().await?;
        let old = users::find_by_id(&mut transaction, id).await?.ok_or(AccountError::Unknown)?;
        if !self.who.may_manage(old.role) {
            return Err(AccountError::RoleTooHigh);
        }
        if self.who.is(&old) {
            return Err(AccountError::OwnAccount);
        }
        self.keep_a_superuser(&mut transaction, &old, None).await?;
        let ended = sessions::end_all(&mut transaction, id, None, self.now).await?;
        users::delete(&mut transaction, id).await?;
        sign_in_failures::forget(&mut transaction, &old.id).await?;
        audit::write_in(&mut transaction, self.now, self.who.act(Action::UserDeleted).to(&old.name)).await?;
        transaction.commit().await?;
        self.tell(id, ended);
        Ok(())
    }

    /// Forgets failed tries and a lock.
    pub(in crate::server) async fn unlock(&self, id: &str) -> Result<User, AccountError> {
        let mut transaction = self.store.begin().await?;
        let user = users::find_by_id(&mut transaction, id).await?.ok_or(AccountError::Unknown)?;
        if !self.who.may_manage(user.role) {
            return Err(AccountError::RoleTooHigh);
        }
        sign_in_failures::forget(&mut transaction, &user.id).await?;
        audit::write_in(&mut transaction, self.now, self.who.act(Action::UserUnlocked).to(&user.name)).await?;
        transaction.commit().await?;
        Ok(user)
    }

    /// Stores a user's own new password, and ends his sessions but the one he is in. `version` is of the account whose password was
    /// right: one that somebody set meanwhile stays.
    pub(in crate::server) async fn change_own_password(&self, caller: &Caller, version: i64, new: &Secret) -> Result<(), AccountError> {
        check_password(new.expose()).map_err(|error| AccountError::Field("new_password", error))?;
        let hash = self.passwords.hash(new).await?;
        let mut transaction = self.store.begin().await?;
        let user = users::find_by_id(&mut transaction, &caller.id).await?.ok_or(AccountError::Unknown)?;
        if user.version != version {
            return Err(AccountError::ChangedMeanwhile);
        }
        users::set_password_hash(&mut transaction, &caller.id, &hash).await?;
        mail::forget_codes(&mut transaction, &caller.id).await?;
        let ended = sessions::end_all(&mut transaction, &caller.id, caller.session_id.as_deref(), self.now).await?;
        audit::write_in(&mut transaction, self.now, self.who.act(Action::PasswordChanged)).await?;
        transaction.commit().await?;
        tell_ended(self.bus, ended);
        Ok(())
    }

    fn tell(&self, user_id: &str, ended: Vec<String>) {
        self.bus.publish(Happening::UserChanged { user_id: user_id.to_owned() });
        tell_ended(self.bus, ended);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::config::Database;

    #[tokio::test]
    async fn a_password_that_was_set_meanwhile_is_not_overwritten_with_the_old_ones_leave() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&Database::Sqlite(folder.path().join("line.db"))).await.unwrap();
        let (passwords, bus, now) = (Passwords::new(4), Bus::new(), DateTime::from_timestamp(1_800_000_000, 0).unwrap());
        let desk = Desk { store: &store, passwords: &passwords, bus: &bus, now, who: Who::CommandLine };
        let user = desk.create_first("anna", &Secret::new("the first one")).await.unwrap().unwrap();
        let caller = Caller { id: user.id.clone(), name: user.name.clone(), role: user.role, session_id: None };
        let reset = Change { password: Some(Secret::new("the administrator's")), ..Change::default() };
        desk.change(&user.id, &reset).await.unwrap();
        let late = desk.change_own_password(&caller, user.version, &Secret::new("the thief's own")).await;
        assert!(matches!(late, Err(AccountError::ChangedMeanwhile)), "{late:?}");
        let hash = users::find_password_hash(&store, &user.id).await.unwrap();
        assert!(passwords.verify(&Secret::new("the administrator's"), hash).await.unwrap());
    }
}

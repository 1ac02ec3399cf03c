//! Accounts: the list, and what an administrator changes in it.

use super::{Acts, Desk, Parts, Told, USER_ROWS, UserList, UsersSlice};
use crate::client::command::{AccountChange, UsersCommand};
use crate::client::explain::Explanation;
use crate::protocol::users::{NewUser, USERS_MOST, User, UserChange};

impl Desk for UsersSlice {
    type Command = UsersCommand;

    fn fetches(command: &UsersCommand) -> bool {
        matches!(command, UsersCommand::List { .. })
    }

    fn acts(&mut self) -> &mut Acts {
        &mut self.acts
    }

    async fn serve(parts: Parts<UsersSlice>, command: UsersCommand) {
        match command {
            UsersCommand::List { search } => {
                parts.slice.update(|slice| slice.search = search);
                parts.list().await;
            }
            UsersCommand::Create { username, email, role, password } => {
                let email = Some(email).filter(|email| !email.is_empty());
                let user = NewUser { username, email, role, password: password.expose().to_owned() };
                parts.create(user).await;
            }
            UsersCommand::Change { id, name, version, change } => parts.change(&id, name, version, change).await,
            UsersCommand::Unlock { id, name } => {
                let unlocked = async { parts.learn(parts.person()?.unlock_user(&id).await) };
                let result = parts.act(Told::AsNotice, unlocked).await;
                parts.changed(result, "user_unlocked", name).await;
            }
            UsersCommand::SendResetCode { name, email } => {
                let sent = async { parts.learn(parts.person()?.send_reset_code(&email).await) };
                if parts.act(Told::AsNotice, sent).await.is_ok() {
                    parts.notifier.done("reset_code_sent", vec![("name", name), ("email", email)]);
                }
            }
        }
    }
}

impl Parts<UsersSlice> {
    /// Reads what is searched for, unless something else is by the time it is there.
    async fn list(&self) {
        self.slice.update(|slice| slice.list = slice.list.reloading());
        let search = self.slice.get().search.clone();
        let result = self.fetch(&search).await;
        self.slice.update(|slice| {
            if slice.search == search {
                slice.list = slice.list.settled(result);
            }
        });
    }

    async fn fetch(&self, search: &str) -> Result<UserList, Explanation> {
        let person = self.person()?;
        let mut rows: Vec<User> = Vec::new();
        let complete = loop {
            let page = self.learn(person.fetch_users(search, rows.len()).await)?;
            let last = page.len() < USERS_MOST;
            rows.extend(page);
            if last || rows.len() >= USER_ROWS {
                break last;
            }
        };
        Ok(UserList { rows, complete, as_of: self.clock.now() })
    }

    async fn create(&self, mut user: NewUser) {
        let created = async { self.learn(self.person()?.create_user(&user).await) };
        let result = self.act(Told::InTheForm, created).await;
        zeroize::Zeroize::zeroize(&mut user.password);
        if let Ok(user) = result {
            self.notifier.done("user_created", vec![("name", user.username)]);
            self.list().await;
        }
    }

    async fn change(&self, id: &str, name: String, version: u64, change: AccountChange) {
        let (key, told) = match &change {
            AccountChange::Role(_) => ("user_role_changed", Told::InTheForm),
            AccountChange::Password(_) => ("user_password_set", Told::InTheForm),
            AccountChange::Active(true) => ("user_enabled", Told::AsNotice),
            AccountChange::Active(false) => ("user_disabled", Told::AsNotice),
        };
        let mut body = UserChange { version: Some(version), ..UserChange::default() };
        match change {
            AccountChange::Role(role) => body.role = Some(role),
            AccountChange::Active(active) => body.is_active = Some(active),
            AccountChange::Password(password) => body.password = Some(password.expose().to_owned()),
        }
        let changed = async { self.learn(self.person()?.change_user(id, &body).await) };
        let result = self.act(told, changed).await;
        zeroize::Zeroize::zeroize(&mut body.password);
        self.changed(result, key, name).await;
    }

    /// Shows the account as it is now. Where somebody else was quicker, all of them are read again.
    async fn changed(&self, result: Result<User, Explanation>, key: &'static str, name: String) {
        match result {
            Ok(user) => {
                self.notifier.done(key, vec![("name", name)]);
                self.slice.update(|slice| {
                    if let Some(list) = slice.list.value() {
                        let replace = |row: &User| if row.id == user.id { user.clone() } else { row.clone() };
                        let list = UserList { rows: list.rows.iter().map(replace).collect(), ..**list };
                        slice.list = slice.list.settled(Ok(list));
                    }
                });
            }
            Err(refused) if matches!(refused.key, "changed_meanwhile" | "gone_meanwhile") => {
                self.list().await;
            }
            Err(_) => {}
        }
    }
}

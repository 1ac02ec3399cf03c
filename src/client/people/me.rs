//! A person's own password and sessions.

use super::{Acts, Desk, MeSlice, Parts, SessionList, Told};
use crate::client::api::{ApiError, End};
use crate::client::command::MeCommand;
use crate::client::explain::Explanation;
use crate::client::offline::Bound;

impl Desk for MeSlice {
    type Command = MeCommand;

    fn fetches(command: &MeCommand) -> bool {
        matches!(command, MeCommand::List)
    }

    fn acts(&mut self) -> &mut Acts {
        &mut self.acts
    }

    async fn serve(parts: Parts<MeSlice>, command: MeCommand) {
        match command {
            MeCommand::List => parts.list().await,
            MeCommand::ChangePassword { current, new } => {
                let changed = async {
                    let person = parts.person()?;
                    let result = person.change_password(&current, &new).await;
                    if let Some(bound) = Bound::of(&parts.link.borrow()) {
                        match &result {
                            Ok(_) => parts.offline.renew(bound, person.name(), new),
                            // A clear no changes nothing. After no answer nobody knows which of the two is good now.
                            Err(error) if error.trouble().is_some() => parts.offline.forget(bound, person.name()),
                            Err(_) => {}
                        }
                    }
                    parts.learn(result)?;
                    Ok(())
                };
                if parts.act(Told::InTheForm, changed).await.is_ok() {
                    parts.notifier.done("password_changed", Vec::new());
                    parts.list().await;
                }
            }
            MeCommand::EndSession { id } => {
                let ended = async { parts.learn(parts.person()?.end_session(&id).await) };
                if parts.act(Told::AsNotice, ended).await.is_ok() {
                    parts.notifier.done("session_ended", Vec::new());
                }
                parts.list().await;
            }
            MeCommand::EndAllSessions => {
                let _ = parts.act(Told::AsNotice, parts.end_all()).await;
            }
        }
    }
}

impl Parts<MeSlice> {
    async fn list(&self) {
        self.slice.update(|slice| slice.list = slice.list.reloading());
        let result = self.fetch().await;
        self.slice.update(|slice| slice.list = slice.list.settled(result));
    }

    async fn fetch(&self) -> Result<SessionList, Explanation> {
        let rows = self.learn(self.person()?.fetch_sessions().await)?;
        Ok(SessionList { rows, as_of: self.clock.now() })
    }

    async fn end_all(&self) -> Result<(), Explanation> {
        let person = self.person()?;
        let result = person.end_sessions().await;
        // Refused as unknown: they have ended already.
        if matches!(result, Ok(()) | Err(ApiError::TokenRefused { .. })) {
            person.end(End::ByPerson);
            return Ok(());
        }
        self.learn(result)
    }
}

//! A person's own password and sessions.

use super::{Acts, Desk, MeSlice, Parts, SessionList, Told};
use crate::client::api::{ApiError, End};
use crate::client::command::MeCommand;
use crate::client::explain::Explanation;
use crate::client::offline::{Bound, Offline};
use crate::support::secret::Secret;

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
                    let mut doubt = Doubt::of(&parts, person.name());
                    let result = person.change_password(&current, &new).await;
                    match &result {
                        Ok(()) => doubt.settle(Some(new)),
                        Err(error) if error.trouble().is_some() => {}
                        // A clear no changes nothing.
                        Err(_) => doubt.settle(None),
                    }
                    drop(doubt);
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

/// While nobody knows which of two passwords is good. Where it stays so, for no answer came or nobody waited for it, neither lets
/// the person in without the server.
struct Doubt {
    offline: Offline,
    person: Option<(Bound, String)>,
}

impl Doubt {
    fn of(parts: &Parts<MeSlice>, name: &str) -> Doubt {
        let bound = Bound::of(&parts.link.borrow());
        Doubt { offline: parts.offline.clone(), person: bound.map(|bound| (bound, name.to_owned())) }
    }

    /// The new password is good, or the one before still is.
    fn settle(&mut self, new: Option<Secret>) {
        if let (Some((bound, name)), Some(new)) = (self.person.take(), new) {
            self.offline.renew(bound, &name, new);
        }
    }
}

impl Drop for Doubt {
    fn drop(&mut self) {
        if let Some((bound, name)) = self.person.take() {
            self.offline.forget(bound, &name);
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

#[cfg(test)]
mod tests {
    use tokio::sync::watch;

    use super::*;
    use crate::client::api::{Api, Http, Identity, PersonSession};
    use crate::client::bridge::{Notifier, Publisher};
    use crate::client::link::{Link, Observer};
    use crate::client::offline::{self, Job};
    use crate::client::peer::{Answer, NEVER, Peer, from_line, pair, until};
    use crate::client::server_url::ServerUrl;
    use crate::client::tunnel::Way;
    use crate::domain::connection::Connection;
    use crate::protocol::auth::LoginResponse;
    use crate::support::clock::Clock;

    fn online(peer: &Peer) -> Link {
        let server = ServerUrl::parse(&peer.url).unwrap();
        let http = Http::new(&server, &[], Way::direct()).unwrap();
        let api = std::sync::Arc::new(Api::new(http, server, Secret::new("token"), Identity::Line("s1".to_owned())));
        let answer: LoginResponse = serde_json::from_str(&pair("ann", 0)).unwrap();
        let person = PersonSession::start(api.clone(), "ann", answer.into());
        Link { api: Some(api), server_id: "s1".to_owned(), state: Connection::Connected, person: Some(person) }
    }

    /// Asks for a new password and gives up once the server has heard of it; or waits for its answer.
    async fn changed(status: u16, code: &str) -> Option<Job> {
        let body = format!(r#"{{"error":"no","code":"{code}"}}"#);
        let peer =
            Peer::start(move |_| if status == NEVER { Answer(NEVER, vec![], String::new()) } else { from_line("s1", status, &body) });
        let peer = peer.await;
        let (publisher, _model) = Publisher::new(std::sync::Arc::new(|| ()));
        let (door, mut jobs) = offline::door();
        let parts = Parts {
            slice: publisher.slice(|model| &mut model.me),
            link: watch::channel(online(&peer)).1,
            observer: Observer(tokio::sync::mpsc::channel(8).0),
            notifier: Notifier::new().0,
            clock: Clock::system(),
            offline: door,
        };
        let command = MeCommand::ChangePassword { current: Secret::new("old"), new: Secret::new("new") };
        let act = tokio::spawn(MeSlice::serve(parts, command));
        until("it is heard", || peer.asked().iter().any(|asked| asked.line == "POST /api/auth/password"), |heard| *heard).await;
        if status == NEVER {
            act.abort();
        }
        let _ = act.await;
        jobs.try_recv().ok()
    }

    #[tokio::test]
    async fn a_password_of_which_nobody_knows_whether_it_was_changed_lets_nobody_in_without_the_server() {
        assert!(matches!(changed(204, "").await, Some(Job::Renew(_, name, _)) if name == "ann"));
        assert!(matches!(changed(503, "").await, Some(Job::Forget(_, name)) if name == "ann"));
        assert!(changed(403, "wrong_password").await.is_none(), "a clear no changes nothing");
        assert!(matches!(changed(NEVER, "").await, Some(Job::Forget(_, name)) if name == "ann"), "the sign-out came first");
    }
}

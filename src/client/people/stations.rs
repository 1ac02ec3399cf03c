//! Stations of the line and their tokens: seen, issued, revoked.

use super::{Acts, Desk, IssuedToken, Parts, StationList, StationsSlice, Told};
use crate::client::command::StationsCommand;
use crate::client::explain::Explanation;
use crate::protocol::stations::NewToken;
use crate::support::secret::Secret;

impl Desk for StationsSlice {
    type Command = StationsCommand;

    fn fetches(command: &StationsCommand) -> bool {
        matches!(command, StationsCommand::List)
    }

    fn acts(&mut self) -> &mut Acts {
        &mut self.acts
    }

    async fn serve(parts: Parts<StationsSlice>, command: StationsCommand) {
        match command {
            StationsCommand::List => parts.list().await,
            StationsCommand::Issue { station, reset } => parts.issue(station, reset).await,
            StationsCommand::PutAway => parts.slice.update(|slice| slice.issued = None),
            StationsCommand::Revoke { id, station } => {
                let revoked = async { parts.learn(parts.person()?.revoke_token(&id).await) };
                if parts.act(Told::AsNotice, revoked).await.is_ok() {
                    parts.notifier.done("token_revoked", vec![("station", station)]);
                }
                parts.list().await;
            }
        }
    }
}

impl Parts<StationsSlice> {
    async fn list(&self) {
        self.slice.update(|slice| slice.list = slice.list.reloading());
        let result = self.fetch().await;
        self.slice.update(|slice| slice.list = slice.list.settled(result));
    }

    async fn fetch(&self) -> Result<StationList, Explanation> {
        let person = self.person()?;
        let (stations, tokens) = tokio::join!(person.fetch_stations(), person.fetch_tokens());
        Ok(StationList { stations: self.learn(stations)?, tokens: self.learn(tokens)?, as_of: self.clock.now() })
    }

    async fn issue(&self, station: String, reset: bool) {
        let new = NewToken { identifier: station, reset };
        let issued = async { self.learn(self.person()?.issue_token(&new).await) };
        if let Ok(issued) = self.act(Told::InTheForm, issued).await {
            let issued = IssuedToken { station: issued.row.identifier, token: Secret::new(issued.token) };
            self.slice.update(|slice| slice.issued = Some(issued));
            self.list().await;
        }
    }
}

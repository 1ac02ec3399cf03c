//! The states of a station's connection, as a pure machine: what is, and what happened, give what is next.
//! A server that does not answer, one that answers with errors, and a token that is refused stay three things.

use serde::{Deserialize, Serialize};

/// Where the station stands towards its server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Connection {
    /// There is no token: somebody has to sign in.
    #[default]
    NotConnected,
    /// Credentials are being exchanged, or a stored token is being tried for the first time.
    Authenticating,
    /// The token is good and the server answers.
    Connected,
    /// The token is kept, but the server cannot be worked with now.
    Offline(Trouble),
}

/// Why a server cannot be worked with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Trouble {
    /// No answer: network, name, port, or time limit.
    Unreachable,
    /// It answers, but with an error of its own (5xx), or asks for time (429).
    ServerError,
    /// Its certificate is not trusted. Needs a person.
    Certificate,
    /// Something answers that is not a server for test reports. Needs a person.
    NotOurServer,
    /// It is older than this program can work with. Needs a person.
    ServerTooOld,
    /// Another server answers at the address than the one this station signed in to. Needs a person.
    OtherServer,
    /// The tunnel to it is down, and is tried again.
    TunnelDown,
    /// The tunnel to it cannot be opened without a person.
    TunnelRefused,
}

impl Trouble {
    /// Whether waiting will not cure it.
    pub fn needs_person(self) -> bool {
        !matches!(self, Trouble::Unreachable | Trouble::ServerError | Trouble::TunnelDown)
    }
}

/// What can happen to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A token was found in the vault at start.
    TokenRestored,
    SignInStarted,
    SignInFailed,
    SignedIn,
    /// An authenticated request was answered as it should.
    Answered,
    Failed(Trouble),
    /// The server said that it does not know the token (401).
    TokenRefused,
    SignedOut,
}

impl Connection {
    /// The state after `event`. Answers that come late, after the token is gone, change nothing.
    pub fn next(self, event: Event) -> Connection {
        use Connection::*;
        match (self, event) {
            (_, Event::SignedOut | Event::TokenRefused) => NotConnected,
            (_, Event::SignedIn) => Connected,
            (_, Event::TokenRestored | Event::SignInStarted) => Authenticating,
            (Authenticating, Event::SignInFailed) => NotConnected,
            (Authenticating | Connected | Offline(_), Event::Answered) => Connected,
            (Authenticating | Connected | Offline(_), Event::Failed(trouble)) => Offline(trouble),
            (state, _) => state,
        }
    }

    /// Whether a token is held.
    pub fn has_token(self) -> bool {
        matches!(self, Connection::Connected | Connection::Offline(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Connection::*;

    #[test]
    fn a_station_signs_in_loses_its_server_and_finds_it_again() {
        let state = NotConnected.next(Event::SignInStarted);
        assert_eq!(state, Authenticating);
        let state = state.next(Event::SignedIn);
        assert_eq!(state, Connected);
        let state = state.next(Event::Failed(Trouble::Unreachable));
        assert_eq!(state, Offline(Trouble::Unreachable));
        assert!(state.has_token());
        assert_eq!(state.next(Event::Failed(Trouble::ServerError)), Offline(Trouble::ServerError));
        assert_eq!(state.next(Event::Answered), Connected);
    }

    #[test]
    fn a_refused_token_is_not_a_lost_server() {
        assert_eq!(Connected.next(Event::TokenRefused), NotConnected);
        assert_eq!(Offline(Trouble::Unreachable).next(Event::TokenRefused), NotConnected);
    }

    #[test]
    fn a_late_answer_does_not_sign_anybody_in() {
        assert_eq!(NotConnected.next(Event::Answered), NotConnected);
        assert_eq!(NotConnected.next(Event::Failed(Trouble::Unreachable)), NotConnected);
    }
}

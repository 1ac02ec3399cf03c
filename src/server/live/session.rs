//! The rules of one live socket, without the socket: who it is, until when, what it follows, what it has already asked.

use std::collections::{HashSet, VecDeque};
use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::Role;
use crate::protocol::live::{
    AUTH_SECS, AuthOk, AuthRequired, Ending, Frame, GRACE_SECS, ID_LIMIT, LiveUser, PROTOCOL, RENEW_BEFORE_SECS, Topic,
};
use crate::server::services::rate::Bucket;

/// Frames a minute of one socket.
const FRAMES_A_MINUTE: u32 = 240;
/// Ids of changes that are remembered.
const REMEMBERED: usize = 256;

/// Who has signed in.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Who {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) role: Role,
    pub(super) expires_at: DateTime<Utc>,
}

enum Phase {
    Stranger { until: DateTime<Utc> },
    Known { who: Who, warned_at: Option<DateTime<Utc>> },
}

/// What time has brought.
#[derive(Debug, PartialEq)]
pub(super) enum Due {
    Nothing,
    Renew(AuthRequired),
    End(Ending),
}

pub(super) struct Session {
    phase: Phase,
    pub(super) topics: HashSet<Topic>,
    frames: Bucket,
    done: VecDeque<(String, Option<String>)>,
}

impl Session {
    pub(super) fn new(now: DateTime<Utc>) -> Session {
        let until = now + TimeDelta::seconds(AUTH_SECS as i64);
        let frames = Bucket::full(FRAMES_A_MINUTE, Instant::now());
        Session { phase: Phase::Stranger { until }, topics: HashSet::new(), frames, done: VecDeque::new() }
    }

    pub(super) fn who(&self) -> Option<&Who> {
        match &self.phase {
            Phase::Known { who, .. } => Some(who),
            Phase::Stranger { .. } => None,
        }
    }

    /// Reads a frame that may be acted on.
    pub(super) fn read(&mut self, text: &str, now: DateTime<Utc>, instant: Instant) -> Result<Frame, Ending> {
        self.frames.take(FRAMES_A_MINUTE, instant).map_err(|_| Ending::RateLimit)?;
        // The library would read a list as a frame, too.
        let object = text.trim_start().starts_with('{');
        let frame = object.then(|| serde_json::from_str::<Frame>(text).ok()).flatten();
        let frame = frame.filter(|frame| frame.id.as_ref().is_none_or(|id| !id.is_empty() && id.len() <= ID_LIMIT && !id.contains('\0')));
        let frame = frame.ok_or(Ending::BadFrame)?;
        match &self.phase {
            Phase::Stranger { .. } if frame.kind != "auth" => Err(Ending::AuthExpected),
            Phase::Known { who, .. } if now >= who.expires_at && frame.kind != "auth" => Err(Ending::TokenExpired),
            _ => Ok(frame),
        }
    }

    /// Something that costs as much as many frames.
    pub(super) fn charge(&mut self, frames: u32, instant: Instant) -> Result<(), Ending> {
        (0..frames).try_for_each(|_| self.frames.take(FRAMES_A_MINUTE, instant)).map_err(|_| Ending::RateLimit)
    }

    /// A token was good: it is of this person.
    pub(super) fn sign_in(&mut self, who: Who, now: DateTime<Utc>) -> Result<AuthOk, Ending> {
        let resumed = match self.who() {
            Some(before) if before.id != who.id => return Err(Ending::OtherUser),
            before => before.is_some(),
        };
        self.phase = Phase::Known { who, warned_at: None };
        self.drop_forbidden();
        self.welcome(now, resumed).ok_or(Ending::BadToken)
    }

    /// Name or role is another now. What may no longer be followed is not.
    pub(super) fn change(&mut self, name: String, role: Role, now: DateTime<Utc>) -> Option<AuthOk> {
        if let Phase::Known { who, .. } = &mut self.phase {
            (who.name, who.role) = (name, role);
        }
        self.drop_forbidden();
        self.welcome(now, true)
    }

    fn drop_forbidden(&mut self) {
        let role = self.who().map(|who| who.role);
        self.topics.retain(|topic| role.is_some_and(|role| role.may(topic.permission())));
    }

    fn welcome(&self, now: DateTime<Utc>, resumed: bool) -> Option<AuthOk> {
        let who = self.who()?;
        Some(AuthOk {
            protocol: PROTOCOL,
            user: LiveUser { id: who.id.clone(), username: who.name.clone() },
            role: who.role,
            permissions: who.role.permissions(),
            expires_at: who.expires_at,
            server_time: now,
            resumed,
        })
    }

    /// When [`due`](Self::due) has something to say next.
    pub(super) fn next_due(&self) -> DateTime<Utc> {
        match &self.phase {
            Phase::Stranger { until } => *until,
            Phase::Known { who, warned_at: None } => who.expires_at - TimeDelta::seconds(RENEW_BEFORE_SECS),
            Phase::Known { who, warned_at: Some(at) } => who.expires_at.min(*at + TimeDelta::seconds(GRACE_SECS)),
        }
    }

    pub(super) fn due(&mut self, now: DateTime<Utc>) -> Due {
        if now < self.next_due() {
            return Due::Nothing;
        }
        match &mut self.phase {
            Phase::Stranger { .. } => Due::End(Ending::AuthTimeout),
            Phase::Known { who, .. } if now >= who.expires_at => Due::End(Ending::TokenExpired),
            Phase::Known { who, warned_at: warned_at @ None } => {
                *warned_at = Some(now);
                let reason = "token_expiring".to_owned();
                Due::Renew(AuthRequired { reason, expires_at: who.expires_at, grace_seconds: GRACE_SECS })
            }
            Phase::Known { .. } => Due::End(Ending::RenewalTimeout),
        }
    }

    /// What a change under this id came to, if it was made before.
    pub(super) fn made_before(&self, id: Option<&str>) -> Option<Option<String>> {
        self.done.iter().find(|(known, _)| Some(known.as_str()) == id).map(|(_, result)| result.clone())
    }

    pub(super) fn remember(&mut self, id: Option<&str>, result: Option<String>) {
        let Some(id) = id else { return };
        if self.done.len() == REMEMBERED {
            self.done.pop_front();
        }
        self.done.push_back((id.to_owned(), result));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(secs: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + secs, 0).unwrap()
    }

    fn anna(expires: i64) -> Who {
        Who { id: "u1".to_owned(), name: "anna".to_owned(), role: Role::Operator, expires_at: at(expires) }
    }

    fn read(session: &mut Session, text: &str, secs: i64) -> Result<Frame, Ending> {
        session.read(text, at(secs), Instant::now())
    }

    #[test]
    fn a_stranger_says_who_he_is_within_five_seconds_and_nothing_else() {
        let mut session = Session::new(at(0));
        assert_eq!(session.due(at(4)), Due::Nothing);
        assert_eq!(session.due(at(5)), Due::End(Ending::AuthTimeout));
        assert_eq!(read(&mut session, r#"{"type":"ping"}"#, 1).unwrap_err(), Ending::AuthExpected);
        for bad in
            ["", "[]", "7", "{", r#"{"id":"1"}"#, r#"{"type":1}"#, r#"{"type":"auth","id":7}"#, r#"{"type":"auth","id":""}"#, r#"["auth"]"#]
        {
            assert_eq!(read(&mut session, bad, 1).unwrap_err(), Ending::BadFrame, "{bad}");
        }
        assert_eq!(read(&mut session, r#"{"type":"auth","payload":{"token":"x"}}"#, 1).unwrap().kind, "auth");
    }

    #[test]
    fn a_token_is_renewed_by_the_same_person_a_minute_before_its_end() {
        let mut session = Session::new(at(0));
        assert!(!session.sign_in(anna(900), at(0)).unwrap().resumed);
        assert_eq!(session.due(at(839)), Due::Nothing);
        assert!(matches!(session.due(at(840)), Due::Renew(asked) if asked.expires_at == at(900)));
        assert_eq!(session.due(at(869)), Due::Nothing);
        let stranger = Who { id: "u2".to_owned(), ..anna(1800) };
        assert_eq!(session.sign_in(stranger, at(869)).unwrap_err(), Ending::OtherUser);
        assert!(session.sign_in(anna(1769), at(869)).unwrap().resumed);
        assert_eq!(session.next_due(), at(1709));
    }

    #[test]
    fn a_renewal_that_does_not_come_ends_it_at_the_earlier_of_grace_and_expiry() {
        let mut session = Session::new(at(0));
        session.sign_in(anna(900), at(0)).unwrap();
        session.due(at(840));
        assert_eq!(session.due(at(870)), Due::End(Ending::RenewalTimeout));
        let mut short = Session::new(at(0));
        short.sign_in(anna(20), at(0)).unwrap();
        assert!(matches!(short.due(at(0)), Due::Renew(_)), "at once where less than a minute is left");
        assert_eq!(short.next_due(), at(20));
        assert_eq!(short.due(at(20)), Due::End(Ending::TokenExpired));
        assert_eq!(read(&mut short, r#"{"type":"ping"}"#, 20).unwrap_err(), Ending::TokenExpired);
    }

    #[test]
    fn a_smaller_role_follows_less() {
        let mut session = Session::new(at(0));
        session.sign_in(anna(900), at(0)).unwrap();
        session.topics.extend([Topic::Chat, Topic::Reports]);
        let told = session.change("anna".to_owned(), Role::Guest, at(1)).unwrap();
        assert_eq!((told.role, told.permissions, told.resumed), (Role::Guest, Role::Guest.permissions(), true));
        assert_eq!(session.topics, HashSet::from([Topic::Chat]));
    }

    #[test]
    fn changes_are_remembered_by_their_ids_and_frames_are_counted() {
        let mut session = Session::new(at(0));
        session.sign_in(anna(900), at(0)).unwrap();
        session.remember(Some("a"), Some("m1".to_owned()));
        session.remember(None, Some("m2".to_owned()));
        assert_eq!(session.made_before(Some("a")), Some(Some("m1".to_owned())));
        assert_eq!((session.made_before(None), session.made_before(Some("b"))), (None, None));
        for n in 0..REMEMBERED {
            session.remember(Some(&n.to_string()), None);
        }
        assert_eq!(session.made_before(Some("a")), None);
        let now = Instant::now();
        let refused = (0..=FRAMES_A_MINUTE).find_map(|_| session.read(r#"{"type":"ping"}"#, at(1), now).err());
        assert_eq!(refused, Some(Ending::RateLimit));
    }

    proptest! {
        #[test]
        fn nothing_that_comes_from_a_stranger_is_more_than_an_auth_frame(text in ".{0,200}") {
            if let Ok(frame) = Session::new(at(0)).read(&text, at(1), Instant::now()) {
                prop_assert_eq!(frame.kind, "auth");
            }
        }

        #[test]
        fn a_socket_always_has_an_end(steps in proptest::collection::vec(0_i64..2000, 1..40), life in 1_i64..900) {
            let mut session = Session::new(at(0));
            session.sign_in(anna(life), at(0)).unwrap();
            let mut ended = false;
            for secs in steps.into_iter().scan(0, |sum, step| { *sum += step; Some(*sum) }) {
                let before = session.next_due();
                match session.due(at(secs)) {
                    Due::End(_) => ended = true,
                    Due::Renew(_) => prop_assert!(session.next_due() > before),
                    Due::Nothing => prop_assert!(at(secs) < before),
                }
                prop_assert!(ended || at(secs) < at(life));
            }
        }
    }
}

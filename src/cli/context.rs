//! What every command needs: where the data is, which instance is meant, and what a failure means for the exit code.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::Common;
use super::output::Output;
use crate::client::{Bridge, CallError, Command, Explanation, Model, Notice, Place, Startup, data_folder};
use crate::domain::InstanceId;
use crate::domain::instance::Instance;
use crate::support::clock::Clock;

/// How a program that did not do what was asked ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    Failed = 1,
    Usage = 2,
    NotSignedIn = 3,
    Unreachable = 4,
    Refused = 5,
}

/// Why a command did not do what was asked.
#[derive(Debug)]
pub struct Failure {
    pub exit: Exit,
    /// `None` where the command has said all already.
    pub told: Option<Explanation>,
}

impl Failure {
    pub fn new(exit: Exit, told: Explanation) -> Failure {
        Failure { exit, told: Some(told) }
    }

    /// The command has said what is wrong; only the exit code is left.
    pub fn silent(exit: Exit) -> Failure {
        Failure { exit, told: None }
    }
}

impl From<Explanation> for Failure {
    fn from(told: Explanation) -> Failure {
        Failure::new(exit_of(told.key), told)
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Failure {
        let exit = match &error {
            CallError::NotSignedIn(_) => Exit::NotSignedIn,
            CallError::Unreachable(_) => Exit::Unreachable,
            CallError::Refused(_) => Exit::Refused,
            CallError::Failed(told) => exit_of(told.key),
        };
        Failure::new(exit, error.explanation().clone())
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Failure {
        Explanation::new("disk_failed").detail(error).into()
    }
}

/// What an explanation means for a script.
fn exit_of(key: &str) -> Exit {
    match key {
        "server_unreachable"
        | "server_error"
        | "certificate_refused"
        | "not_our_server"
        | "other_server"
        | "server_too_old"
        | "tunnel_down"
        | "tunnel_unreachable"
        | "tunnel_not_ssh"
        | "tunnel_disconnected" => Exit::Unreachable,
        "wrong_password"
        | "account_locked"
        | "email_not_verified"
        | "may_not_enroll"
        | "tokens_not_handed_out"
        | "token_refused"
        | "sign_in_refused"
        | "server_refused"
        | "username_taken"
        | "email_taken"
        | "account_unacceptable"
        | "code_wrong"
        | "code_expired"
        | "address_unknown"
        | "signup_closed"
        | "mail_not_set_up"
        | "too_many_tries"
        | "asked_too_often"
        | "chat_not_taken"
        | "no_accounts_here"
        | "tunnel_key_refused"
        | "tunnel_host_key_changed"
        | "tunnel_forwarding_refused" => Exit::Refused,
        "not_signed_in" | "keyring_locked" | "token_from_elsewhere" | "token_unreadable" => Exit::NotSignedIn,
        "password_missing"
        | "passwords_differ"
        | "chat_needs_user"
        | "plain_http_refused"
        | "report_id_malformed"
        | "tunnel_host_unusable"
        | "tunnel_port_unusable"
        | "tunnel_user_unusable"
        | "tunnel_key_unnamed"
        | "tunnel_remote_host_unusable"
        | "tunnel_needs_name" => Exit::Usage,
        _ if key.starts_with("address_") => Exit::Usage,
        _ => Exit::Failed,
    }
}

/// How long opening an instance may take.
const OPEN_LIMIT: Duration = Duration::from_secs(15);
/// How long opening may still take once a trouble was told.
const TROUBLE_LIMIT: Duration = Duration::from_secs(1);

pub struct Context {
    pub data: PathBuf,
    pub wanted: Option<InstanceId>,
    pub output: Output,
}

impl Context {
    pub fn new(common: &Common) -> Context {
        Context { data: data_folder(common.data_dir.clone()), wanted: common.instance.clone(), output: Output::new(common.json) }
    }

    /// The data folder's instances; what was found wrong with them is said.
    pub fn place(&self) -> Result<Place, Failure> {
        let place = Place::open(&self.data, Clock::system(), true)?;
        place.problems().iter().for_each(|problem| self.output.warn(problem));
        Ok(place)
    }

    /// The data folder's instances, and the one that is meant.
    pub fn chosen(&self) -> Result<(Place, Instance), Failure> {
        let place = self.place()?;
        let instance = place.choose(self.wanted.as_ref())?;
        Ok((place, instance))
    }

    /// Starts the services of an instance that nobody owns.
    pub fn own(&self, id: &InstanceId, create: bool) -> Result<Owner, Failure> {
        let startup = Startup { instance: Some(id.clone()), create_instance: create, ..Startup::new(self.data.clone()) };
        let mut owner = Owner(Bridge::start(startup, || ())?);
        let opened = |model: &Model| model.instances.current.as_ref() == Some(id);
        let mut deadline = Instant::now() + OPEN_LIMIT;
        let mut troubles = Vec::new();
        while Instant::now() < deadline {
            let is_open = owner.0.wait(Duration::from_millis(20), opened).is_ok();
            // Not every trouble keeps an instance closed: a damaged file was set aside, say.
            while let Some(notice) = owner.0.next_notice() {
                if let Notice::Failed(told) = notice {
                    troubles.push(told);
                    deadline = deadline.min(Instant::now() + TROUBLE_LIMIT);
                }
            }
            if is_open {
                // Said here, so that nobody takes it for the end of what he asks next.
                troubles.iter().for_each(|told| self.output.warn(told));
                return Ok(owner);
            }
        }
        let trouble = troubles.pop().or_else(|| owner.model().instances.problems.last().cloned());
        Err(trouble.unwrap_or_else(|| Explanation::new("busy")).into())
    }
}

/// The services of an instance, for as long as this lives.
pub struct Owner(Bridge);

impl Owner {
    pub fn send(&self, command: Command) -> Result<(), Failure> {
        self.0.send(command).map_err(|_| Explanation::new("busy").into())
    }

    pub fn model(&mut self) -> Model {
        self.0.model()
    }

    /// Waits until the services say that this was done, or that it was not; busy where they do not within `limit`.
    /// Other troubles may be told meanwhile, and end nothing.
    pub fn hear(&mut self, limit: Duration, done: &str, not_done: &str) -> Result<(), Failure> {
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            while let Some(notice) = self.0.next_notice() {
                match notice {
                    Notice::Done { key, .. } if key == done => return Ok(()),
                    Notice::Failed(told) if told.key == not_done => return Err(told.into()),
                    Notice::Done { .. } | Notice::Failed(_) => {}
                }
            }
            let _ = self.0.wait(Duration::from_millis(20), |_| false);
        }
        Err(Explanation::new("busy").into())
    }

    /// Waits until `good` holds; busy where it does not within `limit`.
    pub fn until(&mut self, limit: Duration, good: impl Fn(&Model) -> bool) -> Result<Model, Failure> {
        self.0.wait(limit, good).map_err(|_| Explanation::new("busy").into())
    }
}

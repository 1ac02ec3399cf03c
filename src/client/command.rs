//! What a person can ask of the station's background life. One outer word a service, a small enum inside.

use std::path::PathBuf;

use uuid::Uuid;

use super::accounts::AccountAsk;
use super::model::{QueueFilter, ReportQuery, YieldQuery};
use super::people::AuditFilter;
use crate::domain::access::Role;
use crate::domain::instance::{Application, InstanceId};
use crate::domain::tunnel::TunnelSettings;
use crate::support::secret::Secret;

/// A command, and the station that was looked at when it was given: another one does not carry it out.
#[derive(Debug)]
pub(crate) struct Order {
    /// Nobody's where no station was shown yet: it is for whichever is open.
    pub(crate) meant_for: Option<InstanceId>,
    /// The account whose conversation was looked at; empty where nobody's was.
    pub(crate) by: String,
    pub(crate) command: Command,
}

/// What is asked of a conversation, and by which account: another person's does not carry it out.
#[derive(Debug)]
pub(crate) struct ChatAsk {
    pub(crate) by: String,
    pub(crate) command: ChatCommand,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    Instances(InstancesCommand),
    Session(SessionCommand),
    Connection(ConnectionCommand),
    Queue(QueueCommand),
    Converters(ConvertersCommand),
    Yields(YieldsCommand),
    Reports(ReportsCommand),
    Tunnel(TunnelCommand),
    Line(LineCommand),
    Account(AccountCommand),
    Users(UsersCommand),
    Stations(StationsCommand),
    Audit(AuditCommand),
    Me(MeCommand),
    Chat(ChatCommand),
    Pin(PinCommand),
}

/// An account of one's own, from the login window.
#[derive(Clone, Debug, PartialEq)]
pub enum AccountCommand {
    Ask {
        server_url: String,
        /// Allow plain http to another machine.
        allow_plain_http: bool,
        ask: AccountAsk,
    },
    /// Forgets what was asked and answered.
    Forget,
}

#[derive(Clone, Debug, PartialEq)]
pub enum InstancesCommand {
    Create {
        name: String,
        application: Application,
        template: String,
    },
    Rename {
        id: InstanceId,
        name: String,
    },
    Duplicate {
        id: InstanceId,
        name: String,
    },
    /// Reports that wait are lost only if `with_reports` says so.
    Delete {
        id: InstanceId,
        with_reports: bool,
    },
    MakeDefault(InstanceId),
    /// Leaves the current instance and opens another.
    Open(InstanceId),
    /// Cancels the long act that is running.
    Cancel,
}

#[derive(Clone, Debug, PartialEq)]
pub enum SessionCommand {
    SignIn(SignIn),
    /// Forgets the token and the person. The queue stays.
    SignOut,
    /// A person signs in on top of a station that is signed in. Who was there before leaves.
    SignInPerson {
        user: String,
        password: Secret,
    },
    /// A person leaves; the station stays signed in.
    PersonSignOut,
    /// Nobody is let in any more while the server is gone, until he has signed in at it again.
    ForgetPersons,
    /// Gives up what is on its way, and forgets why the last sign-in failed.
    CancelSignIn,
}

/// What the login window asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct SignIn {
    pub server_url: String,
    /// Empty: the password is a token.
    pub user: String,
    pub password: Secret,
    pub remember: bool,
    /// The application to open; the instance's own where nobody chose.
    pub application: Option<Application>,
    /// Allow plain http to another machine.
    pub allow_plain_http: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ConnectionCommand {
    /// Probe now, whatever the timer says.
    CheckNow,
    SetHealthInterval {
        secs: u32,
    },
    SetAutoReconnect(bool),
}

#[derive(Clone, Debug, PartialEq)]
pub enum QueueCommand {
    Show(QueueFilter),
    History(Uuid),
    CloseHistory,
    /// Try again now; from quarantine too.
    Retry(Vec<Uuid>),
    RetryAllQuarantined,
    /// Send reports that were accepted for another server to the one signed in to.
    Release(Vec<Uuid>),
    /// Write the reports as files into a folder.
    Export {
        ids: Vec<Uuid>,
        folder: PathBuf,
    },
    Delete(Vec<Uuid>),
    SendNow,
    Cancel,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ConvertersCommand {
    SetFolder { index: usize, path: PathBuf, enabled: bool },
}

#[derive(Clone, Debug, PartialEq)]
pub enum YieldsCommand {
    Watch(YieldQuery),
    SetTarget(Option<f64>),
}

#[derive(Clone, Debug, PartialEq)]
pub enum ReportsCommand {
    List(ReportQuery),
    Open(Uuid),
    Close,
}

#[derive(Clone, Debug, PartialEq)]
pub enum TunnelCommand {
    /// Keeps the settings and opens the tunnel anew. A passphrase goes into the keyring; `None` leaves the one there.
    Save {
        settings: TunnelSettings,
        passphrase: Option<Secret>,
    },
    /// Tries settings without keeping them.
    Test {
        settings: TunnelSettings,
        passphrase: Option<Secret>,
    },
    /// The SSH server has a new host key, and a person has looked at this fingerprint of it.
    TrustHostKey {
        fingerprint: String,
    },
    Retry,
}

#[derive(Clone, Debug, PartialEq)]
pub enum LineCommand {
    /// Starts the built-in line server.
    Start,
    /// First use: makes the administrator, then signs in as him.
    SetUp { administrator: String, password: Secret },
}

/// Accounts on the server.
#[derive(Clone, Debug, PartialEq)]
pub enum UsersCommand {
    List {
        /// Part of a name or address; empty for all.
        search: String,
    },
    Create {
        username: String,
        /// Empty for none.
        email: String,
        role: Role,
        password: Secret,
    },
    Change {
        id: String,
        name: String,
        /// The account's version that the person looked at.
        version: u64,
        change: AccountChange,
    },
    Unlock {
        id: String,
        name: String,
    },
    /// Has the server send him a code by mail, to choose a new password with.
    SendResetCode {
        name: String,
        email: String,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub enum AccountChange {
    Role(Role),
    Active(bool),
    Password(Secret),
}

/// Stations of the line and their tokens.
#[derive(Clone, Debug, PartialEq)]
pub enum StationsCommand {
    List,
    Issue {
        station: String,
        /// Ends the station's earlier tokens.
        reset: bool,
    },
    /// Forgets the token that was just issued.
    PutAway,
    Revoke {
        id: String,
        station: String,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub enum AuditCommand {
    List(AuditFilter),
    /// One page more of what is shown.
    Older,
    /// Writes all that the filter finds into a new file.
    Export {
        folder: PathBuf,
    },
}

/// The person's own account.
#[derive(Clone, Debug, PartialEq)]
pub enum MeCommand {
    List,
    ChangePassword { current: Secret, new: Secret },
    EndSession { id: String },
    EndAllSessions,
}

/// The station's own PIN.
#[derive(Clone, Debug, PartialEq)]
pub enum PinCommand {
    Enter(Secret),
    /// Sets the PIN or changes it. `current` is empty where there is none yet.
    Set {
        current: Secret,
        new: Secret,
    },
    Remove {
        current: Secret,
    },
    /// The PIN has to be typed again from now on.
    Lock,
    /// Looks at the disk anew: who looks after this PC may have taken the PIN away.
    Look,
}

/// The conversation of the person who is there.
#[derive(Clone, Debug, PartialEq)]
pub enum ChatCommand {
    /// Opens a room.
    Enter(String),
    /// Handover notes alone, or everything.
    NotesOnly(bool),
    /// Shows messages with these words alone; none shows everything again.
    Search(String),
    /// Who is there now.
    Present,
    /// A page of what was said before, or was found before.
    Earlier,
    /// Reads rooms and messages anew.
    Refresh,
    /// Everything in the room up to this message was seen.
    Read { room: String, message_id: String },
    Say {
        room: String,
        content: String,
        /// Whether it is for the next shift.
        note: bool,
    },
    /// Sends a message that was refused once more.
    Again(Uuid),
    /// Withdraws a message that waits, or forgets one that was refused.
    Discard(Uuid),
}

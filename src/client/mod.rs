//! A station's background life: session, connection, queue, watched folders, and what its displays need.
//! The window and the command line see what is re-exported here, and nothing else.

mod accounts;
mod api;
mod bridge;
mod chat;
mod command;
mod converters;
mod demo;
mod ending;
mod explain;
mod files;
mod health;
mod instances;
mod line;
mod link;
mod live;
mod model;
mod offline;
#[cfg(test)]
mod peer;
mod people;
mod pin;
mod place;
mod queue;
mod remote;
mod reports;
mod roots;
mod rows;
mod sealed_file;
mod server_url;
mod services;
mod session;
mod settings;
mod sign_in;
mod socket_io;
mod station;
mod status;
mod supervisor;
mod tunnel;
mod vault;
mod verifier;
mod yields;

pub use accounts::{AccountAsk, Accounts};
pub use bridge::{Bridge, Busy, Demo, FarEnd, Notice, Startup};
pub use chat::{ChatPage, ChatRoom, ChatSlice, ChatState, UnsentMessage};
pub use command::{
    AccountChange, AccountCommand, AuditCommand, ChatCommand, Command, ConnectionCommand, ConvertersCommand, InstancesCommand, LineCommand,
    MeCommand, PinCommand, QueueCommand, ReportsCommand, SessionCommand, SignIn, StationsCommand, TunnelCommand, UsersCommand,
    YieldsCommand,
};
pub use ending::Ending;
pub use explain::Explanation;
pub use instances::template_names;
pub use line::{LineRequest, LocalLine};
pub use live::{LiveEvent, LiveState, Unsent};
pub use model::{
    AccountSlice, AccountStep, ConnectionSlice, ConvertersSlice, InstancesSlice, LineSlice, LineState, LockedAccount, Model, OpenReport,
    Period, Person, Progress, QUEUE_ROWS, QueueEvent, QueueFilter, QueueHappening, QueueRow, QueueSlice, QueueState, REPORT_PAGE,
    ReportPage, ReportQuery, ReportsSlice, SessionSlice, Station, TunnelSlice, WatchedFolder, YieldPicture, YieldQuery, YieldSlice,
};
pub use people::{
    Acts, AuditFilter, AuditList, AuditPeriod, AuditSlice, IssuedToken, MeSlice, SessionList, StationList, StationsSlice, USER_ROWS,
    UserList, UsersSlice,
};
pub use pin::PinSlice;
pub use place::{
    CallError, Caller, Chat, Check, Contact, LineAddress, Place, ServerOnFile, Talk, Verdict, Visit, YieldAnswer, YieldAsk, parse_id,
    read_head, read_submission,
};
pub use queue::{Accepted, Limits, Queue, QueueError, Stored, Submission, Totals};
pub use remote::Remote;
pub use server_url::{BadServerUrl, ServerUrl};
pub use settings::data_folder;
pub use socket_io::{Heard, SocketIo};
pub use tunnel::{TunnelAsk, TunnelHappening};

pub use crate::protocol::audit::Entry as AuditEntry;
pub use crate::protocol::auth::Session as OpenSession;
pub use crate::protocol::chat::{Message as ChatMessage, MessageKind, Present as ChatPerson};
pub use crate::protocol::stations::{Station as LineStation, StationToken};
pub use crate::protocol::users::User as Account;
pub use crate::protocol::wsjf::MAX_REPORT_BYTES;

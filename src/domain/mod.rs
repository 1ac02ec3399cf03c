//! Words and rules, and nothing that touches the world: no disk, no network, no clock, no chance.
//!
//! # Glossary
//!
//! | word | meaning |
//! |---|---|
//! | instance | a station's profile on this PC: name, folder, type, connection |
//! | station | an instance that has signed in to a server; it acts with a token |
//! | person | somebody who has signed in on top of a station, with a role |
//! | token | always a credential, never a piece of text |
//! | report | the record of one test run, in the server's JSON format, kept as it came |
//! | test run | what a line does to a product once; the report tells of it |
//! | unit (UUT) | one product under test: part number and serial number within one process |
//! | process | a kind of test operation, known by its code: 100 is "End of line test" |
//! | step | one line of a report: a measurement, a check, or a group of such |
//! | room | where people talk: `line` for everybody, one a station |
//! | FPY, SPY, TPY, LPY | first, second, third and last pass yield, see [`yields`] |
//! | tunnel | an SSH connection through which a station reaches its server, see [`tunnel`] |
//! | line server | the server of ours; "server" alone may also be a WATS server |

pub mod access;
pub mod audit;
pub mod chat;
pub mod connection;
pub mod credentials;
pub mod instance;
pub mod lockout;
pub mod report;
pub mod simulator;
pub mod tunnel;
pub mod yields;

pub use access::{Permission, Role};
pub use instance::InstanceId;

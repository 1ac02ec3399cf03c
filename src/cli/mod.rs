//! The command line: the same station without a window.
//! One file a command group; `output` alone prints. Exit codes: 0 done, 1 failed, 2 usage, 3 not signed in, 4 unreachable, 5 refused.

mod account;
mod chat;
mod context;
mod csv;
mod diagnose;
mod instance;
mod menu;
mod output;
mod queue;
mod report;
mod session;
mod station;
mod tunnel;
mod yields;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use tracing::level_filters::LevelFilter;

use self::context::{Context, Failure};
use crate::domain::InstanceId;
use crate::support::logging::{self, LogFormat};

/// Andon without a window: sign a station in, hand over reports, look at queue and yield.
#[derive(Debug, Parser)]
#[command(name = "andonctl", version, propagate_version = true)]
struct Arguments {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Args)]
struct Common {
    /// The station instance; the default one where none is named
    #[arg(long, global = true, value_name = "ID", value_parser = InstanceId::parse)]
    instance: Option<InstanceId>,
    /// The folder that holds everything of this person
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Print one JSON value instead of words
    #[arg(long, global = true)]
    json: bool,
    #[arg(long, global = true, env = "ANDON_LOG", hide = true)]
    log: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Sign the station in; makes the instance if there is none
    Login(session::Login),
    /// Forget the token; what waits in the queue stays
    Logout,
    /// Tell whether the station is signed in and its server answers
    Status,
    /// Make an account; a code is sent to its address
    Signup(account::Signup),
    /// Confirm the address of an account with the code
    Verify(account::Verify),
    /// Ask for a new code
    Resend(account::Resend),
    /// Sign up, sign in and chat by numbers
    Menu(menu::Menu),
    /// The station instances on this PC
    #[command(subcommand)]
    Instance(instance::Act),
    /// Submit reports, or read them from the server
    #[command(subcommand)]
    Report(report::Act),
    /// Look at what waits, and decide about what was refused
    #[command(subcommand)]
    Queue(queue::Act),
    /// First pass yield and what fails most, from the server or from a file
    Yield(yields::Ask),
    /// Talk in a room of the line
    Chat(chat::Chat),
    /// The station's background services
    #[command(subcommand)]
    Station(station::Act),
    /// Hold an SSH tunnel until Ctrl-C, or keep one in the instance
    Tunnel(tunnel::Ask),
    /// Look at everything the station stands on
    Diagnose,
}

/// Runs the command that the program was started with.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let context = Context::new(&arguments.common);
    match run(&context, arguments.command, arguments.common.log.as_deref()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            context.output.failure(&failure);
            ExitCode::from(failure.exit as u8)
        }
    }
}

fn run(context: &Context, command: Command, log: Option<&str>) -> Result<(), Failure> {
    if let Command::Station(act) = command {
        return station::run(context, act, log);
    }
    // A line that cannot be logged is no reason not to do what was asked.
    let _ = logging::start(log, LevelFilter::OFF, LogFormat::Text, None);
    match command {
        Command::Login(login) => session::login(context, login),
        Command::Logout => session::logout(context),
        Command::Status => session::status(context),
        Command::Signup(signup) => account::signup(context, signup),
        Command::Verify(verify) => account::verify(context, verify),
        Command::Resend(resend) => account::resend(context, resend),
        Command::Menu(menu) => menu::run(context, &menu),
        Command::Instance(act) => instance::run(context, act),
        Command::Report(act) => report::run(context, act),
        Command::Queue(act) => queue::run(context, act),
        Command::Yield(ask) => yields::run(context, ask),
        Command::Chat(chat) => chat::run(context, &chat),
        Command::Station(_) => Ok(()),
        Command::Tunnel(ask) => tunnel::run(context, ask),
        Command::Diagnose => diagnose::run(context),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_commands_are_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn the_common_options_may_stand_before_and_after_the_command() {
        let before = Arguments::try_parse_from(["andonctl", "--instance", "eol", "--json", "status"]).unwrap();
        let after = Arguments::try_parse_from(["andonctl", "status", "--json", "--instance", "eol"]).unwrap();
        assert_eq!((before.common.instance, before.common.json), (after.common.instance, after.common.json));
        assert!(Arguments::try_parse_from(["andonctl", "status", "--instance", "../x"]).is_err());
    }

    #[test]
    fn a_password_is_never_an_argument() {
        assert!(Arguments::try_parse_from(["andonctl", "login", "http://127.0.0.1:1", "--password", "x"]).is_err());
    }
}

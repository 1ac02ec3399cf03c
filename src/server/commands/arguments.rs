//! The command line of `andon-server`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::domain::Role;
use crate::server::config::Layers;

/// The line server: takes test reports, keeps them, and tells the yield.
#[derive(Parser)]
#[command(name = "andon-server", version, about, propagate_version = true)]
pub(super) struct Arguments {
    /// The folder for the database and the keys
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// The database, such as sqlite:line.db or postgres://USER:PASSWORD@HOST/DATABASE
    #[arg(long, global = true, value_name = "URL")]
    database: Option<String>,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Subcommand)]
pub(super) enum Command {
    /// Run the server until it is stopped
    Serve(Serve),
    /// Make the database, or bring it to this version
    Migrate,
    /// Accounts of people
    #[command(subcommand)]
    User(User),
    /// Tokens of stations
    #[command(subcommand)]
    Token(Token),
    /// Kinds of test operation
    #[command(subcommand)]
    Process(Process),
    /// Show the OpenAPI document of this server
    Openapi,
    /// Check the settings and show what they come to
    CheckConfig(Serve),
    /// Ask the server that runs here with these settings whether it is ready; 0 when it is
    Probe(Serve),
}

#[derive(Args)]
pub(super) struct Serve {
    /// The address to listen on; port 0 takes a free one [default: 127.0.0.1:8440]
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// Where the servers of one PostgreSQL tell each other news, such as redis://HOST:6379
    #[arg(long, value_name = "URL")]
    redis: Option<String>,
    /// Serve figures for Prometheus at this address, path /metrics [default: off]
    #[arg(long, value_name = "ADDR")]
    metrics: Option<String>,
    /// The server's certificate with those that vouch for it, in PEM: the server then speaks https alone
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<String>,
    /// The certificate's private key, in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<String>,
    /// A file with settings [default: server.toml in the data folder]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Subcommand)]
pub(super) enum User {
    /// Make an account
    Add {
        name: String,
        /// GUEST, OPERATOR, ADMIN, SERWISANT or SUPERUSER
        #[arg(long)]
        role: Role,
        #[arg(long)]
        email: Option<String>,
        #[command(flatten)]
        password: Password,
    },
    /// Show all accounts
    List,
    /// Give an account another role
    SetRole {
        name: String,
        #[arg(long)]
        role: Role,
    },
    /// Give an account another password and end its sessions
    SetPassword {
        name: String,
        #[command(flatten)]
        password: Password,
    },
    /// Refuse an account from now on
    Disable { name: String },
    /// Let a disabled account in again
    Enable { name: String },
    /// Forget an account's failed tries
    Unlock { name: String },
}

#[derive(Args)]
pub(super) struct Password {
    /// Read the password from standard input: there is no other way to give one
    #[arg(long, required = true)]
    password_stdin: bool,
}

#[derive(Subcommand)]
pub(super) enum Token {
    /// Make a token for a station and show it, this once
    Issue { station: String },
    /// Show all tokens, without their secret part
    List,
    /// End a token by its id, or all of a station by its name
    Revoke { token: String },
    /// Retire the keys that people's tokens are signed with; every running server makes a new one within seconds
    RotateKey,
}

#[derive(Subcommand)]
pub(super) enum Process {
    /// Add a process, or rename the one with this code
    Add {
        code: i64,
        name: String,
        /// It repairs and does not test
        #[arg(long)]
        repair: bool,
    },
    /// Show all processes
    List,
}

impl Arguments {
    /// The settings these arguments give, above file and environment.
    pub(super) fn layers(&self) -> Layers {
        let mut layers = Layers { data_dir: self.data_dir.clone(), ..Layers::of_process() };
        layers.flags.extend(self.database.clone().map(|value| ("database", value)));
        if let Command::Serve(serve) | Command::CheckConfig(serve) | Command::Probe(serve) = &self.command {
            layers.file = serve.config.clone();
            let flags = [
                ("listen", &serve.listen),
                ("redis", &serve.redis),
                ("metrics", &serve.metrics),
                ("tls_cert", &serve.tls_cert),
                ("tls_key", &serve.tls_key),
            ];
            layers.flags.extend(flags.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))));
        }
        layers
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_hang_together() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_password_is_never_an_argument() {
        assert!(Arguments::try_parse_from(["andon-server", "user", "add", "anna", "--role", "OPERATOR"]).is_err());
        assert!(Arguments::try_parse_from(["andon-server", "user", "add", "anna", "--role", "operator", "--password-stdin"]).is_ok());
        assert!(Arguments::try_parse_from(["andon-server", "user", "add", "anna", "--role", "BOSS", "--password-stdin"]).is_err());
    }

    #[test]
    fn the_data_folder_may_be_named_before_and_after_the_command() {
        for line in [["andon-server", "--data-dir", "/x", "migrate"], ["andon-server", "migrate", "--data-dir", "/x"]] {
            let arguments = Arguments::try_parse_from(line).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(arguments.layers().data_dir, Some(PathBuf::from("/x")));
        }
    }
}

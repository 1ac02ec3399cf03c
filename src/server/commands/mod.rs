//! The program `andon-server`: its arguments, what they do, and what it prints.

mod arguments;
mod output;
mod probe;
mod serve;
mod upkeep;

use std::process::ExitCode;

use clap::Parser;

use super::config::Config;
use super::openapi;
use crate::support::clock::Clock;
use crate::support::logging;
use arguments::{Arguments, Command};

/// What a command ends with when it cannot do what was asked: one sentence.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Runs the program on this process's arguments. 0 done, 1 failed, 2 not understood.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(run(arguments)),
        Err(error) => Err(error.into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::complain(&failure.to_string());
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Failure> {
    if let Command::Openapi = arguments.command {
        output::line(openapi::text().trim_end());
        return Ok(());
    }
    let layers = arguments.layers();
    let config = layers.read()?;
    let level = match arguments.command {
        Command::Serve(_) => tracing_subscriber::filter::LevelFilter::INFO,
        _ => tracing_subscriber::filter::LevelFilter::WARN,
    };
    logging::start(layers.log_directives(), level, config.log_format, None)?;
    match arguments.command {
        Command::Serve(_) => serve::serve(config).await,
        Command::CheckConfig(_) => check(&config),
        Command::Probe(_) => probe::probe(&config).await,
        command => upkeep::run(command, &config, Clock::system()).await,
    }
}

fn check(config: &Config) -> Result<(), Failure> {
    for (name, value) in config.shown() {
        output::line(&format!("{name} = {value}"));
    }
    Ok(())
}

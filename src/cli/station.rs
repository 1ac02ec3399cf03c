//! The station's background services with no window: queue, watched folders, connection.

use clap::Subcommand;
use serde_json::json;
use tracing::level_filters::LevelFilter;

use super::context::{Context, Failure};
use crate::client::{Ending, Explanation};
use crate::support::logging::{self, LogFormat};

#[derive(Debug, Subcommand)]
pub enum Act {
    /// Run until asked to stop
    Run,
}

pub fn run(context: &Context, act: Act, log: Option<&str>) -> Result<(), Failure> {
    let Act::Run = act;
    let ending = Ending::listen()?;
    let (place, instance) = context.chosen()?;
    if instance.in_use {
        return Err(Explanation::new("instance_in_use").with("instance", &instance.id).into());
    }
    let logs = place.folder(&instance.id)?.join("logs");
    drop(place);
    let owner = context.own(&instance.id, false)?;
    if let Err(error) = logging::start(log, LevelFilter::INFO, LogFormat::Text, Some(&logs)) {
        context.output.warn(&Explanation::new("logs_unusable").with("folder", logs.display()).detail(error));
    }
    context.output.say(&json!({"instance": instance.id, "running": true}), "station_running", &[("instance", instance.id.as_str())]);
    ending.wait();
    drop(owner);
    Ok(())
}

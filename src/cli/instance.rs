//! The station instances on this PC.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use serde_json::json;

use super::context::{Context, Failure};
use crate::client::template_names;
use crate::domain::InstanceId;
use crate::domain::instance::{Application, Instance};

#[derive(Debug, Subcommand)]
pub enum Act {
    /// List them; the default one has a star
    List,
    /// Make one
    Create {
        #[arg(value_name = "ID", value_parser = InstanceId::parse)]
        id: InstanceId,
        /// What people call it; else the template's name
        #[arg(long, default_value = "")]
        name: String,
        /// The application it opens; else the template's
        #[arg(long = "type", value_name = "TYPE")]
        application: Option<Kind>,
        #[arg(long, default_value = "default", value_parser = clap::builder::PossibleValuesParser::new(template_names()))]
        template: String,
    },
    /// Delete one with its folder
    Delete {
        #[arg(value_name = "ID", value_parser = InstanceId::parse)]
        id: InstanceId,
        /// Lose the reports that wait in it, too
        #[arg(long)]
        with_reports: bool,
    },
    /// Give one another name; its id stays
    Rename {
        #[arg(value_name = "ID", value_parser = InstanceId::parse)]
        id: InstanceId,
        name: String,
    },
    /// Copy settings and converters of one; token, queue and logs stay behind
    Duplicate {
        #[arg(value_name = "ID", value_parser = InstanceId::parse)]
        id: InstanceId,
        name: String,
    },
    /// Make one the default
    Default {
        #[arg(value_name = "ID", value_parser = InstanceId::parse)]
        id: InstanceId,
    },
    /// Remove the PIN that guards its settings and its full screen, when nobody knows it any more
    RemovePin {
        #[arg(value_name = "ID", value_parser = InstanceId::parse)]
        id: InstanceId,
    },
    /// Take one over from its file or folder, the older format too
    Import {
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Kind {
    Configurator,
    YieldMonitor,
    PressurePanel,
}

impl From<Kind> for Application {
    fn from(kind: Kind) -> Application {
        match kind {
            Kind::Configurator => Application::Configurator,
            Kind::YieldMonitor => Application::YieldMonitor,
            Kind::PressurePanel => Application::PressurePanel,
        }
    }
}

pub fn run(context: &Context, act: Act) -> Result<(), Failure> {
    let mut place = context.place()?;
    let done = |key: &str, id: &InstanceId| context.output.say(&json!({"instance": id}), key, &[("instance", id.as_str())]);
    match act {
        Act::List => list(context, &place.instances()),
        Act::Create { id, name, application, template } => {
            done("instance_created", &place.create(id, &name, application.map(Application::from), &template)?);
        }
        Act::Delete { id, with_reports } => {
            place.delete(&id, with_reports)?;
            done("instance_deleted", &id);
        }
        Act::Rename { id, name } => {
            place.rename(&id, &name)?;
            done("instance_renamed", &id);
        }
        Act::Duplicate { id, name } => done("instance_created", &place.duplicate(&id, &name)?),
        Act::Default { id } => {
            place.make_default(&id)?;
            done("instance_default", &id);
        }
        Act::RemovePin { id } => done(if place.remove_pin(&id)? { "pin_removed" } else { "no_pin" }, &id),
        Act::Import { file } => done("instance_imported", &place.import(&file)?),
    }
    Ok(())
}

fn list(context: &Context, instances: &[Instance]) {
    if context.output.json {
        let row = |i: &Instance| {
            json!({
                "id": i.id, "name": i.name, "type": i.application, "path": i.path, "last_used": i.last_used,
                "default": i.is_default, "signed_in": i.signed_in, "in_use": i.in_use,
            })
        };
        return context.output.value(&json!({"instances": instances.iter().map(row).collect::<Vec<_>>()}));
    }
    if instances.is_empty() {
        return context.output.line(&context.output.words("no_instances", &[]));
    }
    let word = |yes: bool, key: &str| if yes { context.output.words(key, &[]) } else { String::new() };
    let row = |i: &Instance| {
        let star = if i.is_default { "* " } else { "" };
        let state = [word(i.signed_in, "is_signed_in"), word(i.in_use, "running")];
        let state: Vec<String> = state.into_iter().filter(|word| !word.is_empty()).collect();
        vec![format!("{star}{}", i.id), i.name.clone(), json!(i.application).as_str().unwrap_or_default().to_owned(), state.join(", ")]
    };
    context.output.table(&["id", "name", "type", "state"], &instances.iter().map(row).collect::<Vec<_>>());
}

//! An SSH tunnel held by this program alone, until it is asked to end. Says when it is up and what happens to it.

use std::io::{IsTerminal, Read};
use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use zeroize::Zeroizing;

use super::context::{Context, Failure};
use super::output::Output;
use crate::client::{Ending, Explanation, Place, TunnelAsk, TunnelHappening};
use crate::domain::InstanceId;
use crate::domain::tunnel::TunnelSettings;
use crate::support::secret::Secret;

#[derive(Debug, Args)]
pub struct Ask {
    /// The SSH server; without one, the instance's own tunnel is held
    #[arg(long, env = "SSH_HOST", value_name = "H")]
    host: Option<String>,
    /// Port of the SSH server
    #[arg(long, env = "SSH_PORT", value_name = "PORT", default_value_t = 22)]
    port: u16,
    /// User on the SSH server
    #[arg(long, env = "SSH_USER", value_name = "U", default_value = "")]
    user: String,
    /// File with the private key
    #[arg(long, env = "SSH_KEY_PATH", value_name = "FILE", default_value = "")]
    key: PathBuf,
    /// Port on this PC; 0 takes a free one
    #[arg(long, env = "LOCAL_PORT", value_name = "N", default_value_t = 0)]
    local_port: u16,
    /// Where the server listens, as the SSH server sees it
    #[arg(long, value_name = "NAME", default_value = "localhost")]
    remote_host: String,
    #[arg(long, env = "REMOTE_PORT", value_name = "N", default_value_t = 8440)]
    remote_port: u16,
    /// Read the key's passphrase from standard input
    #[arg(long)]
    passphrase_stdin: bool,
    /// Put the passphrase into the keyring once it has opened the key
    #[arg(long)]
    keep_passphrase: bool,
    /// Trust the host key that is met from now on, whichever was known before
    #[arg(long)]
    accept_new_host_key: bool,
    /// Keep these settings in the instance, which goes through the tunnel from then on, and end
    #[arg(long, requires = "host")]
    save: bool,
}

const LONGEST_PASSPHRASE: u64 = 4096;

pub fn run(context: &Context, ask: Ask) -> Result<(), Failure> {
    if ask.save {
        return save(context, ask);
    }
    let (place, id) = match ask.host {
        Some(_) => (context.place()?, None),
        None => {
            let (place, instance) = context.chosen()?;
            (place, Some(instance.id))
        }
    };
    let settings = match &id {
        Some(id) => place.tunnel(id)?,
        None => settings(&ask),
    };
    let passphrase = if ask.passphrase_stdin { Some(read_passphrase()?) } else { None };
    let wanted = TunnelAsk { settings, passphrase, keep_passphrase: ask.keep_passphrase, accept_new_host_key: ask.accept_new_host_key };
    hold(context, &place, id.as_ref(), wanted)
}

/// Asks for the passphrase where it is needed and somebody is there to type it: before signals are listened to,
/// so that Ctrl-C leaves the question.
fn hold(context: &Context, place: &Place, id: Option<&InstanceId>, mut wanted: TunnelAsk) -> Result<(), Failure> {
    let is_asked = wanted.passphrase.is_none() && std::io::stdin().is_terminal();
    if is_asked && place.tunnel_lacks_passphrase(id, &wanted.settings)? {
        let file = wanted.settings.key_file.display().to_string();
        let words = context.output.words("ask_passphrase", &[("file", &file)]);
        wanted.passphrase = Some(Secret::new(rpassword::prompt_password(words)?));
    }
    Ok(place.run_tunnel(id, wanted, Ending::listen()?, &mut |happening| say(&context.output, happening))?)
}

fn settings(ask: &Ask) -> TunnelSettings {
    TunnelSettings {
        enabled: true,
        host: ask.host.clone().unwrap_or_default(),
        port: ask.port,
        user: ask.user.clone(),
        key_file: ask.key.clone(),
        local_port: ask.local_port,
        remote_host: ask.remote_host.clone(),
        remote_port: ask.remote_port,
    }
}

fn save(context: &Context, ask: Ask) -> Result<(), Failure> {
    let (place, instance) = context.chosen()?;
    // Typed here, a path starts here.
    let key_file =
        if ask.key.as_os_str().is_empty() || ask.key.starts_with("~") { ask.key.clone() } else { std::path::absolute(&ask.key)? };
    let settings = TunnelSettings { key_file, ..settings(&ask) };
    let host = settings.server();
    place.set_tunnel(&instance.id, settings)?;
    let value = json!({"instance": instance.id, "tunnel": host});
    context.output.say(&value, "tunnel_saved", &[("instance", instance.id.as_str()), ("host", &host)]);
    Ok(())
}

fn read_passphrase() -> Result<Secret, Failure> {
    let mut text = Zeroizing::new(String::new());
    std::io::stdin().lock().take(LONGEST_PASSPHRASE).read_to_string(&mut text)?;
    Ok(Secret::new(text.trim_end_matches(['\r', '\n'])))
}

/// With `--json` one value a line, as things happen.
fn say(output: &Output, happening: TunnelHappening) {
    match happening {
        TunnelHappening::Up { local_end, fingerprint } if output.json => {
            output.value_in_line(&json!({"state": "up", "local_end": local_end, "fingerprint": fingerprint}));
        }
        TunnelHappening::Up { local_end, fingerprint } => {
            output.line(&output.words("tunnel_up", &[("local", &local_end), ("fingerprint", &fingerprint)]));
        }
        TunnelHappening::Down { why, again_secs } if output.json => {
            output.value_in_line(&json!({"state": "retrying", "why": why.key, "again_secs": again_secs}));
        }
        TunnelHappening::Down { why, again_secs } => down(output, &why, again_secs),
    }
}

fn down(output: &Output, why: &Explanation, again_secs: u64) {
    let seconds = again_secs.to_string();
    output.complain(&format!("{} {}", output.sentence(why), output.words("tunnel_again", &[("n", &seconds)])));
}

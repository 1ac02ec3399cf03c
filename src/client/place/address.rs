//! The way to a line server before anybody has signed in: an address that was given, or an instance's.

use std::sync::Arc;

use super::{CallError, Place};
use crate::client::accounts::Accounts;
use crate::client::explain::Explanation;
use crate::client::server_url::ServerUrl;
use crate::client::socket_io::{Heard, SocketIo};
use crate::client::tunnel::Approach;
use crate::domain::InstanceId;

/// A server, and whom to trust on the way there.
#[derive(Clone, Debug)]
pub struct LineAddress {
    pub url: String,
    allow_plain_http: bool,
    roots: Vec<Vec<u8>>,
    approach: Approach,
}

impl Place {
    /// The server at `url`, else the one of the instance that is meant. Its certificate authorities are trusted
    /// either way; its tunnel leads to its own server alone.
    pub fn line_address(&self, wanted: Option<&InstanceId>, url: Option<&str>, allow_plain_http: bool) -> Result<LineAddress, Explanation> {
        let instance = match (self.choose(wanted), url, wanted) {
            (Ok(instance), ..) => Some(instance),
            (Err(_), Some(_), None) => None,
            (Err(told), ..) => return Err(told),
        };
        let mut address =
            LineAddress { url: url.unwrap_or_default().to_owned(), allow_plain_http, roots: Vec::new(), approach: Approach::default() };
        if let Some(instance) = instance {
            let (config, folder) = (self.config(&instance.id)?, self.folder(&instance.id)?);
            address.roots = config.connection.roots(&folder)?;
            if url.is_none_or(|url| is_same(url, &config.connection.server_url)) {
                address.approach = Approach::of(&config, &folder, &self.vault);
            }
            if url.is_none() {
                address.url = config.connection.server_url;
                address.allow_plain_http |= config.connection.allow_plain_http;
            }
        }
        Ok(address)
    }
}

/// Whether both name one server, however they are written.
fn is_same(one: &str, other: &str) -> bool {
    let parse = |text: &str| ServerUrl::parse(text).map(|url| url.to_string()).ok();
    parse(one).is_some_and(|one| parse(other) == Some(one))
}

impl LineAddress {
    pub fn accounts(&self) -> Result<Accounts, CallError> {
        Accounts::open(&self.url, self.allow_plain_http, &self.roots, &self.approach)
    }

    /// Connects over Socket.IO; `hear` is told what the server says, on a thread of its own.
    pub fn socket_io(&self, hear: impl Fn(Heard) + Send + Sync + 'static) -> Result<SocketIo, CallError> {
        SocketIo::connect(&self.url, self.allow_plain_http, (&self.roots, &self.approach), Arc::new(hear))
    }
}

//! The token of the last time: opened at the start, and again where the keyring comes late.

use std::sync::Arc;

use tokio::task::spawn_blocking;
use tokio::time::Instant;

use super::{Done, Held, Session};
use crate::client::api::{Api, Http, Identity};
use crate::client::explain::Explanation;
use crate::client::model::Station;
use crate::client::server_url::ServerUrl;
use crate::client::vault::{self, VaultError};
use crate::domain::connection::{Connection, Event};
use crate::domain::credentials::mask_token;
use crate::support::secret::Secret;

impl Session {
    /// Opens the stored token, if there is one. The keyring may take its time.
    pub(super) fn restore(&mut self) {
        if !self.parts.settings.get().connection.token_encrypted.is_empty() {
            self.enter(Event::TokenRestored, None);
            self.parts.session.update(|slice| slice.token_waits = true);
            self.open_token();
        }
    }

    pub(super) fn open_token(&mut self) {
        self.next_opening = None;
        let config = self.parts.settings.get().connection;
        let (vault, id) = (self.parts.vault.clone(), self.parts.id.clone());
        let open = move || vault.open(&config.token_encrypted, &id, &config.server_url);
        self.work =
            Some(tokio::spawn(async move { Done::Restored(spawn_blocking(open).await.unwrap_or(Err(VaultError::KeyringUnreachable))) }));
    }

    /// A keyring may come up later than this program, or be unlocked later: it is looked for again, without a word.
    pub(super) fn not_opened(&mut self, error: VaultError) {
        let may_come = matches!(error, VaultError::KeyMissing | VaultError::KeyringUnreachable);
        if may_come {
            self.next_opening = Some(Instant::now() + vault::PATIENCE.ceiling(self.openings));
            self.openings = self.openings.saturating_add(1);
        }
        self.parts.session.update(|slice| slice.token_waits = may_come);
        if self.state == Connection::Authenticating || !may_come {
            self.enter(Event::SignInFailed, None);
            self.parts.session.update(|slice| slice.sign_in_error = Some(explain_vault(error)));
        }
    }

    pub(super) fn token_restored(&mut self, token: Secret) {
        self.parts.session.update(|slice| slice.token_waits = false);
        let config = self.parts.settings.get().connection;
        let way = ServerUrl::parse(&config.server_url).ok().and_then(|server| {
            let way = self.way_to(&server);
            Some((Http::new(&server, &self.parts.roots, way).ok()?, server))
        });
        let usable = match way {
            Some((_, server)) if server.is_plain_http() && !config.allow_plain_http => Err("plain_http_refused"),
            Some(way) => Ok(way),
            None => Err("address_malformed"),
        };
        let (http, server) = match usable {
            Ok(way) => way,
            Err(key) => {
                self.enter(Event::SignInFailed, None);
                self.parts.session.update(|slice| slice.sign_in_error = Some(Explanation::new(key)));
                return;
            }
        };
        let identity = identity_of(&config.server_id, &config.server_url);
        let has_roles = matches!(identity, Identity::Line(_));
        self.parts.session.update(|slice| {
            // What a person was told of a sign-in of his own, he goes on reading.
            slice.sign_in_error.take_if(|told| told.key == explain_vault(VaultError::KeyMissing).key);
            slice.station =
                Some(Station { application: self.parts.application, remembered: true, token_mask: mask_token(token.expose()), has_roles });
        });
        let api = Arc::new(Api::new(http, server, token, identity));
        self.held = Some(Held { api, server_id: config.server_id });
        self.publish_link();
        self.probe();
    }
}

pub(in crate::client) fn identity_of(server_id: &str, url: &str) -> Identity {
    match server_id {
        "" => Identity::Unknown,
        id if id == url => Identity::Nameless,
        id => Identity::Line(id.to_owned()),
    }
}

pub(in crate::client) fn explain_vault(error: VaultError) -> Explanation {
    Explanation::new(match error {
        VaultError::Elsewhere => "token_from_elsewhere",
        VaultError::KeyMissing | VaultError::KeyringUnreachable => "keyring_locked",
        VaultError::Unreadable | VaultError::Newer => "token_unreadable",
    })
}

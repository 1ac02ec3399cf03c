//! The tunnel's keeper without an SSH server: keyrings that come late, disks that refuse. The rest is in `tests/system/tunnel.rs`.

use super::*;
use crate::client::bridge::Publisher;
use crate::client::vault::tests::{lock_keyring, vault_on};

const LOCKED: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";

#[tokio::test]
async fn a_keyring_that_comes_late_is_waited_for_and_one_without_the_passphrase_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("id");
    std::fs::write(&path, LOCKED).unwrap();
    let vault = vault_on("m1");
    let key = Key { vault: vault.clone(), typed: None };
    lock_keyring(&vault, true);
    let fault = key.clone().load(&path).await.unwrap_err().fault;
    assert!(fault == Fault::KeyringAway && !fault.needs_person(), "{fault:?}");
    assert!(key.lacks_passphrase(&path), "whoever is there may type it");
    lock_keyring(&vault, false);
    assert_eq!(key.clone().load(&path).await.unwrap_err().fault, Fault::PassphraseMissing);
    vault.keep_passphrase(&path, &Secret::new("open sesame")).unwrap();
    assert!(!key.lacks_passphrase(&path));
    assert_eq!(key.load(&path).await.unwrap_err().fault, Fault::PassphraseWrong, "it was tried");
}

#[tokio::test]
async fn a_host_key_that_the_disk_refuses_to_keep_is_held_against_the_next_one_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings::create(folder.path(), Config::default()).unwrap();
    let gate = TunnelSettings { host: "gate".to_owned(), ..TunnelSettings::default() };
    settings.change(|config| config.tunnel.set(gate.clone())).unwrap();
    // No room for the new file: a folder stands where it would be written.
    std::fs::create_dir(folder.path().join(format!("config.json.new-{}", std::process::id()))).unwrap();
    let (publisher, _model) = Publisher::new(Arc::new(|| ()));
    let (notifier, mut notices) = Notifier::new();
    let slice = publisher.slice(|model| &mut model.tunnel);
    let entry = watch::Sender::new(Entry::Opening);
    let parts = Parts { settings, vault: vault_on("m1"), clock: Clock::system(), notifier, slice, entry };
    let mut keeper = Keeper::new(parts);
    keeper.state = Tunnel::Connecting;
    keeper.opened(News { local_end: SocketAddr::from(([127, 0, 0, 1], 1)), host_key: "ssh-ed25519 A".to_owned() }).await;
    assert!(notices.try_recv().is_ok(), "the disk's refusal is said");
    assert_eq!(keeper.config().host_key, "");
    assert_eq!(keeper.host_key(&gate), "ssh-ed25519 A");
    assert_eq!(keeper.host_key(&TunnelSettings { host: "other".to_owned(), ..gate }), "");
}

//! When the yield is asked for, and whom what was told is shown to.

use super::*;
use crate::client::api::{Api, Http, Identity};
use crate::client::bridge::Publisher;
use crate::client::link::{Link, Observer};
use crate::client::peer::{Peer, json, until};
use crate::client::server_url::ServerUrl;
use crate::client::settings::Config;
use crate::client::tunnel::Way;
use crate::domain::connection::Connection;
use crate::support::secret::Secret;

/// Whom nobody listens to.
fn parts(settings: &Settings, publisher: &Publisher, link: LinkReceiver) -> Parts {
    Parts {
        settings: settings.clone(),
        clock: Clock::system(),
        notifier: Notifier::new().0,
        slice: publisher.slice(|model| &mut model.yields),
        model: publisher.subscribe(),
        link,
        observer: Observer(mpsc::channel(8).0),
        looked_at: Arc::default(),
    }
}

#[tokio::test]
async fn the_yield_of_a_server_goes_when_it_is_left_and_is_shown_to_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config { instance_id: "eol".to_owned(), ..Config::default() };
    (config.connection.server_id, config.connection.token_encrypted) = ("s1".to_owned(), "sealed".to_owned());
    let settings = Settings::create(folder.path(), config).unwrap();
    let kept = folder.path().join("cache/yield.json");
    files::make_private_folder(&folder.path().join("cache")).unwrap();
    std::fs::write(&kept, serde_json::to_vec(&picture::tests::rows()).unwrap()).unwrap();
    let (publisher, model) = Publisher::new(Arc::new(|| ()));
    let (link, links) = watch::channel(Link::default());
    let parts = parts(&settings, &publisher, links);
    let shown = || model.borrow().yields.picture.value().is_some();
    let stop = CancellationToken::new();
    let (again, stopped) = (parts.clone(), stop.clone());
    let (_commands, mut inbox) = mpsc::channel(8);
    let service = tokio::spawn(async move { run(parts, &mut inbox, stopped).await });
    until("what was kept is shown", shown, |shown| *shown).await;
    link.send_replace(Link { server_id: "s1".to_owned(), ..Link::default() });
    until("that server is away", || model.borrow().yields.picture.error().is_some(), |away| *away).await;
    assert!(shown() && kept.exists(), "it stays");
    link.send_replace(Link::default());
    until("it is gone", || (shown(), kept.exists()), |left| *left == (false, false)).await;
    stop.cancel();
    service.await.unwrap();
    std::fs::write(&kept, serde_json::to_vec(&picture::tests::rows()).unwrap()).unwrap();
    settings.change(|config| config.connection.server_id = "s2".to_owned()).unwrap();
    let mut service = Service::new(again);
    service.show_kept();
    assert!(!shown(), "it is another server's");
}

#[tokio::test]
async fn nobody_is_asked_for_a_yield_that_nobody_looks_at() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings::create(folder.path(), Config { instance_id: "eol".to_owned(), ..Config::default() }).unwrap();
    let peer = Peer::start(|_| json(500, "{}")).await;
    let server = ServerUrl::parse(&peer.url).unwrap();
    let http = Http::new(&server, &[], Way::direct()).unwrap();
    let api = Arc::new(Api::new(http, server, Secret::new("token"), Identity::Unknown));
    let (publisher, _model) = Publisher::new(Arc::new(|| ()));
    let online = Link { api: Some(api), server_id: "s1".to_owned(), state: Connection::Connected, ..Link::default() };
    let (link, links) = watch::channel(Link::default());
    let parts = parts(&settings, &publisher, links);
    let mut service = Service::new(parts);
    link.send_replace(online);
    service.link_changed();
    assert_eq!(service.next, None, "a station without a window");
    service.answer(YieldsCommand::Watch(service.query.clone()));
    assert!(service.next.is_some_and(|next| next <= Instant::now()), "now somebody looks");
    assert!(peer.asked().is_empty());
}

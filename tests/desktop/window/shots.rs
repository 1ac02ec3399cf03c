//! Pictures of every screen, to be looked at: `cargo test --test desktop every_screen_as_a_picture -- --ignored`.

use andon::client::*;
use andon::desktop::picture::{Image, Studio};
use andon::desktop::theme::Tone;
use andon::desktop::{Andon, Options, Route};
use andon::domain::access::Role;
use andon::domain::instance::Application;
use eframe::egui::{Event, Modifiers, PointerButton, Pos2};
use egui_kittest::kittest::Queryable as _;
use std::sync::Arc;

use super::chat;
use super::world::{self, DESK, PANEL, WALL, World};
use super::{people, pin};
use crate::line;

/// One screen in one state, after a person pressed some things by name.
pub struct Case {
    name: String,
    model: Model,
    route: Option<Route>,
    presses: &'static [&'static str],
    types: &'static str,
}

pub fn case(name: &str, model: Model, route: impl Into<Option<Route>>, presses: &'static [&'static str]) -> Case {
    Case { name: name.to_owned(), model, route: route.into(), presses, types: "" }
}

fn press(at: Pos2) -> [Vec<Event>; 2] {
    let button = |pressed| Event::PointerButton { pos: at, button: PointerButton::Primary, pressed, modifiers: Modifiers::NONE };
    [vec![Event::PointerMoved(at), button(true)], vec![button(false), Event::PointerGone]]
}

/// What is pressed is looked for by name in a window beside it, which sees the same.
pub fn shot(case: &Case, size: (f32, f32), tone: Tone) -> Option<Image> {
    let options = || Options { route: case.route, ..world::options(tone) };
    let mut beside = World::with(size, case.model.clone(), options());
    let (bridge, _far) = Bridge::detached(case.model.clone());
    let mut app = Andon::new(bridge, options());
    let mut studio = Studio::new(size.into(), 1.0);
    let mut frames = (0..4).map(|_| Vec::new()).collect::<Vec<_>>();
    for name in case.presses {
        let at = beside.harness.query_all_by_label(name).next()?.rect().center();
        let events = press(at);
        for events in &events {
            events.iter().for_each(|event| beside.harness.event(event.clone()));
            beside.harness.step();
        }
        beside.harness.run();
        frames.extend(events);
        frames.push(Vec::new());
    }
    frames.push(if case.types.is_empty() { Vec::new() } else { vec![Event::Text(case.types.to_owned())] });
    frames.extend((0..3).map(|_| Vec::new()));
    for (i, events) in frames.into_iter().enumerate() {
        studio.frame_with(i as f64 / 10.0, events, |ui| app.draw(ui));
    }
    studio.image()
}

fn login(change: impl FnOnce(&mut Model)) -> Model {
    let mut model = world::signed_out();
    change(&mut model);
    model
}

fn session(model: &mut Model) -> &mut SessionSlice {
    Arc::make_mut(&mut model.session)
}

fn logins() -> Vec<Case> {
    let failed = |key| login(|model| session(model).sign_in_error = Some(Explanation::new(key)));
    let running = login(|model| Arc::make_mut(&mut model.line).state = LineState::Running("http://127.0.0.1:8440".to_owned()));
    let mut plain = case("login-plain", login(|model| session(model).server_url = "http://10.0.0.9:8440".to_owned()), None, &["Connect"]);
    plain.types = "";
    vec![
        case("opening", Model::default(), None, &[]),
        case("login", world::signed_out(), None, &[]),
        case("login-first-use", running, None, &["Use this PC"]),
        case("login-error", failed("server_unreachable"), None, &[]),
        case("login-certificate", failed("certificate_refused"), None, &[]),
        case("login-busy", login(|model| session(model).signing_in = true), None, &[]),
        case("login-locked", login(|model| world::lock(session(model))), None, &[]),
        case("login-missing", world::signed_out(), None, &["Connect"]),
        plain,
        case("login-person", world::signed_in(Role::Station), Route::Overview, &["Sign in to act"]),
        case("login-change", world::signed_in(Role::Operator), Route::Overview, &["M. Nowak, Operator", "Change operator"]),
    ]
}

fn accounts() -> Vec<Case> {
    let known = |account: AccountSlice| {
        login(|model| {
            session(model).server_url = "https://line-a.local:8443".to_owned();
            model.account = Arc::new(account);
        })
    };
    let done = |step| known(AccountSlice { done: Some(step), ..AccountSlice::default() });
    let refused = known(AccountSlice { error: Some(Explanation::new("username_taken")), ..AccountSlice::default() });
    vec![
        case("account-sign-up", known(AccountSlice::default()), None, &["Create an account"]),
        case("account-missing", known(AccountSlice::default()), None, &["Create an account", "Create account"]),
        case("account-refused", refused, None, &["Create an account"]),
        case("account-confirm", done(AccountStep::SignedUp), None, &["Create an account"]),
        case("account-forgot", known(AccountSlice::default()), None, &["Forgot password?"]),
        case("account-new-password", done(AccountStep::CodeSent), None, &["Forgot password?"]),
        case("account-person", world::signed_in(Role::Station), Route::Overview, &["Sign in to act", "Create an account"]),
    ]
}

fn screens() -> Vec<Case> {
    let full = || world::signed_in(Role::Superuser);
    let mut cases = Vec::new();
    let states = [
        ("full", full()),
        ("empty", world::empty(Role::Superuser)),
        ("offline", world::offline(full())),
        ("broken", world::broken(world::with_history(full()))),
        ("station", world::signed_in(Role::Station)),
    ];
    for (state, model) in states {
        for route in Route::ALL {
            cases.push(case(&format!("{}-{state}", route.key()), model.clone(), route, &[]));
        }
    }
    cases
}

/// The screens of administration with too much on them, and those of the PIN.
fn crowds() -> Vec<Case> {
    let simulated = |mut model: Model| {
        Arc::make_mut(&mut model.line).simulated = true;
        people::crowd(model)
    };
    let crowded = |name: &str, model| case(name, simulated(model), Route::Overview, &[]);
    let full = || people::crowd(world::signed_in(Role::Superuser));
    let routes = Route::ALL.into_iter().filter(|route| *route != Route::Chat);
    let mut cases: Vec<Case> = routes.map(|route| case(&format!("crowd-{}", route.key()), full(), route, &[])).collect();
    cases.push(crowded("crowd-header", world::signed_in(Role::Superuser)));
    cases.push(crowded("crowd-header-offline", world::offline(world::signed_in(Role::Superuser))));
    cases.push(crowded("crowd-header-broken", world::broken(world::signed_in(Role::Superuser))));
    cases.push(case("crowd-tokens", full(), Route::Stations, &["Tokens 20"]));
    cases.push(case("crowd-menu", full(), Route::Overview, &["Brzęczyszczykiewicz-Chrząszczyżewoszycka Eugeniusz, Superuser"]));
    cases.push(case("pin-card", pin::guarded(), Route::Connection, &[]));
    cases.push(case("pin-none", pin::station(PinSlice::default()), Route::Connection, &[]));
    cases.push(case("pin-pad", pin::guarded(), Route::Connection, &["Enter the PIN"]));
    cases.push(case("pin-set", pin::station(PinSlice::default()), Route::Connection, &["Set a PIN"]));
    cases.push(case("pin-wait", pin::waiting(), Route::Connection, &["Enter the PIN"]));
    cases.push(case("pin-door", pin::guarded(), Route::Instances, &[]));
    cases
}

fn tunnels() -> Vec<Case> {
    let full = || world::signed_in(Role::Superuser);
    let mut cases: Vec<Case> = world::tunnel_states()
        .into_iter()
        .map(|(state, tunnel)| case(&format!("tunnel-{state}"), world::tunnelled(full(), tunnel), Route::Connection, &[]))
        .collect();
    let (_, changed) = world::tunnel_states().pop().unwrap();
    let mut tested = world::tunnelled(full(), changed.clone());
    Arc::make_mut(&mut tested.tunnel).tested = Some(Ok(world::prints().1));
    cases.push(case("tunnel-trust", world::tunnelled(full(), changed), Route::Connection, &["Trust the new key"]));
    cases.push(case("tunnel-form", tested, Route::Connection, &["Change"]));
    cases.push(case("login-tunnel", world::signed_out(), None, &["Through an SSH tunnel …"]));
    cases.push(case("tunnel-empty", full(), Route::Connection, &["Set up", "Save"]));
    cases
}

fn details() -> Vec<Case> {
    let full = || world::signed_in(Role::Superuser);
    let with = |change: &dyn Fn(&mut Model)| {
        let mut model = full();
        change(&mut model);
        model
    };
    let reports = |change: fn(&mut ReportsSlice)| with(&|model| change(Arc::make_mut(&mut model.reports)));
    let queue = |filter| with(&|model| model.queue = Arc::new(world::queue(filter)));
    let monitor = with(&|model| {
        let session = session(model);
        session.person = None;
        session.station.as_mut().unwrap().application = Application::YieldMonitor;
    });
    let exporting = with(&|model| {
        Arc::make_mut(&mut model.queue).busy = Some(Progress { what: "queue.exporting".to_owned(), done: 0.4, can_cancel: true });
        Arc::make_mut(&mut model.instances).busy = Some(Progress { what: "instances.copying".to_owned(), done: 0.4, can_cancel: true });
    });
    let id = uuid::Uuid::from_u64_pair(7, 3);
    vec![
        case("yield-monitor", monitor, Route::Yield, &[]),
        case(
            "reports-open",
            with(&|model| {
                Arc::make_mut(&mut model.reports).open = Some((id, Remote::Ready(Arc::new(line::report(5, 6)))));
            }),
            Route::Reports,
            &[],
        ),
        case("reports-loading", reports(|slice| slice.list = Remote::Loading(None)), Route::Reports, &[]),
        case(
            "reports-failed",
            reports(|slice| slice.list = Remote::Failed(Explanation::new("server_unreachable"), None)),
            Route::Reports,
            &[],
        ),
        case("queue-history", world::with_history(full()), Route::Queue, &[]),
        case("queue-refused", queue(QueueFilter::Quarantined), Route::Queue, &["SN260319399, Refused"]),
        case("queue-delivered", queue(QueueFilter::Delivered), Route::Queue, &[]),
        case("queue-chosen", full(), Route::Queue, &["SN260319399, Waiting"]),
        case("queue-delete", full(), Route::Queue, &["SN260319399, Waiting", "Delete"]),
        case("queue-export", full(), Route::Queue, &["SN260319399, Waiting", "Export"]),
        case("queue-busy", exporting.clone(), Route::Queue, &[]),
        case("instances-busy", exporting, Route::Instances, &[]),
        case("instances-new", full(), Route::Instances, &["New station"]),
        case("instances-rename", full(), Route::Instances, &["Rename"]),
        case("instances-delete", full(), Route::Instances, &["Leak tester", "Delete"]),
        case("users-new", full(), Route::Users, &["New user"]),
        case("users-refused", people::refused(full()), Route::Users, &["New user"]),
        case("users-role", full(), Route::Users, &["j.kowalska, Active, Operator, 13:41:07", "Change role"]),
        case("users-password", full(), Route::Users, &["j.kowalska, Active, Operator, 13:41:07", "Set password"]),
        case("users-locked", full(), Route::Users, &["r.zimny, Locked until 14:06:37, Operator, 2026-03-09 14:02"]),
        case("users-disable", full(), Route::Users, &["j.kowalska, Active, Operator, 13:41:07", "Disable"]),
        case("users-own", full(), Route::Users, &["M. Nowak, Active, Superuser, 13:12:37"]),
        case("users-failed", people::failed(full()), Route::Users, &[]),
        case("tokens-tokens", full(), Route::Stations, &["Tokens 2"]),
        case("tokens-new", full(), Route::Stations, &["New token"]),
        case("tokens-issued", people::issued(full()), Route::Stations, &[]),
        case("tokens-revoke", full(), Route::Stations, &["Tokens 2", "Revoke"]),
        case("audit-export", full(), Route::Audit, &["Export"]),
        case("me-password", full(), Route::Me, &["Change password"]),
        case("me-everywhere", full(), Route::Me, &["Sign out everywhere"]),
        case("users-first", people::unread(full()), Route::Users, &[]),
        case("connection-leave", full(), Route::Connection, &["Sign out"]),
        case("chat-silent", chat::silent(full()), Route::Chat, &[]),
        case("chat-notes", chat::notes(full()), Route::Chat, &[]),
        case("chat-refused", chat::refused(full()), Route::Chat, &[]),
        case("chat-away", chat::away(full()), Route::Chat, &[]),
        case("chat-fast", chat::too_fast(full()), Route::Chat, &[]),
        case("chat-ended", chat::ended(full()), Route::Chat, &[]),
        case("chat-reading", chat::with(full(), |chat| chat.page = Remote::Loading(None)), Route::Chat, &[]),
        case("chat-handover", full(), Route::Chat, &["New handover note"]),
        case("chat-typing", full(), Route::Chat, &["Message"]),
        case("chat-guest", world::signed_in(Role::Guest), Route::Chat, &[]),
        case("menu", full(), Route::Overview, &["M. Nowak, Superuser"]),
        case("more", full(), Route::Overview, &["More, 13 unread"]),
    ]
}

#[test]
#[ignore = "writes pictures for looking at"]
fn every_screen_as_a_picture() {
    let folder = std::env::temp_dir().join("andon-shots");
    std::fs::create_dir_all(&folder).unwrap();
    let only = option_env!("SHOT");
    let cases: Vec<Case> =
        logins().into_iter().chain(accounts()).chain(screens()).chain(crowds()).chain(tunnels()).chain(details()).collect();
    let tones = [Tone::Dark, Tone::Light];
    for (size, tone) in [PANEL, DESK, WALL].into_iter().flat_map(|size| tones.map(|tone| (size, tone))) {
        for case in cases.iter().filter(|case| only.is_none_or(|only| case.name.contains(only))) {
            let Some(image) = shot(case, size, tone) else { continue };
            let file = format!("{}-{}x{}-{tone:?}.png", case.name, size.0, size.1);
            std::fs::write(folder.join(file), image.png().unwrap()).unwrap();
        }
    }
}

//! Every screen of the frame as text, and the main ones as pictures.

use std::sync::Arc;

use andon::client::{Model, QueueFilter};
use andon::desktop::theme::Tone;
use andon::desktop::{Andon, Options, Route};
use andon::domain::access::Role;
use egui_kittest::Harness;
use egui_kittest::kittest::NodeT as _;

use super::chat;
use super::shots;
use super::world::{self, DESK, PANEL, WALL, World};
use crate::golden;

/// Everything that an accessibility tool would read.
pub fn tree(harness: &Harness<'_, Andon>) -> String {
    let nodes = harness.root().children_recursive();
    nodes.map(|node| node.accesskit_node()).flat_map(|node| [node.label(), node.value()]).flatten().map(|words| words + "\n").collect()
}

fn text(name: &str, model: Model, route: Route) {
    golden::text(name, &World::with(DESK, model, world::at(route)).harness);
}

#[test]
fn the_login_reads_as_it_should() {
    golden::text("login", &World::new(DESK, world::signed_out()).harness);
    golden::text("login-panel", &World::new(PANEL, world::signed_out()).harness);
}

#[test]
fn the_card_for_a_person_lies_above_a_page_that_goes_on() {
    let card = shots::case("", world::signed_in(Role::Station), Route::Overview, &["Sign in to act"]);
    for (place, size) in [("desk", DESK), ("panel", PANEL), ("wall", WALL)] {
        for (tone, name) in [(Tone::Dark, "dark"), (Tone::Light, "light")] {
            let image = shots::shot(&card, size, tone).expect("the card is reached from the page");
            golden::compare(&format!("person-{place}-{name}"), &image);
        }
    }
}

#[test]
fn the_overview_reads_as_it_should() {
    text("overview", world::signed_in(Role::Superuser), Route::Overview);
    text("overview-station", world::signed_in(Role::Station), Route::Overview);
    text("overview-broken", world::broken(world::signed_in(Role::Operator)), Route::Overview);
    text("overview-empty", world::empty(Role::Operator), Route::Overview);
}

#[test]
fn the_queue_reads_as_it_should() {
    text("queue", world::with_history(world::signed_in(Role::Superuser)), Route::Queue);
    let mut refused = world::signed_in(Role::Operator);
    refused.queue = Arc::new(world::queue(QueueFilter::Quarantined));
    text("queue-refused", refused, Route::Queue);
    text("queue-empty", world::empty(Role::Operator), Route::Queue);
}

#[test]
fn connection_stations_and_about_read_as_they_should() {
    text("connection", world::signed_in(Role::Superuser), Route::Connection);
    text("connection-offline", world::offline(world::signed_in(Role::Operator)), Route::Connection);
    for (state, tunnel) in world::tunnel_states() {
        text(&format!("tunnel-{state}"), world::tunnelled(world::signed_in(Role::Superuser), tunnel), Route::Connection);
    }
    text("stations", world::signed_in(Role::Superuser), Route::Instances);
}

#[test]
fn the_screens_about_persons_read_as_they_should() {
    let full = || world::signed_in(Role::Superuser);
    for (name, route) in [("users", Route::Users), ("tokens", Route::Stations), ("audit", Route::Audit), ("me", Route::Me)] {
        text(name, full(), route);
        text(&format!("{name}-offline"), world::offline(full()), route);
        text(&format!("{name}-empty"), world::empty(Role::Superuser), route);
    }
}

#[test]
fn the_screens_about_persons_look_as_they_should() {
    let full = || world::signed_in(Role::Superuser);
    golden::picture("users-desk", DESK, full(), world::at(Route::Users));
    golden::picture("users-panel", PANEL, full(), world::at(Route::Users));
    golden::picture("tokens-light", DESK, full(), Options { tone: Some(Tone::Light), ..world::at(Route::Stations) });
    golden::picture("audit-desk", DESK, world::offline(full()), world::at(Route::Audit));
    golden::picture("me-desk", DESK, full(), world::at(Route::Me));
}

#[test]
fn the_chat_reads_as_it_should() {
    let full = || world::signed_in(Role::Superuser);
    text("chat", full(), Route::Chat);
    text("chat-offline", world::offline(full()), Route::Chat);
    text("chat-empty", chat::silent(full()), Route::Chat);
    text("chat-notes", chat::notes(full()), Route::Chat);
    text("chat-refused", chat::refused(full()), Route::Chat);
    text("chat-search", chat::found(full()), Route::Chat);
    text("chat-without-server", super::offline::without_server(Role::Operator), Route::Chat);
    golden::text("chat-panel", &World::with(PANEL, full(), world::at(Route::Chat)).harness);
}

#[test]
fn the_chat_looks_as_it_should() {
    let full = || world::signed_in(Role::Operator);
    golden::picture("chat-desk", DESK, full(), world::at(Route::Chat));
    golden::picture("chat-light", DESK, chat::refused(full()), Options { tone: Some(Tone::Light), ..world::at(Route::Chat) });
    golden::picture("chat-panel", PANEL, full(), world::at(Route::Chat));
    golden::picture("chat-search-desk", DESK, chat::found(full()), world::at(Route::Chat));
    golden::picture("chat-search-panel", PANEL, chat::found(full()), world::at(Route::Chat));
    for (name, presses) in [("people", &["3 here"]), ("find", &["Search"])] {
        let case = shots::case("", full(), Route::Chat, presses);
        golden::compare(&format!("chat-{name}-panel"), &shots::shot(&case, PANEL, Tone::Dark).unwrap());
    }
    golden::picture("chat-away-panel", PANEL, chat::away(full()), world::at(Route::Chat));
    golden::picture("chat-wall", WALL, full(), world::at(Route::Chat));
}

#[test]
fn the_main_screens_look_as_they_should() {
    let full = || world::signed_in(Role::Superuser);
    golden::picture("login-desk", DESK, world::signed_out(), world::options(Tone::Dark));
    golden::picture("login-panel", PANEL, world::signed_out(), world::options(Tone::Dark));
    golden::picture("overview-desk", DESK, full(), world::at(Route::Overview));
    golden::picture("queue-desk", DESK, world::with_history(full()), world::at(Route::Queue));
    golden::picture("connection-desk", DESK, world::offline(full()), world::at(Route::Connection));
    golden::picture("stations-light", DESK, full(), Options { tone: Some(Tone::Light), ..world::at(Route::Instances) });
}

#[test]
fn no_sentence_is_missing_on_any_screen() {
    let models =
        [world::signed_out(), world::broken(world::with_history(world::signed_in(Role::Superuser))), world::empty(Role::Superuser)];
    for model in models {
        for size in [DESK, PANEL] {
            for route in Route::ALL {
                let said = tree(&World::with(size, model.clone(), world::at(route)).harness);
                let keys = [
                    "shell.",
                    "login.",
                    "overview.",
                    "queue.",
                    "connection.",
                    "tunnel.",
                    "instances.",
                    "about.",
                    "explain.",
                    "yield.",
                    "reports.",
                    "desk.",
                    "users.",
                    "stations.",
                    "audit.",
                    "me.",
                    "chat.",
                    "pin.",
                ];
                let gap = said.lines().find(|line| keys.iter().any(|key| line.starts_with(key)));
                assert_eq!(gap, None, "{route:?}");
            }
        }
    }
}

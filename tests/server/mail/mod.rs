//! Signing up, codes by mail, and the mail server that takes them.

mod delivery;
mod flows;
mod guessing;
mod program;
mod sink;
mod table;

use andon::server::{Config, Mail};
use andon::support::clock::Clock;
use serde_json::json;

use crate::world::{PASSWORD, World};
use sink::Sink;

/// A line server with a mail server that takes all.
async fn with_sink(clock: Clock, change: impl FnOnce(&mut Config)) -> (World, Sink) {
    let sink = Sink::start().await;
    let smtp = sink.settings();
    let world = World::with(clock, |config| {
        config.mail = Mail::Smtp(smtp);
        change(config);
    })
    .await;
    (world, sink)
}

/// Signs up, with the password of all tests.
async fn sign_up(world: &World, name: &str, email: &str) -> crate::http::Answer {
    world.anonymous().post("/api/signup", &json!({ "username": name, "email": email, "password": PASSWORD })).await
}

async fn verify(world: &World, email: &str, code: &str) -> crate::http::Answer {
    world.anonymous().post("/api/verify-email", &json!({ "email": email, "code": code })).await
}

/// Some code that is not this one.
fn other_than(code: &str) -> &'static str {
    if code == "000000" { "111111" } else { "000000" }
}

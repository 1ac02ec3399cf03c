//! The board that is shipped for Grafana shows figures that a running server has.

use std::collections::BTreeSet;

use andon::support::clock::Clock;
use serde_json::{Value, json};

use crate::http::send;
use crate::samples::{Sample, at};
use crate::wire::Wire;
use crate::world::World;

/// Figures that nothing counts yet. Whatever begins to takes its name out of here.
const LATER: [&str; 3] = ["alerts_total", "sensor_readings_total", "source_state"];

/// Every query of the board.
fn queries() -> Vec<String> {
    let board: Value = serde_json::from_str(include_str!("../../deploy/grafana/boards/andon.json")).unwrap();
    let panels = board["panels"].as_array().unwrap().clone();
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().unwrap().clone());
    targets.map(|target| target["expr"].as_str().unwrap().to_owned()).collect()
}

/// The names of figures in a query: words of ours have an underscore, and are neither functions nor labels.
fn names(query: &str) -> Vec<String> {
    let mut rest = query.to_owned();
    while let Some(start) = rest.find("by (") {
        let end = start + rest[start..].find(')').unwrap();
        rest.replace_range(start..=end, "");
    }
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = rest.match_indices(is_word).filter(|(at, _)| !rest[..*at].ends_with(is_word)).map(|(at, _)| {
        let word: String = rest[at..].chars().take_while(|c| is_word(*c)).collect();
        let is_function = rest[at + word.len()..].starts_with('(');
        (word, is_function)
    });
    words.filter(|(word, is_function)| word.contains('_') && !is_function).map(|(word, _)| word).collect()
}

#[test]
fn names_are_found_in_queries() {
    let query = "topk(8, histogram_quantile(0.95, sum by (le, sensor_id) (rate(request_duration_seconds_bucket[5m]))))";
    assert_eq!(names(query), ["request_duration_seconds_bucket"]);
    assert_eq!(names("websocket_connections_active"), ["websocket_connections_active"]);
    assert_eq!(names("sum(up{job=\"andon\"})"), Vec::<String>::new());
}

#[tokio::test]
async fn every_figure_on_the_shipped_board_is_counted_by_a_server_at_work() {
    let world = World::with(Clock::system(), |config| config.metrics = Some("127.0.0.1:0".parse().unwrap())).await;
    let token = world.login("oper").await.access_token;
    let wrong = json!({ "username": "nobody", "password": "wrong wrong" });
    world.anonymous().post("/api/auth/login", &wrong).await.expect_refusal(401, "invalid_credentials");
    world.station().await.post("/api/Report/WSJF", &Sample::new("SN-1", at(0), "P").json()).await.expect(200);
    let mut wire = Wire::signed_in(world.running.address(), &token).await;
    wire.say("auth", "again", json!({ "token": token })).await;
    wire.expect("auth_ok").await;
    let answer = send(world.running.metrics_address().unwrap(), "GET", "/metrics", &[], None).await.expect(200);
    assert!(answer.header("content-type").unwrap().starts_with("text/plain; version=0.0.4"));
    let there: BTreeSet<&str> = answer.text().lines().filter_map(|line| line.split(['{', ' ']).next()).collect();
    let queries = queries();
    assert!(queries.len() > 10, "{queries:?}");
    for query in queries {
        let found = names(&query);
        assert!(!found.is_empty() || query.contains("up{"), "{query} asks for nothing");
        for name in found {
            assert_eq!(there.contains(name.as_str()), !LATER.contains(&name.as_str()), "{name}, of {query}, in\n{}", answer.text());
        }
    }
}

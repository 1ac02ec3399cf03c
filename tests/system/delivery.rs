//! The main job: what a tester writes is on the server, once, to the letter, and the yield is right.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use andon::domain::simulator::Line;
use chrono::{TimeDelta, TimeZone, Utc};
use serde_json::{Value, json};

use crate::recount::recount;
use crate::world::{Pc, Server, drop_report, http, until};

/// Reports as a line would write them from this morning on, one every few seconds.
pub fn line_of_reports(seed: u64, count: usize) -> Vec<String> {
    let mut line = Line::new(seed);
    let start = Utc.with_ymd_and_hms(2026, 3, 4, 5, 0, 0).unwrap();
    (0..count).map(|n| line.next(start + TimeDelta::seconds(n as i64 * 7))).collect()
}

pub fn id_of(source: &str) -> String {
    serde_json::from_str::<Value>(source).unwrap()["id"].as_str().unwrap().to_lowercase()
}

/// Everything that was dropped is on the server, once and to the letter.
pub async fn assert_all_arrived(server: &Server, sources: &[String]) {
    let token = server.token().await;
    let mut kept: HashMap<String, u32> = HashMap::new();
    for row in server.headers(&token).await {
        *kept.entry(row["uuid"].as_str().unwrap().to_lowercase()).or_default() += 1;
    }
    let doubled: Vec<_> = kept.iter().filter(|(_, count)| **count > 1).collect();
    assert!(doubled.is_empty(), "doubled: {doubled:?}");
    let lost: Vec<String> = sources.iter().map(|source| id_of(source)).filter(|id| !kept.contains_key(id)).collect();
    assert!(lost.is_empty(), "{} of {} lost: {lost:?}", lost.len(), sources.len());
    assert_eq!(kept.len(), sources.len(), "more on the server than was written");
    for source in sources {
        assert_eq!(&server.report(&token, &id_of(source)).await, source);
    }
}

pub fn wait_until_empty(pc: &Pc, instance: &str, limit: Duration) {
    until("the queue is empty", limit, || {
        let inbox = std::fs::read_dir(pc.inbox(instance)).unwrap().flatten().filter(|entry| entry.path().is_file()).count();
        let queue = pc.json(&["queue", "list", "--instance", instance]);
        (inbox == 0 && queue["waiting"] == 0 && queue["sending"] == 0).then_some(())
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_reports_arrive_to_the_letter_and_the_yield_is_right() {
    let server = Server::start();
    let pc = Pc::new();
    pc.login("eol", &server.url());
    let sources = line_of_reports(1, 1000);
    let inbox = pc.inbox("eol");
    let (before, after) = sources.split_at(300);
    for (n, source) in before.iter().enumerate() {
        drop_report(&inbox, &format!("early-{n}"), source);
    }
    let _station = pc.station("eol");
    for (n, source) in after.iter().enumerate() {
        drop_report(&inbox, &format!("late-{n}"), source);
    }
    wait_until_empty(&pc, "eol", Duration::from_secs(120));
    assert_all_arrived(&server, &sources).await;
    assert_yield_is_right(&server, &sources).await;
    assert_eq!(std::fs::read_dir(inbox.join("Done")).unwrap().count(), 1000, "every source is kept in Done");
}

/// The server's figures of each process against a recount from the sources.
async fn assert_yield_is_right(server: &Server, sources: &[String]) {
    let token = server.token().await;
    let ask = |path: &str, body: Value| {
        http().post(format!("{}{path}", server.url())).header("authorization", format!("Basic {token}")).json(&body).send()
    };
    let range = json!({"dateFrom": "2026-03-01T00:00:00Z", "dateTo": "2026-04-01T00:00:00Z"});
    let rows: Vec<Value> = ask("/api/App/DynamicYield?dimensions=processCode", range.clone()).await.unwrap().json().await.unwrap();
    let expected = recount(sources);
    assert_eq!(rows.len(), expected.len(), "{rows:?}");
    for row in &rows {
        let count = &expected[&row["processCode"].as_i64().unwrap()];
        let figures = ["unitCount", "fpCount", "spCount", "tpCount", "lpCount", "testReportCount"].map(|name| row[name].as_u64().unwrap());
        assert_eq!(figures, [count.units, count.first, count.second, count.third, count.last, count.reports], "{row}");
        let fpy = row["fpy"].as_f64().unwrap();
        assert!((fpy - 100.0 * count.first as f64 / count.units as f64).abs() < 1e-9, "{row}");
    }
    for (process, count) in &expected {
        let mut body = range.clone();
        body["testOperation"] = json!(process.to_string());
        body["topCount"] = json!(1000);
        let rows: Vec<Value> = ask("/api/App/TopFailed", body).await.unwrap().json().await.unwrap();
        let found: BTreeMap<String, u64> =
            rows.iter().map(|row| (row["stepName"].as_str().unwrap().to_owned(), row["failCount"].as_u64().unwrap())).collect();
        assert_eq!(found, count.pareto, "process {process}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poison_report_is_set_aside_and_those_behind_it_arrive() {
    let server = Server::start();
    let pc = Pc::new();
    pc.login("eol", &server.url());
    let sources = line_of_reports(2, 12);
    let mut poison: Value = serde_json::from_str(&sources[5]).unwrap();
    poison["processCode"] = json!(4711);
    let inbox = pc.inbox("eol");
    for (n, source) in sources.iter().enumerate() {
        let text = if n == 5 { poison.to_string() } else { source.clone() };
        drop_report(&inbox, &format!("{n:02}"), &text);
    }
    let _station = pc.station("eol");
    wait_until_empty(&pc, "eol", Duration::from_secs(60));
    let queue = pc.json(&["queue", "list", "--instance", "eol"]);
    assert_eq!(queue["quarantined"], 1, "{queue}");
    let row = queue["rows"].as_array().unwrap().iter().find(|row| row["state"] == "quarantined").unwrap();
    assert_eq!(row["id"].as_str().unwrap().to_lowercase(), id_of(&poison.to_string()));
    assert!(row["last_error"].as_str().unwrap().contains("4711"), "the server's own sentence: {row}");
    let good: Vec<String> = sources.iter().enumerate().filter(|(n, _)| *n != 5).map(|(_, source)| source.clone()).collect();
    assert_all_arrived(&server, &good).await;
}

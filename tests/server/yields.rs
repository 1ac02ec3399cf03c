//! Yields over HTTP, against a recount that knows nothing of the server's way.

use std::collections::BTreeMap;

use andon::protocol::wats::{TopFailedRow, YieldRow};
use andon::support::clock::Clock;
use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use serde_json::json;

use crate::reports::submit;
use crate::samples::{Sample, at};
use crate::world::{Client, World};

async fn rows(client: &Client, body: serde_json::Value) -> Vec<YieldRow> {
    client.post("/api/App/DynamicYield", &body).await.expect(200).read()
}

/// Units and passes counted the plain way: all runs of a unit sorted, the first decides the hour.
fn recount(samples: &[Sample]) -> BTreeMap<DateTime<Utc>, [u64; 6]> {
    let mut units: BTreeMap<(&str, &str, i64), Vec<&Sample>> = BTreeMap::new();
    let mut hours: BTreeMap<DateTime<Utc>, [u64; 6]> = BTreeMap::new();
    let hour = |time: DateTime<Utc>| time.duration_trunc(TimeDelta::hours(1)).unwrap();
    for sample in samples {
        units.entry((&sample.part, &sample.serial, sample.process)).or_default().push(sample);
        hours.entry(hour(sample.start)).or_default()[5] += 1;
    }
    for runs in units.values_mut() {
        runs.sort_by_key(|run| (run.start, run.id));
        let within = |n: usize| u64::from(runs.iter().take(n).any(|run| run.result == "P"));
        let counts = hours.entry(hour(runs[0].start)).or_default();
        let last = u64::from(runs.last().unwrap().result == "P");
        for (count, more) in counts.iter_mut().zip([1, within(1), within(2), within(3), last]) {
            *count += more;
        }
    }
    hours
}

/// Numbers that look drawn by lot and are the same every time.
fn lot(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *seed >> 33
}

#[tokio::test]
async fn every_hour_matches_an_independent_recount() {
    let world = World::new().await;
    let station = world.station().await;
    let mut seed = 7;
    let mut samples = Vec::new();
    for n in 0..300 {
        let result = ["P", "P", "P", "F", "E", "T"][lot(&mut seed) as usize % 6];
        // Few serial numbers, so that many runs are retests, in any order.
        let serial = format!("SN-{}", lot(&mut seed) % 90);
        let mut sample = Sample::new(&serial, at((lot(&mut seed) % 20_000) as i64 * 2 + n % 2), result);
        sample.process = if lot(&mut seed).is_multiple_of(4) { 10 } else { 100 };
        samples.push(sample);
    }
    samples.sort_by_key(|sample| (sample.serial.clone(), sample.process, sample.start));
    samples.dedup_by_key(|sample| (sample.serial.clone(), sample.process, sample.start));
    for sample in &samples {
        submit(&station, sample).await;
    }
    let body = json!({ "dateFrom": "2026-01-01", "dateGrouping": 5, "dimensions": "period" });
    let counted = |row: YieldRow| {
        let counts = [row.unit_count, row.fp_count, row.sp_count, row.tp_count, row.lp_count, row.test_report_count.unwrap()];
        (row.period.unwrap().parse().unwrap(), counts)
    };
    let expected = recount(&samples);
    let found: BTreeMap<DateTime<Utc>, [u64; 6]> = rows(&station, body.clone()).await.into_iter().map(counted).collect();
    assert_eq!(found, expected);
    let world = world.restart().await;
    let found: BTreeMap<DateTime<Utc>, [u64; 6]> = rows(&world.station().await, body).await.into_iter().map(counted).collect();
    assert_eq!(found, expected, "after a restart");
}

async fn small_line() -> (World, Client) {
    // Monday, 2026-01-05 12:00 UTC.
    let world = World::with(Clock::held(at(4 * 3600)), |_| ()).await;
    let station = world.station().await;
    let other = |sample: Sample| Sample { part: "CTRL".to_owned(), station: "EOL-02".to_owned(), ..sample };
    let samples = [
        Sample::new("A", at(0), "F"),
        Sample::new("A", at(60), "P"),
        Sample::new("B", at(120), "P"),
        other(Sample::new("C", at(3600), "P")),
        Sample { failed: "LED", ..other(Sample::new("D", at(3700), "F")) },
        Sample { process: 10, ..Sample::new("A", at(7200), "P") },
        Sample::new("OLD", at(-40 * 86_400), "F"),
    ];
    for sample in samples {
        submit(&station, &sample).await;
    }
    (world, station)
}

#[tokio::test]
async fn dimensions_group_and_order_and_filters_select() {
    let (_world, station) = small_line().await;
    let by_part = rows(&station, json!({ "dimensions": "fpy desc;partNumber", "testOperation": "End of line test" })).await;
    let shown: Vec<_> =
        by_part.iter().map(|row| (row.part_number.as_deref().unwrap(), row.unit_count, row.fpy.unwrap(), row.lpy.unwrap())).collect();
    assert_eq!(shown, [("CTRL", 2, 50.0, 50.0), ("PSU-48V", 2, 50.0, 100.0)]);
    let query =
        station.post("/api/app/dynamicyield?dimensions=unitCount+desc%3BtestOperation", &json!({ "dimensions": "partNumber" })).await;
    let by_process: Vec<YieldRow> = query.expect(200).read();
    let shown: Vec<_> =
        by_process.iter().map(|row| (row.test_operation.as_deref().unwrap(), row.process_code.unwrap(), row.unit_count)).collect();
    assert_eq!(shown, [("End of line test", 100, 4), ("Debug", 10, 1)]);
    for (filter, units) in [
        (json!({ "partNumber": "PSU%" }), 3),
        (json!({ "partNumber": "CTRL;PSU-48_" }), 5),
        (json!({ "stationName": "EOL-02" }), 2),
        (json!({ "testOperation": "100" }), 4),
        (json!({ "testOperation": "%line%" }), 4),
        (json!({ "testOperation": "Nothing" }), 0),
        (json!({ "serialNumber": "A" }), 2),
        (json!({ "dateFrom": "2026-01-05T09:00:00Z" }), 3),
        (json!({ "dateFrom": "2026-01-05T09:00:00Z", "dateTo": "2026-01-05T10:00:00Z" }), 2),
        (json!({ "dateFrom": "2025-01-01T00:00:00" }), 6),
        (json!({}), 5),
        (json!({ "dateGrouping": 5, "periodCount": 3 }), 1),
        (json!({ "dateGrouping": 5, "periodCount": 3, "includeCurrentPeriod": false }), 3),
    ] {
        let found = rows(&station, filter.clone()).await.first().map_or(0, |row| row.unit_count);
        assert_eq!(found, units, "{filter}");
    }
}

#[tokio::test]
async fn the_pareto_names_the_steps_that_failed_first() {
    let (_world, station) = small_line().await;
    let failed: Vec<TopFailedRow> =
        station.post("/api/App/TopFailed", &json!({ "dateFrom": "2025-01-01", "testOperation": "100" })).await.expect(200).read();
    let shown: Vec<_> =
        failed.iter().map(|row| (row.step_name.as_str(), row.step_type.as_str(), row.fail_count, row.total_count)).collect();
    assert_eq!(shown, [("Output voltage", "ET_NLT", 2, 5), ("LED", "ET_PFT", 1, 5)]);
    assert_eq!((failed[0].fail_rate, failed[1].first_fail_date), (Some(40.0), Some(at(3700))));
    let one: Vec<TopFailedRow> = station.get("/api/App/TopFailed?partNumber=CTRL&topCount=1").await.expect(200).read();
    assert_eq!(one.iter().map(|row| (row.step_name.as_str(), row.part_number.as_deref())).collect::<Vec<_>>(), [("LED", Some("CTRL"))]);
}

#[tokio::test]
async fn what_a_yield_cannot_be_asked_by_is_refused_by_name() {
    let (_world, station) = small_line().await;
    for (body, code, words) in [
        (json!({ "dimensions": "colour" }), "bad_dimension", "colour"),
        (json!({ "dimensions": "period sideways" }), "bad_dimension", "sideways"),
        (json!({ "productGroup": "PG" }), "unsupported_filter", "productGroup"),
        (json!({ "dateFrom": "yesterday" }), "bad_filter", "dateFrom"),
        (json!({ "dateTo": "-262143-01-01" }), "bad_filter", "dateTo"),
        (json!({ "dateFrom": "+262142-12-31", "dateGrouping": 5, "dimensions": "period" }), "bad_filter", "dateFrom"),
        (json!({ "dateGrouping": 9 }), "bad_filter", "dateGrouping"),
        (json!({ "topCount": 0 }), "bad_filter", "topCount"),
        (json!({ "partNumber": 5 }), "bad_body", "string"),
        (json!({ "dimensions": "period", "dateGrouping": 5, "dateFrom": "1971-01-01" }), "too_many_periods", "20000"),
        (json!([]), "bad_body", "object"),
    ] {
        let answer = station.post("/api/App/DynamicYield", &body).await.expect_refusal(400, code).json();
        assert!(answer["error"].as_str().unwrap().contains(words), "{body}: {answer}");
    }
    station.get("/api/App/TopFailed?level=PCBA").await.expect_refusal(400, "unsupported_filter");
    station.post_text("/api/App/DynamicYield", "").await.expect(200);
}

#[tokio::test]
async fn an_unchanged_yield_is_not_counted_again_until_a_report_or_a_minute_has_passed() {
    let (world, station) = small_line().await;
    let ask = async |body: &str, tag: &str| {
        let headers = [("content-type", "application/json"), ("if-none-match", tag)];
        station.request("POST", "/api/App/DynamicYield", &headers, Some(body.as_bytes())).await
    };
    let tag_of = async |body: &str| ask(body, "\"none\"").await.expect(200).header("etag").unwrap().to_owned();
    let (fixed, relative) = ("{\"dateFrom\":\"2026-01-01\"}", "{\"partNumber\":\"CTRL\"}");
    let (fixed_tag, relative_tag) = (tag_of(fixed).await, tag_of(relative).await);
    let (empty, open) = ("{\"dateFrom\":\"\"}", "{\"dateFrom\":\"2026-01-01\",\"dateGrouping\":5,\"dimensions\":\"period\"}");
    let (empty_tag, open_tag) = (tag_of(empty).await, tag_of(open).await);
    assert_eq!((ask(fixed, &fixed_tag).await.status, ask(relative, &relative_tag).await.status), (304, 304));
    assert_eq!(ask(relative, &fixed_tag).await.status, 200, "another question");
    world.clock.push(TimeDelta::minutes(2));
    assert_eq!((ask(fixed, &fixed_tag).await.status, ask(relative, &relative_tag).await.status), (304, 200));
    assert_eq!((ask(empty, &empty_tag).await.status, ask(open, &open_tag).await.status), (200, 200), "these move with the clock too");
    submit(&station, &Sample::new("E", at(8000), "P")).await;
    assert_eq!(ask(fixed, &fixed_tag).await.status, 200);
    let tag = tag_of(fixed).await;
    world.admin_tools().add_process(100, "Final test", false).await.unwrap();
    assert_eq!(ask(fixed, &tag).await.status, 200, "a process has another name");
}

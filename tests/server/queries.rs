//! The list of reports: filters, orders, pages, and what is refused.

use serde_json::Value;

use crate::reports::submit;
use crate::samples::{Sample, at};
use crate::world::{Client, World};

/// Percent-encodes all that is not a letter or digit.
fn encode(text: &str) -> String {
    text.bytes().map(|b| if b.is_ascii_alphanumeric() { (b as char).to_string() } else { format!("%{b:02X}") }).collect()
}

async fn serials(client: &Client, filter: &str) -> Vec<String> {
    let path = format!("/api/Report/Query/Header?reportType=U&%24filter={}&%24orderby=serialNumber&%24top=100", encode(filter));
    let rows: Vec<Value> = client.get(&path).await.expect(200).read();
    rows.iter().map(|row| row["serialNumber"].as_str().unwrap().to_owned()).collect()
}

async fn world_of_samples() -> (World, Client) {
    let world = World::new().await;
    let station = world.station().await;
    let sample = |serial: &str, seconds, result| Sample::new(serial, at(seconds), result);
    let samples = [
        sample("A-1", 0, "P"),
        Sample { station: "EOL-02".to_owned(), ..sample("A-2", 3600, "F") },
        Sample { part: "CTRL_9".to_owned(), ..sample("B-1", 7200, "P") },
        Sample { process: 10, ..sample("O'Brien", 10_800, "T") },
        sample("zażółć 100%", 14_400, "E"),
    ];
    for sample in samples {
        submit(&station, &sample).await;
    }
    (world, station)
}

#[tokio::test]
async fn filters_find_what_they_say() {
    let (_world, station) = world_of_samples().await;
    for (filter, expected) in [
        ("serialNumber eq 'A-1'", vec!["A-1"]),
        ("serialNumber ne 'A-1' and partNumber eq 'PSU-48V'", vec!["A-2", "O'Brien", "zażółć 100%"]),
        ("serialNumber eq 'O''Brien'", vec!["O'Brien"]),
        ("serialNumber eq 'zażółć 100%'", vec!["zażółć 100%"]),
        ("result eq 'Failed' or result eq 'Error'", vec!["A-2", "zażółć 100%"]),
        ("result ne 'P'", vec!["A-2", "O'Brien", "zażółć 100%"]),
        ("not (result eq 'Passed') and not processCode eq 10", vec!["A-2", "zażółć 100%"]),
        ("start ge 2026-01-05T09:00:00Z and start lt 2026-01-05T11:00:00Z", vec!["A-2", "B-1"]),
        ("start ge 2026-01-05T11:00:00+01:00", vec!["B-1", "O'Brien", "zażółć 100%"]),
        ("startUtc le datetime'2026-01-05T08:00:00'", vec!["A-1"]),
        ("processCode eq 10", vec!["O'Brien"]),
        ("processName eq 'Debug'", vec!["O'Brien"]),
        ("stationName eq 'EOL-02'", vec!["A-2"]),
        ("contains(serialNumber,'a-')", vec!["A-1", "A-2"]),
        ("contains(serialNumber,'%')", vec!["zażółć 100%"]),
        ("contains(partNumber,'_')", vec!["B-1"]),
        ("contains(serialNumber,'żółć')", vec!["zażółć 100%"]),
        ("startswith(partNumber,'ctrl')", vec!["B-1"]),
        ("endswith(stationName,'02') or contains(serialNumber,'!')", vec!["A-2"]),
        ("executionTime ge 12.4 and executionTime lt 12.5 and errorCode eq 17 and serialNumber eq 'A-1'", vec!["A-1"]),
        ("errorCode eq null", vec![]),
        ("errorCode ne null and serialNumber eq 'A-1'", vec!["A-1"]),
        ("errorCode ne 18 and serialNumber eq 'A-1'", vec!["A-1"]),
        ("errorCode ne 17 and serialNumber eq 'A-1'", vec![]),
        ("operator eq null", vec![]),
        ("serialNumber eq 'x'' or 1 eq 1 or ''a'' eq ''a'", vec![]),
        ("serialNumber eq '; drop table reports; --'", vec![]),
    ] {
        assert_eq!(serials(&station, filter).await, expected, "{filter}");
    }
    assert_eq!(serials(&station, "").await.len(), 5, "nothing was dropped");
}

#[tokio::test]
async fn bad_queries_are_refused_with_their_place() {
    let (_world, station) = world_of_samples().await;
    for (query, words) in [
        ("%24filter=serialNumber+eq+%27O%27Brien%27", "character 20"),
        ("%24filter=colour+eq+1", "character 1"),
        ("%24filter=subUnits%2Fany(s%3A+s%2FpartNumber+eq+%27X%27)", "not supported yet"),
        ("%24orderby=start+upwards", "character 7"),
        ("%24top=-1", "$top"),
        ("%24top=many", "$top"),
        ("%24skip=99999999999999999999", "$skip"),
        ("reportType=X", "reportType"),
    ] {
        let answer = station.get(&format!("/api/Report/Query/Header?{query}")).await.expect_refusal(400, "bad_query").json();
        assert!(answer["error"].as_str().unwrap().contains(words), "{query}: {answer}");
    }
}

#[tokio::test]
async fn pages_hold_every_report_once() {
    let world = World::new().await;
    let station = world.station().await;
    for n in 0..23 {
        // The same start for all: only the last key tells them apart.
        submit(&station, &Sample::new(&format!("SN-{n:02}"), at(0), "P")).await;
    }
    let mut seen = Vec::new();
    for skip in (0..30).step_by(5) {
        let page: Vec<Value> =
            station.get(&format!("/api/report/query/header?$top=5&$skip={skip}&$orderby=start%20desc")).await.expect(200).read();
        assert!(page.len() <= 5);
        seen.extend(page.iter().map(|row| row["serialNumber"].as_str().unwrap().to_owned()));
    }
    seen.sort();
    assert_eq!(seen, (0..23).map(|n| format!("SN-{n:02}")).collect::<Vec<_>>());
    let newest_first: Vec<Value> = station.get("/api/Report/Query/Header?$top=1").await.expect(200).read();
    assert_eq!(newest_first.len(), 1);
    let repairs: Vec<Value> = station.get("/api/Report/Query/Header?reportType=R").await.expect(200).read();
    assert!(repairs.is_empty());
}

#[tokio::test]
async fn an_unchanged_list_costs_nothing() {
    let (_world, station) = world_of_samples().await;
    let path = "/api/Report/Query/Header?$top=3";
    let first = station.get(path).await.expect(200);
    let tag = first.header("etag").unwrap().to_owned();
    let again = station.request("GET", path, &[("if-none-match", &tag)], None).await.expect(304);
    assert!(again.body.is_empty() && again.header("etag") == Some(&tag));
    station.request("GET", "/api/Report/Query/Header?$top=2", &[("if-none-match", &tag)], None).await.expect(200);
    submit(&station, &Sample::new("NEW", at(99_999), "P")).await;
    station.request("GET", path, &[("if-none-match", &tag)], None).await.expect(200);
}

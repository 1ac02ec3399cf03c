//! Reports come in once, stay whole, and go out as they came.

use andon::server::UnknownProcesses;
use andon::support::clock::Clock;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::http::Answer;
use crate::samples::{Sample, at};
use crate::world::{Client, PASSWORD, World};

pub async fn submit(client: &Client, sample: &Sample) {
    client.post("/api/Report/WSJF", &sample.json()).await.expect(200);
}

async fn list(client: &Client, query: &str) -> Vec<Value> {
    client.get(&format!("/api/Report/Query/Header?{query}")).await.expect(200).read()
}

#[tokio::test]
async fn a_report_is_given_back_to_the_letter() {
    let world = World::new().await;
    let station = world.station().await;
    let sample = Sample::new("SN'1\"; -- ęż", at(0), "P");
    let text = serde_json::to_string_pretty(&sample.json()).unwrap().replace("48.1", "48.100").replace("2.5", "2.50");
    let answer = station.post_text("/api/report/WSJF", &text).await.expect(200).json();
    assert_eq!(answer, json!([{ "ID": sample.id }]));
    let path = format!("/api/Report/Wsjf/{}", sample.id);
    assert_eq!(station.get(&path).await.expect(200).text(), text);
    assert_eq!(station.get(&path.to_uppercase()).await.expect(200).text(), text);
    station.get(&format!("/api/Report/Wsjf/{}", Uuid::new_v4())).await.expect_refusal(404, "not_found");
    station.get("/api/Report/Wsjf/5").await.expect_refusal(400, "bad_path");
    let rows = list(&station, "").await;
    assert_eq!(rows[0]["serialNumber"], "SN'1\"; -- ęż");
    assert_eq!(rows[0]["processName"], "End of line test");
    assert_eq!((rows[0]["result"].as_str(), rows[0]["run"].as_u64(), rows[0]["errorCode"].as_i64()), (Some("Passed"), Some(1), Some(17)));
    assert_eq!(
        (rows[0]["operator"].as_str(), rows[0]["comment"].as_str(), rows[0]["executionTime"].as_f64()),
        (Some("op7"), Some("próba"), Some(12.4))
    );
    assert_eq!(rows[0]["startUtc"].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap(), at(0));
}

#[tokio::test]
async fn the_same_id_again_is_acknowledged_and_replaced() {
    let world = World::new().await;
    let station = world.station().await;
    let mut sample = Sample::new("SN-1", at(0), "F");
    submit(&station, &sample).await;
    submit(&station, &sample).await;
    (sample.result, sample.failed) = ("P", "");
    submit(&station, &sample).await;
    let rows = list(&station, "").await;
    assert_eq!((rows.len(), rows[0]["result"].as_str()), (1, Some("Passed")));
    let total = total(&station).await;
    assert_eq!((total["unitCount"].as_u64(), total["fpCount"].as_u64(), total["testReportCount"].as_u64()), (Some(1), Some(1), Some(1)));
}

async fn total(client: &Client) -> Value {
    let rows: Vec<Value> = client.post("/api/App/DynamicYield", &json!({ "dateFrom": "2025-01-01" })).await.expect(200).read();
    rows.into_iter().next().unwrap_or_default()
}

#[tokio::test]
async fn the_same_run_under_another_id_replaces_the_older_one() {
    let world = World::new().await;
    let station = world.station().await;
    let first = Sample::new("SN-1", at(0), "F");
    let second = Sample { id: Uuid::new_v4(), result: "P", failed: "", ..first.clone() };
    let retest = Sample { id: Uuid::new_v4(), start: at(60), ..second.clone() };
    for sample in [&first, &second, &retest] {
        submit(&station, sample).await;
    }
    station.get(&format!("/api/Report/Wsjf/{}", first.id)).await.expect_refusal(404, "not_found");
    let rows = list(&station, "$orderby=start").await;
    assert_eq!(rows.iter().map(|row| row["uuid"].as_str().unwrap()).collect::<Vec<_>>(), [second.id.to_string(), retest.id.to_string()]);
    assert_eq!(rows.iter().map(|row| row["run"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 2]);
    let total = total(&station).await;
    assert_eq!((total["unitCount"].as_u64(), total["fpy"].as_f64(), total["testReportCount"].as_u64()), (Some(1), Some(100.0), Some(2)));
    let world = world.restart().await;
    let station = world.station().await;
    assert_eq!(list(&station, "").await.len(), 2);
    assert_eq!(self::total(&station).await["testReportCount"], 2);
}

#[tokio::test]
async fn what_is_no_report_is_refused_with_a_sentence() {
    let world = World::new().await;
    let station = world.station().await;
    let sentence = |answer: Answer| answer.expect_refusal(400, "bad_report").json()["Message"].as_str().unwrap().to_owned();
    assert!(sentence(station.post_text("/api/Report/WSJF", "{ nonsense").await).contains("JSON"));
    assert!(sentence(station.post_text("/api/Report/WSJF", "[]").await).contains("object"));
    let mut nameless = Sample::new("SN-1", at(0), "P").json();
    nameless.as_object_mut().unwrap().remove("pn");
    assert!(sentence(station.post("/api/Report/WSJF", &nameless).await).contains("pn"));
    let json = [("content-type", "application/json")];
    assert!(sentence(station.request("POST", "/api/Report/WSJF", &json, Some(b"{\"id\": \"\xff\"}")).await).contains("UTF-8"));
    station
        .request("POST", "/api/Report/WSJF", &[("content-type", "text/plain")], Some(b"{}"))
        .await
        .expect_refusal(415, "unsupported_media_type");
    assert!(list(&station, "").await.is_empty());
}

#[tokio::test]
async fn a_process_must_be_known_and_of_the_right_kind() {
    let world = World::new().await;
    let station = world.station().await;
    let unknown = Sample { process: 4711, ..Sample::new("SN-1", at(0), "P") };
    let refused = station.post("/api/Report/WSJF", &unknown.json()).await.expect_refusal(400, "unknown_process").json();
    assert!(refused["error"].as_str().unwrap().contains("4711"));
    let repair = Sample { process: 500, ..unknown.clone() };
    station.post("/api/Report/WSJF", &repair.json()).await.expect_refusal(400, "wrong_process");
    world.admin_tools().add_process(4711, "Leak test", false).await.unwrap();
    submit(&station, &unknown).await;
    let open = World::with(Clock::system(), |config| config.unknown_processes = UnknownProcesses::Accept).await;
    submit(&open.station().await, &unknown).await;
}

#[tokio::test]
async fn reports_need_a_token_that_may_submit_and_see() {
    let world = World::new().await;
    let sample = Sample::new("SN-1", at(0), "P").json();
    let routes = ["/api/Report/Query/Header", "/api/Report/Wsjf/5f0c2f1e-6a3b-4a55-9d0e-2f6f4c1b7a10", "/api/App/TopFailed"];
    world.anonymous().post("/api/Report/WSJF", &sample).await.expect_refusal(401, "unauthorized");
    world.anonymous().post("/api/App/DynamicYield", &json!({})).await.expect_refusal(401, "unauthorized");
    let secret = andon::support::secret::Secret::new(PASSWORD);
    world.admin_tools().add_user("visitor", andon::domain::Role::Guest, None, &secret).await.unwrap();
    let guest = world.person("visitor").await;
    guest.post("/api/Report/WSJF", &sample).await.expect_refusal(403, "forbidden");
    guest.post("/api/App/DynamicYield", &json!({})).await.expect_refusal(403, "forbidden");
    guest.post("/api/App/TopFailed", &json!({})).await.expect_refusal(403, "forbidden");
    for route in routes {
        world.anonymous().get(route).await.expect_refusal(401, "unauthorized");
        guest.get(route).await.expect_refusal(403, "forbidden");
    }
    for name in ["oper", "admin", "tech", "root"] {
        world.person(name).await.post("/api/Report/WSJF", &sample).await.expect(200);
    }
}

#[tokio::test]
async fn a_report_of_two_hundred_megabytes_is_refused_before_it_is_taken_in() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let world = World::new().await;
    let token = world.admin_tools().issue_token("line-a").await.unwrap();
    let mut stream = tokio::net::TcpStream::connect(world.running.address()).await.unwrap();
    let head = format!(
        "POST /api/Report/WSJF HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Basic {}\r\ncontent-length: 209715200\r\n\r\n",
        token.expose()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut from, mut to) = stream.split();
    let chunk = vec![b'x'; 1024 * 1024];
    let send = async {
        for _ in 0..200 {
            if to.write_all(&chunk).await.is_err() {
                break;
            }
        }
    };
    let mut bytes = Vec::new();
    let receive = async { from.read_to_end(&mut bytes).await.ok() };
    tokio::join!(send, receive);
    crate::http::parse(&bytes).expect_refusal(413, "too_large");
    assert!(list(&world.station().await, "").await.is_empty());
}

#[tokio::test]
async fn a_burst_of_stations_is_stored_once_each_while_people_sign_in() {
    let world = World::new().await;
    let station = world.station().await;
    let send = |n: i64| {
        let station = station.clone();
        tokio::spawn(async move {
            // Each twice, as after a lost answer.
            let sample = Sample::new(&format!("SN-{n}"), at(n), if n % 5 == 0 { "F" } else { "P" });
            submit(&station, &sample).await;
            submit(&station, &sample).await;
        })
    };
    let sending: Vec<_> = (0..150).map(send).collect();
    for _ in 0..5 {
        world.login("oper").await;
    }
    for sent in sending {
        sent.await.unwrap();
    }
    assert_eq!(list(&station, "$top=500").await.len(), 150);
    let total = total(&station).await;
    assert_eq!(
        (total["unitCount"].as_u64(), total["fpCount"].as_u64(), total["testReportCount"].as_u64()),
        (Some(150), Some(120), Some(150))
    );
}

#[tokio::test]
async fn a_repair_is_kept_and_listed_apart_and_counts_in_no_yield() {
    let world = World::new().await;
    let station = world.station().await;
    let repair = json!({
        "id": Uuid::new_v4(), "type": "R", "pn": "PSU-48V", "sn": "SN-1", "rev": "B", "processCode": 500, "result": "P", "machineName": "REP-1",
        "location": "Hall 2", "purpose": "Repair", "start": "2026-01-05T09:00:00+01:00",
        "uur": { "user": "op1", "comment": "new capacitor", "processCode": 100, "execTime": 0.0 },
        "subUnits": [{ "pn": "PSU-48V", "rev": "B", "sn": "SN-1", "partType": "Main", "idx": 0, "failures": [{ "category": "Component", "code": "Dry joint", "comRef": "C12" }] }],
    });
    station.post("/api/Report/WSJF", &repair).await.expect(200);
    let rows = list(&station, "reportType=R").await;
    assert_eq!((rows.len(), rows[0]["reportType"].as_str(), rows[0]["processName"].as_str()), (1, Some("R"), Some("Repair")));
    assert!(rows[0]["run"].is_null() && list(&station, "reportType=U").await.is_empty());
    assert_eq!(total(&station).await, Value::Null);
    station.get(&format!("/api/Report/Wsjf/{}", repair["id"].as_str().unwrap())).await.expect(200);
}

#[tokio::test]
async fn the_largest_reports_come_in_side_by_side() {
    let world = World::new().await;
    let station = world.station().await;
    let texts: Vec<(Uuid, String)> = (0..3)
        .map(|n| {
            let sample = Sample::new(&format!("SN-{n}"), at(n), "P");
            let mut report = sample.json();
            report["binaryData"] = json!([{ "name": "scope.bin", "data": "A".repeat(15 * 1024 * 1024) }]);
            (sample.id, report.to_string())
        })
        .collect();
    let sending: Vec<_> = texts.iter().cloned().map(|(_, text)| (station.clone(), text)).collect();
    let sending: Vec<_> = sending
        .into_iter()
        .map(|(station, text)| tokio::spawn(async move { station.post_text("/api/Report/WSJF", &text).await }))
        .collect();
    for sent in sending {
        sent.await.unwrap().expect(200);
    }
    for (id, text) in &texts {
        assert!(station.get(&format!("/api/Report/Wsjf/{id}")).await.expect(200).text() == text, "{id} is as it came");
    }
    let more = format!("{}{}", texts[0].1, " ".repeat(1024 * 1024));
    station.post_text("/api/Report/WSJF", &more).await.expect_refusal(413, "too_large");
}

//! The shapes that every answer has: JSON refusals, headers, limits.

use andon::server::StartError;
use chrono::{DateTime, TimeDelta};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::http::parse;
use crate::world::{PASSWORD, World};

#[tokio::test]
async fn every_answer_names_the_request_the_server_and_the_time() {
    let clock = andon::support::clock::Clock::held(DateTime::from_timestamp(1_800_000_000, 250_000_000).unwrap());
    let world = World::with(clock, |_| ()).await;
    let health = world.anonymous().get("/health").await.expect(200);
    let body = health.json();
    assert_eq!((body["status"].as_str(), body["reason"].as_str()), (Some("healthy"), Some("")));
    assert_eq!(health.header("x-andon-server"), body["server_id"].as_str());
    assert_eq!(health.header("x-andon-time"), Some("1800000000250"));
    let own = world.anonymous().request("GET", "/nothing", &[("x-request-id", "abc-1")], None).await.expect_refusal(404, "not_found");
    assert_eq!(own.header("x-request-id"), Some("abc-1"));
    let odd = world.anonymous().request("GET", "/health", &[("x-request-id", "<b>odd</b>")], None).await;
    assert_eq!(odd.header("x-request-id").map(str::len), Some(36));
    for path in ["/health/live", "/health/ready"] {
        world.anonymous().get(path).await.expect(200);
    }
}

#[tokio::test]
async fn unknown_addresses_and_methods_are_json() {
    let world = World::new().await;
    let nobody = world.anonymous();
    for path in
        ["/api", "/api/nothing", "/api/auth/login/x", "/api/%00", "/api/%zz", "/api/App/Nothing", "/x.html", "//", "/api/../etc/passwd"]
    {
        nobody.get(path).await.expect_refusal(404, "not_found");
    }
    nobody.get("/api/auth/login").await.expect_refusal(405, "method_not_allowed");
    nobody.request("DELETE", "/api/App/Version", &[], None).await.expect_refusal(405, "method_not_allowed");
    assert!(nobody.get("/api/app/nothing").await.json()["Message"].is_string());
    assert!(nobody.get("/api/nothing").await.json()["Message"].is_null());
    nobody.basic("oper", PASSWORD).get("/api/Auth/GetToken/%FF%FE").await.expect_refusal(400, "bad_path");
    nobody.basic("oper", PASSWORD).get("/api/Auth/GetToken?reset=perhaps").await.expect_refusal(400, "bad_query");
}

#[tokio::test]
async fn bodies_that_cannot_be_used_say_why() {
    let world = World::new().await;
    let nobody = world.anonymous();
    for body in ["", "{", "[]", "nul", "[\"oper\",\"correct horse\"]", "{\"username\":1,\"password\":\"x\"}", "\u{feff}{}"] {
        nobody.post_text("/api/auth/login", body).await.expect_refusal(400, "bad_body");
    }
    let missing = nobody.post_text("/api/auth/login", "{\"username\":\"oper\"}").await.expect_refusal(400, "bad_body").json();
    assert!(missing["error"].as_str().unwrap().contains("password"), "{missing}");
    let html = [("content-type", "text/html")];
    nobody.request("POST", "/api/auth/login", &html, Some(b"{}")).await.expect_refusal(415, "unsupported_media_type");
    let unknown = format!("{{\"username\":\"oper\",\"password\":\"{PASSWORD}\",\"colour\":\"red\"}}");
    nobody.post_text("/api/auth/login", &unknown).await.expect(200);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_with_and_without_a_length() {
    let world = World::new().await;
    let large = vec![b' '; 1024 * 1024 + 1];
    world
        .anonymous()
        .request("POST", "/api/auth/login", &[("content-type", "application/json")], Some(&large))
        .await
        .expect_refusal(413, "too_large");
    let mut stream = tokio::net::TcpStream::connect(world.running.address()).await.unwrap();
    stream.write_all(b"POST /api/auth/login HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n").await.unwrap();
    for _ in 0..17 {
        stream.write_all(b"10000\r\n").await.unwrap();
        stream.write_all(&[b' '; 0x10000]).await.unwrap();
        stream.write_all(b"\r\n").await.unwrap();
    }
    stream.write_all(b"0\r\n\r\n").await.unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    parse(&bytes).expect_refusal(413, "too_large");
}

#[tokio::test]
async fn a_wrong_token_is_401_and_never_403() {
    let world = World::new().await;
    let nobody = world.anonymous();
    let nearly = world.login("oper").await.access_token;
    let nearly = format!("{}x", &nearly[..nearly.len() - 1]);
    for client in [
        nobody.clone(),
        nobody.bearer("abc"),
        nobody.bearer("a.b.c"),
        nobody.basic_token("abc"),
        nobody.bearer(&nearly),
        nobody.basic("oper", PASSWORD),
    ] {
        for path in ["/api/App/Version", "/api/App/Processes", "/api/Report/wats/info", "/api/auth/me"] {
            let answer = client.get(path).await.expect_refusal(401, "unauthorized");
            assert!(answer.header("www-authenticate").is_some());
        }
    }
}

#[tokio::test]
async fn a_fresh_server_knows_three_processes_and_takes_more() {
    let world = World::new().await;
    let station = world.station().await;
    let list = station.get("/api/app/processes").await.expect(200).json();
    let codes: Vec<i64> = list.as_array().unwrap().iter().map(|process| process["code"].as_i64().unwrap()).collect();
    assert_eq!(codes, [10, 100, 500]);
    world.admin_tools().add_process(200, "Burn-in", false).await.unwrap();
    world.admin_tools().add_process(200, "Burn in", false).await.unwrap();
    assert!(world.admin_tools().add_process(201, "burn IN", false).await.is_err());
    let tests = station.get("/api/App/Processes?includeTestOperations=true").await.expect(200).json();
    assert_eq!(tests.as_array().unwrap().len(), 3);
    let tests = station.get("/api/App/Processes?includeTestOperations=true&includeRepairOperations=false").await.expect(200).json();
    assert!(tests.as_array().unwrap().iter().all(|process| process["isTestOperation"] == true && process["isRepairOperation"] == false));
    assert!(tests.as_array().unwrap().iter().any(|process| process["name"] == "Burn in"));
}

#[tokio::test]
async fn a_second_server_in_the_same_folder_is_refused_until_the_first_ends() {
    let world = World::on_file().await;
    let second = andon::server::start(world.config.clone(), world.clock.clone()).await;
    assert!(matches!(second, Err(StartError::InUse(_))));
    world.restart().await.anonymous().get("/health").await.expect(200);
}

#[tokio::test]
async fn a_stop_does_not_wait_for_callers_who_say_nothing() {
    let world = World::new().await;
    let mut silent = tokio::net::TcpStream::connect(world.running.address()).await.unwrap();
    silent.write_all(b"POST /api/auth/login HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{").await.unwrap();
    let stopped = tokio::time::timeout(TimeDelta::seconds(10).to_std().unwrap(), world.running.stop()).await;
    assert!(stopped.is_ok(), "a stop takes less than ten seconds");
}

#[tokio::test]
async fn a_stop_takes_leave_of_socket_io_at_once() {
    let world = World::new().await;
    let token = world.login("oper").await.access_token;
    let socket = crate::socket_io::signed_in(world.running.address(), &token).await;
    let stopped = tokio::time::timeout(TimeDelta::seconds(4).to_std().unwrap(), world.running.stop()).await;
    assert!(stopped.is_ok(), "nobody waits for a conversation that is over");
    drop(socket);
}

#[tokio::test]
async fn a_server_without_its_database_says_so_and_lives() {
    let world = World::new().await;
    let station = world.station().await;
    let mut connection = world.connect().await;
    for table in ["report_sources", "reports", "settings"] {
        sqlx::query(sqlx::AssertSqlSafe(format!("drop table {table}"))).execute(&mut connection).await.unwrap();
    }
    let health = world.anonymous().get("/health").await.expect(503).json();
    assert_eq!((health["status"].as_str(), health["reason"].as_str()), (Some("unhealthy"), Some("the database cannot be used")));
    world.anonymous().get("/health/ready").await.expect(503);
    world.anonymous().get("/health/live").await.expect(200);
    let refused = station.get("/api/Report/Query/Header").await.expect_refusal(503, "store_unavailable");
    assert!(refused.header("retry-after").is_some() && !refused.text().contains("table"));
    let report = crate::samples::Sample::new("SN-1", crate::samples::at(0), "P").json();
    station.post("/api/Report/WSJF", &report).await.expect_refusal(503, "store_unavailable");
}

#[cfg(unix)]
#[tokio::test]
async fn the_database_is_for_this_account_alone() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::on_file().await;
    for name in ["line.db", "line.db-wal"] {
        let mode = std::fs::metadata(world.folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn a_nul_in_any_text_is_refused_at_the_border() {
    let world = World::new().await;
    let (nobody, station) = (world.anonymous(), world.station().await);
    nobody.post("/api/auth/login", &json!({ "username": "op\u{0}", "password": PASSWORD })).await.expect_refusal(400, "bad_text");
    nobody.basic("op\u{0}", PASSWORD).get("/api/Auth/GetToken/x").await.expect_refusal(401, "invalid_credentials");
    nobody.basic("oper", PASSWORD).get("/api/Auth/GetToken/x%00").await.expect_refusal(400, "bad_text");
    station.get("/api/Report/Query/Header?%24filter=serialNumber%20eq%20%27%00%27").await.expect_refusal(400, "bad_text");
    station.post("/api/App/DynamicYield", &json!({ "partNumber": "\u{0}" })).await.expect_refusal(400, "bad_text");
    let good = crate::samples::Sample::new("SN-1", crate::samples::at(0), "F").json();
    for field in ["sn", "pn", "rev", "location", "purpose"] {
        let mut report = good.clone();
        report[field] = "a\u{0}b".into();
        station.post("/api/Report/WSJF", &report).await.expect_refusal(400, "bad_text");
    }
    station.post("/api/Report/WSJF", &good).await.expect(200);
}

#[tokio::test]
async fn health_in_detail_tells_each_part() {
    let world = World::new().await;
    let health = world.anonymous().get("/health/detailed").await.expect(200).json();
    assert_eq!(
        (&health["status"], &health["store"]["usable"], &health["cache"]["connected"]),
        (&json!("healthy"), &json!(true), &json!(true))
    );
    assert_eq!((&health["sockets"]["open"], &health["queue"]["reports_waiting"]), (&json!(0), &json!(0)), "{health}");
}

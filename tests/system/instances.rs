//! Several stations on one PC: each in its own folder, each owned by one process.

use std::time::Duration;

use crate::delivery::{assert_all_arrived, line_of_reports, wait_until_empty};
use crate::world::{Pc, Server, drop_report, feed, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_instances_do_not_touch_each_other_and_a_second_owner_is_refused() {
    let (left, right) = (Server::start(), Server::start());
    let pc = Pc::new();
    pc.login("left", &left.url());
    pc.login("right", &right.url());
    let _stations = [pc.station("left"), pc.station("right")];
    // Else the one that shall be refused could come first and be the owner.
    until("the stations own their instances", Duration::from_secs(20), || {
        let list = pc.json(&["instance", "list"]);
        list["instances"].as_array().unwrap().iter().all(|instance| instance["in_use"] == true).then_some(())
    });
    let sources = line_of_reports(30, 60);
    let (for_left, for_right) = sources.split_at(30);
    for (n, (a, b)) in for_left.iter().zip(for_right).enumerate() {
        drop_report(&pc.inbox("left"), &n.to_string(), a);
        drop_report(&pc.inbox("right"), &n.to_string(), b);
    }
    let refused = until("the owner holds its instance", Duration::from_secs(20), || {
        let mut third = pc.andonctl();
        third.args(["station", "run", "--instance", "left"]);
        let mut child = third.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::piped()).spawn().unwrap();
        let ended = (0..100).find_map(|_| {
            crate::world::pause(Duration::from_millis(20));
            child.try_wait().unwrap()
        });
        if ended.is_none() {
            let _ = child.kill();
        }
        let output = child.wait_with_output().unwrap();
        ended.filter(|status| !status.success()).map(|_| String::from_utf8_lossy(&output.stderr).into_owned())
    });
    assert!(refused.contains("left"), "the sentence names the instance: {refused:?}");
    assert_eq!(refused.trim().lines().count(), 1, "one sentence: {refused:?}");
    for instance in ["left", "right"] {
        wait_until_empty(&pc, instance, Duration::from_secs(60));
    }
    assert_all_arrived(&left, for_left).await;
    assert_all_arrived(&right, for_right).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_can_be_submitted_beside_a_running_station() {
    let server = Server::start();
    let pc = Pc::new();
    pc.login("eol", &server.url());
    let _station = pc.station("eol");
    let sources = line_of_reports(31, 5);
    let folder = tempfile::tempdir().unwrap();
    let mut command = pc.andonctl();
    command.args(["report", "submit", "--instance", "eol"]);
    for (n, source) in sources.iter().enumerate() {
        let file = folder.path().join(format!("{n}.json"));
        std::fs::write(&file, source).unwrap();
        command.arg(file);
    }
    let output = feed(command, "");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    wait_until_empty(&pc, "eol", Duration::from_secs(60));
    assert_all_arrived(&server, &sources).await;
}

#[test]
fn signing_out_takes_the_token_along_whatever_else_is_told() {
    let server = Server::start();
    let pc = Pc::new();
    pc.login("eol", &server.url());
    let path = pc.instance("eol").join("config.json");
    let config = || serde_json::from_slice::<serde_json::Value>(&std::fs::read(&path).unwrap()).unwrap();
    let mut changed = config();
    assert_ne!(changed["connection"]["token_encrypted"], "");
    changed["connection"]["ca_file"] = "gone.pem".into();
    std::fs::write(&path, changed.to_string()).unwrap();
    let mut command = pc.andonctl();
    command.args(["logout", "--instance", "eol"]);
    let output = feed(command, "");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(told.contains("gone.pem"), "it is said all the same: {told}");
    assert_eq!(config()["connection"]["token_encrypted"], "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_submitted_while_the_server_is_gone_is_queued_and_the_exit_code_says_so() {
    let mut server = Server::start();
    let pc = Pc::new();
    pc.login("eol", &server.url());
    server.kill();
    let sources = line_of_reports(32, 1);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("one.json");
    std::fs::write(&file, &sources[0]).unwrap();
    let mut command = pc.andonctl();
    command.args(["report", "submit", "--instance", "eol"]).arg(&file);
    let output = feed(command, "");
    assert_eq!(output.status.code(), Some(4), "{}", String::from_utf8_lossy(&output.stderr));
    server.resume();
    let _station = pc.station("eol");
    wait_until_empty(&pc, "eol", Duration::from_secs(60));
    assert_all_arrived(&server, &sources).await;
}

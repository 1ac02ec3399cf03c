//! Sudden deaths at random moments, of the station and of the server: nothing is lost, nothing is doubled.

use std::time::Duration;

use crate::delivery::{assert_all_arrived, line_of_reports, wait_until_empty};
use crate::world::{Pc, Server, drop_report, pause};

/// A small generator of its own, so that a failing round can be played again.
struct Chance(u64);

impl Chance {
    fn millis(&mut self, from: u64, to: u64) -> Duration {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Duration::from_millis(from + (self.0 >> 33) % (to - from))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_station_killed_two_hundred_times_loses_and_doubles_nothing() {
    let server = Server::start();
    let pc = Pc::new();
    pc.login("eol", &server.url());
    let sources = line_of_reports(3, 1000);
    let inbox = pc.inbox("eol");
    let mut chance = Chance(42);
    for (round, batch) in sources.chunks(5).enumerate() {
        let mut station = pc.station("eol");
        for (n, source) in batch.iter().enumerate() {
            drop_report(&inbox, &format!("{round:03}-{n}"), source);
        }
        pause(chance.millis(40, 700));
        station.kill();
    }
    let _station = pc.station("eol");
    wait_until_empty(&pc, "eol", Duration::from_secs(120));
    assert_all_arrived(&server, &sources).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_killed_fifty_times_loses_and_doubles_nothing() {
    let mut server = Server::start();
    let pc = Pc::new();
    pc.login("eol", &server.url());
    let sources = line_of_reports(4, 500);
    let inbox = pc.inbox("eol");
    let _station = pc.station("eol");
    let mut chance = Chance(43);
    for (round, batch) in sources.chunks(10).enumerate() {
        for (n, source) in batch.iter().enumerate() {
            drop_report(&inbox, &format!("{round:03}-{n}"), source);
        }
        pause(chance.millis(100, 900));
        server.kill();
        server.resume();
    }
    wait_until_empty(&pc, "eol", Duration::from_secs(240));
    assert_all_arrived(&server, &sources).await;
}

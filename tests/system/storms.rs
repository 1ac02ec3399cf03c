//! Every kind of bad network between a station and its server: each report arrives once all the same.

use std::time::Duration;

use crate::chaos::{Chaos, Weather};
use crate::delivery::{assert_all_arrived, line_of_reports, wait_until_empty};
use crate::world::{Pc, Server, drop_report, pause};

/// Sixty reports through `weather` on every second connection, then through fair weather.
async fn deliver_through(seed: u64, weather: Weather) {
    let server = Server::start();
    let chaos = Chaos::before(server.address).await;
    let pc = Pc::new();
    pc.login("eol", &chaos.url);
    let mut odd = false;
    chaos.forecast(move || {
        odd = !odd;
        if odd { weather.clone() } else { Weather::Fair }
    });
    let sources = line_of_reports(seed, 60);
    let inbox = pc.inbox("eol");
    let _station = pc.station("eol");
    for (n, source) in sources.iter().enumerate() {
        drop_report(&inbox, &format!("{n:02}"), source);
    }
    pause(Duration::from_secs(5));
    chaos.set(Weather::Fair);
    wait_until_empty(&pc, "eol", Duration::from_secs(180));
    assert_all_arrived(&server, &sources).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reports_arrive_once_through_cut_connections() {
    deliver_through(10, Weather::Cut).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reports_arrive_once_through_delays() {
    deliver_through(11, Weather::Delayed(Duration::from_millis(1500))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reports_arrive_once_though_the_server_fails_every_other_time() {
    deliver_through(12, Weather::Answer(500)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reports_arrive_once_though_the_server_asks_for_time() {
    deliver_through(13, Weather::Answer(429)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reports_arrive_once_though_half_the_answers_break_off() {
    deliver_through(14, Weather::HalfAnswer).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reports_arrive_once_though_half_the_answers_are_lost() {
    deliver_through(15, Weather::LostAnswer).await;
}

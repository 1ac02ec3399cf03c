//! What a plant's Prometheus reads, on a listener of its own. Figures are of the process and are kept only when somebody asked for
//! them. Labels are words of ours or routes as they are written; never what a caller made up, so that nobody can fill the memory.

use std::sync::OnceLock;
use std::time::Duration;

use axum::Router;
use axum::http::{Method, header};
use axum::routing::get;
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::domain::Role;

/// Upper ends of the buckets that durations are counted into, in seconds.
const BUCKETS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Where a request went that no route took.
const NO_ROUTE: &str = "none";
/// How often measured durations are put into their buckets. Until then they take memory.
const UPKEEP: Duration = Duration::from_secs(5);

static KEPT: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// Whether anybody asked for figures. What is dear to put together is spared while nobody does.
pub(super) fn are_kept() -> bool {
    KEPT.get().is_some_and(Option::is_some)
}

/// Starts keeping figures in this process; the second time gives the same ones.
fn keep() -> Option<&'static PrometheusHandle> {
    let start = || {
        let builder = PrometheusBuilder::new().set_buckets(BUCKETS);
        let started = builder.and_then(PrometheusBuilder::install_recorder);
        started.inspect(|_| describe()).inspect_err(|error| tracing::error!("no metrics are kept: {error}")).ok()
    };
    KEPT.get_or_init(start).as_ref()
}

fn describe() {
    describe_counter!("login_attempts_total", "Sign-ins with a name and a password, by the account's role and by how they ended.");
    describe_counter!(
        "websocket_auth_total",
        "Tokens, passwords and pages' sessions that came over live sockets and Socket.IO, by how they were taken."
    );
    describe_counter!("websocket_auth_timeouts_total", "Live sockets that never showed who they are.");
    describe_counter!("websocket_reauth_total", "Tokens renewed on open live sockets, by how they were taken.");
    describe_counter!("sensor_readings_total", "Readings taken, by sensor.");
    describe_counter!("alerts_total", "Alerts raised, by type.");
    describe_counter!("reports_received_total", "Test reports that were stored.");
    describe_gauge!("websocket_connections_active", "Live sockets and Socket.IO connections that are open.");
    describe_gauge!("source_state", "1 while a source of readings is connected, else 0.");
    describe_histogram!("request_duration_seconds", Unit::Seconds, "Requests, by method and route.");
    describe_histogram!("websocket_message_duration_seconds", Unit::Seconds, "Messages of live sockets.");
    // What can only grow is there from the start, so that its first rise is seen.
    counter!("reports_received_total").absolute(0);
    counter!("websocket_auth_timeouts_total").absolute(0);
    for result in ["ok", "refused"] {
        counter!("websocket_auth_total", "result" => result).absolute(0);
        counter!("websocket_reauth_total", "result" => result).absolute(0);
    }
    for role in Role::ALL.into_iter().filter(|role| *role != Role::Station) {
        counter!("login_attempts_total", "role" => role.as_str(), "status" => "success").absolute(0);
    }
    for status in ["invalid_credentials", "locked"] {
        counter!("login_attempts_total", "role" => "UNKNOWN", "status" => status).absolute(0);
    }
    gauge!("websocket_connections_active").set(0.0);
}

/// Serves the figures until `stop`.
pub(super) async fn serve(listener: TcpListener, stop: CancellationToken) {
    let Some(figures) = keep() else { return };
    let render = async move || ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], figures.render());
    let router = Router::new().route("/metrics", get(render));
    let upkeep = async {
        loop {
            tokio::time::sleep(UPKEEP).await;
            figures.run_upkeep();
        }
    };
    tokio::select! {
        ended = async { axum::serve(listener, router).await } => {
            if let Err(error) = ended {
                tracing::error!("metrics are no longer served: {error}");
            }
        }
        () = upkeep => {}
        () = stop.cancelled() => {}
    }
}

/// Somebody tried to sign in. `role` is that of the account, where there is one; `status` is `success` or a refusal's code.
pub(super) fn login(role: Option<Role>, status: &'static str) {
    counter!("login_attempts_total", "role" => role.map_or("UNKNOWN", Role::as_str), "status" => status).increment(1);
}

/// A request was answered. `route` is as it stands in the router. Socket.IO's are left out: most of them only wait for something to happen.
pub(super) fn request(method: &Method, route: Option<&str>, took: Duration) {
    if route.is_some_and(|route| route.starts_with("/socket.io")) {
        return;
    }
    const KNOWN: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
    let method = KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("OTHER");
    let endpoint = route.unwrap_or(NO_ROUTE).to_owned();
    histogram!("request_duration_seconds", "method" => method, "endpoint" => endpoint).record(took.as_secs_f64());
}

/// Somebody showed who he is over Socket.IO, or tried to.
pub(super) fn signed_in_on_socket_io(taken: bool) {
    counter!("websocket_auth_total", "result" => if taken { "ok" } else { "refused" }).increment(1);
}

/// Reports were stored.
pub(super) fn reports_received(count: usize) {
    counter!("reports_received_total").increment(count as u64);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(work: impl FnOnce()) -> String {
        let recorder = PrometheusBuilder::new().set_buckets(BUCKETS).unwrap().build_recorder();
        metrics::with_local_recorder(&recorder, work);
        recorder.handle().render()
    }

    #[test]
    fn sign_ins_are_counted_by_role_and_by_how_they_ended() {
        let text = counted(|| {
            login(Some(Role::Technician), "success");
            login(None, "invalid_credentials");
            login(None, "invalid_credentials");
        });
        for line in [
            "login_attempts_total{role=\"SERWISANT\",status=\"success\"} 1",
            "login_attempts_total{role=\"UNKNOWN\",status=\"invalid_credentials\"} 2",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn polls_that_wait_for_news_are_no_slow_requests() {
        let text = counted(|| {
            request(&Method::GET, Some("/socket.io/"), Duration::from_secs(25));
            request(&Method::GET, Some("/api/auth/me"), Duration::from_millis(3));
        });
        assert!(text.contains("/api/auth/me") && !text.contains("socket.io"), "{text}");
    }

    #[test]
    fn whatever_a_caller_makes_up_is_counted_as_one() {
        let text = counted(|| {
            for n in 0..50 {
                let made_up = Method::from_bytes(format!("MADE{n}").as_bytes()).unwrap();
                request(&made_up, None, Duration::from_millis(3));
            }
        });
        assert!(text.contains("request_duration_seconds_count{method=\"OTHER\",endpoint=\"none\"} 50"), "{text}");
        assert!(text.contains("request_duration_seconds_bucket{method=\"OTHER\",endpoint=\"none\",le=\"0.005\"} 50"), "{text}");
    }
}

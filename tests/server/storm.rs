//! Two thousand wrong sign-ins from fifty addresses at full speed, at the cost that a real server has, and everybody else goes on.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::http::{Answer, send_from};
use crate::world::{Client, PASSWORD, World};

/// As on a real server.
const COST: u32 = 12;
const ADDRESSES: u8 = 50;
const TRIES: usize = 40;

async fn wrong(world_address: SocketAddr, source: u8, name: &str, number: usize) -> Answer {
    let body = json!({ "username": name, "password": format!("guess {number}") });
    // Each says to be somebody else, and nobody believes it.
    let forged = format!("10.9.{source}.{}", number % 250);
    let headers = [("x-forwarded-for", forged.as_str()), ("forwarded", "for=10.1.1.1")];
    send_from(IpAddr::V4(Ipv4Addr::new(127, 0, 0, source)), world_address, "/api/auth/login", &headers, &body).await
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// How long a colleague's requests take, one after the other, until he is told to stop.
async fn work(client: &Client, least: usize, stop: impl Fn() -> bool) -> Vec<Duration> {
    let mut times = Vec::new();
    while times.len() < least || !stop() {
        let started = Instant::now();
        client.get("/api/Report/Query/Header?$top=1").await.expect(200);
        times.push(started.elapsed());
        // He does something else between two requests: a burst of his own would measure himself.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    times
}

/// Wrong sign-ins at one name; what each was answered, and how long it was told to wait.
#[cfg(target_os = "linux")]
async fn two_thousand(address: SocketAddr, over: Arc<AtomicBool>) -> Vec<(u16, Option<String>)> {
    let attack = move |source: u8| async move {
        let mut answers = Vec::new();
        for number in 0..TRIES {
            let answer = wrong(address, source, "admin", number).await;
            answers.push((answer.status, answer.header("retry-after").map(str::to_owned)));
        }
        answers
    };
    let answers = (2..2 + ADDRESSES).map(attack).collect::<JoinSet<_>>().join_all().await.concat();
    over.store(true, Ordering::SeqCst);
    answers
}

/// The server's memory in KiB: this very process, for the server runs in it.
#[cfg(target_os = "linux")]
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_wrong_sign_ins_hurt_nobody_else() {
    let world = Arc::new(World::with(andon::support::clock::Clock::system(), |config| config.password_cost = COST).await);
    let (colleague, address) = (world.operator().await, world.running.address());
    for n in 0..3 {
        wrong(address, 60, "admin", n).await.expect_refusal(401, "invalid_credentials");
    }
    let memory_before = resident_kib();
    assert_unhurt(|| async {
        let before = median(work(&colleague, 60, || true).await);
        let over = Arc::new(AtomicBool::new(false));
        let storm = tokio::spawn(two_thousand(address, over.clone()));
        let during = work(&colleague, 20, || over.load(Ordering::SeqCst)).await;
        let answers = storm.await.unwrap();
        // Locked before it began: not one of them is hashed, which would take minutes.
        let odd = answers.iter().find(|(status, wait)| *status != 429 || wait.is_none());
        assert_eq!((answers.len(), odd), (usize::from(ADDRESSES) * TRIES, None));
        (before, median(during))
    })
    .await;
    let grown = resident_kib().saturating_sub(memory_before);
    assert!(grown < 32 * 1024, "{grown} KiB more");

    // The right person is told how long; the header he is said to come with changes nothing.
    let told = world.anonymous().post("/api/auth/login", &json!({ "username": "admin", "password": PASSWORD })).await;
    let told = told.expect_refusal(429, "locked");
    let wait: u64 = told.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=300).contains(&wait), "{wait}");
    let failures: Vec<Value> = world.person("root").await.get("/api/audit?action=login&limit=1000").await.expect(200).read();
    let failed: Vec<&Value> = failures.iter().filter(|entry| entry["result"] == "invalid_credentials").collect();
    assert_eq!(failed.len(), 3, "only what was hashed is an entry");
    assert!(failed.iter().all(|entry| entry["address"] == "127.0.0.60"), "{failed:?}");
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guesses_at_many_names_leave_a_place_for_the_right_person() {
    let world = Arc::new(World::with(andon::support::clock::Clock::system(), |config| config.password_cost = COST).await);
    let (colleague, address) = (world.operator().await, world.running.address());
    let storm = || {
        let attack = move |source: u8| async move {
            for number in 0.. {
                let answer = wrong(address, source, &format!("name-{source}-{number}"), number).await;
                assert!([401, 429, 503].contains(&answer.status), "{}", answer.status);
            }
        };
        (2..2 + ADDRESSES).map(attack).collect::<JoinSet<()>>()
    };
    let mut attackers = storm();
    let person = tokio::time::timeout(Duration::from_secs(60), world.login("tech")).await;
    assert!(person.is_ok(), "a right sign-in from a quiet address waits for its turn among the addresses, not behind all guesses");
    attackers.shutdown().await;
    assert_unhurt(|| async {
        let before = median(work(&colleague, 60, || true).await);
        let mut attackers = storm();
        let during = median(work(&colleague, 200, || true).await);
        attackers.shutdown().await;
        (before, during)
    })
    .await;
}

/// A server that slows everybody down fails every time; a machine that is busy with something else does not.
async fn assert_unhurt<F: Future<Output = (Duration, Duration)>>(measure: impl Fn() -> F) {
    let mut seen = Vec::new();
    for _ in 0..5 {
        let (before, during) = measure().await;
        seen.push((before, during));
        if during < before * 2 + Duration::from_millis(3) {
            return;
        }
    }
    panic!("before and in the storm: {seen:?}");
}

//! Two true servers on one PostgreSQL and one Redis: they behave as one, and go on when parts of them die.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use andon::protocol::auth::LoginResponse;
use serde_json::{Value, json};
use sqlx::Executor;
use tempfile::TempDir;

use crate::plant::{PlantDatabase, Redis};
use crate::program::{Served, run_well, serve_with};
use crate::samples::{Sample, at};
use crate::socket_io::{next_packet, signed_in};
use crate::wire::Wire;
use crate::world::{Client, PASSWORD};

/// One server, with a folder and keys of its own.
pub struct Server {
    folder: TempDir,
    pub served: Served,
}

pub struct Plant {
    pub a: Server,
    pub b: Server,
    redis: Redis,
    database: PlantDatabase,
}

impl Plant {
    /// With the user `anna`, an operator.
    pub fn start() -> Plant {
        let (database, redis) = (PlantDatabase::new(), Redis::start());
        let a = Server::start(&database, &redis);
        let url = database.url();
        let add = ["user", "add", "anna", "--role", "SUPERUSER", "--password-stdin", "--database", &url];
        run_well(a.folder.path(), &add, &format!("{PASSWORD}\n"));
        Plant { b: Server::start(&database, &redis), a, redis, database }
    }

    fn command(&self, words: &[&str]) -> String {
        self.command_with(words, "")
    }

    fn command_with(&self, words: &[&str], input: &str) -> String {
        run_well(self.a.folder.path(), &[words, &["--database", &self.database.url()]].concat(), input)
    }
}

impl Server {
    fn start(database: &PlantDatabase, redis: &Redis) -> Server {
        Server::start_with(database, &redis.url())
    }

    fn start_with(database: &PlantDatabase, redis: &str) -> Server {
        let folder = tempfile::tempdir().unwrap();
        let served = serve_with(folder.path(), &["--database", &database.url(), "--redis", redis]);
        Server { folder, served }
    }

    fn client(&self) -> Client {
        Client::at(self.served.address)
    }

    async fn login(&self) -> Client {
        self.client().bearer(&self.token().await)
    }

    pub async fn token(&self) -> String {
        let body = json!({ "username": "anna", "password": PASSWORD });
        self.client().post("/api/auth/login", &body).await.expect(200).read::<LoginResponse>().access_token
    }

    async fn health(&self) -> String {
        self.client().get("/health").await.expect(200).json()["status"].as_str().unwrap().to_owned()
    }

    pub fn address(&self) -> SocketAddr {
        self.served.address
    }
}

/// Asks until the answer is good. How long that took.
pub async fn eventually(what: &str, limit: Duration, mut good: impl AsyncFnMut() -> bool) -> Duration {
    let started = Instant::now();
    while !good().await {
        assert!(started.elapsed() < limit, "waited {limit:?} in vain until {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    started.elapsed()
}

async fn units(client: &Client) -> u64 {
    let rows: Value = client.post("/api/App/DynamicYield", &json!({ "dateFrom": "2026-01-01T00:00:00Z" })).await.expect(200).json();
    rows[0]["unitCount"].as_u64().unwrap_or(0)
}

#[tokio::test]
async fn who_logs_in_on_one_server_acts_on_the_other_and_logs_out_of_both() {
    let plant = Plant::start();
    for (here, there) in [(&plant.a, &plant.b), (&plant.b, &plant.a)] {
        let on_a = here.login().await;
        let on_b = on_a.moved_to(there.address());
        on_a.get("/api/auth/me").await.expect(200);
        on_b.get("/api/auth/me").await.expect(200);
        on_b.post("/api/auth/logout", &json!({})).await.expect(200);
        let refused = async || on_a.get("/api/auth/me").await.status == 401;
        eventually("the other server refuses too", Duration::from_secs(1), refused).await;
    }
    let station = plant.a.login().await;
    plant.command(&["user", "disable", "anna"]);
    let refused = async || station.moved_to(plant.b.address()).get("/api/auth/me").await.status == 401;
    eventually("a disabled account is refused", Duration::from_secs(5), refused).await;
}

#[tokio::test]
async fn wrong_passwords_on_both_servers_lock_a_name_on_both_and_an_administrator_frees_it_on_both() {
    let mut plant = Plant::start();
    // Failures are counted in the database: without Redis nobody gets more tries.
    plant.redis.kill();
    let sign_in = async |server: &Server, name: &str, password: &str| {
        server.client().post("/api/auth/login", &json!({ "username": name, "password": password })).await
    };
    for name in ["anna", "nobody"] {
        for server in [&plant.a, &plant.b, &plant.a] {
            sign_in(server, name, "wrong wrong").await.expect_refusal(401, "invalid_credentials");
        }
        for server in [&plant.a, &plant.b] {
            let locked = sign_in(server, name, PASSWORD).await.expect_refusal(429, "locked");
            let left: u64 = locked.header("retry-after").unwrap().parse().unwrap();
            assert!((200..=300).contains(&left), "{left}");
        }
    }
    plant.command(&["user", "unlock", "anna"]);
    for server in [&plant.a, &plant.b] {
        sign_in(server, "anna", PASSWORD).await.expect(200);
    }
}

#[tokio::test]
async fn a_server_that_hangs_in_the_middle_of_a_change_holds_up_the_others_for_seconds_only() {
    let plant = Plant::start();
    let session = plant.b.login().await;
    let mut hung = plant.database.connect().await;
    // The lock of changes, as another server would hold it.
    hung.execute("begin; select pg_advisory_xact_lock(418463903598)").await.unwrap();
    let started = Instant::now();
    let change = json!({ "content": "waiting" });
    session.post("/api/chat/line/messages", &change).await.expect(201);
    let refused = plant.a.client().post("/api/auth/login", &json!({ "username": "anna", "password": PASSWORD })).await;
    refused.expect_refusal(503, "store_unavailable");
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
    hung.execute("rollback").await.unwrap();
    plant.a.login().await;
}

#[tokio::test]
async fn yields_follow_what_the_other_server_stored_with_redis_and_without() {
    let mut plant = Plant::start();
    let on_a = plant.a.login().await;
    let on_b = on_a.moved_to(plant.b.address());
    settle(&plant).await;
    let mut waits = Vec::new();
    for n in 0..9 {
        let tag = on_b.get("/api/Report/Query/Header").await.expect(200).header("etag").unwrap().to_owned();
        on_a.post("/api/Report/WSJF", &Sample::new(&format!("SN-{n}"), at(n), "P").json()).await.expect(200);
        waits.push(eventually("the other server counts it", Duration::from_secs(10), async || units(&on_b).await == n as u64 + 1).await);
        let again = on_b.request("GET", "/api/Report/Query/Header", &[("if-none-match", &tag)], None).await;
        assert_eq!(again.status, 200, "a list that grew elsewhere is not told to be unchanged");
    }
    waits.sort();
    assert!(waits[4] < Duration::from_millis(500), "news come over redis, not by looking now and then: {waits:?}");
    // The same run again under another id replaces the first, on the other server as well.
    on_b.post("/api/Report/WSJF", &Sample::new("SN-0", at(0), "F").json()).await.expect(200);
    let failed = async || {
        let rows: Value = on_a.post("/api/App/DynamicYield", &json!({ "dateFrom": "2026-01-01T00:00:00Z" })).await.expect(200).json();
        rows[0]["unitCount"] == 9 && rows[0]["fpCount"] == 8
    };
    eventually("a replaced report is counted once", Duration::from_secs(10), failed).await;

    plant.redis.kill();
    eventually("health tells", Duration::from_secs(10), async || plant.a.health().await == "degraded").await;
    on_a.post("/api/Report/WSJF", &Sample::new("SN-9", at(90), "P").json()).await.expect(200);
    eventually("the database is looked at", Duration::from_secs(10), async || units(&on_b).await == 10).await;
}

#[tokio::test]
async fn redis_killed_and_back_leaves_nothing_wrong_and_health_tells() {
    let mut plant = Plant::start();
    let healthy = async |plant: &Plant, word: &str| plant.a.health().await == word && plant.b.health().await == word;
    eventually("both are well", Duration::from_secs(10), async || healthy(&plant, "healthy").await).await;
    let before = plant.a.login().await;
    plant.redis.kill();
    eventually("both say degraded", Duration::from_secs(10), async || healthy(&plant, "degraded").await).await;
    let reason = plant.a.client().get("/health").await.expect(200).json();
    assert!(reason["reason"].as_str().unwrap().contains("redis"), "{reason}");
    plant.a.client().get("/health/ready").await.expect(200);
    before.moved_to(plant.b.address()).get("/api/auth/me").await.expect(200);
    let mut live = Wire::following(plant.b.address(), &plant.b.token().await, &["chat", "reports", "yield"]).await;
    let mut original = signed_in(plant.b.address(), &plant.b.token().await).await;
    before.post("/api/chat/line/messages", &json!({ "content": "while it was away" })).await.expect(201);
    before.post("/api/Report/WSJF", &Sample::new("SN-1", at(1), "P").json()).await.expect(200);
    assert_eq!(live.expect("report_received").await["serial_number"], "SN-1", "followers of the other server hear of it by its look");
    live.expect("yield_changed").await;
    let during = plant.b.login().await.moved_to(plant.a.address());
    during.get("/api/auth/me").await.expect(200);
    during.post("/api/auth/logout", &json!({})).await.expect(200);
    let refused = async || during.moved_to(plant.b.address()).get("/api/auth/me").await.status == 401;
    eventually("a session ended meanwhile is refused by the database", Duration::from_secs(5), refused).await;
    plant.redis.resume();
    eventually("both are well again by themselves", Duration::from_secs(20), async || healthy(&plant, "healthy").await).await;
    before.get("/api/auth/me").await.expect(200);
    assert_eq!(live.expect("chat_message").await["content"], "while it was away");
    let heard = next_packet(&mut original).await;
    assert!(heard.starts_with("42[\"message\"") && heard.contains("while it was away"), "{heard}");
    before.post("/api/chat/line/messages", &json!({ "content": "and now" })).await.expect(201);
    assert_eq!(live.expect("chat_message").await["content"], "and now");
    let heard = next_packet(&mut original).await;
    assert!(heard.contains("and now"), "what was said meanwhile came once: {heard}");
}

#[tokio::test]
async fn a_message_on_one_server_reaches_sockets_on_the_other_once() {
    let plant = Plant::start();
    settle(&plant).await;
    let token = plant.a.token().await;
    let mut on_a = Wire::following(plant.a.address(), &token, &["chat"]).await;
    let mut on_b = Wire::following(plant.b.address(), &token, &["chat"]).await;
    for (server, content) in [(&plant.a, "ą <b> 🙂"), (&plant.b, "and back")] {
        let say = json!({ "content": content });
        server.client().bearer(&token).post("/api/chat/line/messages", &say).await.expect(201);
        let (one, other) = (on_a.expect("chat_message").await, on_b.expect("chat_message").await);
        assert_eq!(one, other);
        assert_eq!(one["content"], content);
    }
    // Nothing comes a second time: the next frame is the answer to this.
    for socket in [&mut on_a, &mut on_b] {
        socket.say("ping", "p", json!({})).await;
        socket.expect("pong").await;
    }
    let other = plant.b.client().bearer(&token);
    let present = async |n| other.get("/api/chat/presence").await.expect(200).json()["present"].as_array().unwrap().len() == n;
    eventually("anna is there, once", Duration::from_secs(10), async || present(1).await).await;
    drop(on_a);
    let url = plant.database.url();
    run_well(plant.a.folder.path(), &["user", "add", "jan", "--role", "OPERATOR", "--password-stdin", "--database", &url], PASSWORD);
    let jan: LoginResponse =
        plant.a.client().post("/api/auth/login", &json!({ "username": "jan", "password": PASSWORD })).await.expect(200).read();
    let jan = Wire::following(plant.a.address(), &jan.access_token, &["chat"]).await;
    eventually("who is on the other server is present", Duration::from_secs(10), async || present(2).await).await;
    drop(jan);
    eventually("and is not when he has left", Duration::from_secs(15), async || present(1).await).await;
    let session = plant.a.client().bearer(&token);
    session.post("/api/auth/logout", &json!({})).await.expect(200);
    let ended = Instant::now();
    on_b.ending().await;
    assert!(ended.elapsed() < Duration::from_secs(5), "a revocation reaches the other server's open sockets: {:?}", ended.elapsed());
}

/// Both servers hear each other over Redis.
async fn settle(plant: &Plant) {
    eventually("both hear each other", Duration::from_secs(10), async || {
        plant.a.health().await == "healthy" && plant.b.health().await == "healthy"
    })
    .await;
}

#[tokio::test]
async fn thirty_messages_a_minute_are_thirty_on_all_servers_together_and_each_counts_when_redis_is_gone() {
    let mut plant = Plant::start();
    settle(&plant).await;
    let session = plant.a.login().await;
    let say = async |server: &Server| {
        let said = session.moved_to(server.address()).post("/api/chat/line/messages", &json!({ "content": "again" })).await;
        match said.status {
            201 => true,
            _ => {
                let wait = said.expect_refusal(429, "rate_limit").header("retry-after").map(|wait| wait.parse::<u64>().unwrap());
                assert!(wait.is_some_and(|wait| (1..=3).contains(&wait)), "{wait:?}");
                false
            }
        }
    };
    let started = Instant::now();
    let all = futures_util::future::join_all((0..50).map(|n| say(if n % 2 == 0 { &plant.a } else { &plant.b }))).await;
    // One comes back every two seconds. Each server by itself would take all of its 25.
    let come_back = started.elapsed().as_secs() as usize / 2 + 1;
    let taken = all.iter().filter(|taken| **taken).count();
    assert!((30..=30 + come_back.min(15)).contains(&taken), "{taken} in {:?}", started.elapsed());

    plant.redis.kill();
    eventually("it is known", Duration::from_secs(10), async || plant.b.health().await == "degraded").await;
    let other = plant.b.client().bearer(&plant.b.token().await);
    eventually("each server counts by itself", Duration::from_secs(10), async || {
        let said = other.post("/api/chat/line/messages", &json!({ "content": "alone" })).await;
        said.status == 201
    })
    .await;
}

#[tokio::test]
async fn what_all_servers_together_refuse_is_not_counted_by_the_one_that_was_asked() {
    let mut plant = Plant::start();
    settle(&plant).await;
    let session = plant.a.login().await;
    let say = async |server: &Server| {
        session.moved_to(server.address()).post("/api/chat/line/messages", &json!({ "content": "again" })).await.status
    };
    for _ in 0..30 {
        say(&plant.a).await;
    }
    let refused = futures_util::future::join_all((0..40).map(|_| say(&plant.b))).await.into_iter().filter(|status| *status == 429).count();
    assert!(refused > 25, "{refused}");
    plant.redis.kill();
    eventually("it is known", Duration::from_secs(10), async || plant.b.health().await == "degraded").await;
    for n in 0..15 {
        assert_eq!(say(&plant.b).await, 201, "the other's own share is as it was: {n}");
    }
}

#[tokio::test]
async fn what_could_not_be_carried_is_made_up_for_once_there_is_room() {
    let plant = Plant::start();
    settle(&plant).await;
    let token = plant.b.token().await;
    let mut on_b = Wire::following(plant.b.address(), &token, &["chat"]).await;
    let columns = "insert into station_tokens (id, identifier, identifier_key, hash, mask, issued_by, created_at)";
    let rows = "select 'flood' || n, 'flood', 'flood', 'hash' || n, '', 'anna', 0 from generate_series(1, 1200) n";
    plant.database.connect().await.execute(sqlx::AssertSqlSafe(format!("{columns} {rows}"))).await.unwrap();
    // Redis answers nobody for a moment; more happens meanwhile than may wait for it.
    plant.redis.pause(Duration::from_millis(1500));
    let on_a = plant.a.client();
    on_a.basic("anna", PASSWORD).get("/api/Auth/GetToken/flood?reset=true").await.expect(200);
    on_a.bearer(&token).post("/api/chat/line/messages", &json!({ "content": "after the flood" })).await.expect(201);
    assert_eq!(on_b.expect("chat_message").await["content"], "after the flood");
}

/// A cable that can be pulled out and put in again.
struct Cable {
    near: SocketAddr,
    far: SocketAddr,
    carrying: tokio::task::JoinHandle<()>,
}

impl Cable {
    async fn to(far: SocketAddr) -> Cable {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        Cable { near: listener.local_addr().unwrap(), far, carrying: tokio::spawn(carry(listener, far)) }
    }

    async fn pull_out(&mut self) {
        self.carrying.abort();
        let _ = (&mut self.carrying).await;
    }

    async fn put_in(&mut self) {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(self.near).unwrap();
        self.carrying = tokio::spawn(carry(socket.listen(16).unwrap(), self.far));
    }
}

async fn carry(listener: tokio::net::TcpListener, far: SocketAddr) {
    let mut ways = tokio::task::JoinSet::new();
    while let Ok((mut near, _)) = listener.accept().await {
        ways.spawn(async move {
            let mut far = tokio::net::TcpStream::connect(far).await.unwrap();
            let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
        });
    }
}

#[tokio::test]
async fn when_one_server_alone_loses_redis_the_others_are_told_that_they_missed_something() {
    let (database, redis) = (PlantDatabase::new(), Redis::start());
    let port = redis.url().rsplit_once(':').unwrap().1.parse().unwrap();
    let mut cable = Cable::to(SocketAddr::from(([127, 0, 0, 1], port))).await;
    let a = Server::start_with(&database, &format!("redis://{}", cable.near));
    let plant = Plant { b: Server::start(&database, &redis), a, redis, database };
    plant.command_with(&["user", "add", "anna", "--role", "SUPERUSER", "--password-stdin"], PASSWORD);
    settle(&plant).await;
    let token = plant.b.token().await;
    let mut live = Wire::following(plant.b.address(), &token, &["chat"]).await;
    let mut original = signed_in(plant.b.address(), &token).await;
    cable.pull_out().await;
    eventually("it is known", Duration::from_secs(10), async || plant.a.health().await == "degraded").await;
    let say = json!({ "content": "by itself" });
    plant.a.client().bearer(&token).post("/api/chat/line/messages", &say).await.expect(201);
    assert_eq!(plant.b.health().await, "healthy", "the other has not missed Redis");
    cable.put_in().await;
    assert_eq!(live.expect("chat_message").await["content"], "by itself");
    assert!(next_packet(&mut original).await.contains("by itself"));
}

/// Passes connections on to the first server that takes them, as a plain proxy would.
async fn balancer(servers: Vec<SocketAddr>) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let servers = servers.clone();
            tokio::spawn(async move {
                for server in servers {
                    if let Ok(mut far) = tokio::net::TcpStream::connect(server).await {
                        let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                        return;
                    }
                }
            });
        }
    });
    address
}

#[tokio::test]
async fn when_a_server_is_killed_its_clients_are_on_the_other_within_five_seconds() {
    let mut plant = Plant::start();
    let door = balancer(vec![plant.a.address(), plant.b.address()]).await;
    let client = plant.a.login().await.moved_to(door);
    let stored = Arc::new(Mutex::new(Vec::new()));
    for n in 0..5 {
        client.post("/api/Report/WSJF", &Sample::new(&format!("SN-{n}"), at(n), "P").json()).await.expect(200);
        stored.lock().unwrap().push(n);
    }
    let token = plant.b.token().await;
    let mut socket = Wire::following(door, &token, &["chat"]).await;
    plant.a.served.child.kill().unwrap();
    plant.a.served.child.wait().unwrap();
    assert!(socket.next_text().await.is_err(), "the socket ends with its server");
    let moved = eventually("the other server answers", Duration::from_secs(5), async || {
        let asking = client.clone();
        // A refused or broken connection is a try that failed.
        tokio::spawn(async move { asking.get("/api/auth/me").await.status == 200 }).await.unwrap_or(false)
    });
    moved.await;
    eventually("it knows all that was acknowledged", Duration::from_secs(5), async || units(&client).await == 5).await;
    let mut socket = Wire::following(door, &token, &["chat"]).await;
    plant.b.client().bearer(&token).post("/api/chat/line/messages", &json!({ "content": "still here" })).await.expect(201);
    assert_eq!(socket.expect("chat_message").await["content"], "still here");
    client.post("/api/Report/WSJF", &Sample::new("SN-5", at(5), "P").json()).await.expect(200);
    assert_eq!(units(&client).await, 6);
}

#[tokio::test]
async fn servers_that_start_at_once_on_an_empty_database_all_come_up() {
    let (database, redis) = (PlantDatabase::new(), Redis::start());
    let (url, redis_url) = (database.url(), redis.url());
    let starting: Vec<_> = (0..4)
        .map(|_| {
            let (url, redis_url) = (url.clone(), redis_url.clone());
            std::thread::spawn(move || {
                let folder = tempfile::tempdir().unwrap();
                let served = serve_with(folder.path(), &["--database", &url, "--redis", &redis_url]);
                Server { folder, served }
            })
        })
        .collect();
    let servers: Vec<Server> = starting.into_iter().map(|thread| thread.join().unwrap()).collect();
    let mut ids = Vec::new();
    for server in &servers {
        let health = server.client().get("/health").await.expect(200).json();
        ids.push(health["server_id"].as_str().unwrap().to_owned());
    }
    ids.dedup();
    assert_eq!(ids.len(), 1, "one line, whichever server is asked");
}

#[tokio::test]
async fn a_key_is_changed_on_all_servers_while_old_tokens_run_on() {
    let plant = Plant::start();
    let kid = async |server: &Server| {
        let token = server.token().await;
        let head = token.split('.').next().unwrap().to_owned();
        let head = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, head).unwrap();
        let kid = serde_json::from_slice::<Value>(&head).unwrap()["kid"].as_str().unwrap().to_owned();
        (kid, server.client().bearer(&token))
    };
    let ((a, old), (b, _)) = (kid(&plant.a).await, kid(&plant.b).await);
    assert_ne!(a, b, "each has its own");
    let said = plant.command(&["token", "rotate-key"]);
    assert!(said.starts_with("2 retired"), "{said}");
    for (server, before) in [(&plant.a, &a), (&plant.b, &b)] {
        eventually("it signs with a new key", Duration::from_secs(30), async || kid(server).await.0 != *before).await;
    }
    let (_, new) = kid(&plant.a).await;
    for server in [&plant.a, &plant.b] {
        old.moved_to(server.address()).get("/api/auth/me").await.expect(200);
        new.moved_to(server.address()).get("/api/auth/me").await.expect(200);
    }
    assert_eq!(std::fs::read_dir(plant.a.folder.path().join("keys")).unwrap().count(), 1);
}

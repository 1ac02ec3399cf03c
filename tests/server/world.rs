//! One line server of a test's own: a free port, a temporary folder, a clock that can be held.

use std::path::Path;
use std::sync::OnceLock;

use andon::domain::Role;
use andon::protocol::auth::LoginResponse;
use andon::server::{Admin, Config, Database, Running};
use andon::support::clock::Clock;
use andon::support::secret::Secret;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::http::{Answer, send};
use crate::plant::PlantDatabase;

/// The password of every account in tests.
pub const PASSWORD: &str = "correct horse";

pub struct World {
    pub folder: tempfile::TempDir,
    pub config: Config,
    pub clock: Clock,
    pub running: Running,
    /// Where the tests run on PostgreSQL. Goes last.
    plant: Option<PlantDatabase>,
}

/// Whether this run of the tests is the one on PostgreSQL: `ANDON_TEST_DATABASE=postgres`.
pub fn on_postgres() -> bool {
    #[expect(clippy::disallowed_methods, reason = "how ./check tells its two runs apart")]
    let database = std::env::var("ANDON_TEST_DATABASE");
    database.is_ok_and(|name| name == "postgres")
}

impl World {
    /// With the accounts `oper`, `admin`, `tech` and `root`, one a role, on the machine's clock.
    pub async fn new() -> World {
        World::with(Clock::system(), |_| ()).await
    }

    /// On SQLite in every run.
    pub async fn on_file() -> World {
        World::with(Clock::system(), |config| config.database = Config::in_folder(&config.data_dir).database).await
    }

    pub async fn with(clock: Clock, change: impl FnOnce(&mut Config)) -> World {
        let folder = tempfile::tempdir().unwrap();
        share_key(folder.path());
        let mut config = Config { listen: "127.0.0.1:0".parse().unwrap(), password_cost: 4, ..Config::in_folder(folder.path()) };
        let plant = on_postgres().then(PlantDatabase::new);
        if let Some(plant) = &plant {
            config.database = Database::Postgres(Secret::new(plant.url()));
        }
        change(&mut config);
        let running = andon::server::start(config.clone(), clock.clone()).await.unwrap();
        let world = World { folder, config, clock, running, plant };
        let admin = world.admin_tools();
        for (name, role) in [("oper", Role::Operator), ("admin", Role::Admin), ("tech", Role::Technician), ("root", Role::Superuser)] {
            admin.add_user(name, role, None, &Secret::new(PASSWORD)).await.unwrap();
        }
        world
    }

    pub fn admin_tools(&self) -> Admin {
        self.running.admin()
    }

    /// The same folder, another process as far as the server can tell.
    pub async fn restart(self) -> World {
        self.restart_with(|_| ()).await
    }

    /// As [`restart`](Self::restart), with other settings.
    pub async fn restart_with(self, change: impl FnOnce(&mut Config)) -> World {
        let World { folder, mut config, clock, running, plant } = self;
        running.stop().await;
        change(&mut config);
        let running = andon::server::start(config.clone(), clock.clone()).await.unwrap();
        World { folder, config, clock, running, plant }
    }

    /// The database itself, behind the server's back.
    pub async fn connect(&self) -> sqlx::AnyConnection {
        let url = match &self.config.database {
            Database::Sqlite(file) => format!("sqlite:{}", file.display()),
            Database::Postgres(url) => url.expose().to_owned(),
        };
        <sqlx::AnyConnection as sqlx::Connection>::connect(&url).await.unwrap()
    }

    /// Does something while no entry can be written into the audit log, as when the server dies before it is.
    pub async fn while_nothing_is_noted<T>(&self, act: impl Future<Output = T>) -> T {
        use sqlx::Executor;
        let mut database = self.connect().await;
        database.execute("alter table audit rename to audit_away").await.unwrap();
        let result = act.await;
        database.execute("alter table audit_away rename to audit").await.unwrap();
        result
    }

    pub fn anonymous(&self) -> Client {
        Client::at(self.running.address())
    }

    pub async fn login(&self, name: &str) -> LoginResponse {
        let body = json!({ "username": name, "password": PASSWORD });
        self.anonymous().post("/api/auth/login", &body).await.expect(200).read()
    }

    pub async fn person(&self, name: &str) -> Client {
        self.anonymous().bearer(&self.login(name).await.access_token)
    }

    pub async fn operator(&self) -> Client {
        self.person("oper").await
    }

    pub async fn station(&self) -> Client {
        let token = self.admin_tools().issue_token("line-a").await.unwrap();
        self.anonymous().basic_token(token.expose())
    }
}

/// Somebody who asks, with one credential or none.
#[derive(Clone)]
pub struct Client {
    pub address: std::net::SocketAddr,
    authorization: Option<String>,
}

impl Client {
    /// Nobody in particular, at the door of this server.
    pub fn at(address: std::net::SocketAddr) -> Client {
        Client { address, authorization: None }
    }

    /// The same, at another server's door.
    pub fn moved_to(&self, address: std::net::SocketAddr) -> Client {
        Client { address, ..self.clone() }
    }

    pub fn bearer(&self, token: &str) -> Client {
        Client { authorization: Some(format!("Bearer {token}")), ..self.clone() }
    }

    /// A token sent as clients of a WATS server do: verbatim.
    pub fn basic_token(&self, token: &str) -> Client {
        Client { authorization: Some(format!("Basic {token}")), ..self.clone() }
    }

    pub fn basic(&self, user: &str, password: &str) -> Client {
        self.basic_token(&STANDARD.encode(format!("{user}:{password}")))
    }

    pub async fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&[u8]>) -> Answer {
        let mut headers = headers.to_vec();
        if let Some(authorization) = &self.authorization {
            headers.push(("authorization", authorization));
        }
        send(self.address, method, path, &headers, body).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.request("GET", path, &[], None).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.request("DELETE", path, &[], None).await
    }

    pub async fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.request(method, path, &[("content-type", "application/json")], Some(body.to_string().as_bytes())).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_text(path, &body.to_string()).await
    }

    pub async fn post_text(&self, path: &str, body: &str) -> Answer {
        self.request("POST", path, &[("content-type", "application/json")], Some(body.as_bytes())).await
    }
}

/// A key pair takes a second to make in a debug build: the tests share one.
fn share_key(folder: &Path) {
    static KEY: OnceLock<Vec<u8>> = OnceLock::new();
    let keys = folder.join("keys");
    let key = KEY.get_or_init(|| {
        use rsa::pkcs8::EncodePrivateKey;
        let key = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).unwrap();
        key.to_pkcs8_pem(Default::default()).unwrap().as_bytes().to_vec()
    });
    std::fs::create_dir_all(&keys).unwrap();
    std::fs::write(keys.join("01900000-0000-7000-8000-000000000000.pem"), key).unwrap();
}

//! A plant's parts, the true ones: PostgreSQL with a database for each test, and Redis. Each is started by the tests in a folder of
//! its own and ends with them, however they end: it hangs on a pipe that breaks when this process dies.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for what cannot tell when it is ready.
#[track_caller]
fn until<T>(what: &str, limit: Duration, mut good: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(value) = good() {
            return value;
        }
        assert!(Instant::now() < deadline, "waited {limit:?} in vain until {what}");
        #[expect(clippy::disallowed_methods, reason = "a test may wait between two looks")]
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A program that ends with this value or with this process, whichever is first, and its folder with it.
pub struct Tied(Child);

/// Starts a program, as an account without rights. `signal` is how it is told to end at once.
pub fn tied(signal: &str, folder: &Path, program: &Path, arguments: &[&str]) -> Tied {
    let script = "signal=$1; folder=$2; shift 2; \"$@\" & child=$!; cat >/dev/null; kill -$signal $child; wait $child; rm -rf $folder";
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh", signal]).arg(folder).args(account()).arg(program).args(arguments);
    Tied(command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
}

impl Drop for Tied {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// A folder for a program that is tied. It goes with it.
pub fn private_folder(prefix: &str) -> PathBuf {
    let folder = tempfile::Builder::new().prefix(prefix).tempdir().unwrap().keep();
    if is_root() {
        assert!(Command::new("chown").arg("postgres:").arg(&folder).status().unwrap().success());
    }
    folder
}

/// PostgreSQL refuses to run as root: then it is the account that its package made.
fn account() -> &'static [&'static str] {
    if is_root() { &["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] } else { &[] }
}

fn is_root() -> bool {
    String::from_utf8_lossy(&Command::new("id").arg("-u").output().unwrap().stdout).trim() == "0"
}

fn run(program: &Path, arguments: &[&str]) -> String {
    let mut words = account().iter().copied().chain([program.to_str().unwrap()]).chain(arguments.iter().copied());
    let output = Command::new(words.next().unwrap()).args(words).output().unwrap();
    assert!(output.status.success(), "{program:?} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A program of Debian's package `postgresql`, of its newest version.
fn postgres_program(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let number = |path: &PathBuf| path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok());
    let newest = versions.max_by_key(number).map(|version| version.join("bin").join(name));
    newest.filter(|program| program.exists()).expect("this test needs PostgreSQL; ./check packages installs it")
}

/// One PostgreSQL, without a port and without patience for disks.
struct Cluster {
    folder: PathBuf,
    _process: Tied,
}

impl Cluster {
    fn start() -> Cluster {
        let folder = private_folder("andon-pg");
        let (data, socket) = (folder.join("data"), folder.to_str().unwrap().to_owned());
        let data = data.to_str().unwrap();
        // An order of letters as plants have it, which is not SQLite's.
        let locale = ["--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US"];
        run(&postgres_program("initdb"), &[&["-D", data, "-U", "andon", "-A", "trust", "-N", "-E", "UTF8"], &locale[..]].concat());
        let settings = [
            "listen_addresses=",
            "fsync=off",
            "synchronous_commit=off",
            "full_page_writes=off",
            "max_connections=500",
            "shared_buffers=64MB",
        ];
        let settings = settings.iter().flat_map(|setting| ["-c", setting]);
        let arguments: Vec<&str> = ["-D", data, "-k", &socket].into_iter().chain(settings).collect();
        let cluster = Cluster { _process: tied("QUIT", &folder, &postgres_program("postgres"), &arguments), folder };
        let ready = || cluster.ask_if("select 1").then_some(());
        until("PostgreSQL is ready", PATIENCE, ready);
        cluster
    }

    fn psql(&self, sql: &str) -> Command {
        let mut command = Command::new(postgres_program("psql"));
        command.args(["-X", "-q", "-t", "-A", "-U", "andon", "-d", "postgres", "-h"]).arg(&self.folder).args(["-c", sql]);
        command
    }

    fn ask_if(&self, sql: &str) -> bool {
        self.psql(sql).output().unwrap().status.success()
    }
}

/// The PostgreSQL of this test binary.
fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(Cluster::start)
}

/// A database of a test's own, gone when dropped.
pub struct PlantDatabase(String);

impl PlantDatabase {
    pub fn new() -> PlantDatabase {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("line{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let output = cluster().psql(&format!("create database {name}")).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        PlantDatabase(name)
    }

    /// A connection beside the servers'.
    pub async fn connect(&self) -> sqlx::AnyConnection {
        sqlx::any::install_default_drivers();
        <sqlx::AnyConnection as sqlx::Connection>::connect(&self.url()).await.unwrap()
    }

    pub fn url(&self) -> String {
        format!("postgres://andon@localhost/{}?host={}", self.0, cluster().folder.display())
    }
}

impl Drop for PlantDatabase {
    fn drop(&mut self) {
        cluster().ask_if(&format!("drop database {} with (force)", self.0));
    }
}

/// A Redis that can be killed, and started again on the port it had.
pub struct Redis {
    port: u16,
    process: Option<Tied>,
}

impl Redis {
    pub fn start() -> Redis {
        // Somebody else may take a free port before Redis does.
        let started = (0..20).find_map(|_| {
            let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let mut redis = Redis { port, process: None };
            redis.try_resume().then_some(redis)
        });
        started.expect("this test needs redis-server; ./check packages installs it")
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    fn try_resume(&mut self) -> bool {
        let folder = private_folder("andon-redis");
        let (port, place) = (self.port.to_string(), folder.to_str().unwrap().to_owned());
        let arguments = ["--bind", "127.0.0.1", "--port", &port, "--dir", &place, "--save", "", "--appendonly", "no"];
        self.process = Some(tied("KILL", &folder, Path::new("redis-server"), &arguments));
        let deadline = Instant::now() + Duration::from_secs(10);
        while Instant::now() < deadline {
            if self.answers() {
                return true;
            }
            #[expect(clippy::disallowed_methods, reason = "a test may wait between two looks")]
            std::thread::sleep(Duration::from_millis(20));
        }
        self.kill();
        false
    }

    fn answers(&self) -> bool {
        use std::io::{Read, Write};
        let Ok(mut stream) = std::net::TcpStream::connect(("127.0.0.1", self.port)) else { return false };
        let mut answer = [0; 5];
        stream.write_all(b"PING\r\n").is_ok() && stream.read_exact(&mut answer).is_ok() && &answer == b"+PONG"
    }

    /// Answers nobody for so long.
    pub fn pause(&self, time: Duration) {
        use std::io::{Read, Write};
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let mut answer = [0; 3];
        stream.write_all(format!("CLIENT PAUSE {} ALL\r\n", time.as_millis()).as_bytes()).unwrap();
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"+OK");
    }

    pub fn resume(&mut self) {
        assert!(self.try_resume(), "redis does not come back on its port");
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) {
        self.process = None;
    }
}

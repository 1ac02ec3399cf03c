//! A real sshd of the test's own: free port, own keys, nothing of the machine's configuration.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tempfile::TempDir;

use crate::world::{Process, require, until};

pub struct Sshd {
    folder: TempDir,
    pub port: u16,
    /// The account it lets in: whoever runs the tests.
    pub user: String,
    settings: &'static str,
    process: Option<Process>,
}

/// A port below those that the system gives to whoever asks for any: nobody else gets it before it is used, or between two uses.
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let first = std::process::id().wrapping_mul(61);
    let mut ports = std::iter::repeat_with(|| 15_000 + (first.wrapping_add(NEXT.fetch_add(1, Ordering::SeqCst)) % 16_000) as u16);
    ports.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).unwrap()
}

/// Makes a key pair with `ssh-keygen`; gives the private key's file.
pub fn make_key(file: &Path, arguments: &[&str], passphrase: &str) -> PathBuf {
    let made = Command::new("ssh-keygen").args(["-q", "-N", passphrase, "-f"]).arg(file).args(arguments).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    file.to_owned()
}

impl Sshd {
    pub fn start() -> Sshd {
        Sshd::with("AllowTcpForwarding yes")
    }

    /// `settings` are further lines of its configuration.
    pub fn with(settings: &'static str) -> Sshd {
        for program in ["sshd", "ssh-keygen"] {
            require(program);
        }
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o700)).unwrap();
        make_key(&folder.path().join("host"), &["-t", "ed25519"], "");
        let user = String::from_utf8(Command::new("id").arg("-un").output().unwrap().stdout).unwrap().trim().to_owned();
        let mut sshd = Sshd { folder, port: free_port(), user, settings, process: None };
        sshd.resume();
        sshd
    }

    /// A key that it lets in.
    pub fn key(&self, name: &str, arguments: &[&str], passphrase: &str) -> PathBuf {
        let file = make_key(&self.folder.path().join(name), arguments, passphrase);
        let public = std::fs::read_to_string(file.with_extension("pub")).unwrap();
        let list = self.folder.path().join("authorized_keys");
        let known = std::fs::read_to_string(&list).unwrap_or_default();
        std::fs::write(&list, known + &public).unwrap();
        file
    }

    /// A key that nobody let in.
    pub fn strange_key(&self) -> PathBuf {
        make_key(&self.folder.path().join("strange"), &["-t", "ed25519"], "")
    }

    /// The fingerprint of its host key, as `ssh-keygen -l` tells it.
    pub fn fingerprint(&self) -> String {
        let told = Command::new("ssh-keygen").arg("-lf").arg(self.folder.path().join("host.pub")).output().unwrap();
        String::from_utf8(told.stdout).unwrap().split_whitespace().nth(1).unwrap().to_owned()
    }

    /// Gives it another host key; it is started anew.
    pub fn change_host_key(&mut self) {
        self.kill();
        for name in ["host", "host.pub"] {
            std::fs::remove_file(self.folder.path().join(name)).unwrap();
        }
        make_key(&self.folder.path().join("host"), &["-t", "ed25519"], "");
        self.resume();
    }

    /// Starts it on the port it had.
    pub fn resume(&mut self) {
        // As root sshd wants its own empty folder.
        let _ = std::fs::create_dir_all("/run/sshd");
        let file = |name: &str| self.folder.path().join(name).display().to_string();
        let config = format!(
            "ListenAddress 127.0.0.1:{}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile {}\nPasswordAuthentication no\n\
             KbdInteractiveAuthentication no\nUsePAM no\nPermitRootLogin prohibit-password\nStrictModes no\nLogLevel VERBOSE\n{}\n",
            self.port,
            file("host"),
            file("authorized_keys"),
            file("pid"),
            self.settings
        );
        std::fs::write(self.folder.path().join("config"), config).unwrap();
        let program = String::from_utf8(Command::new("sh").args(["-c", "command -v sshd"]).output().unwrap().stdout).unwrap();
        let log = std::fs::File::options().create(true).append(true).open(self.folder.path().join("log")).unwrap();
        let mut command = Command::new(program.trim());
        command.args(["-D", "-e", "-f"]).arg(self.folder.path().join("config"));
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        self.process = Some(Process(child));
        let address = SocketAddr::from(([127, 0, 0, 1], self.port));
        until("sshd listens", Duration::from_secs(10), || TcpStream::connect(address).ok());
    }

    /// The processes that serve sessions: children of the one that listens, and theirs.
    pub fn sessions(&self) -> Vec<u32> {
        let Some(process) = &self.process else { return Vec::new() };
        let listed = Command::new("pgrep").arg("-P").arg(process.0.id().to_string()).output().unwrap();
        String::from_utf8(listed.stdout).unwrap().lines().filter_map(|line| line.trim().parse().ok()).collect()
    }

    /// Ends it and all of its sessions, as a machine that goes down.
    pub fn kill(&mut self) {
        for session in self.sessions() {
            let _ = Command::new("kill").args(["-KILL", &session.to_string()]).status();
            for child in children(session) {
                let _ = Command::new("kill").args(["-KILL", &child.to_string()]).status();
            }
        }
        self.process = None;
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.kill();
    }
}

fn children(of: u32) -> Vec<u32> {
    let listed = Command::new("pgrep").arg("-P").arg(of.to_string()).output().unwrap();
    String::from_utf8(listed.stdout).unwrap().lines().filter_map(|line| line.trim().parse().ok()).collect()
}

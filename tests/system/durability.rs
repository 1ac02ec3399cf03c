//! Accepted means kept: synced before it is said, and refused in words when the disk is full.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::delivery::{assert_all_arrived, id_of, line_of_reports, wait_until_empty};
use crate::world::{Pc, Server, drop_report, feed, pause, require, until};

/// One system call of a trace: its name, and the file it names.
struct Call {
    name: String,
    line: String,
}

/// The calls of one process and all its threads, in the order in which they *ended*.
fn calls(trace: &Path) -> Vec<Call> {
    let text = std::fs::read_to_string(trace).unwrap();
    let mut begun: std::collections::HashMap<&str, &str> = std::collections::HashMap::new();
    let mut calls = Vec::new();
    for line in text.lines() {
        let Some((thread, call)) = line.split_once(' ') else { continue };
        let call = call.trim_start();
        if let Some((start, _)) = call.split_once(" <unfinished") {
            begun.insert(thread, start);
        } else if call.starts_with("<...") {
            if let Some(start) = begun.remove(thread) {
                calls.push(Call { name: name_of(start), line: start.to_owned() });
            }
        } else {
            calls.push(Call { name: name_of(call), line: call.to_owned() });
        }
    }
    calls
}

fn name_of(call: &str) -> String {
    call.split('(').next().unwrap_or_default().to_owned()
}

/// Fails unless everything written to the queue before call number `said` was synced before it.
fn assert_synced_before(calls: &[Call], said: usize) {
    let queue = |call: &&Call| call.line.contains("/queue/");
    let last_write = calls[..said].iter().rposition(|call| queue(&call) && call.name.contains("write")).expect("the queue was written");
    let synced = calls[last_write..said].iter().filter(queue).any(|call| matches!(call.name.as_str(), "fsync" | "fdatasync"));
    assert!(
        synced,
        "said before synced:\n{}",
        calls[last_write..=said].iter().map(|call| call.line.as_str()).collect::<Vec<_>>().join("\n")
    );
}

/// `andonctl` on this PC, with every write, sync and rename of its threads written down.
fn traced(pc: &Pc, trace: &Path) -> Command {
    let calls = "trace=write,pwrite64,writev,pwritev,fsync,fdatasync,rename,renameat,renameat2";
    let andonctl = pc.andonctl();
    let mut command = Command::new("strace");
    command.args(["-f", "-y", "-e", calls, "-o"]).arg(trace).arg("--").arg(andonctl.get_program()).args(andonctl.get_args());
    command.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent");
    command
}

#[test]
fn a_submitted_report_is_synced_before_it_is_called_accepted() {
    require("strace");
    let mut server = Server::start();
    let pc = Pc::new();
    pc.login("eol", &server.url());
    server.kill();
    let folder = tempfile::tempdir().unwrap();
    let (file, trace) = (folder.path().join("one.json"), folder.path().join("trace"));
    std::fs::write(&file, &line_of_reports(40, 1)[0]).unwrap();
    let mut command = traced(&pc, &trace);
    command.args(["report", "submit", "--instance", "eol"]).arg(&file);
    let output = feed(command, "");
    assert_eq!(output.status.code(), Some(4), "{}", String::from_utf8_lossy(&output.stderr));
    let calls = calls(&trace);
    let said = calls.iter().position(|call| call.line.starts_with("write(1<")).expect("something was said");
    assert_synced_before(&calls, said);
}

#[test]
fn a_dropped_file_is_moved_only_after_its_report_is_synced() {
    require("strace");
    let mut server = Server::start();
    let pc = Pc::new();
    pc.login("eol", &server.url());
    server.kill();
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace");
    let inbox = pc.inbox("eol");
    drop_report(&inbox, "one", &line_of_reports(41, 1)[0]);
    let mut command = traced(&pc, &trace);
    command.args(["station", "run", "--instance", "eol"]).stdout(Stdio::null()).stderr(Stdio::null());
    let mut station = crate::world::Process(command.spawn().unwrap());
    until("the file is moved", Duration::from_secs(60), || inbox.join("Done").join("one.json").exists().then_some(()));
    pause(Duration::from_millis(200));
    Command::new("pkill").args(["-TERM", "-P", &station.0.id().to_string()]).status().unwrap();
    until("the station ends", Duration::from_secs(15), || station.0.try_wait().unwrap());
    let calls = calls(&trace);
    let moved = calls.iter().position(|call| call.name.starts_with("rename") && call.line.contains("Done")).expect("the file was moved");
    assert_synced_before(&calls, moved);
}

/// A small disk of its own, gone with its value.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn of(megabytes: u32) -> Option<SmallDisk> {
        let folder = tempfile::tempdir().unwrap();
        let size = format!("size={megabytes}m");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder.path()).status().unwrap().success();
        mounted.then_some(SmallDisk(folder))
    }

    fn grow(&self, megabytes: u32) {
        let size = format!("remount,size={megabytes}m");
        assert!(Command::new("mount").args(["-o", &size]).arg(self.0.path()).status().unwrap().success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_full_disk_accepted_means_kept_and_the_rest_is_refused_in_words() {
    let Some(disk) = SmallDisk::of(6) else {
        assert!(std::env::var_os("CI").is_none(), "CI must be able to mount a small disk");
        eprintln!("NOT RUN: only root may mount a small disk");
        return;
    };
    let mut server = Server::start();
    let pc = Pc { data: tempfile::Builder::new().prefix("pc").tempdir_in(disk.0.path()).unwrap() };
    pc.login("eol", &server.url());
    server.kill();
    let sources = line_of_reports(42, 600);
    let folder = tempfile::tempdir().unwrap();
    let (mut accepted, mut refusal) = (BTreeSet::new(), None);
    for (n, source) in sources.iter().enumerate() {
        let file = folder.path().join(format!("{n}.json"));
        std::fs::write(&file, source).unwrap();
        let mut command = pc.andonctl();
        command.args(["report", "submit", "--instance", "eol"]).arg(&file);
        let output = feed(command, "");
        match output.status.code() {
            Some(4) => drop(accepted.insert(id_of(source))),
            _ => {
                refusal = Some(format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr)));
                break;
            }
        }
    }
    let refusal = refusal.expect("six megabytes are soon full");
    assert!(accepted.len() > 10, "only {} were accepted: {refusal}", accepted.len());
    assert!(refusal.to_lowercase().contains("disk"), "the sentence names the disk: {refusal}");
    // The tester goes on writing elsewhere; once there is room again, everything accepted is delivered.
    disk.grow(64);
    server.resume();
    let _station = pc.station("eol");
    wait_until_empty(&pc, "eol", Duration::from_secs(120));
    let kept: Vec<String> = sources.iter().filter(|source| accepted.contains(&id_of(source))).cloned().collect();
    assert_all_arrived(&server, &kept).await;
}

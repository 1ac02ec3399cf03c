//! `andonctl signup`, `verify`, `resend` and the numbered menu, against the true server.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use crate::world::{PASSWORD, Pc, Process, feed, succeed, until};

/// A server on a developer's machine: codes are on its standard error.
struct Developers {
    url: String,
    said: Arc<Mutex<String>>,
    _data: tempfile::TempDir,
    _process: Process,
}

impl Developers {
    fn start() -> Developers {
        let data = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_andon-server"))
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(data.path())
            .env("ANDON_DEV", "1")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        let (lines, kept) = (BufReader::new(child.stderr.take().unwrap()).lines(), said.clone());
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| *kept.lock().unwrap() += &(line + "\n")));
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("{line:?}")).to_owned();
        Developers { url, said, _data: data, _process: Process(child) }
    }

    /// Code number `count` (from 1) that was printed for this address.
    fn code(&self, email: &str, count: usize) -> String {
        let start = format!("verification code for {email}: ");
        until("the code is printed", Duration::from_secs(20), || {
            let said = self.said.lock().unwrap();
            said.lines().filter_map(|line| line.strip_prefix(start.as_str())).nth(count - 1).map(str::to_owned)
        })
    }
}

#[test]
fn an_account_is_made_confirmed_and_used_by_command_line() {
    let (server, pc) = (Developers::start(), Pc::new());
    let signup = |password: &str| {
        let mut command = pc.andonctl();
        command.args(["signup", &server.url, "--user", "anna", "--email", "anna@x.example", "--password-stdin"]);
        feed(command, password)
    };
    let said = succeed(signup(PASSWORD));
    assert_eq!(said.trim(), "User created successfully. Please check your email for verification code.");
    let again = signup(PASSWORD);
    assert_eq!(again.status.code(), Some(5));
    let told = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(told.contains("Username already exists") && told.lines().count() == 1, "{told}");
    let first = server.code("anna@x.example", 1);
    assert_eq!(pc.run(&["resend", &server.url, "--email", "anna@x.example"]).trim(), "Verification code sent");
    let second = server.code("anna@x.example", 2);
    let verify = |code: &str| {
        let mut command = pc.andonctl();
        command.args(["verify", &server.url, "--email", "anna@x.example", "--code", code, "--json"]);
        feed(command, "")
    };
    if first != second {
        let refused = verify(&first);
        assert_eq!(refused.status.code(), Some(5));
        let told: Value = serde_json::from_slice(&refused.stdout).unwrap();
        assert_eq!((&told["error"]["code"], &told["error"]["detail"]), (&"code_wrong".into(), &"Invalid verification code".into()));
    }
    let done: Value = serde_json::from_str(&succeed(verify(&second))).unwrap();
    assert_eq!(done["message"], "Email verified successfully");
}

#[test]
fn an_account_that_cannot_be_made_says_why() {
    let (server, pc) = (Developers::start(), Pc::new());
    let run = |arguments: &[&str], input: &str| {
        let mut command = pc.andonctl();
        command.args(arguments);
        let output = feed(command, input);
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (exit, told) = run(&["signup", &server.url, "--user", "anna", "--email", "no address", "--password-stdin"], PASSWORD);
    assert!(exit == Some(5) && told.contains("e-mail address"), "{told}");
    let (exit, told) = run(&["resend", "http://127.0.0.1:9", "--email", "a@x.example"], "");
    assert!(exit == Some(4) && told.lines().count() == 1, "{told}");
    let (exit, _) = run(&["resend", "http://10.0.0.1:8440", "--email", "a@x.example"], "");
    assert_eq!(exit, Some(2), "a plain address of another machine is not asked");
    let (exit, told) = run(&["verify", "--email", "a@x.example", "--code", "123456"], "");
    assert!(exit == Some(1) && !told.is_empty(), "without a server and without an instance: {told}");
}

#[test]
fn the_numbered_menu_goes_from_signup_to_a_word_in_the_chat() {
    let (server, pc) = (Developers::start(), Pc::new());
    let menu = |input: &str| {
        let mut command = pc.andonctl();
        command.args(["menu", &server.url]);
        succeed(feed(command, input))
    };
    let said = menu(&format!("1\nanna\nanna@x.example\n{PASSWORD}\n3\nanna\n{PASSWORD}\n6\n9\n8\n"));
    for line in [
        "1. Sign Up",
        "8. Exit",
        "✓ User created successfully. Please check your email for verification code.",
        "✗ Email not verified. Please verify your email first.",
        "✗ Not connected to server",
        "✗ Invalid option. Please try again.",
    ] {
        assert!(said.contains(line), "no {line:?} in {said}");
    }
    let code = server.code("anna@x.example", 1);
    let said = menu(&format!(
        "2\nanna@x.example\n{code}\n7\nanna@x.example\n3\nanna\n{PASSWORD}\n4\n6\ntoo early\n5\nanna\nwrong\n5\nanna\n{PASSWORD}\n6\nhello ą <b>\n8\n"
    ));
    let wanted = [
        "✓ Email verified successfully",
        "✓ Email already verified",
        "✓ Login successful",
        "✓ Connected to server",
        // Before signing in nobody is heard.
        "✗ ",
        "✗ Invalid credentials",
        "✓ Authentication successful",
        "✓ Server: hello ą <b>",
    ];
    let mut rest = said.as_str();
    for line in wanted {
        let at = rest.find(line).unwrap_or_else(|| panic!("no {line:?} in order in {said}"));
        rest = &rest[at + line.len()..];
    }
    assert!(!said.contains("Server: too early"), "{said}");
}

#[test]
fn the_menu_ends_with_its_input() {
    let pc = Pc::new();
    let mut command = pc.andonctl();
    command.args(["menu", "http://127.0.0.1:9"]);
    let said = succeed(feed(command, "4\n"));
    assert!(said.contains('✗') && said.contains("1. Sign Up"), "{said}");
}

//! The document is true: schemathesis makes up requests from it, right ones and wrong ones, and no answer may be a failure of the
//! server or have a status that the document does not name.

use std::path::Path;
use std::process::Command;

use crate::world::World;

/// Seconds of trying, as each of the two callers. All statements of the document are tried once before any is tried again.
const SECONDS: &str = "60";
/// What would end the caller's own session, or change its password.
const OWN_BRANCH: &str = "^/api/auth/(logout|sessions|password)";

fn tester() -> Command {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let got = Command::new("bash").args(["-c", ". deploy/packages.sh && need_api_tester"]).current_dir(root).output().unwrap();
    assert!(got.status.success(), "{}", String::from_utf8_lossy(&got.stderr));
    let mut command = Command::new(root.join("target/api-tester/python/bin/st"));
    // It keeps what it found between runs beside where it runs; a run of ours begins anew.
    command.current_dir(env!("CARGO_TARGET_TMPDIR")).args(["run", "--no-color", "--generation-database", "none", "--seed", "1"]);
    command.args(["--checks", "not_a_server_error,status_code_conformance", "--phases", "examples,coverage,fuzzing"]);
    // Several workers at once trip over a defect of Python 3.11: "AST constructor recursion depth mismatch".
    command.args(["--max-time", SECONDS, "--workers", "1", "--continue-on-failure", "--suppress-health-check", "all", "--warnings", "off"]);
    command
}

async fn run(mut command: Command, world: &World) {
    command.arg(format!("{}/api/openapi.json", world.running.url()));
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    let end = told.char_indices().rev().nth(8000).map_or(0, |(at, _)| at);
    assert!(output.status.success(), "… {}\n{}", &told[end..], String::from_utf8_lossy(&output.stderr));
    assert!(told.contains("Test cases:"), "nothing was tried: {told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_a_superuser_can_make_up_is_answered_past_the_document() {
    let world = World::new().await;
    let mut command = tester();
    command.args(["--header", &format!("Authorization: Bearer {}", world.login("root").await.access_token)]);
    command.args(["--exclude-path-regex", OWN_BRANCH]);
    run(command, &world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_a_stranger_can_make_up_is_answered_past_the_document() {
    let world = World::new().await;
    run(tester(), &world).await;
}

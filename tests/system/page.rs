//! The web page in a true browser: sign up, verify, log in, talk, and see the board; by mouse and by keyboard alone.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use andon::domain::simulator::Line;
use andon::support::clock::Clock;
use chrono::{TimeDelta, Timelike};
use serde_json::{Value, json};

use crate::browser::{Browser, Driver, END, ENTER, HOME, RIGHT, TAB, code_for};
use crate::world::{PASSWORD, Process, feed, http, succeed};

/// Characters that something on the way might take for markup, for SQL, or for something it cannot show.
const ODD: &str = "<b>Żaneta</b> '; -- ą 🙂 &amp; <script>alert(1)</script>";

/// A server that prints its codes, for a page's whole life.
struct Site {
    url: String,
    log: PathBuf,
    data: tempfile::TempDir,
    _process: Process,
}

impl Site {
    fn start(settings: &[(&str, &str)]) -> Site {
        let data = tempfile::tempdir().unwrap();
        let add = |name: &str, role: &str| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_andon-server"));
            let email = format!("{}@line.example", role.to_lowercase());
            command.args(["user", "add", name, "--role", role, "--email", &email, "--password-stdin", "--data-dir"]).arg(data.path());
            succeed(feed(command, PASSWORD));
        };
        add("admin", "SUPERUSER");
        for (code, name) in andon::domain::simulator::processes() {
            let mut command = Command::new(env!("CARGO_BIN_EXE_andon-server"));
            command.args(["process", "add", &code.to_string(), name, "--data-dir"]).arg(data.path());
            succeed(feed(command, ""));
        }
        let log = data.path().join("stderr.log");
        let mut child = Command::new(env!("CARGO_BIN_EXE_andon-server"))
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(data.path())
            .envs([("ANDON_DEV", "1"), ("ANDON_SIGNUP", "open")])
            .envs(settings.iter().copied())
            .stdout(Stdio::piped())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let process = Process(child);
        let url = line.trim().strip_prefix("listening on ").expect(&line).to_owned();
        Site { url, log, data, _process: process }
    }

    /// Reports of a simulated line, of the last half hour.
    async fn report(&self, count: usize) {
        let token = http().get(format!("{}/api/Auth/GetToken/sim", self.url)).basic_auth("admin", Some(PASSWORD)).send().await.unwrap();
        let token: String = token.json().await.unwrap();
        let mut line = Line::new(7);
        let begin = Clock::system().now() - TimeDelta::minutes(30).min(TimeDelta::seconds(count as i64 * 10));
        for n in 0..count {
            let mut source: Value = serde_json::from_str(&line.next(begin + TimeDelta::seconds(10 * n as i64))).unwrap();
            source["machineName"] = json!(ODD);
            let answer = http().post(format!("{}/api/Report/WSJF", self.url)).header("authorization", format!("Basic {token}"));
            let answer = answer.header("content-type", "application/json").body(source.to_string()).send().await.unwrap();
            assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
        }
    }
}

/// Signs up, verifies and logs in by mouse, in a browser of one's own.
async fn join(driver: &Driver, site: &Site, name: &str) -> Browser {
    let browser = driver.open(1280, 800).await;
    browser.go(&site.url).await;
    assert!(browser.value("document.title").await.as_str().unwrap().contains("Authentication Client"));
    let email = format!("person{}@line.example", name.len());
    browser.click("#tab-signup").await;
    browser.fill("#signup-username", name).await;
    browser.fill("#signup-email", &email).await;
    browser.fill("#signup-password", PASSWORD).await;
    browser.click("#signup-form .primary").await;
    browser.until_said("User created successfully").await;
    assert_eq!(browser.value("document.getElementById('verify-email').value").await, email, "the address is there already");
    browser.fill("#verify-code", &code_for(&site.log, &email)).await;
    browser.click("#verify-form .primary").await;
    browser.until_said("Email verified successfully").await;
    browser.fill("#login-username", name).await;
    browser.fill("#login-password", PASSWORD).await;
    browser.click("#login-form .primary").await;
    browser.until_said("Login successful").await;
    browser.until("the chat is there", "!document.getElementById('chat-body').hidden").await;
    browser.until("the status is told", "document.getElementById('status-text').textContent === 'Connected to server'").await;
    browser
}

fn shows(who: &str, text: &str) -> String {
    let (who, text) = (json!(who), json!(text));
    format!(
        "[...document.querySelectorAll('#log li')].some((line) => line.querySelector('.who')?.textContent === {who} \
         && line.querySelector('.text')?.textContent === {text})"
    )
}

async fn no_complaints(browser: &Browser) {
    let complaints = browser.complaints().await;
    assert!(complaints.is_empty(), "{complaints:#?}");
}

/// No markup of anybody's text has become an element.
async fn nothing_came_alive(browser: &Browser) {
    assert_eq!(browser.value("document.querySelectorAll('main b, main script, main i').length").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_people_sign_up_and_talk_in_one_room_and_what_they_type_is_what_is_seen() {
    let (driver, site) = (Driver::start(), Site::start(&[]));
    let odd_name = "<b>Ż</b> '; -- ą 🙂";
    let one = join(&driver, &site, odd_name).await;
    let two = join(&driver, &site, "second-person").await;
    one.fill("#say", ODD).await;
    one.press(ENTER).await;
    one.until("the sender sees it", &shows("You:", ODD)).await;
    two.until("the other sees it", &shows(&format!("{odd_name}:"), ODD)).await;
    two.fill("#say", "heard").await;
    two.click("#say-form .primary").await;
    one.until("the answer is seen", &shows("second-person:", "heard")).await;
    assert_eq!(one.value("document.getElementById('person-name').textContent").await, odd_name);
    two.until("both are here", "document.querySelectorAll('#present li').length >= 1").await;
    // A browser that comes back finds its session and what was said.
    two.go(&format!("{}/#chat", site.url)).await;
    two.until("history is there", &shows(&format!("{odd_name}:"), ODD)).await;
    for browser in [&one, &two] {
        nothing_came_alive(browser).await;
        no_complaints(browser).await;
    }
    let kept = one.value("JSON.stringify([document.cookie, {...localStorage}, {...sessionStorage}])").await;
    assert!(!kept.as_str().unwrap().contains("eyJ") && !kept.as_str().unwrap().contains("andon_access"), "{kept}");
    two.click("#tab-login").await;
    two.click("#logout").await;
    two.until_said("Logged out successfully").await;
    two.until("the chat is closed", "document.getElementById('chat-body').hidden").await;
    drop(site.data);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_is_reached_by_the_keyboard_alone_and_refusals_are_told() {
    let (driver, site) = (Driver::start(), Site::start(&[]));
    let browser = driver.open(390, 844).await;
    browser.go(&site.url).await;
    browser.until("the page is alive", "document.getElementById('status-text').textContent === 'Connected to server'").await;
    no_complaints(&browser).await;
    browser.tab_to("tab-board").await;
    browser.press(RIGHT).await;
    assert_eq!(browser.focus().await, "tab-signup");
    browser.press(END).await;
    assert_eq!(browser.focus().await, "tab-chat");
    browser.press(HOME).await;
    browser.press(RIGHT).await;
    browser.press(RIGHT).await;
    browser.tab_to("login-username").await;
    browser.press(ENTER).await;
    assert_eq!(browser.value("document.getElementById('login-username').getAttribute('aria-invalid')").await, "true");
    browser.write("admin").await;
    browser.press(TAB).await;
    browser.write("not the password").await;
    browser.press(ENTER).await;
    browser
        .until("the refusal is told at once to who cannot see", "document.querySelector('#message[role=alert]')?.textContent.length > 10")
        .await;
    browser.tab_to("login-password").await;
    browser.write(PASSWORD).await;
    browser.press(ENTER).await;
    browser.until_said("Login successful").await;
    browser.tab_to("say").await;
    browser.write("by keyboard").await;
    browser.press(ENTER).await;
    browser.until("it is said", &shows("You:", "by keyboard")).await;
    let wide = browser.value("document.documentElement.scrollWidth - document.documentElement.clientWidth").await;
    assert_eq!(wide, 0, "nothing to scroll sideways");
    // The wrong password is a failed request, and nothing else went wrong.
    let complaints = browser.complaints().await;
    assert!(complaints.iter().all(|complaint| complaint.contains("401")), "{complaints:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forgotten_password_is_replaced_by_the_keyboard_alone() {
    let (driver, site) = (Driver::start(), Site::start(&[]));
    let browser = driver.open(390, 844).await;
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("page");
    browser.go(&format!("{}/#login", site.url)).await;
    browser.until("the page is alive", "document.getElementById('status-text').textContent === 'Connected to server'").await;
    browser.tab_to("forgot").await;
    browser.press(ENTER).await;
    assert_eq!(browser.focus().await, "reset-email");
    all_sizes(&browser, &pictures, "reset-ask").await;
    browser.press(ENTER).await;
    browser.until("the missing address is told", "document.getElementById('reset-email-error').textContent").await;
    // The administrator's own address.
    let email = "superuser@line.example";
    browser.write(email).await;
    browser.press(ENTER).await;
    browser.until_said("a code is on its way").await;
    assert_eq!(browser.focus().await, "reset-code");
    let code = code_for(&site.log, email);
    all_sizes(&browser, &pictures, "reset").await;
    browser.write(if code == "000000" { "111111" } else { "000000" }).await;
    browser.press(TAB).await;
    browser.write("a new password").await;
    browser.press(ENTER).await;
    browser.until_said("The code is wrong").await;
    browser.tab_to("reset-code").await;
    browser.value("document.activeElement.select(), true").await;
    browser.write(&code).await;
    browser.press(ENTER).await;
    browser.until_said("Password changed successfully").await;
    assert_eq!(browser.focus().await, "login-username");
    browser.write("admin").await;
    browser.press(TAB).await;
    browser.write("a new password").await;
    browser.press(ENTER).await;
    browser.until_said("Login successful").await;
    browser.click("#tab-login").await;
    browser
        .until(
            "neither form is there for who is signed in",
            "document.getElementById('reset').hidden && document.getElementById('login-form').hidden",
        )
        .await;
    // The wrong code is a failed request, and nothing else went wrong.
    let complaints = browser.complaints().await;
    assert!(complaints.iter().all(|complaint| complaint.contains("400")), "{complaints:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_readers_show_the_whole_interface_and_ask_nobody_but_this_server() {
    let (driver, site) = (Driver::start(), Site::start(&[]));
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("page");
    let document: Value = http().get(format!("{}/api/openapi.json", site.url)).send().await.unwrap().json().await.unwrap();
    let paths = document["paths"].as_object().unwrap();
    let methods = ["get", "put", "post", "patch", "delete"];
    let count = |path: &Value| methods.iter().filter(|method| path.get(**method).is_some()).count();
    let operations: usize = paths.values().map(count).sum();
    assert!(operations > 50, "{operations}");
    // Swagger's operations are seen once their groups are opened; Redoc shows all at once.
    let open = "[...document.querySelectorAll('.opblock-tag-section:not(.is-open) .opblock-tag')].forEach((tag) => tag.click())";
    for (page, shown) in [("docs", ".opblock"), ("redoc", "[id^='tag/'][id*='/operation/']")] {
        let browser = driver.open(1280, 800).await;
        browser.go(&format!("{}/api/{page}", site.url)).await;
        browser.until("the title is shown", "document.body.innerText.includes('Andon line server')").await;
        browser.value(&format!("{open}, true")).await;
        let all = format!("document.querySelectorAll(\"{shown}\").length === {operations}");
        browser.until("every operation is shown", &all).await;
        let asked = browser.value("performance.getEntriesByType('resource').map((one) => one.name)").await;
        let asked: Vec<String> = serde_json::from_value(asked).unwrap();
        let own = |url: &String| url.starts_with(&format!("{}/", site.url)) || url.starts_with("data:") || url.starts_with("blob:");
        assert!(asked.iter().any(|url| url.ends_with("/api/openapi.json")) && asked.iter().all(own), "{asked:#?}");
        browser.picture(&pictures.join(format!("reader-{page}.png"))).await;
        no_complaints(&browser).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_board_shows_the_line_of_today_and_fits_every_screen() {
    let (driver, site) = (Driver::start(), Site::start(&[("ANDON_PUBLIC_BOARD", "true"), ("ANDON_BOARD_TARGET", "98")]));
    let browser = driver.open(1280, 800).await;
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("page");
    // Where it is about noon: half an hour ago was today.
    browser.time_zone(12 - i64::from(Clock::system().now().hour())).await;
    browser.go(&site.url).await;
    browser.until("an empty board says so", "document.getElementById('processes').textContent.includes('No units yet')").await;
    let took = browser.value(&format!("({}).startTime - ({}).responseEnd", request("board"), request("session"))).await;
    assert!(took.as_f64().unwrap() < 3000.0, "it is asked for at once, not with the next beat: {took} ms");
    all_sizes(&browser, &pictures, "board-empty").await;
    site.report(150).await;
    browser.until("yields are shown", "document.querySelectorAll('.process').length > 1").await;
    browser.until("reports are shown", "document.querySelectorAll('#reports tr').length === 12").await;
    let station = browser.value("document.querySelector('#reports tr').lastChild.textContent").await;
    assert_eq!(station, ODD, "a name is shown as it was typed");
    let results = browser.value("document.querySelectorAll('#reports .sign.passed').length").await;
    assert!(results.as_u64().unwrap() > 6, "{results}");
    nothing_came_alive(&browser).await;
    all_sizes(&browser, &pictures, "board").await;
    for tab in ["signup", "login", "verify", "chat"] {
        browser.click(&format!("#tab-{tab}")).await;
        all_sizes(&browser, &pictures, tab).await;
    }
    no_complaints(&browser).await;
    browser.click("#tab-signup").await;
    browser.fill("#signup-username", "<b").await;
    browser.fill("#signup-email", "somebody@line.example").await;
    browser.fill("#signup-password", PASSWORD).await;
    browser.click("#signup-form .primary").await;
    browser.until("the name is refused at its field", "document.getElementById('signup-username-error').textContent").await;
    nothing_came_alive(&browser).await;
    all_sizes(&browser, &pictures, "signup-error").await;
}

/// A browser's record of the first request of the page for this.
fn request(name: &str) -> String {
    format!("performance.getEntriesByType('resource').find(request => request.name.includes('/api/page/{name}'))")
}

/// Looks at the page as it is on small and large screens, dark and light, and keeps a picture of each.
async fn all_sizes(browser: &Browser, folder: &Path, name: &str) {
    for (width, height) in [(320, 640), (390, 844), (1280, 800), (1920, 1080)] {
        browser.size(width, height).await;
        let wide = browser.value("document.documentElement.scrollWidth - document.documentElement.clientWidth").await;
        assert_eq!(wide, 0, "{name} can be scrolled sideways at {width} px");
        for scheme in ["dark", "light"] {
            browser.scheme(scheme).await;
            browser.picture(&folder.join(format!("{name}-{width}x{height}-{scheme}.png"))).await;
        }
    }
}

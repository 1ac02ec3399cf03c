//! A browser without a window, driven over WebDriver as a person would drive it: by what he sees, and by the keyboard.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::world::{Process, http, require, until};

/// How long a page may take to show something.
const PATIENCE: Duration = Duration::from_secs(20);

/// Keys as WebDriver names them.
pub const TAB: &str = "\u{E004}";
pub const ENTER: &str = "\u{E007}";
pub const END: &str = "\u{E010}";
pub const HOME: &str = "\u{E011}";
pub const RIGHT: &str = "\u{E014}";

/// Starts browsers. Ends with them.
pub struct Driver {
    url: String,
    sessions: Mutex<Vec<String>>,
    _process: Process,
}

/// A driver that is killed leaves its browsers behind: they are asked to go before.
impl Drop for Driver {
    fn drop(&mut self) {
        let host = self.url.trim_start_matches("http://");
        for session in std::mem::take(&mut *self.sessions.lock().unwrap()) {
            let Ok(mut stream) = TcpStream::connect(host) else { return };
            let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
            let request = format!("DELETE /session/{session} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
            let _ = stream.write_all(request.as_bytes()).and_then(|()| stream.read(&mut [0; 512]));
        }
    }
}

impl Driver {
    pub fn start() -> Driver {
        require("chromium");
        require("chromedriver");
        let mut child = Command::new("chromedriver").arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let process = Process(child);
        let port = lines.find_map(|line| Some(line.split_once("started successfully on port ")?.1.trim_end_matches('.').to_owned()));
        // The pipe stays open, or the driver would end at its next word.
        std::thread::spawn(move || lines.for_each(drop));
        let url = format!("http://127.0.0.1:{}", port.expect("chromedriver says its port"));
        Driver { url, sessions: Mutex::default(), _process: process }
    }

    /// A browser of its own, with a profile of its own.
    pub async fn open(&self, width: u32, height: u32) -> Browser {
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-proxy-server",
            "--no-first-run",
            "--disable-background-networking",
        ];
        let arguments: Vec<String> = arguments.map(str::to_owned).into_iter().chain([format!("--window-size={width},{height}")]).collect();
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": { "args": arguments }, "goog:loggingPrefs": { "browser": "ALL" },
        } } });
        let answer = post(&format!("{}/session", self.url), &wanted).await.expect("a browser starts");
        let session = answer["sessionId"].as_str().unwrap();
        self.sessions.lock().unwrap().push(session.to_owned());
        let browser = Browser { url: format!("{}/session/{session}", self.url) };
        browser.size(width, height).await;
        browser
    }
}

async fn post(url: &str, body: &Value) -> Result<Value, Value> {
    let answer = http().post(url).body(body.to_string()).header("content-type", "application/json").send().await.unwrap();
    let good = answer.status().is_success();
    let body: Value = answer.json().await.unwrap();
    if good { Ok(body["value"].clone()) } else { Err(body["value"].clone()) }
}

/// One browser with one tab.
pub struct Browser {
    url: String,
}

impl Browser {
    async fn ask(&self, path: &str, body: Value) -> Value {
        post(&format!("{}/{path}", self.url), &body).await.unwrap_or_else(|error| panic!("{path} {body}: {error}"))
    }

    async fn chrome(&self, command: &str, parameters: Value) -> Value {
        self.ask("goog/cdp/execute", json!({ "cmd": command, "params": parameters })).await
    }

    pub async fn go(&self, url: &str) {
        self.ask("url", json!({ "url": url })).await;
    }

    /// As large as this inside, whatever a window would allow.
    pub async fn size(&self, width: u32, height: u32) {
        let screen = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.chrome("Emulation.setDeviceMetricsOverride", screen).await;
    }

    /// So many hours before Greenwich; less than none after it.
    pub async fn time_zone(&self, hours: i64) {
        // These names count the other way.
        self.chrome("Emulation.setTimezoneOverride", json!({ "timezoneId": format!("Etc/GMT{:+}", -hours) })).await;
    }

    /// `dark` or `light`, as the viewer's system would say.
    pub async fn scheme(&self, scheme: &str) {
        self.chrome("Emulation.setEmulatedMedia", json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] })).await;
    }

    /// The value of an expression in the page.
    pub async fn value(&self, expression: &str) -> Value {
        self.ask("execute/sync", json!({ "script": format!("return ({expression})"), "args": [] })).await
    }

    /// Waits until an expression is true in the page; shows what the page shows if it never is.
    pub async fn until(&self, what: &str, expression: &str) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            if self.value(&format!("Boolean({expression})")).await == Value::Bool(true) {
                return;
            }
            if tokio::time::Instant::now() > deadline {
                panic!("waited in vain until {what}; the page shows:\n{}", self.value("document.body.innerText").await.as_str().unwrap());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until the one strip for messages says this.
    pub async fn until_said(&self, words: &str) {
        let words = serde_json::to_string(words).unwrap();
        self.until(&format!("the page says {words}"), &format!("document.getElementById('message').textContent.includes({words})")).await;
    }

    /// Presses and releases a key wherever the focus is.
    pub async fn press(&self, key: &str) {
        let stroke = json!([{ "type": "keyDown", "value": key }, { "type": "keyUp", "value": key }]);
        self.ask("actions", json!({ "actions": [{ "type": "key", "id": "keys", "actions": stroke }] })).await;
    }

    /// Types text of any script wherever the focus is.
    pub async fn write(&self, text: &str) {
        self.chrome("Input.insertText", json!({ "text": text })).await;
    }

    /// The id of what has the focus.
    pub async fn focus(&self) -> String {
        self.value("document.activeElement.id").await.as_str().unwrap_or_default().to_owned()
    }

    /// Walks by Tab until something has the focus.
    pub async fn tab_to(&self, id: &str) {
        for _ in 0..60 {
            if self.focus().await == id {
                return;
            }
            self.press(TAB).await;
        }
        panic!("the keyboard does not reach {id}");
    }

    /// Clicks what a selector finds.
    pub async fn click(&self, selector: &str) {
        let found = self.ask("element", json!({ "using": "css selector", "value": selector })).await;
        let element = found.as_object().unwrap().values().next().unwrap().as_str().unwrap().to_owned();
        self.ask(&format!("element/{element}/click"), json!({})).await;
    }

    /// Puts text into a field as a person would: click, then type.
    pub async fn fill(&self, selector: &str, text: &str) {
        self.click(selector).await;
        self.value("document.activeElement.select?.(), true").await;
        self.write(text).await;
    }

    /// What the browser complained of since last asked: broken scripts, broken policies, failed requests.
    pub async fn complaints(&self) -> Vec<String> {
        let entries = self.ask("se/log", json!({ "type": "browser" })).await;
        let entries = entries.as_array().cloned().unwrap_or_default();
        entries.iter().filter(|entry| entry["level"] != "DEBUG" && entry["level"] != "INFO").map(Value::to_string).collect()
    }

    pub async fn picture(&self, file: &Path) {
        let answer = http().get(format!("{}/screenshot", self.url)).send().await.unwrap();
        let body: Value = answer.json().await.unwrap();
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, STANDARD.decode(body["value"].as_str().unwrap()).unwrap()).unwrap();
    }
}

/// The last code that a server printed for an address.
pub fn code_for(log: &Path, email: &str) -> String {
    let start = format!("verification code for {email}: ");
    until("the code is printed", PATIENCE, || {
        let text = std::fs::read_to_string(log).unwrap_or_default();
        text.lines().rev().find_map(|line| Some(line.strip_prefix(&start)?.trim().to_owned()))
    })
}

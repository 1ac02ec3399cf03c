//! The true app over a model that a test publishes, and the commands it sends back.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use andon::client::*;
use andon::desktop::format::Zone;
use andon::desktop::theme::Tone;
use andon::desktop::{Andon, Options, Route};
use andon::domain::access::Role;
use andon::domain::connection::{Connection, Trouble};
use andon::domain::instance::{Application, Instance, InstanceId};
use andon::domain::tunnel::{Fault, Tunnel, TunnelSettings};
use andon::support::clock::Clock;
use chrono::TimeDelta;
use egui_kittest::Harness;
use uuid::Uuid;

use super::people;
use crate::line::{self, now};

/// A desk, a laptop, the touch panel, a television.
pub const DESK: (f32, f32) = (1280.0, 800.0);
pub const PANEL: (f32, f32) = (1280.0, 400.0);
pub const WALL: (f32, f32) = (1920.0, 1080.0);

/// A window without a display, and the services' end of its bridge.
pub struct World {
    pub harness: Harness<'static, Andon>,
    pub far: Rc<RefCell<FarEnd>>,
    pub clock: Clock,
}

impl World {
    pub fn new(size: (f32, f32), model: Model) -> World {
        World::with(size, model, Options::default())
    }

    pub fn with(size: (f32, f32), model: Model, options: Options) -> World {
        let clock = Clock::held(now());
        let (bridge, far) = Bridge::detached(model);
        let options = Options { clock: clock.clone(), zone: Zone::utc(), renderer: "none".to_owned(), ..options };
        let harness = Harness::builder()
            .with_size(eframe::egui::vec2(size.0, size.1))
            .with_max_steps(8)
            // People's names hold what only the system's own fonts have.
            .allow_missing_glyphs()
            .build_eframe(move |_| Andon::new(bridge, options));
        World { harness, far: Rc::new(RefCell::new(far)), clock }
    }

    pub fn commands(&mut self) -> Vec<Command> {
        self.far.borrow_mut().commands()
    }

    pub fn publish(&mut self, change: impl FnOnce(&mut Model)) {
        self.far.borrow().publish(change);
        self.harness.run();
    }
}

pub fn options(tone: Tone) -> Options {
    Options { tone: Some(tone), clock: Clock::held(now()), zone: Zone::utc(), renderer: "none".to_owned(), ..Options::default() }
}

/// The window at this screen.
pub fn at(route: Route) -> Options {
    Options { route: Some(route), ..options(Tone::Dark) }
}

fn id(text: &str) -> InstanceId {
    InstanceId::parse(text).unwrap()
}

pub fn instances() -> InstancesSlice {
    let one = |name: &str, application, days: i64, marks: (bool, bool, bool)| Instance {
        id: InstanceId::from_name(name),
        name: name.to_owned(),
        application,
        path: format!("/var/lib/andon/instances/{}", InstanceId::from_name(name)),
        last_used: Some(now() - TimeDelta::days(days)),
        is_default: marks.0,
        signed_in: marks.1,
        in_use: marks.2,
    };
    InstancesSlice {
        list: vec![
            one("Line A - End of line", Application::Configurator, 0, (true, true, true)),
            one("Line A - Television", Application::YieldMonitor, 1, (false, true, true)),
            one("Leak tester", Application::PressurePanel, 12, (false, false, false)),
        ],
        current: Some(id("line-a-end-of-line")),
        data_folder: "/var/lib/andon".to_owned(),
        ..InstancesSlice::default()
    }
}

/// Nobody is signed in; this program has a line server that was never used.
pub fn signed_out() -> Model {
    let line = LineSlice { state: LineState::Stopped, ..LineSlice::default() };
    let connection = ConnectionSlice { since: Some(now()), ..ConnectionSlice::default() };
    Model { instances: Arc::new(instances()), line: Arc::new(line), connection: Arc::new(connection), ..Model::default() }
}

/// The account that signed in last is locked for some minutes.
pub fn lock(session: &mut SessionSlice) {
    let (server_url, user) = (session.server_url.clone(), session.last_user.clone());
    session.locked = Some(LockedAccount { server_url, user, until: now() + TimeDelta::seconds(277) });
}

/// A person of `role` at a station that works.
pub fn signed_in(role: Role) -> Model {
    let mut model = line::model(Application::Configurator, line::picture());
    model.instances = Arc::new(instances());
    let session = Arc::make_mut(&mut model.session);
    session.station.as_mut().unwrap().has_roles = true;
    session.last_user = "m.nowak".to_owned();
    session.person = (role != Role::Station).then(|| Person { name: "M. Nowak".to_owned(), role, since: now(), offline: false });
    let connection = Arc::make_mut(&mut model.connection);
    connection.server_version = "0.1.0".to_owned();
    connection.server_id = "line-a".to_owned();
    connection.clock_offset_ms = Some(140);
    connection.auto_reconnect = true;
    model.queue = Arc::new(queue(QueueFilter::Pending));
    model.converters = Arc::new(ConvertersSlice { folders: vec![folder()] });
    model.reports = Arc::new(ReportsSlice { list: Remote::Ready(Arc::new(line::page())), ..ReportsSlice::default() });
    people::fill(&mut model);
    model
}

fn folder() -> WatchedFolder {
    WatchedFolder {
        path: "/var/lib/andon/instances/line-a-end-of-line/converters/in".to_owned(),
        enabled: true,
        waiting_files: 1,
        converted: 1243,
        rejected: 2,
        last_file: "SN260319400.json".to_owned(),
        last_at: Some(now() - TimeDelta::seconds(20)),
        trouble: None,
    }
}

pub fn queue(filter: QueueFilter) -> QueueSlice {
    let n = match filter {
        QueueFilter::Pending => 12,
        QueueFilter::Quarantined => 2,
        QueueFilter::Delivered => 500,
    };
    QueueSlice {
        waiting: 11,
        sending: 1,
        quarantined: 2,
        delivered: 1229,
        oldest_waiting: Some(now() - TimeDelta::minutes(4)),
        last_delivery: Some(now() - TimeDelta::seconds(9)),
        bytes: 48_211_004,
        limit_reports: 100_000,
        limit_bytes: 10_000_000_000,
        rows: Arc::new((0..n).map(|i| row(i, filter)).collect()),
        filter,
        ..QueueSlice::default()
    }
}

pub fn row(i: u64, filter: QueueFilter) -> QueueRow {
    let state = match (filter, i) {
        (QueueFilter::Pending, 0) => QueueState::Sending,
        (QueueFilter::Pending, _) => QueueState::Waiting,
        (QueueFilter::Quarantined, _) => QueueState::Quarantined,
        (QueueFilter::Delivered, _) => QueueState::Delivered,
    };
    let tries = if i == 3 || state == QueueState::Quarantined { 4 } else { 0 };
    QueueRow {
        id: Uuid::from_u64_pair(9, i),
        state,
        part_number: if i.is_multiple_of(3) { "C20.30.2040" } else { "C15.25.1010" }.to_owned(),
        serial_number: format!("SN26031{:04}", 9_400 - i),
        source: format!("SN26031{:04}.json", 9_400 - i),
        accepted_at: now() - TimeDelta::seconds(20 + 23 * i as i64),
        delivered_at: (state == QueueState::Delivered).then(|| now() - TimeDelta::seconds(9 + 23 * i as i64)),
        bytes: 3_000 + 411 * i,
        tries,
        next_try: None,
        last_error: match (tries, state) {
            (0, _) => String::new(),
            (_, QueueState::Quarantined) => "The process 999 is not known on this server.".to_owned(),
            _ => "The server did not answer in time.".to_owned(),
        },
        server_id: if i == 5 { "line-b" } else { "line-a" }.to_owned(),
        foreign: i == 5 && filter == QueueFilter::Pending,
    }
}

pub fn with_history(mut model: Model) -> Model {
    let queue = Arc::make_mut(&mut model.queue);
    let event = |secs, what, detail: &str| QueueEvent { at: now() - TimeDelta::seconds(secs), what, detail: detail.to_owned() };
    let events = vec![
        event(112, QueueHappening::Accepted, "SN260319397.json"),
        event(104, QueueHappening::Tried, "The server did not answer in time."),
        event(61, QueueHappening::Tried, "The server did not answer in time."),
        event(12, QueueHappening::Retried, ""),
    ];
    queue.history = Some((queue.rows[3.min(queue.rows.len() - 1)].id, Arc::new(events)));
    model
}

pub fn offline(mut model: Model) -> Model {
    let connection = Arc::make_mut(&mut model.connection);
    connection.state = Connection::Offline(Trouble::Unreachable);
    connection.since = Some(now() - TimeDelta::minutes(7));
    connection.last_contact = Some(now() - TimeDelta::minutes(7));
    connection.latency_ms = None;
    connection.attempt = 5;
    connection.next_attempt = Some(now() + TimeDelta::seconds(8));
    connection.trouble =
        Some(Explanation::new("server_unreachable").with("server", "https://line-a.local:8443").detail("connection refused"));
    model
}

/// A station whose server is behind a tunnel in this state.
pub fn tunnelled(mut model: Model, state: Tunnel) -> Model {
    let settings = TunnelSettings {
        enabled: true,
        host: "gate.plant-gliwice.example".to_owned(),
        user: "andon-line-a".to_owned(),
        key_file: "~/.ssh/id_ed25519_line_a".into(),
        remote_host: "line-server.plant-gliwice.example".to_owned(),
        ..TunnelSettings::default()
    };
    let (known, found) = prints();
    let host = "gate.plant-gliwice.example:22";
    let trouble = state.why().map(|why| match why {
        Fault::HostKeyChanged { .. } => {
            Explanation::new("tunnel_host_key_changed").with("host", host).with("known", &known).with("found", &found)
        }
        Fault::PassphraseMissing => Explanation::new("tunnel_passphrase_missing").with("file", "~/.ssh/id_ed25519_line_a"),
        _ => Explanation::new("tunnel_unreachable").with("host", host).detail("connection refused"),
    });
    let up = matches!(state, Tunnel::Up { .. });
    if !up {
        let connection = Arc::make_mut(&mut model.connection);
        let needs_person = matches!(state, Tunnel::Refused { .. });
        connection.state = Connection::Offline(if needs_person { Trouble::TunnelRefused } else { Trouble::TunnelDown });
        connection.trouble = Some(Explanation::new("tunnel_down"));
    }
    model.tunnel = Arc::new(TunnelSlice {
        settings,
        state,
        trouble,
        attempt: 3,
        local_end: if up { "127.0.0.1:49152".to_owned() } else { String::new() },
        fingerprint: known,
        ..TunnelSlice::default()
    });
    model
}

/// Two host keys, the known one and another.
pub fn prints() -> (String, String) {
    ("SHA256:zxaN/rLEE8cMmdXrkt6Z29lmtCNMqPfnKTL6tQTSRgg".to_owned(), "SHA256:mVPwvezndPv/ARoIadVY98vAC0g+P/5633yTC4d/wXE".to_owned())
}

pub fn tunnel_states() -> Vec<(&'static str, Tunnel)> {
    let (known, found) = prints();
    vec![
        ("up", Tunnel::Up { since: now() - TimeDelta::minutes(96) }),
        ("connecting", Tunnel::Connecting),
        ("retrying", Tunnel::Retrying { after: now() + TimeDelta::seconds(9), why: Fault::Unreachable }),
        ("refused", Tunnel::Refused { why: Fault::PassphraseMissing }),
        ("changed", Tunnel::Refused { why: Fault::HostKeyChanged { known, found } }),
    ]
}

/// Much is wrong at once.
pub fn broken(mut model: Model) -> Model {
    let connection = Arc::make_mut(&mut model.connection);
    connection.state = Connection::Offline(Trouble::Certificate);
    connection.clock_offset_ms = Some(-95_000);
    connection.plain_http = true;
    connection.trouble = Some(Explanation::new("certificate_refused").with("server", "https://line-a.local:8443"));
    let queue = Arc::make_mut(&mut model.queue);
    queue.bytes = 9_100_000_000;
    queue.trouble = Some(Explanation::new("queue_filling").with("percent", "91"));
    queue.for_other_server = 3;
    Arc::make_mut(&mut model.instances).problems =
        vec![Explanation::new("settings_broken").with("instance", "line-a-end-of-line").with("file", "config.json.broken-20260310T140201")];
    Arc::make_mut(&mut model.converters).folders[0].trouble = Some(Explanation::new("file_rejected").with("file", "SN260319388.json"));
    model
}

pub fn empty(role: Role) -> Model {
    let mut model = signed_in(role);
    model.queue = Arc::new(QueueSlice { limit_reports: 100_000, limit_bytes: 10_000_000_000, ..QueueSlice::default() });
    model.yields = Arc::default();
    model.reports = Arc::default();
    model.converters = Arc::default();
    people::empty(&mut model);
    model
}

//! Accounts, stations and acts of a line as the window would be told of them.

use std::sync::Arc;

use andon::client::*;
use andon::domain::access::Role;
use andon::support::secret::Secret;
use chrono::{DateTime, TimeDelta, Utc};

use super::chat;
use crate::line::now;

fn ago(secs: i64) -> DateTime<Utc> {
    now() - TimeDelta::seconds(secs)
}

pub fn account(id: &str, name: &str, role: Role, last_login_secs: i64) -> Account {
    Account {
        id: id.to_owned(),
        username: name.to_owned(),
        email: Some(format!("{}@line.example", name.to_lowercase().replace(' ', ""))),
        role,
        is_active: true,
        is_verified: true,
        created_at: now() - TimeDelta::days(400),
        last_login: Some(ago(last_login_secs)),
        failed_login_attempts: 0,
        locked_until: None,
        version: 4,
    }
}

pub fn accounts() -> Vec<Account> {
    let mut rows = vec![
        account("1", "a.wrona", Role::Admin, 86_400 * 3),
        account("2", "j.kowalska", Role::Operator, 1_290),
        account("3", "M. Nowak", Role::Superuser, 3_000),
        account("4", "p.dąbrowski-wiśniewski@produkcja", Role::Technician, 7_200),
        account("5", "r.zimny", Role::Operator, 86_400),
        account("6", "s.byk", Role::Guest, 86_400 * 40),
        account("7", "t.lis", Role::Operator, 86_400 * 90),
    ];
    rows[3].email = None;
    (rows[4].failed_login_attempts, rows[4].locked_until) = (3, Some(now() + TimeDelta::seconds(240)));
    (rows[5].is_verified, rows[5].last_login) = (false, None);
    rows[6].is_active = false;
    rows
}

fn station(id: &str, seen_secs: Option<i64>, failed: u64, clock_ms: i64) -> LineStation {
    let known = seen_secs.is_some();
    LineStation {
        id: id.to_owned(),
        version: known.then(|| "0.1.0".to_owned()),
        last_seen: seen_secs.map(ago),
        address: known.then(|| "10.20.0.14".to_owned()),
        queue_depth: known.then_some(12),
        failed: known.then_some(failed),
        converter_errors: known.then_some(0),
        clock_offset_ms: known.then_some(clock_ms),
        tokens: 1,
    }
}

fn token(id: &str, station: &str, mask: &str, revoked: bool) -> StationToken {
    StationToken {
        id: id.to_owned(),
        identifier: station.to_owned(),
        mask: mask.to_owned(),
        issued_by: "a.wrona".to_owned(),
        created_at: now() - TimeDelta::days(12),
        last_used: Some(ago(20)),
        revoked_at: revoked.then(|| ago(4_000)),
    }
}

fn entry(n: i64, user: &str, action: &str, target: &str, result: &str, detail: &str) -> AuditEntry {
    AuditEntry {
        id: format!("{:05}", 99_999 - n),
        timestamp: ago(n * 613),
        user: user.to_owned(),
        action: action.to_owned(),
        target: target.to_owned(),
        address: "10.20.0.31".to_owned(),
        result: result.to_owned(),
        detail: detail.to_owned(),
        station: None,
        happened_at: None,
    }
}

/// What a station told of an hour after it had happened.
fn told(n: i64, user: &str, action: &str, target: &str, result: &str) -> AuditEntry {
    let station = Some("eol@line-a-pc3".to_owned());
    AuditEntry { station, happened_at: Some(ago(n * 613 + 3_600)), ..entry(n, user, action, target, result, "") }
}

pub fn acts() -> Vec<AuditEntry> {
    let few = [
        ("M. Nowak", "user.changed", "j.kowalska", "ok", "role OPERATOR → ADMIN"),
        ("r.zimny", "login", "", "invalid_credentials", ""),
        ("M. Nowak", "login", "", "ok", ""),
        ("a.wrona", "token.issued", "eol@line-a-pc3", "ok", ""),
        ("a.wrona", "token.revoked", "leak@line-a-pc2", "ok", ""),
        ("a.wrona", "user.created", "s.byk", "ok", "role GUEST"),
        ("system", "key.rotated", "", "ok", ""),
        ("a.wrona", "something.new", "", "ok", ""),
    ];
    let mut acts: Vec<AuditEntry> = (0..40)
        .map(|n: i64| {
            let (user, action, target, result, detail) = few[n as usize % few.len()];
            entry(n, user, action, target, result, detail)
        })
        .collect();
    acts[3] = told(3, "j.kowalska", "offline.login", "", "ok");
    acts[4] = told(4, "system", "offline.user.locked", "r.zimny", "ok");
    acts
}

fn session(id: &str, client: &str, address: &str, used_secs: i64) -> OpenSession {
    OpenSession {
        id: id.to_owned(),
        created_at: ago(used_secs + 4_000),
        last_used: ago(used_secs),
        expires_at: now() + TimeDelta::days(6),
        address: address.to_owned(),
        client: client.to_owned(),
        current: id == "s1",
    }
}

/// Lists as they are after they were read, a while ago.
pub fn fill(model: &mut Model) {
    let as_of = ago(9);
    let users = UserList { rows: accounts(), complete: true, as_of };
    model.users = Arc::new(UsersSlice { list: Remote::Ready(Arc::new(users)), ..UsersSlice::default() });
    let stations = vec![
        station("eol@line-a-pc3", Some(20), 0, 40),
        station("leak@line-a-pc2", Some(41), 2, 0),
        station("pressure@line-a-pc1", Some(9_000), 0, 0),
        station("label printer", None, 0, 0),
    ];
    let tokens = vec![
        token("t1", "eol@line-a-pc3", "…9f3c", false),
        token("t2", "leak@line-a-pc2", "…04aa", false),
        token("t3", "leak@line-a-pc2", "…77d0", true),
    ];
    let stations = StationList { stations, tokens, as_of };
    model.stations = Arc::new(StationsSlice { list: Remote::Ready(Arc::new(stations)), ..StationsSlice::default() });
    let audit = AuditList { rows: acts(), complete: false, as_of };
    model.audit = Arc::new(AuditSlice { list: Remote::Ready(Arc::new(audit)), ..AuditSlice::default() });
    let sessions = vec![
        session("s1", "andon/0.1.0", "10.20.0.14", 60),
        session("s2", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)", "10.20.0.77", 7_000),
        session("s3", "", "", 90_000),
    ];
    let sessions = SessionList { rows: sessions, as_of };
    model.me = Arc::new(MeSlice { list: Remote::Ready(Arc::new(sessions)), ..MeSlice::default() });
    if model.session.person.is_some() {
        model.chat = Arc::new(chat::slice());
    }
}

/// The longest names that an account may have, and what keyboards of today put into them.
const LONG: [&str; 5] = [
    "Brzęczyszczykiewicz-Chrząszczyżewoszycka Eugeniusz",
    "Donaudampfschifffahrtsgesellschaftskapitänsanwärte",
    "WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW",
    "🔧🔧🔧 Zoë <b>fett</b> '; -- 🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂",
    "Rindfleischetikettierungsüberwachungsaufgabenübert",
];

/// Fifty accounts and more, and everything as long as it may be.
pub fn crowd(mut model: Model) -> Model {
    let long = |n: usize| LONG[n % LONG.len()].to_owned();
    let users = (0..55).map(|n: usize| {
        let name = if n.is_multiple_of(3) { long(n / 3) } else { format!("operator {n:02}") };
        Account {
            email: Some(format!("{}@produktionslinie-{n}.example", "langer.name".repeat(7))),
            ..account(&n.to_string(), &name, Role::Technician, 700)
        }
    });
    let users = UserList { rows: users.collect(), complete: false, as_of: ago(9) };
    model.users = Arc::new(UsersSlice { list: Remote::Ready(Arc::new(users)), ..UsersSlice::default() });
    let stations = (0..40).map(|n| station(&format!("{}@{}", long(n), "produktions-pc".repeat(4)), Some(20), 12_345, 700_000)).collect();
    let tokens = (0..40).map(|n| StationToken { issued_by: long(n + 1), ..token(&n.to_string(), &long(n), "…9f3c", n % 2 == 1) }).collect();
    let stations = StationList { stations, tokens, as_of: ago(9) };
    model.stations = Arc::new(StationsSlice { list: Remote::Ready(Arc::new(stations)), ..StationsSlice::default() });
    let rows = (0..60).map(|n: i64| {
        entry(
            n,
            LONG[n as usize % 5],
            "offline.user.locked",
            LONG[(n as usize + 1) % 5],
            "invalid_credentials",
            &long(n as usize).repeat(4),
        )
    });
    let audit = AuditList { rows: rows.collect(), complete: false, as_of: ago(9) };
    model.audit = Arc::new(AuditSlice { list: Remote::Ready(Arc::new(audit)), ..AuditSlice::default() });
    let rows = (0..30).map(|n: i64| {
        session(
            &format!("s{n}"),
            &"Mozilla/5.0 (Windows NT 10.0; Win64; x64) ".repeat(4),
            "2001:0db8:85a3:0000:0000:8a2e:0370:7334",
            60 * n,
        )
    });
    let sessions = SessionList { rows: rows.collect(), as_of: ago(9) };
    model.me = Arc::new(MeSlice { list: Remote::Ready(Arc::new(sessions)), ..MeSlice::default() });
    if let Some(person) = &mut Arc::make_mut(&mut model.session).person {
        person.name = long(0);
    }
    let instances = Arc::make_mut(&mut model.instances);
    let names = (0..25).map(|n: usize| andon::domain::instance::Instance {
        id: andon::domain::InstanceId::from_name(&format!("station {n}")),
        name: long(n),
        path: format!("/srv/{}", "anlagen/".repeat(20)),
        ..instances.list[1].clone()
    });
    instances.list =
        instances.list.iter().cloned().map(|one| andon::domain::instance::Instance { name: long(1), ..one }).chain(names).collect();
    instances.data_folder = format!("/srv/{}", "anlagen/".repeat(20));
    let session = Arc::make_mut(&mut model.session);
    session.server_url = format!("https://{}.example:8443", "produktionslinie-".repeat(6));
    model
}

/// Lists that were read and hold nothing.
pub fn empty(model: &mut Model) {
    let as_of = ago(9);
    let users = UserList { rows: Vec::new(), complete: true, as_of };
    model.users = Arc::new(UsersSlice { search: "zz".to_owned(), list: Remote::Ready(Arc::new(users)), ..UsersSlice::default() });
    let stations = StationList { stations: Vec::new(), tokens: Vec::new(), as_of };
    model.stations = Arc::new(StationsSlice { list: Remote::Ready(Arc::new(stations)), ..StationsSlice::default() });
    let audit = AuditList { rows: Vec::new(), complete: true, as_of };
    model.audit = Arc::new(AuditSlice { list: Remote::Ready(Arc::new(audit)), ..AuditSlice::default() });
    model.me = Arc::default();
    *model = chat::silent(std::mem::take(model));
}

/// Nothing was read yet.
pub fn unread(mut model: Model) -> Model {
    model.users = Arc::new(UsersSlice { list: Remote::Loading(None), ..UsersSlice::default() });
    model
}

/// The newest reading failed; the one before is shown.
pub fn failed(mut model: Model) -> Model {
    let users = Arc::make_mut(&mut model.users);
    users.list = Remote::Failed(Explanation::new("server_error"), users.list.value().cloned());
    model
}

/// A form was sent and refused.
pub fn refused(mut model: Model) -> Model {
    let refused = Some(Explanation::new("name_in_use"));
    Arc::make_mut(&mut model.users).acts = Acts { running: false, settled: 1, refused };
    model
}

pub fn issued(mut model: Model) -> Model {
    let token = Secret::new("eyJhbmRvbiI6InN0YXRpb24ifQ.c3RhdGlvbi10b2tlbg.9f3c0a77d04aaa1b2c3d4e5f60718293");
    Arc::make_mut(&mut model.stations).issued = Some(IssuedToken { station: "label printer".to_owned(), token });
    model
}

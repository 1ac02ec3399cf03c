//! A line's day as the window would be told of it. The same numbers for tests, pictures and benches.
#![allow(dead_code, reason = "a bench uses less of it than the tests")]

use std::sync::Arc;

use andon::client::{ConnectionSlice, Model, OpenReport, Remote, ReportPage, SessionSlice, Station, YieldPicture, YieldSlice};
use andon::domain::connection::Connection;
use andon::domain::instance::Application;
use andon::domain::report::{
    Comparison, Fact, FactKind, Finding, Header, Measured, Measurement, Number, Oddity, Report, ReportKind, Status, Step,
};
use andon::domain::yields::{Bucket, Kpis, ParetoRow};
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

/// 2026-03-10 14:02:37 UTC.
pub fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_773_151_357, 0).unwrap()
}

/// A station that is signed in and connected, and knows its yield.
pub fn model(application: Application, picture: YieldPicture) -> Model {
    let station = Station { application, remembered: true, token_mask: "9f3c".to_owned(), has_roles: false };
    let connection = ConnectionSlice {
        state: Connection::Connected,
        since: Some(now() - TimeDelta::hours(5)),
        last_contact: Some(now()),
        latency_ms: Some(15),
        health_interval_secs: 30,
        ..ConnectionSlice::default()
    };
    Model {
        session: Arc::new(SessionSlice {
            server_url: "https://line-a.local:8443".to_owned(),
            station: Some(station),
            ..SessionSlice::default()
        }),
        connection: Arc::new(connection),
        yields: Arc::new(YieldSlice { picture: Remote::Ready(Arc::new(picture)), ..YieldSlice::default() }),
        ..Model::default()
    }
}

/// Eight hours that got worse: 1 244 units, below a target of 98 %.
pub fn picture() -> YieldPicture {
    let hours = [(147, 149), (173, 175), (139, 142), (122, 125), (153, 159), (155, 163), (146, 154), (167, 177)];
    let start = now() - TimeDelta::seconds(157) - TimeDelta::hours(8);
    let buckets = hours.iter().enumerate().map(|(i, (passed, units))| {
        let start = start + TimeDelta::hours(i as i64);
        Bucket { start, end: start + TimeDelta::hours(1) + TimeDelta::minutes(if i == 7 { 5 } else { 0 }), kpis: kpis(*passed, *units) }
    });
    let failures = [("Leak test", 18), ("Seal force", 9), ("Valve current", 6), ("Label check", 4), ("Flash firmware", 3), ("Visual", 2)];
    let total: u64 = failures.iter().map(|(_, units)| units).sum();
    let mut sum = 0;
    let pareto = failures.map(|(step, units)| {
        sum += units;
        ParetoRow {
            step: step.to_owned(),
            units,
            share: units as f64 / total as f64,
            cumulative: sum as f64 / total as f64,
            ..ParetoRow::default()
        }
    });
    YieldPicture {
        as_of: now(),
        from: start,
        to: now(),
        total: kpis(1202, 1244),
        buckets: buckets.collect(),
        pareto: pareto.to_vec(),
        failing_now: 3,
        recent: recent(),
        target: Some(0.98),
        last_report: Some(now() - TimeDelta::seconds(20)),
        part_numbers: vec!["C15.25.1010".to_owned(), "C20.30.2040".to_owned()],
        processes: [(10, "Debug"), (100, "End of line test"), (500, "Repair")].map(|(code, name)| (code, name.to_owned())).into(),
    }
}

/// A line that has not made anything yet.
pub fn nothing() -> YieldPicture {
    YieldPicture {
        total: Kpis::default(),
        buckets: Vec::new(),
        pareto: Vec::new(),
        failing_now: 0,
        recent: Vec::new(),
        last_report: None,
        ..picture()
    }
}

pub fn kpis(passed: u64, units: u64) -> Kpis {
    let mended = (units - passed) * 7 / 10;
    Kpis {
        units,
        first_pass: passed,
        second_pass: passed + mended,
        third_pass: passed + mended,
        last_pass: units - (units - passed) / 9,
        reports: units + units - passed,
        reports_passed: passed + mended,
    }
}

pub fn header(i: u64, result: Status) -> Header {
    Header {
        id: Uuid::from_u64_pair(7, i),
        kind: ReportKind::Test,
        part_number: if i.is_multiple_of(3) { "C20.30.2040" } else { "C15.25.1010" }.to_owned(),
        serial_number: format!("SN26031{:04}", 9_400 - i),
        revision: "B".to_owned(),
        process_code: 100,
        process_name: "End of line test".to_owned(),
        result,
        station: "EOL-1".to_owned(),
        location: "Line A".to_owned(),
        purpose: String::new(),
        operator: "m.nowak".to_owned(),
        start: (now() - TimeDelta::seconds(20 + 23 * i as i64)).fixed_offset(),
    }
}

fn recent() -> Vec<Header> {
    let results = |i| match i {
        3 | 9 => Status::Failed,
        6 => Status::Error,
        11 => Status::Terminated,
        _ => Status::Passed,
    };
    (0..20).map(|i| header(i, results(i))).collect()
}

/// A list of reports as the server would answer it.
pub fn page() -> ReportPage {
    let result = |i: u64| match i % 11 {
        3 => Status::Failed,
        7 => Status::Error,
        _ => Status::Passed,
    };
    ReportPage { rows: (0..100).map(|i| header(i, result(i))).collect(), page: 0, has_more: true }
}

/// A failed run with `groups` groups of `each` measurements; one of the second group's is above its limit.
pub fn report(groups: usize, each: usize) -> OpenReport {
    let number = |text: String| Number { value: text.parse().unwrap_or(f64::NAN), text };
    let step = |group: usize, i: usize| {
        let failed = group == 1 && i == 1;
        let value = if failed { "48.91".to_owned() } else { format!("{:.2}", 47.6 + (i * 7 % 9) as f64 / 10.0) };
        let measurement = Measurement {
            name: String::new(),
            value: Measured::Number(number(value)),
            unit: "V".to_owned(),
            comparison: Some(Comparison::GeLe),
            low: Some(number("47.50".to_owned())),
            high: Some(number("48.50".to_owned())),
            expected: None,
            status: Some(if failed { Status::Failed } else { Status::Passed }),
        };
        Step {
            name: format!("Supply voltage rail {}", i + 1),
            step_type: "ET_NLT".to_owned(),
            group: "M".to_owned(),
            status: Some(if failed { Status::Failed } else { Status::Passed }),
            total_secs: Some(0.12 + i as f64 / 100.0),
            measurements: vec![measurement],
            ..Step::default()
        }
    };
    let group = |group: usize| Step {
        name: ["Power up", "Leak test", "Firmware", "Dichtheitsprüfung der Gehäuseunterseite", "Sprawdzenie szczelności obudowy"]
            [group % 5]
            .to_owned(),
        status: Some(if group == 1 { Status::Failed } else { Status::Passed }),
        total_secs: Some(3.2),
        steps: (0..each).map(|i| step(group, i)).collect(),
        ..Step::default()
    };
    let mut root = Step { name: "MainSequence".to_owned(), status: Some(Status::Failed), total_secs: Some(42.3), ..Step::default() };
    root.steps = (0..groups).map(group).collect();
    let text = |name: &str, value: &str, expected: &str| Measurement {
        name: name.to_owned(),
        value: Measured::Text(value.to_owned()),
        unit: String::new(),
        comparison: Some(Comparison::CaseSensitive),
        low: None,
        high: None,
        expected: Some(expected.to_owned()),
        status: Some(Status::Passed),
    };
    root.steps.push(Step {
        name: "Versions".to_owned(),
        status: Some(Status::Passed),
        total_secs: Some(0.4),
        measurements: vec![text("Bootloader", "v1.2", "v1.2"), text("Application", "v4.0.1-łódź", "v4.0.1-łódź")],
        ..Step::default()
    });
    let fact = |label: &str, text: &str| Fact { kind: FactKind::Misc, label: label.to_owned(), text: text.to_owned() };
    let report = Report {
        header: header(3, Status::Failed),
        step_count: groups * (each + 1) + 2,
        root: Some(root),
        execution_secs: Some(42.3),
        comment: "Second run after the seal was changed.".to_owned(),
        facts: vec![fact("Batch", "2026-W11-A"), fact("Fixture", "FX-07"), fact("Sub-unit PCB", "P33-118, serial 00412")],
        findings: vec![Finding { place: "MainSequence/Firmware/Supply voltage rail 3".to_owned(), what: Oddity::StatusAgainstLimits }],
    };
    let mut members = String::new();
    for i in 0..groups * each {
        members.push_str(&format!("{{\"stepType\":\"ET_NLT\",\"name\":\"Supply voltage rail {i}\",\"value\":47.{i}}},"));
    }
    OpenReport {
        report,
        source: format!("{{\"type\":\"T\",\"id\":\"00000000-0000-0007-0000-000000000003\",\"root\":{{\"steps\":[{members}null]}}}}").into(),
    }
}

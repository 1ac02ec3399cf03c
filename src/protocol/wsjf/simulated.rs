//! The simulated line writes what real ones do: readable, mixed, and with the yield it claims.

use std::collections::HashSet;

use chrono::{DateTime, Duration, TimeZone, Utc};
use uuid::Uuid;

use super::{Document, read};
use crate::domain::report::{Measured, Measurement, Status, Step};
use crate::domain::simulator::{DRIFT_PERIOD, Line, processes};
use crate::domain::yields::{Dimension, Run, RunTable, Selection};

fn start() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 3, 4, 6, 0, 0).unwrap()
}

fn documents(seed: u64, count: i64) -> Vec<Document> {
    let mut line = Line::new(seed);
    (0..count).map(|i| read(line.next(start() + Duration::seconds(i)).as_bytes()).unwrap()).collect()
}

#[test]
fn the_same_seed_gives_the_same_line() {
    assert_eq!(documents(7, 50), documents(7, 50));
    assert_ne!(documents(7, 1), documents(8, 1));
}

#[test]
fn every_report_reads_without_a_finding_and_has_its_own_id() {
    let documents = documents(1, 2000);
    let ids: HashSet<Uuid> = documents.iter().map(|document| document.report.header.id).collect();
    assert_eq!(ids.len(), documents.len());
    for (i, Document { report, text }) in (0..).zip(&documents) {
        assert_eq!(report.findings, [], "{text}");
        assert_eq!(report.header.start_utc(), start() + Duration::seconds(i));
        assert!((1..=500).contains(&report.step_count));
        assert_eq!(
            report.failed_step().is_some_and(|step| step.path != "MainSequence Callback" || report.step_count == 1),
            report.header.result == Status::Failed
        );
    }
}

#[test]
fn a_report_of_n_steps_has_n_steps() {
    let mut line = Line::new(3);
    for steps in [1, 2, 3, 4, 5, 17, 281, 500, 3000] {
        for _ in 0..20 {
            assert_eq!(read(line.report_of(start(), steps).as_bytes()).unwrap().report.step_count, steps);
        }
    }
}

#[test]
fn about_one_first_run_in_twenty_fails_and_most_retests_pass() {
    let mut table = RunTable::new();
    documents(1, 4000).iter().filter_map(|document| Run::of(&document.report)).for_each(|run| table.insert(run));
    let kpis = table.kpis(&Selection::default());
    let (fpy, lpy) = (kpis.fpy().unwrap(), kpis.lpy().unwrap());
    assert!((0.93..0.97).contains(&fpy) && lpy > 0.985 && kpis.reports > kpis.units, "{kpis:?}");
    assert!(table.pareto(&Selection::default()).iter().any(|row| row.step == "Leak rate"));
    assert_eq!(table.groups(&Selection::default(), &[Dimension::Process], &[]).len(), processes().len());
}

#[test]
fn the_leak_rate_drifts() {
    fn leaks(step: &Step, found: &mut Vec<f64>) {
        let value = |m: &Measurement| if let Measured::Number(number) = &m.value { Some(number.value) } else { None };
        if step.name == "Leak rate" && !step.has_failed() {
            found.extend(step.measurements.iter().filter_map(value));
        }
        step.steps.iter().for_each(|step| leaks(step, found));
    }
    let mean = |documents: &[Document]| {
        let mut found = Vec::new();
        documents.iter().filter_map(|document| document.report.root.as_ref()).for_each(|root| leaks(root, &mut found));
        found.iter().sum::<f64>() / found.len() as f64
    };
    let documents = documents(5, DRIFT_PERIOD as i64 - 1);
    let (early, late) = documents.split_at(documents.len() / 2);
    assert!(mean(late) > mean(early) + 0.05, "{} {}", mean(early), mean(late));
}

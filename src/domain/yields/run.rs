//! One test run, as yields see it.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::domain::report::{FailedStep, Report, ReportKind, Status};

/// What a yield needs to know of one report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub report_id: Uuid,
    pub part_number: String,
    pub serial_number: String,
    pub revision: String,
    pub station: String,
    pub process_code: i64,
    /// Kept to the millisecond.
    pub start: DateTime<Utc>,
    /// Only `Passed` passes.
    pub result: Status,
    pub failed_step: Option<FailedStep>,
}

impl Run {
    /// `None` for a repair, which is no test run.
    pub fn of(report: &Report) -> Option<Run> {
        let header = &report.header;
        (header.kind == ReportKind::Test).then(|| Run {
            report_id: header.id,
            part_number: header.part_number.clone(),
            serial_number: header.serial_number.clone(),
            revision: header.revision.clone(),
            station: header.station.clone(),
            process_code: header.process_code,
            start: header.start_utc(),
            result: header.result,
            failed_step: report.failed_step(),
        })
    }
}

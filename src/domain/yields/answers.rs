//! What questions to the run table are answered with.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Bucket, Kpis, ParetoRow, Run};
use crate::domain::report::{FailedStep, Status};

/// The numbers of one group; of the key only what was asked for is set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    pub part_number: Option<String>,
    pub revision: Option<String>,
    pub station: Option<String>,
    pub process_code: Option<i64>,
    /// Start of the bucket.
    pub period: Option<DateTime<Utc>>,
    pub kpis: Kpis,
    /// First and last start of the group's units' first runs and of its reports.
    pub first: Option<DateTime<Utc>>,
    pub last: Option<DateTime<Utc>>,
}

/// One step, and the units whose first run failed first there.
#[derive(Clone, Debug, PartialEq)]
pub struct TopFailed {
    pub step: FailedStep,
    pub units: u64,
    /// Start of the first and last of these runs.
    pub first: DateTime<Utc>,
    pub last: DateTime<Utc>,
}

/// A unit whose last run known did not pass.
#[derive(Clone, Debug, PartialEq)]
pub struct FailingUnit {
    pub part_number: String,
    pub serial_number: String,
    pub process_code: i64,
    /// Of its last run: report, station, start, result and the step to blame.
    pub report_id: Uuid,
    pub station: String,
    pub start: DateTime<Utc>,
    pub result: Status,
    pub failed_step: Option<FailedStep>,
    /// How many runs it has had.
    pub runs: u64,
}

impl FailingUnit {
    pub(super) fn of(last: Run, runs: u64) -> FailingUnit {
        FailingUnit {
            part_number: last.part_number,
            serial_number: last.serial_number,
            process_code: last.process_code,
            report_id: last.report_id,
            station: last.station,
            start: last.start,
            result: last.result,
            failed_step: last.failed_step,
            runs,
        }
    }
}

/// What a yield screen shows, counted in one go.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overview {
    pub kpis: Kpis,
    pub buckets: Vec<Bucket>,
    pub pareto: Vec<ParetoRow>,
}

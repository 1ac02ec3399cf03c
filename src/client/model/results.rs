//! What the server knows of the line's results: its yield, and its reports.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::client::remote::Remote;
use crate::domain::report::{Header, Report};
use crate::domain::yields::{Bucket, Kpis, ParetoRow};

/// What the yield screens show.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct YieldSlice {
    pub query: YieldQuery,
    pub picture: Remote<YieldPicture>,
}

/// Which yield is asked for. Empty texts mean all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct YieldQuery {
    pub part_number: String,
    pub process: String,
    pub period: Period,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Period {
    #[default]
    LastEightHours,
    Today,
    LastSevenDays,
}

/// One picture of a line's yield as of one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct YieldPicture {
    pub as_of: DateTime<Utc>,
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    pub total: Kpis,
    /// One bucket an hour (a day for seven days), oldest first; the last one is still open.
    pub buckets: Vec<Bucket>,
    pub pareto: Vec<ParetoRow>,
    /// Units that failed their last run known.
    pub failing_now: u64,
    /// Newest first.
    pub recent: Vec<Header>,
    /// Ratio 0 to 1.
    pub target: Option<f64>,
    pub last_report: Option<DateTime<Utc>>,
    /// What can be chosen: part numbers, and processes by code.
    pub part_numbers: Vec<String>,
    pub processes: BTreeMap<i64, String>,
}

/// The list of reports on the server, and the one that is open.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReportsSlice {
    pub query: ReportQuery,
    pub list: Remote<ReportPage>,
    pub open: Option<(Uuid, Remote<OpenReport>)>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReportQuery {
    /// Matches serial number, part number or station.
    pub text: String,
    pub only_failed: bool,
    pub page: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ReportPage {
    pub rows: Vec<Header>,
    pub page: usize,
    pub has_more: bool,
}

/// Rows of one page of reports.
pub const REPORT_PAGE: usize = 100;

/// A report read from the server, with its source for those who want to see it.
#[derive(Clone, Debug)]
pub struct OpenReport {
    pub report: Report,
    pub source: Arc<str>,
}

impl PartialEq for OpenReport {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

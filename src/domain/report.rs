//! The test report: a typed view beside the text it came as, which is kept to the letter.
//! Lossless by construction: what is sent on is the source text, the view is only for reading.

use chrono::{DateTime, FixedOffset, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What a report is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ReportKind {
    #[default]
    #[serde(rename = "T")]
    Test,
    #[serde(rename = "R")]
    Repair,
}

/// The outcome of a test run or of a step. Words and letters of the wire are both understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Status {
    Passed,
    Failed,
    /// The step ran and judged nothing.
    Done,
    /// The station failed, not the unit.
    Error,
    Terminated,
    Skipped,
}

/// The head of a report: what lists and indexes know of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    pub id: Uuid,
    pub kind: ReportKind,
    pub part_number: String,
    pub serial_number: String,
    pub revision: String,
    pub process_code: i64,
    /// As the server names it; empty where it was not told.
    pub process_name: String,
    pub result: Status,
    pub station: String,
    pub location: String,
    pub purpose: String,
    pub operator: String,
    pub start: DateTime<FixedOffset>,
}

impl Header {
    pub fn start_utc(&self) -> DateTime<Utc> {
        self.start.to_utc()
    }

    /// What counts as one unit on its way through the queue: same part, same serial number.
    pub fn unit_key(&self) -> String {
        format!("{}\u{1f}{}", self.part_number, self.serial_number)
    }
}

/// One report, read.
#[derive(Clone, Debug)]
pub struct Report {
    pub header: Header,
    /// The tree of steps; a repair report may have none.
    pub root: Option<Step>,
    /// Steps in the whole tree, the root included.
    pub step_count: usize,
    /// Seconds the run took, where the report tells.
    pub execution_secs: Option<f64>,
    pub comment: String,
    pub facts: Vec<Fact>,
    /// What is odd about it. Oddities are reported, never mended silently.
    pub findings: Vec<Finding>,
}

/// A labelled text of the head: miscInfos, sub-units, assets, error code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    pub label: String,
    pub text: String,
}

/// One step of a report.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Step {
    pub name: String,
    /// The type as it came: `ET_NLT`, `SequenceCall`, or one nobody has heard of.
    pub step_type: String,
    /// `S` setup, `M` main, `C` clean-up.
    pub group: String,
    pub status: Option<Status>,
    pub total_secs: Option<f64>,
    pub caused_failure: bool,
    pub error_message: String,
    pub report_text: String,
    pub measurements: Vec<Measurement>,
    pub attachment: Option<String>,
    pub steps: Vec<Step>,
}

/// One measured value, with the limits it was judged by.
#[derive(Clone, Debug, PartialEq)]
pub struct Measurement {
    /// Empty for the only measurement of a step.
    pub name: String,
    pub value: Measured,
    pub unit: String,
    pub comparison: Option<Comparison>,
    pub low: Option<Number>,
    pub high: Option<Number>,
    /// The text a string is compared with.
    pub expected: Option<String>,
    pub status: Option<Status>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Measured {
    Number(Number),
    Text(String),
    /// A check that has a status and no value.
    Nothing,
}

/// A number and the digits it came in, so that 4.10 is shown as 4.10.
#[derive(Clone, Debug, PartialEq)]
pub struct Number {
    pub text: String,
    /// NaN or infinite where the text says so.
    pub value: f64,
}

/// How a value is compared with its limits: the `compOp` of the wire.
/// One-sided comparisons, LT and LE too, carry their limit in `low`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    Log,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    /// Inside two limits; the two letters tell which end belongs.
    GtLt,
    GtLe,
    GeLt,
    GeLe,
    /// Outside two limits.
    LtGt,
    LtGe,
    LeGt,
    LeGe,
    CaseSensitive,
    IgnoreCase,
}

/// Something odd in a report that does not stop it.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Path of step names, joined by "/".
    pub place: String,
    pub what: Oddity,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Oddity {
    /// A value is NaN or infinite.
    NotFinite,
    LowAboveHigh,
    /// The status says otherwise than the value and its limits.
    StatusAgainstLimits,
    /// A comparison nobody has heard of.
    UnknownComparison,
    /// A numeric measurement whose value is not a number.
    NotANumber,
}

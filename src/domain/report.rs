//! The test report: a typed view beside the text it came as, which is kept to the letter.
//! Lossless by construction: what is sent on is the source text, the view is only for reading.

mod comparison;

use chrono::{DateTime, FixedOffset, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use comparison::Comparison;

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
#[derive(Clone, Debug, PartialEq)]
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

impl Report {
    /// The step that is to blame: the first one marked as the cause, else the first failed one without a failed child,
    /// in the order they ran. `None` where the run passed, or where no step failed.
    pub fn failed_step(&self) -> Option<FailedStep> {
        if self.header.result == Status::Passed {
            return None;
        }
        let root = self.root.as_ref()?;
        let mut path = Vec::new();
        find_failed(root, &mut path, &|step| step.caused_failure && step.has_failed() && step.steps.iter().all(|s| !s.has_failed()))
            .or_else(|| find_failed(root, &mut path, &|step| step.has_failed() && step.steps.iter().all(|s| !s.has_failed())))
    }
}

/// A step that failed a run, by its place in the tree.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct FailedStep {
    pub name: String,
    /// Names from below the root down to the step, joined by "/".
    pub path: String,
    pub step_type: String,
    /// `S`, `M` or `C`.
    pub group: String,
}

fn find_failed<'a>(step: &'a Step, path: &mut Vec<&'a str>, matches: &dyn Fn(&Step) -> bool) -> Option<FailedStep> {
    let group_alone = path.is_empty() && !step.steps.is_empty();
    if matches(step) && !group_alone {
        let place = if path.is_empty() { step.name.clone() } else { path.join("/") };
        return Some(FailedStep { name: step.name.clone(), path: place, step_type: step.step_type.clone(), group: step.group.clone() });
    }
    for child in &step.steps {
        path.push(&child.name);
        let found = find_failed(child, path, matches);
        path.pop();
        if found.is_some() {
            return found;
        }
    }
    None
}

/// A labelled text of the head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    pub kind: FactKind,
    /// A text of the report's own for `Misc`, `SubUnit` and `Failure`; the field's name on the wire for the others.
    pub label: String,
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FactKind {
    Misc,
    /// A part built in: its kind, and part number, serial number and revision.
    SubUnit,
    Asset,
    /// What a repair found: its category, and code, place and comment.
    Failure,
    /// Fixture, socket, batch, error code and message.
    Run,
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
    /// The name of an attached file.
    pub attachment: Option<String>,
    /// Which pass of a loop this is.
    pub iteration: Option<Iteration>,
    /// What is odd about this step and its measurements.
    pub oddities: Vec<Oddity>,
    pub steps: Vec<Step>,
}

/// One pass of a loop, counted as the tester counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Iteration {
    pub index: i64,
    pub count: Option<i64>,
}

impl Step {
    pub fn has_failed(&self) -> bool {
        matches!(self.status, Some(Status::Failed | Status::Error | Status::Terminated))
    }

    /// Steps in this tree, itself included.
    pub fn count(&self) -> usize {
        1 + self.steps.iter().map(Step::count).sum::<usize>()
    }
}

/// One measured value, with the limits it was judged by.
#[derive(Clone, Debug, Default, PartialEq)]
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

#[derive(Clone, Debug, Default, PartialEq)]
pub enum Measured {
    Number(Number),
    Text(String),
    /// A check that has a status and no value.
    #[default]
    Nothing,
}

/// A number and the digits it came in, so that 4.10 is shown as 4.10.
#[derive(Clone, Debug)]
pub struct Number {
    pub text: String,
    /// NaN or infinite where the text says so.
    pub value: f64,
}

impl Number {
    /// `None` where the text is not a number. "NaN" and "Infinity" are.
    pub fn parse(text: &str) -> Option<Number> {
        let text = text.trim();
        text.parse().ok().map(|value| Number { text: text.to_owned(), value })
    }
}

/// By the digits, so that NaN equals itself.
impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Measurement {
    /// What its comparison says of its value, whatever its status says.
    pub fn judge(&self) -> Option<bool> {
        let comparison = self.comparison?;
        let limit = |number: &Option<Number>| number.as_ref().map(|n| n.value);
        match &self.value {
            Measured::Number(number) => comparison.judge(number.value, limit(&self.low), limit(&self.high)),
            Measured::Text(text) => comparison.judge_text(text, self.expected.as_deref()?),
            Measured::Nothing => None,
        }
    }
}

impl Status {
    /// From the letter or the word on the wire, upper or lower case.
    pub fn parse(word: &str) -> Option<Status> {
        const WORDS: [(&str, &str, Status); 6] = [
            ("P", "Passed", Status::Passed),
            ("F", "Failed", Status::Failed),
            ("D", "Done", Status::Done),
            ("E", "Error", Status::Error),
            ("T", "Terminated", Status::Terminated),
            ("S", "Skipped", Status::Skipped),
        ];
        let known = |(letter, name, _): &&(&str, &str, Status)| letter.eq_ignore_ascii_case(word) || name.eq_ignore_ascii_case(word);
        WORDS.iter().find(known).map(|(_, _, status)| *status)
    }

    /// The letter of the wire.
    pub fn letter(self) -> &'static str {
        &self.word()[..1]
    }

    /// The word of the wire.
    pub fn word(self) -> &'static str {
        match self {
            Status::Passed => "Passed",
            Status::Failed => "Failed",
            Status::Done => "Done",
            Status::Error => "Error",
            Status::Terminated => "Terminated",
            Status::Skipped => "Skipped",
        }
    }
}

/// Something odd in a report that does not stop it.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Path of step names below the root, joined by "/"; the field's name for the head.
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
    /// A status nobody has heard of.
    UnknownStatus,
    /// Longer than servers promise to keep.
    TooLong,
    /// One of `* % ? _ [ ] ^ !` in a name, which searches take for a pattern.
    PatternCharacter,
    /// The report had no id; one was made from its content.
    NoId,
    /// A bare NaN or Infinity, which is not JSON, was made a text.
    BareNumber,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_and_words_name_the_same_status() {
        for status in [Status::Passed, Status::Failed, Status::Done, Status::Error, Status::Terminated, Status::Skipped] {
            assert_eq!(Status::parse(status.letter()), Some(status));
            assert_eq!(Status::parse(&status.word().to_lowercase()), Some(status));
        }
        assert_eq!(Status::parse("Running"), None);
    }

    #[test]
    fn the_step_to_blame_is_the_marked_one_or_the_deepest_first() {
        let step = |name: &str, status, steps| Step { name: name.to_owned(), status: Some(status), steps, ..Step::default() };
        let mut root = step(
            "Main",
            Status::Failed,
            vec![
                step("Setup", Status::Passed, vec![]),
                step("Rails", Status::Failed, vec![step("3V3", Status::Passed, vec![]), step("5V", Status::Failed, vec![])]),
                step("Leak", Status::Failed, vec![]),
            ],
        );
        let blame = |root: &Step| report(root.clone()).failed_step().unwrap().path;
        assert_eq!(blame(&root), "Rails/5V");
        root.steps[2].caused_failure = true;
        assert_eq!(blame(&root), "Leak");
        root.steps.truncate(1);
        assert_eq!(report(root).failed_step(), None);
    }

    fn report(root: Step) -> Report {
        let header = Header {
            id: Uuid::nil(),
            kind: ReportKind::Test,
            part_number: String::new(),
            serial_number: String::new(),
            revision: String::new(),
            process_code: 100,
            process_name: String::new(),
            result: Status::Failed,
            station: String::new(),
            location: String::new(),
            purpose: String::new(),
            operator: String::new(),
            start: DateTime::UNIX_EPOCH.fixed_offset(),
        };
        Report {
            header,
            step_count: root.count(),
            root: Some(root),
            execution_secs: None,
            comment: String::new(),
            facts: vec![],
            findings: vec![],
        }
    }
}

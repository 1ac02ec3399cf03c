//! The WSJF test report: read into a view, kept to the letter.
//! Nothing is written back from the view: what is stored and sent on is [`Document::text`].

mod head;
mod mend;
mod raw;
#[cfg(test)]
mod simulated;
mod steps;
#[cfg(test)]
mod tests;

use uuid::Uuid;

use self::head::Sheet;
use self::raw::Context;
use crate::domain::report::{Finding, Header, Oddity, Report, Step};

/// Bytes of the longest report that is taken.
pub const MAX_REPORT_BYTES: usize = 16 << 20;
/// Steps of the longest report that is taken.
pub const MAX_STEPS: usize = 50_000;
/// Measurements of the longest report that is taken.
pub const MAX_MEASUREMENTS: usize = 250_000;
/// Steps within steps. The whole stays below 128 levels of JSON, which is where other readers stop.
pub const MAX_DEPTH: usize = 60;
/// Findings kept; a report that is odd all over need not say so a thousand times.
const MAX_FINDINGS: usize = 500;

/// The space of ids that are made from content.
const MADE_IDS: Uuid = Uuid::from_u128(0x6f1d_7c52_92b4_4e0b_8a57_3d0c_41e9_b6f0);

/// A report as it came, and the view of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// The source to the letter, but for: a leading byte order mark, bare NaN and Infinity, a missing id.
    pub text: String,
    pub report: Report,
}

/// Why a file is not a report.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error("The report has {} MiB; at most {} MiB are taken.", found.div_ceil(1 << 20), limit >> 20)]
    TooLarge { found: usize, limit: usize },
    #[error("The report is not text in UTF-8: byte {at} is wrong.")]
    NotUtf8 { at: usize },
    #[error("The report is not valid JSON at line {line}, column {column}: {what}.")]
    NotJson { line: usize, column: usize, what: String },
    #[error("The report is not a JSON object.")]
    NotAnObject,
    #[error("The report has no \"{field}\".")]
    Missing { field: String },
    #[error("In the report, \"{field}\" {what}.")]
    Wrong { field: String, what: String },
    #[error("The report has {found} steps or more; at most {limit} are taken.")]
    TooManySteps { found: usize, limit: usize },
    #[error("The report has {found} measurements or more; at most {limit} are taken.")]
    TooManyMeasurements { found: usize, limit: usize },
    #[error("The report is nested too deeply: at most {MAX_DEPTH} levels of steps are taken.")]
    TooDeep,
}

impl Unreadable {
    pub(self) fn wrong(field: &str, what: impl Into<String>) -> Unreadable {
        Unreadable::Wrong { field: field.to_owned(), what: what.into() }
    }
}

/// Reads a whole report. The same bytes give the same report and the same id, every time.
pub fn read(bytes: &[u8]) -> Result<Document, Unreadable> {
    if bytes.len() > MAX_REPORT_BYTES {
        return Err(Unreadable::TooLarge { found: bytes.len(), limit: MAX_REPORT_BYTES });
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| Unreadable::NotUtf8 { at: error.valid_up_to() })?;
    match read_text(text) {
        Err(error @ Unreadable::NotJson { .. }) => {
            let mended = mend::quote_bare_numbers(text).ok_or(error)?;
            let mut document = read_text(&mended)?;
            document.report.findings.insert(0, Finding { place: String::new(), what: Oddity::BareNumber });
            Ok(document)
        }
        result => result,
    }
}

/// Reads the head alone, without building the tree of steps: for text that [`read`] has taken before.
pub fn read_header(text: &str) -> Result<Header, Unreadable> {
    let sheet = Sheet::parse(text, &Context::new(false))?;
    let id = sheet.id()?.ok_or(Unreadable::Missing { field: "id".to_owned() })?;
    sheet.header(id, &mut Vec::new())
}

fn read_text(text: &str) -> Result<Document, Unreadable> {
    let mut sheet = Sheet::parse(text, &Context::new(true))?;
    let mut findings = Vec::new();
    let given = sheet.id()?;
    let id = given.unwrap_or_else(|| Uuid::new_v5(&MADE_IDS, text.as_bytes()));
    let header = sheet.header(id, &mut findings)?;
    let kept = match given {
        Some(_) => text.to_owned(),
        None => {
            findings.push(Finding { place: "id".to_owned(), what: Oddity::NoId });
            mend::with_id(text, sheet.id_slot(), id)
        }
    };
    let run = sheet.run()?;
    let facts = sheet.facts(&run, &mut findings)?;
    let root = sheet.take_tree();
    if let Some(root) = &root {
        collect(root, &mut Vec::new(), &mut findings);
    }
    findings.truncate(MAX_FINDINGS);
    let step_count = root.as_ref().map_or(0, Step::count);
    let (execution_secs, comment) = (run.execution_secs, run.comment);
    Ok(Document { text: kept, report: Report { header, root, step_count, execution_secs, comment, facts, findings } })
}

/// Gathers what the steps found odd, each with its place.
fn collect<'a>(step: &'a Step, path: &mut Vec<&'a str>, findings: &mut Vec<Finding>) {
    if findings.len() >= MAX_FINDINGS {
        return;
    }
    if !step.oddities.is_empty() {
        let place = if path.is_empty() { raw::beginning(&step.name).to_owned() } else { path.join("/") };
        findings.extend(step.oddities.iter().map(|&what| Finding { place: place.clone(), what }));
    }
    for child in &step.steps {
        path.push(raw::beginning(&child.name));
        collect(child, path, findings);
        path.pop();
    }
}

//! Runs from a table of text: one line a report, the first line naming the columns. Comma, semicolon or tab.

use chrono::{DateTime, NaiveDateTime, Utc};
use uuid::Uuid;

use crate::domain::report::{FailedStep, Status};
use crate::domain::yields::Run;

/// Why a table cannot be read; lines count from 1.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum BadTable {
    #[error("it has no column for {0}")]
    NoColumn(&'static str),
    #[error("line {line}: {what}")]
    Line { line: usize, what: String },
}

/// Names a column may have, compared without case, spaces, dashes and underscores.
const ID: &[&str] = &["id", "reportid", "uuid"];
const SERIAL: &[&str] = &["sn", "serial", "serialnumber", "unit"];
const PART: &[&str] = &["pn", "part", "partnumber", "product"];
const REVISION: &[&str] = &["rev", "revision"];
const STATION: &[&str] = &["station", "stationname", "machinename"];
const PROCESS: &[&str] = &["process", "processcode", "testoperation"];
const START: &[&str] = &["start", "starttime", "startutc", "timestamp", "time"];
const RESULT: &[&str] = &["result", "status"];
const STEP: &[&str] = &["failedstep", "step", "stepname", "firstfailedstep"];

/// Reads all runs. Where there is no id, the order of the lines decides between runs that start together.
pub fn runs(text: &str) -> Result<Vec<Run>, BadTable> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let head = text.lines().next().unwrap_or_default();
    let separator = [';', '\t'].into_iter().find(|separator| head.contains(*separator)).unwrap_or(',');
    let mut records = records(text, separator).into_iter();
    let names: Vec<String> = records.next().map(|(_, names)| names.iter().map(|name| plain(name)).collect()).unwrap_or_default();
    let place = |known: &[&str]| names.iter().position(|name| known.contains(&name.as_str()));
    let columns = Columns {
        serial: place(SERIAL).ok_or(BadTable::NoColumn("the serial number"))?,
        start: place(START).ok_or(BadTable::NoColumn("the start"))?,
        result: place(RESULT).ok_or(BadTable::NoColumn("the result"))?,
        id: place(ID),
        part: place(PART),
        revision: place(REVISION),
        station: place(STATION),
        process: place(PROCESS),
        step: place(STEP),
    };
    records.map(|(line, cells)| columns.run(&cells, line).map_err(|what| BadTable::Line { line, what })).collect()
}

struct Columns {
    serial: usize,
    start: usize,
    result: usize,
    id: Option<usize>,
    part: Option<usize>,
    revision: Option<usize>,
    station: Option<usize>,
    process: Option<usize>,
    step: Option<usize>,
}

impl Columns {
    fn run(&self, cells: &[String], line: usize) -> Result<Run, String> {
        let cell = |column: usize| cells.get(column).map_or("", |cell| cell.trim());
        let text = |column: Option<usize>| column.map_or("", cell);
        let id = match text(self.id) {
            "" => Uuid::from_u128(line as u128),
            // An id that is no UUID is as good as one that is, as long as it is the same each time.
            id => Uuid::parse_str(id).unwrap_or_else(|_| Uuid::new_v5(&Uuid::NAMESPACE_OID, id.as_bytes())),
        };
        let process = text(self.process);
        let result = Status::parse(cell(self.result)).or_else(|| word(cell(self.result)));
        let step = text(self.step);
        Ok(Run {
            report_id: id,
            part_number: text(self.part).to_owned(),
            serial_number: cell(self.serial).to_owned(),
            revision: text(self.revision).to_owned(),
            station: text(self.station).to_owned(),
            process_code: if process.is_empty() { 0 } else { process.parse().map_err(|_| format!("{process:?} is not a process code"))? },
            start: time(cell(self.start)).ok_or_else(|| format!("{:?} is not a time", cell(self.start)))?,
            result: result.ok_or_else(|| format!("{:?} is not a result", cell(self.result)))?,
            failed_step: (!step.is_empty()).then(|| FailedStep { name: step.to_owned(), path: step.to_owned(), ..FailedStep::default() }),
        })
    }
}

fn word(text: &str) -> Option<Status> {
    match text.to_ascii_lowercase().as_str() {
        "pass" | "ok" | "true" | "1" => Some(Status::Passed),
        "fail" | "nok" | "false" | "0" => Some(Status::Failed),
        _ => None,
    }
}

/// A time with its offset; one without counts as UTC.
pub fn time(text: &str) -> Option<DateTime<Utc>> {
    let plain = || {
        let text = text.replacen(' ', "T", 1);
        let formats = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"];
        formats.iter().find_map(|format| NaiveDateTime::parse_from_str(&text, format).ok()).map(|time| time.and_utc())
    };
    let day =
        || chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().and_then(|day| day.and_hms_opt(0, 0, 0)).map(|time| time.and_utc());
    DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc()).or_else(plain).or_else(day)
}

fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Splits a table into records, each with the line it starts on. A quoted cell may hold separators, line ends and doubled quotes.
fn records(text: &str, separator: char) -> Vec<(usize, Vec<String>)> {
    let mut records = Vec::new();
    let (mut record, mut cell, mut quoted) = (Vec::new(), String::new(), false);
    let (mut line, mut first_line) = (1, 1);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        line += usize::from(c == '\n');
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => cell.extend(chars.next()),
            '"' if quoted => quoted = false,
            '"' if cell.is_empty() => quoted = true,
            '\n' if !quoted => {
                record.push(std::mem::take(&mut cell));
                records.push((first_line, std::mem::take(&mut record)));
                first_line = line;
            }
            c if c == separator && !quoted => record.push(std::mem::take(&mut cell)),
            c => cell.push(c),
        }
    }
    if !cell.is_empty() || !record.is_empty() {
        record.push(cell);
        records.push((first_line, record));
    }
    records.retain(|(_, cells)| cells.iter().any(|cell| !cell.trim().is_empty()));
    records
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_table_reads_whatever_its_columns_are_called() {
        let table = "Serial Number;start_utc;Result;PN;Process;failed step\r\nA;2026-03-04T13:59:59Z;F;P-1;100;\"Leak; fine\"\r\nA;2026-03-04 14:00:00;Passed;P-1;100;\r\n";
        let runs = runs(table).unwrap();
        assert_eq!(runs.len(), 2);
        assert_eq!((runs[0].serial_number.as_str(), runs[0].process_code, runs[0].result), ("A", 100, Status::Failed));
        assert_eq!(runs[0].failed_step.as_ref().unwrap().name, "Leak; fine");
        assert_eq!(runs[1].start.to_rfc3339(), "2026-03-04T14:00:00+00:00");
        assert!(runs[0].report_id < runs[1].report_id);
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_line() {
        assert_eq!(runs("a,b\n"), Err(BadTable::NoColumn("the serial number")));
        let table = "sn,start,result\nA,2026-03-04T13:59:59Z,P\n\nB,yesterday,P\n";
        assert_eq!(runs(table), Err(BadTable::Line { line: 4, what: "\"yesterday\" is not a time".to_owned() }));
        assert!(matches!(runs("sn,start,result\nA,2026-03-04,maybe\n"), Err(BadTable::Line { line: 2, .. })));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[a-z,;\"\n\r0-9 ]{0,80}") {
            let _ = runs(&format!("sn,start,result\n{text}"));
        }
    }
}

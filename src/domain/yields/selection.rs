//! Which runs a question is about, and how the filters' texts find them.

use chrono::{DateTime, Utc};

use super::table::{NONE, Passes, Row, RunTable, Unit};

/// Which runs are asked for. Nothing set asks for all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selection {
    /// The period, from included, to excluded.
    pub from: Option<DateTime<Utc>>,
    pub to: Option<DateTime<Utc>>,
    /// Only reports that started before this are known.
    pub as_of: Option<DateTime<Utc>>,
    pub part_number: Option<Pattern>,
    pub serial_number: Option<Pattern>,
    pub revision: Option<Pattern>,
    pub station: Option<Pattern>,
    /// One of these process codes.
    pub processes: Option<Vec<i64>>,
}

/// Texts as filters write them: `;` is or, `%` anything, `_` one character. Case counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(Vec<Vec<char>>);

impl Pattern {
    pub fn parse(text: &str) -> Pattern {
        Pattern(text.split(';').map(|part| part.trim().chars().collect()).filter(|part: &Vec<char>| !part.is_empty()).collect())
    }

    /// A pattern of nothing matches everything.
    pub fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        self.0.is_empty() || self.0.iter().any(|part| matches_one(part, &text))
    }
}

/// `%` is taken greedily from the last one seen, so the work is at most pattern times text.
fn matches_one(pattern: &[char], text: &[char]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut retry = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('%') => {
                retry = Some((p + 1, t));
                p += 1;
            }
            Some(&c) if c == '_' || c == text[t] => (p, t) = (p + 1, t + 1),
            _ => match retry {
                Some((after, from)) => {
                    retry = Some((after, from + 1));
                    (p, t) = (after, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&c| c == '%')
}

/// A selection against one table: texts become marks by number.
pub(super) struct Chosen {
    from: i64,
    to: i64,
    as_of: i64,
    parts: Option<Vec<bool>>,
    serials: Option<Vec<bool>>,
    revisions: Option<Vec<bool>>,
    stations: Option<Vec<bool>>,
    processes: Option<Vec<bool>>,
}

impl Chosen {
    pub(super) fn new(table: &RunTable, selection: &Selection) -> Chosen {
        let millis = |time: Option<DateTime<Utc>>, open| time.map_or(open, |time| time.timestamp_millis());
        let marks =
            |pattern: &Option<Pattern>, names: &[String]| pattern.as_ref().map(|p| names.iter().map(|name| p.matches(name)).collect());
        let processes = selection.processes.as_ref();
        Chosen {
            from: millis(selection.from, i64::MIN),
            to: millis(selection.to, i64::MAX),
            as_of: millis(selection.as_of, i64::MAX),
            parts: marks(&selection.part_number, &table.parts.names),
            serials: marks(&selection.serial_number, &table.serials.names),
            revisions: marks(&selection.revision, &table.revisions.names),
            stations: marks(&selection.station, &table.stations.names),
            processes: processes.map(|codes| table.processes.names.iter().map(|code| codes.contains(code)).collect()),
        }
    }

    /// Units whose first run is selected, and what their runs known by then come to.
    pub(super) fn units<'a>(&'a self, table: &'a RunTable) -> impl Iterator<Item = (&'a Unit, Passes)> {
        let by_run = self.revisions.is_some() || self.stations.is_some();
        let selected = move |unit: &&Unit| {
            unit.first_row != NONE
                && self.in_time(unit.first_start)
                && self.has_unit(unit)
                && (!by_run || self.has_run(&table.rows[unit.first_row as usize]))
        };
        table.units.iter().filter(selected).map(move |unit| (unit, self.passes(table, unit)))
    }

    /// Reports selected by their own words and start.
    pub(super) fn reports<'a>(&'a self, table: &'a RunTable) -> impl Iterator<Item = (&'a Unit, &'a Row)> {
        let known = move |row: &&Row| row.unit != NONE && self.in_time(row.start) && self.has_run(row);
        let with_unit = |row: &'a Row| (&table.units[row.unit as usize], row);
        table.rows.iter().filter(known).map(with_unit).filter(|(unit, _)| self.has_unit(unit))
    }

    fn passes(&self, table: &RunTable, unit: &Unit) -> Passes {
        if unit.last_start < self.as_of {
            return unit.passes;
        }
        table.passes(self.known(table, table.runs(table.rows[unit.first_row as usize].unit)))
    }

    pub(super) fn known<'a>(&self, table: &RunTable, runs: &'a [u32]) -> &'a [u32] {
        &runs[..runs.partition_point(|&run| table.rows[run as usize].start < self.as_of)]
    }

    fn in_time(&self, start: i64) -> bool {
        start >= self.from && start < self.to && start < self.as_of
    }

    fn has_unit(&self, unit: &Unit) -> bool {
        is_marked(&self.parts, unit.part) && is_marked(&self.serials, unit.serial) && is_marked(&self.processes, unit.process)
    }

    fn has_run(&self, row: &Row) -> bool {
        is_marked(&self.revisions, row.revision) && is_marked(&self.stations, row.station)
    }
}

fn is_marked(marks: &Option<Vec<bool>>, number: u32) -> bool {
    marks.as_ref().is_none_or(|marks| marks[number as usize])
}

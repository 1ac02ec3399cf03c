//! All runs known, in columns: texts are kept once, and each unit knows its runs in order.
//! The run number counts over all known history, so the table holds all of it.

use std::collections::HashMap;
use std::hash::Hash;

use chrono::DateTime;
use uuid::Uuid;

use super::run::Run;
use crate::domain::report::{FailedStep, Status};

/// No row, no step.
pub(super) const NONE: u32 = u32::MAX;

/// Runs by report id. Holds at most 2³² − 1 of them.
#[derive(Clone, Debug, Default)]
pub struct RunTable {
    pub(super) rows: Vec<Row>,
    pub(super) ids: Vec<u128>,
    pub(super) units: Vec<Unit>,
    /// All runs of units that have more than one, by (start, report id).
    pub(super) retested: HashMap<u32, Vec<u32>>,
    pub(super) parts: Names<String>,
    pub(super) serials: Names<String>,
    pub(super) revisions: Names<String>,
    pub(super) stations: Names<String>,
    pub(super) processes: Names<i64>,
    pub(super) steps: Names<FailedStep>,
    by_id: HashMap<u128, u32>,
    by_unit: HashMap<(u32, u32, u32), u32>,
    free: Vec<u32>,
}

/// One run. `unit` is `NONE` in a row that is free.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    /// Milliseconds since 1970.
    pub start: i64,
    pub unit: u32,
    pub revision: u32,
    pub station: u32,
    pub step: u32,
    pub result: Status,
}

/// One unit, and what its runs come to, so that a query need not look at them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unit {
    /// Milliseconds since 1970.
    pub first_start: i64,
    pub last_start: i64,
    /// `NONE` once all its runs are removed.
    pub first_row: u32,
    pub part: u32,
    pub serial: u32,
    pub process: u32,
    pub passes: Passes,
}

/// Which of a unit's yields it passed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Passes {
    pub first: bool,
    pub second: bool,
    pub third: bool,
    pub last: bool,
}

impl RunTable {
    pub fn new() -> RunTable {
        RunTable::default()
    }

    /// How many runs are known.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Takes a run in, whenever it started. A run with the same report id is replaced.
    pub fn insert(&mut self, run: Run) {
        self.remove(run.report_id);
        let unit = self.unit(run.part_number, run.serial_number, run.process_code);
        let row = Row {
            start: run.start.timestamp_millis(),
            unit,
            revision: self.revisions.intern(run.revision),
            station: self.stations.intern(run.station),
            step: run.failed_step.map_or(NONE, |step| self.steps.intern(step)),
            result: run.result,
        };
        let id = run.report_id.as_u128();
        let index = match self.free.pop() {
            Some(index) => {
                self.rows[index as usize] = row;
                self.ids[index as usize] = id;
                index
            }
            None => {
                self.rows.push(row);
                self.ids.push(id);
                self.rows.len() as u32 - 1
            }
        };
        self.by_id.insert(id, index);
        self.join_unit(unit, index);
    }

    /// Forgets a run. Answers whether it was known.
    pub fn remove(&mut self, report_id: Uuid) -> bool {
        let Some(index) = self.by_id.remove(&report_id.as_u128()) else { return false };
        let unit = self.rows[index as usize].unit;
        self.leave_unit(unit, index);
        self.rows[index as usize].unit = NONE;
        self.free.push(index);
        true
    }

    /// Which run of its unit in its process a report is, from 1, over all known history.
    pub fn run_number(&self, report_id: Uuid) -> Option<u64> {
        let index = *self.by_id.get(&report_id.as_u128())?;
        let unit = self.rows[index as usize].unit;
        let place = match self.retested.get(&unit) {
            Some(runs) => runs.binary_search_by_key(&self.order(index), |&run| self.order(run)).ok()?,
            None => 0,
        };
        Some(place as u64 + 1)
    }

    /// The runs of a unit in a process, first to last.
    pub fn history(&self, part_number: &str, serial_number: &str, process_code: i64) -> Vec<Run> {
        let find = || {
            let key = (self.parts.find(part_number)?, self.serials.find(serial_number)?, self.processes.find(&process_code)?);
            self.by_unit.get(&key).copied()
        };
        find().map_or_else(Vec::new, |unit| self.runs(unit).iter().map(|&row| self.run(row)).collect())
    }

    /// The rows of a unit, in the order of its runs.
    pub(super) fn runs(&self, unit: u32) -> &[u32] {
        match self.retested.get(&unit) {
            Some(runs) => runs,
            None => match &self.units[unit as usize].first_row {
                &NONE => &[],
                row => std::slice::from_ref(row),
            },
        }
    }

    pub(super) fn run(&self, index: u32) -> Run {
        let row = self.rows[index as usize];
        let unit = self.units[row.unit as usize];
        Run {
            report_id: Uuid::from_u128(self.ids[index as usize]),
            part_number: self.parts.names[unit.part as usize].clone(),
            serial_number: self.serials.names[unit.serial as usize].clone(),
            revision: self.revisions.names[row.revision as usize].clone(),
            station: self.stations.names[row.station as usize].clone(),
            process_code: self.processes.names[unit.process as usize],
            start: DateTime::from_timestamp_millis(row.start).unwrap_or_default(),
            result: row.result,
            failed_step: self.steps.names.get(row.step as usize).cloned(),
        }
    }

    /// What the first `known` runs come to.
    pub(super) fn passes(&self, runs: &[u32]) -> Passes {
        let passed = |run: &u32| self.rows[*run as usize].result == Status::Passed;
        let within = |n: usize| runs.iter().take(n).any(passed);
        Passes { first: within(1), second: within(2), third: within(3), last: runs.last().is_some_and(passed) }
    }

    fn order(&self, row: u32) -> (i64, u128) {
        (self.rows[row as usize].start, self.ids[row as usize])
    }

    fn unit(&mut self, part: String, serial: String, process: i64) -> u32 {
        let (part, serial, process) = (self.parts.intern(part), self.serials.intern(serial), self.processes.intern(process));
        *self.by_unit.entry((part, serial, process)).or_insert_with(|| {
            let passes = Passes::default();
            self.units.push(Unit { first_start: 0, last_start: 0, first_row: NONE, part, serial, process, passes });
            self.units.len() as u32 - 1
        })
    }

    fn join_unit(&mut self, unit: u32, row: u32) {
        let first = self.units[unit as usize].first_row;
        if first != NONE {
            let mut runs = self.retested.remove(&unit).unwrap_or_else(|| vec![first]);
            let place = runs.partition_point(|&run| self.order(run) < self.order(row));
            runs.insert(place, row);
            self.sum_up(unit, &runs);
            self.retested.insert(unit, runs);
        } else {
            self.sum_up(unit, &[row]);
        }
    }

    fn leave_unit(&mut self, unit: u32, row: u32) {
        let mut runs = self.retested.remove(&unit).unwrap_or_default();
        runs.retain(|&run| run != row);
        self.sum_up(unit, &runs);
        if runs.len() > 1 {
            self.retested.insert(unit, runs);
        }
    }

    fn sum_up(&mut self, unit: u32, runs: &[u32]) {
        let start = |row: Option<&u32>| row.map_or(0, |&row| self.rows[row as usize].start);
        let (first_start, last_start, passes) = (start(runs.first()), start(runs.last()), self.passes(runs));
        let unit = &mut self.units[unit as usize];
        *unit = Unit { first_start, last_start, passes, first_row: runs.first().copied().unwrap_or(NONE), ..*unit };
    }
}

/// Each different value once, by number.
#[derive(Clone, Debug)]
pub(super) struct Names<T> {
    pub names: Vec<T>,
    numbers: HashMap<T, u32>,
}

impl<T> Default for Names<T> {
    fn default() -> Self {
        Names { names: Vec::new(), numbers: HashMap::new() }
    }
}

impl<T: Clone + Eq + Hash> Names<T> {
    fn intern(&mut self, name: T) -> u32 {
        if let Some(&number) = self.numbers.get(&name) {
            return number;
        }
        let number = self.names.len() as u32;
        self.names.push(name.clone());
        self.numbers.insert(name, number);
        number
    }

    fn find<Q>(&self, name: &Q) -> Option<u32>
    where
        T: std::borrow::Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.numbers.get(name).copied()
    }
}

//! Questions to the run table. A unit counts only if its first run is selected; then all its runs count, in the first run's period.
//! Reports are counted by their own start and their own words, first runs or not.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::table::{NONE, Passes, Row, RunTable, Unit};
use super::{Bucket, Cause, Kpis, ParetoRow};
use crate::domain::report::{FailedStep, Status};

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

/// What rows are grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dimension {
    PartNumber,
    Revision,
    Station,
    Process,
    /// The bucket the first run started in.
    Period,
}

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

/// What a yield screen shows, counted in one go.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overview {
    pub kpis: Kpis,
    pub buckets: Vec<Bucket>,
    pub pareto: Vec<ParetoRow>,
}

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

impl RunTable {
    /// The numbers of all that is selected.
    pub fn kpis(&self, selection: &Selection) -> Kpis {
        self.overview(selection, &[]).kpis
    }

    /// The numbers between each edge and the next. Edges must rise; `n` of them make `n − 1` buckets, empty ones included.
    pub fn buckets(&self, selection: &Selection, edges: &[DateTime<Utc>]) -> Vec<Bucket> {
        self.overview(selection, edges).buckets
    }

    /// First failed steps of failing first runs, most units first; runs with no step to blame come last, by cause.
    pub fn pareto(&self, selection: &Selection) -> Vec<ParetoRow> {
        self.overview(selection, &[]).pareto
    }

    /// Numbers, buckets (see [`RunTable::buckets`]) and Pareto in one go.
    pub fn overview(&self, selection: &Selection, edges: &[DateTime<Utc>]) -> Overview {
        let mut periods = Periods::new(edges);
        let mut kpis = Kpis::default();
        let mut parts = vec![Kpis::default(); edges.len().saturating_sub(1)];
        let mut blame = Blame { steps: vec![0; self.steps.names.len()], others: [0; 3] };
        let chosen = Chosen::new(self, selection);
        for (unit, passes) in chosen.units(self) {
            count_unit(&mut kpis, passes);
            if let Some(period) = periods.find(unit.first_start) {
                count_unit(&mut parts[period], passes);
            }
            if !passes.first {
                blame.count(&self.rows[unit.first_row as usize]);
            }
        }
        for (_, row) in chosen.reports(self) {
            count_report(&mut kpis, row);
            if let Some(period) = periods.find(row.start) {
                count_report(&mut parts[period], row);
            }
        }
        let buckets = edges.windows(2).zip(parts).map(|(ends, kpis)| Bucket { start: ends[0], end: ends[1], kpis }).collect();
        Overview { kpis, buckets, pareto: blame.rows(&self.steps.names) }
    }

    /// The numbers by `dimensions`, in the order of the keys. What starts outside the edges is left out when grouping by period.
    pub fn groups(&self, selection: &Selection, dimensions: &[Dimension], edges: &[DateTime<Utc>]) -> Vec<Group> {
        let mut periods = Periods::new(edges);
        let mut keys = Keys::new(self, dimensions, edges.len());
        let mut tallies: Vec<Tally> = Vec::new();
        let chosen = Chosen::new(self, selection);
        for (unit, passes) in chosen.units(self) {
            let first = &self.rows[unit.first_row as usize];
            if let Some(slot) = keys.slot(unit, first, &mut periods) {
                let tally = tally(&mut tallies, slot);
                count_unit(&mut tally.kpis, passes);
                tally.span(first.start);
            }
        }
        for (unit, row) in chosen.reports(self) {
            if let Some(slot) = keys.slot(unit, row, &mut periods) {
                let tally = tally(&mut tallies, slot);
                count_report(&mut tally.kpis, row);
                tally.span(row.start);
            }
        }
        let mut groups: Vec<Group> = keys.seen.iter().zip(tallies).map(|(key, tally)| self.group(key, tally, edges)).collect();
        let order = |g: &Group| (g.part_number.clone(), g.revision.clone(), g.station.clone(), g.process_code, g.period);
        groups.sort_by_cached_key(order);
        groups
    }

    /// First failed steps of failing first runs, most units first, at most `limit` of them.
    pub fn top_failed(&self, selection: &Selection, limit: usize) -> Vec<TopFailed> {
        let mut steps: HashMap<u32, (u64, i64, i64)> = HashMap::new();
        for (unit, passes) in Chosen::new(self, selection).units(self) {
            let step = self.rows[unit.first_row as usize].step;
            if !passes.first && step != NONE {
                let at = unit.first_start;
                let (units, first, last) = steps.entry(step).or_insert((0, at, at));
                (*units, *first, *last) = (*units + 1, at.min(*first), at.max(*last));
            }
        }
        let row = |(step, (units, first, last)): (u32, (u64, i64, i64))| {
            let step = self.steps.names[step as usize].clone();
            TopFailed { step, units, first: time(first), last: time(last) }
        };
        let mut rows: Vec<TopFailed> = steps.into_iter().map(row).collect();
        rows.sort_by(|a, b| b.units.cmp(&a.units).then_with(|| a.step.name.cmp(&b.step.name)).then_with(|| a.step.path.cmp(&b.step.path)));
        rows.truncate(limit);
        rows
    }

    /// Selected units whose last run known did not pass, the newest of these runs first, at most `limit` of them.
    pub fn failing_now(&self, selection: &Selection, limit: usize) -> Vec<FailingUnit> {
        let chosen = Chosen::new(self, selection);
        let mut failing: Vec<(u32, u64)> = Vec::new();
        for (unit, passes) in chosen.units(self) {
            if !passes.last {
                let runs = chosen.known(self, self.runs(self.rows[unit.first_row as usize].unit));
                failing.extend(runs.last().map(|&last| (last, runs.len() as u64)));
            }
        }
        failing.sort_by_key(|&(last, _)| std::cmp::Reverse((self.rows[last as usize].start, self.ids[last as usize])));
        failing.truncate(limit);
        failing.into_iter().map(|(last, runs)| FailingUnit::of(self.run(last), runs)).collect()
    }

    fn group(&self, key: &[u32; 5], tally: Tally, edges: &[DateTime<Utc>]) -> Group {
        let [part, revision, station, process, period] = key.map(|index| index as usize);
        Group {
            part_number: self.parts.names.get(part).cloned(),
            revision: self.revisions.names.get(revision).cloned(),
            station: self.stations.names.get(station).cloned(),
            process_code: self.processes.names.get(process).copied(),
            period: edges.get(period).copied(),
            kpis: tally.kpis,
            first: Some(time(tally.first)),
            last: Some(time(tally.last)),
        }
    }
}

impl FailingUnit {
    fn of(last: super::Run, runs: u64) -> FailingUnit {
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

fn count_unit(kpis: &mut Kpis, passes: Passes) {
    kpis.units += 1;
    kpis.first_pass += u64::from(passes.first);
    kpis.second_pass += u64::from(passes.second);
    kpis.third_pass += u64::from(passes.third);
    kpis.last_pass += u64::from(passes.last);
}

fn count_report(kpis: &mut Kpis, row: &Row) {
    kpis.reports += 1;
    kpis.reports_passed += u64::from(row.result == Status::Passed);
}

fn time(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(millis).unwrap_or_default()
}

/// A selection against one table: texts become marks by number.
struct Chosen {
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
    fn new(table: &RunTable, selection: &Selection) -> Chosen {
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
    fn units<'a>(&'a self, table: &'a RunTable) -> impl Iterator<Item = (&'a Unit, Passes)> {
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
    fn reports<'a>(&'a self, table: &'a RunTable) -> impl Iterator<Item = (&'a Unit, &'a Row)> {
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

    fn known<'a>(&self, table: &RunTable, runs: &'a [u32]) -> &'a [u32] {
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

/// Finds the bucket of a time; runs come nearly in order, so the last answer is tried first.
struct Periods {
    edges: Vec<i64>,
    last: usize,
}

impl Periods {
    fn new(edges: &[DateTime<Utc>]) -> Periods {
        Periods { edges: edges.iter().map(DateTime::timestamp_millis).collect(), last: 0 }
    }

    fn find(&mut self, start: i64) -> Option<usize> {
        let holds = |edges: &[i64], i: usize| edges.get(i).is_some_and(|&a| a <= start) && edges.get(i + 1).is_some_and(|&b| start < b);
        if !holds(&self.edges, self.last) {
            let place = self.edges.partition_point(|&edge| edge <= start).checked_sub(1)?;
            if !holds(&self.edges, place) {
                return None;
            }
            self.last = place;
        }
        Some(self.last)
    }
}

/// Numbers the groups as they are met.
struct Keys {
    /// Which of part, revision, station, process and period are asked for, and how many values each has.
    asked: [bool; 5],
    sizes: [usize; 5],
    numbers: Numbers,
    seen: Vec<[u32; 5]>,
}

/// Group numbers by key: in a plain list while the keys that can be are few.
enum Numbers {
    Dense(Vec<u32>),
    Sparse(HashMap<u128, u32>),
}

/// Longest plain list of group numbers.
const DENSE_LIMIT: usize = 1 << 18;

impl Keys {
    fn new(table: &RunTable, dimensions: &[Dimension], periods: usize) -> Keys {
        use Dimension::*;
        let (parts, revisions) = (table.parts.names.len(), table.revisions.names.len());
        let all = [parts, revisions, table.stations.names.len(), table.processes.names.len(), periods];
        let asked = [PartNumber, Revision, Station, Process, Period].map(|dimension| dimensions.contains(&dimension));
        let sizes = std::array::from_fn(|i| if asked[i] { all[i].max(1) } else { 1 });
        let keys = sizes.iter().try_fold(1_usize, |product, size| product.checked_mul(*size)).filter(|keys| *keys <= DENSE_LIMIT);
        let numbers = keys.map_or_else(|| Numbers::Sparse(HashMap::new()), |keys| Numbers::Dense(vec![NONE; keys]));
        Keys { asked, sizes, numbers, seen: Vec::new() }
    }

    /// `None` where the run falls into no period asked for.
    fn slot(&mut self, unit: &Unit, row: &Row, periods: &mut Periods) -> Option<usize> {
        let period = if self.asked[4] { periods.find(row.start)? as u32 } else { 0 };
        let indexes = [unit.part, row.revision, row.station, unit.process, period];
        let index = |i: usize| if self.asked[i] { indexes[i] as usize } else { 0 };
        let key = (0..5).fold(0_u128, |key, i| key * self.sizes[i] as u128 + index(i) as u128);
        let number = match &mut self.numbers {
            Numbers::Dense(list) => &mut list[key as usize],
            Numbers::Sparse(map) => map.entry(key).or_insert(NONE),
        };
        if *number == NONE {
            *number = self.seen.len() as u32;
            self.seen.push(std::array::from_fn(|i| if self.asked[i] { indexes[i] } else { NONE }));
        }
        Some(*number as usize)
    }
}

#[derive(Clone, Copy)]
struct Tally {
    kpis: Kpis,
    first: i64,
    last: i64,
}

impl Tally {
    fn span(&mut self, start: i64) {
        (self.first, self.last) = (self.first.min(start), self.last.max(start));
    }
}

fn tally(tallies: &mut Vec<Tally>, slot: usize) -> &mut Tally {
    if slot == tallies.len() {
        tallies.push(Tally { kpis: Kpis::default(), first: i64::MAX, last: i64::MIN });
    }
    &mut tallies[slot]
}

/// Failing first runs by what is to blame.
struct Blame {
    steps: Vec<u64>,
    /// Station error, terminated, no step.
    others: [u64; 3],
}

impl Blame {
    fn count(&mut self, first: &Row) {
        match (self.steps.get_mut(first.step as usize), first.result) {
            (Some(units), _) => *units += 1,
            (None, Status::Error) => self.others[0] += 1,
            (None, Status::Terminated) => self.others[1] += 1,
            (None, _) => self.others[2] += 1,
        }
    }

    fn rows(self, names: &[FailedStep]) -> Vec<ParetoRow> {
        let all: u64 = self.steps.iter().chain(&self.others).sum();
        let mut steps: Vec<(&FailedStep, u64)> = names.iter().zip(self.steps).filter(|(_, units)| *units > 0).collect();
        steps.sort_by(|(a, m), (b, n)| n.cmp(m).then_with(|| a.name.cmp(&b.name)).then_with(|| a.path.cmp(&b.path)));
        let causes = [Cause::StationError, Cause::Terminated, Cause::NoStep];
        let named = steps.into_iter().map(|(step, units)| (step.name.clone(), step.path.clone(), Cause::Step, units));
        let others = causes.into_iter().zip(self.others).filter(|(_, units)| *units > 0);
        let mut sum = 0;
        named
            .chain(others.map(|(cause, units)| (String::new(), String::new(), cause, units)))
            .map(|(step, path, cause, units)| {
                sum += units;
                let part = |n: u64| n as f64 / all as f64;
                ParetoRow { step, path, cause, units, share: part(units), cumulative: part(sum) }
            })
            .collect()
    }
}

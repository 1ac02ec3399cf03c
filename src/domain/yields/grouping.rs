//! Sorting runs into groups and periods as they are counted.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::Kpis;
use super::table::{NONE, Row, RunTable, Unit};

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

/// Finds the bucket of a time; runs come nearly in order, so the last answer is tried first.
pub(super) struct Periods {
    edges: Vec<i64>,
    last: usize,
}

impl Periods {
    pub(super) fn new(edges: &[DateTime<Utc>]) -> Periods {
        Periods { edges: edges.iter().map(DateTime::timestamp_millis).collect(), last: 0 }
    }

    pub(super) fn find(&mut self, start: i64) -> Option<usize> {
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
pub(super) struct Keys {
    /// Which of part, revision, station, process and period are asked for, and how many values each has.
    asked: [bool; 5],
    sizes: [usize; 5],
    numbers: Numbers,
    pub(super) seen: Vec<[u32; 5]>,
}

/// Group numbers by key: in a plain list while the keys that can be are few.
enum Numbers {
    Dense(Vec<u32>),
    Sparse(HashMap<u128, u32>),
}

/// Longest plain list of group numbers.
const DENSE_LIMIT: usize = 1 << 18;

impl Keys {
    pub(super) fn new(table: &RunTable, dimensions: &[Dimension], periods: usize) -> Keys {
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
    pub(super) fn slot(&mut self, unit: &Unit, row: &Row, periods: &mut Periods) -> Option<usize> {
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
pub(super) struct Tally {
    pub(super) kpis: Kpis,
    pub(super) first: i64,
    pub(super) last: i64,
}

impl Tally {
    pub(super) fn span(&mut self, start: i64) {
        (self.first, self.last) = (self.first.min(start), self.last.max(start));
    }
}

pub(super) fn tally(tallies: &mut Vec<Tally>, slot: usize) -> &mut Tally {
    if slot == tallies.len() {
        tallies.push(Tally { kpis: Kpis::default(), first: i64::MAX, last: i64::MIN });
    }
    &mut tallies[slot]
}

//! Questions to the run table. A unit counts only if its first run is selected; then all its runs count, in the first run's period.
//! Reports are counted by their own start and their own words, first runs or not.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::answers::{FailingUnit, Group, Overview, TopFailed};
use super::blame::Blame;
use super::grouping::{Dimension, Keys, Periods, Tally, tally};
use super::selection::{Chosen, Selection};
use super::table::{NONE, Passes, Row, RunTable};
use super::{Bucket, Kpis, ParetoRow};
use crate::domain::report::Status;

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
        let mut blame = Blame::new(self.steps.names.len());
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

//! Yield with retests, and how sure one can be of it.
//! A unit counts where its *first* run started; all its later runs count for it, whenever they start.

mod answers;
mod blame;
mod grouping;
mod query;
mod run;
mod selection;
mod table;

use std::ops::AddAssign;

use chrono::{DateTime, Utc};

pub use answers::{FailingUnit, Group, Overview, TopFailed};
pub use grouping::Dimension;
pub use run::Run;
pub use selection::{Pattern, Selection};
pub use table::RunTable;

/// Quantile of the normal distribution for 95 %, two-sided.
pub const Z_95: f64 = 1.959_963_984_540_054;

/// Numbers of one group of units in one period. Ratios are 0 to 1, and `None` where there is nothing to divide by.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Kpis {
    /// Units whose first run started in the period.
    pub units: u64,
    /// Of these: passed in the first run, within two, within three, in the last run known.
    pub first_pass: u64,
    pub second_pass: u64,
    pub third_pass: u64,
    pub last_pass: u64,
    /// Reports that started in the period, of first runs or not.
    pub reports: u64,
    pub reports_passed: u64,
}

impl Kpis {
    pub fn fpy(&self) -> Option<f64> {
        ratio(self.first_pass, self.units)
    }

    pub fn spy(&self) -> Option<f64> {
        ratio(self.second_pass, self.units)
    }

    pub fn tpy(&self) -> Option<f64> {
        ratio(self.third_pass, self.units)
    }

    pub fn lpy(&self) -> Option<f64> {
        ratio(self.last_pass, self.units)
    }

    pub fn report_yield(&self) -> Option<f64> {
        ratio(self.reports_passed, self.reports)
    }

    /// The 95 % interval of the first pass yield.
    pub fn fpy_interval(&self) -> Option<Interval> {
        wilson(self.first_pass, self.units, Z_95)
    }
}

impl AddAssign for Kpis {
    fn add_assign(&mut self, other: Kpis) {
        self.units += other.units;
        self.first_pass += other.first_pass;
        self.second_pass += other.second_pass;
        self.third_pass += other.third_pass;
        self.last_pass += other.last_pass;
        self.reports += other.reports;
        self.reports_passed += other.reports_passed;
    }
}

/// Rolled throughput yield: the product of the first pass yields of a route's processes. `None` where one has no units.
pub fn rolled(processes: &[Kpis]) -> Option<f64> {
    processes.iter().map(Kpis::fpy).try_fold(1.0, |product, fpy| Some(product * fpy?)).filter(|_| !processes.is_empty())
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// An interval of ratios, both ends 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
}

/// Score interval of a proportion (Wilson 1927): `passed` of `n` at `z` standard deviations.
pub fn wilson(passed: u64, n: u64, z: f64) -> Option<Interval> {
    let p = ratio(passed, n)?;
    let n = n as f64;
    let middle = p + z * z / (2.0 * n);
    let half = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z * z / n;
    Some(Interval { low: ((middle - half) / scale).max(0.0), high: ((middle + half) / scale).min(1.0) })
}

/// What a line display may say of a yield.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    OnTarget,
    /// Even the upper end of the interval lies below the target.
    BelowTarget,
    /// Fewer than 30 units: too few to judge.
    TooFewUnits,
    NoTarget,
}

/// Fewest units that are judged.
pub const MIN_UNITS: u64 = 30;

/// Judges a first pass yield against `target`, a ratio of 0 to 1.
pub fn judge(kpis: &Kpis, target: Option<f64>) -> Verdict {
    match (target, kpis.fpy_interval()) {
        (None, _) => Verdict::NoTarget,
        (Some(_), _) if kpis.units < MIN_UNITS => Verdict::TooFewUnits,
        (Some(target), Some(interval)) if interval.high < target => Verdict::BelowTarget,
        _ => Verdict::OnTarget,
    }
}

/// Why first runs did not pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Cause {
    #[default]
    Step,
    /// Error, and no step to blame: the station failed, not the unit.
    StationError,
    /// Stopped by somebody, and no step to blame.
    Terminated,
    /// Not passed, and no step tells why.
    NoStep,
}

/// One line of a Pareto: a step, and the units whose first run failed first there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ParetoRow {
    /// The step's name; empty where the cause is no step.
    pub step: String,
    /// Its place in the sequence, names joined by "/"; steps of one name in two places are two rows.
    pub path: String,
    pub cause: Cause,
    pub units: u64,
    /// Part of all failing units, 0 to 1, and the running sum of it.
    pub share: f64,
    pub cumulative: f64,
}

/// The yield of one bucket of time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bucket {
    pub start: DateTime<Utc>,
    pub end: DateTime<Utc>,
    pub kpis: Kpis,
}

#[cfg(test)]
mod tests;

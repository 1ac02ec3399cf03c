//! What failing first runs are to blame on, for the Pareto chart.

use super::table::Row;
use super::{Cause, ParetoRow};
use crate::domain::report::{FailedStep, Status};

/// Failing first runs by what is to blame.
pub(super) struct Blame {
    steps: Vec<u64>,
    /// Station error, terminated, no step.
    others: [u64; 3],
}

impl Blame {
    pub(super) fn new(steps: usize) -> Blame {
        Blame { steps: vec![0; steps], others: [0; 3] }
    }

    pub(super) fn count(&mut self, first: &Row) {
        match (self.steps.get_mut(first.step as usize), first.result) {
            (Some(units), _) => *units += 1,
            (None, Status::Error) => self.others[0] += 1,
            (None, Status::Terminated) => self.others[1] += 1,
            (None, _) => self.others[2] += 1,
        }
    }

    pub(super) fn rows(self, names: &[FailedStep]) -> Vec<ParetoRow> {
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

//! Which report may be sent next: a pure plan, without disk, network or clock of its own.
//! Reports of one unit for one server form a line and go one after another; lines go side by side.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Instant;

use super::read::Pending;

#[derive(Debug, Default)]
pub(super) struct Schedule {
    plans: BTreeMap<i64, Plan>,
    lines: HashMap<u64, Line>,
    /// By server: heads of lines that may go now, and how many reports wait in all.
    servers: HashMap<String, Server>,
    delayed: BTreeSet<(Instant, i64)>,
}

#[derive(Debug)]
struct Plan {
    line: u64,
    accepted_at: i64,
    tries: u32,
    /// Not before, after a failure.
    until: Option<Instant>,
}

#[derive(Debug)]
struct Line {
    server: String,
    seqs: BTreeSet<i64>,
    flying: Option<i64>,
}

#[derive(Debug, Default)]
struct Server {
    ready: BTreeSet<i64>,
    waiting: u64,
}

impl Schedule {
    /// Takes a report in; one that is known under another server moves there.
    pub(super) fn put(&mut self, report: &Pending) {
        let line = line_of(report);
        match self.plans.get(&report.seq) {
            Some(plan) if plan.line == line => return,
            Some(_) => self.remove(report.seq),
            None => {}
        }
        let plan = Plan { line, accepted_at: report.accepted_at, tries: report.tries, until: None };
        self.plans.insert(report.seq, plan);
        self.servers.entry(report.server_id.clone()).or_default().waiting += 1;
        let fresh = || Line { server: report.server_id.clone(), seqs: BTreeSet::new(), flying: None };
        self.lines.entry(line).or_insert_with(fresh).seqs.insert(report.seq);
        self.refresh(line);
    }

    /// Makes the plan agree with what lies on the disk; delays and flights of reports that stay are kept.
    pub(super) fn reset(&mut self, reports: &[Pending]) {
        let here: HashSet<i64> = reports.iter().map(|report| report.seq).collect();
        let gone: Vec<i64> = self.plans.keys().copied().filter(|seq| !here.contains(seq)).collect();
        for seq in gone {
            self.remove(seq);
        }
        for report in reports {
            self.put(report);
        }
    }

    pub(super) fn remove(&mut self, seq: i64) {
        let Some(plan) = self.plans.remove(&seq) else { return };
        if let Some(until) = plan.until {
            self.delayed.remove(&(until, seq));
        }
        let Some(line) = self.lines.get_mut(&plan.line) else { return };
        line.seqs.remove(&seq);
        if line.flying == Some(seq) {
            line.flying = None;
        }
        let empty = line.seqs.is_empty();
        if let Some(server) = self.servers.get_mut(&line.server) {
            server.ready.remove(&seq);
            server.waiting = server.waiting.saturating_sub(1);
        }
        if empty {
            self.lines.remove(&plan.line);
        } else {
            self.refresh(plan.line);
        }
    }

    /// The report to send next to this server; from now on it flies.
    pub(super) fn take(&mut self, server: &str) -> Option<i64> {
        let seq = self.servers.get_mut(server)?.ready.pop_first()?;
        let plan = self.plans.get(&seq)?;
        self.lines.get_mut(&plan.line)?.flying = Some(seq);
        Some(seq)
    }

    /// A report came back undelivered; it may go again after `until`. Answers how often it was tried.
    pub(super) fn land(&mut self, seq: i64, until: Instant) -> u32 {
        let Some(plan) = self.plans.get_mut(&seq) else { return 0 };
        plan.tries += 1;
        plan.until = Some(until);
        self.delayed.insert((until, seq));
        let (line, tries) = (plan.line, plan.tries);
        if let Some(line) = self.lines.get_mut(&line).filter(|line| line.flying == Some(seq)) {
            line.flying = None;
        }
        self.refresh(line);
        tries
    }

    pub(super) fn tries(&self, seq: i64) -> u32 {
        self.plans.get(&seq).map_or(0, |plan| plan.tries)
    }

    /// Ends the delays that are over at `now`.
    pub(super) fn wake(&mut self, now: Instant) {
        while let Some((until, seq)) = self.delayed.first().copied().filter(|(until, _)| *until <= now) {
            self.delayed.remove(&(until, seq));
            self.end_delay(seq);
        }
    }

    /// Ends all delays.
    pub(super) fn hurry(&mut self) {
        for (_, seq) in std::mem::take(&mut self.delayed) {
            self.end_delay(seq);
        }
    }

    fn end_delay(&mut self, seq: i64) {
        let Some(plan) = self.plans.get_mut(&seq) else { return };
        plan.until = None;
        let line = plan.line;
        self.refresh(line);
    }

    /// When the next delay ends.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.delayed.first().map(|(until, _)| *until)
    }

    pub(super) fn until(&self, seq: i64) -> Option<Instant> {
        self.plans.get(&seq)?.until
    }

    pub(super) fn is_flying(&self, seq: i64) -> bool {
        self.plans.get(&seq).and_then(|plan| self.lines.get(&plan.line)).is_some_and(|line| line.flying == Some(seq))
    }

    pub(super) fn waiting(&self) -> u64 {
        self.plans.len() as u64
    }

    /// How many wait for other servers than this one.
    pub(super) fn foreign(&self, server: &str) -> u64 {
        self.waiting() - self.servers.get(server).map_or(0, |server| server.waiting)
    }

    /// When the report that is first in line was accepted: microseconds since 1970.
    pub(super) fn oldest(&self) -> Option<i64> {
        self.plans.values().next().map(|plan| plan.accepted_at)
    }

    /// Lets the head of a line, and it alone, be ready: when nothing of the line flies and no delay holds it.
    fn refresh(&mut self, key: u64) {
        let Some(line) = self.lines.get(&key) else { return };
        let Some(server) = self.servers.get_mut(&line.server) else { return };
        let mut seqs = line.seqs.iter().copied();
        let Some(head) = seqs.next() else { return };
        if line.flying.is_none() && self.plans.get(&head).is_some_and(|plan| plan.until.is_none()) {
            server.ready.insert(head);
        } else {
            server.ready.remove(&head);
        }
        // A report that came in front takes the place of the former head.
        if let Some(second) = seqs.next() {
            server.ready.remove(&second);
        }
    }
}

/// Two lines that share a hash wait for each other without need, and nothing worse.
fn line_of(report: &Pending) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&report.server_id, &report.part, &report.serial).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use uuid::Uuid;

    use super::*;

    fn report(seq: i64, serial: &str, server: &str) -> Pending {
        let (part, serial, server_id) = ("PSU".to_owned(), serial.to_owned(), server.to_owned());
        Pending { seq, id: Uuid::from_u128(seq as u128), part, serial, server_id, accepted_at: seq * 10, tries: 0 }
    }

    fn schedule(reports: &[(i64, &str, &str)]) -> Schedule {
        let mut schedule = Schedule::default();
        for (seq, serial, server) in reports {
            schedule.put(&report(*seq, serial, server));
        }
        schedule
    }

    #[test]
    fn a_unit_goes_in_order_and_units_go_side_by_side() {
        let mut plan = schedule(&[(1, "A", "s"), (2, "A", "s"), (3, "B", "s")]);
        assert_eq!((plan.take("s"), plan.take("s"), plan.take("s")), (Some(1), Some(3), None));
        plan.remove(1);
        assert_eq!(plan.take("s"), Some(2));
    }

    #[test]
    fn a_report_that_failed_holds_its_own_unit_and_no_other() {
        let now = Instant::now();
        let mut plan = schedule(&[(1, "A", "s"), (2, "A", "s"), (3, "B", "s")]);
        plan.take("s");
        assert_eq!(plan.land(1, now + Duration::from_secs(5)), 1);
        assert_eq!((plan.take("s"), plan.take("s")), (Some(3), None));
        plan.wake(now + Duration::from_secs(4));
        assert_eq!(plan.take("s"), None);
        plan.wake(now + Duration::from_secs(5));
        assert_eq!(plan.take("s"), Some(1));
    }

    #[test]
    fn reports_of_another_server_wait_and_are_counted() {
        let mut plan = schedule(&[(1, "A", "old"), (2, "A", "new")]);
        assert_eq!((plan.foreign("new"), plan.take("new"), plan.take("new")), (1, Some(2), None));
        plan.put(&report(1, "A", "new"));
        assert_eq!((plan.foreign("new"), plan.waiting()), (0, 2));
        assert_eq!(plan.take("new"), None, "2 of the same unit flies");
        plan.remove(2);
        assert_eq!(plan.take("new"), Some(1));
    }

    #[test]
    fn a_report_taken_back_from_quarantine_goes_before_the_younger_ones() {
        let mut plan = schedule(&[(2, "A", "s"), (3, "A", "s")]);
        plan.put(&report(1, "A", "s"));
        assert_eq!((plan.take("s"), plan.take("s")), (Some(1), None));
        plan.remove(1);
        assert_eq!(plan.take("s"), Some(2));
    }

    #[test]
    fn a_reset_keeps_flights_and_delays() {
        let later = Instant::now() + Duration::from_secs(60);
        let mut plan = schedule(&[(1, "A", "s"), (2, "B", "s"), (3, "C", "s")]);
        plan.take("s");
        plan.take("s");
        plan.land(2, later);
        plan.reset(&[report(1, "A", "s"), report(2, "B", "s"), report(4, "D", "s")]);
        assert!(plan.is_flying(1));
        assert_eq!((plan.until(2), plan.next_due()), (Some(later), Some(later)));
        assert_eq!((plan.take("s"), plan.take("s"), plan.oldest()), (Some(4), None, Some(10)));
        plan.hurry();
        assert_eq!(plan.take("s"), Some(2));
    }
}

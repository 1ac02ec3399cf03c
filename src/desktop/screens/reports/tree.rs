//! A report's steps as a flat list of rows that can be folded. Only its numbers are kept here; the steps stay in the report.

use crate::domain::report::{Measurement, Status, Step};

/// One row: a step, one of several measurements of the step above it, or what that step says in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Node {
    /// The row of the step above; itself for the root.
    parent: u32,
    /// Which of the parent's steps or measurements it is.
    place: u32,
    /// The row after its last descendant.
    end: u32,
    depth: u16,
    kind: Kind,
    open: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Step,
    Measurement,
    Words,
}

/// What a row shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Shown<'a> {
    pub step: &'a Step,
    /// The measurement on this row: the step's only one, or the one the row is about.
    pub measurement: Option<&'a Measurement>,
    /// What the step says in words: its error, or its report.
    pub words: Option<&'a str>,
    /// The row is about a measurement or words alone.
    pub is_part: bool,
    pub depth: u16,
    /// Whether it has rows below it, and whether these are in sight.
    pub open: Option<bool>,
}

impl Shown<'_> {
    pub(super) fn status(&self) -> Option<Status> {
        if self.is_part { self.measurement.and_then(|measurement| measurement.status) } else { self.step.status }
    }

    pub(super) fn name(&self) -> &str {
        match (self.words, self.measurement) {
            (Some(words), _) => words,
            (None, Some(measurement)) if self.is_part => &measurement.name,
            _ => &self.step.name,
        }
    }
}

/// The folded state of one report.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    /// Rows in sight.
    rows: Vec<u32>,
    /// Steps that failed and have no failed step below them.
    failures: Vec<u32>,
}

/// Reports up to this many rows open whole; larger ones show the way to what failed.
const SMALL: usize = 300;

impl Tree {
    pub(super) fn new(root: &Step) -> Tree {
        let mut tree = Tree::default();
        tree.add(root, 0, 0, 0);
        let all = tree.nodes.len() <= SMALL;
        for node in &mut tree.nodes {
            node.open = all;
        }
        if let Some(root) = tree.nodes.first_mut() {
            root.open = true;
        }
        for failure in tree.failures.clone() {
            tree.open_way_to(failure);
        }
        tree.settle();
        tree
    }

    /// Adds a step with all below it and tells whether anything there failed.
    fn add(&mut self, step: &Step, parent: u32, place: u32, depth: u16) -> bool {
        let at = self.nodes.len() as u32;
        self.nodes.push(Node { parent, place, end: 0, depth, kind: Kind::Step, open: false });
        let mut part = |place: u32, kind: Kind| {
            let end = self.nodes.len() as u32 + 1;
            self.nodes.push(Node { parent: at, place, end, depth: depth.saturating_add(1), kind, open: false });
        };
        for place in 0..texts(step).count() as u32 {
            part(place, Kind::Words);
        }
        if step.measurements.len() > 1 {
            for place in 0..step.measurements.len() as u32 {
                part(place, Kind::Measurement);
            }
        }
        let mut below = false;
        for (place, child) in step.steps.iter().enumerate() {
            below |= self.add(child, at, place as u32, depth.saturating_add(1));
        }
        self.nodes[at as usize].end = self.nodes.len() as u32;
        let failed = step.has_failed();
        if failed && !below {
            self.failures.push(at);
        }
        failed || below
    }

    fn open_way_to(&mut self, node: u32) {
        let mut at = node;
        while at != 0 {
            at = self.nodes[at as usize].parent;
            self.nodes[at as usize].open = true;
        }
    }

    /// Finds the rows in sight again after something was folded.
    fn settle(&mut self) {
        self.rows.clear();
        let mut at = 0;
        while let Some(node) = self.nodes.get(at as usize) {
            self.rows.push(at);
            at = if node.open { at + 1 } else { node.end };
        }
    }

    /// Rows in sight.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn failures(&self) -> usize {
        self.failures.len()
    }

    /// What stands on a row in sight.
    pub(super) fn shown<'a>(&self, root: &'a Step, row: usize) -> Option<Shown<'a>> {
        let at = *self.rows.get(row)?;
        let node = self.nodes.get(at as usize)?;
        let foldable = node.end > at + 1;
        let open = foldable.then_some(node.open);
        let depth = node.depth;
        match node.kind {
            Kind::Step => {
                let step = self.step(root, at)?;
                let measurement = if step.measurements.len() == 1 { step.measurements.first() } else { None };
                Some(Shown { step, measurement, words: None, is_part: false, depth, open })
            }
            Kind::Words => {
                let step = self.step(root, node.parent)?;
                let words = texts(step).nth(node.place as usize);
                Some(Shown { step, measurement: None, words, is_part: true, depth, open })
            }
            Kind::Measurement => {
                let step = self.step(root, node.parent)?;
                let measurement = Some(step.measurements.get(node.place as usize)?);
                Some(Shown { step, measurement, words: None, is_part: true, depth, open })
            }
        }
    }

    /// Walks down from the root: as many steps as the tree is deep.
    fn step<'a>(&self, root: &'a Step, at: u32) -> Option<&'a Step> {
        if at == 0 {
            return Some(root);
        }
        let node = self.nodes.get(at as usize)?;
        self.step(root, node.parent)?.steps.get(node.place as usize)
    }

    /// Folds or unfolds a row; `None` turns it over. Answers whether anything changed.
    pub(super) fn fold(&mut self, row: usize, open: Option<bool>) -> bool {
        let Some(&at) = self.rows.get(row) else { return false };
        let node = &mut self.nodes[at as usize];
        let wanted = open.unwrap_or(!node.open);
        if node.end <= at + 1 || node.open == wanted {
            return false;
        }
        node.open = wanted;
        self.settle();
        true
    }

    /// The row of the step above.
    pub(super) fn parent(&self, row: usize) -> Option<usize> {
        let parent = self.nodes.get(*self.rows.get(row)? as usize)?.parent;
        self.rows.binary_search(&parent).ok()
    }

    /// The row of the next failure after `row`, from the first again at the end. Unfolds the way to it.
    pub(super) fn next_failure(&mut self, row: usize) -> Option<usize> {
        let here = self.rows.get(row).copied().unwrap_or(0);
        let next = self.failures.iter().find(|failure| **failure > here).or(self.failures.first()).copied()?;
        self.open_way_to(next);
        self.settle();
        self.rows.binary_search(&next).ok()
    }

    /// The row of the first failure, where there is one.
    pub(super) fn first_failure(&self) -> Option<usize> {
        self.rows.binary_search(self.failures.first()?).ok()
    }
}

/// What a step says in words.
fn texts(step: &Step) -> impl Iterator<Item = &str> {
    [step.error_message.as_str(), step.report_text.as_str()].into_iter().filter(|text| !text.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(name: &str, status: Status, steps: Vec<Step>) -> Step {
        Step { name: name.to_owned(), status: Some(status), steps, ..Step::default() }
    }

    fn names(tree: &Tree, root: &Step) -> Vec<String> {
        (0..tree.len()).map(|row| tree.shown(root, row).unwrap().name().to_owned()).collect()
    }

    fn large(groups: usize, each: usize, failing: usize) -> Step {
        let leaf = |group: usize, i: usize| {
            let failed = group == failing && i == 1;
            step(&format!("{group}.{i}"), if failed { Status::Failed } else { Status::Passed }, Vec::new())
        };
        let group = |group: usize| {
            let status = if group == failing { Status::Failed } else { Status::Passed };
            step(&format!("group {group}"), status, (0..each).map(|i| leaf(group, i)).collect())
        };
        step("main", Status::Failed, (0..groups).map(group).collect())
    }

    #[test]
    fn a_large_report_opens_on_what_failed() {
        let root = large(500, 100, 7);
        let tree = Tree::new(&root);
        assert_eq!(tree.len(), 1 + 500 + 100, "only the failing group is unfolded");
        let row = tree.first_failure().unwrap();
        assert_eq!(tree.shown(&root, row).unwrap().name(), "7.1");
    }

    #[test]
    fn folding_hides_what_is_below_and_nothing_else() {
        let root = large(3, 2, 1);
        let mut tree = Tree::new(&root);
        assert_eq!(names(&tree, &root), ["main", "group 0", "0.0", "0.1", "group 1", "1.0", "1.1", "group 2", "2.0", "2.1"]);
        assert!(tree.fold(1, Some(false)));
        assert!(!tree.fold(1, Some(false)), "folded already");
        assert!(!tree.fold(3, Some(false)), "a leaf cannot be folded");
        assert_eq!(names(&tree, &root), ["main", "group 0", "group 1", "1.0", "1.1", "group 2", "2.0", "2.1"]);
        assert_eq!(tree.parent(3), Some(2));
        assert!(tree.fold(0, None));
        assert_eq!(names(&tree, &root), ["main"]);
        let row = tree.next_failure(0).unwrap();
        assert_eq!(tree.shown(&root, row).unwrap().name(), "1.1", "the way to a failure unfolds");
        assert_eq!(tree.next_failure(row), Some(row), "the only failure comes round again");
    }

    #[test]
    fn several_measurements_of_a_step_have_rows_of_their_own() {
        let measurement = |name: &str| Measurement { name: name.to_owned(), status: Some(Status::Passed), ..Measurement::default() };
        let mut multi = step("multi", Status::Passed, vec![step("below", Status::Passed, Vec::new())]);
        multi.measurements = vec![measurement("a"), measurement("b")];
        let mut single = step("single", Status::Passed, Vec::new());
        single.measurements = vec![measurement("")];
        let root = step("main", Status::Passed, vec![multi, single]);
        let tree = Tree::new(&root);
        assert_eq!(names(&tree, &root), ["main", "multi", "a", "b", "below", "single"]);
        assert!(tree.shown(&root, 2).unwrap().is_part);
        let single = tree.shown(&root, 5).unwrap();
        assert!(!single.is_part && single.measurement.is_some() && single.open.is_none());
        assert_eq!(tree.failures(), 0);
    }

    #[test]
    fn what_a_step_says_stands_below_it() {
        let mut failed = step("leak", Status::Failed, Vec::new());
        failed.error_message = "No pressure after 3 s".to_owned();
        failed.report_text = " ".to_owned();
        let root = step("main", Status::Failed, vec![failed]);
        let tree = Tree::new(&root);
        assert_eq!(names(&tree, &root), ["main", "leak", "No pressure after 3 s"]);
        assert_eq!(tree.shown(&root, 2).unwrap().status(), None);
    }
}

//! Yield counted again, slowly and from the sources, by nothing that the program uses.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

/// What one report says about itself.
struct Run {
    start: chrono::DateTime<chrono::Utc>,
    id: String,
    passed: bool,
    /// The first step, in reading order, that is a leaf and failed.
    failed_step: Option<String>,
}

/// Counts of one process.
#[derive(Debug, Default, PartialEq)]
pub struct Recount {
    pub units: u64,
    pub first: u64,
    pub second: u64,
    pub third: u64,
    pub last: u64,
    pub reports: u64,
    pub pareto: BTreeMap<String, u64>,
}

/// Counts every process of these reports by its code.
pub fn recount(sources: &[String]) -> BTreeMap<i64, Recount> {
    let mut units: HashMap<(i64, String, String), Vec<Run>> = HashMap::new();
    for source in sources {
        let report: Value = serde_json::from_str(source).unwrap();
        let text = |name: &str| report[name].as_str().unwrap().to_owned();
        let run = Run {
            start: chrono::DateTime::parse_from_rfc3339(&text("start")).unwrap().to_utc(),
            id: text("id").to_lowercase(),
            passed: matches!(report["result"].as_str(), Some("P" | "Passed")),
            failed_step: first_failure(&report["root"]),
        };
        units.entry((report["processCode"].as_i64().unwrap(), text("pn"), text("sn"))).or_default().push(run);
    }
    let mut processes: BTreeMap<i64, Recount> = BTreeMap::new();
    for ((process, _, _), mut runs) in units {
        runs.sort_by(|a, b| (a.start, &a.id).cmp(&(b.start, &b.id)));
        let count = processes.entry(process).or_default();
        let passed_within = |n: usize| u64::from(runs.iter().take(n).any(|run| run.passed));
        count.units += 1;
        count.first += passed_within(1);
        count.second += passed_within(2);
        count.third += passed_within(3);
        count.last += u64::from(runs.last().is_some_and(|run| run.passed));
        count.reports += runs.len() as u64;
        if let Some(step) = runs[0].failed_step.clone().filter(|_| !runs[0].passed) {
            *count.pareto.entry(step).or_default() += 1;
        }
    }
    processes
}

fn first_failure(step: &Value) -> Option<String> {
    let children = step["steps"].as_array().map(Vec::as_slice).unwrap_or_default();
    let below = children.iter().find_map(first_failure);
    let failed = matches!(step["status"].as_str(), Some("F" | "Failed")) && children.is_empty();
    below.or_else(|| failed.then(|| step["name"].as_str().unwrap_or_default().to_owned()))
}

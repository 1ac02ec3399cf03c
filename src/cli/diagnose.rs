//! A readable report on everything the station stands on, fit to be sent to somebody who helps. Holds no secret.

use serde_json::json;

use super::context::{Context, Exit, Failure};
use crate::client::{Check, Verdict};

pub fn run(context: &Context) -> Result<(), Failure> {
    let (place, instance) = context.chosen()?;
    let checks = place.check(&instance.id);
    let good = checks.iter().all(|check| check.verdict != Verdict::Bad);
    let detail = |check: &Check| match &check.note {
        None => check.detail.clone(),
        Some((key, values)) => {
            let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
            context.output.words(&format!("note.{key}"), &values)
        }
    };
    let row = |check: &Check| json!({"check": check.name, "verdict": word(check.verdict), "detail": detail(check)});
    if context.output.json {
        context.output.value(&json!({"instance": instance.id, "good": good, "checks": checks.iter().map(row).collect::<Vec<_>>()}));
    } else {
        let words = |part: &str, key: &str| context.output.words(&format!("{part}.{key}"), &[]);
        let line = |check: &Check| vec![words("verdict", word(check.verdict)), words("check", check.name), detail(check)];
        context.output.table(&["verdict", "check", "detail"], &checks.iter().map(line).collect::<Vec<_>>());
    }
    if good { Ok(()) } else { Err(Failure::silent(Exit::Failed)) }
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Good => "good",
        Verdict::Bad => "bad",
        Verdict::Odd => "odd",
        Verdict::Skipped => "skipped",
    }
}

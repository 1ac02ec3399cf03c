//! Yield of a line: counted by the server, or here from a file, both by the same definitions.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use clap::Args;
use serde_json::{Value, json};

use super::context::{Context, Failure};
use super::csv;
use crate::client::{Explanation, YieldAnswer, YieldAsk};
use crate::domain::yields::{Cause, Kpis, ParetoRow, Pattern, RunTable, Selection};

#[derive(Debug, Args)]
pub struct Ask {
    /// A process by code, on a server by name too
    #[arg(long, value_name = "P")]
    process: Option<String>,
    /// A part number
    #[arg(long, value_name = "PN")]
    product: Option<String>,
    /// First runs from here on, like 2026-03-04T06:00:00Z
    #[arg(long, value_name = "T", value_parser = parse_time)]
    from: Option<DateTime<Utc>>,
    /// First runs before this
    #[arg(long, value_name = "T", value_parser = parse_time)]
    to: Option<DateTime<Utc>>,
    /// Count a table of reports instead: one a line, columns serial_number, start, result and, if there are, id, part_number, process, station, failed_step
    #[arg(long, value_name = "REPORTS.csv")]
    file: Option<PathBuf>,
    /// Most rows of the Pareto
    #[arg(long, default_value_t = 20)]
    top: usize,
}

fn parse_time(text: &str) -> Result<DateTime<Utc>, String> {
    csv::time(text).ok_or_else(|| "a time like 2026-03-04T06:00:00Z is wanted".to_owned())
}

pub fn run(context: &Context, ask: Ask) -> Result<(), Failure> {
    let mut answer = match &ask.file {
        Some(file) => count(file, &ask)?,
        None => {
            let (place, instance) = context.chosen()?;
            let asked = YieldAsk { part_number: ask.product.clone(), process: ask.process.clone(), from: ask.from, to: ask.to };
            place.caller(&instance.id)?.yields(&asked, ask.top.try_into().unwrap_or(i64::MAX))?
        }
    };
    answer.pareto.truncate(ask.top);
    if context.output.json {
        context.output.value(&value(&answer))
    } else {
        print(context, &answer)
    }
    Ok(())
}

fn count(file: &Path, ask: &Ask) -> Result<YieldAnswer, Failure> {
    let unreadable = |error: &dyn std::fmt::Display| Explanation::new("file_unreadable").with("file", file.display()).detail(error);
    let text = std::fs::read_to_string(file).map_err(|error| unreadable(&error))?;
    let mut table = RunTable::new();
    csv::runs(&text).map_err(|error| unreadable(&error))?.into_iter().for_each(|run| table.insert(run));
    let process = ask.process.as_ref().map(|text| text.parse().map_err(|error| unreadable(&error))).transpose()?;
    let selection = Selection {
        from: ask.from,
        to: ask.to,
        part_number: ask.product.as_deref().map(Pattern::parse),
        processes: process.map(|code| vec![code]),
        ..Selection::default()
    };
    let overview = table.overview(&selection, &[]);
    Ok(YieldAnswer { kpis: overview.kpis, pareto: overview.pareto })
}

/// Ratios are 0 to 1, and null where there is nothing to divide by.
fn value(YieldAnswer { kpis, pareto }: &YieldAnswer) -> Value {
    let row = |row: &ParetoRow| {
        json!({
            "step": row.step, "path": row.path, "cause": cause(row.cause), "units": row.units,
            "share": row.share, "cumulative": row.cumulative,
        })
    };
    json!({
        "units": kpis.units, "first_pass": kpis.first_pass, "second_pass": kpis.second_pass, "third_pass": kpis.third_pass,
        "last_pass": kpis.last_pass, "reports": kpis.reports, "reports_passed": kpis.reports_passed,
        "fpy": kpis.fpy(), "spy": kpis.spy(), "tpy": kpis.tpy(), "lpy": kpis.lpy(), "report_yield": kpis.report_yield(),
        "fpy_interval": kpis.fpy_interval().map(|interval| [interval.low, interval.high]),
        "pareto": pareto.iter().map(row).collect::<Vec<_>>(),
    })
}

fn cause(cause: Cause) -> &'static str {
    match cause {
        Cause::Step => "step",
        Cause::StationError => "station_error",
        Cause::Terminated => "terminated",
        Cause::NoStep => "no_step",
    }
}

fn percent(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| "–".to_owned(), |ratio| format!("{:.1} %", 100.0 * ratio))
}

fn print(context: &Context, YieldAnswer { kpis, pareto }: &YieldAnswer) {
    let between = kpis.fpy_interval().map(|i| format!("  ({} … {})", percent(Some(i.low)), percent(Some(i.high)))).unwrap_or_default();
    let of = |ratio: fn(&Kpis) -> Option<f64>, passed: u64, all: u64| format!("{:>7}  {passed} / {all}", percent(ratio(kpis)));
    context.output.pairs(&[
        ("fpy", of(Kpis::fpy, kpis.first_pass, kpis.units) + &between),
        ("spy", of(Kpis::spy, kpis.second_pass, kpis.units)),
        ("tpy", of(Kpis::tpy, kpis.third_pass, kpis.units)),
        ("lpy", of(Kpis::lpy, kpis.last_pass, kpis.units)),
        ("report_yield", of(Kpis::report_yield, kpis.reports_passed, kpis.reports)),
    ]);
    if pareto.is_empty() {
        return;
    }
    let name = |row: &ParetoRow| match row.cause {
        Cause::Step => row.path.clone(),
        other => context.output.words(&format!("cause.{}", cause(other)), &[]),
    };
    let row = |row: &ParetoRow| vec![row.units.to_string(), percent(Some(row.share)), percent(Some(row.cumulative)), name(row)];
    context.output.line("");
    context.output.table(&["units", "share", "sum", "step"], &pareto.iter().map(row).collect::<Vec<_>>());
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_file_is_counted_by_the_definitions() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let rows =
            ["sn,start,result,failed_step", "A,2026-03-04T13:59:59Z,F,Leak", "A,2026-03-04T14:00:00Z,P,", "B,2026-03-04T14:00:01Z,E,"];
        file.write_all(rows.join("\n").as_bytes()).unwrap();
        let ask = Ask { process: None, product: None, from: None, to: None, file: None, top: 20 };
        let answer = value(&count(file.path(), &ask).unwrap());
        assert_eq!(
            (&answer["units"], &answer["first_pass"], &answer["second_pass"], &answer["reports"]),
            (&json!(2), &json!(0), &json!(1), &json!(3))
        );
        assert_eq!((&answer["fpy"], &answer["spy"]), (&json!(0.0), &json!(0.5)));
        assert_eq!(answer["pareto"][0]["step"], "Leak");
        assert_eq!(answer["pareto"][1]["cause"], "station_error");
        let later = Ask { from: parse_time("2026-03-04T15:00:00Z").ok(), ..ask };
        assert_eq!(value(&count(file.path(), &later).unwrap())["fpy"], Value::Null);
    }
}

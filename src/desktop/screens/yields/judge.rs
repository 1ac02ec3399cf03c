//! What to say of a yield: how it stands to its target, whether it is still true, and how sure one can be.

use chrono::TimeDelta;

use crate::client::{Period, YieldPicture};
use crate::desktop::format;
use crate::desktop::scene::Scene;
use crate::desktop::widgets::pareto::Bar;
use crate::desktop::widgets::sign::Sign;
use crate::domain::connection::Connection;
use crate::domain::yields::{Cause, Kpis, MIN_UNITS, ParetoRow, Verdict, judge};

/// A verdict as a shape and words.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Judged {
    pub sign: Sign,
    pub words: String,
}

/// A line that has sent nothing for so long says so instead of its yield.
fn silence(period: Period) -> TimeDelta {
    match period {
        Period::LastEightHours | Period::Today => TimeDelta::hours(1),
        Period::LastSevenDays => TimeDelta::hours(24),
    }
}

/// Age beyond which a picture is not called fresh, though nobody said that anything is wrong.
const OLD: TimeDelta = TimeDelta::minutes(10);

pub(super) fn verdict(scene: &Scene<'_>, picture: &YieldPicture) -> Judged {
    let silent_for = picture.last_report.map(|at| picture.as_of - at);
    match silent_for {
        None => return Judged { sign: Sign::Nothing, words: scene.text("yield.verdict.no_reports").to_owned() },
        Some(silent) if silent >= silence(scene.model.yields.query.period) => {
            let since = picture.last_report.map_or_else(String::new, |at| since(scene, at));
            return Judged { sign: Sign::Fault, words: scene.fill("yield.verdict.no_data", &[("time", &since)]) };
        }
        Some(_) => {}
    }
    let target = format::percent(picture.target);
    let (sign, key) = match judge(&picture.total, picture.target) {
        Verdict::OnTarget => (Sign::Normal, "yield.verdict.on_target"),
        Verdict::BelowTarget => (Sign::Warning, "yield.verdict.below_target"),
        Verdict::TooFewUnits => (Sign::Nothing, "yield.verdict.too_few"),
        Verdict::NoTarget => (Sign::Nothing, "yield.verdict.no_target"),
    };
    let (units, least) = (format::count(picture.total.units), format::count(MIN_UNITS));
    Judged { sign, words: scene.fill(key, &[("target", &target), ("units", &units), ("least", &least)]) }
}

/// `13:51`, with the day where it was not today.
fn since(scene: &Scene<'_>, at: chrono::DateTime<chrono::Utc>) -> String {
    if scene.zone.day(at) == scene.zone.day(scene.now) { scene.zone.minute(at) } else { scene.zone.moment(at, scene.now) }
}

/// `as of 13:51, offline` where the picture is not of now.
pub(super) fn staleness(scene: &Scene<'_>, picture: &YieldPicture) -> Option<String> {
    let offline = scene.model.connection.state != Connection::Connected;
    let failed = scene.model.yields.picture.error().is_some();
    if !offline && !failed && scene.now - picture.as_of < OLD {
        return None;
    }
    let key = if offline { "yield.as_of_offline" } else { "yield.as_of" };
    Some(scene.fill(key, &[("time", &since(scene, picture.as_of))]))
}

/// `1 244 units, 96.8 %, surely between 95.7 and 97.6 %`.
pub(super) fn sureness(scene: &Scene<'_>, kpis: &Kpis) -> String {
    let Some(interval) = kpis.fpy_interval() else { return scene.text("yield.sure.nothing").to_owned() };
    let percent = |ratio| format::percent(Some(ratio));
    let values = [
        ("units", format::count(kpis.units)),
        ("fpy", format::percent(kpis.fpy())),
        ("low", percent(interval.low)),
        ("high", percent(interval.high)),
    ];
    scene.fill("yield.sure.between", &values.each_ref().map(|(name, value)| (*name, value.as_str())))
}

/// Most rows of a Pareto that any display has room for.
const MOST_BARS: usize = 40;

/// The rows of a Pareto by name. Steps of one name in two places are told apart by their place.
pub(super) fn bars(scene: &Scene<'_>, rows: &[ParetoRow]) -> Vec<Bar> {
    let rows = &rows[..rows.len().min(MOST_BARS)];
    let name = |row: &ParetoRow| match row.cause {
        Cause::Step if rows.iter().filter(|other| other.cause == Cause::Step && other.step == row.step).count() > 1 => row.path.clone(),
        Cause::Step => row.step.clone(),
        Cause::StationError => scene.text("yield.cause.station_error").to_owned(),
        Cause::Terminated => scene.text("yield.cause.terminated").to_owned(),
        Cause::NoStep => scene.text("yield.cause.no_step").to_owned(),
    };
    rows.iter().map(|row| Bar { name: name(row), units: row.units, cumulative: row.cumulative }).collect()
}

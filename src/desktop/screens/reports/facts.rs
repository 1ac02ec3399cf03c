//! What a report says besides its steps: who, where, when, and what is odd about it.

use eframe::egui::{Label, ScrollArea, Ui};

use crate::desktop::format;
use crate::desktop::scene::Scene;
use crate::desktop::theme::{Text, Weight};
use crate::desktop::widgets::card;
use crate::desktop::widgets::sign::{self, Sign};
use crate::domain::report::{Fact, FactKind, Finding, Oddity, Report};

/// Most facts and findings that are drawn; a report may carry thousands.
const MOST: usize = 200;

/// Draws them as one column.
pub(super) fn facts(ui: &mut Ui, scene: &Scene<'_>, report: &Report) {
    let theme = scene.theme;
    ScrollArea::vertical().id_salt("facts").auto_shrink(false).show(ui, |ui| {
        card::frame(theme).show(ui, |ui| {
            ui.set_min_width(ui.available_width());
            for (key, value) in head(scene, report).into_iter().filter(|(_, value)| !value.is_empty()) {
                fact(ui, scene, scene.text(key), &value);
            }
            for known in report.facts.iter().take(MOST) {
                fact(ui, scene, label(scene, known), &known.text);
            }
        });
        if !report.findings.is_empty() {
            ui.add_space(theme.sizes.gap);
            findings(ui, scene, &report.findings);
        }
    });
}

fn head(scene: &Scene<'_>, report: &Report) -> Vec<(&'static str, String)> {
    let header = &report.header;
    vec![
        ("reports.fact.start", scene.zone.full(header.start_utc())),
        ("reports.fact.duration", report.execution_secs.map_or_else(String::new, duration)),
        ("reports.fact.process", format!("{} {}", header.process_code, header.process_name).trim_end().to_owned()),
        ("reports.fact.station", header.station.clone()),
        ("reports.fact.operator", header.operator.clone()),
        ("reports.fact.revision", header.revision.clone()),
        ("reports.fact.location", header.location.clone()),
        ("reports.fact.purpose", header.purpose.clone()),
        ("reports.fact.steps", format::count(report.step_count as u64)),
        ("reports.fact.comment", report.comment.clone()),
    ]
}

/// Words for the fields whose names are the wire's; the report's own words for the others.
fn label<'a>(scene: &Scene<'a>, fact: &'a Fact) -> &'a str {
    let key = match (fact.kind, fact.label.as_str()) {
        (FactKind::Asset, _) => "reports.fact.asset",
        (FactKind::SubUnit, "") => "reports.fact.sub_unit",
        (FactKind::Failure, "") => "reports.fact.failure",
        (FactKind::Run, "fixtureId") => "reports.fact.fixture",
        (FactKind::Run, "testSocketIndex") => "reports.fact.socket",
        (FactKind::Run, "batchSN") => "reports.fact.batch",
        (FactKind::Run, "errorCode") => "reports.fact.error_code",
        (FactKind::Run, "errorMessage") => "reports.fact.error_message",
        _ => return &fact.label,
    };
    scene.text(key)
}

/// `42.3 s`, or `3 min 20 s`.
pub(super) fn duration(secs: f64) -> String {
    if !secs.is_finite() || secs < 0.0 {
        String::new()
    } else if secs < 10.0 {
        format!("{secs:.2} s")
    } else if secs < 100.0 {
        format!("{secs:.1} s")
    } else {
        let whole = secs.round() as u64;
        format!("{} min {:02} s", format::count(whole / 60), whole % 60)
    }
}

fn fact(ui: &mut Ui, scene: &Scene<'_>, name: &str, value: &str) {
    let theme = scene.theme;
    ui.spacing_mut().item_spacing.y = 2.0;
    ui.add(Label::new(theme.words(name, Text::Small, Weight::Regular, theme.color.text3)).truncate());
    ui.add(Label::new(theme.words(value, Text::Body, Weight::Medium, theme.color.text1)).wrap().selectable(true));
    ui.add_space(8.0);
}

fn findings(ui: &mut Ui, scene: &Scene<'_>, findings: &[Finding]) {
    let theme = scene.theme;
    card::frame(theme).show(ui, |ui| {
        ui.set_min_width(ui.available_width());
        ui.label(theme.words(scene.count("reports.findings", findings.len() as u64), Text::Body, Weight::SemiBold, theme.color.text1));
        for finding in findings.iter().take(MOST) {
            ui.horizontal_top(|ui| {
                sign::show(ui, theme, Sign::Warning, theme.sizes.body);
                ui.vertical(|ui| {
                    ui.spacing_mut().item_spacing.y = 2.0;
                    ui.add(Label::new(theme.body(scene.text(oddity_key(finding.what)))).wrap());
                    ui.add(Label::new(theme.words(&finding.place, Text::Small, Weight::Regular, theme.color.text3)).wrap());
                });
            });
        }
        if findings.len() > MOST {
            ui.label(theme.hint(scene.count("reports.more", (findings.len() - MOST) as u64)));
        }
    });
}

fn oddity_key(oddity: Oddity) -> &'static str {
    match oddity {
        Oddity::NotFinite => "reports.oddity.not_finite",
        Oddity::LowAboveHigh => "reports.oddity.low_above_high",
        Oddity::StatusAgainstLimits => "reports.oddity.status_against_limits",
        Oddity::UnknownComparison => "reports.oddity.unknown_comparison",
        Oddity::NotANumber => "reports.oddity.not_a_number",
        Oddity::UnknownStatus => "reports.oddity.unknown_status",
        Oddity::TooLong => "reports.oddity.too_long",
        Oddity::PatternCharacter => "reports.oddity.pattern_character",
        Oddity::NoId => "reports.oddity.no_id",
        Oddity::BareNumber => "reports.oddity.bare_number",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_no_more_digits_than_matter() {
        assert_eq!([0.0, 3.456, 42.31, 200.4, 7200.0].map(duration), ["0.00 s", "3.46 s", "42.3 s", "3 min 20 s", "120 min 00 s"]);
        assert_eq!([f64::NAN, -1.0, f64::INFINITY].map(duration), ["", "", ""]);
    }
}

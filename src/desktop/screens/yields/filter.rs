//! The row above the yield: which product, which process, since when, and the target.

use eframe::egui::{ComboBox, Popup, PopupCloseBehavior, Response, Role, Ui, WidgetInfo};

use crate::client::{Command, Period, YieldQuery, YieldsCommand};
use crate::desktop::format;
use crate::desktop::scene::Scene;
use crate::desktop::widgets::{button, field};
use crate::domain::access::Permission;

#[derive(Default)]
pub(super) struct Filter {
    /// The target as it is being typed, in percent.
    target: String,
}

const PERIODS: [(Period, &str); 3] = [
    (Period::LastEightHours, "yield.period.eight_hours"),
    (Period::Today, "yield.period.today"),
    (Period::LastSevenDays, "yield.period.seven_days"),
];

impl Filter {
    pub(super) fn ui(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let asked = &scene.model.yields.query;
        let mut query = asked.clone();
        ui.horizontal(|ui| {
            period(ui, scene, &mut query);
            ui.add_space(8.0);
            product(ui, scene, &mut query);
            process(ui, scene, &mut query);
            self.target(ui, scene);
        });
        ui.add_space(8.0);
        if query != *asked {
            scene.run(Command::Yields(YieldsCommand::Watch(query)));
        }
    }

    fn target(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let target = scene.model.yields.picture.value().and_then(|picture| picture.target);
        if !scene.may_act(Permission::EditTargets) {
            return;
        }
        let words = match target {
            Some(target) => scene.fill("yield.target_edit.is", &[("target", &format::percent(Some(target)))]),
            None => scene.text("yield.target_edit.set").to_owned(),
        };
        let pressed = button::secondary(ui, scene.theme, &words, true);
        if pressed.clicked() {
            self.target = target.map_or(String::new(), |target| format::percent(Some(target)));
        }
        let popup = Popup::from_toggle_button_response(&pressed).close_behavior(PopupCloseBehavior::CloseOnClickOutside);
        popup.show(|ui| self.edit(ui, scene));
    }

    fn edit(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        ui.set_width(260.0);
        let typed = field::text_field(ui, scene.theme, scene.text("yield.target_edit.field"), &mut self.target, "98.0");
        let ratio = ratio(&self.target);
        let error = (ratio.is_none() && !self.target.trim().is_empty()).then(|| scene.text("yield.target_edit.wrong"));
        field::note(ui, scene.theme, error);
        let entered = typed.lost_focus() && ui.input(|input| input.key_pressed(eframe::egui::Key::Enter));
        ui.horizontal(|ui| {
            let saved = button::primary(ui, scene.theme, scene.text("yield.target_edit.save"), ratio.is_some()).clicked();
            if let (Some(ratio), true) = (ratio, saved || entered) {
                scene.run(Command::Yields(YieldsCommand::SetTarget(Some(ratio))));
                ui.close();
            }
            if button::secondary(ui, scene.theme, scene.text("yield.target_edit.none"), true).clicked() {
                scene.run(Command::Yields(YieldsCommand::SetTarget(None)));
                ui.close();
            }
        });
    }
}

/// The ratio that was typed in percent, with a dot or a comma: above 0 and up to 100.
fn ratio(typed: &str) -> Option<f64> {
    let percent: f64 = typed.trim().trim_end_matches('%').trim_end().replace(',', ".").parse().ok()?;
    (percent > 0.0 && percent <= 100.0).then_some(percent / 100.0)
}

fn period(ui: &mut Ui, scene: &Scene<'_>, query: &mut YieldQuery) {
    ui.spacing_mut().item_spacing.x = 4.0;
    for (period, key) in PERIODS {
        let words = scene.theme.body(scene.text(key));
        let choice = eframe::egui::Button::selectable(query.period == period, words).min_size(scene.theme.sizes.touch_area());
        if ui.add(choice).clicked() {
            query.period = period;
        }
    }
    ui.spacing_mut().item_spacing.x = 8.0;
}

fn product(ui: &mut Ui, scene: &Scene<'_>, query: &mut YieldQuery) {
    let all = scene.text("yield.all_products");
    let known = scene.model.yields.picture.value().map(|picture| picture.part_numbers.as_slice()).unwrap_or_default();
    let shown = if query.part_number.is_empty() { all.to_owned() } else { query.part_number.clone() };
    let chooser = ComboBox::from_id_salt("product").selected_text(shown.as_str()).width(200.0).truncate().show_ui(ui, |ui| {
        let mut chosen = query.part_number.clone();
        ui.selectable_value(&mut chosen, String::new(), all);
        for part in known {
            ui.selectable_value(&mut chosen, part.clone(), part);
        }
        query.part_number = chosen;
    });
    name(&chooser.response, scene.text("yield.product"), &shown);
}

fn process(ui: &mut Ui, scene: &Scene<'_>, query: &mut YieldQuery) {
    let all = scene.text("yield.all_processes");
    let picture = scene.model.yields.picture.value();
    let known = || picture.iter().flat_map(|picture| &picture.processes);
    let words = |code: i64, name: &str| if name.is_empty() { code.to_string() } else { format!("{code} {name}") };
    let chosen = known().find(|(code, _)| code.to_string() == query.process);
    let shown = match (query.process.is_empty(), chosen) {
        (true, _) => all.to_owned(),
        (false, Some((code, text))) => words(*code, text),
        (false, None) => query.process.clone(),
    };
    let chooser = ComboBox::from_id_salt("process").selected_text(shown.as_str()).width(200.0).truncate().show_ui(ui, |ui| {
        let mut process = query.process.clone();
        ui.selectable_value(&mut process, String::new(), all);
        for (code, text) in known() {
            ui.selectable_value(&mut process, code.to_string(), words(*code, text));
        }
        query.process = process;
    });
    name(&chooser.response, scene.text("yield.process"), &shown);
}

/// Gives a chooser the name that stands nowhere beside it.
fn name(chooser: &Response, name: &str, chosen: &str) {
    chooser.widget_info(|| WidgetInfo { current_text_value: Some(chosen.to_owned()), ..WidgetInfo::labeled(Role::ComboBox, true, name) });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_typed_in_percent_with_dot_or_comma() {
        assert_eq!(ratio("98"), Some(0.98));
        assert_eq!(ratio(" 97,5 % "), Some(0.975));
        assert_eq!(ratio("100.0"), Some(1.0));
        for bad in ["", "0", "-1", "101", "NaN", "inf", "high"] {
            assert_eq!(ratio(bad), None, "{bad}");
        }
    }
}

//! A panel with a title, and rows of facts inside it.

use eframe::egui::accesskit::Role;
use eframe::egui::{Align, CornerRadius, Frame, InnerResponse, Label, Layout, Margin, Response, Sense, Ui, UiBuilder, WidgetInfo, vec2};

use super::button::focus_ring;
use crate::desktop::theme::{RADIUS, Text, Theme, Weight, space};

/// The frame of a panel.
pub fn frame(theme: &Theme) -> Frame {
    Frame::new().fill(theme.color.bg1).corner_radius(CornerRadius::same(RADIUS)).inner_margin(Margin::same(theme.sizes.pad as i8))
}

/// A panel with a title, as wide as there is room.
pub fn card<R>(ui: &mut Ui, theme: &Theme, title: &str, contents: impl FnOnce(&mut Ui) -> R) -> InnerResponse<R> {
    frame(theme).show(ui, |ui| {
        ui.set_min_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = space::S;
        ui.label(theme.words(title, Text::Table, Weight::SemiBold, theme.color.text1));
        ui.add_space(space::XS);
        contents(ui)
    })
}

/// A panel of at least `height` that leads elsewhere when pressed. Its title is its accessible name.
pub fn door(ui: &mut Ui, theme: &Theme, title: &str, height: f32, contents: impl FnOnce(&mut Ui)) -> Response {
    let response = ui
        .scope_builder(UiBuilder::new().sense(Sense::click()), |ui| {
            let response = ui.response();
            let fill = if response.hovered() { theme.color.bg2 } else { theme.color.bg1 };
            frame(theme).fill(fill).show(ui, |ui| {
                ui.set_min_width(ui.available_width());
                ui.set_min_height(height);
                ui.spacing_mut().item_spacing.y = space::S;
                row(ui, theme, Text::Table, |ui| {
                    ui.add(Label::new(theme.words(title, Text::Table, Weight::SemiBold, theme.color.text1)).truncate());
                    ui.with_layout(Layout::right_to_left(Align::Center), |ui| chevron(ui, theme));
                });
                ui.add_space(space::XS);
                contents(ui);
            });
        })
        .response;
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, title));
    focus_ring(ui, theme, &response);
    response
}

fn chevron(ui: &mut Ui, theme: &Theme) {
    let side = theme.sizes.body * 0.5;
    let (rect, _) = ui.allocate_exact_size(vec2(side, side * 1.6), Sense::empty());
    let tip = rect.right_center();
    let stroke = eframe::egui::Stroke::new(1.5, theme.color.text3);
    ui.painter().line_segment([tip - vec2(side * 0.6, side * 0.6), tip], stroke);
    ui.painter().line_segment([tip - vec2(side * 0.6, -side * 0.6), tip], stroke);
}

/// One fact: its name on the left, its value beside it, in columns that line up.
pub fn fact(ui: &mut Ui, theme: &Theme, name: &str, value: &str) {
    fact_ui(ui, theme, name, |ui| {
        ui.add(Label::new(theme.words(value, Text::Body, Weight::Medium, theme.color.text1)).wrap());
    });
}

/// As [`fact`], with a value that is drawn.
pub fn fact_ui(ui: &mut Ui, theme: &Theme, name: &str, value: impl FnOnce(&mut Ui)) {
    row(ui, theme, Text::Body, |ui| {
        ui.spacing_mut().item_spacing.x = space::M;
        let width = (theme.sizes.body * 10.0).min(ui.available_width() * 0.34);
        ui.allocate_ui_with_layout(vec2(width, theme.sizes.body * 1.5), Layout::left_to_right(Align::Center), |ui| {
            ui.set_min_width(width);
            ui.add(Label::new(theme.label(name)).truncate());
        });
        value(ui);
    });
}

/// Things side by side, no higher than a line of `text`: facts stand closer together than what is pressed.
pub fn row<R>(ui: &mut Ui, theme: &Theme, text: Text, contents: impl FnOnce(&mut Ui) -> R) -> R {
    let size = vec2(ui.available_width(), theme.sizes.text(text) * 1.4);
    ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
        ui.spacing_mut().interact_size.y = size.y;
        contents(ui)
    })
    .inner
}

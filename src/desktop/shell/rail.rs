//! The places down the left side; those that do not fit stand behind "More".

use eframe::egui::accesskit::Role as Handle;
use eframe::egui::{
    Color32, CornerRadius, Galley, Popup, PopupCloseBehavior, Rect, RectAlign, Response, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2,
    vec2,
};

use super::menu_item;
use crate::desktop::action::Action;
use crate::desktop::format;
use crate::desktop::route::Route;
use crate::desktop::scene::Scene;
use crate::desktop::theme::{Sizes, Theme, Weight, font};
use crate::desktop::widgets::count;
use crate::desktop::widgets::icon::{self, Icon};

/// How many places fit; the rest stand behind "More".
fn places(height: f32, item: f32, n: usize) -> usize {
    let fit = (height / item).floor().max(2.0) as usize;
    if n <= fit { n } else { fit - 1 }
}

/// Places move closer together, as far as a finger can tell them apart, before some of them hide behind "More".
fn item_height(height: f32, sizes: &Sizes, n: usize) -> f32 {
    (height / n.max(1) as f32).floor().clamp((sizes.touch * 1.5).min(sizes.rail_item), sizes.rail_item)
}

pub(super) fn rail(ui: &mut Ui, scene: &Scene<'_>, current: Route) {
    let visible = Route::visible(scene.application, &scene.model.session);
    let item = item_height(ui.available_height(), scene.theme.sizes, visible.len());
    let shown = places(ui.available_height(), item, visible.len());
    ui.spacing_mut().item_spacing = vec2(0.0, 0.0);
    for route in &visible[..shown] {
        let look = (scene.text(route.rail_key()), route.icon(), news(scene, &[*route]));
        if rail_item(ui, scene, look, item, *route == current).clicked() {
            scene.ask(Action::Go(*route));
        }
    }
    if shown < visible.len() {
        let more = &visible[shown..];
        let look = (scene.text("shell.more"), Icon::More, news(scene, more));
        let response = rail_item(ui, scene, look, item, more.contains(&current));
        let popup = Popup::menu(&response).align(RectAlign::RIGHT_END).close_behavior(PopupCloseBehavior::CloseOnClick);
        popup.show(|ui| more_places(ui, scene, more, current));
    }
}

/// In as many columns as it takes to show all of them at once.
fn more_places(ui: &mut Ui, scene: &Scene<'_>, more: &[Route], current: Route) {
    let room = ui.ctx().content_rect().height() - ui.spacing().menu_margin.sum().y;
    let rows = (room / (scene.theme.sizes.touch + ui.spacing().item_spacing.y)).floor().max(1.0) as usize;
    let rows = more.len().div_ceil(more.len().div_ceil(rows));
    ui.horizontal_top(|ui| {
        for column in more.chunks(rows) {
            ui.vertical(|ui| {
                for route in column {
                    let label = with_news(scene, scene.text(route.rail_key()), news(scene, &[*route]));
                    if menu_item(ui, scene.theme, &label, *route == current) {
                        scene.ask(Action::Go(*route));
                    }
                }
            });
        }
    });
}

/// Unread messages behind some of the places.
fn news(scene: &Scene<'_>, routes: &[Route]) -> u64 {
    if routes.contains(&Route::Chat) { scene.model.chat.unread() } else { 0 }
}

/// The name of a place, and how much there is unread.
fn with_news(scene: &Scene<'_>, label: &str, news: u64) -> String {
    if news == 0 { label.to_owned() } else { scene.fill("shell.unread", &[("place", label), ("n", &format::count(news))]) }
}

fn rail_item(ui: &mut Ui, scene: &Scene<'_>, (label, icon, news): (&str, Icon, u64), height: f32, selected: bool) -> Response {
    let theme = scene.theme;
    let size = vec2(ui.available_width(), height);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let name = with_news(scene, label, news);
    response.widget_info(|| WidgetInfo::selected(Handle::Tab, true, selected, &name));
    let c = theme.color;
    let ink = if selected { c.text1 } else { c.text2 };
    if selected || response.hovered() {
        ui.painter().rect_filled(rect, 0.0, c.bg2);
    }
    if selected {
        ui.painter().rect_filled(Rect::from_min_size(rect.min, vec2(4.0, rect.height())), 0.0, c.accent);
    }
    if response.has_focus() {
        ui.painter().rect_stroke(rect.shrink(2.0), CornerRadius::same(4), Stroke::new(2.0, c.text1), StrokeKind::Inside);
    }
    let side = height * 0.36;
    let middle = rect.top() + height * 0.38;
    icon::paint(ui.painter(), Rect::from_center_size(pos2(rect.center().x, middle), vec2(side, side)), icon, ink);
    if news > 0 {
        count::paint(ui, theme, pos2(rect.right() - 6.0, rect.top() + height * 0.2), news);
    }
    let text = fitting(ui, theme, label, rect.width() - 8.0, ink);
    ui.painter().galley(pos2(rect.center().x - text.size().x / 2.0, rect.bottom() - rect.height() * 0.17 - text.size().y / 2.0), text, ink);
    response
}

/// A rail's word in the theme's small size, or a little smaller where it would not fit.
fn fitting(ui: &Ui, theme: &Theme, text: &str, width: f32, ink: Color32) -> std::sync::Arc<Galley> {
    let weight = Weight::Medium;
    let full = font(theme.sizes.small, weight);
    let galley = ui.painter().layout_no_wrap(text.to_owned(), full, ink);
    let scale = width / galley.size().x;
    if scale >= 1.0 { galley } else { ui.painter().layout_no_wrap(text.to_owned(), font((theme.sizes.small * scale).floor(), weight), ink) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desktop::theme::Display;

    #[test]
    fn a_full_rail_moves_together_before_it_hides_anything() {
        let sizes = Sizes::of(Display::Desktop);
        assert_eq!(item_height(1080.0, sizes, 11), 80.0);
        assert_eq!(item_height(800.0, sizes, 11), 72.0);
        assert_eq!(item_height(500.0, sizes, 11), 60.0);
    }

    #[test]
    fn a_short_rail_keeps_a_place_for_more() {
        assert_eq!(places(400.0, 100.0, 7), 3);
        assert_eq!(places(400.0, 100.0, 4), 4);
        assert_eq!(places(800.0, 80.0, 7), 7);
    }
}

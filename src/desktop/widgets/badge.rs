//! The connection badge: one component everywhere, a shape and a word, and never colour alone.

use eframe::egui::accesskit::Role as Handle;
use eframe::egui::{Color32, Rect, Response, Sense, Stroke, StrokeKind, Ui, WidgetInfo, vec2};

use super::button::focus_ring;
use super::sign::{self, Sign};
use crate::desktop::theme::{Display, RADIUS, Text, Theme, Weight, space};

/// How a badge is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tint {
    /// All is as it should be: no colour.
    #[default]
    Quiet,
    /// An outline: work goes on, but not as it should.
    Outlined,
    /// A fill: a person has to do something.
    Filled,
}

/// What a badge says.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    pub sign: Sign,
    pub words: String,
    /// Said more quietly behind the words.
    pub aside: String,
    pub tint: Tint,
}

/// Draws it; a press leads to the details.
pub fn badge(ui: &mut Ui, theme: &Theme, look: &Look) -> Response {
    let c = theme.color;
    let (ink, quiet) = match look.tint {
        Tint::Quiet => (c.text2, c.text3),
        Tint::Outlined => (c.fault, c.text2),
        Tint::Filled => (c.on_fault, c.on_fault),
    };
    let border = Stroke::new(1.5, c.fault);
    let fill = if look.tint == Tint::Filled { c.fault } else { Color32::TRANSPARENT };
    let border = if look.tint == Tint::Outlined { border } else { Stroke::NONE };
    let response = pill(ui, theme, look, (ink, quiet), (fill, border));
    let name = if look.aside.is_empty() { look.words.clone() } else { format!("{} {}", look.words, look.aside) };
    response.widget_info(|| WidgetInfo::labeled(Handle::Button, true, &name));
    response
}

/// A warning beside the badge, in the colour for what needs a look.
pub fn mark(ui: &mut Ui, theme: &Theme, look: &Look) -> Response {
    let ink = theme.color.warn_ink;
    let response = pill(ui, theme, look, (ink, ink), (Color32::TRANSPARENT, Stroke::NONE));
    response.widget_info(|| WidgetInfo::labeled(Handle::Button, true, &look.words));
    response
}

/// How wide it is drawn.
pub fn width(ui: &Ui, theme: &Theme, look: &Look) -> f32 {
    let layout = |words: &str, weight| ui.painter().layout_no_wrap(words.to_owned(), theme.font(text(theme), weight), Color32::PLACEHOLDER);
    let (words, aside) = (layout(&look.words, Weight::Medium), layout(&look.aside, Weight::Regular));
    let gap = if look.aside.is_empty() { 0.0 } else { space::S };
    margin(look) * 2.0 + theme.sizes.text(text(theme)) * 0.75 + space::S + words.size().x + gap + aside.size().x
}

fn text(theme: &Theme) -> Text {
    if theme.display == Display::Wall { Text::Title } else { Text::Body }
}

fn margin(look: &Look) -> f32 {
    if look.tint == Tint::Quiet { 0.0 } else { 10.0 }
}

fn pill(ui: &mut Ui, theme: &Theme, look: &Look, (ink, quiet): (Color32, Color32), (fill, border): (Color32, Stroke)) -> Response {
    let text = text(theme);
    let words = ui.painter().layout_no_wrap(look.words.clone(), theme.font(text, Weight::Medium), ink);
    let aside = ui.painter().layout_no_wrap(look.aside.clone(), theme.font(text, Weight::Regular), quiet);
    let side = theme.sizes.text(text) * 0.75;
    let gap = if look.aside.is_empty() { 0.0 } else { space::S };
    let (margin, width) = (margin(look), width(ui, theme, look));
    let height = (words.size().y + 10.0).max(theme.sizes.touch.min(36.0)).min(ui.available_height());
    let (rect, response) = ui.allocate_exact_size(vec2(width, height), Sense::click());
    let painter = ui.painter();
    painter.rect(rect, f32::from(RADIUS), fill, border, StrokeKind::Inside);
    if response.hovered() && fill == Color32::TRANSPARENT {
        painter.rect_filled(rect.expand2(vec2(if margin == 0.0 { 6.0 } else { 0.0 }, 0.0)), f32::from(RADIUS), theme.color.bg2);
        painter.rect_stroke(rect, f32::from(RADIUS), border, StrokeKind::Inside);
    }
    let mut at = rect.left_center() + vec2(margin, 0.0);
    sign::paint(painter, Rect::from_center_size(at + vec2(side / 2.0, 0.0), vec2(side, side)), look.sign, theme);
    at.x += side + space::S;
    let advance = words.size().x + gap;
    painter.galley(at - vec2(0.0, words.size().y / 2.0), words, ink);
    painter.galley(at + vec2(advance, -aside.size().y / 2.0), aside, quiet);
    focus_ring(ui, theme, &response);
    response
}

//! Writes egui's style from the theme, so that stock widgets look like ours. The only place that does.

use eframe::egui::style::{ScrollAnimation, ScrollStyle, Selection, TextCursorStyle, WidgetVisuals, Widgets};
use eframe::egui::{Color32, CornerRadius, FontId, Margin, Shadow, Stroke, Style, TextStyle, Visuals, vec2};

use super::sizes::{RADIUS, Weight, font};
use super::{Colors, Display, Theme, Tone};

pub(super) fn style(theme: &Theme) -> Style {
    let mut style = Style { visuals: visuals(theme), text_styles: text_styles(theme), ..Style::default() };
    // Nothing moves by itself: an idle window draws no frames, and a picture is the same each time.
    style.animation_time = 0.0;
    style.scroll_animation = ScrollAnimation::none();
    let s = theme.sizes;
    let spacing = &mut style.spacing;
    spacing.item_spacing = vec2(8.0, 8.0);
    spacing.button_padding = match theme.display {
        Display::Desktop => vec2(14.0, 6.0),
        Display::Panel | Display::Wall => vec2(20.0, 8.0),
    };
    spacing.interact_size = vec2(s.touch, s.touch);
    spacing.icon_width = s.body * 1.25;
    spacing.icon_width_inner = s.body * 0.75;
    spacing.icon_spacing = 8.0;
    spacing.combo_height = s.touch * 6.0;
    spacing.window_margin = Margin::same(16);
    spacing.menu_margin = Margin::same(8);
    spacing.scroll = ScrollStyle { bar_width: if theme.display == Display::Desktop { 10.0 } else { 28.0 }, ..ScrollStyle::solid() };
    spacing.scroll.foreground_color = false;
    spacing.scroll.kinetic.rubber_band = false;
    style.interaction.tooltip_delay = 0.4;
    style.interaction.selectable_labels = false;
    style
}

fn text_styles(theme: &Theme) -> std::collections::BTreeMap<TextStyle, FontId> {
    let s = theme.sizes;
    [
        (TextStyle::Small, font(s.small, Weight::Regular)),
        (TextStyle::Body, font(s.body, Weight::Regular)),
        (TextStyle::Monospace, font(s.body, Weight::Regular)),
        (TextStyle::Button, font(s.button, Weight::SemiBold)),
        (TextStyle::Heading, font(s.title, Weight::SemiBold)),
    ]
    .into()
}

fn visuals(theme: &Theme) -> Visuals {
    let c = theme.color;
    let base = if theme.tone == Tone::Dark { Visuals::dark() } else { Visuals::light() };
    Visuals {
        widgets: widgets(c),
        selection: Selection { bg_fill: c.accent.gamma_multiply(0.35), stroke: Stroke::new(1.0, c.text1) },
        hyperlink_color: c.accent,
        weak_text_color: Some(c.text3),
        faint_bg_color: c.bg2.gamma_multiply(0.35),
        extreme_bg_color: c.bg0,
        text_edit_bg_color: Some(c.bg2),
        code_bg_color: c.bg2,
        warn_fg_color: c.warn_ink,
        error_fg_color: c.crit,
        window_fill: c.bg1,
        window_stroke: Stroke::new(1.0, c.line),
        window_shadow: Shadow::NONE,
        popup_shadow: Shadow::NONE,
        window_corner_radius: CornerRadius::same(RADIUS),
        menu_corner_radius: CornerRadius::same(RADIUS),
        panel_fill: c.bg0,
        text_cursor: TextCursorStyle { stroke: Stroke::new(2.0, c.accent), blink: false, ..TextCursorStyle::default() },
        disabled_alpha: 0.5,
        ..base
    }
}

/// A focused widget is drawn as an active one: its border is the focus ring.
fn widgets(c: &Colors) -> Widgets {
    let look = |fill: Color32, border: Stroke, text: Color32| WidgetVisuals {
        bg_fill: fill,
        weak_bg_fill: fill,
        bg_stroke: border,
        corner_radius: CornerRadius::same(RADIUS),
        fg_stroke: Stroke::new(1.5, text),
        expansion: 0.0,
    };
    Widgets {
        noninteractive: look(c.bg1, Stroke::new(1.0, c.line), c.text1),
        inactive: look(c.bg2, Stroke::new(1.0, c.control), c.text1),
        hovered: look(c.bg2, Stroke::new(1.5, c.text2), c.text1),
        active: look(c.bg2, Stroke::new(2.0, c.accent), c.text1),
        open: look(c.bg2, Stroke::new(1.5, c.accent), c.text1),
    }
}

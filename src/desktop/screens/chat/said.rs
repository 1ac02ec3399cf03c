//! One row of the conversation: a message with who and when, a line across, the way to what was said before.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use eframe::egui::accesskit::Role;
use eframe::egui::{Align2, Galley, Rect, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use crate::client::{ChatCommand, ChatMessage, ChatPage, Command, MessageKind};
use crate::desktop::Scene;
use crate::desktop::theme::{Text, Weight, space};
use crate::desktop::widgets::button::focus_ring;
use crate::desktop::widgets::lettering;
use crate::desktop::widgets::sign::{self, Sign};

/// What one person says within this time stands together under his name.
const TOGETHER: TimeDelta = TimeDelta::minutes(5);

/// How one message is drawn.
pub(super) struct Look<'a> {
    pub(super) who: &'a str,
    pub(super) when: &'a str,
    pub(super) content: &'a str,
    pub(super) own: bool,
    pub(super) note: bool,
    pub(super) named: bool,
    /// It is not on the server, and why.
    pub(super) state: Option<(Sign, &'a str)>,
    /// It can be withdrawn.
    pub(super) waits: bool,
}

const LEFT: f32 = 16.0;

pub(super) fn body(ui: &Ui, scene: &Scene<'_>, content: &str, width: f32) -> Arc<Galley> {
    let theme = scene.theme;
    ui.painter().layout(content.to_owned(), theme.font(Text::Body, Weight::Regular), theme.color.text1, width - LEFT * 2.0)
}

pub(super) fn said_height(scene: &Scene<'_>, galley: &Galley, (named, kind): (bool, MessageKind)) -> f32 {
    let head = if named || kind == MessageKind::Note { scene.theme.sizes.body * 1.4 + space::S } else { 2.0 };
    let frame = if kind == MessageKind::Note { space::S * 2.0 } else { 0.0 };
    head + galley.size().y + frame + space::XS
}

/// Draws it. Whether it is to be withdrawn.
pub(super) fn said(ui: &mut Ui, scene: &Scene<'_>, look: &Look<'_>, rect: Rect, id: &str) -> bool {
    let theme = scene.theme;
    let c = theme.color;
    let response = ui.interact(rect, ui.scope_id().with(("said", id)), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::ListItem, true, spoken(scene, look)));
    let mut place = rect;
    if look.note {
        place = rect.shrink2(vec2(0.0, space::XS));
        ui.painter().rect_filled(place, 6.0, c.bg2);
    }
    if look.own {
        let bar = Rect::from_min_max(pos2(place.left(), place.top() + 2.0), pos2(place.left() + 4.0, place.bottom() - 2.0));
        ui.painter().rect_filled(bar, 2.0, c.accent);
    }
    let mut top = place.top() + if look.note { space::XS } else { 0.0 };
    let mut withdrawn = false;
    if look.named || look.note {
        let line = top + space::S + theme.sizes.body * 0.6;
        let side = if look.waits { theme.sizes.body * 6.0 } else { 0.0 };
        head(ui, scene, look, pos2(place.left() + LEFT, line), place.width() - side);
        let area = Rect::from_min_max(pos2(place.right() - side, rect.top()), pos2(place.right(), rect.top() + theme.sizes.touch));
        withdrawn = look.waits && withdraw(ui, scene, look, (area, line), id);
        top += theme.sizes.body * 1.4 + space::S;
    } else {
        top += 2.0;
    }
    let galley = body(ui, scene, look.content, rect.width());
    ui.painter().galley(pos2(place.left() + LEFT, top), galley, c.text1);
    withdrawn
}

/// The words that take a message back, at the end of its first line; a finger's width high.
fn withdraw(ui: &Ui, scene: &Scene<'_>, look: &Look<'_>, (area, line): (Rect, f32), id: &str) -> bool {
    let theme = scene.theme;
    let response = ui.interact(area, ui.scope_id().with(("withdraw", id)), Sense::click());
    let begin: String = look.content.chars().take(60).collect();
    let label = scene.fill("chat.withdraw_this", &[("text", &begin)]);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &label));
    let look = (theme.sizes.body, Weight::Medium, theme.color.accent);
    lettering::words(ui, scene.text("chat.withdraw"), look, (pos2(area.right() - space::S, line), Align2::RIGHT_CENTER), area.width());
    focus_ring(ui, theme, &response);
    response.clicked()
}

/// Who, when, and what kind of message it is.
fn head(ui: &Ui, scene: &Scene<'_>, look: &Look<'_>, at: eframe::egui::Pos2, width: f32) {
    let theme = scene.theme;
    let c = theme.color;
    let mut x = at.x;
    let mut word = |words: &str, size: f32, weight: Weight, ink| {
        let room = (at.x + width - LEFT * 2.0 - x).max(0.0);
        x += lettering::words(ui, words, (size, weight, ink), (pos2(x, at.y), Align2::LEFT_CENTER), room) + space::S;
    };
    word(look.who, theme.sizes.body, Weight::SemiBold, c.text1);
    word(look.when, theme.sizes.small, Weight::Regular, c.text3);
    if look.note {
        word(scene.text("chat.handover.mark"), theme.sizes.small, Weight::SemiBold, c.data);
    }
    if let Some((shape, words)) = look.state {
        let side = theme.sizes.small;
        word(words, side, Weight::Medium, shape.ink(theme));
        sign::paint(ui.painter(), Rect::from_center_size(pos2(x + side / 2.0, at.y), vec2(side, side)), shape, theme);
    }
}

fn spoken(scene: &Scene<'_>, look: &Look<'_>) -> String {
    let mut head = format!("{} {}", look.when, look.who);
    if look.note {
        head = format!("{head}, {}", scene.text("chat.handover.mark"));
    }
    if let Some((_, words)) = look.state {
        head = format!("{head}, {words}");
    }
    format!("{head}: {}", look.content)
}

pub(super) fn earlier(ui: &mut Ui, scene: &Scene<'_>, page: &ChatPage, rect: Rect) {
    let theme = scene.theme;
    let key = match (scene.model.chat.search.is_empty(), page.reading_earlier) {
        (true, true) => "chat.reading_earlier",
        (true, false) => "chat.earlier",
        (false, true) => "chat.searching",
        (false, false) => "chat.search_further",
    };
    let response = ui.interact(rect, ui.scope_id().with("earlier"), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, !page.reading_earlier, scene.text(key)));
    let look = (theme.sizes.body, Weight::Medium, if page.reading_earlier { theme.color.text3 } else { theme.color.accent });
    lettering::words(ui, scene.text(key), look, (rect.center(), Align2::CENTER_CENTER), rect.width());
    focus_ring(ui, theme, &response);
    if response.clicked() && !page.reading_earlier {
        scene.run(Command::Chat(ChatCommand::Earlier));
    }
}

pub(super) fn rule(ui: &Ui, scene: &Scene<'_>, words: &str, rect: Rect) {
    let theme = scene.theme;
    let response = ui.interact(rect, ui.scope_id().with(("rule", words)), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, words));
    let look = (theme.sizes.small, Weight::Medium, theme.color.text2);
    let width = lettering::words(ui, words, look, (rect.center(), Align2::CENTER_CENTER), rect.width() * 0.6);
    let stroke = Stroke::new(1.0, theme.color.line);
    let y = rect.center().y;
    ui.painter().hline(rect.left()..=rect.center().x - width / 2.0 - space::S, y, stroke);
    ui.painter().hline(rect.center().x + width / 2.0 + space::S..=rect.right(), y, stroke);
}

pub(super) fn time_of(message: &ChatMessage) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(&message.timestamp).ok().map(|at| at.to_utc())
}

pub(super) fn stands_with(before: &ChatMessage, message: &ChatMessage) -> bool {
    let plain = before.kind == MessageKind::Message && message.kind == MessageKind::Message;
    let near = time_of(before).zip(time_of(message)).is_some_and(|(before, at)| at - before < TOGETHER);
    plain && near && before.user_id == message.user_id
}

/// Who said it, seen from the person who looks.
pub(super) fn who(scene: &Scene<'_>, message: &ChatMessage) -> String {
    if message.user_id == scene.model.chat.user_id { scene.text("chat.you").to_owned() } else { message.from.clone() }
}

/// `14:02` for today, with the day for any other.
pub(super) fn moment(scene: &Scene<'_>, message: &ChatMessage) -> String {
    let Some(at) = time_of(message) else { return String::new() };
    let minute = scene.zone.minute(at);
    let day = scene.zone.day(at);
    if day == scene.zone.day(scene.now) { minute } else { format!("{day} {minute}") }
}

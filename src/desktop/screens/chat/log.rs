//! What was said, oldest above: day by day, who and when. Heights are measured once; only what is in sight is drawn.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use eframe::egui::accesskit::Role;
use eframe::egui::{Align2, Galley, Rect, ScrollArea, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use crate::client::{ChatCommand, ChatMessage, ChatPage, ChatSlice, Command, MessageKind, UnsentMessage};
use crate::desktop::Scene;
use crate::desktop::theme::{Text, Weight, space};
use crate::desktop::widgets::button::focus_ring;
use crate::desktop::widgets::lettering;
use crate::desktop::widgets::sign::{self, Sign};

/// What one person says within this time stands together under his name.
const TOGETHER: TimeDelta = TimeDelta::minutes(5);
/// Frames until what has changed lies where it will lie.
const SETTLED: u32 = 3;

#[derive(Default)]
pub(super) struct LogView {
    known: Option<Known>,
    rows: Vec<Row>,
    height: f32,
    /// Frames until everything lies in its place.
    unsettled: u32,
    offset: f32,
    at_end: bool,
    goes_to_end: bool,
    /// What was asked for last, so that it is asked once.
    asked_before: Option<String>,
    told_read: Option<String>,
}

/// What the rows were measured for.
struct Known {
    room: String,
    notes_only: bool,
    page: Arc<ChatPage>,
    unsent: Vec<UnsentMessage>,
    width: f32,
    day: String,
}

struct Row {
    what: What,
    top: f32,
    height: f32,
}

enum What {
    Earlier,
    /// A line across, with a word: a day, or where the new messages begin.
    Rule(String),
    /// A message by its place, and whether its author is named.
    Said(usize, bool),
    Unsent(usize),
}

impl LogView {
    /// The next frame shows the newest.
    pub(super) fn go_to_end(&mut self) {
        self.goes_to_end = true;
    }

    /// Draws it over all of what is left of `ui`.
    pub(super) fn ui(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let slice = &scene.model.chat;
        let Some(page) = slice.page.value() else { return };
        let area = ui.available_rect_before_wrap();
        let bar = ui.spacing().scroll.bar_width + space::S;
        let mut jump = self.measure(ui, scene, page, (area.width() - bar).max(100.0));
        if std::mem::take(&mut self.goes_to_end) {
            jump = Some((self.height - area.height()).max(0.0));
        }
        let mut scroll = ScrollArea::vertical().id_salt(("log", &slice.room, slice.notes_only)).auto_shrink(false).stick_to_bottom(true);
        if let Some(offset) = jump {
            scroll = scroll.vertical_scroll_offset(offset);
        }
        let shown = scroll.show_viewport(ui, |ui, seen| {
            let origin = ui.max_rect().min;
            ui.set_height(self.height);
            ui.set_width(area.width() - bar);
            let first = self.rows.partition_point(|row| row.top + row.height < seen.min.y);
            for row in self.rows[first..].iter().take_while(|row| row.top <= seen.max.y) {
                let rect = Rect::from_min_size(pos2(origin.x, origin.y + row.top), vec2(area.width() - bar, row.height));
                self.row(ui, scene, (page, slice), row, rect);
            }
        });
        self.offset = shown.state.clamped_offset().y;
        self.at_end = self.offset + shown.inner_rect.height() >= self.height - 4.0;
        if self.unsettled > 0 {
            self.unsettled -= 1;
            ui.ctx().request_repaint();
        } else {
            self.follow(ui, scene, page);
        }
    }

    /// Asks for what lies above once it is reached, and says what was read once the end is in sight.
    fn follow(&mut self, ui: &Ui, scene: &Scene<'_>, page: &ChatPage) {
        let slice = &scene.model.chat;
        let first = page.messages.first().map(|message| message.id.clone());
        let near = self.offset < scene.theme.sizes.touch * 2.0;
        if near && page.more && !page.reading_earlier && self.asked_before != first && super::desk::is_online(scene) {
            self.asked_before = first;
            scene.run(Command::Chat(ChatCommand::Earlier));
        }
        let unread = slice.rooms.iter().any(|room| room.name == slice.room && room.unread > 0);
        let last = page.messages.last().map(|message| message.id.clone());
        let looks = ui.input(|input| input.focused);
        if unread && looks && self.at_end && !slice.notes_only && self.told_read != last {
            self.told_read.clone_from(&last);
            let room = slice.room.clone();
            if let Some(message_id) = last {
                scene.run(Command::Chat(ChatCommand::Read { room, message_id }));
            }
        }
    }

    /// Measures the rows where anything has changed. Where to scroll, so that what is read does not move when earlier pages come.
    fn measure(&mut self, ui: &Ui, scene: &Scene<'_>, page: &Arc<ChatPage>, width: f32) -> Option<f32> {
        let slice = &scene.model.chat;
        let day = scene.zone.day(scene.now);
        let same_place = self.known.as_ref().is_some_and(|known| known.room == slice.room && known.notes_only == slice.notes_only);
        let same =
            |known: &Known| Arc::ptr_eq(&known.page, page) && known.unsent == slice.unsent && known.width == width && known.day == day;
        if same_place && self.known.as_ref().is_some_and(same) {
            return None;
        }
        let first = |page: &ChatPage| page.messages.first().map(|message| message.id.clone());
        let earlier = same_place && self.known.as_ref().is_some_and(|known| first(&known.page) != first(page) && known.width == width);
        let before = self.height;
        self.lay_out(ui, scene, page, width);
        self.unsettled = SETTLED;
        if !same_place {
            (self.at_end, self.asked_before, self.told_read) = (true, None, None);
        }
        self.goes_to_end |= self.at_end;
        let (room, notes_only, page, unsent) = (slice.room.clone(), slice.notes_only, page.clone(), slice.unsent.clone());
        self.known = Some(Known { room, notes_only, page, unsent, width, day });
        (earlier && !self.at_end).then_some(self.offset + self.height - before)
    }

    fn lay_out(&mut self, ui: &Ui, scene: &Scene<'_>, page: &ChatPage, width: f32) {
        let theme = scene.theme;
        let slice = &scene.model.chat;
        let mut whats = Vec::with_capacity(page.messages.len() + 8);
        if page.more {
            whats.push((What::Earlier, theme.sizes.touch));
        }
        let rule = theme.sizes.small * 2.2;
        let (mut day, mut before): (String, Option<&ChatMessage>) = (scene.zone.day(scene.now), None);
        for (i, message) in page.messages.iter().enumerate() {
            let at = time_of(message);
            let today = at.map_or_else(String::new, |at| scene.zone.day(at));
            if today != day {
                whats.push((What::Rule(today.clone()), rule));
                (day, before) = (today, None);
            }
            let new_from = page.new_after.as_ref();
            let begins = new_from.is_some_and(|id| message.id > *id && page.messages[..i].last().is_none_or(|one| one.id <= *id));
            if begins {
                whats.push((What::Rule(scene.text("chat.new").to_owned()), rule));
                before = None;
            }
            let named = !before.is_some_and(|before| stands_with(before, message));
            let height = said_height(scene, &body(ui, scene, &message.content, width), (named, message.kind));
            whats.push((What::Said(i, named), height));
            before = Some(message);
        }
        for (i, unsent) in slice.unsent.iter().enumerate() {
            let height = said_height(scene, &body(ui, scene, &unsent.content, width), (true, kind_of(unsent)));
            whats.push((What::Unsent(i), height));
        }
        let mut top = 0.0;
        let place = |(what, height)| {
            let row = Row { what, top, height };
            top += height;
            row
        };
        self.rows = whats.into_iter().map(place).collect();
        self.height = top;
    }

    fn row(&self, ui: &mut Ui, scene: &Scene<'_>, (page, slice): (&ChatPage, &ChatSlice), row: &Row, rect: Rect) {
        match &row.what {
            What::Earlier => earlier(ui, scene, page, rect),
            What::Rule(words) => rule(ui, scene, words, rect),
            What::Said(i, named) => {
                let message = &page.messages[*i];
                let look = Look {
                    who: &who(scene, message),
                    when: &moment(scene, message),
                    content: &message.content,
                    own: message.user_id == slice.user_id,
                    note: message.kind == MessageKind::Note,
                    named: *named,
                    state: None,
                };
                said(ui, scene, &look, rect, &message.id);
            }
            What::Unsent(i) => {
                let unsent = &slice.unsent[*i];
                let state = if unsent.refused.is_some() { (Sign::Critical, "chat.not_sent") } else { (Sign::Offline, "chat.waiting") };
                let look = Look {
                    who: scene.text("chat.you"),
                    when: &scene.zone.minute(unsent.said_at),
                    content: &unsent.content,
                    own: true,
                    note: unsent.note,
                    named: true,
                    state: Some((state.0, scene.text(state.1))),
                };
                said(ui, scene, &look, rect, &unsent.id.to_string());
            }
        }
    }
}

/// How one message is drawn.
struct Look<'a> {
    who: &'a str,
    when: &'a str,
    content: &'a str,
    own: bool,
    note: bool,
    named: bool,
    /// It is not on the server, and why.
    state: Option<(Sign, &'a str)>,
}

const LEFT: f32 = 16.0;

fn body(ui: &Ui, scene: &Scene<'_>, content: &str, width: f32) -> Arc<Galley> {
    let theme = scene.theme;
    ui.painter().layout(content.to_owned(), theme.font(Text::Body, Weight::Regular), theme.color.text1, width - LEFT * 2.0)
}

fn said_height(scene: &Scene<'_>, galley: &Galley, (named, kind): (bool, MessageKind)) -> f32 {
    let head = if named || kind == MessageKind::Note { scene.theme.sizes.body * 1.4 + space::S } else { 2.0 };
    let frame = if kind == MessageKind::Note { space::S * 2.0 } else { 0.0 };
    head + galley.size().y + frame + space::XS
}

fn said(ui: &mut Ui, scene: &Scene<'_>, look: &Look<'_>, rect: Rect, id: &str) {
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
    if look.named || look.note {
        head(ui, scene, look, pos2(place.left() + LEFT, top + space::S + theme.sizes.body * 0.6), place.width());
        top += theme.sizes.body * 1.4 + space::S;
    } else {
        top += 2.0;
    }
    let galley = body(ui, scene, look.content, rect.width());
    ui.painter().galley(pos2(place.left() + LEFT, top), galley, c.text1);
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

fn earlier(ui: &mut Ui, scene: &Scene<'_>, page: &ChatPage, rect: Rect) {
    let theme = scene.theme;
    let key = if page.reading_earlier { "chat.reading_earlier" } else { "chat.earlier" };
    let response = ui.interact(rect, ui.scope_id().with("earlier"), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, !page.reading_earlier, scene.text(key)));
    let look = (theme.sizes.body, Weight::Medium, if page.reading_earlier { theme.color.text3 } else { theme.color.accent });
    lettering::words(ui, scene.text(key), look, (rect.center(), Align2::CENTER_CENTER), rect.width());
    focus_ring(ui, theme, &response);
    if response.clicked() && !page.reading_earlier {
        scene.run(Command::Chat(ChatCommand::Earlier));
    }
}

fn rule(ui: &Ui, scene: &Scene<'_>, words: &str, rect: Rect) {
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

fn kind_of(unsent: &UnsentMessage) -> MessageKind {
    if unsent.note { MessageKind::Note } else { MessageKind::Message }
}

fn time_of(message: &ChatMessage) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(&message.timestamp).ok().map(|at| at.to_utc())
}

fn stands_with(before: &ChatMessage, message: &ChatMessage) -> bool {
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

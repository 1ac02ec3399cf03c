//! What was said, oldest above: day by day, who and when. Heights are measured once; only what is in sight is drawn.

use std::sync::Arc;

use chrono::TimeDelta;
use eframe::egui::{Rect, ScrollArea, Ui, pos2, vec2};

use super::said::{Look, body, earlier, moment, rule, said, said_height, stands_with, time_of, who};
use crate::client::{ChatCommand, ChatMessage, ChatPage, ChatSlice, ChatState, Command, MessageKind, UnsentMessage};
use crate::desktop::Scene;
use crate::desktop::screens::desk;
use crate::desktop::theme::space;
use crate::desktop::widgets::sign::Sign;

/// What has waited for so long can be withdrawn: before, it is most likely on its way.
const SOON: TimeDelta = TimeDelta::seconds(3);
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
    /// How high the place was that it was drawn in.
    seen: f32,
    at_end: bool,
    goes_to_end: bool,
    /// What was asked for last, so that it is asked once.
    asked_before: Option<String>,
    told_read: Option<String>,
    /// What was withdrawn in this frame.
    withdrawn: Option<String>,
}

/// What the rows were measured for.
struct Known {
    room: String,
    notes_only: bool,
    search: String,
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

    /// The words that were withdrawn, to be written anew.
    pub(super) fn take_withdrawn(&mut self) -> Option<String> {
        self.withdrawn.take()
    }

    /// Draws it over all of what is left of `ui`.
    pub(super) fn ui(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let slice = &scene.model.chat;
        let Some(page) = slice.page.value() else { return };
        let area = ui.available_rect_before_wrap();
        let bar = ui.spacing().scroll.bar_width + space::S;
        if std::mem::replace(&mut self.seen, area.height()) != area.height() {
            // What comes and goes above moves no message at the end out of sight.
            self.unsettled = SETTLED;
            self.goes_to_end |= self.at_end;
        }
        let mut jump = self.measure(ui, scene, page, (area.width() - bar).max(100.0));
        if std::mem::take(&mut self.goes_to_end) {
            jump = Some((self.height - area.height()).max(0.0));
        }
        let mut scroll =
            ScrollArea::vertical().id_salt(("log", &slice.room, slice.notes_only, &slice.search)).auto_shrink(false).stick_to_bottom(true);
        if let Some(offset) = jump {
            scroll = scroll.vertical_scroll_offset(offset);
        }
        let mut withdrawn = None;
        let shown = scroll.show_viewport(ui, |ui, seen| {
            let origin = ui.max_rect().min;
            ui.set_height(self.height);
            ui.set_width(area.width() - bar);
            let first = self.rows.partition_point(|row| row.top + row.height < seen.min.y);
            for row in self.rows[first..].iter().take_while(|row| row.top <= seen.max.y) {
                let rect = Rect::from_min_size(pos2(origin.x, origin.y + row.top), vec2(area.width() - bar, row.height));
                withdrawn = withdrawn.take().or(self.row(ui, scene, (page, slice), row, rect));
            }
        });
        self.withdrawn = withdrawn;
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
        if near && page.more && !page.reading_earlier && self.asked_before != first && desk::is_online(scene) {
            self.asked_before = first;
            scene.run(Command::Chat(ChatCommand::Earlier));
        }
        let unread = slice.rooms.iter().any(|room| room.name == slice.room && room.unread > 0);
        let last = page.messages.last().map(|message| message.id.clone());
        let looks = ui.input(|input| input.focused);
        if unread && looks && self.at_end && !slice.notes_only && slice.search.is_empty() && self.told_read != last {
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
        let is_here = |known: &Known| known.room == slice.room && known.notes_only == slice.notes_only && known.search == slice.search;
        let same_place = self.known.as_ref().is_some_and(is_here);
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
        let (room, search, page, unsent) = (slice.room.clone(), slice.search.clone(), page.clone(), slice.unsent.clone());
        self.known = Some(Known { room, notes_only: slice.notes_only, search, page, unsent, width, day });
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

    /// Draws a row. What was withdrawn in it.
    fn row(&self, ui: &mut Ui, scene: &Scene<'_>, (page, slice): (&ChatPage, &ChatSlice), row: &Row, rect: Rect) -> Option<String> {
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
                    waits: false,
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
                    waits: waits(scene, unsent),
                };
                if said(ui, scene, &look, rect, &unsent.id.to_string()) {
                    scene.run(Command::Chat(ChatCommand::Discard(unsent.id)));
                    return Some(unsent.content.clone());
                }
            }
        }
        None
    }
}

/// Whether a message stays here for longer than it takes to send it.
fn waits(scene: &Scene<'_>, unsent: &UnsentMessage) -> bool {
    let away = !desk::is_online(scene) || scene.model.chat.state != ChatState::Live;
    unsent.refused.is_none() && (away || scene.now - unsent.said_at >= SOON)
}

fn kind_of(unsent: &UnsentMessage) -> MessageKind {
    if unsent.note { MessageKind::Note } else { MessageKind::Message }
}

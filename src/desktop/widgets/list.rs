//! A list of rows of one height, of which only those in sight are drawn: fifty thousand cost as much as fifty.
//! It is one stop for the keyboard; arrows move inside it.

use eframe::egui::{EventFilter, Id, Key, Modifiers, Rect, Role, ScrollArea, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};

use crate::desktop::theme::Theme;

/// Where the list is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct List {
    pub selected: usize,
    /// Bring the selected row into sight.
    reveal: bool,
    /// How far it is scrolled, in points.
    offset: f32,
}

/// The row that a person chose, by its id: a list that is read anew may have it elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen(Option<String>);

impl Chosen {
    /// Moves the selection to where the chosen row is now.
    pub fn find<'a>(&self, list: &mut List, mut ids: impl Iterator<Item = &'a str>) {
        let found = self.0.as_ref().and_then(|chosen| ids.position(|id| id == chosen));
        list.selected = found.unwrap_or(list.selected);
    }

    /// Takes note of what was done with the list. As long as nothing was chosen, the list stays at its top.
    pub fn note(&mut self, list: &List, done: &Done, id: impl Fn(usize) -> Option<String>) {
        if done.pressed.is_some() || list.selected > 0 {
            self.0 = id(list.selected);
        }
    }
}

/// What a person did with a list in one frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// A row was pressed.
    pub pressed: Option<usize>,
    /// Enter, on the selected row.
    pub entered: bool,
    pub left: bool,
    pub right: bool,
}

/// One row to draw.
pub struct Row {
    pub index: usize,
    pub rect: Rect,
    pub id: Id,
}

impl List {
    /// Selects a row and brings it into sight.
    pub fn go(&mut self, index: usize) {
        self.selected = index;
        self.reveal = true;
    }

    /// Whether the newest is in sight and nothing else was chosen.
    pub fn is_at_the_top(&self) -> bool {
        self.selected == 0 && self.offset <= 0.0
    }

    /// Draws `count` rows of `height` points over all of what is left of `ui`. `draw` answers the row's accessible name.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        theme: &Theme,
        (name, count): (&str, usize),
        height: f32,
        mut draw: impl FnMut(&mut Ui, &Row) -> String,
    ) -> Done {
        self.selected = self.selected.min(count.saturating_sub(1));
        let area = ui.available_rect_before_wrap();
        let id = ui.scope_id().with(("list", name));
        let stop = ui.interact(area, id, Sense::focusable_noninteractive());
        stop.widget_info(|| WidgetInfo::labeled(Role::List, true, name));
        let page = ((area.height() / height) as usize).max(1);
        let mut done = self.keys(ui, id, count, page);
        let has_focus = stop.has_focus();
        ui.spacing_mut().item_spacing.y = 0.0;
        let mut scroll = ScrollArea::vertical().id_salt(id).auto_shrink(false);
        if std::mem::take(&mut self.reveal) {
            scroll = scroll.vertical_scroll_offset(self.revealed(height, area.height(), count));
        }
        let shown = scroll.show_viewport(ui, |ui, seen| {
            let origin = ui.max_rect().min;
            let width = ui.max_rect().width();
            ui.set_height(height * count as f32);
            let place = |index: usize| Rect::from_min_size(pos2(origin.x, origin.y + height * index as f32), vec2(width, height));
            let first = ((seen.min.y / height).floor().max(0.0) as usize).min(count);
            let last = ((seen.max.y / height).ceil().max(0.0) as usize).min(count);
            for index in first..last {
                let row = Row { index, rect: place(index), id: id.with(index) };
                let response = ui.interact(row.rect, row.id, Sense::CLICK);
                self.ground(ui, theme, &row, has_focus, response.hovered());
                let label = draw(ui, &row);
                response.widget_info(|| WidgetInfo::selected(Role::ListItem, true, index == self.selected, &label));
                if response.clicked() {
                    self.selected = index;
                    done.pressed = Some(index);
                    ui.memory_mut(|memory| memory.request_focus(id));
                }
            }
        });
        self.offset = shown.state.clamped_offset().y;
        done
    }

    /// Where to scroll so that the selected row is in sight: no further than needed, or to the middle from far away.
    fn revealed(&self, height: f32, room: f32, count: usize) -> f32 {
        let top = height * self.selected as f32;
        let least = top + height - room;
        let near = (least - height..=top + height).contains(&self.offset);
        let wanted = if near { self.offset.clamp(least.min(top), top) } else { top - (room - height) / 2.0 };
        wanted.clamp(0.0, (height * count as f32 - room).max(0.0))
    }

    fn ground(&self, ui: &Ui, theme: &Theme, row: &Row, has_focus: bool, hovered: bool) {
        let c = theme.color;
        let selected = row.index == self.selected;
        if selected || hovered {
            ui.painter().rect_filled(row.rect, 4.0, c.bg2);
        }
        if selected && has_focus {
            ui.painter().rect_stroke(row.rect.shrink(1.0), 4.0, Stroke::new(2.0, c.accent), StrokeKind::Inside);
        }
        ui.painter().hline(row.rect.x_range(), row.rect.bottom(), Stroke::new(1.0, c.grid));
    }

    /// Keys count while the list has the focus, or nobody has, and no dialog lies above.
    fn keys(&mut self, ui: &Ui, id: Id, count: usize, page: usize) -> Done {
        let focused = ui.memory(|memory| memory.focused());
        let covered = !ui.memory(|memory| memory.allows_interaction(ui.layer_id()));
        if covered || focused.is_some_and(|focused| focused != id) || !ui.is_enabled() || count == 0 {
            return Done::default();
        }
        let filter = EventFilter { vertical_arrows: true, horizontal_arrows: true, ..EventFilter::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(id, filter));
        let pressed = |key| ui.input_mut(|input| input.count_and_consume_key(Modifiers::NONE, key));
        let before = self.selected;
        let moved = (before + pressed(Key::ArrowDown) + pressed(Key::PageDown) * page).min(count - 1);
        let moved = moved.saturating_sub(pressed(Key::ArrowUp) + pressed(Key::PageUp) * page);
        let moved = if pressed(Key::Home) > 0 { 0 } else { moved };
        let moved = if pressed(Key::End) > 0 { count - 1 } else { moved };
        if moved != before {
            self.go(moved);
        }
        Done { pressed: None, entered: pressed(Key::Enter) > 0, left: pressed(Key::ArrowLeft) > 0, right: pressed(Key::ArrowRight) > 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn revealed(selected: usize, offset: f32) -> f32 {
        List { selected, reveal: true, offset }.revealed(10.0, 100.0, 1000)
    }

    #[test]
    fn the_selected_row_comes_into_sight_and_the_list_moves_no_more_than_needed() {
        assert_eq!(revealed(5, 0.0), 0.0, "in sight already");
        assert_eq!(revealed(10, 0.0), 10.0, "one row further down");
        assert_eq!(revealed(9, 100.0), 90.0, "one row further up");
        assert_eq!(revealed(500, 0.0), 4955.0, "from far away to the middle");
        assert_eq!(revealed(0, 5000.0), 0.0);
        assert_eq!(revealed(999, 0.0), 9900.0, "never beyond the end");
    }
}

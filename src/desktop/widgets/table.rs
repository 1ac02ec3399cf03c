//! A list in columns: heads above, rows of one height below, only those in sight drawn.

use eframe::egui::{Align2, Color32, Rect, Sense, Ui, pos2, vec2};

use super::lettering::words;
use super::list::{Done, List, Row};
use super::sign::{self, Sign};
use crate::desktop::format::NOTHING;
use crate::desktop::theme::{Theme, Weight};

/// A column: its title, the heights of the font that it needs, and its part of what is left over.
pub type Column<'a> = (&'a str, f32, f32);

/// What stands in one place of a table.
#[derive(Default)]
pub struct Cell {
    pub sign: Option<Sign>,
    pub text: String,
    /// What the row is called by.
    pub strong: bool,
}

impl Cell {
    pub fn new(text: impl Into<String>) -> Cell {
        Cell { text: text.into(), ..Cell::default() }
    }

    pub fn strong(text: impl Into<String>) -> Cell {
        Cell { text: text.into(), strong: true, ..Cell::default() }
    }

    pub fn sign(sign: Sign, text: impl Into<String>) -> Cell {
        Cell { sign: Some(sign), text: text.into(), strong: false }
    }
}

/// What a table shows.
pub struct Table<'a> {
    pub name: &'a str,
    pub columns: &'a [Column<'a>],
    pub rows: usize,
    /// It is no longer true, or cannot be read now: grey.
    pub pale: bool,
}

/// Where columns start, from the left, and how wide their words may be. `wanted`: what each needs, and its share of the rest.
pub fn places(wanted: &[(f32, f32)], width: f32, em: f32) -> Vec<(f32, f32)> {
    let fixed: f32 = wanted.iter().map(|(least, _)| least * em).sum();
    let shares: f32 = wanted.iter().map(|(_, share)| share).sum();
    let spare = (width - fixed - em).max(0.0) / shares.max(f32::EPSILON);
    let mut left = em * 0.5;
    let place = |&(least, share): &(f32, f32)| {
        let start = left;
        let width = least * em + share * spare;
        left += width;
        (start, width - em * 0.6)
    };
    wanted.iter().map(place).collect()
}

/// Draws it over all of what is left of `ui`. `cells` answers a row from the left; its words together are the row's name.
pub fn table(ui: &mut Ui, theme: &Theme, list: &mut List, table: &Table<'_>, cells: impl Fn(usize) -> Vec<Cell>) -> Done {
    let wanted: Vec<(f32, f32)> = table.columns.iter().map(|(_, least, share)| (*least, *share)).collect();
    let places = places(&wanted, ui.available_width(), theme.sizes.body);
    head(ui, theme, table.columns, &places);
    list.ui(ui, theme, (table.name, table.rows), theme.sizes.row, |ui, row| {
        let cells = cells(row.index);
        for (cell, place) in cells.iter().zip(&places) {
            draw(ui, theme, row, cell, (*place, table.pale));
        }
        cells.iter().map(|cell| cell.text.as_str()).filter(|text| !text.is_empty()).collect::<Vec<_>>().join(", ")
    })
}

fn head(ui: &mut Ui, theme: &Theme, columns: &[Column<'_>], places: &[(f32, f32)]) {
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), theme.sizes.small * 1.6), Sense::empty());
    for ((title, ..), (left, width)) in columns.iter().zip(places) {
        let place = (pos2(rect.left() + left, rect.center().y), Align2::LEFT_CENTER);
        words(ui, title, (theme.sizes.small, Weight::Regular, theme.color.text3), place, *width);
    }
}

fn draw(ui: &Ui, theme: &Theme, row: &Row, cell: &Cell, ((left, width), pale): ((f32, f32), bool)) {
    let size = theme.sizes.body;
    let at = pos2(row.rect.left() + left, row.rect.center().y);
    let indent = if cell.sign.is_some() { size * 1.4 } else { 0.0 };
    if let Some(sign) = cell.sign {
        let square = Rect::from_center_size(pos2(at.x + size * 0.5, at.y), vec2(size, size) * 0.9);
        sign::paint(ui.painter(), square, sign, theme);
    }
    let look = (size, if cell.strong { Weight::Medium } else { Weight::Regular }, ink(theme, cell, pale));
    let text = if cell.text.is_empty() { NOTHING } else { &cell.text };
    words(ui, text, look, (at + vec2(indent, 0.0), Align2::LEFT_CENTER), width - indent);
}

fn ink(theme: &Theme, cell: &Cell, pale: bool) -> Color32 {
    match cell.sign {
        _ if pale => theme.color.text3,
        Some(sign) => sign.ink(theme),
        None if cell.strong => theme.color.text1,
        None => theme.color.text2,
    }
}

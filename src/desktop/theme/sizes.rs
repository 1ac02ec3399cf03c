//! Sizes by what they are for, on three kinds of display. They follow from how far away a reader stands.

use eframe::egui::{FontFamily, FontId, Vec2, vec2};

use crate::domain::instance::Application;

/// What kind of display the window is on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Display {
    /// A monitor on a desk, read from 0.6 m.
    #[default]
    Desktop,
    /// The 7.9" touch panel of 1280×400, at arm's length and with fingers.
    Panel,
    /// A television over the line, read from 3 to 5 m.
    Wall,
}

impl Display {
    /// The display that a window of `size` points shows `application` on.
    pub fn guess(size: Vec2, application: Application) -> Display {
        if size.y <= 480.0 {
            Display::Panel
        } else if application == Application::YieldMonitor && size.x >= 1600.0 && size.y >= 900.0 {
            Display::Wall
        } else {
            Display::Desktop
        }
    }
}

/// What a piece of text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Text {
    /// Axes and small print.
    Small,
    Body,
    /// Rows of tables, labels of fields and tiles.
    Table,
    Title,
    /// The number of a tile.
    Kpi,
    /// The one number of a screen.
    Hero,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    Regular,
    Medium,
    SemiBold,
    Bold,
}

impl Weight {
    pub(super) const fn family(self) -> &'static str {
        match self {
            Weight::Regular => "regular",
            Weight::Medium => "medium",
            Weight::SemiBold => "semibold",
            Weight::Bold => "bold",
        }
    }
}

/// Sizes in points for one display.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sizes {
    pub small: f32,
    pub body: f32,
    pub table: f32,
    pub title: f32,
    pub kpi: f32,
    pub hero: f32,
    /// Text of a button.
    pub button: f32,
    /// Height of a button or field.
    pub touch: f32,
    /// Height of a row in a table.
    pub row: f32,
    pub header: f32,
    pub rail: f32,
    pub rail_item: f32,
    /// Between panels, and around the page.
    pub gap: f32,
    /// Inside a panel.
    pub pad: f32,
}

/// Steps of empty space, in points.
pub mod space {
    pub const XS: f32 = 4.0;
    pub const S: f32 = 8.0;
    pub const M: f32 = 16.0;
    pub const L: f32 = 24.0;
    pub const XL: f32 = 32.0;
}

/// Corners of panels and controls, in points.
pub const RADIUS: u8 = 6;

impl Sizes {
    pub const fn of(display: Display) -> &'static Sizes {
        match display {
            Display::Desktop => &DESKTOP,
            Display::Panel => &PANEL,
            Display::Wall => &WALL,
        }
    }

    pub fn text(&self, text: Text) -> f32 {
        match text {
            Text::Small => self.small,
            Text::Body => self.body,
            Text::Table => self.table,
            Text::Title => self.title,
            Text::Kpi => self.kpi,
            Text::Hero => self.hero,
        }
    }

    /// The smallest area a finger or pointer is asked to hit.
    pub fn touch_area(&self) -> Vec2 {
        vec2(self.touch, self.touch)
    }
}

/// A font of exactly `size` points.
pub fn font(size: f32, weight: Weight) -> FontId {
    FontId::new(size, FontFamily::Name(weight.family().into()))
}

const DESKTOP: Sizes = Sizes {
    small: 14.0,
    body: 16.0,
    table: 18.0,
    title: 24.0,
    kpi: 40.0,
    hero: 76.0,
    button: 16.0,
    touch: 40.0,
    row: 36.0,
    header: 56.0,
    rail: 72.0,
    rail_item: 80.0,
    gap: 16.0,
    pad: 16.0,
};

/// 170 pixels an inch: 26 points is the smallest that reads at 0.6 m, 64 points is 9.5 mm, the smallest for a bare finger.
const PANEL: Sizes = Sizes {
    small: 26.0,
    body: 26.0,
    table: 26.0,
    title: 30.0,
    kpi: 56.0,
    hero: 110.0,
    button: 34.0,
    touch: 64.0,
    row: 64.0,
    header: 44.0,
    rail: 96.0,
    rail_item: 100.0,
    gap: 8.0,
    pad: 12.0,
};

const WALL: Sizes = Sizes {
    small: 40.0,
    body: 40.0,
    table: 44.0,
    title: 66.0,
    kpi: 112.0,
    hero: 304.0,
    button: 40.0,
    touch: 72.0,
    row: 70.0,
    header: 96.0,
    rail: 96.0,
    rail_item: 112.0,
    gap: 16.0,
    pad: 32.0,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_display_follows_from_the_window_and_what_it_shows() {
        use Application::{Configurator, PressurePanel, YieldMonitor};
        assert_eq!(Display::guess(vec2(1280.0, 400.0), PressurePanel), Display::Panel);
        assert_eq!(Display::guess(vec2(1280.0, 400.0), YieldMonitor), Display::Panel);
        assert_eq!(Display::guess(vec2(1920.0, 1080.0), YieldMonitor), Display::Wall);
        assert_eq!(Display::guess(vec2(1280.0, 800.0), YieldMonitor), Display::Desktop);
        assert_eq!(Display::guess(vec2(1920.0, 1080.0), Configurator), Display::Desktop);
    }
}

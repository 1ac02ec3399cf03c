//! How Andon looks: colours, sizes and weights by name. Screens and widgets take them from here and nowhere else.
//! It follows from the tone a person chose and from the display; changing either is one call.

mod colors;
mod fonts;
mod sizes;
mod style;

use eframe::egui::{Color32, Context, FontId, RichText};

pub use colors::Colors;
pub use sizes::{Display, RADIUS, Sizes, Text, Weight, font, space};

/// Dark for line displays, light for offices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Tone {
    #[default]
    Dark,
    Light,
}

/// The look of one frame. Cheap to copy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Theme {
    pub tone: Tone,
    pub display: Display,
    pub color: &'static Colors,
    pub sizes: &'static Sizes,
}

impl Theme {
    pub fn new(tone: Tone, display: Display) -> Theme {
        Theme { tone, display, color: Colors::of(tone), sizes: Sizes::of(display) }
    }

    /// Hands fonts and style to egui. Call it once at the start and whenever the theme changed.
    pub fn apply(&self, ctx: &Context) {
        ctx.set_fonts(fonts::definitions());
        let style = style::style(self);
        ctx.all_styles_mut(|slot| *slot = style.clone());
    }

    pub fn font(&self, text: Text, weight: Weight) -> FontId {
        font(self.sizes.text(text), weight)
    }

    /// Words in a size, weight and colour of the theme.
    pub fn words(&self, words: impl Into<String>, text: Text, weight: Weight, color: Color32) -> RichText {
        RichText::new(words).font(self.font(text, weight)).color(color)
    }

    pub fn title(&self, words: impl Into<String>) -> RichText {
        self.words(words, Text::Title, Weight::SemiBold, self.color.text1)
    }

    pub fn body(&self, words: impl Into<String>) -> RichText {
        self.words(words, Text::Body, Weight::Regular, self.color.text1)
    }

    pub fn label(&self, words: impl Into<String>) -> RichText {
        self.words(words, Text::Body, Weight::Regular, self.color.text2)
    }

    pub fn hint(&self, words: impl Into<String>) -> RichText {
        self.words(words, Text::Body, Weight::Regular, self.color.text3)
    }
}

impl Default for Theme {
    fn default() -> Theme {
        Theme::new(Tone::default(), Display::default())
    }
}

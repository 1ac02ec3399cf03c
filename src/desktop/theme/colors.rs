//! Colours by name, read from the two theme files. Nowhere else in the window is a colour made.

use std::sync::OnceLock;

use eframe::egui::Color32;

use super::Tone;

macro_rules! colors {
    ($($(#[doc = $doc:literal])* $name:ident = $key:literal,)*) => {
        /// Every colour of one tone.
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub struct Colors { $($(#[doc = $doc])* pub $name: Color32,)* }

        impl Colors {
            /// `None` where a name is missing or is not `#RRGGBB`.
            fn read(table: &toml::Table) -> Option<Colors> {
                Some(Colors { $($name: hex(table.get($key)?.as_str()?)?,)* })
            }
        }
    };
}

colors! {
    /// The window.
    bg0 = "bg0",
    /// A panel.
    bg1 = "bg1",
    /// Raised: a field, a hovered row, a normal band.
    bg2 = "bg2",
    /// Lines of a chart's grid; decorative.
    grid = "grid",
    /// Dividers and bands; decorative.
    line = "line",
    /// Borders of controls, axes, bars that are not the first.
    control = "control",
    /// Values and titles.
    text1 = "text1",
    /// Labels.
    text2 = "text2",
    /// Hints, and what is disabled.
    text3 = "text3",
    /// Trends and the first bar.
    data = "data",
    /// Focus, selection, the primary button.
    accent = "accent",
    on_accent = "on-accent",
    /// Only "target met", sparingly, and never told from `accent` by colour alone.
    good = "good",
    crit = "crit",
    on_crit = "on-crit",
    /// A fill; text and borders use `warn_ink`.
    warn = "warn",
    warn_ink = "warn-ink",
    on_warn = "on-warn",
    /// Stale, invalid, offline.
    fault = "fault",
    on_fault = "on-fault",
    role_operator = "role-operator",
    role_admin = "role-admin",
    role_superuser = "role-superuser",
    role_technician = "role-technician",
}

impl Colors {
    pub fn of(tone: Tone) -> &'static Colors {
        static DARK: OnceLock<Colors> = OnceLock::new();
        static LIGHT: OnceLock<Colors> = OnceLock::new();
        match tone {
            Tone::Dark => DARK.get_or_init(|| embedded(include_str!("../../../assets/theme/dark.toml"))),
            Tone::Light => LIGHT.get_or_init(|| embedded(include_str!("../../../assets/theme/light.toml"))),
        }
    }
}

fn embedded(source: &str) -> Colors {
    source.parse().ok().and_then(|table| Colors::read(&table)).expect("the embedded theme files are complete; a test reads both")
}

fn hex(text: &str) -> Option<Color32> {
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.is_ascii())?;
    let part = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).ok();
    #[expect(clippy::disallowed_methods, reason = "this is the theme")]
    Some(Color32::from_rgb(part(0)?, part(2)?, part(4)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance and contrast as WCAG 2.2 define them.
    fn contrast(a: Color32, b: Color32) -> f64 {
        let luminance = |color: Color32| {
            let linear = |byte: u8| {
                let c = f64::from(byte) / 255.0;
                if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
            };
            0.2126 * linear(color.r()) + 0.7152 * linear(color.g()) + 0.0722 * linear(color.b())
        };
        let (a, b) = (luminance(a) + 0.05, luminance(b) + 0.05);
        a.max(b) / a.min(b)
    }

    #[test]
    fn every_text_can_be_read_on_every_surface() {
        for tone in [Tone::Dark, Tone::Light] {
            let c = Colors::of(tone);
            for surface in [c.bg0, c.bg1, c.bg2] {
                for (name, color, least) in [
                    ("text1", c.text1, 7.0),
                    ("text2", c.text2, 7.0),
                    ("text3", c.text3, 4.5),
                    ("control", c.control, 3.0),
                    ("data", c.data, 4.5),
                    ("accent", c.accent, 4.5),
                    ("good", c.good, 4.5),
                    ("crit", c.crit, 4.5),
                    ("warn_ink", c.warn_ink, 4.5),
                    ("fault", c.fault, 7.0),
                ] {
                    assert!(contrast(color, surface) >= least, "{tone:?} {name}: {:.2}", contrast(color, surface));
                }
            }
            for (fill, ink) in [(c.accent, c.on_accent), (c.crit, c.on_crit), (c.warn, c.on_warn), (c.fault, c.on_fault)] {
                assert!(contrast(fill, ink) >= 4.5, "{tone:?}: {:.2}", contrast(fill, ink));
            }
        }
    }

    #[test]
    fn a_colour_that_is_not_one_is_refused() {
        for bad in ["", "#12345", "#1234567", "123456", "#12345g", "#łł12"] {
            assert_eq!(hex(bad), None, "{bad}");
        }
    }
}

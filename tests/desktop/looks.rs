//! Signs and icons beside each other, in both tones: what no single screen shows together.

use andon::desktop::picture;
use andon::desktop::theme::{Display, Theme, Tone};
use andon::desktop::widgets::icon::{self, Icon};
use andon::desktop::widgets::sign::{self, Sign};
use eframe::egui::{Frame, Ui, vec2};

use super::golden;

const SIGNS: [Sign; 11] = [
    Sign::Critical,
    Sign::Warning,
    Sign::Fault,
    Sign::Normal,
    Sign::Connected,
    Sign::Offline,
    Sign::Busy(0.125),
    Sign::Nothing,
    Sign::Passed,
    Sign::Failed,
    Sign::Stopped,
];

fn rows(ui: &mut Ui, theme: &Theme) {
    for size in [16.0, 32.0] {
        ui.horizontal(|ui| SIGNS.iter().for_each(|one| _ = sign::show(ui, theme, *one, size)));
    }
    ui.spacing_mut().item_spacing.x = 4.0;
    for size in [16.0, 22.0] {
        ui.horizontal(|ui| Icon::ALL.iter().for_each(|one| _ = icon::show(ui, *one, size, theme.color.text1)));
    }
}

#[test]
fn every_sign_and_icon_has_its_shape() {
    for (tone, name) in [(Tone::Dark, "signs-dark"), (Tone::Light, "signs-light")] {
        let theme = Theme::new(tone, Display::Desktop);
        let mut dressed = false;
        let image = picture::render(vec2(760.0, 220.0), 1.0, 3, |ui| {
            if !std::mem::replace(&mut dressed, true) {
                theme.apply(ui.ctx());
            }
            Frame::new().fill(theme.color.bg1).inner_margin(16).show(ui, |ui| {
                ui.set_min_size(ui.available_size());
                rows(ui, &theme);
            });
        });
        golden::compare(name, &image);
    }
}

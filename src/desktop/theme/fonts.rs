//! The four Inter faces. Their digits are all of one width, so a value never moves its neighbours.
//! egui's own fonts are not in this build: what Inter lacks the system may have, and our signs are drawn, not typed.

use std::sync::Arc;

use eframe::egui::{FontData, FontDefinitions, FontFamily};

use super::sizes::Weight;

const FACES: [(Weight, &[u8]); 4] = [
    (Weight::Regular, include_bytes!("../../../assets/fonts/Inter-Regular.otf")),
    (Weight::Medium, include_bytes!("../../../assets/fonts/Inter-Medium.otf")),
    (Weight::SemiBold, include_bytes!("../../../assets/fonts/Inter-SemiBold.otf")),
    (Weight::Bold, include_bytes!("../../../assets/fonts/Inter-Bold.otf")),
];

pub(super) fn definitions() -> FontDefinitions {
    let mut fonts = FontDefinitions::default();
    for (weight, bytes) in FACES {
        let name = weight.family().to_owned();
        fonts.font_data.insert(name.clone(), Arc::new(FontData::from_static(bytes)));
        fonts.families.insert(FontFamily::Name(name.clone().into()), vec![name]);
    }
    let regular = Weight::Regular.family().to_owned();
    fonts.families.insert(FontFamily::Proportional, vec![regular.clone()]);
    fonts.families.insert(FontFamily::Monospace, vec![regular]);
    fonts
}

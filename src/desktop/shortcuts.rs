//! The keys that work on every screen: Ctrl+1 … 9 for the rail's places, F11 for the full screen.

use eframe::egui::{Context, Key, Modifiers};

use super::action::Action;
use super::route::Route;
use super::scene::Scene;

const PLACES: [Key; 9] = [Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5, Key::Num6, Key::Num7, Key::Num8, Key::Num9];

/// Asks for what the pressed keys mean. A key leads to the place that stands there in this person's rail.
pub fn listen(ctx: &Context, scene: &Scene<'_>, visible: &[Route]) {
    for (key, route) in PLACES.iter().zip(visible) {
        if ctx.input_mut(|input| input.consume_key(Modifiers::COMMAND, *key)) {
            scene.ask(Action::Go(*route));
        }
    }
    if ctx.input_mut(|input| input.consume_key(Modifiers::NONE, Key::F11)) {
        scene.ask(Action::ToggleFullscreen);
    }
}

//! Opens the window with the first renderer that works, and says in one sentence why none does.

use std::time::Duration;

use andon::client::{Bridge, Startup};
use andon::desktop::{Andon, Options};
use eframe::egui::{IconData, ViewportBuilder};
use eframe::{NativeOptions, Renderer};

use super::goodbye::Goodbye;

/// Which renderer a person asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Choice {
    Auto,
    Glow,
    Wgpu,
}

/// News from the services are drawn together, at most so often.
const WAKE: Duration = Duration::from_millis(33);

/// Runs until the window is closed.
pub fn open(startup: &dyn Fn() -> Startup, options: &Options, choice: Choice, goodbye: &Goodbye) -> Result<(), String> {
    if !has_display() {
        return Err(no_display("there is neither DISPLAY nor WAYLAND_DISPLAY"));
    }
    let renderers: &[(Renderer, &str)] = match choice {
        Choice::Auto => &[(Renderer::Glow, "OpenGL (glow)"), (Renderer::Wgpu, "wgpu")],
        Choice::Glow => &[(Renderer::Glow, "OpenGL (glow)")],
        Choice::Wgpu => &[(Renderer::Wgpu, "wgpu")],
    };
    let mut reason = String::new();
    for (renderer, name) in renderers {
        tracing::info!(renderer = name, "opening the window");
        let options = Options { renderer: (*name).to_owned(), ending: goodbye.asked.clone(), ..options.clone() };
        match run(startup, options, *renderer, goodbye.clone()) {
            Ok(()) => return Ok(()),
            Err(error) => {
                tracing::warn!(renderer = name, %error, "the window did not open");
                if reason.is_empty() {
                    reason = error.to_string();
                }
            }
        }
    }
    Err(no_display(&reason))
}

fn run(startup: &dyn Fn() -> Startup, options: Options, renderer: Renderer, goodbye: Goodbye) -> eframe::Result {
    let native = NativeOptions { viewport: viewport(&options), renderer, ..NativeOptions::default() };
    let startup = startup();
    eframe::run_native(
        "Andon",
        native,
        Box::new(move |creation| {
            let ctx = creation.egui_ctx.clone();
            goodbye.close(&ctx);
            let bridge = Bridge::start(startup, move || ctx.request_repaint_after(WAKE))?;
            Ok(Box::new(Andon::new(bridge, options)))
        }),
    )
}

fn viewport(options: &Options) -> ViewportBuilder {
    let builder = ViewportBuilder::default()
        .with_title("Andon")
        .with_app_id("andon")
        .with_inner_size([1280.0, 800.0])
        .with_min_inner_size([800.0, 400.0])
        .with_icon(icon());
    if options.kiosk { builder.with_fullscreen(true).with_decorations(false) } else { builder }
}

/// Three bars of a line's yield on a dark ground.
fn icon() -> IconData {
    const SIDE: usize = 64;
    let mut rgba = Vec::with_capacity(SIDE * SIDE * 4);
    for y in 0..SIDE {
        for x in 0..SIDE {
            let bar =
                [(12..22, 34), (27..37, 22), (42..52, 12)].iter().any(|(columns, top)| columns.contains(&x) && (*top..52).contains(&y));
            rgba.extend_from_slice(if bar { &[0x74, 0xAD, 0xD1, 0xFF] } else { &[0x18, 0x1D, 0x21, 0xFF] });
        }
    }
    IconData { rgba, width: SIDE as u32, height: SIDE as u32 }
}

#[cfg(target_os = "linux")]
fn has_display() -> bool {
    ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

#[cfg(not(target_os = "linux"))]
fn has_display() -> bool {
    true
}

fn no_display(reason: &str) -> String {
    format!("No window can be opened here: {reason}. Start andon on a desktop, or draw a screen with --picture FILE.")
}

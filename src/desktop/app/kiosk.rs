//! Leaving a kiosk, by whoever may: a role where the server knows persons, else the station's PIN. Only the system asks nobody.

use std::sync::atomic::Ordering;

use chrono::{DateTime, Utc};
use eframe::egui::{Context, ViewportCommand};

use super::Andon;
use crate::client::{Command, PinCommand};
use crate::desktop::screens::opening;
use crate::desktop::screens::pin::{Pad, Task};
use crate::domain::access::Permission;

/// What follows once the PIN was right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    Nothing,
    LeaveFullscreen,
    Close,
}

/// The PIN is being asked for.
pub(super) struct Asking {
    pub(super) pad: Pad,
    pub(super) since: DateTime<Utc>,
    then: Then,
}

/// Whether a kiosk may be left.
enum Exit {
    Free,
    ByPin,
    Locked,
}

impl Andon {
    fn exit(&self) -> Exit {
        match &self.model.session.station {
            Some(station) if station.has_roles && !self.model.session.may_act(Permission::LeaveKiosk) => Exit::Locked,
            _ if self.model.is_guarded() => Exit::ByPin,
            None if self.awaits_station() => Exit::Locked,
            _ => Exit::Free,
        }
    }

    /// Whether a station that was signed in before may still come: nothing is known yet, or its token waits for the keyring.
    fn awaits_station(&self) -> bool {
        opening::is_opening(&self.model) || self.model.session.token_waits
    }

    pub(super) fn ask_pin(&mut self, task: Task, then: Then) {
        self.send(Command::Pin(PinCommand::Look));
        self.asking = Some(Asking { pad: Pad::new(task), since: self.options.clock.now(), then });
    }

    /// The pad was put away, or did what it was there for.
    pub(super) fn settle_pin(&mut self, ctx: &Context, done: bool) {
        match self.asking.take().map(|asking| asking.then).filter(|_| done) {
            Some(Then::LeaveFullscreen) => self.toggle_fullscreen(ctx),
            Some(Then::Close) => ctx.send_viewport_cmd(ViewportCommand::Close),
            Some(Then::Nothing) | None => {}
        }
    }

    pub(super) fn toggle_fullscreen(&mut self, ctx: &Context) {
        if self.options.kiosk {
            match self.exit() {
                Exit::Free => {}
                Exit::ByPin => return self.ask_pin(Task::Enter, Then::LeaveFullscreen),
                Exit::Locked => return self.say("kiosk_locked"),
            }
        }
        self.options.kiosk = false;
        self.fullscreen = !self.fullscreen;
        ctx.send_viewport_cmd(ViewportCommand::Decorations(!self.fullscreen));
        ctx.send_viewport_cmd(ViewportCommand::Fullscreen(self.fullscreen));
    }

    pub(super) fn guard_closing(&mut self, ctx: &Context) {
        let asked = ctx.input(|input| input.viewport().close_requested());
        let by_system = self.options.ending.load(Ordering::Relaxed);
        if !asked || !self.options.kiosk || by_system {
            return;
        }
        match self.exit() {
            Exit::Free => {}
            Exit::ByPin => {
                ctx.send_viewport_cmd(ViewportCommand::CancelClose);
                self.ask_pin(Task::Enter, Then::Close);
            }
            Exit::Locked => {
                ctx.send_viewport_cmd(ViewportCommand::CancelClose);
                self.say("kiosk_locked");
            }
        }
    }
}

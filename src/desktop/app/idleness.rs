//! What ends by itself: a person's session and an open PIN after some time without a touch, and the ticking that shows it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use eframe::egui::{Context, Event};

use super::Andon;
use crate::client::{Command, Person, PinCommand, SessionCommand};

/// How long a PIN that was typed counts while nobody touches anything, in seconds.
const PIN_IDLE_SECS: i64 = 10 * 60;

impl Andon {
    /// A person who came has his whole idle limit before him, and one who left leaves nothing open.
    pub(super) fn settle_person(&mut self, before: Option<&Person>, now: DateTime<Utc>) {
        let same = |one: &Person, other: &Person| one.name == other.name && one.since == other.since;
        let person = self.model.session.person.as_ref();
        if before.zip(person).is_some_and(|(one, other)| same(one, other)) {
            return;
        }
        if person.is_some() {
            self.last_input = now;
        }
        if before.is_some() {
            self.screens.forget_person();
        }
    }

    /// Locks a person's actions after his role's idle limit; says how many seconds are left in the last minute.
    pub(super) fn watch_idleness(&mut self, ctx: &Context) -> Option<i64> {
        let now = self.options.clock.now();
        let active = |event: &Event| {
            matches!(event, Event::Key { .. } | Event::Text(_) | Event::PointerMoved(_) | Event::PointerButton { .. } | Event::Touch { .. })
        };
        let touched = ctx.input(|input| input.events.iter().any(active));
        self.lock_pin(now);
        let limit = self.model.session.person.as_ref().and_then(|person| person.role.idle_limit_secs());
        let left = limit.map(|limit| i64::from(limit) - (now - self.last_input).num_seconds());
        // Before the touch counts: the one that wakes a PC from two hours of sleep came too late.
        if left.is_some_and(|left| left <= 0) {
            if self.bridge.send(Command::Session(SessionCommand::PersonSignOut)).is_ok() {
                self.last_input = now;
            }
            return None;
        }
        if touched || self.last_input > now {
            self.last_input = now;
        }
        left.filter(|left| !touched && (1..=60).contains(left))
    }

    /// An open PIN is locked again, also by the touch that wakes a PC too late.
    fn lock_pin(&mut self, now: DateTime<Utc>) {
        if self.model.pin.is_open && (now - self.last_input).num_seconds() >= PIN_IDLE_SECS {
            self.last_input = now;
            self.send(Command::Pin(PinCommand::Lock));
        }
    }

    /// The clock ticks each second as proof of life, but only where there is one and somebody can see it.
    /// The login has none: it ticks while something in it or behind it ends by itself.
    pub(super) fn tick(&self, ctx: &Context) {
        let session = &self.model.session;
        let ends = [session.locked_until, self.model.pin.locked_until];
        let waits = ends.into_iter().flatten().any(|until| until > self.options.clock.now()) || self.model.pin.is_open;
        if self.shell.page().is_none() && !waits && session.person.is_none() && !self.toasts.leaves_something() {
            return;
        }
        let hidden = ctx.input(|input| input.viewport().minimized == Some(true) || input.viewport().occluded == Some(true));
        if !hidden {
            let into_second = u64::from(self.options.clock.now().timestamp_subsec_millis());
            ctx.request_repaint_after(Duration::from_millis(1_005 - into_second.min(1_000)));
        }
    }
}

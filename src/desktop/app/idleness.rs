//! What ends by itself: a person's session and an open PIN after some time without a touch, and the ticking that shows it.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use eframe::egui::{Context, Event};

use super::Andon;
use crate::client::{Command, Model, Person, PinCommand, SessionCommand};
use crate::desktop::screens::pin::PIN_IDLE_SECS;
use crate::domain::connection::Connection;

/// What went idle and is still in the model, because the services have not ended it yet.
#[derive(Default)]
pub(super) struct Ended {
    /// Name and arrival of the person.
    person: Option<(String, DateTime<Utc>)>,
    /// Whether the services were told.
    person_told: bool,
    pin: bool,
    pin_told: bool,
}

impl Ended {
    /// Takes it out of the model, and forgets about it once it has left by itself.
    fn hide(&mut self, model: &mut Model) {
        if self.person.is_some() && self.person == key(model.session.person.as_ref()) {
            Arc::make_mut(&mut model.session).person = None;
        } else {
            self.person = None;
        }
        self.pin &= model.pin.is_open;
        if self.pin {
            Arc::make_mut(&mut model.pin).is_open = false;
        }
    }
}

fn key(person: Option<&Person>) -> Option<(String, DateTime<Utc>)> {
    person.map(|person| (person.name.clone(), person.since))
}

impl Andon {
    /// Ends what nobody has touched for too long, before this frame's touches count: the one that wakes a PC from two hours of sleep is
    /// a stranger's.
    pub(super) fn end_idle(&mut self, now: DateTime<Utc>) {
        let person = key(self.model.session.person.as_ref());
        if self.idle_seconds_left(now).is_some_and(|left| left <= 0) && self.ended.person != person {
            (self.ended.person, self.ended.person_told) = (person, false);
            // Whoever comes back is told how he gets in again.
            if self.model.session.is_offline() && self.model.connection.state != Connection::Connected {
                self.say("idle_without_server");
            }
        }
        let is_over = |since: DateTime<Utc>| (now - since).num_seconds() >= PIN_IDLE_SECS;
        if self.model.pin.is_open && is_over(self.last_input) && !self.ended.pin {
            (self.ended.pin, self.ended.pin_told) = (true, false);
        }
        // It may hold a PIN that was typed already.
        let last_input = self.last_input;
        self.asking.take_if(|asking| is_over(asking.since.max(last_input)));
        self.ended.hide(&mut self.model);
        // Where it does not go through, the next frame tells it again.
        if self.ended.person.is_some() && !self.ended.person_told {
            self.ended.person_told = self.bridge.send(Command::Session(SessionCommand::PersonSignOut)).is_ok();
        }
        if self.ended.pin && !self.ended.pin_told {
            self.ended.pin_told = self.bridge.send(Command::Pin(PinCommand::Lock)).is_ok();
        }
    }

    /// Of the person's idle limit.
    fn idle_seconds_left(&self, now: DateTime<Utc>) -> Option<i64> {
        let limit = self.model.session.person.as_ref()?.role.idle_limit_secs()?;
        Some(i64::from(limit) - (now - self.last_input).num_seconds())
    }

    /// A hidden window draws nothing, and still ends what is idle.
    pub(super) fn watch_hidden(&mut self, ctx: &Context) {
        if !is_hidden(ctx) {
            return;
        }
        let now = self.options.clock.now();
        let person = self.idle_seconds_left(now);
        let pin = self.model.pin.is_open.then(|| PIN_IDLE_SECS - (now - self.last_input).num_seconds());
        if let Some(left) = person.into_iter().chain(pin).min() {
            ctx.request_repaint_after(Duration::from_secs(left.clamp(1, 60).unsigned_abs()));
        }
    }

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

    /// What was opened with the PIN is closed with it.
    pub(super) fn settle_lock(&mut self, was_open: bool) {
        if was_open && !self.model.pin.is_open {
            self.screens.forget_person();
            self.asking = None;
        }
    }

    /// Takes note of signs of life; says how many seconds of a person's idle limit are left in its last minute.
    pub(super) fn watch_idleness(&mut self, ctx: &Context) -> Option<i64> {
        let now = self.options.clock.now();
        let touched = ctx.input(|input| input.events.iter().any(is_of_a_person));
        let left = self.idle_seconds_left(now);
        if touched || self.last_input > now {
            self.last_input = now;
        }
        left.filter(|left| !touched && (1..=60).contains(left))
    }

    /// The clock ticks each second as proof of life, but only where there is one and somebody can see it.
    /// The login has none: it ticks while something in it or behind it ends by itself.
    pub(super) fn tick(&self, ctx: &Context) {
        let session = &self.model.session;
        let ends = [session.locked.as_ref().map(|locked| locked.until), self.model.pin.locked_until];
        let waits = ends.into_iter().flatten().any(|until| until > self.options.clock.now()) || self.model.pin.is_open;
        if self.shell.page().is_none() && !waits && session.person.is_none() && !self.toasts.leaves_something() {
            return;
        }
        if !is_hidden(ctx) {
            let into_second = u64::from(self.options.clock.now().timestamp_subsec_millis());
            ctx.request_repaint_after(Duration::from_millis(1_005 - into_second.min(1_000)));
        }
    }
}

fn is_hidden(ctx: &Context) -> bool {
    ctx.input(|input| input.viewport().minimized == Some(true) || input.viewport().occluded == Some(true))
}

/// Whether an event is a sign of life, as opposed to the system's own.
fn is_of_a_person(event: &Event) -> bool {
    use Event as E;
    matches!(
        event,
        E::Key { .. }
            | E::Text(_)
            | E::Ime(_)
            | E::Copy
            | E::Cut
            | E::Paste(_)
            | E::PointerMoved(_)
            | E::PointerButton { .. }
            | E::MouseWheel { .. }
            | E::Zoom(_)
            | E::Touch { .. }
            | E::AccessKitActionRequest(_)
    )
}

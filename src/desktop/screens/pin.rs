//! The pad on which the station's PIN is typed, one question at a time, by touch or by keyboard; and the door that it opens.

use eframe::egui::accesskit::Role;
use eframe::egui::{Align, Context, Id, Key, Label, Layout, Margin, Modal, Modifiers, Stroke, Ui, vec2};

use super::desk::{Outcome, Sending};
use super::login::say;
use crate::client::{Command, Explanation, PinCommand, PinSlice};
use crate::desktop::theme::{Text, Weight, space};
use crate::desktop::widgets::keyboard::Touched;
use crate::desktop::widgets::password::{PasswordBuffer, password_field};
use crate::desktop::widgets::sign::{self, Sign};
use crate::desktop::widgets::{button, card, field, keypad};
use crate::desktop::{Action, Scene, format, words};
use crate::domain::credentials::{PIN_LENGTH, check_pin};
use crate::support::secret::Secret;

/// How long a PIN that was typed counts while nobody touches anything, in seconds.
pub const PIN_IDLE_SECS: i64 = 10 * 60;

/// What the PIN is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// To let somebody act.
    Enter,
    Set,
    Change,
    Remove,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Current,
    New,
    Again,
}

pub struct Pad {
    task: Task,
    step: Step,
    typed: PasswordBuffer,
    /// What was typed in the steps before.
    current: Secret,
    new: Secret,
    sending: Sending,
    /// Why the last try was refused.
    refused: Option<Explanation>,
    /// What is wrong with what was typed, as a key.
    told: Option<&'static str>,
    focused: bool,
}

impl Pad {
    pub fn new(task: Task) -> Pad {
        let step = if task == Task::Set { Step::New } else { Step::Current };
        Pad {
            task,
            step,
            typed: PasswordBuffer::default(),
            current: Secret::default(),
            new: Secret::default(),
            sending: Sending::default(),
            refused: None,
            told: None,
            focused: false,
        }
    }

    /// Draws the pad above everything else. Says once it is over: whether it was done, or put away.
    pub fn ui(&mut self, ctx: &Context, scene: &Scene<'_>) -> Option<bool> {
        let pin = &scene.model.pin;
        match self.sending.outcome(&pin.acts) {
            Outcome::Done => return Some(true),
            Outcome::Refused(refused) => self.begin_anew(refused.clone()),
            Outcome::Open | Outcome::Busy => {}
        }
        let over = match self.task {
            // Typed elsewhere, or taken away by whoever looks after this PC.
            Task::Enter => (!scene.model.is_guarded()).then_some(true),
            Task::Set => None,
            Task::Change | Task::Remove => (!pin.is_set).then_some(false),
        };
        over.or_else(|| self.modal(ctx, scene))
    }

    fn begin_anew(&mut self, refused: Explanation) {
        *self = Pad { refused: Some(refused), ..Pad::new(self.task) };
    }

    fn modal(&mut self, ctx: &Context, scene: &Scene<'_>) -> Option<bool> {
        let theme = scene.theme;
        let title = scene.text(self.title());
        let frame = card::frame(theme).inner_margin(Margin::same(theme.sizes.pad as i8)).stroke(Stroke::new(1.0, theme.color.control));
        let modal = Modal::new(Id::unique("pin")).frame(frame).backdrop_color(theme.color.bg0.gamma_multiply(0.75)).show(ctx, |ui| {
            ui.ctx().accesskit_node_builder(ui.unique_id(), |node| {
                node.set_role(Role::Dialog);
                node.set_label(title);
            });
            let keys = keypad::size(theme);
            let words = (theme.sizes.body * 22.0).min(ctx.content_rect().width() - keys.x - 96.0);
            ui.horizontal_top(|ui| {
                ui.spacing_mut().item_spacing = vec2(space::L, space::S);
                let left = Layout::top_down(Align::Min);
                let put_away = ui.allocate_ui_with_layout(vec2(words, keys.y), left, |ui| {
                    ui.set_min_size(vec2(words, keys.y));
                    self.questions(ui, scene, title)
                });
                ui.vertical(|ui| self.keys(ui, scene));
                put_away.inner
            })
            .inner
        });
        // A glove beside the keys loses nothing that was typed.
        let left = modal.is_top_modal && ctx.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape));
        (modal.inner || left).then_some(false)
    }

    fn title(&self) -> &'static str {
        match self.task {
            Task::Enter => "pin.enter",
            Task::Set => "pin.set",
            Task::Change => "pin.change",
            Task::Remove => "pin.remove",
        }
    }

    /// Title, field, what is wrong, and the two answers. True where it is put away.
    fn questions(&mut self, ui: &mut Ui, scene: &Scene<'_>, title: &str) -> bool {
        let theme = scene.theme;
        ui.spacing_mut().item_spacing = vec2(space::S, space::S);
        ui.label(theme.title(title));
        let name = match (self.step, self.task) {
            (Step::Current, Task::Enter) => "pin.pin",
            (Step::Current, _) => "pin.current",
            (Step::New, _) => "pin.new",
            (Step::Again, _) => "pin.again",
        };
        let response = password_field(ui, theme, scene.text(name), scene.text("pin.show"), &mut self.typed);
        if !self.focused || ui.memory(|memory| memory.focused().is_none()) {
            response.request_focus();
            self.focused = true;
        }
        if response.changed() {
            self.typed.retain(|c| c.is_ascii_digit());
            (self.told, self.refused) = (None, None);
        }
        let entered = response.has_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        self.status(ui, scene);
        ui.with_layout(Layout::bottom_up(Align::Min), |ui| self.answers(ui, scene, entered)).inner
    }

    fn answers(&mut self, ui: &mut Ui, scene: &Scene<'_>, entered: bool) -> bool {
        let theme = scene.theme;
        let last = self.step == Step::Again || matches!(self.task, Task::Enter | Task::Remove);
        let yes = match self.task {
            _ if !last => "pin.next",
            Task::Enter => "pin.open",
            Task::Remove => "pin.remove_now",
            Task::Set | Task::Change => "pin.save",
        };
        ui.horizontal(|ui| {
            let gap = theme.sizes.gap.max(20.0);
            ui.spacing_mut().item_spacing.x = gap;
            let size = |part: f32| vec2((ui.available_width() - gap) * part, field::height(theme));
            let (no, go) = (size(0.4), size(0.6));
            let no = button::secondary_sized(ui, theme, scene.text("shell.cancel"), true, no).clicked();
            let yes = button::primary_sized(ui, theme, scene.text(yes), self.may_go_on(scene), go).clicked();
            if (yes || entered) && self.may_go_on(scene) {
                self.go_on(scene);
            }
            no
        })
        .inner
    }

    fn keys(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        match keypad::keypad(ui, scene.theme, scene.text("login.key.backspace")) {
            Some(Touched::Letter(digit)) => self.typed.push(digit.encode_utf8(&mut [0; 4])),
            Some(Touched::Backspace) => self.typed.backspace(),
            Some(Touched::Enter) | None => return,
        }
        (self.told, self.refused) = (None, None);
    }

    /// One place for what goes on: busy, waiting, wrong, or what a PIN is.
    fn status(&self, ui: &mut Ui, scene: &Scene<'_>) {
        let theme = scene.theme;
        let pin = &scene.model.pin;
        let size = vec2(ui.available_width(), theme.sizes.body * 2.8);
        ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Min), |ui| {
            ui.set_min_size(size);
            if matches!(self.sending.outcome(&pin.acts), Outcome::Busy) {
                ui.ctx().request_repaint_after(sign::BUSY_STEP);
                say(ui, scene, words::busy(scene), scene.text("pin.checking"), "");
            } else if let Some(left) = waits(pin, scene) {
                let words = scene.fill("pin.locked", &[("time", &format::countdown(left))]);
                say(ui, scene, Sign::Warning, &words, scene.text("pin.forgotten"));
            } else if let Some(key) = self.told {
                say(ui, scene, Sign::Critical, &with_rule(scene, key), "");
            } else if let Some(refused) = &self.refused {
                say(ui, scene, Sign::Critical, &scene.what(refused), &scene.remedy(refused));
            } else if self.step != Step::Current {
                ui.add(Label::new(theme.hint(with_rule(scene, "pin.rule"))).wrap());
            }
        });
    }

    fn may_go_on(&self, scene: &Scene<'_>) -> bool {
        let pin = &scene.model.pin;
        let busy = matches!(self.sending.outcome(&pin.acts), Outcome::Busy);
        !busy && !self.typed.is_empty() && waits(pin, scene).is_none()
    }

    fn go_on(&mut self, scene: &Scene<'_>) {
        if check_pin(self.typed.expose()).is_err() {
            // Nobody is sent away for a PIN that cannot be one.
            self.told = Some("pin.unusable");
            return self.typed.clear();
        }
        let typed = self.typed.take();
        match (self.step, self.task) {
            (Step::Current, Task::Enter) => self.send(scene, PinCommand::Enter(typed)),
            (Step::Current, Task::Remove) => self.send(scene, PinCommand::Remove { current: typed }),
            (Step::Current, _) => (self.step, self.current) = (Step::New, typed),
            (Step::New, _) => (self.step, self.new) = (Step::Again, typed),
            (Step::Again, _) if typed != self.new => (self.step, self.told) = (Step::New, Some("pin.differs")),
            (Step::Again, _) => {
                let command = PinCommand::Set { current: std::mem::take(&mut self.current), new: typed };
                self.send(scene, command);
            }
        }
    }

    fn send(&mut self, scene: &Scene<'_>, command: PinCommand) {
        self.sending.sent(&scene.model.pin.acts);
        scene.run(Command::Pin(command));
    }
}

/// A sentence that may say how many digits a PIN has.
fn with_rule(scene: &Scene<'_>, key: &str) -> String {
    scene.fill(key, &[("least", &PIN_LENGTH.start().to_string()), ("most", &PIN_LENGTH.end().to_string())])
}

/// How long nobody may try.
fn waits(pin: &PinSlice, scene: &Scene<'_>) -> Option<chrono::TimeDelta> {
    pin.locked_until.map(|until| until - scene.now).filter(|left| *left > chrono::TimeDelta::zero())
}

/// A sentence that says after how long an open PIN is locked again.
pub(super) fn within(scene: &Scene<'_>, key: &str) -> String {
    scene.fill(key, &[("n", &(PIN_IDLE_SECS / 60).to_string())])
}

/// Stands in place of settings that the PIN guards, with what is wrong with the station where something is.
pub fn door(ui: &mut Ui, scene: &Scene<'_>) {
    let theme = scene.theme;
    ui.vertical_centered(|ui| {
        ui.add_space((ui.available_height() * 0.25).min(160.0));
        ui.set_max_width(ui.available_width().min(theme.sizes.body * 36.0));
        ui.add(Label::new(theme.title(scene.text("pin.guarded"))).wrap());
        ui.add_space(space::S);
        ui.add(Label::new(theme.label(within(scene, "pin.guarded_note"))).wrap());
        if let Some(error) = scene.model.sign_in_error().filter(|_| scene.model.session.station.is_none()) {
            ui.add_space(space::S);
            ui.add(Label::new(theme.words(scene.what(error), Text::Body, Weight::Medium, theme.color.crit)).wrap());
        }
        ui.add_space(space::M);
        if button::primary(ui, theme, scene.text("pin.enter"), true).clicked() {
            scene.ask(Action::AskPin(Task::Enter));
        }
    });
}

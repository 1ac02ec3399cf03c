//! What an account of one's own needs, step by step, and the questions it becomes. No drawing.

use eframe::egui::{Context, Id};

use crate::client::AccountAsk;
use crate::desktop::widgets::keyboard::Touched;
use crate::desktop::widgets::password::PasswordBuffer;
use crate::domain::credentials::{check_email, check_password, check_user_name};
use crate::support::secret::Secret;

/// Where somebody is on his way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    SignUp,
    /// The code for the address that was given.
    Confirm,
    Forgot,
    /// The code for a new password, and the password.
    NewPassword,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    User,
    Email,
    Code,
    Password,
    Again,
}

/// What was typed so far.
pub struct Form {
    pub step: Step,
    pub user: String,
    pub email: String,
    pub code: String,
    pub password: PasswordBuffer,
    pub again: PasswordBuffer,
    /// For signing in once the address is confirmed.
    kept: Secret,
    pub focused: Option<(Slot, Id)>,
    /// Enter was pressed in a field.
    pub entered: bool,
    /// The button was pressed too early: from now on it may be said what is missing.
    pub tried: bool,
    /// A further code was asked for.
    pub resent: bool,
}

impl Form {
    pub fn new(step: Step) -> Form {
        Form {
            step,
            user: String::new(),
            email: String::new(),
            code: String::new(),
            password: PasswordBuffer::default(),
            again: PasswordBuffer::default(),
            kept: Secret::default(),
            focused: None,
            entered: false,
            tried: false,
            resent: false,
        }
    }

    pub fn go_to(&mut self, step: Step) {
        (self.step, self.tried, self.resent, self.focused) = (step, false, false, None);
    }

    pub fn has_code(&self) -> bool {
        matches!(self.step, Step::Confirm | Step::NewPassword)
    }

    pub fn resend(&self) -> AccountAsk {
        let email = self.email.trim().to_owned();
        if self.step == Step::Confirm { AccountAsk::Resend { email } } else { AccountAsk::Forgot { email } }
    }

    /// The question that the button asks; `None` where something is still needed.
    pub fn submit(&mut self) -> Option<AccountAsk> {
        self.tried = self.missing().is_some();
        if self.tried {
            return None;
        }
        let (email, code) = (self.email.trim().to_owned(), Secret::new(self.code.trim()));
        Some(match self.step {
            Step::SignUp => {
                let password = self.password.take();
                self.again.clear();
                self.kept = password.clone();
                AccountAsk::SignUp { name: self.user.trim().to_owned(), email, password }
            }
            Step::Confirm => AccountAsk::Verify { email, code },
            Step::Forgot => AccountAsk::Forgot { email },
            Step::NewPassword => {
                self.again.clear();
                AccountAsk::NewPassword { email, code, password: self.password.take() }
            }
        })
    }

    /// The password that the account was made with, for signing in once its address is confirmed.
    pub fn take_kept(&mut self) -> Secret {
        std::mem::take(&mut self.kept)
    }

    /// The first thing that is still needed, as a key into the language file.
    pub fn missing(&self) -> Option<&'static str> {
        let user = check_user_name(self.user.trim()).is_err();
        let email = check_email(self.email.trim()).is_err();
        let code = self.code.trim().len() != 6 || !self.code.trim().bytes().all(|byte| byte.is_ascii_digit());
        let password = check_password(self.password.expose()).is_err();
        let differs = !self.password.same_as(&self.again);
        let wants: &[(bool, &'static str)] = match self.step {
            Step::SignUp => &[
                (user, "login.missing.administrator"),
                (email, "account.missing_email"),
                (password, "login.password_rule"),
                (differs, "login.password_differs"),
            ],
            Step::Confirm => &[(code, "account.missing_code")],
            Step::Forgot => &[(email, "account.missing_email")],
            Step::NewPassword => &[(code, "account.missing_code"), (password, "login.password_rule"), (differs, "login.password_differs")],
        };
        wants.iter().find_map(|(wanted, key)| wanted.then_some(*key))
    }

    /// Hands a touched key to the field that has the keyboard.
    pub fn touch(&mut self, ctx: &Context, touched: Touched) {
        let Some((slot, id)) = self.focused else { return };
        ctx.memory_mut(|memory| memory.request_focus(id));
        let (text, password) = match slot {
            Slot::User => (Some(&mut self.user), None),
            Slot::Email => (Some(&mut self.email), None),
            Slot::Code => (Some(&mut self.code), None),
            Slot::Password => (None, Some(&mut self.password)),
            Slot::Again => (None, Some(&mut self.again)),
        };
        match (touched, text, password) {
            (Touched::Letter(c), Some(text), _) => text.push(c),
            (Touched::Backspace, Some(text), _) => drop(text.pop()),
            (Touched::Letter(c), _, Some(password)) => password.push(c.encode_utf8(&mut [0; 4])),
            (Touched::Backspace, _, Some(password)) => password.backspace(),
            _ => {}
        }
    }
}

//! An account of one's own from the login window: signed up, confirmed, signed in; and a forgotten password.

use std::sync::Arc;

use andon::client::*;
use andon::support::secret::Secret;
use eframe::egui::Key;
use eframe::egui::accesskit::Role as Handle;
use egui_kittest::kittest::Queryable as _;

use super::world::{self, DESK, PANEL, WALL, World};

const SERVER: &str = "https://line-a.local:8443";

fn known_server() -> Model {
    let mut model = world::signed_out();
    Arc::make_mut(&mut model.session).server_url = SERVER.to_owned();
    model
}

fn ask(ask: AccountAsk) -> Command {
    Command::Account(AccountCommand::Ask { server_url: SERVER.to_owned(), allow_plain_http: false, ask })
}

fn press(world: &mut World, label: &str) {
    world.harness.get_by_label(label).click();
    world.harness.run();
}

fn type_into(world: &mut World, role: Handle, label: &str, text: &str) {
    world.harness.get_by_role_and_label(role, label).focus();
    world.harness.run();
    world.harness.get_by_role_and_label(role, label).type_text(text);
    world.harness.run();
}

fn answer(world: &mut World, done: Option<AccountStep>, error: Option<Explanation>) {
    world.publish(|model| model.account = Arc::new(AccountSlice { asking: false, done, error }));
}

#[test]
fn an_account_is_made_confirmed_and_signed_in() {
    for size in [DESK, PANEL, WALL] {
        let mut world = World::new(size, known_server());
        press(&mut world, if size == PANEL { "New account" } else { "Create an account" });
        type_into(&mut world, Handle::TextInput, "User", " Zoë Nowak ");
        type_into(&mut world, Handle::TextInput, "E-mail address", "zoe@plant.example");
        type_into(&mut world, Handle::PasswordInput, "Password", "blue sky 17");
        type_into(&mut world, Handle::PasswordInput, "Password again", "blue sky 17");
        press(&mut world, "Create account");
        let email = || "zoe@plant.example".to_owned();
        let signup = AccountAsk::SignUp { name: "Zoë Nowak".to_owned(), email: email(), password: Secret::new("blue sky 17") };
        assert_eq!(world.commands(), [ask(signup)]);
        answer(&mut world, Some(AccountStep::SignedUp), None);
        assert!(world.harness.query_by_label("A code of six digits was sent to zoe@plant.example. It is good for 24 hours.").is_some());
        press(&mut world, "Send a new code");
        assert_eq!(world.commands(), [ask(AccountAsk::Resend { email: email() })]);
        answer(&mut world, Some(AccountStep::CodeSent), None);
        type_into(&mut world, Handle::TextInput, "Code", "012345");
        world.harness.key_press(Key::Enter);
        world.harness.run();
        assert_eq!(world.commands(), [ask(AccountAsk::Verify { email: email(), code: Secret::new("012345") })]);
        answer(&mut world, Some(AccountStep::Verified), None);
        let sent = world.commands();
        let [Command::Session(SessionCommand::SignIn(sign_in)), Command::Account(AccountCommand::Forget)] = &sent[..] else {
            panic!("{sent:?}")
        };
        assert_eq!((sign_in.user.as_str(), sign_in.password.expose(), sign_in.server_url.as_str()), ("Zoë Nowak", "blue sky 17", SERVER));
    }
}

#[test]
fn a_forgotten_password_is_replaced() {
    let mut world = World::new(DESK, known_server());
    press(&mut world, "Forgot password?");
    type_into(&mut world, Handle::TextInput, "E-mail address", "zoe@plant.example");
    press(&mut world, "Send code");
    let email = || "zoe@plant.example".to_owned();
    assert_eq!(world.commands(), [ask(AccountAsk::Forgot { email: email() })]);
    answer(&mut world, Some(AccountStep::CodeSent), None);
    type_into(&mut world, Handle::TextInput, "Code", "012345");
    type_into(&mut world, Handle::PasswordInput, "Password", "red earth 18");
    type_into(&mut world, Handle::PasswordInput, "Password again", "red earth 18");
    press(&mut world, "Set password");
    let expected = AccountAsk::NewPassword { email: email(), code: Secret::new("012345"), password: Secret::new("red earth 18") };
    assert_eq!(world.commands(), [ask(expected)]);
    answer(&mut world, Some(AccountStep::PasswordSet), None);
    assert_eq!(world.commands(), [Command::Account(AccountCommand::Forget)]);
    assert!(world.harness.query_by_label("Your password was changed. Sign in with the new one.").is_some());
}

#[test]
fn what_is_missing_is_said_and_nothing_is_asked() {
    let mut world = World::new(DESK, known_server());
    press(&mut world, "Create an account");
    press(&mut world, "Create account");
    assert!(world.harness.query_by_label("Choose a name of 3 to 50 characters, without a colon.").is_some());
    type_into(&mut world, Handle::TextInput, "User", "zoe");
    type_into(&mut world, Handle::TextInput, "E-mail address", "no address");
    press(&mut world, "Create account");
    assert!(world.harness.query_by_label("Type your e-mail address.").is_some());
    assert_eq!(world.commands(), []);
}

#[test]
fn a_refusal_is_told_and_back_leads_to_the_login() {
    let mut world = World::new(DESK, known_server());
    press(&mut world, "Create an account");
    answer(&mut world, None, Some(Explanation::new("username_taken").detail("Username already exists")));
    assert!(world.harness.query_by_label("Somebody has this user name already.").is_some());
    press(&mut world, "Back");
    assert_eq!(world.commands(), [Command::Account(AccountCommand::Forget)]);
    assert!(world.harness.query_by_label("Connect").is_some());
}

#[test]
fn without_an_address_there_is_no_server_to_ask() {
    let mut world = World::new(DESK, world::signed_out());
    press(&mut world, "Create an account");
    assert!(world.harness.query_by_label("Create account").is_none());
    assert!(world.harness.query_by_label("Type the server's address.").is_some());
}

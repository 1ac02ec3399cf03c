//! Who is here, and what he may ask of the frame itself.

use eframe::egui::accesskit::Role as Handle;
use eframe::egui::{Color32, Popup, Rect, RectAlign, Response, Sense, Ui, WidgetInfo, vec2};

use super::{RADIUS_SMALL, has_persons, link, menu_item};
use crate::client::{Command, Person, SessionCommand};
use crate::desktop::action::Action;
use crate::desktop::route::Route;
use crate::desktop::scene::Scene;
use crate::desktop::theme::{Display, Text, Theme, Tone, Weight};
use crate::desktop::widgets::button;
use crate::desktop::widgets::lettering::Line;
use crate::domain::access::Role;
use crate::domain::connection::Connection;
use crate::domain::instance::Application;

/// `room` is what the rest of the header leaves: the role gives way first, for its bar and the menu say it too, then the name.
pub(super) fn person(ui: &mut Ui, scene: &Scene<'_>, room: f32) {
    let theme = scene.theme;
    let Some(person) = &scene.model.session.person else {
        let wants = has_persons(scene) && scene.application != Application::YieldMonitor && scene.is_panel();
        if wants && link(ui, theme, scene.text("shell.sign_in")).clicked() {
            scene.ask(Action::ShowLogin);
        }
        return;
    };
    let role = scene.text(role_key(person.role));
    let words = match scene.signing_out_in {
        Some(left) => {
            let away = person.offline && scene.model.connection.state != Connection::Connected;
            scene.fill(if away { "shell.signing_out_offline" } else { "shell.signing_out" }, &[("n", &left.to_string())])
        }
        None => role.to_owned(),
    };
    let response = person_button(ui, theme, person, (&words, scene.signing_out_in.is_some()), room);
    let name = scene.fill("shell.person", &[("name", &person.name), ("role", &words)]);
    response.widget_info(|| WidgetInfo::labeled(Handle::Button, true, &name));
    Popup::menu(&response).align(RectAlign::BOTTOM_END).show(|ui| person_menu(ui, scene));
}

/// The bar and the space around the words, in points.
const SIDES: f32 = 20.0;
/// What is left of a name where everything else needs its place, in heights of its letters.
const LEAST_NAME: f32 = 4.0;

/// Name and role beside a bar in the role's colour: never a fill, never text in that colour.
fn person_button(ui: &mut Ui, theme: &Theme, person: &Person, (words, warns): (&str, bool), room: f32) -> Response {
    let c = theme.color;
    let one_line = theme.display == Display::Panel;
    let room = room - SIDES;
    let layout = |words: String| ui.painter().layout_no_wrap(words, theme.font(Text::Small, Weight::Regular), c.text2);
    let mut role = layout(if one_line { format!(" · {words}") } else { words.to_owned() });
    // A long name leaves the rest of the header its place.
    let most = ui.available_width() * if one_line { 0.14 } else { 0.26 };
    let least = theme.sizes.body * LEAST_NAME;
    let beside = if one_line { role.size().x } else { 0.0 };
    let beside = if room - beside < least && !warns && one_line {
        role = layout(String::new());
        0.0
    } else {
        beside
    };
    let name_room = (room - beside).max(least).min(most);
    let name = Line::cut(ui, &person.name, (theme.sizes.body, Weight::Medium), c.text1, name_room).galley();
    let (text_width, text_height) = if one_line {
        (name.size().x + role.size().x, name.size().y)
    } else {
        (name.size().x.max(role.size().x), name.size().y + role.size().y - 2.0)
    };
    let (rect, response) = ui.allocate_exact_size(vec2(text_width + SIDES, (text_height + 4.0).min(ui.available_height())), Sense::click());
    if response.hovered() {
        ui.painter().rect_filled(rect.expand(4.0), RADIUS_SMALL, c.bg2);
    }
    ui.painter().rect_filled(Rect::from_min_size(rect.min, vec2(6.0, rect.height())), 0.0, role_color(theme, person.role));
    let at = rect.min + vec2(16.0, 2.0);
    let beside = if one_line { vec2(name.size().x, 0.0) } else { vec2(0.0, name.size().y - 2.0) };
    ui.painter().galley(at, name, c.text1);
    ui.painter().galley(at + beside, role, c.text2);
    button::focus_ring(ui, theme, &response);
    response
}

fn role_color(theme: &Theme, role: Role) -> Color32 {
    let c = theme.color;
    match role {
        Role::Operator => c.role_operator,
        Role::Admin => c.role_admin,
        Role::Superuser => c.role_superuser,
        Role::Technician => c.role_technician,
        Role::Guest | Role::Station => c.control,
    }
}

/// The word for a role.
pub fn role_key(role: Role) -> &'static str {
    match role {
        Role::Guest => "shell.role.guest",
        Role::Station => "shell.role.station",
        Role::Operator => "shell.role.operator",
        Role::Admin => "shell.role.admin",
        Role::Technician => "shell.role.technician",
        Role::Superuser => "shell.role.superuser",
    }
}

/// Side by side on a panel, which is not high enough for both.
fn person_menu(ui: &mut Ui, scene: &Scene<'_>) {
    if scene.is_panel() {
        ui.horizontal_top(|ui| {
            ui.vertical(|ui| acts(ui, scene));
            ui.vertical(|ui| tones(ui, scene));
        });
    } else {
        acts(ui, scene);
        ui.separator();
        tones(ui, scene);
    }
}

fn acts(ui: &mut Ui, scene: &Scene<'_>) {
    let theme = scene.theme;
    if !scene.model.session.is_offline() && menu_item(ui, theme, scene.text("shell.my_account"), false) {
        scene.ask(Action::Go(Route::Me));
    }
    if menu_item(ui, theme, scene.text("shell.sign_out"), false) {
        scene.run(Command::Session(SessionCommand::PersonSignOut));
    }
    if menu_item(ui, theme, scene.text("shell.sign_in_other"), false) {
        scene.ask(Action::ShowLogin);
    }
}

fn tones(ui: &mut Ui, scene: &Scene<'_>) {
    for (key, tone) in [("shell.dark", Some(Tone::Dark)), ("shell.light", Some(Tone::Light)), ("shell.system_tone", None)] {
        if menu_item(ui, scene.theme, scene.text(key), scene.tone == tone) {
            scene.ask(Action::SetTone(tone));
        }
    }
}

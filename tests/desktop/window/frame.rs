//! What stands around the screens: places, header, keys, locks.

use std::sync::Arc;

use andon::client::*;
use andon::desktop::{Options, Route};
use andon::domain::access::Role;
use andon::domain::instance::Application;
use chrono::TimeDelta;
use eframe::egui::accesskit::Role as Handle;
use eframe::egui::{Key, Modifiers, ViewportCommand, ViewportEvent, ViewportId};
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use super::world::{self, DESK, PANEL, WALL, World};

const NAMES: [(Route, &str); 12] = [
    (Route::Overview, "Overview"),
    (Route::Yield, "Yield"),
    (Route::Reports, "Reports"),
    (Route::Queue, "Queue"),
    (Route::Chat, "Chat, 13 unread"),
    (Route::Users, "Users"),
    (Route::Stations, "Tokens"),
    (Route::Audit, "Audit"),
    (Route::Connection, "Server"),
    (Route::Instances, "Stations"),
    (Route::Me, "Me"),
    (Route::About, "About"),
];

#[test]
fn a_day_of_work_from_login_to_logout_by_name() {
    let mut world = World::new(DESK, world::signed_out());
    assert!(world.harness.query_by_role_and_label(Handle::Button, "Connect").is_some());
    let model = world::signed_in(Role::Operator);
    world.publish(|slot| *slot = model);
    assert_eq!(world.harness.state().route(), Some(Route::Overview));
    for (route, name) in [(Route::Yield, "Yield"), (Route::Queue, "Queue")] {
        world.harness.get_by_role_and_label(Handle::Tab, name).click();
        world.harness.run();
        assert_eq!(world.harness.state().route(), Some(route));
    }
    world.harness.get_by_label("M. Nowak, Operator").click();
    world.harness.run();
    world.harness.get_by_label("Sign out").click();
    world.harness.run();
    assert!(world.commands().contains(&Command::Session(SessionCommand::PersonSignOut)));
    world.publish(|model| *model = world::signed_out());
    assert!(world.harness.query_by_role_and_label(Handle::Button, "Connect").is_some());
}

#[test]
fn every_role_sees_the_tabs_that_the_access_table_gives_it() {
    for role in Role::ALL {
        let world = World::new(DESK, world::signed_in(role));
        for (route, name) in NAMES {
            let allowed = route.permission().is_none_or(|permission| role.may(permission));
            let expected = allowed && (role != Role::Station || !route.needs_person());
            let shown = world.harness.query_by_role_and_label(Handle::Tab, name).is_some();
            assert_eq!(shown, expected, "{role:?} {route:?}");
        }
    }
}

#[test]
fn a_card_of_the_overview_leads_to_its_screen() {
    for (card, route) in [
        ("Yield now", Route::Yield),
        ("Connection", Route::Connection),
        ("Reports to send", Route::Queue),
        ("Last reports", Route::Reports),
    ] {
        let mut world = World::new(DESK, world::signed_in(Role::Operator));
        world.harness.get_by_role_and_label(Handle::Button, card).click();
        world.harness.run();
        assert_eq!(world.harness.state().route(), Some(route), "{card}");
    }
}

#[test]
fn numbers_lead_to_places_and_tab_reaches_every_one() {
    let mut world = World::new(DESK, world::signed_in(Role::Superuser));
    world.harness.key_press_modifiers(Modifiers::COMMAND, Key::Num4);
    world.harness.run();
    assert_eq!(world.harness.state().route(), Some(Route::Queue));
    let mut reached = std::collections::BTreeSet::new();
    for _ in 0..60 {
        world.harness.key_press(Key::Tab);
        world.harness.run();
        for (_, name) in NAMES {
            if world.harness.get_by_role_and_label(Handle::Tab, name).is_focused() {
                reached.insert(name);
            }
        }
    }
    assert_eq!(reached.len(), NAMES.len(), "{reached:?}");
    world.harness.get_by_role_and_label(Handle::Tab, "About").focus();
    world.harness.run();
    world.harness.key_press(Key::Enter);
    world.harness.run();
    assert_eq!(world.harness.state().route(), Some(Route::About));
}

#[test]
fn what_does_not_fit_a_panel_stands_behind_more() {
    let mut world = World::new(PANEL, world::signed_in(Role::Superuser));
    assert!(world.harness.query_by_role_and_label(Handle::Tab, "About").is_none());
    world.harness.get_by_label("More, 13 unread").click();
    world.harness.run();
    world.harness.get_by_role_and_label(Handle::MenuItem, "About").click();
    world.harness.run();
    assert_eq!(world.harness.state().route(), Some(Route::About));
}

#[test]
fn nothing_in_a_menu_lies_outside_a_panel() {
    for (menu, items) in [("More, 13 unread", Route::ALL.len() - 3), ("M. Nowak, Superuser", 6)] {
        let mut world = World::new(PANEL, world::signed_in(Role::Superuser));
        world.harness.get_by_label(menu).click();
        world.harness.run();
        let rects: Vec<_> = world.harness.query_all_by_role(Handle::MenuItem).map(|item| item.rect()).collect();
        let window = eframe::egui::Rect::from_min_size(eframe::egui::Pos2::ZERO, PANEL.into());
        assert_eq!(rects.len(), items, "{menu}");
        assert!(rects.iter().all(|rect| window.contains_rect(*rect) && rect.height() >= 64.0), "{menu}: {rects:?}");
    }
}

#[test]
fn where_the_header_is_full_the_station_is_still_told_by_its_name() {
    let full = world::signed_in(Role::Superuser);
    for model in [full.clone(), world::offline(full.clone()), world::broken(full)] {
        for size in [PANEL, DESK, WALL] {
            let mut model = model.clone();
            let name = "Brzęczyszczykiewicz-Chrząszczyżewoszycka Eugeniusz";
            Arc::make_mut(&mut model.session).person.as_mut().unwrap().name = name.to_owned();
            Arc::make_mut(&mut model.line).simulated = true;
            let world = World::with(size, model, world::at(Route::About));
            let place = |label: &str| world.harness.get_by_label(label).rect();
            let (station, mark, person) = (place("Line A - End of line"), place("Simulated"), place(&format!("{name}, Superuser")));
            let least = if size == PANEL { 150.0 } else { 100.0 };
            assert!(station.width() >= least, "{size:?}: {station:?}");
            assert!(station.right() < mark.left() && mark.right() < person.left(), "{size:?}: {station:?} {mark:?} {person:?}");
            assert!(person.width() > 60.0 && person.right() < place("14:02:37").left(), "{size:?}: {person:?}");
        }
    }
}

#[test]
fn the_badge_says_in_words_how_the_server_is() {
    let mut world = World::new(DESK, world::signed_in(Role::Operator));
    assert!(world.harness.query_by_role_and_label(Handle::Button, "Connected 15 ms").is_some());
    let offline = world::offline(world::signed_in(Role::Operator));
    world.publish(|model| *model = offline);
    world.harness.get_by_role_and_label(Handle::Button, "Offline 12 queued").click();
    world.harness.run();
    assert_eq!(world.harness.state().route(), Some(Route::Connection));
    let broken = world::broken(world::signed_in(Role::Operator));
    world.publish(|model| *model = broken);
    assert!(world.harness.query_by_role_and_label(Handle::Button, "Error: certificate").is_some());
}

#[test]
fn an_idle_person_is_warned_and_then_only_looks() {
    let mut world = World::new(DESK, world::signed_in(Role::Operator));
    world.clock.push(TimeDelta::seconds(30 * 60 - 42));
    world.harness.run();
    assert!(world.harness.query_by_label("M. Nowak, Signs out in 42 s").is_some());
    assert_eq!(world.commands().into_iter().filter(is_sign_out).count(), 0);
    world.clock.push(TimeDelta::seconds(42));
    world.harness.run();
    assert_eq!(world.commands().into_iter().filter(is_sign_out).count(), 1);
    world.publish(|model| Arc::make_mut(&mut model.session).person = None);
    assert!(world.harness.query_by_label("View only").is_some());
    assert!(world.harness.query_by_label("Yield now").is_some(), "the view stays");
}

fn is_sign_out(command: &Command) -> bool {
    *command == Command::Session(SessionCommand::PersonSignOut)
}

#[test]
fn a_touch_keeps_a_person_signed_in() {
    let mut world = World::new(DESK, world::signed_in(Role::Operator));
    for _ in 0..4 {
        world.clock.push(TimeDelta::minutes(20));
        world.harness.hover_at(eframe::egui::pos2(300.0, 300.0));
        world.harness.run();
    }
    assert_eq!(world.commands().into_iter().filter(is_sign_out).count(), 0);
}

#[test]
fn a_touch_that_wakes_the_pc_too_late_is_a_strangers() {
    let mut world = World::new(DESK, world::signed_in(Role::Operator));
    world.clock.push(TimeDelta::hours(2));
    world.harness.hover_at(eframe::egui::pos2(300.0, 300.0));
    world.harness.run();
    assert_eq!(world.commands().into_iter().filter(is_sign_out).count(), 1);
}

#[test]
fn what_the_waking_touch_presses_does_not_happen() {
    let mut world = World::with(DESK, world::signed_in(Role::Admin), world::at(Route::Queue));
    world.harness.get_by_label("SN260319398, Waiting").click();
    world.harness.run();
    world.commands();
    world.clock.push(TimeDelta::hours(2));
    world.harness.get_by_role_and_label(Handle::Button, "Delete").click();
    world.harness.step();
    world.harness.run();
    assert!(world.harness.query_by_role(Handle::Dialog).is_none(), "it asks nothing");
    assert_eq!(world.commands().into_iter().filter(|command| !is_sign_out(command)).collect::<Vec<_>>(), []);
    assert!(world.harness.query_by_label("View only").is_some(), "though the services have not answered yet");
}

#[test]
fn a_kiosk_is_not_left_by_the_key_that_wakes_it() {
    let options = Options { kiosk: true, ..world::options(andon::desktop::theme::Tone::Dark) };
    let mut world = World::with(DESK, world::signed_in(Role::Admin), options);
    world.clock.push(TimeDelta::hours(2));
    assert!(close(&mut world), "the administrator is gone");
}

#[test]
fn a_kiosk_is_not_left_by_signing_the_station_out() {
    for (role, may) in [(Role::Operator, false), (Role::Admin, true)] {
        let options = Options { kiosk: true, ..world::at(Route::Connection) };
        let world = World::with(DESK, world::signed_in(role), options);
        let button = world.harness.get_by_role_and_label(Handle::Button, "Sign this station out");
        assert_eq!(!button.accesskit_node().is_disabled(), may, "{role:?}");
    }
}

#[test]
fn a_kiosk_is_not_left_while_its_station_may_still_come() {
    let kiosk = |model: Model| World::with(DESK, model, Options { kiosk: true, ..world::options(andon::desktop::theme::Tone::Dark) });
    assert!(close(&mut kiosk(Model::default())), "nothing is known yet");
    let told = |key: &'static str| {
        let mut model = world::signed_out();
        Arc::make_mut(&mut model.session).sign_in_error = Some(Explanation::new(key));
        model
    };
    for key in ["keyring_locked", "server_unreachable"] {
        let mut waits = told(key);
        Arc::make_mut(&mut waits.session).token_waits = true;
        assert!(close(&mut kiosk(waits)), "its token waits for the keyring, whatever else was tried");
    }
    assert!(!close(&mut kiosk(told("token_unreadable"))) && !close(&mut kiosk(world::signed_out())), "there is no station");
}

#[test]
fn a_clock_set_back_prolongs_nothing() {
    let mut world = World::new(DESK, world::signed_in(Role::Operator));
    world.clock.push(TimeDelta::hours(-5));
    world.harness.run();
    world.clock.push(TimeDelta::minutes(30));
    world.harness.run();
    assert_eq!(world.commands().into_iter().filter(is_sign_out).count(), 1);
}

pub fn close(world: &mut World) -> bool {
    world.harness.input_mut().viewports.entry(ViewportId::ROOT).or_default().events.push(ViewportEvent::Close);
    world.harness.step();
    let refused = world.harness.output().viewport_output[&ViewportId::ROOT].commands.contains(&ViewportCommand::CancelClose);
    world.harness.input_mut().viewports.entry(ViewportId::ROOT).or_default().events.clear();
    refused
}

#[test]
fn a_kiosk_is_left_only_by_those_who_may() {
    for (role, refused) in [(Role::Station, true), (Role::Operator, true), (Role::Admin, false), (Role::Technician, false)] {
        let options = Options { kiosk: true, ..world::options(andon::desktop::theme::Tone::Dark) };
        let mut world = World::with(DESK, world::signed_in(role), options);
        assert_eq!(close(&mut world), refused, "{role:?}");
        world.harness.run();
        assert_eq!(
            world.harness.query_by_role_and_label(Handle::Alert, "This display is locked to full screen.").is_some(),
            refused,
            "{role:?}"
        );
    }
}

#[test]
fn a_kiosk_closes_when_the_system_ends_it() {
    let options = Options { kiosk: true, ..world::options(andon::desktop::theme::Tone::Dark) };
    options.ending.store(true, std::sync::atomic::Ordering::Relaxed);
    let mut world = World::with(DESK, world::signed_in(Role::Station), options);
    assert!(!close(&mut world));
}

#[test]
fn closing_with_reports_waiting_asks_nothing() {
    let mut world = World::new(DESK, world::signed_in(Role::Operator));
    assert!(!close(&mut world));
    assert!(world.harness.query_by_role(Handle::Dialog).is_none());
}

#[test]
fn a_yield_monitor_has_no_rail_until_it_is_asked_for() {
    let mut model = world::signed_in(Role::Station);
    Arc::make_mut(&mut model.session).station.as_mut().unwrap().application = Application::YieldMonitor;
    let mut world = World::new(WALL, model);
    assert_eq!(world.harness.state().route(), Some(Route::Yield));
    assert!(world.harness.query_by_role_and_label(Handle::Tab, "Server").is_none());
    world.harness.get_by_label("Screens").click();
    world.harness.run();
    world.harness.get_by_role_and_label(Handle::Tab, "Server").click();
    world.harness.run();
    assert_eq!(world.harness.state().route(), Some(Route::Connection));
}

#[test]
fn good_news_leaves_and_bad_news_waits_for_its_reader() {
    let mut world = World::new(DESK, world::signed_in(Role::Operator));
    world.far.borrow().notify(Notice::Failed(Explanation::new("busy")));
    world.harness.run();
    world.clock.push(TimeDelta::minutes(5));
    world.harness.run();
    assert!(world.harness.query_by_role_and_label(Handle::Alert, "The station is busy and did not take this.").is_some());
    world.harness.get_by_label("Close").click();
    world.harness.run();
    assert!(world.harness.query_by_role(Handle::Alert).is_none());
}

#[test]
fn a_simulated_line_says_so() {
    let mut model = world::signed_in(Role::Superuser);
    Arc::make_mut(&mut model.line).simulated = true;
    assert!(World::new(DESK, model).harness.query_by_label("Simulated").is_some());
}

#[test]
fn the_yield_is_asked_for_once_by_whoever_shows_it() {
    let watches = |world: &mut World| {
        world.commands().into_iter().filter(|command| matches!(command, Command::Yields(YieldsCommand::Watch(_)))).count()
    };
    let mut world = World::new(DESK, world::signed_in(Role::Station));
    world.harness.run_steps(5);
    assert_eq!(watches(&mut world), 1);
    let options = Options { route: Some(Route::Queue), ..world::options(andon::desktop::theme::Tone::Dark) };
    let mut world = World::with(DESK, world::signed_in(Role::Station), options);
    assert_eq!(watches(&mut world), 0, "nobody looks");
    world.harness.get_by_role_and_label(Handle::Tab, "Yield").click();
    world.harness.run();
    assert_eq!(watches(&mut world), 1);
}

/// Frames that the window asks for by itself within `secs` seconds, each at the moment it asked for.
fn frames_in(world: &mut World, secs: i64) -> usize {
    let end = world.clock.now() + TimeDelta::seconds(secs);
    let mut frames = 0;
    loop {
        let delay = world.harness.output().viewport_output[&ViewportId::ROOT].repaint_delay;
        let Some(at) = TimeDelta::from_std(delay).ok().and_then(|delay| world.clock.now().checked_add_signed(delay)) else { break };
        if at > end || frames > 1000 {
            break;
        }
        world.clock.push(at - world.clock.now());
        world.harness.step();
        frames += 1;
    }
    frames
}

#[test]
fn a_login_at_rest_draws_nothing() {
    for size in [DESK, PANEL] {
        let mut world = World::new(size, world::signed_out());
        world.harness.run_steps(5);
        assert_eq!(frames_in(&mut world, 3600), 0);
    }
    let mut world = World::new(DESK, Model::default());
    world.harness.run_steps(5);
    assert_eq!(frames_in(&mut world, 3600), 0, "and neither does a station that is being opened");
}

#[test]
fn a_station_at_rest_draws_its_clock_and_nothing_else() {
    for (route, _) in NAMES {
        for size in [DESK, PANEL] {
            let options = Options { route: Some(route), ..world::options(andon::desktop::theme::Tone::Dark) };
            let mut world = World::with(size, world::signed_in(Role::Superuser), options);
            world.harness.run_steps(5);
            let frames = frames_in(&mut world, 60);
            assert!((59..=61).contains(&frames), "{frames} frames a minute on {route:?}");
        }
    }
}

#[test]
fn good_news_leaves_the_login_too_and_then_it_rests() {
    let mut world = World::new(DESK, world::signed_out());
    world.far.borrow().notify(Notice::Done { key: "signed_out", values: Vec::new() });
    world.harness.run_steps(3);
    assert!(world.harness.query_by_role(Handle::Status).is_some());
    let frames = frames_in(&mut world, 60);
    assert!((5..=8).contains(&frames), "{frames}");
    assert!(world.harness.query_by_role(Handle::Status).is_none());
}

#[test]
fn nobody_is_asked_for_a_password_before_it_is_known_whether_one_is_needed() {
    let asks = |world: &World| world.harness.query_by_role_and_label(Handle::Button, "Connect").is_some();
    let mut world = World::new(DESK, Model::default());
    assert!(!asks(&world) && world.harness.query_by_label("Opening the station …").is_some());
    world.publish(|model| {
        *model = world::signed_out();
        Arc::make_mut(&mut model.connection).state = andon::domain::connection::Connection::Authenticating;
    });
    assert!(!asks(&world), "the stored token is being unsealed");
    world.publish(|model| Arc::make_mut(&mut model.session).sign_in_error = Some(Explanation::new("token_unreadable")));
    assert!(asks(&world));
    world.publish(|model| {
        *model = Model::default();
        Arc::make_mut(&mut model.instances).problems = vec![Explanation::new("instance_taken")];
    });
    assert!(asks(&world), "no station could be opened: another can be chosen here");
}

//! A keeper on a disk of its own, with a clock that is held: opened again at will, as after a restart or a power cut.

use chrono::TimeDelta;

use super::*;
use crate::client::vault::tests::{lock_keyring, lose_keys, vault_on};
use crate::client::verifier::Cost;
use crate::client::verifier::tests::tools_in;
use crate::domain::InstanceId;
use crate::protocol::audit::OfflineAct;
use crate::support::clock::Clock;

struct World {
    folder: tempfile::TempDir,
    tools: Tools,
}

const RIGHT: &str = "correct horse battery";

fn bound() -> Bound {
    Bound { server_url: "https://line-a".to_owned(), server_id: "s1".to_owned() }
}

impl World {
    fn new() -> World {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::held(chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap());
        let tools = tools_in(folder.path(), clock);
        World { folder, tools }
    }

    fn keeper(&self) -> Keeper {
        Keeper::open(self.tools.clone(), Uuid::nil())
    }

    fn with_ann(self, role: Role) -> World {
        self.keeper().remember(&bound(), &Newcomer { name: "Ann".to_owned(), role, password: Secret::new(RIGHT) });
        self
    }

    /// Each time by a program that has just started.
    fn check(&self, user: &str, password: &str) -> Result<Admitted, SignInError> {
        self.keeper().check(&bound(), user, &Secret::new(password))
    }

    fn told(&self) -> Vec<(String, String, String)> {
        let acts = self.keeper().acts.next("s1");
        acts.into_iter().map(|OfflineAct { user, action, result, .. }| (user, action, result)).collect()
    }
}

fn ann(role: Role) -> Result<Admitted, SignInError> {
    Ok(Admitted { name: "Ann".to_owned(), role })
}

fn entry(user: &str, action: &str, result: &str) -> (String, String, String) {
    (user.to_owned(), action.to_owned(), result.to_owned())
}

#[test]
fn who_signed_in_at_the_server_comes_with_the_same_password_for_seven_days() {
    let world = World::new().with_ann(Role::Technician);
    assert_eq!(world.check(" ANN ", RIGHT), ann(Role::Technician));
    assert_eq!(world.check("ann", "another"), Err(SignInError::WrongPassword));
    world.tools.clock.push(TimeDelta::days(7) - TimeDelta::seconds(1));
    assert_eq!(world.check("ann", RIGHT), ann(Role::Technician));
    world.tools.clock.push(TimeDelta::seconds(1));
    assert_eq!(world.check("ann", RIGHT), Err(SignInError::NotKnownHere));
    let (login, come, fail) = ("login", entry("Ann", "login", "ok"), entry("Ann", "login", "invalid_credentials"));
    assert_eq!(world.told(), [come.clone(), fail, come, entry(NOBODY, login, "not_known_here")]);
}

#[test]
fn nobody_else_is_let_in_and_what_he_typed_is_not_written_down() {
    let world = World::new().with_ann(Role::Operator);
    assert_eq!(world.check("typed secret", "another secret"), Err(SignInError::NotKnownHere));
    assert_eq!(world.check("Ann", "another secret"), Err(SignInError::WrongPassword));
    for entry in std::fs::read_dir(world.folder.path()).unwrap().flatten() {
        let text = String::from_utf8(std::fs::read(entry.path()).unwrap()).unwrap();
        for secret in [RIGHT, "typed secret", "another secret", "\"tag\""] {
            assert!(!text.contains(secret), "{secret} is in {}", entry.path().display());
        }
    }
}

#[test]
fn the_third_wrong_password_locks_and_a_restart_unlocks_nothing() {
    let world = World::new().with_ann(Role::Operator);
    for _ in 0..3 {
        assert_eq!(world.check("ann", "wrong"), Err(SignInError::WrongPassword));
    }
    assert_eq!(world.check("ann", RIGHT), Err(SignInError::LockedFor(std::time::Duration::from_secs(300))));
    assert_eq!(world.told()[3], entry("system", "user.locked", "ok"));
    assert_eq!(world.told().len(), 4, "what is refused unseen is not noted each time");
    world.tools.clock.push(TimeDelta::minutes(5));
    assert_eq!(world.check("ann", RIGHT), ann(Role::Operator));
}

#[test]
fn a_clock_that_is_turned_back_lets_nobody_in() {
    let world = World::new().with_ann(Role::Operator);
    world.tools.clock.push(TimeDelta::days(6));
    assert_eq!(world.check("ann", RIGHT), ann(Role::Operator));
    world.tools.clock.push(TimeDelta::days(-3));
    assert_eq!(world.check("ann", RIGHT), Err(SignInError::ClockWentBack));
    world.tools.clock.push(TimeDelta::days(4));
    assert_eq!(world.check("ann", RIGHT), Err(SignInError::NotKnownHere));
}

#[test]
fn how_far_the_clock_has_come_is_kept_while_nobody_signs_in() {
    let world = World::new().with_ann(Role::Operator);
    world.tools.clock.push(TimeDelta::days(8));
    world.keeper().note_time(&bound());
    world.tools.clock.push(TimeDelta::days(-8));
    assert_eq!(world.check("ann", RIGHT), Err(SignInError::ClockWentBack));
}

#[test]
fn the_file_opens_on_this_machine_for_this_server_and_this_instance_alone() {
    let world = World::new().with_ann(Role::Operator);
    let elsewhere = |change: &dyn Fn(&mut Tools, &mut Bound)| {
        let (mut tools, mut bound) = (world.tools.clone(), bound());
        let copy = tempfile::tempdir().unwrap();
        std::fs::copy(file_in(world.folder.path()), file_in(copy.path())).unwrap();
        tools.folder = copy.path().to_owned();
        change(&mut tools, &mut bound);
        Keeper::open(tools, Uuid::nil()).check(&bound, "ann", &Secret::new(RIGHT))
    };
    assert_eq!(elsewhere(&|_, _| ()), ann(Role::Operator), "a copy on the same machine");
    let refused = Err(SignInError::NotKnownHere);
    let without_its_key = elsewhere(&|tools, _| tools.vault = vault_on("m2"));
    assert_eq!(without_its_key, Err(SignInError::KeyringAway), "it may be a keyring that is locked");
    assert_eq!(elsewhere(&|tools, _| tools.id = InstanceId::parse("b").unwrap()), refused);
    assert_eq!(elsewhere(&|_, bound| bound.server_id = "s2".to_owned()), refused);
    assert_eq!(elsewhere(&|_, bound| bound.server_url = "https://line-b".to_owned()), refused);
}

#[test]
fn a_file_that_somebody_changed_knows_nobody_and_is_good_again_after_the_next_sign_in() {
    let world = World::new().with_ann(Role::Operator);
    let file = file_in(world.folder.path());
    let text = std::fs::read_to_string(&file).unwrap();
    let at = text.len() - 10;
    let changed = format!("{}{}{}", &text[..at], if &text[at..=at] == "A" { "B" } else { "A" }, &text[at + 1..]);
    for bad in [changed.as_str(), "", "{}", "[1]", "\u{fffd}"] {
        std::fs::write(&file, bad).unwrap();
        assert_eq!(world.check("ann", RIGHT), Err(SignInError::NotKnownHere), "{bad}");
    }
    let world = world.with_ann(Role::Operator);
    assert_eq!(world.check("ann", RIGHT), ann(Role::Operator));
}

#[test]
fn whoever_is_forgotten_is_not_known_and_leaves_no_trace() {
    let world = World::new().with_ann(Role::Operator);
    world.keeper().renew(&bound(), "ann", &Secret::new("a newer word"));
    assert_eq!(world.check("ann", RIGHT), Err(SignInError::WrongPassword));
    assert_eq!(world.check("ann", "a newer word"), ann(Role::Operator));
    world.keeper().forget(&bound(), "ANN");
    assert_eq!(world.check("ann", "a newer word"), Err(SignInError::NotKnownHere));
    let world = world.with_ann(Role::Operator);
    world.keeper().forget_all().unwrap();
    assert_eq!(world.check("ann", RIGHT), Err(SignInError::NotKnownHere));
    let left: Vec<_> = std::fs::read_dir(world.folder.path()).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert!(left.iter().all(|name| name.to_string_lossy().starts_with("offline_acts.json")), "{left:?}");
}

#[test]
fn a_mistyped_password_takes_nothing_away_and_the_known_one_refused_by_the_server_does() {
    let world = World::new().with_ann(Role::Operator);
    world.keeper().refused(&bound(), "ann", &Secret::new("correct horse batterx"));
    world.keeper().refused(&bound(), "nobody", &Secret::new(RIGHT));
    assert_eq!(world.check("ann", RIGHT), ann(Role::Operator));
    world.keeper().refused(&bound(), " ANN ", &Secret::new(RIGHT));
    assert_eq!(world.check("ann", RIGHT), Err(SignInError::NotKnownHere));
}

#[test]
fn who_may_do_nothing_without_the_server_is_told_so() {
    let world = World::new().with_ann(Role::Guest);
    assert_eq!(world.check("ann", "wrong"), Err(SignInError::WrongPassword));
    assert_eq!(world.check("ann", RIGHT), Err(SignInError::NothingOffline));
    assert_eq!(world.told()[1], entry("Ann", "login", "forbidden"));
}

#[test]
fn where_it_cannot_be_noted_nobody_comes_in() {
    let world = World::new().with_ann(Role::Operator);
    let mut keeper = world.keeper();
    std::fs::create_dir(world.folder.path().join(format!("offline_acts.json.new-{}", std::process::id()))).unwrap();
    assert!(matches!(keeper.check(&bound(), "ann", &Secret::new(RIGHT)), Err(SignInError::NotKept { .. })));
}

#[cfg(unix)]
#[test]
fn the_files_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new().with_ann(Role::Operator);
    world.check("ann", RIGHT).unwrap();
    for name in ["offline.json", "offline_acts.json"] {
        let mode = std::fs::metadata(world.folder.path().join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{name}");
    }
}

/// On the machine's clock, for it is about time spent.
#[test]
fn a_name_that_nobody_has_takes_as_long_as_one_that_somebody_has() {
    let world = World::new();
    let tools = Tools { cost: Cost::RECOMMENDED, ..world.tools.clone() };
    let mut keeper = Keeper::open(tools, Uuid::nil());
    let password = || Secret::new(RIGHT);
    keeper.remember(&bound(), &Newcomer { name: "Ann".to_owned(), role: Role::Operator, password: password() });
    let _ = keeper.check(&bound(), "nobody", &password());
    let mut time = |user: &str| {
        let started = std::time::Instant::now();
        let _ = keeper.check(&bound(), user, &Secret::new("wrong"));
        started.elapsed().as_secs_f64()
    };
    let (known, unknown) = (time("ann").min(time("ann")), time("nobody").min(time("nobody")));
    assert!((0.4..2.5).contains(&(unknown / known)), "{unknown} s for nobody, {known} s for somebody");
}

#[test]
fn a_keyring_that_is_away_for_a_moment_costs_nobody_his_week() {
    let world = World::new().with_ann(Role::Technician);
    lock_keyring(&world.tools.vault, true);
    assert_eq!(world.check("Ann", RIGHT), Err(SignInError::KeyringAway));
    assert_eq!(world.check("nobody", RIGHT), Err(SignInError::KeyringAway));
    world.keeper().note_time(&bound());
    lock_keyring(&world.tools.vault, false);
    assert_eq!(world.check("Ann", RIGHT), ann(Role::Technician));
}

#[test]
fn whoever_signs_in_at_the_server_while_the_keyring_is_away_takes_nobodys_place() {
    for away in [lock_keyring, lose_keys] {
        let world = World::new().with_ann(Role::Technician);
        let mut keeper = world.keeper();
        away(&world.tools.vault, true);
        let bob = Newcomer { name: "bob".to_owned(), role: Role::Operator, password: Secret::new(RIGHT) };
        keeper.remember(&bound(), &bob);
        assert_eq!(keeper.check(&bound(), "bob", &Secret::new(RIGHT)), Err(SignInError::KeyringAway));
        away(&world.tools.vault, false);
        keeper.note_time(&bound());
        assert_eq!(world.check("ann", RIGHT), ann(Role::Technician));
        assert_eq!(world.check("bob", RIGHT).map(|bob| bob.role), Ok(Role::Operator), "he is in the book now");
    }
}

#[test]
fn a_newcomer_whom_the_server_refuses_while_the_keyring_is_away_is_not_taken_over() {
    let world = World::new().with_ann(Role::Technician);
    let mut keeper = world.keeper();
    lock_keyring(&world.tools.vault, true);
    for name in ["bob", "ben"] {
        keeper.remember(&bound(), &Newcomer { name: name.to_owned(), role: Role::Operator, password: Secret::new(RIGHT) });
    }
    keeper.refused(&bound(), "bob", &Secret::new(RIGHT));
    keeper.refused(&bound(), "ben", &Secret::new("a slip"));
    lock_keyring(&world.tools.vault, false);
    assert_eq!(keeper.check(&bound(), "bob", &Secret::new(RIGHT)), Err(SignInError::NotKnownHere));
    assert!(keeper.check(&bound(), "ben", &Secret::new(RIGHT)).is_ok());
}

#[test]
fn a_book_whose_key_never_comes_back_gives_way_once_nobody_in_it_could_come() {
    let world = World::new().with_ann(Role::Technician);
    lose_keys(&world.tools.vault, true);
    assert_eq!(world.check("ann", RIGHT), Err(SignInError::KeyringAway));
    let file = std::fs::File::options().write(true).open(world.tools.folder.join("offline.json")).unwrap();
    file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    assert_eq!(world.check("ann", RIGHT), Err(SignInError::NotKnownHere));
}

#[test]
fn whoever_is_to_be_forgotten_is_so_without_the_keyring_too() {
    let acts: [fn(&mut Keeper); 2] =
        [|keeper| keeper.forget(&bound(), "Ann"), |keeper| keeper.renew(&bound(), "Ann", &Secret::new("another one"))];
    for act in acts {
        let world = World::new().with_ann(Role::Technician);
        lock_keyring(&world.tools.vault, true);
        act(&mut world.keeper());
        lock_keyring(&world.tools.vault, false);
        assert_eq!(world.check("Ann", RIGHT), Err(SignInError::NotKnownHere));
    }
}

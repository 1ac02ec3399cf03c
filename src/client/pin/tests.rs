//! The service as the window sees it: what it asks, and what it is told.

use std::time::Duration;

use chrono::DateTime;

use super::*;
use crate::client::bridge::Publisher;
use crate::client::model::Model;
use crate::client::verifier::tests::tools_in;
use crate::support::clock::Clock;
use crate::support::secret::Secret;

struct World {
    folder: tempfile::TempDir,
    clock: Clock,
    model: tokio::sync::watch::Receiver<Model>,
    commands: mpsc::Sender<PinCommand>,
    notices: mpsc::Receiver<crate::client::Notice>,
    stop: CancellationToken,
}

impl World {
    fn new() -> World {
        World::in_folder(tempfile::tempdir().unwrap(), Clock::held(DateTime::from_timestamp(1_800_000_000, 0).unwrap()))
    }

    fn in_folder(folder: tempfile::TempDir, clock: Clock) -> World {
        let (publisher, model) = Publisher::new(Arc::new(|| ()));
        let (notifier, notices) = Notifier::new();
        let parts = Parts::open(tools_in(folder.path(), clock.clone()), publisher.slice(|model| &mut model.pin), notifier);
        let (commands, mut inbox) = mpsc::channel(8);
        let stop = CancellationToken::new();
        let ended = stop.clone();
        tokio::spawn(async move { run(parts, &mut inbox, ended).await });
        World { folder, clock, model, commands, notices, stop }
    }

    fn restarted(self) -> World {
        self.stop.cancel();
        World::in_folder(self.folder, self.clock)
    }

    /// Asks, and waits for the answer.
    async fn ask(&mut self, command: PinCommand) -> PinSlice {
        let before = self.model.borrow().pin.acts.settled;
        self.commands.send(command).await.unwrap();
        self.until(|pin| pin.acts.settled > before).await
    }

    async fn until(&mut self, good: impl Fn(&PinSlice) -> bool) -> PinSlice {
        let found = tokio::time::timeout(Duration::from_secs(5), self.model.wait_for(|model| good(&model.pin))).await;
        PinSlice::clone(&found.expect("in time").expect("the service lives").pin)
    }
}

fn enter(pin: &str) -> PinCommand {
    PinCommand::Enter(Secret::new(pin))
}

fn set(current: &str, new: &str) -> PinCommand {
    PinCommand::Set { current: Secret::new(current), new: Secret::new(new) }
}

fn refused(slice: &PinSlice) -> Option<&'static str> {
    slice.acts.refused.as_ref().map(|told| told.key)
}

#[tokio::test]
async fn a_pin_opens_until_it_is_locked_again_or_the_program_starts_anew() {
    let mut world = World::new();
    let slice = world.ask(set("", "2468")).await;
    assert!(slice.is_set && slice.is_open, "who sets it knows it");
    assert!(matches!(world.notices.recv().await, Some(crate::client::Notice::Done { key: "pin_set", .. })));
    world.commands.send(PinCommand::Lock).await.unwrap();
    world.until(|pin| !pin.is_open).await;
    let slice = world.ask(enter("1111")).await;
    assert_eq!((slice.is_open, refused(&slice)), (false, Some("pin_wrong")));
    assert!(world.ask(enter("2468")).await.is_open);
    let mut world = world.restarted();
    let slice = world.until(|_| true).await;
    assert!(slice.is_set && !slice.is_open, "and it is known at once");
    let slice = world.ask(PinCommand::Remove { current: Secret::new("2468") }).await;
    assert_eq!(slice, PinSlice { acts: slice.acts.clone(), ..PinSlice::default() });
}

#[tokio::test]
async fn a_wait_is_known_after_a_restart() {
    let mut world = World::new();
    world.ask(set("", "2468")).await;
    for _ in 0..5 {
        world.ask(enter("0000")).await;
    }
    let mut world = world.restarted();
    let slice = world.until(|_| true).await;
    assert!(slice.locked_until.is_some_and(|until| until > world.clock.now()));
    assert_eq!(refused(&world.ask(enter("2468")).await), Some("pin_locked"));
}

#[tokio::test]
async fn a_pin_whose_file_was_taken_away_is_gone_at_the_next_look() {
    let mut world = World::new();
    world.ask(set("", "2468")).await;
    world.commands.send(PinCommand::Lock).await.unwrap();
    assert!(forget(world.folder.path()).unwrap());
    world.commands.send(PinCommand::Look).await.unwrap();
    assert!(!world.until(|pin| !pin.is_set).await.is_open);
    assert_eq!(refused(&world.ask(enter("anything")).await), None);
}

#[test]
fn every_trouble_with_a_pin_has_a_sentence_and_a_remedy() {
    let language = crate::support::language::Language::english();
    for error in [
        PinError::Wrong { left: 3 },
        PinError::LockedUntil(DateTime::UNIX_EPOCH),
        PinError::Unusable,
        PinError::Unreadable { file: PathBuf::from("pin.json"), detail: "x".to_owned() },
        PinError::NotKept(io::Error::other("x")),
    ] {
        let told = error.explain();
        for text in [told.what(&language), told.remedy(&language)] {
            assert!(text.ends_with('.') && !text.contains(['{', '}']), "{}: {text}", told.key);
        }
    }
}

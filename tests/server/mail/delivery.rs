//! Mail goes out once, in time or late, and never to a stranger.

use std::time::{Duration, Instant};

use andon::server::{Encryption, Mail};
use andon::support::backoff::Backoff;
use andon::support::clock::Clock;

use super::sink::{Mood, Sink, USER, until};
use super::{sign_up, verify, with_sink};
use crate::world::World;

#[tokio::test]
async fn a_mail_arrives_once_encrypted_and_in_two_forms() {
    let (world, sink) = with_sink(Clock::system(), |_| ()).await;
    sign_up(&world, "Zoë Nowak", "zoe@x.example").await.expect(201);
    let mail = sink.mail_to("zoe@x.example", 1).await;
    assert!(mail.encrypted && mail.user.as_deref() == Some(USER), "{mail:?}");
    for part in
        ["From: Andon <andon@plant.example>", "Subject: Email Verification Code", "Content-Type: text/plain", "Content-Type: text/html"]
    {
        assert!(mail.text.contains(part), "no {part} in {}", mail.text);
    }
    // Another mail after it, so that a second copy would have had its time.
    sign_up(&world, "second", "second@x.example").await.expect(201);
    sink.mail_to("second@x.example", 1).await;
    assert_eq!(sink.mails().len(), 2);
}

#[tokio::test]
async fn mail_waits_for_a_mail_server_that_is_down_and_arrives_once() {
    let (world, mut sink) = with_sink(Clock::system(), |_| ()).await;
    sink.stop();
    sign_up(&world, "anna", "anna@x.example").await.expect(201);
    sign_up(&world, "berta", "berta@x.example").await.expect(201);
    // Asked again meanwhile: the first mail is not sent after all.
    let again = serde_json::json!({ "email": "anna@x.example" });
    world.anonymous().post("/api/resend-verification", &again).await.expect(200);
    let world = world.restart().await;
    sink.restart().await;
    let code = sink.mail_to("anna@x.example", 1).await.code();
    sink.mail_to("berta@x.example", 1).await;
    verify(&world, "anna@x.example", &code).await.expect(200);
    assert_eq!(sink.mails().len(), 2, "{:?}", sink.mails());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_server_down_for_a_minute_costs_nobody_his_signup_and_each_mail_comes_once() {
    let mut sink = Sink::start().await;
    let mut smtp = sink.settings();
    smtp.retry = Backoff::new(Duration::from_secs(1), Duration::from_secs(5));
    let world = World::with(Clock::system(), |config| config.mail = Mail::Smtp(smtp)).await;
    sink.stop();
    let people = ["anna", "berta", "carla", "dora"];
    for name in people {
        let asked = Instant::now();
        sign_up(&world, name, &format!("{name}@x.example")).await.expect(201);
        assert!(asked.elapsed() < Duration::from_secs(5), "nobody waits for the mail server: {:?}", asked.elapsed());
        tokio::time::sleep(Duration::from_secs(60 / people.len() as u64)).await;
    }
    sink.restart().await;
    for name in people {
        let email = format!("{name}@x.example");
        let code = sink.mail_to(&email, 1).await.code();
        verify(&world, &email, &code).await.expect(200);
    }
    // A mail asked for after them, and another wait between tries: a second copy would have had its time.
    sign_up(&world, "late", "late@x.example").await.expect(201);
    sink.mail_to("late@x.example", 1).await;
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(sink.mails().len(), people.len() + 1, "{:?}", sink.mails());
}

#[tokio::test]
async fn a_mail_server_that_is_busy_is_asked_again_and_one_that_refuses_for_good_is_not() {
    let (world, sink) = with_sink(Clock::system(), |_| ()).await;
    sink.set(Mood::Refuses("451 busy"));
    sign_up(&world, "anna", "anna@x.example").await.expect(201);
    until("a third try", || (sink.named().len() >= 3).then_some(())).await;
    sink.set(Mood::Takes);
    sink.mail_to("anna@x.example", 1).await;
    sink.set(Mood::Refuses("550 nobody here"));
    sign_up(&world, "berta", "berta@x.example").await.expect(201);
    until("the refusal", || sink.named().contains(&"berta@x.example".to_owned()).then_some(())).await;
    sink.set(Mood::Takes);
    sign_up(&world, "carla", "carla@x.example").await.expect(201);
    sink.mail_to("carla@x.example", 1).await;
    assert_eq!(sink.named().iter().filter(|to| *to == "berta@x.example").count(), 1);
    assert_eq!(sink.mails().len(), 2);
}

#[tokio::test]
async fn no_mail_goes_to_a_server_without_encryption_or_with_a_strangers_certificate() {
    let (sink, stranger) = (Sink::start().await, Sink::start().await);
    let mut smtp = sink.settings();
    smtp.authorities = stranger.settings().authorities;
    let world = World::with(Clock::system(), |config| config.mail = Mail::Smtp(smtp)).await;
    sign_up(&world, "anna", "anna@x.example").await.expect(201);
    let mut plain = sink.settings();
    plain.port = stranger.settings().port;
    stranger.set(Mood::Plain);
    let plain_world = World::with(Clock::system(), |config| config.mail = Mail::Smtp(plain)).await;
    sign_up(&plain_world, "anna", "anna@x.example").await.expect(201);
    // Tries come every tenth of a second at most; a dozen of them would have shown.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(sink.named().is_empty() && stranger.named().is_empty(), "{:?} {:?}", sink.named(), stranger.named());
    // With the right authority the same mail goes out.
    let right = sink.settings();
    let world = world.restart_with(|config| config.mail = Mail::Smtp(right)).await;
    let code = sink.mail_to("anna@x.example", 1).await.code();
    verify(&world, "anna@x.example", &code).await.expect(200);
}

#[tokio::test]
async fn a_mail_server_on_this_machine_may_have_any_certificate() {
    let sink = Sink::start().await;
    let mut smtp = sink.settings();
    (smtp.authorities, smtp.encryption) = (None, Encryption::IfOffered);
    let world = World::with(Clock::system(), |config| config.mail = Mail::Smtp(smtp)).await;
    sign_up(&world, "anna", "anna@x.example").await.expect(201);
    assert!(sink.mail_to("anna@x.example", 1).await.encrypted);
}

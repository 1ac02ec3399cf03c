//! People and stations sign in, and are turned away.

use andon::domain::Role;
use andon::domain::credentials::mask_token;
use andon::server::{AccountError, AdminError, Config};
use andon::support::clock::Clock;
use andon::support::secret::Secret;
use chrono::{DateTime, TimeDelta};
use serde_json::json;

use crate::world::{PASSWORD, World};

#[tokio::test]
async fn a_person_signs_in_and_is_told_who_he_is() {
    let world = World::new().await;
    let login = world.login("oper").await;
    assert_eq!((login.token_type.as_str(), login.expires_in), ("Bearer", 900));
    assert_eq!((login.user.username.as_str(), login.user.role, login.user.session_timeout), ("oper", Role::Operator, Some(1800)));
    assert_eq!(login.user.permissions, Role::Operator.permissions());
    let me = world.anonymous().bearer(&login.access_token).get("/api/auth/me").await.expect(200);
    assert_eq!(me.read::<andon::protocol::auth::Caller>(), login.user);
}

#[tokio::test]
async fn names_are_found_without_regard_to_case_and_exist_once() {
    let world = World::new().await;
    let admin = world.admin_tools();
    admin.add_user("Żółw", Role::Guest, Some("Z@Line.example"), &Secret::new(PASSWORD)).await.unwrap();
    assert_eq!(world.login("żÓŁW").await.user.username, "Żółw");
    let again = admin.add_user("ŻÓŁW", Role::Guest, None, &Secret::new(PASSWORD)).await;
    assert!(matches!(again, Err(AdminError::Account(AccountError::NameTaken))), "{again:?}");
    let again = admin.add_user("other", Role::Guest, Some("z@line.EXAMPLE"), &Secret::new(PASSWORD)).await;
    assert!(matches!(again, Err(AdminError::Account(AccountError::EmailTaken))), "{again:?}");
}

#[tokio::test]
async fn wrong_user_wrong_password_wrong_role_and_disabled_are_one_answer() {
    let world = World::new().await;
    world.admin_tools().set_active("tech", false).await.unwrap();
    let tries = [
        json!({ "username": "nobody", "password": PASSWORD }),
        json!({ "username": "oper", "password": "wrong" }),
        json!({ "username": "admin", "password": "" }),
        json!({ "username": "root", "password": PASSWORD, "role": "ADMIN" }),
        json!({ "username": "tech", "password": PASSWORD }),
        json!({ "username": "op' or '1'='1", "password": "x' or '1'='1" }),
        json!({ "username": "op'; drop table users; --", "password": PASSWORD }),
    ];
    let mut answers = Vec::new();
    for body in tries {
        let mut answer = world.anonymous().post("/api/auth/login", &body).await.expect_refusal(401, "invalid_credentials").json();
        answer.as_object_mut().unwrap().remove("request_id");
        answers.push(answer);
    }
    assert!(answers.windows(2).all(|two| two[0] == two[1]), "{answers:?}");
    world.login("oper").await;
    let claimed = json!({ "username": "oper", "password": PASSWORD, "role": "OPERATOR" });
    world.anonymous().post("/api/auth/login", &claimed).await.expect(200);
}

#[tokio::test]
async fn an_access_token_ends_after_fifteen_minutes() {
    let clock = Clock::held(DateTime::from_timestamp(1_800_000_000, 0).unwrap());
    let world = World::with(clock.clone(), |_| ()).await;
    let person = world.operator().await;
    clock.push(TimeDelta::minutes(14));
    person.get("/api/auth/me").await.expect(200);
    clock.push(TimeDelta::minutes(2));
    person.get("/api/auth/me").await.expect_refusal(401, "unauthorized");
}

#[tokio::test]
async fn a_disabled_user_is_refused_at_once_and_a_new_role_holds_at_once() {
    let world = World::new().await;
    let (person, admin) = (world.operator().await, world.admin_tools());
    admin.set_role("oper", Role::Guest).await.unwrap();
    assert_eq!(person.get("/api/auth/me").await.expect(200).json()["role"], "GUEST");
    admin.set_active("OPER", false).await.unwrap();
    person.get("/api/auth/me").await.expect_refusal(401, "unauthorized");
    admin.set_active("oper", true).await.unwrap();
    person.get("/api/auth/me").await.expect_refusal(401, "unauthorized");
}

#[tokio::test]
async fn a_new_password_ends_the_sessions_of_the_old_one() {
    let world = World::new().await;
    let person = world.operator().await;
    world.admin_tools().set_password("oper", &Secret::new("another secret")).await.unwrap();
    person.get("/api/auth/me").await.expect_refusal(401, "unauthorized");
    let body = json!({ "username": "oper", "password": PASSWORD });
    world.anonymous().post("/api/auth/login", &body).await.expect_refusal(401, "invalid_credentials");
}

#[tokio::test]
async fn a_station_gets_a_token_that_works_as_basic_and_as_bearer() {
    let world = World::new().await;
    let answer = world.anonymous().basic("oper", PASSWORD).get("/api/auth/gettoken/Line-A%20EOL").await.expect(200);
    let token: String = answer.read();
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    for station in [world.anonymous().basic_token(&token), world.anonymous().bearer(&token)] {
        let me = station.get("/api/auth/me").await.expect(200).json();
        assert_eq!((me["username"].as_str(), me["role"].as_str()), (Some("Line-A EOL"), Some("STATION")));
        assert!(me["session_timeout"].is_null());
        assert_eq!(station.get("/API/app/VERSION").await.expect(200).json(), env!("CARGO_PKG_VERSION"));
    }
    let listed = world.admin_tools().list_tokens().await.unwrap();
    assert_eq!(
        (listed[0].identifier.as_str(), listed[0].issued_by.as_str(), listed[0].mask.clone()),
        ("Line-A EOL", "oper", mask_token(&token))
    );
}

#[tokio::test]
async fn a_further_token_leaves_the_first_alone_and_a_reset_ends_both() {
    let world = World::new().await;
    let person = world.anonymous().basic("oper", PASSWORD);
    let first: String = person.get("/api/Auth/GetToken").await.expect(200).read();
    let second: String = person.get("/api/Auth/GetToken").await.expect(200).read();
    let version = async |token: &str| world.anonymous().basic_token(token).get("/api/App/Version").await.status;
    assert_ne!(first, second);
    assert_eq!((version(&first).await, version(&second).await), (200, 200));
    let other: String = person.get("/api/Auth/GetToken/other").await.expect(200).read();
    let third: String = person.get("/api/Auth/GetToken/OPER?reset=true").await.expect(200).read();
    assert_eq!((version(&first).await, version(&second).await, version(&third).await, version(&other).await), (401, 401, 200, 200));
    assert_eq!(world.admin_tools().revoke_tokens("other").await.unwrap(), 1);
    assert_eq!(version(&other).await, 401);
}

#[tokio::test]
async fn get_token_needs_a_person_who_may_enroll_stations() {
    let world = World::new().await;
    world.admin_tools().add_user("visitor", Role::Guest, None, &Secret::new(PASSWORD)).await.unwrap();
    let path = "/api/Auth/GetToken/x";
    world.anonymous().basic("visitor", PASSWORD).get(path).await.expect_refusal(403, "forbidden");
    let refused = world.anonymous().basic("oper", "wrong").get(path).await.expect_refusal(401, "invalid_credentials").json();
    assert_eq!(refused["Message"], refused["error"]);
    world.anonymous().get(path).await.expect_refusal(401, "invalid_credentials");
    world.anonymous().basic_token("%%%").get(path).await.expect_refusal(401, "invalid_credentials");
    world
        .anonymous()
        .basic("oper", PASSWORD)
        .get(&format!("/api/Auth/GetToken/{}", "x".repeat(101)))
        .await
        .expect_refusal(400, "bad_identifier");
}

#[tokio::test]
async fn enrolment_can_be_kept_to_administrators() {
    let world = World::with(Clock::system(), |config| config.station_enrollment = andon::server::StationEnrollment::Admins).await;
    world.anonymous().basic("oper", PASSWORD).get("/api/Auth/GetToken").await.expect_refusal(403, "forbidden");
    world.anonymous().basic("admin", PASSWORD).get("/api/Auth/GetToken").await.expect(200);
}

#[tokio::test]
async fn only_the_first_administrator_is_made_by_set_up() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config { password_cost: 4, ..Config::in_folder(folder.path()) };
    let admin = andon::server::Admin::open(&config, Clock::system()).await.unwrap();
    assert!(!admin.has_accounts().await.unwrap());
    let (secret, other) = (Secret::new(PASSWORD), Secret::new(PASSWORD));
    let (one, two) = tokio::join!(admin.set_up("anna", &secret), admin.set_up("berta", &other));
    assert_eq!([one.is_ok(), two.is_ok()].iter().filter(|made| **made).count(), 1, "{one:?} {two:?}");
    assert!(matches!(admin.set_up("carla", &secret).await, Err(AdminError::AlreadySetUp)));
    assert_eq!(admin.list_users().await.unwrap().iter().map(|user| user.role).collect::<Vec<_>>(), [Role::Superuser]);
}

#[tokio::test]
async fn neither_passwords_nor_tokens_lie_in_the_data_folder() {
    let world = World::new().await;
    let login = world.login("oper").await;
    let token: String = world.anonymous().basic("oper", PASSWORD).get("/api/Auth/GetToken").await.expect(200).read();
    let folder = world.folder.path().to_owned();
    let World { running, folder: _kept, .. } = world;
    running.stop().await;
    let secrets = [PASSWORD, login.refresh_token.as_str(), login.access_token.as_str(), token.as_str()];
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = if path.is_file() { std::fs::read(&path).unwrap() } else { continue };
        for secret in secrets {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{} holds a secret", path.display());
        }
    }
}

#[tokio::test]
async fn accounts_sessions_and_tokens_outlive_a_restart() {
    let world = World::new().await;
    let (person, station) = (world.login("oper").await, world.admin_tools().issue_token("line-a").await.unwrap());
    let id = world.anonymous().get("/health").await.expect(200).json()["server_id"].clone();
    let world = world.restart().await;
    let after = world.anonymous().bearer(&person.access_token).get("/api/auth/me").await.expect(200);
    assert_eq!(after.header("x-andon-server"), id.as_str());
    world.anonymous().basic_token(station.expose()).get("/api/App/Version").await.expect(200);
}

#[tokio::test]
async fn an_unknown_name_takes_as_long_as_a_wrong_password() {
    use std::time::{Duration, Instant};
    let world = World::with(Clock::system(), |config| config.password_cost = 10).await;
    let time = async |name: &str| {
        let body = json!({ "username": name, "password": "wrong wrong" });
        let started = Instant::now();
        world.anonymous().post("/api/auth/login", &body).await.expect(401);
        started.elapsed()
    };
    let (mut unknown, mut wrong) = (Duration::MAX, Duration::MAX);
    // In turn, and the fastest of each: other tests run beside this one. Without the hash of nobody it is fifty times faster.
    for n in 0..8 {
        unknown = unknown.min(time(&format!("nobody{n}")).await);
        wrong = wrong.min(time("oper").await);
        world.admin_tools().unlock("oper").await.unwrap();
    }
    assert!(unknown > wrong / 4 && wrong > unknown / 4, "{unknown:?} against {wrong:?}");
}

#[tokio::test]
async fn a_person_signs_out_of_one_session_and_keeps_the_others() {
    let world = World::new().await;
    let (here, there) = (world.operator().await, world.operator().await);
    let answer = here.request("POST", "/api/auth/logout", &[], None).await.expect(200).json();
    assert_eq!(answer, json!({ "message": "Logged out successfully" }));
    here.get("/api/auth/me").await.expect_refusal(401, "unauthorized");
    here.request("POST", "/api/auth/logout", &[], None).await.expect_refusal(401, "unauthorized");
    there.get("/api/auth/me").await.expect(200);
}

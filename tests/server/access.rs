//! Who may ask for what: every route of the document by every role and by nobody, compared with the access table. A new route is in
//! the document, so it is walked as well.

use andon::domain::{Permission, Role};
use andon::server::Config;
use andon::support::clock::Clock;
use andon::support::secret::Secret;
use serde_json::{Value, json};

use crate::http::Answer;
use crate::wire::Wire;
use crate::world::{Client, PASSWORD, World};

/// One operation of the document.
struct Operation {
    method: String,
    path: String,
    permission: String,
    takes_password: bool,
    takes_body: bool,
    statuses: Vec<String>,
}

fn operations(document: &Value) -> Vec<Operation> {
    let mut found = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            found.push(Operation {
                method: method.to_uppercase(),
                path: filled_in(path),
                permission: operation["x-permission"].as_str().unwrap().to_owned(),
                takes_password: operation["security"].to_string().contains("password"),
                takes_body: operation.get("requestBody").is_some(),
                statuses: operation["responses"].as_object().unwrap().keys().cloned().collect(),
            });
        }
    }
    found
}

/// With something in place of every parameter that nothing has for a name.
fn filled_in(path: &str) -> String {
    let part = |part: &str| if part.starts_with('{') { "01900000-0000-7000-8000-00000000dead".to_owned() } else { part.to_owned() };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

/// What the table says about this caller, `None` being nobody.
fn may(operation: &Operation, role: Option<Role>) -> bool {
    let Some(role) = role else { return operation.permission == "-" };
    match operation.permission.as_str() {
        "-" | "any" => true,
        "person" => role != Role::Station,
        "station" => role == Role::Station,
        // A password is a person's.
        _ if operation.takes_password && role == Role::Station => false,
        name => role.may(serde_json::from_value::<Permission>(name.into()).unwrap()),
    }
}

fn name_of(role: Role) -> &'static str {
    match role {
        Role::Guest => "guest",
        Role::Station => "line-a",
        Role::Operator => "oper",
        Role::Admin => "admin",
        Role::Technician => "tech",
        Role::Superuser => "root",
    }
}

async fn client(world: &World, role: Option<Role>) -> Client {
    match role {
        None => world.anonymous(),
        Some(Role::Station) => world.station().await,
        Some(role) => world.person(name_of(role)).await,
    }
}

async fn ask(client: &Client, operation: &Operation) -> Answer {
    let json: &[(&str, &str)] = &[("content-type", "application/json")];
    let body: Option<&[u8]> = operation.takes_body.then_some(b"{}");
    client.request(&operation.method, &operation.path, if operation.takes_body { json } else { &[] }, body).await
}

/// Whether an answer says that this caller may not, whatever he asks.
fn is_refused(answer: &Answer) -> bool {
    let code = || serde_json::from_slice::<Value>(&answer.body).unwrap_or_default()["code"].as_str().unwrap_or_default().to_owned();
    match answer.status {
        401 => ["unauthorized", "invalid_credentials"].contains(&code().as_str()),
        403 => code() == "forbidden",
        _ => false,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_answers_every_role_as_the_access_table_says() {
    let world = World::new().await;
    world.admin_tools().add_user("guest", Role::Guest, None, &Secret::new(PASSWORD)).await.unwrap();
    let operations = operations(&world.anonymous().get("/api/openapi.json").await.expect(200).json());
    assert!(operations.len() > 15, "the document holds only {} operations", operations.len());
    let mut wrong = Vec::new();
    for role in [None].into_iter().chain(Role::ALL.into_iter().map(Some)) {
        let mut client = client(&world, role).await;
        for operation in &operations {
            let asks = match role {
                Some(role) if operation.takes_password && role != Role::Station => world.anonymous().basic(name_of(role), PASSWORD),
                _ => client.clone(),
            };
            let answer = ask(&asks, operation).await;
            let who = role.map_or("nobody", Role::as_str);
            let place =
                format!("{} {} by {who}: {} {}", operation.method, operation.path, answer.status, String::from_utf8_lossy(&answer.body));
            // A sign-in that fails for want of a password is refused as it should be, and says nothing about roles.
            let public = operation.permission == "-";
            if !public && is_refused(&answer) == may(operation, role) {
                wrong.push(place.clone());
            }
            if public && answer.status == 403 {
                wrong.push(format!("public, yet refused: {place}"));
            }
            if answer.status >= 500 && answer.status != 503 || !operation.statuses.contains(&answer.status.to_string()) {
                wrong.push(format!("not in the document: {place}"));
            }
            // Some routes end the caller's session; the next one wants a good one.
            if role.is_some() && client.get("/api/auth/me").await.status != 200 {
                client = self::client(&world, role).await;
            }
        }
    }
    assert!(wrong.is_empty(), "{} answers are not as the access table and the document say:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn what_is_refused_without_encryption_stands_in_the_document() {
    let change = |config: &mut Config| (config.https_only, config.trusted_proxies) = (true, vec!["127.0.0.1".parse().unwrap()]);
    let world = World::with(Clock::system(), change).await;
    for operation in operations(&world.anonymous().get("/api/openapi.json").await.expect(200).json()) {
        let answer = world.anonymous().request(&operation.method, &operation.path, &[("x-forwarded-for", "192.0.2.7")], None).await;
        let place = format!("{} {}: {}", operation.method, operation.path, answer.status);
        assert!(operation.statuses.contains(&answer.status.to_string()), "not in the document: {place}");
        if operation.path.starts_with("/health") {
            assert_ne!(answer.status, 403, "{place}");
        } else {
            answer.expect_refusal(403, "https_required");
        }
    }
}

#[tokio::test]
async fn whoever_may_not_learns_nothing_from_a_refused_body() {
    let world = World::new().await;
    let guest = {
        world.admin_tools().add_user("guest", Role::Guest, None, &Secret::new(PASSWORD)).await.unwrap();
        world.person("guest").await
    };
    guest.post_text("/api/App/DynamicYield", "not json").await.expect_refusal(403, "forbidden");
    world.anonymous().post_text("/api/App/DynamicYield", "not json").await.expect_refusal(401, "unauthorized");
    world.operator().await.post_text("/api/App/DynamicYield", "not json").await.expect_refusal(400, "bad_body");
}

#[tokio::test]
async fn the_readers_of_the_document_load_everything_from_this_server_and_run_no_script_of_their_pages() {
    let world = World::new().await;
    for page in ["/api/docs", "/api/redoc"] {
        let answer = world.anonymous().get(page).await.expect(200);
        let rules = answer.header("content-security-policy").unwrap();
        assert!(rules.contains("default-src 'none'; script-src 'self';") && !rules.contains("unsafe-eval"), "{rules}");
        let html = answer.text().to_owned();
        let links: Vec<&str> = html.split(['"']).filter(|part| part.starts_with("readers/")).collect();
        assert!(links.len() >= 2 && !html.contains("http") && !html.contains("<script>"), "{html}");
        for link in links {
            let file = world.anonymous().get(&format!("/api/{link}")).await.expect(200);
            let compressed = file.header("content-encoding") == Some("gzip");
            assert_eq!(compressed, file.body.starts_with(&[0x1f, 0x8b]), "{link}");
            assert!(file.header("content-type").is_some_and(|kind| kind.starts_with("text/")) && !file.body.is_empty(), "{link}");
        }
    }
    world.anonymous().get("/api/readers/licences.txt").await.expect(200);
    world.anonymous().get("/api/readers/none.js").await.expect_refusal(404, "not_found");
}

#[tokio::test]
async fn no_token_passes_for_one_of_the_other_kind_not_even_right_after_it_was_used() {
    let world = World::new().await;
    let token = world.admin_tools().issue_token("line-a").await.unwrap();
    let station = world.anonymous().basic_token(token.expose());
    let login = world.login("oper").await;
    let person = world.anonymous().bearer(&login.access_token);
    for _ in 0..3 {
        station.get("/api/auth/me").await.expect(200);
        let mut socket = Wire::open(world.running.address(), "/api/ws").await;
        socket.say("auth", "a", json!({ "token": token.expose() })).await;
        assert_eq!(socket.ending().await, ("bad_token".to_owned(), 1008));
        station.get("/api/auth/me").await.expect(200);
        let cookie = format!("andon_access={}", token.expose());
        world.anonymous().request("GET", "/api/auth/me", &[("cookie", &cookie)], None).await.expect_refusal(401, "unauthorized");
        person.get("/api/auth/me").await.expect(200);
        world.anonymous().basic_token(&login.access_token).get("/api/auth/me").await.expect_refusal(401, "unauthorized");
    }
}

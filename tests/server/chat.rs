//! Rooms over HTTP: history by pages, notes, unread counts, who is here, and what is refused.

use andon::domain::Role;
use andon::support::secret::Secret;
use serde_json::{Value, json};

use crate::world::{Client, PASSWORD, World};

async fn say(person: &Client, room: &str, content: &str) -> String {
    let message = person.post(&format!("/api/chat/{room}/messages"), &json!({ "content": content })).await.expect(201).json();
    message["id"].as_str().unwrap().to_owned()
}

fn contents(history: &Value) -> Vec<&str> {
    history["messages"].as_array().unwrap().iter().map(|message| message["content"].as_str().unwrap()).collect()
}

async fn room(person: &Client, name: &str) -> Value {
    let rooms = person.get("/api/chat/rooms").await.expect(200).json();
    rooms["rooms"].as_array().unwrap().iter().find(|room| room["room"] == name).unwrap_or_else(|| panic!("{rooms}")).clone()
}

#[tokio::test]
async fn history_is_read_by_pages_from_the_newest_back() {
    let world = World::new().await;
    let person = world.operator().await;
    for n in 0..7 {
        say(&person, "line", &n.to_string()).await;
    }
    let page = async |query: &str| person.get(&format!("/api/chat/LINE/messages?{query}")).await.expect(200).json();
    let newest = page("limit=3").await;
    assert_eq!((contents(&newest), newest["more"].as_bool()), (vec!["4", "5", "6"], Some(true)));
    let before = newest["messages"][0]["id"].as_str().unwrap().to_owned();
    let oldest = page(&format!("limit=4&before={before}")).await;
    assert_eq!((contents(&oldest), oldest["more"].as_bool()), (vec!["0", "1", "2", "3"], Some(false)));
}

#[tokio::test]
async fn a_search_finds_words_in_whatever_case_and_says_how_far_it_came() {
    let world = World::new().await;
    let person = world.operator().await;
    let first = say(&person, "line", "ŁÓDŹ: nest 3 blocked, 100 %").await;
    for n in 0..5 {
        say(&person, "line", &format!("nothing {n}")).await;
    }
    person.post("/api/chat/line/messages", &json!({ "content": "Watch Nest 3", "kind": "note" })).await.expect(201);
    let found = async |query: &str| person.get(&format!("/api/chat/line/messages?search={query}")).await.expect(200).json();
    let all = found("nest").await;
    assert_eq!((contents(&all), &all["more"]), (vec!["ŁÓDŹ: nest 3 blocked, 100 %", "Watch Nest 3"], &json!(false)));
    assert_eq!(contents(&found("%C5%82%C3%B3d%C5%BA").await).len(), 1, "letters beyond a to z too");
    assert_eq!(contents(&found("0%20%25").await).len(), 1, "and signs that mean something to databases");
    assert_eq!(contents(&found("nest&kind=note").await), ["Watch Nest 3"]);
    let newest = found("nest&limit=1").await;
    assert_eq!((contents(&newest), &newest["more"]), (vec!["Watch Nest 3"], &json!(true)));
    let before = newest["searched_to"].as_str().unwrap();
    assert_eq!(found(&format!("nest&limit=1&before={before}")).await["messages"][0]["id"], json!(first));
    let none = found("nobody").await;
    assert_eq!((contents(&none), &none["more"], &none["searched_to"]), (vec![], &json!(false), &json!(first)));
    for query in ["", "%20", &"x".repeat(201)] {
        person.get(&format!("/api/chat/line/messages?search={query}")).await.expect_refusal(400, "bad_query");
    }
}

#[tokio::test]
async fn each_station_has_a_room_and_each_person_his_unread_messages() {
    let world = World::new().await;
    world.admin_tools().issue_token("Line-A <b>EOL</b> ą").await.unwrap();
    let (anna, jan) = (world.operator().await, world.person("tech").await);
    let (name, path) = ("station:Line-A <b>EOL</b> ą", "station:line-a%20%3Cb%3Eeol%3C%2Fb%3E%20%C4%85");
    let first = say(&anna, path, "first").await;
    let second = say(&anna, path, "second").await;
    say(&jan, path, "own").await;
    assert_eq!((&room(&jan, name).await["unread"], &room(&anna, name).await["unread"]), (&json!(2), &json!(1)));
    assert_eq!(room(&jan, "line").await, json!({ "room": "line", "unread": 0, "read": null, "last": null }));
    let read = async |id: &str| {
        let body = json!({ "message_id": id }).to_string();
        let headers = [("content-type", "application/json")];
        jan.request("PUT", &format!("/api/chat/{path}/read"), &headers, Some(body.as_bytes())).await
    };
    read(&first).await.expect(204);
    assert_eq!(room(&jan, name).await["unread"], 1);
    read(&second).await.expect(204);
    read(&first).await.expect(204);
    assert_eq!((&room(&jan, name).await["unread"], &room(&jan, name).await["read"]), (&json!(0), &json!(second)));
    read("01900000-0000-7000-8000-000000000000").await.expect_refusal(404, "not_found");
    read("x").await.expect_refusal(400, "bad_body");
    assert_eq!(contents(&jan.get("/api/chat/line/messages").await.expect(200).json()), Vec::<&str>::new());
}

#[tokio::test]
async fn notes_for_the_next_shift_are_found_among_the_messages() {
    let world = World::new().await;
    let person = world.operator().await;
    say(&person, "line", "hello").await;
    let note = json!({ "content": "Nest 3 is blocked", "kind": "note" });
    person.post("/api/chat/line/messages", &note).await.expect(201);
    let notes = person.get("/api/chat/line/messages?kind=note").await.expect(200).json();
    assert_eq!((contents(&notes), &notes["messages"][0]["kind"]), (vec!["Nest 3 is blocked"], &json!("note")));
    assert_eq!(contents(&person.get("/api/chat/line/messages").await.expect(200).json()).len(), 2);
}

#[tokio::test]
async fn only_who_may_chat_reads_and_writes_and_bad_words_are_refused() {
    let world = World::new().await;
    world.admin_tools().add_user("visitor", Role::Guest, None, &Secret::new(PASSWORD)).await.unwrap();
    let (visitor, station) = (world.person("visitor").await, world.station().await);
    say(&visitor, "line", "a guest may").await;
    for path in ["/api/chat/rooms", "/api/chat/presence", "/api/chat/line/messages"] {
        station.get(path).await.expect_refusal(403, "forbidden");
        world.anonymous().get(path).await.expect_refusal(401, "unauthorized");
    }
    let post = async |room: &str, body: Value| visitor.post(&format!("/api/chat/{room}/messages"), &body).await;
    for content in [String::new(), " \n ".to_owned(), "x".repeat(4001)] {
        let refused = post("line", json!({ "content": content })).await.expect_refusal(400, "bad_message").json();
        assert!(refused["fields"]["content"].is_string(), "{refused}");
    }
    post("line", json!({ "content": "a\u{0}" })).await.expect_refusal(400, "bad_text");
    post("line", json!({ "content": "x", "id": "" })).await.expect_refusal(400, "bad_message");
    post("line", json!({ "content": 5 })).await.expect_refusal(400, "bad_body");
    post("line", json!({ "content": "x", "kind": "shout" })).await.expect_refusal(400, "bad_body");
    post("nowhere", json!({ "content": "x" })).await.expect_refusal(404, "not_found");
    post("station:nowhere", json!({ "content": "x" })).await.expect_refusal(404, "not_found");
    post("station:%00", json!({ "content": "x" })).await.expect_refusal(400, "bad_text");
    for query in ["limit=0", "limit=201", "limit=x", "before=x", "kind=x"] {
        visitor.get(&format!("/api/chat/line/messages?{query}")).await.expect_refusal(400, "bad_query");
    }
}

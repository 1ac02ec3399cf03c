//! The web page: what browsers are told, its session in cookies, and who sees the board.

use serde_json::json;

use crate::http::Answer;
use crate::world::{Client, PASSWORD, World};

/// A browser: its cookies, and the CSRF token that its page reads from one of them.
struct Browser {
    client: Client,
    cookies: Vec<(String, String)>,
}

impl Browser {
    async fn login(world: &World, name: &str) -> (Browser, Answer) {
        let mut browser = Browser { client: world.anonymous(), cookies: Vec::new() };
        let body = json!({ "username": name, "password": PASSWORD });
        let answer = browser.change("POST", "/api/page/login", &[], &body.to_string()).await;
        browser.take(&answer);
        (browser, answer)
    }

    fn take(&mut self, answer: &Answer) {
        for cookie in answer.headers("set-cookie") {
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.retain(|(known, _)| known != name);
            if !value.is_empty() {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
    }

    fn header(&self) -> String {
        self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    fn csrf(&self) -> &str {
        self.cookies.iter().find(|(name, _)| name.ends_with("andon_csrf")).map_or("", |(_, value)| value)
    }

    async fn get(&self, path: &str) -> Answer {
        self.client.request("GET", path, &[("cookie", &self.header())], None).await
    }

    async fn change(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let cookie = self.header();
        let all = [&[("cookie", cookie.as_str()), ("content-type", "application/json")], headers].concat();
        self.client.request(method, path, &all, Some(body.as_bytes())).await
    }
}

#[tokio::test]
async fn browsers_are_told_to_run_only_what_is_ours() {
    let world = World::new().await;
    let page = world.anonymous().get("/").await.expect(200);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    let policy = page.header("content-security-policy").unwrap();
    for part in ["default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "connect-src 'self'"] {
        assert!(policy.split(';').any(|found| found.trim() == part), "{policy}");
    }
    for part in ["form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"] {
        assert!(policy.split(';').any(|found| found.trim() == part), "{policy}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
    for answer in [&page, &world.anonymous().get("/health").await, &world.anonymous().get("/api/nothing").await] {
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("x-frame-options"), Some("DENY"));
        assert_eq!(answer.header("cross-origin-resource-policy"), Some("same-origin"));
        assert!(answer.header("content-security-policy").unwrap().contains("default-src 'none'"));
        assert_eq!(answer.header("access-control-allow-origin"), None);
        assert_eq!(answer.header("strict-transport-security"), None, "by plain HTTP it means nothing");
    }
    assert_eq!(page.header("referrer-policy"), Some("same-origin"));
    assert_eq!(page.header("cross-origin-opener-policy"), Some("same-origin"));
    assert!(page.header("permissions-policy").unwrap().contains("camera=()"));
    let handlers = page.text().split_whitespace().filter(|word| word.starts_with("on") && word.contains('='));
    assert!(!page.text().contains("<style") && !page.text().contains("style=") && handlers.count() == 0, "nothing is inline");
    assert_eq!(page.text().matches("<script").count(), 1);
}

#[tokio::test]
async fn a_file_is_fetched_once_a_version() {
    let world = World::new().await;
    let page = world.anonymous().get("/").await.expect(200);
    let paths: Vec<&str> = page.text().split('"').filter(|text| text.starts_with("/web/")).collect();
    assert!(paths.len() >= 3, "{paths:?}");
    for path in paths {
        let file = world.anonymous().get(path).await.expect(200);
        assert_eq!(file.header("cache-control"), Some("public, max-age=31536000, immutable"), "{path}");
        let tag = file.header("etag").unwrap();
        world.anonymous().request("GET", path, &[("if-none-match", tag)], None).await.expect(304);
        let packed = world.anonymous().request("GET", path, &[("accept-encoding", "gzip")], None).await.expect(200);
        assert!(packed.header("content-encoding") == Some("gzip") || file.body.len() < 300, "{path}");
    }
    assert_eq!(page.header("cache-control"), Some("no-cache"));
    world.anonymous().request("GET", "/", &[("if-none-match", page.header("etag").unwrap())], None).await.expect(304);
    let other = world.anonymous().get("/web/0000/page.css").await.expect(200);
    assert_eq!(other.header("cache-control"), Some("no-cache"), "of another version: not for ever");
    for path in ["/web/0000/nothing.js", "/web/0000/..%2f..%2fCargo.toml"] {
        world.anonymous().get(path).await.expect(404);
    }
}

#[tokio::test]
async fn a_session_of_the_page_is_out_of_reach_of_scripts() {
    let world = World::new().await;
    let (browser, answer) = Browser::login(&world, "oper").await;
    let answer = answer.expect(200);
    assert_eq!(answer.json()["username"], "oper");
    assert!(!answer.text().contains("token"), "{}", answer.text());
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    for cookie in answer.headers("set-cookie") {
        assert!(cookie.contains("SameSite=Strict") && !cookie.contains("Domain"), "{cookie}");
        assert_eq!(cookie.contains("HttpOnly"), !cookie.starts_with("andon_csrf="), "{cookie}");
        assert!(!cookie.contains("Secure"), "it would not come back by plain HTTP: {cookie}");
    }
    assert_eq!(browser.cookies.len(), 3);
    assert_eq!(browser.get("/api/page/session").await.expect(200).json()["user"]["username"], "oper");
    assert_eq!(browser.get("/api/auth/me").await.expect(200).json()["role"], "OPERATOR");
    let stranger = world.anonymous().get("/api/page/session").await.expect(200);
    assert!(stranger.json()["user"].is_null());
    let wrong = json!({ "username": "oper", "password": "wrong" });
    world.anonymous().post("/api/page/login", &wrong).await.expect_refusal(401, "invalid_credentials");
}

#[tokio::test]
async fn by_tls_cookies_are_bound_to_it() {
    let world = World::with(andon::support::clock::Clock::system(), |config| config.https_only = true).await;
    let (browser, answer) = Browser::login(&world, "oper").await;
    let answer = answer.expect(200);
    for cookie in answer.headers("set-cookie") {
        assert!(cookie.contains("; Secure") && cookie.starts_with("__"), "{cookie}");
    }
    assert!(answer.header("strict-transport-security").unwrap().contains("max-age=31536000"));
    assert_eq!(browser.get("/api/auth/me").await.expect(200).json()["username"], "oper");
}

#[tokio::test]
async fn behind_a_proxy_that_speaks_tls_cookies_are_bound_to_it_and_by_plain_http_they_are_not() {
    let trust = |config: &mut andon::server::Config| config.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    let world = World::with(andon::support::clock::Clock::system(), trust).await;
    let mut browser = Browser { client: world.anonymous(), cookies: Vec::new() };
    let body = json!({ "username": "oper", "password": PASSWORD }).to_string();
    let (tls, plain) = (("x-forwarded-proto", "https"), ("x-forwarded-proto", "http"));
    let answer = browser.change("POST", "/api/page/login", &[tls, ("x-forwarded-for", "192.0.2.7")], &body).await.expect(200);
    assert_eq!(answer.headers("set-cookie").filter(|cookie| cookie.starts_with("__") && cookie.contains("; Secure")).count(), 3);
    browser.take(&answer);
    let me = async |scheme| browser.client.request("GET", "/api/auth/me", &[("cookie", &browser.header()), scheme], None).await;
    assert_eq!(me(tls).await.expect(200).json()["username"], "oper");
    me(plain).await.expect_refusal(401, "unauthorized");
    let token = ("x-csrf-token", browser.csrf());
    browser.change("POST", "/api/page/logout", &[tls], "").await.expect_refusal(403, "csrf");
    browser.change("POST", "/api/page/logout", &[tls, token], "").await.expect(200);
    me(tls).await.expect_refusal(401, "unauthorized");
    let answer = browser.change("POST", "/api/page/login", &[plain], &body).await.expect(200);
    assert!(answer.headers("set-cookie").all(|cookie| !cookie.contains("Secure")), "they would not come back");
}

#[tokio::test]
async fn a_change_by_cookie_needs_the_csrf_token_of_its_session() {
    let world = World::new().await;
    let (browser, _) = Browser::login(&world, "oper").await;
    let (other, _) = Browser::login(&world, "admin").await;
    let host = world.running.address().to_string();
    let yields = "/api/App/DynamicYield";
    browser.change("POST", yields, &[], "{}").await.expect_refusal(403, "csrf");
    browser.change("POST", yields, &[("x-csrf-token", other.csrf())], "{}").await.expect_refusal(403, "csrf");
    browser.change("POST", yields, &[("x-csrf-token", "")], "{}").await.expect_refusal(403, "csrf");
    let token = ("x-csrf-token", browser.csrf());
    browser.change("POST", yields, &[token], "{}").await.expect(200);
    browser.change("POST", yields, &[token, ("origin", &format!("http://{host}"))], "{}").await.expect(200);
    for foreign in ["http://evil.example", "null", "http://127.0.0.1:1"] {
        browser.change("POST", yields, &[token, ("origin", foreign)], "{}").await.expect_refusal(403, "foreign_origin");
    }
    for site in ["cross-site", "same-site"] {
        browser.change("POST", yields, &[token, ("sec-fetch-site", site)], "{}").await.expect_refusal(403, "foreign_origin");
    }
    // Nor may another's page sign a browser in.
    let body = json!({ "username": "oper", "password": PASSWORD }).to_string();
    browser.change("POST", "/api/page/login", &[("origin", "http://evil.example")], &body).await.expect_refusal(403, "foreign_origin");
    browser.change("POST", "/api/auth/logout", &[], "").await.expect_refusal(403, "csrf");
    browser.get("/api/auth/me").await.expect(200);
}

#[tokio::test]
async fn signing_out_ends_the_session_and_takes_the_cookies_back() {
    let world = World::new().await;
    let (mut browser, _) = Browser::login(&world, "oper").await;
    let stolen = browser.header();
    browser.change("POST", "/api/page/logout", &[], "").await.expect_refusal(403, "csrf");
    // A form on another site comes without our cookies.
    let foreign = [("sec-fetch-site", "cross-site"), ("content-type", "application/x-www-form-urlencoded")];
    let refused = world.anonymous().request("POST", "/api/page/logout", &foreign, Some(b"")).await.expect_refusal(403, "foreign_origin");
    assert_eq!(refused.headers("set-cookie").count(), 0, "it would sign out whoever looks at that site");
    let answer = browser.change("POST", "/api/page/logout", &[("x-csrf-token", browser.csrf())], "").await.expect(200);
    browser.take(&answer);
    assert!(browser.cookies.is_empty(), "{:?}", browser.cookies);
    assert!(answer.headers("set-cookie").all(|cookie| cookie.contains("Max-Age=0")));
    browser.client.request("GET", "/api/auth/me", &[("cookie", &stolen)], None).await.expect_refusal(401, "unauthorized");
    browser.change("POST", "/api/page/logout", &[], "").await.expect(200);
}

#[tokio::test]
async fn a_session_is_renewed_by_its_cookies_once_and_a_used_token_ends_it() {
    let clock = andon::support::clock::Clock::held(andon::support::clock::Clock::system().now());
    let world = World::with(clock.clone(), |_| ()).await;
    let (mut browser, _) = Browser::login(&world, "oper").await;
    let before = (browser.header(), browser.csrf().to_owned());
    clock.push(chrono::TimeDelta::minutes(16));
    browser.get("/api/auth/me").await.expect_refusal(401, "unauthorized");
    browser.change("POST", "/api/page/refresh", &[], "").await.expect_refusal(403, "csrf");
    let answer = browser.change("POST", "/api/page/refresh", &[("x-csrf-token", browser.csrf())], "").await.expect(200);
    assert!(!answer.text().contains("token"), "{}", answer.text());
    browser.take(&answer);
    assert_ne!(browser.csrf(), before.1);
    browser.get("/api/auth/me").await.expect(200);
    // A thief with the old cookies, or a page that lost the answer: nobody can tell, so the session ends.
    let headers = [("cookie", before.0.as_str()), ("x-csrf-token", before.1.as_str())];
    let thief = world.anonymous().request("POST", "/api/page/refresh", &headers, Some(b"")).await.expect_refusal(401, "token_reused");
    assert!(thief.headers("set-cookie").all(|cookie| cookie.contains("Max-Age=0")));
    browser.get("/api/auth/me").await.expect_refusal(401, "unauthorized");
    world.anonymous().request("POST", "/api/page/refresh", &[], Some(b"")).await.expect_refusal(401, "unauthorized");
}

#[tokio::test]
async fn whoever_leaves_after_a_pause_has_left() {
    let clock = andon::support::clock::Clock::held(andon::support::clock::Clock::system().now());
    let world = World::with(clock.clone(), |_| ()).await;
    let (browser, _) = Browser::login(&world, "oper").await;
    clock.push(chrono::TimeDelta::minutes(16));
    let token = ("x-csrf-token", browser.csrf());
    browser.change("POST", "/api/page/logout", &[token], "").await.expect(200);
    browser.change("POST", "/api/page/refresh", &[token], "").await.expect(401);
}

#[tokio::test]
async fn the_board_is_for_those_who_may_see_it_or_for_everybody_when_that_is_set() {
    let world = World::new().await;
    world.anonymous().get("/api/page/board").await.expect_refusal(401, "unauthorized");
    let (browser, _) = Browser::login(&world, "oper").await;
    let board = browser.get("/api/page/board").await.expect(200);
    assert_eq!(board.json()["processes"], json!([]));
    browser.get("/api/page/board?since=yesterday").await.expect_refusal(400, "bad_query");
    browser.get("/api/page/board?since=2020-01-01T00:00:00Z").await.expect_refusal(400, "bad_query");
    let open = World::with(andon::support::clock::Clock::system(), |config| {
        config.public_board = true;
        config.board_target = Some(0.98);
    })
    .await;
    let board = open.anonymous().get("/api/page/board").await.expect(200).json();
    assert_eq!((board["target"].as_f64(), board["reports"].as_array().map(Vec::len)), (Some(0.98), Some(0)));
    assert_eq!(open.anonymous().get("/api/page/session").await.expect(200).json()["public_board"], true);
}

#[tokio::test]
async fn only_the_origins_that_are_set_may_call_from_their_pages() {
    let friend = "https://friend.example";
    let world = World::with(andon::support::clock::Clock::system(), |config| config.cors_origins = vec![friend.to_owned()]).await;
    let ask = async |origin: &str| world.anonymous().request("GET", "/health", &[("origin", origin)], None).await;
    assert_eq!(ask(friend).await.header("access-control-allow-origin"), Some(friend));
    assert_eq!(ask(friend).await.header("access-control-allow-credentials"), None, "cookies are for our own page");
    assert_eq!(ask("https://evil.example").await.header("access-control-allow-origin"), None);
    let preflight = [("origin", friend), ("access-control-request-method", "POST"), ("access-control-request-headers", "authorization")];
    let answer = world.anonymous().request("OPTIONS", "/api/App/DynamicYield", &preflight, None).await.expect(200);
    assert!(answer.header("access-control-allow-headers").unwrap().contains("authorization"));
}

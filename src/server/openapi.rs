//! The OpenAPI document, made from the router itself. A handler's annotation says what is its own: parameters, bodies, answers, and
//! the permission it asks for (`x-permission`). What holds for every route is added here, once: security, and how refusals look.

use std::sync::LazyLock;

use axum::http::Method;
use serde_json::{Map, Value, json};
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{InfoBuilder, OpenApiBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::{cookies, headers, router};
use crate::domain::{Permission, Role};
use crate::protocol::auth::Problem;

/// Where an operation says what its caller must be allowed to do: the name of a permission, or one of the words below.
const PERMISSION: &str = "x-permission";
/// Anybody, signed in or not.
const PUBLIC: &str = "-";

/// What a caller must show before anything else of his request is looked at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Needed {
    /// Any credential that is good.
    Credential,
    /// A person's.
    Person,
    /// A station's.
    Station,
    Permission(Permission),
}

/// A refusal's status, the name of its shared answer, and what it means.
const REFUSALS: &[(&str, &str, &str)] = &[
    ("400", "BadRequest", "Something in the request cannot be used."),
    ("401", "Unauthorized", "Sign in first, or again."),
    ("403", "Forbidden", "The caller's role may not do this, or the server is reached by https:// only (`https_required`)."),
    ("404", "NotFound", "There is no such thing."),
    ("405", "MethodNotAllowed", "This address does not take this method."),
    ("408", "TooSlow", "The body did not arrive in time."),
    ("409", "Conflict", "It is there already, or has changed in between."),
    ("413", "TooLarge", "The body is too large."),
    ("415", "UnsupportedMediaType", "The body is not JSON."),
    ("422", "Unprocessable", "The request was understood, and is not allowed."),
    ("426", "UpgradeRequired", "This address is a WebSocket."),
    ("429", "TooMany", "Too many tries. Where waiting helps, the header retry-after says when another is welcome, in seconds."),
    ("503", "Unavailable", "The server cannot do this at the moment. The header retry-after says when to try again, in seconds."),
];

/// The document as it is served and printed.
pub(super) fn text() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        let text = serde_json::to_string_pretty(&document()).unwrap_or_default();
        text + "\n"
    });
    &TEXT
}

/// What the routes need that take the usual credentials. Public routes need nothing, and the few with a scheme of their own ask themselves.
pub(super) fn needs() -> Vec<(Method, String, Needed)> {
    let paths = router::routes().into_openapi().paths.paths;
    let mut needs = Vec::new();
    for (path, item) in paths {
        let methods = [
            (Method::GET, item.get),
            (Method::PUT, item.put),
            (Method::POST, item.post),
            (Method::PATCH, item.patch),
            (Method::DELETE, item.delete),
        ];
        for (method, operation) in methods {
            let operation = operation.filter(|operation| operation.security.is_none());
            let needed = operation.and_then(|operation| needed(operation.extensions?.get(PERMISSION)?.as_str()?));
            needs.extend(needed.map(|needed| (method, path.clone(), needed)));
        }
    }
    needs
}

/// `None` for what is public.
fn needed(word: &str) -> Option<Needed> {
    match word {
        PUBLIC => None,
        "any" => Some(Needed::Credential),
        "person" => Some(Needed::Person),
        "station" => Some(Needed::Station),
        name => serde_json::from_value(name.into()).ok().map(Needed::Permission),
    }
}

fn document() -> Value {
    let about = "The line server of Andon. Every answer carries `x-request-id`; every refusal is JSON with a sentence, a stable word and \
                 that id. `x-permission` of an operation names what the caller's role must be allowed: `-` nothing, not even signing in; \
                 `any` anybody who is signed in, a station too; `person` any person who is signed in; `station` any station.";
    let info = InfoBuilder::new().title("Andon line server").version(env!("CARGO_PKG_VERSION")).description(Some(about)).build();
    let mut api = router::routes().into_openapi();
    api.info = info;
    let mut document = serde_json::to_value(OpenApiBuilder::from(api).build()).unwrap_or_default();
    document["components"]["responses"] = REFUSALS.iter().map(|refusal| (refusal.1.to_owned(), shared_answer(refusal))).collect();
    document["components"]["securitySchemes"] = security_schemes();
    let mut schemas = Vec::new();
    <Problem as ToSchema>::schemas(&mut schemas);
    schemas.push((Problem::name().into_owned(), Problem::schema()));
    for (name, schema) in schemas {
        document["components"]["schemas"][name] = serde_json::to_value(schema).unwrap_or_default();
    }
    for (path, methods) in document["paths"].as_object_mut().into_iter().flatten() {
        for (method, operation) in methods.as_object_mut().into_iter().flatten() {
            operation.as_object_mut().into_iter().for_each(|operation| complete(path, method, operation));
        }
    }
    document
}

/// Adds to an operation what its annotation need not repeat.
fn complete(path: &str, method: &str, operation: &mut Map<String, Value>) {
    let permission = operation.get(PERMISSION).and_then(Value::as_str).unwrap_or_default().to_owned();
    if !operation.contains_key("security") {
        let security = if permission == PUBLIC { json!([]) } else { usual_security(method) };
        operation.insert("security".to_owned(), security);
    }
    let mut answered = vec!["503"];
    if permission != PUBLIC {
        answered.push("401");
    }
    if permission != PUBLIC || headers::may_need_encryption(path) {
        answered.push("403");
    }
    if operation.contains_key("parameters") || operation.contains_key("requestBody") {
        answered.push("400");
    }
    if operation.contains_key("requestBody") {
        answered.extend(["408", "413", "415"]);
    }
    let Some(Value::Object(responses)) = operation.get_mut("responses") else { return };
    for status in answered {
        responses.entry(status).or_insert_with(|| json!({ "description": "" }));
    }
    for (status, response) in responses.iter_mut() {
        refer(status, response);
    }
    responses.sort_keys();
}

/// One of these is enough. A change that a cookie vouches for needs the CSRF token beside it.
fn usual_security(method: &str) -> Value {
    if method == "get" {
        return json!([{ "bearer": [] }, { "station": [] }, { "cookie": [] }, { "cookie_tls": [] }]);
    }
    json!([{ "bearer": [] }, { "station": [] }, { "cookie": [], "csrf": [] }, { "cookie_tls": [], "csrf": [] }])
}

/// An answer with a refusal's status says the shared words, unless it has its own; its body is a [`Problem`], unless it has its own.
fn refer(status: &str, response: &mut Value) {
    let Some((_, name, _)) = REFUSALS.iter().find(|(known, ..)| *known == status) else { return };
    if response.get("content").is_some() {
        return;
    }
    match response.get("description").and_then(Value::as_str) {
        Some("") | None => *response = json!({ "$ref": format!("#/components/responses/{name}") }),
        Some(_) => response["content"] = problem(),
    }
}

fn problem() -> Value {
    json!({ "application/json": { "schema": { "$ref": format!("#/components/schemas/{}", Problem::name()) } } })
}

fn shared_answer((status, _, description): &(&str, &str, &str)) -> Value {
    let mut answer = json!({ "description": description });
    let header = match *status {
        "429" | "503" => Some(("retry-after", json!({ "schema": { "type": "integer", "minimum": 0 } }))),
        "401" => Some(("www-authenticate", json!({ "schema": { "type": "string" } }))),
        _ => None,
    };
    if let Some((name, header)) = header {
        answer["headers"] = json!({ name: header });
    }
    answer["content"] = problem();
    answer
}

fn security_schemes() -> Value {
    json!({
        "bearer": { "type": "http", "scheme": "bearer", "description": "A person's access token from signing in, or a station's token." },
        "cookie": { "type": "apiKey", "in": "cookie", "name": cookies::access_name(false), "description": "The web page's session, by plain HTTP." },
        "cookie_tls": { "type": "apiKey", "in": "cookie", "name": cookies::access_name(true), "description": "The web page's session, by TLS." },
        "csrf": {
            "type": "apiKey", "in": "header", "name": cookies::CSRF_HEADER,
            "description": "What the page's cookie andon_csrf holds (by TLS __Host-andon_csrf). Only a change that a cookie vouches for needs it.",
        },
        "password": { "type": "http", "scheme": "basic", "description": "A person's name and password." },
        "station": { "type": "apiKey", "in": "header", "name": "authorization", "description": "A station's token after the word Basic, as it is." },
    })
}

fn words(words: impl Iterator<Item = String>) -> RefOr<Schema> {
    let object: Object = ObjectBuilder::new().schema_type(SchemaType::new(Type::String)).enum_values(Some(words)).build();
    RefOr::T(Schema::Object(object))
}

impl PartialSchema for Role {
    fn schema() -> RefOr<Schema> {
        words(Role::ALL.iter().map(|role| role.as_str().to_owned()))
    }
}

impl ToSchema for Role {}

impl PartialSchema for Permission {
    fn schema() -> RefOr<Schema> {
        words(Permission::all().filter_map(|permission| Some(serde_json::to_value(permission).ok()?.as_str()?.to_owned())))
    }
}

impl ToSchema for Permission {}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn operations(document: &Value) -> impl Iterator<Item = (String, &Value)> {
        let paths = document["paths"].as_object().unwrap().iter();
        paths.flat_map(|(path, methods)| methods.as_object().unwrap().iter().map(move |(method, is)| (format!("{method} {path}"), is)))
    }

    #[test]
    fn every_operation_says_who_may_ask_what_it_does_and_under_which_heading() {
        let document = document();
        let permissions = Permission::all().map(|permission| serde_json::to_value(permission).unwrap().as_str().unwrap().to_owned());
        let known: HashSet<String> = permissions.chain([PUBLIC, "any", "person", "station"].map(str::to_owned)).collect();
        for (place, operation) in operations(&document) {
            let permission = operation[PERMISSION].as_str().unwrap_or_default();
            assert!(known.contains(permission), "{place} needs extensions((\"x-permission\" = json!(\"…\"))), not {permission:?}");
            assert!(operation["summary"].as_str().is_some_and(|words| words.len() > 5), "{place} needs a comment that says what it does");
            assert_eq!(operation["tags"].as_array().map(Vec::len), Some(1), "{place} needs one tag");
        }
    }

    #[test]
    fn whatever_is_not_public_is_asked_for_before_its_handler() {
        let needs = needs();
        for (place, operation) in operations(&document()) {
            let asked = needs.iter().any(|(method, path, _)| place == format!("{} {path}", method.as_str().to_ascii_lowercase()));
            let method = place.split(' ').next().unwrap_or_default();
            assert_eq!(asked, operation["security"] == usual_security(method), "{place}");
            assert!(
                asked || operation[PERMISSION] == PUBLIC || operation["security"].as_array().is_some_and(|own| !own.is_empty()),
                "{place}"
            );
        }
    }

    #[test]
    fn names_of_operations_are_unique() {
        let document = document();
        let mut seen = HashSet::new();
        for (place, operation) in operations(&document) {
            let name = operation["operationId"].as_str().unwrap_or_default();
            assert!(!name.is_empty() && seen.insert(name), "{place} needs an operation_id of its own, not {name:?}");
        }
    }

    /// To take over what has changed: `UPDATE_GOLDENS=1 cargo test --lib openapi`, and read the difference before it is committed.
    #[test]
    fn the_document_is_the_one_that_was_agreed() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/openapi.json");
        let write = std::env::var_os("UPDATE_GOLDENS").is_some();
        if write {
            std::fs::write(path, text()).unwrap();
        }
        let agreed = std::fs::read_to_string(path).unwrap_or_default();
        let differs = agreed.lines().zip(text().lines()).position(|(agreed, is)| agreed != is).unwrap_or_default() + 1;
        let taken_over = "UPDATE_GOLDENS=1 cargo test --lib openapi takes the changes over";
        assert!(agreed == text(), "assets/openapi.json is another from line {differs} on: {taken_over}");
    }
}

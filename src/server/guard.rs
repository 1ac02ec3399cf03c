//! Asks of every caller what the route's annotation says (`x-permission`), before a handler looks at anything else: so nobody learns
//! from a refused body what he may not do, and no handler can forget to ask.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::caller::{self, Caller};
use super::error::Refusal;
use super::openapi::{self, Needed};
use super::state::Line;
use super::whole;
use crate::domain::Role;

/// What each route needs, by its address as it is routed.
pub(super) struct Guard {
    line: Arc<Line>,
    needs: HashMap<String, Vec<(Method, Needed)>>,
}

impl Guard {
    pub(super) fn new(line: Arc<Line>) -> Guard {
        let mut needs: HashMap<String, Vec<(Method, Needed)>> = HashMap::new();
        for (method, path, needed) in openapi::needs() {
            needs.entry(path).or_default().push((method, needed));
        }
        Guard { line, needs }
    }

    fn need(&self, request: &Request) -> Option<Needed> {
        let path = request.extensions().get::<MatchedPath>()?;
        let method = if request.method() == Method::HEAD { &Method::GET } else { request.method() };
        let (_, needed) = self.needs.get(path.as_str())?.iter().find(|(known, _)| known == method)?;
        Some(*needed)
    }
}

/// Goes on to the handler, who finds the caller ready, or refuses.
pub(super) async fn ask(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let Some(needed) = guard.need(&request) else { return whole::run(&guard.line, request, next).await };
    let (mut parts, body) = request.into_parts();
    let caller = caller::of_request(&guard.line, &parts).await;
    match caller.and_then(|caller| check(&caller, needed).map(|()| caller)) {
        Ok(caller) => {
            parts.extensions.insert(caller);
            whole::run(&guard.line, Request::from_parts(parts, body), next).await
        }
        Err(refusal) => refusal.into_response(),
    }
}

fn check(caller: &Caller, needed: Needed) -> Result<(), Refusal> {
    let is_station = caller.role == Role::Station;
    let refused = |sentence: &str| Err(Refusal::new(StatusCode::FORBIDDEN, "forbidden", sentence));
    match needed {
        Needed::Person if is_station => refused("This is for people. A station cannot do it with its token."),
        Needed::Station if !is_station => refused("This is for stations. Use a station's token."),
        Needed::Credential | Needed::Person | Needed::Station => Ok(()),
        Needed::Permission(permission) => caller.require(permission),
    }
}

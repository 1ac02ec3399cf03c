//! The list of reports on the server, and the one that is open. Only the newest wish counts.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::api::{Api, ApiError};
use super::bridge::Slice;
use super::command::ReportsCommand;
use super::explain::Explanation;
use super::link::{Link, LinkReceiver, Observer};
use super::model::{OpenReport, REPORT_PAGE, ReportPage, ReportQuery, ReportsSlice};
use super::remote::Remote;
use super::rows;
use crate::protocol::wsjf;

/// What the service works with.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) slice: Slice<ReportsSlice>,
    pub(crate) link: LinkReceiver,
    pub(crate) observer: Observer,
}

enum Fetched {
    Page(ReportQuery, Result<ReportPage, Explanation>),
    Report(Uuid, Box<Result<OpenReport, Explanation>>),
}

pub(crate) async fn run(mut parts: Parts, inbox: &mut mpsc::Receiver<ReportsCommand>, stop: CancellationToken) {
    let (done, mut results) = mpsc::channel(4);
    let (mut listing, mut opening): (Option<JoinHandle<()>>, Option<JoinHandle<()>>) = (None, None);
    let mut server_id = parts.link.borrow_and_update().server_id.clone();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            command = inbox.recv() => match command {
                Some(ReportsCommand::List(query)) => replace(&mut listing, Some(parts.list(query, done.clone()))),
                Some(ReportsCommand::Open(id)) => replace(&mut opening, Some(parts.open(id, done.clone()))),
                Some(ReportsCommand::Close) => {
                    replace(&mut opening, None);
                    parts.slice.update(|slice| slice.open = None);
                }
                None => break,
            },
            Some(fetched) = results.recv() => parts.fetched(fetched),
            Ok(()) = parts.link.changed() => {
                let now = parts.link.borrow_and_update().server_id.clone();
                if left(&std::mem::replace(&mut server_id, now), &server_id) {
                    replace(&mut listing, None);
                    replace(&mut opening, None);
                    while results.try_recv().is_ok() {}
                    parts.slice.set(ReportsSlice::default());
                }
            }
        }
    }
    replace(&mut listing, None);
    replace(&mut opening, None);
}

fn replace(task: &mut Option<JoinHandle<()>>, by: Option<JoinHandle<()>>) {
    if let Some(before) = std::mem::replace(task, by) {
        before.abort();
    }
}

impl Parts {
    fn list(&self, query: ReportQuery, done: mpsc::Sender<Fetched>) -> JoinHandle<()> {
        self.slice.update(|slice| {
            slice.list = slice.list.reloading();
            slice.query = query.clone();
        });
        let (link, observer) = (self.link.borrow().clone(), self.observer.clone());
        tokio::spawn(async move {
            let result = match reach(&link) {
                Ok(api) => fetch_page(&api, &query, has_functions(&link), &observer).await,
                Err(explanation) => Err(explanation),
            };
            let _ = done.send(Fetched::Page(query, result)).await;
        })
    }

    fn open(&self, id: Uuid, done: mpsc::Sender<Fetched>) -> JoinHandle<()> {
        self.slice.update(|slice| slice.open = Some((id, Remote::Loading(None))));
        let (link, observer) = (self.link.borrow().clone(), self.observer.clone());
        tokio::spawn(async move {
            let result = match reach(&link) {
                Ok(api) => fetch_report(&api, id, &observer).await,
                Err(explanation) => Err(explanation),
            };
            let _ = done.send(Fetched::Report(id, Box::new(result))).await;
        })
    }

    fn fetched(&self, fetched: Fetched) {
        self.slice.update(|slice| match fetched {
            Fetched::Page(query, result) if slice.query == query => slice.list = slice.list.settled(result),
            Fetched::Report(id, result) => {
                if let Some((open, report)) = &mut slice.open
                    && *open == id
                {
                    *report = report.settled(*result);
                }
            }
            Fetched::Page(..) => {}
        });
    }
}

/// Whether a server was left: what it told is no longer for whoever comes next.
pub(super) fn left(before: &str, now: &str) -> bool {
    !before.is_empty() && before != now
}

/// The server, while it can be worked with.
pub(super) fn reach(link: &Link) -> Result<Arc<Api>, Explanation> {
    link.online().ok_or_else(|| Explanation::new(if link.api.is_some() { "not_while_offline" } else { "sign_in_first" }))
}

/// Line servers search inside texts; of others nobody knows.
fn has_functions(link: &Link) -> bool {
    link.api.as_ref().is_some_and(|api| link.server_id != api.server().to_string())
}

async fn fetch_page(api: &Api, query: &ReportQuery, functions: bool, observer: &Observer) -> Result<ReportPage, Explanation> {
    let result = api.fetch_headers(&filter_of(query, functions), REPORT_PAGE + 1, query.page * REPORT_PAGE).await;
    observer.saw(&result);
    let mut rows = result.map_err(|error| explain(&error))?;
    let has_more = rows.len() > REPORT_PAGE;
    rows.truncate(REPORT_PAGE);
    Ok(ReportPage { rows: rows.into_iter().filter_map(rows::header_of).collect(), page: query.page, has_more })
}

async fn fetch_report(api: &Api, id: Uuid, observer: &Observer) -> Result<OpenReport, Explanation> {
    let result = api.fetch_report(id).await;
    observer.saw(&result);
    let text = result.map_err(|error| match error {
        ApiError::Refused { status: 404, .. } => Explanation::new("report_unknown"),
        error => explain(&error),
    })?;
    let read = tokio::task::spawn_blocking(move || wsjf::read(text.as_bytes())).await;
    match read {
        Ok(Ok(document)) => Ok(OpenReport { report: document.report, source: document.text.into() }),
        Ok(Err(error)) => Err(Explanation::new("report_unreadable").detail(error)),
        Err(error) => Err(Explanation::new("report_unreadable").detail(error)),
    }
}

/// What a failed request for data means to the person who waits for it.
pub(super) fn explain(error: &ApiError) -> Explanation {
    match error {
        ApiError::TokenRefused { .. } => Explanation::new("token_revoked"),
        ApiError::Refused { .. } => Explanation::new("request_refused").detail(error.detail()),
        ApiError::Later { status: 429, .. } => Explanation::new("server_busy").detail(error.detail()),
        other => match other.trouble() {
            Some(trouble) => super::session::explain_trouble(trouble).detail(other.detail()),
            None => Explanation::new("request_refused").detail(other.detail()),
        },
    }
}

/// The query as OData. Quotes in what a person typed are doubled, so that they stay text.
fn filter_of(query: &ReportQuery, functions: bool) -> String {
    let mut parts = Vec::new();
    let text = query.text.trim().chars().take(100).collect::<String>().replace('\'', "''");
    if !text.is_empty() {
        let matches = |field: &str| if functions { format!("contains({field},'{text}')") } else { format!("{field} eq '{text}'") };
        parts.push(format!("({})", ["serialNumber", "partNumber", "stationName"].map(matches).join(" or ")));
    }
    if query.only_failed {
        parts.push("(result eq 'Failed' or result eq 'Error' or result eq 'Terminated')".to_owned());
    }
    parts.join(" and ")
}

#[cfg(test)]
mod tests {
    use tokio::sync::watch;

    use super::*;
    use crate::client::bridge::Publisher;
    use crate::client::model::Model;
    use crate::client::peer::until;
    use crate::domain::connection::Connection;

    #[tokio::test]
    async fn what_a_server_told_goes_when_it_is_left() {
        let (publisher, model) = Publisher::new(Arc::new(|| ()));
        let slice = publisher.slice(|model| &mut model.reports);
        let page = ReportPage { rows: Vec::new(), page: 0, has_more: true };
        let known =
            ReportsSlice { list: Remote::Ready(Arc::new(page)), open: Some((Uuid::nil(), Remote::Idle)), ..ReportsSlice::default() };
        let (link, links) = watch::channel(Link { server_id: "s1".to_owned(), ..Link::default() });
        let (events, _heard) = mpsc::channel(8);
        let (commands, mut inbox) = mpsc::channel(8);
        let stop = CancellationToken::new();
        slice.set(known);
        let parts = Parts { slice, link: links, observer: Observer(events) };
        let stopped = stop.clone();
        let service = tokio::spawn(async move { run(parts, &mut inbox, stopped).await });
        let shown = |model: &Model| ReportsSlice::clone(&model.reports);
        link.send_modify(|link| link.state = Connection::Connected);
        commands.send(ReportsCommand::Close).await.unwrap();
        until("it works", || shown(&model.borrow()).open, |open| open.is_none()).await;
        assert!(shown(&model.borrow()).list.value().is_some(), "it is the same server");
        link.send_replace(Link::default());
        until("nothing is shown", || shown(&model.borrow()), |slice| *slice == ReportsSlice::default()).await;
        stop.cancel();
        service.await.unwrap();
    }

    #[test]
    fn what_a_person_types_stays_text() {
        let query = ReportQuery { text: " O'Brien' or 1 eq 1 ".to_owned(), only_failed: true, page: 0 };
        let filter = filter_of(&query, false);
        assert!(filter.starts_with("(serialNumber eq 'O''Brien'' or 1 eq 1' or "), "{filter}");
        assert!(filter.ends_with("and (result eq 'Failed' or result eq 'Error' or result eq 'Terminated')"), "{filter}");
        assert_eq!(filter_of(&ReportQuery::default(), true), "");
    }
}

//! Asks the instance's server, one question after the other.

use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::client::api::{Api, ApiError, Http, Identity};
use crate::client::explain::Explanation;
use crate::client::server_url::ServerUrl;
use crate::client::session::{explain_vault, identity_of};
use crate::client::settings::Config;
use crate::client::sign_in::SignInError;
use crate::client::tunnel::{Approach, Passage};
use crate::client::vault::Vault;
use crate::domain::InstanceId;
use crate::domain::yields::{Cause, Kpis, ParetoRow};
use crate::protocol::wats::{Filter, ReportHeader};
use crate::support::clock::Clock;

/// Why a question had no answer, by what can be done about it.
#[derive(Clone, Debug, PartialEq)]
pub enum CallError {
    /// No token, or none the server knows.
    NotSignedIn(Explanation),
    /// No answer, or none worth the name; later may be better.
    Unreachable(Explanation),
    /// The server said no.
    Refused(Explanation),
    Failed(Explanation),
}

impl CallError {
    pub fn explanation(&self) -> &Explanation {
        match self {
            CallError::NotSignedIn(told) | CallError::Unreachable(told) | CallError::Refused(told) | CallError::Failed(told) => told,
        }
    }
}

impl From<ApiError> for CallError {
    fn from(error: ApiError) -> CallError {
        let told = |key| Explanation::new(key).detail(error.detail());
        match &error {
            ApiError::Unreachable(_) => CallError::Unreachable(told("server_unreachable")),
            ApiError::Later { status: 429, retry_after, .. } => {
                let minutes = retry_after.map_or(1, |wait| wait.as_secs().div_ceil(60).max(1));
                CallError::Refused(Explanation::new("asked_too_often").with("minutes", minutes))
            }
            ApiError::Later { .. } => CallError::Unreachable(told("server_error")),
            ApiError::Certificate(_) => CallError::Unreachable(told("certificate_refused")),
            ApiError::NotOurServer(_) => CallError::Unreachable(told("not_our_server")),
            ApiError::OtherServer => CallError::Unreachable(told("other_server")),
            ApiError::TunnelDown { .. } => CallError::Unreachable(told("tunnel_down")),
            ApiError::TokenRefused { .. } => CallError::NotSignedIn(told("token_refused")),
            ApiError::Refused { .. } => CallError::Refused(told("server_refused")),
        }
    }
}

/// A sign-in without a station ends as every other question does.
impl From<SignInError> for CallError {
    fn from(error: SignInError) -> CallError {
        let told = error.explain();
        match error {
            SignInError::BadAddress(_) | SignInError::NoPassword => CallError::Failed(told),
            SignInError::Unreachable { .. }
            | SignInError::ServerError { .. }
            | SignInError::Certificate { .. }
            | SignInError::NotOurServer { .. }
            | SignInError::ServerTooOld { .. }
            | SignInError::TunnelDown => CallError::Unreachable(told),
            _ => CallError::Refused(told),
        }
    }
}

/// A good answer of the server, and what it tells of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Contact {
    pub version: String,
    pub latency: Duration,
    /// The server's clock minus ours.
    pub clock_offset_ms: Option<i64>,
    pub server_id: Option<String>,
}

/// Which yield is asked for; nothing set is all of the last thirty days.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct YieldAsk {
    pub part_number: Option<String>,
    /// A process by name or code.
    pub process: Option<String>,
    pub from: Option<DateTime<Utc>>,
    pub to: Option<DateTime<Utc>>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct YieldAnswer {
    pub kpis: Kpis,
    pub pareto: Vec<ParetoRow>,
}

/// One server and one token.
pub struct Caller {
    /// A tunnel of its own, where the instance has one. It is left before the runtime that carries it.
    _tunnel: Option<Passage>,
    runtime: tokio::runtime::Runtime,
    api: Api,
    clock: Clock,
}

type Result<T> = std::result::Result<T, CallError>;

impl Caller {
    pub(super) fn new(config: &Config, folder: &Path, id: &InstanceId, vault: &Vault, clock: Clock) -> Result<Caller> {
        let connection = &config.connection;
        let not_signed_in = || CallError::NotSignedIn(Explanation::new("not_signed_in").with("instance", id));
        if connection.token_encrypted.is_empty() {
            return Err(not_signed_in());
        }
        let url = &connection.server_url;
        let server = ServerUrl::parse(url).map_err(|_| not_signed_in())?;
        if server.is_plain_http() && !connection.allow_plain_http {
            return Err(CallError::Failed(Explanation::new("plain_http_refused")));
        }
        let token = vault.open(&connection.token_encrypted, id, url).map_err(|error| CallError::NotSignedIn(explain_vault(error)))?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| CallError::Failed(Explanation::new("disk_failed").detail(error)))?;
        let passage = runtime.block_on(Approach::of(config, folder, vault).open()).map_err(CallError::Unreachable)?;
        let way = Passage::way_of(passage.as_ref());
        let http = Http::new(&server, &connection.roots(folder).map_err(CallError::Failed)?, way)?;
        Ok(Caller { _tunnel: passage, runtime, api: Api::new(http, server, token, identity_of(&connection.server_id, url)), clock })
    }

    /// Asks for the version with the token: whether all is well between the two.
    pub fn contact(&self) -> Result<Contact> {
        let probe = self.runtime.block_on(self.api.probe())?;
        let midway = self.clock.now() - chrono::TimeDelta::from_std(probe.latency / 2).unwrap_or_default();
        Ok(Contact {
            clock_offset_ms: probe.server_time.map(|time| (time - midway).num_milliseconds()),
            server_id: if let Identity::Line(id) = probe.identity { Some(id) } else { None },
            version: probe.version,
            latency: probe.latency,
        })
    }

    /// One report, to the letter.
    pub fn report(&self, id: Uuid) -> Result<String> {
        Ok(self.runtime.block_on(self.api.fetch_report(id))?)
    }

    /// Heads of reports, newest first. Of texts, only those that match exactly.
    pub fn headers(&self, serial_number: Option<&str>, part_number: Option<&str>, top: usize) -> Result<Vec<ReportHeader>> {
        let clause = |field: &str, value: Option<&str>| value.map(|value| format!("{field} eq '{}'", value.replace('\'', "''")));
        let clauses: Vec<String> =
            [clause("serialNumber", serial_number), clause("partNumber", part_number)].into_iter().flatten().collect();
        Ok(self.runtime.block_on(self.api.fetch_headers(&clauses.join(" and "), top, 0))?)
    }

    /// Numbers and failing steps as the server counts them.
    pub fn yields(&self, ask: &YieldAsk, top: i64) -> Result<YieldAnswer> {
        let time = |time: Option<DateTime<Utc>>| time.map(|time| time.to_rfc3339());
        let filter = Filter {
            part_number: ask.part_number.clone(),
            test_operation: ask.process.clone(),
            date_from: time(ask.from),
            date_to: time(ask.to),
            ..Filter::default()
        };
        let rows = self.runtime.block_on(self.api.fetch_yield(&filter, ""))?;
        let mut kpis = Kpis::default();
        for row in rows {
            kpis += Kpis {
                units: row.unit_count,
                first_pass: row.fp_count,
                second_pass: row.sp_count,
                third_pass: row.tp_count,
                last_pass: row.lp_count,
                reports: row.test_report_count.unwrap_or(0),
                reports_passed: row.test_report_passed_count.unwrap_or(0),
            };
        }
        let failed = self.runtime.block_on(self.api.fetch_top_failed(&Filter { top_count: Some(top), ..filter }))?;
        let failing = kpis.units.saturating_sub(kpis.first_pass).max(1) as f64;
        let mut sum = 0;
        let row = |row: crate::protocol::wats::TopFailedRow| {
            sum += row.fail_count;
            let (share, cumulative) = (row.fail_count as f64 / failing, sum as f64 / failing);
            ParetoRow { step: row.step_name, path: row.step_path, cause: Cause::Step, units: row.fail_count, share, cumulative }
        };
        let pareto = failed.into_iter().map(row).collect();
        Ok(YieldAnswer { kpis, pareto })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_trouble_is_one_failure_whichever_question_met_it() {
        let wait = Some(Duration::from_secs(90));
        let later = |status| ApiError::Later { status, sentence: String::new(), retry_after: wait };
        let often = CallError::Refused(Explanation::new("asked_too_often").with("minutes", 2));
        assert_eq!((CallError::from(later(429)), CallError::from(SignInError::from(later(429)))), (often.clone(), often));
        for error in
            [later(503), ApiError::Certificate("old".into()), ApiError::NotOurServer("a portal".into()), ApiError::Unreachable("".into())]
        {
            let (asked, signed_in) = (CallError::from(error.clone()), CallError::from(SignInError::from(error.clone())));
            assert!(
                matches!((&asked, &signed_in), (CallError::Unreachable(_), CallError::Unreachable(_))),
                "{error}: {asked:?}, {signed_in:?}"
            );
        }
    }
}

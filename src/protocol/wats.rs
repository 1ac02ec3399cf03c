//! The WATS-compatible group: rows and filters as both ends write them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// One process of `GET /api/App/Processes`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct Process {
    pub code: i64,
    pub name: String,
    pub description: String,
    pub is_test_operation: bool,
    pub is_repair_operation: bool,
    pub is_wip_operation: bool,
    pub process_index: i64,
    pub state: i64,
}

/// One row of `GET /api/Report/Query/Header`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct ReportHeader {
    pub uuid: String,
    pub serial_number: String,
    pub part_number: String,
    pub revision: Option<String>,
    /// `T` or `R`.
    pub report_type: String,
    pub station_name: Option<String>,
    pub location: Option<String>,
    pub purpose: Option<String>,
    pub process_code: Option<i64>,
    pub process_name: Option<String>,
    /// `Passed`, `Failed`, `Done`, `Error`, `Terminated`.
    pub result: String,
    pub start_utc: Option<DateTime<Utc>>,
    pub operator: Option<String>,
    pub comment: Option<String>,
    pub execution_time: Option<f64>,
    /// Which run of this unit in this process it was, from 1.
    pub run: Option<u64>,
    pub error_code: Option<i64>,
    pub error_message: Option<String>,
}

/// The body of `POST /api/App/DynamicYield` and its relatives. Texts take `;` as or, `%` as anything, `_` as one character.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema, utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(rename_all = "camelCase", default)]
pub struct Filter {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub station_name: Option<String>,
    /// A process by name or code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_operation: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date_from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date_to: Option<String>,
    /// -1 none, 0 year, 1 quarter, 2 month, 3 week, 4 day, 5 hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date_grouping: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period_count: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include_current_period: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_count: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dimensions: Option<String>,
}

/// One row of a yield answer: the dimensions asked for, and the numbers. Ratios are percentages, 0 to 100.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct YieldRow {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub station_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_operation: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process_code: Option<i64>,
    /// Start of the bucket, ISO 8601.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period: Option<String>,
    pub unit_count: u64,
    pub fp_count: u64,
    pub sp_count: u64,
    pub tp_count: u64,
    pub lp_count: u64,
    pub fpy: Option<f64>,
    pub spy: Option<f64>,
    pub tpy: Option<f64>,
    pub lpy: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_report_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_report_passed_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_yield: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_utc: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_utc: Option<DateTime<Utc>>,
}

/// One row of `POST /api/App/TopFailed`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct TopFailedRow {
    pub step_name: String,
    pub step_path: String,
    pub step_type: String,
    pub step_group: String,
    pub part_number: Option<String>,
    pub fail_count: u64,
    pub total_count: u64,
    /// Percentage, 0 to 100.
    pub fail_rate: Option<f64>,
    pub first_fail_date: Option<DateTime<Utc>>,
    pub last_fail_date: Option<DateTime<Utc>>,
}

//! The part of OData that report queries use: comparisons, and/or/not, parentheses and three text functions.
//! Parsing gives a tree of known fields and typed values; nothing of the caller's text reaches SQL but as a bound value.

mod lexer;
mod literal;
mod parser;

pub(super) use literal::parse_time;
pub(super) use parser::{parse_filter, parse_order};

use chrono::{DateTime, Utc};

/// What a filter asks.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Condition {
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
    Not(Box<Condition>),
    Compare(Field, Operator, Value),
    Text(TextFunction, Field, String),
}

/// A column of the list of reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Id,
    SerialNumber,
    PartNumber,
    Revision,
    StationName,
    Location,
    Purpose,
    ProcessCode,
    ProcessName,
    Result,
    Start,
    Operator,
    Comment,
    ExecutionTime,
    ErrorCode,
    ErrorMessage,
}

/// What a field's values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    Time,
}

const FIELDS: &[(&str, Field)] = &[
    ("serialNumber", Field::SerialNumber),
    ("partNumber", Field::PartNumber),
    ("revision", Field::Revision),
    ("stationName", Field::StationName),
    ("machineName", Field::StationName),
    ("location", Field::Location),
    ("purpose", Field::Purpose),
    ("processCode", Field::ProcessCode),
    ("processName", Field::ProcessName),
    ("result", Field::Result),
    ("start", Field::Start),
    ("startUtc", Field::Start),
    ("operator", Field::Operator),
    ("comment", Field::Comment),
    ("executionTime", Field::ExecutionTime),
    ("errorCode", Field::ErrorCode),
    ("errorMessage", Field::ErrorMessage),
    ("uuid", Field::Id),
    ("id", Field::Id),
];

impl Field {
    /// By its name on the wire, in any case.
    fn find(name: &str) -> Option<Field> {
        FIELDS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, field)| *field)
    }

    fn kind(self) -> Kind {
        match self {
            Field::ProcessCode | Field::ExecutionTime | Field::ErrorCode => Kind::Number,
            Field::Start => Kind::Time,
            _ => Kind::Text,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextFunction {
    Contains,
    StartsWith,
    EndsWith,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Null,
    Text(String),
    Number(f64),
    Time(DateTime<Utc>),
}

/// One key of the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) field: Field,
    pub(super) descending: bool,
}

/// Why a text cannot be read, and the character where, from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at character {at}: {what}")]
pub(super) struct ODataError {
    pub(super) at: usize,
    pub(super) what: String,
}

/// Most characters of a filter or an order.
const MAX_CHARS: usize = 8000;
/// Most parentheses and nots inside each other.
const MAX_DEPTH: usize = 32;
/// Most comparisons.
const MAX_TERMS: usize = 200;

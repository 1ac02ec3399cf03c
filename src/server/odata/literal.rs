//! Values as callers write them.

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};

use super::lexer::Token;
use super::{Field, Kind, Value};
use crate::domain::report::Status;

/// The value of `token` for `field`, or what would be allowed.
pub(super) fn value(field: Field, token: &Token) -> Result<Value, &'static str> {
    let (text, quoted) = match token {
        Token::Text(text) => (text.as_str(), true),
        Token::Word(word) => (word.as_str(), false),
        _ => return Err("a value is missing"),
    };
    if !quoted && text.eq_ignore_ascii_case("null") {
        return Ok(Value::Null);
    }
    match field.kind() {
        Kind::Time => parse_time(text).map(Value::Time).ok_or("this is compared with a time, such as 2026-01-31T23:59:59Z"),
        Kind::Number => number(text).map(Value::Number).ok_or("this is compared with a number"),
        Kind::Text if field == Field::Id => {
            let id = text.trim_matches(['{', '}']).parse::<uuid::Uuid>();
            id.map(|id| Value::Text(id.to_string()))
                .map_err(|_| "this is compared with an id, such as 5f0c2f1e-6a3b-4a55-9d0e-2f6f4c1b7a10")
        }
        Kind::Text if !quoted => Err("this is compared with a text in single quotes"),
        Kind::Text if field == Field::Result => Status::parse(text)
            .map(|status| Value::Text(status.word().to_owned()))
            .ok_or("a result is Passed, Failed, Done, Error or Terminated"),
        Kind::Text => Ok(Value::Text(text.to_owned())),
    }
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// ISO 8601. Without an offset it is UTC, without a time it is midnight.
pub(in crate::server) fn parse_time(text: &str) -> Option<DateTime<Utc>> {
    let with_offset = || DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc());
    let without = || text.parse::<NaiveDateTime>().ok().map(|time| time.and_utc());
    let minutes = || NaiveDateTime::parse_from_str(text.trim_end_matches('Z'), "%Y-%m-%dT%H:%M").ok().map(|time| time.and_utc());
    let day = || text.parse::<NaiveDate>().ok().and_then(|day| day.and_hms_opt(0, 0, 0)).map(|time| time.and_utc());
    // Far from the ends of the calendar, where adding a day would be too much.
    let keepable = |time: &DateTime<Utc>| (1..=9999).contains(&chrono::Datelike::year(time));
    with_offset().or_else(without).or_else(minutes).or_else(day).filter(keepable)
}

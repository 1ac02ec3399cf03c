//! The list of reports: conditions become SQL, their values stay bound.

use super::sql::Sql;
use super::{Store, StoreError, micros, time};
use crate::protocol::wats::ReportHeader;
use crate::server::odata::{Condition, Field, Operator, Order, TextFunction, Value};

/// Which reports, in which order, how many of them.
pub(in crate::server) struct ReportQuery<'a> {
    /// `T` or `R`.
    pub(in crate::server) kind: &'static str,
    pub(in crate::server) filter: Option<&'a Condition>,
    pub(in crate::server) order: &'a [Order],
    pub(in crate::server) top: u32,
    pub(in crate::server) skip: u32,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    kind: String,
    serial_number: String,
    part_number: String,
    revision: String,
    process_code: i64,
    process_name: String,
    result: String,
    station: String,
    location: String,
    purpose: String,
    operator: String,
    comment: String,
    start_at: i64,
    execution_secs: Option<f64>,
    error_code: Option<i64>,
    error_message: Option<String>,
}

impl From<Row> for ReportHeader {
    fn from(row: Row) -> ReportHeader {
        let told = |text: String| Some(text).filter(|text| !text.is_empty());
        ReportHeader {
            uuid: row.id,
            serial_number: row.serial_number,
            part_number: row.part_number,
            revision: told(row.revision),
            report_type: row.kind,
            station_name: told(row.station),
            location: told(row.location),
            purpose: told(row.purpose),
            process_code: Some(row.process_code),
            process_name: told(row.process_name),
            result: row.result,
            start_utc: Some(time(row.start_at)),
            operator: told(row.operator),
            comment: told(row.comment),
            execution_time: row.execution_secs,
            run: None,
            error_code: row.error_code,
            error_message: row.error_message,
        }
    }
}

const SELECT: &str = "select r.id, r.kind, r.serial_number, r.part_number, r.revision, r.process_code,
        coalesce(p.name, r.process_name) as process_name, r.result, r.station, r.location, r.purpose, r.operator, r.comment, r.start_at,
        r.execution_secs, r.error_code, r.error_message
    from reports r left join processes p on p.code = r.process_code where r.kind = ";

/// The heads of the reports asked for. Their run numbers are not known here.
pub(in crate::server) async fn list(store: &Store, query: &ReportQuery<'_>) -> Result<Vec<ReportHeader>, StoreError> {
    let mut sql = Sql::new(SELECT);
    sql.push_bind(query.kind);
    if let Some(filter) = query.filter {
        sql.push(" and ");
        push_condition(&mut sql, filter);
    }
    sql.push(" order by ");
    for order in query.order {
        sql.push(column(order.field)).push(if order.descending { " desc, " } else { ", " });
    }
    // A last key that is never equal, so that pages neither repeat nor skip a report.
    sql.push(if query.order.last().is_some_and(|order| order.descending) { "r.id desc" } else { "r.id" });
    sql.push(" limit ").push_bind(i64::from(query.top)).push(" offset ").push_bind(i64::from(query.skip));
    let rows: Vec<Row> = sql.fetch_all(&store.readers).await?;
    Ok(rows.into_iter().map(ReportHeader::from).collect())
}

fn column(field: Field) -> &'static str {
    match field {
        Field::Id => "r.id",
        Field::SerialNumber => "r.serial_number",
        Field::PartNumber => "r.part_number",
        Field::Revision => "r.revision",
        Field::StationName => "r.station",
        Field::Location => "r.location",
        Field::Purpose => "r.purpose",
        Field::ProcessCode => "r.process_code",
        Field::ProcessName => "coalesce(p.name, r.process_name)",
        Field::Result => "r.result",
        Field::Start => "r.start_at",
        Field::Operator => "r.operator",
        Field::Comment => "r.comment",
        Field::ExecutionTime => "r.execution_secs",
        Field::ErrorCode => "r.error_code",
        Field::ErrorMessage => "r.error_message",
    }
}

/// Columns where null is null. The others hold an empty text where nothing was told.
fn has_null(field: Field) -> bool {
    matches!(field, Field::ExecutionTime | Field::ErrorCode | Field::ErrorMessage | Field::Start | Field::ProcessCode)
}

fn push_condition(sql: &mut Sql, condition: &Condition) {
    match condition {
        Condition::And(left, right) => push_pair(sql, left, " and ", right),
        Condition::Or(left, right) => push_pair(sql, left, " or ", right),
        Condition::Not(inner) => {
            sql.push("(not ");
            push_condition(sql, inner);
            sql.push(")");
        }
        Condition::Compare(field, operator, value) => push_comparison(sql, *field, *operator, value),
        Condition::Text(function, field, text) => {
            let escaped = text.replace('!', "!!").replace('%', "!%").replace('_', "!_");
            let pattern = match function {
                TextFunction::Contains => format!("%{escaped}%"),
                TextFunction::StartsWith => format!("{escaped}%"),
                TextFunction::EndsWith => format!("%{escaped}"),
            };
            sql.push("lower(").push(column(*field)).push(") like lower(").push_bind(pattern).push(") escape '!'");
        }
    }
}

fn push_pair(sql: &mut Sql, left: &Condition, word: &str, right: &Condition) {
    sql.push("(");
    push_condition(sql, left);
    sql.push(word);
    push_condition(sql, right);
    sql.push(")");
}

fn push_comparison(sql: &mut Sql, field: Field, operator: Operator, value: &Value) {
    sql.push(column(field));
    let sign = match operator {
        Operator::Eq => " = ",
        // What is not told is not equal to anything either.
        Operator::Ne if has_null(field) => " is distinct from ",
        Operator::Ne => " <> ",
        Operator::Lt => " < ",
        Operator::Le => " <= ",
        Operator::Gt => " > ",
        Operator::Ge => " >= ",
    };
    match value {
        Value::Null if has_null(field) => sql.push(if operator == Operator::Eq { " is null" } else { " is not null" }),
        Value::Null => sql.push(sign).push_bind(String::new()),
        Value::Text(text) => sql.push(sign).push_bind(text.clone()),
        Value::Number(number) => sql.push(sign).push_bind(*number),
        Value::Time(time) => sql.push(sign).push_bind(micros(*time)),
    };
}

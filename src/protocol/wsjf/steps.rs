//! The tree of steps, read in one pass. Any type of step may carry measurements and steps of its own.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::raw::{self, Context, Key};
use super::{MAX_DEPTH, Unreadable};
use crate::domain::report::{Comparison, Iteration, Measured, Measurement, Number, Oddity, Status, Step};

/// Characters of a step's name that servers promise to keep.
const NAME_CHARS: usize = 100;

/// Reads one step and all below it.
pub struct StepSeed<'c>(pub &'c Context);

impl<'de> DeserializeSeed<'de> for StepSeed<'_> {
    type Value = Step;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Step, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for StepSeed<'_> {
    type Value = Step;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a step")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Step, A::Error> {
        let context = self.0;
        context.count_step()?;
        context.depth.set(context.depth.get() + 1);
        if context.depth.get() > MAX_DEPTH {
            return Err(context.refuse(Unreadable::TooDeep));
        }
        let mut step = Step::default();
        let mut odd = Oddities::default();
        while let Some(Key(key)) = map.next_key()? {
            let kind = match &*key {
                "steps" => {
                    context.field.set("steps");
                    step.steps = map.next_value_seed(ListSeed(context, Entry::Step))?.steps;
                    continue;
                }
                "numericMeas" => Kind::Numeric,
                "booleanMeas" => Kind::Boolean,
                "stringMeas" => Kind::Text,
                _ => {
                    let raw = context.next_raw(&mut map)?;
                    set(&mut step, &mut odd, &key, raw).map_err(|reason| context.refuse(reason))?;
                    continue;
                }
            };
            context.field.set(kind.field());
            let list = map.next_value_seed(ListSeed(context, Entry::Measurement(kind)))?;
            step.measurements.extend(list.measurements);
            odd.merge(&list.odd);
        }
        context.depth.set(context.depth.get() - 1);
        step.oddities = odd.found(&step);
        Ok(step)
    }
}

fn set(step: &mut Step, odd: &mut Oddities, key: &str, raw: &RawValue) -> Result<(), Unreadable> {
    let text = || raw::text(key, raw).map(Cow::into_owned);
    match key {
        "name" => step.name = text()?,
        "stepType" => step.step_type = text()?,
        "group" => step.group = text()?,
        "status" => step.status = odd.status(&raw::text(key, raw)?),
        "totTime" => step.total_secs = raw::number(key, raw)?.and_then(Result::ok).map(|number| number.value),
        "causedUUTFailure" => step.caused_failure = raw.get() == "true" || raw::text(key, raw)?.eq_ignore_ascii_case("true"),
        "errorMessage" => step.error_message = text()?,
        "reportText" => step.report_text = text()?,
        "attachment" if raw.get().starts_with('{') => step.attachment = Some(raw::object(key, raw)?.text("name")?.into_owned()),
        "loop" if raw.get().starts_with('{') => step.iteration = iteration(raw)?,
        _ => {}
    }
    Ok(())
}

/// A client writes `{i, n}`, a server `{idx, num, …}`.
fn iteration(raw: &RawValue) -> Result<Option<Iteration>, Unreadable> {
    let fields = raw::object("loop", raw)?;
    let whole = |keys: [&str; 2]| -> Result<Option<i64>, Unreadable> {
        let [a, b] = [fields.number(keys[0])?, fields.number(keys[1])?];
        Ok(a.or(b).filter(|number| number.is_finite()).map(|number| number as i64))
    };
    let count = whole(["n", "num"])?;
    Ok(whole(["i", "idx"])?.map(|index| Iteration { index, count }))
}

/// What was met in a step that only the whole step can tell.
#[derive(Default)]
struct Oddities {
    unknown_status: bool,
    unknown_comparison: bool,
    not_a_number: bool,
}

impl Oddities {
    fn status(&mut self, word: &str) -> Option<Status> {
        let status = Status::parse(word);
        self.unknown_status |= status.is_none() && !word.is_empty();
        status
    }

    fn merge(&mut self, other: &Oddities) {
        self.unknown_status |= other.unknown_status;
        self.unknown_comparison |= other.unknown_comparison;
        self.not_a_number |= other.not_a_number;
    }

    fn found(&self, step: &Step) -> Vec<Oddity> {
        let any = |odd: fn(&Measurement) -> bool| step.measurements.iter().any(odd);
        let not_finite = any(|m| matches!(&m.value, Measured::Number(number) if !number.value.is_finite()));
        let low_above_high = any(|m| m.low.as_ref().zip(m.high.as_ref()).is_some_and(|(low, high)| low.value > high.value));
        [
            (not_finite, Oddity::NotFinite),
            (low_above_high, Oddity::LowAboveHigh),
            (step.measurements.iter().any(|m| contradicts(m, step.status)), Oddity::StatusAgainstLimits),
            (self.unknown_comparison, Oddity::UnknownComparison),
            (self.not_a_number, Oddity::NotANumber),
            (self.unknown_status, Oddity::UnknownStatus),
            (step.name.chars().nth(NAME_CHARS).is_some(), Oddity::TooLong),
        ]
        .into_iter()
        .filter_map(|(found, what)| found.then_some(what))
        .collect()
    }
}

/// A measurement without a status of its own is only held against a step that passed: a step may fail for other reasons.
fn contradicts(measurement: &Measurement, step: Option<Status>) -> bool {
    match (measurement.judge(), measurement.status) {
        (Some(false), Some(Status::Passed)) | (Some(true), Some(Status::Failed)) => true,
        (Some(false), None) => step == Some(Status::Passed),
        _ => false,
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Numeric,
    Boolean,
    Text,
}

impl Kind {
    fn field(self) -> &'static str {
        match self {
            Kind::Numeric => "numericMeas",
            Kind::Boolean => "booleanMeas",
            Kind::Text => "stringMeas",
        }
    }
}

#[derive(Clone, Copy)]
enum Entry {
    Step,
    Measurement(Kind),
}

/// Reads a list of steps or measurements; null is an empty list, and a single object a list of one.
struct ListSeed<'c>(&'c Context, Entry);

#[derive(Default)]
struct Entries {
    steps: Vec<Step>,
    measurements: Vec<Measurement>,
    odd: Oddities,
}

impl<'de> DeserializeSeed<'de> for ListSeed<'_> {
    type Value = Entries;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Entries, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ListSeed<'_> {
    type Value = Entries;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_unit<E>(self) -> Result<Entries, E> {
        Ok(Entries::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Entries, A::Error> {
        let ListSeed(context, entry) = self;
        let mut entries = Entries::default();
        match entry {
            Entry::Step => entries.steps.push(StepSeed(context).visit_map(map)?),
            Entry::Measurement(kind) => entries.measurements.push(MeasurementSeed { context, kind, odd: &mut entries.odd }.visit_map(map)?),
        }
        Ok(entries)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Entries, A::Error> {
        let ListSeed(context, entry) = self;
        let mut entries = Entries::default();
        match entry {
            Entry::Step => {
                while let Some(step) = seq.next_element_seed(StepSeed(context))? {
                    entries.steps.push(step);
                }
            }
            Entry::Measurement(kind) => {
                while let Some(measurement) = seq.next_element_seed(MeasurementSeed { context, kind, odd: &mut entries.odd })? {
                    entries.measurements.push(measurement);
                }
            }
        }
        Ok(entries)
    }
}

struct MeasurementSeed<'c> {
    context: &'c Context,
    kind: Kind,
    odd: &'c mut Oddities,
}

impl<'de> DeserializeSeed<'de> for MeasurementSeed<'_> {
    type Value = Measurement;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Measurement, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for MeasurementSeed<'_> {
    type Value = Measurement;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a measurement")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Measurement, A::Error> {
        self.context.count_measurement()?;
        let mut measurement = Measurement::default();
        while let Some(Key(key)) = map.next_key()? {
            let raw = self.context.next_raw(&mut map)?;
            self.set(&mut measurement, &key, raw).map_err(|reason| self.context.refuse::<A::Error>(reason))?;
        }
        // Where nothing but a text was given, "not a number" is what it is.
        self.odd.not_a_number |= matches!((self.kind, &measurement.value), (Kind::Numeric, Measured::Text(_)));
        Ok(measurement)
    }
}

impl MeasurementSeed<'_> {
    fn set(&mut self, measurement: &mut Measurement, key: &str, raw: &RawValue) -> Result<(), Unreadable> {
        match key {
            "name" => measurement.name = raw::text(key, raw)?.into_owned(),
            "unit" => measurement.unit = raw::text(key, raw)?.into_owned(),
            "status" => measurement.status = self.odd.status(&raw::text(key, raw)?),
            "value" => measurement.value = value(self.kind, raw)?,
            "lowLimit" => measurement.low = self.limit(key, raw)?,
            "highLimit" => measurement.high = self.limit(key, raw)?,
            "limit" => measurement.expected = Some(raw::text(key, raw)?.into_owned()),
            "compOp" => {
                let word = raw::text(key, raw)?;
                measurement.comparison = Comparison::parse(&word);
                self.odd.unknown_comparison |= measurement.comparison.is_none() && !word.is_empty();
            }
            _ => {}
        }
        Ok(())
    }

    fn limit(&mut self, key: &str, raw: &RawValue) -> Result<Option<Number>, Unreadable> {
        let number = raw::number(key, raw)?.transpose();
        self.odd.not_a_number |= number.is_err();
        Ok(number.unwrap_or_default())
    }
}

fn value(kind: Kind, raw: &RawValue) -> Result<Measured, Unreadable> {
    let text = || raw::text("value", raw).map(|text| Measured::Text(text.into_owned()));
    match kind {
        Kind::Numeric => Ok(match raw::number("value", raw)? {
            Some(Ok(number)) => Measured::Number(number),
            Some(Err(text)) => Measured::Text(text),
            None => Measured::Nothing,
        }),
        _ if raw.get() == "null" => Ok(Measured::Nothing),
        Kind::Boolean | Kind::Text => text(),
    }
}

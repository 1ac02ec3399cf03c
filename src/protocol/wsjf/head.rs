//! The head of a report: what must be there, and what it may say.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use chrono::{DateTime, FixedOffset, NaiveDateTime};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::Unreadable;
use super::raw::{self, Context, Fields, Key, Scalar};
use super::steps::StepSeed;
use crate::domain::report::{Fact, FactKind, Finding, Header, Oddity, ReportKind, Status, Step};

/// Characters that a search takes for a pattern.
const PATTERN_CHARACTERS: [char; 8] = ['*', '%', '?', '_', '[', ']', '^', '!'];
const COMMENT_CHARS: usize = 5000;
const FACT_CHARS: usize = 100;

/// A report's entries, each the last of its key.
pub struct Sheet<'a> {
    text: &'a str,
    fields: Vec<(&'static str, &'a RawValue)>,
    has_root: bool,
    tree: Option<Step>,
}

/// What the part on the run itself says, `uut` or `uur`.
pub struct RunPart<'a> {
    fields: Fields<'a>,
    pub execution_secs: Option<f64>,
    pub comment: String,
}

/// Entries of the head that are read.
const FIELDS: [&str; 18] = [
    "id",
    "type",
    "pn",
    "sn",
    "rev",
    "processCode",
    "processName",
    "result",
    "machineName",
    "location",
    "purpose",
    "start",
    "startUTC",
    "uut",
    "uur",
    "miscInfos",
    "subUnits",
    "assets",
];

impl<'a> Sheet<'a> {
    pub fn parse(text: &'a str, context: &Context) -> Result<Sheet<'a>, Unreadable> {
        if !text.trim_start_matches([' ', '\t', '\r', '\n']).starts_with('{') {
            let json: Result<&RawValue, _> = serde_json::from_str(text);
            return Err(json.map_or_else(|error| raw::not_json(&error), |_| Unreadable::NotAnObject));
        }
        let mut json = serde_json::Deserializer::from_str(text);
        let sheet = SheetSeed { context, text }.deserialize(&mut json).and_then(|sheet| json.end().map(|()| sheet));
        sheet.map_err(|error| context.explain(&error))
    }

    /// The id given; `None` where it is missing, null, empty or all zeros.
    pub fn id(&self) -> Result<Option<Uuid>, Unreadable> {
        let Some(raw) = self.get("id") else { return Ok(None) };
        match raw::scalar("id", raw)? {
            Scalar::Text(text) if !text.trim().is_empty() => {
                let id = Uuid::parse_str(text.trim()).map_err(|_| Unreadable::wrong("id", "must be a UUID"))?;
                Ok(Some(id).filter(|id| !id.is_nil()))
            }
            Scalar::Word(_) => Err(Unreadable::wrong("id", "must be a UUID")),
            _ => Ok(None),
        }
    }

    /// Where in the text the id's value stands.
    pub fn id_slot(&self) -> Option<Range<usize>> {
        let value = self.get("id")?.get();
        let start = value.as_ptr() as usize - self.text.as_ptr() as usize;
        Some(start..start + value.len())
    }

    pub fn header(&self, id: Uuid, findings: &mut Vec<Finding>) -> Result<Header, Unreadable> {
        let kind = self.kind()?;
        self.require_parts(kind)?;
        let run = self.run()?;
        let mut named = |field| {
            let text = self.named(field)?;
            let odd = field != "location" && field != "purpose" && text.contains(PATTERN_CHARACTERS);
            findings.extend(odd.then(|| Finding { place: field.to_owned(), what: Oddity::PatternCharacter }));
            Ok(text)
        };
        Ok(Header {
            id,
            kind,
            part_number: named("pn")?,
            serial_number: named("sn")?,
            revision: named("rev")?,
            station: named("machineName")?,
            location: named("location")?,
            purpose: named("purpose")?,
            process_code: self.process_code()?,
            process_name: self.get("processName").map_or(Ok(Cow::Borrowed("")), |raw| raw::text("processName", raw))?.into_owned(),
            result: self.result()?,
            operator: run.fields.text("user")?.into_owned(),
            start: self.start()?,
        })
    }

    pub fn run(&self) -> Result<RunPart<'a>, Unreadable> {
        let field = if self.kind()? == ReportKind::Test { "uut" } else { "uur" };
        let fields = raw::object(field, self.require(field)?)?;
        let (execution_secs, comment) = (fields.number("execTime")?, fields.text("comment")?.into_owned());
        Ok(RunPart { fields, execution_secs, comment })
    }

    pub fn facts(&self, run: &RunPart, findings: &mut Vec<Finding>) -> Result<Vec<Fact>, Unreadable> {
        let mut facts = Vec::new();
        for misc in raw::list("miscInfos", self.get("miscInfos"))? {
            let text = match misc.text("text")? {
                text if text.is_empty() => misc.text("numeric")?,
                text => text,
            };
            facts.push(Fact { kind: FactKind::Misc, label: misc.text("description")?.into_owned(), text: text.into_owned() });
        }
        for unit in raw::list("subUnits", self.get("subUnits"))? {
            let text = join([unit.text("pn")?, unit.text("sn")?, unit.text("rev")?]);
            facts.push(Fact { kind: FactKind::SubUnit, label: unit.text("partType")?.into_owned(), text });
            for failure in raw::list("failures", unit.get("failures"))? {
                let text = join([failure.text("code")?, failure.text("comRef")?, failure.text("comment")?]);
                facts.push(Fact { kind: FactKind::Failure, label: failure.text("category")?.into_owned(), text });
            }
        }
        for asset in raw::list("assets", self.get("assets"))? {
            facts.push(Fact { kind: FactKind::Asset, label: "sn".to_owned(), text: asset.text("sn")?.into_owned() });
        }
        for label in ["fixtureId", "testSocketIndex", "batchSN", "errorCode", "errorMessage"] {
            let text = run.fields.text(label)?.into_owned();
            facts.extend((!text.is_empty()).then(|| Fact { kind: FactKind::Run, label: label.to_owned(), text }));
        }
        let long = |text: &str, limit| text.chars().nth(limit).is_some();
        let too_long = |fact: &&Fact| fact.kind == FactKind::Misc && (long(&fact.label, FACT_CHARS) || long(&fact.text, FACT_CHARS));
        let places =
            facts.iter().filter(too_long).map(|_| "miscInfos").take(1).chain(long(&run.comment, COMMENT_CHARS).then_some("comment"));
        findings.extend(places.map(|place| Finding { place: place.to_owned(), what: Oddity::TooLong }));
        Ok(facts)
    }

    /// The tree of steps; a repair may have none.
    pub fn take_tree(&mut self) -> Option<Step> {
        self.tree.take()
    }

    fn get(&self, field: &str) -> Option<&'a RawValue> {
        self.fields.iter().rev().find(|(known, _)| *known == field).map(|(_, raw)| *raw)
    }

    fn require(&self, field: &str) -> Result<&'a RawValue, Unreadable> {
        self.get(field).filter(|raw| raw.get() != "null").ok_or_else(|| Unreadable::Missing { field: field.to_owned() })
    }

    fn kind(&self) -> Result<ReportKind, Unreadable> {
        match &*raw::text("type", self.require("type")?)? {
            "T" | "t" => Ok(ReportKind::Test),
            "R" | "r" => Ok(ReportKind::Repair),
            _ => Err(Unreadable::wrong("type", "must be \"T\" for a test or \"R\" for a repair")),
        }
    }

    fn require_parts(&self, kind: ReportKind) -> Result<(), Unreadable> {
        let (run, other) = if kind == ReportKind::Test { ("uut", "root") } else { ("uur", "subUnits") };
        self.require(run)?;
        let there = if kind == ReportKind::Test { self.has_root } else { self.get(other).is_some() };
        if there { Ok(()) } else { Err(Unreadable::Missing { field: other.to_owned() }) }
    }

    fn named(&self, field: &str) -> Result<String, Unreadable> {
        let text = raw::text(field, self.require(field)?)?;
        let length = text.chars().count();
        if (1..=100).contains(&length) {
            return Ok(text.into_owned());
        }
        Err(Unreadable::wrong(field, format!("must be 1 to 100 characters long, and is {length}")))
    }

    fn process_code(&self) -> Result<i64, Unreadable> {
        let text = raw::text("processCode", self.require("processCode")?)?;
        let whole = |number: f64| (number.fract() == 0.0 && number.abs() < 1e15).then_some(number as i64);
        let code = text.parse().ok().or_else(|| text.parse().ok().and_then(whole));
        code.ok_or_else(|| Unreadable::wrong("processCode", "must be a whole number"))
    }

    fn result(&self) -> Result<Status, Unreadable> {
        let word = raw::text("result", self.require("result")?)?;
        let status = Status::parse(&word).filter(|status| *status != Status::Skipped);
        status.ok_or_else(|| Unreadable::wrong("result", "must be P, F, D, E or T"))
    }

    /// `start` with its offset; else `startUTC`.
    fn start(&self) -> Result<DateTime<FixedOffset>, Unreadable> {
        let start = self.get("start").map(|raw| raw::text("start", raw)).transpose()?.filter(|text| !text.is_empty());
        if let Some(time) = start.as_deref().and_then(with_offset) {
            return Ok(time);
        }
        let Some(raw) = self.get("startUTC").filter(|raw| raw.get() != "null") else {
            let wrong = Unreadable::wrong("start", "must be a time with its offset, like 2026-03-04T08:15:30+01:00");
            return Err(if start.is_some() { wrong } else { Unreadable::Missing { field: "start".to_owned() } });
        };
        let text = raw::text("startUTC", raw)?;
        let without = || NaiveDateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M:%S%.f").ok().map(|time| time.and_utc().fixed_offset());
        with_offset(&text).or_else(without).ok_or_else(|| Unreadable::wrong("startUTC", "must be a time, like 2026-03-04T07:15:30Z"))
    }
}

fn with_offset(text: &str) -> Option<DateTime<FixedOffset>> {
    DateTime::parse_from_rfc3339(text).or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z")).ok()
}

fn join<const N: usize>(texts: [Cow<str>; N]) -> String {
    texts.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" ")
}

struct SheetSeed<'c, 'a> {
    context: &'c Context,
    text: &'a str,
}

impl<'de> DeserializeSeed<'de> for SheetSeed<'_, 'de> {
    type Value = Sheet<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Sheet<'de>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for SheetSeed<'_, 'de> {
    type Value = Sheet<'de>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a report")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Sheet<'de>, A::Error> {
        let mut sheet = Sheet { text: self.text, fields: Vec::with_capacity(FIELDS.len()), has_root: false, tree: None };
        while let Some(Key(key)) = map.next_key()? {
            if key == "root" && self.context.tree {
                self.context.field.set("root");
                sheet.tree = map.next_value_seed(RootSeed(self.context))?;
                sheet.has_root = sheet.tree.is_some();
                continue;
            }
            let raw = if key == "root" { map.next_value()? } else { self.context.next_raw(&mut map)? };
            match FIELDS.iter().find(|field| **field == key) {
                Some(field) => sheet.fields.push((field, raw)),
                None if key == "root" => sheet.has_root = raw.get().starts_with('{'),
                None => {}
            }
        }
        Ok(sheet)
    }
}

/// The root step, or null.
struct RootSeed<'c>(&'c Context);

impl<'de> DeserializeSeed<'de> for RootSeed<'_> {
    type Value = Option<Step>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<Step>, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for RootSeed<'_> {
    type Value = Option<Step>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a step")
    }

    fn visit_none<E>(self) -> Result<Option<Step>, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<Step>, D::Error> {
        StepSeed(self.0).deserialize(deserializer).map(Some)
    }
}

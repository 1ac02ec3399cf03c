//! Values of JSON as slices of their source, so that digits stay as they came.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{MAX_MEASUREMENTS, MAX_STEPS, Unreadable};
use crate::domain::report::Number;

/// Levels of JSON in all.
const MAX_JSON_DEPTH: usize = 125;
/// Entries of a list in the head.
const MAX_ENTRIES: usize = 10_000;
/// Characters of a name that findings repeat.
const NAME_CHARS: usize = 100;

/// What one reading has met so far.
pub struct Context {
    /// Whether the tree of steps is wanted.
    pub tree: bool,
    pub depth: Cell<usize>,
    /// The field being read, to say where a value of the wrong shape stood.
    pub field: Cell<&'static str>,
    steps: Cell<usize>,
    measurements: Cell<usize>,
    refusal: RefCell<Option<Unreadable>>,
}

impl Context {
    pub fn new(tree: bool) -> Context {
        Context {
            tree,
            depth: Cell::new(0),
            field: Cell::new(""),
            steps: Cell::new(0),
            measurements: Cell::new(0),
            refusal: RefCell::new(None),
        }
    }

    pub fn count_step<E: de::Error>(&self) -> Result<(), E> {
        self.steps.set(self.steps.get() + 1);
        let found = self.steps.get();
        if found > MAX_STEPS { Err(self.refuse(Unreadable::TooManySteps { found, limit: MAX_STEPS })) } else { Ok(()) }
    }

    pub fn count_measurement<E: de::Error>(&self) -> Result<(), E> {
        self.measurements.set(self.measurements.get() + 1);
        let found = self.measurements.get();
        let limit = MAX_MEASUREMENTS;
        if found > limit { Err(self.refuse(Unreadable::TooManyMeasurements { found, limit })) } else { Ok(()) }
    }

    /// Leaves the reader of JSON with our own reason.
    pub fn refuse<E: de::Error>(&self, reason: Unreadable) -> E {
        *self.refusal.borrow_mut() = Some(reason);
        E::custom("refused")
    }

    pub fn explain(&self, error: &serde_json::Error) -> Unreadable {
        if let Some(reason) = self.refusal.take() {
            return reason;
        }
        if error.is_data() {
            return Unreadable::wrong(self.field.get(), "has a value of the wrong kind");
        }
        not_json(error)
    }

    /// The next value as its source, refused where it is nested too deeply for other readers.
    pub fn next_raw<'de, A: MapAccess<'de>>(&self, map: &mut A) -> Result<&'de RawValue, A::Error> {
        let raw: &RawValue = map.next_value()?;
        if is_composite(raw) && nesting(raw.get()) + 2 * self.depth.get() + 1 > MAX_JSON_DEPTH {
            return Err(self.refuse(Unreadable::TooDeep));
        }
        Ok(raw)
    }
}

/// The reader's own words, without the position it ends them with.
pub fn not_json(error: &serde_json::Error) -> Unreadable {
    let told = error.to_string();
    let what = told.split(" at line ").next().unwrap_or(&told).to_owned();
    Unreadable::NotJson { line: error.line(), column: error.column(), what }
}

fn is_composite(raw: &RawValue) -> bool {
    raw.get().starts_with(['{', '['])
}

/// How deeply brackets are nested in valid JSON.
fn nesting(json: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut bytes = json.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => loop {
                match bytes.next() {
                    Some(b'\\') => _ = bytes.next(),
                    Some(b'"') | None => break,
                    Some(_) => {}
                }
            },
            _ => {}
        }
    }
    deepest
}

/// The key of an object's entry.
pub struct Key<'a>(pub Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a key")
            }
            fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(key)))
            }
            fn visit_str<E>(self, key: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(key.to_owned())))
            }
        }
        deserializer.deserialize_identifier(KeyVisitor)
    }
}

/// A value that is not made of others.
pub enum Scalar<'a> {
    Null,
    Text(Cow<'a, str>),
    /// A number, true or false, in its own letters.
    Word(&'a str),
}

pub fn scalar<'a>(field: &str, raw: &'a RawValue) -> Result<Scalar<'a>, Unreadable> {
    let json = raw.get();
    match json.as_bytes().first() {
        Some(b'n') => Ok(Scalar::Null),
        Some(b'"') => match json[1..].strip_suffix('"') {
            Some(inner) if !inner.contains('\\') => Ok(Scalar::Text(Cow::Borrowed(inner))),
            _ => serde_json::from_str(json)
                .map(|text: String| Scalar::Text(Cow::Owned(text)))
                .map_err(|_| Unreadable::wrong(field, "holds a broken escape")),
        },
        Some(b'{' | b'[') => Err(Unreadable::wrong(field, "must be a single value")),
        _ => Ok(Scalar::Word(json)),
    }
}

/// A text, or a number in its own digits; nothing where it is null.
pub fn text<'a>(field: &str, raw: &'a RawValue) -> Result<Cow<'a, str>, Unreadable> {
    scalar(field, raw).map(|scalar| match scalar {
        Scalar::Null => Cow::Borrowed(""),
        Scalar::Text(text) => text,
        Scalar::Word(word) => Cow::Borrowed(word),
    })
}

/// A number, also one in quotes. `Ok(None)` for null and nothing, `Ok(Some(Err(text)))` for what is no number.
pub fn number(field: &str, raw: &RawValue) -> Result<Option<Result<Number, String>>, Unreadable> {
    let text = text(field, raw)?;
    Ok((!text.is_empty()).then(|| Number::parse(&text).ok_or_else(|| text.into_owned())))
}

/// The entries of a small object; of two with one key the last counts.
pub struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Fields<'a> {
    pub fn get(&self, key: &str) -> Option<&'a RawValue> {
        self.0.iter().rev().find(|(known, _)| known == key).map(|(_, raw)| *raw)
    }

    /// Empty where the key is missing or null.
    pub fn text(&self, key: &str) -> Result<Cow<'a, str>, Unreadable> {
        self.get(key).map_or(Ok(Cow::Borrowed("")), |raw| text(key, raw))
    }

    pub fn number(&self, key: &str) -> Result<Option<f64>, Unreadable> {
        let number = self.get(key).map_or(Ok(None), |raw| number(key, raw))?;
        Ok(number.and_then(Result::ok).map(|number| number.value))
    }
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldsVisitor;
        impl<'de> Visitor<'de> for FieldsVisitor {
            type Value = Fields<'de>;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut fields = Vec::new();
                while let Some(Key(key)) = map.next_key()? {
                    fields.push((key, map.next_value()?));
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(FieldsVisitor)
    }
}

/// Small objects in a list; null is an empty list.
struct List<'a>(Vec<Fields<'a>>);

impl<'de> Deserialize<'de> for List<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListVisitor;
        impl<'de> Visitor<'de> for ListVisitor {
            type Value = List<'de>;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a list of objects")
            }
            fn visit_unit<E>(self) -> Result<List<'de>, E> {
                Ok(List(Vec::new()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<List<'de>, A::Error> {
                let mut list = Vec::new();
                while let Some(fields) = seq.next_element()? {
                    if list.len() == MAX_ENTRIES {
                        return Err(de::Error::custom("too many entries"));
                    }
                    list.push(fields);
                }
                Ok(List(list))
            }
        }
        deserializer.deserialize_any(ListVisitor)
    }
}

pub fn object<'a>(field: &str, raw: &'a RawValue) -> Result<Fields<'a>, Unreadable> {
    serde_json::from_str(raw.get()).map_err(|_| Unreadable::wrong(field, "must be an object"))
}

pub fn list<'a>(field: &str, raw: Option<&'a RawValue>) -> Result<Vec<Fields<'a>>, Unreadable> {
    let read = |raw: &'a RawValue| serde_json::from_str(raw.get()).map(|List(list)| list);
    raw.map_or(Ok(Vec::new()), read).map_err(|_| Unreadable::wrong(field, format!("must be a list of at most {MAX_ENTRIES} objects")))
}

/// Enough of a name to know it by.
pub fn beginning(name: &str) -> &str {
    name.char_indices().nth(NAME_CHARS).map_or(name, |(end, _)| &name[..end])
}

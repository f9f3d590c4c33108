//! The JSON level: members of an object as they stand, and what kind of thing each is.
//!
//! An event is split into its members first ([`RawValue`]s, which borrow), and each member is then
//! read by the field it belongs to. So a number keeps the digits it was written with, a wrong type
//! is told with the field's name, and nested values are walked by us, with the depth in hand.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Number, Value};

use super::Undecodable;
use super::words::shown;
use crate::model::DeadReason;

/// One JSON value, opened one level.
#[derive(Debug)]
pub(super) enum Json<'a> {
    Null,
    Bool,
    /// The number as it was written.
    Number(&'a str),
    /// A text; `clean` when it was written without escapes, and so has no control characters.
    Text {
        text: Cow<'a, str>,
        clean: bool,
    },
    List(&'a str),
    Object(&'a str),
}

/// The bytes as text, without a byte order mark.
pub(super) fn text_of(bytes: &[u8]) -> Result<&str, Undecodable> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        Undecodable::new(
            DeadReason::InvalidEncoding,
            format!(
                "byte {} of the event (0x{:02X}) is not UTF-8; send UTF-8, converting from GBK or \
                 GB 18030 first",
                at + 1,
                bytes[at]
            ),
        )
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text).trim_ascii())
}

/// Gives each member of the event's object to `take`, or to `prose` when `is_prose` says so of its
/// key: long texts are read in the same pass, since going over them twice is what would cost most.
pub(super) fn event<'a>(
    text: &'a str,
    is_prose: impl Fn(&str) -> bool,
    prose: impl FnMut(Cow<'a, str>, Prose<'a>),
    take: impl FnMut(Cow<'a, str>, &'a RawValue),
) -> Result<(), Undecodable> {
    match text.as_bytes().first() {
        Some(b'{') => walk(text, Members { is_prose, prose, take }).map_err(|error| broken(&error)),
        None => Err(Undecodable::new(
            DeadReason::InvalidJson,
            "the event is empty; send one JSON object for each complaint",
        )),
        Some(_) => {
            serde_json::from_str::<IgnoredAny>(text).map_err(|error| broken(&error))?;
            let remedy = match text.as_bytes()[0] {
                b'[' => "send its members as events of their own, one a line",
                _ => "an event is a JSON object with `id`, `received_at` and `title` or `text`",
            };
            let found = kind_of(text);
            Err(Undecodable::new(DeadReason::InvalidField, format!("the event is {found}; {remedy}")))
        }
    }
}

fn broken(error: &serde_json::Error) -> Undecodable {
    let detail = if error.is_eof() {
        format!(
            "the event is cut short at line {} column {}; send it whole, on one line",
            error.line(),
            error.column()
        )
    } else {
        // These messages of the parser are fixed texts with a position, nothing of the event.
        format!("the event is not JSON: {error}; check how the sender writes quotes and line breaks")
    };
    Undecodable::new(DeadReason::InvalidJson, detail)
}

/// Gives each member of an object to `take`, in the order in which they stand.
pub(super) fn members<'a>(
    object: &'a str,
    take: impl FnMut(Cow<'a, str>, &'a RawValue),
) -> Result<(), serde_json::Error> {
    walk(object, Members { is_prose: |_: &str| false, prose: |_, _| (), take })
}

/// As [`members`], with texts read in the same pass as in [`event`].
pub(super) fn members_and_prose<'a>(
    object: &'a str,
    is_prose: impl Fn(&str) -> bool,
    prose: impl FnMut(Cow<'a, str>, Prose<'a>),
    take: impl FnMut(Cow<'a, str>, &'a RawValue),
) -> Result<(), serde_json::Error> {
    walk(object, Members { is_prose, prose, take })
}

fn walk<'a, V: Visitor<'a, Value = ()>>(object: &'a str, visitor: V) -> Result<(), serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(object);
    (&mut deserializer).deserialize_map(visitor)?;
    deserializer.end()
}

struct Members<I, P, T> {
    is_prose: I,
    prose: P,
    take: T,
}

impl<'a, I, P, T> Visitor<'a> for Members<I, P, T>
where
    I: Fn(&str) -> bool,
    P: FnMut(Cow<'a, str>, Prose<'a>),
    T: FnMut(Cow<'a, str>, &'a RawValue),
{
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(Key(key)) = map.next_key()? {
            if (self.is_prose)(&key) {
                (self.prose)(key, map.next_value()?);
            } else {
                (self.take)(key, map.next_value()?);
            }
        }
        Ok(())
    }
}

/// A long text, or what stands in its place.
#[derive(Debug)]
pub(super) enum Prose<'a> {
    Null,
    /// As in [`Json::Text`].
    Text {
        text: Cow<'a, str>,
        clean: bool,
    },
    /// Something else: its kind, with the article.
    Other(&'static str),
}

impl<'de> Deserialize<'de> for Prose<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Prose<'de>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Prose<'de>, E> {
                Ok(Prose::Text { text: Cow::Borrowed(text), clean: true })
            }

            fn visit_str<E>(self, text: &str) -> Result<Prose<'de>, E> {
                Ok(Prose::Text { text: Cow::Owned(text.to_owned()), clean: false })
            }

            fn visit_unit<E>(self) -> Result<Prose<'de>, E> {
                Ok(Prose::Null)
            }

            fn visit_bool<E>(self, _: bool) -> Result<Prose<'de>, E> {
                Ok(Prose::Other("true or false"))
            }

            fn visit_u64<E>(self, _: u64) -> Result<Prose<'de>, E> {
                Ok(Prose::Other("a number"))
            }

            fn visit_i64<E>(self, _: i64) -> Result<Prose<'de>, E> {
                Ok(Prose::Other("a number"))
            }

            fn visit_f64<E>(self, _: f64) -> Result<Prose<'de>, E> {
                Ok(Prose::Other("a number"))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Prose<'de>, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Prose::Other("a list"))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Prose<'de>, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Prose::Other("an object"))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// A key or text that borrows from the event where it can.
struct Key<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Borrowing;
        impl<'de> Visitor<'de> for Borrowing {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Borrowing)
    }
}

/// Opens the value of the field `path`.
pub(super) fn open<'a>(raw: &'a RawValue, path: &str) -> Result<Json<'a>, Undecodable> {
    let json = raw.get();
    Ok(match json.as_bytes()[0] {
        b'"' => {
            // The parser has been over it: without a backslash, what is between the quotes is it.
            let inner = &json[1..json.len() - 1];
            if inner.contains('\\') {
                let text = serde_json::from_str::<Key>(json).map_err(|_| bad_escape(path))?.0;
                Json::Text { text, clean: false }
            } else {
                Json::Text { text: Cow::Borrowed(inner), clean: true }
            }
        }
        b'{' => Json::Object(json),
        b'[' => Json::List(json),
        b'n' => Json::Null,
        b't' | b'f' => Json::Bool,
        _ => Json::Number(json),
    })
}

fn bad_escape(path: &str) -> Undecodable {
    Undecodable::new(
        DeadReason::InvalidJson,
        format!("`{}` holds half of a \\u surrogate pair; write characters as UTF-8", shown(path)),
    )
}

/// The values of a list, as they stand or as texts.
pub(super) fn values<'a, T: Deserialize<'a>>(list: &'a str) -> Result<Vec<T>, Undecodable> {
    serde_json::from_str(list).map_err(|error| broken(&error))
}

/// The kind of a value, with its article.
pub(super) fn kind_of(json: &str) -> &'static str {
    match json.as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b'"') => "a text",
        Some(b'n') => "null",
        Some(b't' | b'f') => "true or false",
        _ => "a number",
    }
}

/// An unknown value, kept. `depth` is the level at which it stands, `most` the deepest allowed;
/// `path` is the field of the event it belongs to.
pub(super) fn kept(raw: &RawValue, path: &str, depth: usize, most: usize) -> Result<Value, Undecodable> {
    let too_deep = || {
        Undecodable::new(
            DeadReason::TooDeep,
            format!("`{}` is nested deeper than {most} levels; send it flatter", shown(path)),
        )
    };
    Ok(match open(raw, path)? {
        Json::Null => Value::Null,
        Json::Bool => Value::Bool(raw.get() == "true"),
        Json::Number(digits) => number(digits),
        Json::Text { text, .. } => Value::String(text.into_owned()),
        Json::List(_) | Json::Object(_) if depth > most => return Err(too_deep()),
        Json::List(list) => Value::Array(
            values::<&RawValue>(list)?
                .into_iter()
                .map(|value| kept(value, path, depth + 1, most))
                .collect::<Result<_, _>>()?,
        ),
        Json::Object(object) => {
            let mut inside = Vec::new();
            members(object, |key, value| inside.push((key, value))).map_err(|error| broken(&error))?;
            let mut map = Map::new();
            for (key, value) in inside {
                map.insert(key.into_owned(), kept(value, path, depth + 1, most)?);
            }
            Value::Object(map)
        }
    })
}

// Order numbers of 20 digits are common, and a float would silently change them.
fn number(written: &str) -> Value {
    let number = serde_json::from_str::<Number>(written).ok();
    match number {
        Some(number) if number.is_u64() || number.is_i64() || is_exact(written, &number) => {
            Value::Number(number)
        }
        _ => Value::String(written.to_owned()),
    }
}

fn is_exact(written: &str, number: &Number) -> bool {
    number.as_f64().is_some() && decimal(written) == decimal(&number.to_string())
}

// A number's significant digits, and the power of ten that the first one stands at.
fn decimal(written: &str) -> (bool, String, i64) {
    let (mantissa, exponent) = written.split_once(['e', 'E']).unwrap_or((written, "0"));
    let (negative, mantissa) = mantissa.strip_prefix('-').map_or((false, mantissa), |rest| (true, rest));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('0');
    if significant.is_empty() {
        return (negative, String::new(), 0);
    }
    let zeros = digits.len() - significant.len();
    let first = i64::try_from(whole.len()).unwrap_or(i64::MAX) - i64::try_from(zeros).unwrap_or(i64::MAX);
    // An exponent that does not fit makes the number infinite or zero, which then differs.
    let exponent = exponent.parse().unwrap_or(i64::from(i32::MAX));
    (negative, significant.trim_end_matches('0').to_owned(), first.saturating_add(exponent))
}

//! The words in which faults of a configuration are told.

use figment::error::{Actual, Kind as Fault};

use super::catalog::{Catalog, Kind, NAME, Setting};
use super::error::nearest;

/// A section with more settings than this is not listed in a message.
const MOST_LISTED: usize = 8;

/// One fault in one line. `path` leads to the setting at fault.
pub(super) fn fault(kind: &Fault, path: &[String], catalog: &Catalog) -> String {
    let full = path.join(".");
    let setting = catalog.get(&full);
    match kind {
        Fault::UnknownField(name, expected) => unknown(name, path, expected, catalog),
        Fault::UnknownVariant(word, words) => choice(&full, word, words),
        Fault::InvalidType(found, expected) | Fault::InvalidValue(found, expected) => {
            let limits = limits(expected);
            let is_number = matches!(found, Actual::Unsigned(_) | Actual::Signed(_));
            match (setting.map(|setting| &setting.kind), limits) {
                (Some(Kind::Choice(words)), _) => {
                    let words: Vec<&str> = words.iter().map(String::as_str).collect();
                    format!("`{full}`: expected one of {}, found {}", list(&words), actual(found))
                }
                (_, Some((min, max))) if is_number => {
                    let min = setting.and_then(|setting| setting.min).unwrap_or(min);
                    let max = setting.and_then(|setting| setting.max).unwrap_or(max);
                    let range = range(Some(min), Some(max));
                    format!("`{full}`: {} is out of range; give {range}", actual(found))
                }
                _ => format!("`{full}`: expected {}, found {}", words(expected), actual(found)),
            }
        }
        Fault::InvalidLength(length, expected) => {
            format!("`{full}`: has {length} parts, expected {expected}")
        }
        Fault::MissingField(name) => match full.as_str() {
            "" => format!("`{name}` is missing"),
            _ => format!("`{full}`: `{name}` is missing"),
        },
        other => format!("`{full}`: {}", other.to_string().replace('\n', ", ")),
    }
}

fn unknown(name: &str, path: &[String], expected: &[&str], catalog: &Catalog) -> String {
    let full = path.join(".");
    let parent = &path[..path.len().saturating_sub(1)].join(".");
    let inner = |name: &str| if parent.is_empty() { name.to_owned() } else { format!("{parent}.{name}") };
    if let Some(near) = nearest(name, expected.iter().copied()) {
        return format!("there is no setting `{full}`; did you mean `{}`?", inner(near));
    }
    // Parts of which there are several have settings of usual names (`port`), which say little.
    let is_meant =
        |setting: &&Setting| setting.path.rsplit('.').next() == Some(name) && !setting.path.contains(NAME);
    let elsewhere = catalog.settings().find(is_meant);
    if let Some(setting) = elsewhere {
        return format!("there is no setting `{full}`; did you mean `{}`?", setting.path);
    }
    match parent.as_str() {
        // A long list helps less than a place to look.
        _ if expected.len() > MOST_LISTED => {
            format!("there is no setting `{full}`; `fenghuo config show` lists the settings")
        }
        "" => format!("there is no setting `{full}`; at the top there are {}", list(expected)),
        _ => format!("there is no setting `{full}`; `{parent}` has {}", list(expected)),
    }
}

fn choice(full: &str, word: &str, words: &[&str]) -> String {
    match nearest(word, words.iter().copied()) {
        Some(near) => format!("`{full}`: \"{word}\" is not known; did you mean \"{near}\"?"),
        None => format!("`{full}`: \"{word}\" is not known; give one of {}", list(words)),
    }
}

fn list(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

fn actual(found: &Actual) -> String {
    match found {
        Actual::Str(text) => format!("\"{}\"", shortened(text)),
        Actual::Char(text) => format!("\"{text}\""),
        Actual::Bool(value) => value.to_string(),
        Actual::Unsigned(value) => value.to_string(),
        Actual::Signed(value) => value.to_string(),
        Actual::Float(value) => value.to_string(),
        Actual::Seq => "a list".into(),
        Actual::Map => "a table".into(),
        Actual::Unit => "nothing".into(),
        other => other.to_string(),
    }
}

fn shortened(text: &str) -> String {
    let line = text.replace('\n', " ");
    match line.char_indices().nth(60) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line,
    }
}

// What serde's visitors call the things they expect, in the words of a settings file.
fn words(expected: &str) -> String {
    if limits(expected).is_some() {
        return "an integer".into();
    }
    match expected {
        "f32" | "f64" => "a number".into(),
        "a boolean" => "true or false".into(),
        "path string" => "a path".into(),
        "a sequence" => "a list".into(),
        "a map" => "a table".into(),
        _ if expected.starts_with("struct ") => "a table".into(),
        _ => expected.into(),
    }
}

// The range of an integer type, by its name in serde's message.
fn limits(expected: &str) -> Option<(f64, f64)> {
    Some(match expected {
        "u8" => (0.0, f64::from(u8::MAX)),
        "u16" => (0.0, f64::from(u16::MAX)),
        "u32" => (0.0, f64::from(u32::MAX)),
        "u64" | "usize" => (0.0, u64::MAX as f64),
        "i8" => (f64::from(i8::MIN), f64::from(i8::MAX)),
        "i16" => (f64::from(i16::MIN), f64::from(i16::MAX)),
        "i32" => (f64::from(i32::MIN), f64::from(i32::MAX)),
        "i64" | "isize" => (i64::MIN as f64, i64::MAX as f64),
        name => return name.strip_prefix("a nonzero ").and_then(limits).map(|(_, max)| (1.0, max)),
    })
}

/// A range of numbers in words.
pub(super) fn range(min: Option<f64>, max: Option<f64>) -> String {
    match (min, max) {
        (Some(min), Some(max)) => format!("a number from {min} to {max}"),
        (Some(min), None) => format!("{min} or more"),
        (None, Some(max)) => format!("{max} or less"),
        (None, None) => "another number".into(),
    }
}

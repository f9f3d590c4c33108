//! Documentation made from the settings themselves, so that it cannot fall behind: the reference
//! page and the commented example files.

use std::fmt::Write as _;

use serde_json::Value;

use super::catalog::{Catalog, Kind, Section, Setting};
use super::layers::env_name;

/// A setting that an example file switches on: its path and its value in TOML.
pub type Active<'a> = (&'a str, &'a str);

/// An example file: every setting with its meaning, commented out at its default unless it is
/// among the active ones.
#[must_use]
pub fn example(catalog: &Catalog, introduction: &str, active: &[Active<'_>]) -> String {
    let mut out = String::new();
    comment(&mut out, introduction);
    for section in &catalog.sections {
        let is_active = active.iter().any(|(path, _)| is_in(path, section));
        if !section.path.is_empty() {
            out.push('\n');
            comment(&mut out, &section.doc);
            // A part that is off by default would be switched on by the mere table.
            let mark = if is_active || !section.optional { "" } else { "# " };
            let _ = writeln!(out, "{mark}[{}]", section.path);
        }
        for setting in &section.settings {
            out.push('\n');
            comment(&mut out, &meaning(setting));
            let name = setting.path.rsplit('.').next().unwrap_or_default();
            match active.iter().find(|(path, _)| *path == setting.path) {
                Some((_, value)) => {
                    let _ = writeln!(out, "{name} = {value}");
                }
                None if setting.default.is_null() => {
                    let _ = writeln!(out, "# {name} = {}", placeholder(setting));
                }
                None => {
                    let _ = writeln!(out, "# {name} = {}", toml(&setting.default));
                }
            }
        }
    }
    out
}

fn is_in(path: &str, section: &Section) -> bool {
    section.settings.iter().any(|setting| setting.path == path)
}

/// The reference page, in Markdown.
#[must_use]
pub fn reference(catalog: &Catalog) -> String {
    let mut out = String::new();
    for section in &catalog.sections {
        let title =
            if section.path.is_empty() { "At the top".to_owned() } else { format!("`[{}]`", section.path) };
        let _ = writeln!(out, "\n## {title}\n");
        if !section.path.is_empty() {
            let _ = writeln!(out, "{}\n", section.doc.trim());
        }
        out.push_str("| setting | takes | default | meaning |\n|---|---|---|---|\n");
        for setting in &section.settings {
            let default = match &setting.default {
                Value::Null => "none".to_owned(),
                value => format!("`{}`", toml(value)),
            };
            let meaning = one_line(&setting.doc).replace('|', "\\|");
            let _ = writeln!(
                out,
                "| `{}`<br>`{}` | {} | {default} | {meaning} |",
                setting.path,
                env_name(&setting.path),
                takes(setting).replace('|', "\\|"),
            );
        }
    }
    out
}

fn meaning(setting: &Setting) -> String {
    match &setting.kind {
        Kind::Choice(words) => {
            let words: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
            format!("{} One of {}.", setting.doc.trim(), words.join(", "))
        }
        Kind::Tables(names) => {
            format!("{} A list of tables with {}.", setting.doc.trim(), names.join(", "))
        }
        _ => setting.doc.trim().to_owned(),
    }
}

fn takes(setting: &Setting) -> String {
    let kind = kind(&setting.kind);
    match (setting.min, setting.max) {
        (Some(min), Some(max)) => format!("{kind}, {min} to {max}"),
        // Zero or more is what an unsigned number is anyway.
        (Some(min), None) if min > 0.0 => format!("{kind}, {min} or more"),
        _ => kind,
    }
}

fn kind(kind: &Kind) -> String {
    match kind {
        Kind::Text => "text".into(),
        Kind::Integer => "integer".into(),
        Kind::Number => "number".into(),
        Kind::Boolean => "true or false".into(),
        Kind::Choice(words) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "),
        Kind::List(item) => format!("list of {}", self::kind(item)),
        Kind::Map => "table with names of your own".into(),
        Kind::Tables(names) => format!("list of tables: {}", names.join(", ")),
        Kind::Any => "see meaning".into(),
    }
}

// What a setting without a default could look like.
fn placeholder(setting: &Setting) -> &'static str {
    match &setting.kind {
        Kind::Text | Kind::Choice(_) | Kind::Any => "\"...\"",
        Kind::Integer => "1",
        Kind::Number => "1.0",
        Kind::Boolean => "true",
        Kind::List(_) | Kind::Tables(_) => "[]",
        Kind::Map => "{}",
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

// Lines of at most 96 characters.
fn comment(out: &mut String, text: &str) {
    for paragraph in text.trim().split("\n\n").filter(|paragraph| !paragraph.trim().is_empty()) {
        let mut line = String::from("#");
        for word in paragraph.split_whitespace() {
            if line.chars().count() + 1 + word.chars().count() > 96 {
                let _ = writeln!(out, "{line}");
                line = String::from("#");
            }
            line.push(' ');
            line.push_str(word);
        }
        let _ = writeln!(out, "{line}");
    }
}

/// A value in TOML, on one line.
#[must_use]
pub fn toml(value: &Value) -> String {
    match value {
        Value::Null => "\"\"".into(),
        // JSON's quoting of texts is also TOML's, but for DEL, which no default has.
        Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
        Value::Array(items) => format!("[{}]", items.iter().map(toml).collect::<Vec<_>>().join(", ")),
        Value::Object(map) if map.is_empty() => "{}".into(),
        Value::Object(map) => {
            let pairs = map.iter().filter(|(_, value)| !value.is_null());
            let pairs: Vec<String> =
                pairs.map(|(key, value)| format!("{} = {}", quoted(key), toml(value))).collect();
            format!("{{ {} }}", pairs.join(", "))
        }
    }
}

fn quoted(key: &str) -> String {
    let is_bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if is_bare { key.into() } else { Value::String(key.into()).to_string() }
}

//! The layers of a configuration: file, environment variables, flags, each remembering where every
//! value was written.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use figment::value::{Dict, Map, Value};
use figment::{Metadata, Profile, Provider};
use toml::de::{DeTable, DeValue};

use super::catalog::{Catalog, Kind, names_a_path, names_a_variable};
use super::error::{ConfigError, nearest};

/// What the name of every environment variable of ours begins with.
pub const ENV_PREFIX: &str = "FENGHUO_";

/// Variables with our prefix that are not settings.
const NOT_SETTINGS: [&str; 1] = ["FENGHUO_CONFIG"];

/// A setting given as a flag of the command line.
#[derive(Debug, Clone)]
pub struct Flag {
    /// The flag as the user knows it, for example `--log-level`.
    pub name: String,
    /// The setting it sets.
    pub path: String,
    /// The text given.
    pub value: String,
}

impl Flag {
    /// A setting that is tried in place of another: the `KEY=VALUE` of `--with`.
    ///
    /// # Errors
    /// When there is no `=`.
    pub fn with(setting: &str) -> anyhow::Result<Self> {
        let (key, value) = setting
            .split_once('=')
            .with_context(|| format!("--with {setting}: write it like engine.group.likeness=0.5"))?;
        Ok(Self { name: "--with".into(), path: key.trim().into(), value: value.to_owned() })
    }
}

/// One layer: values, and where they come from.
#[derive(Debug, Clone)]
pub(super) struct Layer {
    pub(super) origin: LayerOrigin,
    pub(super) dict: Dict,
}

#[derive(Debug, Clone)]
pub(super) enum LayerOrigin {
    File { name: String, text: String, spans: Spans },
    Env(String),
    Flag(String),
}

/// Byte ranges of keys and values in a file.
type Spans = BTreeMap<Vec<String>, (Range<usize>, Range<usize>)>;

impl Provider for &Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(match &self.origin {
            LayerOrigin::File { name, .. } | LayerOrigin::Env(name) | LayerOrigin::Flag(name) => name.clone(),
        })
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Profile::Default.collect(self.dict.clone()))
    }
}

impl Layer {
    /// Whether this layer sets something at the path.
    pub(super) fn has(&self, path: &[String]) -> bool {
        let Some((first, rest)) = path.split_first() else { return true };
        let mut found = self.dict.get(first);
        for name in rest {
            found = match found {
                Some(Value::Dict(_, inner)) => inner.get(name),
                Some(Value::Array(_, items)) => name.parse().ok().and_then(|index: usize| items.get(index)),
                _ => None,
            };
        }
        found.is_some()
    }

    /// Takes out what is set at the path.
    pub(super) fn remove(&mut self, path: &[String]) -> bool {
        let Some((last, parents)) = path.split_last() else { return false };
        let mut dict = &mut self.dict;
        for name in parents {
            match dict.get_mut(name) {
                Some(Value::Dict(_, inner)) => dict = inner,
                _ => return false,
            }
        }
        dict.remove(last).is_some()
    }

    /// Where the path stands, in words. `at_key` points at the name instead of the value.
    pub(super) fn place(&self, path: &[String], at_key: bool) -> String {
        match &self.origin {
            LayerOrigin::Env(name) => format!("environment variable {name}"),
            LayerOrigin::Flag(name) => format!("flag {name}"),
            LayerOrigin::File { name, text, .. } => match self.span(path) {
                Some((key, _)) if at_key => position(name, text, key.start),
                Some((_, value)) => position(name, text, value.start),
                None => name.clone(),
            },
        }
    }

    /// A number to order the places of one layer by.
    pub(super) fn offset(&self, path: &[String]) -> usize {
        self.span(path).map_or(0, |(key, _)| key.start)
    }

    // Of the path itself, or of the smallest thing around it that has a place.
    fn span(&self, path: &[String]) -> Option<&(Range<usize>, Range<usize>)> {
        let LayerOrigin::File { spans, .. } = &self.origin else { return None };
        (1..=path.len()).rev().find_map(|length| spans.get(&path[..length]))
    }
}

/// `file:line:column`, both counted from 1, columns in characters.
fn position(name: &str, text: &str, byte: usize) -> String {
    let before = text.get(..byte).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    format!("{name}:{line}:{column}")
}

/// Reads a TOML file.
pub(super) fn file(path: &Path) -> Result<Layer, Vec<ConfigError>> {
    let name = path.display().to_string();
    let one = |origin: String, message: String| vec![ConfigError { origin, message }];
    let bytes = std::fs::read(path).map_err(|error| {
        let remedy = match error.kind() {
            std::io::ErrorKind::NotFound => "; give the right path with --config",
            std::io::ErrorKind::PermissionDenied => "; let the user that runs fenghuo read it",
            _ => "",
        };
        one(name.clone(), format!("cannot read this configuration file: {error}{remedy}"))
    })?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let before = String::from_utf8_lossy(&error.as_bytes()[..good]).into_owned();
        one(position(&name, &before, good), "this is not UTF-8; save the file as UTF-8".into())
    })?;
    let (table, errors) = DeTable::parse_recoverable(&text);
    if !errors.is_empty() {
        // What follows a syntax error is often only its echo, so the first is the one to tell.
        let first = errors.into_iter().min_by_key(|error| error.span().map_or(0, |span| span.start));
        let error = first.expect("not empty");
        let origin = error.span().map_or(name.clone(), |span| position(&name, &text, span.start));
        return Err(one(origin, format!("this is not valid TOML: {}", error.message().replace('\n', ", "))));
    }
    let mut spans = Spans::new();
    collect_spans(&mut spans, &mut Vec::new(), table.get_ref());
    let mut dict: Dict = toml::from_str(&text).map_err(|error| {
        let origin = error.span().map_or(name.clone(), |span| position(&name, &text, span.start));
        one(origin, error.message().replace('\n', ", "))
    })?;
    resolve_paths(&mut dict, path.parent().unwrap_or(Path::new("")));
    Ok(Layer { origin: LayerOrigin::File { name, text, spans }, dict })
}

fn collect_spans(out: &mut Spans, path: &mut Vec<String>, table: &DeTable<'_>) {
    for (key, value) in table {
        path.push(key.get_ref().to_string());
        collect_value(out, path, key.span(), value);
        path.pop();
    }
}

fn collect_value(
    out: &mut Spans,
    path: &mut Vec<String>,
    key: Range<usize>,
    value: &toml::Spanned<DeValue<'_>>,
) {
    out.insert(path.clone(), (key, value.span()));
    match value.get_ref() {
        DeValue::Table(table) => collect_spans(out, path, table),
        DeValue::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                path.push(index.to_string());
                collect_value(out, path, item.span(), item);
                path.pop();
            }
        }
        _ => {}
    }
}

// A file may be moved together with what it names, so its paths are relative to its own folder.
fn resolve_paths(dict: &mut Dict, folder: &Path) {
    for (name, value) in dict {
        match value {
            Value::Dict(_, inner) => resolve_paths(inner, folder),
            Value::String(_, text) if names_a_path(name) => *text = resolve(folder, text),
            Value::Array(_, items) => {
                for item in items {
                    match item {
                        Value::Dict(_, inner) => resolve_paths(inner, folder),
                        Value::String(_, text) if names_a_path(name) => *text = resolve(folder, text),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
}

// `-` is stdin, and nothing stays nothing.
fn resolve(folder: &Path, text: &str) -> String {
    if text.is_empty() || text == "-" {
        return text.into();
    }
    let joined: PathBuf = folder.join(text);
    joined.to_string_lossy().into_owned()
}

/// Takes our variables out of an environment, one layer each, in the order of their names.
pub(super) fn env(
    variables: &[(OsString, OsString)],
    catalog: &Catalog,
    lower: &[&Dict],
) -> (Vec<Layer>, Vec<ConfigError>) {
    let (mut layers, mut errors, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
    let mut ours: Vec<_> =
        variables.iter().filter_map(|(name, value)| Some((name.to_str()?, value))).collect();
    ours.retain(|(name, _)| name.starts_with(ENV_PREFIX) && !NOT_SETTINGS.contains(name));
    ours.sort_unstable();
    for (name, value) in ours {
        let path = name[ENV_PREFIX.len()..].to_lowercase().replace("__", ".");
        let refuse =
            |message: String| ConfigError { origin: format!("environment variable {name}"), message };
        if !catalog.admits(&path) {
            unknown.push((name, path));
            continue;
        }
        let Some(text) = value.to_str() else {
            errors.push(refuse("its value is not UTF-8".into()));
            continue;
        };
        match parse(catalog, &path, text) {
            Ok(value) => {
                layers
                    .push(Layer { origin: LayerOrigin::Env(name.into()), dict: nest(catalog, &path, value) });
            }
            Err(message) => errors.push(refuse(message)),
        }
    }
    // A variable may also hold a secret whose name a setting gives, and Kubernetes makes variables
    // of its own for a service called fenghuo.
    let mut secrets = Vec::new();
    lower
        .iter()
        .copied()
        .chain(layers.iter().map(|l| &l.dict))
        .for_each(|d| variables_named(d, &mut secrets));
    for (name, path) in unknown {
        if secrets.iter().any(|secret| secret == name) || is_of_kubernetes(name) {
            continue;
        }
        let candidates: Vec<String> = catalog.settings().map(|setting| env_name(&setting.path)).collect();
        let hint = match nearest(name, candidates.iter().map(String::as_str)) {
            Some(near) => format!("; did you mean {near}?"),
            None => "; `fenghuo config show` lists the settings".into(),
        };
        let message = format!("there is no setting `{path}`{hint}");
        errors.push(ConfigError { origin: format!("environment variable {name}"), message });
    }
    (layers, errors)
}

/// The environment variable that sets a setting.
#[must_use]
pub fn env_name(path: &str) -> String {
    format!("{ENV_PREFIX}{}", path.to_uppercase().replace('.', "__"))
}

fn variables_named(dict: &Dict, out: &mut Vec<String>) {
    for (name, value) in dict {
        match value {
            Value::Dict(_, inner) => variables_named(inner, out),
            Value::String(_, text) if names_a_variable(name) => out.push(text.clone()),
            Value::Array(_, items) => {
                for item in items {
                    match item {
                        Value::Dict(_, inner) => variables_named(inner, out),
                        Value::String(_, text) if names_a_variable(name) => out.push(text.clone()),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
}

fn is_of_kubernetes(name: &str) -> bool {
    let rest = &name[ENV_PREFIX.len()..];
    rest.starts_with("SERVICE_HOST") || rest.starts_with("SERVICE_PORT") || {
        let port = rest.strip_prefix("PORT");
        port.is_some_and(|port| port.is_empty() || port.starts_with('_') && !port.starts_with("__"))
    }
}

/// Takes the flags, one layer each, in the order given.
pub(super) fn flags(flags: &[Flag], catalog: &Catalog) -> (Vec<Layer>, Vec<ConfigError>) {
    let (mut layers, mut errors) = (Vec::new(), Vec::new());
    for flag in flags {
        let refuse = |message: String| ConfigError { origin: format!("flag {}", flag.name), message };
        if !catalog.admits(&flag.path) {
            let hint = match nearest(&flag.path, catalog.settings().map(|setting| &*setting.path)) {
                Some(near) => format!("; did you mean `{near}`?"),
                None => "; `fenghuo config show` lists the settings".into(),
            };
            errors.push(refuse(format!("there is no setting `{}`{hint}", flag.path)));
            continue;
        }
        match parse(catalog, &flag.path, &flag.value) {
            Ok(value) => {
                let origin = LayerOrigin::Flag(flag.name.clone());
                layers.push(Layer { origin, dict: nest(catalog, &flag.path, value) });
            }
            Err(message) => errors.push(refuse(message)),
        }
    }
    (layers, errors)
}

// The kind of the setting decides how a text is read: `12` is a text where a text is wanted, and a
// list may be written with commas.
fn parse(catalog: &Catalog, path: &str, text: &str) -> Result<Value, String> {
    let kind = catalog.get(path).map_or(Kind::Any, |setting| setting.kind.clone());
    match kind {
        Kind::Text | Kind::Choice(_) => Ok(Value::from(text)),
        Kind::List(_) if !text.trim_start().starts_with('[') => {
            let items: Vec<&str> = text.split(',').map(str::trim).filter(|item| !item.is_empty()).collect();
            let is_text = matches!(&kind, Kind::List(item) if matches!(**item, Kind::Text | Kind::Choice(_)));
            Ok(Value::from(items.into_iter().map(|i| scalar(i, is_text)).collect::<Vec<_>>()))
        }
        Kind::Integer | Kind::Number | Kind::Boolean => Ok(scalar(text.trim(), false)),
        _ if path.contains('.') && catalog.get(path).is_none() && !is_section(catalog, path) => {
            Ok(Value::from(text))
        }
        Kind::List(_) | Kind::Map | Kind::Tables(_) | Kind::Any => {
            let table: Dict = toml::from_str(&format!("value = {text}")).map_err(|error| {
                format!("the value is not in TOML's form: {}", error.message().replace('\n', ", "))
            })?;
            Ok(table.get("value").cloned().expect("the key just written"))
        }
    }
}

fn is_section(catalog: &Catalog, path: &str) -> bool {
    catalog.sections.iter().any(|section| section.path == path)
}

fn scalar(text: &str, is_text: bool) -> Value {
    match text {
        _ if is_text => Value::from(text),
        "true" => Value::from(true),
        "false" => Value::from(false),
        _ => match (text.parse::<i64>(), text.parse::<f64>()) {
            (Ok(whole), _) => Value::from(whole),
            (_, Ok(number)) => Value::from(number),
            _ => Value::from(text),
        },
    }
}

// `a.b = value` as tables in tables. The key of a map is taken whole: `client.rack` is one name.
fn nest(catalog: &Catalog, path: &str, value: Value) -> Dict {
    let map = catalog.settings().filter(|setting| setting.kind == Kind::Map).find_map(|setting| {
        let key = path.strip_prefix(&setting.path)?.strip_prefix('.')?;
        Some((setting.path.as_str(), key))
    });
    let (parents, last) = map.or_else(|| path.rsplit_once('.')).unwrap_or(("", path));
    let inner = Dict::from([(last.to_owned(), value)]);
    parents
        .split('.')
        .filter(|name| !name.is_empty())
        .rev()
        .fold(inner, |inner, name| Dict::from([(name.to_owned(), Value::from(inner))]))
}

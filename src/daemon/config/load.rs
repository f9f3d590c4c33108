//! Merging the layers into a typed configuration, and telling all that is wrong with it at once.

use std::ffi::OsString;
use std::path::PathBuf;

use figment::Figment;
use figment::error::Kind as Fault;
use figment::providers::Serialized;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::catalog::{Catalog, Kind};
use super::error::{ConfigError, ConfigErrors, Invalid};
use super::layers::{self, Flag, Layer};
use super::wording;

/// Where a configuration is read from, lowest first: built-in defaults, the file, the
/// environment, the flags.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The TOML file, if one is used.
    pub file: Option<PathBuf>,
    /// The environment: variables that begin with `FENGHUO_` are ours.
    pub env: Vec<(OsString, OsString)>,
    /// Settings given on the command line.
    pub flags: Vec<Flag>,
}

impl Sources {
    /// This file and the environment of this process.
    #[must_use]
    pub fn of_process(file: Option<PathBuf>) -> Self {
        Self { file, env: std::env::vars_os().collect(), flags: Vec::new() }
    }
}

/// A configuration and where each part of it was written.
#[derive(Debug, Clone)]
pub struct Loaded<T> {
    /// The configuration, typed, every setting in its range.
    pub config: T,
    /// All settings there are.
    pub catalog: Catalog,
    origins: Vec<Layer>,
}

/// One setting as it is in force.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Effective {
    /// The setting.
    pub path: String,
    /// Its value; what could be a secret is hidden.
    pub value: Value,
    /// Where it was written; `default` when nowhere.
    pub origin: String,
}

/// Reads, merges and checks a configuration.
///
/// `relations` says what is wrong between settings that are each right on their own; it is asked
/// only when there is nothing else to tell.
///
/// # Errors
/// Everything that is wrong, each with its place: file, line and column, variable or flag.
pub fn load<T>(sources: &Sources, relations: impl Fn(&T) -> Vec<Invalid>) -> Result<Loaded<T>, ConfigErrors>
where
    T: Serialize + DeserializeOwned + JsonSchema + Default,
{
    let catalog = Catalog::of::<T>();
    let mut origins = Vec::new();
    let mut errors = Vec::new();
    if let Some(path) = &sources.file {
        match layers::file(path) {
            Ok(layer) => origins.push(layer),
            Err(mut found) => errors.append(&mut found),
        }
    }
    let lower: Vec<_> = origins.iter().map(|layer: &Layer| &layer.dict).collect();
    let (from_env, mut env_errors) = layers::env(&sources.env, &catalog, &lower);
    let (from_flags, mut flag_errors) = layers::flags(&sources.flags, &catalog);
    origins.extend(from_env.into_iter().chain(from_flags));
    errors.append(&mut env_errors);
    errors.append(&mut flag_errors);

    let config = extract(&origins, &catalog, &mut errors);
    let Some(config) = config.filter(|_| errors.is_empty()) else { return Err(ConfigErrors(errors)) };
    let loaded = Loaded { config, catalog, origins };
    let mut invalid = loaded.out_of_range();
    if invalid.is_empty() {
        invalid = relations(&loaded.config);
    }
    if invalid.is_empty() { Ok(loaded) } else { Err(loaded.errors(invalid)) }
}

// Serde stops at the first fault. What it faults is told, taken out, and serde asked again, so that
// all faults of a kind are told in one go and serde stays the only judge of types.
fn extract<T>(layers: &[Layer], catalog: &Catalog, errors: &mut Vec<ConfigError>) -> Option<T>
where
    T: Serialize + DeserializeOwned + Default,
{
    let mut layers = layers.to_vec();
    let mut found = Vec::new();
    let config = loop {
        let base = Figment::from(Serialized::defaults(T::default()));
        let figment = layers.iter().fold(base, |figment, layer| figment.merge(layer));
        let fault = match figment.extract::<T>() {
            Ok(config) => break config,
            Err(fault) => fault,
        };
        let (path, is_unknown) = (&fault.path, matches!(fault.kind, Fault::UnknownField(..)));
        let message = wording::fault(&fault.kind, path, catalog);
        let Some((index, known)) = owner(&layers, path) else {
            errors.push(ConfigError { origin: "built-in defaults".into(), message });
            return None;
        };
        let origin = layers[index].place(path, is_unknown);
        found.push(((index, layers[index].offset(path)), ConfigError { origin, message }));
        let removed = layers[index].remove(known);
        debug_assert!(removed, "what is there can be taken out");
    };
    let is_good = found.is_empty();
    // In the order in which they are written, which is how people will go through them.
    found.sort_by_key(|(place, _)| *place);
    errors.extend(found.into_iter().map(|(_, error)| error));
    is_good.then_some(config)
}

// The layer to blame for what stands at the path: the topmost of those that say most of it. With
// the part of the path that can be taken out of it; an item of a list cannot be taken out alone.
fn owner<'p>(layers: &[Layer], path: &'p [String]) -> Option<(usize, &'p [String])> {
    let said = |layer: &Layer| (1..=path.len()).rev().find(|&length| layer.has(&path[..length]));
    let (length, index) =
        layers.iter().enumerate().filter_map(|(index, layer)| Some((said(layer)?, index))).max()?;
    Some((index, &path[..length]))
}

impl<T: Serialize> Loaded<T> {
    /// Every setting with its value in force and where it comes from.
    ///
    /// # Panics
    /// Never: a configuration that was read can be written.
    #[must_use]
    pub fn effective(&self) -> Vec<Effective> {
        let all = serde_json::to_value(&self.config).expect("a configuration is plain data");
        let mut out = Vec::new();
        for section in &self.catalog.sections_of(&all) {
            // A part that is off has no settings in force.
            if section.optional && at(&all, &section.path).is_none_or(Value::is_null) {
                continue;
            }
            for setting in &section.settings {
                let value = at(&all, &setting.path).cloned().unwrap_or(Value::Null);
                out.push(Effective {
                    value: super::redact::value(&setting.path, value),
                    origin: self.origin(&setting.path),
                    path: setting.path.clone(),
                });
            }
        }
        out
    }

    /// Where a setting was written; `default` when nowhere.
    #[must_use]
    pub fn origin(&self, path: &str) -> String {
        let path: Vec<String> = path.split('.').map(str::to_owned).collect();
        let layer = self.origins.iter().rev().find(|layer| layer.has(&path));
        layer.map_or_else(|| "default".into(), |layer| layer.place(&path, false))
    }

    // Of what is missing, the place of the table around it.
    fn nearest_origin(&self, path: &str) -> String {
        let mut path = Some(path);
        while let Some(part) = path {
            match self.origin(part) {
                origin if origin == "default" => path = part.rsplit_once('.').map(|(around, _)| around),
                origin => return origin,
            }
        }
        "configuration".to_owned()
    }

    /// Gives faults found later, when the settings are put to use, the places they come from.
    #[must_use]
    pub fn errors(&self, invalid: Vec<Invalid>) -> ConfigErrors {
        let place = |Invalid { path, message }: Invalid| {
            let origin = self.nearest_origin(&path);
            ConfigError { origin, message: format!("`{path}`: {message}") }
        };
        ConfigErrors(invalid.into_iter().map(place).collect())
    }

    fn out_of_range(&self) -> Vec<Invalid> {
        let all = serde_json::to_value(&self.config).expect("a configuration is plain data");
        let mut out = Vec::new();
        for setting in self.catalog.sections_of(&all).iter().flat_map(|section| &section.settings) {
            let Some(number) = at(&all, &setting.path).and_then(Value::as_f64) else { continue };
            if !matches!(setting.kind, Kind::Integer | Kind::Number) {
                continue;
            }
            let below = setting.min.is_some_and(|min| number < min);
            if below || setting.max.is_some_and(|max| number > max) {
                let range = wording::range(setting.min, setting.max);
                out.push(Invalid::new(&setting.path, format!("{number} is out of range; give {range}")));
            }
        }
        out
    }
}

fn at<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').try_fold(value, |value, name| value.get(name))
}

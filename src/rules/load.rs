//! From files to parsed packs: reading a folder, the shipped files, YAML errors, the content hash.

use std::fmt::Write as _;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::at;
use super::error::{RuleError, RuleErrors, nearest};
use super::schema::File;

/// A pack file is hand-written; more than this is a mistake.
const MAX_FILE_BYTES: u64 = 1 << 20;

macro_rules! shipped {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../rules/risk/", $name)))),*]
    };
}

const SHIPPED: &[(&str, &str)] = shipped![
    "00-shared.yaml",
    "10-fundraising.yaml",
    "20-prepaid.yaml",
    "30-lending.yaml",
    "40-markets.yaml",
    "50-other.yaml",
];

/// One pack file as it was read.
#[derive(Debug)]
pub(super) struct Source {
    pub name: String,
    pub text: String,
}

impl Source {
    /// Folds what editors differ in (byte order mark, line ends), so that it changes no hash.
    pub(super) fn new(name: &str, text: &str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n");
        Self { name: name.to_owned(), text }
    }
}

/// Files given as (name, content), in the order of their names.
pub(super) fn sources<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<Source> {
    let mut sources: Vec<Source> = files.into_iter().map(|(name, text)| Source::new(name, text)).collect();
    sources.sort_by(|a, b| a.name.cmp(&b.name));
    sources
}

pub(super) fn builtin() -> Vec<Source> {
    SHIPPED.iter().map(|(name, text)| Source::new(name, text)).collect()
}

pub(super) fn read_dir(dir: &Path) -> Result<Vec<Source>, RuleErrors> {
    let at_dir = |message: String| {
        RuleErrors(vec![RuleError { file: dir.display().to_string(), line: 0, column: 0, message }])
    };
    let entries = std::fs::read_dir(dir).map_err(|error| {
        at_dir(format!("cannot read the rule folder: {error}; check the path and its rights"))
    })?;
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| at_dir(format!("cannot list the rule folder: {error}")))?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let is_pack = Path::new(&name).extension().is_some_and(|ending| ending == "yaml" || ending == "yml");
        if is_pack && !name.starts_with('.') {
            names.push(name);
        }
    }
    names.sort();
    if names.is_empty() {
        return Err(at_dir("holds no rule file; put at least one *.yaml file there".to_owned()));
    }
    let mut sources = Vec::with_capacity(names.len());
    let mut errors = Vec::new();
    for name in names {
        match read_file(&dir.join(&name)) {
            Ok(text) => sources.push(Source::new(&name, &text)),
            Err((line, message)) => {
                errors.push(RuleError { file: name, line, column: line.min(1), message });
            }
        }
    }
    if errors.is_empty() { Ok(sources) } else { Err(RuleErrors(errors)) }
}

fn read_file(path: &Path) -> Result<String, (u64, String)> {
    let unreadable = |error: std::io::Error| (0, format!("cannot read the file: {error}"));
    let size = std::fs::metadata(path).map_err(unreadable)?.len();
    if size > MAX_FILE_BYTES {
        return Err((
            0,
            format!("has {size} bytes; a rule file may have {MAX_FILE_BYTES} at most, split it"),
        ));
    }
    String::from_utf8(std::fs::read(path).map_err(unreadable)?).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = valid.split(|&byte| byte == b'\n').count() as u64;
        (line, "is not UTF-8 here; save the file as UTF-8".to_owned())
    })
}

/// Parses every file; the errors of all files are reported together.
pub(super) fn parse(sources: &[Source]) -> Result<Vec<File>, RuleErrors> {
    let mut files = Vec::with_capacity(sources.len());
    let mut errors = Vec::new();
    for source in sources {
        match at::reading(&source.name, || serde_saphyr::from_str::<File>(&source.text)) {
            Ok(file) => files.push(file),
            Err(error) => errors.push(yaml_error(&source.name, &error)),
        }
    }
    if errors.is_empty() { Ok(files) } else { Err(RuleErrors(errors)) }
}

fn yaml_error(file: &str, error: &serde_saphyr::Error) -> RuleError {
    use serde_saphyr::Error as Yaml;
    let error = error.without_snippet();
    let message = match error {
        Yaml::SerdeUnknownField { field, expected, .. } => {
            unknown("key", field, expected.iter().copied(), "the keys here are")
        }
        Yaml::SerdeUnknownVariant { variant, expected, .. } => {
            unknown("value", variant, expected.iter().copied(), "the values here are")
        }
        Yaml::SerdeMissingField { field, .. } => {
            format!("the key `{field}` is missing in the block around here; add it")
        }
        Yaml::DuplicateMappingKey { key, .. } => {
            format!("the key `{}` stands twice; keep one", key.as_deref().unwrap_or("?"))
        }
        other => {
            let text = other.to_string();
            let line = text.lines().next().unwrap_or_default();
            // The position is told in our own way.
            let line = line.split_once(" at line ").map_or(line, |(message, _)| message);
            line.replace("invalid i64", "a whole number is expected here")
        }
    };
    let (line, column) = error.location().map_or((0, 0), |location| (location.line(), location.column()));
    RuleError { file: file.to_owned(), line, column, message }
}

/// "unknown key `strng`; did you mean `strong`?", or all known ones when none is near.
pub(super) fn unknown<'k>(
    what: &str,
    given: &str,
    known: impl IntoIterator<Item = &'k str>,
    otherwise: &str,
) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    match nearest(given, known.iter().copied()) {
        Some(name) => format!("unknown {what} `{given}`; did you mean `{name}`?"),
        None => format!("unknown {what} `{given}`; {otherwise} {}", known.join(", ")),
    }
}

pub(super) fn hash(sources: &[Source]) -> String {
    let mut hasher = Sha256::new();
    for source in sources {
        hasher.update(source.name.as_bytes());
        hasher.update([0]);
        hasher.update(source.text.as_bytes());
        hasher.update([0]);
    }
    hasher.finalize().iter().take(8).fold(String::new(), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

//! From files to parsed packs: reading a folder, the shipped files, YAML errors, the content hash.

use std::fmt::Write as _;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::at;
use super::error::{RuleError, RuleErrors, nearest};
use super::overlay::{self, OverlayChange};
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

/// What stands before the name of a file of an overlay, wherever the overlay's folder is.
pub(super) const OVERLAY: &str = "overlay/";

/// One pack file as it was read.
#[derive(Debug, Clone)]
pub(super) struct Source {
    /// Its name; of a file of an overlay with `overlay/` before it.
    pub name: String,
    pub text: String,
}

impl Source {
    /// Folds what editors differ in (byte order mark, line ends), so that it changes no hash.
    pub(super) fn new(name: &str, text: &str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n");
        Self { name: name.to_owned(), text }
    }

    fn is_overlay(&self) -> bool {
        self.name.starts_with(OVERLAY)
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

/// The files of `dir`, or those shipped, and after them those of `overlay`.
pub(super) fn read(dir: Option<&Path>, overlay: Option<&Path>) -> Result<Vec<Source>, RuleErrors> {
    let below = match dir {
        Some(dir) => read_dir(dir, "").and_then(|sources| {
            if sources.is_empty() {
                return Err(at_dir(dir, "holds no rule file; put at least one *.yaml file there".to_owned()));
            }
            Ok(sources)
        }),
        None => Ok(builtin()),
    };
    // An overlay that changes nothing yet, or any more, is none the worse for it.
    let over = overlay.map_or_else(|| Ok(Vec::new()), |dir| read_dir(dir, OVERLAY));
    match (below, over) {
        (Ok(mut below), Ok(over)) => {
            below.extend(over);
            Ok(below)
        }
        (Err(mut below), Err(over)) => {
            below.0.extend(over.0);
            Err(below)
        }
        (Err(errors), Ok(_)) | (Ok(_), Err(errors)) => Err(errors),
    }
}

fn at_dir(dir: &Path, message: String) -> RuleErrors {
    RuleErrors(vec![RuleError { file: dir.display().to_string(), line: 0, column: 0, message }])
}

fn read_dir(dir: &Path, before: &str) -> Result<Vec<Source>, RuleErrors> {
    let at_dir = |message: String| at_dir(dir, message);
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
    let mut sources = Vec::with_capacity(names.len());
    let mut errors = Vec::new();
    for name in names {
        match read_file(&dir.join(&name)) {
            Ok(text) => sources.push(Source::new(&format!("{before}{name}"), &text)),
            Err((line, message)) => {
                let name = format!("{before}{name}");
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

/// Parses every file and lays those of an overlay over the others: the files of the pack, and what was
/// changed. The errors of all files are reported together.
pub(super) fn parse(sources: &[Source]) -> Result<(Vec<File>, Vec<OverlayChange>), RuleErrors> {
    let (mut below, mut over) = (Vec::with_capacity(sources.len()), Vec::new());
    let mut errors = Vec::new();
    for source in sources {
        match at::reading(&source.name, || serde_saphyr::from_str::<File>(&source.text)) {
            Ok(file) if source.is_overlay() => over.push(file),
            Ok(file) => below.push(file),
            Err(error) => errors.push(yaml_error(&source.name, &error)),
        }
    }
    if errors.is_empty() { overlay::lay(below, over) } else { Err(RuleErrors(errors)) }
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

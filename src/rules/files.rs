//! Pack files as their writers see them: what is wrong, what is odd, and where.

use std::ops::Range;
use std::path::Path;

use super::error::RuleErrors;
use super::lint::{self, RuleWarning};
use super::load::{self, Source};
use super::{RulePack, compile};

/// The files of one pack, read and not yet understood.
#[derive(Debug)]
pub struct RuleFiles(Vec<Source>);

impl RuleFiles {
    /// Reads every `*.yaml` file of `dir`, or takes those that are shipped with the program when there is
    /// no folder, and after them every one of the folder `overlay`; each in the order of their names.
    /// Those of an overlay are named with `overlay/` before their name.
    ///
    /// # Errors
    /// When a folder or one of the files cannot be read.
    pub fn read(dir: Option<&Path>, overlay: Option<&Path>) -> Result<Self, RuleErrors> {
        load::read(dir, overlay).map(Self)
    }

    /// Those that are shipped with the program.
    #[must_use]
    pub fn builtin() -> Self {
        Self(load::builtin())
    }

    /// The name that a file of an overlay has in its own folder; `None` for a file of the pack below.
    #[must_use]
    pub fn in_overlay(name: &str) -> Option<&str> {
        name.strip_prefix(load::OVERLAY)
    }

    /// The hash of the pack they make, whether they make one or not, see [`RulePack::hash`].
    #[must_use]
    pub fn hash(&self) -> String {
        load::hash(&self.0)
    }

    /// From names and contents; those named `overlay/...` are laid over the others.
    pub fn from_texts<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self(load::sources(files))
    }

    /// The same with one more; named `overlay/...` it lies over the others.
    #[must_use]
    pub fn with(&self, name: &str, text: &str) -> Self {
        Self(self.0.iter().cloned().chain([Source::new(name, text)]).collect())
    }

    /// Their names and contents.
    pub fn each(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|source| (source.name.as_str(), source.text.as_str()))
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The content of one of them.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|source| source.name == name).map(|source| source.text.as_str())
    }

    /// The pack.
    ///
    /// # Errors
    /// All mistakes found, each with file, line and column.
    pub fn pack(&self) -> Result<RulePack, RuleErrors> {
        RulePack::from_sources(&self.0)
    }

    /// What is not wrong and yet hardly meant, in the order of files and lines.
    ///
    /// # Errors
    /// As [`RuleFiles::pack`]: what is wrong comes first.
    pub fn warnings(&self) -> Result<Vec<RuleWarning>, RuleErrors> {
        let (files, _) = load::parse(&self.0)?;
        let warnings = lint::warnings(&files);
        compile::compile(files)?;
        Ok(warnings)
    }

    /// The bytes of the word, number or quoted text that begins at a line and column (from 1, in
    /// characters) of a file; `None` when there is no such place.
    #[must_use]
    pub fn word_at(&self, file: &str, line: u64, column: u64) -> Option<Range<usize>> {
        let text = self.text(file)?;
        let before = usize::try_from(line).ok()?.checked_sub(1)?;
        let start: usize = text.split_inclusive('\n').take(before).map(str::len).sum();
        let row = text.get(start..)?.split('\n').next()?;
        let skipped = usize::try_from(column).ok()?.checked_sub(1)?;
        let at: usize = row.chars().take(skipped).map(char::len_utf8).sum();
        // At the end of a line the mistake is that something is missing there.
        Some(start + at..start + at + word(&row[at..]))
    }
}

/// How many bytes of `rest` are one value of YAML, as far as a line shows.
fn word(rest: &str) -> usize {
    let Some(first) = rest.chars().next() else { return 0 };
    let end = match first {
        '\'' | '"' => rest[1..].find(first).map(|end| end + 2),
        _ => rest.find([',', ']', '}', ':', '#']),
    };
    let word = rest[..end.unwrap_or(rest.len())].trim_end();
    word.len().max(first.len_utf8())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_the_word_that_begins_there() {
        let text = "groups:\n  a: {title: 失联, terms: [跑路, 're:a,b']}\n";
        let files = RuleFiles::from_texts([("t.yaml", text)]);
        let word = |line, column| files.word_at("t.yaml", line, column).map(|range| &text[range]);
        assert_eq!(word(1, 1), Some("groups"));
        assert_eq!(word(2, 14), Some("失联"));
        assert_eq!(word(2, 26), Some("跑路"));
        assert_eq!(word(2, 30), Some("'re:a,b'"));
        assert_eq!(word(2, 99), Some(""));
        assert_eq!(word(0, 0), None);
        assert_eq!(files.word_at("other.yaml", 1, 1), None);
    }
}

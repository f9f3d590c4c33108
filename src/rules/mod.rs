//! Risk rules: packs of Chinese terms, read from YAML, matched against complaints, with the reason
//! for every score.
//!
//! **Does:** reads and checks a folder of pack files (`rules/risk/`), compiles all terms of all
//! rules into one index, and says which rules a complaint meets, how strongly, by which words. Lays the
//! files of an overlay over a pack and keeps what they changed ([`RulePack::changes`]); marks hits for
//! which an exception holds ([`RulePack::suppress`]). Tells
//! those who write rules what is odd in a pack ([`RuleFiles::warnings`]) and what a rule lacks on a
//! text ([`RulePack::readings`]).
//! **Promises:** pure after loading: the same complaint and the same pack give the same hits; a pack
//! with any mistake is refused whole, with file, line and column of every mistake found; terms and
//! texts pass through the same normaliser; every point of a score is a part of the hit, and every
//! term it rests on is a span in the complaint's own words; a text costs time linear in its length.
//! **Leaves to others:** who is complained about (`entity`), how many callers say the same and when
//! to tell anybody (`engine`), noticing that files have changed (`daemon`).
//!
//! The format is described field by field in `docs/rules.md`.

mod at;
mod change;
mod check;
mod compile;
mod compiled;
mod error;
mod exception;
mod files;
mod gate;
mod haystack;
mod lint;
mod load;
mod matcher;
mod overlay;
mod reach;
mod reading;
mod scaffold;
mod scan;
mod schema;
mod score;
mod sight;
mod trace;

use std::fmt;
use std::path::Path;

use jiff::civil::Date;

use crate::model::{Complaint, RiskHit, Standard, Touch, Where};
use crate::text::Normalised;

pub use check::{Expectation, TestFailure, TestReport, sample};
pub use error::{RuleError, RuleErrors};
pub use exception::{About, Exception};
pub use files::RuleFiles;
pub use lint::{RuleWarning, WarningKind};
pub use overlay::{Changed, OverlayChange};
pub use reading::{Lack, ListKind, Lowered, MaskedTerm, Reading, TermList, Verdict, Word, nearest};
pub use scaffold::{BadId, scaffold};
pub use schema::{Status, json_schema};

use haystack::Haystack;
use reach::Reach;
use scan::Scan;
use sight::Sight;

/// What is told about a rule besides its hits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleInfo {
    /// Its id, for example `F07`.
    pub id: String,
    /// One line in Chinese.
    pub title: String,
    /// Its category in Chinese.
    pub category: String,
    /// What it belongs to besides, in Chinese.
    pub tags: Vec<String>,
    /// How far it is trusted.
    pub status: Status,
    /// Why it is deprecated or was switched off.
    pub reason: Option<String>,
    /// Raised with every change of meaning.
    pub version: u32,
    /// The score from which it alerts, as written: that of a rule in status `shadow`, too.
    pub alert_at: i32,
    /// Who answers for it.
    pub owner: String,
    /// Laws, notices and cases it was written from.
    pub references: Vec<String>,
    /// What is known to look like it and is not.
    pub false_positives: Vec<String>,
    /// The offence whose lines the sums and people in its complaints are held against.
    pub standard: Option<Standard>,
    /// How many texts it has on which it fires, and how many on which it ought to and does not yet.
    pub texts: (usize, usize),
    /// The dimension of a company's risk index to which each of its hits speaks.
    pub dimension: Option<Touch>,
    /// The file it stands in, as named when it was loaded.
    pub file: String,
}

impl RuleInfo {
    /// Of the texts on which the rule ought to fire the share on which it does, as its writer knows: a pack
    /// whose tests fail promises more.
    #[must_use]
    pub fn known_recall(&self) -> f64 {
        let (fire, miss) = self.texts;
        fire as f64 / (fire + miss).max(1) as f64
    }
}

/// `alert_at` of a rule in status `shadow`: its hits are kept and shown, but no score reaches it.
pub const NEVER: i32 = i32::MAX;

/// A checked and compiled set of rules. Immutable; share it in an `Arc` and swap it whole.
pub struct RulePack {
    compiled: compiled::Compiled,
    changes: Vec<OverlayChange>,
    hash: String,
}

/// Says which pack it is; its terms would fill screens.
impl fmt::Debug for RulePack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rules = self.compiled.rules.len();
        f.debug_struct("RulePack").field("hash", &self.hash).field("rules", &rules).finish_non_exhaustive()
    }
}

impl RulePack {
    /// Reads every `*.yaml` file of the folder `dir`, or of the pack that is shipped when there is none,
    /// and lays those of `overlay` over them; each in the order of their names.
    ///
    /// # Errors
    /// All mistakes found, each with file, line and column. A pack with one mistake is not loaded.
    pub fn load(dir: Option<&Path>, overlay: Option<&Path>) -> Result<Self, RuleErrors> {
        RuleFiles::read(dir, overlay)?.pack()
    }

    /// The pack that is shipped with the program: `rules/risk/` as it was at build time.
    ///
    /// # Panics
    /// Never in a released build: a test compiles the shipped files.
    #[must_use]
    pub fn builtin() -> Self {
        match Self::from_sources(&load::builtin()) {
            Ok(pack) => pack,
            Err(errors) => panic!("the shipped rule pack is broken:\n{errors}"),
        }
    }

    /// Compiles pack files given as (name, content). Names are used in messages and in the hash.
    ///
    /// # Errors
    /// As [`RulePack::load`].
    pub fn from_texts<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, RuleErrors> {
        Self::from_sources(&load::sources(files))
    }

    fn from_sources(sources: &[load::Source]) -> Result<Self, RuleErrors> {
        let (files, changes) = load::parse(sources)?;
        Ok(Self { compiled: compile::compile(files)?, changes, hash: load::hash(sources) })
    }

    /// SHA-256 over the names and contents of all files, those of the overlay included (line ends
    /// folded), first 16 hex digits. Kept beside every hit, so that a decision can be traced to the rules that made it.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The rules of the pack, in the order of files and of rules in them.
    pub fn rules(&self) -> impl ExactSizeIterator<Item = &RuleInfo> {
        self.compiled.rules.iter().map(|rule| &rule.info)
    }

    /// The rule of this id.
    #[must_use]
    pub fn rule(&self, id: &str) -> Option<&RuleInfo> {
        self.rules().find(|rule| rule.id == id)
    }

    /// What an overlay has changed, in the order of its files.
    #[must_use]
    pub fn changes(&self) -> &[OverlayChange] {
        &self.changes
    }

    /// The rules that `complaint` meets with a score of at least their `watch` threshold, strongest
    /// first, then by rule id. `title` and `text` are the normal forms of the complaint's own; its
    /// `subject`, `tags` and `category` are read as well. Whether a hit alerts is
    /// [`RiskHit::alerts`]. `entity` is left `None`.
    #[must_use]
    pub fn hits(&self, complaint: &Complaint, title: &Normalised, text: &Normalised) -> Vec<RiskHit> {
        let compiled = &self.compiled;
        let subject = complaint.subject.as_deref().map(crate::text::normalise);
        // Most complaints hold no words that could add up to a hit, and patterns are dear.
        let mut sight = Sight::new(compiled, fields(title, text, subject.as_ref()));
        if Reach::before(compiled, &sight).rules(compiled).next().is_none() {
            return Vec::new();
        }
        sight.begin(compiled);
        if Reach::before(compiled, &sight).rules(compiled).next().is_none() {
            return Vec::new();
        }
        let scan = Scan::new(compiled, complaint, sight);
        let reach = Reach::of(compiled, &scan);
        let mut hits: Vec<RiskHit> =
            reach.rules(compiled).filter_map(|rule| score::evaluate(rule, compiled, &scan)).collect();
        hits.sort_by(|a, b| b.score.cmp(&a.score).then_with(|| a.rule.cmp(&b.rule)));
        hits
    }

    /// Marks those of the `hits` of a complaint for which an exception holds: they no longer alert, and say
    /// by which exception. `title` and `text` are as in [`RulePack::hits`].
    pub fn suppress(&self, hits: &mut [RiskHit], title: &Normalised, text: &Normalised, about: &About<'_>) {
        exception::suppress(&self.compiled, hits, (title, text), about);
    }

    /// The same for what [`RulePack::readings`] gave.
    pub fn suppress_readings(&self, readings: &mut [Reading], about: &About<'_>) {
        exception::suppress_readings(&self.compiled, readings, about);
    }

    /// The exceptions of the pack, in the order of files, whether they hold today or not.
    #[must_use]
    pub fn exceptions(&self) -> &[Exception] {
        &self.compiled.exceptions
    }

    /// Warnings about exceptions that have ended by `today`, or end within two weeks.
    #[must_use]
    pub fn ending_exceptions(&self, today: Date) -> Vec<RuleWarning> {
        exception::ending(&self.compiled.exceptions, today)
    }

    /// What each rule makes of `complaint`, also those that do not fire, in the order of
    /// [`RulePack::rules`]: what was found of it, what masks took away, what it lacks. Looks at
    /// everything and is far dearer than [`RulePack::hits`], with which it agrees.
    #[must_use]
    pub fn readings(&self, complaint: &Complaint) -> Vec<Reading> {
        trace::readings(&self.compiled, &self.changes, complaint)
    }

    /// Runs the tests that stand in the pack's own files, in the real matcher.
    #[must_use]
    pub fn run_tests(&self) -> TestReport {
        check::run(self)
    }
}

/// The fields of a complaint that are searched.
fn fields<'t>(
    title: &'t Normalised,
    text: &'t Normalised,
    subject: Option<&'t Normalised>,
) -> impl Iterator<Item = Haystack<'t>> {
    [(Where::Title, Some(title)), (Where::Text, Some(text)), (Where::Subject, subject)]
        .into_iter()
        .filter_map(|(field, normalised)| Some(Haystack::new(field, normalised?)))
}

#[cfg(test)]
mod tests;

//! What is not wrong with a pack and yet hardly meant: words that never count, masks that hide
//! nothing, rules with little behind them. Looks at what the writer typed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use super::schema::{File, Rule, Status, Text};
use words::{Entry, Masks, entries};

mod words;

/// A rule should have been tried on so many texts of either kind.
const FEW_TESTS: usize = 3;

/// Something odd in a pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleWarning {
    /// What kind of thing.
    pub kind: WarningKind,
    /// The file's name.
    pub file: String,
    /// Line, from 1.
    pub line: u64,
    /// Column in characters, from 1.
    pub column: u64,
    /// What is odd and what to do.
    pub message: String,
}

/// The kinds of warnings; their names do not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WarningKind {
    /// A term that a rule has in two lists, of which one counts.
    DuplicateTerm,
    /// A term that a mask hides wherever it stands.
    UnreachableTerm,
    /// A group that no rule and no entry names.
    UnusedGroup,
    /// A mask inside which no term can stand.
    UselessMask,
    /// A mask that hides only what a shorter one hides, too.
    ShadowedMask,
    /// A rule with fewer than three texts that must fire, or that must not.
    FewTests,
    /// A text that stands twice in the tests of a rule.
    DuplicateTest,
    /// A rule of status `stable` that names nothing it was written from.
    NoReferences,
}

impl WarningKind {
    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DuplicateTerm => "duplicate-term",
            Self::UnreachableTerm => "unreachable-term",
            Self::UnusedGroup => "unused-group",
            Self::UselessMask => "useless-mask",
            Self::ShadowedMask => "shadowed-mask",
            Self::FewTests => "few-tests",
            Self::DuplicateTest => "duplicate-test",
            Self::NoReferences => "no-references",
        }
    }
}

impl fmt::Display for RuleWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, file, line, column, message } = self;
        write!(f, "{file}:{line}:{column}: {message} [{}]", kind.as_str())
    }
}

/// All there are, in the order of files and lines. What is a mistake is left out: that is told
/// before anybody asks for warnings.
pub(super) fn warnings(files: &[(String, File)]) -> Vec<RuleWarning> {
    let mut lint = Lint::of(files);
    for (name, file) in files {
        for group in file.groups.keys() {
            lint.group(name, file, group);
        }
        for rule in &file.rules {
            lint.rule(name, &rule.value);
        }
    }
    lint.pack_masks();
    lint.found.sort_by(|a, b| (&a.file, a.line, a.column, a.kind).cmp(&(&b.file, b.line, b.column, b.kind)));
    lint.found
}

struct Lint<'f> {
    found: Vec<RuleWarning>,
    groups: BTreeMap<&'f str, Vec<Entry<'f>>>,
    /// Names of groups that are referred to.
    used: BTreeSet<&'f str>,
    masks: Masks<'f>,
    /// Every term that a mask of the pack may hide.
    all_terms: Vec<Entry<'f>>,
}

impl<'f> Lint<'f> {
    fn of(files: &'f [(String, File)]) -> Self {
        let mut groups: BTreeMap<&str, Vec<Entry<'_>>> = BTreeMap::new();
        let (mut masks, mut own, mut used) = (Vec::new(), Vec::new(), BTreeSet::new());
        let note = |used: &mut BTreeSet<&'f str>, names: &'f [Text]| {
            used.extend(names.iter().map(|name| name.value.as_str()));
        };
        for (name, file) in files {
            for (group, content) in &file.groups {
                groups.insert(group, entries(name, &content.value.terms));
            }
            masks.extend(entries(name, &file.masks));
            file.lower.iter().for_each(|lower| note(&mut used, &lower.value.unless));
            file.route.iter().for_each(|route| note(&mut used, &route.value.unless));
            for rule in file.rules.iter().map(|rule| &rule.value) {
                own.extend(own_terms(name, rule));
                used.extend(read_groups(rule));
                rule.lower.iter().for_each(|lower| note(&mut used, &lower.value.unless));
            }
        }
        let all_terms = groups.values().flatten().cloned().chain(own).collect();
        Self { found: Vec::new(), groups, used, masks: Masks::new(masks), all_terms }
    }

    fn warn(&mut self, kind: WarningKind, at: (&str, u64, u64), message: String) {
        let (file, line, column) = at;
        self.found.push(RuleWarning { kind, file: file.to_owned(), line, column, message });
    }

    fn group(&mut self, file: &'f str, content: &'f File, name: &'f str) {
        if !self.used.contains(name) {
            let at = content.groups[name].referenced;
            let message = format!("no rule and no entry names the group `{name}`; use it or remove it");
            self.warn(WarningKind::UnusedGroup, (file, at.line(), at.column()), message);
        }
        let terms = self.groups.get(name).cloned().unwrap_or_default();
        self.twice(&terms);
        for term in &terms {
            if let Some(mask) = self.masks.always_over(term) {
                let message = hidden(term, mask);
                self.warn(WarningKind::UnreachableTerm, term.at(), message);
            }
        }
    }

    fn rule(&mut self, file: &'f str, rule: &'f Rule) {
        let terms = own_terms(file, rule);
        self.twice(&terms);
        let masks = Masks::new(entries(file, &rule.masks));
        for term in &terms {
            if let Some(mask) = self.masks.always_over(term).or_else(|| masks.always_over(term)) {
                let message = hidden(term, mask);
                self.warn(WarningKind::UnreachableTerm, term.at(), message);
            }
        }
        let groups = read_groups(rule).filter_map(|group| self.groups.get(group)).flatten();
        let reach: Vec<Entry<'_>> = terms.into_iter().chain(groups.cloned()).collect();
        for mask in &masks.0 {
            self.mask(mask, &reach, Some(&masks), &format!("rule {}", rule.id.value));
        }
        self.evidence(file, rule);
    }

    fn pack_masks(&mut self) {
        let terms = std::mem::take(&mut self.all_terms);
        let masks = self.masks.0.clone();
        for mask in &masks {
            self.mask(mask, &terms, None, "the pack");
        }
    }

    /// Whether a mask hides anything, and anything that others do not. What a pattern may cover cannot
    /// be told without a text.
    fn mask(&mut self, mask: &Entry<'f>, terms: &[Entry<'f>], own: Option<&Masks<'f>>, of_what: &str) {
        if mask.is_pattern() {
            return;
        }
        let covered: Vec<_> = terms.iter().flat_map(|term| term.stretches_in(&mask.key)).collect();
        if covered.is_empty() {
            let message = format!(
                "the mask `{}` hides nothing: no term of {of_what} can stand inside it; remove it",
                mask.text
            );
            self.warn(WarningKind::UselessMask, mask.at(), message);
            return;
        }
        let is_other = |other: &&Entry<'f>| !other.is_pattern() && other.at() != mask.at();
        let others = self.masks.0.iter().chain(own.into_iter().flat_map(|own| &own.0)).filter(is_other);
        let covering = others.filter(|other| {
            let over = other.stretches_in(&mask.key);
            covered
                .iter()
                .all(|term| over.iter().any(|over| over.start <= term.start && term.end <= over.end))
        });
        // Of two equal ones the earlier is kept; equal ones of one list are a mistake told elsewhere.
        let is_of_pack = own.is_none();
        let covering = covering.filter(|other| other.key != mask.key || !is_of_pack).map(Entry::told).next();
        if let Some(other) = covering {
            let message = format!("the mask `{}` hides only what {other} hides, too; remove it", mask.text);
            self.warn(WarningKind::ShadowedMask, mask.at(), message);
        }
    }

    /// Terms of which an earlier one takes every place.
    fn twice(&mut self, terms: &[Entry<'f>]) {
        let mut first: BTreeMap<&str, &Entry<'f>> = BTreeMap::new();
        for term in terms {
            if let Some(earlier) = first.get(term.key.as_str()) {
                let message = format!(
                    "the term `{}` stands on line {}, too, and counts only there; remove one",
                    term.text, earlier.line
                );
                self.warn(WarningKind::DuplicateTerm, term.at(), message);
            } else {
                first.insert(&term.key, term);
            }
        }
    }

    /// What there is behind a rule: tests and references.
    fn evidence(&mut self, file: &str, rule: &Rule) {
        let id = rule.id.value.as_str();
        let head = (file, rule.id.referenced.line(), rule.id.referenced.column());
        if rule.status == Status::Stable && rule.references.is_empty() {
            let message =
                format!("rule {id} is `stable` and names no references; say what it was written from");
            self.warn(WarningKind::NoReferences, head, message);
        }
        let tests = &rule.tests;
        for (texts, key) in [(&tests.must_fire, "must_fire"), (&tests.must_not_fire, "must_not_fire")] {
            let count = texts.len();
            if rule.status != Status::Deprecated && (1..FEW_TESTS).contains(&count) {
                let message =
                    format!("`{key}` of rule {id} has {count} of at least {FEW_TESTS} texts; add more");
                self.warn(WarningKind::FewTests, head, message);
            }
        }
        let mut first: BTreeMap<&str, u64> = BTreeMap::new();
        for text in tests.must_fire.iter().chain(&tests.must_not_fire).chain(&tests.known_misses) {
            let at = text.referenced;
            if let Some(earlier) = first.insert(text.value.trim(), at.line()) {
                let message = format!("the text stands on line {earlier}, too; remove one");
                self.warn(WarningKind::DuplicateTest, (file, at.line(), at.column()), message);
            }
        }
    }
}

fn hidden(term: &Entry<'_>, mask: &Entry<'_>) -> String {
    format!("the term `{}` is never seen: {} hides it wherever it stands", term.text, mask.told())
}

/// Strong before weak: of equal ones the first counts.
fn own_terms<'f>(file: &'f str, rule: &'f Rule) -> Vec<Entry<'f>> {
    rule.strong.iter().chain(&rule.weak).flat_map(|block| entries(file, &block.value.terms)).collect()
}

/// The groups whose words count for a rule.
fn read_groups(rule: &Rule) -> impl Iterator<Item = &str> {
    let near = rule.near.iter().flat_map(|near| &near.value.groups);
    let named = near.chain(&rule.needs.any).chain(&rule.needs.all).map(|name| name.value.as_str());
    let names: BTreeSet<&str> = named.chain(rule.context.keys().map(String::as_str)).collect();
    names.into_iter()
}

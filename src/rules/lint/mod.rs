//! What is not wrong with a pack and yet hardly meant: words that never count, masks that hide
//! nothing, rules with little behind them. Looks at what the writer typed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use super::at::{At, Place};
use super::schema::{File, Group, Rule, Status, Text};
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
    /// An exception whose last day is over.
    ExpiredException,
    /// An exception whose last day is near.
    ExpiringException,
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
            Self::ExpiredException => "expired-exception",
            Self::ExpiringException => "expiring-exception",
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
pub(super) fn warnings(files: &[File]) -> Vec<RuleWarning> {
    let mut lint = Lint::of(files);
    for file in files {
        for group in &file.groups {
            lint.group(group);
        }
        for rule in &file.rules {
            lint.rule(&rule.value);
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
    fn of(files: &'f [File]) -> Self {
        let mut groups: BTreeMap<&str, Vec<Entry<'_>>> = BTreeMap::new();
        let (mut masks, mut own, mut used) = (Vec::new(), Vec::new(), BTreeSet::new());
        let note = |used: &mut BTreeSet<&'f str>, names: &'f [Text]| {
            used.extend(names.iter().map(|name| name.value.as_str()));
        };
        for file in files {
            for (group, content) in &file.groups {
                groups.insert(group, entries(&content.value.terms));
            }
            masks.extend(entries(&file.masks));
            file.lower.iter().for_each(|lower| note(&mut used, &lower.value.unless));
            file.route.iter().for_each(|route| note(&mut used, &route.value.unless));
            for rule in file.rules.iter().map(|rule| &rule.value) {
                own.extend(own_terms(rule));
                used.extend(read_groups(rule));
                rule.lower.iter().for_each(|lower| note(&mut used, &lower.value.unless));
            }
        }
        let all_terms = groups.values().flatten().cloned().chain(own).collect();
        Self { found: Vec::new(), groups, used, masks: Masks::new(masks), all_terms }
    }

    fn warn(&mut self, kind: WarningKind, at: &Place, message: String) {
        let Place { file, line, column } = at;
        self.found.push(RuleWarning { kind, file: file.to_string(), line: *line, column: *column, message });
    }

    fn group(&mut self, (name, group): (&'f String, &'f At<Group>)) {
        if !self.used.contains(name.as_str()) {
            let message = format!("no rule and no entry names the group `{name}`; use it or remove it");
            self.warn(WarningKind::UnusedGroup, &group.place, message);
        }
        let terms = self.groups.get(name.as_str()).cloned().unwrap_or_default();
        self.twice(&terms);
        for term in &terms {
            if let Some(mask) = self.masks.always_over(term) {
                let message = hidden(term, mask);
                self.warn(WarningKind::UnreachableTerm, term.place, message);
            }
        }
    }

    fn rule(&mut self, rule: &'f Rule) {
        let terms = own_terms(rule);
        self.twice(&terms);
        let masks = Masks::new(entries(&rule.masks));
        for term in &terms {
            if let Some(mask) = self.masks.always_over(term).or_else(|| masks.always_over(term)) {
                let message = hidden(term, mask);
                self.warn(WarningKind::UnreachableTerm, term.place, message);
            }
        }
        let groups = read_groups(rule).filter_map(|group| self.groups.get(group)).flatten();
        let reach: Vec<Entry<'_>> = terms.into_iter().chain(groups.cloned()).collect();
        for mask in &masks.0 {
            self.mask(mask, &reach, Some(&masks), &format!("rule {}", rule.id.value));
        }
        self.evidence(rule);
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
            self.warn(WarningKind::UselessMask, mask.place, message);
            return;
        }
        let is_other = |other: &&Entry<'f>| !other.is_pattern() && other.place != mask.place;
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
            self.warn(WarningKind::ShadowedMask, mask.place, message);
        }
    }

    /// Terms of which an earlier one takes every place.
    fn twice(&mut self, terms: &[Entry<'f>]) {
        let mut first: BTreeMap<&str, &Entry<'f>> = BTreeMap::new();
        for term in terms {
            if let Some(earlier) = first.get(term.key.as_str()) {
                let message = format!(
                    "the term `{}` stands on line {}, too, and counts only there; remove one",
                    term.text, earlier.place.line
                );
                self.warn(WarningKind::DuplicateTerm, term.place, message);
            } else {
                first.insert(&term.key, term);
            }
        }
    }

    /// What there is behind a rule: tests and references.
    fn evidence(&mut self, rule: &Rule) {
        let id = rule.id.value.as_str();
        let head = &rule.id.place;
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
            if let Some(earlier) = first.insert(text.value.trim(), text.place.line) {
                let message = format!("the text stands on line {earlier}, too; remove one");
                self.warn(WarningKind::DuplicateTest, &text.place, message);
            }
        }
    }
}

fn hidden(term: &Entry<'_>, mask: &Entry<'_>) -> String {
    format!("the term `{}` is never seen: {} hides it wherever it stands", term.text, mask.told())
}

/// Strong before weak: of equal ones the first counts.
fn own_terms(rule: &Rule) -> Vec<Entry<'_>> {
    rule.strong.iter().chain(&rule.weak).flat_map(|block| entries(&block.value.terms)).collect()
}

/// The groups whose words count for a rule.
fn read_groups(rule: &Rule) -> impl Iterator<Item = &str> {
    let near = rule.near.iter().flat_map(|near| &near.value.groups);
    let named = near.chain(&rule.needs.any).chain(&rule.needs.all).map(|name| name.value.as_str());
    let names: BTreeSet<&str> = named.chain(rule.context.keys().map(String::as_str)).collect();
    names.into_iter()
}

//! A pack as the matcher and the score use it: names resolved to numbers.

use crate::model::Touch;

use super::RuleInfo;
use super::exception::Exception;
use super::matcher::Matcher;

/// What a term is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Mask,
    RuleMask(usize),
    Group(usize),
    Adjust(usize),
    Strong { rule: usize, weight: i32 },
    Weak { rule: usize, weight: i32 },
}

/// A `lower` or `route` entry.
#[derive(Debug)]
pub(super) struct Adjust {
    /// `lower:宣传口号` or `route:存量案件`.
    pub what: String,
    pub by: i32,
    /// `None`: the whole complaint; else characters after the words in which they touch a term.
    pub reach: Option<usize>,
    pub labels: Vec<String>,
    pub unless: Vec<usize>,
    /// The only rule it holds for.
    pub rule: Option<usize>,
}

#[derive(Debug)]
pub(super) struct Near {
    pub weight: i32,
    pub groups: [usize; 2],
    pub within: usize,
}

/// A text that a rule was written against, and where it stands.
#[derive(Debug)]
pub(super) struct TestText {
    pub file: String,
    pub line: u64,
    pub text: String,
}

#[derive(Debug)]
pub(super) struct Rule {
    pub info: RuleInfo,
    pub index: usize,
    pub near: Vec<Near>,
    pub context: Vec<(usize, i32)>,
    pub needs_any: Vec<usize>,
    pub needs_all: Vec<usize>,
    pub watch: i32,
    /// The alert score; `NEVER` for a rule in status `shadow`.
    pub alert: i32,
    pub must_fire: Vec<TestText>,
    pub must_not_fire: Vec<TestText>,
    pub known_misses: Vec<TestText>,
}

impl Rule {
    /// The groups that the rule looks at; one may come several times.
    pub(super) fn groups(&self) -> impl Iterator<Item = usize> {
        let contexts = self.context.iter().map(|(group, _)| *group);
        let pairs = self.near.iter().flat_map(|near| near.groups);
        contexts.chain(pairs).chain(self.needs_any.iter().chain(&self.needs_all).copied())
    }

    /// Whether the rule looks at this group at all.
    pub(super) fn reads_group(&self, group: usize) -> bool {
        self.groups().any(|other| other == group)
    }
}

pub(super) struct Compiled {
    pub rules: Vec<Rule>,
    /// Chinese titles of the groups.
    pub groups: Vec<String>,
    /// The dimension that each of them speaks to.
    pub group_touches: Vec<Option<Touch>>,
    /// The names by which rules refer to them.
    pub group_names: Vec<String>,
    pub adjusts: Vec<Adjust>,
    /// For each term how it reads: literal ones in normal form, patterns as written.
    pub words: Vec<String>,
    /// For each term what it is there for.
    pub terms: Vec<Vec<Use>>,
    /// For each term whether an item or a weak term of a rule is made of it.
    pub begins: Vec<bool>,
    pub matcher: Matcher,
    pub quiet: Vec<TestText>,
    pub exceptions: Vec<Exception>,
}

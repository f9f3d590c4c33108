//! Whom a complaint accuses: the companies it names, when a risk rule says that it is about money.
//!
//! Those who lost money to one company write about one matter whatever their words are, and across the
//! whole city; two companies with one scheme are two matters, however like the words.

use crate::entity::{Spelling, brand};

use super::grams;
use super::lexicon::Lexicon;
use super::window::{Held, Open};

/// The companies that a complaint with a financial risk names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Company {
    rules: Box<[Box<str>]>,
    names: Box<[Named]>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Named {
    name: Spelling,
    /// The brand as it sounds.
    pairs: Box<[u16]>,
    in_title: bool,
}

/// What two complaints say of whom they accuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Accused {
    /// One company, and rules that both meet.
    Same,
    /// The titles name companies, and not one.
    Different,
    /// Nothing can be said.
    Unknown,
}

/// A brand that more than one in so many open complaints sounds like says nothing: `ln(50)`, in 1/1024.
const TELLING: u32 = 4005;
/// Names kept of a complaint.
const MOST: usize = 4;

impl Company {
    /// Whom a complaint accuses that meets these rules and names these companies, each in its normal
    /// form and with whether the title names it. `None` without a name.
    pub fn new<'a>(
        rules: impl Iterator<Item = &'a str>,
        names: impl Iterator<Item = (&'a str, bool)>,
    ) -> Option<Self> {
        let named = |(name, in_title): (&str, bool)| {
            let pairs: Box<[u16]> = grams::pairs(brand(name)).into();
            (!pairs.is_empty()).then(|| Named { name: Spelling::new(name), pairs, in_title })
        };
        let mut rules: Box<[Box<str>]> = rules.map(Into::into).collect();
        rules.sort_unstable();
        let names: Box<[Named]> = names.filter_map(named).take(MOST).collect();
        (!names.is_empty()).then_some(Self { rules, names })
    }

    /// The rules that it meets, in their order.
    pub(super) fn rules(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|rule| &**rule)
    }

    /// Whom it names, and whether the title does.
    pub(super) fn names(&self) -> impl Iterator<Item = (&str, bool)> {
        self.names.iter().map(|named| (named.name.name(), named.in_title))
    }

    /// By what complaints that name one of the companies are found, in no order.
    pub(super) fn keys(&self) -> impl Iterator<Item = u32> + '_ {
        // Marked, so that no run of syllables is taken for them.
        let pairs = self.names.iter().flat_map(|named| named.pairs.iter());
        pairs.map(|pair| grams::hash(1 << 40 | u64::from(*pair)))
    }

    /// What two complaints say of whom they accuse. One may name the company where the other, which
    /// names none, only says its name.
    pub(super) fn accused(lexicon: &Lexicon, a: &Open, b: &Open) -> Accused {
        let (Some(ours), Some(theirs)) = (&a.company, &b.company) else { return Accused::Unknown };
        // Names of one company share a pair of syllables (see `entity::Names`); asking that is cheap.
        let alike = |x: &Named, y: &Named| x.pairs.iter().any(|pair| y.pairs.contains(pair));
        let one = |x: &Named, y: &Named| alike(x, y) && x.name.same(&y.name);
        let one = ours.names.iter().any(|x| theirs.names.iter().any(|y| one(x, y)));
        let said =
            |company: &Self, by: &Open| company.names.iter().any(|name| name.is_said(lexicon, &by.pairs));
        if one || said(ours, b) || said(theirs, a) {
            // Of one company's doings only those that a rule knows are one matter.
            let one_rule = ours.rules.iter().any(|rule| theirs.rules.binary_search(rule).is_ok());
            return if one_rule { Accused::Same } else { Accused::Unknown };
        }
        let titled = |company: &Self| company.names.iter().any(|name| name.in_title);
        if titled(ours) && titled(theirs) { Accused::Different } else { Accused::Unknown }
    }
}

impl Named {
    fn is_said(&self, lexicon: &Lexicon, pairs: &[Held]) -> bool {
        let holds = |pair: &u16| pairs.binary_search_by_key(&usize::from(*pair), |held| held.pair()).is_ok();
        let rarest = self.pairs.iter().map(|pair| lexicon.idf(usize::from(*pair))).max();
        // Of a longer name one pair may be misheard or swapped.
        let held = self.pairs.iter().filter(|pair| holds(pair)).count();
        let enough = if self.pairs.len() < 3 { self.pairs.len() } else { self.pairs.len() - 1 };
        rarest >= Some(TELLING) && held >= enough
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::group::{Candidate, Grams, GroupConfig, Grouper, Reading};
    use crate::model::{CallerKeys, ComplaintId};
    use crate::text::normalise;

    /// What two complaints say of whom they accuse; each a title, its rules and whom the title names.
    fn accused(a: (&str, &[&str], &[&str]), b: (&str, &[&str], &[&str])) -> Accused {
        let mut grouper = Grouper::new(Arc::new(GroupConfig::default()));
        for (seq, (title, rules, names)) in (1..).zip([a, b]) {
            let names = names.iter().map(|name| (*name, true));
            let company = Company::new(rules.iter().copied(), names).map(Arc::new);
            let grams = Grams::read(&normalise(title), &normalise(""), 3);
            let at = jiff::Timestamp::UNIX_EPOCH;
            let candidate = Candidate {
                seq,
                id: &ComplaintId::from(format!("c{seq}")),
                clock: at,
                callers: &CallerKeys::new(),
                grams: &grams,
                places: &[],
                earlier: None,
                said: (title, ""),
            };
            grouper.assign(&candidate, Reading::new(at, &grams, &[], &[], company, title));
        }
        let (a, b) = (grouper.complaint(1).unwrap(), grouper.complaint(2).unwrap());
        let found = Company::accused(&grouper.lexicon, a, b);
        assert_eq!(found, Company::accused(&grouper.lexicon, b, a), "either way");
        found
    }

    #[test]
    fn one_company_is_one_under_any_spelling_when_a_rule_knows_its_doings() {
        let saving = ("汇众人普惠到期不兑付", &["F02"][..], &["汇众人普惠"][..]);
        assert_eq!(accused(saving, ("众汇人投资跑路", &["F01", "F02"], &["众汇人投资"])), Accused::Same);
        assert_eq!(accused(saving, ("众汇人投资拖欠工资", &[], &["众汇人投资"])), Accused::Unknown);
        assert_eq!(accused(saving, ("金穗理财到期不兑付", &["F02"], &["金穗理财"])), Accused::Different);
        // Who names it otherwise, or not at all, may still say its name.
        assert_eq!(accused(saving, ("汇众人普惠到底谁管", &["F02"], &["某平台网"])), Accused::Same);
        assert_eq!(accused(saving, ("理财到期不兑付", &["F02"], &[])), Accused::Unknown);
    }
}

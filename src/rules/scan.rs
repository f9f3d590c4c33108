//! Everything the matcher found in one complaint, sorted by what it is for.

use crate::model::{Complaint, Span};

use super::compiled::{Compiled, Use};
use super::haystack::Haystack;
use super::sight::Sight;

/// One occurrence of a term in one field.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    pub field: usize,
    pub start: usize,
    pub end: usize,
    pub term: u32,
}

impl Found {
    /// Whether `self` stands wholly inside `other`.
    pub(super) fn inside(&self, other: &Found) -> bool {
        self.field == other.field && other.start <= self.start && self.end <= other.end
    }
}

/// Stretches that hide what stands wholly inside them, searchable in logarithmic time.
#[derive(Debug, Default)]
pub(super) struct Cover {
    /// Sorted by field and start; with each the one, of all so far in its field, that ends last.
    stretches: Vec<(Found, Found)>,
}

impl Cover {
    /// Takes stretches in the order of field and start.
    pub(super) fn new(stretches: impl IntoIterator<Item = Found>) -> Self {
        let mut cover: Vec<(Found, Found)> = Vec::new();
        for stretch in stretches {
            let longest = match cover.last() {
                Some((_, last)) if last.field == stretch.field && last.end >= stretch.end => *last,
                _ => stretch,
            };
            cover.push((stretch, longest));
        }
        Self { stretches: cover }
    }

    /// A stretch that `found` stands wholly inside, if there is one.
    pub(super) fn over(&self, found: &Found) -> Option<&Found> {
        let after = self
            .stretches
            .partition_point(|(stretch, _)| (stretch.field, stretch.start) <= (found.field, found.start));
        let (_, longest) = self.stretches.get(after.checked_sub(1)?)?;
        found.inside(longest).then_some(longest)
    }
}

/// One complaint, searched.
#[derive(Debug)]
pub(super) struct Scan<'t> {
    pub fields: Vec<Haystack<'t>>,
    /// For each group its visible occurrences, in the order of field and start.
    pub groups: Vec<Vec<Found>>,
    /// For each rule its visible strong and weak occurrences (before the rule's own masks).
    pub terms: Vec<Vec<(Found, Use)>>,
    /// For each `lower` and `route` entry where its words stand.
    pub adjusts: Vec<Vec<Found>>,
    /// For each rule what its own masks cover.
    pub rule_masks: Vec<Vec<Found>>,
    /// Masks that hid a term: (mask, hidden).
    pub hidden: Vec<(Found, Found)>,
    /// Labels of the complaint: its tags and its classification.
    labels: Vec<String>,
}

impl<'t> Scan<'t> {
    /// With everything that stands in `fields`.
    pub(super) fn new(compiled: &Compiled, complaint: &Complaint, sight: Sight<'t>) -> Self {
        let (fields, found) = sight.everything(compiled);
        let uses = |found: &Found| compiled.terms[found.term as usize].as_slice();
        let masks = Cover::new(found.iter().filter(|found| uses(found).contains(&Use::Mask)).copied());

        let mut scan = Self {
            fields,
            groups: vec![Vec::new(); compiled.groups.len()],
            terms: vec![Vec::new(); compiled.rules.len()],
            adjusts: vec![Vec::new(); compiled.adjusts.len()],
            rule_masks: vec![Vec::new(); compiled.rules.len()],
            hidden: Vec::new(),
            labels: complaint.tags.iter().chain(&complaint.category).cloned().collect(),
        };
        for found in found {
            let mask = masks.over(&found);
            for used in uses(&found) {
                match (*used, mask) {
                    (Use::Mask, _) => {}
                    (Use::RuleMask(rule), _) => scan.rule_masks[rule].push(found),
                    // Lowering words work wherever they stand.
                    (Use::Adjust(adjust), _) => scan.adjusts[adjust].push(found),
                    (_, Some(mask)) => scan.hidden.push((*mask, found)),
                    (Use::Group(group), None) => scan.groups[group].push(found),
                    (Use::Strong { rule, .. } | Use::Weak { rule, .. }, None) => {
                        scan.terms[rule].push((found, *used));
                    }
                }
            }
        }
        scan
    }

    /// Whether a `lower` entry names one of the complaint's labels.
    pub(super) fn has_label(&self, labels: &[String]) -> bool {
        labels.iter().any(|label| self.labels.contains(label))
    }

    /// Where `found` stands in the complaint's own words.
    pub(super) fn span(&self, found: &Found) -> Span {
        self.fields[found.field].span(found.start, found.end)
    }
}

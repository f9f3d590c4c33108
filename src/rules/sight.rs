//! The fields of one complaint as they are searched: the words at once, the dear patterns by and by,
//! since most complaints turn out to be of no concern before all of them were run.

use super::compiled::Compiled;
use super::haystack::Haystack;
use super::matcher::{Glance, Occurrence};
use super::scan::Found;

/// What is known so far.
#[derive(Debug)]
pub(super) struct Sight<'t> {
    fields: Vec<(Haystack<'t>, Glance)>,
    /// For each field what the patterns with which an item begins have found.
    begun: Vec<Vec<Occurrence>>,
}

impl<'t> Sight<'t> {
    /// Looks at each field once.
    pub(super) fn new(compiled: &Compiled, fields: impl Iterator<Item = Haystack<'t>>) -> Self {
        let glance = |field: Haystack<'t>| {
            let glance = compiled.matcher.glance(&field.text);
            (field, glance)
        };
        Self { fields: fields.map(glance).collect(), begun: Vec::new() }
    }

    /// Runs the patterns that a rule's items and weak terms are made of.
    pub(super) fn begin(&mut self, compiled: &Compiled) {
        let begins = |term: u32| compiled.begins[term as usize];
        let find = |(field, glance): &(Haystack<'_>, Glance)| {
            let mut found = Vec::new();
            compiled.matcher.find(&field.text, glance, begins, &mut found);
            found
        };
        self.begun = self.fields.iter().map(find).collect();
    }

    /// The terms that occur, and the patterns that have not been run and may.
    pub(super) fn terms<'a>(&'a self, compiled: &'a Compiled) -> impl Iterator<Item = u32> + 'a {
        let run = |term: u32| !self.begun.is_empty() && compiled.begins[term as usize];
        let glances = self.fields.iter().map(|(_, glance)| glance);
        let literals = glances.clone().flat_map(|glance| &glance.literals).map(|found| found.term);
        let open = glances.flat_map(|glance| compiled.matcher.open(glance)).filter(move |&term| !run(term));
        literals.chain(open).chain(self.begun.iter().flatten().map(|found| found.term))
    }

    /// Runs the patterns that are left: the fields, and what stands in them in the order of field,
    /// start, end, term.
    pub(super) fn everything(mut self, compiled: &Compiled) -> (Vec<Haystack<'t>>, Vec<Found>) {
        if self.begun.is_empty() {
            self.begin(compiled);
        }
        let left = |term: u32| !compiled.begins[term as usize];
        let mut all = Vec::new();
        let mut fields = Vec::with_capacity(self.fields.len());
        for (field, ((haystack, glance), mut found)) in self.fields.into_iter().zip(self.begun).enumerate() {
            compiled.matcher.find(&haystack.text, &glance, left, &mut found);
            found.extend(glance.literals);
            found.sort_unstable();
            let found = found.into_iter();
            all.extend(found.map(|Occurrence { start, end, term }| Found { field, start, end, term }));
            fields.push(haystack);
        }
        (fields, all)
    }
}

//! Exceptions as they are used.

use jiff::civil::Date;

use crate::rules::at::At;
use crate::rules::exception::{Exception, Seek};
use crate::rules::load::unknown;
use crate::rules::schema::{self, Text};

use super::Compiler;

/// Stands for all rules.
const ALL: &str = "*";
/// More are no exceptions: each is looked at for every hit.
const MOST: usize = 2000;

impl Compiler {
    pub(super) fn exception(&mut self, exception: At<schema::Exception>) {
        let schema::Exception { id, owner, reason, until, rules, terms, entity, place } = &exception.value;
        let is_id = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if id.value.is_empty() || id.value.len() > 32 || !id.value.chars().all(is_id) {
            let message = format!("the id `{}` must be 1 to 32 of A-Z, a-z, 0-9, - and _", id.value);
            self.error(id, message);
        }
        if let Some(first) = self.exceptions.iter().find(|other| other.id == id.value) {
            let message = format!(
                "the exception `{}` is already there at {}:{}; give it another id",
                id.value, first.file, first.line
            );
            self.error(id, message);
        }
        if self.exceptions.len() == MOST {
            self.error(id, format!("there are more than {MOST} exceptions; say what they share in a rule"));
        }
        for (text, what) in [(owner, "owner"), (reason, "reason")] {
            if text.value.trim().is_empty() {
                self.error(text, format!("the {what} is empty; an exception is somebody's, for a reason"));
            }
        }
        let until = self.last_day(until);
        if terms.is_empty() && entity.is_empty() && place.is_empty() {
            let message = "it names neither `terms` nor `entity` nor `place`; to hush a rule wholly, give it the status `shadow`";
            self.error(&exception, message);
        }
        let rules = self.named_rules(&exception, rules);
        let mut seeks = Vec::new();
        for term in terms {
            let seek = self.read_term(term);
            seeks.extend(seek.map(|(word, regex)| regex.map_or(Seek::Literal(word), Seek::Pattern)));
        }
        let places = place.iter().filter_map(|name| Some(self.read_term(name)?.0)).collect();
        for name in entity {
            self.read_term(name);
        }
        let Some(until) = until else { return };
        let At { value, place: at } = exception;
        self.exceptions.push(Exception {
            id: value.id.value,
            owner: value.owner.value,
            reason: value.reason.value,
            until,
            rules,
            file: at.file.to_string(),
            line: at.line,
            column: at.column,
            terms: seeks,
            entities: value.entity.into_iter().map(|name| name.value).collect(),
            places,
        });
    }

    fn last_day(&mut self, until: &Text) -> Option<Date> {
        let day = until.value.parse().ok();
        if day.is_none() {
            let message = format!("`until` is `{}`; give the last day as YYYY-MM-DD", until.value);
            self.error(until, message);
        }
        day
    }

    /// Ids of rules; none for all.
    fn named_rules(&mut self, exception: &At<schema::Exception>, names: &[Text]) -> Vec<String> {
        if names.is_empty() {
            self.error(exception, "`rules` is empty; name the rules it holds for, or '*' for all");
        }
        if names.iter().any(|name| name.value == ALL) {
            if let Some(other) = names.iter().find(|name| name.value != ALL) {
                self.error(other, "stands beside '*', which are all rules; keep one");
            }
            return Vec::new();
        }
        for name in
            names.iter().filter(|name| !self.rule_places.contains_key(&name.value)).collect::<Vec<_>>()
        {
            let known = self.rule_places.keys().map(String::as_str);
            let message = unknown("rule", &name.value, known, "the rules are");
            self.error(name, message);
        }
        names.iter().map(|name| name.value.clone()).collect()
    }
}

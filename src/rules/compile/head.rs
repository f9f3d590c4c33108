//! What stands at the head of a rule.

use crate::rules::error::is_rule_id;
use crate::rules::schema::{self, Status, Text};

use super::Compiler;

/// A tag is a word or two.
const MOST_TAG_CHARS: usize = 32;

impl Compiler {
    /// The id, version and owner.
    pub(super) fn head(&mut self, rule: &schema::Rule) {
        let id = rule.id.value.as_str();
        if !is_rule_id(id) {
            self.error(
                &rule.id,
                format!("the id `{id}` must be 1 to 16 of A-Z, 0-9 and -, beginning with a letter"),
            );
        }
        if let Some(first) = self.rule_places.insert(id.to_owned(), rule.id.place.clone()) {
            self.error(&rule.id, format!("the rule id `{id}` is already used at {first}; give it another"));
        }
        let says_why = rule.reason.as_ref().is_some_and(|reason| !reason.value.trim().is_empty());
        if rule.status == Status::Deprecated && !says_why {
            self.error(&rule.id, format!("rule {id} is `deprecated` and gives no `reason`; say why"));
        }
        self.tags(&rule.tags);
        self.number("version", &rule.version, (1, i32::MAX));
        if rule.owner.value.trim().is_empty() {
            self.error(&rule.owner, "the owner is empty; name the unit that answers for the rule");
        }
    }

    fn tags(&mut self, tags: &[Text]) {
        for (place, tag) in tags.iter().enumerate() {
            let length = tag.value.trim().chars().count();
            if length == 0 || tag.value.chars().count() > MOST_TAG_CHARS {
                let message = format!("the tag `{}` must have 1 to {MOST_TAG_CHARS} characters", tag.value);
                self.error(tag, message);
            } else if tags[..place].iter().any(|earlier| earlier.value == tag.value) {
                self.error(tag, format!("the tag `{}` stands twice; keep one", tag.value));
            }
        }
    }
}

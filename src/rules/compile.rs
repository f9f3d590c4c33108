//! From what the writer typed to what the matcher runs: names resolved, every mistake reported.

use std::collections::BTreeMap;

use regex::Regex;

use crate::model::Touch;

use super::RuleInfo;
use super::at::{At, Place};
use super::compiled::{Adjust, Compiled, Near, Rule, TestText, Use};
use super::error::{RuleError, RuleErrors};
use super::exception::Exception;
use super::load::unknown;
use super::matcher::{MAX_TERM_CHARS, Matcher, PATTERN, normal_literal, pattern};
use super::schema::{self, File, Status, Text};
use super::score::{EXTRA_STRONG_CAP, WEAK_CAP};

mod exceptions;
mod head;

/// A score from which a hit is kept, when the rule does not say.
pub(super) const WATCH: i32 = 40;
/// A score from which a hit alerts, when the rule does not say. One strong term (50) and one
/// context group (15) reach it; a strong term alone does not.
pub(super) const ALERT: i32 = 60;

pub(super) fn compile(files: Vec<File>) -> Result<Compiled, RuleErrors> {
    let mut compiler = Compiler::default();
    // Groups first: rules may stand in a file that is read before the groups they name.
    for file in &files {
        compiler.groups(file);
    }
    let mut exceptions = Vec::new();
    for mut file in files {
        exceptions.append(&mut file.exceptions);
        compiler.file(file);
    }
    // Rules first, for the same reason.
    for exception in exceptions {
        compiler.exception(exception);
    }
    compiler.finish()
}

#[derive(Default)]
struct Compiler {
    errors: Vec<RuleError>,
    group_numbers: BTreeMap<String, usize>,
    group_titles: Vec<String>,
    group_touches: Vec<Option<Touch>>,
    term_numbers: BTreeMap<String, u32>,
    terms: Vec<Vec<Use>>,
    literals: Vec<(u32, String)>,
    patterns: Vec<(u32, Regex)>,
    adjusts: Vec<Adjust>,
    rules: Vec<Rule>,
    rule_places: BTreeMap<String, Place>,
    quiet: Vec<TestText>,
    exceptions: Vec<Exception>,
}

impl Compiler {
    fn error<T>(&mut self, at: &At<T>, message: impl Into<String>) {
        self.errors.push(RuleError::at(&at.place, message));
    }

    fn number(&mut self, what: &str, value: &At<i64>, range: (i32, i32)) -> i32 {
        let (low, high) = range;
        if let Some(number) = i32::try_from(value.value).ok().filter(|number| (low..=high).contains(number)) {
            number
        } else {
            self.error(value, format!("`{what}` is {}; it must be from {low} to {high}", value.value));
            low
        }
    }

    fn terms(&mut self, terms: &[Text], used: Use) {
        for term in terms {
            if let Some(number) = self.term(term) {
                let purposes = &mut self.terms[number as usize];
                if purposes.contains(&used) {
                    self.error(term, format!("the term `{}` stands twice here; keep one", term.value));
                } else {
                    purposes.push(used);
                }
            }
        }
    }

    /// The normal form of a literal term; of a pattern how it was typed, and the pattern.
    fn read_term(&mut self, term: &Text) -> Option<(String, Option<Regex>)> {
        let text = term.value.as_str();
        if text.chars().count() > MAX_TERM_CHARS {
            self.error(term, format!("the term is longer than {MAX_TERM_CHARS} characters; split it"));
            return None;
        }
        if let Some(source) = text.strip_prefix(PATTERN) {
            return match pattern(source) {
                Ok(regex) => Some((text.to_owned(), Some(regex))),
                Err(message) => {
                    self.error(term, message);
                    None
                }
            };
        }
        let normal = normal_literal(text);
        if normal.chars().count() < 2 {
            let message =
                format!("the term `{text}` is shorter than two characters; it would match everywhere");
            self.error(term, message);
            return None;
        }
        Some((normal, None))
    }

    /// The number of a term; new terms are compiled, equal ones shared.
    fn term(&mut self, term: &Text) -> Option<u32> {
        let (key, compiled) = self.read_term(term)?;
        if let Some(&number) = self.term_numbers.get(&key) {
            return Some(number);
        }
        let number = self.terms.len() as u32;
        match compiled {
            Some(regex) => self.patterns.push((number, regex)),
            None => self.literals.push((number, key.clone())),
        }
        self.term_numbers.insert(key, number);
        self.terms.push(Vec::new());
        Some(number)
    }

    fn group(&mut self, name: &Text) -> Option<usize> {
        if let Some(&number) = self.group_numbers.get(&name.value) {
            return Some(number);
        }
        let message =
            unknown("group", &name.value, self.group_numbers.keys().map(String::as_str), "the groups are");
        self.error(name, message);
        None
    }

    fn group_list(&mut self, names: &[Text]) -> Vec<usize> {
        names.iter().filter_map(|name| self.group(name)).collect()
    }

    fn groups(&mut self, content: &File) {
        for (name, group) in &content.groups {
            let plain = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
            if name.is_empty() || !plain {
                self.error(group, format!("the group name `{name}` may hold only a-z, 0-9 and _"));
            }
            if self.group_numbers.contains_key(name) {
                self.error(
                    group,
                    format!("the group `{name}` is already defined; give one of them another name"),
                );
                continue;
            }
            let number = self.group_titles.len();
            self.group_numbers.insert(name.clone(), number);
            self.group_titles.push(group.value.title.clone());
            self.group_touches.push(group.value.dimension);
            if group.value.terms.is_empty() && !group.value.is_disabled {
                self.error(group, format!("the group `{name}` has no terms; add some or remove it"));
            }
            self.terms(&group.value.terms, Use::Group(number));
        }
    }

    fn file(&mut self, file: File) {
        self.terms(&file.masks, Use::Mask);
        for lower in &file.lower {
            self.lower(lower, None);
        }
        for route in &file.route {
            let by = route.value.by.as_ref().map_or(0, |by| self.number("by", by, (0, 100)));
            let unless = self.group_list(&route.value.unless);
            self.adjust(
                route,
                &route.value.terms,
                Adjust {
                    what: format!("route:{}", route.value.to),
                    by,
                    reach: None,
                    labels: Vec::new(),
                    unless,
                    rule: None,
                },
            );
        }
        for rule in file.rules {
            self.rule(rule);
        }
        self.quiet.extend(test_texts(file.quiet));
    }

    fn lower(&mut self, lower: &At<schema::Lower>, rule: Option<usize>) {
        let by = self.number("by", &lower.value.by, (1, 100));
        let reach = lower
            .value
            .reach
            .as_ref()
            .map(|reach| self.number("reach", reach, (0, 100)).unsigned_abs() as usize);
        let unless = self.group_list(&lower.value.unless);
        self.adjust(
            lower,
            &lower.value.terms,
            Adjust {
                what: format!("lower:{}", lower.value.name),
                by,
                reach,
                labels: lower.value.labels.iter().map(|label| label.value.clone()).collect(),
                unless,
                rule,
            },
        );
    }

    fn adjust<T>(&mut self, at: &At<T>, terms: &[Text], adjust: Adjust) {
        if terms.is_empty() && adjust.labels.is_empty() {
            self.error(at, format!("`{}` has neither terms nor labels; it would never hold", adjust.what));
        }
        if adjust.reach.is_some() && !adjust.labels.is_empty() {
            let message =
                format!("`{}` has labels, which touch no single term; remove `reach` or them", adjust.what);
            self.error(at, message);
        }
        let number = self.adjusts.len();
        self.adjusts.push(adjust);
        self.terms(terms, Use::Adjust(number));
    }

    fn rule(&mut self, rule: At<schema::Rule>) {
        let index = self.rules.len();
        // What is wrong with the whole of a changed rule is for who changed it to mend.
        let whole = rule.value.changed.clone().unwrap_or_else(|| rule.place.clone());
        let whole = At { value: (), place: whole };
        self.head(&rule.value);
        let schema::Rule { strong, near, weak, context, needs, masks, lower, thresholds, tests, .. } =
            &rule.value;

        let mut reachable = 0;
        for block in strong {
            let weight = self.block(block, |weight| Use::Strong { rule: index, weight });
            reachable = reachable.max(weight);
        }
        let near: Vec<Near> = near.iter().filter_map(|near| self.near(near)).collect();
        reachable = near.iter().map(|near| near.weight).fold(reachable, i32::max);
        if reachable > 0 {
            reachable += EXTRA_STRONG_CAP;
        }
        let mut weak_sum = 0;
        for block in weak {
            let weight = self.block(block, |weight| Use::Weak { rule: index, weight });
            weak_sum += weight * i32::try_from(block.value.terms.len()).unwrap_or(WEAK_CAP);
        }
        if strong.is_empty() && near.is_empty() && weak.is_empty() {
            self.error(
                &whole,
                format!("rule {} has no terms: give `strong`, `near` or `weak`", rule.value.id.value),
            );
        }
        let mut contexts = Vec::new();
        for (group, weight) in context {
            let points = self.number("weight", weight, (1, 100));
            let name = At { value: group.clone(), place: weight.place.clone() };
            contexts.extend(self.group(&name).map(|group| (group, points)));
        }
        let needs_any = self.group_list(&needs.any);
        let needs_all = self.group_list(&needs.all);
        self.terms(masks, Use::RuleMask(index));
        for lower in lower {
            self.lower(lower, Some(index));
        }

        let before = self.errors.len();
        let watch = thresholds.watch.as_ref().map_or(WATCH, |value| self.number("watch", value, (1, 300)));
        let alert = thresholds.alert.as_ref().map_or(ALERT, |value| self.number("alert", value, (1, 300)));
        if watch > alert && self.errors.len() == before {
            self.error(
                &whole,
                format!("`watch` is {watch}, above `alert` {alert}; a hit is watched before it alerts"),
            );
        }
        reachable += weak_sum.min(WEAK_CAP) + contexts.iter().map(|(_, weight)| weight).sum::<i32>();
        if reachable < alert {
            let message =
                format!("no text can reach the alert score {alert}: all weights together give {reachable}");
            self.error(&whole, message);
        }
        if tests.must_fire.is_empty() || tests.must_not_fire.is_empty() {
            self.error(&whole, "needs at least one text in `must_fire` and one in `must_not_fire`");
        }
        let rule = rule.value;
        self.rules.push(Rule {
            info: RuleInfo {
                id: rule.id.value,
                title: rule.title,
                category: rule.category,
                tags: rule.tags.into_iter().map(|tag| tag.value).collect(),
                status: rule.status,
                reason: rule.reason.map(|reason| reason.value),
                version: u32::try_from(rule.version.value).unwrap_or(1),
                alert_at: alert,
                owner: rule.owner.value,
                references: rule.references,
                false_positives: rule.false_positives,
                standard: rule.standard,
                texts: (rule.tests.must_fire.len(), rule.tests.known_misses.len()),
                dimension: rule.dimension,
                file: rule.id.place.file.to_string(),
            },
            index,
            near,
            context: contexts,
            needs_any,
            needs_all,
            watch,
            alert: if rule.status == Status::Shadow { super::NEVER } else { alert },
            must_fire: test_texts(rule.tests.must_fire),
            must_not_fire: test_texts(rule.tests.must_not_fire),
            known_misses: test_texts(rule.tests.known_misses),
        });
    }

    fn block(&mut self, block: &At<schema::Terms>, used: impl Fn(i32) -> Use) -> i32 {
        let weight = self.number("weight", &block.value.weight, (1, 100));
        if block.value.terms.is_empty() {
            self.error(block, "the list of terms is empty; add terms or remove the block");
        }
        self.terms(&block.value.terms, used(weight));
        weight
    }

    fn near(&mut self, near: &At<schema::Near>) -> Option<Near> {
        let weight = self.number("weight", &near.value.weight, (1, 100));
        let within = self.number("within", &near.value.within, (0, 200)).unsigned_abs() as usize;
        let given = near.value.groups.len();
        let groups = self.group_list(&near.value.groups);
        if given != 2 || groups.first() == groups.get(1) && groups.len() == 2 {
            self.error(near, format!("`near` asks for two different groups, not {given}"));
        }
        Some(Near { weight, groups: groups.try_into().ok()?, within })
    }

    fn finish(self) -> Result<Compiled, RuleErrors> {
        if self.errors.is_empty() {
            let near = |group: &usize| {
                self.rules.iter().flat_map(|rule| &rule.near).any(|near| near.groups.contains(group))
            };
            let begins = |uses: &Vec<Use>| {
                uses.iter().any(|used| match used {
                    Use::Strong { .. } | Use::Weak { .. } => true,
                    Use::Group(group) => near(group),
                    Use::Mask | Use::RuleMask(_) | Use::Adjust(_) => false,
                })
            };
            return Ok(Compiled {
                begins: self.terms.iter().map(begins).collect(),
                rules: self.rules,
                groups: self.group_titles,
                group_touches: self.group_touches,
                group_names: in_order(self.group_numbers),
                words: in_order(self.term_numbers),
                adjusts: self.adjusts,
                terms: self.terms,
                matcher: Matcher::new(self.literals, self.patterns),
                quiet: self.quiet,
                exceptions: self.exceptions,
            });
        }
        Err(RuleErrors::sorted(self.errors))
    }
}

/// Names in the order of the numbers they have.
fn in_order<N: Ord>(numbers: BTreeMap<String, N>) -> Vec<String> {
    let mut names: Vec<(String, N)> = numbers.into_iter().collect();
    names.sort_by(|a, b| a.1.cmp(&b.1));
    names.into_iter().map(|(name, _)| name).collect()
}

fn test_texts(texts: Vec<Text>) -> Vec<TestText> {
    let test =
        |At { value, place }: Text| TestText { file: place.file.to_string(), line: place.line, text: value };
    texts.into_iter().map(test).collect()
}

//! Laying an overlay over a pack: a district changes what the vendor ships without touching the files,
//! and says in its own what it has changed.
//!
//! Changes are made on what was typed, before anything is compiled, so that a changed pack is checked
//! as if it had been written so. Everything named has to be there: a vendor's update that takes away
//! what an overlay builds on is told, not passed over.

use std::fmt;

use serde::Serialize;

use super::at::At;
use super::change::{Changes, GroupChange, LowerChange, RouteChange, RuleChange};
use super::error::{RuleError, RuleErrors};
use super::load::unknown;
use super::schema::{File, Group, Lower, Route, Rule, Status, Text};
use lists::listed;

mod lists;

/// What an overlay has changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OverlayChange {
    /// Of what.
    #[serde(flatten)]
    pub of: Changed,
    /// The file of the overlay that does it.
    pub file: String,
    /// Line, from 1.
    pub line: u64,
    /// What it does: `terms: added 人没影了; title: 失联`.
    pub what: String,
}

/// What can be changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Changed {
    /// The rule of this id.
    Rule(String),
    /// The group of this name.
    Group(String),
    /// A list of the whole pack: `masks`, `quiet`, `lower 宣传口号`, `route 存量案件`.
    Pack(String),
}

impl fmt::Display for OverlayChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.file, self.line)?;
        match &self.of {
            Changed::Rule(id) => write!(f, "rule {id}: {}", self.what),
            Changed::Group(name) => write!(f, "group {name}: {}", self.what),
            Changed::Pack(list) => write!(f, "{list}: {}", self.what),
        }
    }
}

/// The files of the changed pack, those of the overlay last, and what was changed.
///
/// # Errors
/// When an overlay names what is not there, or `change` stands in a file below.
pub(super) fn lay(
    mut below: Vec<File>,
    over: Vec<File>,
) -> Result<(Vec<File>, Vec<OverlayChange>), RuleErrors> {
    let mut layer = Layer::default();
    for change in below.iter().filter_map(|file| file.change.as_ref()) {
        let message = "`change` belongs into a file of the overlay's folder (`rules.overlay_dir`); \
                       what stands here is changed here";
        layer.error(change, message);
    }
    for mut file in over {
        if let Some(changes) = file.change.take() {
            layer.apply(&mut below, changes.value);
        }
        layer.additions(&file);
        // A later file of the overlay may change what an earlier one brings.
        below.push(file);
    }
    if layer.errors.is_empty() { Ok((below, layer.told)) } else { Err(RuleErrors::sorted(layer.errors)) }
}

#[derive(Default)]
struct Layer {
    errors: Vec<RuleError>,
    told: Vec<OverlayChange>,
}

/// What was done to one thing, part by part.
type Done = Vec<String>;

impl Layer {
    fn error<T>(&mut self, at: &At<T>, message: impl Into<String>) {
        self.errors.push(RuleError::at(&at.place, message));
    }

    /// Notes what was done; an entry that does nothing was meant to do something.
    fn tell<T>(&mut self, of: Changed, at: &At<T>, done: &[String]) {
        if done.is_empty() {
            self.error(at, "nothing is changed here; say what, or remove the entry");
            return;
        }
        let (file, line) = (at.place.file.to_string(), at.place.line);
        self.told.push(OverlayChange { of, file, line, what: done.join("; ") });
    }

    fn apply(&mut self, below: &mut [File], changes: Changes) {
        for change in changes.groups {
            self.group(below, change);
        }
        for change in changes.lower {
            let entries = below.iter_mut().map(|file| &mut file.lower);
            self.lower(entries, change, "the pack", |name| Changed::Pack(format!("lower {name}")));
        }
        for change in changes.route {
            self.route(below, change);
        }
        for change in changes.rules {
            self.rule(below, change);
        }
        let masks = below.iter_mut().map(|file| &mut file.masks).collect();
        self.pack_list(masks, changes.masks, "masks");
        let quiet = below.iter_mut().map(|file| &mut file.quiet).collect();
        self.pack_list(quiet, changes.quiet, "quiet");
    }

    /// What the files of an overlay bring besides changes.
    fn additions(&mut self, file: &File) {
        for (name, group) in &file.groups {
            self.tell(Changed::Group(name.clone()), group, &["added".to_owned()]);
        }
        for rule in &file.rules {
            self.tell(Changed::Rule(rule.value.id.value.clone()), &rule.value.id, &["added".to_owned()]);
        }
        for lower in &file.lower {
            self.tell(Changed::Pack(format!("lower {}", lower.value.name)), lower, &["added".to_owned()]);
        }
        for route in &file.route {
            self.tell(Changed::Pack(format!("route {}", route.value.to)), route, &["added".to_owned()]);
        }
        for exception in &file.exceptions {
            let of = Changed::Pack(format!("exception {}", exception.value.id.value));
            let until = format!("added, until {}", exception.value.until.value);
            self.tell(of, &exception.value.id, &[until]);
        }
        for (texts, name) in [(&file.masks, "masks"), (&file.quiet, "quiet")] {
            if let Some(first) = texts.first() {
                self.tell(Changed::Pack(name.to_owned()), first, &[format!("added {}", listed(texts))]);
            }
        }
    }

    fn group(&mut self, below: &mut [File], change: GroupChange) {
        let GroupChange { name, disable, title, terms } = change;
        let Some(place) = below.iter().position(|file| file.groups.contains_key(&name.value)) else {
            let known = below.iter().flat_map(|file| file.groups.keys()).map(String::as_str);
            return self.error(&name, unknown("group", &name.value, known, "the groups below are"));
        };
        let group = &mut below[place].groups.get_mut(&name.value).expect("it is in this file").value;
        let Group { title: old, dimension: _, terms: list, is_disabled } = group;
        let mut done = Done::new();
        set("title", old, title, &mut done);
        self.texts(list, terms, "terms", &mut done);
        if let Some(reason) = disable {
            list.clear();
            *is_disabled = true;
            done.push(format!("switched off: {}", reason.value));
        } else if list.is_empty() && !*is_disabled {
            // Told here, where it comes from, and not of the file below.
            *is_disabled = true;
            let message =
                format!("nothing is left of the group `{}`; switch it off with `disable`", name.value);
            self.error(&name, message);
        }
        self.tell(Changed::Group(name.value.clone()), &name, &done);
    }

    fn lower<'f>(
        &mut self,
        lists: impl Iterator<Item = &'f mut Vec<At<Lower>>>,
        change: LowerChange,
        of: &str,
        changed: impl Fn(&str) -> Changed,
    ) {
        let LowerChange { name, disable, by, reach, terms, labels, unless } = change;
        let mut known = Vec::new();
        for list in lists {
            let Some(place) = list.iter().position(|lower| lower.value.name == name.value) else {
                known.extend(list.iter().map(|lower| lower.value.name.clone()));
                continue;
            };
            let mut done = Done::new();
            let lower = &mut list[place].value;
            set_at("by", &mut lower.by, by, &mut done);
            if let Some(reach) = reach {
                done.push(format!("reach: {}", reach.value));
                lower.reach = Some(reach);
            }
            self.texts(&mut lower.terms, terms, "terms", &mut done);
            self.texts(&mut lower.labels, labels, "labels", &mut done);
            self.texts(&mut lower.unless, unless, "unless", &mut done);
            self.switch_off(list, place, disable, &mut done);
            return self.tell(changed(&name.value), &name, &done);
        }
        let known = known.iter().map(String::as_str);
        let message =
            unknown("`lower` entry", &name.value, known, &format!("the `lower` entries of {of} are"));
        self.error(&name, message);
    }

    fn route(&mut self, below: &mut [File], change: RouteChange) {
        let RouteChange { to, disable, by, terms, unless } = change;
        let is_meant = |route: &At<Route>| route.value.to == to.value;
        let Some(list) = below.iter_mut().map(|file| &mut file.route).find(|list| list.iter().any(is_meant))
        else {
            let known = below.iter().flat_map(|file| &file.route).map(|route| route.value.to.as_str());
            let message = unknown("`route` entry", &to.value, known, "the `route` entries below are");
            return self.error(&to, message);
        };
        let place = list.iter().position(is_meant).expect("it is in this list");
        let mut done = Done::new();
        let route = &mut list[place].value;
        if let Some(by) = by {
            done.push(format!("by: {}", by.value));
            route.by = Some(by);
        }
        self.texts(&mut route.terms, terms, "terms", &mut done);
        self.texts(&mut route.unless, unless, "unless", &mut done);
        self.switch_off(list, place, disable, &mut done);
        self.tell(Changed::Pack(format!("route {}", to.value)), &to, &done);
    }

    /// Takes an entry out, when a reason to is given; whoever also changes it has not made up their mind.
    fn switch_off<T>(&mut self, list: &mut Vec<T>, place: usize, reason: Option<Text>, done: &mut Done) {
        let Some(reason) = reason else { return };
        if !done.is_empty() {
            self.error(&reason, "the entry is switched off and changed; do one of them");
        }
        list.remove(place);
        done.push(format!("switched off: {}", reason.value));
    }

    fn rule(&mut self, below: &mut [File], change: RuleChange) {
        let id = change.id.clone();
        let all = || below.iter().flat_map(|file| &file.rules).map(|rule| rule.value.id.value.as_str());
        if !all().any(|known| known == id.value) {
            let message = unknown("rule", &id.value, all(), "the rules below are");
            return self.error(&id, message);
        }
        let mut rules = below.iter_mut().flat_map(|file| &mut file.rules);
        let rule = rules.find(|rule| rule.value.id.value == id.value).expect("it is there");
        let done = self.change_rule(&mut rule.value, change);
        rule.value.changed = Some(id.place.clone());
        self.tell(Changed::Rule(id.value.clone()), &id, &done);
    }

    fn change_rule(&mut self, rule: &mut Rule, change: RuleChange) -> Done {
        let mut done = Done::new();
        set("title", &mut rule.title, change.title, &mut done);
        set("category", &mut rule.category, change.category, &mut done);
        self.texts(&mut rule.tags, change.tags, "tags", &mut done);
        if let Some(status) = change.status {
            done.push(format!("status: {} -> {}", rule.status.as_str(), status.as_str()));
            rule.status = status;
        }
        set_at("owner", &mut rule.owner, change.owner, &mut done);
        self.blocks(&mut rule.strong, change.strong, "strong", &mut done);
        self.pairs(&mut rule.near, change.near, &mut done);
        self.blocks(&mut rule.weak, change.weak, "weak", &mut done);
        for (group, points) in change.context {
            done.push(format!("context {group}: {}", points.value));
            if points.value != 0 {
                rule.context.insert(group, points);
            } else if rule.context.remove(&group).is_none() {
                self.error(&points, format!("the rule has no context `{group}` to take out"));
            }
        }
        self.texts(&mut rule.needs.any, change.needs.any, "needs any", &mut done);
        self.texts(&mut rule.needs.all, change.needs.all, "needs all", &mut done);
        self.texts(&mut rule.masks, change.masks, "masks", &mut done);
        for lower in change.lower.change {
            let id = rule.id.value.clone();
            let mut inner = Self::default();
            let changed = |name: &str| Changed::Pack(format!("lower {name}"));
            inner.lower(std::iter::once(&mut rule.lower), lower, &format!("rule {id}"), changed);
            self.errors.extend(inner.errors);
            done.extend(inner.told.into_iter().map(|told| match told.of {
                Changed::Pack(list) => format!("{list}: {}", told.what),
                Changed::Rule(_) | Changed::Group(_) => told.what,
            }));
        }
        for lower in change.lower.add {
            done.push(format!("lower {}: added", lower.value.name));
            rule.lower.push(lower);
        }
        for (name, old, new) in [
            ("watch", &mut rule.thresholds.watch, change.thresholds.watch),
            ("alert", &mut rule.thresholds.alert, change.thresholds.alert),
        ] {
            if let Some(new) = new {
                done.push(format!("{name}: {}", new.value));
                *old = Some(new);
            }
        }
        let (tests, new) = (&mut rule.tests, change.tests);
        self.texts(&mut tests.must_fire, new.must_fire, "must_fire", &mut done);
        self.texts(&mut tests.must_not_fire, new.must_not_fire, "must_not_fire", &mut done);
        self.texts(&mut tests.known_misses, new.known_misses, "known_misses", &mut done);
        if let Some(reason) = change.disable {
            done.push(format!("switched off: {}", reason.value));
            rule.status = Status::Deprecated;
            rule.reason = Some(reason);
        }
        done
    }
}

fn set(name: &str, old: &mut String, new: Option<String>, done: &mut Done) {
    if let Some(new) = new {
        done.push(format!("{name}: {new}"));
        *old = new;
    }
}

fn set_at<T: fmt::Display>(name: &str, old: &mut At<T>, new: Option<At<T>>, done: &mut Done) {
    if let Some(new) = new {
        done.push(format!("{name}: {}", new.value));
        *old = new;
    }
}

//! Adding to lists, taking out of them, putting others in their place.

use crate::rules::at::At;
use crate::rules::change::{BlocksChange, PairsChange, TextsChange};
use crate::rules::error::nearest;
use crate::rules::matcher::key;
use crate::rules::schema::{Near, Terms, Text};

use super::{Changed, Done, Layer};

impl Layer {
    /// A list that the files of a pack have together.
    pub(super) fn pack_list(&mut self, mut lists: Vec<&mut Vec<Text>>, change: TextsChange, name: &str) {
        let first = [change.replace.as_ref().map(|list| list.place.clone())];
        let named = change.add.iter().chain(&change.remove).map(|text| Some(text.place.clone()));
        let Some(place) = first.into_iter().chain(named).flatten().min() else { return };
        let mut all: Vec<Text> = lists.iter_mut().flat_map(|list| list.drain(..)).collect();
        let mut done = Done::new();
        self.texts(&mut all, change, name, &mut done);
        let at = At { value: (), place };
        let done: Vec<String> = done
            .iter()
            .map(|what| what.trim_start_matches(name).trim_start_matches(": ").to_owned())
            .collect();
        self.tell(Changed::Pack(name.to_owned()), &at, &done);
        // In which file they stand no longer matters: each knows its place.
        if let Some(list) = lists.into_iter().next() {
            *list = all;
        }
    }

    pub(super) fn texts(&mut self, list: &mut Vec<Text>, change: TextsChange, name: &str, done: &mut Done) {
        let TextsChange { add, remove, replace } = change;
        if let Some(replace) = replace {
            self.alone(&replace, add.is_empty() && remove.is_empty());
            done.push(format!("{name}: replaced by {}", listed(&replace.value)));
            *list = replace.value;
            return;
        }
        let mut parts = Vec::new();
        if !remove.is_empty() {
            parts.push(format!("removed {}", listed(&remove)));
        }
        for gone in remove {
            let known = list.iter().map(|text| text.value.as_str());
            match list.iter().position(|text| key(&text.value) == key(&gone.value)) {
                Some(place) => drop(list.remove(place)),
                None => self.error(&gone, missing(&gone.value, name, known)),
            }
        }
        if !add.is_empty() {
            parts.push(format!("added {}", listed(&add)));
        }
        list.extend(add);
        if !parts.is_empty() {
            done.push(format!("{name}: {}", parts.join(", ")));
        }
    }

    pub(super) fn blocks(
        &mut self,
        blocks: &mut Vec<At<Terms>>,
        change: BlocksChange,
        name: &str,
        done: &mut Done,
    ) {
        let BlocksChange { add, remove, replace } = change;
        if let Some(replace) = replace {
            self.alone(&replace, add.is_empty() && remove.is_empty());
            done.push(format!("{name}: replaced by {}", listed_blocks(&replace.value)));
            *blocks = replace.value;
            return;
        }
        if !remove.is_empty() {
            done.push(format!("{name}: removed {}", listed(&remove)));
        }
        for gone in remove {
            let is_gone = |term: &Text| key(&term.value) == key(&gone.value);
            if blocks.iter().any(|block| block.value.terms.iter().any(is_gone)) {
                for block in blocks.iter_mut() {
                    block.value.terms.retain(|term| !is_gone(term));
                }
                blocks.retain(|block| !block.value.terms.is_empty());
            } else {
                let known = blocks.iter().flat_map(|block| &block.value.terms);
                let message = missing(&gone.value, name, known.map(|term| term.value.as_str()));
                self.error(&gone, message);
            }
        }
        if !add.is_empty() {
            done.push(format!("{name}: added {}", listed_blocks(&add)));
        }
        blocks.extend(add);
    }

    pub(super) fn pairs(&mut self, pairs: &mut Vec<At<Near>>, change: PairsChange, done: &mut Done) {
        let PairsChange { add, remove, replace } = change;
        let named = |pair: &At<Near>| -> Vec<String> {
            pair.value.groups.iter().map(|group| group.value.clone()).collect()
        };
        let told = |pair: &At<Near>| named(pair).join("+");
        if let Some(replace) = replace {
            self.alone(&replace, add.is_empty() && remove.is_empty());
            let names: Vec<String> = replace.value.iter().map(told).collect();
            done.push(format!(
                "near: replaced by {}",
                if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
            ));
            *pairs = replace.value;
            return;
        }
        for gone in remove {
            let before = pairs.len();
            pairs.retain(|pair| named(pair) != gone.value);
            if pairs.len() == before {
                let known: Vec<String> = pairs.iter().map(told).collect();
                let known = known.iter().map(String::as_str);
                let message = missing(&gone.value.join("+"), "near", known);
                self.error(&gone, message);
            }
            done.push(format!("near: removed {}", gone.value.join("+")));
        }
        done.extend(add.iter().map(|pair| format!("near: added {}", told(pair))));
        pairs.extend(add);
    }

    fn alone<T>(&mut self, replace: &At<T>, is_alone: bool) {
        if !is_alone {
            self.error(replace, "`replace` stands beside `add` or `remove`; put everything into `replace`");
        }
    }
}

/// Terms in one line; of many the first.
pub(super) fn listed(texts: &[Text]) -> String {
    const SHOWN: usize = 6;
    let shown: Vec<&str> = texts.iter().take(SHOWN).map(|text| text.value.as_str()).collect();
    match texts.len() {
        0 => "nothing".to_owned(),
        count if count > SHOWN => format!("{} and {} more", shown.join(", "), count - SHOWN),
        _ => shown.join(", "),
    }
}

fn listed_blocks(blocks: &[At<Terms>]) -> String {
    let told = |block: &At<Terms>| format!("{} {:+}", listed(&block.value.terms), block.value.weight.value);
    let told: Vec<String> = blocks.iter().map(told).collect();
    if told.is_empty() { "nothing".to_owned() } else { told.join(", ") }
}

fn missing<'k>(given: &str, list: &str, known: impl Iterator<Item = &'k str>) -> String {
    match nearest(given, known) {
        Some(near) => format!("`{given}` is not in `{list}` below; did you mean `{near}`?"),
        None => format!("`{given}` is not in `{list}` below; take it out of `remove`"),
    }
}

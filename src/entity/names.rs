//! Looking a company up under any spelling among many, without comparing it with each.

use std::collections::{BTreeMap, BTreeSet};

use crate::text::sound;

use super::same::{brand, same};

/// Names in normal form that can be asked for one that means the same company ([`same`]).
///
/// Names that are the same have brands that share two neighbouring characters by sound, in either
/// order: equal, contained, swapped, misheard and, from four characters on, with one slip. Only the
/// names that share such a pair are compared.
#[derive(Debug, Default)]
pub struct Names {
    by_pair: BTreeMap<String, BTreeSet<String>>,
}

impl Names {
    /// Adds a name.
    pub fn insert(&mut self, name: &str) {
        for pair in pairs(name) {
            self.by_pair.entry(pair).or_default().insert(name.to_owned());
        }
    }

    /// Takes a name out.
    pub fn remove(&mut self, name: &str) {
        for pair in pairs(name) {
            if let Some(names) = self.by_pair.get_mut(&pair) {
                names.remove(name);
                if names.is_empty() {
                    self.by_pair.remove(&pair);
                }
            }
        }
    }

    /// The first name, in their order, that means the same company.
    pub fn find(&self, name: &str) -> Option<&str> {
        pairs(name)
            .iter()
            .filter_map(|pair| self.by_pair.get(pair))
            .filter_map(|names| names.iter().find(|other| same(name, other)))
            .min()
            .map(String::as_str)
    }
}

/// Neighbouring characters of the brand by sound, each pair in one order; a single character stands
/// for itself.
fn pairs(name: &str) -> BTreeSet<String> {
    let sound = sound(brand(name));
    let syllables: Vec<&str> = sound.split(' ').collect();
    if let [only] = syllables[..] {
        return BTreeSet::from([only.to_owned()]);
    }
    let pair = |pair: &[&str]| format!("{} {}", pair[0].min(pair[1]), pair[0].max(pair[1]));
    syllables.windows(2).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn it_finds_what_comparing_with_each_finds(
            names in proptest::collection::btree_set("[金穗投资丰盈网利聚钉城晨a5]{1,6}", 0..12),
            name in "[金穗投资丰盈网利聚钉城晨a5]{1,6}",
        ) {
            let mut index = Names::default();
            for name in names.iter().chain(["清清", "利聚丰"].map(String::from).iter()) {
                index.insert(name);
            }
            for gone in ["清清", "利聚丰"].iter().filter(|gone| !names.contains(**gone)) {
                index.remove(gone);
            }
            let expected = names.iter().find(|other| same(&name, other)).map(String::as_str);
            proptest::prop_assert_eq!(index.find(&name), expected);
        }
    }
}

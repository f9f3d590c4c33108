//! Looking a company up under any spelling among many, without comparing it with each.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::text::Syllable;

use super::same::Spelling;

/// Names in normal form that can be asked for one that means the same company ([`Spelling::same`]).
///
/// Names that are the same have brands that share two neighbouring characters by sound, in either
/// order: equal, contained, swapped, misheard and, from four characters on, with one slip. Only the
/// names that share such a pair are compared.
#[derive(Debug, Default)]
pub struct Names {
    known: BTreeMap<Box<str>, Arc<Spelling>>,
    /// Holders of a pair in the order of their names.
    by_pair: FxHashMap<(u32, u32), Vec<Arc<Spelling>>>,
}

impl Names {
    /// Adds a name.
    pub fn insert(&mut self, name: &str) {
        if self.known.contains_key(name) {
            return;
        }
        let spelling = Arc::new(Spelling::new(name));
        for pair in pairs(&spelling) {
            let holders = self.by_pair.entry(pair).or_default();
            let at = holders.partition_point(|other| other.name() < name);
            holders.insert(at, Arc::clone(&spelling));
        }
        self.known.insert(name.into(), spelling);
    }

    /// Takes a name out.
    pub fn remove(&mut self, name: &str) {
        let Some(gone) = self.known.remove(name) else { return };
        for pair in pairs(&gone) {
            if let Some(holders) = self.by_pair.get_mut(&pair) {
                holders.retain(|other| other.name() != name);
                if holders.is_empty() {
                    self.by_pair.remove(&pair);
                }
            }
        }
    }

    /// The first name, in their order, that means the same company.
    pub fn find(&self, name: &str) -> Option<&str> {
        let asked = Spelling::new(name);
        pairs(&asked)
            .iter()
            .filter_map(|pair| self.by_pair.get(pair))
            .filter_map(|holders| holders.iter().find(|other| asked.same(other)))
            .map(|found| found.name())
            .min()
    }
}

/// Neighbouring characters of the brand by sound, each pair in one order; a single character stands
/// for itself. In order, each once.
fn pairs(spelling: &Spelling) -> Vec<(u32, u32)> {
    // Coarser than `same_sound`: whatever is the same by that shares its pairs.
    let heard = |c: &char| match Syllable::of(*c) {
        Some(syllable) => u32::from(syllable.number()),
        None => 1 << 31 | u32::from(*c),
    };
    let heard: Vec<u32> = spelling.chars().iter().map(heard).collect();
    let mut pairs: Vec<(u32, u32)> = match heard[..] {
        [only] => vec![(only, only)],
        _ => heard.windows(2).map(|pair| (pair[0].min(pair[1]), pair[0].max(pair[1]))).collect(),
    };
    pairs.sort_unstable();
    pairs.dedup();
    pairs
}

#[cfg(test)]
mod tests {
    use super::super::same::same;
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

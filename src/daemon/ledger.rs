//! What was seen before: telling new complaints, repeats and updates apart.

use rustc_hash::FxHashMap;

use crate::model::{ComplaintId, ContentHash};

/// What an event is, given the ids that came before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Novelty {
    /// An id never seen: version 1.
    New,
    /// The same id with equal content: dropped and counted.
    Repeat,
    /// The same id with other content: the version it becomes.
    Update(u32),
}

impl Novelty {
    /// The version to apply; `None` for a repeat.
    pub fn version(self) -> Option<u32> {
        match self {
            Self::New => Some(1),
            Self::Repeat => None,
            Self::Update(version) => Some(version),
        }
    }
}

/// The last content of each id, and how many versions there were.
#[derive(Debug, Default)]
pub struct Ledger(FxHashMap<ComplaintId, (ContentHash, u32)>);

impl Ledger {
    /// Takes what the store knows of an id.
    pub fn learn(&mut self, id: ComplaintId, content: ContentHash, version: u32) {
        self.0.insert(id, (content, version));
    }

    /// Whether the id is known here.
    pub fn knows(&self, id: &ComplaintId) -> bool {
        self.0.contains_key(id)
    }

    /// Judges an event and remembers it.
    pub fn judge(&mut self, id: &ComplaintId, content: ContentHash) -> Novelty {
        match self.0.get_mut(id) {
            None => {
                self.0.insert(id.clone(), (content, 1));
                Novelty::New
            }
            Some((known, _)) if *known == content => Novelty::Repeat,
            Some((known, version)) => {
                *known = content;
                *version += 1;
                Novelty::Update(*version)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_content_is_a_repeat_and_other_content_an_update_also_back_to_an_old_one() {
        let mut ledger = Ledger::default();
        let id = ComplaintId::from("1");
        let told: Vec<_> = [5, 5, 6, 5, 5].map(|hash| ledger.judge(&id, ContentHash(hash))).into();
        assert_eq!(
            told,
            [Novelty::New, Novelty::Repeat, Novelty::Update(2), Novelty::Update(3), Novelty::Repeat]
        );
        let other = ComplaintId::from("2");
        ledger.learn(other.clone(), ContentHash(9), 4);
        assert_eq!(ledger.judge(&other, ContentHash(9)).version(), None);
        assert_eq!(ledger.judge(&other, ContentHash(1)).version(), Some(5));
    }
}

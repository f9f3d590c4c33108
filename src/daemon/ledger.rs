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

/// The contents of each id, and how many versions there were.
///
/// Senders who got no answer send again, and what they send again may be a batch with two versions
/// of a complaint, the older one first. So whatever an id has said before is a repeat, not a way
/// back: otherwise the old version would be put in the place of the new one, and the new one again
/// in its place.
#[derive(Debug, Default)]
pub struct Ledger(FxHashMap<ComplaintId, Said>);

#[derive(Debug)]
struct Said {
    content: ContentHash,
    earlier: Vec<ContentHash>,
    version: u32,
}

impl Ledger {
    /// Takes what the store knows of an id.
    pub fn learn(&mut self, id: ComplaintId, content: ContentHash, earlier: Vec<ContentHash>, version: u32) {
        self.0.insert(id, Said { content, earlier, version });
    }

    /// Judges an event and remembers it.
    pub fn judge(&mut self, id: &ComplaintId, content: ContentHash) -> Novelty {
        match self.0.get_mut(id) {
            None => {
                self.0.insert(id.clone(), Said { content, earlier: Vec::new(), version: 1 });
                Novelty::New
            }
            Some(said) if said.content == content || said.earlier.contains(&content) => Novelty::Repeat,
            Some(said) => {
                said.earlier.push(std::mem::replace(&mut said.content, content));
                said.version += 1;
                Novelty::Update(said.version)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_before_is_a_repeat_and_other_content_an_update() {
        let mut ledger = Ledger::default();
        let id = ComplaintId::from("1");
        let told: Vec<_> = [5, 5, 6, 5, 6, 7].map(|hash| ledger.judge(&id, ContentHash(hash))).into();
        assert_eq!(
            told,
            [
                Novelty::New,
                Novelty::Repeat,
                Novelty::Update(2),
                Novelty::Repeat,
                Novelty::Repeat,
                Novelty::Update(3)
            ]
        );
        let other = ComplaintId::from("2");
        ledger.learn(other.clone(), ContentHash(9), vec![ContentHash(8)], 4);
        assert_eq!(ledger.judge(&other, ContentHash(9)).version(), None);
        assert_eq!(ledger.judge(&other, ContentHash(8)).version(), None);
        assert_eq!(ledger.judge(&other, ContentHash(1)).version(), Some(5));
    }
}

//! How many open complaints hold each pair of syllables, and how rare that makes it.

use super::background::{PAIRS, SHARES};
use super::window::Held;

/// The length in pairs that a complaint is taken to have when a share in general Chinese is turned
/// into the chance that a complaint holds the pair. An assumption: it only counts while few complaints
/// are open.
const TYPICAL_PAIRS: f32 = 150.0;
/// How many complaints' worth of evidence general Chinese is. With fewer open complaints than this
/// the dictionary decides what is rare, with more the stream itself does. A choice, not a measured
/// figure.
const PRIOR_DOCUMENTS: f64 = 500.0;

/// Rarities under what is open. A function of the open complaints alone.
pub(super) struct Lexicon {
    holders: Box<[u32]>,
    /// How many of [`PRIOR_DOCUMENTS`] would hold each.
    prior: Box<[f32]>,
    /// What comparing reads, apart from the rest so that little memory is touched.
    compared: Box<[Compared]>,
    held: usize,
    documents: u32,
    /// [`log`] of the open complaints with those that general Chinese stands for.
    log_documents: u32,
    /// Counts [`Lexicon::ask`], from 1.
    asked: u32,
}

#[derive(Clone, Copy)]
struct Compared {
    /// [`log`] of how many complaints hold the pair, those of general Chinese with them.
    log_holding: u32,
    /// The last comparison whose asking complaint held the pair ([`Lexicon::asked`]), and in the low
    /// bits how ([`Held::how`]).
    asked: u32,
}

/// Natural logarithm of a number from 1, in 1/1024, rounded down.
fn log(number: f64) -> u32 {
    (1024.0 * number.ln()) as u32
}

impl Lexicon {
    pub(super) fn new() -> Self {
        let expected = |share: &f32| PRIOR_DOCUMENTS as f32 * (share * TYPICAL_PAIRS).min(1.0);
        let prior: Box<[f32]> = SHARES.iter().map(expected).collect();
        let alone = |prior: &f32| Compared { log_holding: log(f64::from(*prior) + 1.0), asked: 0 };
        Self {
            holders: vec![0; PAIRS].into(),
            compared: prior.iter().map(alone).collect(),
            prior,
            held: 0,
            documents: 0,
            log_documents: log(PRIOR_DOCUMENTS + 1.0),
            asked: 0,
        }
    }

    /// How many complaints are open.
    pub(super) fn documents(&self) -> u32 {
        self.documents
    }

    /// How many distinct pairs they hold.
    pub(super) fn pairs(&self) -> usize {
        self.held
    }

    /// Counts one more (or one less) open complaint.
    fn count_document(&mut self, by: i32) {
        self.documents = self.documents.saturating_add_signed(by);
        self.log_documents = log(f64::from(self.documents) + PRIOR_DOCUMENTS + 1.0);
    }

    /// A complaint is open.
    pub(super) fn hold(&mut self, pairs: &[Held]) {
        for held in pairs {
            let pair = held.pair();
            self.held += usize::from(self.holders[pair] == 0);
            self.holders[pair] += 1;
            self.count(pair);
        }
        self.count_document(1);
    }

    /// A complaint is no longer open.
    pub(super) fn release(&mut self, pairs: &[Held]) {
        for held in pairs {
            let pair = held.pair();
            self.holders[pair] -= 1;
            self.held -= usize::from(self.holders[pair] == 0);
            self.count(pair);
        }
        self.count_document(-1);
    }

    fn count(&mut self, pair: usize) {
        let holding = f64::from(self.holders[pair]) + f64::from(self.prior[pair]) + 1.0;
        self.compared[pair].log_holding = log(holding);
    }

    /// Marks the pairs of a complaint that is about to be compared with many.
    pub(super) fn ask(&mut self, pairs: &[Held]) {
        self.asked += 1;
        if self.asked >> (32 - Held::HOW_BITS) != 0 {
            // Old marks could be taken for new ones: wipe them, once in 16 million complaints.
            self.compared.iter_mut().for_each(|compared| compared.asked = 0);
            self.asked = 1;
        }
        for held in pairs {
            self.compared[held.pair()].asked = self.asked << Held::HOW_BITS | held.how();
        }
    }

    /// A pair's rarity ([`Lexicon::idf`]), and how the asking complaint holds it ([`Held::how`]), if it does.
    #[inline]
    pub(super) fn asked(&self, pair: usize) -> (u64, Option<u32>) {
        let Compared { log_holding, asked } = self.compared[pair];
        let idf = u64::from(self.log_documents.saturating_sub(log_holding));
        (idf, (asked >> Held::HOW_BITS == self.asked).then_some(asked))
    }

    /// Inverse document frequency, in 1/1024: `ln((n + P + 1) / (holders + P·prior + 1))`, the
    /// usual smoothed form (Robertson & Spärck Jones) with general Chinese as prior. Fixed point, so
    /// that sums do not depend on their order.
    #[inline]
    pub(super) fn idf(&self, pair: usize) -> u32 {
        self.log_documents.saturating_sub(self.compared[pair].log_holding)
    }
}

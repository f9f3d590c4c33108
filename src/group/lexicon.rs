//! Term numbers, how many open complaints hold each term, and how rare that makes it.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::text::Segmenter;

use super::window::Held;

/// The length in words that a complaint is taken to have when a word's frequency in general
/// Chinese is turned into the chance that a complaint holds it at all. An assumption: it only
/// counts while few complaints are open.
const TYPICAL_WORDS: f64 = 100.0;
/// Total of the frequencies in the segmenter's dictionary (60,101,967, rounded).
const DICTIONARY_TOTAL: f64 = 6.0e7;
/// How many complaints' worth of evidence general Chinese is. With fewer open complaints than this
/// the dictionary decides what is rare, with more the stream itself does. A choice, not a measured
/// figure.
const PRIOR_DOCUMENTS: f64 = 500.0;

/// Numbers for terms. A term's number is free again when no open complaint holds it.
pub(super) struct Lexicon {
    segmenter: Arc<Segmenter>,
    numbers: FxHashMap<u64, u32>,
    entries: Vec<Entry>,
    /// For each entry what comparing reads of it, apart from the rest so that little memory is touched.
    compared: Vec<Compared>,
    free: Vec<u32>,
    documents: u32,
    /// [`log`] of the open complaints with those that general Chinese stands for.
    log_documents: u32,
    /// Counts [`Lexicon::ask`], from 1.
    asked: u32,
}

struct Entry {
    hash: u64,
    holders: u32,
    /// Chance that a complaint holds the term, by general Chinese.
    prior: f32,
    /// Rarity in general Chinese alone, in 1/1024.
    prior_idf: u32,
}

impl Entry {
    /// [`log`] of how many complaints are expected to hold the term.
    fn log_holding(&self) -> u32 {
        let prior = PRIOR_DOCUMENTS * f64::from(self.prior);
        log(f64::from(self.holders) + prior + 1.0)
    }
}

/// What a term weighs in the complaint that is compared, and in the asking one when that holds it.
pub(super) struct Weights {
    pub(super) ours: u64,
    /// 0 when the asking complaint does not hold the term.
    pub(super) asking: u64,
    /// Whether it does.
    pub(super) shared: bool,
}

#[derive(Clone, Copy)]
struct Compared {
    /// [`Entry::log_holding`].
    log_holding: u32,
    /// The last comparison whose asking complaint held the term ([`Lexicon::asked`]), and in the low
    /// bits with which damped count ([`Held::small_tf`]).
    asked: u32,
}

/// Natural logarithm of a number from 1, in 1/1024, rounded down.
fn log(number: f64) -> u32 {
    (1024.0 * number.ln()) as u32
}

impl Lexicon {
    pub(super) fn new(segmenter: Arc<Segmenter>) -> Self {
        Self {
            segmenter,
            numbers: FxHashMap::default(),
            entries: Vec::new(),
            compared: Vec::new(),
            free: Vec::new(),
            documents: 0,
            log_documents: log(PRIOR_DOCUMENTS + 1.0),
            asked: 0,
        }
    }

    /// How many complaints are open.
    pub(super) fn documents(&self) -> u32 {
        self.documents
    }

    /// How many distinct terms they hold.
    pub(super) fn terms(&self) -> usize {
        self.numbers.len()
    }

    /// Counts one more (or one less) open complaint.
    pub(super) fn count_document(&mut self, by: i32) {
        self.documents = self.documents.saturating_add_signed(by);
        self.log_documents = log(f64::from(self.documents) + PRIOR_DOCUMENTS + 1.0);
    }

    /// The number of a term, made when it has none. `word` is only looked at for a new one.
    pub(super) fn number(&mut self, hash: u64, word: &str) -> u32 {
        if let Some(&number) = self.numbers.get(&hash) {
            return number;
        }
        let frequency = self.segmenter.frequency(word) as f64;
        let prior = (frequency * TYPICAL_WORDS / DICTIONARY_TOTAL).min(1.0) as f32;
        let chance = PRIOR_DOCUMENTS * f64::from(prior) + 1.0;
        let prior_idf = log((PRIOR_DOCUMENTS + 1.0) / chance);
        let entry = Entry { hash, holders: 0, prior, prior_idf };
        let compared = Compared { log_holding: entry.log_holding(), asked: 0 };
        let number = if let Some(number) = self.free.pop() {
            self.entries[number as usize] = entry;
            self.compared[number as usize] = compared;
            number
        } else {
            self.entries.push(entry);
            self.compared.push(compared);
            let last = u32::try_from(self.entries.len() - 1).ok().filter(|last| *last < Held::NUMBERS);
            last.expect("fewer than 2^26 distinct open terms: they would fill a terabyte")
        };
        self.numbers.insert(hash, number);
        number
    }

    /// The number of a term that some open complaint holds.
    pub(super) fn known(&self, hash: u64) -> Option<u32> {
        self.numbers.get(&hash).copied()
    }

    /// Rarity in general Chinese alone, in 1/1024.
    pub(super) fn prior_idf(&self, number: u32) -> u32 {
        self.entries[number as usize].prior_idf
    }

    /// The hash of a term.
    pub(super) fn hash(&self, number: u32) -> u64 {
        self.entries[number as usize].hash
    }

    /// An open complaint holds the term.
    pub(super) fn hold(&mut self, number: u32) {
        let entry = &mut self.entries[number as usize];
        entry.holders += 1;
        self.compared[number as usize].log_holding = entry.log_holding();
    }

    /// An open complaint that held the term is gone. Returns whether the number is free now.
    pub(super) fn release(&mut self, number: u32) -> bool {
        let entry = &mut self.entries[number as usize];
        entry.holders -= 1;
        if entry.holders > 0 {
            self.compared[number as usize].log_holding = entry.log_holding();
            return false;
        }
        self.numbers.remove(&entry.hash);
        self.free.push(number);
        true
    }

    /// Drops the number if nothing holds the term (it was only asked for).
    pub(super) fn forget_unheld(&mut self, number: u32) {
        let entry = &self.entries[number as usize];
        if entry.holders == 0 && self.numbers.remove(&entry.hash).is_some() {
            self.free.push(number);
        }
    }

    /// Marks the terms of a complaint that is about to be compared with many.
    pub(super) fn ask(&mut self, terms: &[Held]) {
        self.asked += 1;
        if self.asked >> (32 - Held::TF_BITS) != 0 {
            // Old marks could be taken for new ones: wipe them, once in 67 million complaints.
            self.compared.iter_mut().for_each(|compared| compared.asked = 0);
            self.asked = 1;
        }
        for held in terms {
            self.compared[held.number() as usize].asked = self.asked << Held::TF_BITS | held.small_tf();
        }
    }

    /// What a term weighs in a comparison.
    #[inline]
    pub(super) fn weights(&self, held: Held) -> Weights {
        let Compared { log_holding, asked } = self.compared[held.number() as usize];
        let idf = self.log_documents.saturating_sub(log_holding);
        let shared = asked >> Held::TF_BITS == self.asked;
        let asking = if shared { Held::tf_of(asked) } else { 0 };
        // Below 2^24, see `similarity::weight`.
        Weights { ours: u64::from(idf * held.tf()), asking: u64::from(idf * asking), shared }
    }

    /// Inverse document frequency, in 1/1024: `ln((n + P + 1) / (holders + P·prior + 1))`, the
    /// usual smoothed form (Robertson & Spärck Jones) with the dictionary as prior. Fixed point, so
    /// that sums do not depend on their order.
    #[inline]
    pub(super) fn idf(&self, number: u32) -> u32 {
        self.log_documents.saturating_sub(self.compared[number as usize].log_holding)
    }
}

//! How like two complaints are: cosines of their pairs of syllables, the rare ones weighing more.

use smallvec::SmallVec;

use super::grams;
use super::lexicon::Lexicon;
use super::window::{Held, Open};

/// The rarity that titles must share to count in full, in 1/1024.
const TELLING_TITLE: f32 = 20.0 * 1024.0;

/// Cosines of two complaints, 0 (nothing shared) to 1 (the same words).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Likeness {
    /// Of title and text together.
    pub(super) words: f32,
    /// Of the titles, as much as they tell; of the words where one has no title.
    pub(super) title: f32,
}

/// Squared lengths of a complaint's weight vectors under today's rarities.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Squared {
    words: u64,
    title: u64,
}

impl Squared {
    pub(super) fn of(lexicon: &Lexicon, pairs: &[Held]) -> Self {
        let mut squared = Self::default();
        for held in pairs {
            let idf = u64::from(lexicon.idf(held.pair()));
            squared.words += (idf * Held::tf_of(held.how())).pow(2);
            squared.title += (idf * Held::title_of(held.how())).pow(2);
        }
        squared
    }
}

/// Compares the complaint that the lexicon was asked about ([`Lexicon::ask`]) with another. Sums are
/// whole numbers (a weight has at most 7 + 15 bits, 64 squares fit), so they are the same in any order.
pub(super) fn likeness(lexicon: &Lexicon, asking: Squared, pairs: &[Held]) -> Likeness {
    let (mut words, mut title, mut squared, mut told) = (0_u64, 0_u64, Squared::default(), 0_u64);
    for &held in pairs {
        let (idf, asking) = lexicon.asked(held.pair());
        let (ours, our_title) = (idf * Held::tf_of(held.how()), idf * Held::title_of(held.how()));
        squared.words += ours * ours;
        squared.title += our_title * our_title;
        // Few pairs are shared: worth a branch.
        if let Some(how) = asking {
            let asking_title = Held::title_of(how);
            words += ours * idf * Held::tf_of(how);
            title += our_title * idf * asking_title;
            told += our_title * asking_title;
        }
    }
    // Titles that share little that is rare (停车问题) are like thousands of others.
    let told = (told as f32 / TELLING_TITLE).min(1.0);
    let words = ratio(words, squared.words, asking.words);
    // Where nobody wrote a title the text says all there is to say.
    let untitled = squared.title == 0 || asking.title == 0;
    let title = if untitled { words } else { told * ratio(title, squared.title, asking.title) };
    Likeness { words, title }
}

/// The cosine of what two complaints say beyond the names of the places of either, the first being the one
/// that the lexicon was asked about: what is left of a likeness when it is not the place that makes it.
pub(super) fn beyond_places(lexicon: &Lexicon, asking: &Open, other: &Open) -> f32 {
    let names = asking.place_keys.names().chain(other.place_keys.names());
    let named: SmallVec<[u16; 64]> = names.flat_map(|(_, name)| grams::pairs(name)).collect();
    let is_named = |held: &Held| named.iter().any(|pair| usize::from(*pair) == held.pair());
    let (mut dot, mut ours, mut theirs) = (0_u64, 0_u64, 0_u64);
    for held in other.pairs.iter().filter(|held| !is_named(held)) {
        let (idf, asking) = lexicon.asked(held.pair());
        let weight = idf * Held::tf_of(held.how());
        theirs += weight * weight;
        dot += weight * idf * asking.map_or(0, Held::tf_of);
    }
    for held in asking.pairs.iter().filter(|held| !is_named(held)) {
        let weight = u64::from(lexicon.idf(held.pair())) * Held::tf_of(held.how());
        ours += weight * weight;
    }
    ratio(dot, ours, theirs)
}

/// The cosine of the words of two complaints whose squared lengths are known.
pub(super) fn cosine(lexicon: &Lexicon, a: (&Open, Squared), b: (&Open, Squared)) -> f32 {
    let mut dot = 0_u64;
    let mut theirs = b.0.pairs.iter().peekable();
    for ours in &a.0.pairs {
        while theirs.next_if(|held| held.pair() < ours.pair()).is_some() {}
        if let Some(held) = theirs.next_if(|held| held.pair() == ours.pair()) {
            let idf = u64::from(lexicon.idf(ours.pair()));
            dot += idf * idf * Held::tf_of(ours.how()) * Held::tf_of(held.how());
        }
    }
    ratio(dot, a.1.words, b.1.words)
}

fn ratio(dot: u64, a: u64, b: u64) -> f32 {
    if dot == 0 { 0.0 } else { (dot as f64 / ((a as f64).sqrt() * (b as f64).sqrt())) as f32 }
}

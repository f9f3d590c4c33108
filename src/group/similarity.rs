//! How like two complaints are: the cosine of their words, the rare ones weighing more.

use super::lexicon::{Lexicon, Weights};
use super::window::Held;

/// The cosine, and what it is made of.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Likeness {
    /// 0 (nothing shared) to 1 (the same words).
    pub(super) cosine: f32,
    /// How many terms are shared.
    pub(super) shared: usize,
}

/// Squared length of a complaint's weight vector under today's rarities.
pub(super) fn squared_length(lexicon: &Lexicon, terms: &[Held]) -> u64 {
    terms.iter().map(|&held| weight(lexicon, held).pow(2)).sum()
}

/// Compares the complaint that the lexicon was asked about ([`Lexicon::ask`]) with another. Sums are
/// whole numbers, so the result does not depend on how terms happen to be numbered.
pub(super) fn likeness(lexicon: &Lexicon, asking_squared: u64, terms: &[Held]) -> Likeness {
    let (mut dot, mut squared, mut shared) = (0_u64, 0_u64, 0);
    for &held in terms {
        let Weights { ours, asking, shared: is_shared } = lexicon.weights(held);
        squared += ours * ours;
        // Nothing is added where nothing is shared: without a branch, this is what runs most.
        dot += ours * asking;
        shared += usize::from(is_shared);
    }
    let cosine =
        if dot == 0 { 0.0 } else { dot as f64 / ((asking_squared as f64).sqrt() * (squared as f64).sqrt()) };
    Likeness { cosine: cosine as f32, shared }
}

/// The cosine of two complaints whose squared lengths are known.
pub(super) fn cosine(lexicon: &Lexicon, a: (&[Held], u64), b: (&[Held], u64)) -> f32 {
    let mut dot = 0_u64;
    each_shared(a.0, b.0, |ours, theirs| dot += weight(lexicon, ours) * weight(lexicon, theirs));
    if dot == 0 { 0.0 } else { (dot as f64 / ((a.1 as f64).sqrt() * (b.1 as f64).sqrt())) as f32 }
}

/// Calls `visit` for each term that both hold.
#[inline]
pub(super) fn each_shared(a: &[Held], b: &[Held], mut visit: impl FnMut(Held, Held)) {
    let (mut i, mut j) = (0, 0);
    while let (Some(&ours), Some(&theirs)) = (a.get(i), b.get(j)) {
        match ours.number().cmp(&theirs.number()) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => {
                visit(ours, theirs);
                i += 1;
                j += 1;
            }
        }
    }
}

/// A term's weight in a complaint: damped count (1/32) times rarity (1/1024). At most
/// 252 × 2^15, so that 64 squares fit 64 bits.
#[inline]
pub(super) fn weight(lexicon: &Lexicon, held: Held) -> u64 {
    u64::from(held.tf()) * u64::from(lexicon.idf(held.number()))
}

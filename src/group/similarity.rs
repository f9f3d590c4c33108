//! How like two complaints are: the cosine of their words, the rare ones weighing more.

use super::lexicon::Lexicon;

/// The cosine, and what it is made of.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Likeness {
    /// 0 (nothing shared) to 1 (the same words).
    pub(super) cosine: f32,
    /// How many terms are shared.
    pub(super) shared: usize,
}

/// Squared length of a complaint's weight vector under today's rarities.
pub(super) fn squared_length(lexicon: &Lexicon, terms: &[(u32, u8)]) -> u64 {
    terms.iter().map(|&(term, tf)| weight(lexicon, term, tf).pow(2)).sum()
}

/// Compares two complaints whose terms are in ascending order. Sums are whole numbers, so the
/// result does not depend on how terms happen to be numbered.
pub(super) fn likeness(lexicon: &Lexicon, a: &[(u32, u8)], a_squared: u64, b: &[(u32, u8)]) -> Likeness {
    let mut dot = 0_u64;
    let mut shared = 0;
    each_shared(a, b, |term, tf_a, tf_b| {
        dot += weight(lexicon, term, tf_a) * weight(lexicon, term, tf_b);
        shared += 1;
    });
    if dot == 0 {
        return Likeness { cosine: 0.0, shared };
    }
    let lengths = (a_squared as f64).sqrt() * (squared_length(lexicon, b) as f64).sqrt();
    Likeness { cosine: (dot as f64 / lengths) as f32, shared }
}

/// Calls `visit` for each term that both hold.
pub(super) fn each_shared(a: &[(u32, u8)], b: &[(u32, u8)], mut visit: impl FnMut(u32, u8, u8)) {
    let (mut i, mut j) = (0, 0);
    while let (Some(&(term_a, tf_a)), Some(&(term_b, tf_b))) = (a.get(i), b.get(j)) {
        match term_a.cmp(&term_b) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => {
                visit(term_a, tf_a, tf_b);
                i += 1;
                j += 1;
            }
        }
    }
}

/// A term's weight in a complaint: damped count (1/32) times rarity (1/1024). At most
/// 255 × 2^14, so that 160 squares fit 64 bits.
pub(super) fn weight(lexicon: &Lexicon, term: u32, tf: u8) -> u64 {
    u64::from(tf) * u64::from(lexicon.idf(term))
}

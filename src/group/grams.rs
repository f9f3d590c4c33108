//! The words of a complaint as grouping compares them: pairs of neighbouring syllables.
//!
//! What two people write about one matter differs in words, in spelling and in order; operators and
//! speech recognition write what they hear. Pairs of syllables need no dictionary, meet homophones, and
//! find names that no dictionary holds.

use std::cmp::Reverse;
use std::hash::Hasher as _;
use std::sync::LazyLock;

use rustc_hash::FxHasher;

use crate::model::{Span, Where};
use crate::text::{Normalised, Syllable};

use super::background::{self, SHARES};

/// At most this many distinct pairs of a complaint are counted, first come first served: a longer
/// complaint says its matter early, and work per complaint stays bounded.
pub const MAX_PAIRS: usize = 480;
/// So many pairs are kept to compare complaints by: those that weigh most by count and by rarity in
/// general Chinese. Not by today's rarities: what is kept must not depend on what else is open.
pub const KEPT_PAIRS: usize = 64;
/// So many runs of three syllables are kept to find complaints by, the rarest.
pub const KEPT_KEYS: usize = 16;
/// Added to all shares, so that what the dictionary never saw is rare and not infinitely so: 50 of the
/// dictionary's 40 million pairs.
const LEAST_SHARE: f32 = 1.25e-6;

/// Two neighbouring syllables of a complaint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gram {
    /// The pair, see [`background::pair`].
    pub pair: u16,
    /// Damped count, `1 + ln(title_weight × in title + in text)`, in 1/16, at most 127.
    pub tf: u8,
    /// Whether the title holds it.
    pub in_title: bool,
    /// Its first occurrence, in the original words.
    pub span: Span,
}

/// What is kept of a complaint's words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grams {
    /// In the order they first occur.
    list: Box<[Gram]>,
    /// Hashes of runs of three syllables, ascending.
    keys: Box<[u32]>,
}

/// How much a pair weighs by its rarity in general Chinese alone, in 1/1024.
static PRIOR: LazyLock<Box<[u16]>> =
    LazyLock::new(|| SHARES.iter().map(|share| (-1024.0 * (share + LEAST_SHARE).ln()) as u16).collect());

/// A pair while it is being counted.
#[derive(Clone, Copy)]
struct Counted {
    pair: u16,
    /// Of [`PRIOR`].
    prior: u16,
    field: Where,
    /// Byte range in the normal form.
    start: u32,
    end: u32,
    in_title: u32,
    in_text: u32,
}

impl Grams {
    /// Reads the words of a complaint; a pair in the title counts `title_weight` times.
    pub fn read(title: &Normalised, text: &Normalised, title_weight: u32) -> Self {
        let prior = &**PRIOR;
        let most = ((title.text().len() + text.text().len()) / 3).min(MAX_PAIRS);
        let mut counted: Vec<Counted> = Vec::with_capacity(most);
        let mut runs: Vec<u64> = Vec::with_capacity(most);
        let mut seen = Seen::new();
        for (field, normal) in [(Where::Title, title), (Where::Text, text)] {
            // The syllable before with where it begins; the one before that, with the weight of the two and
            // whether they are new as a pair.
            let mut before: Option<(Syllable, u32)> = None;
            let mut behind: Option<(Syllable, u16, bool)> = None;
            for (at, end, heard) in Syllable::each(normal.text()) {
                let Some(here) = heard else {
                    (before, behind) = (None, None);
                    continue;
                };
                let (at, end) = (at as u32, end as u32);
                let Some((last, start)) = before.replace((here, at)) else { continue };
                let pair = background::pair(last, here);
                let found = match seen.find(pair, &counted) {
                    Ok(found) => found,
                    Err(_) if counted.len() == MAX_PAIRS => break,
                    Err(slot) => {
                        seen.slots[slot] = counted.len() as u16;
                        let prior = prior[usize::from(pair)];
                        counted.push(Counted { pair, prior, field, start, end, in_title: 0, in_text: 0 });
                        counted.len() - 1
                    }
                };
                let counted = &mut counted[found];
                let is_new = counted.in_title + counted.in_text == 0;
                match field {
                    Where::Title => counted.in_title += 1,
                    _ => counted.in_text += 1,
                }
                // Of pairs that came before the run nearly always came before as well.
                if let Some((first, weight, was_new)) = behind.replace((last, counted.prior, is_new))
                    && (is_new || was_new)
                {
                    let rarity = u32::from(weight) + u32::from(counted.prior);
                    runs.push(u64::from(rarity) << RUN_BITS | run(first, last, here));
                }
            }
        }
        Self { list: kept(counted, title, text, title_weight), keys: keys(runs) }
    }

    /// The pairs in the order they first occur.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Gram> {
        self.list.iter()
    }

    /// Hashes of runs of three syllables to find complaints by, ascending.
    pub fn keys(&self) -> &[u32] {
        &self.keys
    }
}

/// The pairs of a name, in its order.
pub(super) fn pairs(name: &str) -> Vec<u16> {
    let heard: Vec<Option<Syllable>> = name.chars().map(Syllable::of).collect();
    let pair = |pair: &[Option<Syllable>]| Some(background::pair(pair[0]?, pair[1]?));
    heard.windows(2).filter_map(pair).collect()
}

fn kept(mut counted: Vec<Counted>, title: &Normalised, text: &Normalised, title_weight: u32) -> Box<[Gram]> {
    let tf = |pair: &Counted| damped(pair.in_title * title_weight + pair.in_text);
    if counted.len() > KEPT_PAIRS {
        // Of equally heavy ones those that come first, which is the order they are in.
        let weight = |pair: &Counted| u64::from(tf(pair)) * u64::from(pair.prior);
        let weighed = |(pair, at): (&Counted, u32)| weight(pair) << 32 | u64::from(u32::MAX - at);
        let mut order: Vec<u64> = counted.iter().zip(0..).map(weighed).collect();
        order.select_nth_unstable_by_key(KEPT_PAIRS, |weighed| Reverse(*weighed));
        let mut heaviest: Vec<u32> =
            order[..KEPT_PAIRS].iter().map(|weighed| u32::MAX - *weighed as u32).collect();
        heaviest.sort_unstable();
        counted = heaviest.into_iter().map(|at| counted[at as usize]).collect();
    }
    let (mut in_title, mut in_text) = (title.way_back(), text.way_back());
    let gram = |pair: &Counted| {
        let way_back = if pair.field == Where::Title { &mut in_title } else { &mut in_text };
        let (start, end) = way_back.original(pair.start as usize, pair.end as usize);
        let span = Span { field: pair.field, start, end };
        Gram { pair: pair.pair, tf: tf(pair), in_title: pair.in_title > 0, span }
    };
    counted.iter().map(gram).collect()
}

/// The hashes of the rarest runs, each of which has its rarity above [`RUN_BITS`].
fn keys(mut runs: Vec<u64>) -> Box<[u32]> {
    // A run that comes twice is one; more of one run than this leave room for fewer others.
    const LOOKED_AT: usize = 2 * KEPT_KEYS;
    // Hashes decide between runs that are equally rare, so only those rare enough need one.
    if runs.len() > LOOKED_AT {
        let rarity = |run: &u64| Reverse(*run >> RUN_BITS);
        let (_, last, _) = runs.select_nth_unstable_by_key(LOOKED_AT - 1, rarity);
        let least = *last >> RUN_BITS;
        runs.retain(|run| *run >> RUN_BITS >= least);
    }
    for run in &mut runs {
        *run = *run >> RUN_BITS << 32 | u64::from(hash(*run % (1 << RUN_BITS)));
    }
    runs.sort_unstable_by_key(|run| Reverse(*run));
    runs.truncate(LOOKED_AT);
    runs.dedup();
    let mut keys: Box<[u32]> = runs.iter().take(KEPT_KEYS).map(|run| *run as u32).collect();
    keys.sort_unstable();
    keys
}

/// Three syllables in their order take so many bits.
const RUN_BITS: u32 = 30;

/// Three syllables in their order as one number.
#[inline]
fn run(first: Syllable, second: Syllable, third: Syllable) -> u64 {
    let number = |syllable: Syllable| u64::from(syllable.number());
    number(first) << 20 | number(second) << 10 | number(third)
}

/// Spreads a number over 32 bits (the finaliser of splitmix64).
#[inline]
pub(super) fn hash(number: u64) -> u32 {
    let mixed = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed >> 32) as u32
}

/// A hash of a site's name.
pub(super) fn hash_name(name: &str) -> u32 {
    let mut hasher = FxHasher::default();
    hasher.write(name.as_bytes());
    hash(hasher.finish() | 1 << 63)
}

/// Slots of [`Seen`]: a power of two above twice [`MAX_PAIRS`], so that one is always free.
const SLOTS: usize = 1024;

/// Which pairs of one complaint are listed already: an open table that needs no allocation.
struct Seen {
    /// Places in the list; [`FREE`] when there is none.
    slots: [u16; SLOTS],
}

const FREE: u16 = u16::MAX;
const _: () = assert!(SLOTS.is_power_of_two() && SLOTS > 2 * MAX_PAIRS);

impl Seen {
    fn new() -> Self {
        Self { slots: [FREE; SLOTS] }
    }

    /// The place of the pair in `list`, or the slot where it belongs.
    #[inline]
    fn find(&self, pair: u16, list: &[Counted]) -> Result<usize, usize> {
        let mut slot = (usize::from(pair).wrapping_mul(0x9e37)) % SLOTS;
        loop {
            match self.slots[slot] {
                FREE => return Err(slot),
                at if list[usize::from(at)].pair == pair => return Ok(usize::from(at)),
                _ => slot = (slot + 1) % SLOTS,
            }
        }
    }
}

#[inline]
fn damped(count: u32) -> u8 {
    static DAMPED: LazyLock<[u8; 64]> =
        LazyLock::new(|| std::array::from_fn(|count| ln_damped(count as u32)));
    DAMPED.get(count as usize).copied().unwrap_or_else(|| ln_damped(count))
}

fn ln_damped(count: u32) -> u8 {
    let damped = (1.0 + (count.max(1) as f32).ln()) * 16.0;
    damped.min(127.0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::normalise;

    fn read(title: &str, text: &str) -> Grams {
        Grams::read(&normalise(title), &normalise(text), 3)
    }

    fn find<'g>(grams: &'g Grams, name: &str) -> Option<&'g Gram> {
        let pair = pairs(name)[0];
        grams.iter().find(|gram| gram.pair == pair)
    }

    #[test]
    fn pairs_are_counted_once_with_the_title_weighing_more() {
        let grams = read("小区烟道漏烟", "我是业主，烟道漏烟3年了！");
        let chimney = find(&grams, "烟道").unwrap();
        assert_eq!(chimney.span, Span { field: Where::Title, start: 6, end: 12 });
        assert!(chimney.in_title && chimney.tf > find(&grams, "业主").unwrap().tf);
        assert!(!find(&grams, "业主").unwrap().in_title);
        assert_eq!(find(&grams, "主烟"), None, "a mark stands between");
    }

    #[test]
    fn what_is_misheard_or_swapped_is_the_same() {
        let (a, b) = (read("中茂城退款", ""), read("中贸城退款", ""));
        let pairs_of = |grams: &Grams| grams.iter().map(|gram| gram.pair).collect::<Vec<_>>();
        assert_eq!((pairs_of(&a), a.keys()), (pairs_of(&b), b.keys()));
        assert_eq!(pairs("趣步"), pairs("步趣"));
    }

    #[test]
    fn of_a_long_text_the_rarest_are_kept() {
        let long: String = (0..3000_u32).map(|n| char::from_u32(0x4e00 + n * 6 % 6000).unwrap()).collect();
        let grams = read("", &long);
        assert_eq!((grams.iter().len(), grams.keys().len()), (KEPT_PAIRS, KEPT_KEYS));
        let filler = "我们希望有关部门尽快解决这个问题".repeat(4);
        let grams = read("", &format!("{filler}云栖紫郡{filler}"));
        assert!(find(&grams, "云栖").is_some() && find(&grams, "紫郡").is_some());
    }

    proptest::proptest! {
        #[test]
        fn spans_lie_on_borders_and_bounds_hold(title in "\\PC{0,20}", text in "\\PC{0,600}") {
            let grams = read(&title, &text);
            proptest::prop_assert!(grams.iter().len() <= KEPT_PAIRS && grams.keys().len() <= KEPT_KEYS);
            for gram in grams.iter() {
                let of = if gram.span.field == Where::Title { &title } else { &text };
                let found = &of[gram.span.start as usize..gram.span.end as usize];
                proptest::prop_assert!(!found.is_empty());
            }
        }
    }
}

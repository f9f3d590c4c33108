//! How rare two neighbouring syllables are in general Chinese: what is known before any complaint has
//! come, so that the first day works.
//!
//! The table is made from a frequency dictionary by `cargo bench --bench background` (which names it).

use std::io::{self, Write};
use std::sync::LazyLock;

use crate::text::Syllable;

/// How many unordered pairs of syllables there are.
pub const PAIRS: usize = 52_975;
const _: () = assert!(PAIRS <= u16::MAX as usize + 1);

/// A line for each syllable with how often it stands beside each up to itself, in half powers of two
/// from `A`.
const TABLE: &str = include_str!("background.txt");
/// Counted from here.
const ZERO: u8 = b'A';
/// Letters and digits, of whose pairs the dictionary says nothing, stand in front.
const COUNTED_FROM: usize = 36;

/// The number of two neighbouring syllables, in whatever order: who hears 步趣 for 趣步 writes it so.
#[inline]
pub fn pair(a: Syllable, b: Syllable) -> u16 {
    let (low, high) = (usize::from(a.number().min(b.number())), usize::from(a.number().max(b.number())));
    (high * (high + 1) / 2 + low) as u16
}

/// For each pair the share of all that it makes, 0 to 1.
pub(super) static SHARES: LazyLock<Box<[f32]>> = LazyLock::new(|| {
    let mut counts = vec![0.0_f32; PAIRS];
    let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    for (line, high) in lines.zip(COUNTED_FROM..) {
        let (_, steps) = line.split_once(' ').expect("a syllable and its counts");
        for (step, low) in steps.bytes().zip(COUNTED_FROM..) {
            counts[high * (high + 1) / 2 + low] = (f32::from(step - ZERO) / 2.0).exp2() - 1.0;
        }
    }
    let total: f32 = counts.iter().sum();
    counts.into_iter().map(|count| count / total).collect()
});

/// Writes the table for these counts by pair.
///
/// # Errors
/// When `out` cannot be written to.
pub fn write(counts: &[u64], out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "# How often syllables stand side by side in general Chinese; see background.rs.")?;
    for high in COUNTED_FROM..Syllable::count() {
        write!(out, "{} ", Syllable::names().nth(high).unwrap_or_default())?;
        for low in COUNTED_FROM..=high {
            let step = 2.0 * (counts[high * (high + 1) / 2 + low] as f64 + 1.0).log2();
            out.write_all(&[ZERO + step.round() as u8])?;
        }
        writeln!(out)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_for_the_syllables_that_are_heard() {
        let listed =
            TABLE.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split(' ').next());
        let heard: Vec<&str> = Syllable::names().skip(COUNTED_FROM).collect();
        assert_eq!(listed.collect::<Vec<_>>(), heard, "make the table again: see benches/background.rs");
        assert_eq!(PAIRS, Syllable::count() * (Syllable::count() + 1) / 2);
    }

    #[test]
    fn what_is_said_often_has_a_larger_share() {
        let share = |a, b| SHARES[usize::from(pair(Syllable::of(a).unwrap(), Syllable::of(b).unwrap()))];
        assert!(share('我', '们') > 20.0 * share('烟', '道'), "{} {}", share('我', '们'), share('烟', '道'));
        assert_eq!(share('趣', '步').to_bits(), share('步', '趣').to_bits());
        assert_eq!(share('a', '1').to_bits(), 0.0_f32.to_bits());
    }
}

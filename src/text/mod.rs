//! What is done to words before anybody looks for meaning in them.
//!
//! **Does:** brings a text into its normal form and keeps the way back to the original
//! ([`normalise`]), hides personal numbers ([`mask_personal`]), cuts a text into words
//! ([`Segmenter`]), says how a name sounds ([`sound`]), reads sums of money and counts of people
//! ([`quantities`]).
//!
//! **Promises:** pure functions of their arguments: no I/O, no clock, same result on every thread.
//! Patterns and texts go through the one [`normalise`], so what matches is what a reader sees.
//! Offsets are UTF-8 bytes on character borders. Cost is linear in the length of the text whatever
//! it holds. [`mask_personal`] keeps the byte length, so offsets taken before and after agree.
//!
//! **Leaves to others:** what a name denotes (`place`, `entity`), which words count (`group`,
//! `rules`).

mod chars;
mod clauses;
mod fold;
mod mask;
mod normalise;
mod numbers;
mod numerals;
mod quantities;
mod segment;
mod sound;
mod syllable;
mod words;

pub use chars::CharSet;
pub use mask::{mask_personal, mask_phone};
pub use normalise::{Normalised, WayBack, normalise};
pub use quantities::{Quantity, quantities};
pub use segment::{DictionaryError, Segmenter, Token, WordClass, parse_dictionary};
pub use sound::{same_sound, sound};
pub use syllable::Syllable;
pub use words::{WordIndex, WordMatch};

/// As [`char::is_alphabetic`]. The unified ideographs, which nearly all characters of our texts are, are
/// told without its tables.
#[inline]
pub fn is_alphabetic(c: char) -> bool {
    ('\u{4e00}'..='\u{9fff}').contains(&c) || c.is_alphabetic()
}

/// As [`char::is_alphanumeric`], see [`is_alphabetic`].
#[inline]
pub fn is_alphanumeric(c: char) -> bool {
    is_alphabetic(c) || c.is_numeric()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_quick_looks_agree_with_the_library() {
        for c in '\0'..=char::MAX {
            assert_eq!(super::is_alphabetic(c), c.is_alphabetic(), "{c:?}");
            assert_eq!(super::is_alphanumeric(c), c.is_alphanumeric(), "{c:?}");
        }
    }
}

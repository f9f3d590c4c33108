//! What is done to words before anybody looks for meaning in them.
//!
//! **Does:** brings a text into its normal form and keeps the way back to the original
//! ([`normalise`]), hides personal numbers ([`mask_personal`]), cuts a text into words
//! ([`Segmenter`]), says how a name sounds ([`sound`]).
//!
//! **Promises:** pure functions of their arguments: no I/O, no clock, same result on every thread.
//! Patterns and texts go through the one [`normalise`], so what matches is what a reader sees.
//! Offsets are UTF-8 bytes on character borders. Cost is linear in the length of the text whatever
//! it holds. [`mask_personal`] keeps the byte length, so offsets taken before and after agree.
//!
//! **Leaves to others:** what a name denotes (`place`, `entity`), which words count (`group`,
//! `rules`).

mod fold;
mod mask;
mod normalise;
mod numbers;
mod segment;
mod sound;

pub use mask::{mask_personal, mask_phone};
pub use normalise::{Normalised, normalise};
pub use segment::{DictionaryError, Segmenter, Token, WordClass, parse_dictionary};
pub use sound::{same_sound, sound};

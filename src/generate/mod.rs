//! A synthetic district's complaint stream with its ground truth.
//!
//! **Does:** makes an endless or bounded stream of complaint events as a district's hotline could
//! receive them, and says which of them are about one matter. The difficulties are deliberate:
//! several callers and wordings for a matter, one caller's repeats, campaigns of copied text,
//! aliases and misheard names of places, the same text about other places, other matters at the
//! same place, schemes with misspelt names, words that only look like fraud, late, repeated and
//! corrected events. **Promises:** no clock and no other source of chance than the seed: the same
//! configuration gives the same bytes; memory grows only with the truth, not with the stream.
//! **Leaves to others:** the command line (`cli`), reading the stream (`source`), scoring.
//!
//! The way of an event: `stream` decides what is complained about, by whom and when; `wording`
//! makes the words from the phrases in `data/`; `noise` mishears them; `truth` keeps the books.

mod choose;
mod clock;
mod config;
mod kinds;
mod noise;
mod people;
mod plan;
mod stream;
#[cfg(test)]
mod tests;
mod truth;
mod wording;
mod world;
mod write;

pub use config::{GenerateConfig, GenerateError};
pub use stream::{Delivery, Generated, Generator};
pub use truth::{ApartPair, MatterId, TruthMatter};
pub use write::{Summary, write};

use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;

/// A generator of chance of its own for one thing, so that the thing comes out the same whenever
/// it is asked for.
fn chance(seed: u64, what: u64, number: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&what.to_le_bytes());
    key[16..24].copy_from_slice(&number.to_le_bytes());
    ChaCha8Rng::from_seed(key)
}

//! Writes `src/group/background.txt`: how often syllables stand side by side in general Chinese.
//!
//! `cargo bench --bench background -- dict.txt > src/group/background.txt`, where `dict.txt` is a
//! frequency dictionary with a line `word count tag` for each word. The file in the repository was made
//! from the one that jieba-rs 0.11 ships (`src/data/dict.txt` of that crate, MIT licence).

use std::io::{BufWriter, Write as _};

use anyhow::Context as _;
use fenghuo::group::background;
use fenghuo::text::{Syllable, normalise};

fn main() -> anyhow::Result<()> {
    let path = std::env::args().skip(1).find(|arg| !arg.starts_with("--"));
    // Without a dictionary there is nothing to do: `cargo bench` runs this too.
    let Some(path) = path else { return Ok(()) };
    let text = std::fs::read_to_string(&path).with_context(|| path.clone())?;
    let mut counts = vec![0_u64; background::PAIRS];
    for (number, line) in text.lines().enumerate() {
        let mut fields = line.split_whitespace();
        let (Some(word), Some(count)) = (fields.next(), fields.next()) else { continue };
        let count: u64 = count.parse().with_context(|| format!("{path}:{}: no count", number + 1))?;
        let word = normalise(word);
        let heard: Vec<Option<Syllable>> = word.text().chars().map(Syllable::of).collect();
        for pair in heard.windows(2) {
            if let [Some(a), Some(b)] = *pair {
                counts[usize::from(background::pair(a, b))] += count;
            }
        }
    }
    let mut out = BufWriter::new(std::io::stdout().lock());
    background::write(&counts, &mut out)?;
    Ok(out.flush()?)
}

//! Cutting only those clauses of a text that somebody asks about.

use super::{CharSet, Segmenter, Token};

/// What ends a clause. The segmenter cuts at each of these whatever stands around, so that a clause is
/// cut alike alone and in its text.
static ENDS: CharSet =
    CharSet::new("\n\r\t ,.;:!?()[]{}<>\"'~|/\\*=^`…·、。，；：！？（）【】《》“”‘’「」『』");
/// Of these, what may also stand inside a word of letters and digits, as in `2.5` or `a/b`.
const INSIDE: [char; 1] = ['.'];

/// About so many words has a clause.
const WORDS: usize = 8;

impl Segmenter {
    /// As [`Segmenter::cut`], but of the clauses that hold a byte of one of `wanted` only, each with the
    /// mark before it and the one behind. `wanted` lies on character borders.
    pub fn cut_clauses<'t>(
        &self,
        text: &'t str,
        wanted: impl Iterator<Item = (usize, usize)>,
    ) -> Vec<Token<'t>> {
        let ends = |c: char| ENDS.has(c) && !INSIDE.contains(&c);
        let mut wanted: Vec<(usize, usize)> = wanted.collect();
        wanted.sort_unstable();
        let mut tokens: Vec<Token<'t>> = Vec::with_capacity((WORDS * wanted.len()).min(text.len() / 3));
        let mut done = 0;
        for (start, end) in wanted {
            if end <= done {
                continue;
            }
            // The clause begins behind the last mark before what is wanted and ends with the next one.
            let from = text[..start].rfind(ends).unwrap_or(0).max(done);
            let to = text[end..].char_indices().find(|(_, c)| ends(*c));
            let to = to.map_or(text.len(), |(at, c)| end + at + c.len_utf8());
            let cut = self.cut(&text[from..to]).into_iter();
            tokens.extend(cut.map(|token| Token {
                start: from + token.start,
                end: from + token.end,
                ..token
            }));
            done = to;
        }
        tokens
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;

    static SEGMENTER: LazyLock<Segmenter> = LazyLock::new(Segmenter::new);

    #[test]
    fn only_what_is_asked_for_is_cut() {
        let text = "小区停水了,青溪花园没有水!请尽快解决";
        let at = text.find("花园").unwrap();
        let words: Vec<&str> =
            SEGMENTER.cut_clauses(text, [(at, at + 6)].into_iter()).iter().map(|token| token.word).collect();
        assert_eq!(words.concat(), ",青溪花园没有水!");
        assert_eq!(SEGMENTER.cut_clauses(text, [(0, text.len())].into_iter()), SEGMENTER.cut(text));
        assert_eq!(SEGMENTER.cut_clauses(text, std::iter::empty()), []);
    }

    proptest! {
        #[test]
        fn a_clause_is_cut_as_in_its_text(
            text in "([青溪花园小区停水路灯坏了请尽快解决的a2.%,!。 \"]|\\PC){0,60}",
            wanted in prop::collection::vec((0_usize..200, 0_usize..12), 0..5),
        ) {
            let all = SEGMENTER.cut(&text);
            let border = |at: usize| (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
            let wanted: Vec<(usize, usize)> = wanted
                .into_iter()
                .filter_map(|(start, length)| Some((border(start)?, border(start + length)?)))
                .filter(|(start, end)| start < end)
                .collect();
            let some = SEGMENTER.cut_clauses(&text, wanted.iter().copied());
            let mut rest = all.iter();
            for token in &some {
                prop_assert!(rest.any(|other| other == token), "{token:?} of {all:?}");
            }
            for (start, end) in wanted {
                let covers = |at: usize| some.iter().any(|token| token.start <= at && at < token.end);
                prop_assert!((start..end).all(covers));
            }
        }
    }
}

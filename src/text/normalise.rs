//! The normal form of a text, with the way back.

use std::fmt;

use super::fold::{self, Class, Table};
use crate::model::{Span, Where};

/// Normal form of a text: width folded as NFKC does, ASCII letters lower case, traditional
/// characters simplified, controls and zero-width characters removed, every run of white space one
/// space. Holds the way back to the original as the few places where lengths differ.
#[derive(Clone, PartialEq, Eq)]
pub struct Normalised {
    text: String,
    original_len: u32,
    /// In order of `norm`; between two pieces bytes stand for bytes.
    pieces: Vec<Piece>,
}

/// A stretch whose length or inner borders changed: `norm_len` bytes at `norm` stand for `orig_len` bytes at `orig`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Piece {
    norm: u32,
    norm_len: u32,
    orig: u32,
    orig_len: u32,
}

impl Normalised {
    /// The normal form.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The byte range of the original that stands behind the byte range `start..end` of the normal
    /// form. Ranges off a character border are widened to it, ranges past the end end there. The
    /// whole maps to the whole; larger ranges map to larger ones.
    pub fn original(&self, start: usize, end: usize) -> (u32, u32) {
        self.original_by(start, end, |bound| self.pieces.partition_point(|piece| piece.norm < bound))
    }

    /// [`Normalised::original`] for many ranges in about the order of the text.
    pub fn way_back(&self) -> WayBack<'_> {
        WayBack { normalised: self, before: 0 }
    }

    /// `before` counts the pieces that begin before a byte of the normal form.
    fn original_by(&self, start: usize, end: usize, mut before: impl FnMut(u32) -> usize) -> (u32, u32) {
        let mut start = start.min(self.text.len());
        let mut end = end.clamp(start, self.text.len());
        while !self.text.is_char_boundary(start) {
            start -= 1;
        }
        while !self.text.is_char_boundary(end) {
            end += 1;
        }
        if start == 0 && end == self.text.len() {
            return (0, self.original_len);
        }
        let (start, end) = (start as u32, end as u32);
        let from = self.start(start, before(start + 1));
        (from, if start == end { from } else { self.end(end, before(end)) })
    }

    /// [`Normalised::original`] as a span of the field this text came from.
    pub fn span(&self, field: Where, start: usize, end: usize) -> Span {
        let (start, end) = self.original(start, end);
        Span { field, start, end }
    }

    fn start(&self, at: u32, behind: usize) -> u32 {
        match behind.checked_sub(1).map(|index| self.pieces[index]) {
            None => at,
            Some(piece) if at < piece.norm + piece.norm_len => piece.orig,
            Some(piece) => piece.orig + piece.orig_len + (at - piece.norm - piece.norm_len),
        }
    }

    fn end(&self, at: u32, behind: usize) -> u32 {
        match behind.checked_sub(1).map(|index| self.pieces[index]) {
            None => at,
            Some(piece) if at <= piece.norm + piece.norm_len => piece.orig + piece.orig_len,
            Some(piece) => piece.orig + piece.orig_len + (at - piece.norm - piece.norm_len),
        }
    }
}

/// The way back for one range after the other: the next is looked for near the last.
#[derive(Debug)]
pub struct WayBack<'n> {
    normalised: &'n Normalised,
    /// Pieces that begin before what was asked last.
    before: usize,
}

impl WayBack<'_> {
    /// As [`Normalised::original`].
    pub fn original(&mut self, start: usize, end: usize) -> (u32, u32) {
        let Self { normalised, before } = self;
        let pieces = &normalised.pieces;
        normalised.original_by(start, end, |bound| {
            while pieces.get(*before).is_some_and(|piece| piece.norm < bound) {
                *before += 1;
            }
            while *before > 0 && pieces[*before - 1].norm >= bound {
                *before -= 1;
            }
            *before
        })
    }
}

/// Shows the normal form only: the map says nothing to a reader.
impl fmt::Debug for Normalised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Normalised").field(&self.text).finish()
    }
}

/// Brings `original` (below 4 GiB) into normal form. Idempotent; linear in its length.
pub fn normalise(original: &str) -> Normalised {
    let table = Table::get();
    let mut work = Work {
        original,
        text: String::with_capacity(original.len()),
        // A usual text has a full-width mark for every ten characters.
        pieces: Vec::with_capacity(original.len() / 32),
        copied: 0,
        after_space: false,
    };
    let mut in_word = false;
    let mut at = 0;
    loop {
        let run = table.run(original, at);
        if let Some((c, to, end)) = table.lone(original, run.end) {
            in_word |= fold::depends_on_word(c);
            work.exchange(run.end, end, to);
            at = end;
            continue;
        }
        let mut chars = original[run.end..].char_indices().map(|(at, c)| (run.end + at, c, table.class(c)));
        let mut next = chars.next();
        let Some((mut from, mut c, mut class)) = next else {
            break;
        };
        if run.last > at || (run.end > at && !class.joins()) {
            work.after_space = false;
        }
        if run.end > at && class.joins() {
            // It joins the last character of the run.
            from = run.last;
            c = original[from..].chars().next().unwrap_or(' ');
            class = Class::Stable;
        } else {
            next = chars.next();
        }
        let end = from + c.len_utf8();
        at = end;
        in_word |= fold::depends_on_word(c);
        let joined = next.is_some_and(|(_, _, class)| class.joins());
        match class {
            Class::Stable if c == ' ' => work.space(from, end),
            Class::White => work.space(from, end),
            Class::Ignorable => work.replace(from, end, std::iter::empty()),
            Class::Stable if !joined => work.after_space = false,
            Class::Simple(to) if !joined => work.exchange(from, end, to),
            _ => {
                // A character with what may combine with it, across invisible ones.
                let mut last = end;
                let mut chunk = vec![c];
                while let Some((at, c, class @ (Class::Joining | Class::Ignorable))) = next {
                    if class == Class::Joining {
                        chunk.push(c);
                        last = at + c.len_utf8();
                    }
                    next = chars.next();
                }
                work.replace(from, last, fold::compose(chunk.into_iter()));
                at = next.map_or(original.len(), |(at, ..)| at);
                if at > last {
                    work.replace(last, at, std::iter::empty());
                }
            }
        }
    }
    work.finish(in_word)
}

/// A normal form in the making.
struct Work<'t> {
    original: &'t str,
    text: String,
    pieces: Vec<Piece>,
    /// The original is in `text` up to here; what follows up to the current character is unchanged.
    copied: usize,
    after_space: bool,
}

impl Work<'_> {
    fn space(&mut self, at: usize, end: usize) {
        if self.after_space {
            self.replace(at, end, std::iter::empty());
            self.after_space = true;
        } else if end - at > 1 || &self.original[at..end] != " " {
            self.replace(at, end, std::iter::once(' '));
        } else {
            self.after_space = true;
        }
    }

    /// Puts `to`, which is no white space, in the place of the one character `original[at..end]`.
    fn exchange(&mut self, at: usize, end: usize, to: char) {
        self.text.push_str(&self.original[self.copied..at]);
        self.copied = end;
        self.after_space = false;
        let norm = self.text.len();
        self.text.push(to);
        self.note(norm, at, end);
    }

    /// Puts `to` in the place of `original[at..end]`.
    fn replace(&mut self, at: usize, end: usize, to: impl Iterator<Item = char>) {
        self.text.push_str(&self.original[self.copied..at]);
        self.copied = end;
        let norm = self.text.len();
        for c in to {
            if c == ' ' && self.after_space {
                continue;
            }
            self.after_space = c == ' ';
            self.text.push(c);
        }
        let (from, to) = (&self.original[at..end], &self.text[norm..]);
        // One character for another of its size needs no note: borders stay where they were.
        let one_for_one = from.chars().nth(1).is_none() && to.chars().nth(1).is_none();
        if one_for_one || from == to {
            self.note(norm, at, end);
        } else {
            self.pieces.push(self.piece(norm, at, end));
        }
    }

    /// Notes that what follows `norm` in `text` stands for `original[at..end]`, when lengths differ.
    fn note(&mut self, norm: usize, at: usize, end: usize) {
        if self.text.len() - norm != end - at {
            self.pieces.push(self.piece(norm, at, end));
        }
    }

    fn piece(&self, norm: usize, at: usize, end: usize) -> Piece {
        Piece {
            norm: norm as u32,
            norm_len: (self.text.len() - norm) as u32,
            orig: at as u32,
            orig_len: (end - at) as u32,
        }
    }

    fn finish(mut self, in_word: bool) -> Normalised {
        self.text.push_str(&self.original[self.copied..]);
        let text = if in_word { fold::settle_context(&self.text) } else { self.text };
        Normalised { text, original_len: self.original.len() as u32, pieces: self.pieces }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn normal(text: &str) -> String {
        normalise(text).text
    }

    #[test]
    fn forms() {
        for (original, expected) in [
            ("", ""),
            ("小区门口的路灯不亮。", "小区门口的路灯不亮。"),
            ("Ａ座１２号，（三期）！", "a座12号,(三期)!"),
            ("①期 ⓿❷⑳ ㈱", "1期 0220 (株)"),
            ("ABC\u{301}\u{200b}\u{323}", "ab\u{107}\u{323}"),
            ("國慶節門口亂停車", "国庆节门口乱停车"),
            ("乾隆的乾燥機與乾坤", "乾隆的干燥机与乾坤"),
            ("跟著著名的計畫，藉口答覆", "跟着著名的计划,借口答复"),
            ("呵护 捍卫 磐石", "呵护 捍卫 磐石"),
            ("一\u{3000}\t\r\n 二", "一 二"),
            ("一\u{200b} \u{200b} 二\u{feff}", "一 二"),
            ("保\u{200d}本\u{0}保息", "保本保息"),
            ("等……", "等......"),
            ("H\u{331}", "\u{1e96}"),
            ("\u{a8}\u{327}", " \u{327}\u{308}"),
            ("\u{f900}龜\u{2f80f}", "岂龟\u{5154}"),
            ("ｶﾞ", "ガ"),
            ("𝟏𝟐", "12"),
        ] {
            assert_eq!(normal(original), expected, "{original:?}");
        }
    }

    #[test]
    fn way_back() {
        let original = "\u{feff}（Ａ座）\u{3000} 三\u{200b}期…";
        let n = normalise(original);
        assert_eq!(n.text(), "(a座) 三期...");
        let back = |part: &str| {
            let at = n.text().find(part).unwrap();
            let (start, end) = n.original(at, at + part.len());
            &original[start as usize..end as usize]
        };
        assert_eq!(back("a座"), "Ａ座");
        assert_eq!(back("座) 三"), "座）\u{3000} 三");
        assert_eq!(back("三期"), "三\u{200b}期");
        assert_eq!(back("三"), "三");
        assert_eq!(back("."), "…");
        assert_eq!(n.original(0, n.text().len()), (0, original.len() as u32));
        assert_eq!(n.original(0, 1), (3, 6));
        assert_eq!(n.original(3, 4), n.original(2, 5));
        assert_eq!(n.original(99, 7), (original.len() as u32, original.len() as u32));
    }

    /// Characters that meet every branch, more often than chance would.
    fn rough_text() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            any::<char>().prop_map(String::from),
            "[a-zA-Z0-9 ]{1,3}",
            "[\u{4e00}-\u{9fff}]{1,3}",
            prop::sample::select(vec![
                "，", "\u{200b}", "\u{301}", "\u{323}", "\u{3000}", "\n", "…", "乾", "隆", "著", "名", "計",
                "畫", "¨", "ｶ", "ﾞ", "각", "\u{11a8}", "H\u{331}", "\u{f967}", "①", "兒", "寬", "\u{3164}",
                "\u{0}", "\u{344}", "İ", "\u{fdfa}",
            ])
            .prop_map(String::from),
        ];
        prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
    }

    #[test]
    fn compatibility_forms_need_no_second_pass() {
        for c in ('\u{F900}'..='\u{FAFF}').chain('\u{2F800}'..='\u{2FA1F}') {
            let once = normalise(&c.to_string());
            assert_eq!(once.text(), normalise(once.text()).text(), "{c:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]

        #[test]
        fn idempotent(text in rough_text()) {
            let once = normalise(&text);
            let twice = normalise(once.text());
            prop_assert_eq!(once.text(), twice.text());
            prop_assert!(!once.text().contains("  "));
        }

        #[test]
        fn spans_map_back(text in rough_text(), a in 0_usize..80, b in 0_usize..80, c in 0_usize..80) {
            let n = normalise(&text);
            prop_assert_eq!(n.original(0, n.text().len()), (0, text.len() as u32));
            let mut at = [a, b, c];
            at.sort_unstable();
            let [a, b, c] = at;
            let inner = n.original(a, b);
            let outer = n.original(a, c);
            let mut way_back = n.way_back();
            for (start, end) in [(a, b), (b, c), (a, c)] {
                prop_assert_eq!(way_back.original(start, end), n.original(start, end));
            }
            prop_assert!(inner.0 <= inner.1);
            prop_assert!(text.is_char_boundary(inner.0 as usize) && text.is_char_boundary(inner.1 as usize));
            prop_assert!(outer.0 <= inner.0 && inner.1 <= outer.1, "{:?} in {:?}", inner, outer);
        }

        #[test]
        fn each_character_comes_from_its_own_stretch(text in "[a-zＡ-Ｚ國家一二，。①\u{200b}\u{3000} …]{0,24}") {
            let n = normalise(&text);
            let mut before = 0;
            for (at, c) in n.text().char_indices() {
                let (start, end) = n.original(at, at + c.len_utf8());
                if (at, at + c.len_utf8()) == (0, n.text().len()) { continue; }
                let part = normal(&text[start as usize..end as usize]);
                prop_assert!(part.contains(c), "{c:?} not in {part:?}");
                prop_assert!(before <= start);
                before = start;
            }
        }
    }
}

//! Where a name begins and ends: one text walked word by word.

use std::cell::Cell;

use super::PlaceKind;
use super::endings::{self, Ending};
use super::form::{Forms, Found, MAX_NAME, Tail};
use crate::text::{Segmenter, Token, WordClass, is_alphanumeric};

/// One text being read.
pub(super) struct Walk<'w> {
    pub forms: &'w Forms,
    pub segmenter: &'w Segmenter,
    pub text: &'w str,
    pub tokens: &'w [Token<'w>],
    /// What each token is by the dictionary, once it has been asked for.
    classes: Box<[Cell<Option<WordClass>>]>,
    /// How many tokens begin before the place last looked at: the next one is near.
    cursor: Cell<usize>,
    /// Of [`Marked::borders`]: no name reaches across them.
    borders: &'w [usize],
}

impl<'w> Walk<'w> {
    /// A walk through `text`, which `tokens` cover and where `borders` stand.
    pub(super) fn new(
        forms: &'w Forms,
        segmenter: &'w Segmenter,
        text: &'w str,
        tokens: &'w [Token<'w>],
        borders: &'w [usize],
    ) -> Self {
        Self {
            forms,
            segmenter,
            text,
            tokens,
            classes: vec![Cell::new(None); tokens.len()].into(),
            cursor: Cell::new(0),
            borders,
        }
    }
}

impl Walk<'_> {
    /// Index of the token that holds the byte before `end`.
    #[inline]
    pub(super) fn token_before(&self, end: usize) -> Option<usize> {
        let mut before = self.cursor.get();
        while self.tokens.get(before).is_some_and(|token| token.start < end) {
            before += 1;
        }
        while before > 0 && self.tokens[before - 1].start >= end {
            before -= 1;
        }
        self.cursor.set(before);
        before.checked_sub(1)
    }

    /// What a token is by the dictionary.
    pub(super) fn class(&self, index: usize) -> WordClass {
        let known = &self.classes[index];
        known.get().unwrap_or_else(|| {
            let class = self.segmenter.class(self.tokens[index].word);
            known.set(Some(class));
            class
        })
    }

    /// Whether a short known name stands as words of its own: not 西海 in 西海岸.
    pub(super) fn whole_words(&self, hit: &Found) -> bool {
        let border =
            |at: usize| at == 0 || self.token_before(at).is_some_and(|index| self.tokens[index].end == at);
        let name_end = hit.start + self.text[hit.start..hit.end].len();
        self.text[hit.start..hit.end].chars().count() > 3 || (border(hit.start) && border(name_end))
    }

    /// Whether a name can end at this ending: not in the middle of a word that means something else.
    pub(super) fn can_end(&self, tail: &Tail) -> bool {
        let Some(index) = self.token_before(tail.end) else { return false };
        let token = self.tokens[index];
        let behind = &self.text[tail.end..];
        if tail.ending.text == "市场" && behind.starts_with('监') {
            return false;
        }
        if tail.ending.text == "坊" && self.text[..tail.end].ends_with("街坊") {
            return false;
        }
        // 乱停车堵路, 摊贩占路: what is done to a road.
        if tail.ending.text == "路" && self.text[..tail.start].ends_with(['堵', '占', '挡', '拦']) {
            return false;
        }
        if tail.ending.weak && endings::ends_as_authority(&self.text[..tail.end]) {
            return false;
        }
        // 房间里, 公园里: inside of it; 三义里 is a name, and the segmenter takes it for one word.
        if tail.ending.text == "里" && token.start == tail.start {
            let before = self.token_before(tail.start).map(|index| self.class(index));
            if !matches!(before, Some(WordClass::Unknown | WordClass::Name)) {
                return false;
            }
        }
        if token.end == tail.end {
            // 政府, 道路, 家庭: a common noun that happens to end so.
            // 云栖|服装厂: of a kind of works the one that is named before it.
            let works = tail.ending.text == "厂"
                && index > 0
                && matches!(self.class(index - 1), WordClass::Name | WordClass::Unknown);
            return works
                || !(tail.ending.weak
                    && token.start < tail.last
                    && !self.text[token.start..tail.last].chars().all(|c| endings::NUMERALS.has(c))
                    && self.class(index) != WordClass::Name
                    && self.segmenter.knows(token.word)
                    && !matches!(
                        token.word,
                        "老街" | "新城" | "新村" | "公路" | "古镇" | "天桥" | "山庄" | "庄园"
                    ));
        }
        let next = behind.chars().next().unwrap_or(' ');
        if tail.ending.weak {
            let unknown = !self.segmenter.knows(token.word);
            // 石桥|路云栖|雅苑: a guessed word that begins with the ending.
            let head = token.start == tail.last && tail.ending.text != "里";
            let road = tail.ending.kind == PlaceKind::Road;
            unknown && (head || endings::MAY_FOLLOW_WEAK.has(next))
                || head && road && "口段边面上旁".contains(next)
        } else {
            // 小区业主 is one word and holds the ending whole; 中学生 is another word.
            let whole = token.start == tail.last && behind[..token.end - tail.end].chars().count() > 1;
            whole || !self.segmenter.knows(token.word) || token.start < tail.last
        }
    }

    /// Where the name whose ending begins at `ending_start` begins; `None` when nothing is in front.
    pub(super) fn left_border(&self, ending_start: usize, floor: usize, ending: Ending) -> Option<usize> {
        let border = self.borders.partition_point(|&border| border <= ending_start).checked_sub(1);
        let floor = border.map_or(floor, |border| floor.max(self.borders[border]));
        let mut start = ending_start;
        let mut index = self.token_before(ending_start)?;
        // The ending may stand inside a word: 云栖府 as one token. Its head belongs to the name.
        loop {
            let token = self.tokens[index];
            if start <= floor {
                break;
            }
            let from = token.start.max(floor);
            let word = &self.text[from..start];
            if !self.in_name(index, word, start == ending_start, ending) {
                break;
            }
            let trimmed = word.trim_start_matches(|c| endings::LEADING.has(c));
            if trimmed.len() < word.len() && word.chars().count() > 1 && !self.segmenter.knows(word) {
                start -= trimmed.len();
                break;
            }
            start = from;
            if ending_start - start > 4 * MAX_NAME {
                return None;
            }
            match index.checked_sub(1) {
                Some(before) => index = before,
                None => break,
            }
        }
        // Numbers in front belong to what stands before, unless they are the name.
        let keeps_number = matches!(ending.text, "号线" | "国道" | "省道" | "高速" | "路");
        if !keeps_number {
            let stem = &self.text[start..ending_start];
            start = ending_start - stem.trim_start_matches(|c: char| c.is_ascii_digit() || c == '-').len();
        }
        (start < ending_start).then_some(start)
    }

    /// Whether this word can be part of a name.
    pub(super) fn in_name(&self, index: usize, word: &str, adjacent: bool, ending: Ending) -> bool {
        let Some(first) = word.chars().next() else { return false };
        if !is_alphanumeric(first) || self.is_district(index) {
            return false;
        }
        if word.is_ascii() {
            return word.len() <= 5;
        }
        let role = self.forms.role(word);
        if role.names || role.stops {
            return role.names;
        }
        let whole = word.len() == self.tokens[index].word.len();
        let class = if whole { self.class(index) } else { self.segmenter.class(word) };
        match class {
            // 培训, 服务: verbs that describe an institution.
            WordClass::Verb if role.generic => true,
            WordClass::Name | WordClass::Noun | WordClass::Unknown => true,
            // 松月花园, cut into 松|月|花园: a measure right behind the rest of a name.
            WordClass::Number if word.chars().nth(1).is_none() && self.follows_name(index) => true,
            WordClass::Number | WordClass::Time => {
                word.chars().all(|c| "第一二三四五六七八九十百千万零".contains(c))
            }
            // One character verbs and directions make names (开元, 上河); longer ones do not.
            // 和平里: an ending of its own inside a longer name.
            _ if endings::is_weak_ending(word) => {
                index > 0 && matches!(self.class(index - 1), WordClass::Name | WordClass::Unknown)
            }
            WordClass::Verb | WordClass::Function => adjacent && ending.weak && word.chars().count() == 1,
        }
    }

    /// Whether the word before this one is a name or unknown, and not a number or letters.
    pub(super) fn follows_name(&self, index: usize) -> bool {
        index.checked_sub(1).is_some_and(|before| {
            let word = self.tokens[before].word;
            !word.is_ascii()
                && word.chars().all(is_alphanumeric)
                && matches!(self.class(before), WordClass::Name | WordClass::Unknown)
        })
    }

    /// Where names end that no other reaches across; of [`Marked::borders`].
    pub(super) fn borders(&self) -> &[usize] {
        self.borders
    }

    /// Whether a token ends the name of a district, town or province: `A5区`, `朝阳区`, `某市`.
    pub(super) fn is_district(&self, index: usize) -> bool {
        let token = self.tokens[index];
        let Some(unit) =
            token.word.chars().next_back().filter(|c| matches!(c, '省' | '市' | '区' | '县' | '州'))
        else {
            return false;
        };
        if token.word.chars().count() > 1 {
            return unit == '省' || (self.class(index) == WordClass::Name && token.word.chars().count() <= 5);
        }
        // The unit alone, behind letters that stand for a name, or behind 某.
        let before = index.checked_sub(1).map(|before| self.tokens[before].word);
        before.is_some_and(|before| {
            before.ends_with('某')
                || (before.len() <= 3
                    && before.is_ascii()
                    && before.starts_with(|c: char| c.is_ascii_alphabetic()))
        })
    }

    /// Whether a name says which one: something in it is no mere description.
    pub(super) fn tells(&self, start: usize, tail: &Tail) -> bool {
        let stem = &self.text[start..tail.start];
        if stem.is_empty() || self.forms.role(stem).generic {
            return false;
        }
        let first = self.token_before(start + 1).unwrap_or(0);
        let within = (first..self.tokens.len()).take_while(|index| self.tokens[*index].start < tail.start);
        let telling = within.into_iter().any(|index| {
            let token = self.tokens[index];
            let word = &token.word[..token.word.len().min(tail.start.saturating_sub(token.start))];
            let role = self.forms.role(word);
            // 乱停车堵路, 改造完路面: what is done, on no road in particular.
            let whole = word.len() == token.word.len();
            let class = if whole { self.class(index) } else { self.segmenter.class(word) };
            let acts =
                tail.ending.kind == PlaceKind::Road && matches!(class, WordClass::Verb | WordClass::Function);
            !role.generic && (role.names || !acts)
        });
        let long_enough = match tail.ending.kind {
            PlaceKind::Site => self.text[start..tail.end].chars().count() >= 3,
            _ => true,
        };
        telling && long_enough
    }
}

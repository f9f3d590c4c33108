//! Names recognised by their form: a run of words up to an ending that places have.
//!
//! The right border is the ending. The left border is found by walking back word by word until a
//! word that cannot be part of a name: a verb, a preposition, a person, a district, a mark. Two
//! people who name one site in different sentences are thereby cut at the same word, or at words
//! such that one name contains the other, which `keys` takes for the same site.

use std::fmt;

use rustc_hash::FxHashMap;

use super::endings::{self, Ending};
use super::marks::Stretch;
use super::walk::Walk;
use super::{PlaceKind, name};
use crate::text::{WordClass, is_alphanumeric};

/// A name found in a text in normal form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// The name in its normal form.
    pub name: String,
    /// What it names.
    pub kind: PlaceKind,
    /// Byte range in the text.
    pub start: usize,
    /// Its end.
    pub end: usize,
    /// The part of the site.
    pub part: Option<String>,
    /// Known to the gazetteer.
    pub known: bool,
    /// Without an ending that tells.
    pub bare: bool,
}

/// Longest name read by form, in characters; longer ones are sentences that end like a name.
pub(super) const MAX_NAME: usize = 12;

/// Reads names by their form. Immutable.
pub(super) struct Forms {
    words: FxHashMap<&'static str, Role>,
}

/// What the lists of words say of one.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Role {
    /// Only describes: of [`endings::GENERIC`].
    pub generic: bool,
    /// Stands before names: of [`endings::STOPS`].
    pub stops: bool,
    /// Makes names: of [`endings::NAMING_WORDS`].
    pub names: bool,
}

/// One or more adjoining endings: `花园` + `小区`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tail {
    pub start: usize,
    /// Where the last ending begins.
    pub last: usize,
    pub end: usize,
    pub ending: Ending,
    /// The estate before an institution: `云栖花园` in 云栖花园幼儿园.
    pub base_end: Option<usize>,
}

impl fmt::Debug for Forms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Forms").finish_non_exhaustive()
    }
}

impl Forms {
    pub(super) fn new() -> Self {
        let mut words: FxHashMap<&'static str, Role> = FxHashMap::default();
        for word in endings::GENERIC.split_whitespace() {
            words.entry(word).or_default().generic = true;
        }
        for word in endings::STOPS.split_whitespace() {
            words.entry(word).or_default().stops = true;
        }
        for word in endings::NAMING_WORDS.split_whitespace() {
            words.entry(word).or_default().names = true;
        }
        Self { words }
    }

    /// What the lists say of `word`.
    #[inline]
    pub(super) fn role(&self, word: &str) -> Role {
        self.words.get(word).copied().unwrap_or_default()
    }

    /// The names in `text`, in order, at most `limit`. `known` are the gazetteer's hits: borders that
    /// no other name crosses.
    pub(super) fn read(
        walk: &Walk<'_>,
        endings: &[Stretch<Ending>],
        known: impl Iterator<Item = Found>,
        limit: usize,
    ) -> Vec<Found> {
        let text = walk.text;
        let known = known.filter(|hit| walk.whole_words(hit)).map(|mut hit| {
            hit.take_part(text);
            hit
        });
        let mut found: Vec<Found> = Vec::new();
        let mut known = known.peekable();
        let mut tails = Self::tails(walk, endings).peekable();
        let mut floor = 0;
        while found.len() < limit {
            // Whichever ends first; a known name wins where both claim the same characters.
            let tail = tails.peek().copied();
            if let Some(hit) = known.next_if(|hit| tail.is_none_or(|tail| hit.start < tail.end)) {
                // 百万庄 in 百万庄小学 is another place than the school.
                if let Some(tail) = tail.filter(|tail| hit.end == tail.last && tail.ending.own) {
                    tails.next();
                    let name = text[hit.start..tail.end].to_owned();
                    found.push(walk.finish(name, tail.ending.kind, hit.start, tail.end));
                    floor = tail.end;
                } else {
                    floor = hit.end;
                    while tails.next_if(|tail| tail.start < hit.end).is_some() {}
                    found.push(hit);
                }
                continue;
            }
            let Some(tail) = tails.next() else { break };
            if tail.start < floor {
                continue;
            }
            if let Some(site) = walk.courtyard(&tail, found.last()) {
                floor = site.end;
                found.pop();
                found.push(site);
            } else if let Some(mut site) = walk.name(&tail, floor) {
                floor = site.end;
                // 碧桂园威尼斯城: a short name grown together with the next one is its beginning.
                if let Some(before) = found.pop_if(|before| before.begins(&site)) {
                    site.name.insert_str(0, &before.name);
                    site.start = before.start;
                }
                found.push(site);
            } else if let Some(site) = walk.of_community(&tail, found.last()) {
                floor = site.end;
                found.push(site);
            } else if let Some(before) = found.last_mut().filter(|before| walk.grows(before, &tail)) {
                // 云栖府华城: too short to be another name.
                before.name = String::from(&text[before.start..tail.end]);
                before.end = tail.end;
                floor = tail.end;
                before.take_part(text);
            } else if !walk.too_short(&tail, floor) {
                // 我们小区云栖路: what names nothing is no part of the next name either.
                floor = floor.max(tail.end);
            }
        }
        found
    }

    /// Endings that stand where a name can end, adjoining ones joined.
    fn tails<'w>(walk: &'w Walk<'w>, endings: &'w [Stretch<Ending>]) -> impl Iterator<Item = Tail> + 'w {
        let mut matches = endings.iter().peekable();
        std::iter::from_fn(move || {
            let first = matches.next()?;
            let ending = first.what;
            let mut tail =
                Tail { start: first.start, last: first.start, end: first.end, ending, base_end: None };
            while let Some(next) = matches.peek().filter(|next| next.start == tail.end) {
                let ending = next.what;
                // 江山帝景: the 山 belongs to what says which one.
                let start = if tail.ending.weak { next.start } else { tail.start };
                let longer = Tail { start, last: next.start, end: next.end, ending, ..tail };
                // 花园里 is inside of it, 石桥路路灯 is a lamp there, 石桥街路面 its surface.
                let twice =
                    tail.ending.kind == PlaceKind::Road && ending.kind == PlaceKind::Road && ending.weak;
                // 荣桥胡同酒吧: a shop that the road alone tells from others; who lives there says the road.
                let shop = tail.ending.kind == PlaceKind::Road && endings::is_plain_shop(ending.text);
                if ending.text == "里" || twice || shop || !walk.can_end(&longer) {
                    break;
                }
                let base_end = (ending.own && is_estate(tail.ending)).then_some(tail.end);
                tail = Tail { base_end: tail.base_end.or(base_end), ..longer };
                matches.next();
            }
            Some(tail)
        })
        .filter(|tail| walk.can_end(tail))
    }
}

/// An ending of housing, to which an institution belongs as a part.
fn is_estate(ending: Ending) -> bool {
    ending.kind == PlaceKind::Site && !ending.own && !ending.weak && !matches!(ending.text, "国际" | "大楼")
}

impl Walk<'_> {
    /// Whether `tail` with the word before it only lengthens the name found just before.
    fn grows(&self, before: &Found, tail: &Tail) -> bool {
        let growth = self.text.get(before.end..tail.end).unwrap_or("");
        before.kind == PlaceKind::Site
            && tail.ending.kind == PlaceKind::Site
            && tail.ending.weak
            && before.part.is_none()
            && !before.known
            && growth.chars().count() == 2
            && !growth.ends_with('里')
            && self.left_border(tail.start, before.end, tail.ending) == Some(before.end)
    }

    /// Whether there is a name, too short to stand alone, that may begin a longer one.
    fn too_short(&self, tail: &Tail, floor: usize) -> bool {
        self.left_border(tail.start, floor, tail.ending)
            .is_some_and(|start| tail.ending.weak && self.text[start..tail.end].chars().count() == 2)
    }

    /// The name that ends with `tail`, not reaching back before `floor`.
    fn name(&self, tail: &Tail, floor: usize) -> Option<Found> {
        if let Some(quoted) = self.quoted(tail, floor) {
            return Some(quoted);
        }
        let mut start = self.left_border(tail.start, floor, tail.ending)?;
        // 二期小区垃圾站: the part belongs to what stands before.
        if let Some((part, len)) = name::part(&self.text[start..tail.start])
            && part.ends_with(['期', '栋'])
        {
            start += len;
        }
        let whole = &self.text[start..tail.end];
        let stem = &self.text[start..tail.start];
        if whole.chars().count() > MAX_NAME || !self.tells(start, tail) {
            return None;
        }
        let numbered = matches!(tail.ending.text, "号线" | "国道" | "省道");
        if numbered && !stem.ends_with(|c: char| c.is_ascii_alphanumeric() || endings::NUMERALS.has(c)) {
            return None;
        }
        // 225路: a bus line.
        if tail.ending.text == "路" && !stem.is_empty() && stem.bytes().all(|byte| byte.is_ascii_digit()) {
            let bus = format!("公交{stem}路");
            return (stem.len() <= 4).then(|| self.finish(bus, PlaceKind::Road, start, tail.end));
        }
        if let Some(base_end) = tail.base_end {
            let mut site =
                self.finish(self.text[start..base_end].to_owned(), PlaceKind::Site, start, tail.end);
            site.part = Some(self.text[base_end..tail.end].to_owned());
            return Some(site);
        }
        Some(self.finish(whole.to_owned(), tail.ending.kind, start, tail.end))
    }

    /// `“云栖紫郡”小区`: the name is what the quotes hold.
    fn quoted(&self, tail: &Tail, floor: usize) -> Option<Found> {
        let front = self.text[..tail.start].strip_suffix(['”', '"', '」', '』'])?;
        let open = front.rfind(['“', '"', '「', '『'])?;
        let name = front[open..].trim_start_matches(['“', '"', '「', '『']);
        let plain = (2..=10).contains(&name.chars().count()) && name.chars().all(is_alphanumeric);
        (plain && open >= floor).then(|| self.finish(name.to_owned(), tail.ending.kind, open, tail.end))
    }

    /// `展览路社区卫生服务中心`: an institution that is told from others by its community only.
    fn of_community(&self, tail: &Tail, before: Option<&Found>) -> Option<Found> {
        let community = before.filter(|before| before.kind == PlaceKind::Community && tail.ending.own)?;
        let described = self.text.get(community.end..tail.start)?;
        let name = &self.text[community.start..tail.end];
        let is_short = described.chars().count() <= 4 && name.chars().count() <= MAX_NAME;
        (is_short && described.chars().all(is_alphanumeric))
            .then(|| self.finish(name.to_owned(), PlaceKind::Site, community.start, tail.end))
    }

    /// `紫薇路89号院`: a road with a number, and a courtyard there, are one site.
    fn courtyard(&self, tail: &Tail, before: Option<&Found>) -> Option<Found> {
        let road = before.filter(|road| road.kind == PlaceKind::Road && tail.ending.text == "号院")?;
        let name = &self.text[road.start..tail.end];
        let number = self.text.get(road.start + road.name.len()..tail.start)?;
        let is_number = !number.is_empty()
            && number.len() <= 15
            && number.chars().all(|c| c.is_ascii_alphanumeric() || "一二三四五六七八九十甲乙丙-".contains(c));
        is_number.then(|| self.finish(name.to_owned(), PlaceKind::Site, road.start, tail.end))
    }

    /// Makes a found place of a name: tidied, with the part that follows it.
    pub(super) fn finish(&self, name: String, kind: PlaceKind, start: usize, end: usize) -> Found {
        let mut found = Found { name, kind, start, end, part: None, known: false, bare: false };
        found.take_part(self.text);
        if kind == PlaceKind::Site {
            found.name = name::tidy(&found.name).to_owned();
        }
        found
    }

    /// Adds to `found` the names that have no ending but stand where only a site's name stands:
    /// `A5区云栖紫郡业主…`, `云栖紫郡二期…`. For titles: long texts have too many such spots.
    pub(super) fn anchored(&self, found: &mut Vec<Found>) {
        let mut floor = 0;
        for index in 0..self.tokens.len() {
            let token = self.tokens[index];
            if let Some(at) = found.iter().find(|found| found.start <= token.start && token.start < found.end)
            {
                floor = at.end;
                continue;
            }
            let anchors = (token.word.len() > 3 && endings::ANCHORS.contains(&token.word))
                || name::part(&self.text[token.start..])
                    .is_some_and(|(part, _)| !part.ends_with(['号', '层', '楼']));
            if !anchors || token.start == 0 {
                continue;
            }
            let ending = Ending { text: "", kind: PlaceKind::Site, weak: false, own: false };
            let Some(start) = self.left_border(token.start, floor, ending) else { continue };
            let name = &self.text[start..token.start];
            let first = self.token_before(start + 1).unwrap_or(0);
            let unknown = (first..index)
                .any(|word| !self.tokens[word].word.is_ascii() && self.class(word) == WordClass::Unknown);
            let count = name.chars().count();
            if unknown
                && name::part(name).is_none()
                && (3..=7).contains(&count)
                && !name.ends_with(|c: char| c.is_ascii())
            {
                let site = self.finish(name.to_owned(), PlaceKind::Site, start, token.start);
                floor = site.end;
                let at = found.partition_point(|found| found.start < site.start);
                found.insert(at, site);
            }
        }
    }
}

impl Found {
    /// Whether this is the beginning of the name that follows it without a gap: a developer's mark.
    fn begins(&self, next: &Self) -> bool {
        self.end == next.start
            && self.part.is_none()
            && !self.known
            && self.kind == PlaceKind::Site
            && next.kind == PlaceKind::Site
            && self.name.chars().count() <= 3
            && self.name.ends_with(['园', '城', '府', '湾'])
    }

    /// Reads the part that follows the name, and moves the end behind it.
    pub(super) fn take_part(&mut self, text: &str) {
        if !matches!(self.kind, PlaceKind::Site | PlaceKind::Road) {
            return;
        }
        let mut behind = &text[self.end..];
        if self.kind == PlaceKind::Site
            && let Some(rest) = behind.strip_prefix("小区")
        {
            behind = rest;
        }
        if let Some((part, len)) = name::part(behind)
            && (self.kind == PlaceKind::Site || part.ends_with('号'))
        {
            self.end = text.len() - behind.len() + len;
            self.part = Some(part);
        }
    }
}

/// Bus lines that are named with the word for bus: 公交233, 225公交车.
pub(super) fn bus_lines(text: &str) -> Vec<Found> {
    const WORD: &str = "公交";
    let mut lines = Vec::new();
    // One character is searched for far faster than two.
    for (at, _) in text.match_indices('公').filter(|(at, _)| text[*at..].starts_with(WORD)) {
        let front = &text[..at];
        let front = front.strip_suffix('路').unwrap_or(front);
        let digits = front.len() - front.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        let behind = &text[at + WORD.len()..];
        let offset = if let Some(rest) = behind.strip_prefix('车') { behind.len() - rest.len() } else { 0 };
        let counted = behind[offset..].bytes().take_while(u8::is_ascii_digit).count();
        let range = if (1..=4).contains(&digits) {
            front.len() - digits..front.len()
        } else if (1..=4).contains(&counted) {
            at + WORD.len() + offset..at + WORD.len() + offset + counted
        } else {
            continue;
        };
        let (start, end) = (range.start.min(at), range.end.max(at + WORD.len()));
        let name = format!("公交{}路", &text[range]);
        lines.push(Found { name, kind: PlaceKind::Road, start, end, part: None, known: false, bare: false });
    }
    lines
}

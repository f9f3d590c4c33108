//! Finds names in a text by their form: an ending, and from it to the left until a border.

use std::sync::LazyLock;

use super::MentionSource;
use super::forms::{BORDERS, COMMON, GOES_ON, HARD, INDUSTRY, LEGAL, PUBLIC_BODIES, SOFT, TRADE};
use super::name::{is_generic, is_han, is_name_char, normal_name, strip_region};
use crate::text::{CharSet, WordIndex, WordMatch};

/// How many characters before an ending can belong to a name: a region, a long brand and a trade fit.
const MAX_LEFT: usize = 24;
/// A text is searched for at most this many endings, so that a text made of endings costs no more.
const MAX_ENDINGS: usize = 200;

/// A name as it stands in a normalised text.
#[derive(Debug)]
pub(super) struct Raw {
    /// Its normal form.
    pub name: String,
    pub start: usize,
    pub end: usize,
    pub source: MentionSource,
}

/// Of [`LEGAL`] and, behind them, [`TRADE`].
static ENDINGS: LazyLock<WordIndex> = LazyLock::new(|| WordIndex::new(LEGAL.iter().chain(TRADE).copied()));

static BORDER_WORDS: LazyLock<WordIndex> = LazyLock::new(|| WordIndex::new(BORDERS.iter().copied()));

static INDUSTRIES: LazyLock<WordIndex> = LazyLock::new(|| WordIndex::new(INDUSTRY.iter().copied()));

/// Kinds of lending that end like a lender (某某普惠高利贷).
const LENDING: [&str; 8] = ["高利贷", "套路贷", "校园贷", "网贷", "房贷", "信贷", "借贷", "裸贷"];

/// What a name cannot end in (19楼有公司, 张三等集团).
const NO_LAST: [char; 10] = ['有', '在', '说', '等', '由', '因', '过', '将', '和', '与'];

/// The company that the `subject` field names, unless it is a public body or a generic word.
pub(super) fn subject(text: &str) -> Option<Raw> {
    let trimmed = text.trim();
    let start = text.len() - text.trim_start().len();
    if trimmed.chars().count() > 40 || PUBLIC_BODIES.iter().any(|body| trimmed.ends_with(body)) {
        return None;
    }
    let name = normal_name(trimmed)?;
    Some(Raw { name, start, end: start + trimmed.len(), source: MentionSource::Subject })
}

/// All names in a text, in its order.
pub(super) fn names(text: &str) -> Vec<Raw> {
    let mut found: Vec<Raw> = quoted(text);
    // From the right, so that the last of several endings takes the whole name (英语 培训学校).
    let mut endings: Vec<WordMatch> = Vec::new();
    ENDINGS.each(text, |ending| {
        // Of endings that overlap the first to begin, of those the longest, which comes first.
        let free = endings.last().is_none_or(|last| last.end <= ending.start);
        if free && endings.len() < MAX_ENDINGS {
            endings.push(ending);
        }
    });
    for WordMatch { start, end, word } in endings.into_iter().rev() {
        let legal = (word as usize) < LEGAL.len();
        let crime = LENDING.iter().any(|kind| text[..end].ends_with(kind));
        if crime
            || goes_on(&text[start..end], &text[end..])
            || found.iter().any(|raw| raw.start < end && start < raw.end)
        {
            continue;
        }
        if let Some((from, name)) = name_before(text, start, end, legal) {
            let source = if legal { MentionSource::Legal } else { MentionSource::Trade };
            found.push(Raw { name, start: from, end, source });
        }
    }
    found.sort_by_key(|raw| raw.start);
    found
}

fn goes_on(ending: &str, after: &str) -> bool {
    GOES_ON
        .iter()
        .filter(|(of, _)| ending.ends_with(of))
        .any(|(_, next)| next.iter().any(|word| after.starts_with(word)))
}

/// The name that ends at `end` with the ending that starts at `start`, and where it begins.
fn name_before(text: &str, start: usize, end: usize, legal: bool) -> Option<(usize, String)> {
    let left = left_limit(text, start)?;
    let stretch = &text[left..start];
    // 知道66车贷: a number before the ending begins the name.
    let digits = stretch.chars().rev().take_while(char::is_ascii_digit).count();
    if (2..=4).contains(&digits) && !legal {
        let from = start - digits;
        return normal_name(&text[from..end]).map(|name| (from, name));
    }
    // From the nearest character that may be a border outwards, until a name of its own remains.
    let soft = stretch.char_indices().rev().filter(|(_, c)| SOFT.has(*c)).map(|(at, c)| at + c.len_utf8());
    for at in soft.chain([0]) {
        let from = left + at;
        if let Some(name) = proper(text, from, end, legal) {
            return Some((from + region_length(&text[from..end]), name));
        }
    }
    None
}

/// How far to the left a name before `start` can begin: after the nearest sign, particle, date or
/// border word. `None` when there is none near enough: then nobody can say where the name begins.
fn left_limit(text: &str, start: usize) -> Option<usize> {
    let mut left = start;
    let mut bounded = true;
    for (count, (at, c)) in text[..start].char_indices().rev().enumerate() {
        let date =
            matches!(c, '年' | '月' | '日') && text[..at].ends_with(|before: char| before.is_ascii_digit());
        if !is_name_char(c) || HARD.has(c) || date {
            break;
        }
        if count == MAX_LEFT {
            bounded = false;
            break;
        }
        left = at;
    }
    let stretch = &text[left..start];
    let mut industries: Vec<WordMatch> = Vec::new();
    INDUSTRIES.each(stretch, |word| industries.push(word));
    // 咨询 begins a sentence (来电咨询某公司) and is a part of 商务咨询: inside a trade it is no border.
    let in_trade = |word: &WordMatch| {
        industries.iter().any(|trade| {
            trade.start <= word.start
                && word.end <= trade.end
                && word.end - word.start < trade.end - trade.start
        })
    };
    let mut border = None;
    BORDER_WORDS.each(stretch, |word| {
        if !in_trade(&word) {
            border = border.max(Some(word.end));
        }
    });
    match border {
        Some(at) => Some(left + at),
        None => bounded.then_some(left),
    }
}

fn region_length(name: &str) -> usize {
    let rest = strip_region(name);
    // `strip_region` only cuts in front.
    name.len() - rest.len()
}

/// The normal form of `text[from..end]`, when its own part is long and short enough to be a name.
fn proper(text: &str, from: usize, end: usize, legal: bool) -> Option<String> {
    let raw = &text[from..end];
    let name = normal_name(raw)?;
    // The ending with the legal form or 平台 stripped: 蓝桥健身 of 蓝桥健身有限公司 may end in a trade.
    let common = COMMON.iter().any(|word| raw.ends_with(word)) && !raw.ends_with("有限公司");
    let ending = TRADE.iter().filter(|word| name.ends_with(*word)).map(|word| word.len()).max().unwrap_or(0);
    let front = &name[..name.len() - ending];
    let own = front.chars().filter(|&c| is_han(c) || c.is_ascii_alphanumeric()).count();
    // The longest own part, in characters. A legal form is sure, so more before it may belong to the
    // name; an ending that is also an everyday word is not, so less may.
    let most = match (legal, common) {
        (true, false) => 18,
        (true, true) => 12,
        (false, false) => 8,
        (false, true) => 6,
    };
    // A legal form that stayed has only one character before it (因公司).
    let bare = LEGAL.iter().any(|word| name.ends_with(word));
    ((2..=most).contains(&own) && !bare && !front.ends_with(NO_LAST) && !is_generic(front)).then_some(name)
}

/// The first of each of [`QUOTES`].
static OPENING: CharSet = CharSet::new("“「『《【\"‘");
const QUOTES: [(char, char); 7] =
    [('“', '”'), ('「', '」'), ('『', '』'), ('《', '》'), ('【', '】'), ('"', '"'), ('‘', '’')];

/// What says, before or behind quotation marks, that they hold a name.
const BEFORE: [&str; 12] =
    ["名为", "名叫", "叫做", "叫作", "叫", "app", "平台", "公司", "软件", "简称", "品牌", "店名"];

/// Names in quotation marks: with an ending inside or behind them, or a naming word before them.
fn quoted(text: &str) -> Vec<Raw> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some((at, (open, close))) = OPENING.next(text, from).and_then(|at| {
        let opens = |(open, _): &&(char, char)| text[at..].starts_with(*open);
        Some((at, *QUOTES.iter().find(opens)?))
    }) {
        let inner = at + open.len_utf8();
        from = inner;
        let Some(length) = text[inner..].char_indices().take(21).find(|(_, c)| *c == close).map(|(at, _)| at)
        else {
            continue;
        };
        let (end, content) = (inner + length, &text[inner..inner + length]);
        from = end + close.len_utf8();
        if content.is_empty()
            || !content.chars().all(is_name_char)
            || PUBLIC_BODIES.iter().any(|body| content.ends_with(body))
        {
            continue;
        }
        let behind = &text[from..];
        let ends = |word: &&'static str| content.ends_with(*word);
        let follows =
            |word: &&'static str| behind.starts_with(*word) && !goes_on(word, &behind[word.len()..]);
        let endings = || LEGAL.iter().chain(TRADE);
        let named = endings().any(|word| ends(word) || follows(word))
            || BEFORE.iter().any(|word| text[..at].ends_with(word));
        if named && let Some(name) = normal_name(content) {
            found.push(Raw { name, start: inner, end, source: MentionSource::Quoted });
        }
        if found.len() >= MAX_ENDINGS {
            break;
        }
    }
    found
}

//! Cutting a text into words.

use std::fmt;
use std::hash::{BuildHasher as _, Hash as _, Hasher as _};
use std::sync::OnceLock;

use jieba_rs::Jieba;
use rustc_hash::{FxBuildHasher, FxHasher};

use super::normalise;

/// The words that ship with the product.
const BUILTIN_DICTIONARY: &str = include_str!("../../rules/dictionary.txt");

/// Cuts texts into words: jieba with its own dictionary, the hotline's dictionary and further words
/// given at construction. Cannot be changed afterwards, so it may be shared between threads.
///
/// Construction reads a large dictionary (tens of milliseconds, tens of megabytes): make one.
#[derive(Debug)]
pub struct Segmenter {
    jieba: Jieba,
    classes: Classes,
    fingerprint: u64,
}

/// A word of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token<'t> {
    /// The word.
    pub word: &'t str,
    /// Byte offset of its first byte in the text given.
    pub start: usize,
    /// Byte offset past its last byte.
    pub end: usize,
}

/// Kinds of words as the dictionary marks them, as coarse as is needed here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WordClass {
    /// Proper names of people, places, organisations, brands.
    Name,
    /// Nouns and what describes them.
    Noun,
    /// Verbs.
    Verb,
    /// Numbers and measures.
    Number,
    /// Words of time.
    Time,
    /// Adverbs, prepositions, conjunctions, particles, pronouns, words of direction, idioms.
    Function,
    /// Not in the dictionaries, or without a mark there.
    Unknown,
}

/// What kinds the words are that have been asked for: the same few thousand stand around the names of
/// places, and asking the dictionary takes as long as cutting the word.
///
/// A word keeps its place for ever and words that share one have to be asked for again, so that reading
/// needs no lock. Only words of the dictionaries are kept, nothing else that a complaint says.
struct Classes(Box<[OnceLock<Classed>]>);

/// A word with its class.
type Classed = (Box<str>, WordClass);

impl Classes {
    const PLACES: usize = 1 << 13;

    fn new() -> Self {
        Self(std::iter::repeat_with(OnceLock::new).take(Self::PLACES).collect())
    }

    /// The class of `word`; `find` tells it when the word is in the dictionaries.
    fn of(&self, word: &str, find: impl FnOnce() -> Option<WordClass>) -> WordClass {
        let place = &self.0[FxBuildHasher.hash_one(word) as usize % Self::PLACES];
        match place.get() {
            Some((known, class)) if **known == *word => *class,
            kept => {
                let found = find();
                if let (None, Some(class)) = (kept, found) {
                    place.get_or_init(|| (word.into(), class));
                }
                found.unwrap_or(WordClass::Unknown)
            }
        }
    }
}

impl fmt::Debug for Classes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Classes").finish_non_exhaustive()
    }
}

/// A dictionary file that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: `{content}` is not one word; write one word a line, comments after #")]
pub struct DictionaryError {
    /// The line, from 1.
    pub line: usize,
    /// What stands there, at most 40 characters of it.
    pub content: String,
}

impl Segmenter {
    /// With the dictionary that ships with the product, `rules/dictionary.txt`.
    #[must_use]
    pub fn new() -> Self {
        Self::with_words(std::iter::empty())
    }

    /// With the shipped dictionary and further words, for example the gazetteer's names.
    #[must_use]
    pub fn with_words<'w>(words: impl Iterator<Item = &'w str>) -> Self {
        let shipped = BUILTIN_DICTIONARY.lines().filter_map(|line| word_of(line).ok().flatten());
        Self::with_only(shipped.chain(words))
    }

    /// With these words in the place of the shipped dictionary; see [`parse_dictionary`].
    #[must_use]
    pub fn with_only<'w>(words: impl Iterator<Item = &'w str>) -> Self {
        let mut jieba = Jieba::new();
        let mut hasher = FxHasher::default();
        for word in words {
            // The words meet texts in normal form, so they take it too.
            let word = normalise(word);
            jieba.add_word(word.text(), None, None);
            word.text().hash(&mut hasher);
        }
        Self { jieba, classes: Classes::new(), fingerprint: hasher.finish() }
    }

    /// A hash of all words that it knows beyond those of general Chinese, in their order.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// The words of a text in normal form, in order and without gaps; unknown words are guessed from
    /// their characters. Every character that is neither Chinese nor alphanumeric is a token of its
    /// own.
    pub fn cut<'t>(&self, text: &'t str) -> Vec<Token<'t>> {
        let token = |token: jieba_rs::Token<'t>| Token {
            word: token.word,
            start: token.byte_start,
            end: token.byte_end,
        };
        self.jieba.cut(text, true).into_iter().map(token).collect()
    }

    /// How often the word (in normal form) occurs in general Chinese, out of about 60 million words:
    /// the dictionary's own count, or for an unknown word an estimate from its parts, at least 1.
    pub fn frequency(&self, word: &str) -> usize {
        self.jieba.suggest_freq(word)
    }

    /// Whether the dictionaries know this word (in normal form).
    pub fn knows(&self, word: &str) -> bool {
        self.jieba.has_word(word)
    }

    /// What kind of word this is by the dictionary, without looking at its sentence.
    pub fn class(&self, word: &str) -> WordClass {
        self.classes.of(word, || self.jieba.has_word(word).then(|| self.class_by_tag(word)))
    }

    /// The class of a word that the dictionaries know.
    fn class_by_tag(&self, word: &str) -> WordClass {
        let tag = self.jieba.tag(word, false).first().map_or("", |tag| tag.tag);
        match tag.as_bytes() {
            [b'n', b'r' | b's' | b't' | b'z', ..] => WordClass::Name,
            [b'n' | b's' | b'j' | b'b' | b'z' | b'a', ..] => WordClass::Noun,
            [b'v', ..] => WordClass::Verb,
            [b'm' | b'q', ..] => WordClass::Number,
            [b't', ..] => WordClass::Time,
            [b'd' | b'p' | b'c' | b'u' | b'r' | b'y' | b'e' | b'o' | b'f' | b'i' | b'l', ..] => {
                WordClass::Function
            }
            _ => WordClass::Unknown,
        }
    }
}

impl Default for Segmenter {
    fn default() -> Self {
        Self::new()
    }
}

/// Reads a dictionary file's content: one word a line, `#` begins a comment, empty lines are allowed.
///
/// # Errors
/// A line that holds more than one word.
pub fn parse_dictionary(content: &str) -> Result<Vec<&str>, DictionaryError> {
    let word = |(index, line)| word_of(line).map_err(|content| DictionaryError { line: index + 1, content });
    content
        .trim_start_matches('\u{feff}')
        .lines()
        .enumerate()
        .filter_map(|line| word(line).transpose())
        .collect()
}

fn word_of(line: &str) -> Result<Option<&str>, String> {
    let word = line.split('#').next().unwrap_or_default().trim();
    match word {
        "" => Ok(None),
        _ if word.contains(char::is_whitespace) => Err(word.chars().take(40).collect()),
        _ => Ok(Some(word)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    static SEGMENTER: LazyLock<Segmenter> =
        LazyLock::new(|| Segmenter::with_words(["云栖雅苑", "ＡＢ座"].into_iter()));

    fn words(text: &str) -> Vec<&str> {
        SEGMENTER.cut(text).into_iter().map(|token| token.word).collect()
    }

    #[test]
    fn hotline_words_are_whole() {
        assert_eq!(words("小区群租房扰民"), ["小区", "群租房", "扰民"]);
        assert_eq!(words("云栖雅苑加装电梯"), ["云栖雅苑", "加装电梯"]);
        assert_eq!(words(""), Vec::<&str>::new());
        assert!(SEGMENTER.knows("烟道") && SEGMENTER.knows("ab座"));
        for (word, class) in [
            ("北京", WordClass::Name),
            ("学校", WordClass::Noun),
            ("反映", WordClass::Verb),
            ("附近", WordClass::Function),
            ("我们", WordClass::Function),
            ("去年", WordClass::Time),
            ("云栖雅", WordClass::Unknown),
        ] {
            assert_eq!(SEGMENTER.class(word), class, "{word}");
        }
    }

    #[test]
    fn a_class_is_the_same_whoever_was_asked_for_before() {
        let segmenter = Segmenter::with_words(["云栖雅苑"].into_iter());
        let words: Vec<&str> = BUILTIN_DICTIONARY.lines().filter_map(|line| word_of(line).ok()?).collect();
        let text = "北京的学校附近去年反映云栖雅苑有群租房,云栖雅没有";
        let unknown = text.char_indices().map(|(at, _)| &text[at..]);
        for word in
            words.iter().copied().chain(SEGMENTER.cut(text).iter().map(|token| token.word)).chain(unknown)
        {
            let known = segmenter.jieba.has_word(word).then(|| segmenter.class_by_tag(word));
            let asked = known.unwrap_or(WordClass::Unknown);
            assert_eq!((segmenter.class(word), segmenter.class(word)), (asked, asked), "{word}");
        }
        // More words than places: some had to be asked for again.
        let classes = Classes::new();
        for number in 0..2 * Classes::PLACES {
            let class = if number % 2 == 0 { WordClass::Noun } else { WordClass::Verb };
            for _ in 0..2 {
                assert_eq!(classes.of(&number.to_string(), || Some(class)), class);
            }
        }
        assert_eq!(classes.of("无", || None), WordClass::Unknown);
        assert_eq!(classes.of("无", || Some(WordClass::Name)), WordClass::Name);
    }

    #[test]
    fn the_shipped_dictionary_is_in_order() {
        let words = parse_dictionary(BUILTIN_DICTIONARY).unwrap();
        assert!(words.len() > 100);
        let mut unique = words.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), words.len(), "a word stands twice");
        for word in words {
            assert_eq!(normalise(word).text(), word);
            assert!(word.chars().count() > 1, "{word}");
        }
    }

    #[test]
    fn a_wrong_line_is_named() {
        assert_eq!(parse_dictionary("\u{feff}烟道 # 厨房\n\n# 注\n阳台").unwrap(), ["烟道", "阳台"]);
        insta::assert_snapshot!(parse_dictionary("烟道\n飞线 充电").unwrap_err(),
            @"line 2: `飞线 充电` is not one word; write one word a line, comments after #");
    }

    proptest! {
        #[test]
        fn tokens_cover_the_text(text in "(\\PC|[\u{4e00}-\u{9fff}]{1,6}|[a-z0-9]{1,5}|\n){0,12}") {
            let tokens = SEGMENTER.cut(&text);
            prop_assert_eq!(tokens.iter().map(|token| token.word).collect::<String>(), text.as_str());
            let mut at = 0;
            for token in tokens {
                prop_assert_eq!(token.start, at);
                prop_assert_eq!(&text[token.start..token.end], token.word);
                at = token.end;
            }
        }
    }
}

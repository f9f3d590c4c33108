//! Wrong characters, as speech recognition and pinyin input make them.

use std::sync::LazyLock;

use pinyin::ToPinyin as _;
use rand::RngExt as _;
use rand::seq::IndexedRandom as _;
use rand_chacha::ChaCha8Rng;
use rustc_hash::FxHashMap;

/// Words that are written for each other.
const CONFUSED: [(&str, &str); 14] = [
    ("反映", "反应"),
    ("小区", "小曲"),
    ("物业", "物夜"),
    ("燃气", "然气"),
    ("电梯", "电题"),
    ("噪音", "造音"),
    ("扰民", "绕民"),
    ("停水", "挺水"),
    ("暖气", "卵气"),
    ("垃圾", "拉圾"),
    ("跑路", "跑露"),
    ("退款", "退宽"),
    ("油烟", "由烟"),
    ("施工", "试工"),
];

/// The everyday characters by their sound: exactly, and as a careless ear hears it.
struct Sounds {
    exact: FxHashMap<&'static str, Vec<char>>,
    near: FxHashMap<String, Vec<char>>,
}

static SOUNDS: LazyLock<Sounds> = LazyLock::new(|| {
    let mut sounds = Sounds { exact: FxHashMap::default(), near: FxHashMap::default() };
    // Level 1 of GB 2312: the 3,755 most used characters, rows 16 to 55 of the table.
    for row in 0xB0..=0xD7_u8 {
        for cell in 0xA1..=0xFE_u8 {
            let bytes = [row, cell];
            let (text, _, failed) = encoding_rs::GBK.decode(&bytes);
            let Some(character) = text.chars().next().filter(|_| !failed) else { continue };
            if let Some(sound) = character.to_pinyin() {
                sounds.exact.entry(sound.plain()).or_default().push(character);
                sounds.near.entry(folded(sound.plain())).or_default().push(character);
            }
        }
    }
    sounds
});

/// The sound without the differences that ears and accents drop: zh/z, ch/c, sh/s, n/l, ing/in.
fn folded(sound: &str) -> String {
    let sound = match sound.as_bytes() {
        [b'z' | b'c' | b's', b'h', ..] => format!("{}{}", &sound[..1], &sound[2..]),
        [b'n', ..] => format!("l{}", &sound[1..]),
        _ => sound.to_owned(),
    };
    sound.strip_suffix('g').map_or(sound.clone(), str::to_owned)
}

/// Another character of the same sound, or nearly the same; `None` when there is none.
fn misheard(character: char, near: bool, rng: &mut ChaCha8Rng) -> Option<char> {
    let sound = character.to_pinyin()?.plain();
    let candidates = if near { SOUNDS.near.get(&folded(sound))? } else { SOUNDS.exact.get(sound)? };
    // A few draws are enough: most sounds have ten characters and more.
    (0..8).find_map(|_| candidates.choose(rng).copied().filter(|&other| other != character))
}

fn is_han(character: char) -> bool {
    ('\u{4e00}'..='\u{9fff}').contains(&character)
}

/// Makes a share of `rate` of the Chinese characters wrong.
pub(super) fn mishear(text: &str, rate: f64, rng: &mut ChaCha8Rng) -> String {
    if rate <= 0.0 {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 12);
    // How many characters stay right until the next wrong one: geometric, so that chance is asked
    // once for each error, not once for each character.
    #[expect(clippy::cast_sign_loss, reason = "a quotient of two negative logarithms")]
    let skip = |rng: &mut ChaCha8Rng| (rng.random::<f64>().max(1e-12).ln() / (1.0 - rate).ln()) as usize;
    let mut left = skip(rng);
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let mut taken = character.len_utf8();
        if !is_han(character) {
            out.push(character);
        } else if left > 0 {
            left -= 1;
            out.push(character);
        } else {
            left = skip(rng);
            let confused = CONFUSED.iter().find(|(right, _)| rest.starts_with(right));
            match (confused, rng.random_range(0..100)) {
                (Some((right, wrong)), 0..50) => {
                    out.push_str(wrong);
                    taken = right.len();
                    left = left.saturating_sub(1);
                }
                (_, 0..76) => out.push(misheard(character, false, rng).unwrap_or(character)),
                (_, 76..88) => out.push(misheard(character, true, rng).unwrap_or(character)),
                (_, 88..94) => out.extend([character, character]),
                _ => {}
            }
        }
        rest = &rest[taken..];
    }
    out
}

/// Misspells a name: one character misheard, or two neighbours swapped.
pub(super) fn misspell(name: &str, rng: &mut ChaCha8Rng) -> String {
    let mut characters: Vec<char> = name.chars().collect();
    let word = characters.len().min(3);
    if word >= 3 && rng.random_bool(0.25) {
        characters.swap(1, 2);
    } else {
        let at = rng.random_range(0..word.max(1));
        let near = rng.random_bool(0.2);
        if let Some(wrong) = characters.get(at).and_then(|&right| misheard(right, near, rng)) {
            characters[at] = wrong;
        }
    }
    characters.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::chance;

    const TEXT: &str = "市民反映小区楼下的烧烤店每天夜里油烟很大，居民不敢开窗，希望有关部门尽快处理。";

    #[test]
    fn the_share_of_wrong_characters_is_the_one_asked_for() {
        let characters = TEXT.chars().filter(|&character| is_han(character)).count() as f64 * 500.0;
        for rate in [0.01, 0.05, 0.2] {
            let mut rng = chance(1, 2, 3);
            let wrong: usize =
                (0..500).map(|_| strsim::levenshtein(TEXT, &mishear(TEXT, rate, &mut rng))).sum();
            let share = wrong as f64 / characters;
            assert!((rate * 0.8..rate * 1.2).contains(&share), "{share} for {rate}");
        }
    }

    #[test]
    fn no_noise_changes_nothing() {
        assert_eq!(mishear(TEXT, 0.0, &mut chance(1, 2, 3)), TEXT);
    }

    #[test]
    fn a_misspelt_name_sounds_alike_or_is_swapped() {
        let names: std::collections::BTreeSet<String> =
            (0..200).map(|number| misspell("聚财宝", &mut chance(7, 7, number))).collect();
        assert!(names.contains("聚宝财"), "{names:?}");
        assert!(names.iter().any(|name| name != "聚财宝" && name.starts_with('聚') && name.ends_with('宝')));
    }
}

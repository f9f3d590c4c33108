//! The words of one complaint: who speaks in which tone, in which order, of which place.

use rand::seq::{IndexedRandom as _, SliceRandom as _};
use rand::{Rng as _, RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use crate::model::PlaceFields;

use super::chance;
use super::kinds::{Bound, FRAME, Kind, SUBJECTS};
use super::noise::{mishear, misspell};
use super::people::{MOST_PEOPLE, Person};
use super::world::{Site, SiteKind, SiteNames, World};

/// What is to be told. The same telling always gives the same words.
#[derive(Debug, Clone, Copy)]
pub(super) struct Telling<'k> {
    pub(super) kind: &'k Kind,
    pub(super) site: Site,
    /// The company, by number, when the kind names one.
    pub(super) subject: u64,
    /// What all tellers of the matter know alike.
    pub(super) facts: u64,
    /// The choice of words.
    pub(super) words: u64,
    /// The choice of errors.
    pub(super) errors: u64,
}

/// A complaint's words.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) title: String,
    pub(super) text: String,
    pub(super) place: PlaceFields,
    pub(super) subject: Option<String>,
    pub(super) channel: &'static str,
}

#[derive(Clone, Copy, PartialEq)]
enum Tone {
    Agent,
    Letter,
    Angry,
    Essay,
}

/// Puts words together for one telling.
struct Speaker<'w> {
    world: &'w World,
    telling: Telling<'w>,
    names: SiteNames<'w>,
    subject: String,
    since: String,
    noise: f64,
    rng: ChaCha8Rng,
    /// The place stands in the structured fields, so the text need not name it.
    place_known: bool,
    place_said: bool,
    /// Which of the kind's phrases for what happened, and for what else, fit this matter's facts.
    happened: Vec<&'w str>,
    besides: Vec<&'w str>,
}

/// Tells a complaint.
pub(super) fn tell<'w>(world: &'w World, seed: u64, noise: f64, telling: Telling<'w>) -> Told {
    let mut facts = chance(seed, 0xFAC7, telling.facts);
    let mut rng = chance(seed, 0x3012D, telling.words);
    let since = if rng.random_bool(0.6) { since(&mut facts) } else { since(&mut rng) };
    let names = world.names(telling.site);
    let subject = subject_name(world, telling.kind, telling.subject);
    let some = |phrases: &'w [String], facts: &mut ChaCha8Rng| -> Vec<&'w str> {
        phrases.sample(facts, 3.min(phrases.len())).map(String::as_str).collect()
    };
    let happened = some(&telling.kind.what, &mut facts);
    let besides = some(&telling.kind.more, &mut facts);
    let mut speaker = Speaker {
        world,
        telling,
        names,
        subject,
        since,
        noise,
        rng,
        place_known: false,
        place_said: false,
        happened,
        besides,
    };
    let place = speaker.fields();
    let tone = match speaker.rng.random_range(0..100) {
        0..50 => Tone::Agent,
        50..70 => Tone::Letter,
        70..83 => Tone::Angry,
        _ => Tone::Essay,
    };
    let text = speaker.text(tone);
    let title = speaker.title(tone);
    let subject =
        (!speaker.subject.is_empty() && speaker.rng.random_bool(0.3)).then(|| speaker.spoken_subject());
    let channel = match (tone, speaker.rng.random_range(0..4)) {
        (Tone::Agent, _) => "12345",
        (_, 0) => "app",
        (_, 1) => "wechat",
        _ => "web",
    };
    let mut errors = chance(seed, 0xE2202, telling.errors);
    Told {
        title: mishear(&title, noise, &mut errors),
        text: mishear(&text, noise, &mut errors),
        place,
        subject,
        channel,
    }
}

/// The name of a company, by number.
pub(super) fn subject_name(world: &World, kind: &Kind, number: u64) -> String {
    let Some(endings) = kind.subject.as_ref().and_then(|list| SUBJECTS.get(list)) else {
        return String::new();
    };
    let ending = &endings[(number / 3 + number) as usize % endings.len()];
    ending.replace("{W}", world.word(number))
}

fn since(rng: &mut ChaCha8Rng) -> String {
    let phrase = pick(&FRAME.since, rng);
    let mut out = String::new();
    fill(phrase, &mut out, |slot, out| {
        let number = match slot {
            'Y' => rng.random_range(2023..=2025),
            'K' => rng.random_range(1..=12),
            'D' => rng.random_range(1..=28),
            _ => rng.random_range(2..=8),
        };
        out.push_str(&number.to_string());
    });
    out
}

fn pick<'p>(phrases: &'p [String], rng: &mut ChaCha8Rng) -> &'p str {
    phrases.choose(rng).map_or("", String::as_str)
}

/// Copies a phrase, asking for what goes into each `{X}`.
fn fill(phrase: &str, out: &mut String, mut slot: impl FnMut(char, &mut String)) {
    let mut parts = phrase.split('{');
    out.push_str(parts.next().unwrap_or(""));
    for part in parts {
        let (name, rest) = part.split_once('}').unwrap_or((part, ""));
        slot(name.chars().next().unwrap_or(' '), out);
        out.push_str(rest);
    }
}

impl Speaker<'_> {
    /// The structured place, as far as the event has one.
    fn fields(&mut self) -> PlaceFields {
        let mut place = PlaceFields::default();
        let detail = self.rng.random_range(0..100);
        let nowhere = self.telling.kind.at.is_empty();
        if detail >= 78 || nowhere {
            return place;
        }
        place.district = Some(self.world.district().to_owned());
        let street = &self.names.street.name;
        // An agent in a hurry picks the street next to it.
        let wrong_street = self.noise > 0.0 && self.rng.random_bool(0.015);
        place.street =
            Some(if wrong_street { self.world.street(&mut self.rng).name.clone() } else { street.clone() });
        if detail < 60 {
            place.community = Some(self.names.community.to_owned());
        }
        if detail < 45 {
            place.address = Some(match detail % 3 {
                0 => format!("{}{}号{}", self.names.road, self.names.house, self.names.name),
                1 => format!("北京市西城区{street}{}", self.names.name),
                _ => self.mention(),
            });
            self.place_known = true;
        }
        place
    }

    fn mention(&mut self) -> String {
        let mention = World::mention(&self.names, self.telling.site.kind, &mut self.rng);
        let mut slip = self.slip();
        let misspelt = self.rng.random_bool((self.noise * 6.0).min(0.35));
        if misspelt {
            mention.replace(&self.names.name, &misspell(&self.names.name, &mut slip))
        } else {
            mention
        }
    }

    /// Chance for one slip of the tongue. However much of it the slip uses up, the rest of the
    /// telling stays the same: told of another place, it differs only in the place.
    fn slip(&mut self) -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(self.rng.next_u64())
    }

    fn spoken_subject(&mut self) -> String {
        let mut slip = self.slip();
        let misspelt = self.rng.random_bool((self.noise * 10.0).min(0.5));
        if misspelt { misspell(&self.subject, &mut slip) } else { self.subject.clone() }
    }

    /// The place as the text says it: named at least once somewhere in the event.
    fn place(&mut self) -> String {
        let deictic = if self.place_said {
            0.5
        } else if self.place_known {
            0.4
        } else {
            0.0
        };
        if self.rng.random_bool(deictic) {
            let estate = self.telling.site.kind == SiteKind::Estate;
            let words = if estate { &FRAME.deictic } else { &FRAME.deictic_other };
            return pick(words, &mut self.rng).to_owned();
        }
        self.place_said = true;
        self.mention()
    }

    fn say(&mut self, phrase: &str, out: &mut String) {
        fill(phrase, out, |slot, out| {
            let word = match slot {
                'P' => self.place(),
                'S' => self.spoken_subject(),
                'T' => self.since.clone(),
                'N' => self.rng.random_range(2..=9).to_string(),
                'B' => format!("{}号楼", self.rng.random_range(1..=21)),
                'M' => self.money(),
                'H' => {
                    let hours =
                        ["晚上10点", "夜里11点", "凌晨1点", "凌晨三点", "半夜12点", "晚上九点多", "早上5点"];
                    hours.choose(&mut self.rng).map_or_else(String::new, |&hour| hour.to_owned())
                }
                _ => Person(self.rng.random_range(0..MOST_PEOPLE)).phone(),
            };
            out.push_str(&word);
        });
    }

    fn money(&mut self) -> String {
        match self.rng.random_range(0..3) {
            0 => format!("{}万元", self.rng.random_range(1..40)),
            1 => format!("{}元", self.rng.random_range(8..190) * 100),
            _ => format!("{}万多", self.rng.random_range(1..20)),
        }
    }

    /// One of the phrases, as said.
    fn one_of(&mut self, phrases: &[String], out: &mut String) {
        let phrase = pick(phrases, &mut self.rng);
        self.say(phrase, out);
    }

    fn text(&mut self, tone: Tone) -> String {
        let kind = self.telling.kind;
        let frame = &*FRAME;
        let mut out = String::with_capacity(700);
        match tone {
            Tone::Agent => {
                self.one_of(&frame.agent_open, &mut out);
                self.body(&mut out, 1);
                if self.rng.random_bool(0.75) {
                    self.one_of(&kind.ask, &mut out);
                    out.push('。');
                }
                self.one_of(&frame.agent_close, &mut out);
            }
            Tone::Letter => {
                self.one_of(&frame.letter_open, &mut out);
                self.body(&mut out, 2);
                self.one_of(&kind.ask, &mut out);
                out.push('。');
                self.one_of(&frame.letter_close, &mut out);
            }
            Tone::Angry => {
                self.one_of(&frame.angry_open, &mut out);
                let start = out.len();
                self.body(&mut out, 1);
                let shouted = out[start..].replace('。', "！");
                out.truncate(start);
                out.push_str(&shouted);
                if self.rng.random_bool(0.6) {
                    self.one_of(&kind.ask, &mut out);
                    out.push('！');
                }
                self.one_of(&frame.angry_close, &mut out);
            }
            Tone::Essay => {
                self.one_of(&frame.letter_open, &mut out);
                self.one_of(&frame.essay_open, &mut out);
                self.body(&mut out, 3);
                for _ in 0..self.rng.random_range(1..4) {
                    self.one_of(&frame.essay_more, &mut out);
                }
                self.one_of(&kind.ask, &mut out);
                out.push('。');
                self.one_of(&frame.letter_close, &mut out);
            }
        }
        if self.rng.random_bool(0.05) {
            self.one_of(&frame.personal, &mut out);
        }
        out
    }

    /// What happened, whom it harms, since when, in one of the orders people have.
    fn body(&mut self, out: &mut String, length: usize) {
        let kind = self.telling.kind;
        let join = pick(&FRAME.join, &mut self.rng);
        let harm_first = self.rng.random_bool(0.2) && !kind.harm.is_empty();
        if harm_first {
            self.one_of(&kind.harm, out);
            out.push('，');
        }
        if self.rng.random_bool(0.3) {
            let since = self.since.clone();
            out.push_str(&since);
            out.push('，');
        }
        let what = self.happened.choose(&mut self.rng).copied().unwrap_or_default();
        self.say(what, out);
        out.push_str(join);
        self.besides.shuffle(&mut self.rng);
        for phrase in self.besides.iter().take(length).copied().collect::<Vec<_>>() {
            if self.rng.random_bool(0.7) {
                self.say(phrase, out);
                out.push('，');
            }
        }
        if !harm_first {
            self.one_of(&kind.harm, out);
        }
        while out.ends_with(['，', '；']) {
            out.pop();
        }
        if !out.ends_with('。') {
            out.push('。');
        }
    }

    fn title(&mut self, tone: Tone) -> String {
        let kind = self.telling.kind;
        if self.rng.random_bool(0.12) {
            return String::new();
        }
        // A title stands alone: it names the place, or it names nothing.
        self.place_known = false;
        self.place_said = false;
        let mut out = String::new();
        if tone == Tone::Agent && self.rng.random_bool(0.3) {
            out.push_str("反映");
        }
        self.one_of(&kind.title, &mut out);
        if tone == Tone::Angry && self.rng.random_bool(0.4) {
            out.push_str("，谁来管");
        } else if tone == Tone::Letter && self.rng.random_bool(0.3) {
            out.insert_str(0, "关于");
            out.push_str("的问题");
        }
        out
    }
}

/// What a matter is called in the truth.
pub(super) fn matter_title(world: &World, kind: &Kind, site: Site, subject: u64) -> String {
    match kind.bound {
        Bound::Site => format!("{}|{}", world.names(site).name, kind.name),
        Bound::Subject => format!("{}|{}", subject_name(world, kind, subject), kind.name),
        Bound::Nothing => kind.name.clone(),
    }
}

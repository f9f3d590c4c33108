//! Matters that are known and on somebody's desk: told again only when they break through.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::grams;
use super::members::Group;
use super::{Grouper, Open};

/// So many of a group's newest members are asked whether it is a registered matter; most must be.
const ASKED: usize = 5;

/// A matter that is known already (立案, 长期): complaints about it are grouped and counted as all others,
/// and raise an incident only when more people call than its people have said to expect.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Registered {
    /// What people call it. Alerts and explanations name it; no two have one name.
    pub name: String,
    /// The place, as complaints name it (辉峰小区); without it the matter is registered everywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// Words of which a complaint about it says one (停车, 车位); without them all that happens at the place
    /// is registered. Words that sound alike count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<String>,
    /// With this many distinct callers within `window_days` it breaks through, 2 or more.
    pub callers: u32,
    /// The last day on which it counts as known; without it until it is taken out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub until: Option<Date>,
}

impl Registered {
    /// What is wrong with it, in words that go behind its key.
    pub(super) fn problem(&self) -> Option<String> {
        let is_short = |word: &String| word.trim().chars().count() < 2;
        if self.name.trim().is_empty() {
            Some("a registered matter has no name; give it one that people know it by".to_owned())
        } else if self.place.is_none() && self.words.is_empty() {
            Some(format!("{:?} has neither place nor words, and would be everything; give one", self.name))
        } else if self.place.iter().chain(&self.words).any(is_short) {
            Some(format!("{:?} has a place or a word of less than two characters", self.name))
        } else if self.callers < 2 {
            Some(format!("{:?} breaks through with {} callers; use 2 or more", self.name, self.callers))
        } else {
            None
        }
    }

    fn is_about(&self, open: &Open) -> bool {
        let mut names = open.named_places();
        // The reader of places leaves out what does not tell (小区), and may have more of a name than people say.
        let here =
            |place: &String| names.any(|(_, name)| place.starts_with(name) || name.starts_with(&**place));
        let holds =
            |pair: &u16| open.pairs.binary_search_by_key(&usize::from(*pair), |held| held.pair()).is_ok();
        let said = |word: &String| {
            let pairs = grams::pairs(word);
            open.headline.contains(&**word) || !pairs.is_empty() && pairs.iter().all(holds)
        };
        self.place.as_ref().is_none_or(here) && (self.words.is_empty() || self.words.iter().any(said))
    }
}

impl Grouper {
    /// The registered matter that the group is about on `today`, if it is one: the first of the settings that
    /// most of its newest members are about.
    pub fn registered(&self, group: &Group, today: Date) -> Option<&Registered> {
        let newest: Vec<&Open> =
            group.members().rev().take(ASKED).filter_map(|seq| self.window.get(seq)).collect();
        self.config().registered.iter().find(|matter| {
            let about = newest.iter().filter(|open| matter.is_about(open)).count();
            matter.until.is_none_or(|until| today <= until) && 2 * about > newest.len()
        })
    }
}

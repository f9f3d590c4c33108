//! What people complain about: the phrases in `data/kinds_*.toml`.

use std::sync::LazyLock;

use serde::Deserialize;

use super::world::SiteKind;

/// How complaints of a kind are bound to each other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Bound {
    /// By the site: one matter for each site.
    #[default]
    Site,
    /// By the named company or scheme, wherever its customers live.
    Subject,
    /// By nothing: a policy question, a theme.
    Nothing,
}

/// One kind of matter.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kind {
    pub(super) id: String,
    pub(super) name: String,
    #[serde(default)]
    pub(super) bound: Bound,
    /// Sites it happens at; for `bound = "subject"` where its customers are.
    pub(super) at: Vec<SiteKind>,
    /// For `bound = "subject"`: its customers all come to one site, a shop or a school.
    #[serde(default)]
    pub(super) premises: bool,
    /// The list of `subjects.toml` from which the company is named.
    #[serde(default)]
    pub(super) subject: Option<String>,
    /// How often, against the others.
    pub(super) weight: f64,
    /// Words that look like fraud and are none: never the start of a planned group.
    #[serde(default)]
    pub(super) trap: bool,
    pub(super) category: Vec<String>,
    pub(super) title: Vec<String>,
    pub(super) what: Vec<String>,
    #[serde(default)]
    pub(super) more: Vec<String>,
    #[serde(default)]
    pub(super) harm: Vec<String>,
    pub(super) ask: Vec<String>,
}

/// What stands around the matter.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Frame {
    pub(super) agent_open: Vec<String>,
    pub(super) agent_close: Vec<String>,
    pub(super) letter_open: Vec<String>,
    pub(super) letter_close: Vec<String>,
    pub(super) angry_open: Vec<String>,
    pub(super) angry_close: Vec<String>,
    pub(super) essay_open: Vec<String>,
    pub(super) essay_more: Vec<String>,
    pub(super) since: Vec<String>,
    pub(super) deictic: Vec<String>,
    pub(super) deictic_other: Vec<String>,
    pub(super) personal: Vec<String>,
    pub(super) update: Vec<String>,
    pub(super) join: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct File {
    kind: Vec<Kind>,
}

type Subjects = std::collections::BTreeMap<String, Vec<String>>;

pub(super) static FRAME: LazyLock<Frame> =
    LazyLock::new(|| toml::from_str(include_str!("data/frame.toml")).expect("frame.toml is ours and valid"));

pub(super) static SUBJECTS: LazyLock<Subjects> = LazyLock::new(|| {
    toml::from_str(include_str!("data/subjects.toml")).expect("subjects.toml is ours and valid")
});

pub(super) static KINDS: LazyLock<Vec<Kind>> = LazyLock::new(|| {
    let files = [
        include_str!("data/kinds_living.toml"),
        include_str!("data/kinds_city.toml"),
        include_str!("data/kinds_money.toml"),
        include_str!("data/kinds_other.toml"),
    ];
    files
        .into_iter()
        .flat_map(|text| toml::from_str::<File>(text).expect("the kinds are ours and valid").kind)
        .collect()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_many_kinds_and_every_phrase_says_where() {
        assert!(KINDS.iter().filter(|kind| kind.bound != Bound::Nothing && !kind.trap).count() >= 40);
        let ids: std::collections::BTreeSet<_> = KINDS.iter().map(|kind| &kind.id).collect();
        assert_eq!(ids.len(), KINDS.len(), "ids are unique");
        for kind in KINDS.iter() {
            let id = &kind.id;
            assert!(kind.what.len() >= 3 && kind.ask.len() >= 2 && kind.title.len() >= 2, "{id} is thin");
            assert!(kind.subject.as_ref().is_none_or(|list| SUBJECTS.contains_key(list)), "{id}");
            assert!(kind.bound == Bound::Nothing || !kind.at.is_empty(), "{id}");
            assert!(kind.bound != Bound::Subject || kind.subject.is_some(), "{id}");
            let mark = if kind.bound == Bound::Subject { "{S}" } else { "{P}" };
            for what in kind.what.iter().filter(|_| kind.bound != Bound::Nothing) {
                assert!(what.contains(mark), "{id}: {what} lacks {mark}");
            }
            let all = [&kind.title, &kind.what, &kind.more, &kind.harm, &kind.ask];
            for phrase in all.into_iter().flatten() {
                assert!(!phrase.contains("{S}") || kind.subject.is_some(), "{id}: {phrase}");
                for slot in phrase.split('{').skip(1) {
                    let known = slot.as_bytes().get(1) == Some(&b'}') && "PSTNMHB".contains(&slot[..1]);
                    assert!(known, "{id}: unknown slot in {phrase}");
                }
            }
        }
    }
}

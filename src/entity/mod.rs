//! Companies, platforms and shops that a complaint names: whom a financial risk is about.
//!
//! **Does:** finds names in the `subject` field and, by their form (…有限公司, …平台, …健身房,
//! quotation marks), in title and text; brings them into a normal form (region and legal suffix
//! stripped); says whether two names mean one company although characters are swapped, wrong or
//! only sound alike. **Promises:** pure; spans point into the complaint's own words; at most
//! [`MAX_MENTIONS`] names, the best first; generic words (某公司, 该平台, 物业公司) are not names.
//! **Leaves to others:** what is risky about them (`rules`), joining complaints about one company
//! (`engine`), places (`place`).

mod find;
mod forms;
mod name;
mod names;
mod same;

use serde::{Deserialize, Serialize};

use crate::model::{Complaint, Span, Where};
use crate::text::{Normalised, normalise};

pub use name::normal_name;
pub use names::Names;
pub use same::{Likeness, Spelling, brand, is_named, same};

/// A complaint yields at most this many names; beyond it a text lists companies rather than being
/// about them.
pub const MAX_MENTIONS: usize = 8;

/// How a name was recognised, from the surest to the least sure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MentionSource {
    /// The event's `subject` field (被反映单位).
    Subject,
    /// A legal form: …有限公司, …集团.
    Legal,
    /// Quotation marks beside a word for a company, platform or shop.
    Quoted,
    /// A word for its trade: …平台, …健身房, …培训学校.
    Trade,
}

/// A company, platform or shop that a complaint names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntityMention {
    /// The normal form, for example 金穗财富 for 北京金穗财富投资管理有限公司.
    pub name: String,
    /// Where it stands first; `None` only when the field it came from has no offsets.
    pub span: Option<Span>,
    /// How it was recognised.
    pub source: MentionSource,
}

/// The names that `complaint` holds, the best first: its subject, then by how surely the form tells
/// a name, whether the title has it, and how often it comes. Of names that are the [`same`], the
/// first of this order stands for all. `title` and `text` are the normal forms of the complaint's
/// own.
#[must_use]
pub fn mentions(complaint: &Complaint, title: &Normalised, text: &Normalised) -> Vec<EntityMention> {
    let subject = complaint.subject.as_deref().map(normalise);
    let mut found: Vec<Candidate> = Vec::new();
    if let Some(subject) = &subject {
        found.extend(find::subject(subject.text()).map(|raw| Candidate::new(raw, Where::Subject, subject)));
    }
    for (field, normalised) in [(Where::Title, title), (Where::Text, text)] {
        found.extend(
            find::names(normalised.text()).into_iter().map(|raw| Candidate::new(raw, field, normalised)),
        );
    }

    // Equal names are one candidate: the first place, the surest source, all of the weight.
    let mut merged: Vec<Candidate> = Vec::new();
    for candidate in found {
        match merged.iter_mut().find(|other| other.mention.name == candidate.mention.name) {
            Some(other) => other.join(&candidate),
            None => merged.push(candidate),
        }
        if merged.len() >= 4 * MAX_MENTIONS {
            break;
        }
    }
    merged.sort_by_key(|candidate| std::cmp::Reverse(candidate.weight()));

    let mut mentions: Vec<EntityMention> = Vec::new();
    for candidate in merged {
        if mentions.len() == MAX_MENTIONS {
            break;
        }
        if !mentions.iter().any(|other| same(&other.name, &candidate.mention.name)) {
            mentions.push(candidate.mention);
        }
    }
    mentions
}

struct Candidate {
    mention: EntityMention,
    times: u32,
    in_title: bool,
}

impl Candidate {
    fn new(raw: find::Raw, field: Where, normalised: &Normalised) -> Self {
        let span = Some(normalised.span(field, raw.start, raw.end));
        let mention = EntityMention { name: raw.name, span, source: raw.source };
        Self { mention, times: 1, in_title: field == Where::Title }
    }

    fn join(&mut self, other: &Self) {
        self.mention.source = self.mention.source.min(other.mention.source);
        self.times += 1;
        self.in_title |= other.in_title;
    }

    // An order, not a measure: the source comes first, the title can lift a name over the next
    // source, and repetition only decides between names that are otherwise equal or close.
    fn weight(&self) -> u32 {
        let form = match self.mention.source {
            MentionSource::Subject => 100,
            MentionSource::Legal => 50,
            MentionSource::Quoted => 45,
            MentionSource::Trade => 40,
        };
        form + if self.in_title { 15 } else { 0 } + 3 * self.times.min(5)
    }
}

#[cfg(test)]
mod tests;

//! Reading one complaint: everything that needs no memory of others.

use std::sync::Arc;

use serde_json::Value;

use crate::entity;
use crate::group::Terms;
use crate::model::{CallerKeys, Complaint, ContentHash, PlaceMention, RiskHit};
use crate::place::{PlaceKeys, Places};
use crate::rules::RulePack;
use crate::text::{Normalised, Segmenter, mask_personal, mask_phone, normalise};

use super::CallerHasher;

/// What reading needs to know. Immutable; shared between threads.
#[derive(Debug, Clone)]
pub struct Knowledge {
    /// Cuts texts into words.
    pub segmenter: Arc<Segmenter>,
    /// Reads places.
    pub places: Arc<Places>,
    /// Financial risk rules.
    pub pack: Arc<RulePack>,
    /// How many times a word in the title counts against one in the text.
    pub title_weight: u32,
}

/// A complaint with everything the fold needs to decide.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The complaint, personal numbers masked in place.
    pub complaint: Arc<Complaint>,
    /// Keyed hashes of its caller.
    pub callers: CallerKeys,
    /// Hash of the event as it came.
    pub content: ContentHash,
    /// Its words.
    pub terms: Terms,
    /// The places it names.
    pub places: Vec<PlaceMention>,
    /// The same places, ready to be compared.
    pub place_keys: PlaceKeys,
    /// The risk rules it meets, strongest first.
    pub risks: Vec<RiskHit>,
}

/// Reads complaints. Stateless: call it from as many threads as there are.
#[derive(Debug, Clone)]
pub struct Preparer {
    knowledge: Knowledge,
    hasher: CallerHasher,
}

impl Preparer {
    /// With this knowledge and this secret for callers.
    pub fn new(knowledge: Knowledge, hasher: CallerHasher) -> Self {
        Self { knowledge, hasher }
    }

    /// What it knows.
    pub fn knowledge(&self) -> &Knowledge {
        &self.knowledge
    }

    /// Reads a complaint as it came from a source.
    pub fn prepare(&self, mut complaint: Complaint, content: ContentHash) -> Prepared {
        let callers = self.hasher.keys(&complaint.caller);
        hide_personal_data(&mut complaint);
        self.read(Arc::new(complaint), callers, content)
    }

    /// Reads a stored complaint again: its numbers are masked already and its caller is hashed.
    pub fn prepare_stored(
        &self,
        complaint: Arc<Complaint>,
        callers: CallerKeys,
        content: ContentHash,
    ) -> Prepared {
        self.read(complaint, callers, content)
    }

    fn read(&self, complaint: Arc<Complaint>, callers: CallerKeys, content: ContentHash) -> Prepared {
        let Knowledge { segmenter, places, pack, title_weight } = &self.knowledge;
        let title = normalise(&complaint.title);
        let text = normalise(&complaint.text);
        let (title_words, text_words) = (segmenter.cut(title.text()), segmenter.cut(text.text()));
        let (cut_title, cut_text) = ((&title, &title_words[..]), (&text, &text_words[..]));
        let terms = Terms::read(cut_title, cut_text, *title_weight);
        let places = places.read_cut(&complaint.place, cut_title, cut_text);
        let place_keys = PlaceKeys::new(&places);
        let mut risks = pack.hits(&complaint, &title, &text);
        if !risks.is_empty() {
            name_entity(&mut risks, &complaint, &title, &text);
        }
        Prepared { complaint, callers, content, terms, places, place_keys, risks }
    }
}

/// Says of each hit which company or scheme it is about: the best mention of the complaint.
fn name_entity(risks: &mut [RiskHit], complaint: &Complaint, title: &Normalised, text: &Normalised) {
    let Some(best) = entity::mentions(complaint, title, text).into_iter().next() else { return };
    for hit in risks {
        hit.entity = Some(best.name.clone());
        hit.entity_span = best.span;
    }
}

/// Masks personal numbers wherever the event carries them. In `title` and `text` the byte length
/// stays, so that spans point at the same words before and after.
fn hide_personal_data(complaint: &mut Complaint) {
    let mask = |text: &mut String| {
        if let std::borrow::Cow::Owned(masked) = mask_personal(text) {
            *text = masked;
        }
    };
    mask(&mut complaint.title);
    mask(&mut complaint.text);
    complaint.subject.iter_mut().for_each(mask);
    complaint.place.address.iter_mut().for_each(mask);
    if let Some(phone) = &mut complaint.caller.phone {
        *phone = mask_phone(phone);
    }
    complaint.caller.id.iter_mut().for_each(mask);
    for also in &mut complaint.caller.also {
        *also = mask_phone(also);
    }
    for extra in [&mut complaint.extra, &mut complaint.caller.extra, &mut complaint.place.extra] {
        extra.values_mut().for_each(mask_value);
    }
}

fn mask_value(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let std::borrow::Cow::Owned(masked) = mask_personal(text) {
                *text = masked;
            }
        }
        Value::Number(number) => {
            // A telephone number may have been written as a number.
            let text = number.to_string();
            if let std::borrow::Cow::Owned(masked) = mask_personal(&text) {
                *value = Value::String(masked);
            }
        }
        Value::Array(values) => values.iter_mut().for_each(mask_value),
        Value::Object(fields) => fields.values_mut().for_each(mask_value),
        Value::Null | Value::Bool(_) => {}
    }
}

//! Reading one complaint: everything that needs no memory of others.

use std::hash::{Hash as _, Hasher as _};
use std::sync::Arc;

use crate::entity::{self, EntityMention, MentionSource};
use crate::group::{Company, Grams, Reading};
use crate::model::{
    CallerKeys, Complaint, ContentHash, KeptReading, PlaceFields, PlaceMention, RiskHit, Where,
};
use crate::place::Places;
use crate::rules::{About, RulePack};
use crate::text::{Segmenter, normalise};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rustc_hash::FxHasher;

use super::headline::headline;
use super::privacy::hide_personal_data;
use super::{CallerHasher, claims};

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
    /// The zone in which a complaint's time is a day, for exceptions that end.
    pub zone: TimeZone,
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
    pub grams: Grams,
    /// The places it names.
    pub places: Vec<PlaceMention>,
    /// What it is compared by.
    pub reading: Reading,
    /// The same, written down for the store; see [`Preparer::keep_reading`].
    pub kept: Option<KeptReading>,
    /// The risk rules it meets, strongest first.
    pub risks: Vec<RiskHit>,
}

/// Reads complaints. Stateless: call it from as many threads as there are.
#[derive(Debug, Clone)]
pub struct Preparer {
    knowledge: Knowledge,
    hasher: CallerHasher,
    reading_version: u64,
}

/// Something of all that is read in complaints.
const SAMPLES: [&str; 6] = [
    "展览路街道百万庄大街11号院云栖雅苑2期3栋烟道漏烟，物业三年不管",
    "地铁6号线车公庄站C口电梯停用，白云路小学门口堵车，5路公交车不停",
    "金穗理财网(北京)有限公司的“金穗宝”到期不兑付，年化18%，一百多人投诉",
    "阜外医院旁边的悦动健身房突然关门，办了两年卡，退费找不到人",
    "我们是德胜里社区的居民，楼下歌舞厅夜里噪音大，打12345也没用！！",
    "A市A5区青石湾城一期漏水，第三小学的路灯坏了，希望有关部门尽快解决",
];

impl Preparer {
    /// With this knowledge and this secret for callers.
    pub fn new(knowledge: Knowledge, hasher: CallerHasher) -> Self {
        let reading_version = knowledge.reading_version();
        Self { knowledge, hasher, reading_version }
    }

    /// The same with other knowledge.
    #[must_use]
    pub fn with(&self, knowledge: Knowledge) -> Self {
        Self::new(knowledge, self.hasher.clone())
    }

    /// What it knows.
    pub fn knowledge(&self) -> &Knowledge {
        &self.knowledge
    }

    /// Reads a complaint as it came from a source.
    pub fn prepare(&self, mut complaint: Complaint, content: ContentHash) -> Prepared {
        let callers = self.hasher.keys(&complaint.caller);
        hide_personal_data(&mut complaint);
        self.read(Arc::new(complaint), callers, content, None)
    }

    /// Reads a stored complaint again: its numbers are masked already and its caller is hashed.
    pub fn prepare_stored(
        &self,
        complaint: Arc<Complaint>,
        callers: CallerKeys,
        content: ContentHash,
    ) -> Prepared {
        self.read(complaint, callers, content, None)
    }

    /// Writes down what was read, for the store.
    pub fn keep_reading(&self, prepared: &mut Prepared) {
        let bytes = prepared.reading.to_bytes().into();
        prepared.kept = Some(KeptReading { version: self.reading_version, bytes });
    }

    /// Under what a complaint's words and places are read: the program, the dictionary and the gazetteer.
    /// Readings of one version can be compared, those of two cannot. Rules do not count: whom a complaint
    /// accuses stays as it was when it came.
    pub fn reading_version(&self) -> u64 {
        self.reading_version
    }

    /// The same, with the risk rules that it was found to meet when it came: an engine that is put back
    /// stands where it stood, whatever the rules say by now.
    pub fn prepare_decided(
        &self,
        complaint: Arc<Complaint>,
        callers: CallerKeys,
        content: ContentHash,
        risks: &[RiskHit],
    ) -> Prepared {
        self.read(complaint, callers, content, Some(risks))
    }

    fn read(
        &self,
        complaint: Arc<Complaint>,
        callers: CallerKeys,
        content: ContentHash,
        decided: Option<&[RiskHit]>,
    ) -> Prepared {
        let Knowledge { segmenter: _, places, pack, title_weight, zone } = &self.knowledge;
        let title = normalise(&complaint.title);
        let text = normalise(&complaint.text);
        let grams = Grams::read(&title, &text, *title_weight);
        let places = places.read(&complaint.place, &title, &text);
        let mut risks = decided.map_or_else(
            || {
                let mut risks = pack.hits(&complaint, &title, &text);
                claims::note(&mut risks, &title, &text);
                risks
            },
            <[RiskHit]>::to_vec,
        );
        // Without a risk only whom the title or the field names is what the complaint is about.
        let nothing = normalise("");
        let heard = if risks.is_empty() { &nothing } else { &text };
        let mentions = entity::mentions(&complaint, &title, heard);
        let company = accused(&risks, &mentions);
        if decided.is_none() {
            let best = mentions.into_iter().next();
            if let Some(best) = &best {
                name_entity(&mut risks, best);
            }
            let is_entity = |name: &str| best.as_ref().is_some_and(|best| entity::is_named(&best.name, name));
            let about = About { complaint: &complaint, zone, is_entity: &is_entity };
            pack.suppress(&mut risks, &title, &text, &about);
        }
        let (at, line) = (complaint.received_at, headline(&complaint));
        let reading = Reading::new(at, &grams, &places, &complaint.category, company, &line);
        Prepared { complaint, callers, content, grams, places, reading, kept: None, risks }
    }
}

impl Knowledge {
    fn reading_version(&self) -> u64 {
        let Self { segmenter, places, pack: _, title_weight, zone: _ } = self;
        let mut hasher = FxHasher::default();
        (env!("CARGO_PKG_VERSION"), segmenter.fingerprint(), places.fingerprint(), title_weight)
            .hash(&mut hasher);
        // A change of the program shows in what it makes of these.
        for text in SAMPLES {
            let text = normalise(text);
            let words = Grams::read(&text, &text, *title_weight);
            let places = places.read(&PlaceFields::default(), &text, &text);
            let company = Company::new(["F01"].into_iter(), [(text.text(), true)].into_iter());
            let reading =
                Reading::new(Timestamp::UNIX_EPOCH, &words, &places, &[], company.map(Arc::new), text.text());
            reading.to_bytes().hash(&mut hasher);
        }
        hasher.finish()
    }
}

/// Says of each hit which company or scheme it is about: the best mention of the complaint.
fn name_entity(risks: &mut [RiskHit], best: &EntityMention) {
    for hit in risks {
        hit.entity = Some(best.name.clone());
        hit.entity_span = best.span;
    }
}

/// Whom the complaint accuses. Of a text, words for a trade that may be a name are not sure enough.
fn accused(risks: &[RiskHit], mentions: &[EntityMention]) -> Option<Arc<Company>> {
    let in_title = |mention: &EntityMention| mention.span.is_none_or(|span| span.field != Where::Text);
    let sure = |mention: &&EntityMention| mention.source < MentionSource::Trade || in_title(mention);
    let names = mentions.iter().filter(sure).map(|mention| (mention.name.as_str(), in_title(mention)));
    Company::new(risks.iter().map(|hit| hit.rule.as_str()), names).map(Arc::new)
}

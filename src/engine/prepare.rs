//! Reading one complaint: everything that needs no memory of others.

use std::borrow::Cow;
use std::hash::{Hash as _, Hasher as _};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rustc_hash::FxHasher;
use serde_json::{Map, Value};

use crate::entity::{self, EntityMention, MentionSource};
use crate::group::{Company, Grams, Reading};
use crate::model::{
    CallerKeys, Complaint, ContentHash, KeptReading, PlaceFields, PlaceMention, ReportedCaller, RiskHit,
    Where,
};
use crate::place::Places;
use crate::rules::{About, RulePack};
use crate::text::{Segmenter, mask_personal, mask_phone, normalise};

use super::headline::headline;
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

/// Masks personal numbers wherever the event carries them. In `title`, `text` and `subject` the byte
/// length stays, so that spans point at the same words before and after.
///
/// Everything is taken apart by name, so that a new field cannot be forgotten here.
fn hide_personal_data(complaint: &mut Complaint) {
    let Complaint {
        // The key by which repeats, updates, answers and people find the complaint. A number made of
        // a region, a date and a count has the form of an id-card number, and two masked ids would be
        // one complaint: so it stays as it is, and docs/feeding-data.md says what must not be in it.
        id: _,
        received_at: _,
        channel,
        caller: ReportedCaller { id: account, phone, also, extra: caller_extra },
        title,
        text,
        place: PlaceFields { district, street, community, address, lon: _, lat: _, extra: place_extra },
        category,
        subject,
        tags,
        // Keys of other complaints, as `id` is.
        earlier: _,
        extra,
    } = complaint;
    for text in [title, text] {
        mask(text);
    }
    for field in [channel, account, district, street, community, address, subject] {
        field.iter_mut().for_each(mask);
    }
    for list in [category, tags] {
        list.iter_mut().for_each(mask);
    }
    for phone in phone.iter_mut().chain(also) {
        *phone = mask_phone(phone);
    }
    for fields in [extra, caller_extra, place_extra] {
        mask_fields(fields);
    }
}

fn mask(text: &mut String) {
    if let Cow::Owned(masked) = mask_personal(text) {
        *text = masked;
    }
}

/// Masks the names and values of fields that we do not know.
fn mask_fields(fields: &mut Map<String, Value>) {
    for (name, value) in fields.iter_mut() {
        mask_value(value, names_a_phone(name));
    }
    if fields.keys().all(|name| matches!(mask_personal(name), Cow::Borrowed(_))) {
        return;
    }
    for (name, value) in std::mem::take(fields) {
        let masked = mask_personal(&name).into_owned();
        // Two numbers may look alike once they are masked; no value is given up for that.
        let mut unique = masked.clone();
        let mut count = 1;
        while fields.contains_key(&unique) {
            count += 1;
            unique = format!("{masked}#{count}");
        }
        fields.insert(unique, value);
    }
}

/// Whether what a field of this name holds is a phone number, also where its form does not say so.
fn names_a_phone(name: &str) -> bool {
    let name = name.to_lowercase();
    ["电话", "電話", "手机", "手機", "座机", "固话", "号码", "phone", "mobile", "tel"]
        .iter()
        .any(|word| name.contains(word))
}

fn mask_value(value: &mut Value, is_phone: bool) {
    /// Tells the masking of a bare landline number what it is.
    const PHONE: &str = "电话";
    match value {
        // A landline number alone may have the form of a date.
        Value::String(text) if is_phone && is_bare_number(text) => *text = mask_phone(text),
        Value::String(text) if is_phone => {
            if let Cow::Owned(masked) = mask_personal(&format!("{PHONE}{text}")) {
                masked[PHONE.len()..].clone_into(text);
            }
        }
        Value::String(text) => mask(text),
        Value::Number(number) => {
            // A telephone number may have been written as a number.
            let mut text = Value::String(number.to_string());
            mask_value(&mut text, is_phone);
            if text.as_str() != Some(&number.to_string()) {
                *value = text;
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| mask_value(value, is_phone)),
        Value::Object(fields) => mask_fields(fields),
        Value::Null | Value::Bool(_) => {}
    }
}

/// Whether there is nothing but a number long enough to reach somebody.
fn is_bare_number(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    digits >= 7 && text.chars().all(|c| c.is_ascii_digit() || " -+()".contains(c))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// An event with these words in every field that holds words, known or not, names included.
    fn planted(said: &str) -> Value {
        json!({
            "received_at": "2026-03-01T08:00:00+08:00",
            "channel": said, "title": said, "text": said, "subject": said,
            "category": [said, format!("供暖 {said}")], "tags": [said],
            "caller": { "id": said, "phone": said, "also": [said], "note": said, said: said },
            "place": {
                "district": said, "street": said, "community": said, "address": said,
                "gate": said, said: said,
            },
            "more": { "deep": [[said], { said: said, "again": [{ said: 1 }] }] },
            said: said,
        })
    }

    fn prepared(event: &Value) -> String {
        let complaint: Complaint = serde_json::from_value(event.clone()).unwrap();
        let prepared = crate::engine::tests::PREPARER.prepare(complaint, ContentHash(1));
        let read = format!("{:?} {:?} {:?}", prepared.places, prepared.reading, prepared.risks);
        serde_json::to_string(&prepared.complaint).unwrap() + &read
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn no_personal_number_gets_past_any_field(
            phone in "1[3-9][0-9]{9}",
            area in "0(10|21|755)[2-8][0-9]{7}",
            person in "(110102|440305)19[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|1[0-9]|2[0-8])[0-9]{3}[0-9X]",
            card in "62[0-9]{17}",
            before in "(|打|联系人王女士，|小区 )", after in "(|。|，谢谢| 转告)",
        ) {
            for number in [&phone, &area, &person, &card] {
                let mut event = planted(&format!("{before}{number}{after}"));
                event["id"] = "W1".into();
                let shown = prepared(&event);
                prop_assert!(!shown.contains(number.as_str()), "{number} in {shown}");
            }
        }

        #[test]
        fn nor_as_a_number(phone in 13_000_000_000_u64..20_000_000_000, local in 20_000_000_u64..90_000_000) {
            let event = json!({
                "id": "W1", "received_at": "2026-03-01T08:00:00+08:00", "title": "停水",
                "one": phone, "list": [phone, { "deep": phone }], "exact": phone as f64,
                "caller": { "account": phone, "second_phone": local, "座机": local.to_string() },
                "place": { "door": phone },
            });
            let shown = prepared(&event);
            prop_assert!(!shown.contains(&phone.to_string()), "{phone} in {shown}");
            prop_assert!(!shown.contains(&local.to_string()), "{local} in {shown}");
        }
    }

    #[test]
    fn what_is_no_personal_number_stays_and_nothing_is_lost() {
        let mut fields = json!({
            "13812345678": 1, "13899995678": 2, "138****5678": 3, "number": 12345, "built": 1998.5, "ok": true,
            "phone": "不详", "work_order": "20260228-001234", "tel": "20130301", "座机": "66012345转801",
        });
        let Value::Object(map) = &mut fields else { unreachable!() };
        mask_fields(map);
        insta::assert_json_snapshot!(fields, @r#"
        {
          "138****5678": 1,
          "138****5678#2": 2,
          "138****5678#3": 3,
          "number": 12345,
          "built": 1998.5,
          "ok": true,
          "phone": "不详",
          "work_order": "20260228-001234",
          "tel": "****0301",
          "座机": "****2345转801"
        }
        "#);
    }

    #[test]
    fn the_id_stays_the_key_that_it_is() {
        let event = json!({
            "id": "110102202603010012", "received_at": "2026-03-01T08:00:00+08:00", "title": "停水",
        });
        assert!(prepared(&event).contains(r#""id":"110102202603010012""#));
    }
}

//! Hiding personal numbers: nothing behind this sees one.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::model::{Complaint, PlaceFields, ReportedCaller};
use crate::text::{mask_personal, mask_phone};

/// Masks personal numbers wherever the event carries them. In `title`, `text` and `subject` the byte
/// length stays, so that spans point at the same words before and after.
///
/// Everything is taken apart by name, so that a new field cannot be forgotten here.
pub(super) fn hide_personal_data(complaint: &mut Complaint) {
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
    use crate::model::ContentHash;

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

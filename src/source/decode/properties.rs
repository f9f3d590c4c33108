//! What holds for every event.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::tests::{decoder, now};

/// A text without control characters, which decoding takes out.
fn plain() -> impl Strategy<Value = String> {
    "[ -~\\n\\t一-龥，。😀]{0,40}"
}

/// A short text as decoding leaves it.
fn short() -> impl Strategy<Value = String> {
    "[!-~一-龥]([ -~一-龥😀]{0,10}[!-~一-龥])?"
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1e15..1e15_f64).prop_map(|x| json!((x * 1e3).round() / 1e3)),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn extra() -> impl Strategy<Value = Map<String, Value>> {
    proptest::collection::btree_map("x_[a-z ]{0,3}", any_value(), 0..3)
        .prop_map(|map| map.into_iter().collect())
}

/// A valid event as its sender may write it.
fn event() -> impl Strategy<Value = Map<String, Value>> {
    let optional = || proptest::option::of(short());
    let seconds = 946_656_000_i64..1_772_323_200;
    (
        (short(), seconds, plain(), plain().prop_map(|text| text + "。")),
        (optional(), optional(), optional(), proptest::collection::vec(short(), 0..3), extra()),
        (optional(), optional(), proptest::option::of((-180.0..180.0_f64, -90.0..90.0_f64)), extra()),
        (
            proptest::collection::vec(short(), 0..3),
            optional(),
            proptest::collection::vec(short(), 0..2),
            extra(),
        ),
    )
        .prop_map(|((id, seconds, title, text), caller, place, rest)| {
            let at = jiff::Timestamp::from_second(seconds).unwrap();
            let mut event = Map::new();
            event.insert("id".into(), id.into());
            event.insert("received_at".into(), at.to_string().into());
            event.insert("title".into(), title.into());
            event.insert("text".into(), text.into());
            let (channel, caller_id, phone, also, caller_extra) = caller;
            event.insert("channel".into(), json!(channel));
            let mut caller = json!({"id": caller_id, "phone": phone, "also": also});
            caller.as_object_mut().unwrap().extend(caller_extra);
            event.insert("caller".into(), caller);
            let (street, address, degrees, place_extra) = place;
            let (lon, lat) = degrees.unzip();
            let mut place = json!({"street": street, "address": address, "lon": lon, "lat": lat});
            place.as_object_mut().unwrap().extend(place_extra);
            event.insert("place".into(), place);
            let (category, subject, tags, unknown) = rest;
            event.insert("category".into(), json!(category));
            event.insert("subject".into(), json!(subject));
            event.insert("tags".into(), json!(tags));
            event.extend(unknown);
            event
        })
}

/// What a written event must decode to: missing instead of `null` for what we know, and empty
/// lists and objects left out.
fn expected(event: &Map<String, Value>) -> Value {
    let mut event = event.clone();
    for part in ["caller", "place"] {
        let members = event[part].as_object_mut().unwrap();
        members.retain(|key, value| key.starts_with("x_") || !(value.is_null() || *value == json!([])));
    }
    event.retain(|key, value| {
        key.starts_with("x_")
            || !(value.is_null() || *value == json!([]) || *value == json!({}) || *value == json!(""))
    });
    event.into()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = decoder().decode(&bytes, now());
    }

    #[test]
    fn damaged_events_never_panic_and_details_are_one_line(
        event in event(), cuts in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = serde_json::to_vec(&event).unwrap();
        for (index, byte) in cuts {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        if let Err(error) = decoder().decode(&bytes, now()) {
            prop_assert!(!error.detail.is_empty() && !error.detail.contains('\n'));
        }
        bytes.truncate(bytes.len() / 2);
        prop_assert!(decoder().decode(&bytes, now()).is_err(), "half an event is none");
    }

    #[test]
    fn an_event_decodes_to_what_was_written(event in event()) {
        let decoded = decoder().decode(&serde_json::to_vec(&event).unwrap(), now()).unwrap();
        prop_assert_eq!(serde_json::to_value(&decoded.complaint).unwrap(), expected(&event));
    }

    #[test]
    fn encoding_and_decoding_again_changes_nothing(event in event()) {
        let first = decoder().decode(&serde_json::to_vec(&event).unwrap(), now()).unwrap();
        let encoded = serde_json::to_vec(&first.complaint).unwrap();
        let again = decoder().decode(&encoded, now()).unwrap();
        prop_assert_eq!(&again, &first);
        // The store reads complaints with serde, not with this decoder.
        let stored: crate::model::Complaint = serde_json::from_slice(&encoded).unwrap();
        prop_assert_eq!(stored, first.complaint);
    }

    #[test]
    fn the_order_of_keys_does_not_count(event in event()) {
        let first = decoder().decode(&serde_json::to_vec(&event).unwrap(), now()).unwrap();
        let turned: Map<String, Value> = event.into_iter().rev().collect();
        let turned = decoder().decode(&serde_json::to_vec_pretty(&turned).unwrap(), now()).unwrap();
        prop_assert_eq!(first.content, turned.content);
    }

    #[test]
    fn any_text_is_read_or_refused_as_a_time(text in "[0-9TZ:+年月日/. -]{0,24}") {
        let zone = jiff::tz::TimeZone::get("Asia/Shanghai").unwrap();
        let _ = super::time::read(&text, &zone);
    }
}

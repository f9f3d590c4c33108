use std::fmt::Write as _;

use jiff::Timestamp;
use serde_json::json;

use super::*;
use crate::model::DeadReason;

pub(super) fn now() -> Timestamp {
    "2026-03-01T00:00:00Z".parse().unwrap()
}

pub(super) fn decoder() -> Decoder {
    Decoder::new(DecodeConfig::default()).unwrap()
}

fn decode(event: &str) -> Decoded {
    decoder().decode(event.as_bytes(), now()).unwrap()
}

fn refused(bytes: &[u8]) -> Undecodable {
    decoder().decode(bytes, now()).unwrap_err()
}

/// An event with one member put in or changed.
fn with(change: &str) -> String {
    format!(r#"{{"id":"1","received_at":"2026-02-28T11:25:05+08:00","text":"漏水",{change}}}"#)
}

const FULL: &str = r#"{"id":"20260228-001234","received_at":"2026-02-28T11:25:05+08:00","channel":"12345",
 "caller":{"id":"A000102948","phone":"13800000000","also":["A1",17]," vip":true},
 "title":"供暖不热","text":"三天了\n没人管",
 "place":{"district":"西城区","street":"展览路街道","community":"百万庄社区","address":"1号楼","lon":116.33,"lat":39.93,"grid":7},
 "category":["城乡建设","安全生产"],"subject":"某公司","tags":["急"],"urgent":{"level":2,"by":null}}"#;

#[test]
fn a_full_event() {
    let complaint = decode(FULL).complaint;
    assert_eq!(complaint.received_at, "2026-02-28T03:25:05Z".parse().unwrap());
    assert_eq!(complaint.caller.also, ["A1", "17"]);
    insta::assert_snapshot!(serde_json::to_string(&complaint).unwrap(), @r#"{"id":"20260228-001234","received_at":"2026-02-28T03:25:05Z","channel":"12345","caller":{"id":"A000102948","phone":"13800000000","also":["A1","17"]," vip":true},"title":"供暖不热","text":"三天了\n没人管","place":{"district":"西城区","street":"展览路街道","community":"百万庄社区","address":"1号楼","lon":116.33,"lat":39.93,"grid":7},"category":["城乡建设","安全生产"],"subject":"某公司","tags":["急"],"urgent":{"level":2,"by":null}}"#);
}

#[test]
fn forms_that_are_forgiven() {
    let id = |id: &str| {
        let event = format!(r#"{{"id":{id},"received_at":1772249105,"text":"x"}}"#);
        decode(&event).complaint.id.to_string()
    };
    assert_eq!(id("20260228112505001234"), "20260228112505001234", "no double holds this");
    assert_eq!(id("\" 　GD-7 \""), "GD-7");
    assert_eq!(id("7.0"), "7");

    let bom = format!("\u{feff}\r\n {} \n", with(r#""tags":null"#));
    assert_eq!(decode(&bom).complaint.tags, Vec::<String>::new());
    assert_eq!(decode(&with(r#""text":"第一","text":"第二""#)).complaint.text, "第二", "the last counts");
    let earlier = decode(&with(r#""earlier":["A1",17]"#));
    assert_eq!(earlier.complaint.earlier, ["A1", "17"]);
    assert_ne!(earlier.content, decode(&with(r#""earlier":["A1"]"#)).content);
    assert_eq!(decode(&with(r#""earlier":null"#)).content, decode(&with(r#""tags":[]"#)).content);
    let blank =
        decode(&with(r#""channel":" ","subject":"","caller":{"phone":""},"tags":[null," "],"place":null"#));
    assert_eq!(blank.content, decode(&with(r#""place":{}"#)).content, "blank is missing");
    let noisy = decode(&with(r#""title":"a\u0000b\u0007\r\n\tc""#));
    assert_eq!(noisy.complaint.title, "ab\n\tc");
    assert_eq!(
        decode(&with(r#""caller":{"phone":13800000000.0}"#)).complaint.caller.phone.unwrap(),
        "13800000000"
    );
}

#[test]
fn a_bad_coordinate_is_put_aside() {
    let place = decode(&with(r#""place":{"street":"大街","lon":-999,"lat":"三十九"}"#)).complaint.place;
    assert_eq!((place.lon, place.lat, place.street.as_deref()), (None, None, Some("大街")));
    assert_eq!(serde_json::Value::Object(place.extra), json!({"invalid_lon": -999, "invalid_lat": "三十九"}));
    let place = decode(&with(r#""place":{"lon":" 116.5 ","lat":null}"#)).complaint.place;
    assert_eq!((place.lon, place.lat), (Some(116.5), None));
}

#[test]
fn unknown_numbers_keep_their_digits() {
    let extra = decode(&with(r#""a":12345678901234567890123,"b":[1e999,1.50,-3,0.1234567890123456789,0.0]"#))
        .complaint
        .extra;
    let expected = json!({
        "a": "12345678901234567890123",
        "b": ["1e999", 1.5, -3, "0.1234567890123456789", 0.0]
    });
    assert_eq!(serde_json::Value::Object(extra), expected);
}

#[test]
fn the_hash_sees_values_and_not_their_order() {
    let one = decode(FULL).content;
    let members: serde_json::Map<_, _> = serde_json::from_str(FULL).unwrap();
    let turned: serde_json::Map<_, _> = members.into_iter().rev().collect();
    assert_eq!(decode(&serde_json::to_string_pretty(&turned).unwrap()).content, one);

    let mut seen = vec![one];
    for (pointer, other) in [
        ("/id", json!("20260228-001235")),
        ("/received_at", json!("2026-02-28T11:25:05.001+08:00")),
        ("/channel", json!("web")),
        ("/caller/id", json!("A")),
        ("/caller/phone", json!("13800000001")),
        ("/caller/also", json!(["A1"])),
        ("/caller/ vip", json!(false)),
        ("/title", json!("供暖不热。")),
        ("/text", json!("")),
        ("/place/district", json!("东城区")),
        ("/place/street", json!(null)),
        ("/place/community", json!("展览路街道")),
        ("/place/address", json!("2号楼")),
        ("/place/lon", json!(39.93)),
        ("/place/lat", json!(116.33)),
        ("/place/grid", json!("7")),
        ("/category", json!(["城乡建设安全生产"])),
        ("/subject", json!("某公司2")),
        ("/tags", json!(["急", "急"])),
        ("/urgent/level", json!(3)),
        ("/urgent/by", json!(false)),
    ] {
        let mut value: serde_json::Value = serde_json::from_str(FULL).unwrap();
        *value.pointer_mut(pointer).unwrap() = other;
        let content = decode(&value.to_string()).content;
        assert!(!seen.contains(&content), "{pointer}");
        seen.push(content);
    }
}

/// Stored hashes are compared with new ones, so they must not change by accident.
#[test]
fn the_hash_is_the_same_in_every_version() {
    insta::assert_snapshot!(format!("{:016x}", decode(FULL).content.0), @"a49e783bc5fadcf8");
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn every_bad_input_has_its_reason_and_one_sentence() {
    let deep = format!(
        "{{\"id\":\"1\",\"received_at\":1772249105,\"text\":\"x\",\"a\":{}1{}}}",
        "[".repeat(16),
        "]".repeat(16)
    );
    let abyss = format!("{{\"a\":{}", "{\"a\":[".repeat(100_000));
    let floor = with(&format!(r#""a":{}{}"#, "[".repeat(30_000), "]".repeat(30_000)));
    let huge = format!(r#"{{"id":"1","text":"{}"}}"#, "x".repeat(50 << 20));
    let long = with(&format!(r#""title":"{}""#, "长".repeat(100_000)));
    let attached = with(&format!(r#""photo":"{}""#, "A".repeat(70_000)));
    let long_id = format!(r#"{{"id":"{}","received_at":1772249105,"text":"x"}}"#, "7".repeat(129));
    let at = |time: &str| format!(r#"{{"id":"1","received_at":{time},"text":"x"}}"#);
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("an empty line", b"".to_vec()),
        ("white space", b" \r\n".to_vec()),
        ("truncated", br#"{"id":"1","received_at":"2026-02-28T11"#.to_vec()),
        ("not JSON", "工单,2026".as_bytes().to_vec()),
        ("two events on a line", br#"{"id":"1"} {"id":"2"}"#.to_vec()),
        ("a raw line break in a text", b"{\"text\":\"a\nb\"}".to_vec()),
        ("half a surrogate pair", with(r#""title":"\ud83d""#).into()),
        ("half a surrogate pair in a key", with(r#""\ud83d":1"#).into()),
        ("GBK", b"{\"id\":\"\xb9\xa4\xb5\xa5\"}".to_vec()),
        ("50 MB", huge.into()),
        ("a long title", long.into()),
        ("an attachment", attached.into()),
        ("deep", deep.into()),
        ("an abyss", abyss.into()),
        ("an abyss with a floor", floor.into()),
        ("an abyss at the top", format!("{}{}", "[".repeat(500_000), "]".repeat(500_000)).into()),
        ("an array", br#"[{"id":"1"}]"#.to_vec()),
        ("a text", br#""id""#.to_vec()),
        ("no id", br#"{"received_at":1772249105,"text":"x"}"#.to_vec()),
        ("a blank id", br#"{"id":" ","received_at":1772249105,"text":"x"}"#.to_vec()),
        ("a negative id", br#"{"id":-7,"received_at":1772249105,"text":"x"}"#.to_vec()),
        ("a list for an id", br#"{"id":["1"],"received_at":1772249105,"text":"x"}"#.to_vec()),
        ("a long id", long_id.into()),
        (
            "a control character in the id",
            br#"{"id":"a\u0000b","received_at":1772249105,"text":"x"}"#.to_vec(),
        ),
        ("no time", br#"{"id":"1","text":"x"}"#.to_vec()),
        ("a bad time", at("\"yesterday at 13800000000\"").into()),
        ("no such day", at("\"2026-02-30 11:25:05\"").into()),
        ("an object for a time", at("{}").into()),
        ("year 9999", at("\"9999-12-31T23:59:59+08:00\"").into()),
        ("an hour and a second ahead", at("\"2026-03-01T01:00:01Z\"").into()),
        ("a negative time", at("-1").into()),
        ("1999", at("\"1999/12/31 23:59:59\"").into()),
        ("no text", br#"{"id":"1","received_at":1772249105,"title":" ","text":null}"#.to_vec()),
        ("a number for a text", with(r#""title":5"#).into()),
        ("a number for a subject", with(r#""subject":5"#).into()),
        ("a negative phone", with(r#""caller":{"phone":-13800000000}"#).into()),
        ("an object among phones", with(r#""caller":{"also":["1",{}]}"#).into()),
        ("a text for a caller", with(r#""caller":"王""#).into()),
        ("a text for a place", with(r#""place":"展览路""#).into()),
        ("a text for a category", with(r#""category":"城建""#).into()),
        ("a number for a tag", with(r#""tags":["急",1]"#).into()),
    ];
    let mut table = String::new();
    for (what, bytes) in cases {
        let Undecodable { reason, detail } = refused(&bytes);
        assert!(!detail.contains('\n') && detail.chars().count() < 200, "{detail}");
        writeln!(table, "{what}: {reason}: {detail}").unwrap();
    }
    for reason in DeadReason::ALL {
        let from_elsewhere =
            matches!(reason, DeadReason::InvalidRow | DeadReason::ProgramFault | DeadReason::Rejected);
        assert!(from_elsewhere || table.contains(&format!(": {reason}: ")), "{reason}");
    }
    insta::assert_snapshot!(table, @r#"
    an empty line: invalid_json: the event is empty; send one JSON object for each complaint
    white space: invalid_json: the event is empty; send one JSON object for each complaint
    truncated: invalid_json: the event is cut short at line 1 column 38; send it whole, on one line
    not JSON: invalid_json: the event is not JSON: expected value at line 1 column 1; check how the sender writes quotes and line breaks
    two events on a line: invalid_json: the event is not JSON: trailing characters at line 1 column 12; check how the sender writes quotes and line breaks
    a raw line break in a text: invalid_json: the event is not JSON: control character (\u0000-\u001F) found while parsing a string at line 2 column 0; check how the sender writes quotes and line breaks
    half a surrogate pair: invalid_json: the event is not JSON: unexpected end of hex escape at line 1 column 84; check how the sender writes quotes and line breaks
    half a surrogate pair in a key: invalid_json: the event is not JSON: unexpected end of hex escape at line 1 column 76; check how the sender writes quotes and line breaks
    GBK: invalid_encoding: byte 8 of the event (0xB9) is not UTF-8; send UTF-8, converting from GBK or GB 18030 first
    50 MB: too_large: the event has 52428820 bytes, more than the limit of 1048576; send attachments apart, or raise `decode.max_bytes`
    a long title: too_large: `title` has 300000 bytes, more than the limit of 262144; shorten it, or raise `decode.max_text_bytes`
    an attachment: too_large: the unknown fields, up to `photo`, have more than 65536 bytes; send attachments apart, or raise `decode.max_extra_bytes`
    deep: too_deep: `a` is nested deeper than 16 levels; send it flatter
    an abyss: invalid_json: the event is cut short at line 1 column 600005; send it whole, on one line
    an abyss with a floor: too_deep: `a` is nested deeper than 16 levels; send it flatter
    an abyss at the top: invalid_field: the event is a list; send its members as events of their own, one a line
    an array: invalid_field: the event is a list; send its members as events of their own, one a line
    a text: invalid_field: the event is a text; an event is a JSON object with `id`, `received_at` and `title` or `text`
    no id: missing_field: `id` is missing; every event needs its work order's number
    a blank id: missing_field: `id` is missing; every event needs its work order's number
    a negative id: invalid_field: `id` is the number -7; give the work order's number as a text or a whole number
    a list for an id: invalid_field: `id` is a list; give the work order's number as a text or a whole number
    a long id: invalid_field: `id` is a text of 129 bytes; an id has at most 128 bytes
    a control character in the id: invalid_field: `id` is "a\u{0}b", with a control character in it; send it without
    no time: missing_field: `received_at` is missing; every event needs the time at which the hotline took it
    a bad time: invalid_time: `received_at` is "yesterday at ***********", no time that we can read; give a time like 2026-02-28T11:25:05+08:00
    no such day: invalid_time: `received_at` is "2026-02-30 11:25:05", a time that the calendar does not have; give a time like 2026-02-28T11:25:05+08:00
    an object for a time: invalid_field: `received_at` is an object; give a time like 2026-02-28T11:25:05+08:00
    year 9999: time_out_of_range: `received_at` is "9999-12-31T23:59:59+08:00", a time in the future; check the sender's clock, and its zone (without an offset, a time is read as Asia/Shanghai)
    an hour and a second ahead: time_out_of_range: `received_at` is "2026-03-01T01:00:01Z", a time in the future; check the sender's clock, and its zone (without an offset, a time is read as Asia/Shanghai)
    a negative time: time_out_of_range: `received_at` is "-1", before the year 2000; check the sender, or lower `decode.earliest_year`
    1999: time_out_of_range: `received_at` is "1999/12/31 23:59:59", before the year 2000; check the sender, or lower `decode.earliest_year`
    no text: missing_field: `title` and `text` are both missing or empty; an event needs one of them
    a number for a text: invalid_field: `title` is a number; give it as a text
    a number for a subject: invalid_field: `subject` is a number; give it as a text, or leave it out
    a negative phone: invalid_field: `caller.phone` is a number that is not whole or is negative; give it as a text or a whole number, or leave it out
    an object among phones: invalid_field: a member of `caller.also` is an object; give it as a text or a whole number, or leave it out
    a text for a caller: invalid_field: `caller` is a text; give it as an object with `id` or `phone`, or leave it out
    a text for a place: invalid_field: `place` is a text; give it as an object (free words go into `place.address`), or leave it out
    a text for a category: invalid_field: `category` is a text; give it as a list of texts, or leave it out
    a number for a tag: invalid_field: a member of `tags` is a number; give it as a text, or leave it out
    "#);
}

#[test]
fn limits_are_exact() {
    let nested = |levels: usize| with(&format!(r#""a":{}{}"#, "[".repeat(levels), "]".repeat(levels)));
    assert!(decoder().decode(nested(15).as_bytes(), now()).is_ok());
    assert_eq!(refused(nested(16).as_bytes()).reason, DeadReason::TooDeep);
    let in_caller = with(&format!(r#""caller":{{"a":{}{}}}"#, "[".repeat(15), "]".repeat(15)));
    assert_eq!(refused(in_caller.as_bytes()).reason, DeadReason::TooDeep);
    let event = at_end_of_day();
    let small =
        Decoder::new(DecodeConfig { max_bytes: event.len().max(1024), ..Default::default() }).unwrap();
    assert!(small.decode(event.as_bytes(), now()).is_ok());
    assert_eq!(small.decode(format!("{event} ").as_bytes(), now()).unwrap_err().reason, DeadReason::TooLarge);
}

fn at_end_of_day() -> String {
    with(&format!(r#""received_at":"2026-03-01 09:00:00","title":"{}""#, "x".repeat(1024)))
}

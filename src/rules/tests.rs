//! The shipped pack against its own texts, the messages for writers of rules, and what hits promise.

use proptest::prelude::*;

use super::*;
use crate::model::{ComplaintId, PlaceFields, ReportedCaller, Where};
use crate::text::normalise;

mod analysts;
mod exceptions;
mod overlays;

fn complaint(title: &str, text: &str) -> Complaint {
    Complaint {
        id: ComplaintId::from("1"),
        received_at: jiff::Timestamp::UNIX_EPOCH,
        channel: None,
        caller: ReportedCaller::default(),
        title: title.to_owned(),
        text: text.to_owned(),
        place: PlaceFields::default(),
        category: Vec::new(),
        subject: None,
        tags: Vec::new(),
        earlier: Vec::new(),
        extra: serde_json::Map::new(),
    }
}

fn hits(pack: &RulePack, complaint: &Complaint) -> Vec<RiskHit> {
    pack.hits(complaint, &normalise(&complaint.title), &normalise(&complaint.text))
}

/// A small pack; `extra` stands under its only rule, `head` before the rules.
fn pack_text(head: &str, extra: &str) -> String {
    format!(
        "groups:
  flight: {{title: 失联, terms: [跑路, 失联]}}
  shop: {{title: 商户, terms: [健身房, 美容院]}}
{head}
rules:
  - id: T01
    title: 试验
    category: 试验
    status: stable
    version: 3
    owner: 测试
    strong: [{{weight: 50, terms: [非法集资, 退卡难]}}]
    weak: [{{weight: 12, terms: [办卡, 年卡]}}]
    context: {{flight: 15}}
    tests: {{must_fire: [非法集资的公司跑路], must_not_fire: [办卡很方便]}}
{extra}"
    )
}

fn pack(head: &str, extra: &str) -> RulePack {
    RulePack::from_texts([("t.yaml", pack_text(head, extra).as_str())]).unwrap()
}

fn refused(head: &str, extra: &str) -> String {
    RulePack::from_texts([("t.yaml", pack_text(head, extra).as_str())]).unwrap_err().to_string()
}

#[test]
fn the_shipped_pack_passes_its_own_tests() {
    let report = RulePack::builtin().run_tests();
    let failures: Vec<String> = report.failures.iter().map(ToString::to_string).collect();
    assert!(failures.is_empty(), "{} of {} texts:\n{}", failures.len(), report.run, failures.join("\n"));
}

#[test]
fn the_shipped_pack_passes_a_strict_check() {
    let warnings = RuleFiles::builtin().warnings().unwrap();
    let lines: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "{}", lines.join("\n"));
}

#[test]
fn each_shipped_rule_has_three_texts_of_both_kinds() {
    let pack = RulePack::builtin();
    assert_eq!(pack.rules().len(), 20);
    for rule in &pack.compiled.rules {
        assert!(rule.must_fire.len() >= 3 && rule.must_not_fire.len() >= 3, "{}", rule.info.id);
    }
}

#[test]
fn the_folder_and_the_build_hold_the_same_pack() {
    let folder =
        RulePack::load(Some(&Path::new(env!("CARGO_MANIFEST_DIR")).join("rules/risk")), None).unwrap();
    assert_eq!(folder.hash(), RulePack::builtin().hash());
    assert_eq!(folder.hash().len(), 16);
}

#[test]
fn the_hash_changes_with_a_rule_and_not_with_line_ends() {
    let text = pack_text("", "");
    let hash = |text: &str| RulePack::from_texts([("t.yaml", text)]).unwrap().hash().to_owned();
    assert_eq!(hash(&text), hash(&text.replace('\n', "\r\n")));
    assert_ne!(hash(&text), hash(&text.replace("weight: 50", "weight: 51")));
}

#[test]
fn a_hit_says_what_made_its_score() {
    let pack = pack("masks: [少跑路]", "");
    let complaint = complaint("", "群众少跑路？健身房办卡后老板 跑 路，涉嫌非法集资，非法集资！");
    let hit = &hits(&pack, &complaint)[0];
    let parts: Vec<String> = hit.parts.iter().map(|part| format!("{} {:+}", part.what, part.score)).collect();
    insta::assert_snapshot!(parts.join("; "), @"strong:非法集资 +50; weak:办卡 +12; context:失联:跑路 +15");
    let words = |spans: &[crate::model::Span]| -> Vec<String> {
        spans.iter().map(|span| complaint.text[span.start as usize..span.end as usize].to_owned()).collect()
    };
    assert_eq!(words(&hit.spans), ["办卡", "跑 路", "非法集资", "非法集资"]);
    assert_eq!(words(&hit.masked), ["少跑路"]);
    assert_eq!((hit.rule.as_str(), hit.rule_version, hit.category.as_str()), ("T01", 3, "试验"));
    assert!(hit.alerts());
}

#[test]
fn only_masks_that_hid_a_word_are_told() {
    let pack = pack("masks: [少跑路, 健身房里]", "    masks: [办卡处, 学校里]");
    let masked = |text: &str| -> Vec<String> {
        let hit = hits(&pack, &complaint("", text)).remove(0);
        hit.masked.iter().map(|span| text[span.start as usize..span.end as usize].to_owned()).collect()
    };
    assert_eq!(masked("学校里的办卡处非法集资"), ["办卡处"]);
    // The rule does not look for shops.
    assert_eq!(masked("健身房里非法集资，学校里也有"), [""; 0]);
}

#[test]
fn lowering_takes_off_and_never_vetoes() {
    let pack = pack(
        "lower:
  - {name: 口号, by: 40, reach: 0, terms: ['re:防范.{0,4}非法集资']}
  - {name: 否认, by: 15, reach: 4, terms: [并非]}
  - {name: 表扬, by: 30, labels: [表扬]}",
        "",
    );
    let score = |text: &str| hits(&pack, &complaint("", text)).first().map(|hit| hit.score);
    assert_eq!(score("公司非法集资，跑路"), Some(65));
    // Below the watch score of 40.
    assert_eq!(score("防范非法集资，跑路"), None);
    // One occurrence stands free, so the slogan takes nothing off.
    assert_eq!(score("防范非法集资宣传后他还在非法集资，跑路"), Some(65));
    assert_eq!(score("并非非法集资，跑路"), Some(50));
    assert_eq!(score("并非如此，就是非法集资，跑路"), Some(65));
    let mut praised = complaint("", "公司非法集资，跑路");
    praised.tags = vec!["表扬".to_owned()];
    assert_eq!(hits(&pack, &praised), []);
}

#[test]
fn groups_near_each_other_are_a_strong_item() {
    let near = "    near: [{weight: 60, groups: [shop, flight], within: 6}]";
    let pack = pack("", near);
    let fired = |title: &str, text: &str| hits(&pack, &complaint(title, text)).iter().any(RiskHit::alerts);
    assert!(fired("", "健身房老板跑路"));
    assert!(fired("", "失联的是那家美容院"));
    assert!(!fired("", "健身房音乐太吵，昨天我还听说别处有人跑路"));
    // A title says what the text is about.
    assert!(fired("投诉健身房", "昨天去看，老板已经跑路"));
}

#[test]
fn weak_terms_alone_and_unmet_needs_never_alert() {
    let pack = pack("", "    needs: {all: [shop]}");
    let best = |text: &str| hits(&pack, &complaint("", text)).first().map(|hit| (hit.score, hit.alerts()));
    assert_eq!(best("非法集资，跑路"), Some((59, false)));
    assert_eq!(best("健身房非法集资，跑路"), Some((65, true)));
    assert_eq!(best("健身房办卡，年卡，跑路"), None);
}

#[test]
fn a_strong_term_that_says_it_all_alerts_without_needs_unless_lowered() {
    let text = pack_text(
        "lower: [{name: 口号, by: 40, reach: 4, terms: [防范]}]",
        "    needs: {all: [shop]}\n    near: [{weight: 70, groups: [flight, card], within: 20}]",
    )
    .replace("weight: 50", "weight: 60")
    .replace("  shop:", "  card: {title: 卡, terms: [月卡]}\n  shop:");
    let pack = RulePack::from_texts([("t.yaml", text.as_str())]).unwrap();
    let best = |text: &str| hits(&pack, &complaint("", text)).first().map(|hit| (hit.score, hit.alerts()));
    assert_eq!(best("非法集资，跑路"), Some((75, true)));
    // Neither a pair nor a term that was taken down says it all.
    assert_eq!(best("月卡还在，人跑路"), Some((59, false)));
    assert_eq!(best("防范非法集资，月卡，跑路"), Some((59, false)));
}

#[test]
fn shadow_rules_are_kept_and_never_alert_and_deprecated_ones_are_not_matched() {
    let text = |status: &str| pack_text("", "").replace("status: stable", &format!("status: {status}"));
    let run = |status: &str| {
        let pack = RulePack::from_texts([("t.yaml", text(status).as_str())]).unwrap();
        assert_eq!(pack.run_tests().failures, [], "{status}");
        hits(&pack, &complaint("", "非法集资，跑路"))
    };
    assert_eq!((run("shadow")[0].score, run("shadow")[0].alert_at), (65, NEVER));
    assert!(!run("shadow")[0].alerts());
    assert_eq!(run("deprecated\n    reason: 由新规则替代"), []);
    let errors = RulePack::from_texts([("t.yaml", text("deprecated").as_str())]).unwrap_err();
    insta::assert_snapshot!(errors, @"t.yaml:6:9: rule T01 is `deprecated` and gives no `reason`; say why");
}

#[test]
fn tags_are_carried_on_hits_and_say_something() {
    let tagged = pack("", "    tags: [七有五性, 涉企]");
    assert_eq!(hits(&tagged, &complaint("", "非法集资，跑路"))[0].tags, ["七有五性", "涉企"]);
    insta::assert_snapshot!(refused("", "    tags: [涉企, ' ', 涉企]"), @"
t.yaml:16:16: the tag ` ` must have 1 to 32 characters
t.yaml:16:21: the tag `涉企` stands twice; keep one
");
}

#[test]
fn failed_tests_of_a_pack_are_told_with_the_score() {
    let text = pack_text("quiet: [非法集资，失联]", "").replace("办卡很方便", "非法集资，失联");
    let report = RulePack::from_texts([("t.yaml", text.as_str())]).unwrap().run_tests();
    let lines: Vec<String> = report.failures.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(lines.join("\n"), @"
t.yaml:15: rule T01 must not fire but does (score 65: strong:非法集资 +50, context:失联:失联 +15): 非法集资，失联
t.yaml:4: rule T01 fires on a text that must stay quiet (score 65: strong:非法集资 +50, context:失联:失联 +15): 非法集资，失联
");
}

#[test]
fn mistakes_are_told_with_place_and_remedy() {
    insta::assert_snapshot!(refused("", "    strng: []"), @"t.yaml:16:5: unknown key `strng`; did you mean `strong`?");
    insta::assert_snapshot!(refused("colour: red", ""), @"t.yaml:4:1: unknown key `colour`; the keys here are groups, masks, lower, route, rules, quiet, exceptions, change");
    insta::assert_snapshot!(refused("", "    needs: {any: [fligth]}"), @"t.yaml:16:19: unknown group `fligth`; did you mean `flight`?");
    insta::assert_snapshot!(refused("", "    lower: [{name: 坏, by: 5, terms: ['re:年化(']}]"), @"t.yaml:16:38: the pattern is not valid: unclosed group");
    insta::assert_snapshot!(refused("", "    masks: [卡]"), @"t.yaml:16:13: the term `卡` is shorter than two characters; it would match everywhere");
    insta::assert_snapshot!(refused("", "    thresholds: {watch: 80, alert: 70}"), @"t.yaml:6:5: `watch` is 80, above `alert` 70; a hit is watched before it alerts");
    insta::assert_snapshot!(refused("", "    thresholds: {alert: 200}"), @"t.yaml:6:5: no text can reach the alert score 200: all weights together give 109");
    insta::assert_snapshot!(refused("", "    near: [{weight: 5, groups: [shop], within: 900}]"), @"
t.yaml:16:12: `near` asks for two different groups, not 1
t.yaml:16:48: `within` is 900; it must be from 0 to 200
");
    insta::assert_snapshot!(refused("lower: [{name: 空, by: 5}]", ""), @"t.yaml:4:9: `lower:空` has neither terms nor labels; it would never hold");
    insta::assert_snapshot!(refused("masks: [aa", ""), @"t.yaml:5:6: illegal placement of ':' indicator");
    let base = pack_text("", "");
    let of = |text: String| RulePack::from_texts([("t.yaml", text.as_str())]).unwrap_err().to_string();
    insta::assert_snapshot!(of(base.replace("[非法集资, 退卡难]", "[]")), @"t.yaml:12:14: the list of terms is empty; add terms or remove the block");
    insta::assert_snapshot!(of(base.replace("    owner: 测试\n", "")), @"t.yaml:14:5: the key `owner` is missing in the block around here; add it");
    insta::assert_snapshot!(of(base.replace("status: stable", "status: stabel")), @"t.yaml:9:13: unknown value `stabel`; did you mean `stable`?");
    insta::assert_snapshot!(of(base.replace("version: 3", "version: 三")), @"t.yaml:10:14: a whole number is expected here");
    let twice = format!("{base}\n{}", &base[base.find("  - id").unwrap()..]);
    insta::assert_snapshot!(of(twice), @"t.yaml:17:9: the rule id `T01` is already used at t.yaml:6; give it another");
}

#[test]
fn all_mistakes_of_all_files_are_told_at_once() {
    let bad = pack_text("", "    needs: {any: [none]}").replace("[非法集资, 退卡难]", "[]");
    let errors = RulePack::from_texts([("a.yaml", bad.as_str())]).unwrap_err();
    assert_eq!(errors.0.len(), 2, "{errors}");
}

#[test]
fn a_folder_that_cannot_be_a_pack_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let message = |dir: &Path| {
        let text = RulePack::load(Some(dir), None).unwrap_err().to_string();
        text.replace(&dir.display().to_string(), "DIR")
    };
    insta::assert_snapshot!(message(dir.path()), @"DIR: holds no rule file; put at least one *.yaml file there");
    std::fs::write(dir.path().join("a.yaml"), b"groups: {}\nmasks: [\xff]\n").unwrap();
    insta::assert_snapshot!(message(dir.path()), @"a.yaml:2:1: is not UTF-8 here; save the file as UTF-8");
    assert!(message(&dir.path().join("none")).contains("cannot read the rule folder"));
}

proptest! {
    #[test]
    fn any_text_gives_bounded_hits_with_valid_spans_whose_parts_add_up(
        title in "[健身房跑路退卡难Ａ ]{0,12}",
        text in "(健身房|跑路|少跑路|办卡|非法集资|退 卡*难|防范|并非|[0-9]{1,4}万|，|。|😀|Ｐ2P|平台|出借人|不退费|\u{3000}){0,40}",
        subject in prop::option::of("[健身房有限公司]{0,8}"),
    ) {
        static PACK: std::sync::LazyLock<RulePack> = std::sync::LazyLock::new(RulePack::builtin);
        let mut complaint = complaint(&title, &text);
        complaint.subject = subject;
        let found = hits(&PACK, &complaint);
        prop_assert_eq!(&found, &hits(&PACK, &complaint));
        prop_assert!(found.is_sorted_by_key(|hit| std::cmp::Reverse(hit.score)));
        for hit in &found {
            let sum: f32 = hit.parts.iter().map(|part| part.score).sum();
            prop_assert_eq!(sum as i32, hit.score);
            prop_assert!(!hit.spans.is_empty());
            for span in hit.spans.iter().chain(&hit.masked) {
                let field = match span.field {
                    Where::Title => title.as_str(),
                    Where::Text => text.as_str(),
                    Where::Subject => complaint.subject.as_deref().unwrap(),
                };
                prop_assert!(span.start < span.end && field.get(span.start as usize..span.end as usize).is_some());
            }
        }
    }

    #[test]
    fn any_bytes_as_a_pack_are_taken_or_refused(text in "(groups|rules|masks|lower|: |- |\\[|\\]|\\{|\\}|\n|  |跑路|re:|[a-z]{1,4}){0,30}") {
        let _ = RulePack::from_texts([("a.yaml", text.as_str())]);
    }
}

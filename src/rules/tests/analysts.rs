//! What is told to those who write rules: warnings, readings, the scaffold, the schema.

use super::*;

fn files(text: &str) -> RuleFiles {
    RuleFiles::from_texts([("t.yaml", text)])
}

/// The warnings of the small pack without those that it always has.
fn warnings(head: &str, extra: &str) -> String {
    let warnings = files(&pack_text(head, extra)).warnings().unwrap_or_else(|errors| panic!("{errors}"));
    let always = [WarningKind::FewTests, WarningKind::NoReferences, WarningKind::UnusedGroup];
    let lines = warnings.iter().filter(|warning| !always.contains(&warning.kind)).map(ToString::to_string);
    lines.collect::<Vec<String>>().join("\n")
}

fn reading(pack: &RulePack, rule: &str, complaint: &Complaint) -> Reading {
    pack.readings(complaint).into_iter().find(|reading| reading.rule == rule).unwrap()
}

fn lacks(reading: &Reading) -> String {
    reading.lacks.iter().map(ToString::to_string).collect::<Vec<String>>().join("\n")
}

#[test]
fn a_pack_says_what_is_behind_a_rule_and_which_groups_nobody_uses() {
    let found = files(&pack_text("", "")).warnings().unwrap();
    let lines: Vec<String> = found.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(lines.join("\n"), @"
t.yaml:3:9: no rule and no entry names the group `shop`; use it or remove it [unused-group]
t.yaml:6:9: `must_fire` of rule T01 has 1 of at least 3 texts; add more [few-tests]
t.yaml:6:9: `must_not_fire` of rule T01 has 1 of at least 3 texts; add more [few-tests]
t.yaml:6:9: rule T01 is `stable` and names no references; say what it was written from [no-references]
");
}

#[test]
fn terms_that_never_count_are_told() {
    insta::assert_snapshot!(warnings("", "    near: []"), @"");
    // Equal in normal form, in another block of the rule.
    let twice = pack_text("", "").replace("[办卡, 年卡]", "[办卡, '退 卡難']");
    let told = files(&twice).warnings().unwrap();
    let told = told.iter().find(|warning| warning.kind == WarningKind::DuplicateTerm).unwrap();
    insta::assert_snapshot!(told, @"t.yaml:13:37: the term `退 卡難` stands on line 12, too, and counts only there; remove one [duplicate-term]");
    insta::assert_snapshot!(warnings("masks: [跑路, 're:退.难']", ""), @"
t.yaml:2:31: the term `跑路` is never seen: the mask `跑路` (t.yaml:4) hides it wherever it stands [unreachable-term]
t.yaml:12:41: the term `退卡难` is never seen: the mask `re:退.难` (t.yaml:4) hides it wherever it stands [unreachable-term]
");
    insta::assert_snapshot!(warnings("", "    masks: [年卡]"), @"t.yaml:13:37: the term `年卡` is never seen: the mask `年卡` (t.yaml:16) hides it wherever it stands [unreachable-term]");
}

#[test]
fn masks_that_hide_nothing_or_nothing_of_their_own_are_told() {
    insta::assert_snapshot!(warnings("masks: [少跑路, 让群众少跑路, 公园]", ""), @"
t.yaml:4:14: the mask `让群众少跑路` hides only what the mask `少跑路` (t.yaml:4) hides, too; remove it [shadowed-mask]
t.yaml:4:22: the mask `公园` hides nothing: no term of the pack can stand inside it; remove it [useless-mask]
");
    // A rule's mask counts for the words of that rule only, and pack masks come first.
    insta::assert_snapshot!(warnings("masks: [少跑路]", "    masks: [少跑路, 健身房里, 办卡处]"), @"
t.yaml:16:13: the mask `少跑路` hides only what the mask `少跑路` (t.yaml:4) hides, too; remove it [shadowed-mask]
t.yaml:16:18: the mask `健身房里` hides nothing: no term of rule T01 can stand inside it; remove it [useless-mask]
");
    // A longer mask may hide a word beside the one that the shorter hides.
    insta::assert_snapshot!(warnings("masks: [少跑路, 少跑路退卡难]", ""), @"");
}

#[test]
fn mistakes_come_before_warnings() {
    let errors = files(&pack_text("masks: [公园]", "    needs: {any: [fligth]}")).warnings().unwrap_err();
    assert_eq!(errors.0.len(), 1, "{errors}");
}

#[test]
fn a_reading_agrees_with_the_hit() {
    let pack = RulePack::builtin();
    let text = "我在蓝桥健身房办了两年的卡，上个月突然关门，老板跑了，卡里还有三千多。";
    let complaint = complaint("", text);
    let readings = pack.readings(&complaint);
    assert_eq!(readings.len(), pack.rules().len());
    let hits = hits(&pack, &complaint);
    assert!(!hits.is_empty());
    for hit in &hits {
        let reading = readings.iter().find(|reading| reading.rule == hit.rule).unwrap();
        assert_eq!((reading.score, &reading.parts, &reading.spans), (hit.score, &hit.parts, &hit.spans));
        assert_eq!(reading.verdict == Verdict::Alerts, hit.alerts());
    }
    let kept = readings.iter().filter(|reading| reading.score >= reading.watch).count();
    assert_eq!(kept, hits.len());
}

#[test]
fn what_a_rule_lacks_is_told() {
    let extra = "    near: [{weight: 60, groups: [shop, flight], within: 6}]\n    needs: {all: [shop]}";
    let plain = pack("", extra);
    let told = |text: &str| {
        let reading = reading(&plain, "T01", &complaint("", text));
        format!("{} {}\n{}", reading.score, reading.verdict, lacks(&reading))
    };
    insta::assert_snapshot!(told("水管坏了"), @"
0 does not fire
60 points are missing
no strong term and no pair; weak terms and contexts alone never alert
context flight +15: found nothing of flight (失联)
needs shop, which is not there
");
    insta::assert_snapshot!(told("健身房年卡"), @"
12 does not fire
48 points are missing
no strong term and no pair; weak terms and contexts alone never alert
near shop+flight +60: found nothing of flight
context flight +15: found nothing of flight (失联)
");
    insta::assert_snapshot!(told("健身房的人说，隔壁那家公司的老板跑路"), @"
0 does not fire
60 points are missing
no strong term and no pair; weak terms and contexts alone never alert
near shop+flight +60: they stand 13 characters apart; at most 6 may be
");
    insta::assert_snapshot!(told("非法集资，跑路"), @"
59 is kept, does not alert
1 point is missing
near shop+flight +60: found nothing of shop
needs shop, which is not there
");
    assert!(told("健身房跑路").contains("alerts\n"), "{}", told("健身房跑路"));
}

#[test]
fn what_masks_hid_and_what_lowered_is_told() {
    let pack = pack("masks: [少跑路]\nlower: [{name: 口号, by: 40, terms: [防范]}]", "    masks: [办卡处]");
    let text = "防范非法集资，少跑路，办卡处";
    let complaint = complaint("", text);
    let reading = reading(&pack, "T01", &complaint);
    let masked: Vec<String> = reading
        .masked
        .iter()
        .map(|MaskedTerm { mask, hidden, of_pack }| format!("{} in {} {of_pack}", hidden.words, mask.words))
        .collect();
    assert_eq!(masked, ["跑路 in 少跑路 true", "办卡 in 办卡处 false"]);
    insta::assert_snapshot!(lacks(&reading), @"
50 points are missing
context flight +15: found nothing of flight (失联)
");
    let lowered = &reading.lowered[0];
    assert_eq!(
        (lowered.what.as_str(), lowered.by, lowered.words[0].words.as_str()),
        ("lower:口号", 40, "防范")
    );
    let weak = reading.lists.iter().find(|list| list.kind == ListKind::Weak).unwrap();
    assert_eq!(
        (weak.found.len(), weak.missing.as_slice()),
        (0, ["办卡", "年卡"].map(str::to_owned).as_slice())
    );
}

#[test]
fn the_nearest_rules_are_those_of_which_something_is_there() {
    let pack = RulePack::builtin();
    let names = |text: &str| -> Vec<String> {
        let readings = pack.readings(&complaint("", text));
        nearest(&readings, 2).into_iter().map(|reading| reading.rule.clone()).collect()
    };
    assert_eq!(names("路灯不亮，请维修"), [] as [&str; 0]);
    assert_eq!(names("瑜伽馆的私教课退卡很慢")[0], "F07");
}

#[test]
fn known_misses_are_named_and_one_that_fires_is_a_failure() {
    let tests = "tests: {must_fire: [非法集资的公司跑路], known_misses: [老板人没了, 非法集资，跑路], ";
    let text = pack_text("", "").replace("tests: {must_fire: [非法集资的公司跑路], ", tests);
    let report = files(&text).pack().unwrap().run_tests();
    let told = |list: &[TestFailure]| list.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert_eq!((report.run, report.known_misses.len()), (4, 1));
    assert_eq!(report.known_misses[0].text, "老板人没了");
    insta::assert_snapshot!(told(&report.failures), @"t.yaml:15: rule T01 fires on a known miss after all; move the text to `must_fire` (score 65: strong:非法集资 +50, context:失联:跑路 +15): 非法集资，跑路");
}

#[test]
fn a_test_that_does_not_fire_says_what_was_reached() {
    let text =
        pack_text("", "").replace("must_fire: [非法集资的公司跑路]", "must_fire: [健身房年卡, 路灯不亮]");
    let report = files(&text).pack().unwrap().run_tests();
    let lines: Vec<String> = report.failures.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(lines.join("\n"), @"
t.yaml:15: rule T01 must fire but does not (score 12: weak:年卡 +12): 健身房年卡
t.yaml:15: rule T01 must fire but does not (score 0: nothing that it begins with is there): 路灯不亮
");
}

#[test]
fn a_scaffold_passes_every_check() {
    for id in ["F21", "A-1", "ABCDEFGHIJKLMNOP"] {
        let text = scaffold(id).unwrap();
        let files = files(&text);
        assert_eq!(files.warnings().unwrap(), [], "{id}");
        let pack = files.pack().unwrap();
        assert_eq!(pack.run_tests().failures, [], "{id}");
        assert!(pack.rules().all(|rule| rule.id == id && rule.status == Status::Shadow));
    }
    for id in ["", "f21", "1F", "F_1", "ABCDEFGHIJKLMNOPQ"] {
        assert_eq!(scaffold(id), Err(BadId(id.to_owned())));
    }
}

/// Editors complete by it, so it must know every key and say of each what it is.
#[test]
fn the_schema_says_of_every_key_what_it_is() {
    let schema = json_schema();
    let blocks = schema["$defs"].as_object().unwrap().values().chain([&schema]);
    let mut keys = 0;
    for block in blocks.filter_map(|block| block["properties"].as_object()) {
        for (key, value) in block {
            assert!(value["description"].is_string(), "{key}: {value}");
            keys += 1;
        }
    }
    assert!(keys > 40, "{keys}");
    let rule = &schema["$defs"]["Rule"];
    assert_eq!(rule["additionalProperties"], false);
    assert_eq!(schema["$defs"]["Terms"]["properties"]["weight"]["maximum"], 100);
}

/// The words of the small alphabet of which masks, terms and texts are made, so that they nest and overlap.
fn small_words(most: usize) -> impl Strategy<Value = Vec<String>> {
    prop::collection::btree_set("[跑路少失]{2,4}", 1..most).prop_map(|words| words.into_iter().collect())
}

proptest! {
    /// What a warning says about masks holds for every text: without such a mask nothing scores otherwise.
    #[test]
    fn a_mask_that_is_warned_of_can_go(
        masks in small_words(6),
        own in small_words(4),
        terms in small_words(5),
        group in small_words(5),
        text in "[跑路少失，]{0,24}",
    ) {
        let pack_of = |masks: &[String], own: &[String]| {
            format!(
                "groups: {{g: {{title: 组, terms: [{}]}}}}\nmasks: [{}]\nrules:\n  - {{id: T, title: t, category: c, \
                status: stable, version: 1, owner: o, strong: [{{weight: 60, terms: [{}]}}], context: {{g: 9}}, \
                masks: [{}], tests: {{must_fire: [a], must_not_fire: [b]}}}}\n",
                group.join(", "), masks.join(", "), terms.join(", "), own.join(", ")
            )
        };
        let odd = files(&pack_of(&masks, &own)).warnings().unwrap();
        let is_mask = |kind| matches!(kind, WarningKind::UselessMask | WarningKind::ShadowedMask);
        let line_of_own = 4;
        let score = |masks: &[String], own: &[String]| {
            let pack = RulePack::from_texts([("t.yaml", pack_of(masks, own).as_str())]).unwrap();
            let hits = hits(&pack, &complaint("", &text));
            hits.first().map(|hit| (hit.score, hit.parts.clone(), hit.spans.clone()))
        };
        let all = score(&masks, &own);
        for warning in odd.iter().filter(|warning| is_mask(warning.kind)) {
            let named = |mask: &&String| !warning.message.starts_with(&format!("the mask `{mask}` "));
            let (mut masks, mut own) = (masks.clone(), own.clone());
            let list = if warning.line == line_of_own { &mut own } else { &mut masks };
            *list = list.iter().filter(named).cloned().collect();
            prop_assert_eq!(&score(&masks, &own), &all, "{}", warning);
        }
    }

    /// A term that is said to be hidden always is not found in any text.
    #[test]
    fn a_term_that_is_said_to_be_hidden_never_counts(masks in small_words(5), terms in small_words(5), text in "[跑路少失，]{0,24}") {
        let pack = pack_text(&format!("masks: [{}]", masks.join(", ")), "")
            .replace("[跑路, 失联]", &format!("[{}]", terms.join(", ")));
        let files = files(&pack);
        let reading = reading(&files.pack().unwrap(), "T01", &complaint("", &text));
        for warning in files.warnings().unwrap() {
            if warning.kind == WarningKind::UnreachableTerm {
                let found = reading.lists.iter().flat_map(|list| &list.found);
                let found: Vec<&Word> =
                    found.filter(|word| warning.message.starts_with(&format!("the term `{}` ", word.term))).collect();
                prop_assert!(found.is_empty(), "{} {:?}", warning, found);
            }
        }
    }

    /// Explaining looks at every rule and agrees with what hits say.
    #[test]
    fn readings_agree_with_hits(text in "(健身房|跑路|少跑路|办卡|非法集资|退卡难|防范|平台|出借人|不退费|公交卡|，|。){0,20}") {
        static PACK: std::sync::LazyLock<RulePack> = std::sync::LazyLock::new(RulePack::builtin);
        let complaint = complaint("", &text);
        let mut kept: Vec<(String, i32)> = PACK
            .readings(&complaint)
            .into_iter()
            .filter(|reading| !reading.parts.is_empty() && reading.score >= reading.watch)
            .map(|reading| (reading.rule, reading.score))
            .collect();
        kept.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let hits: Vec<(String, i32)> =
            hits(&PACK, &complaint).into_iter().map(|hit| (hit.rule, hit.score)).collect();
        prop_assert_eq!(kept, hits);
    }
}

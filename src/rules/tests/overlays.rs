//! Overlays: what they change, what of it is told, and what is refused.

use super::*;

/// The small pack with an overlay of one file over it.
fn laid(over: &str) -> Result<RulePack, RuleErrors> {
    let lower =
        "lower: [{name: 宣传, by: 40, terms: [谨防]}]\nroute: [{to: 存量, terms: [已立案]}]\nmasks: [少跑路]";
    let extra = "    near: [{weight: 60, groups: [shop, flight], within: 6}]\n    lower: [{name: 驾校, by: 25, terms: [驾校]}]";
    let below = pack_text(lower, extra);
    RulePack::from_texts([("t.yaml", below.as_str()), ("overlay/l.yaml", over)])
}

fn changed(over: &str) -> RulePack {
    laid(over).unwrap_or_else(|errors| panic!("{errors}"))
}

fn told(pack: &RulePack) -> String {
    pack.changes().iter().map(ToString::to_string).collect::<Vec<String>>().join("\n")
}

/// The score of T01 on a text, 0 when it is no hit.
fn score(pack: &RulePack, text: &str) -> i32 {
    hits(pack, &complaint("", text)).iter().find(|hit| hit.rule == "T01").map_or(0, |hit| hit.score)
}

#[test]
fn an_overlay_adds_to_what_is_below_and_says_so() {
    let pack = changed(
        "change:
  groups:
    - {name: flight, title: 跑了, terms: {add: [人没影了], remove: [失联]}}
  masks: {add: [跑路费]}
  lower:
    - {name: 宣传, by: 50, terms: {add: [当心]}}
  route:
    - {to: 存量, terms: {add: [专班处理]}}
  rules:
    - id: T01
      owner: 西城金融办
      strong: {add: [{weight: 60, terms: [养鹿]}], remove: [退卡難]}
      context: {flight: 20, shop: 5}
      thresholds: {alert: 70}
      near: {remove: [[shop, flight]]}
      lower: {change: [{name: 驾校, disable: 本区没有驾校}]}
      tests: {must_fire: {replace: [健身房养鹿的人没影了]}}
quiet: [鹿很可爱]
",
    );
    insta::assert_snapshot!(told(&pack), @"
overlay/l.yaml:3: group flight: title: 跑了; terms: removed 失联, added 人没影了
overlay/l.yaml:6: lower 宣传: by: 50; terms: added 当心
overlay/l.yaml:8: route 存量: terms: added 专班处理
overlay/l.yaml:10: rule T01: owner: 西城金融办; strong: removed 退卡難; strong: added 养鹿 +60; near: removed shop+flight; context flight: 20; context shop: 5; lower 驾校: switched off: 本区没有驾校; alert: 70; must_fire: replaced by 健身房养鹿的人没影了
overlay/l.yaml:4: masks: added 跑路费
overlay/l.yaml:18: quiet: added 鹿很可爱
");
    assert_eq!(score(&pack, "养鹿的人没影了"), 80);
    assert_eq!(score(&pack, "养鹿，失联"), 60, "失联 is no longer of the group");
    assert_eq!(score(&pack, "养鹿，要跑路费"), 60, "the new mask hides it");
    assert_eq!(score(&pack, "当心养鹿，非法集资"), 0, "the new word lowers, by more");
    assert_eq!(score(&pack, "退卡难"), 0);
    let rule = pack.rules().next().unwrap();
    assert_eq!((rule.owner.as_str(), rule.alert_at, rule.file.as_str()), ("西城金融办", 70, "t.yaml"));
    let report = pack.run_tests();
    assert_eq!(report.failures, [], "{report:?}");
    // What is written against the rule reads what was changed of it and of its groups.
    let reading = &pack.readings(&complaint("", "养鹿"))[0];
    let lines: Vec<&str> = reading.overlay.iter().map(|line| line.split(": ").nth(1).unwrap()).collect();
    assert_eq!(lines, ["group flight", "rule T01"]);
}

#[test]
fn an_overlay_brings_rules_and_groups_of_its_own() {
    let own = pack_text("masks: [养鹿场]", "")
        .replace("T01", "L01")
        .replace("非法集资", "养鹿")
        .replace("flight:", "gone:")
        .replace("shop:", "place:");
    let pack = changed(&own);
    let ids: Vec<&str> = pack.rules().map(|rule| rule.id.as_str()).collect();
    assert_eq!(ids, ["T01", "L01"]);
    insta::assert_snapshot!(told(&pack), @"
overlay/l.yaml:2: group gone: added
overlay/l.yaml:3: group place: added
overlay/l.yaml:6: rule L01: added
overlay/l.yaml:4: masks: added 养鹿场
");
    let taken = laid(&pack_text("", "")).unwrap_err().to_string();
    assert!(taken.contains("overlay/l.yaml:2:11: the group `flight` is already defined"), "{taken}");
    assert!(taken.contains("overlay/l.yaml:6:9: the rule id `T01` is already used at t.yaml:8"), "{taken}");
}

#[test]
fn what_is_switched_off_no_longer_counts_and_why_is_kept() {
    let text = "非法集资，健身房跑路";
    assert_eq!(score(&changed(""), text), 70);
    let off = |over: &str| score(&changed(&format!("change:\n{over}")), text);
    assert_eq!(off("  groups: [{name: flight, disable: 误报太多}]"), 50);
    assert_eq!(off("  rules: [{id: T01, disable: 本区不用}]"), 0);
    let pack = changed("change:\n  rules: [{id: T01, disable: 本区不用}]");
    let reading = &pack.readings(&complaint("", text))[0];
    assert_eq!(reading.verdict, Verdict::NotMatched);
    assert_eq!(reading.lacks[0].to_string(), "the rule is deprecated, no text fires it: 本区不用");
    let lowered = "谨防非法集资，健身房跑路";
    assert_eq!(score(&changed(""), lowered), 0);
    assert_eq!(score(&changed("change:\n  lower: [{name: 宣传, disable: 不适用}]"), lowered), 70);
    assert_eq!(score(&changed("change:\n  masks: {replace: []}"), "非法集资，少跑路"), 65);
}

#[test]
fn what_is_not_there_is_refused_with_its_place_and_the_nearest() {
    let refused = |over: &str| laid(over).unwrap_err().to_string();
    insta::assert_snapshot!(refused("change:
  groups:
    - {name: fligth, terms: {add: [跑了]}}
    - {name: flight, terms: {remove: [失连了]}}
    - {name: shop}
  lower: [{name: 宣传口, by: 3}]
  route: [{to: 银行, by: 3}]
  masks: {remove: [少跑], replace: []}
  rules:
    - {id: T02, disable: 无}
    - id: T01
      strong: {remove: [非法集资啊]}
      near: {remove: [[flight, shop]]}
      context: {shop: 0}
      lower: {change: [{name: 驾驶, by: 1}]}
      thresholds: {alert: 900}
"), @"
overlay/l.yaml:3:14: unknown group `fligth`; did you mean `flight`?
overlay/l.yaml:4:39: `失连了` is not in `terms` below; take it out of `remove`
overlay/l.yaml:5:14: nothing is changed here; say what, or remove the entry
overlay/l.yaml:6:18: unknown `lower` entry `宣传口`; did you mean `宣传`?
overlay/l.yaml:7:16: unknown `route` entry `银行`; the `route` entries below are 存量
overlay/l.yaml:8:34: `replace` stands beside `add` or `remove`; put everything into `replace`
overlay/l.yaml:10:12: unknown rule `T02`; did you mean `T01`?
overlay/l.yaml:12:25: `非法集资啊` is not in `strong` below; did you mean `非法集资`?
overlay/l.yaml:13:23: `flight+shop` is not in `near` below; take it out of `remove`
overlay/l.yaml:14:23: the rule has no context `shop` to take out
overlay/l.yaml:15:31: unknown `lower` entry `驾驶`; the `lower` entries of rule T01 are 驾校
");
    // What only the compiler knows names the overlay, too, where the overlay says it.
    insta::assert_snapshot!(refused("change:
  groups: [{name: flight, terms: {add: [失联, 跑]}}]
  rules: [{id: T01, thresholds: {alert: 900}, context: {nobody: 3}}]
"), @"
overlay/l.yaml:2:41: the term `失联` stands twice here; keep one
overlay/l.yaml:2:45: the term `跑` is shorter than two characters; it would match everywhere
overlay/l.yaml:3:41: `alert` is 900; it must be from 1 to 300
overlay/l.yaml:3:65: unknown group `nobody`; the groups are flight, shop
");
    assert_eq!(
        refused("change:\n  rules: [{id: T01, thresholds: {watch: 61}}]"),
        "overlay/l.yaml:2:16: `watch` is 61, above `alert` 60; a hit is watched before it alerts"
    );
    assert_eq!(refused("chnge: {}"), "overlay/l.yaml:1:1: unknown key `chnge`; did you mean `change`?");
    let below = RulePack::from_texts([("t.yaml", "change: {}")]).unwrap_err().to_string();
    assert!(below.starts_with("t.yaml:1:9: `change` belongs into a file of the overlay's folder"), "{below}");
}

proptest! {
    /// Whatever an overlay says, it is taken or refused; what is taken says what it changed.
    #[test]
    fn any_overlay_is_taken_or_refused(
        entries in prop::collection::vec(
            (
                prop::sample::select(vec!["groups", "masks", "quiet", "lower", "route", "rules"]),
                prop::sample::select(vec!["name: flight", "name: 宣传", "to: 存量", "id: T01", "id: T02"]),
                prop::sample::select(vec![
                    "terms: {add: [跑了]}", "terms: {remove: [跑路, 失联]}", "disable: 无", "by: 0", "title: 新",
                    "strong: {replace: []}", "near: {remove: [[shop]]}", "context: {flight: 0}", "status: shadow",
                    "tests: {must_fire: {replace: []}}", "lower: {change: [{name: 驾校, disable: 无}]}",
                    "thresholds: {watch: 100}", "add: [跑]", "replace: [少跑路]",
                ]),
            ),
            0..5,
        ),
    ) {
        let mut parts: std::collections::BTreeMap<&str, Vec<String>> = std::collections::BTreeMap::new();
        for (part, name, what) in &entries {
            parts.entry(part).or_default().push(format!("{{{name}, {what}}}"));
        }
        let lines = parts.iter().map(|(part, entries)| {
            let list = format!("[{}]", entries.join(", "));
            let value = if matches!(*part, "masks" | "quiet") { &entries[0] } else { &list };
            format!("  {part}: {value}")
        });
        let text = std::iter::once("change:".to_owned()).chain(lines).collect::<Vec<String>>().join("\n");
        match laid(&text) {
            Ok(pack) => prop_assert_eq!(pack.changes().is_empty(), entries.is_empty()),
            Err(errors) => prop_assert!(
                errors.0.iter().all(|error| error.file == "overlay/l.yaml" && error.line > 0), "{}\n{}", text, errors
            ),
        }
    }
}

#[test]
fn a_group_that_loses_all_its_terms_is_told_of_where_they_were_taken() {
    let errors = laid("change:\n  groups: [{name: flight, terms: {remove: [跑路, 失联]}}]").unwrap_err();
    insta::assert_snapshot!(
        errors,
        @"overlay/l.yaml:2:19: nothing is left of the group `flight`; switch it off with `disable`"
    );
}

#[test]
fn the_hash_covers_the_overlay() {
    let plain = RulePack::from_texts([("t.yaml", pack_text("", "").as_str())]).unwrap();
    let hash = |over: &str| {
        let below = pack_text("", "");
        let files = [("t.yaml", below.as_str()), ("overlay/l.yaml", over)];
        RulePack::from_texts(files).unwrap().hash().to_owned()
    };
    assert_ne!(hash("masks: [少跑路]"), plain.hash());
    assert_ne!(hash("masks: [少跑路]"), hash("masks: [多跑路]"));
}

#[test]
fn a_folder_over_the_shipped_pack_is_read_and_may_be_empty() {
    let over = tempfile::tempdir().unwrap();
    let hash = |over: Option<&Path>| RulePack::load(None, over).unwrap().hash().to_owned();
    assert_eq!(hash(Some(over.path())), hash(None));
    let file = over.path().join("90-local.yaml");
    std::fs::write(&file, "change:\n  rules: [{id: F07, status: shadow}]\n").unwrap();
    assert_ne!(hash(Some(over.path())), hash(None));
    let pack = RulePack::load(None, Some(over.path())).unwrap();
    insta::assert_snapshot!(told(&pack), @"overlay/90-local.yaml:2: rule F07: status: experimental -> shadow");
    let gone = RulePack::load(None, Some(&over.path().join("none"))).unwrap_err().to_string();
    assert!(gone.contains("none: cannot read the rule folder"), "{gone}");
}

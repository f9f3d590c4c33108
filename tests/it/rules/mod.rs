//! `fenghuo rules` as it is typed: codes, and what is told with its place.

use std::fs;
use std::process::Output;

use assert_cmd::Command;
use tempfile::TempDir;

mod overlay;

const PACK: &str = "\
groups:
  flight: {title: 失联, terms: [跑路, 失联]}
  shop: {title: 商户, terms: [健身房, 美容院]}
masks: [公园里]
rules:
  - id: T01
    title: 试验
    category: 试验
    status: stable
    version: 3
    owner: 测试
    references: [通知]
    near: [{weight: 60, groups: [shop, flight], within: 6}]
    weak: [{weight: 12, terms: [年卡]}]
    tests:
      must_fire: [健身房跑路, 美容院失联, 失联的健身房]
      must_not_fire: [健身房, 年卡, 路灯不亮]
      known_misses: [健身的地方没人了]
";

struct Folder(TempDir);

impl Folder {
    fn with(pack: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("pack")).unwrap();
        fs::write(folder.path().join("pack/t.yaml"), pack).unwrap();
        Self(folder)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fenghuo"));
        command.current_dir(self.0.path()).arg("rules").args(args);
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("FENGHUO_"))
        {
            command.env_remove(name);
        }
        command
    }

    /// The exit code, and stdout and stderr after each other.
    fn run(&self, args: &[&str]) -> (i32, String) {
        said(&self.command(args).output().unwrap())
    }
}

fn said(output: &Output) -> (i32, String) {
    let text = [output.stdout.as_slice(), &output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

#[test]
fn a_mistake_is_shown_in_its_line_and_fails_the_check() {
    let folder = Folder::with(&PACK.replace("weak:", "weka:"));
    let (code, told) = folder.run(&["check", "pack"]);
    assert_eq!(code, 1);
    insta::assert_snapshot!(told, @"
error: unknown key `weka`; did you mean `weak`?
  --> pack/t.yaml:14:5
   |
14 |     weka: [{weight: 12, terms: [年卡]}]
   |     ^^^^

1 problem in pack
");
    let (code, told) = folder.run(&["check", "pack", "--json"]);
    let value: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!((code, &value["ok"], &value["problems"][0]["line"]), (1, &false.into(), &14.into()));
    // What needs the rules says the same in one line, as any command with a wrong configuration.
    let (code, told) = folder.run(&["test", "pack"]);
    assert_eq!(code, 2);
    insta::assert_snapshot!(told, @"fenghuo: t.yaml:14:5: unknown key `weka`; did you mean `weak`?");
}

#[test]
fn a_warning_fails_only_a_strict_check() {
    let folder = Folder::with(PACK);
    let (code, told) = folder.run(&["check", "pack"]);
    assert_eq!(code, 0);
    insta::assert_snapshot!(told, @"
warning[useless-mask]: the mask `公园里` hides nothing: no term of the pack can stand inside it; remove it
 --> pack/t.yaml:4:9
  |
4 | masks: [公园里]
  |         ^^^^^^

pack: 1 rule in 1 file, no problem, 1 warning
");
    assert_eq!(folder.run(&["check", "pack", "--strict"]).0, 1);
    let clean = Folder::with(&PACK.replace("masks: [公园里]\n", ""));
    insta::assert_snapshot!(clean.run(&["check", "pack", "--strict"]).1, @"pack: 1 rule in 1 file, no problem");
    // The folder may be that of the configuration.
    let (code, told) = folder.run(&["check", "--set", "rules.risk_dir=pack", "--strict"]);
    assert!(code == 1 && told.contains("pack/t.yaml:4:9"), "{told}");
}

#[test]
fn a_folder_that_is_not_there_is_a_mistake() {
    let (code, told) = Folder::with(PACK).run(&["check", "none"]);
    assert_eq!(code, 1);
    insta::assert_snapshot!(told, @"
error: cannot read the rule folder: No such file or directory (os error 2); check the path and its rights
--> none

1 problem in none
");
}

#[test]
fn texts_that_fail_are_told_with_what_they_reached() {
    let folder = Folder::with(PACK);
    let (code, told) = folder.run(&["test", "pack"]);
    assert_eq!(code, 0);
    insta::assert_snapshot!(told, @"
pack/t.yaml:18: known miss of rule T01
    健身的地方没人了
    score 0: nothing that it begins with is there
pack: 7 texts, 0 failed, 1 known miss
");
    let folder = Folder::with(&PACK.replace("must_fire: [健身房跑路", "must_fire: [健身房年卡"));
    let (code, told) = folder.run(&["test", "pack"]);
    assert_eq!(code, 1);
    insta::assert_snapshot!(told, @"
pack/t.yaml:16: rule T01 must fire but does not
    健身房年卡
    score 12: weak:年卡 +12
pack/t.yaml:18: known miss of rule T01
    健身的地方没人了
    score 0: nothing that it begins with is there
pack: 7 texts, 1 failed, 1 known miss
");
    let (code, told) = folder.run(&["test", "pack", "--json"]);
    let value: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!((code, &value["failures"][0]["expected"]), (1, &"must_fire".into()));
}

#[test]
fn what_fires_and_what_comes_near_is_explained() {
    let folder = Folder::with(PACK);
    let (code, told) = folder.run(&["explain", "--rules", "pack", "APP上办了年卡的健身房已经跑路"]);
    assert_eq!(code, 0);
    insta::assert_snapshot!(told, @"
T01 试验 (stable): alerts; score 72, kept from 40, alerts from 60
  | APP上办了年卡的健身房已经跑路
  |          ^^^^  ^^^^^^    ^^^^
   +60 near:健身房+跑路
   +12 weak:年卡
");
    let (_, told) = folder.run(&["explain", "--rules", "pack", "健身房年卡"]);
    insta::assert_snapshot!(told, @"
no rule fires

nearest rules that do not fire:
T01 试验 (stable): does not fire; score 12, kept from 40, alerts from 60
  | 健身房年卡
  |       ^^^^
   +12 weak:年卡
  lacks: 48 points are missing
  lacks: no strong term and no pair; weak terms and contexts alone never alert
  lacks: near shop+flight +60: found nothing of flight
");
    let output = folder.command(&["explain", "-", "--json"]).write_stdin("路灯不亮\n").output().unwrap();
    let (code, told) = said(&output);
    let value: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(
        (code, &value["fired"], &value["complaint"]["text"]),
        (0, &serde_json::json!([]), &"路灯不亮".into())
    );
    assert_eq!(folder.run(&["explain", "  "]).0, 2);
}

#[test]
fn why_a_rule_does_not_fire_is_told_list_by_list() {
    let folder = Folder::with(PACK);
    let (code, told) = folder.run(&["why-not", "T01", "--rules", "pack", "--text", "健身房年卡"]);
    assert_eq!(code, 0);
    insta::assert_snapshot!(told, @"
T01 试验 (stable): does not fire; score 12, kept from 40, alerts from 60
  | 健身房年卡
  |       ^^^^
   +12 weak:年卡
  lacks: 48 points are missing
  lacks: no strong term and no pair; weak terms and contexts alone never alert
  lacks: near shop+flight +60: found nothing of flight
  weak: +12 (terms: 1)
    found: 年卡
  flight (失联): near shop +60 within 6
    found: nothing
    not found: 跑路, 失联
  shop (商户): near flight +60 within 6
    found: 健身房
    not found: 美容院
");
    let (code, told) = folder.run(&["why-not", "T02", "--rules", "pack", "--text", "健身房年卡"]);
    assert_eq!(code, 2);
    insta::assert_snapshot!(told, @"fenghuo: there is no rule T02; the rules are T01");
    assert_eq!(folder.run(&["why-not", "T01", "--rules", "pack"]).0, 2);
    let both = folder.run(&["why-not", "F07", "--text", "年卡", "--complaint", "1"]);
    assert_eq!(both.0, 2, "{}", both.1);
    // There is no store here.
    assert_eq!(folder.run(&["why-not", "F07", "--complaint", "1"]).0, 4);
}

#[test]
fn a_new_rule_goes_beside_the_others_and_passes_every_check() {
    let folder = Folder::with(PACK);
    let (code, text) = folder.run(&["new", "T02", "--rules", "pack"]);
    assert_eq!(code, 0, "{text}");
    fs::write(folder.0.path().join("pack/u.yaml"), text).unwrap();
    let (code, told) = folder.run(&["check", "pack"]);
    assert!(code == 0 && told.ends_with("pack: 2 rules in 2 files, no problem, 1 warning\n"), "{told}");
    assert_eq!(folder.run(&["test", "pack"]).0, 0);
    let (code, told) = folder.run(&["new", "T02", "--rules", "pack"]);
    assert_eq!(code, 2);
    insta::assert_snapshot!(told, @"fenghuo: rule T02 is already there (u.yaml); take another id");
    assert_eq!(folder.run(&["new", "lower"]).0, 2);
}

/// Complaints of three days, and a line that is none.
fn events(folder: &Folder, more: &str) {
    let event = |id, day, text| {
        format!("{{\"id\":\"{id}\",\"received_at\":\"2026-03-{day}T08:00:00+08:00\",\"text\":\"{text}\"}}\n")
    };
    let lines = [
        event("A1", "01", "小区门口的健身房跑路，请帮忙"),
        event("A2", "01", "路灯不亮"),
        event("A3", "03", "办了年卡的美容院已经失联，电话13812345678"),
    ];
    fs::write(folder.0.path().join("events.ndjson"), lines.concat() + more).unwrap();
}

#[test]
fn a_backtest_tells_what_would_have_fired() {
    let folder = Folder::with(PACK);
    events(&folder, "");
    let (code, told) = folder.run(&["backtest", "pack", "--events", "events.ndjson"]);
    assert_eq!(code, 0);
    let told = told.lines().filter(|line| !line.contains(" JR")).skip(1).collect::<Vec<&str>>().join("\n");
    insta::assert_snapshot!(told, @"
stable (1 rule)
T01 试验: 2 alerting, 0 kept, 0 companies
    2026-03-01 █.█ 2026-03-03, most 1 on 2026-03-01
  ! 2026-03-01 A1 60: 小区门口的[健身房跑路]，请帮忙
  ! 2026-03-03 A3 72: 办了[年卡]的[美容院]已经[失联]，电话138**…

2 risk cases (2 blue), 2 alerts
");
    let days = ["--from", "2026-03-02", "--to", "2026-03-04", "--json"];
    let (code, told) = folder.run(&[&["backtest", "pack", "--events", "events.ndjson"][..], &days].concat());
    let value: serde_json::Value = serde_json::from_str(&told).unwrap();
    let rule = &value["rules"][0];
    assert_eq!((code, &rule["alerting"], &rule["days"]["2026-03-03"]["alerting"]), (0, &1.into(), &1.into()));
    assert_eq!(rule["samples"][0]["words"], serde_json::json!(["年卡", "美容院", "失联"]));
    assert_eq!((&value["read"]["complaints"], &value["read"]["before"]), (&1.into(), &2.into()));

    // A line that cannot be read is told, and the rest counts.
    events(&folder, "{\n");
    let (code, told) = folder.run(&["backtest", "pack", "--events", "events.ndjson"]);
    assert!(code == 1 && told.contains("1 event could not be read: invalid_json\n"), "{told}");
    assert!(told.contains("events.ndjson:4: invalid_json"), "{told}");
    // There is no store here, and no such days and files.
    assert_eq!(folder.run(&["backtest", "pack"]).0, 4);
    assert_eq!(folder.run(&["backtest", "pack", "--events", "none.ndjson"]).0, 3);
    let reversed =
        ["backtest", "pack", "--events", "events.ndjson", "--from", "2026-03-02", "--to", "2026-03-01"];
    assert_eq!(folder.run(&reversed).0, 2);
}

#[test]
fn a_diff_tells_what_another_pack_changes() {
    let folder = Folder::with(PACK);
    events(&folder, "");
    let diff = ["diff", "pack", "new", "--events", "events.ndjson"];
    assert_eq!(folder.run(&diff).0, 2, "there is no folder new");
    fs::create_dir(folder.0.path().join("new")).unwrap();
    fs::write(folder.0.path().join("new/t.yaml"), PACK).unwrap();
    let (code, told) = folder.run(&diff);
    assert_eq!(code, 0);
    insta::assert_snapshot!(told, @"
pack -> new over 3 complaints, 2026-03-01 to 2026-03-03
no difference
");
    let new = PACK.replace("weight: 60", "weight: 62").replace("公园里", "健身房跑路");
    fs::write(folder.0.path().join("new/t.yaml"), new.replace("[健身房跑路, ", "[健身房失联, ")).unwrap();
    let (code, told) = folder.run(&diff);
    assert_eq!(code, 1);
    let told = told.lines().filter(|line| !line.contains(" JR")).collect::<Vec<&str>>().join("\n");
    insta::assert_snapshot!(told, @"
pack -> new over 3 complaints, 2026-03-01 to 2026-03-03

T01 试验 (stable): 1 lost alerting, 1 with another score, 0 unchanged
  2026-03-01 A1, lost alerting, 60 -> 0: 小区门口的[健身房跑路]，请帮忙
      - near:健身房+跑路 +60
      + hidden: 健身房 in 健身房跑路
      + hidden: 跑路 in 健身房跑路
  2026-03-03 A3, with another score, 72 -> 74: 办了[年卡]的[美容院]已经[失联]，电话138**…
      - near:美容院+失联 +60
      + near:美容院+失联 +62

risk cases: 0 new, 1 lost, 0 with another level, 1 unchanged
group incidents: no difference
");
    let (code, told) = folder.run(&[&diff[..], &["--json"]].concat());
    let value: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!((code, &value["rules"][0]["changes"]["lost_alert"]), (1, &1.into()));
    assert_eq!(value["risks"]["lost"], 1);
}

/// Editors find it beside the files, by the line with which each begins.
#[test]
fn every_shipped_file_names_the_schema() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("rules/risk");
    assert!(folder.join("schema.json").is_file());
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "yaml") {
            let text = fs::read_to_string(&path).unwrap();
            let line = "# yaml-language-server: $schema=schema.json\n";
            assert!(text.starts_with(line), "{}", path.display());
        }
    }
}

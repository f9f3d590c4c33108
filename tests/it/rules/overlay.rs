//! `fenghuo rules` with local changes and exceptions.

use std::fs;

use super::{Folder, PACK, events};

#[test]
fn an_overlay_is_checked_shown_and_compared() {
    let folder = Folder::with(&PACK.replace("masks: [公园里]\n", ""));
    let over = folder.0.path().join("local");
    fs::create_dir(&over).unwrap();
    let change = |text: &str| fs::write(over.join("l.yaml"), text).unwrap();
    change("change:\n  groups: [{name: flight, terms: {add: [人没影了]}}]\n");
    let (code, told) = folder.run(&["check", "pack", "--overlay", "local", "--strict"]);
    assert_eq!(code, 0);
    insta::assert_snapshot!(told, @"
overlay: overlay/l.yaml:2: group flight: terms: added 人没影了
pack with local: 1 rule in 2 files, no problem
");
    // What the configuration names is meant when no folder is given.
    let set = ["--set", "rules.risk_dir=pack", "--set", "rules.overlay_dir=local"];
    let (_, explained) = folder.run(&[&["explain", "健身房人没影了"][..], &set].concat());
    insta::assert_snapshot!(explained, @"
T01 试验 (stable): alerts; score 60, kept from 40, alerts from 60
  | 健身房人没影了
  | ^^^^^^^^^^^^^^
   +60 near:健身房+人没影了
  overlay: overlay/l.yaml:2: group flight: terms: added 人没影了
");
    events(&folder, "");
    change("change:\n  rules: [{id: T01, disable: 本区不用}]\n");
    let diff = ["diff", "pack", "pack", "--overlay", "local", "--events", "events.ndjson", "--samples", "0"];
    let (code, told) = folder.run(&diff);
    assert_eq!(code, 1);
    insta::assert_snapshot!(told, @"
pack -> pack with local over 3 complaints, 2026-03-01 to 2026-03-03

T01 试验 (stable -> deprecated): 2 lost alerting, 0 unchanged

risk cases: 0 new, 2 lost, 0 with another level, 0 unchanged
group incidents: no difference
");
    change("change:\n  groups: [{name: fligth, terms: {add: [人没影了]}}]\n");
    let (code, told) = folder.run(&["check", "pack", "--overlay", "local"]);
    assert_eq!(code, 1);
    insta::assert_snapshot!(told, @"
error: unknown group `fligth`; did you mean `flight`?
 --> local/l.yaml:2:19
  |
2 |   groups: [{name: fligth, terms: {add: [人没影了]}}]
  |                   ^^^^^^

1 problem in pack with local
");
    change("change:\n  rules: [{id: F07, status: shadow}]\n");
    let (code, told) = folder.run(&["check", "builtin", "--overlay", "local"]);
    assert!(
        code == 0 && told.ends_with("the built-in rules with local: 20 rules in 7 files, no problem\n"),
        "{told}"
    );
}

#[test]
fn files_are_brought_into_one_layout_in_their_place() {
    let folder = Folder::with("# 说明\nmasks:   [ 少跑路 ]\n");
    let over = folder.0.path().join("local");
    fs::create_dir(&over).unwrap();
    fs::write(over.join("real.yaml"), "quiet: [路灯不亮]\n").unwrap();
    std::os::unix::fs::symlink("real.yaml", over.join("link.yaml")).unwrap();
    fs::write(over.join("real.yaml"), "quiet:   [路灯不亮]\n").unwrap();
    let all = ["fmt", "pack", "--overlay", "local"];
    let (code, told) = folder.run(&[&all[..], &["--check"]].concat());
    assert_eq!(code, 1);
    insta::assert_snapshot!(told, @"
pack/t.yaml: would be laid out anew
local/link.yaml: would be laid out anew
local/real.yaml: would be laid out anew
pack with local: 3 of 3 files would be laid out anew
");
    assert_eq!(folder.run(&all).0, 0);
    let read = |path: &str| fs::read_to_string(folder.0.path().join(path)).unwrap();
    assert_eq!(read("pack/t.yaml"), "# 说明\nmasks: [少跑路]\n");
    assert_eq!(read("local/real.yaml"), "quiet: [路灯不亮]\n");
    assert!(over.join("link.yaml").is_symlink(), "a link stays one");
    let (code, told) = folder.run(&[&all[..], &["--check"]].concat());
    assert!(code == 0 && told.ends_with("0 of 3 files would be laid out anew\n"), "{told}");
    assert_eq!(folder.run(&["fmt", "builtin"]).0, 2, "there are no files");
    fs::write(folder.0.path().join("pack/t.yaml"), "masks: [").unwrap();
    let (code, told) = folder.run(&["fmt", "pack"]);
    assert!(code == 1 && told.contains("pack/t.yaml: is not understood"), "{told}");
    assert_eq!(read("pack/t.yaml"), "masks: [");
}

#[test]
fn an_exception_hides_a_hit_is_shown_and_told_before_it_ends() {
    let folder = Folder::with(&PACK.replace("masks: [公园里]\n", ""));
    let over = folder.0.path().join("local");
    fs::create_dir(&over).unwrap();
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::get("Asia/Shanghai").unwrap()).date();
    let except = |until: &str| {
        let text = format!(
            "exceptions:\n  - {{id: E1, owner: 商务局, reason: 专班处理, until: {until}, rules: [T01], terms: [蓝桥]}}\n"
        );
        fs::write(over.join("l.yaml"), text).unwrap();
    };
    let check = |wanted: i32, kind: &str| {
        let (code, told) = folder.run(&["check", "pack", "--overlay", "local", "--strict"]);
        assert!(code == wanted && told.contains(kind), "{told}");
    };
    except(&today.saturating_add(jiff::Span::new().days(5)).to_string());
    check(1, "warning[expiring-exception]: exception E1 ends with");
    except("2020-01-01");
    check(1, "warning[expired-exception]: exception E1 ended with 2020-01-01");
    except("2999-12-31");
    check(0, "overlay/l.yaml:2: exception E1: added, until 2999-12-31");
    let rules = ["--rules", "pack", "--overlay", "local"];
    let (code, told) = folder.run(&[&["explain", "蓝桥健身房跑路"][..], &rules].concat());
    assert_eq!(code, 0);
    insta::assert_snapshot!(told, @"
T01 试验 (stable): is kept, does not alert because of an exception; score 60, kept from 40, alerts from 60
  | 蓝桥健身房跑路
  |     ^^^^^^^^^^
   +60 near:健身房+跑路
  exception E1 until 2999-12-31 (商务局): 专班处理
");
    let (_, told) = folder.run(&[&["why-not", "T01", "--text", "蓝桥健身房跑路"][..], &rules].concat());
    assert!(told.contains("  exception E1 until 2999-12-31 (商务局): 专班处理\n"), "{told}");
    events(&folder, "");
    except("2999-12-31");
    let text = fs::read_to_string(over.join("l.yaml")).unwrap();
    fs::write(over.join("l.yaml"), text.replace("蓝桥", "小区")).unwrap();
    let (_, told) = folder.run(&[
        "backtest",
        "pack",
        "--overlay",
        "local",
        "--events",
        "events.ndjson",
        "--samples",
        "0",
    ]);
    assert!(told.contains("T01 试验: 1 alerting, 1 kept (1 by an exception), 0 companies\n"), "{told}");
    let diff = ["diff", "pack", "pack", "--overlay", "local", "--events", "events.ndjson"];
    let (code, told) = folder.run(&diff);
    assert!(code == 1 && told.contains("1 no longer alerting, 1 unchanged"), "{told}");
    assert!(told.contains("      + exception E1\n"), "{told}");
}

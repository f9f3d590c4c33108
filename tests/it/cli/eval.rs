//! `fenghuo eval` on groups and on judged complaints.

use std::fs;

use super::Folder;

#[test]
fn eval_scores_a_labelled_stream_and_compares_settings() {
    let folder = Folder::new();
    let made = folder.run(&[
        "generate",
        "--complaints",
        "600",
        "--days",
        "6",
        "--seed",
        "9",
        "--out",
        "events.ndjson",
        "--gold",
        "gold.json",
        "--apart",
        "apart.csv",
    ]);
    assert_eq!(made.code, 0, "{}", made.err);
    let eval = ["eval", "--events", "events.ndjson", "--gold", "gold.json", "--apart", "apart.csv"];
    let said = folder.run(&eval);
    assert_eq!((said.code, &*said.err), (0, ""));
    assert!(said.out.contains("B3 F") && said.out.contains("incidents found"), "{}", said.out);
    assert!(said.out.contains("complaints of precision"), "the worst are shown: {}", said.out);
    let json = folder.run(&[&eval[..], &["--json", "--with", "engine.group.likeness=1.9"]].concat());
    let report: serde_json::Value = serde_json::from_str(&json.out).expect("JSON");
    let recall = |report: &serde_json::Value| report["b3_recall"].as_f64().expect("a figure");
    assert!(recall(&report["with"]) < recall(&report), "{report}");
    let shown = folder.run(&[&eval[..], &["--with", "engine.group.likeness=1.9"]].concat());
    assert!(shown.out.contains("worse  "), "{}", shown.out);
    // Bad input is named.
    fs::write(folder.path().join("bad.json"), "[{\"matter\": 1}]").expect("written");
    let bad = folder.run(&["eval", "--events", "events.ndjson", "--gold", "bad.json"]);
    assert!(
        bad.code != 0 && bad.err.starts_with("fenghuo: bad.json: the gold cannot be read: "),
        "{}: {}",
        bad.code,
        bad.err
    );
    let bad = folder.run(&["eval", "--events", "events.ndjson", "--gold", "gold.json", "--from", "March"]);
    assert_eq!(bad.code, 2);
    assert!(bad.err.contains("write it like 2026-03-01"), "{}", bad.err);
}

/// Four judged complaints and one that nobody has judged.
const JUDGED: &str = r#"{"id":"1","received_at":"2026-03-01T08:00:00+08:00","text":"在健身房办了年卡，突然关门，老板跑路。","label":{"strict":"1","category":"预付卡"}}
{"id":"2","received_at":"2026-03-02T08:00:00+08:00","text":"教练说的话我听不懂，请打13900001234。","label":{"strict":1,"category":"预付卡"}}
{"id":"3","received_at":"2026-03-02T09:00:00+08:00","text":"对门搞传销，天天拉人头。","label":{"strict":"0","category":"无"}}
{"id":"4","received_at":"2026-03-03T08:00:00+08:00","text":"路灯坏了。","label":{"strict":0,"category":"无"}}
{"id":"5","received_at":"2026-03-04T08:00:00+08:00","text":"他们搞传销，天天拉人头。","label":{"strict":null,"category":"不明"}}
"#;

#[test]
fn eval_risk_scores_rules_on_judged_complaints_and_says_why_they_err() {
    let folder = Folder::new();
    fs::write(folder.path().join("judged.ndjson"), JUDGED).expect("written");
    let eval = ["eval", "risk", "--events", "judged.ndjson"];
    let said = folder.run(&[&eval[..], &["--json", "--left-out"]].concat());
    assert_eq!((said.code, &*said.err), (0, ""));
    let report: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    let counts = ["found", "missed", "false_hits", "quiet", "left_out_fired"]
        .map(|name| report["scores"][name].as_u64());
    assert_eq!(counts, [Some(1); 5], "{report}");
    assert_eq!(
        (&report["scores"]["precision"], &report["scores"]["categories"]["无"]["quiet"]),
        (&0.5.into(), &1.into())
    );
    let ids = |list: &str| report[list][0]["id"].as_str().map(str::to_owned);
    assert_eq!(["misses", "false_hits", "left_out"].map(ids), ["2", "3", "5"].map(|id| Some(id.to_owned())));
    assert!(!said.out.contains("13900001234"), "texts are masked");
    let told = folder.run(&eval);
    assert!(told.out.contains("false hit 3 (无)") && told.out.contains("+62 strong:搞传销"), "{}", told.out);
    let few = folder.run(&[&eval[..], &["--from", "2026-03-03", "--to", "2026-03-03"]].concat());
    assert!(few.out.contains("no risks                    1\n"), "{}", few.out);

    // Other rules beside them.
    fs::create_dir(folder.path().join("rules")).expect("made");
    let rule = folder.run(&["rules", "new", "F99"]);
    fs::write(folder.path().join("rules/new.yaml"), rule.out).expect("written");
    let both = folder.run(&[&eval[..], &["--against", "rules", "--errors", "0"]].concat());
    assert!(both.out.contains("3 complaints decided otherwise"), "{}", both.out);
    assert!(both.out.contains("  1 missed (-) -> found (F07): 在健身房办了年卡"), "{}", both.out);
}

#[test]
fn eval_risk_reads_verdicts_from_tables_and_names_what_is_none() {
    let folder = Folder::new();
    let rows = "工单编号,来电时间,诉求内容,是否风险\n1,2026-03-01 08:00,对门搞传销天天拉人头,是\n2,2026-03-01 09:00,路灯坏了,maybe\n";
    fs::write(folder.path().join("judged.csv"), rows).expect("written");
    let eval = ["eval", "risk", "--events", "judged.csv", "--label", "是否风险"];
    let bad = folder.run(&eval);
    assert_eq!(bad.code, 3);
    let said = r#"judged.csv:3: field 是否风险: "maybe" is no verdict; write true or 1"#;
    assert!(bad.err.contains(said), "{}", bad.err);
    fs::write(folder.path().join("judged.csv"), rows.replace("maybe", "否")).expect("written");
    let good = folder.run(&eval);
    assert!(
        good.code == 0 && good.out.contains("recall                      1.0000"),
        "{}{}",
        good.out,
        good.err
    );
    let unnamed = folder.run(&eval[..4]);
    assert_eq!(unnamed.code, 3);
    assert!(unnamed.err.contains("name the field with --label"), "{}", unnamed.err);
}

#[test]
fn eval_scores_what_somebody_else_has_decided() {
    let folder = Folder::new();
    let made =
        ["generate", "--complaints", "300", "--days", "3", "--out", "events.ndjson", "--gold", "gold.json"];
    assert_eq!(folder.run(&made).code, 0);
    assert_eq!(folder.run(&["replay", "--events", "events.ndjson", "--out", "decided"]).code, 0);
    let eval = ["eval", "--events", "events.ndjson", "--gold", "gold.json", "--json"];
    let given = ["--groups", "decided/groups.ndjson", "--alerts", "decided/alerts.ndjson"];
    let engine = folder.run(&eval);
    let replayed = folder.run(&[&eval[..], &given].concat());
    assert_eq!((replayed.code, &*replayed.err), (0, ""));
    assert_eq!(replayed.out, engine.out, "the same decisions have the same figures");
    // Groups alone say nothing about incidents, and who is not mentioned is alone.
    fs::write(folder.path().join("none.ndjson"), "").expect("written");
    let none =
        folder.run(&["eval", "--events", "events.ndjson", "--gold", "gold.json", "--groups", "none.ndjson"]);
    assert!(none.out.contains("complaints not decided on"), "{}", none.out);
    assert!(none.out.contains("B3 precision             1.0000"), "{}", none.out);
    assert!(!none.out.contains("alarms"), "{}", none.out);
    // Bad input is named, and what cannot go together is refused.
    fs::write(folder.path().join("bad.ndjson"), "{\"id\": 1}").expect("written");
    let bad = folder.run(&[&eval[..], &["--groups", "bad.ndjson"]].concat());
    assert_eq!(bad.code, 3, "{}", bad.err);
    assert!(bad.err.starts_with("fenghuo: line 1 of the groups cannot be read"), "{}", bad.err);
    assert_eq!(folder.run(&[&eval[..], &["--alerts", "decided/alerts.ndjson"]].concat()).code, 2);
    assert_eq!(folder.run(&[&eval[..], &given, &["--with", "engine.group.likeness=0.5"]].concat()).code, 2);
}

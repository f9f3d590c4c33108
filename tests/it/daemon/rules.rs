//! Rules of a running daemon: files that change, the HTTP side, what is shown, counted and recorded.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Stdio;

use serde_json::{Value, json};

use super::reload::{RULE, complaint, reloads, send};
use super::{Daemon, World};
use crate::support::{wait_for, wait_until};

/// A world whose overlay is a link to the folder `one`, as configuration is brought into containers.
fn world() -> World {
    let world = World::new("[rules]\noverlay_dir = \"local\"\nwatch_seconds = 1\n");
    for folder in ["one", "two"] {
        fs::create_dir(world.path(folder)).unwrap();
    }
    symlink(world.path("one"), world.path("local")).unwrap();
    world
}

fn ready(world: &World) -> Daemon {
    let daemon = world.daemon();
    wait_until("it is ready", || daemon.get(&world.centre, "/readyz").0 == 200);
    daemon
}

fn reload(world: &World, daemon: &Daemon, token: Option<&str>) -> (u16, Value) {
    let mut request = daemon.http.post(daemon.url("/v1/rules/reload"));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    world.centre.runtime.block_on(async {
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    })
}

fn shown(world: &World, daemon: &Daemon) -> Value {
    serde_json::from_str(&daemon.get(&world.centre, "/v1/rules").1).unwrap()
}

fn hits(world: &World, daemon: &Daemon, outcome: &str) -> Option<String> {
    let name = format!("fenghuo_rule_hits_total{{outcome=\"{outcome}\",rule=\"T01\"}}");
    daemon.metric(&world.centre, &name)
}

#[test]
fn files_that_change_are_taken_over_without_a_restart_of_any_engine() {
    let world = world();
    let daemon = ready(&world);
    send(&world, &daemon, complaint("a-1"));
    let built = || daemon.metric(&world.centre, "fenghuo_engines_built_total{partition=\"main\"}");
    let before = (built(), shown(&world, &daemon)["pack"].clone());
    assert!(before.0.is_some() && shown(&world, &daemon)["risk_dir"].is_null());

    // The link is switched to a folder with another file: nothing that was there has changed.
    fs::write(world.path("two/l.yaml"), RULE).unwrap();
    symlink(world.path("two"), world.path("next")).unwrap();
    fs::rename(world.path("next"), world.path("local")).unwrap();
    wait_until("the rules are taken over", || reloads(&world, &daemon, "taken_over") == 1);
    send(&world, &daemon, complaint("a-2"));
    let pack = shown(&world, &daemon)["pack"].as_str().unwrap().to_owned();
    assert_ne!(pack, before.1);
    assert_eq!(built(), before.0, "engines went on");
    assert_eq!(hits(&world, &daemon, "alerting").as_deref(), Some("1"));
    let alert = wait_for("the alert of the new rule", || {
        world.centre.accepted().values().find(|alert| alert.contains("养鹿项目")).cloned()
    });
    assert!(alert.contains(&format!("\"pack\":\"{pack}\"")), "{alert}");
    let in_use = format!("fenghuo_rules_pack{{pack=\"{pack}\"}}");
    assert_eq!(daemon.metric(&world.centre, &in_use).as_deref(), Some("1"));
    assert!(daemon.get(&world.centre, "/").1.contains(&format!("规则库 {pack}，21 条规则")));

    // After a restart with the same rules nothing is another.
    daemon.kill();
    let daemon = ready(&world);
    assert_eq!(shown(&world, &daemon)["pack"], pack);
    send(&world, &daemon, complaint("a-2"));
    assert_eq!(hits(&world, &daemon, "alerting"), None, "a repeat meets no rule again");
}

#[test]
fn over_http_rules_are_read_at_once_and_what_is_wrong_is_told_with_its_place() {
    let world = world();
    let daemon = ready(&world);
    let file = world.path("one/l.yaml");
    let start = shown(&world, &daemon);
    let pack = start["pack"].clone();

    fs::write(&file, RULE.replace("strong:", "stron:")).unwrap();
    let (status, told) = reload(&world, &daemon, None);
    assert_eq!((status, &told["status"]), (422, &json!(422)));
    let problem = &told["problems"][0];
    assert_eq!(
        (&problem["file"], &problem["line"], &problem["column"]),
        (&json!("overlay/l.yaml"), &json!(10), &json!(5))
    );
    assert_eq!(problem["message"], "unknown key `stron`; did you mean `strong`?");
    let shows = shown(&world, &daemon);
    assert_eq!((&shows["pack"], &shows["refused"]["problems"][0]), (&pack, problem));
    assert!(
        daemon.get(&world.centre, "/").1.contains("仍使用上一版：overlay/l.yaml:10:5: unknown key `stron`")
    );
    let (status, text) = daemon.get(&world.centre, "/readyz");
    assert!(status == 200 && text.contains("overlay/l.yaml:10:5"), "{text}");

    // On trial: counted and recorded, not told.
    fs::write(&file, RULE.replace("status: stable", "status: shadow")).unwrap();
    let (status, told) = reload(&world, &daemon, None);
    assert_eq!((status, &told["refused"]), (200, &Value::Null));
    let on_trial = |rules: &Value| rules["rules"]["shadow"].as_u64().unwrap_or(0);
    assert_eq!(on_trial(&told), on_trial(&start) + 1);
    assert!(!daemon.get(&world.centre, "/").1.contains("仍使用上一版"));
    send(&world, &daemon, complaint("a-1"));
    assert_eq!(hits(&world, &daemon, "shadow").as_deref(), Some("1"));

    // An exception: the same, with its name.
    let exception = "exceptions:\n  - {id: E-鹿, owner: 金融办, reason: 专班处理, until: 2026-03-01, rules: [T01], terms: [小区]}\n";
    fs::write(&file, format!("{RULE}{exception}")).unwrap();
    assert_eq!(reload(&world, &daemon, None).0, 422, "an id is ASCII");
    fs::write(&file, format!("{RULE}{}", exception.replace("E-鹿", "E-1"))).unwrap();
    let (status, told) = reload(&world, &daemon, None);
    assert_eq!((status, &told["exceptions"]), (200, &json!(1)));
    send(&world, &daemon, complaint("a-2"));
    assert_eq!(hits(&world, &daemon, "suppressed").as_deref(), Some("1"));
    let explained = world.command(&["explain", "a-2"]).stdout;
    let explained = String::from_utf8(explained).unwrap();
    assert!(explained.contains("例外E-1：专班处理（金融办，至2026-03-01），不提示，只记录"), "{explained}");
    assert!(daemon.get(&world.centre, "/complaints/a-2").1.contains("例外E-1：专班处理"));
    assert!(world.all_accepted().is_empty(), "nobody was told of any of it");
    let (status, log) = daemon.stop();
    assert_eq!(status.code(), Some(0), "{log}");
}

#[test]
fn what_people_say_of_an_alert_is_kept_shown_and_counted() {
    let world = world();
    fs::write(world.path("one/l.yaml"), RULE).unwrap();
    let daemon = ready(&world);
    send(&world, &daemon, complaint("a-1"));
    let (id, _) = wait_for("the alert", || world.centre.accepted().into_keys().next());
    let judge = |id: &str, said: &Value| {
        let request = daemon.http.post(daemon.url(&format!("/v1/alerts/{id}/verdict"))).json(said);
        world.centre.runtime.block_on(async {
            let answer = request.send().await.unwrap();
            (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
        })
    };
    let (status, told) = judge(&id, &json!({"verdict": "false", "by": "值班员甲"}));
    assert_eq!((status, &told["detail"]), (422, &json!("a false alert needs a reason: what it was instead")));
    assert_eq!(judge("none", &json!({"verdict": "true", "by": "甲"})).0, 404);
    assert_eq!(judge(&id, &json!({"verdict": "maybe", "by": "甲"})).0, 422);
    let said = json!({"verdict": "false", "by": "值班员甲", "reason": "养宠物，来电13812345678"});
    let (status, told) = judge(&id, &said);
    assert_eq!(
        (status, &told["revision"], &told["reason"]),
        (201, &json!(1), &json!("养宠物，来电138****5678"))
    );

    // From the command line, beside the daemon; the last one counts.
    let output = world.command(&["verdict", &id, "true", "--by", "值班员乙"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(world.command(&["verdict", "none", "true", "--by", "乙"]).status.code(), Some(1));
    assert_eq!(world.command(&["verdict", &id, "false", "--by", "乙"]).status.code(), Some(2));
    let page = daemon.get(&world.centre, &format!("/alerts/{id}")).1;
    assert!(
        page.contains("属实（值班员乙，对第1版）") && page.contains("误报：养宠物，来电138****5678"),
        "{page}"
    );
    let api: Value = serde_json::from_str(&daemon.get(&world.centre, &format!("/v1/alerts/{id}")).1).unwrap();
    assert_eq!(api["verdicts"][1]["verdict"], "true");
    let explained = String::from_utf8(world.command(&["explain", &id]).stdout).unwrap();
    assert!(explained.contains("核实：属实（值班员乙，对第1版）"), "{explained}");

    let stats = String::from_utf8(world.command(&["rules", "stats"]).stdout).unwrap();
    let rule = "T01 养鹿 (stable): 1 alerting, 0 kept, last on 2026-03-01\n    2026-03-01 █ 2026-03-01, most 1 on 2026-03-01\n";
    assert!(stats.starts_with("1 complaint, 2026-03-01 to 2026-03-01\n"), "{stats}");
    assert!(stats.contains(rule), "{stats}");
    assert!(
        stats.contains(
            "    judged: 1 true, 0 false, 0 unsure, precision 1.00, recall on its texts 1.00, F0.5 1.00\n"
        ),
        "{stats}"
    );
    assert!(stats.contains("\nnever matched: F01, "), "{stats}");
    // A pack that has the rule no more still tells what came of it.
    let stats = world.command(&["rules", "stats", "builtin", "--json"]).stdout;
    let stats: Value = serde_json::from_slice(&stats).unwrap();
    let last = stats["rules"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["rule"], &last["status"], &last["alerting"]), (&json!("T01"), &Value::Null, &json!(1)));
}

#[test]
fn a_narrowing_takes_away_what_was_judged_false_and_nothing_else() {
    let world = world();
    fs::write(world.path("one/l.yaml"), RULE.replace("乌托邦养鹿", "养鹿")).unwrap();
    let daemon = ready(&world);
    for (id, text) in [
        ("r-1", "有人在小区推销乌托邦养鹿项目，交了两万元。"),
        ("w-1", "动物园养鹿的地方味道太大，希望打扫。"),
        ("w-2", "西单路口的公交站牌坏了三天，对面动物园养鹿也没有人管。"),
    ] {
        let event = json!({"id": id, "received_at": "2026-03-01T08:00:00+08:00", "text": text});
        send(&world, &daemon, serde_json::to_vec(&event).unwrap());
    }
    let suggest = || String::from_utf8(world.command(&["rules", "suggest"]).stdout).unwrap();
    assert_eq!(suggest(), "# no rule alerts on a complaint of an alert judged false\n");
    let accepted = world.all_accepted();
    let alerts: Vec<Value> = accepted.values().map(|alert| serde_json::from_str(alert).unwrap()).collect();
    assert_eq!(alerts.len(), 3);
    for alert in &alerts {
        let is_right = alert["members"][0] == "r-1";
        let verdict: &[&str] = if is_right { &["true"] } else { &["false", "--reason", "动物园"] };
        let id = alert["id"].as_str().unwrap();
        let output = world.command(&[&["verdict", id, "--by", "甲"], verdict].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let told = suggest();
    assert!(
        told.starts_with(
            "# T01: 2 of 2 complaints judged false would go, none of 1 judged true\n#   动物园\n"
        ),
        "{told}"
    );
    assert!(told.contains("change:\n  rules:\n    - {id: T01, masks: {add: [\"动物园养鹿\"]}}\n"), "{told}");
    // What it says holds: of the same complaints only the one that was right alerts with it.
    fs::write(world.path("one/m.yaml"), told).unwrap();
    let fired = String::from_utf8(world.command(&["rules", "backtest"]).stdout).unwrap();
    assert!(fired.contains("T01 养鹿: 1 alerting, 0 kept"), "{fired}");
}

#[test]
fn where_tokens_are_set_they_are_asked_for() {
    const TOKEN: &str = "0123456789abcdef0123";
    let world = world();
    fs::write(world.path("tokens"), TOKEN).unwrap();
    fs::set_permissions(world.path("tokens"), fs::Permissions::from_mode(0o600)).unwrap();
    let file = world.path("fenghuo.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("[http]", "[http]\ntokens_file = \"tokens\"")).unwrap();
    let daemon = world.daemon_with(&[], Stdio::null());
    wait_until("it is ready", || daemon.get(&world.centre, "/readyz").0 == 200);
    assert_eq!(reload(&world, &daemon, None).0, 401);
    assert_eq!(reload(&world, &daemon, Some("another token of ours")).0, 401);
    assert_eq!(daemon.get(&world.centre, "/v1/rules").0, 401);
    assert_eq!(reload(&world, &daemon, Some(TOKEN)).0, 200);
    assert_eq!(reloads(&world, &daemon, "taken_over"), 1);
}

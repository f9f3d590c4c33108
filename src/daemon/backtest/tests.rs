use std::fmt::Write as _;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::date;
use jiff::tz::TimeZone;
use secrecy::SecretString;

use super::*;
use crate::daemon::core;
use crate::engine::Knowledge;
use crate::model::{Commit, Level, Position};
use crate::rules::RulePack;
use crate::source::decode::{DecodeConfig, Decoder};
use crate::source::file::RawRecord;
use crate::store::sqlite::SqliteStore;
use crate::store::{Store as _, StoreConfig};

const PACK: &str = "\
groups:
  flight: {title: 失联, terms: [跑路, 失联]}
  shop: {title: 商户, terms: [健身房, 美容院]}
rules:
  - id: T01
    title: 跑路
    category: 预付卡
    status: stable
    version: 1
    owner: 测试
    near: [{weight: 60, groups: [shop, flight], within: 6}]
    weak: [{weight: 12, terms: [年卡]}]
    tests: {must_fire: [健身房跑路], must_not_fire: [健身房]}
  - id: T02
    title: 影子
    category: 预付卡
    status: shadow
    version: 1
    owner: 测试
    strong: [{weight: 60, terms: [退卡难]}]
    tests: {must_fire: [退卡难], must_not_fire: [退卡]}
";

fn preparer(pack: &str) -> Preparer {
    let pack = Arc::new(RulePack::from_texts([("t.yaml", pack)]).unwrap());
    let knowledge = core::knowledge(&core::RulesConfig::default(), &EngineConfig::default()).unwrap();
    core::preparer(Knowledge { pack, ..knowledge }, &SecretString::from("compared within one run")).unwrap()
}

/// One event for each day of March 2026 and text; those of one id are versions of one complaint.
fn records(events: &[(&str, i8, &str)]) -> Vec<RawRecord> {
    let record = |(number, (id, day, text)): (usize, &(&str, i8, &str))| {
        let event = serde_json::json!({
            "id": id, "received_at": format!("2026-03-{day:02}T08:{number:02}:00+08:00"), "text": text,
            "caller": { "phone": format!("1390000{number:04}") },
        });
        let number = number as u64 + 1;
        let raw = event.to_string().into_bytes();
        RawRecord {
            number,
            at: format!("line {number}").into(),
            next: Position(i64::try_from(number).unwrap()),
            raw,
            event: Ok(None),
        }
    };
    events.iter().enumerate().map(record).collect()
}

fn backtest<T>(
    period: (Option<i8>, Option<i8>),
    work: impl FnOnce(&Backtest<'_>, &mut Watch<'_>) -> anyhow::Result<T>,
) -> T {
    let [from, to] = [period.0, period.1].map(|day| day.map(|day| date(2026, 3, day)));
    let config = Arc::new(EngineConfig::default());
    let period = Period::new(from, to, config.zone().unwrap()).unwrap();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let mut watch = Watch { rejected: &mut |_, _, _| {}, progress: &mut |_| {} };
    work(&Backtest { config, pool: &pool, period, samples: 2 }, &mut watch).unwrap()
}

fn fired(period: (Option<i8>, Option<i8>), events: &[(&str, i8, &str)]) -> Fired {
    let decoder = Decoder::new(DecodeConfig::default()).unwrap();
    let mut records = records(events).into_iter().map(Ok);
    let events = Events { records: &mut records, decoder: &decoder, not_after: Timestamp::MAX };
    backtest(period, |backtest, watch| backtest.one(&preparer(PACK), History::Events(events), watch))
}

fn difference(new: &str, events: &[(&str, i8, &str)]) -> Difference {
    let decoder = Decoder::new(DecodeConfig::default()).unwrap();
    let mut records = records(events).into_iter().map(Ok);
    let events = Events { records: &mut records, decoder: &decoder, not_after: Timestamp::MAX };
    let (old, new) = (preparer(PACK), preparer(new));
    backtest((None, None), |backtest, watch| backtest.both(&old, &new, History::Events(events), watch))
}

/// Each rule in a line, with its days, and then its samples.
fn lines(fired: &Fired) -> String {
    let mut out = String::new();
    for rule in &fired.rules {
        let days: Vec<String> =
            rule.days.iter().map(|(day, count)| format!("{day} {}+{}", count.alerting, count.kept)).collect();
        let (alerting, kept) = (rule.alerting, rule.kept);
        let _ = writeln!(out, "{}: {alerting} alerting, {kept} kept; {}", rule.rule, days.join(", "));
        for sample in &rule.samples {
            let _ = writeln!(out, "  {} {} {}", sample.id, sample.score, sample.text);
        }
    }
    out
}

#[test]
fn hits_are_counted_by_rule_and_day_and_those_that_alert_are_shown_first() {
    let fired = fired(
        (None, None),
        &[
            ("1", 1, "小区门口的健身房昨天跑路了，请帮忙"),
            ("2", 1, "路灯不亮"),
            ("3", 2, "美容院退卡难，老板失联"),
            ("4", 3, "退卡难"),
            ("5", 3, "退卡难"),
        ],
    );
    insta::assert_snapshot!(lines(&fired), @"
T01: 2 alerting, 0 kept; 2026-03-01 1+0, 2026-03-02 1+0
  1 60 小区门口的[健身房]昨天[跑路]了，请帮忙
  3 60 [美容院]退卡难，老板[失联]
T02: 3 alerting, 0 kept; 2026-03-02 1+0, 2026-03-03 2+0
  3 60 美容院[退卡难]，老板失联
  4 60 [退卡难]
");
    assert_eq!((fired.read.complaints, fired.read.first_day), (5, Some(date(2026, 3, 1))));
    // A rule in shadow raises nothing.
    assert_eq!(fired.cases.count, 2);
}

#[test]
fn a_later_version_takes_the_place_of_an_earlier_one() {
    let events = [
        ("1", 1, "健身房跑路"),
        ("2", 1, "退卡难"),
        ("1", 2, "健身房开门了"),
        ("2", 3, "退卡难，健身房跑路"),
    ];
    let fired = fired((None, None), &events);
    insta::assert_snapshot!(lines(&fired), @"
T01: 1 alerting, 0 kept; 2026-03-03 1+0
  2 60 退卡难，[健身房跑路]
T02: 1 alerting, 0 kept; 2026-03-03 1+0
  2 60 [退卡难]，健身房跑路
");
    assert_eq!((fired.read.entries, fired.read.complaints), (4, 2));
}

#[test]
fn what_came_before_the_period_is_known_and_not_told() {
    let events: Vec<(String, i8)> = (1..=12).map(|number| (number.to_string(), number)).collect();
    let events: Vec<(&str, i8, &str)> =
        events.iter().map(|(id, day)| (id.as_str(), *day, "某某健身房跑路")).collect();
    let fired = fired((Some(10), Some(11)), &events);
    let Read { complaints, before, first_day, last_day, .. } = fired.read;
    assert_eq!((complaints, before), (2, 9));
    assert_eq!((first_day, last_day), (Some(date(2026, 3, 10)), Some(date(2026, 3, 11))));
    assert_eq!(fired.rules[0].alerting, 2);
    // The tenth caller of a matter that began before: one step of a case that is known.
    let case = &fired.cases.samples[0];
    assert_eq!((fired.cases.count, fired.cases.alerts), (1, 1));
    assert!(case.callers >= 10 && case.level > Level::Blue, "{case:?}");
}

#[test]
fn events_that_cannot_be_read_are_counted_and_told() {
    let mut records = records(&[("1", 1, "健身房跑路"), ("2", 1, "x")]);
    records[1].raw = b"{".to_vec();
    let decoder = Decoder::new(DecodeConfig::default()).unwrap();
    let mut records = records.into_iter().map(Ok);
    let events = Events { records: &mut records, decoder: &decoder, not_after: Timestamp::MAX };
    let mut told = Vec::new();
    let fired = backtest((None, None), |backtest, _| {
        let rejected = &mut |line, reason: DeadReason, _: &str| told.push((line, reason.as_str()));
        let mut watch = Watch { rejected, progress: &mut |_| {} };
        backtest.one(&preparer(PACK), History::Events(events), &mut watch)
    });
    assert_eq!(told, [(2, "invalid_json")]);
    assert_eq!(fired.read.rejected.values().sum::<u64>(), 1);
}

#[test]
fn a_changed_pack_is_told_hit_by_hit_with_the_words_that_made_it() {
    let new = PACK.replace("within: 6", "within: 2").replace("status: shadow", "status: experimental");
    let new = new.replace("[年卡]", "[年卡, 私教]").replace("rules:", "masks: [失联的人]\nrules:");
    let told = difference(
        &new,
        &[
            ("1", 1, "健身房跑路"),
            ("2", 2, "健身房昨天晚上跑路"),
            ("3", 3, "健身房跑路，买了私教"),
            ("4", 4, "退卡难"),
            ("5", 5, "美容院失联的人"),
        ],
    );
    let mut out = String::new();
    for rule in &told.rules {
        let _ = writeln!(out, "{} {:?} {:?}, {} the same", rule.rule, rule.status, rule.changes, rule.same);
        for Example { change, id, old, new, text, .. } in &rule.examples {
            let _ = writeln!(out, "  {id} {change:?}: {text}\n    {old:?}\n    {new:?}");
        }
    }
    insta::assert_snapshot!(out, @r#"
T01 [Some(Stable), Some(Stable)] {LostAlert: 2, Rescored: 1}, 1 the same
  2 LostAlert: [健身房]昨天晚上[跑路]
    Side { score: Some(60), only: ["near:健身房+跑路 +60"], hides: [] }
    Side { score: Some(0), only: [], hides: [] }
  5 LostAlert: [美容院失联]的人
    Side { score: Some(60), only: ["near:美容院+失联 +60"], hides: [] }
    Side { score: Some(0), only: [], hides: ["失联 in 失联的人"] }
  3 Rescored: [健身房跑路]，买了[私教]
    Side { score: Some(60), only: [], hides: [] }
    Side { score: Some(72), only: ["weak:私教 +12"], hides: [] }
T02 [Some(Shadow), Some(Experimental)] {NowAlerts: 1}, 0 the same
  4 NowAlerts: [退卡难]
    Side { score: Some(60), only: [], hides: [] }
    Side { score: Some(60), only: [], hides: [] }
"#);
    assert!(!told.is_empty());
    // The gym's case loses its second caller, and its third one is a case alone.
    let CaseChanges { new, lost, changed, same, lost_samples, changed_samples, .. } = &told.risks;
    assert_eq!((new, lost, changed, same), (&2, &1, &1, &0));
    assert_eq!(lost_samples[0].rules.iter().collect::<Vec<_>>(), ["T01"]);
    assert_eq!((changed_samples[0].0.level, changed_samples[0].1.level), (Level::Yellow, Level::Blue));
}

#[test]
fn a_pack_does_not_differ_from_itself_nor_a_case_by_its_beginning() {
    let events = [
        ("1", 1, "三里健身房有限公司的健身房跑路"),
        ("2", 2, "三里健身房有限公司的健身房失联"),
        ("3", 3, "路灯不亮"),
    ];
    assert!(difference(PACK, &events).is_empty());
    // The case of the old pack begins with another complaint, and so has another id.
    let told =
        difference(&PACK.replace("[跑路, 失联]", "[失联]").replace("健身房跑路", "健身房失联"), &events);
    assert_eq!(told.rules[0].changes.clone().into_iter().collect::<Vec<_>>(), [(Change::LostAlert, 1)]);
    let CaseChanges { new, lost, same, .. } = told.risks;
    assert_eq!((new, lost, same), (0, 0, 1));
}

#[test]
fn a_store_tells_what_its_events_told() {
    let events = [
        ("1", 1, "健身房跑路，电话13812345678"),
        ("2", 2, "健身房失联"),
        ("3", 3, "路灯不亮"),
        ("4", 4, "退卡难"),
    ];
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&StoreConfig::at(folder.path())).unwrap();
    let config = Arc::new(EngineConfig::default());
    let preparer = preparer(PACK);
    let decoder = Decoder::new(DecodeConfig::default()).unwrap();
    let partition = PartitionKey::from("other");
    let mut engine = Engine::new(partition.clone(), config, preparer.knowledge().clone()).unwrap();
    let mut effects = Effects::default();
    for record in records(&events) {
        let decoded = decoder.decode(&record.raw, Timestamp::MAX).unwrap();
        let prepared = preparer.prepare(decoded.complaint, decoded.content);
        let reached = prepared.complaint.received_at;
        engine.apply(Arrival { prepared, version: 1, reached }, &mut effects);
    }
    let mut commit = Commit::new(partition, 0, Timestamp::UNIX_EPOCH);
    commit.clock = engine.status().clock;
    commit.incidents = engine.incidents(&mut effects);
    (commit.complaints, commit.regrouped, commit.aliases) =
        (effects.complaints, effects.regrouped, effects.merged);
    store.commit(&commit, &[]).unwrap();

    let of_store =
        backtest((None, None), |backtest, watch| backtest.one(&preparer, History::Store(&store), watch));
    let of_events = fired((None, None), &events);
    assert_eq!(of_store.rules, of_events.rules);
    assert_eq!(of_store.read, of_events.read);
    assert_eq!(of_store.cases.levels, of_events.cases.levels);
    let later = backtest((Some(2), Some(3)), |backtest, watch| {
        backtest.one(&preparer, History::Store(&store), watch)
    });
    assert_eq!((later.read.complaints, later.read.before, later.rules[0].alerting), (2, 1, 1));
}

#[test]
fn periods_end_with_their_last_day() {
    let zone = TimeZone::get("Asia/Shanghai").unwrap();
    let period = |from, to| Period::new(from, to, zone.clone());
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let one = period(Some(date(2026, 3, 1)), Some(date(2026, 3, 1))).unwrap();
    for (moment, inside) in [
        ("2026-02-28T23:59:59+08:00", false),
        ("2026-03-01T00:00:00+08:00", true),
        ("2026-03-01T23:59:59.999+08:00", true),
        ("2026-03-02T00:00:00+08:00", false),
    ] {
        assert_eq!(one.contains(at(moment)), inside, "{moment}");
    }
    assert!(period(None, None).unwrap().is_from_the_first());
    let reversed = period(Some(date(2026, 3, 2)), Some(date(2026, 3, 1))).unwrap_err();
    insta::assert_snapshot!(reversed, @"the last day, 2026-03-01, is before the first, 2026-03-02");
    assert!(matches!(period(None, Some(jiff::civil::Date::MAX)), Err(BadPeriod::Far { .. })));
}

#[test]
fn excerpts_are_one_line_with_what_stands_beside() {
    let text = "小区西门外新开的健身房\n昨天跑路\u{1b}了，物业说他们也不知道老板失联";
    let record = records(&[("1", 1, text)]).remove(0);
    let decoder = Decoder::new(DecodeConfig::default()).unwrap();
    let complaint = decoder.decode(&record.raw, Timestamp::MAX).unwrap().complaint;
    let span = |word: &str| {
        let start = complaint.text.find(word).unwrap();
        let end = start + word.len();
        crate::model::Span { field: crate::model::Where::Text, start: start as u32, end: end as u32 }
    };
    let excerpt = |spans: &[_]| super::words::excerpt(&complaint, spans);
    insta::assert_snapshot!(excerpt(&[span("失联"), span("跑路"), span("健身房")]), @"小区西门外新开的[健身房] 昨天[跑路]了，物业说他们也不知道老板[失联]");
    insta::assert_snapshot!(excerpt(&[span("老板"), span("板失联")]), @"…业说他们也不知道[老板失联]");
    assert_eq!(excerpt(&[crate::model::Span { field: crate::model::Where::Text, start: 1, end: 4000 }]), "");
}

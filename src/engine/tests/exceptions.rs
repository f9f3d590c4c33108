//! Hits for which an exception holds: decided, kept, never told.

use super::*;
use crate::model::Decision;

const PACK: &str = "
rules:
  - id: T01
    title: 试验
    category: 试验
    status: stable
    version: 1
    owner: 测试
    strong: [{weight: 90, terms: [退卡难]}]
    tests: {must_fire: [退卡难], must_not_fire: [路灯不亮]}
exceptions:
  - {id: E1, owner: 商务局, reason: 专班处理, until: 2026-03-02, rules: [T01], entity: [北京蓝桥健身有限公司]}
";

/// What is decided about a complaint on its own, and what is told.
fn decided(at: &str, text: &str) -> (Decision, Vec<Alert>) {
    let pack = Arc::new(RulePack::from_texts([("t.yaml", PACK)]).unwrap());
    let zone = TimeZone::get("Asia/Shanghai").unwrap();
    let knowledge = Knowledge { pack, zone, ..PREPARER.knowledge().clone() };
    let preparer =
        Preparer::new(knowledge.clone(), CallerHasher::new(b"a key for nobody but tests").unwrap());
    let mut engine = Engine::new("main".into(), Arc::new(EngineConfig::default()), knowledge).unwrap();
    let complaint = Complaint { received_at: at.parse().unwrap(), ..crate::rules::sample("", text) };
    let prepared = preparer.prepare(complaint, ContentHash(1));
    let mut effects = Effects::default();
    engine.apply(Arrival { reached: prepared.complaint.received_at, prepared, version: 1 }, &mut effects);
    (effects.complaints.remove(0).decision, effects.alerts)
}

#[test]
fn a_hit_with_an_exception_is_kept_with_it_and_not_told() {
    let text = "蓝桥健身退卡难，请帮忙";
    let (decision, told) = decided("2026-03-02T23:00:00+08:00", text);
    assert_eq!(told, []);
    let hit = &decision.risks[0];
    assert_eq!((hit.score, hit.entity.as_deref(), hit.alerts()), (90, Some("蓝桥健身"), false));
    let suppressed = hit.suppressed.as_ref().unwrap();
    assert_eq!(suppressed.chinese(), "例外E1：专班处理（商务局，至2026-03-02），不提示，只记录");

    // Another company, and the day after.
    assert_eq!(decided("2026-03-02T23:00:00+08:00", "红桥健身退卡难，请帮忙").1.len(), 1);
    let (decision, told) = decided("2026-03-03T00:00:00+08:00", text);
    assert_eq!((told.len(), decision.risks[0].suppressed.is_none()), (1, true));
}

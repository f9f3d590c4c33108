//! What is put back from the store stands on what was decided, not on the rules of today.

use super::*;

#[test]
fn a_complaint_put_back_accuses_whom_it_did_under_the_rules_of_its_time() {
    let other = "
rules:
  - id: T01
    title: 试验
    category: 试验
    status: stable
    version: 1
    owner: 测试
    strong: [{weight: 90, terms: [养鹿]}]
    tests: {must_fire: [养鹿], must_not_fire: [路灯不亮]}
";
    let pack = Arc::new(RulePack::from_texts([("t.yaml", other)]).unwrap());
    let knowledge = Knowledge { pack, ..PREPARER.knowledge().clone() };
    let today = Preparer::new(knowledge, CallerHasher::new(b"a key for nobody but the tests").unwrap());
    let text = "我在北京金穗财富投资管理有限公司投了二十万，承诺年化12%，现在到期不兑付，公司人去楼空。";
    let complaint = crate::rules::sample("", text);
    let before = PREPARER.prepare(complaint.clone(), ContentHash(1));
    assert!(before.risks.iter().any(crate::model::RiskHit::alerts) && before.reading.company().is_some());
    let again = today.prepare_stored(Arc::clone(&before.complaint), before.callers.clone(), ContentHash(1));
    assert!(
        again.risks.is_empty() && again.reading.company().is_none(),
        "the rules of today know nothing of it"
    );

    let (callers, risks) = (before.callers.clone(), &before.risks);
    let decided = today.prepare_decided(Arc::clone(&before.complaint), callers, ContentHash(1), risks);
    assert_eq!((&decided.reading, &decided.risks), (&before.reading, &before.risks));
}

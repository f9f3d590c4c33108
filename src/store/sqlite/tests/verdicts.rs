//! What people say of alerts.

use std::collections::BTreeMap;

use serde_json::json;

use super::*;
use crate::model::Truth;
use crate::store::RetentionConfig;

#[test]
fn verdicts_are_kept_noted_and_go_with_their_alert() {
    let folder = tempfile::tempdir().unwrap();
    let retention = RetentionConfig { alerts_days: 30, incidents_days: 30, ..RetentionConfig::default() };
    let store = SqliteStore::open(&StoreConfig { retention, ..quick(&folder) }).unwrap();
    let mut commit = batch(0);
    commit.alerts = vec![alert("a", 1), alert("a", 2), alert("b", 1)];
    put(&store, &commit, &[]).unwrap();

    let judge = |id: &str, verdict, reason| {
        store.judge(&id.into(), (verdict, reason, "值班员甲"), at(9)).unwrap().map(|kept| kept.revision)
    };
    assert_eq!(judge("none", Truth::True, ""), None);
    assert_eq!(judge("a", Truth::Unsure, ""), Some(2), "of the last revision");
    assert_eq!(judge("a", Truth::False, "公交卡"), Some(2));
    assert_eq!(judge("b", Truth::True, ""), Some(1));
    let of = |id: &str| store.judgements(Some(&id.into())).unwrap();
    let verdicts: Vec<Truth> = of("a").iter().map(|judgement| judgement.verdict).collect();
    assert_eq!(verdicts, [Truth::Unsure, Truth::False]);
    assert_eq!(of("a")[1].chinese(), "误报：公交卡（值班员甲，对第2版）");
    assert_eq!(store.judgements(None).unwrap().len(), 3);
    let noted = store.audit(Some("verdict"), 9).unwrap();
    assert_eq!((noted.len(), noted[1].subject.as_str()), (3, "a"));
    let detail = json!({"revision": 2, "verdict": "false", "reason": "公交卡", "by": "值班员甲"});
    assert_eq!(noted[1].detail, detail);

    assert_eq!(store.sweep(days(40), &BTreeMap::new()).unwrap().alerts, 3);
    assert!(store.judgements(None).unwrap().is_empty());
    assert_sound(&store);
}

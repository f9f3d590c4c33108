//! No room left.

use std::collections::BTreeMap;

use super::*;
use crate::source::Positions;
use crate::store::CommitError;

#[test]
fn a_full_store_refuses_loses_nothing_and_goes_on_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let config = StoreConfig { max_size_mib: Some(1), ..quick(&folder) };
    let store = SqliteStore::open(&config).unwrap();
    let chunk = |number: u64| {
        let mut commit = batch(number.cast_signed());
        commit.complaints = (0..50)
            .map(|index| record(&format!("c{number}-{index}"), number * 50 + index, Some("g")))
            .collect();
        let from = number.checked_sub(1).map(u64::cast_signed);
        commit.positions = vec![delta("a", from, number.cast_signed())];
        commit.alerts = vec![alert(&format!("A{number}"), 1)];
        commit
    };
    let mut accepted = 0;
    let error = loop {
        match store.commit(&chunk(accepted), &sinks()) {
            Ok(()) => accepted += 1,
            Err(error) => break error,
        }
        assert!(accepted < 1000, "it never fills up");
    };
    assert!(matches!(error, CommitError::Full(_)) && error.is_passing(), "{error}");
    assert!(accepted > 2);

    // Trying again changes nothing; everything acknowledged is there, nothing else is.
    assert!(matches!(store.commit(&chunk(accepted), &sinks()), Err(CommitError::Full(_))));
    assert_eq!(window(&store, at(0)).len() as u64, accepted * 50);
    assert_eq!(store.counts().unwrap().alerts, accepted);
    assert_eq!(store.position("a").unwrap(), Some(Position(accepted.cast_signed() - 1)));
    assert_sound(&store);

    // Retention makes room although the store is full, and the same commit goes through.
    let keep = BTreeMap::from([(main_partition(), at((accepted * 50 - 60).cast_signed()))]);
    let swept = store.sweep(days(500), &keep).unwrap();
    assert!(swept.complaints >= accepted * 50 - 100, "{swept:?}");
    store.commit(&chunk(accepted), &sinks()).unwrap();
    assert_eq!(store.position("a").unwrap(), Some(Position(accepted.cast_signed())));
    drop(store);

    // A larger limit is as good.
    let larger = StoreConfig { max_size_mib: Some(8), ..quick(&folder) };
    let store = SqliteStore::open(&larger).unwrap();
    for number in accepted + 1..accepted * 2 {
        store.commit(&chunk(number), &sinks()).unwrap();
    }
    assert_sound(&store);
}

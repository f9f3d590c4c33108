//! Names for groups and alerts, made from what founded them: the same stream gives the same names.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};

use crate::model::{AlertId, ComplaintId, GroupId};

/// Crockford's base 32: no I, L, O, U, so that a name can be read out over the telephone.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

fn letters(parts: &[&[u8]], count: usize) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    let digest = hasher.finalize();
    digest.iter().take(count).map(|byte| char::from(LETTERS[usize::from(byte & 31)])).collect()
}

/// The id of the group that two complaints found: `G-` and 12 letters (60 bits).
pub(super) fn group_id(founder: &ComplaintId, joined: &ComplaintId, at: Timestamp) -> GroupId {
    let time = at.as_nanosecond().to_le_bytes();
    GroupId::from(format!(
        "G-{}",
        letters(&[founder.as_str().as_bytes(), joined.as_str().as_bytes(), &time], 12)
    ))
}

/// The id of an alert: what it is (`QS` 群诉, `JR` 金融), the local day, and 8 letters (40 bits)
/// made from what it is about.
pub fn alert_id(prefix: &str, at: Timestamp, zone: &TimeZone, about: &str) -> AlertId {
    let day = at.to_zoned(zone.clone()).strftime("%Y%m%d").to_string();
    AlertId::from(format!(
        "{prefix}{day}-{}",
        letters(&[prefix.as_bytes(), about.as_bytes(), day.as_bytes()], 8)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_stable_and_differ() {
        let at = Timestamp::from_second(1_772_323_200).unwrap();
        let id = |a, b| group_id(&ComplaintId::from(a), &ComplaintId::from(b), at);
        assert_eq!(id("a", "bc"), id("a", "bc"));
        assert_ne!(id("a", "bc"), id("ab", "c"));
        let zone = TimeZone::fixed(jiff::tz::offset(8));
        let alert = alert_id("QS", at, &zone, id("a", "b").as_str());
        assert!(alert.as_str().starts_with("QS20260301-"), "{alert}");
        assert_eq!(alert.as_str().len(), 19);
    }
}

//! From what an event says of its caller to keyed hashes, and nothing else.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::model::{CallerKey, CallerKeys, ReportedCaller};
use crate::text::normalise;

/// The shortest key taken, in bytes.
const SHORTEST_KEY: usize = 16;
/// What systems and agents write when they know no caller. Counting these would make one person of
/// all anonymous callers.
const NOBODY: [&str; 12] = ["", "0", "-", "无", "空", "null", "none", "n/a", "匿名", "未知", "不详", "保密"];

/// Hashes callers with a secret key (HMAC-SHA256), so that they can be counted but not looked up.
#[derive(Clone)]
pub struct CallerHasher(Hmac<Sha256>);

/// A key that is too short to protect telephone numbers, of which there are few.
#[derive(Debug, thiserror::Error)]
#[error("the caller key has {0} bytes; at least {SHORTEST_KEY} are needed")]
pub struct CallerKeyError(usize);

impl CallerHasher {
    /// Takes the secret key.
    ///
    /// # Errors
    /// When the key is shorter than 16 bytes.
    pub fn new(key: &[u8]) -> Result<Self, CallerKeyError> {
        if key.len() < SHORTEST_KEY {
            return Err(CallerKeyError(key.len()));
        }
        Hmac::new_from_slice(key).map(Self).map_err(|_| CallerKeyError(key.len()))
    }

    /// The keys of a caller: one for the phone, one for the account, and one for each further
    /// number the event links to them. Empty for an anonymous call.
    pub fn keys(&self, caller: &ReportedCaller) -> CallerKeys {
        let mut keys: CallerKeys = caller
            .phone
            .iter()
            .chain(&caller.id)
            .chain(&caller.also)
            .filter_map(|said| identifier(said))
            .map(|identifier| self.hash(&identifier))
            .collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    fn hash(&self, identifier: &str) -> CallerKey {
        let mut mac = self.0.clone();
        mac.update(identifier.as_bytes());
        let digest = mac.finalize().into_bytes();
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        CallerKey(u64::from_be_bytes(first))
    }
}

impl std::fmt::Debug for CallerHasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CallerHasher(secret)")
    }
}

/// One spelling for one identifier: `+86 138-0000-0000`, `０１３８…` and `13800000000` are one phone,
/// whichever field they stand in.
fn identifier(said: &str) -> Option<String> {
    let folded = normalise(said.trim());
    let folded = folded.text().trim();
    if NOBODY.contains(&folded) {
        return None;
    }
    let digits: String = folded.chars().filter(char::is_ascii_digit).collect();
    let is_number = folded.chars().all(|c| c.is_ascii_digit() || "+-() ".contains(c));
    if is_number && digits.len() >= 7 {
        let national =
            digits.strip_prefix("0086").or_else(|| digits.strip_prefix("86").filter(|rest| rest.len() >= 10));
        let national = national.unwrap_or(&digits);
        // A mobile number dialled as a long-distance call.
        let mobile = national.strip_prefix('0').filter(|rest| rest.len() == 11 && rest.starts_with('1'));
        return Some(format!("number:{}", mobile.unwrap_or(national)));
    }
    Some(format!("account:{folded}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hasher() -> CallerHasher {
        CallerHasher::new(b"sixteen bytes ok").unwrap()
    }

    fn phone(phone: &str) -> ReportedCaller {
        ReportedCaller { phone: Some(phone.into()), ..ReportedCaller::default() }
    }

    #[test]
    fn spellings_of_one_number_are_one_caller_in_any_field() {
        let keys = hasher().keys(&phone("13800001234"));
        assert_eq!(keys.len(), 1);
        for spelling in ["+86 138-0000-1234", "013800001234", "１３８００００１２３４", "008613800001234"]
        {
            assert_eq!(hasher().keys(&phone(spelling)), keys, "{spelling}");
        }
        let account = ReportedCaller { id: Some("13800001234".into()), ..ReportedCaller::default() };
        assert_eq!(hasher().keys(&account), keys);
    }

    #[test]
    fn linked_numbers_are_all_there_once() {
        let caller = ReportedCaller {
            id: Some("A17".into()),
            phone: Some("13800001234".into()),
            also: vec!["13800005678".into(), "A17".into()],
            ..ReportedCaller::default()
        };
        assert_eq!(hasher().keys(&caller).len(), 3);
    }

    #[test]
    fn nobody_is_not_a_caller() {
        for nobody in ["", " ", "匿名", "无", "NULL", "0"] {
            assert!(hasher().keys(&phone(nobody)).is_empty(), "{nobody:?}");
        }
        assert!(hasher().keys(&ReportedCaller::default()).is_empty());
    }

    #[test]
    fn another_key_gives_other_hashes_and_a_short_one_is_refused() {
        let other = CallerHasher::new(b"another sixteen bytes").unwrap();
        assert_ne!(other.keys(&phone("13800001234")), hasher().keys(&phone("13800001234")));
        assert_eq!(
            CallerHasher::new(b"short").unwrap_err().to_string(),
            "the caller key has 5 bytes; at least 16 are needed"
        );
        assert_eq!(format!("{:?}", hasher()), "CallerHasher(secret)");
    }
}

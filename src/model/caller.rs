//! Who called, as far as counting needs to know: keyed hashes, never numbers.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use smallvec::SmallVec;

/// The keyed hash (HMAC-SHA256, first 8 bytes) of one thing that identifies a caller: a phone
/// number or a hotline account. Without the key it says nothing about the person; with another
/// key it is another number. Written as 16 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallerKey(pub u64);

/// All keys one event gives for its caller. Two events that share any key come from one person.
/// Empty when the event names no caller.
pub type CallerKeys = SmallVec<[CallerKey; 2]>;

impl fmt::Display for CallerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for CallerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CallerKey({self})")
    }
}

impl Serialize for CallerKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for CallerKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        u64::from_str_radix(&text, 16).map(Self).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_as_sixteen_hex_digits_and_read_back() {
        let key = CallerKey(0xab);
        let text = serde_json::to_string(&key).unwrap();
        assert_eq!(text, "\"00000000000000ab\"");
        assert_eq!(serde_json::from_str::<CallerKey>(&text).unwrap(), key);
    }
}

//! What a person says of an alert.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::AlertId;

/// A reason or a name is at most this many characters long.
const MOST_CHARS: usize = 500;

/// Whether an alert was right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Truth {
    /// It was.
    True,
    /// It was not: there is nothing of the kind.
    False,
    /// Nobody can tell yet.
    Unsure,
}

impl Truth {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::True, Self::False, Self::Unsure];

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::True => "true",
            Self::False => "false",
            Self::Unsure => "unsure",
        }
    }

    /// The Chinese name that people see.
    #[must_use]
    pub fn chinese(self) -> &'static str {
        match self {
            Self::True => "属实",
            Self::False => "误报",
            Self::Unsure => "待核",
        }
    }
}

impl fmt::Display for Truth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Truth {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|truth| truth.as_str() == name);
        found.ok_or_else(|| format!("`{name}` is no verdict; use true, false or unsure"))
    }
}

/// A person's verdict on an alert. The last one counts; earlier ones are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement {
    /// The alert.
    pub alert: AlertId,
    /// Its last revision then.
    pub revision: u32,
    /// Whether it was right.
    pub verdict: Truth,
    /// Why; never empty when it was wrong.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Who says so.
    pub by: String,
    /// When (wall clock).
    pub at: Timestamp,
}

impl Judgement {
    /// Checks what a person has typed.
    ///
    /// # Errors
    /// One sentence that says what is missing or too long.
    pub fn check(verdict: Truth, reason: &str, by: &str) -> Result<(), String> {
        if by.trim().is_empty() {
            return Err("nobody is named; say who judges".to_owned());
        }
        if verdict == Truth::False && reason.trim().is_empty() {
            return Err("a false alert needs a reason: what it was instead".to_owned());
        }
        for (text, what) in [(reason, "reason"), (by, "name")] {
            if text.chars().count() > MOST_CHARS {
                return Err(format!("the {what} is longer than {MOST_CHARS} characters; shorten it"));
            }
            if text.contains(char::is_control) {
                return Err(format!("the {what} holds control characters; leave them out"));
            }
        }
        Ok(())
    }

    /// In Chinese for people, without the time.
    #[must_use]
    pub fn chinese(&self) -> String {
        let Self { revision, verdict, reason, by, .. } = self;
        let gap = if reason.is_empty() { "" } else { "：" };
        format!("{}{gap}{reason}（{by}，对第{revision}版）", verdict.chinese())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_says_who_and_of_a_false_alert_why() {
        let check = Judgement::check;
        assert_eq!(check(Truth::True, "", "值班员甲"), Ok(()));
        assert_eq!(check(Truth::False, "退的是公交卡", "值班员甲"), Ok(()));
        insta::assert_snapshot!(check(Truth::False, " ", "值班员甲").unwrap_err(), @"a false alert needs a reason: what it was instead");
        insta::assert_snapshot!(check(Truth::True, "", " ").unwrap_err(), @"nobody is named; say who judges");
        insta::assert_snapshot!(check(Truth::True, "a\u{7}", "甲").unwrap_err(), @"the reason holds control characters; leave them out");
        assert!(check(Truth::True, &"长".repeat(501), "甲").unwrap_err().contains("500"));
        for truth in Truth::ALL {
            assert_eq!(truth.as_str().parse(), Ok(truth));
        }
    }
}

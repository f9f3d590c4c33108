//! How the reference receiver misbehaves on request.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

/// A way to misbehave, as real receivers do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Fail {
    /// Not at all.
    #[default]
    None,
    /// Answers every n-th request with 500 and does not accept it. `500:3`; `500` is every one.
    ServerError(NonZeroU32),
    /// Answers every request with 401. `401`.
    Unauthorized,
    /// Waits before it accepts. `slow:2.5`, in seconds.
    Slow(Duration),
    /// Accepts, but drops the connection instead of answering for every n-th accepted. `drop:2`.
    DropAfterAccept(NonZeroU32),
    /// Answers 422 for this alert. `422:QS20260301-7F3K2QXA`.
    Refuse(String),
}

impl FromStr for Fail {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, rest) = text.split_once(':').map_or((text, None), |(name, rest)| (name, Some(rest)));
        let every = || match rest {
            None => Ok(NonZeroU32::MIN),
            Some(rest) => rest.parse().map_err(|_| format!("\"{rest}\" is no number from 1 up")),
        };
        match (name, rest) {
            ("none", None) => Ok(Self::None),
            ("401", None) => Ok(Self::Unauthorized),
            ("500", _) => every().map(Self::ServerError),
            ("drop", _) => every().map(Self::DropAfterAccept),
            ("slow", Some(rest)) => rest
                .parse()
                .ok()
                .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
                .map(Self::Slow)
                .ok_or_else(|| format!("\"{rest}\" is no number of seconds")),
            ("422", Some(id)) if !id.is_empty() => Ok(Self::Refuse(id.to_owned())),
            _ => Err(format!(
                "\"{text}\" is not known; use none, 401, 500:N, slow:SECONDS, drop:N or 422:ALERT"
            )),
        }
    }
}

impl fmt::Display for Fail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::ServerError(every) => write!(f, "500:{every}"),
            Self::Unauthorized => f.write_str("401"),
            Self::Slow(wait) => write!(f, "slow:{}", wait.as_secs_f64()),
            Self::DropAfterAccept(every) => write!(f, "drop:{every}"),
            Self::Refuse(id) => write!(f, "422:{id}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_reads_back_and_others_are_refused() {
        for text in ["none", "401", "500:3", "slow:2.5", "drop:1", "422:QS1"] {
            assert_eq!(text.parse::<Fail>().unwrap().to_string(), text);
        }
        assert_eq!("500".parse(), Ok(Fail::ServerError(NonZeroU32::MIN)));
        for text in ["", "500:0", "500:x", "slow", "slow:-1", "slow:x", "422", "422:", "none:1", "teapot"] {
            assert!(text.parse::<Fail>().is_err(), "{text}");
        }
        insta::assert_snapshot!("teapot".parse::<Fail>().unwrap_err(), @r#""teapot" is not known; use none, 401, 500:N, slow:SECONDS, drop:N or 422:ALERT"#);
    }
}

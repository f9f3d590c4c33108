//! Signing and verifying requests as Standard Webhooks says (HMAC-SHA256, `v1`).

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use standardwebhooks::Webhook;
use subtle::ConstantTimeEq as _;

/// The marks of a request: its id, the second it was sent, its signature.
pub(super) use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP};

const PREFIX: &str = "whsec_";

/// Standard Webhooks asks for 24 to 64 bytes; longer ones are no weaker, so only the floor is held.
const LEAST_BYTES: usize = 24;

/// A secret that signs requests. Shown as nothing.
#[derive(Clone)]
pub struct SigningSecret(Arc<Webhook>);

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret([hidden])")
    }
}

/// A secret that cannot be used. Does not say what was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// `whsec_` and then something else.
    #[error(
        "the signing secret begins with whsec_ but the rest is not base64; copy it whole, or make one with `echo whsec_$(openssl rand -base64 32)`"
    )]
    NotBase64,
    /// Too short to be safe.
    #[error(
        "the signing secret has {0} bytes and needs at least {LEAST_BYTES}; make one with `echo whsec_$(openssl rand -base64 32)`"
    )]
    Short(usize),
}

/// Why a request is not taken as one of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A header is missing, or is not what it should be.
    #[error("header {0} is missing or malformed")]
    Header(&'static str),
    /// Sent too long ago, or in the future: a replay, or a clock that is wrong.
    #[error("webhook-timestamp is {0} s from this receiver's clock; check both clocks")]
    Stale(i64),
    /// Signed with another secret, or changed on the way.
    #[error("no v1 signature matches; check that both sides have the same secret")]
    Signature,
}

impl SigningSecret {
    /// Reads a secret: `whsec_` and base64, or any other text, whose bytes are then the key.
    ///
    /// # Errors
    /// When it is not base64 after `whsec_`, or shorter than 24 bytes.
    ///
    /// # Panics
    /// Never: any bytes are a key.
    pub fn parse(secret: &SecretString) -> Result<Self, SecretError> {
        let text = secret.expose_secret();
        let key = match text.strip_prefix(PREFIX) {
            Some(encoded) => BASE64.decode(encoded).map_err(|_| SecretError::NotBase64)?,
            None => text.as_bytes().to_vec(),
        };
        if key.len() < LEAST_BYTES {
            return Err(SecretError::Short(key.len()));
        }
        let webhook = Webhook::from_bytes(key).expect("any bytes are a key");
        Ok(Self(Arc::new(webhook)))
    }

    /// The value of `webhook-signature` for a request sent at `at`.
    ///
    /// # Panics
    /// When `body` is not UTF-8; ours is JSON.
    #[must_use]
    pub fn sign(&self, id: &str, at: Timestamp, body: &[u8]) -> String {
        self.0.sign(id, at.as_second(), body).expect("JSON is UTF-8")
    }

    /// Checks a request that arrived at `now`; `header` gives a header's value by its name.
    /// Returns its id.
    ///
    /// # Errors
    /// Says why it is not one of ours.
    pub fn verify<'h>(
        &self,
        header: impl Fn(&'static str) -> Option<&'h str>,
        body: &[u8],
        now: Timestamp,
        tolerance: SignedDuration,
    ) -> Result<&'h str, Refusal> {
        let get = |name| header(name).filter(|value| !value.is_empty()).ok_or(Refusal::Header(name));
        let id = get(HEADER_WEBHOOK_ID)?;
        let stamp: i64 =
            get(HEADER_WEBHOOK_TIMESTAMP)?.parse().map_err(|_| Refusal::Header(HEADER_WEBHOOK_TIMESTAMP))?;
        let given = get(HEADER_WEBHOOK_SIGNATURE)?;
        // The signature first: an answer about clocks is only for those who know the secret.
        let expected = self.0.sign(id, stamp, body).map_err(|_| Refusal::Signature)?;
        let matches = |one: &str| bool::from(one.as_bytes().ct_eq(expected.as_bytes()));
        if !given.split(' ').any(matches) {
            return Err(Refusal::Signature);
        }
        let off = now.as_second().saturating_sub(stamp);
        if off.unsigned_abs() > tolerance.as_secs().unsigned_abs() {
            return Err(Refusal::Stale(off));
        }
        Ok(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_772_249_105;
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYqr";

    fn secret(text: &str) -> Result<SigningSecret, SecretError> {
        SigningSecret::parse(&SecretString::from(text))
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn verify(id: &str, stamp: &str, signature: &str, body: &[u8]) -> Result<String, Refusal> {
        let header = |name| match name {
            HEADER_WEBHOOK_ID => Some(id),
            HEADER_WEBHOOK_TIMESTAMP => Some(stamp),
            _ => Some(signature),
        };
        let checked = secret(SECRET).unwrap().verify(header, body, at(NOW), SignedDuration::from_mins(5));
        checked.map(str::to_owned)
    }

    // The example of the specification's own test suite, signed by another implementation.
    #[test]
    fn the_known_signature() {
        let webhook = Webhook::new("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD").unwrap();
        let secret = SigningSecret(Arc::new(webhook));
        let body = br#"{"email":"test@example.com","username":"test_user"}"#;
        assert_eq!(
            secret.sign("msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", at(1_649_367_553), body),
            "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw="
        );
    }

    #[test]
    fn what_was_signed_verifies_and_what_was_changed_does_not() {
        let body = b"{\"a\":1}";
        let good = secret(SECRET).unwrap().sign("QS1.2", at(NOW), body);
        let stamp = NOW.to_string();
        assert_eq!(verify("QS1.2", &stamp, &good, body), Ok("QS1.2".into()));
        let rotated = format!("v1,AAAA v1a,BBBB {good}");
        assert!(verify("QS1.2", &stamp, &rotated, body).is_ok(), "one of several is enough");
        let next = (NOW + 1).to_string();
        for (id, stamp, signature, body) in [
            ("QS1.3", &stamp, good.as_str(), &body[..]),
            ("QS1.2", &next, &good, body),
            ("QS1.2", &stamp, &good, b"{\"a\":2}"),
            ("QS1.2", &stamp, &good[..good.len() - 2], body),
            ("QS1.2", &stamp, "v1,", body),
            ("QS1.2", &stamp, &good.replace("v1,", "v2,"), body),
        ] {
            assert_eq!(verify(id, stamp, signature, body), Err(Refusal::Signature));
        }
        assert_eq!(verify("", &stamp, &good, body), Err(Refusal::Header("webhook-id")));
        assert_eq!(verify("QS1.2", "soon", &good, body), Err(Refusal::Header("webhook-timestamp")));
    }

    #[test]
    fn an_old_request_is_not_taken_however_well_signed() {
        for (off, is_taken) in [(0, true), (300, true), (-300, true), (301, false), (-301, false)] {
            let good = secret(SECRET).unwrap().sign("a.1", at(NOW - off), b"{}");
            let checked = verify("a.1", &(NOW - off).to_string(), &good, b"{}");
            assert_eq!(checked.is_ok(), is_taken, "{off}: {checked:?}");
        }
        let extreme = secret(SECRET).unwrap().sign("a.1", Timestamp::MIN, b"{}");
        let checked = verify("a.1", &Timestamp::MIN.as_second().to_string(), &extreme, b"{}");
        assert!(matches!(checked, Err(Refusal::Stale(_))), "{checked:?}");
    }

    #[test]
    fn secrets_are_read_in_both_forms_and_never_shown() {
        assert_eq!(secret("whsec_***").unwrap_err(), SecretError::NotBase64);
        assert_eq!(secret("whsec_AAAA").unwrap_err(), SecretError::Short(3));
        assert_eq!(secret("too short").unwrap_err(), SecretError::Short(9));
        let raw = secret("a raw secret of thirty bytes..").unwrap();
        assert_eq!(format!("{raw:?}"), "SigningSecret([hidden])");
    }
}

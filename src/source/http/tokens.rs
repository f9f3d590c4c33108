//! Who may send complaints.

use std::path::Path;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};

use super::HttpError;

/// Bearer tokens, kept as hashes.
#[derive(Debug, Clone)]
pub(super) struct Tokens(Vec<[u8; 32]>);

/// What a request shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// A token of ours.
    Right,
    /// Another token.
    Wrong,
    /// None.
    Nothing,
}

impl Tokens {
    /// Reads the file of tokens.
    pub(super) fn load(path: &Path) -> Result<Self, HttpError> {
        let content = std::fs::read_to_string(path)
            .map(SecretString::from)
            .map_err(|source| HttpError::UnreadableTokens { path: path.to_owned(), source })?;
        let mut tokens = Vec::new();
        for (index, line) in content.expose_secret().lines().enumerate() {
            let token = line.trim();
            if token.is_empty() || token.starts_with('#') {
                continue;
            }
            let fault = if !token.bytes().all(|b| b.is_ascii_graphic()) {
                Some("a token is ASCII without blanks; remove what is not")
            } else if token.len() < 16 {
                Some("a token of less than 16 characters can be guessed; use a longer one")
            } else if token.len() > 256 {
                Some("a token has at most 256 characters; shorten it")
            } else {
                None
            };
            if let Some(fault) = fault {
                return Err(HttpError::BadToken { path: path.to_owned(), line: index + 1, fault });
            }
            tokens.push(Sha256::digest(token).into());
        }
        if tokens.is_empty() {
            return Err(HttpError::NoToken(path.to_owned()));
        }
        Ok(Self(tokens))
    }

    /// Compares what a request shows, in a time that does not depend on how much of it is right.
    pub(super) fn check(&self, headers: &HeaderMap) -> Shown {
        let shown = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let bearer = shown.and_then(|value| value.split_once(' '));
        let Some((scheme, token)) = bearer else { return Shown::Nothing };
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Shown::Nothing;
        }
        let digest: [u8; 32] = Sha256::digest(token.trim()).into();
        let right = self.0.iter().fold(Choice::from(0), |right, token| right | token.ct_eq(&digest));
        if bool::from(right) { Shown::Right } else { Shown::Wrong }
    }
}

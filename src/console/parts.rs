//! What all pages share: frame, style, security policy, small pieces.

use std::sync::LazyLock;

use axum::http::{HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

use crate::model::{AlertState, Level};

const STYLE: &str = include_str!("style.css");

/// Only the one style sheet above, known by its hash; nothing else at all.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let hash = BASE64.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy).expect("the policy is ASCII")
});

pub(super) fn policy() -> HeaderValue {
    POLICY.clone()
}

/// A whole page.
pub(super) fn page(title: &str, body: &Markup) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang="zh-CN" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · 烽火" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header { a href="/" { "烽火" } " 群诉与金融风险提示" }
                main { (body) }
            }
        }
    };
    Html(page.into_string()).into_response()
}

/// A page that says what is wrong.
pub(super) fn sorry(status: StatusCode, message: &str) -> Response {
    (status, page(message, &html! { p.empty { (message) } })).into_response()
}

/// The level as a coloured mark with its name, so that the colour is not needed to read it.
pub(super) fn level(level: Level) -> Markup {
    html! { span class={ "level " (level.as_str()) } { (level.chinese()) } }
}

/// The state; one that is over is shown fainter.
pub(super) fn state(state: AlertState) -> Markup {
    html! { span.state.over[state == AlertState::Resolved] { (state.chinese()) } }
}

/// A time in China's zone, with the exact one for programs.
pub(super) fn time(at: Timestamp) -> Markup {
    let local = at.to_zoned(TimeZone::fixed(CHINA));
    html! { time datetime=(at) { (local.strftime("%Y-%m-%d %H:%M")) } }
}

/// China has had one zone without summer time since 1992.
const CHINA: Offset = Offset::constant(8);

/// Where an id leads. Ids of complaints come from outside and may hold anything.
pub(super) fn link(folder: &str, id: &str) -> String {
    use std::fmt::Write as _;
    let mut path = format!("/{folder}/");
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            path.push(byte.into());
        } else {
            let _ = write!(path, "%{byte:02X}");
        }
    }
    path
}

/// One row of a table of facts; none when there is nothing to say.
pub(super) fn fact(name: &str, value: Option<Markup>) -> Markup {
    html! { @if let Some(value) = value { dt { (name) } dd { (value) } } }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Lists of facts under one another share their columns only if none sets the width by its names.
    #[test]
    fn the_first_column_of_facts_is_one_width_and_holds_every_name() {
        let width = STYLE.split("dl{").nth(1).and_then(|rest| rest.split("grid-template-columns:").nth(1));
        let width: f64 = width.and_then(|rest| rest.split("em ").next()).unwrap().parse().unwrap();
        let names =
            include_str!("pages.rs").split("fact(\"").skip(1).filter_map(|rest| rest.split('"').next());
        let longest = names.map(|name| name.chars().count()).max().unwrap();
        assert!(longest > 3 && longest as f64 <= width, "{longest} characters in {width} em");
    }
}

//! Who may steer the daemon: whoever may send complaints.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::{HOST, ORIGIN};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};

use super::problem::Problem;
use super::tokens::{Shown, Tokens};

/// What a request has to show.
pub(super) enum Guard {
    /// One of these tokens.
    Tokens(Tokens),
    /// Nothing: only this machine asks, or a proxy in front has looked.
    Open,
    /// Nothing helps: other machines could ask, and no tokens are set.
    Closed,
}

/// Puts the guard before these routes.
pub(super) fn guarded(routes: Router, guard: Guard) -> Router {
    routes.layer(middleware::from_fn_with_state(Arc::new(guard), admit))
}

async fn admit(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let refused = match &*guard {
        Guard::Tokens(tokens) => match tokens.check(request.headers()) {
            Shown::Right => None,
            Shown::Wrong => Some(Problem::unauthorized(true)),
            Shown::Nothing => Some(Problem::unauthorized(false)),
        },
        Guard::Open if is_of_another_page(request.headers()) => Some(Problem::another_page()),
        Guard::Open => None,
        Guard::Closed => Some(Problem::closed()),
    };
    match refused {
        Some(problem) => problem.into_response(),
        None => next.run(request).await,
    }
}

/// Any page in a visitor's browser can have requests sent to this machine. Browsers say from which site
/// they come; programs say nothing.
fn is_of_another_page(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return false };
    let own = headers.get(HOST).and_then(|host| host.to_str().ok());
    let from = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    from.is_none_or(|(_, site)| own != Some(site))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_another_site_is_told_from_programs_and_our_own() {
        let headers = |origin: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, "127.0.0.1:8787".parse().unwrap());
            if let Some(origin) = origin {
                headers.insert(ORIGIN, origin.parse().unwrap());
            }
            headers
        };
        assert!(!is_of_another_page(&headers(None)));
        assert!(!is_of_another_page(&headers(Some("http://127.0.0.1:8787"))));
        for other in ["http://example.com", "null", "http://127.0.0.1:9000"] {
            assert!(is_of_another_page(&headers(Some(other))), "{other}");
        }
    }
}

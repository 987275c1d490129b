//! Who may ask the server for what: this server by its name, pages of origins that were allowed, bearers of the
//! token, and nobody too often.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Instant;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{Digest, SHA256, digest};
use axum::Extension;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::cluster::Cluster;
use super::refusal::Refusal;
use crate::bucket::{Bucket, Buckets, Source};
use crate::demo::guard::{Arrival, Names, host_of, is_here, only};
use crate::whip::limits::{GUESSERS, GUESSES};

/// Pages that may use the server beside its own origin's.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Origin {
    /// All of them.
    Any,
    /// Those of one origin, as browsers write it.
    One(String),
}

impl FromStr for Origin {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "write it as browsers do: https://HOST[:PORT], or * for all";
        if text == "*" {
            return Ok(Origin::Any);
        }
        let url: reqwest::Url = text.parse().map_err(|_| WRONG)?;
        match url.origin() {
            origin if origin.is_tuple() && url.path() == "/" => {
                Ok(Origin::One(origin.ascii_serialization()))
            }
            _ => Err(WRONG),
        }
    }
}

/// What clients have to know.
#[derive(Clone, Default)]
pub struct Tokens {
    /// Who knows it may do everything; without one everybody may.
    pub all: Option<String>,
    /// Who watches has to know this one, or the other.
    pub viewers: Viewers,
}

/// Who may watch.
#[derive(Clone, Default)]
pub enum Viewers {
    /// Who may do everything.
    #[default]
    LikeAll,
    /// Also who knows this token.
    Token(String),
    /// Everybody.
    Public,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens")
            .field("all", &self.all.as_ref().map(|_| "<redacted>"))
            .field("viewers", &self.viewers)
            .finish()
    }
}

impl fmt::Debug for Viewers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Viewers::LikeAll => "LikeAll",
            Viewers::Token(_) => "Token",
            Viewers::Public => "Public",
        })
    }
}

/// What every request passes.
pub(super) struct Gate {
    names: Names,
    origins: Vec<Origin>,
    /// The hashes of the tokens, so that a comparison takes as long whatever it is with.
    all: Option<Digest>,
    viewers: Option<Digest>,
    public: bool,
    /// Paths that need no token: those of a page.
    page: &'static [&'static str],
    /// Other relays, whose pages may ask.
    cluster: Option<Arc<Cluster>>,
    bucket: Bucket,
    /// Of who says no token or a wrong one. Whoever comes through a proxy has one with all others that do.
    guesses: Buckets<Option<Source>>,
}

impl Gate {
    /// Without a token everybody may ask, so many times a second. `page` are the paths of a page, which has to
    /// be there before somebody can say a token on it.
    pub(super) fn new(
        names: Names,
        origins: Vec<Origin>,
        tokens: &Tokens,
        (page, cluster): (&'static [&'static str], Option<Arc<Cluster>>),
        requests: u32,
    ) -> Self {
        let hash = |token: &String| digest(&SHA256, token.as_bytes());
        let (viewers, public) = match &tokens.viewers {
            Viewers::LikeAll => (None, false),
            Viewers::Token(token) => (Some(hash(token)), false),
            Viewers::Public => (None, true),
        };
        Gate {
            names,
            origins,
            all: tokens.all.as_ref().map(hash),
            viewers,
            public,
            page,
            cluster,
            bucket: Bucket::new(requests),
            guesses: Buckets::new(GUESSES, GUESSERS),
        }
    }

    /// The origin that the answer is for, if a page asks.
    fn judge(
        &self,
        host: &str,
        headers: &HeaderMap,
        local: IpAddr,
    ) -> Result<Option<HeaderValue>, &'static str> {
        // DNS rebinding: see the demo's guard.
        if !is_here(host, local, &self.names) {
            return Err("this server has another name; --host NAME at its start gives it this one");
        }
        let Some(origin) = only(headers, &header::ORIGIN)? else {
            return Ok(None);
        };
        let authority = origin.split_once("://").map(|(_, authority)| authority);
        let own = authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host));
        let allowed = |it: &Origin| match it {
            Origin::Any => true,
            Origin::One(known) => known.eq_ignore_ascii_case(origin),
        };
        let of_cluster = || self.cluster.as_ref().is_some_and(|it| it.is_origin(origin));
        match own || self.origins.iter().any(allowed) || of_cluster() {
            true => HeaderValue::from_str(origin)
                .map(Some)
                .map_err(|_| "a header is no text"),
            false => {
                Err("pages of this origin may not ask here; --allow-origin at the start lets them")
            }
        }
    }

    /// RFC 6750 §2.1, the only way that RFC 9725 §4.7.1 has.
    fn is_allowed(&self, headers: &HeaderMap, path: &str) -> bool {
        let Some(all) = &self.all else {
            return true;
        };
        let watches = WATCHED.iter().any(|watched| path.starts_with(watched));
        if self.page.contains(&path) || (watches && self.public) {
            return true;
        }
        let given = only(headers, &header::AUTHORIZATION).ok().flatten();
        let given = given.and_then(|value| value.split_once(' '));
        let given = given.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        given.is_some_and(|(_, token)| {
            let hash = digest(&SHA256, token.trim().as_bytes());
            let equals =
                |known: &Digest| verify_slices_are_equal(hash.as_ref(), known.as_ref()).is_ok();
            equals(all) || (watches && self.viewers.as_ref().is_some_and(equals))
        })
    }

    /// What is wrong with a request of somebody who may ask at all.
    fn refuse(&self, request: &Request, from: IpAddr) -> Option<Refusal> {
        // Browsers send preflight requests without a token, and nothing is done for them.
        if request.method() == Method::OPTIONS {
            return None;
        }
        let bearer = self.is_allowed(request.headers(), request.uri().path());
        let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
        let now = Instant::now();
        // Who guesses takes nothing of those who know.
        let has_room = match bearer {
            true => !changes || self.bucket.take(now),
            false => self.guesses.take(Source::of(from), now),
        };
        if !has_room {
            return Some(Refusal::new(StatusCode::TOO_MANY_REQUESTS, "too many requests").later(1));
        }
        (!bearer).then(|| {
            Refusal::new(
                StatusCode::UNAUTHORIZED,
                "the bearer token is missing or wrong",
            )
        })
    }
}

/// Where viewers go. Nobody guesses the path of a session.
const WATCHED: [&str; 2] = ["/whep/", "/session/"];

/// Lets a request in, or says why not.
pub(super) async fn pass(
    State(gate): State<Arc<Gate>>,
    Extension(arrival): Extension<Arrival>,
    request: Request,
    next: Next,
) -> Response {
    let origin =
        host_of(&request).and_then(|host| gate.judge(host, request.headers(), arrival.local));
    let origin = match origin {
        Ok(origin) => origin,
        Err(reason) => return Refusal::new(StatusCode::FORBIDDEN, reason).into_response(),
    };

    let methods = methods(request.uri().path());
    let mut response = match gate.refuse(&request, arrival.peer) {
        _ if request.method() == Method::OPTIONS => options(request.uri().path()),
        Some(refusal) => refusal.into_response(),
        None => explained(next.run(request).await),
    };

    let refused = response.status();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if refused == StatusCode::METHOD_NOT_ALLOWED {
        // RFC 9110 §15.5.6: what there is, and the preflight of CORS is answered here.
        headers.insert(header::ALLOW, HeaderValue::from_static(methods));
    }

    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::VARY, HeaderValue::from_static("Origin"));
        headers.insert(
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static(EXPOSED),
        );
    }
    response
}

/// What was refused before a handler saw it, as the problem that it is.
fn explained(response: Response) -> Response {
    let status = response.status();
    let refused = status.is_client_error() || status.is_server_error();
    let kind = response.headers().get(header::CONTENT_TYPE);
    if !refused || kind.is_some_and(|kind| kind == Refusal::MEDIA_TYPE) {
        return response;
    }
    let detail = match status {
        StatusCode::BAD_REQUEST => "the path is no text in UTF-8",
        StatusCode::PAYLOAD_TOO_LARGE => "the body is too long",
        StatusCode::REQUEST_TIMEOUT => "the body took too long to come",
        _ => "the request cannot be served",
    };
    Refusal::new(status, detail).into_response()
}

/// What a page reads of an answer.
const EXPOSED: &str = "Location, ETag, Link, Retry-After, Accept-Post, WWW-Authenticate";

/// What can be asked of a resource.
fn methods(path: &str) -> &'static str {
    match path.split('/').nth(1) {
        Some("whip" | "whep") => "POST, GET, HEAD, OPTIONS",
        Some("session") => "PATCH, DELETE, GET, HEAD, OPTIONS",
        _ => "GET, HEAD, OPTIONS",
    }
}

/// RFC 9725 §4.2: CORS, and what an endpoint takes.
fn options(path: &str) -> Response {
    let endpoint = !path.starts_with("/session/");
    let methods = methods(path);
    let mut headers = HeaderMap::new();
    let mut set = |name: HeaderName, value| headers.insert(name, HeaderValue::from_static(value));
    set(header::ALLOW, methods);
    set(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    // A page that may not send a header of its own hears nothing of what is wrong with its request: a client known
    // to pages sends ETag where RFC 9725 §4.3.1 has If-Match.
    set(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        "Authorization, Content-Type, ETag, If-Match",
    );
    set(header::ACCESS_CONTROL_MAX_AGE, "86400");
    match endpoint {
        true => set(HeaderName::from_static("accept-post"), "application/sdp"),
        false => set(
            HeaderName::from_static("accept-patch"),
            "application/trickle-ice-sdpfrag",
        ),
    };
    (StatusCode::OK, headers).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_not_shown() {
        let secret = "a secret".to_owned();
        let tokens = Tokens {
            all: Some(secret.clone()),
            viewers: Viewers::Token(secret.clone()),
        };
        let shown = format!("{tokens:?}");
        assert!(shown.contains("Some") && shown.contains("Token"), "{shown}");
        assert!(!shown.contains(&secret), "{shown}");
    }

    #[test]
    fn who_guesses_tokens_does_not_stop_who_has_one() {
        let tokens = Tokens {
            all: Some("right".to_owned()),
            viewers: Viewers::LikeAll,
        };
        let gate = Gate::new(Names::default(), Vec::new(), &tokens, (&[], None), 1);
        let [guesser, other] = ["192.0.2.1", "192.0.2.2"].map(|it| it.parse().unwrap());
        let ask = |method: Method, token: &str, from| {
            let request = Request::builder().method(method).uri("/whip/live");
            let request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
            let refusal = gate.refuse(&request.body(axum::body::Body::empty()).unwrap(), from);
            refusal.map_or(StatusCode::OK, |it| it.into_response().status())
        };
        let guesses = (0..100).map(|_| ask(Method::POST, "wrong", guesser));
        let guesses: Vec<StatusCode> = guesses.collect();
        assert_eq!(guesses[0], StatusCode::UNAUTHORIZED);
        assert_eq!(guesses[99], StatusCode::TOO_MANY_REQUESTS);
        // A page asks first what it may ask, from anywhere.
        for _ in 0..100 {
            assert_eq!(ask(Method::OPTIONS, "wrong", guesser), StatusCode::OK);
        }
        assert_eq!(ask(Method::POST, "wrong", other), StatusCode::UNAUTHORIZED);
        assert_eq!(ask(Method::POST, "right", guesser), StatusCode::OK);
        // Who knows it has a limit as well.
        let often = (0..10).map(|_| ask(Method::POST, "right", other));
        assert!(
            often
                .into_iter()
                .any(|it| it == StatusCode::TOO_MANY_REQUESTS)
        );
    }

    #[test]
    fn an_origin_is_read_as_browsers_write_it() {
        let one = |text: &str| Ok(Origin::One(text.to_owned()));
        assert_eq!("*".parse(), Ok(Origin::Any));
        assert_eq!("https://a.example".parse(), one("https://a.example"));
        assert_eq!("https://a.example:443/".parse(), one("https://a.example"));
        assert_eq!("http://[::1]:8080".parse(), one("http://[::1]:8080"));
        for wrong in ["", "a.example", "https://a.example/page", "data:x", "null"] {
            assert!(wrong.parse::<Origin>().is_err(), "{wrong}");
        }
    }
}

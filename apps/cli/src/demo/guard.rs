//! Who may use the demo: its own page and programs, not the pages of others that a visitor has open.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::time::timeout;

use super::limits::BODY_BYTES;

/// How a connection came.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    /// The address of this host that it was made to.
    pub(crate) local: IpAddr,
    /// The address that it came from.
    pub(crate) peer: IpAddr,
}

/// Names of this host besides its addresses.
pub(crate) type Names = Arc<[String]>;

/// Lets in who asked for this server and was not sent by another page.
pub(crate) async fn admit(
    State(names): State<Names>,
    Extension(arrival): Extension<Arrival>,
    request: Request,
    next: Next,
) -> Response {
    let (headers, path) = (request.headers(), request.uri().path());
    let verdict =
        host_of(&request).and_then(|host| judge(host, headers, path, arrival.local, &names));
    match verdict {
        Ok(()) => next.run(request).await,
        Err(reason) => (StatusCode::FORBIDDEN, reason).into_response(),
    }
}

/// What a request takes this server for. Where its target is a whole address, `Host` does not count
/// (RFC 9112 §3.2.2).
pub(crate) fn host_of(request: &Request) -> Result<&str, &'static str> {
    match request.uri().authority() {
        Some(authority) => Ok(authority.as_str()),
        None => only(request.headers(), &header::HOST)?.ok_or("there is no Host"),
    }
}

fn judge(
    host: &str,
    headers: &HeaderMap,
    path: &str,
    local: IpAddr,
    names: &[String],
) -> Result<(), &'static str> {
    // DNS rebinding: a name of a stranger's that leads here makes this server's answers that
    // stranger's to read.
    if !is_here(host, local, names) {
        return Err("this server has another name; --host NAME at its start gives it this one");
    }
    // A page of another origin. Who is no browser says nothing.
    if let Some(origin) = only(headers, &header::ORIGIN)? {
        let authority = origin.split_once("://").map(|(_, authority)| authority);
        if !authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host)) {
            return Err("another page has nothing to ask here");
        }
    }
    let sent_by = only(headers, &SEC_FETCH_SITE)?;
    let own = sent_by.is_none_or(|site| matches!(site, "same-origin" | "none"));
    // A link from elsewhere leads to the page, and to nothing else.
    let link = only(headers, &SEC_FETCH_MODE)? == Some("navigate") && path == "/";
    match own || link {
        true => Ok(()),
        false => Err("another page has nothing to ask here"),
    }
}

/// The value of a header that may be there once.
pub(crate) fn only<'h>(
    headers: &'h HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'h str>, &'static str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| "a header is no text"),
        (Some(_), Some(_)) => Err("a header is there twice"),
    }
}

/// Whether this `Host` is a name or the address of this host that the connection was made to.
/// Loopback belongs to nobody else, by whatever way it comes.
pub(crate) fn is_here(host: &str, local: IpAddr, names: &[String]) -> bool {
    let Ok(authority) = host.parse::<Authority>() else {
        return false;
    };
    if host.contains('@') {
        return false;
    }
    let host = authority.host().trim_matches(['[', ']']);
    if names.iter().any(|name| name.eq_ignore_ascii_case(host)) {
        return true;
    }
    match host.parse::<IpAddr>() {
        Ok(ip) => ip.is_loopback() || ip.to_canonical() == local,
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// Reads the body of a request before anybody waits for it, and not for longer than `limit`.
pub(crate) async fn read_body(
    State(limit): State<Duration>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    match timeout(limit, to_bytes(body, BODY_BYTES)).await {
        Ok(Ok(body)) => next.run(Request::from_parts(parts, Body::from(body))).await,
        // Also the end of the connection, where nobody hears it.
        Ok(Err(_)) => StatusCode::PAYLOAD_TOO_LARGE.into_response(),
        Err(_) => StatusCode::REQUEST_TIMEOUT.into_response(),
    }
}

/// What every answer says of itself: what it is, what its page may load, and that nobody frames it.
pub(crate) async fn label(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in LABELS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

const LABELS: [(HeaderName, &str); 5] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(headers: &[(&'static str, &str)], path: &str) -> Result<(), &'static str> {
        let mut request = Request::builder().uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).unwrap();
        let (headers, local) = (request.headers(), "192.0.2.7".parse().unwrap());
        let names = ["demo.example.org".to_owned()];
        judge(
            host_of(&request)?,
            headers,
            request.uri().path(),
            local,
            &names,
        )
    }

    #[test]
    fn a_host_is_the_address_that_was_connected_to_or_a_given_name() {
        for host in [
            "192.0.2.7:8080",
            "192.0.2.7",
            "localhost:8080",
            "127.0.0.1:9000",
            "[::1]:8080",
            "[::ffff:192.0.2.7]:8080",
            "DEMO.example.org",
        ] {
            assert_eq!(judged(&[("host", host)], "/api/sessions"), Ok(()), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "evil.example:8080",
            "192.0.2.8:8080",
            "192.0.2.7.evil.example",
            "localhost.evil.example",
            "demo.example.org@evil.example",
            "evil.example@192.0.2.7",
        ] {
            assert!(judged(&[("host", host)], "/").is_err(), "{host}");
        }
        assert!(judged(&[], "/").is_err());
        // The name in the target counts, and that alone.
        let (own, foreign) = (("host", "192.0.2.7:8080"), ("host", "evil.example"));
        assert_eq!(judged(&[foreign], "http://192.0.2.7:8080/api"), Ok(()));
        assert!(judged(&[own], "http://evil.example/api").is_err());
    }

    #[test]
    fn other_pages_are_refused_and_links_of_theirs_lead_to_the_page_alone() {
        let host = ("host", "192.0.2.7:8080");
        let origin = |origin| judged(&[host, ("origin", origin)], "/api/sessions");
        assert_eq!(origin("https://192.0.2.7:8080"), Ok(()));
        for foreign in [
            "null",
            "https://192.0.2.7",
            "https://192.0.2.7:8081",
            "https://evil.example",
        ] {
            assert!(origin(foreign).is_err(), "{foreign}");
        }
        let site = |site, mode, path| {
            judged(
                &[host, ("sec-fetch-site", site), ("sec-fetch-mode", mode)],
                path,
            )
        };
        assert_eq!(site("same-origin", "cors", "/api/sessions"), Ok(()));
        assert_eq!(site("none", "navigate", "/api/sessions/1/stats"), Ok(()));
        assert_eq!(site("cross-site", "navigate", "/"), Ok(()));
        for site in ["cross-site", "same-site"].map(|s| site(s, "no-cors", "/main.js")) {
            assert!(site.is_err());
        }
        assert!(site("cross-site", "navigate", "/api/sessions").is_err());
    }
}

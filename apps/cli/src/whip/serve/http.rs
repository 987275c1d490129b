//! The resources: endpoints and sessions.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, patch, post};

use super::gate::{Gate, pass};
use super::overview;
use super::refusal::Refusal;
use super::session::Patched;
use super::sessions::{Created, Sessions};
use crate::demo::guard::read_body;
use crate::whip::client::RELAY;
use crate::whip::fragment::MEDIA_TYPE;
use crate::whip::limits::{BODY_BYTES, NAME_BYTES};
use crate::whip::offer::{Client, Way};

/// All resources behind the gate, with a page or without. `patience` is for bodies.
pub(super) fn router(
    sessions: Arc<Sessions>,
    gate: Gate,
    page: bool,
    patience: Duration,
) -> Router {
    let mut router = match page {
        true => overview::router(),
        false => Router::new(),
    };
    if sessions.takes_publishers() {
        router = router.route(
            "/whip/{stream}",
            post(publish).get(nothing).fallback(no_method),
        );
    }
    router
        .route(
            "/whep/{stream}",
            post(play).get(is_whep).fallback(no_method),
        )
        .route(
            "/session/{id}",
            patch(change)
                .delete(end)
                .get(is_session)
                .fallback(no_method),
        )
        .fallback(any(no_resource))
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .with_state(sessions)
        .layer(from_fn_with_state(patience, read_body))
        .layer(from_fn_with_state(Arc::new(gate), pass))
}

/// RFC 9725 §4.1: there is no representation of an endpoint.
async fn nothing() -> StatusCode {
    StatusCode::NO_CONTENT
}

/// draft-ietf-wish-whep §4.2: by this a player knows what it has before it.
async fn is_whep() -> Response {
    ([(header::CONTENT_TYPE, "application/sdp")], ()).into_response()
}

async fn no_resource() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "there is no such resource")
}

async fn no_method() -> Refusal {
    Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "the resource has no such method",
    )
}

async fn publish(
    State(sessions): State<Arc<Sessions>>,
    Path(stream): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    create(&sessions, Way::Publish, &stream, &headers, &body).await
}

async fn play(
    State(sessions): State<Arc<Sessions>>,
    Path(stream): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    create(&sessions, Way::Play, &stream, &headers, &body).await
}

async fn create(
    sessions: &Arc<Sessions>,
    way: Way,
    stream: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Response, Refusal> {
    let is_name_char =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if stream.len() > NAME_BYTES || stream.starts_with('.') || !stream.bytes().all(is_name_char) {
        return Err(Refusal::new(
            StatusCode::NOT_FOUND,
            "no stream has such a name",
        ));
    }
    let offer = of_type(headers, "application/sdp", body)?.to_owned();
    let client = match headers.contains_key(RELAY) {
        true => Client::Relay,
        false => Client::Viewer,
    };
    let Created {
        id,
        etag,
        answer,
        links,
    } = sessions.create(way, stream, offer, client).await?;

    let mut answered = (StatusCode::CREATED, answer).into_response();
    let headers = answered.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/sdp"),
    );
    headers.extend(text(header::LOCATION, &format!("/session/{id}")));
    headers.extend(text(header::ETAG, &etag));
    for link in links {
        headers.extend(text(header::LINK, &link));
    }
    Ok(answered)
}

async fn change(
    State(sessions): State<Arc<Sessions>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let fragment = of_type(&headers, MEDIA_TYPE, &body)?;
    let if_match = headers
        .get(header::IF_MATCH)
        .and_then(|value| value.to_str().ok());
    Ok(match sessions.patch(&id, if_match, fragment).await? {
        Patched::Trickled => StatusCode::NO_CONTENT.into_response(),
        Patched::Restarted { etag, fragment } => {
            let mut answered = (StatusCode::OK, fragment).into_response();
            let headers = answered.headers_mut();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
            headers.extend(text(header::ETAG, &etag));
            answered
        }
    })
}

/// RFC 9725 §4.2; an ETag makes no difference (§4.3.1).
async fn end(
    State(sessions): State<Arc<Sessions>>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    sessions.delete(&id)?;
    Ok(StatusCode::OK)
}

async fn is_session(
    State(sessions): State<Arc<Sessions>>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    sessions.find(&id)?;
    Ok(StatusCode::NO_CONTENT)
}

/// A body as the text that it has to be. What it is of comes first: a body of another kind need not be text.
fn of_type<'b>(headers: &HeaderMap, expected: &str, body: &'b [u8]) -> Result<&'b str, Refusal> {
    let given = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    // Parameters of a media type change nothing here.
    let given = given
        .and_then(|value| value.split(';').next())
        .unwrap_or_default();
    // Nothing here unpacks bodies (RFC 9110 §8.4).
    let packed = headers.contains_key(header::CONTENT_ENCODING);
    if packed || !given.trim().eq_ignore_ascii_case(expected) {
        let detail = format!("the body has to be {expected}, without a Content-Encoding");
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    }
    str::from_utf8(body)
        .map_err(|_| Refusal::new(StatusCode::BAD_REQUEST, "the body is no text in UTF-8"))
}

fn text(name: HeaderName, value: &str) -> Option<(HeaderName, HeaderValue)> {
    Some((name, HeaderValue::from_str(value).ok()?))
}

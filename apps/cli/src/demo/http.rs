//! The demo's web server: its page, and the signalling between it and the Rust end.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, Uri, header};
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::Redirect;
use axum::response::sse::{self, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use duologue::{Exception, IceCandidateInit, SessionDescription, StatsReport};
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;

use super::call::{CallId, Calls};
use super::guard::{Names, admit, label, read_body};
use super::limits::BODY_BYTES;
use super::mirror::Layer;

/// The page's files, compiled in: name, type, text.
const PAGE: &[(&str, &str, &str)] = &[
    (
        "/",
        "text/html; charset=utf-8",
        include_str!("../../web/index.html"),
    ),
    ("/base.css", "text/css", include_str!("../../web/base.css")),
    (
        "/style.css",
        "text/css",
        include_str!("../../web/style.css"),
    ),
    (
        "/main.js",
        "text/javascript",
        include_str!("../../web/main.js"),
    ),
    (
        "/call.js",
        "text/javascript",
        include_str!("../../web/call.js"),
    ),
    (
        "/board.js",
        "text/javascript",
        include_str!("../../web/board.js"),
    ),
    (
        "/chat.js",
        "text/javascript",
        include_str!("../../web/chat.js"),
    ),
    (
        "/ear.js",
        "text/javascript",
        include_str!("../../web/ear.js"),
    ),
    (
        "/files.js",
        "text/javascript",
        include_str!("../../web/files.js"),
    ),
    (
        "/ice.js",
        "text/javascript",
        include_str!("../../web/ice.js"),
    ),
    (
        "/media.js",
        "text/javascript",
        include_str!("../../web/media.js"),
    ),
    (
        "/pattern.js",
        "text/javascript",
        include_str!("../../web/pattern.js"),
    ),
    (
        "/phone.js",
        "text/javascript",
        include_str!("../../web/phone.js"),
    ),
    (
        "/meter.js",
        "text/javascript",
        include_str!("../../web/meter.js"),
    ),
    (
        "/plot.js",
        "text/javascript",
        include_str!("../../web/plot.js"),
    ),
    (
        "/streams.js",
        "text/javascript",
        include_str!("../../web/streams.js"),
    ),
    (
        "/sha256.js",
        "text/javascript",
        include_str!("../../web/sha256.js"),
    ),
];

/// The page and its calls, for those who come as they should. `patience` is for bodies.
pub(super) fn router(calls: Arc<Calls>, names: Names, patience: Duration) -> Router {
    let mut router = Router::new();
    for (path, kind, text) in PAGE {
        router = router.route(
            path,
            get(|| async { ([(header::CONTENT_TYPE, *kind)], *text) }),
        );
    }
    router
        .route("/api/sessions", post(open))
        .route("/api/sessions/{id}/events", get(events))
        .route("/api/sessions/{id}/description", post(describe))
        .route("/api/sessions/{id}/candidate", post(add_candidate))
        .route("/api/sessions/{id}/layer", post(select))
        .route("/api/sessions/{id}/test", post(play_test))
        .route("/api/sessions/{id}/tones", post(dial))
        .route("/api/sessions/{id}/recording", post(record).get(recording))
        .route("/api/sessions/{id}/seen", get(seen))
        .route("/api/sessions/{id}/picture", get(picture))
        .route("/api/sessions/{id}/stats", get(stats))
        .route("/api/sessions/{id}/close", post(close))
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .with_state(calls)
        .layer(from_fn_with_state(patience, read_body))
        .layer(from_fn_with_state(names, admit))
        .layer(map_response(label))
}

/// Sends who came without TLS to the same address with it.
pub(super) fn elsewhere(names: Names) -> Router {
    Router::new()
        .fallback(redirect)
        .layer(from_fn_with_state(names, admit))
        .layer(map_response(label))
}

async fn redirect(headers: HeaderMap, uri: Uri) -> Response {
    let host = headers.get(header::HOST).and_then(|h| h.to_str().ok());
    match host {
        Some(host) => Redirect::permanent(&format!("https://{host}{uri}")).into_response(),
        None => StatusCode::BAD_REQUEST.into_response(),
    }
}

/// The body says nothing, but must be JSON: that is what forms of other pages cannot send.
async fn open(
    State(calls): State<Arc<Calls>>,
    Json(_): Json<serde_json::Value>,
) -> Result<Response, Refusal> {
    let id = calls.open()?;
    let configuration = calls.configuration();
    Ok(Json(serde_json::json!({ "id": id, "configuration": configuration })).into_response())
}

async fn events(State(calls): State<Arc<Calls>>, Path(id): Path<CallId>) -> Response {
    let Some(notes) = calls.take_notes(&id) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let stream = ReceiverStream::new(notes).map(|note| {
        let text = serde_json::to_string(&note).unwrap_or_default();
        Ok::<_, Infallible>(sse::Event::default().data(text))
    });
    // A proxy in front that waits for more would hold them back.
    let unbuffered = [(HeaderName::from_static("x-accel-buffering"), "no")];
    let notes = Sse::new(stream).keep_alive(KeepAlive::default());
    (unbuffered, notes).into_response()
}

async fn describe(
    State(calls): State<Arc<Calls>>,
    Path(id): Path<CallId>,
    Json(description): Json<SessionDescription>,
) -> Result<Response, Refusal> {
    Ok(match calls.describe(&id, description).await? {
        Some(answer) => Json(answer).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    })
}

async fn add_candidate(
    State(calls): State<Arc<Calls>>,
    Path(id): Path<CallId>,
    Json(candidate): Json<IceCandidateInit>,
) -> Result<StatusCode, Refusal> {
    calls.add_candidate(&id, candidate).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn select(
    State(calls): State<Arc<Calls>>,
    Path(id): Path<CallId>,
    Json(layer): Json<Layer>,
) -> Result<StatusCode, Refusal> {
    calls.select(&id, &layer)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whether the test picture goes back.
async fn play_test(
    State(calls): State<Arc<Calls>>,
    Path(id): Path<CallId>,
    Json(test): Json<bool>,
) -> Result<StatusCode, Refusal> {
    calls.play_test(&id, test)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Telephone keys for the page.
async fn dial(
    State(calls): State<Arc<Calls>>,
    Path(id): Path<CallId>,
    Json(tones): Json<String>,
) -> Result<StatusCode, Refusal> {
    calls.dial(&id, &tones).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whether what the page sends is kept. Says what there is of the file.
async fn record(
    State(calls): State<Arc<Calls>>,
    Path(id): Path<CallId>,
    Json(on): Json<bool>,
) -> Result<Response, Refusal> {
    Ok(Json(calls.record(&id, on)?.told()).into_response())
}

/// The file, once it is whole.
async fn recording(
    State(calls): State<Arc<Calls>>,
    Path(id): Path<CallId>,
) -> Result<Response, Refusal> {
    let Some(file) = calls.recording(&id)?.file() else {
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    let name = format!("attachment; filename=\"duologue.{}\"", file.ending());
    let kind = file.mime_type().to_owned();
    let heads = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((heads, file.data).into_response())
}

async fn seen(
    State(calls): State<Arc<Calls>>,
    Path(id): Path<CallId>,
) -> Result<Response, Refusal> {
    Ok(Json(calls.seen(&id)?.told()).into_response())
}

async fn picture(
    State(calls): State<Arc<Calls>>,
    Path(id): Path<CallId>,
) -> Result<Response, Refusal> {
    let seen = calls.seen(&id)?;
    // It takes some milliseconds.
    let png = tokio::task::spawn_blocking(move || seen.snapshot()).await;
    Ok(match png.ok().flatten() {
        Some(png) => ([(header::CONTENT_TYPE, "image/png")], png).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    })
}

async fn stats(
    State(calls): State<Arc<Calls>>,
    Path(id): Path<CallId>,
) -> Result<Json<StatsReport>, Refusal> {
    Ok(Json(calls.stats(&id).await?))
}

async fn close(State(calls): State<Arc<Calls>>, Path(id): Path<CallId>) -> StatusCode {
    calls.close(&id);
    StatusCode::NO_CONTENT
}

/// The W3C's exception as an answer to the page.
struct Refusal(Exception);

impl From<Exception> for Refusal {
    fn from(exception: Exception) -> Self {
        Refusal(exception)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (StatusCode::BAD_REQUEST, self.0.to_string()).into_response()
    }
}

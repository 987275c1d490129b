//! The rooms' web server.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderName, StatusCode};
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::sse::{self, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use serde_json::json;
use tokio_stream::StreamExt;

use super::room::{Rooms, Trouble, Word, is_name};
use crate::bucket::{Bucket, Buckets, Source};
use crate::demo::guard::{Arrival, Names, admit, label, read_body};

/// Rooms that are entered in a second, four seconds' worth at once: names cannot be tried out faster.
const ENTRIES: u32 = 20;
/// Those of one source.
const ENTRIES_EACH: u32 = 5;
/// Sources that are told apart at once.
const SOURCES: usize = 1024;
/// The largest body: a description with many m-lines has some tens of KiB.
const BODY_BYTES: usize = 256 << 10;

struct Doors {
    rooms: Arc<Rooms>,
    entries: Bucket,
    entries_each: Buckets<Source>,
}

pub(super) fn router(rooms: Arc<Rooms>, names: Names, patience: Duration) -> Router {
    let doors = Doors {
        rooms,
        entries: Bucket::new(ENTRIES),
        entries_each: Buckets::new(ENTRIES_EACH, SOURCES),
    };
    Router::new()
        .route("/", get(about))
        .route("/api/rooms/{name}", post(enter))
        .route("/api/seats/{key}", get(hear).post(say).delete(leave))
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .with_state(Arc::new(doors))
        .layer(from_fn_with_state(patience, read_body))
        .layer(from_fn_with_state(names, admit))
        .layer(map_response(label))
}

async fn about() -> &'static str {
    "Rooms of duologue: duologue call --server URL --room NAME\n"
}

/// The body says nothing, but must be JSON: that is what forms of other pages cannot send.
async fn enter(
    State(doors): State<Arc<Doors>>,
    Extension(arrival): Extension<Arrival>,
    Path(name): Path<String>,
    Json(_): Json<serde_json::Value>,
) -> Result<Response, Trouble> {
    if !is_name(&name) {
        return Ok((StatusCode::BAD_REQUEST, "that is no name of a room").into_response());
    }
    let now = Instant::now();
    let source = Source::of(arrival.peer);
    // First its own: what one asks too often is not taken from all.
    let may = source.is_none_or(|source| doors.entries_each.take(source, now));
    if !may || !doors.entries.take(now) {
        return Ok((StatusCode::TOO_MANY_REQUESTS, "too often").into_response());
    }
    let (key, first) = doors.rooms.enter(&name, source, now)?;
    Ok(Json(json!({ "seat": key, "first": first })).into_response())
}

async fn hear(
    State(doors): State<Arc<Doors>>,
    Path(key): Path<String>,
) -> Result<Response, Trouble> {
    let words = doors.rooms.hear(&key)?.map(|word| {
        let text = match word {
            Word::Said(text) => text,
            Word::Left => json!({ "kind": "left" }).to_string(),
        };
        Ok::<_, Infallible>(sse::Event::default().data(text))
    });
    // A proxy in front that waits for more would hold them back.
    let unbuffered = [(HeaderName::from_static("x-accel-buffering"), "no")];
    let words = Sse::new(words).keep_alive(KeepAlive::default());
    Ok((unbuffered, words).into_response())
}

async fn say(
    State(doors): State<Arc<Doors>>,
    Path(key): Path<String>,
    Json(word): Json<serde_json::Value>,
) -> Result<StatusCode, Trouble> {
    // Written anew it has no line ends, which would be words of their own.
    doors.rooms.say(&key, word.to_string())?;
    Ok(StatusCode::NO_CONTENT)
}

async fn leave(State(doors): State<Arc<Doors>>, Path(key): Path<String>) -> StatusCode {
    doors.rooms.leave(&key);
    StatusCode::NO_CONTENT
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let (status, text) = match self {
            Trouble::Full => (StatusCode::CONFLICT, "two are in the room already"),
            Trouble::TooManyRooms => (StatusCode::SERVICE_UNAVAILABLE, "all rooms are taken"),
            Trouble::TooManySeats => (
                StatusCode::TOO_MANY_REQUESTS,
                "too many seats are taken from there",
            ),
            Trouble::NoSuchSeat => (StatusCode::NOT_FOUND, "there is no such seat"),
            Trouble::Alone => (StatusCode::CONFLICT, "nobody else is in the room"),
            Trouble::NotHeard => (
                StatusCode::SERVICE_UNAVAILABLE,
                "the other one does not listen",
            ),
            Trouble::NoRandomness => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "the system has no randomness",
            ),
        };
        (status, text).into_response()
    }
}

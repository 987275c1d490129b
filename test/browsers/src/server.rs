//! The web server that a browser under test talks to.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::sse::{self, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use duologue::{Configuration, Endpoint, Exception, TcpTypes};
use duologue_coturn::{Coturn, PASSWORD, USER};
use serde::Deserialize;
use serde_json::Value;
use tempfile::NamedTempFile;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;

use crate::launch::{Addresses, Browser};
use crate::peer::{Call, RemotePeer};

/// How long a browser may take from one outcome to the next, starting included.
const SILENCE: Duration = Duration::from_secs(45);

const PAGE: &[(&str, &str, &str)] = &[
    ("/", "text/html", include_str!("../page/index.html")),
    ("/run.js", "text/javascript", include_str!("../page/run.js")),
    (
        "/remote.js",
        "text/javascript",
        include_str!("../page/remote.js"),
    ),
    (
        "/pair.js",
        "text/javascript",
        include_str!("../page/pair.js"),
    ),
    (
        "/exchange.js",
        "text/javascript",
        include_str!("../page/exchange.js"),
    ),
    (
        "/media.js",
        "text/javascript",
        include_str!("../page/media.js"),
    ),
    ("/raw.js", "text/javascript", include_str!("../page/raw.js")),
    (
        "/sound.js",
        "text/javascript",
        include_str!("../page/sound.js"),
    ),
    (
        "/devices.js",
        "text/javascript",
        include_str!("../page/devices.js"),
    ),
    (
        "/facts.js",
        "text/javascript",
        include_str!("../page/facts.js"),
    ),
    (
        "/changes.js",
        "text/javascript",
        include_str!("../page/changes.js"),
    ),
    (
        "/layers.js",
        "text/javascript",
        include_str!("../page/layers.js"),
    ),
    (
        "/wire.js",
        "text/javascript",
        include_str!("../page/wire.js"),
    ),
    (
        "/loss.js",
        "text/javascript",
        include_str!("../page/loss.js"),
    ),
    (
        "/path.js",
        "text/javascript",
        include_str!("../page/path.js"),
    ),
    (
        "/ways.js",
        "text/javascript",
        include_str!("../page/ways.js"),
    ),
    (
        "/call.js",
        "text/javascript",
        include_str!("../page/call.js"),
    ),
    (
        "/hearing.js",
        "text/javascript",
        include_str!("../page/hearing.js"),
    ),
    (
        "/drafts.js",
        "text/javascript",
        include_str!("../page/drafts.js"),
    ),
    (
        "/matrix.js",
        "text/javascript",
        include_str!("../page/matrix.js"),
    ),
    (
        "/names.js",
        "text/javascript",
        include_str!("../page/names.js"),
    ),
    (
        "/scenarios.js",
        "text/javascript",
        include_str!("../page/scenarios.js"),
    ),
];

/// How one scenario ended.
#[derive(Clone, Debug, Deserialize)]
pub struct Outcome {
    /// The scenario's sentence.
    pub name: String,
    /// Why it failed, if it did.
    pub error: Option<String>,
    /// Why it cannot be asked of this browser, if so.
    pub skipped: Option<String>,
    /// What was counted at the far end, where the scenario tells.
    pub counted: Option<String>,
    /// How long it took, in milliseconds.
    pub ms: u64,
}

/// Which scenarios.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Suite {
    /// Those of a browser whose candidates say its addresses.
    Open,
    /// Those of its camera and microphone.
    Media,
    /// Those of its camera and microphone on a path that loses packets.
    Lossy,
    /// Measurements of a path whose rate changes ([`CHANGING_PATH`](crate::CHANGING_PATH)).
    Path,
    /// Measurements of how late pictures are.
    Glass,
    /// Measurements of how sound is played whose packets are late and lost.
    Hearing,
    /// Those of pictures and sound that are decoded and encoded here.
    Raw,
    /// The cells of the table of `test/peers`.
    Matrix,
    /// Those of a browser that hides them behind mDNS names.
    Hidden,
    /// Those of a Chromium that is told to set up as drafts say: SPED and SNAP.
    Drafts,
}

impl Suite {
    fn files(self) -> &'static str {
        match self {
            Suite::Open => "scenarios+ways",
            Suite::Media => "media+changes+layers+facts+wire",
            Suite::Lossy => "loss",
            Suite::Path => "path",
            Suite::Glass => "call",
            Suite::Hearing => "hearing",
            Suite::Raw => "raw",
            Suite::Matrix => "matrix",
            Suite::Hidden => "names",
            Suite::Drafts => "drafts",
        }
    }

    fn addresses(self) -> Addresses {
        match self {
            Suite::Hidden => Addresses::Hidden,
            _ => Addresses::Shown,
        }
    }

    /// libwebrtc's field trials, of those that are not on by themselves.
    fn trials(self) -> Option<&'static str> {
        let drafts = "WebRTC-IceHandshakeDtls/Enabled/WebRTC-Sctp-Snap/Enabled/";
        (self == Suite::Drafts).then_some(drafts)
    }
}

/// Runs the scenarios whose names contain `only` in a browser and gives each one's outcome.
///
/// # Errors
/// The browser or coturn cannot be started, or the browser stopped answering.
pub async fn run(browser: Browser, suite: Suite, only: &str) -> Result<Vec<Outcome>, String> {
    let coturn = Coturn::start_for_browsers(&[]).map_err(|e| format!("coturn: {e}"))?;
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .map_err(|e| e.to_string())?;
    let address = listener.local_addr().map_err(|e| e.to_string())?;
    let (progress, mut outcomes) = mpsc::channel(64);
    let server = Arc::new(Server {
        coturn,
        progress,
        peers: Mutex::default(),
    });
    let serving = tokio::spawn(axum::serve(listener, router(server)).into_future());
    let (files, only) = (suite.files(), only.replace(' ', "+"));
    let url = format!("http://{address}/?files={files}&only={only}");
    let running = browser
        .open(&url, suite.addresses(), suite.trials())
        .map_err(|e| format!("{browser:?} does not start: {e}"))?;
    let mut all = Vec::new();
    let result = loop {
        match tokio::time::timeout(SILENCE, outcomes.recv()).await {
            Ok(Some(Progress::Outcome(outcome))) => all.push(outcome),
            Ok(Some(Progress::Done)) => break Ok(all),
            Ok(None) | Err(_) => {
                let last = all.last().map_or("nothing", |o: &Outcome| &o.name);
                break Err(format!("{browser:?} went silent; last done: {last}"));
            }
        }
    };
    drop(running);
    serving.abort();
    result
}

struct Server {
    coturn: Coturn,
    progress: mpsc::Sender<Progress>,
    peers: Mutex<HashMap<usize, Entry>>,
}

struct Entry {
    peer: Arc<RemotePeer>,
    /// For the page's event stream, until it asks for it.
    events: Option<mpsc::Receiver<Value>>,
}

enum Progress {
    Outcome(Outcome),
    Done,
}

impl Server {
    fn peers(&self) -> MutexGuard<'_, HashMap<usize, Entry>> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn router(server: Arc<Server>) -> Router {
    let mut router = Router::new();
    for (path, kind, text) in PAGE {
        router = router.route(
            path,
            get(|| async { ([(header::CONTENT_TYPE, *kind)], *text) }),
        );
    }
    router
        .route("/ice-servers", get(ice_servers))
        .route("/peers", post(create))
        .route("/peers/{id}/call", post(call))
        .route("/peers/{id}/events", get(events))
        .route("/outcome", post(outcome))
        .route("/done", post(done))
        .with_state(server)
}

/// What a page may ask of a Rust peer.
#[derive(Deserialize)]
struct PeerInit {
    configuration: Configuration,
    endpoint: EndpointInit,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct EndpointInit {
    hide_host_addresses: bool,
    tcp_only: bool,
    ice_lite: bool,
    ice_renomination: bool,
    sped: bool,
    sctp_snap: bool,
    post_quantum: bool,
    capture: bool,
}

/// The TURN server, by each transport.
async fn ice_servers(State(server): State<Arc<Server>>) -> Json<Value> {
    let by = |transport| {
        let url = server.coturn.url(transport);
        serde_json::json!({ "urls": [url], "username": USER, "credential": PASSWORD })
    };
    Json(serde_json::json!({ "udp": by("udp"), "tcp": by("tcp"), "tls": by("tls") }))
}

async fn create(
    State(server): State<Arc<Server>>,
    Json(init): Json<PeerInit>,
) -> Result<Response, Refusal> {
    let capture = match init.endpoint.capture {
        true => Some(
            NamedTempFile::new()
                .map_err(|error| operation(&error))?
                .into_temp_path(),
        ),
        false => None,
    };
    let mut endpoint = Endpoint::builder();
    if let Some(capture) = &capture {
        endpoint = endpoint.packet_capture(capture.to_path_buf());
    }
    let endpoint = endpoint
        .loopback(true)
        .hide_host_addresses(init.endpoint.hide_host_addresses)
        .udp(!init.endpoint.tcp_only)
        .ice_lite(init.endpoint.ice_lite)
        .ice_renomination(init.endpoint.ice_renomination)
        .sped(init.endpoint.sped)
        .sctp_snap(init.endpoint.sctp_snap)
        .post_quantum(init.endpoint.post_quantum)
        .tcp(TcpTypes {
            passive: init.endpoint.tcp_only,
            ..TcpTypes::default()
        })
        .tls_roots(server.coturn.roots())
        .build()
        .map_err(|error| operation(&error))?;
    let (pc, stream) = endpoint.connection(init.configuration).map_err(Refusal)?;
    let (peer, events) = RemotePeer::start(pc, stream, capture);
    let mut peers = server.peers();
    let id = peers.len();
    peers.insert(
        id,
        Entry {
            peer,
            events: Some(events),
        },
    );
    Ok(Json(serde_json::json!({ "id": id })).into_response())
}

async fn call(
    State(server): State<Arc<Server>>,
    Path(id): Path<usize>,
    Json(call): Json<Call>,
) -> Result<Json<Value>, Refusal> {
    let peer = server.peers().get(&id).map(|entry| entry.peer.clone());
    let peer = peer.ok_or_else(|| Refusal(Exception::invalid_state("no such peer")))?;
    peer.call(call).await.map(Json).map_err(Refusal)
}

async fn events(State(server): State<Arc<Server>>, Path(id): Path<usize>) -> Response {
    let events = server
        .peers()
        .get_mut(&id)
        .and_then(|entry| entry.events.take());
    let Some(events) = events else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let stream = ReceiverStream::new(events)
        .map(|event| Ok::<_, Infallible>(sse::Event::default().data(event.to_string())));
    Sse::new(stream).into_response()
}

async fn outcome(State(server): State<Arc<Server>>, Json(outcome): Json<Outcome>) -> StatusCode {
    // The test may have given up.
    let _ = server.progress.send(Progress::Outcome(outcome)).await;
    StatusCode::NO_CONTENT
}

async fn done(State(server): State<Arc<Server>>) -> StatusCode {
    let _ = server.progress.send(Progress::Done).await;
    StatusCode::NO_CONTENT
}

fn operation(error: &impl std::fmt::Display) -> Refusal {
    Refusal(Exception::operation(error.to_string()))
}

/// The W3C's exception as an answer to the page.
struct Refusal(Exception);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Refusal(exception) = self;
        let (name, message) = (exception.name().as_str(), exception.message());
        let body = serde_json::json!({ "name": name, "message": message });
        (StatusCode::BAD_REQUEST, Json(body)).into_response()
    }
}

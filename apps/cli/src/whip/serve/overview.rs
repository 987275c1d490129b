//! What a relay shows of itself: a page with the streams and a player, the same as JSON, and its metrics.

use std::sync::Arc;
use std::time::SystemTime;

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use duologue::{MediaKind, StatsReport};
use serde::Serialize;

use super::cluster::Node;
use super::sessions::Sessions;
use super::stage::Shown;
use crate::demo::guard::label;

/// The page's files, compiled in: path, type, text.
const PAGE: [(&str, &str, &str); 5] = [
    (
        "/",
        "text/html; charset=utf-8",
        include_str!("../../../web/relay/index.html"),
    ),
    (
        "/base.css",
        "text/css",
        include_str!("../../../web/base.css"),
    ),
    (
        "/relay.css",
        "text/css",
        include_str!("../../../web/relay/relay.css"),
    ),
    (
        "/relay.js",
        "text/javascript",
        include_str!("../../../web/relay/relay.js"),
    ),
    (
        "/watch.js",
        "text/javascript",
        include_str!("../../../web/relay/watch.js"),
    ),
];

/// Where the page is.
pub(super) const PATHS: [&str; PAGE.len()] =
    [PAGE[0].0, PAGE[1].0, PAGE[2].0, PAGE[3].0, PAGE[4].0];

pub(super) fn router() -> Router<Arc<Sessions>> {
    let mut page = Router::new();
    for (path, kind, text) in PAGE {
        page = page.route(
            path,
            get(move || async move { ([(header::CONTENT_TYPE, kind)], text) }),
        );
    }
    page.layer(map_response(own_page))
        .route("/api/overview", get(overview))
        .route("/metrics", get(metrics))
}

/// As the demo's page, but that it asks other nodes.
async fn own_page(response: Response) -> Response {
    let mut response = label(response).await;
    let policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; media-src blob:; \
                  connect-src 'self' http: https:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    response.headers_mut().insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(policy),
    );
    response
}

/// The text that Prometheus reads, version 0.0.4.
async fn metrics(State(sessions): State<Arc<Sessions>>) -> Response {
    let mut text = sessions.endpoint.metrics().to_string();
    let shown = sessions.stage.shown();
    let viewers: usize = shown.iter().map(|stream| stream.viewers.len()).sum();
    for (name, help, value) in [
        ("publishers", "Streams that are published.", shown.len()),
        ("viewers", "Viewers of these streams.", viewers),
    ] {
        let name = format!("duologue_relay_{name}");
        text += &format!("# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}\n");
    }
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

/// Bytes are counted from the start: who looks twice knows the rate.
#[derive(Serialize)]
struct Overview {
    /// Seconds, by a clock that may jump.
    time: f64,
    node: Option<String>,
    sent_bytes: u64,
    received_bytes: u64,
    streams: Vec<Stream>,
    nodes: Vec<Node>,
}

#[derive(Serialize)]
struct Stream {
    name: String,
    tracks: Vec<Track>,
    viewers: usize,
    /// How many of the viewers get which simulcast layer of the pictures.
    layers: Vec<usize>,
}

/// What a publisher sends of one kind, or another relay, which sends each layer as a track.
#[derive(Serialize)]
struct Track {
    kind: &'static str,
    codec: String,
    layers: usize,
    bytes: u64,
    packets: u64,
    lost: i64,
}

async fn overview(State(sessions): State<Arc<Sessions>>) -> Json<Overview> {
    let mut streams = Vec::new();
    for shown in sessions.stage.shown() {
        // A publisher that has just gone counts nothing.
        let report = shown.publisher.get_stats().await.unwrap_or_default();
        streams.push(stream(&shown, &report));
    }
    let cluster = sessions.cluster.as_ref();
    let traffic = sessions.endpoint.metrics().traffic;
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    Json(Overview {
        time: since.unwrap_or_default().as_secs_f64(),
        node: cluster.map(|it| it.name().to_owned()),
        sent_bytes: traffic.bytes_sent,
        received_bytes: traffic.bytes_received,
        streams,
        nodes: cluster.map(|it| it.nodes()).unwrap_or_default(),
    })
}

fn stream(shown: &Shown, report: &StatsReport) -> Stream {
    let mut tracks: Vec<Track> = Vec::new();
    for inbound in report.inbound_rtp() {
        let codec = inbound.codec_id.as_deref().and_then(|id| report.codec(id));
        let codec = codec.and_then(|codec| codec.mime_type.split('/').next_back());
        let at = tracks.iter().position(|it| it.kind == inbound.kind);
        let at = at.unwrap_or_else(|| {
            tracks.push(Track {
                kind: inbound.kind,
                codec: codec.unwrap_or("?").to_owned(),
                layers: 0,
                bytes: 0,
                packets: 0,
                lost: 0,
            });
            tracks.len() - 1
        });
        let track = &mut tracks[at];
        track.layers += 1;
        track.bytes += inbound.bytes_received + inbound.header_bytes_received;
        track.packets += inbound.packets_received;
        track.lost += inbound.packets_lost;
    }
    let mut layers = Vec::new();
    for (_, kind, forwarding) in shown.viewers.iter().flat_map(|viewer| &viewer.tracks) {
        if let Some(layer) = forwarding.current()
            && *kind == MediaKind::Video
        {
            if layers.len() <= layer {
                layers.resize(layer + 1, 0);
            }
            layers[layer] += 1;
        }
    }
    Stream {
        name: shown.name.clone(),
        tracks,
        viewers: shown.viewers.len(),
        layers,
    }
}

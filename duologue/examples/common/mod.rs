//! What the examples with a browser share: a page, and an answer to each offer that it posts.
#![allow(dead_code, reason = "no example needs all of it")]

use std::error::Error;
use std::future::Future;
use std::io;

use axum::http::StatusCode;
use axum::response::Html;
use axum::routing::get;
use axum::{Json, Router};
use duologue::files::Format;
use duologue::{
    DtlsTransportState, Event, Events, MediaKind, PeerConnection, PeerConnectionState, RtpReceiver,
    RtpTransceiver, SessionDescription,
};
use tokio::net::TcpListener;

pub(crate) type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// How pages offer: with all candidates in the text. `pc` has what it sends and receives.
pub(crate) const OFFER: &str = r#"async function offer(pc, path = location.pathname) {
    await pc.setLocalDescription();
    while (pc.iceGatheringState !== "complete") await new Promise((r) => { pc.onicegatheringstatechange = r; });
    const answer = await fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(pc.localDescription) });
    if (!answer.ok) throw new Error(await answer.text());
    await pc.setRemoteDescription(await answer.json());
}"#;

/// A path where there is a page, and where it posts its offers.
pub(crate) fn page<F, A>(path: &str, script: &str, answer: F) -> Router
where
    F: Fn(SessionDescription) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Outcome<SessionDescription>> + Send + 'static,
{
    let html = format!(
        "<!doctype html><meta charset=utf-8><title>duologue</title><video id=video autoplay muted playsinline></video>\
         <script>{OFFER}\n{script}</script>"
    );
    let offer = async move |Json(offer): Json<SessionDescription>| {
        let answered = answer(offer).await;
        answered
            .map(Json)
            .map_err(|e| (StatusCode::BAD_REQUEST, e.to_string()))
    };
    Router::new().route(path, get(async || Html(html)).post(offer))
}

/// Browsers give the camera to pages of this very host without https.
pub(crate) async fn listen() -> io::Result<TcpListener> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("open http://{}/", listener.local_addr()?);
    Ok(listener)
}

/// Of the codecs that both ends have, this one.
pub(crate) fn prefer(transceiver: &RtpTransceiver, format: Format) -> Outcome<()> {
    let mut codecs = RtpReceiver::capabilities(format.kind()).codecs;
    codecs.retain(|codec| {
        let name = codec.mime_type.as_str();
        name.eq_ignore_ascii_case(format.mime_type()) || name == "video/rtx"
    });
    Ok(transceiver.set_codec_preferences(codecs)?)
}

/// Those that the offer brought, of one kind.
pub(crate) fn of_kind(pc: &PeerConnection, kind: MediaKind) -> Option<RtpTransceiver> {
    let transceivers = pc.transceivers();
    transceivers
        .into_iter()
        .find(|transceiver| transceiver.kind() == Some(kind))
}

/// The answer with all its candidates.
pub(crate) async fn answer(
    pc: &PeerConnection,
    events: &mut Events,
) -> Outcome<SessionDescription> {
    pc.set_local_description(None).await?;
    while !matches!(events.recv().await, Some(Event::IceCandidate(None))) {}
    Ok(pc.local_description().ok_or("no answer")?)
}

/// Waits until packets can be sent.
pub(crate) async fn connected(events: &mut Events) {
    let up = |event: &Event| {
        matches!(
            event,
            Event::DtlsStateChange(_, DtlsTransportState::Connected)
        )
    };
    while events.recv().await.is_some_and(|event| !up(&event)) {}
}

/// Waits until the other end is gone, be it without a word: whoever holds the connection may close it.
pub(crate) async fn gone(events: &mut Events) {
    while let Some(event) = events.recv().await {
        if is_gone(&event) {
            return;
        }
    }
}

pub(crate) fn is_gone(event: &Event) -> bool {
    match event {
        Event::DtlsStateChange(_, state) => {
            matches!(
                state,
                DtlsTransportState::Closed | DtlsTransportState::Failed
            )
        }
        Event::ConnectionStateChange(state) => *state == PeerConnectionState::Failed,
        _ => false,
    }
}

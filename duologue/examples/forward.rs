//! One browser's camera to any number of browsers: `cargo run --features files --example forward`, open
//! the address that it prints to be seen, and `/watch` of it to see. Who watches chooses between three
//! sizes, which the camera's browser sends as simulcast layers; nothing is encoded or decoded here.
#![allow(clippy::print_stdout, reason = "an example shows what happens")]

mod common;

use std::sync::{Arc, Mutex, PoisonError};

use common::{Outcome, answer, gone, is_gone, listen, of_kind, page, prefer};
use duologue::files::Format;
use duologue::{
    Choice, Configuration, Endpoint, Event, Events, Forwarder, Forwarding, MediaKind, Message,
    PeerConnection, SessionDescription, TransceiverDirection,
};
use tokio::net::TcpListener;

const PUBLISH: &str = r#"(async () => {
    const pc = window.pc = new RTCPeerConnection();
    const stream = await navigator.mediaDevices.getUserMedia({ video: { width: 1280, height: 720 } });
    video.srcObject = stream;
    pc.addTransceiver(stream.getTracks()[0], { direction: "sendonly", sendEncodings: [
        { rid: "q", scaleResolutionDownBy: 4 }, { rid: "h", scaleResolutionDownBy: 2 }, { rid: "f" },
    ] });
    await offer(pc);
})();"#;

const WATCH: &str = r#"(async () => {
    const pc = window.pc = new RTCPeerConnection();
    pc.ontrack = ({ track }) => { video.srcObject = new MediaStream([track]); };
    pc.addTransceiver("video", { direction: "recvonly" });
    const layer = window.layer = pc.createDataChannel("layer");
    ["small", "middle", "large"].forEach((name, n) => {
        const button = document.body.appendChild(document.createElement("button"));
        button.textContent = name;
        button.onclick = () => layer.send(n);
    });
    await offer(pc);
})();"#;

/// What the browser that was opened last publishes.
type Stage = Arc<Mutex<Option<Forwarder>>>;

#[tokio::main]
async fn main() -> Outcome<()> {
    forward(listen().await?).await
}

pub(crate) async fn forward(listener: TcpListener) -> Outcome<()> {
    let endpoint = Endpoint::builder().loopback(true).build()?;
    let (stage, other) = (Stage::default(), endpoint.clone());
    let seen = stage.clone();
    let router = page("/", PUBLISH, move |offer| {
        publish(endpoint.clone(), offer, stage.clone())
    });
    let router = router.merge(page("/watch", WATCH, move |offer| {
        watch(other.clone(), offer, seen.clone())
    }));
    Ok(axum::serve(listener, router).await?)
}

async fn publish(
    endpoint: Endpoint,
    offer: SessionDescription,
    stage: Stage,
) -> Outcome<SessionDescription> {
    let (pc, mut events) = endpoint.connection(Configuration::default())?;
    pc.set_remote_description(offer).await?;
    let transceiver = of_kind(&pc, MediaKind::Video).ok_or("the page sends no video")?;
    prefer(&transceiver, Format::Vp8)?;
    let forwarder = Forwarder::new(&transceiver.receiver());
    *stage.lock().unwrap_or_else(PoisonError::into_inner) = Some(forwarder);
    let answer = answer(&pc, &mut events).await?;
    tokio::spawn(async move {
        gone(&mut events).await;
        pc.close();
    });
    Ok(answer)
}

async fn watch(
    endpoint: Endpoint,
    offer: SessionDescription,
    stage: Stage,
) -> Outcome<SessionDescription> {
    let forwarder = stage.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let forwarder = forwarder.ok_or("nobody is to be seen yet")?;
    let (pc, mut events) = endpoint.connection(Configuration::default())?;
    pc.set_remote_description(offer).await?;
    let transceiver = of_kind(&pc, MediaKind::Video).ok_or("the page wants no video")?;
    prefer(&transceiver, Format::Vp8)?;
    transceiver.set_direction(TransceiverDirection::Sendonly)?;
    let forwarding = forwarder.forward(&transceiver.sender());
    forwarding.choose(Choice::Layer(0));
    let answer = answer(&pc, &mut events).await?;
    tokio::spawn(serve_viewer(pc, events, forwarding));
    Ok(answer)
}

/// Until the page is gone, and with it what is forwarded to it.
async fn serve_viewer(pc: PeerConnection, mut events: Events, forwarding: Forwarding) {
    while let Some(event) = events.recv().await {
        match event {
            Event::KeyFrameRequest { .. } => forwarding.key_frame_wanted(),
            Event::DataChannel(channel) => {
                let forwarding = forwarding.clone();
                tokio::spawn(async move {
                    while let Some(Message::Text(layer)) = channel.recv().await {
                        let layer = layer.parse().map_or(Choice::Nothing, Choice::Layer);
                        forwarding.choose(layer);
                    }
                });
            }
            event if is_gone(&event) => break,
            _ => {}
        }
    }
    pc.close();
}

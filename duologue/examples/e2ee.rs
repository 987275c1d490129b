//! Encryption from end to end: `cargo run --features files --example e2ee`, then open the address that it
//! prints. The browser encrypts each frame before it becomes packets, by `RTCRtpScriptTransform`; this end
//! decrypts it, by a `Transform` at its receiver, and sends it back through one at its sender, which encrypts
//! it anew. What lies between, such as a server that forwards, sees packets without being able to decode them.
//! The key is in the address behind `#`, which browsers keep to themselves.
#![allow(clippy::print_stdout, reason = "an example shows what happens")]

mod common;

use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use common::{Outcome, answer, gone, page, prefer};
use duologue::files::Format;
use duologue::{
    Configuration, EncodedFrameInit, Endpoint, MediaKind, RtpTransceiver, SessionDescription,
    TransceiverDirection, Transform, TransformFrame, Transformer,
};
use tokio::net::TcpListener;

const PAGE: &str = r##"
const worker = `
    // What packets and decoders look at stays as it is, as in e2ee.rs.
    const clear = (frame) => frame.type === undefined ? 1 : frame.type === "key" ? 10 : 3;
    onrtctransform = async ({ transformer: { readable, writable, options: { seals, key } } }) => {
        const imported = await crypto.subtle.importKey("raw", key, "AES-GCM", false, ["encrypt", "decrypt"]);
        const transform = async (frame, controller) => {
            const data = new Uint8Array(frame.data), additionalData = data.slice(0, clear(frame));
            const iv = seals ? crypto.getRandomValues(new Uint8Array(12)) : data.slice(-12);
            const body = data.slice(additionalData.length, seals ? undefined : -12);
            const parameters = { name: "AES-GCM", iv, additionalData };
            try {
                const made = await crypto.subtle[seals ? "encrypt" : "decrypt"](parameters, imported, body);
                const parts = [additionalData, new Uint8Array(made), ...(seals ? [iv] : [])];
                frame.data = await new Blob(parts).arrayBuffer();
                controller.enqueue(frame);
            } catch {} // It is not from the other end.
        };
        readable.pipeThrough(new TransformStream({ transform })).pipeTo(writable);
    };`;
(async () => {
    const pc = window.pc = new RTCPeerConnection();
    const key = new Uint8Array(location.hash.slice(1).match(/../g).map((byte) => parseInt(byte, 16)));
    const url = URL.createObjectURL(new Blob([worker]));
    const transform = (seals) => new RTCRtpScriptTransform(new Worker(url), { seals, key });
    video.srcObject = new MediaStream();
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
    for (const track of stream.getTracks()) {
        const { sender, receiver } = pc.addTransceiver(track);
        sender.transform = transform(true);
        receiver.transform = transform(false);
        video.srcObject.addTrack(receiver.track);
    }
    await offer(pc);
})();"##;

#[tokio::main]
async fn main() -> Outcome<()> {
    let mut key = [0; 32];
    aws_lc_rs::rand::fill(&mut key)?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    println!("open http://{}/#{hex}", listener.local_addr()?);
    encrypted(listener, key).await
}

pub(crate) async fn encrypted(listener: TcpListener, key: [u8; 32]) -> Outcome<()> {
    let endpoint = Endpoint::builder().loopback(true).build()?;
    let key = FrameKey::new(&key)?;
    let router = page("/", PAGE, move |offer| {
        connect(endpoint.clone(), offer, key.clone())
    });
    Ok(axum::serve(listener, router).await?)
}

async fn connect(
    endpoint: Endpoint,
    offer: SessionDescription,
    key: FrameKey,
) -> Outcome<SessionDescription> {
    let (pc, mut events) = endpoint.connection(Configuration::default())?;
    pc.set_remote_description(offer).await?;
    for transceiver in pc.transceivers() {
        let video = transceiver.kind() == Some(MediaKind::Video);
        prefer(&transceiver, if video { Format::Vp8 } else { Format::Opus })?;
        transceiver.set_direction(TransceiverDirection::Sendrecv)?;
        transceiver
            .receiver()
            .set_transform(Some(Open(key.clone())));
        transceiver.sender().set_transform(Some(Seal(key.clone())));
        tokio::spawn(echo(transceiver));
    }
    let answer = answer(&pc, &mut events).await?;
    tokio::spawn(async move {
        gone(&mut events).await;
        pc.close();
    });
    Ok(answer)
}

/// Here frames are what only the two ends have.
async fn echo(transceiver: RtpTransceiver) -> Outcome<()> {
    let mut from = transceiver.receiver().frames();
    let to = transceiver.sender().frames();
    while let Some(frame) = from.recv().await {
        let (timestamp, data) = (frame.timestamp, frame.data);
        to.send_all(&mut vec![EncodedFrameInit {
            timestamp,
            data,
            ..Default::default()
        }])
        .await?;
    }
    Ok(())
}

/// Encrypts what is sent.
pub(crate) struct Seal(pub(crate) FrameKey);

impl Transform for Seal {
    fn transform(&mut self, mut frame: TransformFrame, transformer: &mut Transformer<'_>) {
        // What cannot be encrypted is not sent.
        if let Some(sealed) = self.0.seal(clear(&frame), &frame.data) {
            frame.data = sealed.into();
            transformer.enqueue(frame);
        }
    }
}

/// Decrypts what is received, and leaves out what does not come from whoever has the key.
pub(crate) struct Open(pub(crate) FrameKey);

impl Transform for Open {
    fn transform(&mut self, mut frame: TransformFrame, transformer: &mut Transformer<'_>) {
        if let Some(plain) = self.0.open(clear(&frame), &frame.data) {
            frame.data = plain.into();
            transformer.enqueue(frame);
        }
    }
}

/// How many bytes of a frame are authentic, but not secret: of VP8 the header (RFC 6386 §9.1), of Opus its
/// first byte.
fn clear(frame: &TransformFrame) -> usize {
    let metadata = frame.metadata();
    match (metadata.mime_type.as_deref(), metadata.key) {
        (Some("video/VP8"), true) => 10,
        (Some("video/VP8"), false) => 3,
        _ => 1,
    }
}

/// What the two ends have in common.
#[derive(Clone)]
pub(crate) struct FrameKey(Arc<RandomizedNonceKey>);

impl FrameKey {
    pub(crate) fn new(key: &[u8; 32]) -> Outcome<Self> {
        let key = RandomizedNonceKey::new(&AES_256_GCM, key)?;
        Ok(FrameKey(Arc::new(key)))
    }

    /// What is clear, what is encrypted with its tag, and the nonce.
    fn seal(&self, clear: usize, plain: &[u8]) -> Option<Vec<u8>> {
        let (header, body) = plain.split_at_checked(clear)?;
        let mut sealed = body.to_vec();
        let nonce = self
            .0
            .seal_in_place_append_tag(Aad::from(header), &mut sealed);
        Some([header, &sealed, nonce.ok()?.as_ref()].concat())
    }

    fn open(&self, clear: usize, sealed: &[u8]) -> Option<Vec<u8>> {
        let (sealed, nonce) = sealed.split_last_chunk::<NONCE_LEN>()?;
        let (header, body) = sealed.split_at_checked(clear)?;
        let mut body = body.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let plain = self
            .0
            .open_in_place(nonce, Aad::from(header), &mut body)
            .ok()?;
        Some([header, plain].concat())
    }
}

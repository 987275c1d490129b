//! webrtc-rs: the crate `webrtc`, on tokio.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use bytes::BytesMut;
use counterparts::{
    Counts, MESSAGE, Tallies, address, frame, pattern, pause, say, text, version, words,
};
use rtc::interceptor::Registry;
use rtc::media::Sample;
use rtc::media_stream::MediaStreamTrack;
use rtc::peer_connection::configuration::interceptor_registry::register_default_interceptors;
use rtc::peer_connection::configuration::media_engine::{
    MIME_TYPE_OPUS, MIME_TYPE_VP8, MediaEngine,
};
use rtc::peer_connection::configuration::{RTCConfigurationBuilder, RTCOfferOptions};
use rtc::peer_connection::sdp::RTCSessionDescription;
use rtc::peer_connection::transport::RTCIceCandidateInit;
use rtc::rtp::extension::HeaderExtension;
use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodec, RTCRtpCodingParameters, RTCRtpEncodingParameters, RTCRtpHeaderExtensionCapability,
    RtpCodecKind,
};
use rtc::shared::marshal::{Marshal, MarshalSize};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader, stdin};
use webrtc::data_channel::{DataChannel, DataChannelEvent};
use webrtc::media_stream::Track;
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_sample::TrackLocalStaticSample;
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCPeerConnectionIceEvent,
    RTCPeerConnectionState,
};
use webrtc::rtp_transceiver::{RtpSender, RtpTransceiver};
use webrtc::runtime::default_runtime;

type Outcome<T = ()> = Result<T, String>;

#[derive(Clone, Default)]
struct Shared {
    channels: Arc<Mutex<HashMap<String, Arc<dyn DataChannel>>>>,
    tallies: Arc<Mutex<Tallies>>,
    counts: Arc<Mutex<Counts>>,
    /// Candidates of a description that was not told yet wait for it.
    waiting: Arc<Mutex<Option<Vec<Value>>>>,
}

impl Shared {
    async fn adopt(self, channel: Arc<dyn DataChannel>) {
        let label = channel.label().await.unwrap_or_default();
        lock(&self.channels).insert(label.clone(), channel.clone());
        tokio::spawn(async move {
            while let Some(event) = channel.poll().await {
                match event {
                    DataChannelEvent::OnOpen => say(json!({ "open": label })),
                    DataChannelEvent::OnMessage(message) => {
                        lock(&self.tallies).take(&label, &message.data);
                    }
                    DataChannelEvent::OnClose => break,
                    _ => {}
                }
            }
            say(json!({ "closed": label }));
        });
    }
}

#[async_trait]
impl PeerConnectionEventHandler for Shared {
    async fn on_ice_candidate(&self, event: RTCPeerConnectionIceEvent) {
        let Ok(candidate) = event.candidate.to_json() else {
            return;
        };
        let line = json!({ "candidate": candidate });
        match lock(&self.waiting).as_mut() {
            Some(waiting) => waiting.push(line),
            None => say(line),
        }
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        say(json!({ "state": state.to_string() }));
    }

    async fn on_data_channel(&self, channel: Arc<dyn DataChannel>) {
        self.clone().adopt(channel).await;
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        let counts = self.counts.clone();
        tokio::spawn(async move {
            let kind = track.kind().await.to_string();
            // Layers of one track: what their names are is said when they begin.
            let mut rids = HashMap::new();
            while let Some(event) = track.poll().await {
                match event {
                    TrackRemoteEvent::OnOpen(init) => {
                        let rid = init.rid.as_deref().unwrap_or_default();
                        rids.insert(init.ssrc, rid.to_owned());
                    }
                    TrackRemoteEvent::OnRtpPacket(packet) if !packet.payload.is_empty() => {
                        let rid = rids.get(&packet.header.ssrc).map_or("", String::as_str);
                        lock(&counts).take(&kind, rid, "packets");
                    }
                    _ => {}
                }
            }
        });
    }
}

struct Peer {
    pc: Arc<dyn PeerConnection>,
    shared: Shared,
    /// What is to be sent with the next offer or answer.
    playing: Option<Value>,
}

#[tokio::main]
async fn main() -> Outcome {
    let shared = Shared::default();
    let pc = connection(&shared).await?;
    let mut peer = Peer {
        pc,
        shared,
        playing: None,
    };
    say(json!({ "hello": { "name": "webrtc-rs", "version": version("webrtc") } }));
    let mut lines = BufReader::new(stdin()).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let line = serde_json::from_str(&line).map_err(text)?;
        if let Err(error) = peer.obey(&line).await {
            say(json!({ "error": error }));
        }
    }
    Ok(())
}

/// With what simulcast needs, which is not on by default.
async fn connection(shared: &Shared) -> Outcome<Arc<dyn PeerConnection>> {
    let mut engine = MediaEngine::default();
    engine.register_default_codecs().map_err(text)?;
    for uri in [
        MID,
        RID,
        "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
    ] {
        let extension = RTCRtpHeaderExtensionCapability {
            uri: uri.to_owned(),
        };
        let registered = engine.register_header_extension(extension, RtpCodecKind::Video, None);
        registered.map_err(text)?;
    }
    let registry = register_default_interceptors(Registry::new(), &mut engine).map_err(text)?;
    let built = PeerConnectionBuilder::new()
        .with_configuration(RTCConfigurationBuilder::new().build())
        .with_media_engine(engine)
        .with_interceptor_registry(registry)
        .with_handler(Arc::new(shared.clone()))
        .with_runtime(default_runtime().ok_or("no runtime")?)
        .with_udp_addrs(vec![std::net::SocketAddr::new(address(), 0).to_string()])
        .build()
        .await;
    Ok(Arc::new(built.map_err(text)?))
}

impl Peer {
    async fn obey(&mut self, line: &Value) -> Outcome {
        if line["description"].is_object() {
            return self.description(&line["description"]).await;
        }
        if let Some(candidate) = line["candidate"]["candidate"].as_str() {
            if candidate.is_empty() {
                return Ok(());
            }
            let init: RTCIceCandidateInit =
                serde_json::from_value(line["candidate"].clone()).map_err(text)?;
            return self.pc.add_ice_candidate(init).await.map_err(text);
        }
        let label = line["label"].as_str().unwrap_or_default();
        let size = |name: &str| line[name].as_u64().unwrap_or(0) as usize;
        match line["do"].as_str().unwrap_or_default() {
            "offer" => self.offer(line).await,
            "play" => {
                self.playing = Some(line.clone());
                Ok(())
            }
            "channel" => self.open(label).await,
            "text" => {
                let said = line["text"].as_str().unwrap_or_default();
                self.channel(label)?.send_text(said).await.map_err(text)
            }
            "bytes" => {
                let channel = self.channel(label)?;
                for part in pattern(size("count"), size("seed")).chunks(MESSAGE) {
                    channel.send(BytesMut::from(part)).await.map_err(text)?;
                }
                Ok(())
            }
            "expect" => {
                lock(&self.shared.tallies).expect(label, size("bytes"));
                Ok(())
            }
            "close" => self.channel(label)?.close().await.map_err(text),
            "end" => self.pc.close().await.map_err(text),
            _ => Err(format!("unknown line {line}")),
        }
    }

    fn channel(&self, label: &str) -> Outcome<Arc<dyn DataChannel>> {
        let known = lock(&self.shared.channels).get(label).cloned();
        known.ok_or_else(|| format!("no channel {label}"))
    }

    async fn open(&self, label: &str) -> Outcome {
        let channel = self.pc.create_data_channel(label, None).await;
        self.shared.clone().adopt(channel.map_err(text)?).await;
        Ok(())
    }

    async fn offer(&mut self, line: &Value) -> Outcome {
        if line["media"]
            .as_array()
            .is_some_and(|kinds| !kinds.is_empty())
        {
            self.add_tracks().await?;
        }
        if let Some(label) = line["channel"].as_str() {
            self.open(label).await?;
        }
        let options = RTCOfferOptions {
            ice_restart: line["restart"] == true,
        };
        let offer = self.pc.create_offer(Some(options)).await.map_err(text)?;
        self.set_local(offer).await
    }

    async fn description(&mut self, description: &Value) -> Outcome {
        let offer = description["type"] == "offer";
        let description: RTCSessionDescription =
            serde_json::from_value(description.clone()).map_err(text)?;
        self.pc
            .set_remote_description(description)
            .await
            .map_err(text)?;
        if !offer {
            return Ok(());
        }
        self.add_tracks().await?;
        let answer = self.pc.create_answer(None).await.map_err(text)?;
        self.set_local(answer).await
    }

    async fn set_local(&self, description: RTCSessionDescription) -> Outcome {
        lock(&self.shared.waiting).get_or_insert_default();
        self.pc
            .set_local_description(description)
            .await
            .map_err(text)?;
        let set = self.pc.local_description().await.ok_or("no description")?;
        say(json!({ "description": set }));
        let waiting = lock(&self.shared.waiting).take();
        waiting.into_iter().flatten().for_each(say);
        Ok(())
    }

    /// What is sent: samples, which it makes packets of.
    async fn add_tracks(&mut self) -> Outcome {
        let playing = self.playing.take().unwrap_or_default();
        let rids = words(&playing["rids"]);
        for kind in words(&playing["kinds"]) {
            let track = track(&kind, &rids)?;
            let added = self
                .pc
                .add_track(track.clone() as Arc<dyn TrackLocal>)
                .await;
            let sender = added.map_err(text)?;
            let transceivers = self.pc.get_transceivers().await;
            tokio::spawn(play(kind, track, sender, transceivers));
        }
        Ok(())
    }
}

fn track(kind: &str, rids: &[String]) -> Outcome<Arc<TrackLocalStaticSample>> {
    let (codec_kind, mime_type, clock_rate, channels) = match kind {
        "audio" => (RtpCodecKind::Audio, MIME_TYPE_OPUS, 48_000, 2),
        _ => (RtpCodecKind::Video, MIME_TYPE_VP8, 90_000, 0),
    };
    let encoding = |number: usize, rid: &str| RTCRtpEncodingParameters {
        rtp_coding_parameters: RTCRtpCodingParameters {
            ssrc: Some(1_000 * clock_rate / 48_000 + number as u32),
            rid: rid.into(),
            ..Default::default()
        },
        codec: RTCRtpCodec {
            mime_type: mime_type.to_owned(),
            clock_rate,
            channels,
            ..Default::default()
        },
        ..Default::default()
    };
    let mut encodings: Vec<_> = rids
        .iter()
        .enumerate()
        .map(|(at, rid)| encoding(at, rid))
        .collect();
    if encodings.is_empty() {
        encodings.push(encoding(0, ""));
    }
    let name = |of: &str| format!("{of}-{kind}");
    let track = MediaStreamTrack::new(
        name("stream"),
        name("track"),
        name("label"),
        codec_kind,
        encodings,
    );
    let track = TrackLocalStaticSample::new(Instant::now(), track).map_err(text)?;
    Ok(Arc::new(track))
}

async fn play(
    kind: String,
    track: Arc<TrackLocalStaticSample>,
    sender: Arc<dyn RtpSender>,
    transceivers: Vec<Arc<dyn RtpTransceiver>>,
) {
    let mut clock = tokio::time::interval(pause(&kind));
    loop {
        clock.tick().await;
        let parameters = sender.get_parameters().await;
        let negotiated = parameters.ok().and_then(|it| {
            let codec = it.rtp_parameters.codecs.first()?;
            Some(codec.payload_type)
        });
        let Some(payload_type) = negotiated else {
            continue;
        };
        for ssrc in track.ssrcs().await {
            let sample = Sample {
                data: frame(&kind).into(),
                duration: pause(&kind),
                ..Sample::new(Instant::now())
            };
            let mut writer = track.sample_writer(ssrc, payload_type);
            if let Some(rid) = track.rid(ssrc).await.filter(|rid| !rid.is_empty()) {
                // Who sends layers writes the extensions that name them.
                let mid = mid_of(&sender, &transceivers).await;
                writer = writer.with_extension(named(MID, mid));
                writer = writer.with_extension(named(RID, rid.to_string()));
            }
            // Before there is a connection nothing can be written.
            let _ = writer.write_sample(&sample).await;
        }
    }
}

const MID: &str = "urn:ietf:params:rtp-hdrext:sdes:mid";
const RID: &str = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id";

async fn mid_of(sender: &Arc<dyn RtpSender>, all: &[Arc<dyn RtpTransceiver>]) -> String {
    for transceiver in all {
        let its = transceiver.sender().await;
        if its.is_ok_and(|its| its.is_some_and(|its| its.id() == sender.id())) {
            return transceiver.mid().await.ok().flatten().unwrap_or_default();
        }
    }
    String::new()
}

/// RFC 8852, RFC 9143 §15.2: a name as an extension of the header.
struct Name(String);

fn named(uri: &'static str, name: String) -> HeaderExtension {
    HeaderExtension::Custom {
        uri: uri.into(),
        extension: Box::new(Name(name)),
    }
}

impl MarshalSize for Name {
    fn marshal_size(&self) -> usize {
        self.0.len()
    }
}

impl Marshal for Name {
    fn marshal_to(&self, buffer: &mut [u8]) -> webrtc::error::Result<usize> {
        buffer[..self.0.len()].copy_from_slice(self.0.as_bytes());
        Ok(self.0.len())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

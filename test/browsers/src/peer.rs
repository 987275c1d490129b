//! A Rust peer that a page drives: its methods by name, its events as JSON.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use duologue::{
    DataChannel, DataChannelInit, DtmfSender, EncodedFrameInit, Event, Events, Exception,
    IceCandidateInit, MediaKind, Message, PeerConnection, RtpEncodingParameters, RtpPacketInit,
    RtpSender, RtpTransceiver, SessionDescription, Track, TrackId, TransceiverDirection,
    TransceiverInit,
};
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempPath;
use tokio::sync::mpsc;

use crate::forwards::Forwards;
use crate::glass::Glass;
use crate::hearing::{self, Network};
use crate::path;
use crate::raw;
use crate::watch::Watch;
use crate::wire;

/// Events that wait for the page.
const MAX_EVENTS: usize = 65_536;
/// How long telephone keys are played.
const TONE_MS: u32 = 1_000;
/// The pattern of message n: byte i is (31 i + n) mod 251, as in `page/pair.js`.
const PATTERN: usize = 251;

/// One method call of the page.
#[derive(Debug, Deserialize)]
#[serde(
    tag = "method",
    content = "params",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub(crate) enum Call {
    SetLocalDescription(Option<SessionDescription>),
    SetRemoteDescription(SessionDescription),
    AddIceCandidate(IceCandidateInit),
    RestartIce {},
    AddTransceiver {
        kind: Kind,
        /// Names of simulcast layers to send
        #[serde(default)]
        rids: Vec<String>,
        /// Of the only layer, in bits per second
        #[serde(default)]
        max_bitrate: Option<u32>,
    },
    StopTransceiver {
        mid: String,
    },
    CreateDataChannel {
        label: String,
        #[serde(default)]
        init: DataChannelInit,
    },
    CloseChannel {
        id: usize,
    },
    SendText {
        id: usize,
        text: String,
    },
    SendPattern {
        id: usize,
        size: usize,
        #[serde(default)]
        first: usize,
        count: usize,
    },
    /// Counts bytes instead of telling of each message.
    Count {
        id: usize,
        on: bool,
    },
    /// Sends what every receiver gets back, from now on, packet by packet or frame by frame.
    Echo {
        #[serde(default)]
        by: EchoBy,
    },
    /// Plays telephone keys by the senders of audio.
    PlayTones {
        tones: String,
    },
    /// Sends as much video as targets allow by the transceivers that there are.
    Fill {},
    /// Captures numbered pictures for the senders of video that there are, and notes when those of receivers are shown.
    WatchGlass {},
    /// What was noted.
    Glass {},
    /// Plays what comes to nobody.
    Listen {},
    /// Speaks through networks that delay and lose packets, one for each sender of audio.
    Speak {
        networks: Vec<Network>,
        seed: u32,
        seconds: u32,
    },
    /// What the path carries from now on: where [`crate::path`] made one.
    SetPath {
        kbps: u32,
    },
    /// Counts what every receiver gets, from now on.
    Watch {},
    /// What they got, by mid.
    Seen {},
    /// Video is sent back by the layers that so many bits per second carry, from now on.
    Forward {
        bitrate: u64,
    },
    /// Which layers these are.
    Forwarded {},
    /// Agrees on dependency descriptors, which is not done unasked.
    DescribeDependencies {},
    /// What came on the wire, of a connection that is captured. MIDs have this extension id.
    Wire {
        mid: u8,
    },
    /// Asks for a key frame of every receiver of video.
    AskForKeyFrame {
        #[serde(default)]
        encoding: usize,
    },
    State {},
    Stats {},
    Close {},
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Audio,
    Video,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum EchoBy {
    #[default]
    Packets,
    Frames,
    /// Decoded here, and something else encoded.
    Raw,
}

#[derive(Debug)]
pub(crate) struct RemotePeer {
    pc: PeerConnection,
    channels: Mutex<Vec<Channel>>,
    events: mpsc::Sender<Value>,
    echoes: Mutex<Echoes>,
    watched: Mutex<Option<Vec<(RtpTransceiver, Watch)>>>,
    glass: Glass,
    forwards: Mutex<Forwards>,
    describes_dependencies: AtomicBool,
    /// The file with the packets of an endpoint that captures them.
    capture: Option<TempPath>,
}

/// Whose media is sent back, and how.
#[derive(Debug, Default)]
struct Echoes {
    by: Option<EchoBy>,
    transceivers: Vec<RtpTransceiver>,
}

#[derive(Clone, Debug)]
struct Channel {
    handle: DataChannel,
    /// Bytes so far, when they are counted.
    counted: Option<usize>,
}

impl RemotePeer {
    pub(crate) fn start(
        pc: PeerConnection,
        stream: Events,
        capture: Option<TempPath>,
    ) -> (Arc<Self>, mpsc::Receiver<Value>) {
        let (events, receiver) = mpsc::channel(MAX_EVENTS);
        let peer = Arc::new(RemotePeer {
            pc,
            channels: Mutex::default(),
            events,
            echoes: Mutex::default(),
            watched: Mutex::default(),
            glass: Glass::default(),
            forwards: Mutex::default(),
            describes_dependencies: AtomicBool::new(false),
            capture,
        });
        tokio::spawn(peer.clone().listen(stream));
        (peer, receiver)
    }

    pub(crate) async fn call(self: &Arc<Self>, call: Call) -> Result<Value, Exception> {
        match call {
            Call::SetLocalDescription(description) => {
                self.pc.set_local_description(description).await?;
                return Ok(json!(self.pc.local_description()));
            }
            Call::SetRemoteDescription(description) => {
                self.pc.set_remote_description(description).await?;
                if self.describes_dependencies.load(Ordering::Relaxed) {
                    self.describe_dependencies()?;
                }
                self.watch();
                self.echo();
                self.forwards().begin(self.pc.transceivers());
            }
            Call::AddIceCandidate(candidate) => self.pc.add_ice_candidate(candidate).await?,
            Call::RestartIce {} => self.pc.restart_ice(),
            Call::AddTransceiver {
                kind,
                rids,
                max_bitrate,
            } => {
                let kind = match kind {
                    Kind::Audio => MediaKind::Audio,
                    Kind::Video => MediaKind::Video,
                };
                let encoding = |rid| RtpEncodingParameters {
                    rid: Some(rid),
                    ..Default::default()
                };
                let mut send_encodings: Vec<_> = rids.into_iter().map(encoding).collect();
                if max_bitrate.is_some() {
                    send_encodings.push(RtpEncodingParameters {
                        max_bitrate,
                        ..Default::default()
                    });
                }
                let init = TransceiverInit {
                    send_encodings,
                    ..Default::default()
                };
                self.pc.add_transceiver(kind, init)?;
            }
            Call::StopTransceiver { mid } => {
                let transceivers = self.pc.transceivers();
                let named = transceivers
                    .iter()
                    .find(|t| t.mid().as_deref() == Some(&mid));
                let missing = || Exception::operation("no such transceiver");
                named.ok_or_else(missing)?.stop()?;
            }
            Call::CreateDataChannel { label, init } => {
                let channel = self.pc.create_data_channel(&label, init)?;
                return Ok(json!({ "id": self.adopt(channel) }));
            }
            Call::CloseChannel { id } => self.channel(id)?.close(),
            // A page may have an announced channel before this end has heard that it is open (RFC 8832 §6).
            Call::SendText { id, text } => {
                let channel = self.channel(id)?;
                channel.opened().await?;
                channel.send_text(text).await?;
            }
            Call::SendPattern {
                id,
                size,
                first,
                count,
            } => {
                self.send_pattern(self.channel(id)?, size, first, count);
            }
            Call::Count { id, on } => {
                if let Some(channel) = self.channels().get_mut(id) {
                    channel.counted = on.then_some(0);
                }
            }
            Call::Echo { by } => {
                self.echoes().by = Some(by);
                self.echo();
            }
            Call::PlayTones { tones } => {
                let transceivers = self.pc.transceivers();
                for sender in transceivers.iter().map(RtpTransceiver::sender) {
                    let Some(dtmf) = sender.dtmf() else { continue };
                    // "canInsertDTMF": only a sender with a track can.
                    let track = Track {
                        id: TrackId::from("voice"),
                        kind: MediaKind::Audio,
                    };
                    sender.replace_track(Some(track)).await?;
                    dtmf.insert_dtmf(&tones, TONE_MS, DtmfSender::INTER_TONE_GAP_MS)?;
                }
            }
            Call::Fill {} => {
                for transceiver in self.pc.transceivers() {
                    tokio::spawn(path::fill(transceiver));
                }
            }
            Call::WatchGlass {} => self.glass.watch(&self.pc.transceivers())?,
            Call::Glass {} => return Ok(self.glass.seen()),
            Call::Listen {} => hearing::listen(&self.pc.transceivers())?,
            Call::Speak {
                networks,
                seed,
                seconds,
            } => hearing::speak(&self.pc.transceivers(), &networks, seed, seconds)?,
            Call::SetPath { kbps } => {
                path::set(kbps).map_err(|error| Exception::operation(error.to_string()))?;
            }
            Call::Watch {} => {
                let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
                watched.get_or_insert_default();
                drop(watched);
                self.watch();
            }
            Call::Seen {} => return Ok(self.seen()),
            Call::Forward { bitrate } => self.forwards().choose(bitrate),
            Call::Forwarded {} => return Ok(self.forwards().current()),
            Call::DescribeDependencies {} => {
                self.describes_dependencies.store(true, Ordering::Relaxed);
            }
            Call::Wire { mid } => {
                let none = || Exception::invalid_state("its packets are not captured");
                let came = wire::came(self.capture.as_ref().ok_or_else(none)?, mid);
                return came.map_err(|error| Exception::operation(error.to_string()));
            }
            Call::AskForKeyFrame { encoding } => {
                for transceiver in self.pc.transceivers() {
                    if transceiver.kind() == Some(MediaKind::Video) {
                        transceiver.receiver().send_key_frame_request(encoding)?;
                    }
                }
            }
            Call::State {} => return Ok(self.state()),
            Call::Stats {} => return Ok(json!(self.pc.get_stats().await?)),
            Call::Close {} => self.pc.close(),
        }
        Ok(Value::Null)
    }

    fn state(&self) -> Value {
        let transceivers = self.pc.transceivers().into_iter();
        let transceivers: Vec<Value> = transceivers
            .map(|t| {
                json!({
                    "kind": t.kind().map(MediaKind::as_str),
                    "mid": t.mid(),
                    "direction": t.direction(),
                    "currentDirection": t.current_direction(),
                })
            })
            .collect();
        json!({
            "signalingState": self.pc.signaling_state(),
            "connectionState": self.pc.connection_state(),
            "iceConnectionState": self.pc.ice_connection_state(),
            "sctp": self.pc.sctp().map(|s| s.state()),
            "transceivers": transceivers,
        })
    }

    async fn listen(self: Arc<Self>, mut stream: Events) {
        while let Some(event) = stream.recv().await {
            match event {
                Event::IceCandidate(candidate) => {
                    let candidate = candidate.map(|c| c.init);
                    self.tell(json!({ "kind": "icecandidate", "candidate": candidate }));
                }
                Event::IceCandidateError(error) => self.tell(json!({
                    "kind": "icecandidateerror",
                    "errorCode": error.error_code,
                    "url": error.url,
                })),
                Event::ConnectionStateChange(state) => {
                    self.tell(json!({ "kind": "connectionstatechange", "state": state }));
                }
                Event::DataChannel(channel) => {
                    let mut described = describe(&channel);
                    described["id"] = json!(self.adopt(channel));
                    self.tell(json!({ "kind": "datachannel", "channel": described }));
                }
                Event::TrackUnmute(track) => {
                    let kind = track.kind().map(MediaKind::as_str);
                    self.tell(json!({ "kind": "unmute", "track": kind }));
                }
                Event::KeyFrameRequest {
                    sender, encoding, ..
                } => {
                    self.ask_for_key_frame(&sender, encoding);
                }
                Event::TargetBitrateChange(sender) => {
                    let bitrates = sender.target_bitrates();
                    self.tell(json!({ "kind": "targetbitrate", "bitrates": bitrates }));
                }
                Event::ChannelClose(channel) => {
                    let id = self.channels().iter().position(|c| c.handle == channel);
                    self.tell(json!({ "kind": "close", "id": id }));
                }
                _ => {}
            }
        }
    }

    /// Those that the last description brought are sent back, too.
    fn echo(self: &Arc<Self>) {
        for transceiver in self.pc.transceivers() {
            self.echo_one(transceiver);
        }
    }

    /// Sends what a receiver gets back to where it came from.
    fn echo_one(self: &Arc<Self>, transceiver: RtpTransceiver) {
        let mut echoes = self.echoes();
        let Some(by) = echoes.by else {
            return;
        };
        if echoes.transceivers.contains(&transceiver) {
            return;
        }
        echoes.transceivers.push(transceiver.clone());
        drop(echoes);
        // One that a remote offer made does not send by itself.
        let _ = transceiver.set_direction(TransceiverDirection::Sendrecv);
        match by {
            EchoBy::Packets => tokio::spawn(echo_packets(transceiver)),
            EchoBy::Frames => tokio::spawn(echo_frames(transceiver)),
            EchoBy::Raw => tokio::spawn(raw::answer(transceiver)),
        };
    }

    /// Those that the last description brought are counted, too.
    fn watch(&self) {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(watched) = watched.as_mut() else {
            return;
        };
        for transceiver in self.pc.transceivers() {
            if watched.iter().all(|(known, _)| *known != transceiver) {
                let watch = Watch::start(&transceiver);
                watched.push((transceiver, watch));
            }
        }
    }

    fn seen(&self) -> Value {
        let watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |(transceiver, watch): &(RtpTransceiver, Watch)| {
            (transceiver.mid().unwrap_or_default(), json!(watch.seen()))
        };
        watched.iter().flatten().map(of).collect()
    }

    fn describe_dependencies(&self) -> Result<(), Exception> {
        for transceiver in self.pc.transceivers() {
            let mut wanted = transceiver.header_extensions_to_negotiate();
            for extension in &mut wanted {
                if extension.uri.contains("dependency-descriptor") {
                    extension.direction = TransceiverDirection::Sendrecv;
                }
            }
            transceiver.set_header_extensions_to_negotiate(&wanted)?;
        }
        Ok(())
    }

    fn forwards(&self) -> MutexGuard<'_, Forwards> {
        self.forwards.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask_for_key_frame(&self, sender: &RtpSender, encoding: usize) {
        let transceivers = self.pc.transceivers();
        if let Some(its) = transceivers.iter().find(|t| t.sender() == *sender) {
            // It may have stopped receiving meanwhile.
            let _ = its.receiver().send_key_frame_request(encoding);
        }
    }

    fn echoes(&self) -> MutexGuard<'_, Echoes> {
        self.echoes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a channel in and tells of its messages; gives the number the page knows it by.
    fn adopt(self: &Arc<Self>, handle: DataChannel) -> usize {
        let mut channels = self.channels();
        let id = channels.len();
        channels.push(Channel {
            handle: handle.clone(),
            counted: None,
        });
        drop(channels);
        let peer = self.clone();
        tokio::spawn(async move {
            while let Some(message) = handle.recv().await {
                peer.on_message(id, message);
            }
        });
        id
    }

    fn on_message(&self, id: usize, message: Message) {
        if let Some(counted) = self.channels().get_mut(id).and_then(|c| c.counted.as_mut()) {
            *counted += message.len();
            let bytes = *counted;
            return self.tell(json!({ "kind": "counted", "id": id, "bytes": bytes }));
        }
        let event = match message {
            Message::Text(text) => json!({ "kind": "message", "id": id, "text": text }),
            Message::Binary(data) => json!({
                "kind": "message",
                "id": id,
                "binary": true,
                "size": data.len(),
                "pattern": pattern_of(&data),
            }),
        };
        self.tell(event);
    }

    fn send_pattern(&self, channel: DataChannel, size: usize, first: usize, count: usize) {
        tokio::spawn(async move {
            for n in first..first + count {
                if channel.send(pattern(size, n)).await.is_err() {
                    return;
                }
            }
        });
    }

    fn tell(&self, event: Value) {
        // A page that closed its stream no longer asks.
        let _ = self.events.try_send(event);
    }

    fn channel(&self, id: usize) -> Result<DataChannel, Exception> {
        let channel = self.channels().get(id).map(|c| c.handle.clone());
        channel.ok_or_else(|| Exception::invalid_state("no such channel"))
    }

    fn channels(&self) -> MutexGuard<'_, Vec<Channel>> {
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn echo_packets(transceiver: RtpTransceiver) -> Result<(), Exception> {
    let mut from = transceiver.receiver().packets();
    let to = transceiver.sender().packets();
    let (mut received, mut batch) = (Vec::new(), Vec::new());
    while from.recv_many(&mut received, 64).await > 0 {
        batch.extend(received.drain(..).map(|packet| RtpPacketInit {
            payload_type: Some(packet.payload_type),
            sequence_number: Some(packet.sequence_number as u16),
            timestamp: packet.timestamp,
            marker: packet.marker,
            audio_level: packet.audio_level,
            payload: packet.payload,
            ..Default::default()
        }));
        to.send_all(&mut batch).await?;
    }
    Ok(())
}

async fn echo_frames(transceiver: RtpTransceiver) -> Result<(), Exception> {
    let mut from = transceiver.receiver().frames();
    let to = transceiver.sender().frames();
    let (mut received, mut batch) = (Vec::new(), Vec::new());
    while from.recv_many(&mut received, 64).await > 0 {
        batch.extend(received.drain(..).map(|frame| EncodedFrameInit {
            payload_type: Some(frame.payload_type),
            timestamp: frame.timestamp,
            audio_level: frame.audio_level,
            temporal: frame.temporal,
            discardable: frame.discardable,
            data: frame.data,
            ..Default::default()
        }));
        to.send_all(&mut batch).await?;
    }
    Ok(())
}

fn describe(channel: &DataChannel) -> Value {
    json!({
        "label": channel.label(),
        "ordered": channel.ordered(),
        "maxRetransmits": channel.max_retransmits(),
        "maxPacketLifeTime": channel.max_packet_life_time(),
        "protocol": channel.protocol(),
    })
}

fn pattern(size: usize, n: usize) -> Bytes {
    (0..size).map(|i| ((i * 31 + n) % PATTERN) as u8).collect()
}

/// Which message of the pattern this is; `None` if any byte is another one.
fn pattern_of(data: &[u8]) -> Option<usize> {
    let n = usize::from(data.first().copied().unwrap_or(0));
    let fits = |(i, byte): (usize, &u8)| usize::from(*byte) == (i * 31 + n) % PATTERN;
    data.iter().enumerate().all(fits).then_some(n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_recognised_and_a_changed_byte_is_not() {
        assert_eq!(pattern_of(&pattern(70_000, 5)), Some(5));
        let mut changed = pattern(1000, 5).to_vec();
        changed[999] ^= 1;
        assert_eq!(pattern_of(&changed), None);
    }
}

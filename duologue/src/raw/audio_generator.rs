//! Sound to send.

use std::future::poll_fn;
use std::sync::Arc;

use duologue_codec::{
    AudioCodec, AudioData, AudioEncode, AudioEncoderConfig, CodecError, CodecSet,
};
use duologue_peer::{Exception, MediaKind, RtpCodec};
use duologue_rtp::{Fmtp, PayloadType};
use duologue_session::EncodedFrameInit;
use tracing::debug;

use super::queue::{Input, Queue};
use super::{choice, workers};
use crate::flow::Writer;
use crate::limits::RAW_SOUNDS;
use crate::media::RtpSender;

impl RtpSender {
    /// What sends raw sound: `MediaStreamTrackGenerator` of mediacapture-transform is what comes
    /// nearest. It is encoded with the first codec that was agreed on and that the
    /// [`Endpoint`](crate::Endpoint) has an encoder for.
    ///
    /// # Errors
    /// `InvalidAccessError` of a sender of pictures.
    pub fn audio(&self) -> Result<AudioTrackGenerator, Exception> {
        if self.kind() != Some(MediaKind::Audio) {
            return Err(Exception::invalid_access("the sender is not of sound"));
        }
        let queue = Arc::new(Queue::new(RAW_SOUNDS));
        let pump = SendPump {
            queue: queue.clone(),
            sender: self.clone(),
            writer: Writer::new(self.connection().clone(), self.id()),
            encoder: None,
            pending: Vec::new(),
        };
        let runtime = self.connection().runtime();
        drop(runtime.spawn(pump.run()));
        Ok(AudioTrackGenerator(Arc::new(Input::new(queue))))
    }
}

/// Takes sound and sends it, encoded. Cheap to clone; with the last clone it ends.
///
/// Sound comes at the codec's rate, 48 kHz for Opus, in pieces of any length; it is sent in packets of
/// 20 ms as it comes. [`RAW_SOUNDS`](crate::limits::RAW_SOUNDS) pieces wait; older ones are dropped and
/// counted, as is what comes while the sender may not send, and at another rate.
#[derive(Clone, Debug)]
#[doc(alias = "MediaStreamTrackGenerator")]
pub struct AudioTrackGenerator(Arc<Input<AudioData>>);

impl AudioTrackGenerator {
    /// Hands over a piece of sound. Its [`timestamp`](AudioData::timestamp) is that of the source: where
    /// it goes on at another time than the piece before ended, the gap is one for the peer too.
    ///
    /// # Errors
    /// `InvalidStateError` when the transceiver is stopped or the connection closed.
    pub fn write(&self, data: AudioData) -> Result<(), Exception> {
        self.0.write(data)
    }

    /// How many pieces were not sent.
    pub fn dropped(&self) -> u64 {
        self.0.dropped()
    }
}

/// The task of a generator.
struct SendPump {
    queue: Arc<Queue<AudioData>>,
    sender: RtpSender,
    writer: Writer<EncodedFrameInit>,
    encoder: Option<Encoder>,
    /// Samples that no packet is full of yet.
    pending: Vec<f32>,
}

struct Encoder {
    inner: Box<dyn AudioEncode>,
    config: AudioEncoderConfig,
    /// Of the first pending sample, in ticks of the codec's clock.
    timestamp: u32,
}

impl SendPump {
    async fn run(mut self) {
        let codecs = workers::codecs(self.sender.connection()).await;
        while let Some(data) = poll_fn(|cx| self.queue.poll_pop(cx)).await {
            if self.writer.ended() {
                break;
            }
            if !self.send(data, &codecs).await {
                self.queue.count_dropped();
                self.pending.clear();
            }
        }
        self.queue.end();
    }

    async fn send(&mut self, data: AudioData, codecs: &CodecSet) -> bool {
        let Some(parameters) = self.sender.current_parameters() else {
            return false;
        };
        let Some((payload_type, codec, agreed)) = choice::audio_to_send(&parameters, codecs) else {
            return false;
        };
        let encoding = parameters.encodings.first();
        let active = encoding.is_none_or(|encoding| encoding.active);
        if !active || data.sample_rate() != codec.sample_rate() {
            return false;
        }
        let config = config(
            codec,
            agreed,
            data.channels(),
            encoding.and_then(|encoding| encoding.max_bitrate),
        );
        let runtime = self.sender.connection().runtime().clone();
        let (encoder, codecs) = (self.encoder.take(), codecs.clone());
        let mut pending = std::mem::take(&mut self.pending);
        let encode = move || {
            let encoded = encode(encoder, &codecs, config, &data, &mut pending);
            (encoded, pending)
        };
        let Some((encoded, pending)) = workers::with_sound(&runtime, encode).await else {
            return false;
        };
        self.pending = pending;
        match encoded {
            Ok((encoder, packets)) => {
                self.encoder = Some(encoder);
                self.write(payload_type, packets).await
            }
            Err(error) => {
                debug!(%error, "sound was not encoded");
                false
            }
        }
    }

    async fn write(&mut self, payload_type: PayloadType, packets: Vec<(u32, Vec<u8>)>) -> bool {
        let frames = packets
            .into_iter()
            .map(|(timestamp, data)| EncodedFrameInit {
                payload_type: Some(payload_type),
                timestamp,
                data: data.into(),
                ..EncodedFrameInit::default()
            });
        let mut frames: Vec<_> = frames.collect();
        self.writer.send_all(&mut frames).await.is_ok()
    }
}

/// RFC 7587 §6.1: what the other end's description asks of a sender.
fn config(
    codec: AudioCodec,
    agreed: &RtpCodec,
    channels: u8,
    max_bitrate: Option<u32>,
) -> AudioEncoderConfig {
    let fmtp = Fmtp::of(agreed.sdp_fmtp_line.as_deref());
    let says = |name| fmtp.get(name).is_some_and(|value| value == "1");
    let asked: Option<u32> = fmtp.get("maxaveragebitrate").and_then(|it| it.parse().ok());
    AudioEncoderConfig {
        channels,
        bitrate: asked.into_iter().chain(max_bitrate).min(),
        in_band_fec: says("useinbandfec"),
        dtx: says("usedtx"),
        ..AudioEncoderConfig::new(codec)
    }
}

type Packets = Vec<(u32, Vec<u8>)>;

fn encode(
    encoder: Option<Encoder>,
    codecs: &CodecSet,
    config: AudioEncoderConfig,
    data: &AudioData,
    pending: &mut Vec<f32>,
) -> Result<(Encoder, Packets), CodecError> {
    let channels = usize::from(config.channels);
    let clock = config.codec.clock_rate();
    let shape = |it: &AudioEncoderConfig| (it.codec, it.channels);
    let mut encoder = match encoder.filter(|it| shape(&it.config) == shape(&config)) {
        Some(encoder) => encoder,
        None => {
            pending.clear();
            Encoder {
                inner: codecs.audio_encoder(&config)?,
                config: config.clone(),
                timestamp: choice::ticks(data.timestamp, clock),
            }
        }
    };
    if encoder.config != config {
        encoder.inner.configure(&config)?;
        encoder.config = config;
    }

    let ticks_of = |frames: usize| {
        let frames = frames as u64 * u64::from(clock);
        (frames / u64::from(encoder.config.codec.sample_rate())) as u32
    };
    // A jump of the source's clock is one of the stamps; less than a packet is its jitter.
    let expected = encoder
        .timestamp
        .wrapping_add(ticks_of(pending.len() / channels));
    let ahead = choice::ticks(data.timestamp, clock)
        .wrapping_sub(expected)
        .cast_signed();
    let packet = ticks_of(encoder.config.packet_frames());
    if ahead.unsigned_abs() >= packet {
        pending.clear();
        encoder.timestamp = choice::ticks(data.timestamp, clock);
    }
    pending.extend_from_slice(data.samples());

    let len = encoder.config.packet_frames() * channels;
    let mut packets = Vec::new();
    let whole = pending.len() - pending.len() % len;
    for samples in pending[..whole].chunks_exact(len) {
        let mut bytes = Vec::new();
        encoder.inner.encode(samples, &mut bytes)?;
        packets.push((encoder.timestamp, bytes));
        encoder.timestamp = encoder.timestamp.wrapping_add(packet);
    }
    pending.drain(..whole);
    Ok((encoder, packets))
}

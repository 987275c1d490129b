//! Sound to send, and received sound.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use duologue_codec::{
    AudioCodec, AudioData, AudioDecode, AudioDecoderConfig, AudioEncode, AudioEncoderConfig,
    CodecError, CodecSet,
};
use duologue_peer::{Exception, MediaKind, RtpCodec};
use duologue_rtp::{Fmtp, PayloadType};
use duologue_session::{EncodedFrame, EncodedFrameInit};
use futures_core::Stream;
use tracing::debug;

use super::queue::{Input, Queue};
use super::{choice, workers};
use crate::flow::{Reader, Writer};
use crate::limits::{MAX_CONCEALED, RAW_SOUNDS, REORDERED_SOUNDS};
use crate::media::{RtpReceiver, RtpSender};

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

impl RtpReceiver {
    /// What the peer sends, as raw sound: `MediaStreamTrackProcessor` of mediacapture-transform is
    /// what comes nearest. It has one channel, or two where that was agreed on.
    ///
    /// # Errors
    /// `InvalidAccessError` of a receiver of pictures.
    pub fn audio(&self) -> Result<AudioTrackProcessor, Exception> {
        if self.kind() != Some(MediaKind::Audio) {
            return Err(Exception::invalid_access("the receiver is not of sound"));
        }
        let queue = Arc::new(Queue::new(RAW_SOUNDS));
        let pump = ReceivePump {
            queue: queue.clone(),
            receiver: self.clone(),
            reader: Reader::new(self.connection().clone(), self.id()),
            order: Order::default(),
            decoder: None,
        };
        let runtime = self.connection().runtime();
        drop(runtime.spawn(pump.run()));
        Ok(AudioTrackProcessor(queue))
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

/// The sound of a receiver, a packet at a time, in its order. It ends when the transceiver is stopped
/// or the connection closed. It is also a [`Stream`].
///
/// ```
/// use duologue::{Exception, RtpReceiver};
///
/// /// How loud it is what comes.
/// async fn level(receiver: &RtpReceiver) -> Result<Option<f32>, Exception> {
///     let mut audio = receiver.audio()?;
///     let sound = audio.recv().await;
///     Ok(sound.map(|it| it.samples().iter().fold(0.0, |loudest: f32, it| loudest.max(it.abs()))))
/// }
/// ```
///
/// What was lost is made up, from the packet after it where that has a copy; a packet that comes out of
/// its order is waited for while [`REORDERED_SOUNDS`](crate::limits::REORDERED_SOUNDS) others come. Nothing
/// is stretched: who plays it needs a buffer. [`RAW_SOUNDS`](crate::limits::RAW_SOUNDS) pieces wait to be
/// read; older ones are dropped and counted.
#[derive(Debug)]
#[doc(alias = "MediaStreamTrackProcessor")]
pub struct AudioTrackProcessor(Arc<Queue<AudioData>>);

impl AudioTrackProcessor {
    /// The next piece; `None` at the end.
    pub async fn recv(&mut self) -> Option<AudioData> {
        poll_fn(|cx| self.0.poll_pop(cx)).await
    }

    /// The next piece, if there is one already.
    pub fn try_recv(&mut self) -> Option<AudioData> {
        self.0.try_pop()
    }

    /// How many pieces were dropped because nobody read them in time, and how many packets were not
    /// decoded.
    pub fn dropped(&self) -> u64 {
        self.0.dropped()
    }
}

impl Stream for AudioTrackProcessor {
    type Item = AudioData;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<AudioData>> {
        self.0.poll_pop(cx)
    }
}

impl Drop for AudioTrackProcessor {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// The task of a processor.
struct ReceivePump {
    queue: Arc<Queue<AudioData>>,
    receiver: RtpReceiver,
    reader: Reader<EncodedFrame>,
    order: Order<EncodedFrame>,
    decoder: Option<Decoder>,
}

impl ReceivePump {
    async fn run(mut self) {
        let codecs = workers::codecs(self.receiver.connection()).await;
        loop {
            // Until the application has gone, too.
            let packet = poll_fn(|cx| match self.queue.poll_ended(cx) {
                Poll::Ready(()) => Poll::Ready(None),
                Poll::Pending => self.reader.poll_next(cx),
            });
            let Some(packet) = packet.await else { break };
            self.order.insert(packet.sequence_number, packet);
            while let Some(next) = self.order.next() {
                self.decode(next, &codecs).await;
            }
        }
        self.queue.end();
    }

    async fn decode(&mut self, next: Next<EncodedFrame>, codecs: &CodecSet) {
        let Some((codec, channels)) = self.codec(&next.packet) else {
            // Tones, comfort noise: no sound of a codec.
            return;
        };
        let runtime = self.receiver.connection().runtime().clone();
        let (decoder, codecs) = (self.decoder.take(), codecs.clone());
        let decode = move || decode(decoder, &codecs, codec, channels, &next);
        match workers::with_sound(&runtime, decode).await {
            Some(Ok((decoder, sounds))) => {
                self.decoder = Some(decoder);
                for sound in sounds {
                    self.queue.push(sound);
                }
            }
            Some(Err(error)) => {
                debug!(%error, "a packet of sound was not decoded");
                self.queue.count_dropped();
            }
            None => self.queue.count_dropped(),
        }
    }

    fn codec(&self, packet: &EncodedFrame) -> Option<(AudioCodec, u8)> {
        let agreed = self.receiver.parameters()?.codecs;
        let mut agreed = agreed
            .iter()
            .filter_map(|it| Some((choice::audio(it)?, &it.codec)));
        let ((_, codec), it) = agreed.find(|((pt, _), _)| *pt == packet.payload_type)?;
        // RFC 7587 §7: two channels are always said of Opus, and meant with `stereo=1` alone.
        let stereo = Fmtp::of(it.sdp_fmtp_line.as_deref()).get("stereo") == Some("1");
        Some((codec, if stereo { 2 } else { 1 }))
    }
}

/// What a worker is handed, and hands back.
struct Decoder {
    inner: Box<dyn AudioDecode>,
    codec: AudioCodec,
    channels: u8,
    clock: choice::Clock,
    /// Samples of a channel in the last packet.
    frames: usize,
}

fn decode(
    decoder: Option<Decoder>,
    codecs: &CodecSet,
    codec: AudioCodec,
    channels: u8,
    next: &Next<EncodedFrame>,
) -> Result<(Decoder, Vec<AudioData>), CodecError> {
    let same = |it: &Decoder| (it.codec, it.channels) == (codec, channels);
    let mut decoder = match decoder.filter(same) {
        Some(decoder) => decoder,
        None => Decoder {
            inner: codecs.audio_decoder(&AudioDecoderConfig { codec, channels })?,
            codec,
            channels,
            clock: choice::Clock::new(codec.clock_rate()),
            frames: codec.sample_rate() as usize / 50,
        },
    };
    let (rate, packet) = (codec.sample_rate(), &next.packet.data);
    let at = decoder.clock.time(next.packet.timestamp);
    let spread = usize::from(channels);
    let mut sounds = Vec::new();
    let lasting = |frames: usize| Duration::from_secs_f64(frames as f64 / f64::from(rate));
    // The last of those that were lost may have a copy in this packet.
    for lost in (1..=next.lost.min(MAX_CONCEALED)).rev() {
        let mut samples = vec![0.0; decoder.frames * spread];
        if lost > 1 || !decoder.inner.recover(packet, &mut samples) {
            decoder.inner.conceal(&mut samples);
        }
        let before = lasting(decoder.frames * lost as usize);
        let sound = AudioData::new(samples.into(), rate, channels)?;
        sounds.push(sound.at(at.saturating_sub(before)));
    }

    let frames = decoder.inner.frames(packet);
    let frames = frames.ok_or(CodecError::Invalid("no packet of the codec"))?;
    // Nobody agreed on more than 120 ms.
    if frames > rate as usize * 12 / 100 {
        return Err(CodecError::TooLarge("a packet of sound", frames as u64));
    }
    let mut samples = vec![0.0; frames * spread];
    let made = decoder.inner.decode(packet, &mut samples)?;
    samples.truncate(made * spread);
    decoder.frames = made;
    let sound = AudioData::new(samples.into(), rate, channels)?;
    sounds.push(sound.at(at));
    Ok((decoder, sounds))
}

/// Puts packets into their order.
#[derive(Debug)]
struct Order<T> {
    waiting: BTreeMap<u64, T>,
    /// The number of the packet that is to be next.
    expected: Option<u64>,
}

/// A packet, and how many before it never came.
#[derive(Debug)]
struct Next<T> {
    packet: T,
    lost: u64,
}

impl<T> Order<T> {
    fn insert(&mut self, number: u64, packet: T) {
        let late = self.expected.is_some_and(|expected| number < expected);
        // Another stream, or one that began anew: far behind is not late.
        if late
            && self
                .expected
                .is_some_and(|expected| expected - number > FAR_BEHIND)
        {
            *self = Order::default();
        } else if late {
            return;
        }
        self.waiting.insert(number, packet);
    }

    fn next(&mut self) -> Option<Next<T>> {
        let (number, _) = self.waiting.first_key_value()?;
        let expected = self.expected.unwrap_or(*number);
        if *number > expected && self.waiting.len() <= REORDERED_SOUNDS {
            return None;
        }
        let (number, packet) = self.waiting.pop_first()?;
        self.expected = Some(number + 1);
        Some(Next {
            packet,
            lost: number - expected,
        })
    }
}

impl<T> Default for Order<T> {
    fn default() -> Self {
        Order {
            waiting: BTreeMap::new(),
            expected: None,
        }
    }
}

const FAR_BEHIND: u64 = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes out, with how many were lost before each.
    fn order(numbers: &[u64]) -> Vec<(u64, u64)> {
        let mut order = Order::default();
        let mut out = Vec::new();
        for number in numbers {
            order.insert(*number, *number);
            while let Some(next) = order.next() {
                out.push((next.packet, next.lost));
            }
        }
        out
    }

    #[test]
    fn packets_come_out_in_their_order_and_late_ones_do_not() {
        let clean = order(&[7, 8, 9]);
        assert_eq!(clean, [(7, 0), (8, 0), (9, 0)]);
        let turned = order(&[7, 9, 8, 10]);
        assert_eq!(turned, [(7, 0), (8, 0), (9, 0), (10, 0)]);
        // 8 is not waited for when four others are there.
        let late = order(&[7, 9, 10, 11, 12, 8, 13]);
        let rest = [(7, 0), (9, 1), (10, 0), (11, 0), (12, 0), (13, 0)];
        assert_eq!(late, rest);
        let begun_anew = order(&[50_000, 50_001, 3, 4]);
        assert_eq!(begun_anew[2..], [(3, 0), (4, 0)]);
    }
}

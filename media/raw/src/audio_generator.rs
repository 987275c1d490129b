//! Sound to send.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use duologue_codec::{
    AudioCodec, AudioData, AudioEncode, AudioEncoderConfig, CodecError, CodecSet, Resampler,
};
use duologue_peer::{Exception, RtpCodec};
use duologue_rtp::ext::AudioLevel;
use duologue_rtp::{Fmtp, PayloadType};
use duologue_session::{EncodedFrameInit, Given, SourceStats};
use tracing::debug;

use super::queue::{Input, Queue};
use super::{choice, port, workers};
use crate::Sender;
use crate::limits::RAW_SOUNDS;

/// Takes sound and sends it, encoded. Cheap to clone; with the last clone it ends.
///
/// Sound comes at any rate and in pieces of any length; it is sent at the codec's rate, 48 kHz for Opus, in
/// packets of 20 ms as it comes. [`RAW_SOUNDS`](crate::limits::RAW_SOUNDS) pieces wait; older ones are dropped and
/// counted, as is what comes while the sender may not send.
#[derive(Clone, Debug)]
#[doc(alias = "MediaStreamTrackGenerator")]
pub struct AudioTrackGenerator(Arc<Input<AudioData>>);

impl AudioTrackGenerator {
    /// What sends the sound of a sender; it does so on the runtime of the sender.
    pub fn new(sender: Box<dyn Sender>) -> Self {
        let queue = Arc::new(Queue::new(RAW_SOUNDS));
        let runtime = sender.runtime().clone();
        let pump = SendPump {
            queue: queue.clone(),
            sender,
            encoder: None,
            pending: Vec::new(),
            source: Source::default(),
            pieces: 1,
            loss: 0.0,
        };
        drop(runtime.spawn(pump.run()));
        AudioTrackGenerator(Arc::new(Input::new(queue)))
    }

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
    sender: Box<dyn Sender>,
    encoder: Option<Encoder>,
    /// Samples that no packet is full of yet.
    pending: Vec<f32>,
    source: Source,
    /// Pieces that came.
    pieces: u64,
    /// The share of packets that does not reach the other end, as it reports.
    loss: f32,
}

/// What the application gave.
#[derive(Debug, Default)]
struct Source {
    energy: f64,
    duration: Duration,
}

struct Encoder {
    inner: Box<dyn AudioEncode>,
    config: AudioEncoderConfig,
    /// Where sound comes at another rate than the codec's: that, and what makes it of it.
    resampler: Option<(u32, Resampler)>,
    /// Of the first pending sample, in ticks of the codec's clock.
    timestamp: u32,
}

impl SendPump {
    async fn run(mut self) {
        let codecs = workers::codecs(&*self.sender).await;
        while let Some(data) = poll_fn(|cx| self.queue.poll_pop(cx)).await {
            if self.sender.ended() {
                break;
            }
            self.saw(&data);
            if self.pieces.is_multiple_of(PIECES_A_LOOK) {
                self.look_at_loss().await;
            }
            self.pieces += 1;
            if !self.send(data, &codecs).await {
                self.queue.count_dropped();
                self.pending.clear();
            }
        }
        self.queue.end();
    }

    /// A piece of sound came.
    fn saw(&mut self, data: &AudioData) {
        let power = f64::from(power(data.samples()));
        // webrtc-stats, "totalAudioEnergy": the square of how loud it is, by how long it is that.
        self.source.energy += power * data.duration().as_secs_f64();
        self.source.duration += data.duration();
        let given = Given::Audio {
            level: power.sqrt().min(1.0),
            total_energy: self.source.energy,
            total_duration: self.source.duration,
        };
        let sender = self.sender.id();
        self.sender
            .shared()
            .tell_source(SourceStats { sender, given });
    }

    /// What is lost on the way says how much a packet is to tell of the one before it.
    async fn look_at_loss(&mut self) {
        let lost = self.sender.fraction_lost().await;
        // In steps, up at once and down slowly: an encoder is not told each time.
        let steps = [0.2, 0.1, 0.05, 0.02, 0.0];
        let loss = steps.into_iter().find(|step| lost >= *step).unwrap_or(0.0);
        self.loss = loss.max(if self.loss > 0.02 {
            self.loss / 2.0
        } else {
            0.0
        });
    }

    async fn send(&mut self, data: AudioData, codecs: &CodecSet) -> bool {
        let Some(parameters) = self.sender.parameters() else {
            return false;
        };
        let encoding = parameters.encodings.first();
        let wanted = encoding.and_then(|encoding| encoding.codec.as_ref());
        let chosen = choice::audio_to_send(&parameters, wanted, codecs);
        let active = encoding.is_none_or(|encoding| encoding.active);
        let Some((payload_type, codec, agreed)) = chosen.filter(|_| active) else {
            return false;
        };
        let max_bitrate = encoding.and_then(|encoding| encoding.max_bitrate);
        let mut config = config(codec, agreed, data.channels(), max_bitrate);
        config.packet_loss = self.loss;
        let runtime = self.sender.runtime().clone();
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

    async fn write(&mut self, payload_type: PayloadType, packets: Vec<Packet>) -> bool {
        let now = self.sender.now();
        let frames = packets.into_iter().map(|packet| EncodedFrameInit {
            captured: Some(now),
            payload_type: Some(payload_type),
            timestamp: packet.timestamp,
            audio_level: Some(packet.level),
            data: packet.data.into(),
            ..EncodedFrameInit::default()
        });
        let mut frames: Vec<_> = frames.collect();
        port::send_all(&*self.sender, &mut frames).await.is_ok()
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

struct Packet {
    timestamp: u32,
    level: AudioLevel,
    data: Vec<u8>,
}

impl Drop for SendPump {
    fn drop(&mut self) {
        self.sender.shared().forget_source(self.sender.id());
    }
}

fn encode(
    encoder: Option<Encoder>,
    codecs: &CodecSet,
    config: AudioEncoderConfig,
    data: &AudioData,
    pending: &mut Vec<f32>,
) -> Result<(Encoder, Vec<Packet>), CodecError> {
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
                resampler: None,
                timestamp: choice::ticks(data.timestamp, clock),
            }
        }
    };
    if encoder.config != config {
        encoder.inner.configure(&config)?;
        encoder.config = config;
    }

    let rate = encoder.config.codec.sample_rate();
    let ticks_of = |frames: usize| {
        let frames = frames as u64 * u64::from(clock);
        (frames / u64::from(rate)) as u32
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
    encoder.add(data, pending)?;

    let len = encoder.config.packet_frames() * channels;
    let mut packets = Vec::new();
    let whole = pending.len() - pending.len() % len;
    for samples in pending[..whole].chunks_exact(len) {
        let mut bytes = Vec::new();
        encoder.inner.encode(samples, &mut bytes)?;
        packets.push(Packet {
            timestamp: encoder.timestamp,
            level: level(power(samples)),
            data: bytes,
        });
        encoder.timestamp = encoder.timestamp.wrapping_add(packet);
    }
    pending.drain(..whole);
    Ok((encoder, packets))
}

impl Encoder {
    /// Adds a piece at the codec's rate.
    fn add(&mut self, data: &AudioData, pending: &mut Vec<f32>) -> Result<(), CodecError> {
        let (from, to) = (data.sample_rate(), self.config.codec.sample_rate());
        if from == to {
            self.resampler = None;
            pending.extend_from_slice(data.samples());
            return Ok(());
        }
        let known = self.resampler.take().filter(|(rate, _)| *rate == from);
        let (_, resampler) = match known {
            Some(known) => self.resampler.insert(known),
            None => {
                let new = Resampler::new(from, to, data.channels())?;
                self.resampler.insert((from, new))
            }
        };
        resampler.process(data.samples(), pending)
    }
}

/// The mean of the squares.
fn power(samples: &[f32]) -> f32 {
    let sum: f32 = samples.iter().map(|it| it * it).sum();
    sum / samples.len().max(1) as f32
}

/// RFC 6464 §3: decibels below overload. What is louder than a quiet room may be a voice.
fn level(power: f32) -> AudioLevel {
    let below = -10.0 * power.max(1e-13).log10();
    let below = below.clamp(0.0, 127.0) as u8;
    AudioLevel::new(below < QUIET, below)
}

/// In decibels below overload.
const QUIET: u8 = 50;
/// So often the peer's reports are looked at.
const PIECES_A_LOOK: u64 = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_loud_a_packet_is_is_told_in_decibels() {
        let of = |power| level(power).level();
        assert_eq!((of(1.0), of(0.01), of(0.0)), (0, 20, 127));
        assert!(level(0.01).voice() && !level(1e-6).voice());
    }

    #[test]
    fn sound_at_another_rate_is_sent_at_the_codecs() {
        let codecs = super::super::built_in_codecs();
        let config = AudioEncoderConfig::new(AudioCodec::Pcmu);
        let (mut encoder, mut pending, mut packets) = (None, Vec::new(), Vec::new());
        for piece in 0..100 {
            let data = AudioData::new(vec![0.1; 441].into(), 44_100, 1).unwrap();
            let data = data.at(Duration::from_millis(10) * piece);
            let made = encode(encoder, &codecs, config.clone(), &data, &mut pending);
            let (next, new) = made.unwrap();
            encoder = Some(next);
            packets.extend(new);
        }
        assert!((48..=50).contains(&packets.len()), "{}", packets.len());
        assert!(packets.iter().all(|it| it.data.len() == 160));
        let stamps = packets.windows(2);
        assert!(
            stamps
                .into_iter()
                .all(|it| it[1].timestamp - it[0].timestamp == 160)
        );
    }
}

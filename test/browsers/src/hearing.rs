//! Sound over a network that delays and loses packets: what each end plays of the same ones is for it to tell.

use std::f32::consts::TAU;
use std::time::Duration;

use bytes::Bytes;
use duologue::codec::{AudioCodec, AudioEncoderConfig, CodecError, found_codecs};
use duologue::{AudioTrackProcessor, Exception, MediaKind, RtpPacketInit, RtpTransceiver};
use serde::Deserialize;
use tokio::time::{Instant, sleep_until};

/// Samples a second.
const RATE: u32 = 48_000;
/// Samples of a packet: 20 ms.
const PACKET: u32 = 960;
const PACKET_TIME: Duration = Duration::from_millis(20);

/// A network.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Network {
    /// The mean of what is added to a delay that is at least nothing and at most twice as much, all alike.
    jitter_ms: f64,
    /// Of all packets, from 0 to 1.
    loss: f64,
    /// Whether each packet says, too, what the one before it did (RFC 6716 §2.1.7).
    #[serde(default)]
    fec: bool,
}

/// Each sender of sound sends the same words through a network of its own, for so long; whoever has the same seed
/// delays and loses the same packets.
pub(crate) fn speak(
    transceivers: &[RtpTransceiver],
    networks: &[Network],
    seed: u32,
    seconds: u32,
) -> Result<(), Exception> {
    let packets = seconds * 50;
    let words = |fec| words(packets, fec).map_err(|error| Exception::operation(error.to_string()));
    let words = [words(false)?, words(true)?];
    let sound = |it: &&RtpTransceiver| it.kind() == Some(MediaKind::Audio);
    let senders = transceivers.iter().filter(sound).zip(networks).enumerate();
    let began = Instant::now();
    for (cell, (transceiver, network)) in senders {
        let writer = transceiver.sender().packets();
        let chance = Chance(seed.wrapping_mul(977).wrapping_add(cell as u32 + 1));
        let arrivals = network.arrivals(packets, chance);
        let words = words[usize::from(network.fec)].clone();
        tokio::spawn(async move {
            for (after, number) in arrivals {
                sleep_until(began + after).await;
                let packet = RtpPacketInit {
                    sequence_number: Some(number as u16),
                    timestamp: number * PACKET,
                    marker: number == 0,
                    payload: words[number as usize].clone(),
                    ..RtpPacketInit::default()
                };
                if writer.send_all(&mut vec![packet]).await.is_err() {
                    return;
                }
            }
        });
    }
    Ok(())
}

/// Plays what comes, to nobody.
pub(crate) fn listen(transceivers: &[RtpTransceiver]) -> Result<(), Exception> {
    for transceiver in transceivers {
        if transceiver.kind() == Some(MediaKind::Audio) {
            let from = transceiver.receiver().audio()?;
            tokio::spawn(hear(from));
        }
    }
    Ok(())
}

async fn hear(mut from: AudioTrackProcessor) {
    while from.recv().await.is_some() {}
}

impl Network {
    /// When each packet arrives that does, and its number; in the order of arrival.
    fn arrivals(&self, packets: u32, mut chance: Chance) -> Vec<(Duration, u32)> {
        let mut arrivals = Vec::new();
        for number in 0..packets {
            let delay = 2.0 * self.jitter_ms * chance.unit();
            let lost = chance.unit() < self.loss;
            if !lost {
                let delay = Duration::from_secs_f64(delay / 1e3);
                arrivals.push((number * PACKET_TIME + delay, number));
            }
        }
        arrivals.sort_unstable();
        arrivals
    }
}

/// The same on each machine.
struct Chance(u32);

impl Chance {
    /// From 0 to 1 (Marsaglia's xorshift).
    fn unit(&mut self) -> f64 {
        for _ in 0..3 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 17;
            self.0 ^= self.0 << 5;
        }
        f64::from(self.0) / f64::from(u32::MAX)
    }
}

/// Syllables: four a second, of a voice that glides, with hiss before each and a pause now and then; in Opus.
fn words(packets: u32, fec: bool) -> Result<Vec<Bytes>, CodecError> {
    let mut config = AudioEncoderConfig::new(AudioCodec::Opus);
    config.channels = 1;
    if fec {
        config.in_band_fec = true;
        config.packet_loss = 0.1;
        config.bitrate = Some(24_000);
    }
    let mut encoder = found_codecs().audio_encoder(&config)?;
    let mut chance = Chance(4_711);
    let mut encoded = Vec::new();
    for packet in 0..packets {
        let first = packet * PACKET;
        let samples = (first..first + PACKET).map(|at| {
            let syllable = at / (RATE / 4);
            let place = (at % (RATE / 4)) as f32 / (RATE / 4) as f32;
            let envelope = (place * TAU / 2.0).sin().powi(2);
            if syllable % 7 == 6 {
                return 0.0;
            }
            if place < 0.2 {
                return 0.1 * envelope * (chance.unit() as f32 - 0.5);
            }
            let base = 100.0 + 0.8 * ((syllable * 37) % 100) as f32;
            let seconds = place / 4.0;
            let phase = base * (seconds + 0.2 * seconds * seconds) * TAU;
            let voice: f32 = (1..=12_u16)
                .map(|n| (phase * f32::from(n)).sin() / f32::from(n))
                .sum();
            0.2 * envelope * voice
        });
        let samples: Vec<f32> = samples.collect();
        let mut data = Vec::new();
        encoder.encode(&samples, &mut data)?;
        encoded.push(data.into());
    }
    Ok(encoded)
}

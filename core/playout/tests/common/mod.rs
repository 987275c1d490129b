//! A sender, a network and a listener, in virtual time.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::f32::consts::TAU;

use bytes::Bytes;
use duologue_base::{Instant, Rng, float};
use duologue_playout::{
    AudioCodec, AudioDecoder, AudioPacket, AudioPlayout, AudioStatistics, Damaged, Operation,
};
use duologue_rtp::PayloadType;

/// Samples a second, and ticks.
pub(crate) const RATE: u32 = 48_000;
/// Samples of a packet: 20 ms.
pub(crate) const PACKET: u32 = 960;

/// PCM of 16 bits (RFC 3551 §4.5.11), and behind it that of the packet before, where the sender adds
/// it.
pub(crate) struct Pcm {
    pub(crate) with_copy: bool,
}

impl Pcm {
    fn bytes() -> usize {
        2 * PACKET as usize
    }
}

impl AudioDecoder for Pcm {
    fn sample_rate(&self) -> u32 {
        RATE
    }

    fn channels(&self) -> u8 {
        1
    }

    fn duration(&self, packet: &[u8]) -> Option<u32> {
        (packet.len() >= Pcm::bytes()).then_some(PACKET)
    }

    fn decode(&mut self, packet: &[u8], out: &mut [f32]) -> Result<usize, Damaged> {
        read(packet.get(..Pcm::bytes()).ok_or(Damaged)?, out);
        Ok(PACKET as usize)
    }

    fn can_recover(&self, next: &[u8], back: u32) -> bool {
        self.with_copy && back == PACKET && next.len() == 2 * Pcm::bytes()
    }

    fn recover(&mut self, next: &[u8], back: u32, out: &mut [f32]) -> bool {
        let can = self.can_recover(next, back) && out.len() == PACKET as usize;
        if can {
            read(&next[Pcm::bytes()..], out);
        }
        can
    }
}

fn read(bytes: &[u8], out: &mut [f32]) {
    for (bytes, sample) in bytes.chunks_exact(2).zip(out) {
        *sample = f32::from(i16::from_be_bytes([bytes[0], bytes[1]])) / 32_768.0;
    }
}

/// What is said.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    /// Of so many hertz, at a quarter of full scale.
    Tone(f32),
    /// Syllables: four a second, of a voice that glides, with hiss before each and a pause now and then.
    Speech,
}

/// Packets of sound, over and over.
#[derive(Debug)]
pub(crate) struct Sound {
    packets: Vec<Bytes>,
}

impl Sound {
    pub(crate) fn packet(&self, number: u64) -> &Bytes {
        &self.packets[number as usize % self.packets.len()]
    }

    /// One round of it.
    pub(crate) fn samples(&self) -> Vec<f32> {
        let mut out = vec![0.0; self.packets.len() * PACKET as usize];
        for (packet, out) in self.packets.iter().zip(out.chunks_mut(PACKET as usize)) {
            read(packet, out);
        }
        out
    }
}

impl Source {
    /// So many packets; those of a tone should have whole periods.
    pub(crate) fn record(self, packets: u64) -> Sound {
        let packets = (0..packets).map(|it| self.packet(it)).collect();
        Sound { packets }
    }

    fn packet(self, number: u64) -> Bytes {
        let begin = number * u64::from(PACKET);
        let samples = (begin..begin + u64::from(PACKET)).map(|at| self.sample(at));
        let bytes = samples.flat_map(|it| ((it * 32_767.0).round() as i16).to_be_bytes());
        bytes.collect()
    }

    fn sample(self, at: u64) -> f32 {
        match self {
            Source::Tone(hertz) => {
                let turns = at as f64 * f64::from(hertz) / f64::from(RATE);
                0.25 * float::sin(turns.fract() as f32 * TAU)
            }
            Source::Speech => speech(at),
        }
    }
}

fn speech(at: u64) -> f32 {
    let seconds = at as f64 / f64::from(RATE);
    let (syllable, place) = ((seconds * 4.0) as u64, (seconds * 4.0).fract() as f32);
    if syllable % 7 == 6 {
        return 0.0;
    }
    let envelope = float::sin(place * TAU / 2.0).powi(2);
    if place < 0.2 {
        // Hiss, by a hash of the sample's number.
        let hash = (at as u32).wrapping_mul(2_654_435_761).rotate_left(13);
        let hash = hash.wrapping_mul(2_246_822_519) as i32 as f32 / 2_f32.powi(31);
        return 0.05 * envelope * hash;
    }
    // 100 to 180 Hz, gliding by a tenth of that: the phase is the integral.
    let base = 100.0 + 80.0 * ((syllable * 37) % 100) as f64 / 100.0;
    let local = f64::from(place) / 4.0;
    let phase = (base * (local + 0.2 * local * local)) as f32 * TAU;
    let voice: f32 = (1..=20_u32)
        .map(|n| {
            let hertz = base as f32 * n as f32;
            let formant = |at: f32, width: f32| 1.0 / (1.0 + ((hertz - at) / width).powi(2));
            let loud = formant(500.0, 150.0) + 0.5 * formant(1_500.0, 200.0) + 0.02;
            loud * float::sin(phase * n as f32)
        })
        .sum();
    0.15 * envelope * voice
}

/// How losses are repaired.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Repair {
    /// Not at all.
    None,
    /// So many older payloads in each packet (RFC 2198).
    Red(u64),
    /// A copy of the last packet in each, which the decoder knows how to take out.
    Fec,
}

/// A call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    /// Each packet is late by up to twice this, evenly.
    pub(crate) jitter_ms: f64,
    /// A packet that is late holds up those behind it, as in a queue.
    pub(crate) in_order: bool,
    /// Of packets, evenly.
    pub(crate) loss: f64,
    pub(crate) repair: Repair,
    /// How much faster the sender's clock is, in millionths.
    pub(crate) drift_ppm: f64,
    pub(crate) seconds: u64,
    pub(crate) seed: u64,
}

impl Call {
    pub(crate) const CLEAN: Call = Call {
        jitter_ms: 0.0,
        in_order: false,
        loss: 0.0,
        repair: Repair::None,
        drift_ppm: 0.0,
        seconds: 60,
        seed: 1,
    };
}

/// What was heard.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub(crate) statistics: AudioStatistics,
    /// All of it, without the silence at the beginning, where it was asked for.
    pub(crate) samples: Vec<f32>,
    /// The mean time from mouth to ear beyond what the fastest packet takes, in milliseconds.
    pub(crate) late_ms: f64,
    /// The time from mouth to ear at the end, likewise.
    pub(crate) late_at_end_ms: f64,
    /// How often each thing was done.
    pub(crate) operations: Vec<(Operation, u64)>,
}

impl Heard {
    /// In percent.
    pub(crate) fn concealed(&self) -> f64 {
        let all = self.statistics.total_samples_received.max(1);
        100.0 * self.statistics.concealed_samples as f64 / all as f64
    }

    /// `jitterBufferDelay` by `jitterBufferEmittedCount`, in milliseconds.
    pub(crate) fn delay_ms(&self) -> f64 {
        let count = self.statistics.jitter_buffer_emitted_count.max(1);
        self.statistics.jitter_buffer_delay.as_secs_f64() * 1e3 / count as f64
    }

    pub(crate) fn count(&self, operation: Operation) -> u64 {
        let found = self.operations.iter().find(|(it, _)| *it == operation);
        found.map_or(0, |(_, count)| *count)
    }
}

pub(crate) fn opus() -> PayloadType {
    PayloadType::new(111).expect("it is below 128")
}

pub(crate) fn player(with_copy: bool) -> AudioPlayout {
    let mut playout = AudioPlayout::new(Rng::from_u64(1));
    let codec = AudioCodec::Sound {
        clock_rate: RATE,
        decoder: Box::new(Pcm { with_copy }),
    };
    playout.set_codec(opus(), codec).expect("it can be played");
    playout
}

impl Call {
    /// Makes the call; `record` keeps what is heard.
    pub(crate) fn make(&self, sound: &Sound, record: bool) -> Heard {
        let mut rng = Rng::from_u64(self.seed);
        let mut network = Network::new(*self, sound, &mut rng);
        let mut playout = player(self.repair == Repair::Fec);
        let mut heard = Heard::default();
        let phase = rng.unit() * 10.0;
        let (mut late, mut blocks) = (0.0, 0_u32);

        for tick in 0..self.seconds * 100 {
            let now_ms = tick as f64 * 10.0 + phase;
            for packet in network.until(now_ms) {
                playout.handle_packet(packet);
            }
            let block = playout.pull(ms(now_ms));
            if block.operation == Operation::Silence {
                continue;
            }
            note(&mut heard.operations, block.operation);
            if let Some(timestamp) = block.timestamp {
                let said = self.sent_ms(f64::from(timestamp.wrapping_sub(FIRST)) / 960.0);
                heard.late_at_end_ms = now_ms - said - BASE_MS;
                late += heard.late_at_end_ms;
                blocks += 1;
            }
            if record {
                heard.samples.extend_from_slice(block.samples);
            }
        }
        heard.late_ms = late / f64::from(blocks.max(1));
        heard.statistics = *playout.statistics();
        heard
    }

    fn sent_ms(&self, packet: f64) -> f64 {
        packet * 20.0 / (1.0 + self.drift_ppm / 1e6)
    }
}

fn note(operations: &mut Vec<(Operation, u64)>, operation: Operation) {
    match operations.iter_mut().find(|(it, _)| *it == operation) {
        Some((_, count)) => *count += 1,
        None => operations.push((operation, 1)),
    }
}

pub(crate) fn ms(ms: f64) -> Instant {
    Instant::from_nanos((ms * 1e6) as u64)
}

/// The time stamp of the first packet: soon to wrap.
pub(crate) const FIRST: u32 = u32::MAX - 5 * RATE;
/// What the fastest packet takes.
const BASE_MS: f64 = 50.0;

/// Packets on their way.
struct Network<'a> {
    call: Call,
    sound: &'a Sound,
    /// When each arrives, and its number; in the order of arrival.
    arrivals: std::vec::IntoIter<(f64, u64)>,
    next: Option<(f64, u64)>,
    /// Payloads that the receiver has.
    has: Vec<bool>,
}

impl<'a> Network<'a> {
    fn new(call: Call, sound: &'a Sound, rng: &mut Rng) -> Self {
        // A fast clock does not run out of packets before the end.
        let count = call.seconds * 50 + 100;
        let mut arrivals = Vec::new();
        let mut last = 0.0_f64;
        for number in 0..count {
            let sent = call.sent_ms(number as f64);
            let mut arrival = sent + BASE_MS + rng.unit() * 2.0 * call.jitter_ms;
            if call.in_order {
                arrival = arrival.max(last);
                last = arrival;
            }
            if rng.unit() >= call.loss {
                arrivals.push((arrival, number));
            }
        }
        arrivals.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut arrivals = arrivals.into_iter();
        Network {
            call,
            sound,
            next: arrivals.next(),
            arrivals,
            has: vec![false; count as usize],
        }
    }

    fn until(&mut self, now_ms: f64) -> Vec<AudioPacket> {
        let mut packets = Vec::new();
        while let Some((at, number)) = self.next.filter(|it| it.0 <= now_ms) {
            self.next = self.arrivals.next();
            let depth = match self.call.repair {
                Repair::Red(depth) => depth,
                _ => 0,
            };
            for inside in number.saturating_sub(depth)..=number {
                if !std::mem::replace(&mut self.has[inside as usize], true) {
                    packets.push(self.packet(at, inside, inside != number));
                }
            }
        }
        packets
    }

    fn packet(&self, at: f64, number: u64, repaired: bool) -> AudioPacket {
        let mut payload = self.sound.packet(number).clone();
        if self.call.repair == Repair::Fec && number > 0 {
            payload = [&payload[..], self.sound.packet(number - 1)]
                .concat()
                .into();
        }
        AudioPacket {
            payload_type: opus(),
            sequence_number: 100 + number,
            timestamp: FIRST.wrapping_add((number as u32).wrapping_mul(PACKET)),
            payload,
            received: ms(at),
            repaired,
        }
    }
}

/// By the number of times that it goes up through zero.
pub(crate) fn hertz(samples: &[f32]) -> f64 {
    let ups = samples.windows(2).filter(|it| it[0] <= 0.0 && it[1] > 0.0);
    ups.count() as f64 * 48_000.0 / samples.len() as f64
}

/// The largest second difference: what a step or a kink makes audible. A tone fades in at first.
pub(crate) fn roughest(samples: &[f32]) -> f32 {
    let bends = samples[480..].windows(3);
    let bends = bends.map(|it| (it[0] - 2.0 * it[1] + it[2]).abs());
    bends.fold(0.0, f32::max)
}

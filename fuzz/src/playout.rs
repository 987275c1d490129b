use std::time::Duration;

use arbitrary::Arbitrary;
use duologue_base::{Instant, Rng, WallClock};
use duologue_playout::{
    AudioCodec, AudioDecoder, AudioPacket, AudioPlayout, Damaged, FrameInfo, LipSync, SenderClock,
    SyncDelays, VideoPlayout,
};
use duologue_rtp::{MediaKind, NtpTime, PayloadType};

use crate::memory;

/// What a hostile peer, its network and an application do to what is heard and seen.
#[derive(Arbitrary, Debug)]
pub struct PlayoutScenario {
    clock_rate: u32,
    operations: Vec<Operation>,
}

#[derive(Arbitrary, Debug)]
enum Operation {
    Packet(Packet),
    /// As many of a stream as it takes.
    Burst(Packet, u8),
    Frame {
        timestamp: u32,
        key: bool,
        bytes: u32,
        repaired: bool,
        playout_delay: Option<(u16, u16)>,
    },
    Reports(u64, u32),
    Target(Option<u32>),
    Milliseconds(u16),
    Pull(u8),
    Decoded(u32, u32),
    Stop,
}

#[derive(Arbitrary, Clone, Debug)]
struct Packet {
    payload_type: u8,
    /// So far from the last one.
    step: i32,
    wild: bool,
    sequence_number: u16,
    early: u8,
    repaired: bool,
    payload: Vec<u8>,
}

/// Ten milliseconds come out whatever went in, samples are finite, and what waits has a bound.
pub fn playout(scenario: PlayoutScenario) {
    let _bound = memory::at_most_kib(4 << 10);
    let mut world = World::new(scenario.clock_rate);
    for operation in scenario.operations {
        world.perform(operation);
        assert!(world.audio.buffered() <= Duration::from_secs(6));
        assert!(world.audio.target_delay() <= Duration::from_secs(4));
        assert!(world.video.buffered() <= 300);
    }
}

struct World {
    now: Instant,
    audio: AudioPlayout,
    video: VideoPlayout<()>,
    clocks: [SenderClock; 2],
    sync: LipSync,
    timestamp: u32,
}

impl World {
    fn new(clock_rate: u32) -> Self {
        let mut audio = AudioPlayout::new(Rng::from_u64(1));
        for (number, rate, channels, clock_rate) in [
            (111, 48_000, 2, 48_000),
            (9, 16_000, 1, 8_000),
            (0, 8_000, 1, 8_000),
        ] {
            let decoder = Box::new(Bytes { rate, channels });
            set(
                &mut audio,
                number,
                AudioCodec::Sound {
                    clock_rate,
                    decoder,
                },
            );
        }
        set(
            &mut audio,
            13,
            AudioCodec::ComfortNoise { clock_rate: 8_000 },
        );
        set(
            &mut audio,
            110,
            AudioCodec::TelephoneEvent { clock_rate: 48_000 },
        );
        World {
            now: Instant::from_origin(Duration::from_secs(10)),
            audio,
            video: VideoPlayout::new(clock_rate),
            clocks: [SenderClock::new(48_000), SenderClock::new(clock_rate)],
            sync: LipSync::new(),
            timestamp: 0,
        }
    }

    fn perform(&mut self, operation: Operation) {
        match operation {
            Operation::Packet(packet) => self.packet(&packet),
            Operation::Burst(packet, count) => (0..count).for_each(|_| self.packet(&packet)),
            Operation::Frame {
                timestamp,
                key,
                bytes,
                repaired,
                playout_delay,
            } => {
                let ms = |ms: u16| Duration::from_millis(ms.into());
                let info = FrameInfo {
                    timestamp,
                    key,
                    bytes: bytes as usize,
                    first_received: self.now,
                    received: self.now,
                    repaired,
                    playout_delay: playout_delay.map(|(least, most)| (ms(least), ms(most))),
                };
                self.video.handle_frame((), info);
            }
            Operation::Reports(ntp, rtp) => {
                let now = NtpTime::from(WallClock::from_unix_millis(1_795_000_000_000));
                let now = now.plus(self.now.since_origin());
                self.clocks[0].handle_report(NtpTime::from_bits(ntp), rtp);
                self.clocks[1].handle_report(now, rtp);
            }
            Operation::Target(ms) => {
                let target = ms.map(|ms| Duration::from_millis(ms.into()));
                self.audio.set_jitter_buffer_target(target);
                self.video.set_jitter_buffer_target(target);
            }
            Operation::Milliseconds(ms) => self.now += Duration::from_millis(ms.into()),
            Operation::Pull(times) => (0..times).for_each(|_| self.pull()),
            Operation::Decoded(timestamp, micros) => {
                let took = Duration::from_micros(micros.into());
                self.video.handle_decoded(Some(timestamp), took, self.now);
            }
            Operation::Stop => self.now += Duration::from_secs(20),
        }
    }

    fn packet(&mut self, packet: &Packet) {
        let step = if packet.wild {
            packet.step
        } else {
            packet.step % 5_000
        };
        self.timestamp = self.timestamp.wrapping_add_signed(step);
        self.audio.handle_packet(AudioPacket {
            payload_type: PayloadType::from_low_bits(packet.payload_type),
            sequence_number: packet.sequence_number.into(),
            timestamp: self.timestamp,
            payload: packet.payload.clone().into(),
            received: self.now - Duration::from_millis(packet.early.into()),
            repaired: packet.repaired,
        });
    }

    fn pull(&mut self) {
        let now = self.now;
        let block = self.audio.pull(now);
        let frames = block.sample_rate as usize / 100;
        assert_eq!(block.samples.len(), frames * usize::from(block.channels));
        assert!(block.samples.iter().all(|it| it.is_finite()));
        let heard = block.timestamp.and_then(|it| self.clocks[0].captured(it));
        if let Some(captured) = heard {
            self.sync.handle_played(MediaKind::Audio, captured, now);
        }
        while let Some(due) = self.video.poll_frame(now) {
            assert!(due.render_at >= now);
            self.video.handle_rendered(due.render_at);
            if let Some(captured) = self.clocks[1].captured(due.timestamp) {
                self.sync
                    .handle_played(MediaKind::Video, captured, due.render_at);
            }
        }
        let least = SyncDelays {
            audio: self.audio.minimum_delay(),
            video: self.video.minimum_delay(),
        };
        if let Some(delays) = self.sync.poll(now, least) {
            assert!(delays.audio.max(delays.video) <= Duration::from_secs(3));
            self.audio.set_sync_delay(delays.audio);
            self.video.set_sync_delay(delays.video);
        }
        self.now += Duration::from_millis(10);
    }
}

fn set(audio: &mut AudioPlayout, number: u8, codec: AudioCodec) {
    let set = audio.set_codec(PayloadType::from_low_bits(number), codec);
    set.expect("it can be played");
}

/// A decoder that takes each byte for a sample, and does what it likes with some.
struct Bytes {
    rate: u32,
    channels: u8,
}

impl AudioDecoder for Bytes {
    fn sample_rate(&self) -> u32 {
        self.rate
    }

    fn channels(&self) -> u8 {
        self.channels
    }

    fn duration(&self, packet: &[u8]) -> Option<u32> {
        // It says more than there is, now and then.
        let each = u32::from(packet.first().copied()? % 16);
        Some(packet.len() as u32 * each)
    }

    fn decode(&mut self, packet: &[u8], out: &mut [f32]) -> Result<usize, Damaged> {
        let frames = packet.len() * usize::from(packet[0] % 17);
        let out = out.get_mut(..frames * usize::from(self.channels));
        let samples = packet.iter().cycle();
        for (out, sample) in out.ok_or(Damaged)?.iter_mut().zip(samples) {
            *out = f32::from(*sample) / 128.0 - 1.0;
        }
        Ok(frames)
    }

    fn conceal(&mut self, out: &mut [f32]) -> bool {
        out.fill(0.5);
        self.channels == 2
    }

    fn can_recover(&self, next: &[u8], _: u32) -> bool {
        next.len().is_multiple_of(3)
    }

    fn recover(&mut self, next: &[u8], _: u32, out: &mut [f32]) -> bool {
        out.fill(0.25);
        next.len().is_multiple_of(2)
    }

    fn is_silence(&self, packet: &[u8]) -> bool {
        packet.len() < 3
    }
}

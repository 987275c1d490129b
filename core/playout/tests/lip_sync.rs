//! Sound and pictures of one sender that take different ways.

mod common;

use std::time::Duration;

use common::{FIRST, PACKET, Source, ms, opus, player};
use duologue_base::{Instant, Rng, WallClock};
use duologue_playout::{AudioPacket, FrameInfo, LipSync, SenderClock, SyncDelays, VideoPlayout};
use duologue_rtp::{MediaKind, NtpTime};

/// How long the ways are, in milliseconds, and how much longer now and then.
#[derive(Clone, Copy, Debug)]
struct Ways {
    audio: f64,
    video: f64,
    jitter: f64,
}

/// How much later pictures are seen than their sound is heard, by what is on them: the middle of each
/// second, in milliseconds.
fn offsets(ways: Ways, seconds: usize) -> Vec<f64> {
    let mut call = Call::new(ways);
    let mut offsets = Vec::new();
    for tick in 0..seconds as u64 * 1_000 {
        call.tick(tick as f64);
        if tick % 1_000 == 999 {
            offsets.push(call.offset());
        }
    }
    offsets
}

struct Call {
    ways: Ways,
    rng: Rng,
    audio: duologue_playout::AudioPlayout,
    video: VideoPlayout<u64>,
    clocks: [SenderClock; 2],
    sync: LipSync,
    packets: Vec<(f64, AudioPacket)>,
    frames: Vec<(f64, u64)>,
    shown: Vec<(Instant, u64)>,
    /// How late each was heard and seen, in the last second.
    heard: Vec<f64>,
    seen: Vec<f64>,
}

impl Call {
    fn new(ways: Ways) -> Self {
        Call {
            ways,
            rng: Rng::from_u64(5),
            audio: player(false),
            video: VideoPlayout::new(90_000),
            clocks: [SenderClock::new(48_000), SenderClock::new(90_000)],
            sync: LipSync::new(),
            packets: Vec::new(),
            frames: Vec::new(),
            shown: Vec::new(),
            heard: Vec::new(),
            seen: Vec::new(),
        }
    }

    fn tick(&mut self, now: f64) {
        self.send(now);
        self.receive(now);
        self.play(now);
        let least = SyncDelays {
            audio: self.audio.minimum_delay(),
            video: self.video.minimum_delay(),
        };
        if let Some(delays) = self.sync.poll(ms(now), least) {
            self.audio.set_sync_delay(delays.audio);
            self.video.set_sync_delay(delays.video);
        }
    }

    fn send(&mut self, now: f64) {
        let tick = now as u64;
        let late = self.rng.unit() * self.ways.jitter;
        if tick.is_multiple_of(20) {
            let number = tick / 20;
            let received = now + self.ways.audio + late;
            let packet = AudioPacket {
                payload_type: opus(),
                sequence_number: 1_000 + number,
                timestamp: FIRST.wrapping_add(number as u32 * PACKET),
                payload: Source::Speech.record(1).packet(0).clone(),
                received: ms(received),
                repaired: false,
            };
            self.packets.push((received, packet));
        }
        if tick.is_multiple_of(40) {
            self.frames.push((now + self.ways.video + late, tick / 40));
        }
        // RFC 3550 §6.4.1: a report of each, half a second apart from one another.
        let ntp = NtpTime::from(WallClock::from_unix_millis(1_795_000_000_000));
        let ntp = ntp.plus(Duration::from_millis(tick));
        if tick % 1_000 == 200 {
            let rtp = FIRST.wrapping_add((tick * 48) as u32);
            self.clocks[0].handle_report(ntp, rtp);
        }
        if tick % 1_000 == 700 {
            self.clocks[1].handle_report(ntp, video_timestamp(now));
        }
    }

    fn receive(&mut self, now: f64) {
        let due = self.packets.extract_if(.., |(at, _)| *at <= now);
        for (_, packet) in due {
            self.audio.handle_packet(packet);
        }
        for (at, frame) in self.frames.extract_if(.., |(at, _)| *at <= now) {
            self.video.handle_frame(
                frame,
                FrameInfo {
                    timestamp: video_timestamp(frame as f64 * 40.0),
                    key: frame == 0,
                    bytes: 5_000,
                    first_received: ms(at),
                    received: ms(at),
                    repaired: false,
                    playout_delay: None,
                },
            );
        }
    }

    fn play(&mut self, now: f64) {
        if (now as u64).is_multiple_of(10)
            && let Some(timestamp) = self.audio.pull(ms(now)).timestamp
        {
            let said = f64::from(timestamp.wrapping_sub(FIRST) as i32) / 48.0;
            self.heard.push(now - said);
            if let Some(captured) = self.clocks[0].captured(timestamp) {
                self.sync.handle_played(MediaKind::Audio, captured, ms(now));
            }
        }
        while let Some(due) = self.video.poll_frame(ms(now)) {
            self.shown.push((due.render_at, due.frame));
        }
        for (at, frame) in self.shown.extract_if(.., |(at, _)| *at <= ms(now)) {
            self.seen
                .push(at.as_nanos() as f64 / 1e6 - frame as f64 * 40.0);
            self.video.handle_rendered(at);
            let timestamp = video_timestamp(frame as f64 * 40.0);
            if let Some(captured) = self.clocks[1].captured(timestamp) {
                self.sync.handle_played(MediaKind::Video, captured, at);
            }
        }
    }

    /// The truth, of the last second.
    fn offset(&mut self) -> f64 {
        let mean = |of: &mut Vec<f64>| {
            let of = std::mem::take(of);
            of.iter().sum::<f64>() / of.len().max(1) as f64
        };
        mean(&mut self.seen) - mean(&mut self.heard)
    }
}

fn video_timestamp(sent: f64) -> u32 {
    0x8000_0000_u32.wrapping_add((sent * 90.0) as u32)
}

#[test]
fn an_offset_is_of_the_last_second_whatever_was_seen_before_there_was_sound() {
    let mut sync = LipSync::new();
    let begin = NtpTime::from(WallClock::from_unix_millis(1_795_000_000_000));
    let first = (0..7_000_u32).find_map(|tick| {
        let since = Duration::from_millis(10) * tick;
        let (now, captured) = (Instant::from_origin(since), begin.plus(since));
        let way = Duration::from_millis(if tick < 3_000 { 400 } else { 100 });
        sync.handle_played(MediaKind::Video, captured, now + way);
        if tick >= 6_000 {
            sync.handle_played(MediaKind::Audio, captured, now + way);
        }
        sync.poll(now, SyncDelays::default());
        sync.offset_seconds()
    });
    assert!(first.is_some_and(|late| late.abs() < 0.001), "{first:?}");
}

#[test]
fn sound_and_pictures_are_within_40_ms_after_five_seconds() {
    for (ways, before) in [
        (
            Ways {
                audio: 50.0,
                video: 250.0,
                jitter: 0.0,
            },
            100.0,
        ),
        (
            Ways {
                audio: 50.0,
                video: 250.0,
                jitter: 20.0,
            },
            100.0,
        ),
        (
            Ways {
                audio: 300.0,
                video: 50.0,
                jitter: 0.0,
            },
            -150.0,
        ),
        (
            Ways {
                audio: 300.0,
                video: 50.0,
                jitter: 20.0,
            },
            -150.0,
        ),
        (
            Ways {
                audio: 100.0,
                video: 100.0,
                jitter: 0.0,
            },
            0.0,
        ),
    ] {
        let offsets = offsets(ways, 20);
        // The ways alone, before the first step.
        let at_first = offsets[0];
        assert!(
            at_first.abs() >= f64::abs(before) && at_first * before >= 0.0,
            "{at_first}"
        );
        let apart = offsets[5..]
            .iter()
            .fold(0.0, |most, it| f64::max(most, it.abs()));
        assert!(apart <= 40.0, "{ways:?}: {offsets:.0?}");
    }
}

#[test]
fn what_was_held_back_is_given_up_when_the_other_way_gets_shorter() {
    let mut call = Call::new(Ways {
        audio: 50.0,
        video: 250.0,
        jitter: 0.0,
    });
    let mut offset = 0.0;
    for tick in 0..40_000_u64 {
        if tick == 20_000 {
            call.ways.video = 60.0;
        }
        call.tick(tick as f64);
        if tick % 1_000 == 999 {
            offset = call.offset();
        }
    }
    assert!(offset.abs() <= 40.0, "{offset}");
    assert!(
        call.audio.target_delay() <= Duration::from_millis(60),
        "{:?}",
        call.audio.target_delay()
    );
}

#[test]
fn a_sender_whose_clock_is_set_is_believed_anew() {
    let mut clock = SenderClock::new(48_000);
    let noon = NtpTime::from(WallClock::from_unix_millis(1_795_000_000_000));
    assert_eq!(clock.captured(7), None);
    for second in 0_u32..30 {
        // 100 millionths fast.
        let rtp = (f64::from(second) * 48_000.0 * 1.0001) as u32;
        clock.handle_report(noon.plus(Duration::from_secs(second.into())), rtp);
    }
    let captured = clock.captured((40.0 * 48_000.0 * 1.0001) as u32).unwrap();
    let off = captured.since(noon).as_secs_f64() - 40.0;
    assert!(off.abs() < 0.001, "{off}");

    let later = noon.plus(Duration::from_secs(3_600));
    clock.handle_report(later, 30 * 48_000);
    assert_eq!(clock.captured(30 * 48_000), Some(later));
    let before = clock.captured(29 * 48_000).unwrap();
    assert!(later.since(before) - Duration::from_secs(1) < Duration::from_micros(1));
}

//! What is played when the stream is not simply sound.

mod common;

use std::time::Duration;

use bytes::Bytes;
use common::{FIRST, PACKET, Pcm, Source, ms, opus, player};
use duologue_base::{Rng, float};
use duologue_playout::{
    AudioCodec, AudioDecoder, AudioPacket, AudioPlayout, AudioStatistics, CodecError, Damaged,
    Operation,
};
use duologue_rtp::{PayloadType, TelephoneEvent};
use proptest::prelude::*;

/// A stream that is played while it is sent, 20 ms a step.
struct Stream {
    playout: AudioPlayout,
    number: u64,
    timestamp: u32,
    now: f64,
    operations: Vec<Operation>,
    /// Of the last block.
    samples: Vec<f32>,
}

impl Stream {
    fn new(playout: AudioPlayout) -> Self {
        Stream {
            playout,
            number: 100,
            timestamp: FIRST,
            now: 1_000.0,
            operations: Vec::new(),
            samples: Vec::new(),
        }
    }

    fn packet(&self, payload_type: PayloadType, payload: Bytes) -> AudioPacket {
        AudioPacket {
            payload_type,
            sequence_number: self.number,
            timestamp: self.timestamp,
            payload,
            received: ms(self.now),
            repaired: false,
        }
    }

    /// A packet arrives.
    fn give(&mut self, payload_type: PayloadType, payload: Bytes) {
        let packet = self.packet(payload_type, payload);
        self.playout.handle_packet(packet);
        self.number += 1;
    }

    /// Twenty milliseconds of sound, of so many ticks, arrive and as many are heard.
    fn say(&mut self, steps: u32, payload_type: PayloadType, payload: &Bytes, ticks: u32) {
        for _ in 0..steps {
            self.give(payload_type, payload.clone());
            self.hear(1);
            self.timestamp = self.timestamp.wrapping_add(ticks);
        }
    }

    fn speak(&mut self, steps: u32) {
        let sound = Source::Tone(500.0).record(1);
        self.say(steps, opus(), sound.packet(0), PACKET);
    }

    /// Nothing arrives, and twenty milliseconds a step are heard.
    fn hear(&mut self, steps: u32) {
        for _ in 0..2 * steps {
            let block = self.playout.pull(ms(self.now));
            self.operations.push(block.operation);
            self.samples.clear();
            self.samples.extend_from_slice(block.samples);
            self.now += 10.0;
        }
    }

    /// What was done since this was asked last.
    fn done(&mut self) -> Vec<Operation> {
        std::mem::take(&mut self.operations)
    }

    fn statistics(&self) -> AudioStatistics {
        *self.playout.statistics()
    }
}

fn count(operations: &[Operation], operation: Operation) -> usize {
    operations.iter().filter(|it| **it == operation).count()
}

fn payload_type(number: u8) -> PayloadType {
    PayloadType::new(number).expect("it is below 128")
}

#[test]
fn the_application_can_have_sound_held_back() {
    let mut stream = Stream::new(player(false));
    stream.speak(100);
    let before = stream.statistics();
    let target = Duration::from_millis(200);
    stream.playout.set_jitter_buffer_target(Some(target));
    stream.speak(500);

    let (settled, count) = (stream.statistics(), |it: AudioStatistics| {
        it.jitter_buffer_emitted_count
    });
    stream.speak(100);
    let after = stream.statistics();
    let frames = (count(after) - count(settled)) as u32;
    let mean = (after.jitter_buffer_delay - settled.jitter_buffer_delay) / frames;
    assert!((180..=220).contains(&mean.as_millis()), "{mean:?}");
    assert!(after.inserted_samples_for_deceleration > before.inserted_samples_for_deceleration);
    assert_eq!(after.concealed_samples, 0);
    let targets = after.jitter_buffer_target_delay - settled.jitter_buffer_target_delay;
    let minima = after.jitter_buffer_minimum_delay - settled.jitter_buffer_minimum_delay;
    assert_eq!(
        (targets / frames, minima / frames),
        (target, Duration::from_millis(18))
    );

    stream.playout.set_jitter_buffer_target(None);
    stream.speak(500);
    let removed = stream.statistics().removed_samples_for_acceleration;
    assert!(removed > after.removed_samples_for_acceleration);
    assert!(stream.playout.buffered() < Duration::from_millis(60));
}

#[test]
fn an_outage_is_one_event_that_fades_into_silence() {
    let mut stream = Stream::new(player(false));
    stream.speak(100);
    stream.hear(50);
    let statistics = stream.statistics();
    assert_eq!(statistics.concealment_events, 1);
    assert!((45_000..48_000).contains(&statistics.concealed_samples));
    // Sixty milliseconds of it were to be heard.
    let heard = statistics.concealed_samples - statistics.silent_concealed_samples;
    assert_eq!(heard, 6 * 480);
    assert!(stream.samples.iter().all(|it| *it == 0.0));
    assert!(statistics.audio_level < 0.01);
    assert_eq!(
        statistics.total_samples_duration,
        Duration::from_secs(3) - Duration::from_millis(80)
    );

    // The sender went on: what it says after it is played at once.
    stream.timestamp = stream.timestamp.wrapping_add(50 * PACKET);
    stream.done();
    stream.speak(10);
    let done = stream.done();
    assert!(count(&done, Operation::Conceal) <= 4, "{done:?}");
    assert_eq!(count(&done, Operation::Merge), 1);
}

#[test]
fn what_comes_at_once_after_a_stall_is_played_faster_until_the_delay_is_back() {
    let mut stream = Stream::new(player(false));
    // So long that one stall is nothing to wait for all the time.
    stream.speak(2_000);
    stream.hear(25);
    let sound = Source::Tone(500.0).record(1);
    for _ in 0..25 {
        stream.give(opus(), sound.packet(0).clone());
        stream.timestamp = stream.timestamp.wrapping_add(PACKET);
    }
    stream.done();
    stream.speak(150);
    let done = stream.done();
    assert!(count(&done, Operation::FastAccelerate) > 10);
    assert!(
        stream.playout.buffered() < Duration::from_millis(60),
        "{:?}",
        stream.playout.buffered()
    );
    assert_eq!(stream.statistics().packets_discarded, 0);
}

#[test]
fn comfort_noise_is_no_concealment_and_what_follows_is_as_late_as_it_should_be() {
    let mut playout = player(false);
    let noise = payload_type(13);
    let codec = AudioCodec::ComfortNoise { clock_rate: 48_000 };
    playout.set_codec(noise, codec).unwrap();
    let mut stream = Stream::new(playout);
    stream.speak(100);
    stream.give(noise, Bytes::from_static(&[50, 127]));
    stream.timestamp = stream.timestamp.wrapping_add(50 * PACKET);
    stream.done();
    stream.hear(50);
    let done = stream.done();
    assert!(count(&done, Operation::ComfortNoise) >= 95, "{done:?}");
    let power = stream.samples.iter().map(|it| it * it).sum::<f32>() / 480.0;
    assert!((10.0 * float::log10(power) + 50.0).abs() < 3.0, "{power}");

    stream.speak(50);
    let statistics = stream.statistics();
    assert_eq!(statistics.concealment_events, 0);
    assert!(statistics.generated_samples >= 95 * 480);
    assert!(statistics.audio_level > 0.15);
}

/// A codec that says nothing in silence, as Opus does with DTX.
struct Quiet(Pcm);

impl AudioDecoder for Quiet {
    fn sample_rate(&self) -> u32 {
        self.0.sample_rate()
    }

    fn channels(&self) -> u8 {
        1
    }

    fn duration(&self, _: &[u8]) -> Option<u32> {
        Some(PACKET)
    }

    fn decode(&mut self, packet: &[u8], out: &mut [f32]) -> Result<usize, Damaged> {
        if !self.is_silence(packet) {
            return self.0.decode(packet, out);
        }
        out[..PACKET as usize].fill(0.01);
        Ok(PACKET as usize)
    }

    fn conceal(&mut self, out: &mut [f32]) -> bool {
        out.fill(0.01);
        true
    }

    fn is_silence(&self, packet: &[u8]) -> bool {
        packet.len() == 1
    }
}

#[test]
fn a_codec_that_says_nothing_in_silence_makes_its_noise_meanwhile() {
    let mut playout = AudioPlayout::new(Rng::from_u64(1));
    let decoder = Box::new(Quiet(Pcm { with_copy: false }));
    let codec = AudioCodec::Sound {
        clock_rate: 48_000,
        decoder,
    };
    playout.set_codec(opus(), codec).unwrap();
    let mut stream = Stream::new(playout);
    stream.speak(50);
    for _ in 0..3 {
        stream.give(opus(), Bytes::from_static(&[1]));
        stream.timestamp = stream.timestamp.wrapping_add(20 * PACKET);
        stream.hear(20);
        assert!(stream.samples.iter().all(|it| *it == 0.01));
    }
    stream.speak(20);
    let statistics = stream.statistics();
    assert_eq!(
        (statistics.concealed_samples, statistics.concealment_events),
        (0, 0)
    );
    assert!(statistics.generated_samples > 48_000);

    // What is missing after sound is lost, by the same decoder.
    stream.hear(10);
    assert_eq!(stream.statistics().concealment_events, 1);
}

/// A codec that goes on with a tone of 500 Hz where nothing came.
struct Smooth {
    pcm: Pcm,
    made: u32,
}

impl AudioDecoder for Smooth {
    fn sample_rate(&self) -> u32 {
        self.pcm.sample_rate()
    }

    fn channels(&self) -> u8 {
        1
    }

    fn duration(&self, packet: &[u8]) -> Option<u32> {
        self.pcm.duration(packet)
    }

    fn decode(&mut self, packet: &[u8], out: &mut [f32]) -> Result<usize, Damaged> {
        self.made = 0;
        self.pcm.decode(packet, out)
    }

    fn conceal(&mut self, out: &mut [f32]) -> bool {
        for sample in out {
            let turns = (self.made % 96) as f32 / 96.0;
            *sample = 0.25 * float::sin(turns * std::f32::consts::TAU);
            self.made += 1;
        }
        true
    }
}

#[test]
fn the_end_of_what_is_made_up_is_left_out_while_sound_waits_for_longer_than_it_has_to() {
    for (target, concealed) in [(80, 960..=960), (68, 480..=600)] {
        let mut playout = AudioPlayout::new(Rng::from_u64(1));
        let pcm = Pcm { with_copy: false };
        let decoder = Box::new(Smooth { pcm, made: 0 });
        let codec = AudioCodec::Sound {
            clock_rate: 48_000,
            decoder,
        };
        playout.set_codec(opus(), codec).unwrap();
        let held_back = |ms| Some(Duration::from_millis(ms));
        playout.set_jitter_buffer_target(held_back(80));
        let mut stream = Stream::new(playout);
        stream.speak(100);
        let before = stream.playout.buffered();
        stream.playout.set_jitter_buffer_target(held_back(target));
        stream.done();

        stream.number += 1;
        stream.hear(1);
        stream.timestamp = stream.timestamp.wrapping_add(PACKET);
        stream.speak(20);
        let done = stream.done();
        assert_eq!(count(&done, Operation::Conceal), 2, "{done:?}");
        assert_eq!(count(&done, Operation::Normal), 40, "{done:?}");
        let statistics = stream.statistics();
        let made_up = statistics.concealed_samples;
        assert!(concealed.contains(&made_up), "{target}: {made_up}");
        let left_out = before - stream.playout.buffered();
        assert_eq!(left_out, Duration::from_nanos((960 - made_up) * 62_500 / 3));
        assert_eq!(statistics.removed_samples_for_acceleration, 0);
    }
}

#[test]
fn tones_of_a_telephone_are_heard_in_their_place() {
    let mut playout = player(false);
    let event = payload_type(110);
    let codec = AudioCodec::TelephoneEvent { clock_rate: 48_000 };
    playout.set_codec(event, codec).unwrap();
    let mut stream = Stream::new(playout);
    stream.speak(50);
    stream.done();
    let begin = stream.timestamp;
    for n in 1..=10_u16 {
        let mut report = Vec::new();
        let tone = TelephoneEvent {
            event: 5,
            end: n == 10,
            volume: 10,
            duration: n * 960,
        };
        tone.write(&mut report);
        stream.timestamp = begin;
        stream.give(event, report.into());
        stream.hear(1);
    }
    stream.timestamp = begin.wrapping_add(10 * PACKET);
    stream.speak(50);
    let done = stream.done();
    assert!(
        (19..=22).contains(&count(&done, Operation::Tone)),
        "{done:?}"
    );
    assert_eq!(count(&done, Operation::Conceal), 0, "{done:?}");
}

/// G.722's form: 8,000 ticks for 16,000 samples a second (RFC 3551 §4.5.2).
struct Wide;

impl AudioDecoder for Wide {
    fn sample_rate(&self) -> u32 {
        16_000
    }

    fn channels(&self) -> u8 {
        2
    }

    fn duration(&self, packet: &[u8]) -> Option<u32> {
        Some(2 * packet.len() as u32)
    }

    fn decode(&mut self, packet: &[u8], out: &mut [f32]) -> Result<usize, Damaged> {
        out.get_mut(..4 * packet.len()).ok_or(Damaged)?.fill(0.25);
        Ok(2 * packet.len())
    }
}

#[test]
fn a_codec_may_change_with_its_clock_its_rate_and_its_channels() {
    let mut playout = player(false);
    let decoder = Box::new(Wide);
    let wide = payload_type(9);
    playout
        .set_codec(
            wide,
            AudioCodec::Sound {
                clock_rate: 8_000,
                decoder,
            },
        )
        .unwrap();
    let mut stream = Stream::new(playout);
    let packet = Bytes::from(vec![0; 160]);
    stream.say(100, wide, &packet, 160);
    assert_eq!(stream.samples, [0.25; 320]);
    assert_eq!(stream.statistics().concealed_samples, 0);

    stream.speak(100);
    assert_eq!(stream.samples.len(), 480);
    stream.say(100, wide, &packet, 160);
    assert_eq!(stream.samples, [0.25; 320]);
    // What is lost at each change: what was to come of the old, until there is enough of the new.
    let statistics = stream.statistics();
    assert!(statistics.concealed_samples < 2 * 80 * 48, "{statistics:?}");
}

#[test]
fn time_stamps_that_jump_are_another_beginning() {
    let mut stream = Stream::new(player(false));
    stream.speak(100);
    for jump in [1 << 31, 1 << 25, u32::MAX - (1 << 25)] {
        stream.timestamp = stream.timestamp.wrapping_add(jump);
        stream.done();
        stream.speak(50);
        let done = stream.done();
        assert!(count(&done, Operation::Conceal) <= 8, "{jump}: {done:?}");
    }
}

/// A file of three seconds that is played again and again, its time stamps, too.
#[test]
fn what_goes_back_in_time_with_newer_numbers_is_another_beginning() {
    let mut stream = Stream::new(player(false));
    stream.speak(150);
    for _ in 0..3 {
        stream.done();
        let before = stream.statistics();
        stream.timestamp = FIRST;
        stream.speak(150);
        let played = count(&stream.done(), Operation::Normal);
        assert!(played > 270, "{played} of 300");
        let discarded = stream.statistics().packets_discarded - before.packets_discarded;
        assert_eq!(discarded, 0);
        assert!(stream.playout.target_delay() < Duration::from_millis(150));
    }
}

#[test]
fn what_comes_late_or_twice_is_discarded() {
    let mut stream = Stream::new(player(false));
    stream.speak(50);
    let mut packet = stream.packet(opus(), Source::Speech.record(1).packet(0).clone());
    stream.playout.handle_packet(packet.clone());
    stream.playout.handle_packet(packet.clone());
    assert_eq!(stream.statistics().packets_discarded, 1);
    packet.timestamp = packet.timestamp.wrapping_sub(20 * PACKET);
    stream.playout.handle_packet(packet.clone());
    assert_eq!(stream.statistics().packets_discarded, 2);
    packet.payload_type = payload_type(7);
    stream.playout.handle_packet(packet.clone());
    packet.payload_type = opus();
    packet.payload = Bytes::from_static(&[0]);
    stream.playout.handle_packet(packet);
    assert_eq!(stream.statistics().packets_discarded, 4);
}

#[test]
fn codecs_that_cannot_be_played_are_refused() {
    struct Odd(u32, u8);
    impl AudioDecoder for Odd {
        fn sample_rate(&self) -> u32 {
            self.0
        }
        fn channels(&self) -> u8 {
            self.1
        }
        fn duration(&self, _: &[u8]) -> Option<u32> {
            None
        }
        fn decode(&mut self, _: &[u8], _: &mut [f32]) -> Result<usize, Damaged> {
            Err(Damaged)
        }
    }
    let mut playout = AudioPlayout::new(Rng::from_u64(1));
    let mut set = |number, rate, channels, clock_rate| {
        let decoder = Box::new(Odd(rate, channels));
        let codec = AudioCodec::Sound {
            clock_rate,
            decoder,
        };
        playout.set_codec(payload_type(number), codec)
    };
    assert_eq!(
        set(0, 11_025, 1, 8_000),
        Err(CodecError::SampleRate(11_025))
    );
    assert_eq!(set(0, 48_000, 0, 8_000), Err(CodecError::Channels(0)));
    assert_eq!(set(0, 48_000, 2, 0), Err(CodecError::ClockRate(0)));
    assert!((0..32).all(|number| set(number, 44_100, 2, 48_000).is_ok()));
    assert_eq!(set(32, 44_100, 2, 48_000), Err(CodecError::TooMany));
    assert_eq!(set(31, 48_000, 2, 48_000), Ok(()));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn anything_may_come(
        steps in proptest::collection::vec(
            (any::<u8>(), any::<u32>(), 0_u64..70_000, 0_usize..400, -200_i64..2_000, any::<bool>()),
            1..200,
        ),
    ) {
        let mut playout = player(false);
        playout
            .set_codec(payload_type(9), AudioCodec::Sound { clock_rate: 8_000, decoder: Box::new(Wide) })
            .unwrap();
        for (number, codec) in [
            (13, AudioCodec::ComfortNoise { clock_rate: 8_000 }),
            (110, AudioCodec::TelephoneEvent { clock_rate: 8_000 }),
        ] {
            playout.set_codec(payload_type(number), codec).unwrap();
        }
        let mut now = 10_000_i64;
        let mut timestamp = 0_u32;
        for (kind, jump, sequence_number, len, step, repaired) in steps {
            timestamp = match kind % 4 {
                0 => jump,
                1 => timestamp.wrapping_add(jump % 2_000_000),
                _ => timestamp.wrapping_add(960),
            };
            let number = [111, 9, 13, 110][usize::from(kind / 4 % 4)];
            playout.handle_packet(AudioPacket {
                payload_type: payload_type(number),
                sequence_number,
                timestamp,
                payload: vec![kind; len * usize::from(kind % 8)].into(),
                received: ms((now - i64::from(kind)).max(0) as f64),
                repaired,
            });
            for _ in 0..kind % 5 {
                let block = playout.pull(ms(now as f64));
                prop_assert_eq!(
                    block.samples.len(),
                    block.sample_rate as usize / 100 * usize::from(block.channels)
                );
                prop_assert!(block.samples.iter().all(|it| it.abs() <= 4.0));
            }
            now = (now + step).max(0);
            prop_assert!(playout.buffered() <= Duration::from_secs(6));
            prop_assert!(playout.target_delay() <= Duration::from_secs(4));
        }
    }
}

use std::f32::consts::TAU;

use duologue_codec::AudioEncoderConfig;

use super::*;

const SOUND: Meaning = Meaning::Sound {
    codec: AudioCodec::Pcmu,
    channels: 1,
};
/// Samples of a period of 400 Hz. Packets have whole ones, so that each is the same to the last bit: what is cut out or
/// put in does not depend on the sine of the machine's library (glibc has another one for processors with FMA).
const PERIOD: u64 = 20;

fn ms(ms: u64) -> Instant {
    Instant::from_origin(Duration::from_millis(1_000 + ms))
}

/// Packets of 20 ms of a tone.
fn tone(ssrc: u32, packets: u64) -> Vec<EncodedFrame> {
    let codecs = crate::built_in_codecs();
    let config = AudioEncoderConfig::new(AudioCodec::Pcmu);
    let mut encoder = codecs.audio_encoder(&config).unwrap();
    let packets = (0..packets).map(|number| {
        let at = |n: u64| ((n % PERIOD) as f32 * TAU / PERIOD as f32).sin() / 2.0;
        let samples: Vec<f32> = (0..160).map(at).collect();
        let mut data = Vec::new();
        encoder.encode(&samples, &mut data).unwrap();
        EncodedFrame {
            sequence_number: number,
            key: true,
            ..EncodedFrame::new(
                Ssrc(ssrc),
                PayloadType::new(0).unwrap(),
                160 * number as u32,
                ms(20 * number),
                data.into(),
            )
        }
    });
    packets.collect()
}

fn sound() -> Sound {
    sound_of(3)
}

fn sound_of(seed: u64) -> Sound {
    Sound::new(crate::built_in_codecs(), Rng::from_u64(seed))
}

/// What is heard while these packets come when they say, and half a second longer.
fn hear(sound: &mut Sound, frames: Vec<EncodedFrame>) -> Vec<(Instant, AudioData)> {
    let mut heard = Vec::new();
    let begin = frames.first().unwrap().received;
    let end = frames.last().unwrap().received + Duration::from_millis(500);
    let mut frames = frames.into_iter().peekable();
    let mut now = begin;
    while now < end {
        while let Some(frame) = frames.next_if(|it| it.received <= now) {
            sound.handle(frame, SOUND).unwrap();
        }
        heard.extend(sound.pull(now).map(|it| (now, it.data)));
        now += Duration::from_millis(10);
    }
    heard
}

fn rises(heard: &[(Instant, AudioData)]) -> usize {
    let samples = heard.iter().flat_map(|(_, it)| it.samples().to_vec());
    let samples: Vec<f32> = samples.collect();
    let pairs = samples.windows(2);
    pairs.filter(|it| it[0] < 0.0 && it[1] >= 0.0).count()
}

#[test]
fn a_tone_keeps_its_pitch_where_every_tenth_packet_is_lost() {
    // Chance makes noise, and decides nothing.
    for seed in [3, 4, 5] {
        let mut sound = sound_of(seed);
        let mut frames = tone(1, 200);
        let lost = |number: u64| number % 10 == 5;
        frames.retain(|frame| !lost(frame.sequence_number));
        let heard = hear(&mut sound, frames);
        let second = &heard[100..200];
        assert!((392..=408).contains(&rises(second)), "{}", rises(second));

        let told = sound.told().unwrap().statistics;
        // At the end, 30 ms behind the last packet, nothing comes for 450 ms. The delay is longer at first than this network
        // needs: some of a gap is passed over.
        let gaps = told.concealed_samples - 8 * 450;
        let lost = 19 * 8 * 20;
        assert!((lost * 9 / 10..=lost).contains(&gaps), "{gaps} of {lost}");
        assert_eq!(told.concealment_events, 19 + 1);
    }
}

#[test]
fn pieces_follow_each_other_without_a_gap_through_a_stream_that_follows_another() {
    let mut sound = sound();
    let mut frames = tone(1, 20);
    let next = tone(2, 30);
    let later = Duration::from_millis(400);
    frames.extend(next.into_iter().map(|frame| EncodedFrame {
        received: frame.received + later,
        ..frame
    }));
    let heard = hear(&mut sound, frames);
    let gaps = heard.windows(2);
    let gaps = gaps.map(|it| it[1].1.timestamp - it[0].1.timestamp);
    let pieces = heard.windows(2).map(|it| it[0].1.duration());
    assert!(gaps.eq(pieces));
    assert_eq!(sound.told().unwrap().ssrc, Ssrc(2));
    let late = &heard[heard.len() - 60..heard.len() - 50];
    assert!((36..=44).contains(&rises(late)), "{}", rises(late));
}

#[test]
fn sound_is_held_back_for_as_long_as_the_application_wants() {
    for (target, least) in [(None, 0), (Some(300), 300)] {
        let mut sound = sound();
        sound.set_jitter_buffer_target(target.map(Duration::from_millis));
        let heard = hear(&mut sound, tone(1, 100));
        let (first, _) = heard[0];
        let waited = (first - ms(0)).as_millis();
        assert!((least..=least + 100).contains(&waited), "{waited}");
        let told = sound.told().unwrap().statistics;
        let delay = told.jitter_buffer_delay.as_secs_f64() * 1_000.0;
        let delay = delay / told.jitter_buffer_emitted_count as f64;
        assert!(delay >= least as f64 * 0.9, "{delay}");
    }
}

#[test]
fn what_no_decoder_is_there_for_is_refused_and_the_rest_is_heard() {
    let mut sound = sound();
    let opus = Meaning::Sound {
        codec: AudioCodec::Opus,
        channels: 1,
    };
    let mut frames = tone(1, 10);
    let other = EncodedFrame {
        payload_type: PayloadType::new(111).unwrap(),
        ..frames.remove(0)
    };
    let codecs = {
        let mut codecs = CodecSet::new();
        duologue_g7xx::add_to(&mut codecs);
        codecs
    };
    sound.codecs = codecs;
    assert!(matches!(
        sound.handle(other, opus),
        Err(CodecError::Unsupported(_))
    ));
    assert!(!hear(&mut sound, frames).is_empty());
}

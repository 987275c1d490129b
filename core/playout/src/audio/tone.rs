use std::f32::consts::TAU;

use duologue_base::float;
use duologue_rtp::TelephoneEvent;

use super::packets::ticks;
use crate::limits::{TONE_TIME, TONES};

/// Tones that were reported (RFC 4733), by the clock of the sound that they stand in for.
#[derive(Debug)]
pub(crate) struct Tones {
    /// In the order of their beginnings.
    tones: Vec<Tone>,
}

#[derive(Debug)]
struct Tone {
    /// The extended time stamp of its begin.
    begin: i64,
    /// In ticks of the sound's clock.
    duration: i64,
    ended: bool,
    frequencies: [f32; 2],
    loudness: f32,
    /// In turns, of each.
    phase: [f32; 2],
}

impl Tones {
    pub(crate) fn new() -> Self {
        Tones {
            tones: Vec::with_capacity(TONES + 1),
        }
    }

    /// A report came. `clock` is the rate of the time stamps, `own` that of the event's payload type.
    pub(crate) fn handle(&mut self, begin: i64, payload: &[u8], clock: u32, own: u32) {
        let Some(event) = TelephoneEvent::parse(payload) else {
            return;
        };
        let Some(frequencies) = frequencies(event.event) else {
            return;
        };
        let duration = i64::from(event.duration) * i64::from(clock) / i64::from(own.max(1));
        let duration = duration.min(ticks(TONE_TIME, clock));
        if let Some(known) = self.tones.iter_mut().find(|it| it.begin == begin) {
            known.duration = known.duration.max(duration);
            known.ended |= event.end;
            return;
        }
        let at = self.tones.partition_point(|it| it.begin < begin);
        let tone = Tone {
            begin,
            duration,
            ended: event.end,
            frequencies,
            // dBm0 of the two together (RFC 4733 §2.3.4), each 3 dB below that; 0 dBm0 is about as much
            // below full scale's sine.
            loudness: float::amplitude(-f64::from(event.volume) - 6.0) as f32,
            phase: [0.0; 2],
        };
        self.tones.insert(at, tone);
        if self.tones.len() > TONES {
            self.tones.remove(0);
        }
    }

    /// Adds to `out` what sounds from this time stamp on, `len` ticks of it. False if nothing does.
    pub(crate) fn fill(
        &mut self,
        at: i64,
        len: i64,
        clock: u32,
        out: &mut [f32],
        (rate, channels): (u32, usize),
    ) -> bool {
        // What is not ended goes on until more is told; browsers report each 20 to 50 ms.
        let patience = i64::from(clock / 10);
        self.tones.retain(|it| it.end(patience) > at);
        let Some(tone) = self.tones.first_mut().filter(|it| it.begin < at + len) else {
            return false;
        };
        let per_tick = rate as f32 / clock as f32;
        let skip = ((tone.begin - at).max(0) as f32 * per_tick) as usize;
        let end = ((tone.end(patience) - at).max(0) as f32 * per_tick) as usize;
        let age = (at - tone.begin).max(0) as f32 * per_tick;
        let ramp = rate as f32 / 200.0;
        let frames = out.chunks_exact_mut(channels).enumerate();
        for (n, frame) in frames.take(end).skip(skip) {
            let from_begin = (age + (n - skip) as f32) / ramp;
            let to_end = (end - n) as f32 / ramp;
            let gain = from_begin.min(to_end).min(1.0) * tone.loudness;
            let mut sum = 0.0;
            for (phase, frequency) in tone.phase.iter_mut().zip(tone.frequencies) {
                sum += float::sin(*phase * TAU);
                *phase = (*phase + frequency / rate as f32).fract();
            }
            frame.iter_mut().for_each(|it| *it += sum * gain);
        }
        true
    }
}

impl Tone {
    fn end(&self, patience: i64) -> i64 {
        let patience = if self.ended { 0 } else { patience };
        self.begin.saturating_add(self.duration + patience)
    }
}

/// Of the events 0 to 15, in hertz (ITU-T Q.23; RFC 4733 table 3 has their numbers).
fn frequencies(event: u8) -> Option<[f32; 2]> {
    const ROWS: [f32; 4] = [697.0, 770.0, 852.0, 941.0];
    const COLUMNS: [f32; 4] = [1_209.0, 1_336.0, 1_477.0, 1_633.0];
    let place = "123A456B789C*0#D";
    let tone = TelephoneEvent {
        event,
        ..Default::default()
    };
    let at = place.find(tone.tone()?)?;
    Some([ROWS[at / 4], COLUMNS[at % 4]])
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: (u32, usize) = (8_000, 1);

    fn report(event: u8, duration: u16, end: bool) -> Vec<u8> {
        let mut payload = Vec::new();
        let event = TelephoneEvent {
            event,
            end,
            volume: 10,
            duration,
        };
        event.write(&mut payload);
        payload
    }

    /// The share of a frequency in the sound.
    fn strength(samples: &[f32], hertz: f32) -> f32 {
        let (mut sin, mut cos) = (0.0, 0.0);
        for (n, sample) in samples.iter().enumerate() {
            let angle = n as f32 * TAU * hertz / 8_000.0;
            sin += sample * float::sin(angle);
            cos += sample * float::cos(angle);
        }
        (sin * sin + cos * cos).sqrt() * 2.0 / samples.len() as f32
    }

    #[test]
    fn a_tone_has_its_two_frequencies_and_its_length() {
        let mut tones = Tones::new();
        tones.handle(1_000, &report(5, 400, false), 8_000, 8_000);
        tones.handle(1_000, &report(5, 800, true), 8_000, 8_000);
        let mut out = vec![0.0; 1_600];
        for (n, out) in out.chunks_exact_mut(80).enumerate() {
            let sounds = tones.fill(1_000 + 80 * n as i64, 80, 8_000, out, FORM);
            assert_eq!(sounds, n < 10, "{n}");
        }
        let (sound, rest) = out.split_at(800);
        assert!(rest.iter().all(|it| *it == 0.0));
        let loud = float::amplitude(-16.0) as f32;
        for (hertz, expected) in [(770.0, loud), (1_336.0, loud), (697.0, 0.0), (941.0, 0.0)] {
            let found = strength(sound, hertz);
            assert!((found - expected).abs() < 0.02, "{hertz}: {found}");
        }
    }

    #[test]
    fn one_without_an_end_goes_on_for_a_tenth_of_a_second() {
        let mut tones = Tones::new();
        // At 48 kHz, by a clock of 8 kHz.
        tones.handle(0, &report(1, 160, false), 48_000, 8_000);
        let mut sounds = |at| tones.fill(at, 480, 48_000, &mut [0.0; 480], (48_000, 1));
        assert!(sounds(960 + 4_300));
        assert!(!sounds(960 + 4_800));
    }

    #[test]
    fn hostile_reports_are_bounded() {
        let mut tones = Tones::new();
        for n in 0..1_000 {
            tones.handle(
                n * 17,
                &report((n % 256) as u8, u16::MAX, false),
                192_000,
                1,
            );
            tones.handle(n * 17, &[1], 8_000, 8_000);
        }
        assert!(tones.tones.len() <= TONES);
        tones.handle(i64::MAX, &report(1, u16::MAX, false), 8_000, 0);
        tones.fill(i64::MAX - 100, 80, 8_000, &mut [0.0; 80], FORM);
    }
}

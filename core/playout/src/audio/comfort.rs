use duologue_base::{Rng, float};

/// Comfort noise (RFC 3389): what is heard while nothing is said and nothing is sent.
#[derive(Debug)]
pub(crate) struct Comfort {
    /// Of one sample.
    loudness: f32,
    /// Reflection coefficients of an all-pole filter, as they come.
    reflection: [f32; ORDER],
    order: usize,
    /// Its state.
    lattice: [f32; ORDER + 1],
    noise: u32,
}

impl Comfort {
    pub(crate) fn new(rng: &mut Rng) -> Self {
        Comfort {
            loudness: 0.0,
            reflection: [0.0; ORDER],
            order: 0,
            lattice: [0.0; ORDER + 1],
            noise: rng.u32(),
        }
    }

    /// A packet says how it sounds: the level in −dB of full scale, then what the spectrum is.
    pub(crate) fn handle(&mut self, payload: &[u8]) {
        let Some((level, spectrum)) = payload.split_first() else {
            return;
        };
        // RFC 3389 §3.1: the most significant bit is 0. Full scale is a square wave's.
        self.loudness = float::amplitude(-f64::from(level & 0x7f)) as f32;
        self.order = spectrum.len().min(ORDER);
        for (kept, byte) in self.reflection.iter_mut().zip(spectrum) {
            // RFC 3389 §3.2: uniform steps, 127 is zero. What makes the filter ring is left out.
            let quantised = (f32::from(*byte) - 127.0) * 258.0 / 32_768.0;
            *kept = quantised.clamp(-STABLE, STABLE);
        }
    }

    /// The same in all channels.
    pub(crate) fn fill(&mut self, out: &mut [f32], channels: usize) {
        let reflection = &self.reflection[..self.order];
        // An all-pole lattice amplifies by the product of 1 / (1 − k²).
        let gain: f32 = reflection.iter().map(|k| 1.0 - k * k).product();
        let excitation = self.loudness * (3.0 * gain).sqrt();
        for frame in out.chunks_exact_mut(channels) {
            self.noise = self
                .noise
                .wrapping_mul(1_664_525)
                .wrapping_add(1_013_904_223);
            let mut sample = self.noise as i32 as f32 / 2_f32.powi(31) * excitation;
            for stage in (0..self.order).rev() {
                let k = self.reflection[stage];
                sample -= k * self.lattice[stage];
                self.lattice[stage + 1] = self.lattice[stage] + k * sample;
            }
            self.lattice[0] = sample;
            frame.fill(sample.clamp(-1.0, 1.0));
        }
    }
}

/// RFC 3389 §3.2: the order is up to the sender; more than twelve say nothing of a telephone's noise.
const ORDER: usize = 12;
const STABLE: f32 = 0.98;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::search::power;

    fn noise(payload: &[u8]) -> Vec<f32> {
        let mut comfort = Comfort::new(&mut Rng::from_u64(1));
        comfort.handle(payload);
        let mut out = vec![0.0; 16_000];
        comfort.fill(&mut out, 1);
        out
    }

    fn decibels(samples: &[f32]) -> f32 {
        10.0 * float::log10(power(samples))
    }

    #[test]
    fn it_is_as_loud_as_it_is_told_whatever_its_spectrum() {
        for (payload, level) in [
            (&[40][..], -40.0),
            (&[60, 127, 127], -60.0),
            (&[50, 200, 60, 140], -50.0),
        ] {
            let loud = decibels(&noise(payload));
            assert!((loud - level).abs() < 2.0, "{payload:?}: {loud}");
        }
        assert!(noise(&[]).iter().all(|it| *it == 0.0));
    }

    #[test]
    fn the_spectrum_is_what_is_told() {
        // A first coefficient below zero makes neighbours alike, one above it unlike.
        let alike = |samples: &[f32]| super::super::search::correlation(samples, &samples[1..]);
        assert!(alike(&noise(&[40, 40])) > 0.5);
        assert!(alike(&noise(&[40, 214])) < -0.5);
    }

    #[test]
    fn hostile_spectra_do_not_ring() {
        for byte in [0, 255] {
            let samples = noise(&[&[0][..], &[byte; 100]].concat());
            assert!(samples.iter().all(|it| it.abs() <= 1.0));
            let mut comfort = Comfort::new(&mut Rng::from_u64(1));
            comfort.handle(&[&[0][..], &[byte; 100]].concat());
            let mut out = [0.0; 80];
            (0..1_000).for_each(|_| comfort.fill(&mut out, 2));
            assert!(comfort.lattice.iter().all(|it| it.is_finite()));
        }
    }
}

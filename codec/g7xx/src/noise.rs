//! Comfort noise (RFC 3389): how loud silence is and, if told, how it sounds.

/// What one packet says of the noise at the other end.
///
/// ```
/// use duologue_g7xx::{ComfortNoise, NoiseGenerator};
///
/// // 40 dB below the loudest square wave, and nothing of its spectrum.
/// let noise = ComfortNoise::parse(&[40]).unwrap();
/// let mut sound = [0.0; 160];
/// NoiseGenerator::new(1).fill(&noise, &mut sound);
/// let energy: f32 = sound.iter().map(|it| it * it).sum::<f32>() / 160.0;
/// assert!((energy.log10() * 10.0 + 40.0).abs() < 3.0);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ComfortNoise {
    /// The level of the noise, in decibels below overload: 0 to 127.
    pub level: u8,
    /// Reflection coefficients of an all-pole filter, between -1 and 1; none for white noise. RFC 3389
    /// leaves their sign open: as libwebrtc and FFmpeg have it, the first is below zero where
    /// neighbours are alike.
    reflection: Vec<f32>,
}

/// RFC 3389 §3.2: a model of order 8 is enough; more are ignored.
const MAX_ORDER: usize = 8;

impl ComfortNoise {
    /// Reads a payload (RFC 3389 §3); `None` if it is empty.
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let (level, spectrum) = payload.split_first()?;
        let spectrum = spectrum.iter().take(MAX_ORDER);
        Some(ComfortNoise {
            level: level & 0x7f,
            reflection: spectrum.map(|byte| dequantize(*byte)).collect(),
        })
    }

    /// Describes noise: its level, and its spectrum by a filter of order 8.
    pub fn of(samples: &[f32]) -> Self {
        let correlation: Vec<f32> = (0..=MAX_ORDER)
            .map(|lag| {
                let pairs = samples.iter().zip(samples.iter().skip(lag));
                pairs.map(|(a, b)| a * b).sum()
            })
            .collect();
        let energy = correlation[0] / samples.len().max(1) as f32;
        let level = (-10.0 * energy.max(1e-13).log10())
            .round()
            .clamp(0.0, 127.0);
        ComfortNoise {
            level: level as u8,
            reflection: reflection(&correlation),
        }
    }

    /// Adds the payload to `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.push(self.level);
        out.extend(self.reflection.iter().map(|it| quantize(*it)));
    }
}

/// RFC 3389 §3.2: uniform, 127 for none.
fn dequantize(byte: u8) -> f32 {
    (258.0 * (f32::from(byte) - 127.0) / 32_768.0).clamp(-0.999, 0.999)
}

fn quantize(value: f32) -> u8 {
    (value * 32_768.0 / 258.0 + 127.0).round().clamp(0.0, 254.0) as u8
}

/// The Levinson-Durbin recursion.
fn reflection(correlation: &[f32]) -> Vec<f32> {
    let mut error = correlation[0] * 1.0001 + 1e-9;
    let mut predictor: Vec<f32> = Vec::new();
    let mut all = Vec::new();
    for order in 1..correlation.len() {
        let known = predictor.iter().enumerate();
        let sum: f32 = known.map(|(at, by)| by * correlation[order - 1 - at]).sum();
        let next = (correlation[order] - sum) / error;
        let mirrored: Vec<f32> = predictor.iter().rev().copied().collect();
        for (by, other) in predictor.iter_mut().zip(mirrored) {
            *by -= next * other;
        }
        predictor.push(next);
        error *= 1.0 - next * next;
        all.push(-next);
    }
    all
}

/// Makes noise as it is described. Its chance is from a seed.
#[derive(Clone, Debug)]
pub struct NoiseGenerator {
    chance: u64,
    /// What each stage of the lattice filter kept of the last sample.
    stages: [f32; MAX_ORDER],
}

impl NoiseGenerator {
    /// A generator whose noise is the same for the same seed.
    pub fn new(seed: u64) -> Self {
        NoiseGenerator {
            chance: seed | 1,
            stages: [0.0; MAX_ORDER],
        }
    }

    /// Fills `out`, from -1 to 1, and goes on where it was.
    pub fn fill(&mut self, noise: &ComfortNoise, out: &mut [f32]) {
        let wanted = 10.0_f32.powf(-f32::from(noise.level) / 20.0);
        // The filter amplifies by what prediction would take away.
        let gain: f32 = noise.reflection.iter().map(|k| 1.0 - k * k).product();
        // Of uniform noise from -1 to 1 the mean square is a third.
        let input = wanted * gain.sqrt() * 3.0_f32.sqrt();
        for sample in out {
            let forward = input * self.next();
            *sample = self.filter(&noise.reflection, forward).clamp(-1.0, 1.0);
        }
    }

    /// An all-pole lattice: stable for whatever coefficients, as they are below one.
    fn filter(&mut self, reflection: &[f32], input: f32) -> f32 {
        let mut forward = input;
        for stage in (0..reflection.len()).rev() {
            let k = reflection[stage];
            forward -= k * self.stages[stage];
            if stage + 1 < MAX_ORDER {
                self.stages[stage + 1] = self.stages[stage] + k * forward;
            }
        }
        self.stages[0] = forward;
        forward
    }

    /// From -1 to 1 (xorshift: no chance is needed that nobody can foresee).
    fn next(&mut self) -> f32 {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        (self.chance >> 40) as f32 / (1 << 23) as f32 - 1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn energy(samples: &[f32]) -> f32 {
        let sum: f32 = samples.iter().map(|it| it * it).sum();
        10.0 * (sum / samples.len() as f32).log10()
    }

    /// How alike samples are to those before them, from -1 to 1.
    fn colour(samples: &[f32]) -> f32 {
        let product: f32 = samples.windows(2).map(|pair| pair[0] * pair[1]).sum();
        product / samples.iter().map(|it| it * it).sum::<f32>()
    }

    #[test]
    fn noise_has_the_level_and_the_colour_that_were_told() {
        let mut generator = NoiseGenerator::new(7);
        for level in [20, 40, 60] {
            for k in [-0.8, 0.0, 0.5, 0.9] {
                let mut payload = vec![level];
                payload.push(quantize(k));
                let noise = ComfortNoise::parse(&payload).unwrap();
                let mut sound = vec![0.0; 48_000];
                generator.fill(&noise, &mut sound);
                let heard = energy(&sound) + f32::from(level);
                assert!(heard.abs() < 1.0, "{level} {k}: {heard}");
                assert!((colour(&sound) + k).abs() < 0.05, "{k}: {}", colour(&sound));
            }
        }
    }

    #[test]
    fn what_is_described_written_read_and_made_again_sounds_alike() {
        let mut generator = NoiseGenerator::new(3);
        let dull = ComfortNoise {
            level: 30,
            reflection: vec![-0.7, 0.2],
        };
        let mut source = vec![0.0; 16_000];
        generator.fill(&dull, &mut source);
        let mut payload = Vec::new();
        ComfortNoise::of(&source).write(&mut payload);
        assert_eq!(payload.len(), 9);
        let told = ComfortNoise::parse(&payload).unwrap();
        let mut again = vec![0.0; 16_000];
        generator.fill(&told, &mut again);
        assert!(colour(&source) > 0.5 && told.reflection[0] < -0.5);
        assert!((energy(&again) - energy(&source)).abs() < 1.0);
        assert!((colour(&again) - colour(&source)).abs() < 0.05);
    }

    #[test]
    fn any_payload_makes_noise_that_is_bounded() {
        assert_eq!(ComfortNoise::parse(&[]), None);
        for byte in [0, 1, 127, 128, 254, 255] {
            let noise = ComfortNoise::parse(&[byte; 40]).unwrap();
            let mut sound = vec![0.0; 8_000];
            NoiseGenerator::new(1).fill(&noise, &mut sound);
            assert!(sound.iter().all(|it| it.is_finite() && it.abs() <= 1.0));
        }
    }
}

//! ITU-T G.722 at 64 kbit/s: sound up to 7 kHz in two bands, each of which is predicted, and the
//! difference coded. Samples are of 16 kHz; two of them make a byte.
//!
//! ```
//! use duologue_g7xx::g722::{Decoder, Encoder};
//!
//! let (mut encoder, mut decoder) = (Encoder::new(), Decoder::new());
//! let byte = encoder.encode([100, -100]);
//! let [first, second] = decoder.decode(byte);
//! # let _ = (first, second);
//! ```

/// Half of the filter that divides and joins the bands; the other half is its mirror image (table 11).
const FILTER: [i32; 12] = [3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11];

/// Where one step of the lower band's 60 ends and the next begins, for a scale of 4,096 (table 14).
const LOW_LEVELS: [i32; 29] = [
    35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940, 1_023,
    1_121, 1_219, 1_339, 1_458, 1_612, 1_765, 1_980, 2_195, 2_557, 2_919,
];

/// What the 16 coarse steps of the lower band stand for, by which both ends predict (table 15).
const LOW_COARSE: [i32; 16] = [
    0, -20_456, -12_896, -8_968, -6_288, -4_240, -2_584, -1_200, 20_456, 12_896, 8_968, 6_288,
    4_240, 2_584, 1_200, 0,
];

/// What the fine steps stand for, of both signs from the outermost (table 15); codes that no encoder
/// makes stand for the smallest.
const LOW_FINE: [i32; 30] = [
    24_808, 21_904, 19_008, 16_704, 14_984, 13_512, 12_280, 11_192, 10_232, 9_360, 8_576, 7_856,
    7_192, 6_576, 6_000, 5_456, 4_944, 4_464, 4_008, 3_576, 3_168, 2_776, 2_400, 2_032, 1_688,
    1_360, 1_040, 728, 432, 136,
];

/// How the logarithm of the lower band's scale changes with each coarse step (table 12).
const LOW_GROWTH: [i32; 16] = [
    -60, 3_042, 1_198, 538, 334, 172, 58, -30, 3_042, 1_198, 538, 334, 172, 58, -30, -60,
];

/// The same of the upper band (table 13).
const HIGH_GROWTH: [i32; 4] = [798, -214, 798, -214];

/// What the upper band's four steps stand for (table 16).
const HIGH_STEPS: [i32; 4] = [-7_408, -1_616, 7_408, 1_616];

/// Where the upper band's inner step ends, for a scale of 4,096.
const HIGH_LEVEL: i32 = 564;

/// 2,048 times two to the power of each thirty-second (table 17).
const OCTAVE: [i32; 32] = [
    2_048, 2_093, 2_139, 2_186, 2_233, 2_282, 2_332, 2_383, 2_435, 2_489, 2_543, 2_599, 2_656,
    2_714, 2_774, 2_834, 2_896, 2_960, 3_025, 3_091, 3_158, 3_228, 3_298, 3_371, 3_444, 3_520,
    3_597, 3_676, 3_756, 3_838, 3_922, 4_008,
];

/// Makes bytes of samples.
#[derive(Clone, Debug, Default)]
pub struct Encoder {
    history: History,
    bands: Bands,
}

impl Encoder {
    /// An encoder of what comes after silence.
    pub fn new() -> Self {
        Encoder::default()
    }

    /// The byte of two samples.
    pub fn encode(&mut self, samples: [i16; 2]) -> u8 {
        self.history.push(samples.map(i32::from));
        let (odd, even) = self.history.filter();
        let low = self.bands.low.quantize_low((even + odd) >> 14);
        let high = self.bands.high.quantize_high((even - odd) >> 14);
        self.bands.adapt(low, high);
        high << 6 | low
    }
}

/// Makes samples of bytes.
#[derive(Clone, Debug, Default)]
pub struct Decoder {
    history: History,
    bands: Bands,
}

impl Decoder {
    /// A decoder of what comes after silence.
    pub fn new() -> Self {
        Decoder::default()
    }

    /// The two samples of a byte.
    pub fn decode(&mut self, byte: u8) -> [i16; 2] {
        let (low, high) = (byte & 0x3f, byte >> 6);
        let bands = &self.bands;
        let low_sample = bands.low.predicted + ((bands.low.scale * fine(low)) >> 15);
        let high_sample = bands.high.predicted + bands.high.difference_high(high);
        let [l, h] = [low_sample, high_sample].map(|it| it.clamp(-16_384, 16_383));
        self.bands.adapt(low, high);

        self.history.push([l + h, l - h]);
        let (odd, even) = self.history.filter();
        [even, odd].map(|sum| saturate(sum >> 11) as i16)
    }
}

/// What a fine code stands for, for a scale of 32,768.
fn fine(code: u8) -> i32 {
    match usize::from(code) {
        // G.722 §3.1: codes that begin with four zeros are not made.
        0..4 => -136,
        negative @ 4..32 => -LOW_FINE[negative - 4],
        positive @ 32..62 => LOW_FINE[positive - 32],
        outer => -LOW_FINE[outer - 62 + 28],
    }
}

/// The last 24 samples, the oldest first.
#[derive(Clone, Debug, Default)]
struct History([i32; 24]);

impl History {
    fn push(&mut self, samples: [i32; 2]) {
        self.0.copy_within(2.., 0);
        self.0[22..].copy_from_slice(&samples);
    }

    /// Of the samples at even places and of those at odd places.
    fn filter(&self) -> (i32, i32) {
        let pairs = self.0.chunks_exact(2).zip(FILTER).zip(FILTER.iter().rev());
        pairs.fold((0, 0), |(odd, even), ((pair, forth), back)| {
            (odd + pair[0] * forth, even + pair[1] * back)
        })
    }
}

#[derive(Clone, Debug)]
struct Bands {
    low: Band,
    high: Band,
}

impl Default for Bands {
    fn default() -> Self {
        Bands {
            low: Band::new(32),
            high: Band::new(8),
        }
    }
}

impl Bands {
    /// Follows what both ends know of a byte.
    fn adapt(&mut self, low: u8, high: u8) {
        let coarse = usize::from(low >> 2);
        let difference = (self.low.scale * LOW_COARSE[coarse]) >> 15;
        self.low.rescale(LOW_GROWTH[coarse], 18_432, 8);
        self.low.predict(difference);
        let difference = self.high.difference_high(high);
        self.high
            .rescale(HIGH_GROWTH[usize::from(high)], 22_528, 10);
        self.high.predict(difference);
    }
}

/// The predictor of a band: two poles and six zeros (§3.6), and its scale (§3.5).
#[derive(Clone, Debug, Default)]
struct Band {
    /// Of the next sample.
    predicted: i32,
    /// The part of it that the zeros make.
    by_zeros: i32,
    /// Reconstructed samples, the latest first.
    reconstructed: [i32; 2],
    /// The same without what the poles make.
    partly: [i32; 2],
    poles: [i32; 2],
    differences: [i32; 6],
    zeros: [i32; 6],
    /// Its logarithm, by 2,048 an octave.
    log_scale: i32,
    scale: i32,
}

impl Band {
    fn new(scale: i32) -> Self {
        Band {
            scale,
            ..Band::default()
        }
    }

    fn quantize_low(&self, sample: i32) -> u8 {
        let error = saturate(sample - self.predicted);
        let magnitude = if error < 0 { -1 - error } else { error };
        let inside = |level: &&i32| magnitude < (**level * self.scale) >> 12;
        let steps = LOW_LEVELS.iter().take_while(|level| !inside(level)).count() as u8;
        match (error < 0, steps) {
            (false, _) => 61 - steps,
            (true, 0 | 1) => 63 - steps,
            (true, _) => 33 - steps,
        }
    }

    fn quantize_high(&self, sample: i32) -> u8 {
        let error = saturate(sample - self.predicted);
        let magnitude = if error < 0 { -1 - error } else { error };
        let outer = magnitude >= (HIGH_LEVEL * self.scale) >> 12;
        match (error < 0, outer) {
            (true, true) => 0,
            (true, false) => 1,
            (false, true) => 2,
            (false, false) => 3,
        }
    }

    fn difference_high(&self, code: u8) -> i32 {
        (self.scale * HIGH_STEPS[usize::from(code)]) >> 15
    }

    /// §3.5: the scale leaks, and grows with what was coded.
    fn rescale(&mut self, growth: i32, limit: i32, shift: i32) {
        let leaked = (self.log_scale * 127) >> 7;
        self.log_scale = (leaked + growth).clamp(0, limit);
        let power = OCTAVE[(self.log_scale >> 6 & 31) as usize];
        let down = shift - (self.log_scale >> 11);
        self.scale = if down < 0 {
            power << -down
        } else {
            power >> down
        } << 2;
    }

    /// §3.6: follows a difference and predicts the next sample.
    fn predict(&mut self, difference: i32) {
        let reconstructed = saturate(self.predicted + difference);
        let partly = saturate(self.by_zeros + difference);
        self.adapt_poles(partly);
        self.adapt_zeros(difference);

        self.differences.rotate_right(1);
        self.differences[0] = difference;
        self.reconstructed = [reconstructed, self.reconstructed[0]];
        self.partly = [partly, self.partly[0]];
        let by_poles = weighted(&self.poles, &self.reconstructed);
        self.by_zeros = weighted(&self.zeros, &self.differences);
        self.predicted = saturate(saturate(by_poles) + self.by_zeros);
    }

    fn adapt_poles(&mut self, partly: i32) {
        let same = self.partly.map(|before| (before < 0) == (partly < 0));
        let towards = |same: bool, step: i32| if same { step } else { -step };
        let first = saturate(self.poles[0] << 2);
        let first = towards(!same[0], first).min(32_767) >> 7;
        let second = first + towards(same[1], 128) + ((self.poles[1] * 32_512) >> 15);
        let second = second.clamp(-12_288, 12_288);
        let limit = saturate(15_360 - second);
        let first = towards(same[0], 192) + ((self.poles[0] * 32_640) >> 15);
        self.poles = [saturate(first).clamp(-limit, limit), second];
    }

    fn adapt_zeros(&mut self, difference: i32) {
        let step = if difference == 0 { 0 } else { 128 };
        for (zero, before) in self.zeros.iter_mut().zip(self.differences) {
            let same = (before < 0) == (difference < 0);
            let step = if same { step } else { -step };
            *zero = saturate(step + ((*zero * 32_640) >> 15));
        }
    }
}

/// The sum of samples by their coefficients, the last one first; each product is cut.
fn weighted(coefficients: &[i32], samples: &[i32]) -> i32 {
    let pairs = coefficients.iter().zip(samples).rev();
    let sum = pairs.fold(0, |sum, (by, sample)| {
        sum + ((by * saturate(2 * sample)) >> 15)
    });
    saturate(sum)
}

fn saturate(value: i32) -> i32 {
    value.clamp(-32_768, 32_767)
}

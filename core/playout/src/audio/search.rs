use std::ops::RangeInclusive;

/// Finds where sound repeats itself. At 4 kHz first, then exactly.
#[derive(Debug, Default)]
pub(crate) struct Search {
    reference: Vec<f32>,
    region: Vec<f32>,
}

/// A place where sound is alike.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Likeness {
    /// Where, in samples a channel.
    pub(crate) at: usize,
    /// 1 where it is the same but for its loudness, 0 where it has nothing to do with it.
    pub(crate) correlation: f32,
}

impl Search {
    /// Where in `region` what is most like `reference` begins. All are interleaved; the region reaches
    /// beyond the last place by the length of the reference.
    pub(crate) fn best(
        &mut self,
        reference: &[f32],
        region: &[f32],
        places: RangeInclusive<usize>,
        (rate, channels): (u32, usize),
    ) -> Likeness {
        let step = (rate / COARSE_RATE).max(1) as usize;
        decimate(reference, step, channels, &mut self.reference);
        decimate(region, step, channels, &mut self.region);
        let coarse = places.start().div_ceil(step)..=places.end() / step;
        let found = scan(&self.reference, &self.region, coarse, channels);

        let around = (found.at * step).saturating_sub(step)..=found.at * step + step;
        let first = *around.start().max(places.start());
        let last = *around.end().min(places.end());
        scan(reference, region, first..=last, channels)
    }
}

/// How alike two pieces of sound are.
pub(crate) fn correlation(a: &[f32], b: &[f32]) -> f32 {
    let (mut product, mut of_a, mut of_b) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        product += a * b;
        of_a += a * a;
        of_b += b * b;
    }
    product / (of_a * of_b).sqrt().max(SILENCE)
}

/// The mean of the squares.
pub(crate) fn power(samples: &[f32]) -> f32 {
    samples.iter().map(|it| it * it).sum::<f32>() / samples.len().max(1) as f32
}

fn scan(
    reference: &[f32],
    region: &[f32],
    places: RangeInclusive<usize>,
    channels: usize,
) -> Likeness {
    let mut best = Likeness {
        at: *places.start(),
        correlation: -1.0,
    };
    for at in places {
        let Some(piece) = region.get(at * channels..at * channels + reference.len()) else {
            break;
        };
        let correlation = correlation(reference, piece);
        if correlation > best.correlation {
            best = Likeness { at, correlation };
        }
    }
    best
}

/// Every sample a channel of the result is the mean of `step` ones.
fn decimate(samples: &[f32], step: usize, channels: usize, out: &mut Vec<f32>) {
    out.clear();
    for group in samples.chunks_exact(step * channels) {
        for channel in 0..channels {
            let sum: f32 = group[channel..].iter().step_by(channels).sum();
            out.push(sum / step as f32);
        }
    }
}

const COARSE_RATE: u32 = 4_000;
/// Of a product of energies, so that silence is like nothing.
const SILENCE: f32 = 1e-9;

#[cfg(test)]
mod tests {
    use duologue_base::float;

    use super::*;

    #[test]
    fn a_period_is_found_to_the_sample() {
        for (rate, period) in [(48_000, 331.0), (16_000, 101.0), (8_000, 57.0)] {
            let voice = |at: usize| {
                let phase = at as f32 * std::f32::consts::TAU / period;
                0.5 * float::sin(phase) + 0.3 * float::sin(2.0 * phase)
            };
            let both: Vec<f32> = (0..rate / 20).flat_map(|at| [voice(at), 0.0]).collect();
            let (reference, window) = (&both[..rate / 100 * 2], rate / 400..=rate * 3 / 200);
            let found = Search::default().best(reference, &both, window, (rate as u32, 2));
            assert_eq!(found.at % period as usize, 0, "{rate}: {found:?}");
            assert!(found.correlation > 0.999, "{found:?}");
        }
    }

    #[test]
    fn silence_is_like_nothing() {
        let silence = [0.0; 1_000];
        let found = Search::default().best(&silence[..100], &silence, 10..=800, (8_000, 1));
        assert_eq!(
            found,
            Likeness {
                at: 10,
                correlation: 0.0
            }
        );
        assert_eq!(power(&[]), 0.0);
    }
}

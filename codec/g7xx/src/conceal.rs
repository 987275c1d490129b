//! What may have been in a packet of G.711 or G.722 that was lost: the last period of the sound again,
//! quieter from one packet to the next.

/// Remembers the end of what was heard.
#[derive(Clone, Debug)]
pub(crate) struct Concealer {
    /// Of one channel, the latest last.
    heard: Vec<f32>,
    rate: usize,
    /// Samples that were made up since the last packet.
    made: usize,
}

/// Of the periods of voices, in milliseconds.
const LONGEST_PERIOD: usize = 15;
const SHORTEST_PERIOD: usize = 2;
/// After so long there is silence, in milliseconds.
const FADED: usize = 60;

impl Concealer {
    pub(crate) fn new(rate: u32) -> Self {
        let rate = rate as usize;
        Concealer {
            heard: vec![0.0; 2 * LONGEST_PERIOD * rate / 1_000],
            rate,
            made: 0,
        }
    }

    pub(crate) fn hear(&mut self, samples: &[f32]) {
        self.made = 0;
        self.remember(samples);
    }

    fn remember(&mut self, samples: &[f32]) {
        let len = self.heard.len();
        let from = samples.len().saturating_sub(len);
        self.heard.extend_from_slice(&samples[from..]);
        let beyond = self.heard.len() - len;
        self.heard.drain(..beyond);
    }

    pub(crate) fn fill(&mut self, out: &mut [f32]) {
        let period = self.period();
        let faded = FADED * self.rate / 1_000;
        let start = self.heard.len() - period;
        for (index, sample) in out.iter_mut().enumerate() {
            let left = faded.saturating_sub(self.made + index) as f32 / faded as f32;
            let before = faded.saturating_sub(self.made) as f32 / faded as f32;
            // What was remembered has been made quieter already.
            let gain = if before > 0.0 { left / before } else { 0.0 };
            *sample = self.heard[start + index % period] * gain;
        }
        self.made += out.len();
        self.remember(out);
    }

    /// The shift at which the end of what was heard is most like itself.
    fn period(&self) -> usize {
        let [shortest, longest] =
            [SHORTEST_PERIOD, LONGEST_PERIOD].map(|ms| ms * self.rate / 1_000);
        let (heard, len) = (&self.heard, self.heard.len());
        let likeness = |shift: usize| {
            let pairs = heard[len - longest..]
                .iter()
                .zip(&heard[len - longest - shift..]);
            let (product, energy) = pairs.fold((0.0, 1e-9), |(product, energy), (a, b)| {
                (product + a * b, energy + b * b)
            });
            f32::max(product, 0.0).powi(2) / energy
        };
        let best = (shortest..=longest).max_by(|a, b| likeness(*a).total_cmp(&likeness(*b)));
        best.unwrap_or(longest)
    }
}

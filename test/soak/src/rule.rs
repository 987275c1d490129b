//! When something is flat.

/// What may be between the beginning and the end of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    /// The end may be so many times the beginning,
    pub(crate) times: f64,
    /// and so much more.
    pub(crate) more: f64,
}

/// What was seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Trend {
    /// The median of the first third of the samples.
    pub(crate) first: f64,
    /// The same of the last third.
    pub(crate) last: f64,
}

impl Rule {
    pub(crate) fn allows(self, trend: Trend) -> bool {
        trend.last <= trend.first * self.times + self.more
    }
}

impl Trend {
    /// None of fewer than three samples, which have no thirds.
    pub(crate) fn of(samples: impl IntoIterator<Item = f64>) -> Option<Self> {
        let samples: Vec<f64> = samples.into_iter().collect();
        let third = samples.len() / 3;
        let (first, last) = (samples.get(..third)?, samples.get(samples.len() - third..)?);
        Some(Trend {
            first: median(first)?,
            last: median(last)?,
        })
    }
}

fn median(samples: &[f64]) -> Option<f64> {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENTH: Rule = Rule {
        times: 1.1,
        more: 0.0,
    };

    #[test]
    fn what_stays_where_it_was_is_flat_and_what_grows_is_not() {
        let noise = |at: usize| 100.0 + (at % 7) as f64;
        let flat = Trend::of((0..90).map(noise)).expect("thirds");
        assert!(TENTH.allows(flat));
        let growing = Trend::of((0..90).map(|at| noise(at) + at as f64)).expect("thirds");
        assert!(!TENTH.allows(growing));
    }

    #[test]
    fn a_moment_of_much_is_no_growth() {
        let mut samples = vec![100.0; 90];
        samples[80..88].fill(500.0);
        assert!(TENTH.allows(Trend::of(samples).expect("thirds")));
    }

    #[test]
    fn there_is_no_trend_without_samples() {
        assert_eq!(Trend::of([1.0, 2.0]), None);
    }
}

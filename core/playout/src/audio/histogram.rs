use std::time::Duration;

/// How often values were, in buckets of one width; what is older counts less.
#[derive(Debug)]
pub(crate) struct Histogram {
    /// They sum to one.
    shares: Vec<f32>,
    width: Duration,
    /// What is left of a share when another value comes.
    keeps: f32,
    added: u32,
}

impl Histogram {
    pub(crate) fn new(buckets: usize, width: Duration, keeps: f32) -> Self {
        Histogram {
            shares: vec![0.0; buckets],
            width,
            keeps,
            added: 0,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.added == 0
    }

    /// One that is beyond the last bucket is in it.
    pub(crate) fn add(&mut self, value: Duration) {
        self.added = self.added.saturating_add(1);
        // The first values count more, so that there is something to go by at all.
        let keeps = (1.0 - FIRST_WEIGHT / (self.added as f32 + 1.0)).clamp(0.0, self.keeps);
        for share in &mut self.shares {
            *share *= keeps;
        }
        let bucket = (value.as_nanos() / self.width.as_nanos().max(1)) as usize;
        let bucket = bucket.min(self.shares.len() - 1);
        self.shares[bucket] += 1.0 - keeps;
    }

    /// What a share of the values stays below: the upper edge of a bucket.
    pub(crate) fn quantile(&self, share: f32) -> Duration {
        let mut sum = 0.0;
        let bucket = self.shares.iter().position(|it| {
            sum += it;
            sum >= share
        });
        self.edge(bucket.unwrap_or(self.shares.len() - 1))
    }

    /// The upper edges of buckets, and the share that lies beyond each.
    pub(crate) fn beyond(&self) -> impl Iterator<Item = (Duration, f32)> + '_ {
        let mut left = 1.0;
        self.shares.iter().enumerate().map(move |(bucket, share)| {
            left -= share;
            (self.edge(bucket), f32::max(left, 0.0))
        })
    }

    fn edge(&self, bucket: usize) -> Duration {
        self.width * (bucket as u32 + 1)
    }
}

/// How much more the first values count.
const FIRST_WEIGHT: f32 = 2.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_quantile_is_what_most_values_stay_below() {
        let mut histogram = Histogram::new(100, ms(5), 0.99);
        (0..1_000).for_each(|n| histogram.add(ms(n % 100)));
        assert_eq!(histogram.quantile(0.5), ms(65));
        assert_eq!(histogram.quantile(0.95), ms(100));
        assert!(!histogram.is_empty());
    }

    #[test]
    fn what_is_older_counts_less() {
        let mut histogram = Histogram::new(100, ms(5), 0.9);
        (0..100).for_each(|_| histogram.add(ms(200)));
        assert_eq!(histogram.quantile(0.95), ms(205));
        (0..30).for_each(|_| histogram.add(ms(0)));
        assert_eq!(histogram.quantile(0.95), ms(5));
    }

    #[test]
    fn values_beyond_the_last_bucket_are_in_it_and_shares_sum_to_one() {
        let mut histogram = Histogram::new(10, ms(10), 0.9);
        (0..50).for_each(|_| histogram.add(Duration::MAX));
        assert_eq!(histogram.quantile(0.95), ms(100));
        let (edge, beyond) = histogram.beyond().last().unwrap();
        assert_eq!(edge, ms(100));
        assert!(beyond < 1e-5, "{beyond}");
    }
}

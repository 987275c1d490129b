//! How often something may happen.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// So many times a second, four seconds' worth of them at once.
pub(crate) struct Bucket(Mutex<Level>);

struct Level {
    rate: f64,
    left: f64,
    at: Option<Instant>,
}

impl Bucket {
    pub(crate) fn new(rate: u32) -> Self {
        let rate = f64::from(rate);
        let left = rate * BURST;
        Bucket(Mutex::new(Level {
            rate,
            left,
            at: None,
        }))
    }

    /// Whether it may happen at this time; then that counts.
    pub(crate) fn take(&self, now: Instant) -> bool {
        let mut level = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let since = level.at.replace(now);
        let since = since.map_or(0.0, |at| (now - at).as_secs_f64());
        level.left = (level.left + since * level.rate).min(level.rate * BURST);
        let taken = level.left >= 1.0;
        level.left -= f64::from(u8::from(taken));
        taken
    }

    /// It is as a new one.
    fn is_full(&self, now: Instant) -> bool {
        let level = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let full = level.rate * BURST;
        level
            .at
            .is_none_or(|at| level.left + (now - at).as_secs_f64() * level.rate >= full)
    }
}

/// A bucket for each of no more than so many.
pub(crate) struct Buckets<K> {
    rate: u32,
    most: usize,
    each: Mutex<HashMap<K, Bucket>>,
}

impl<K: Eq + Hash> Buckets<K> {
    pub(crate) fn new(rate: u32, most: usize) -> Self {
        Buckets {
            rate,
            most,
            each: Mutex::default(),
        }
    }

    /// Whether it may happen to this one at this time; then that counts. One more than there may be waits until
    /// another's bucket is full again.
    pub(crate) fn take(&self, of: K, now: Instant) -> bool {
        let mut each = self.each.lock().unwrap_or_else(PoisonError::into_inner);
        if each.len() == self.most && !each.contains_key(&of) {
            each.retain(|_, bucket| !bucket.is_full(now));
            if each.len() == self.most {
                return false;
            }
        }
        let bucket = each.entry(of).or_insert_with(|| Bucket::new(self.rate));
        bucket.take(now)
    }
}

/// Who comes from another machine: an address, of IPv6 the network that one household has.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Source(IpAddr);

impl Source {
    /// None: the machine itself, where a proxy comes from with everybody behind it. Only what all have together bounds it.
    pub(crate) fn of(address: IpAddr) -> Option<Self> {
        let address = match address.to_canonical() {
            IpAddr::V6(address) => {
                let network = u128::from(address) >> 64 << 64;
                match address.is_loopback() {
                    true => address.into(),
                    false => IpAddr::V6(network.into()),
                }
            }
            address => address,
        };
        (!address.is_loopback()).then_some(Source(address))
    }
}

const BURST: f64 = 4.0;

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_bucket_gives_a_burst_and_then_its_rate() {
        let (bucket, now) = (Bucket::new(10), Instant::now());
        let taken = |at| (0..100).filter(|_| bucket.take(at)).count();
        assert_eq!(taken(now), 40);
        assert_eq!(taken(now + Duration::from_secs(1)), 10);
        assert_eq!(taken(now + Duration::from_secs(60)), 40);
    }

    #[test]
    fn each_has_its_own_and_who_is_quiet_makes_place() {
        let (buckets, now) = (Buckets::new(1, 2), Instant::now());
        let taken = |of, at| (0..10).filter(|_| buckets.take(of, at)).count();
        assert_eq!(taken('a', now), 4);
        assert_eq!(taken('b', now), 4);
        assert_eq!(taken('c', now), 0);
        assert_eq!(taken('c', now + Duration::from_secs(4)), 4);
    }
}

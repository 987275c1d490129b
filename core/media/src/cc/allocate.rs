//! Who gets what of a transport's rate.

use std::time::Duration;

use duologue_base::Instant;

use super::Bitrate;
use crate::limits::ALLOCATED_STREAMS;

/// Names something that wants a share: a stream, or the transport's SCTP.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ShareKey(pub u32);

/// What a stream wants.
#[derive(Clone, Debug, PartialEq)]
pub struct Demand {
    /// The key of the stream that wants a share.
    pub key: ShareKey,
    /// The least rate of use to the stream: with less it is paused.
    pub min: Bitrate,
    /// The highest rate of use to the stream.
    pub max: Bitrate,
    /// The weight of the stream beside others: 1, 2, 4 and 8 for the W3C's `very-low` to `high`.
    pub weight: u16,
    /// Whether the stream is served before all others, as audio is.
    pub first: bool,
    /// The layers of a simulcast, the lowest first; none for a single encoding. Each is sent when those
    /// below it have their `max` and it has its `min`.
    pub layers: Vec<Layer>,
}

/// A layer of a simulcast.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Layer {
    /// The least rate that the layer is sent with.
    pub min: Bitrate,
    /// The highest rate that the layer is sent with.
    pub max: Bitrate,
}

/// What a stream gets.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Share {
    /// The key of the stream that gets the share.
    pub key: ShareKey,
    /// The rate of the stream, for all its layers; zero while it is paused.
    pub rate: Bitrate,
    /// The rates of the stream's layers, the lowest first; those that are not sent have zero.
    pub layers: Vec<Bitrate>,
}

/// What each stream gets, and what is left.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Allocation {
    /// What each stream gets, in the order of the demands.
    pub shares: Vec<Share>,
    /// What nobody wants: probes may have it.
    pub spare: Bitrate,
    /// The most that all could use.
    pub wanted: Bitrate,
}

/// Divides a target: each its least, then by weight up to its most.
///
/// What is switched on costs a key frame and what is switched off is seen, so that a stream or a layer
/// comes on when 1.15 times what it needs has been there for a second, and goes at once when there is
/// too little. SCTP is one more demand: one controller for the path, as RFC 8699 has it, instead of
/// two that fight.
///
/// ```
/// use duologue_base::Instant;
/// use duologue_media::cc::{Allocator, Bitrate, Demand, ShareKey};
///
/// let demand = |key, min, max, weight| Demand {
///     key: ShareKey(key),
///     min: Bitrate::from_kbps(min),
///     max: Bitrate::from_kbps(max),
///     weight,
///     first: false,
///     layers: Vec::new(),
/// };
/// let mut allocator = Allocator::default();
/// let demands = [demand(1, 32, 32, 2), demand(2, 100, 2_000, 4), demand(3, 0, 100_000, 1)];
/// let allocation = allocator.allocate(Instant::ZERO, Bitrate::from_kbps(1_132), &demands);
/// let rates: Vec<_> = allocation.shares.iter().map(|share| share.rate.kbps()).collect();
/// assert_eq!(rates, [32.0, 900.0, 200.0]);
/// ```
#[derive(Debug, Default)]
pub struct Allocator {
    streams: Vec<Known>,
}

/// What is on, of a stream.
#[derive(Debug)]
struct Known {
    key: ShareKey,
    /// Paused or not; then each layer but the first.
    steps: Vec<Step>,
}

/// Something that is on or off.
#[derive(Clone, Copy, Debug, Default)]
struct Step {
    on: bool,
    /// Since when there is enough for it.
    enough: Option<Instant>,
}

impl Step {
    /// `first` when nothing has been decided yet: then what there is decides.
    fn decide(&mut self, now: Instant, has: Bitrate, needs: Bitrate, first: bool) -> bool {
        if has < needs {
            *self = Step::default();
        } else if first {
            self.on = true;
        } else if !self.on {
            if has < needs * MARGIN {
                self.enough = None;
            } else {
                let since = *self.enough.get_or_insert(now);
                self.on = now - since >= PATIENCE;
            }
        }
        self.on
    }
}

impl Allocator {
    /// Divides the target between the demands; demands beyond 512 get nothing.
    pub fn allocate(&mut self, now: Instant, target: Bitrate, demands: &[Demand]) -> Allocation {
        let demands = &demands[..demands.len().min(ALLOCATED_STREAMS)];
        self.streams
            .retain(|known| demands.iter().any(|demand| demand.key == known.key));

        let (rates, spare) = self.divide(now, target, demands);
        let shares = demands.iter().zip(rates).map(|(demand, rate)| Share {
            key: demand.key,
            rate,
            layers: self.layers(now, demand, rate),
        });
        Allocation {
            shares: shares.collect(),
            spare,
            wanted: demands
                .iter()
                .map(|demand| demand.max)
                .fold(Bitrate::ZERO, |sum, max| sum + max),
        }
    }

    fn divide(
        &mut self,
        now: Instant,
        target: Bitrate,
        demands: &[Demand],
    ) -> (Vec<Bitrate>, Bitrate) {
        let mut rates = vec![Bitrate::ZERO; demands.len()];
        let mut left = target;
        for index in order(demands) {
            let demand = &demands[index];
            let (step, first) = self.step(demand.key, 0);
            let runs = step.decide(now, left, demand.min, first);
            if demand.first || runs {
                rates[index] = demand.min.min(left);
                left = left - rates[index];
            }
        }

        // Audio has its most before others have more than their least; then by weight, round by round,
        // since what one does not need is for the others.
        for first in [true, false] {
            while left > Bitrate::ZERO {
                let open = |index: &usize| {
                    let demand = &demands[*index];
                    let runs = rates[*index] > Bitrate::ZERO || demand.min == Bitrate::ZERO;
                    demand.first == first && runs && rates[*index] < demand.max
                };
                let open: Vec<usize> = (0..demands.len()).filter(open).collect();
                let weights: f64 = open.iter().map(|index| weight(&demands[*index])).sum();
                if open.is_empty() {
                    break;
                }
                let round = left;
                for index in open {
                    let demand = &demands[index];
                    let share = round * (weight(demand) / weights);
                    let more = share.min(demand.max - rates[index]).min(left);
                    rates[index] = rates[index] + more;
                    left = left - more;
                }
                if left == round || left < NOTHING {
                    break;
                }
            }
        }
        (rates, left)
    }

    /// What each layer has of the stream's rate.
    fn layers(&mut self, now: Instant, demand: &Demand, rate: Bitrate) -> Vec<Bitrate> {
        let mut left = rate;
        let mut lower_on = true;
        let mut layers = Vec::with_capacity(demand.layers.len());
        for (index, layer) in demand.layers.iter().enumerate() {
            let on = if index == 0 {
                rate > Bitrate::ZERO
            } else {
                let (step, first) = self.step(demand.key, index);
                step.decide(now, left, layer.min, first) && lower_on
            };
            let own = if on {
                left.min(layer.max)
            } else {
                Bitrate::ZERO
            };
            left = left - own;
            lower_on = on;
            layers.push(own);
        }
        layers
    }

    /// The step of a stream, and whether it is new.
    fn step(&mut self, key: ShareKey, index: usize) -> (&mut Step, bool) {
        let known = self.streams.iter().position(|known| known.key == key);
        let known = known.unwrap_or_else(|| {
            self.streams.push(Known {
                key,
                steps: Vec::new(),
            });
            self.streams.len() - 1
        });
        let steps = &mut self.streams[known].steps;
        let first = steps.len() <= index;
        if first {
            steps.resize(index + 1, Step::default());
        }
        (&mut steps[index], first)
    }
}

/// Those that are served first, then the weightier.
fn order(demands: &[Demand]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..demands.len()).collect();
    order.sort_by_key(|index| {
        let demand = &demands[*index];
        (!demand.first, u16::MAX - demand.weight)
    });
    order
}

fn weight(demand: &Demand) -> f64 {
    f64::from(demand.weight.max(1))
}

const MARGIN: f64 = 1.15;
const PATIENCE: Duration = Duration::from_secs(1);
/// Less is not worth another round.
const NOTHING: Bitrate = Bitrate::from_bps(100);

//! Short bursts above the estimate that show whether the path carries more.

use std::collections::VecDeque;
use std::time::Duration;

use duologue_base::Instant;

use super::{Bitrate, PacketResult};
use crate::limits::PROBES;

/// Names a cluster of packets that probe together.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ClusterId(pub u32);

/// Packets to be sent at a rate of their own, media first and padding for the rest.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Cluster {
    /// The name of the probe, which goes with each of its packets into the
    /// [`History`](super::History).
    pub id: ClusterId,
    /// The rate of its packets, other packets between them included.
    pub rate: Bitrate,
    /// The number of packets after which the probe ends at the earliest.
    pub packets: u32,
    /// The number of bytes after which the probe ends at the earliest.
    pub bytes: usize,
    /// The size of a packet of padding that makes it neither longer nor coarser than it need be.
    pub packet: usize,
    /// Whether the probe looks for room where the application uses all there is. Flows beside ours
    /// give way to a burst, so that what one shows is no free room yet.
    pub quiet: bool,
}

/// What holds the rate now, for whoever would probe.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Holds {
    /// Nothing holds the rate that a probe would make worse.
    Nothing,
    /// Losses did, and it is rising again: up to half more may be probed.
    LossRising,
    /// Losses, a growing queue, or a silent path: probing is no help.
    Congestion,
}

/// When to probe, and how high.
///
/// At the start with 3 and 6 times the first rate; while at least 70 % of a probe come through, with
/// twice that; each 5 s while the application sends less than it may; when it may want more than
/// before; after a sudden fall; and, which libwebrtc does not do, each 2 s while the application wants
/// more than there is and the delay has been quiet: a path that became faster is found within seconds.
///
/// ```
/// use duologue_base::Instant;
/// use duologue_media::cc::{Bitrate, Prober};
///
/// let mut prober = Prober::default();
/// prober.begin(Instant::ZERO, Bitrate::from_kbps(300), Bitrate::from_kbps(5_000));
/// assert_eq!(prober.poll().unwrap().rate, Bitrate::from_kbps(900));
/// assert_eq!(prober.poll().unwrap().rate, Bitrate::from_kbps(1_800));
/// assert_eq!(prober.poll(), None);
/// ```
#[derive(Debug)]
pub struct Prober {
    state: State,
    holds: Holds,
    estimate: Bitrate,
    max: Bitrate,
    /// The most that the streams can use.
    wanted: Option<Bitrate>,
    alr_since: Option<Instant>,
    alr_ended: Option<Instant>,
    /// When the delay last grew.
    disturbed: Option<Instant>,
    begun: Option<Instant>,
    /// The last probe, and the last after a fall.
    last: Option<Instant>,
    last_after_fall: Option<Instant>,
    fall: Option<(Instant, Bitrate)>,
    next_id: u32,
    queue: VecDeque<Cluster>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Idle,
    /// An estimate above this is worth another probe.
    Waiting(Bitrate),
    Done,
}

impl Default for Prober {
    fn default() -> Self {
        Prober {
            state: State::Idle,
            holds: Holds::Nothing,
            estimate: Bitrate::ZERO,
            max: Bitrate::MAX,
            wanted: None,
            alr_since: None,
            alr_ended: None,
            disturbed: None,
            begun: None,
            last: None,
            last_after_fall: None,
            fall: None,
            next_id: 0,
            queue: VecDeque::new(),
        }
    }
}

impl Prober {
    /// The path is there: probes well above the first rate.
    pub fn begin(&mut self, now: Instant, start: Bitrate, max: Bitrate) {
        *self = Prober {
            estimate: start,
            max,
            begun: Some(now),
            wanted: self.wanted,
            next_id: self.next_id,
            ..Prober::default()
        };
        self.probe(now, &[start * FIRST, start * SECOND], true);
    }

    /// The application allows this much.
    pub fn set_max(&mut self, now: Instant, max: Bitrate) {
        let raised = max > self.max;
        self.max = max;
        if raised && self.state == State::Done && self.estimate < max {
            self.probe(now, &[max], false);
        }
    }

    /// The streams can use so much altogether.
    pub fn set_wanted(&mut self, now: Instant, wanted: Bitrate) {
        let changed = self.wanted.replace(wanted) != Some(wanted);
        let limit = self.estimate * ALLOCATION_LIMIT;
        let worth = self.state == State::Done
            && self.alr_since.is_some()
            && self.estimate < self.max.min(wanted);
        if changed && worth {
            let first = wanted.min(limit);
            let second = (wanted * 2.0).min(limit);
            if second > first {
                self.probe(now, &[first, second], second == limit);
            } else {
                self.probe(now, &[first], first == limit);
            }
        }
    }

    /// Since when the application sends less than it may.
    pub fn set_alr(&mut self, now: Instant, since: Option<Instant>) {
        if self.alr_since.is_some() && since.is_none() {
            self.alr_ended = Some(now);
        }
        self.alr_since = since;
    }

    /// The estimate is this now, and so it is held.
    pub fn handle_estimate(&mut self, now: Instant, estimate: Bitrate, holds: Holds) {
        self.holds = holds;
        if holds == Holds::Congestion {
            self.disturbed = Some(now);
        }
        if estimate < self.estimate * FALL {
            self.fall = Some((now, self.estimate));
        }
        self.estimate = estimate;
        if let State::Waiting(worth) = self.state
            && estimate > worth
        {
            self.probe(now, &[estimate * FURTHER], true);
        }
    }

    /// The delay is back to normal after a queue drained.
    pub fn handle_recovery(&mut self, now: Instant) {
        let (Some((fallen, before)), State::Done) = (self.fall, self.state) else {
            return;
        };
        let limited = self.alr_since.is_some()
            || self
                .alr_ended
                .is_some_and(|ended| now - ended < ALR_ENDED_LATELY);
        let rate = before * AFTER_FALL;
        let since_last = self.last_after_fall.map(|at| now - at);
        if limited
            && rate * (1.0 - UNCERTAINTY) > self.estimate
            && now - fallen < FALL_TIMEOUT
            && since_last.is_none_or(|time| time > AFTER_FALL_INTERVAL)
        {
            self.last_after_fall = Some(now);
            self.probe(now, &[rate], false);
        }
    }

    /// Time passes.
    pub fn handle_tick(&mut self, now: Instant) {
        let since_last = self.last.map_or(Duration::MAX, |last| now - last);
        if matches!(self.state, State::Waiting(_)) && since_last > RESULT_TIMEOUT {
            self.state = State::Done;
        }
        if self.state != State::Done {
            return;
        }
        let alr = self
            .alr_since
            .is_some_and(|since| now - since >= ALR_INTERVAL && since_last >= ALR_INTERVAL);
        if alr {
            self.probe(now, &[self.estimate * ALR_FACTOR], true);
        } else if self.is_quiet(now) && since_last >= QUIET_INTERVAL {
            self.probe_as(now, &[self.estimate * QUIET_FACTOR], true, true);
        }
    }

    /// The next cluster to be sent.
    pub fn poll(&mut self) -> Option<Cluster> {
        self.queue.pop_front()
    }

    fn is_quiet(&self, now: Instant) -> bool {
        let wanted = self.wanted.is_none_or(|wanted| wanted > self.estimate);
        let quiet = self
            .disturbed
            .or(self.begun)
            .is_some_and(|at| now - at >= QUIET);
        self.alr_since.is_none() && wanted && quiet && self.holds == Holds::Nothing
    }

    fn probe(&mut self, now: Instant, rates: &[Bitrate], further: bool) {
        self.probe_as(now, rates, further, false);
    }

    fn probe_as(&mut self, now: Instant, rates: &[Bitrate], further: bool, quiet: bool) {
        let mut most = self.max;
        if let Some(wanted) = self.wanted.filter(|wanted| *wanted > Bitrate::ZERO) {
            most = most.min(wanted * 2.0);
        }
        match self.holds {
            Holds::Nothing => {}
            Holds::LossRising => most = most.min(self.estimate * LOSS_RISING_FACTOR),
            Holds::Congestion => {
                if self.state == State::Idle {
                    self.state = State::Done;
                }
                return;
            }
        }

        let mut further = further;
        let mut highest = Bitrate::ZERO;
        for &rate in rates {
            further &= rate < most;
            let rate = rate.min(most);
            if self.queue.len() < PROBES && rate > Bitrate::ZERO {
                let cluster = self.cluster(rate, quiet);
                self.queue.push_back(cluster);
                highest = rate;
            }
        }
        self.last = Some(now);
        self.state = if further {
            State::Waiting(highest * FURTHER_ABOVE)
        } else {
            State::Done
        };
    }

    fn cluster(&mut self, rate: Bitrate, quiet: bool) -> Cluster {
        let id = ClusterId(self.next_id);
        self.next_id = self.next_id.wrapping_add(1);
        let bytes = rate.bytes_in(DURATION);
        Cluster {
            id,
            rate,
            packets: PACKETS,
            bytes,
            packet: bytes
                .div_ceil(PACKETS as usize)
                .clamp(PACKET_MIN, PACKET_MAX),
            quiet,
        }
    }
}

/// What a probe shows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Shown {
    /// The rate that came through, a little less where that was all.
    pub rate: Bitrate,
    /// Whether the probe did not come through as it was sent.
    pub saturated: bool,
    /// Whether the probe looked for room where the application uses all there is, as its cluster says.
    pub quiet: bool,
}

/// What came of the probes.
#[derive(Debug, Default)]
pub struct ProbeResults {
    clusters: VecDeque<Measured>,
}

#[derive(Clone, Copy, Debug)]
struct Measured {
    cluster: Cluster,
    packets: u32,
    size: usize,
    sent: Option<(Instant, Instant)>,
    size_last_sent: usize,
    arrived: Option<(Instant, Instant)>,
    size_first_arrived: usize,
}

impl ProbeResults {
    /// A cluster will be sent.
    pub fn expect(&mut self, cluster: Cluster) {
        if self.clusters.len() == PROBES {
            self.clusters.pop_front();
        }
        self.clusters.push_back(Measured {
            cluster,
            packets: 0,
            size: 0,
            sent: None,
            size_last_sent: 0,
            arrived: None,
            size_first_arrived: 0,
        });
    }

    /// A packet of a probe. What its cluster shows, once enough of it came through.
    pub fn push(&mut self, packet: &PacketResult) -> Option<Shown> {
        let (id, arrival) = (packet.probe?, packet.arrival?);
        let measured = self.clusters.iter_mut().find(|one| one.cluster.id == id)?;
        measured.push(packet, arrival);
        measured.rate()
    }
}

impl Measured {
    fn push(&mut self, packet: &PacketResult, arrival: Instant) {
        let (first, last) = *self.sent.get_or_insert((packet.sent, packet.sent));
        if packet.sent >= last {
            self.size_last_sent = packet.size;
        }
        self.sent = Some((first.min(packet.sent), last.max(packet.sent)));

        let (first, last) = self.arrived.unwrap_or((arrival, arrival));
        if arrival < first || self.arrived.is_none() {
            self.size_first_arrived = packet.size;
        }
        self.arrived = Some((first.min(arrival), last.max(arrival)));

        self.packets += 1;
        self.size = self.size.saturating_add(packet.size);
    }

    fn rate(&self) -> Option<Shown> {
        let enough = f64::from(self.packets) >= f64::from(self.cluster.packets) * RECEIVED_SHARE
            && self.size as f64 >= self.cluster.bytes as f64 * RECEIVED_SHARE;
        let (sent, arrived) = (self.sent?, self.arrived?);
        let (send_time, receive_time) = (sent.1 - sent.0, arrived.1 - arrived.0);
        let plausible = |time: Duration| !time.is_zero() && time <= INTERVAL_MAX;
        if !enough || !plausible(send_time) || !plausible(receive_time) {
            return None;
        }

        // The last packet sent, and the first that arrived, took time outside of the intervals.
        let send_rate = Bitrate::over(self.size - self.size_last_sent, send_time);
        let receive_rate = Bitrate::over(self.size - self.size_first_arrived, receive_time);
        if receive_rate > send_rate * RATIO_MAX {
            return None;
        }
        // What came through slower than it was sent is what the path carries: a little less does not
        // fill its queue.
        let saturated = receive_rate < send_rate * UNSATURATED;
        let rate = if saturated {
            receive_rate * UTILISATION
        } else {
            send_rate.min(receive_rate)
        };
        Some(Shown {
            rate,
            saturated,
            quiet: self.cluster.quiet,
        })
    }
}

const FIRST: f64 = 3.0;
const SECOND: f64 = 6.0;
const FURTHER: f64 = 2.0;
const FURTHER_ABOVE: f64 = 0.7;
const ALLOCATION_LIMIT: f64 = 2.0;
const ALR_FACTOR: f64 = 2.0;
const ALR_INTERVAL: Duration = Duration::from_secs(5);
const ALR_ENDED_LATELY: Duration = Duration::from_secs(3);
const LOSS_RISING_FACTOR: f64 = 1.5;
const FALL: f64 = 0.66;
const FALL_TIMEOUT: Duration = Duration::from_secs(5);
const AFTER_FALL: f64 = 0.85;
const AFTER_FALL_INTERVAL: Duration = Duration::from_secs(5);
const UNCERTAINTY: f64 = 0.05;
const RESULT_TIMEOUT: Duration = Duration::from_secs(1);
/// Ours: the delay has been quiet for so long, and the last such probe is so long ago.
const QUIET: Duration = Duration::from_secs(1);
const QUIET_INTERVAL: Duration = Duration::from_secs(2);
const QUIET_FACTOR: f64 = 2.0;
const PACKETS: u32 = 5;
const DURATION: Duration = Duration::from_millis(15);
const PACKET_MIN: usize = 200;
const PACKET_MAX: usize = 1_200;
const RECEIVED_SHARE: f64 = 0.8;
const INTERVAL_MAX: Duration = Duration::from_secs(1);
const RATIO_MAX: f64 = 2.0;
const UNSATURATED: f64 = 0.9;
const UTILISATION: f64 = 0.95;

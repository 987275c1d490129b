//! How fast packets arrive: the acknowledged bitrate.

use std::collections::VecDeque;
use std::time::Duration;

use duologue_base::Instant;

use super::{Bitrate, PacketResult};
use crate::limits::THROUGHPUT_PACKETS;

/// The rate of arrivals over the last packets.
///
/// The window holds at least 20 packets and a second of them. Its rate is the smaller of what was
/// sent and what arrived in it, the longest pause between two arrivals left out, so that neither a
/// stall of the path nor the burst after it misleads (libwebrtc's robust throughput estimator).
///
/// ```
/// use duologue_base::{Ecn, Instant};
/// use duologue_media::cc::{Bitrate, PacketResult, Throughput};
/// use std::time::Duration;
///
/// let mut throughput = Throughput::default();
/// for sequence in 0..20 {
///     let sent = Instant::ZERO + Duration::from_millis(10 * sequence);
///     throughput.push(&PacketResult {
///         sequence,
///         sent,
///         size: 1_000,
///         arrival: Some(sent + Duration::from_millis(50)),
///         ecn: Ecn::NotEct,
///         probe: None,
///     });
/// }
/// assert_eq!(throughput.rate(), Some(Bitrate::from_kbps(800)));
/// ```
#[derive(Debug, Default)]
pub struct Throughput {
    /// By arrival.
    window: VecDeque<Arrival>,
    /// When the newest packet that left the window was sent.
    discarded: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Arrival {
    sent: Instant,
    at: Instant,
    size: usize,
}

impl Throughput {
    /// A packet, in the order of arrivals; those that did not arrive do not count.
    pub fn push(&mut self, packet: &PacketResult) {
        let Some(at) = packet.arrival else {
            return;
        };
        let newest = self.window.back().map_or(at, |last| last.at);
        if newest - at > REORDERING_MAX {
            self.window.clear();
            self.discarded = None;
        }
        let later = self.window.iter().rev().take_while(|one| one.at > at);
        let place = self.window.len() - later.count();
        self.window.insert(
            place,
            Arrival {
                sent: packet.sent,
                at,
                size: packet.size,
            },
        );

        while self.is_first_outside() {
            if let Some(first) = self.window.pop_front() {
                self.discarded = self.discarded.max(Some(first.sent));
            }
        }
    }

    /// The rate; `None` until there are enough packets for one.
    pub fn rate(&self) -> Option<Bitrate> {
        if self.window.len() < PACKETS_NEEDED {
            return None;
        }
        let (first, last) = (self.window.front()?, self.window.back()?);
        // One pass: it is asked for with each feedback.
        let (mut received, mut pauses) = (0, Pauses::default());
        let (mut in_order, mut sent) = (0, 0);
        let (mut oldest, mut newest) = (last, first);
        let mut before = first.at;
        for one in &self.window {
            received += one.size;
            pauses.push(one.at - before);
            before = one.at;
            // What was sent before packets that have left the window already is late: its time of sending says nothing
            // of the rate.
            if Some(one.sent) < self.discarded {
                continue;
            }
            if in_order == 0 || one.sent < oldest.sent {
                oldest = one;
            }
            if in_order == 0 || one.sent >= newest.sent {
                newest = one;
            }
            in_order += 1;
            sent += one.size;
        }

        let duration = (last.at - first.at) - pauses.surplus_of_longest();
        let arrived = rate(received - first.size, duration);
        if in_order < PACKETS_NEEDED {
            return Some(arrived);
        }
        Some(rate(sent - newest.size, newest.sent - oldest.sent).min(arrived))
    }

    /// The rate of what arrived in the last so much time, if that is enough packets: quicker to
    /// follow a path that became slower, and less exact.
    pub fn recent_rate(&self, time: Duration) -> Option<Bitrate> {
        let newest = self.window.back()?.at;
        let since = newest - time;
        let packets = self.window.iter().filter(|one| one.at >= since).count();
        if packets < RECENT_PACKETS_NEEDED || packets == self.window.len() {
            return None;
        }
        // A pause is left out of a second; of a fifth of one it may be the news.
        let bytes = self.window.iter().filter(|one| one.at > since);
        Some(Bitrate::over(bytes.map(|one| one.size).sum(), time))
    }

    fn is_first_outside(&self) -> bool {
        let (Some(first), Some(last)) = (self.window.front(), self.window.back()) else {
            return false;
        };
        let time = last.at - first.at;
        let packets = self.window.len();
        packets > THROUGHPUT_PACKETS
            || time > WINDOW_MAX
            || (packets > WINDOW_PACKETS && time > WINDOW_MIN)
    }
}

/// The two longest pauses between arrivals.
#[derive(Debug, Default)]
struct Pauses([Duration; 2]);

impl Pauses {
    fn push(&mut self, pause: Duration) {
        let [longest, second] = self.0;
        if pause > longest {
            self.0 = [pause, longest];
        } else if pause > second {
            self.0 = [longest, pause];
        }
    }

    /// How much the longest is longer than the second longest.
    fn surplus_of_longest(&self) -> Duration {
        self.0[0] - self.0[1]
    }
}

fn rate(bytes: usize, time: Duration) -> Bitrate {
    Bitrate::over(bytes, time.max(Duration::from_millis(1)))
}

const PACKETS_NEEDED: usize = 10;
const RECENT_PACKETS_NEEDED: usize = 4;
const WINDOW_PACKETS: usize = 20;
const WINDOW_MIN: Duration = Duration::from_secs(1);
const WINDOW_MAX: Duration = Duration::from_secs(5);
/// Arrivals that go back by more come from another clock.
const REORDERING_MAX: Duration = Duration::from_secs(1);

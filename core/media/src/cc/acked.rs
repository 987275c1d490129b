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
        self.rate_since(None)
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

    fn rate_since(&self, since: Option<Instant>) -> Option<Bitrate> {
        let window = self.window.iter().filter(|one| Some(one.at) >= since);
        let first = window.clone().next()?;
        let last = window.clone().next_back()?;
        let received: usize = window.clone().map(|one| one.size).sum();
        let duration = (last.at - first.at) - self.surplus_of_longest_pause();
        let arrived = rate(received - first.size, duration);

        // What was sent before packets that have left the window already is late: its time of sending
        // says nothing of the rate.
        let in_order = window.filter(|one| Some(one.sent) >= self.discarded);
        let count = in_order.clone().count();
        if count < PACKETS_NEEDED {
            return Some(arrived);
        }
        let newest = in_order.clone().max_by_key(|one| one.sent)?;
        let oldest = in_order.clone().map(|one| one.sent).min()?;
        let sent: usize = in_order.map(|one| one.size).sum();
        Some(rate(sent - newest.size, newest.sent - oldest).min(arrived))
    }

    /// How much the longest pause between arrivals is longer than the second longest.
    fn surplus_of_longest_pause(&self) -> Duration {
        let mut longest = [Duration::ZERO; 2];
        for (one, next) in self.window.iter().zip(self.window.iter().skip(1)) {
            let pause = next.at - one.at;
            if pause > longest[0] {
                longest = [pause, longest[0]];
            } else if pause > longest[1] {
                longest[1] = pause;
            }
        }
        longest[0] - longest[1]
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

//! When RTCP is sent (RFC 3550 §6.2, §6.3 and §A.7; RFC 4585 §3.5), as pure functions: the times
//! and counts are the caller's.
//!
//! ```
//! use std::time::Duration;
//! use duologue_base::Rng;
//! use duologue_rtp::rtcp::timing::{Minimum, Session};
//!
//! // Two ends of a call of 2 Mbit/s, of which 5 % are RTCP's.
//! let session = Session {
//!     members: 2,
//!     senders: 2,
//!     we_send: true,
//!     rtcp_bandwidth: 100_000,
//!     average_size: 120,
//!     initial: false,
//!     minimum: Minimum::Reduced { session_bandwidth: 2_000_000 },
//! };
//! assert_eq!(session.deterministic_interval(), Duration::from_millis(180));
//! let interval = session.interval(&mut Rng::from_u64(1));
//! assert!(interval > Duration::from_millis(73) && interval < Duration::from_millis(222));
//! ```

use std::time::Duration;

use duologue_base::{Instant, Rng};

/// What the interval depends on (RFC 3550 §6.3).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Session {
    /// Participants, this one included.
    pub members: u32,
    /// Participants that send, this one included if it does.
    pub senders: u32,
    /// Whether this participant sends.
    pub we_send: bool,
    /// Bits per second that all RTCP together may take: 5 % of the session, as a rule (§6.2).
    pub rtcp_bandwidth: u64,
    /// Bytes of a datagram of RTCP, headers of UDP and IP included, as
    /// [`average_size`] has it.
    pub average_size: u32,
    /// Whether no RTCP was sent yet.
    pub initial: bool,
    /// What the interval is not below.
    pub minimum: Minimum,
}

/// What an interval is not below.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Minimum {
    /// Five seconds, half of it at first (RFC 3550 §6.2).
    Standard,
    /// 360 s divided by the session's kilobits per second, half of it at first (RFC 3550 §6.2).
    Reduced {
        /// Bits per second of all that the session sends.
        session_bandwidth: u64,
    },
    /// The time given here; zero is usual with feedback (RFC 4585 §3.4, `T_rr_interval`).
    Fixed(Duration),
}

impl Session {
    /// The interval before chance (RFC 3550 §6.3.1 steps 1 to 3).
    pub fn deterministic_interval(&self) -> Duration {
        // Senders have a quarter of the bandwidth, if they are not more than a quarter.
        let few_senders = u64::from(self.senders) * 4 <= u64::from(self.members);
        let (share, sharing) = match (few_senders, self.we_send) {
            (true, true) => (0.25, self.senders),
            (true, false) => (0.75, self.members - self.senders),
            (false, _) => (1.0, self.members),
        };
        let bits = f64::from(self.average_size) * 8.0 * f64::from(sharing);
        let bandwidth = self.rtcp_bandwidth.max(1) as f64 * share;
        let fair = Duration::from_secs_f64((bits / bandwidth).min(MAX_SECONDS));
        fair.max(self.minimum())
    }

    /// The interval (RFC 3550 §6.3.1 steps 4 and 5): half to one and a half times the other, divided
    /// by e − 3/2 for what reconsideration adds.
    pub fn interval(&self, rng: &mut Rng) -> Duration {
        let factor = (0.5 + rng.unit()) / COMPENSATION;
        self.deterministic_interval().mul_f64(factor)
    }

    fn minimum(&self) -> Duration {
        let minimum = match self.minimum {
            Minimum::Standard => Duration::from_secs(5),
            Minimum::Reduced { session_bandwidth } => {
                let seconds = 360_000.0 / session_bandwidth.max(1) as f64;
                Duration::from_secs_f64(seconds.min(MAX_SECONDS))
            }
            Minimum::Fixed(minimum) => return minimum,
        };
        if self.initial { minimum / 2 } else { minimum }
    }
}

/// The average size of datagrams with another one of `size` bytes (RFC 3550 §6.3.3); both with the
/// headers of UDP and IP.
pub const fn average_size(average: u32, size: u32) -> u32 {
    ((average as u64 * 15 + size as u64) / 16) as u32
}

/// What is to be done when the timer of RTCP expires.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Expiry {
    /// Send now.
    Send,
    /// Wait on until then: there are more members than when the timer was set.
    Wait(Instant),
}

/// Reconsiders with an interval of now (RFC 3550 §6.3.6); `last` is when RTCP was sent before.
pub fn reconsider(last: Instant, now: Instant, interval: Duration) -> Expiry {
    let due = last + interval;
    if due <= now {
        Expiry::Send
    } else {
        Expiry::Wait(due)
    }
}

/// Moves the time of the next and of the last report together when members have left (RFC 3550
/// §6.3.4): `members` are there now, `before` were when `next` was set. The new `(next, last)`.
pub fn reverse_reconsideration(
    next: Instant,
    last: Instant,
    now: Instant,
    members: u32,
    before: u32,
) -> (Instant, Instant) {
    if members >= before {
        return (next, last);
    }
    let share = f64::from(members) / f64::from(before);
    (
        now + (next - now).mul_f64(share),
        now - (now - last).mul_f64(share),
    )
}

/// When feedback about something that happened now leaves.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FeedbackTime {
    /// Feedback leaves before the next report; after it, [`after_early`] says when the next one is.
    Early(Instant),
    /// Feedback leaves with the next report.
    WithReport,
}

/// When feedback may leave (RFC 4585 §3.5.2): between two ends at once, in groups after a random
/// part of half an `interval`, if no other was early since the last regular report.
pub fn feedback_time(
    now: Instant,
    next_report: Instant,
    interval: Duration,
    members: u32,
    early_allowed: bool,
    rng: &mut Rng,
) -> FeedbackTime {
    // §3.5.1: T_dither_max.
    let dither = match members {
        0..=2 => Duration::ZERO,
        _ => interval / 2,
    };
    if !early_allowed || now + dither >= next_report {
        return FeedbackTime::WithReport;
    }
    FeedbackTime::Early(now + dither.mul_f64(rng.unit()))
}

/// When the next regular report is due after an early one (RFC 4585 §3.5.2 step 6): one interval is
/// left out, so that the average stays.
pub fn after_early(last_report: Instant, interval: Duration) -> Instant {
    last_report + interval * 2
}

/// e − 3/2 (RFC 3550 §6.3.1).
const COMPENSATION: f64 = std::f64::consts::E - 1.5;
/// A day: intervals beyond it mean nothing.
const MAX_SECONDS: f64 = 86_400.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> Session {
        Session {
            members: 2,
            senders: 1,
            we_send: false,
            rtcp_bandwidth: 8_000,
            average_size: 100,
            initial: false,
            minimum: Minimum::Fixed(Duration::ZERO),
        }
    }

    fn secs(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    #[test]
    fn all_share_the_bandwidth_unless_few_send() {
        // 100 bytes in 1,000 bytes a second.
        assert_eq!(session().deterministic_interval(), secs(0.2));
        let group = Session {
            members: 40,
            senders: 10,
            ..session()
        };
        // Thirty receivers have three quarters, ten senders one.
        assert_eq!(group.deterministic_interval(), secs(30.0 / 7.5));
        let sender = Session {
            we_send: true,
            ..group
        };
        assert_eq!(sender.deterministic_interval(), secs(10.0 / 2.5));
        let many = Session {
            senders: 11,
            ..group
        };
        assert_eq!(many.deterministic_interval(), secs(40.0 / 10.0));
    }

    #[test]
    fn the_minimum_is_halved_at_first() {
        let with = |minimum, initial| Session {
            minimum,
            initial,
            ..session()
        };
        let interval = |minimum, initial| with(minimum, initial).deterministic_interval();
        assert_eq!(interval(Minimum::Standard, false), secs(5.0));
        assert_eq!(interval(Minimum::Standard, true), secs(2.5));
        // RFC 3550 §6.2: less than five seconds from 72 kbit/s on.
        let reduced = |session_bandwidth| Minimum::Reduced { session_bandwidth };
        assert_eq!(interval(reduced(72_000), false), secs(5.0));
        assert_eq!(interval(reduced(360_000), false), secs(1.0));
        assert_eq!(interval(reduced(360_000), true), secs(0.5));
        assert_eq!(interval(reduced(0), false), secs(86_400.0));
        let fixed = Minimum::Fixed(secs(1.0));
        assert_eq!(interval(fixed, true), secs(1.0));
    }

    #[test]
    fn no_bandwidth_is_a_long_interval() {
        let none = Session {
            rtcp_bandwidth: 0,
            members: u32::MAX,
            average_size: u32::MAX,
            ..session()
        };
        assert_eq!(none.deterministic_interval(), secs(86_400.0));
    }

    #[test]
    fn chance_spreads_the_interval_around_its_compensated_mean() {
        let mut rng = Rng::from_u64(7);
        let standard = Session {
            minimum: Minimum::Standard,
            ..session()
        };
        let intervals: Vec<_> = (0..2_000).map(|_| standard.interval(&mut rng)).collect();
        let bound = |factor: f64| secs(5.0 * factor / COMPENSATION);
        assert!(
            intervals
                .iter()
                .all(|i| *i >= bound(0.5) && *i <= bound(1.5))
        );
        let mean = intervals.iter().sum::<Duration>() / 2_000;
        assert!(mean > bound(0.97) && mean < bound(1.03), "{mean:?}");
        assert!(intervals.iter().max() > Some(&bound(1.45)));
        assert!(intervals.iter().min() < Some(&bound(0.55)));
    }

    #[test]
    fn the_average_moves_by_a_sixteenth() {
        assert_eq!(average_size(160, 320), 170);
        assert_eq!(average_size(u32::MAX, u32::MAX), u32::MAX);
    }

    #[test]
    fn a_timer_is_reconsidered() {
        let at = |seconds| Instant::ZERO + secs(seconds);
        assert_eq!(reconsider(at(10.0), at(15.0), secs(5.0)), Expiry::Send);
        let wait = reconsider(at(10.0), at(15.0), secs(7.0));
        assert_eq!(wait, Expiry::Wait(at(17.0)));
    }

    #[test]
    fn times_move_closer_when_members_leave() {
        let at = |seconds| Instant::ZERO + secs(seconds);
        let moved = |members, before| {
            reverse_reconsideration(at(30.0), at(10.0), at(20.0), members, before)
        };
        assert_eq!(moved(5, 10), (at(25.0), at(15.0)));
        assert_eq!(moved(10, 10), (at(30.0), at(10.0)));
        assert_eq!(moved(11, 10), (at(30.0), at(10.0)));
        assert_eq!(moved(0, 10), (at(20.0), at(20.0)));
    }

    #[test]
    fn feedback_between_two_ends_leaves_at_once() {
        let at = |seconds| Instant::ZERO + secs(seconds);
        let mut rng = Rng::from_u64(3);
        let mut time = |now, members, allowed| {
            feedback_time(at(now), at(10.0), secs(4.0), members, allowed, &mut rng)
        };
        assert_eq!(time(5.0, 2, true), FeedbackTime::Early(at(5.0)));
        assert_eq!(time(5.0, 2, false), FeedbackTime::WithReport);
        // In a group within half an interval, or with the report if that is before.
        let FeedbackTime::Early(early) = time(5.0, 30, true) else {
            panic!()
        };
        assert!(early >= at(5.0) && early < at(7.0));
        assert_eq!(time(8.5, 30, true), FeedbackTime::WithReport);
        assert_eq!(after_early(at(6.0), secs(4.0)), at(14.0));
    }
}

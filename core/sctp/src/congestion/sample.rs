use std::time::Duration;

use duologue_base::Instant;

/// Packets that may be sent before anything is known of the path (RFC 6928 §2).
pub(crate) const INITIAL_WINDOW_PACKETS: usize = 10;

/// What one SACK told, for the controller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AckSample {
    pub(crate) now: Instant,
    /// Bytes acknowledged by it.
    pub(crate) acked: usize,
    /// Bytes it led us to declare lost.
    pub(crate) lost: usize,
    /// Stretches of packets sent one after the other which that began: one for an outage, many
    /// where a queue overflows.
    pub(crate) lost_runs: usize,
    /// Bytes under way after it, and before.
    pub(crate) in_flight: usize,
    pub(crate) prior_in_flight: usize,
    /// Bytes acknowledged over the life of the association.
    pub(crate) delivered: u64,
    /// The same when the newest packet now acknowledged was sent.
    pub(crate) prior_delivered: u64,
    /// Bytes under way when that packet was sent.
    pub(crate) sent_in_flight: usize,
    /// Bytes per second that arrived between the two.
    pub(crate) rate: Option<u64>,
    /// The sender had nothing more to send in that time: the rate says little of the path.
    pub(crate) app_limited: bool,
    /// Round-trip time of a packet sent once.
    pub(crate) rtt: Option<Duration>,
    pub(crate) smoothed_rtt: Duration,
    /// The window was what held the sender back.
    pub(crate) window_limited: bool,
    /// Losses in this SACK begin a new loss episode, one round trip or more after the last.
    pub(crate) new_episode: bool,
}

/// Bytes that `rate` moves in `time`.
pub(super) fn bytes_in(rate: u64, time: Duration) -> usize {
    (rate as f64 * time.as_secs_f64()) as usize
}

/// `value × factor` for the gains of the controllers.
pub(super) fn scale(value: usize, factor: f64) -> usize {
    (value as f64 * factor) as usize
}

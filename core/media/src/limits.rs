//! Bounds of everything that another party, or the network, could make grow.

use std::time::Duration;

/// Packets that were sent and whose fate is remembered: three seconds of 50 Mbit/s. A power of two
/// below half the space of transport-wide sequence numbers.
pub(crate) const HISTORY_PACKETS: usize = 16_384;
/// How long a packet without a word of it is remembered.
pub(crate) const HISTORY_TIME: Duration = Duration::from_secs(10);
/// Streams whose packets are remembered by their own sequence numbers.
pub(crate) const HISTORY_STREAMS: usize = 256;
/// Packets of one feedback message that are read.
pub(crate) const FEEDBACK_PACKETS: usize = 16_384;

/// Packets from which the acknowledged rate is computed.
pub(crate) const THROUGHPUT_PACKETS: usize = 500;
/// Probes that wait to be sent or answered.
pub(crate) const PROBES: usize = 8;
/// Plans that wait to be taken.
pub(crate) const PLANS: usize = 16;

/// The least that a controller ever allows, in bits per second.
pub(crate) const RATE_MIN: u64 = 5_000;
/// The most, in bits per second.
pub(crate) const RATE_MAX: u64 = 10_000_000_000;

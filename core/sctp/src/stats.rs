use std::time::Duration;

/// Counters and gauges of an association (`RTCSctpTransportStats` and more).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Stats {
    /// SCTP packets sent.
    pub packets_sent: u64,
    /// SCTP packets received, those dropped not counted.
    pub packets_received: u64,
    /// Bytes of SCTP packets sent.
    pub bytes_sent: u64,
    /// Bytes of SCTP packets received, those dropped not counted.
    pub bytes_received: u64,
    /// Messages that were accepted by `send`.
    pub messages_sent: u64,
    /// Messages handed to the application.
    pub messages_received: u64,
    /// DATA and I-DATA chunks sent again.
    pub chunks_retransmitted: u64,
    /// Retransmissions that the peer reported as duplicates: they were needless.
    pub spurious_retransmissions: u64,
    /// Retransmission timeouts (`T3-rtx`).
    pub timeouts: u64,
    /// Messages given up by their reliability.
    pub messages_abandoned: u64,
    /// Packets dropped: truncated, malformed, wrong checksum, port or verification tag.
    pub packets_dropped: u64,
    /// Chunks dropped: malformed, of an unexpected kind, out of window, duplicate.
    pub chunks_dropped: u64,
    /// Smoothed round-trip time, once measured.
    pub smoothed_rtt: Option<Duration>,
    /// Least round-trip time measured lately.
    pub min_rtt: Option<Duration>,
    /// Congestion window in bytes.
    pub congestion_window: usize,
    /// The peer's window as last advertised, less what is under way.
    pub peer_receive_window: usize,
    /// What we advertise.
    pub receive_window: usize,
    /// Bytes sent and not yet acknowledged.
    pub unacknowledged_bytes: usize,
    /// Chunks sent and not yet acknowledged (`unackData`).
    pub unacknowledged_chunks: usize,
    /// Bytes accepted by `send` and not sent yet, on all streams.
    pub buffered_bytes: usize,
    /// The rate that the congestion controller allows, in bytes per second, once it has one.
    pub pacing_rate: Option<u64>,
    /// Bytes that a packet may have on the path in use.
    pub mtu: usize,
    /// I-DATA is in use.
    pub interleaving: bool,
    /// We may leave checksums out.
    pub zero_checksum: bool,
}

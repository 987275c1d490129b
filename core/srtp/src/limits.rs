//! Every bound of the crate. A peer must not choose how much memory or work it costs us.

/// How far behind the newest packet of its stream one may come: no jitter buffer waits that long.
/// RFC 3711 §3.3.2 asks for 64 at least; repair by retransmission takes more.
pub const REPLAY_WINDOW: u64 = 1_024;

/// Streams of a context with a replay window of their own. One more, and the one that was quiet
/// longest keeps the number of its newest packet only: earlier ones are too old from then on.
pub const ACTIVE_STREAMS: usize = 256;

/// Streams of a context of which that is kept. A peer makes no more with one key: for all that is
/// forgotten of a stream, its old packets could come again.
pub const QUIET_STREAMS: usize = 16_384;

/// The largest packet with all that protecting it adds: what a UDP datagram can carry.
pub const PACKET_BYTES: usize = 65_535;

/// What protecting an RTP packet adds to it, at most: the tag of AES-GCM, and the empty header
/// extension that tells of encrypted CSRCs (RFC 9335 §5.1).
pub const RTP_OVERHEAD_MAX: usize = 16 + 4;

/// What protecting an RTCP packet adds to it, at most: the tag of AES-GCM and the index.
pub const RTCP_OVERHEAD_MAX: usize = 16 + 4;

/// RTP packets that may be protected with one key (RFC 3711 §9.2), and numbers that a stream has:
/// 32 bits of roll-over counter, 16 of sequence number.
pub(crate) const RTP_PACKETS: u64 = 1 << 48;

/// RTCP packets that may be protected with one key (RFC 3711 §9.2).
pub(crate) const RTCP_PACKETS: u32 = 1 << 31;

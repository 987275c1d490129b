//! Every bound of the crate. A peer must not choose how much memory or work it costs us.

use std::time::Duration;

/// Least packet size that a [`Config`](crate::Config) may ask for; smaller ones are raised to it.
pub(crate) const MIN_MTU: usize = 512;

/// Sizes of packets that are looked for (RFC 8899 §5.3.2): what is left of an IP packet of 1400, 1500, 3900
/// and 8896 bytes behind the headers of IPv6, UDP and DTLS. The last two are what data centres have; on
/// loopback more would fit, and gains little.
pub(crate) const PROBE_SIZES: [usize; 4] = [1_312, 1_412, 3_812, 8_808];

/// The largest of them, for [`Config::largest_packet`](crate::Config::largest_packet).
pub const LARGEST_PACKET: usize = 8_808;

/// Bytes delivered before larger packets are looked for, on each path.
pub(crate) const SEARCH_AFTER: u64 = 64 << 10;

/// MAX_PROBES of RFC 8899 §5.1.2.
pub(crate) const MAX_PROBES: u32 = 3;

/// PROBE_TIMER: the least that RFC 8899 §5.1.1 allows. ICE keeps paths whose round trips are far shorter.
pub(crate) const PROBE_TIMER: Duration = Duration::from_secs(1);

/// PMTU_RAISE_TIMER (RFC 8899 §5.1.1).
pub(crate) const RAISE_TIMER: Duration = Duration::from_secs(600);

/// Large packets lost, and none of them acknowledged meanwhile, after which the path does not carry them.
pub(crate) const BLACK_HOLE_LOSSES: u32 = 6;

/// Packets into which the congestion window is divided at least, if they are larger than they must be.
pub(crate) const PACKETS_PER_WINDOW: usize = 8;

/// Gap-ack blocks count from the cumulative TSN in 16 bits (RFC 9260 §3.3.4), so nothing further
/// ahead can be acknowledged: it is neither sent nor accepted.
pub(crate) const MAX_TSN_SPAN: u64 = 60_000;

/// Separate ranges of received TSNs kept above the cumulative one.
pub(crate) const MAX_RECEIVED_RANGES: usize = 4_096;

/// Duplicate TSNs reported in one SACK.
pub(crate) const MAX_REPORTED_DUPLICATES: usize = 32;

/// What a message, a run of fragments or the end of a stream counts against the receive window beside
/// its bytes: what it takes with its place in a queue or tree and the allocation of its bytes, so
/// that a flood of tiny ones is bounded as well.
pub(crate) const RECEIVE_OVERHEAD: usize = 128;

/// Receive windows that may be in use when what fills a gap is taken. What comes next may need a message more.
pub(crate) const WINDOWS_WITH_GAPS: usize = 2;

/// Incomplete messages for which memory is reserved as large as the last complete one was, and the
/// bytes of that beyond the first.
pub(crate) const GUESSED_RUNS: usize = 16;
pub(crate) const GUESSED_BYTES: usize = 64 << 10;

/// Bytes of delivered messages remembered for their memory, by default: about what is between the
/// association and a reader that keeps up.
pub(crate) const KEEP_MESSAGE_MEMORY: usize = 512 << 10;

/// Streams in each direction, by default.
pub(crate) const DEFAULT_STREAMS: u16 = 1_024;

/// What a queued message counts against [`Config::send_buffer`](crate::Config::send_buffer) beside
/// its bytes: about what its bookkeeping takes.
pub(crate) const SEND_OVERHEAD: usize = 128;

/// A fragment that fills the rest of a packet has at least this many bytes.
pub(crate) const MIN_FRAGMENT: usize = 4;

/// Packets of changing sizes in a row, with more behind them, from which on small messages are cut,
/// too, so that packets are full and a train of equal ones goes on.
pub(crate) const UNEVEN_PACKETS: u32 = 3;

/// Packets that are filled like that before it shows again whether they need it: about a train.
pub(crate) const FILLED_PACKETS: u32 = 64;

/// Streams named in one request to reset (RFC 6525 §4.1).
pub(crate) const MAX_RESET_STREAMS: usize = 200;

/// Bytes of a request that names so many: two headers, three numbers, the streams.
pub(crate) const MAX_RESET_REQUEST: usize = 8 + 12 + 2 * MAX_RESET_STREAMS;

/// Results of the peer's re-configuration requests kept for answering retransmitted ones.
pub(crate) const MAX_REMEMBERED_RESULTS: usize = 4;

/// Answers (HEARTBEAT ACK, ERROR, INIT ACK and others) waiting to be sent; more are dropped.
pub(crate) const MAX_PENDING_REPLIES: usize = 16;

/// Bytes of a HEARTBEAT's information that we echo, and of an unknown chunk that we report: with the headers of a
/// packet and of three chunks and causes they are no more than [`MIN_MTU`].
pub(crate) const MAX_ECHO: usize = 480;

/// Bytes of a state cookie that we echo.
pub(crate) const MAX_COOKIE: usize = 1_024;

/// Parameters read from one INIT or INIT ACK.
pub(crate) const MAX_PARAMETERS: usize = 64;

/// Unknown parameters of an INIT reported back in the INIT ACK (RFC 9260 §3.2.2).
pub(crate) const MAX_UNRECOGNIZED: usize = 4;

/// Streams listed in one FORWARD-TSN.
pub(crate) const MAX_SKIPPED_STREAMS: usize = 250;

/// Capacity above which an emptied ring gives its memory back when the association falls idle.
pub(crate) const IDLE_CAPACITY: usize = 64;

/// How long data waits on a new path whose peer does not say what it knows of the association.
pub(crate) const MAX_UNCONFIRMED: Duration = Duration::from_secs(1);

/// Bytes of an INIT chunk that comes by signalling.
pub(crate) const MAX_SIGNALLED_INIT: usize = 1_024;

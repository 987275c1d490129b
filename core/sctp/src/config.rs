use std::time::Duration;

use crate::limits::{DEFAULT_STREAMS, KEEP_MESSAGE_MEMORY, LARGEST_PACKET, MIN_MTU};
use crate::packet::Support;

/// How one association behaves. [`Config::default`] is what a WebRTC connection wants.
#[derive(Clone, Debug)]
pub struct Config {
    /// Our SCTP port: `a=sctp-port` of the local description (RFC 8841 §5).
    pub local_port: u16,
    /// The peer's SCTP port: `a=sctp-port` of the remote description.
    pub remote_port: u16,
    /// Bytes of the largest SCTP packet. The default leaves room for DTLS and UDP over IPv6 in a
    /// datagram of 1280 bytes, which every path carries (RFC 8261 §5).
    pub mtu: usize,
    /// Bytes of the largest packet that is looked for once data flows (RFC 8899), at most
    /// [`LARGEST_PACKET`](crate::LARGEST_PACKET). With [`mtu`](Self::mtu) or less, as by default, packets
    /// stay as they are: what IP may fragment below arrives in any size, and shows nothing.
    pub largest_packet: usize,
    /// Bytes that the peer may have under way to us or waiting for the application to read.
    pub receive_window: usize,
    /// Bytes of the largest message that we accept: what our `a=max-message-size` announces. A
    /// peer that sends a larger one ends the association.
    pub max_receive_message_size: usize,
    /// Bytes of delivered messages whose memory takes the next ones, once the application has
    /// dropped them. It is given up when a second has passed. 0 for applications that make vectors
    /// of messages, which they can do without a copy only while nobody else has them.
    pub keep_message_memory: usize,
    /// Bytes that `send` accepts before it says [`SendError::BufferFull`].
    ///
    /// [`SendError::BufferFull`]: crate::SendError::BufferFull
    pub send_buffer: usize,
    /// Streams in each direction, which is how many channels there may be, less if the peer has fewer.
    /// 1024, as browsers had it for long: each costs memory that the peer may take.
    pub streams: u16,
    /// The congestion controller.
    pub congestion: CongestionAlgorithm,
    /// How streams with something to send take turns (RFC 8260 §3).
    pub scheduler: Scheduler,
    /// Offer user message interleaving (I-DATA, RFC 8260 §2), so that a large message does not
    /// hold back the others. Without the peer's consent DATA chunks are used.
    pub interleaving: bool,
    /// Offer to do without the CRC32c where DTLS already protects the packet (RFC 9653).
    pub zero_checksum: bool,
    /// Bytes that may leave back to back when the path is fast: what it moves until a timer that
    /// counts milliseconds comes again, a few trains of UDP GSO.
    pub max_burst: usize,
    /// Timers.
    pub timers: Timers,
    /// Consecutive unanswered retransmissions after which the association fails (RFC 9260 §8.1).
    /// `None`: never, since ICE's consent checks decide whether the path is alive.
    pub max_retransmissions: Option<u32>,
    /// Unanswered INIT or COOKIE ECHO chunks after which setting up fails. `None`: never.
    pub max_init_retransmissions: Option<u32>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            local_port: 5000,
            remote_port: 5000,
            mtu: 1191,
            largest_packet: 0,
            receive_window: 8 << 20,
            max_receive_message_size: 1 << 20,
            keep_message_memory: KEEP_MESSAGE_MEMORY,
            send_buffer: 16 << 20,
            streams: DEFAULT_STREAMS,
            congestion: CongestionAlgorithm::default(),
            scheduler: Scheduler::default(),
            interleaving: true,
            zero_checksum: true,
            max_burst: 256 << 10,
            timers: Timers::default(),
            max_retransmissions: None,
            max_init_retransmissions: None,
        }
    }
}

impl Config {
    /// What an association makes of it.
    pub(crate) fn normalized(mut self) -> Self {
        self.streams = self.streams.max(1);
        // Chunks end on four-byte boundaries, so full packets do.
        self.mtu = self.mtu.clamp(MIN_MTU, usize::from(u16::MAX)) & !3;
        self.largest_packet = self.largest_packet.min(LARGEST_PACKET);
        self.receive_window = self.receive_window.max(self.max_receive_message_size * 2);
        self
    }

    pub(crate) fn support(&self) -> Support {
        Support {
            partial_reliability: true,
            reconfiguration: true,
            interleaving: self.interleaving,
            zero_checksum: self.zero_checksum,
            padding: true,
        }
    }
}

/// Congestion controllers to choose from.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum CongestionAlgorithm {
    /// A model of the path's rate and round-trip time, after BBRv3: fills long paths, keeps their
    /// queues short and does not mistake random loss for congestion.
    #[default]
    Bbr,
    /// CUBIC (RFC 9438) with HyStart++ (RFC 9406).
    Cubic,
    /// The one of RFC 9260 §7.2, which halves its window at each loss: for comparison.
    Reno,
}

/// Stream schedulers to choose from (RFC 8260 §3).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Scheduler {
    /// Each stream's share of the bytes is proportional to its priority (RFC 8260 §3.6).
    #[default]
    WeightedFair,
    /// One message, or with interleaving one chunk, from each stream in turn (RFC 8260 §3.2).
    RoundRobin,
}

/// Durations of the protocol's timers.
#[derive(Clone, Debug)]
pub struct Timers {
    /// First retransmission of INIT and COOKIE ECHO (`T1-init`, `T1-cookie`); doubles each time.
    pub handshake: Duration,
    /// Retransmission timeout before the round-trip time is known.
    pub rto_initial: Duration,
    /// Least retransmission timeout. Tail-loss probes usually come earlier.
    pub rto_min: Duration,
    /// Greatest retransmission timeout, also after doubling.
    pub rto_max: Duration,
    /// How long a single packet may wait for its SACK (RFC 9260 §6.2).
    pub delayed_ack: Duration,
    /// How often an idle path is probed (RFC 9260 §8.3). `None`: never, as ICE does.
    pub heartbeat: Option<Duration>,
    /// How long our state cookies are valid (RFC 9260 §5.1.3).
    pub cookie_life: Duration,
}

impl Default for Timers {
    fn default() -> Self {
        Timers {
            handshake: Duration::from_millis(200),
            rto_initial: Duration::from_millis(500),
            rto_min: Duration::from_millis(150),
            rto_max: Duration::from_secs(3),
            delayed_ack: Duration::from_millis(20),
            heartbeat: None,
            cookie_life: Duration::from_secs(60),
        }
    }
}

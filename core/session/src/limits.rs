//! The bounds of this crate.

use std::time::Duration;

/// Datagrams in one train: what Linux's UDP GSO takes (`UDP_MAX_SEGMENTS` was 64 at first).
pub(crate) const TRAIN_DATAGRAMS: usize = 64;

/// Packets that are captured between two turns of a host; further ones are not.
pub(crate) const CAPTURED_PACKETS: usize = 8_192;

/// Bytes of them.
pub(crate) const CAPTURED_BYTES: usize = 8 << 20;

/// Packets of RTP in one train: a receiver that is not paced loses longer ones.
pub(crate) const RTP_TRAIN_DATAGRAMS: usize = 48;

/// Senders that stopped and may go on, whose numbers are kept.
pub(crate) const PAUSED_SENDERS: usize = 256;

/// Bytes of a train: the largest payload of one UDP send.
pub(crate) const TRAIN_BYTES: usize = 65_507;

/// Bytes of the largest packet of SCTP that is probed for with a peer that did not say how long records it
/// takes (RFC 8449): what a datagram of 1460 bytes has room for. There are peers that read no more of a
/// record at a time, and the rest in the place of the next one (aiortc: 1500; Pion: 1460).
pub(crate) const LARGEST_UNTOLD: usize = 1_412;

/// SCTP packets kept that came before the session was told to start SCTP: the peer's INIT and what
/// may follow it at once.
pub(crate) const EARLY_SCTP_PACKETS: usize = 16;

/// Messages kept for a slow reader that came before their association was stopped: as much as the
/// reader of a running association can leave unread.
pub(crate) const LEFT_BYTES: usize = 8 << 20;

/// Addresses of this host that are used. An ICE agent takes fewer.
pub(crate) const INTERFACES: usize = 64;

/// Addresses of remote candidates, ports told apart, of all transports together. Pairs of each are
/// checked, wherever it leads.
pub(crate) const REMOTE_ADDRESSES: usize = 512;

/// How often it is looked which of them are still in use, once there are too many.
pub(crate) const REMOTE_ADDRESSES_REVIEW: Duration = Duration::from_secs(1);

/// How long the sockets of an address that this host lost are kept for when it is back: as long as
/// the other side's consent lasts (RFC 7675 §5.1), which knows their ports.
pub(crate) const AWAY: Duration = Duration::from_secs(30);

/// Bytes that may wait to be sent on all channels together. The owner bounds each channel, since
/// only it can refuse a message; beyond this a channel closes with an error.
pub(crate) const SEND_BUFFER_BYTES: usize = 256 << 20;

/// Data channels whose traffic the statistics remember; the oldest are forgotten.
pub(crate) const COUNTED_CHANNELS: usize = 4_096;

/// Transports that gather before they are needed. A browser's bundle needs one.
pub(crate) const PREPARED_TRANSPORTS: usize = 8;

/// How long the peer may have closed the transport of an association before its description moves
/// the association to another one: as long as consent lasts (RFC 7675 §5.1).
pub(crate) const MOVE_PATIENCE: Duration = Duration::from_secs(30);

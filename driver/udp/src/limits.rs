//! Every bound of this crate.

use std::time::Duration;

/// What is asked of the system for each of a socket's two buffers, in bytes. The usual default
/// of 208 KiB holds about 90 full datagrams, less than one round trip of a fast path, and its
/// overflow is loss that congestion control then answers. The system may grant less
/// (`net.core.rmem_max`); [`Socket::buffer_sizes`](crate::Socket::buffer_sizes) says how much.
pub const DEFAULT_SOCKET_BUFFER: usize = 4 << 20;

/// Bytes of one receive buffer: the longest train that GRO puts together.
pub const RECEIVE_BUFFER_LEN: usize = 64 << 10;

/// Receive buffers filled by one call.
pub const RECEIVE_BUFFERS: usize = 8;

/// Bytes of a train that fit one UDP datagram before its segmentation: an IPv4 packet's 65,535
/// less the headers of IP (20) and UDP (8).
pub(crate) const MAX_TRAIN_LEN: usize = 65_507;

/// How long a datagram may have waited in a socket by its stamp. One that seems to have waited
/// longer was stamped before the system's clock was set forward.
pub(crate) const ARRIVAL_AGE_MAX: Duration = Duration::from_secs(1);

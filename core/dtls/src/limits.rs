//! The bounds of this crate.

use std::time::Duration;

/// What a record adds to the packet in it, at most: DTLS 1.2's header, explicit nonce and tag
/// (RFC 6347 §4.1, RFC 5288 §3).
pub const RECORD_OVERHEAD_MAX: usize = 13 + 8 + 16;

/// The largest datagram of a handshake. Every path carries it (RFC 8445 checks are no larger, and
/// IPv6 guarantees 1232 bytes of UDP payload).
pub(crate) const HANDSHAKE_MTU: usize = 1200;

/// The first retransmission of a flight, doubled for each further one. libwebrtc uses the same:
/// ICE has shown that the path works, so that a second (RFC 6347 §4.2.4.1) is far too long.
pub(crate) const FIRST_RETRANSMISSION: Duration = Duration::from_millis(50);

/// The same to a server, whose path nothing has tried before: what STUN requests wait
/// (RFC 8489 §6.2.1).
pub(crate) const FIRST_RETRANSMISSION_TO_SERVER: Duration = Duration::from_millis(500);

/// Retransmissions of a flight. With doubling the deadline comes first.
pub(crate) const RETRANSMISSIONS: usize = 12;

/// How long a handshake may take.
pub(crate) const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(30);

/// How often a handshake may begin, the first time included. Each time costs the making of a key.
pub(crate) const ATTEMPTS: usize = 16;

/// How long a handshake goes on after something that speaks against it and that anybody may have
/// sent, an alert in plaintext or a hello that makes no sense: a few attempts.
pub(crate) const DOUBT: Duration = Duration::from_secs(3);

/// How long a hello may lead to nothing, once another one has come: a long round trip.
pub(crate) const STANDSTILL: Duration = Duration::from_millis(500);

/// Datagrams kept that came before their handshake could use them: a flight with two long
/// certificates has fewer.
pub(crate) const EARLY_DATAGRAMS: usize = 8;

/// The largest datagram kept early.
pub(crate) const EARLY_DATAGRAM_BYTES: usize = 1500;

/// The longest certificate that the library can bring: it joins at most 50 fragments, none longer
/// than a datagram.
pub(crate) const CERTIFICATE_BYTES: usize = 50 * 65_535;

/// Bytes of the plaintext Certificate messages that are kept of a server, for its chain.
pub(crate) const CHAIN_BYTES: usize = 64 << 10;

/// Fragments that they may come in.
pub(crate) const CHAIN_FRAGMENTS: usize = 64;

/// Datagrams that the library queues while it makes a flight.
pub(crate) const LIBRARY_SEND_QUEUE: usize = 32;

/// Datagrams that the library keeps until it can use them. It calls more a fatal error.
pub(crate) const LIBRARY_RECEIVE_QUEUE: usize = 64;

/// A timer this far ahead is the library's way to say that none is set.
pub(crate) const NO_TIMER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

//! The bounds of this crate.

use std::time::Duration;

/// What a record adds to the packet in it, at most: DTLS 1.2's header, explicit nonce and tag
/// (RFC 6347 §4.1, RFC 5288 §3).
pub const RECORD_OVERHEAD_MAX: usize = 13 + 8 + 16;

/// The largest datagram of a handshake. Every path carries it (RFC 8445 checks are no larger, and
/// IPv6 guarantees 1232 bytes of UDP payload).
pub(crate) const HANDSHAKE_MTU: usize = 1200;

/// The same when the handshake may travel inside of STUN messages (draft-hancke-webrtc-sped): what
/// these have besides, long user names included, has the rest.
pub(crate) const EMBEDDED_MTU: usize = 1000;

/// The first retransmission of a flight; each further one waits half as long again. libwebrtc uses the same:
/// ICE has shown that the path works, so that a second (RFC 6347 §4.2.4.1) is far too long.
pub(crate) const FIRST_RETRANSMISSION: Duration = Duration::from_millis(50);

/// The same to a server, whose path nothing has tried before: what STUN requests wait
/// (RFC 8489 §6.2.1).
pub(crate) const FIRST_RETRANSMISSION_TO_SERVER: Duration = Duration::from_millis(500);

/// The longest time between two retransmissions. A datagram or two a second load no path, and a path
/// that loses every third datagram would otherwise take ever longer (RFC 9147 §5.8.2 lets go up to
/// 60 s).
pub(crate) const LONGEST_RETRANSMISSION: Duration = Duration::from_secs(1);

/// Retransmissions of a flight; a KeyUpdate has no end. The deadline comes first.
pub(crate) const RETRANSMISSIONS: u32 = 40;

/// Lines of the key log that wait to be taken: those of one handshake.
pub(crate) const KEY_LOG_LINES: usize = 5;

/// How long a handshake may take.
pub(crate) const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(30);

/// How long a server hears nothing of a client before it says so. A client's hello is sent again each
/// second.
pub(crate) const SILENCE: Duration = Duration::from_secs(10);

/// How often a handshake may begin, the first time included. Each time costs the making of a key.
pub(crate) const ATTEMPTS: usize = 16;

/// How long a handshake goes on after something that speaks against it and that anybody may have
/// sent, an alert in plaintext or a hello that makes no sense: a few attempts.
pub(crate) const UNAUTHENTICATED_ERROR: Duration = Duration::from_secs(3);

/// How long a hello may lead to nothing, once another one has come: a long round trip.
pub(crate) const STANDSTILL: Duration = Duration::from_millis(500);

/// Datagrams kept that came before their handshake could begin: a flight with two long certificates
/// has fewer.
pub(crate) const EARLY_DATAGRAMS: usize = 8;

/// The largest datagram kept early.
pub(crate) const EARLY_DATAGRAM_BYTES: usize = 1500;

/// Records kept that came before their keys: a first window of data, and a flight beside it.
pub(crate) const EARLY_RECORDS: usize = 32;

/// The longest content of a record (RFC 8446 §5.1).
pub(crate) const RECORD_BYTES: usize = 1 << 14;

/// Records of an epoch (RFC 9147 §4.2.1): numbers have 48 bits.
pub(crate) const RECORD_NUMBERS: u64 = 1 << 48;

/// Records that fail to be authentic after which an association of DTLS 1.3 ends: the limit that
/// RFC 9147 §4.5.3 sets for AES-GCM and ChaCha20-Poly1305.
pub(crate) const FORGED_RECORDS: u64 = 1 << 36;

/// Records after which DTLS 1.3 takes new keys: half of what RFC 9147 §4.5.3 lets AES-GCM do.
pub(crate) const RECORDS_PER_KEY: u64 = 1 << 23;

/// Epochs whose keys are held, for each direction: the handshake's, and those before and after a
/// KeyUpdate.
pub(crate) const EPOCHS: usize = 3;

/// How long the keys of the handshake, and those before a KeyUpdate, are kept for what was delayed or
/// is repeated, once the peer uses those after them.
pub(crate) const OLD_KEYS: Duration = Duration::from_secs(60);

/// The longest output of a key derivation: 255 blocks would be what HKDF can (RFC 5869 §2.3), and the keys of SRTP are the
/// longest that is asked for (RFC 7714 §12).
pub(crate) const DERIVED_BYTES: usize = 128;

/// The longest handshake message: a certificate of RSA 8192 with a long chain has a quarter.
pub(crate) const MESSAGE_BYTES: usize = 64 << 10;

/// Handshake messages kept that came before the next one: more than a flight has.
pub(crate) const MESSAGES_AHEAD: u16 = 10;

/// Bytes of all messages that are being put together.
pub(crate) const REASSEMBLY_BYTES: usize = 96 << 10;

/// The same before a hello was understood: a hello with ML-KEM has a tenth.
pub(crate) const HELLO_BYTES: usize = 16 << 10;

/// Parts of a message with gaps between them.
pub(crate) const PARTS: usize = 64;

/// Certificates that a peer may send.
pub(crate) const CHAIN_CERTIFICATES: usize = 10;

/// Extensions of a message.
pub(crate) const EXTENSIONS: usize = 48;

/// Record numbers that an ACK lists, and that are remembered for one.
pub(crate) const ACK_NUMBERS: usize = 48;

/// Records that may acknowledge one piece of a flight: its newest retransmissions.
pub(crate) const SENT_NUMBERS: usize = 16;

/// A flight is not said again sooner than this because the peer repeats itself.
pub(crate) const REPEAT_GAP: Duration = Duration::from_millis(20);

/// Datagrams that wait to leave, beyond which what a peer does adds none: neither an ACK nor a repeated flight. A flight
/// with a long chain has half as many.
pub(crate) const OUTGOING_DATAGRAMS: usize = 64;

/// RFC 5246 §7.4.9.
pub(crate) const VERIFY_DATA_12: usize = 12;

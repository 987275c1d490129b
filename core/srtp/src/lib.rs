//! SRTP and SRTCP (RFC 3711, RFC 7714): packets protected and opened where they lie.
//!
//! DTLS makes the keys (RFC 5764); a [`Sender`] protects what is sent with ours, a [`Receiver`] opens
//! what comes with the peer's. Both know a packet's header as far as they need it, and nothing of
//! what the packet carries. Retransmissions (RFC 4588) and error correction are streams of their own
//! to them.
//!
//! ```
//! use duologue_base::{DtlsRole, SrtpKeying, SrtpProfile};
//! use duologue_srtp::{MasterKey, OpenError, Receiver, Sender};
//!
//! // What both ends got out of their handshake.
//! let keying = SrtpKeying {
//!     profile: SrtpProfile::AeadAes128Gcm,
//!     material: vec![7; 2 * (16 + 12)].into(),
//! };
//! let [ours, _] = MasterKey::of_handshake(&keying, DtlsRole::Client)?;
//! let [_, theirs] = MasterKey::of_handshake(&keying, DtlsRole::Server)?;
//! let mut sender = Sender::new(&ours)?;
//! let mut receiver = Receiver::new(&theirs)?;
//!
//! let mut packet = vec![0x80, 111, 0, 1, 0, 0, 3, 192, 0, 0, 0, 9];
//! packet.extend(b"sound");
//! let plain = packet.clone();
//! sender.protect_rtp(&mut packet, 0)?;
//! let mut again = packet.clone();
//!
//! let opened = receiver.open_rtp(&mut packet)?;
//! assert_eq!(opened.sequence, 1);
//! assert_eq!(packet[..opened.length], plain);
//! assert_eq!(packet[opened.header..opened.length], *b"sound");
//! assert_eq!(receiver.open_rtp(&mut again), Err(OpenError::Replayed));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Limits
//! There is no MKI and no key derivation rate: DTLS-SRTP has neither (RFC 5764 §4.1.2). A stream's
//! first packet is taken for one with a roll-over counter of zero, as RFC 3711 §3.3.1 has it: whoever
//! joins a stream later is told by [`Receiver::resume`]. Header extensions are encrypted whole
//! (RFC 9335) or not at all, not one by one (RFC 6904).
#![forbid(unsafe_code)]

mod cipher;
mod cryptex;
mod error;
mod header;
mod index;
mod keying;
mod limits;
mod receiver;
mod sender;
mod streams;
#[cfg(test)]
mod vectors;

pub use duologue_rtp::Cryptex;
pub use error::{KeyingError, OpenError, ProtectError};
pub use keying::MasterKey;
pub use limits::{
    ACTIVE_STREAMS, PACKET_BYTES, QUIET_STREAMS, REPLAY_WINDOW, RTCP_OVERHEAD_MAX, RTP_OVERHEAD_MAX,
};
pub use receiver::{Opened, Receiver};
pub use sender::Sender;

//! STUN messages (RFC 8489) with the attributes of ICE (RFC 8445 §16) and TURN (RFC 8656 §18),
//! and TURN's channel framing. No state and no transactions: `duologue-ice` has those.
//!
//! Reading borrows the received bytes and allocates nothing; writing appends to a buffer of the
//! caller's.
//!
//! ```
//! use duologue_stun::{Class, Key, Message, Method, TransactionId, Writer};
//!
//! let key = Key::short_term("a password");
//! let mut packet = Vec::new();
//! Writer::new(&mut packet, Class::Request, Method::BINDING, TransactionId([7; 12]))
//!     .username("there:here")
//!     .priority(1)
//!     .integrity(&key)
//!     .fingerprint();
//!
//! let message = Message::parse(&packet)?;
//! assert_eq!(message.username(), Some("there:here"));
//! assert_eq!(message.verify(&key), Ok(()));
//! # Ok::<(), duologue_stun::ParseError>(())
//! ```
#![forbid(unsafe_code)]

mod address;
mod attribute;
mod channel;
mod error_code;
mod integrity;
mod message;
mod typed;
mod writer;

pub use attribute::AttributeType;
pub use channel::{ChannelData, ChannelNumber};
pub use error_code::ErrorCode;
pub use integrity::{IntegrityError, Key, PasswordAlgorithm, userhash};
pub use message::{
    Attributes, Class, MAGIC_COOKIE, Message, Method, ParseError, TransactionId, is_stun,
};
pub use typed::{AddressFamily, CheckAttributes};
pub use writer::Writer;

#[cfg(test)]
mod vectors;

/// The CRC-32 of some bytes, as FINGERPRINT has it before it is masked (RFC 8489 §14.7).
pub fn crc32(bytes: &[u8]) -> u32 {
    crc32fast::hash(bytes)
}

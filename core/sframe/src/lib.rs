//! SFrame (RFC 9605): encoded media encrypted from end to end, frame by frame, so that a server may forward it without
//! being able to see or hear it.
//!
//! ```
//! use duologue_sframe::{CipherSuite, Decrypter, DecryptError, Encrypter, Key};
//!
//! let key = || Key::derive(CipherSuite::Aes128GcmSha256_128, 7, b"what both ends have been told");
//! let mut encrypter = Encrypter::new(key()?);
//! let mut decrypter = Decrypter::default();
//! decrypter.insert(key()?)?;
//!
//! let frame = encrypter.encrypt(b"a picture", b"")?;
//! assert_eq!(decrypter.decrypt(&frame, b"")?, b"a picture");
//!
//! let mut forged = frame.clone();
//! *forged.last_mut().unwrap() ^= 1;
//! assert_eq!(decrypter.decrypt(&forged, b""), Err(DecryptError::NotAuthentic { key: 7 }));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Keys and counters
//! A key encrypts each counter once: two frames of the same key and counter give away both (RFC 9605 §7.5). An [`Encrypter`]
//! counts on whatever key it is given, also the same one again. Two encrypters need two keys, or two key ids of one base key.
//!
//! # Limits
//! How keys come to both ends is the application's (RFC 9605 §5). A frame that comes again is decrypted again (§7.6): what
//! carries it knows its order.
#![forbid(unsafe_code)]

mod cipher;
mod clear;
mod context;
mod error;
mod header;
mod key;
mod limits;
mod suite;

pub use clear::clear_bytes;
pub use context::{Decrypter, Encrypter};
pub use error::{DecryptError, EncryptError, KeyError};
pub use header::Header;
pub use key::Key;
pub use limits::{BASE_KEY_BYTES, KEYS, OVERHEAD_MAX};
pub use suite::CipherSuite;

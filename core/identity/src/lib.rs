//! Who the two ends of a connection are: self-signed certificates and their fingerprints.
//!
//! WebRTC has no certificate authority. Each end makes a [`Certificate`], writes its
//! [`Fingerprint`] into the session description, and during the DTLS handshake each end compares
//! the certificate it is shown with the fingerprint it was told (RFC 8827 §5.6, RFC 8122 §5). The
//! identity is therefore as good as the channel that carried the description.
//!
//! ```
//! use std::time::Duration;
//!
//! use duologue_base::{Rng, WallClock};
//! use duologue_identity::{Certificate, Fingerprint, KeygenAlgorithm};
//!
//! let now = WallClock::from_unix_millis(1_700_000_000_000);
//! let month = Duration::from_secs(30 * 86_400);
//! let alice = Certificate::generate(KeygenAlgorithm::EcdsaP256, now, month, &mut Rng::from_u64(1))?;
//!
//! // In her description: a=fingerprint:sha-256 4A:AD:B9:…
//! let told: Fingerprint = alice.fingerprints()[0].to_string().parse()?;
//! // In the handshake: the certificate itself.
//! assert!(told.matches(alice.der()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A server keeps its identity: what [`Certificate::to_pem`] writes, [`Certificate::from_pem`] reads in
//! the next run, with the same fingerprint.
//!
//! The time is an input, as everywhere in `core/`; keys come from the random device of the
//! cryptographic library, so that a seeded simulation can never make a predictable key.
#![forbid(unsafe_code)]

mod certificate;
mod fingerprint;
mod key;
mod limits;

pub use certificate::{
    Certificate, Certificates, GenerateError, ImportError, KeygenAlgorithm, SignError,
};
pub use fingerprint::{Fingerprint, FingerprintError, HashFunction};

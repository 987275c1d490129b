//! DTLS for WebRTC (RFC 8827, RFC 9147, RFC 6347) as a sans-IO transport: datagrams and time in,
//! datagrams, application data and events out.
//!
//! The peer's certificate is compared with the fingerprints of its session description before any
//! application data passes in either direction.
#![forbid(unsafe_code)]

mod error;
mod types;

pub use error::{Alert, DtlsError, ErrorDetail};
pub use types::{Role, SrtpKeying, SrtpProfile, State, Version, Versions};

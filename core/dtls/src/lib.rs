//! DTLS for WebRTC (RFC 8827 §6.5) as a sans-IO transport: datagrams and time in, datagrams,
//! application data and events out.
//!
//! The protocol itself is the work of the crate `dimpl`; this adapter adds what WebRTC needs around
//! it, and hides its types:
//!
//! * Nothing passes in either direction before the peer's certificate matched a fingerprint of its
//!   session description.
//! * What arrives before the description did (the answerer's ClientHello often overtakes its
//!   answer) is kept, within bounds.
//! * Time is the caller's; a lost flight is sent again after 50 ms, as browsers do, because ICE has
//!   just shown the path to work.
//!
//! A host makes one [`Context`] and clones it, since making it tests the cryptographic library. A
//! [`Transport`] is then driven by three kinds of methods: `handle_*` takes input, `poll_*` gives
//! output until it returns `None` or `false`, and [`Transport::seal`] protects one packet.
//!
//! # Limits
//! Certificates with RSA keys are supported in neither direction; an alert is sent only for a wrong
//! fingerprint in DTLS 1.2, and `close_notify`.
#![forbid(unsafe_code)]

mod cipher;
mod clock;
mod context;
mod error;
mod limits;
mod suite;
mod transport;
mod types;

pub use cipher::CipherSuite;
pub use context::Context;
pub use error::{Alert, DtlsError, ErrorDetail};
pub use limits::RECORD_OVERHEAD_MAX;
pub use transport::{Event, Transport};
pub use types::{Role, SrtpKeying, SrtpProfile, State, Version, Versions};

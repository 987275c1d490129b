//! DTLS for WebRTC (RFC 8827 §6.5) as a sans-IO transport: datagrams and time in, datagrams,
//! application data and events out.
//!
//! The protocol itself is the work of the crate `dimpl`; this adapter adds what WebRTC needs around
//! it, and hides its types:
//!
//! * Nothing passes in either direction before the peer's certificate matched a fingerprint of its
//!   session description.
//! * What arrives before the description did (the answerer's ClientHello often overtakes its
//!   answer) is kept, within bounds. The owner gives only what came from where ICE has heard the
//!   peer.
//! * A datagram that anybody may have sent, before there are keys, does not end a handshake: it
//!   begins again, a few times within its deadline.
//! * Time is the caller's; a lost flight is sent again after 50 ms, as browsers do, because ICE has
//!   just shown the path to work.
//!
//! A host makes one [`Context`] and clones it, since making it tests the cryptographic library. A
//! [`Transport`] is then driven by three kinds of methods: `handle_*` takes input, `poll_*` gives
//! output until it returns `None` or `false`, and [`Transport::seal`] protects one packet.
//!
//! ```
//! use std::time::Duration;
//!
//! use duologue_base::{DtlsRole, Instant, Rng, WallClock};
//! use duologue_dtls::{Context, State, Transport};
//! use duologue_identity::{Certificate, KeygenAlgorithm};
//!
//! let (now, context) = (Instant::ZERO, Context::new()?);
//! let certificates = [1, 2].map(|seed| {
//!     let day = Duration::from_secs(86_400);
//!     let mut rng = Rng::from_u64(seed);
//!     Certificate::generate(KeygenAlgorithm::EcdsaP256, WallClock::default(), day, &mut rng).unwrap()
//! });
//! let [mut alice, mut bob] =
//!     [0, 1].map(|at| Transport::new(context.clone(), certificates[at].clone()));
//! // Each has the other's fingerprint by signalling, and the roles are agreed on (`a=setup`).
//! alice.start(now, DtlsRole::Client, certificates[1].fingerprints().to_vec());
//! bob.start(now, DtlsRole::Server, certificates[0].fingerprints().to_vec());
//!
//! let (mut datagram, mut received) = (Vec::new(), Vec::new());
//! let mut exchange = |alice: &mut Transport, bob: &mut Transport| {
//!     for at in [0, 1, 0, 1, 0, 1] {
//!         let (from, to) = if at == 0 { (&mut *alice, &mut *bob) } else { (&mut *bob, &mut *alice) };
//!         while from.poll_datagram(&mut datagram) {
//!             to.handle_datagram(now, &mut datagram, |packet| received.push(packet.to_vec()));
//!             datagram.clear();
//!         }
//!     }
//! };
//! exchange(&mut alice, &mut bob);
//! assert_eq!([alice.state(), bob.state()], [State::Connected; 2]);
//!
//! let mut sealed = Vec::new();
//! assert!(alice.seal(now, b"secret", &mut sealed));
//! bob.handle_datagram(now, &mut sealed, |packet| assert_eq!(packet, b"secret"));
//! # Ok::<(), duologue_dtls::DtlsError>(())
//! ```
//!
//! A server that is known by its name and not by a description (TURN over DTLS) is reached by
//! [`Transport::start_to_server`]: the owner judges its certificates, with those that were sent
//! along. The library gives the first one only; the others are read where DTLS 1.2 shows them.
//!
//! # Limits
//! Certificates with RSA keys are supported in neither direction, and no server is told the name it
//! is asked for (RFC 6066 §3). Once DTLS 1.3 encrypts, the library sends no alerts but
//! `certificate_required` and `close_notify`; for what else fails then a plaintext one is sent, which
//! this crate heeds and other stacks may not. The library wants a copy of the private key for each
//! handshake, and does not wipe it.
#![forbid(unsafe_code)]

mod cipher;
mod clock;
mod context;
mod error;
mod handshake;
mod limits;
mod record;
mod suite;
mod transport;
mod trust;
mod types;

pub use cipher::CipherSuite;
pub use context::Context;
pub use duologue_base::{SrtpKeying, SrtpProfile};
pub use error::{Alert, DtlsError, ErrorDetail};
pub use limits::RECORD_OVERHEAD_MAX;
pub use transport::{Event, Transport};
pub use trust::Judge;
pub use types::{State, Version, Versions};

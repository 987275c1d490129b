//! DTLS for WebRTC (RFC 8827 §6.5) as a sans-IO transport: datagrams and time in, datagrams,
//! application data and events out.
//!
//! Both versions are here, on the primitives of aws-lc-rs: two handshakes (RFC 6347 and RFC 9147)
//! over one record layer, one way to cut and repeat flights, and the certificates and keys of both.
//! What WebRTC needs beside the protocol:
//!
//! * Nothing passes in either direction before the peer's certificate matched a fingerprint of its
//!   session description.
//! * What arrives before the description did (the answerer's ClientHello often overtakes its
//!   answer) is kept, within bounds. The owner gives only what came from where ICE has heard the
//!   peer.
//! * A datagram that anybody may have sent, before there are keys, does not end a handshake: what
//!   makes no sense is forgotten, and of two handshakes the one that goes on counts.
//! * Time is the caller's; a lost flight is sent again after 50 ms, as browsers do, because ICE has
//!   just shown the path to work.
//!
//! A host makes one [`Context`] and clones it. A [`Transport`] is then driven by three kinds of methods: `handle_*` takes input, `poll_*` gives
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
//! along.
//!
//! # What is spoken
//! X25519, P-256 and P-384, and X25519MLKEM768 for who asks for it; AES-GCM and ChaCha20-Poly1305;
//! certificates with keys of ECDSA (P-256, P-384), RSA (2,048 to 8,192 bits) and Ed25519. DTLS 1.2
//! only with the extended master secret (RFC 7627), and nothing is renegotiated or resumed. The
//! signatures inside of certificates are not looked at, unless a judge does.
#![forbid(unsafe_code)]

mod cipher;
mod connecting;
mod context;
mod crypto;
mod engine;
mod error;
mod flight;
mod handshake12;
mod handshake13;
mod hello;
mod key_log;
mod limits;
mod link;
mod message;
mod open13;
mod peek;
mod reassembly;
mod record;
mod suite;
mod transport;
mod trust;
mod types;
mod wire;

pub use cipher::CipherSuite;
pub use context::Context;
pub use duologue_base::{SrtpKeying, SrtpProfile};
pub use error::{Alert, DtlsError, ErrorDetail};
pub use limits::RECORD_OVERHEAD_MAX;
pub use transport::{Event, Transport};
pub use trust::Judge;
pub use types::{Confidentiality, State, Version, Versions};

use std::time::Duration;

use duologue_base::{DtlsRole, Instant};
use duologue_dtls::{Context, State, Transport, Version, Versions};
use duologue_identity::{Fingerprint, HashFunction};

use crate::certificate;

/// Two DTLS transports: number 0 is the client.
#[derive(Debug)]
pub struct Transports {
    /// The virtual time.
    pub now: Instant,
    /// Both ends.
    pub ends: [Transport; 2],
}

impl Transports {
    /// Two that are connected by this version.
    ///
    /// # Panics
    /// The library fails its tests, or the handshake fails.
    pub fn connected(version: Version) -> Self {
        let context = Context::for_simulation(1).expect("the library passes its tests");
        let context = context.with_versions(Versions::Only(version));
        let certificates = [certificate(1), certificate(2)];
        let end = |at: usize| Transport::new(context.clone(), certificates[at].clone());
        let mut pair = Transports {
            now: Instant::ZERO,
            ends: [end(0), end(1)],
        };
        for (at, role) in [DtlsRole::Client, DtlsRole::Server].into_iter().enumerate() {
            let peer = certificates[1 - at].der();
            let fingerprints = vec![Fingerprint::of(HashFunction::Sha256, peer)];
            pair.ends[at].start(pair.now, role, fingerprints);
        }
        for _ in 0..20 {
            for from in 0..2 {
                let mut datagram = Vec::new();
                while pair.ends[from].poll_datagram(&mut datagram) {
                    pair.ends[1 - from].handle_datagram(pair.now, &mut datagram, |_| {});
                    datagram.clear();
                }
            }
            pair.now += Duration::from_millis(1);
        }
        let up = |end: &Transport| end.state() == State::Connected;
        assert!(pair.ends.iter().all(up), "not connected");
        pair
    }
}

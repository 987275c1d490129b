use std::sync::OnceLock;
use std::time::Duration;

use duologue_base::{DtlsRole, Instant, Rng, WallClock};
use duologue_dtls::{Context, State, Transport};
use duologue_identity::{Certificate, KeygenAlgorithm};

use crate::memory;

/// Bytes as what an application has stored, as PEM and as DER of certificate and key, and what is taken of them as
/// what a peer shows: it is written as it was read, and a handshake with it comes to an end.
pub fn certificate(bytes: &[u8]) {
    let _bound = memory::at_most_kib(256);
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(read) = Certificate::from_pem(text)
    {
        check(&read);
    }
    let good = good();
    if let Ok(read) = Certificate::from_der(bytes, &good.private_key_pkcs8().0) {
        check(&read);
    }
    if let Ok(read) = Certificate::from_der(good.der(), bytes) {
        check(&read);
    }
}

fn check(read: &Certificate) {
    let again = Certificate::from_pem(&read.to_pem()).expect("what was written is read");
    assert_eq!(again.der(), read.der());
    assert_eq!(again.fingerprints(), read.fingerprints());
    let _ = (read.expires(), read.algorithm());
    show(read);
}

/// A client shows it to a server that expects it. Whoever wrote it may have written nonsense: then both fail.
fn show(shown: &Certificate) {
    let now = Instant::ZERO;
    let fingerprints = |certificate: &Certificate| certificate.fingerprints().to_vec();
    let mut client = Transport::new(context().clone(), shown.clone());
    let mut server = Transport::new(context().clone(), good().clone());
    client.start(now, DtlsRole::Client, fingerprints(good()));
    server.start(now, DtlsRole::Server, fingerprints(shown));
    for _ in 0..FLIGHTS_MAX {
        let carried = carry(&mut client, &mut server) + carry(&mut server, &mut client);
        if carried == 0 {
            let states = [client.state(), server.state()];
            let together = states == [State::Connected; 2] || !states.contains(&State::Connected);
            assert!(together, "{states:?}");
            return;
        }
    }
    panic!("a handshake without end");
}

/// More than a handshake has.
const FLIGHTS_MAX: usize = 100;

/// How many datagrams there were.
fn carry(from: &mut Transport, to: &mut Transport) -> usize {
    let (mut count, mut datagram) = (0, Vec::new());
    while from.poll_datagram(&mut datagram) {
        to.handle_datagram(Instant::ZERO, &mut datagram, |_| {});
        datagram.clear();
        count += 1;
    }
    count
}

fn context() -> &'static Context {
    static MADE: OnceLock<Context> = OnceLock::new();
    MADE.get_or_init(|| Context::for_simulation(7).expect("the library works"))
}

fn good() -> &'static Certificate {
    static MADE: OnceLock<Certificate> = OnceLock::new();
    MADE.get_or_init(|| {
        let (now, mut rng) = (WallClock::default(), Rng::from_u64(1));
        let day = Duration::from_secs(86_400);
        let made = Certificate::generate(KeygenAlgorithm::EcdsaP256, now, day, &mut rng);
        made.expect("a key")
    })
}

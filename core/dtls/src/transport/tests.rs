use std::time::Duration;

use duologue_base::{Rng, WallClock};
use duologue_identity::{HashFunction, KeygenAlgorithm};

use super::*;
use crate::record::RECORD_HEADER;
use crate::{ErrorDetail, RECORD_OVERHEAD_MAX, Versions};

mod attempts;
mod deviations;
mod epochs;
mod fields;
mod key_log;
mod loss;
mod table;

const CLIENT: usize = 0;
const SERVER: usize = 1;

fn certificate() -> Certificate {
    let month = Duration::from_secs(30 * 24 * 60 * 60);
    let now = WallClock::from_unix_millis(1_795_000_000_000);
    Certificate::generate(
        KeygenAlgorithm::EcdsaP256,
        now,
        month,
        &mut Rng::from_u64(1),
    )
    .unwrap()
}

fn sha256(certificate: &Certificate) -> Vec<Fingerprint> {
    vec![Fingerprint::of(HashFunction::Sha256, certificate.der())]
}

/// Two ends and a path of 10 ms that loses what it is told to.
struct Pair {
    now: Instant,
    ends: [Transport; 2],
    certificates: [Certificate; 2],
    /// Per end: when it arrives there, and what.
    flying: [VecDeque<(Instant, Vec<u8>)>; 2],
    events: [Vec<Event>; 2],
    packets: [Vec<Vec<u8>>; 2],
    rng: Rng,
    loss_percent: u32,
    delay: Duration,
    /// Each record travels in a datagram of its own.
    splits_records: bool,
}

impl Pair {
    fn new(client: Versions, server: Versions) -> Self {
        let context = Context::for_simulation(1).unwrap();
        let certificates = [certificate(), certificate()];
        let end = |versions, index: usize| {
            let context = context.clone().with_versions(versions);
            Transport::new(context, certificates[index].clone())
        };
        Pair {
            now: Instant::ZERO,
            ends: [end(client, CLIENT), end(server, SERVER)],
            certificates: certificates.clone(),
            flying: Default::default(),
            events: Default::default(),
            packets: Default::default(),
            rng: Rng::from_u64(7),
            loss_percent: 0,
            delay: Duration::from_millis(10),
            splits_records: false,
        }
    }

    fn start(&mut self) {
        let server = sha256(&self.certificates[SERVER]);
        let client = sha256(&self.certificates[CLIENT]);
        self.ends[CLIENT].start(self.now, DtlsRole::Client, server);
        self.ends[SERVER].start(self.now, DtlsRole::Server, client);
    }

    fn connected(client: Versions, server: Versions) -> Self {
        let mut pair = Pair::new(client, server);
        pair.start();
        pair.run(Duration::from_secs(5));
        assert_eq!(pair.states(), [State::Connected; 2]);
        pair
    }

    fn states(&self) -> [State; 2] {
        [self.ends[CLIENT].state(), self.ends[SERVER].state()]
    }

    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            self.flush();
            let next = (0..2)
                .flat_map(|at| {
                    let arrival = self.flying[at].front().map(|(when, _)| *when);
                    [arrival, self.ends[at].poll_timeout()]
                })
                .flatten()
                .min()
                .filter(|&when| when <= end);
            let Some(next) = next else {
                self.now = end;
                return;
            };
            self.now = self.now.max(next);
            self.deliver();
        }
    }

    fn deliver(&mut self) {
        for at in 0..2 {
            while self.flying[at]
                .front()
                .is_some_and(|(when, _)| *when <= self.now)
            {
                let (_, mut datagram) = self.flying[at].pop_front().unwrap();
                let packets = &mut self.packets[at];
                self.ends[at].handle_datagram(self.now, &mut datagram, |p| packets.push(p.into()));
            }
            if self.ends[at].poll_timeout().is_some_and(|t| t <= self.now) {
                self.ends[at].handle_timeout(self.now);
            }
        }
    }

    fn flush(&mut self) {
        for at in 0..2 {
            let mut datagram = Vec::new();
            while self.ends[at].poll_datagram(&mut datagram) {
                let datagram = mem::take(&mut datagram);
                assert!(datagram.len() <= 1232, "{}", datagram.len());
                self.put(1 - at, datagram);
            }
            while let Some(event) = self.ends[at].poll_event() {
                self.events[at].push(event);
            }
        }
    }

    fn put(&mut self, to: usize, mut datagram: Vec<u8>) {
        while self.splits_records && first_record(&datagram) < datagram.len() {
            let rest = datagram.split_off(first_record(&datagram));
            self.fly(to, mem::replace(&mut datagram, rest));
        }
        self.fly(to, datagram);
    }

    fn fly(&mut self, to: usize, datagram: Vec<u8>) {
        if self.rng.below(100) >= self.loss_percent {
            let arrival = self.now + self.delay;
            self.flying[to].push_back((arrival, datagram));
        }
    }

    fn send(&mut self, from: usize, packet: &[u8]) {
        let mut datagram = Vec::new();
        assert!(self.ends[from].seal(self.now, packet, &mut datagram));
        assert!(datagram.len() <= packet.len() + RECORD_OVERHEAD_MAX);
        self.put(1 - from, datagram);
    }
}

/// The length of a datagram's first record.
fn first_record(datagram: &[u8]) -> usize {
    // RFC 9147 §4: a unified header, here without a connection id; or that of RFC 6347 §4.1.
    let at = match datagram[0] {
        32..=63 if datagram[0] & 0b100 == 0 => return datagram.len(),
        32..=63 => 2 + usize::from(datagram[0] >> 3 & 1),
        _ => RECORD_HEADER - 2,
    };
    at + 2 + usize::from(u16::from_be_bytes([datagram[at], datagram[at + 1]]))
}

const V12: Versions = Versions::Only(Version::V12);
const V13: Versions = Versions::Only(Version::V13);

#[test]
fn all_versions_connect_and_agree_on_the_newest_common_one() {
    let both = Versions::Both;
    for (client, server, agreed) in [
        (both, both, Version::V13),
        (both, V12, Version::V12),
        (both, V13, Version::V13),
        (V12, both, Version::V12),
        (V13, both, Version::V13),
        (V12, V12, Version::V12),
        (V13, V13, Version::V13),
    ] {
        let mut pair = Pair::connected(client, server);
        let mut keys = Vec::new();
        for at in [CLIENT, SERVER] {
            let [
                Event::Connected {
                    remote_certificate,
                    local_certificate,
                    version,
                    srtp,
                    ..
                },
            ] = &pair.events[at][..]
            else {
                panic!("{:?}", pair.events[at]);
            };
            assert_eq!(*version, agreed, "{client:?} {server:?}");
            assert_eq!(remote_certificate, pair.certificates[1 - at].der());
            assert_eq!(local_certificate.as_ref(), Some(&pair.certificates[at]));
            keys.push(srtp.clone().unwrap());
        }
        assert_eq!(keys[0], keys[1], "both ends export the same SRTP keys");
        pair.send(CLIENT, b"ping");
        pair.send(SERVER, b"pong");
        pair.run(Duration::from_secs(1));
        assert_eq!(
            pair.packets,
            [vec![b"pong".to_vec()], vec![b"ping".to_vec()]]
        );
    }
}

#[test]
fn a_flight_whose_last_datagram_is_shorter_than_the_certificate_is_understood() {
    for version in [V12, V13] {
        let mut pair = Pair::new(version, version);
        pair.splits_records = true;
        pair.start();
        pair.run(Duration::from_secs(5));
        assert_eq!(pair.states(), [State::Connected; 2]);
    }
}

#[test]
fn each_end_knows_how_long_records_the_other_takes() {
    for versions in [V12, V13] {
        let pair = Pair::connected(versions, versions);
        let limits = pair.ends.each_ref().map(Transport::record_size_limit);
        assert_eq!(limits, [Some(1 << 14); 2], "{versions:?}");
    }
}

#[test]
fn versions_without_a_common_one_fail() {
    let mut pair = Pair::new(V12, V13);
    pair.start();
    pair.run(Duration::from_secs(60));
    assert_eq!(pair.states(), [State::Failed; 2]);
}

#[test]
fn a_client_hello_that_overtakes_the_description_is_answered_at_once() {
    let mut pair = Pair::new(Versions::Both, Versions::Both);
    let fingerprints = sha256(&pair.certificates[SERVER]);
    pair.ends[CLIENT].start(pair.now, DtlsRole::Client, fingerprints);
    pair.run(Duration::from_millis(30));
    assert_eq!(pair.states(), [State::Connecting, State::New]);
    let fingerprints = sha256(&pair.certificates[CLIENT]);
    pair.ends[SERVER].start(pair.now, DtlsRole::Server, fingerprints);
    pair.run(Duration::from_millis(21));
    assert_eq!(pair.states(), [State::Connected; 2]);
}

#[test]
fn handshakes_survive_heavy_loss() {
    for versions in [V12, V13, Versions::Both] {
        for seed in 0..20 {
            let mut pair = Pair::new(versions, versions);
            pair.rng = Rng::from_u64(seed);
            pair.loss_percent = 30;
            pair.start();
            pair.run(Duration::from_secs(20));
            assert_eq!(pair.states(), [State::Connected; 2], "{versions:?} {seed}");
        }
    }
}

#[test]
fn a_wrong_fingerprint_fails_and_passes_no_byte() {
    for versions in [V12, V13, Versions::Both] {
        for wrong in [CLIENT, SERVER] {
            let mut pair = Pair::new(versions, versions);
            for (at, role) in [(CLIENT, DtlsRole::Client), (SERVER, DtlsRole::Server)] {
                let told = if at == wrong { at } else { 1 - at };
                let fingerprints = sha256(&pair.certificates[told]);
                pair.ends[at].start(pair.now, role, fingerprints);
            }
            pair.run(Duration::from_secs(5));
            let [Event::Failed(error)] = &pair.events[wrong][..] else {
                panic!("{:?}", pair.events[wrong]);
            };
            assert_eq!(error.detail(), ErrorDetail::FingerprintFailure);
            assert!(!pair.ends[wrong].seal(pair.now, b"secret", &mut Vec::new()));
            // The other end learns of it.
            assert_eq!(pair.ends[1 - wrong].state(), State::Failed);
            assert_eq!(error.sent_alert(), Some(Alert::BAD_CERTIFICATE));
            let error = DtlsError::AlertReceived(Alert::BAD_CERTIFICATE);
            let last = pair.events[1 - wrong].last();
            assert_eq!(last, Some(&Event::Failed(error)), "{versions:?} {wrong}");
            assert!(pair.packets.iter().all(Vec::is_empty));
        }
    }
}

#[test]
fn data_sent_to_an_end_that_rejects_the_certificate_is_not_delivered() {
    let mut pair = Pair::new(V13, V13);
    let fingerprints = sha256(&pair.certificates[SERVER]);
    pair.ends[CLIENT].start(pair.now, DtlsRole::Client, fingerprints);
    pair.ends[SERVER].start(pair.now, DtlsRole::Server, Vec::new());
    while pair.ends[CLIENT].state() != State::Connected {
        pair.run(Duration::from_millis(1));
    }
    pair.send(CLIENT, b"for nobody");
    pair.run(Duration::from_secs(1));
    assert!(pair.packets[SERVER].is_empty());
    assert_eq!(pair.states(), [State::Failed; 2]);
}

#[test]
fn ends_with_rsa_keys_connect_to_any_others() {
    let rsa = rsa_certificate();
    for versions in [V12, V13] {
        for kinds in [[true, true], [true, false], [false, true]] {
            let mut pair = Pair::new(versions, versions);
            for at in [CLIENT, SERVER] {
                if kinds[at] {
                    let context = Context::for_simulation(3).unwrap().with_versions(versions);
                    pair.ends[at] = Transport::new(context, rsa.clone());
                    pair.certificates[at] = rsa.clone();
                }
            }
            pair.start();
            pair.run(Duration::from_secs(5));
            assert_eq!(
                pair.states(),
                [State::Connected; 2],
                "{versions:?} {kinds:?}"
            );
        }
    }
}

/// A hello or a request as of a peer that verifies RSA alone: the number of each scheme of ECDSA becomes
/// that of none.
fn without_ecdsa(datagram: &mut [u8]) {
    const ECDSA: [[u8; 2]; 2] = [[4, 3], [5, 3]];
    const FIRST_SCHEMES: [u8; 8] = [4, 3, 8, 7, 8, 4, 4, 1];
    let found = datagram
        .windows(8)
        .position(|window| window == FIRST_SCHEMES);
    if let Some(at) = found {
        for scheme in datagram[at..at + 18].chunks_exact_mut(2) {
            if ECDSA.iter().any(|ecdsa| scheme == ecdsa) {
                scheme.copy_from_slice(&[0xfe, 0xfe]);
            }
        }
    }
}

#[test]
fn of_several_certificates_the_one_is_shown_that_the_peer_verifies() {
    let (ecdsa, rsa) = (certificate(), rsa_certificate());
    let both = Certificates::new([ecdsa.clone(), rsa.clone()]).unwrap();
    for versions in [V12, V13] {
        // Who verifies both is shown the first.
        for at in [CLIENT, SERVER] {
            let mut pair = Pair::new(versions, versions);
            let context = Context::for_simulation(3).unwrap().with_versions(versions);
            pair.ends[at] = Transport::new(context, both.clone());
            pair.certificates[at] = ecdsa.clone();
            pair.start();
            pair.run(Duration::from_secs(5));
            assert_eq!(pair.states(), [State::Connected; 2]);
        }

        // A server reads it from the hello.
        let context = Context::for_simulation(3).unwrap().with_versions(versions);
        let mut pair = Pair::new(versions, versions);
        pair.ends[SERVER] = Transport::new(context, both.clone());
        pair.start();
        let mut hello = Vec::new();
        assert!(pair.ends[CLIENT].poll_datagram(&mut hello));
        without_ecdsa(&mut hello);
        pair.ends[SERVER].handle_datagram(pair.now, &mut hello, |_| {});
        let shown = &pair.ends[SERVER].engine_mut().unwrap().link.shown;
        assert_eq!(shown.as_ref(), Some(&rsa), "{versions:?}");
    }

    // A client reads it from the request, which is plaintext in the old version.
    let context = Context::for_simulation(3).unwrap().with_versions(V12);
    let mut pair = Pair::new(V12, V12);
    pair.ends[CLIENT] = Transport::new(context, both);
    pair.start();
    for to in [SERVER, CLIENT] {
        let mut datagram = Vec::new();
        while pair.ends[1 - to].poll_datagram(&mut datagram) {
            if to == CLIENT {
                without_ecdsa(&mut datagram);
            }
            pair.ends[to].handle_datagram(pair.now, &mut datagram, |_| {});
            datagram.clear();
        }
    }
    let shown = &pair.ends[CLIENT].engine_mut().unwrap().link.shown;
    assert_eq!(shown.as_ref(), Some(&rsa));
}

fn rsa_certificate() -> Certificate {
    let algorithm = KeygenAlgorithm::RsaPkcs1 {
        modulus_length: 2048,
    };
    let day = Duration::from_secs(24 * 60 * 60);
    let now = WallClock::from_unix_millis(1_795_000_000_000);
    Certificate::generate(algorithm, now, day, &mut Rng::from_u64(1)).unwrap()
}

#[test]
fn close_reaches_the_peer() {
    for versions in [V12, V13] {
        for closing in [CLIENT, SERVER] {
            let mut pair = Pair::connected(versions, versions);
            pair.ends[closing].close();
            assert_eq!(pair.ends[closing].state(), State::Closed);
            pair.run(Duration::from_secs(1));
            assert_eq!(pair.states(), [State::Closed; 2]);
            assert_eq!(pair.events[1 - closing].last(), Some(&Event::Closed));
            assert_eq!(pair.ends[closing].poll_timeout(), None);
        }
    }
}

#[test]
fn a_silent_peer_fails_the_handshake() {
    let mut pair = Pair::new(Versions::Both, Versions::Both);
    pair.loss_percent = 100;
    pair.start();
    pair.run(Duration::from_secs(40));
    let timeout = Event::Failed(DtlsError::HandshakeTimeout);
    assert_eq!(pair.events[CLIENT], [timeout]);
}

#[test]
fn a_connected_transport_has_no_timer() {
    for versions in [V12, V13] {
        let pair = Pair::connected(versions, versions);
        assert_eq!(pair.ends[CLIENT].poll_timeout(), None, "{versions:?}");
        assert_eq!(pair.ends[SERVER].poll_timeout(), None, "{versions:?}");
    }
}

/// Datagrams an attacker may send without knowing a key.
fn hostile(rng: &mut Rng, round: u32, seen: &[u8]) -> Vec<u8> {
    let mut record = |content: u8, epoch: u8, body: &[u8]| {
        let mut bytes = vec![content, 0xfe, 0xfd, 0, epoch, 0, 0];
        bytes.extend_from_slice(&rng.u32().to_be_bytes());
        bytes.extend_from_slice(&(body.len() as u16).to_be_bytes());
        bytes.extend_from_slice(body);
        bytes
    };
    match round % 9 {
        0 => record(20, 0, &[1]),
        1 => record(21, 0, &[2, 40]),
        2 => record(22, 0, &[1, 0, 0, 50, 0, 9, 0, 0, 0, 0, 0, 50, 1, 2, 3]),
        3 => record(23, 0, b"plain"),
        4 => record(23, 1, &[7; 60]),
        5 => record(22, 1, &[7; 60]),
        6 => seen.to_vec(),
        7 => {
            let mut bytes = seen.to_vec();
            let at = rng.below(bytes.len() as u32) as usize;
            bytes[at] ^= 1 << rng.below(8);
            bytes
        }
        _ => {
            let mut bytes = vec![0; rng.below(200) as usize + 1];
            rng.fill(&mut bytes);
            bytes[0] = 20 + (bytes[0] % 44);
            bytes
        }
    }
}

#[test]
fn hostile_datagrams_do_not_end_a_connection() {
    for versions in [V12, V13] {
        let mut pair = Pair::connected(versions, versions);
        let mut seen = Vec::new();
        assert!(pair.ends[CLIENT].seal(pair.now, b"seen", &mut seen));
        let mut rng = Rng::from_u64(3);
        for round in 0..2000 {
            for at in [CLIENT, SERVER] {
                let mut datagram = hostile(&mut rng, round, &seen);
                pair.ends[at].handle_datagram(pair.now, &mut datagram, |_| {});
            }
        }
        pair.send(CLIENT, b"still here");
        pair.run(Duration::from_secs(1));
        assert_eq!(pair.states(), [State::Connected; 2], "{versions:?}");
        assert_eq!(pair.packets[SERVER].last().unwrap(), b"still here");
    }
}

#[test]
fn noise_does_not_end_a_handshake() {
    for versions in [V12, V13, Versions::Both] {
        let mut pair = Pair::new(versions, versions);
        pair.start();
        let mut rng = Rng::from_u64(5);
        for round in 0..400 {
            for at in [CLIENT, SERVER] {
                let mut datagram = vec![0; rng.below(100) as usize + 1];
                rng.fill(&mut datagram);
                datagram[0] = 20 + (datagram[0] % 44);
                let _ = round;
                pair.ends[at].handle_datagram(pair.now, &mut datagram, |_| {});
            }
        }
        pair.run(Duration::from_secs(5));
        assert_eq!(pair.states(), [State::Connected; 2], "{versions:?}");
    }
}

#[test]
fn flights_may_arrive_in_reverse_order() {
    for versions in [V12, V13, Versions::Both] {
        let mut pair = Pair::new(versions, versions);
        pair.start();
        for _ in 0..400 {
            pair.flush();
            for at in 0..2 {
                pair.flying[at].make_contiguous().reverse();
            }
            pair.run(Duration::from_millis(5));
        }
        assert_eq!(pair.states(), [State::Connected; 2], "{versions:?}");
    }
}

#[test]
fn a_server_is_the_one_that_its_judge_trusts_or_gets_nothing() {
    for trusted in [true, false] {
        let mut pair = Pair::new(V12, V12);
        let context = Context::for_servers().expect("the library works");
        pair.ends[CLIENT] = Transport::new(context, pair.certificates[CLIENT].clone());
        pair.splits_records = true;
        let expected = pair.certificates[SERVER].der().to_vec();
        let judge = move |der: &[u8], others: &[Vec<u8>]| {
            assert_eq!((der, others.len()), (&expected[..], 0));
            trusted
        };
        let name = "turn.example.org";
        pair.ends[CLIENT].start_to_server(pair.now, name, Box::new(judge));
        let client = sha256(&pair.certificates[CLIENT]);
        pair.ends[SERVER].start(pair.now, DtlsRole::Server, client);
        pair.run(Duration::from_secs(5));
        match trusted {
            true => {
                assert_eq!(pair.states(), [State::Connected; 2]);
                pair.send(CLIENT, b"ping");
                pair.run(Duration::from_secs(1));
                assert_eq!(pair.packets[SERVER], [b"ping".to_vec()]);
            }
            false => {
                let error = DtlsError::UntrustedCertificate;
                assert_eq!(pair.events[CLIENT], [Event::Failed(error)]);
                let alert = DtlsError::AlertReceived(Alert::BAD_CERTIFICATE);
                assert_eq!(pair.events[SERVER], [Event::Failed(alert)]);
            }
        }
    }
}

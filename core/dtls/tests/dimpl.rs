//! Against dimpl, another implementation of both versions: as client and server, over a path that
//! loses, repeats and reorders, in virtual time.

use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::Duration;

use dimpl::crypto::{Dtls12CipherSuite, Dtls13CipherSuite, NamedGroup, aws_lc_rs};
use dimpl::{Config, ConfigBuilder, Dtls, DtlsCertificate, Output};
use duologue_base::{DtlsRole, Instant, Rng, WallClock};
use duologue_dtls::{Context, Event, State, Transport, Version, Versions};
use duologue_identity::{Certificate, Fingerprint, HashFunction, KeygenAlgorithm};

fn certificate(algorithm: KeygenAlgorithm) -> Certificate {
    let now = WallClock::from_unix_millis(1_795_000_000_000);
    let day = Duration::from_secs(24 * 60 * 60);
    Certificate::generate(algorithm, now, day, &mut Rng::from_u64(1)).expect("a key")
}

/// The other implementation with what came out of it.
struct Oracle {
    dtls: Dtls,
    origin: std::time::Instant,
    timer: Option<Instant>,
    connected: bool,
    closed: bool,
    keys: Option<Vec<u8>>,
    packets: Vec<Vec<u8>>,
}

impl Oracle {
    #[expect(
        clippy::disallowed_methods,
        reason = "the oracle has no other origin of time"
    )]
    fn new(setup: Setup, own: &Certificate, role: DtlsRole) -> Self {
        let config = Config::builder()
            .with_crypto_provider(aws_lc_rs::default_provider())
            .mtu(1200)
            .flight_start_rto(Duration::from_millis(50))
            .handshake_timeout(Duration::from_secs(60))
            .flight_retries(20)
            .require_client_certificate(true)
            .use_server_cookie(setup.cookies);
        let config = (setup.tweak)(config).build();
        let identity = DtlsCertificate {
            certificate: own.der().to_vec(),
            private_key: own.private_key_pkcs8().to_vec(),
        };
        let (config, origin) = (Arc::new(config.expect("valid")), std::time::Instant::now());
        let mut dtls = match setup.theirs {
            Versions::Both => Dtls::new_auto(config, identity, origin),
            Versions::Only(Version::V12) => Dtls::new_12(config, identity, origin),
            Versions::Only(Version::V13) => Dtls::new_13(config, identity, origin),
        };
        dtls.set_active(role == DtlsRole::Client);
        Oracle {
            dtls,
            origin,
            timer: Some(Instant::ZERO),
            connected: false,
            closed: false,
            keys: None,
            packets: Vec::new(),
        }
    }

    fn advance(&mut self, now: Instant) {
        let at = self.origin + now.since_origin();
        self.dtls.handle_timeout(at).expect("the oracle goes on");
    }

    fn poll(&mut self) -> Vec<Vec<u8>> {
        let (mut buffer, mut sent) = (vec![0; 70_000], Vec::new());
        loop {
            match self.dtls.poll_output(&mut buffer) {
                Output::Packet(datagram) => sent.push(datagram.to_vec()),
                Output::Timeout(at) => {
                    let at = at.saturating_duration_since(self.origin);
                    let far = Duration::from_secs(86_400 * 365);
                    self.timer = (at < far).then(|| Instant::from_origin(at));
                    return sent;
                }
                Output::Connected => self.connected = true,
                Output::KeyingMaterial(material, _) => self.keys = Some(material.as_ref().to_vec()),
                Output::ApplicationData(packet) => self.packets.push(packet.to_vec()),
                Output::CloseNotify => self.closed = true,
                _ => {}
            }
        }
    }
}

/// What is on the way: when it arrives, in which order it was sent, to whom, and what.
type Flying = std::cmp::Reverse<(Instant, u64, bool, Vec<u8>)>;

struct World {
    now: Instant,
    ours: Transport,
    oracle: Oracle,
    flying: BinaryHeap<Flying>,
    sent: u64,
    rng: Rng,
    loss_percent: u32,
    events: Vec<Event>,
    packets: Vec<Vec<u8>>,
}

#[derive(Clone, Copy, Debug)]
struct Setup {
    ours: Versions,
    theirs: Versions,
    role: DtlsRole,
    loss_percent: u32,
    cookies: bool,
    seed: u64,
    /// What else the oracle is told.
    tweak: fn(ConfigBuilder) -> ConfigBuilder,
}

/// A clean path.
fn setup(ours: Versions, theirs: Versions, role: DtlsRole) -> Setup {
    Setup {
        ours,
        theirs,
        role,
        loss_percent: 0,
        cookies: false,
        seed: 1,
        tweak: |config| config,
    }
}

fn connected(setup: Setup) -> World {
    let mut world = World::new(setup);
    world.run(Duration::from_secs(2));
    world.check(setup);
    world
}

impl World {
    fn new(setup: Setup) -> Self {
        let certificates = [0, 1].map(|_| certificate(KeygenAlgorithm::EcdsaP256));
        let context = Context::new().expect("the library works");
        let context = context.with_versions(setup.ours);
        let mut ours = Transport::new(context, certificates[0].clone());
        let theirs = match setup.role {
            DtlsRole::Client => DtlsRole::Server,
            DtlsRole::Server => DtlsRole::Client,
        };
        let oracle = Oracle::new(setup, &certificates[1], theirs);
        let peer = Fingerprint::of(HashFunction::Sha256, certificates[1].der());
        ours.start(Instant::ZERO, setup.role, vec![peer]);
        World {
            now: Instant::ZERO,
            ours,
            oracle,
            flying: BinaryHeap::new(),
            sent: 0,
            rng: Rng::from_u64(setup.seed),
            loss_percent: setup.loss_percent,
            events: Vec::new(),
            packets: Vec::new(),
        }
    }

    /// A path of 10 to 15 ms, if it loses anything; some of it comes twice.
    fn fly(&mut self, to_oracle: bool, datagram: Vec<u8>) {
        let lossy = self.loss_percent > 0;
        for _ in 0..if lossy { 1 + self.rng.below(5) / 4 } else { 1 } {
            if self.rng.below(100) < self.loss_percent {
                continue;
            }
            let jitter = if lossy { self.rng.below(5000) } else { 0 };
            let delay = Duration::from_micros(10_000 + u64::from(jitter));
            self.sent += 1;
            let flying = (self.now + delay, self.sent, to_oracle, datagram.clone());
            self.flying.push(std::cmp::Reverse(flying));
        }
    }

    fn flush(&mut self) {
        let mut datagram = Vec::new();
        while self.ours.poll_datagram(&mut datagram) {
            let datagram = std::mem::take(&mut datagram);
            self.fly(true, datagram);
        }
        for datagram in self.oracle.poll() {
            self.fly(false, datagram);
        }
        while let Some(event) = self.ours.poll_event() {
            self.events.push(event);
        }
    }

    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            self.flush();
            let arrival = self.flying.peek().map(|it| it.0.0);
            let next = Instant::earliest([arrival, self.ours.poll_timeout(), self.oracle.timer]);
            let Some(next) = next.filter(|next| *next <= end) else {
                self.now = end;
                return;
            };
            self.now = self.now.max(next);
            while self.flying.peek().is_some_and(|it| it.0.0 <= self.now) {
                let Some(std::cmp::Reverse((.., to_oracle, mut datagram))) = self.flying.pop()
                else {
                    return;
                };
                self.deliver(to_oracle, &mut datagram);
            }
            if self.ours.poll_timeout().is_some_and(|at| at <= self.now) {
                self.ours.handle_timeout(self.now);
            }
            if self.oracle.timer.is_some_and(|at| at <= self.now) {
                self.oracle.timer = None;
                self.oracle.advance(self.now);
            }
        }
    }

    fn deliver(&mut self, to_oracle: bool, datagram: &mut [u8]) {
        if to_oracle {
            self.oracle.advance(self.now);
            self.oracle
                .dtls
                .handle_packet(datagram)
                .expect("the oracle takes it");
        } else {
            let packets = &mut self.packets;
            let take = |packet: &[u8]| packets.push(packet.to_vec());
            self.ours.handle_datagram(self.now, datagram, take);
        }
        self.flush();
    }

    /// Both are connected with the same keys, and data passes both ways.
    fn check(&mut self, setup: Setup) {
        assert_eq!(
            self.ours.state(),
            State::Connected,
            "{setup:?} {:?}",
            self.events
        );
        assert!(self.oracle.connected, "{setup:?}");
        let [Event::Connected { srtp, version, .. }] = &self.events[..] else {
            panic!("{setup:?} {:?}", self.events);
        };
        let expected = match (setup.ours, setup.theirs) {
            (Versions::Only(version), _) | (_, Versions::Only(version)) => version,
            (Versions::Both, Versions::Both) => Version::V13,
        };
        assert_eq!(*version, expected);
        let ours = srtp.as_ref().map(|keying| keying.material.0.clone());
        assert_eq!(ours, self.oracle.keys, "{setup:?}");
        self.loss_percent = 0;
        for number in 0..20_u8 {
            let mut sealed = Vec::new();
            assert!(self.ours.seal(self.now, &[number; 1000], &mut sealed));
            self.fly(true, sealed);
            self.oracle
                .dtls
                .send_application_data(&[number; 900])
                .expect("sent");
            self.run(Duration::from_millis(1));
        }
        self.run(Duration::from_secs(1));
        let expected = |len| {
            (0..20_u8)
                .map(|number| vec![number; len])
                .collect::<Vec<_>>()
        };
        assert_eq!(self.packets, expected(900), "{setup:?}");
        assert_eq!(self.oracle.packets, expected(1000), "{setup:?}");
    }
}

const V12: Versions = Versions::Only(Version::V12);
const V13: Versions = Versions::Only(Version::V13);
const PAIRS: [(Versions, Versions); 7] = [
    (V12, V12),
    (V13, V13),
    (Versions::Both, V12),
    (Versions::Both, V13),
    (V12, Versions::Both),
    (V13, Versions::Both),
    (Versions::Both, Versions::Both),
];

#[test]
fn it_connects_in_both_roles_and_every_mix_of_versions() {
    for (ours, theirs) in PAIRS {
        for role in [DtlsRole::Client, DtlsRole::Server] {
            for cookies in [false, true] {
                connected(Setup {
                    cookies,
                    ..setup(ours, theirs, role)
                });
            }
        }
    }
}

#[test]
fn it_connects_through_loss_repetition_and_reordering() {
    for (ours, theirs) in [(V12, V12), (V13, V13), (Versions::Both, Versions::Both)] {
        for role in [DtlsRole::Client, DtlsRole::Server] {
            for seed in 0..30 {
                let setup = Setup {
                    loss_percent: 25,
                    seed,
                    ..setup(ours, theirs, role)
                };
                let mut world = World::new(setup);
                world.run(Duration::from_secs(25));
                world.check(setup);
            }
        }
    }
}

#[test]
fn each_hears_the_other_close() {
    for versions in [V12, V13] {
        for role in [DtlsRole::Client, DtlsRole::Server] {
            for we_close in [false, true] {
                let mut world = connected(setup(versions, versions, role));
                match we_close {
                    true => world.ours.close(),
                    false => world.oracle.dtls.close().expect("closed"),
                }
                world.run(Duration::from_secs(1));
                assert_eq!(world.ours.state(), State::Closed);
                assert!(world.oracle.closed, "{versions:?} {role:?}");
            }
        }
    }
}

const ROLES: [DtlsRole; 2] = [DtlsRole::Client, DtlsRole::Server];

#[test]
fn it_agrees_on_the_only_group_that_both_have_by_a_second_hello_if_need_be() {
    let tweaks: [fn(ConfigBuilder) -> ConfigBuilder; 3] = [
        |config| config.kx_groups(&[NamedGroup::X25519]),
        |config| config.kx_groups(&[NamedGroup::Secp256r1]),
        |config| config.kx_groups(&[NamedGroup::Secp384r1]),
    ];
    for tweak in tweaks {
        for versions in [V12, V13] {
            for role in ROLES {
                connected(Setup {
                    tweak,
                    ..setup(versions, versions, role)
                });
            }
        }
    }
}

#[test]
fn it_agrees_on_every_cipher_suite() {
    let tweaks: [fn(ConfigBuilder) -> ConfigBuilder; 3] = [
        |config| {
            let config =
                config.dtls12_cipher_suites(&[Dtls12CipherSuite::ECDHE_ECDSA_AES128_GCM_SHA256]);
            config.dtls13_cipher_suites(&[Dtls13CipherSuite::AES_128_GCM_SHA256])
        },
        |config| {
            let config =
                config.dtls12_cipher_suites(&[Dtls12CipherSuite::ECDHE_ECDSA_AES256_GCM_SHA384]);
            config.dtls13_cipher_suites(&[Dtls13CipherSuite::AES_256_GCM_SHA384])
        },
        |config| {
            let suite = Dtls12CipherSuite::ECDHE_ECDSA_CHACHA20_POLY1305_SHA256;
            let config = config.dtls12_cipher_suites(&[suite]);
            config.dtls13_cipher_suites(&[Dtls13CipherSuite::CHACHA20_POLY1305_SHA256])
        },
    ];
    for tweak in tweaks {
        for versions in [V12, V13] {
            for role in ROLES {
                connected(Setup {
                    tweak,
                    ..setup(versions, versions, role)
                });
            }
        }
    }
}

#[test]
fn it_renews_its_keys_and_we_follow() {
    for role in ROLES {
        let setup = Setup {
            // A KeyUpdate after every few records.
            tweak: |config| config.aead_encryption_limit(12),
            ..setup(V13, V13, role)
        };
        let mut world = connected(setup);
        for number in 0..200_u8 {
            let mut sealed = Vec::new();
            assert!(world.ours.seal(world.now, &[number; 1000], &mut sealed));
            world.fly(true, sealed);
            // While its KeyUpdate is under way it may have no room.
            let _ = world.oracle.dtls.send_application_data(&[number; 900]);
            world.run(Duration::from_millis(30));
        }
        assert_eq!(world.ours.state(), State::Connected);
        assert_eq!(world.oracle.packets.len(), 220);
        assert!(world.packets.len() > 200, "{}", world.packets.len());
        assert_eq!(world.packets.last().map(|packet| packet[0]), Some(199));
    }
}

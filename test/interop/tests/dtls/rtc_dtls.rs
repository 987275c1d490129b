//! rtc-dtls, which is webrtc-rs': in memory, in virtual time, on a path that loses, repeats and reorders.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant as SystemInstant};

use bytes::BytesMut;
use duologue_base::{DtlsRole, Instant, Rng};
use duologue_dtls::{Context, Event, State, Transport};
use duologue_identity::{Certificate, Fingerprint, HashFunction, KeygenAlgorithm};
use rtc_crypto::SignatureScheme;
use rtc_dtls::config::{ClientAuthType, ConfigBuilder, ExtendedMasterSecretType};
use rtc_dtls::endpoint::{Endpoint, EndpointEvent};
use rtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc_shared::TransportProtocol;

use crate::programs::Side;

/// One way.
const DELAY: Duration = Duration::from_millis(10);
const DEADLINE: Duration = Duration::from_secs(30);
const ADDRESS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 5000);

/// Both ends and what is under way between them.
pub(crate) struct Pair {
    ours: Transport,
    theirs: Endpoint,
    /// By when it arrives and in which order it left; whether it goes to us.
    flying: BTreeMap<(Instant, usize), (bool, Vec<u8>)>,
    left: usize,
    rng: Rng,
    /// What becomes of one datagram in a hundred: lost, and as many twice, and as many late.
    trouble: u32,
    /// Their clock cannot be made but from the system's.
    begin: SystemInstant,
    now: Instant,
    events: Vec<Event>,
    received: [Vec<u8>; 2],
}

impl Pair {
    /// A pair that begins its handshake.
    pub(crate) fn new(side: Side, ours: Certificate, theirs: &Certificate, trouble: u32) -> Self {
        let provider = rtc_crypto::default_provider().expect("aws-lc-rs");
        let scheme = match theirs.algorithm() {
            KeygenAlgorithm::RsaPkcs1 { .. } => SignatureScheme::RsaPkcs1Sha256,
            _ => SignatureScheme::EcdsaP256Sha256,
        };
        let key = (provider.crypto()).import_signing_key(scheme, &theirs.private_key_pkcs8().0);
        let chain = vec![theirs.der().to_vec().into()];
        let certificate =
            rtc_dtls::crypto::Certificate::from_signing_key(chain, key.expect("one of ours"));
        let config = ConfigBuilder::default()
            .with_crypto_provider(provider)
            .with_certificates(vec![certificate])
            .with_srtp_protection_profiles(vec![SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm])
            .with_client_auth(ClientAuthType::RequireAnyClientCert)
            .with_extended_master_secret(ExtendedMasterSecretType::Require)
            .with_insecure_skip_verify(true)
            .build(side == Side::Client, Some(ADDRESS));
        let config = Arc::new(config.expect("a configuration"));
        let begin = SystemInstant::now();
        let (role, server) = match side {
            Side::Server => (DtlsRole::Client, Some(config.clone())),
            Side::Client => (DtlsRole::Server, None),
        };
        let mut endpoint = Endpoint::new(ADDRESS, TransportProtocol::UDP, server);
        if side == Side::Client {
            endpoint
                .connect(begin, ADDRESS, config, None)
                .expect("a hello");
        }
        let mut transport = Transport::new(Context::new().expect("the library works"), ours);
        let peer = Fingerprint::of(HashFunction::Sha256, theirs.der());
        transport.start(Instant::ZERO, role, vec![peer]);
        Pair {
            ours: transport,
            theirs: endpoint,
            flying: BTreeMap::new(),
            left: 0,
            rng: Rng::from_u64(u64::from(trouble) + 1),
            trouble,
            begin,
            now: Instant::ZERO,
            events: Vec::new(),
            received: Default::default(),
        }
    }

    /// Completes the handshake, compares the SRTP keys, and says something each way.
    pub(crate) fn understand_each_other(mut self, what: &str) {
        self.run(what, |pair| {
            let open = |theirs: &Endpoint| theirs.get_connection_state(ADDRESS).map(keys_of);
            pair.ours.state() == State::Connected && matches!(open(&pair.theirs), Some(Some(_)))
        });
        let ours = self.events.iter().find_map(|event| match event {
            Event::Connected { srtp, .. } => Some(srtp.as_ref()?.material.0.clone()),
            _ => None,
        });
        let theirs = self.theirs.get_connection_state(ADDRESS).and_then(keys_of);
        assert_eq!(ours, theirs, "{what}");

        // Neither is sent again, so often enough for the path.
        for _ in 0..10 {
            let mut datagram = Vec::new();
            assert!(
                self.ours.seal(self.now, b"from here", &mut datagram),
                "{what}"
            );
            self.send(false, datagram);
            let now = self.begin + self.now.since_origin();
            self.theirs
                .write(now, ADDRESS, b"from there")
                .expect("open");
        }
        self.run(what, |pair| pair.received.iter().all(|it| !it.is_empty()));
        assert!(self.received[0].starts_with(b"from there"), "{what}");
        assert!(self.received[1].starts_with(b"from here"), "{what}");
    }

    fn run(&mut self, what: &str, done: impl Fn(&Pair) -> bool) {
        loop {
            self.flush();
            if done(self) {
                return;
            }
            let theirs = self.theirs.poll_timeout(&ADDRESS).map(|at| {
                let after = at.saturating_duration_since(self.begin);
                Instant::from_origin(after)
            });
            let arrival = self.flying.keys().next().map(|(at, _)| *at);
            let next = [self.ours.poll_timeout(), theirs, arrival];
            let next = next.into_iter().flatten().min().map(|at| at.max(self.now));
            let state = self.ours.state();
            let next = next.unwrap_or_else(|| panic!("{what}: {state:?}, {:?}", self.events));
            assert!(
                next.since_origin() < DEADLINE,
                "{what}: {state:?}, {:?}",
                self.events
            );
            self.now = next;
            self.deliver();
        }
    }

    fn deliver(&mut self) {
        let system = self.begin + self.now.since_origin();
        while let Some(entry) = self.flying.first_entry() {
            if entry.key().0 > self.now {
                break;
            }
            let (here, mut datagram) = entry.remove();
            if here {
                let received = &mut self.received[0];
                let take = |packet: &[u8]| received.extend_from_slice(packet);
                self.ours.handle_datagram(self.now, &mut datagram, take);
                continue;
            }
            // What it does not take, it says; the handshake goes on.
            let read = self
                .theirs
                .read(system, ADDRESS, None, BytesMut::from(&datagram[..]));
            for event in read.into_iter().flatten() {
                if let EndpointEvent::ApplicationData(data) = event {
                    self.received[1].extend_from_slice(&data);
                }
            }
        }
        if self.ours.poll_timeout().is_some_and(|at| at <= self.now) {
            self.ours.handle_timeout(self.now);
        }
        if self
            .theirs
            .poll_timeout(&ADDRESS)
            .is_some_and(|at| at <= system)
        {
            let _ = self.theirs.handle_timeout(ADDRESS, system);
        }
    }

    fn flush(&mut self) {
        let mut datagram = Vec::new();
        while self.ours.poll_datagram(&mut datagram) {
            self.send(false, std::mem::take(&mut datagram));
        }
        while let Some(transmit) = self.theirs.poll_transmit() {
            self.send(true, transmit.message.to_vec());
        }
        while let Some(event) = self.ours.poll_event() {
            self.events.push(event);
        }
    }

    fn send(&mut self, here: bool, datagram: Vec<u8>) {
        let dice = self.rng.below(100);
        if dice < self.trouble {
            return;
        }
        if dice < 2 * self.trouble {
            self.fly(here, DELAY, datagram.clone());
        }
        let late = dice >= 100 - self.trouble;
        self.fly(here, if late { 3 * DELAY } else { DELAY }, datagram);
    }

    fn fly(&mut self, here: bool, after: Duration, datagram: Vec<u8>) {
        self.left += 1;
        self.flying
            .insert((self.now + after, self.left), (here, datagram));
    }
}

/// RFC 5764 §4.2, once there are some.
fn keys_of(state: &rtc_dtls::state::State) -> Option<Vec<u8>> {
    let keys = state.export_keying_material("EXTRACTOR-dtls_srtp", &[], 2 * (16 + 12));
    keys.ok().map(|keys| keys.as_ref().to_vec())
}

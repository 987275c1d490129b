//! `RTCConfiguration`: the constructor, `setConfiguration` and certificates.
#![allow(
    clippy::unwrap_used,
    reason = "helpers outside #[test] functions are tests too"
)]

mod common;

use common::{Host, NOW, audio, env, negotiate, pair};
use duologue_base::{Rng, WallClock};
use duologue_identity::KeygenAlgorithm;
use duologue_peer::{
    BundlePolicy, Configuration, ExceptionName, IceServer, IceTransportPolicy, PeerConnection,
    limits,
};
use duologue_session::{Command, TransportCommand};

fn server(url: &str, username: Option<&str>, credential: Option<&str>) -> Configuration {
    Configuration {
        ice_servers: vec![IceServer {
            urls: vec![url.to_owned()],
            username: username.map(str::to_owned),
            credential: credential.map(Into::into),
        }],
        ..Configuration::default()
    }
}

/// What the constructor and `setConfiguration` both say.
fn refused(configuration: Configuration) -> Option<ExceptionName> {
    let constructed = PeerConnection::new(configuration.clone(), env(1)).err();
    let mut host = Host::new(2);
    let set = host.pc.set_configuration(configuration).err();
    let names = [constructed, set].map(|error| error.map(|e| e.name()));
    assert_eq!(names[0], names[1]);
    names[0]
}

#[test]
fn ice_servers_need_good_urls_and_turn_servers_credentials() {
    let access = Some(ExceptionName::InvalidAccessError);
    let syntax = Some(ExceptionName::SyntaxError);
    let turn = "turn:turn.example.net";
    assert_eq!(refused(server("stun:stun.example.net", None, None)), None);
    assert_eq!(refused(server(turn, Some("user"), Some("cred"))), None);
    assert_eq!(refused(server(turn, Some(""), Some(""))), None);
    assert_eq!(refused(server(turn, None, None)), access);
    assert_eq!(refused(server(turn, Some("user"), None)), access);
    assert_eq!(refused(server(turn, None, Some("cred"))), access);
    let longest = "a".repeat(limits::MAX_USERNAME_BYTES);
    assert_eq!(refused(server(turn, Some(&longest), Some("c"))), None);
    let longer = format!("{longest}a");
    assert_eq!(refused(server(turn, Some(&longer), Some("c"))), access);
    assert_eq!(refused(server("", None, None)), syntax);
    assert_eq!(refused(server("http://example.org", None, None)), syntax);
    let mut none = server("", None, None);
    none.ice_servers[0].urls.clear();
    assert_eq!(refused(none), syntax);
}

#[test]
fn some_of_the_configuration_is_for_life() {
    let mut host = Host::new(1);
    let modification = |host: &mut Host, configuration: Configuration| {
        host.pc
            .set_configuration(configuration)
            .map_err(|error| error.name())
    };
    let bundle = Configuration {
        bundle_policy: BundlePolicy::MaxBundle,
        ..Configuration::default()
    };
    let pool = Configuration {
        ice_candidate_pool_size: 3,
        ..Configuration::default()
    };
    let refused = Err(ExceptionName::InvalidModificationError);
    assert_eq!(modification(&mut host, bundle), refused);
    assert_eq!(modification(&mut host, pool.clone()), Ok(()));
    host.set_local();
    assert_eq!(
        modification(&mut host, Configuration::default()),
        refused,
        "not after setLocalDescription"
    );
    assert_eq!(modification(&mut host, pool), Ok(()));
    assert_eq!(host.pc.configuration().ice_candidate_pool_size, 3);
}

#[test]
fn certificates_live_a_year_at_most_and_cannot_be_used_afterwards() {
    let mut rng = Rng::from_u64(1);
    let mut make = |expires: Option<u64>| {
        PeerConnection::generate_certificate(KeygenAlgorithm::EcdsaP256, expires, NOW, &mut rng)
            .unwrap()
    };
    let lifetime = |expires: WallClock| (expires - NOW).as_millis();
    assert_eq!(lifetime(make(None).expires()), 30 * 86_400_000);
    assert_eq!(lifetime(make(Some(u64::MAX)).expires()), 365 * 86_400_000);
    let short = make(Some(1000));
    let with = |now: WallClock| {
        let configuration = Configuration {
            certificates: vec![short.clone()],
            ..Configuration::default()
        };
        let env = duologue_peer::Env { now, ..env(3) };
        PeerConnection::new(configuration, env).map_err(|error| error.name())
    };
    let later = WallClock::from_unix_millis(NOW.unix_millis() + 1001);
    assert_eq!(
        with(later).err(),
        Some(ExceptionName::InvalidAccessError),
        "expired"
    );
    let pc = with(NOW).unwrap();
    assert_eq!(pc.configuration().certificates.first(), Some(&short));
    let unsupported = PeerConnection::generate_certificate(
        KeygenAlgorithm::RsaPkcs1 {
            modulus_length: 1024,
        },
        None,
        NOW,
        &mut Rng::from_u64(1),
    );
    assert_eq!(
        unsupported.map_err(|error| error.name()).err(),
        Some(ExceptionName::NotSupportedError)
    );
}

#[test]
fn a_connection_shows_an_ecdsa_certificate_if_it_has_one_and_any_other_if_not() {
    let mut rng = Rng::from_u64(1);
    let rsa = KeygenAlgorithm::RsaPkcs1 {
        modulus_length: 2048,
    };
    let [rsa, ecdsa] = [rsa, KeygenAlgorithm::EcdsaP256].map(|algorithm| {
        PeerConnection::generate_certificate(algorithm, None, NOW, &mut rng).unwrap()
    });
    let with = |certificates: &[&duologue_identity::Certificate]| {
        let configuration = Configuration {
            certificates: certificates.iter().map(|c| (*c).clone()).collect(),
            ..Configuration::default()
        };
        PeerConnection::new(configuration, env(3)).map_err(|error| error.name())
    };
    for (given, shown) in [(&[&rsa, &ecdsa][..], &ecdsa), (&[&rsa], &rsa)] {
        let mut pc = with(given).unwrap();
        pc.create_data_channel("x", Default::default()).unwrap();
        pc.set_local_description(None);
        while pc.run_task(duologue_base::Instant::ZERO) {}
        let added = std::iter::from_fn(|| pc.poll_command()).find_map(|command| match command {
            Command::Transport(_, TransportCommand::Add { certificates, .. }) => Some(certificates),
            _ => None,
        });
        let added = added.unwrap();
        assert_eq!(added.first(), shown);
        assert_eq!(added.iter().count(), given.len());
        let sdp = pc.local_description().unwrap().sdp;
        for certificate in given {
            assert!(sdp.contains(&certificate.fingerprints()[0].to_string()));
        }
    }
}

/// The transports that are prepared and removed, in order.
fn pool_commands(peer: &mut PeerConnection) -> Vec<(bool, u32)> {
    let pool = |command| match command {
        Command::Transport(key, TransportCommand::Prepare { .. }) => Some((true, key.0)),
        Command::Transport(key, TransportCommand::Remove) => Some((false, key.0)),
        _ => None,
    };
    std::iter::from_fn(|| peer.poll_command())
        .filter_map(pool)
        .collect()
}

#[test]
fn the_candidate_pool_has_as_many_transports_as_the_configuration_says() {
    let sized = |ice_candidate_pool_size| Configuration {
        ice_candidate_pool_size,
        ..Configuration::default()
    };
    let mut peer = PeerConnection::new(sized(1), env(1)).unwrap();
    assert_eq!(pool_commands(&mut peer), [(true, 0)]);
    peer.set_configuration(sized(3)).unwrap();
    assert_eq!(pool_commands(&mut peer), [(true, 1), (true, 2)]);
    peer.set_configuration(sized(1)).unwrap();
    assert_eq!(pool_commands(&mut peer), [(false, 1), (false, 2)]);
    peer.set_configuration(sized(255)).unwrap();
    assert_eq!(pool_commands(&mut peer).len(), 7);
}

#[test]
fn a_changed_policy_or_list_of_servers_gives_the_next_offer_new_credentials() {
    let relay = Configuration {
        ice_transport_policy: IceTransportPolicy::Relay,
        ..Configuration::default()
    };
    let stun = server("stun:stun.example.net", None, None);
    for changes in [
        vec![relay.clone()],
        vec![relay, Configuration::default()],
        vec![stun],
    ] {
        let (mut a, mut b) = pair();
        a.pc.add_track(audio("t1"), &[]).unwrap();
        negotiate(&mut a, &mut b);
        let first = ufrag(&a);
        negotiate(&mut a, &mut b);
        assert_eq!(ufrag(&a), first);
        a.take_log();
        for configuration in changes {
            a.pc.set_configuration(configuration).unwrap();
        }
        a.run();
        assert_eq!(a.take_events(), [""; 0], "nothing asks for a negotiation");
        // An answer is no offer.
        negotiate(&mut b, &mut a);
        assert_eq!(ufrag(&a), first);
        assert!(!a.take_events().contains(&"negotiationneeded".to_owned()));
        negotiate(&mut a, &mut b);
        let second = ufrag(&a);
        assert_ne!(second, first);
        negotiate(&mut a, &mut b);
        assert_eq!(ufrag(&a), second, "once");
        a.pc.set_configuration(a.pc.configuration().clone())
            .unwrap();
        negotiate(&mut a, &mut b);
        assert_eq!(ufrag(&a), second, "the same is no change");
    }
}

fn ufrag(host: &Host) -> String {
    let sdp = host.pc.local_description().unwrap().sdp;
    let line = sdp.lines().find(|line| line.starts_with("a=ice-ufrag:"));
    line.unwrap().to_owned()
}

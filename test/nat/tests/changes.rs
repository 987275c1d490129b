//! Networks that change under a connection.
#![allow(clippy::print_stdout, reason = "the times are the tests' output")]

use std::time::{Duration, Instant};

use duologue_nat::{Call, Coturn, Internet, Kind, Namespace, PeerOptions, Site, need_namespaces};
use serde_json::json;

const PEER: &str = env!("CARGO_BIN_EXE_nat-peer");
const SECOND: Duration = Duration::from_secs(1);
/// How long anything may take before a test gives up on it.
const LIMIT: Duration = Duration::from_secs(20);

fn call(ends: [&Namespace; 2], options: &PeerOptions) -> Call {
    let mut call = Call::start(PEER, ends.map(|namespace| (namespace, options)));
    assert!(call.connects(LIMIT), "{call:#?}");
    call
}

fn sites(internet: &Internet, kinds: [Kind; 2]) -> [Site; 2] {
    let mut number = 9;
    kinds.map(|kind| {
        number += 1;
        Site::new(internet, kind, number)
    })
}

/// A host gets another address and loses the one in use, and nobody restarts anything.
#[test]
fn data_goes_on_when_an_address_changes() {
    need_namespaces();
    for mover in 0..2 {
        let internet = Internet::new();
        let sites = sites(&internet, [Kind::Open; 2]);
        let mut call = call([&sites[0].host, &sites[1].host], &PeerOptions::default());
        call.run_for(SECOND);
        let host = &sites[mover].host;
        let old = format!("203.0.113.{}/24", 10 + mover);
        host.ip(&["addr", "del", &old, "dev", "wan"]);
        host.address("wan", "203.0.113.99/24");
        let begun = Instant::now();
        assert!(call.data_flows(LIMIT), "{call:#?}");
        let side = ["offerer", "answerer"][mover];
        println!(
            "the {side}'s address changed: data after {:?}",
            begun.elapsed()
        );
        assert!(begun.elapsed() < 6 * SECOND);
    }
}

/// The old interface carries data until the new one was nominated, and goes then.
#[test]
fn data_does_not_pause_while_a_restart_moves_it_to_another_interface() {
    need_namespaces();
    let internet = Internet::new();
    let sites = sites(&internet, [Kind::Open; 2]);
    let mut call = call([&sites[0].host, &sites[1].host], &PeerOptions::default());
    call.run_for(SECOND);
    let host = &sites[0].host;
    internet.attach_as(host, "second", "wan2", "203.0.113.98/24");
    call.run_for(SECOND);
    call.sides[0].tell(&json!({ "restart": {} }));
    let mut longest = Duration::ZERO;
    for _ in 0..20 {
        let (begun, before) = (Instant::now(), call.sides[0].echoes);
        assert!(call.run_until(LIMIT, |sides| sides[0].echoes > before + 2));
        longest = longest.max(begun.elapsed());
    }
    println!("restart: no three messages took longer than {longest:?}");
    assert!(longest < SECOND);
    host.ip(&["link", "del", "wan"]);
    let begun = Instant::now();
    assert!(call.data_flows(LIMIT), "{call:#?}");
    println!("the old interface went: data after {:?}", begun.elapsed());
}

/// What the host gets later is signalled when that is asked for, and only then.
#[test]
fn an_interface_that_comes_later_is_signalled_while_gathering_goes_on() {
    need_namespaces();
    for continually in [false, true] {
        let internet = Internet::new();
        let sites = sites(&internet, [Kind::Open; 2]);
        let options = PeerOptions {
            flags: match continually {
                true => vec!["--continually".to_owned()],
                false => Vec::new(),
            },
            ..PeerOptions::default()
        };
        let mut call = call([&sites[0].host, &sites[1].host], &options);
        call.run_for(SECOND);
        internet.attach_as(&sites[0].host, "second", "wan2", "203.0.113.98/24");
        let told = |sides: &[duologue_nat::Side; 2]| {
            let candidates = sides[0]
                .told
                .iter()
                .filter(|line| line["candidate"].is_object());
            candidates
                .map(|line| line["candidate"].to_string())
                .any(|text| text.contains("203.0.113.98"))
        };
        let limit = if continually { LIMIT } else { 3 * SECOND };
        assert_eq!(call.run_until(limit, told), continually, "{call:#?}");
        // The other end pairs it at once: the old address goes, and nobody restarts anything.
        sites[0].host.ip(&["link", "del", "wan"]);
        let begun = Instant::now();
        assert!(call.data_flows(LIMIT), "{call:#?}");
        println!(
            "continually {continually}: data after {:?}",
            begun.elapsed()
        );
    }
}

/// The cable behind the routers is cut: no host sees it.
#[test]
fn a_link_that_is_cut_and_restored_disconnects_and_reconnects_without_restart() {
    need_namespaces();
    let internet = Internet::new();
    let [server, _] = Internet::SERVERS;
    let _coturn = Coturn::start(internet.servers(), server);
    let options = PeerOptions {
        servers: vec![format!("stun:{server}")],
        ..PeerOptions::default()
    };
    let sites = sites(&internet, [Kind::PortRestricted; 2]);
    let mut call = call([&sites[0].host, &sites[1].host], &options);
    call.signals = false;
    internet.servers().ip(&["link", "set", "site10", "down"]);
    let cut = Instant::now();
    let both = |state: &'static str| {
        move |sides: &[duologue_nat::Side; 2]| sides.iter().all(|side| side.state() == state)
    };
    assert!(call.run_until(LIMIT, both("disconnected")), "{call:#?}");
    let disconnected = cut.elapsed();
    internet.servers().ip(&["link", "set", "site10", "up"]);
    let restored = Instant::now();
    assert!(call.run_until(LIMIT, both("connected")), "{call:#?}");
    assert!(call.data_flows(LIMIT), "{call:#?}");
    let reconnected = restored.elapsed();
    println!("cut: disconnected after {disconnected:?}; restored: data after {reconnected:?}");
}

/// The line behind a router carries less than before: what is too long vanishes there, and nobody says
/// so.
#[test]
fn data_goes_on_when_a_line_carries_less_than_before() {
    need_namespaces();
    let internet = Internet::new();
    let sites = sites(&internet, [Kind::PortRestricted, Kind::Open]);
    let router = sites[0].router.as_ref().expect("it is not open");
    // Trains come apart before the router.
    sites[0]
        .host
        .ip(&["link", "set", "eth0", "gso_max_segs", "1"]);
    router.nft(
        "table inet seen {
            chain passes {
                type filter hook forward priority 1;
                ip length 1400-1500 counter
            }
            chain says {
                type filter hook output priority 0;
                icmp type destination-unreachable drop
            }
        }",
    );
    let options = PeerOptions {
        flags: vec!["--bytes=20000".to_owned()],
        ..PeerOptions::default()
    };
    let mut call = call([&sites[0].host, &sites[1].host], &options);
    call.run_for(SECOND);
    let seen = router.run("nft", &["list", "table", "inet", "seen"]);
    let (_, counted) = seen.split_once("counter packets ").expect("it counts");
    let large: u32 = counted
        .split(' ')
        .next()
        .and_then(|n| n.parse().ok())
        .expect("a number");
    assert!(large > 100, "{seen}");

    router.ip(&["link", "set", "wan", "mtu", "1300"]);
    let begun = Instant::now();
    assert!(call.data_flows(LIMIT), "{call:#?}");
    println!(
        "the line carries 1300 bytes: 20 messages more after {:?}",
        begun.elapsed()
    );
}

/// Its own cable: the interface goes down and comes back.
#[test]
fn an_interface_that_goes_down_and_comes_back_is_used_again() {
    need_namespaces();
    let internet = Internet::new();
    let sites = sites(&internet, [Kind::Open; 2]);
    let mut call = call([&sites[0].host, &sites[1].host], &PeerOptions::default());
    call.run_for(SECOND);
    internet.servers().ip(&["link", "set", "site10", "down"]);
    call.run_for(3 * SECOND);
    internet.servers().ip(&["link", "set", "site10", "up"]);
    let restored = Instant::now();
    assert!(call.data_flows(LIMIT), "{call:#?}");
    println!(
        "the interface came back: data after {:?}",
        restored.elapsed()
    );
}

/// A cable between two hosts, a switch that restarts: both lose their carrier, or somebody takes both
/// interfaces down, and nothing can be signalled.
#[test]
fn both_ends_lose_their_link_for_a_moment_and_the_connection_comes_back() {
    need_namespaces();
    for own in [false, true] {
        for flags in [vec![], vec!["--shared-port=5005".to_owned()]] {
            let internet = Internet::new();
            let sites = sites(&internet, [Kind::Open; 2]);
            let options = PeerOptions {
                flags: flags.clone(),
                ..PeerOptions::default()
            };
            let mut call = call([&sites[0].host, &sites[1].host], &options);
            call.run_for(SECOND);
            call.signals = false;
            for state in ["down", "up"] {
                for (site, port) in sites.iter().zip(["site10", "site11"]) {
                    match own {
                        true => site.host.ip(&["link", "set", "wan", state]),
                        false => internet.servers().ip(&["link", "set", port, state]),
                    }
                }
                if state == "down" {
                    call.run_for(Duration::from_millis(300));
                }
            }
            let restored = Instant::now();
            assert!(call.data_flows(LIMIT), "{call:#?}");
            println!(
                "both links (own: {own}, {flags:?}) came back: data after {:?}",
                restored.elapsed()
            );
        }
    }
}

/// Everyone's first try: a TURN server on the own machine.
#[test]
fn a_turn_server_on_loopback_relays_between_peers_of_its_host() {
    need_namespaces();
    let internet = Internet::new();
    let sites = sites(&internet, [Kind::Open; 2]);
    let host = &sites[0].host;
    let _coturn = Coturn::start(host, "127.0.0.1");
    for relay_only in [true, false] {
        let options = PeerOptions {
            servers: vec!["stun:127.0.0.1".to_owned(), "turn:127.0.0.1".to_owned()],
            relay_only,
            ..PeerOptions::default()
        };
        let mut call = call([host, host], &options);
        assert!(call.data_flows(LIMIT), "{call:#?}");
        for side in &call.sides {
            let told = format!("{:?}", side.told);
            assert!(!told.contains("\"error\""), "{told}");
        }
        println!(
            "coturn on loopback, relay only {relay_only}: {:?} in {:?}",
            call.sides[0].pairs.last(),
            call.time_to_connect()
        );
    }
}

#[test]
fn hosts_with_ipv6_only_connect() {
    need_namespaces();
    let internet = Internet::new();
    let hosts = [10, 11].map(|number| {
        let host = Namespace::new();
        let port = format!("site{number}");
        internet.attach(&host, &port, &format!("2001:db8::{number}/64"));
        host
    });
    internet.servers().address("segment", "2001:db8::1/64");
    let _coturn = Coturn::start(internet.servers(), "2001:db8::1");
    let direct = PeerOptions {
        servers: vec!["stun:[2001:db8::1]".to_owned()],
        ..PeerOptions::default()
    };
    let mut call_direct = call([&hosts[0], &hosts[1]], &direct);
    assert!(call_direct.data_flows(LIMIT));
    let relayed = PeerOptions {
        servers: vec!["turn:[2001:db8::1]".to_owned()],
        relay_only: true,
        ..PeerOptions::default()
    };
    let mut call_relayed = call([&hosts[0], &hosts[1]], &relayed);
    assert!(call_relayed.data_flows(LIMIT));
    for call in [call_direct, call_relayed] {
        let pair = call.sides[0].pairs.last().cloned();
        println!("IPv6: {pair:?} in {:?}", call.time_to_connect());
    }
}

/// Neither of them ever says its address; multicast crosses the segment.
#[test]
fn hosts_that_hide_their_addresses_meet_by_multicast_dns() {
    need_namespaces();
    let internet = Internet::new();
    let sites = sites(&internet, [Kind::Open; 2]);
    let options = PeerOptions {
        flags: vec!["--hide".to_owned()],
        ..PeerOptions::default()
    };
    let mut call = call([&sites[0].host, &sites[1].host], &options);
    assert!(call.data_flows(LIMIT));
    for side in &call.sides {
        let told = format!("{:?}", side.told);
        assert!(!told.contains("203.0.113"), "{told}");
    }
    println!("mDNS: connected in {:?}", call.time_to_connect());
}

//! A server with one port for all its connections, whose addresses come and go.
#![allow(clippy::print_stdout, reason = "the times are the tests' output")]

use std::time::{Duration, Instant};

use duologue_nat::{Call, Internet, Kind, PeerOptions, Site, need_namespaces};
use serde_json::json;

const PEER: &str = env!("CARGO_BIN_EXE_nat-peer");
/// How long anything may take before a test gives up on it.
const LIMIT: Duration = Duration::from_secs(20);
const OLD: &str = "203.0.113.11";
const NEW: &str = "203.0.113.99";
const PORT: &str = "5000";

fn options(flags: &[&str]) -> PeerOptions {
    PeerOptions {
        flags: flags.iter().map(|&flag| flag.to_owned()).collect(),
        ..PeerOptions::default()
    }
}

/// A client and the server.
fn sites(internet: &Internet) -> [Site; 2] {
    [10, 11].map(|number| Site::new(internet, Kind::Open, number))
}

fn call(sites: &[Site; 2], client: &[&str], server: &[&str]) -> Call {
    let (client, server) = (options(client), options(server));
    let ends = [(&sites[0].host, &client), (&sites[1].host, &server)];
    let mut call = Call::start(PEER, ends);
    assert!(call.connects(LIMIT), "{call:#?}");
    call
}

/// Whether the server has a socket on its port of this address that anybody may reach.
fn is_bound(server: &Site, protocol: &str, address: &str) -> bool {
    let ip: std::net::Ipv4Addr = address.parse().expect("an address");
    let port: u16 = PORT.parse().expect("a port");
    // As the kernel writes it on this machine.
    let bound = format!(
        " {:08X}:{port:04X} 00000000:0000 ",
        u32::from_ne_bytes(ip.octets())
    );
    let file = format!("/proc/net/{protocol}");
    server.host.run("cat", &[&file]).contains(&bound)
}

/// 30 s, and some.
const KEPT: Duration = Duration::from_secs(50);

fn change_address(server: &Site) {
    let host = &server.host;
    host.ip(&["addr", "del", &format!("{OLD}/24"), "dev", "wan"]);
    host.address("wan", &format!("{NEW}/24"));
}

/// Lets time pass until the server has closed what was bound to its old address: it is kept for
/// half a minute, in case the address comes back.
fn wait_for_the_end_of_the_old(call: &mut Call, server: &Site, protocol: &str) {
    let begun = Instant::now();
    while is_bound(server, protocol, OLD) {
        assert!(begun.elapsed() < KEPT, "the old socket stays: {call:#?}");
        call.run_for(Duration::from_millis(100));
    }
}

#[test]
fn connections_of_a_shared_udp_port_move_to_the_address_that_its_host_gets() {
    need_namespaces();
    let internet = Internet::new();
    let sites = sites(&internet);
    let mut call = call(&sites, &[], &["--shared-port=5000"]);
    assert!(is_bound(&sites[1], "udp", OLD));
    call.run_for(Duration::from_secs(1));
    change_address(&sites[1]);
    let begun = Instant::now();
    assert!(call.data_flows(LIMIT), "{call:#?}");
    println!("shared UDP port: data after {:?}", begun.elapsed());
    assert!(begun.elapsed() < Duration::from_secs(6));
    assert!(is_bound(&sites[1], "udp", NEW));
    wait_for_the_end_of_the_old(&mut call, &sites[1], "udp");
    assert!(call.data_flows(LIMIT), "{call:#?}");
}

/// A stream cannot move: the client has to ask for another one.
#[test]
fn a_shared_tcp_port_listens_on_the_address_that_its_host_gets() {
    need_namespaces();
    let internet = Internet::new();
    let sites = sites(&internet);
    let server = ["--shared-port=5000", "--listen", "--no-udp"];
    let mut call = call(&sites, &["--no-udp"], &server);
    assert!(is_bound(&sites[1], "tcp", OLD));
    change_address(&sites[1]);
    // What was accepted there goes as well.
    wait_for_the_end_of_the_old(&mut call, &sites[1], "tcp");
    call.sides[0].tell(&json!({ "restart": {} }));
    let begun = Instant::now();
    assert!(call.data_flows(LIMIT), "{call:#?}");
    println!("shared TCP port: data after {:?}", begun.elapsed());
    assert!(is_bound(&sites[1], "tcp", NEW));
}

/// The server's link goes and comes back with the same address.
#[test]
fn a_shared_port_is_used_again_when_its_interface_comes_back() {
    need_namespaces();
    let internet = Internet::new();
    let sites = sites(&internet);
    let mut call = call(&sites, &[], &["--shared-port=5000"]);
    let cable = |state: &str| internet.servers().ip(&["link", "set", "site11", state]);
    cable("down");
    call.run_for(Duration::from_secs(5));
    cable("up");
    let begun = Instant::now();
    assert!(call.data_flows(LIMIT), "{call:#?}");
    println!(
        "the server's interface came back: data after {:?}",
        begun.elapsed()
    );
    assert!(is_bound(&sites[1], "udp", OLD));
}

/// Addresses and ports of the server's UDP host candidates.
fn signalled(call: &Call) -> Vec<(String, u16)> {
    let told = call.sides[1].told.iter();
    let candidates = told.filter_map(|line| line["candidate"]["candidate"].as_str());
    let words = candidates.map(|text| text.split(' ').collect::<Vec<_>>());
    let udp = words.filter(|words| words.len() > 7 && words[2].eq_ignore_ascii_case("udp"));
    let host = udp.filter(|words| words[7] == "host");
    host.map(|words| (words[4].to_owned(), words[5].parse().expect("a port")))
        .collect()
}

/// As in a cloud. Nobody asks a STUN server, and the server cannot reach the client first.
#[test]
fn a_server_behind_a_one_to_one_nat_is_reached_at_its_external_address() {
    need_namespaces();
    let internet = Internet::new();
    let sites = [(Kind::PortRestricted, 10), (Kind::FullCone, 11)];
    let sites = sites.map(|(kind, number)| Site::new(&internet, kind, number));
    let server = ["--external=203.0.113.11", "--shared-port=5000"];
    let mut call = call(&sites, &[], &server);
    assert!(call.data_flows(LIMIT), "{call:#?}");
    assert_eq!(signalled(&call), [(OLD.to_owned(), 5000)]);
}

#[test]
fn only_the_interfaces_addresses_and_ports_that_are_allowed_are_used() {
    need_namespaces();
    for filter in ["--only-interface=wan", "--except-address=203.0.113.98"] {
        let internet = Internet::new();
        let sites = sites(&internet);
        internet.attach_as(&sites[1].host, "second", "wan2", "203.0.113.98/24");
        let mut call = call(&sites, &[], &[filter, "--ports=6000-6003"]);
        assert!(call.data_flows(LIMIT), "{call:#?}");
        let signalled = signalled(&call);
        assert!(!signalled.is_empty());
        for (address, port) in signalled {
            assert_eq!(address, OLD, "{filter}");
            assert!((6000..=6003).contains(&port), "{port}");
        }
    }
}

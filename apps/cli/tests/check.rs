//! `duologue check` as somebody runs it: before a server of this machine, and behind NATs of each kind.

use std::net::{TcpListener, UdpSocket};
use std::process::{Command, Output};

use duologue_coturn::{Coturn, PASSWORD, USER};
use duologue_nat::{Internet, Kind, Site, need_namespaces};
use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_duologue");

fn check(options: &[&str]) -> Output {
    let output = Command::new(PROGRAM).arg("check").args(options).output();
    output.expect("it runs")
}

fn report(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn a_nat_is_told_by_what_it_does_and_what_comes_of_it() {
    need_namespaces();
    let internet = Internet::new();
    let _coturn = duologue_nat::Coturn::start_at_both(internet.servers(), Internet::SERVERS);
    let server = format!("stun:{}", Internet::SERVERS[0]);
    let sites = (10..).zip(Kind::ALL);
    let sites: Vec<_> = sites
        .map(|(number, kind)| (kind, Site::new(&internet, kind, number)))
        .collect();
    let look = |site: &Site, more: &[&str]| {
        let mut program = site.host.command(PROGRAM);
        program.args(["check", "--ice-server", &server]).args(more);
        program.output().expect("it runs")
    };
    std::thread::scope(|scope| {
        for (kind, site) in &sites {
            scope.spawn(move || {
                let output = look(site, &["--json"]);
                assert!(output.status.success(), "{kind}: {output:?}");
                let found = report(&output)["network"]["behaviour"][0].clone();
                let (mapping, filtering) = match kind {
                    Kind::Open | Kind::FullCone => ("endpoint-independent", "endpoint-independent"),
                    Kind::AddressRestricted => ("endpoint-independent", "address-dependent"),
                    Kind::PortRestricted => ("endpoint-independent", "address-and-port-dependent"),
                    Kind::Symmetric => ("address-and-port-dependent", "address-and-port-dependent"),
                };
                let said = [&found["mapping"], &found["filtering"]];
                assert_eq!(said, [mapping, filtering], "{kind}: {found}");
                assert_eq!(
                    found["local"] == found["mapped"],
                    *kind == Kind::Open,
                    "{found}"
                );
            });
        }
    });
    let symmetric = sites.iter().find(|(kind, _)| *kind == Kind::Symmetric);
    let output = look(&symmetric.expect("it is one of all").1, &[]);
    let text = String::from_utf8_lossy(&output.stdout);
    for line in [
        "mapping     address and port-dependent",
        "Others need a TURN server.",
        "UDP port 3478 of 203.0.113.1: open",
        "No TURN server was named",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
}

#[test]
fn each_server_is_told_with_what_it_gives_over_which_transport() {
    let coturn = Coturn::start(&["--listening-ip=127.0.0.2"]).expect("apt-get install coturn");
    let roots = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(roots.path(), coturn.roots()).expect("room");
    let roots = roots.path().to_str().expect("UTF-8");
    let login = |url: String, password: &str| {
        let (scheme, host) = url.split_once(':').expect("a URL");
        format!("{scheme}:{USER}:{password}@{host}")
    };
    let udp = login(coturn.url("udp"), PASSWORD);
    let tls = login(coturn.url("tls"), PASSWORD);
    let options = ["--json", "--loopback", "--tls-roots", roots];
    let good = [&options[..], &["--ice-server", &udp, "--ice-server", &tls]].concat();
    let output = check(&good);
    assert!(output.status.success(), "{output:?}");
    let network = report(&output)["network"].clone();
    let servers = network["servers"].as_array().expect("a list");
    // Over UDP as asked, over TCP besides, over TLS as asked.
    assert_eq!(servers.len(), 3, "{network}");
    for server in servers {
        assert_eq!(server["passes"], true, "{server}");
        assert!(server["relayed"].is_string(), "{server}");
    }
    let besides: Vec<_> = servers.iter().map(|it| it["besides"].clone()).collect();
    assert_eq!(besides, [json!(false), json!(true), json!(false)]);
    let nat = &network["behaviour"][0];
    assert_eq!(
        (&nat["mapping"], &nat["filtering"]),
        (
            &json!("endpoint-independent"),
            &json!("endpoint-independent")
        )
    );
    assert_eq!(nat["mapped"], nat["local"]);

    let wrong = login(coturn.url("udp"), "wrong");
    let output = check(&[&options[..], &["--ice-server", &wrong]].concat());
    assert!(!output.status.success());
    let network = report(&output)["network"].clone();
    let error = network["servers"][0]["error"].as_str().expect("an error");
    assert!(error.starts_with("401"), "{network}");
    // It is there all the same.
    assert!(network["behaviour"][0]["mapped"].is_string(), "{network}");
}

#[test]
fn a_server_that_is_not_there_is_told_with_its_port_and_fails_the_check() {
    let closed = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr());
    let closed = closed.expect("a free port");
    let server = format!("turn:{USER}:{PASSWORD}@{closed}?transport=tcp");
    let output = check(&["--loopback", "--ice-server", &server]);
    assert!(!output.status.success());
    let text = String::from_utf8_lossy(&output.stdout);
    let port = format!("TCP port {} of 127.0.0.1: NOT usable", closed.port());
    for line in ["FAILED: 701", &port, "No TURN server works"] {
        assert!(text.contains(line), "{line}: {text}");
    }
}

/// As most servers are: with one address.
#[test]
fn a_server_without_a_second_address_says_nothing_of_the_nat() {
    let server = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let address = server.local_addr().expect("it is bound");
    std::thread::spawn(move || {
        let mut buffer = [0; 1500];
        while let Ok((_, from)) = server.recv_from(&mut buffer) {
            // RFC 8489 §14.1: MAPPED-ADDRESS, in a success response to what was asked.
            let mut answer = vec![1, 1, 0, 12];
            answer.extend_from_slice(&buffer[4..20]);
            answer.extend_from_slice(&[0, 1, 0, 8, 0, 1]);
            answer.extend_from_slice(&from.port().to_be_bytes());
            answer.extend_from_slice(&[127, 0, 0, 1]);
            let _ = server.send_to(&answer, from);
        }
    });
    let output = check(&["--loopback", "--ice-server", &format!("stun:{address}")]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert!(
        text.contains("this server has no second address (RFC 5780)"),
        "{text}"
    );
}

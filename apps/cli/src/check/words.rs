//! The network in words, for whoever runs it.

use super::behaviour::{Behaviour, Dependence};
use super::network::{Network, Server};

pub(super) fn text(network: &Network) -> String {
    let mut text = String::from("addresses of this machine\n");
    for address in &network.addresses {
        text += &format!("  {address}\n");
    }
    if network.addresses.is_empty() {
        text += "  none: no interface is up, or --loopback was not given\n";
    }
    if network.servers.is_empty() {
        text += "\nWith --ice-server stun:HOST servers, ports and NATs are looked at, too.\n";
        return text;
    }
    text += "\nservers\n";
    for server in &network.servers {
        text += &format!("  {:<52} {}\n", server.url, answered(server));
    }
    for found in &network.behaviour {
        text += &format!("\nas {} sees it, over UDP\n", found.server);
        for line in seen(found) {
            text += &format!("  {line}\n");
        }
    }
    text += "\nwhat that means\n";
    for line in meaning(network) {
        text += &format!("  * {line}\n");
    }
    text
}

fn answered(server: &Server) -> String {
    let besides = match server.besides {
        true => " (not asked for)",
        false => "",
    };
    let what = match (&server.error, &server.relayed, &server.reflexive) {
        (Some(error), ..) => return format!("FAILED: {error}{besides}"),
        (None, Some(relayed), _) if server.passes == Some(false) => {
            format!("FAILED: rents out {relayed}, but nothing passes through it")
        }
        (None, Some(relayed), _) => format!("works: rents out {relayed}, data passes"),
        (None, None, Some(reflexive)) => format!("answers: sees {reflexive}"),
        (None, None, None) => "answers: sees this machine at its own address".to_owned(),
    };
    format!("{what}, {} ms{besides}", server.milliseconds)
}

fn seen(found: &Behaviour) -> Vec<String> {
    let Behaviour { local, mapped, .. } = found;
    let mut lines = vec![format!("round trip  {} ms", found.round_trip_ms)];
    lines.push(match found.is_translated() {
        true => format!("address     {local} here is {mapped} there: there is a NAT between"),
        false => format!("address     {local} at both ends: there is no NAT between"),
    });
    let Some(other) = found.other else {
        lines.push("NAT         unknown: this server has no second address (RFC 5780)".to_owned());
        return lines;
    };
    let Some(mapping) = found.mapping else {
        lines.push(format!(
            "NAT         unknown: its second address {other} does not answer"
        ));
        return lines;
    };
    if found.is_translated() {
        lines.push(format!("mapping     {mapping}"));
    }
    if let Some(filtering) = found.filtering {
        lines.push(format!("filtering   {filtering}"));
    }
    if let Some(hairpinning) = found.hairpinning {
        let word = if hairpinning { "yes" } else { "no" };
        lines.push(format!("hairpinning {word}"));
    }
    lines
}

/// What somebody would have to know who cannot read the rest.
fn meaning(network: &Network) -> Vec<String> {
    let mut lines: Vec<String> = network.behaviour.iter().filter_map(consequence).collect();
    lines.dedup();
    let mut over_udp = network.servers.iter().filter(|it| is_udp(it)).peekable();
    // A TURN server may let nobody ask it what it sees, and relay all the same.
    if network.behaviour.is_empty() && over_udp.peek().is_some() && !over_udp.any(Server::works) {
        lines.push(
            "No answer came over UDP: a firewall holds it up, or the servers are not there. Calls go by TURN over TCP \
             or TLS, if at all."
                .to_owned(),
        );
    }
    for server in &network.servers {
        let works = if server.works() { "open" } else { "NOT usable" };
        if let Some(port) = port(&server.url) {
            lines.push(format!("{port}: {works}"));
        }
    }
    let turns = || {
        network
            .servers
            .iter()
            .filter(|server| server.url.starts_with("turn"))
    };
    match (turns().next().is_some(), turns().any(Server::works)) {
        (true, true) => {
            lines.push("There is a TURN server that works: who is not reached directly is reached through it.".into());
        }
        (true, false) => lines.push(
            "No TURN server works: who is not reached directly is not reached at all.".into(),
        ),
        (false, _) => lines.push(
            "No TURN server was named: who is not reached directly is not reached at all.".into(),
        ),
    }
    lines
}

fn consequence(found: &Behaviour) -> Option<String> {
    let filtering = found.filtering?;
    Some(match (found.is_translated(), found.mapping?, filtering) {
        (false, _, Dependence::EndpointIndependent) => {
            "Everybody reaches this machine directly.".to_owned()
        }
        (false, ..) => "There is a firewall, which lets in who was sent to before: others are reached directly, unless \
             their NAT gives every destination another port (symmetric)."
            .to_owned(),
        (true, Dependence::EndpointIndependent, Dependence::AddressAndPortDependent) => {
            "The NAT is port-restricted: others are reached directly, unless their NAT gives every destination another \
             port (symmetric)."
                .to_owned()
        }
        (true, Dependence::EndpointIndependent, _) => {
            "The NAT is a good one for calls: almost everybody is reached directly.".to_owned()
        }
        (true, ..) => "The NAT gives every destination another port (symmetric): only who is behind no NAT, or behind \
             one that lets in any port of an address, is reached directly. Others need a TURN server."
            .to_owned(),
    })
}

fn is_udp(server: &Server) -> bool {
    let url = &server.url;
    let plain = url.starts_with("stun:") || url.starts_with("turn:");
    plain && !url.ends_with("?transport=tcp")
}

/// As `UDP port 3478 of turn.example.org`.
fn port(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once(':')?;
    let (authority, query) = rest.split_once('?').unwrap_or((rest, ""));
    let secure = scheme.ends_with('s');
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (host, port),
        _ => (authority, if secure { "5349" } else { "3478" }),
    };
    let transport = match (secure, query) {
        (true, "transport=udp") => "UDP (DTLS)",
        (true, _) => "TCP (TLS)",
        (false, "transport=tcp") => "TCP",
        (false, _) => "UDP",
    };
    Some(format!("{transport} port {port} of {host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn behaviour(mapped: &str, nat: Option<(Dependence, Dependence)>) -> Behaviour {
        Behaviour {
            server: "192.0.2.1:3478".parse().unwrap(),
            local: "10.0.0.2:5000".parse().unwrap(),
            mapped: mapped.parse().unwrap(),
            round_trip_ms: 12.5,
            other: nat.map(|_| "192.0.2.2:3479".parse().unwrap()),
            mapping: nat.map(|(mapping, _)| mapping),
            filtering: nat.map(|(_, filtering)| filtering),
            hairpinning: None,
        }
    }

    #[test]
    fn udp_is_held_up_only_if_nothing_works_over_it() {
        let said = |error: Option<&str>| {
            let server = Server {
                url: "turn:a".to_owned(),
                besides: false,
                milliseconds: 1,
                reflexive: None,
                relayed: None,
                passes: error.is_none().then_some(true),
                error: error.map(str::to_owned),
            };
            let lines = meaning(&Network {
                addresses: Vec::new(),
                servers: vec![server],
                behaviour: Vec::new(),
            });
            lines
                .iter()
                .any(|line| line.starts_with("No answer came over UDP"))
        };
        assert!(said(Some("nobody answers")) && !said(None));
    }

    #[test]
    fn what_a_nat_does_is_said_with_what_comes_of_it() {
        use Dependence::{AddressAndPortDependent, AddressDependent, EndpointIndependent};
        for (mapped, mapping, filtering, means) in [
            (
                "10.0.0.2:5000",
                EndpointIndependent,
                EndpointIndependent,
                "Everybody reaches",
            ),
            (
                "10.0.0.2:5000",
                EndpointIndependent,
                AddressAndPortDependent,
                "a firewall",
            ),
            (
                "198.51.100.1:5000",
                EndpointIndependent,
                EndpointIndependent,
                "a good one",
            ),
            (
                "198.51.100.1:5000",
                EndpointIndependent,
                AddressDependent,
                "a good one",
            ),
            (
                "198.51.100.1:5000",
                EndpointIndependent,
                AddressAndPortDependent,
                "port-restricted",
            ),
            (
                "198.51.100.1:7",
                AddressAndPortDependent,
                AddressAndPortDependent,
                "TURN server",
            ),
        ] {
            let found = behaviour(mapped, Some((mapping, filtering)));
            let said = consequence(&found).unwrap();
            assert!(said.contains(means), "{mapping} {filtering}: {said}");
        }
        let unknown = behaviour("198.51.100.1:5000", None);
        assert_eq!(consequence(&unknown), None);
        assert!(
            seen(&unknown)
                .iter()
                .any(|line| line.contains("no second address"))
        );
    }

    #[test]
    fn a_port_is_named_as_a_firewall_knows_it() {
        for (url, named) in [
            ("stun:a", "UDP port 3478 of a"),
            ("turn:a:5?transport=tcp", "TCP port 5 of a"),
            ("turns:a", "TCP (TLS) port 5349 of a"),
            (
                "turns:[::1]:443?transport=udp",
                "UDP (DTLS) port 443 of [::1]",
            ),
        ] {
            assert_eq!(port(url).as_deref(), Some(named));
        }
    }
}

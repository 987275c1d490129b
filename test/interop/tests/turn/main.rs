//! Our TURN client against coturn, on loopback and in real time.

mod host;
mod streams;
mod whole;

use duologue_base::Redacted;
use duologue_coturn::{Coturn, PASSWORD, USER};
use duologue_ice::{CandidateKind, Config, RelayProtocol, Server, ServerKind};

use crate::host::Hosts;

/// A server with these options.
fn coturn(options: &[&str]) -> Coturn {
    Coturn::start(options).expect("coturn: apt-get install coturn")
}

fn config(port: u16, password: &str) -> Config {
    let server = Server {
        url: format!("turn:127.0.0.1:{port}"),
        host: "127.0.0.1".to_owned(),
        port,
        transport: RelayProtocol::Udp,
        kind: ServerKind::Turn {
            username: Redacted(USER.to_owned()),
            password: Redacted(password.to_owned()),
        },
    };
    Config {
        loopback: true,
        relay_only: true,
        servers: vec![server],
        ..Config::default()
    }
}

fn plain() -> Config {
    Config {
        loopback: true,
        ..Config::default()
    }
}

#[test]
fn data_is_relayed_and_closing_frees_the_allocation() {
    let coturn = coturn(&["--user-quota=1"]);
    let mut hosts = Hosts::new([config(coturn.address().port(), PASSWORD), plain()]);
    assert!(hosts.run_until(10, Hosts::completed), "{:?}", hosts.errors);
    let pair = hosts.agents[0].selected_pair().expect("it is connected");
    assert_eq!(pair.local.kind, CandidateKind::Relayed);
    assert!(hosts.exchange());
    // The quota is one allocation: only when it was freed there is another.
    let mut second = Hosts::new([config(coturn.address().port(), PASSWORD), plain()]);
    second.run_until(5, |hosts| !hosts.errors.is_empty());
    let codes: Vec<u16> = second.errors.iter().map(|error| error.code).collect();
    assert_eq!(codes, [486]);
    let now = hosts.now();
    hosts.agents[0].close(now);
    hosts.run_until(1, |_| false);
    let mut third = Hosts::new([config(coturn.address().port(), PASSWORD), plain()]);
    assert!(third.run_until(10, Hosts::completed), "{:?}", third.errors);
    assert!(third.exchange());
}

#[test]
fn relays_at_both_ends_meet() {
    let coturn = coturn(&[]);
    let configs = [
        config(coturn.address().port(), PASSWORD),
        config(coturn.address().port(), PASSWORD),
    ];
    let mut hosts = Hosts::new(configs);
    assert!(hosts.run_until(10, Hosts::completed), "{:?}", hosts.errors);
    assert!(hosts.exchange());
}

#[test]
fn a_wrong_password_and_a_dead_server_are_told_at_once_and_in_time() {
    let coturn = coturn(&[]);
    let mut hosts = Hosts::new([config(coturn.address().port(), "wrong"), plain()]);
    assert!(hosts.run_until(2, |hosts| !hosts.errors.is_empty()));
    assert_eq!((hosts.errors[0].code, hosts.errors.len()), (401, 1));
    assert!(hosts.errors[0].local.is_some());
    let port = coturn.address().port();
    drop(coturn);
    let mut hosts = Hosts::new([config(port, PASSWORD), plain()]);
    assert!(hosts.run_until(11, |hosts| !hosts.errors.is_empty()));
    assert_eq!(hosts.errors[0].code, 701);
}

#[test]
fn a_stale_nonce_is_renewed() {
    let coturn = coturn(&["--stale-nonce=1"]);
    let mut hosts = Hosts::new([config(coturn.address().port(), PASSWORD), plain()]);
    // The allocation is made; channels are wanted only when the nonce is old.
    hosts.signalling_delay = std::time::Duration::from_secs(3);
    assert!(hosts.run_until(15, Hosts::completed), "{:?}", hosts.errors);
    assert!(hosts.exchange());
    assert_eq!(hosts.errors, []);
}

use std::time::Duration;

use duologue_base::{Ecn, Generation, Protocol, SocketId, WallClock};
use duologue_identity::{Certificate, KeygenAlgorithm};

use super::*;
use crate::{BindError, BindId, Command};

const KEY: TransportKey = TransportKey(0);
const NOW: Instant = Instant::ZERO;

fn session() -> Session {
    let context = dtls::Context::for_simulation(1).unwrap();
    Session::new(SessionConfig::new(context), Rng::from_u64(1))
}

fn add_transport() -> Command {
    let mut rng = Rng::from_u64(2);
    let now = WallClock::from_unix_millis(1_795_000_000_000);
    let day = Duration::from_secs(24 * 60 * 60);
    let certificate = Certificate::generate(KeygenAlgorithm::EcdsaP256, now, day, &mut rng);
    Command::AddTransport {
        key: KEY,
        generation: Generation(0),
        local: ice::Credentials::generate(&mut rng),
        role: ice::Role::Controlling,
        certificate: certificate.unwrap(),
    }
}

fn interface(ip: &str) -> Interface {
    Interface {
        ip: ip.parse().unwrap(),
    }
}

fn reports(session: &mut Session) -> Vec<Report> {
    std::iter::from_fn(|| session.poll_report()).collect()
}

fn binds(session: &mut Session) -> Vec<(BindId, String)> {
    std::iter::from_fn(|| session.poll_action())
        .filter_map(|action| match action {
            Action::Bind { bind_id, ip, .. } => Some((bind_id, ip.to_string())),
            _ => None,
        })
        .collect()
}

fn is_complete(report: &Report) -> bool {
    let complete = ice::GatheringState::Complete;
    matches!(report, Report::GatheringState { state, .. } if *state == complete)
}

#[test]
fn a_stream_that_a_check_wants_is_asked_for_when_the_check_is_polled() {
    let mut session = session();
    session.handle_command(NOW, add_transport());
    session.handle_interfaces(NOW, &[interface("192.0.2.1")]);
    let asked = binds(&mut session);
    session.handle_bound(NOW, asked[0].0, Err(BindError::Exhausted));
    session.handle_command(
        NOW,
        Command::SetRemoteIce {
            key: KEY,
            generation: Generation(0),
            remote: ice::Credentials::generate(&mut Rng::from_u64(3)),
            options: ice::RemoteOptions::default(),
        },
    );
    let addr = "198.51.100.1:2000".parse().unwrap();
    let candidate = ice::Candidate {
        tcp_type: Some(ice::TcpType::Passive),
        ..ice::Candidate::host(addr, Protocol::Tcp)
    };
    session.handle_command(
        NOW,
        Command::AddRemoteCandidate {
            key: KEY,
            generation: Generation(0),
            candidate,
        },
    );
    assert!(session.poll_transmit(NOW, &mut Vec::new()).is_none());
    let connect = |action| matches!(action, Action::Connect { .. });
    assert!(std::iter::from_fn(|| session.poll_action()).any(connect));
}

#[test]
fn a_session_can_move_to_another_thread() {
    fn is_send<T: Send>() {}
    is_send::<Session>();
    is_send::<Command>();
    is_send::<Report>();
    is_send::<ChannelReport>();
}

#[test]
fn every_address_is_bound_and_gathering_ends_with_the_last_answer() {
    let mut session = session();
    session.handle_command(NOW, add_transport());
    assert_eq!(binds(&mut session), []);
    let addresses = [interface("192.0.2.1"), interface("2001:db8::1")];
    session.handle_interfaces(NOW, &[addresses[0], addresses[1], addresses[0]]);
    let asked = binds(&mut session);
    assert_eq!(asked.len(), 2);
    let bound = Ok((SocketId(5), "192.0.2.1:1000".parse().unwrap()));
    session.handle_bound(NOW, asked[0].0, bound);
    assert!(!reports(&mut session).iter().any(is_complete));
    session.handle_bound(NOW, asked[1].0, Err(BindError::AddressNotAvailable));
    let said = reports(&mut session);
    assert!(said.iter().any(is_complete), "{said:?}");
    assert_eq!(session.counters().failed_binds, 1);
}

#[test]
fn addresses_that_come_and_go_are_bound_and_unbound() {
    let mut session = session();
    session.handle_command(NOW, add_transport());
    session.handle_interfaces(NOW, &[interface("192.0.2.1")]);
    let asked = binds(&mut session);
    let bound = Ok((SocketId(5), "192.0.2.1:1000".parse().unwrap()));
    session.handle_bound(NOW, asked[0].0, bound);
    session.handle_interfaces(NOW, &[interface("192.0.2.2")]);
    let actions: Vec<Action> = std::iter::from_fn(|| session.poll_action()).collect();
    let socket = SocketId(5);
    assert_eq!(actions[0], Action::Unbind { socket });
    let ip: std::net::IpAddr = "192.0.2.2".parse().unwrap();
    assert!(matches!(actions[1], Action::Bind { ip: asked, .. } if asked == ip));
}

#[test]
fn a_socket_bound_too_late_is_given_back() {
    let mut session = session();
    session.handle_command(NOW, add_transport());
    session.handle_interfaces(NOW, &[interface("192.0.2.1")]);
    let asked = binds(&mut session);
    session.handle_command(NOW, Command::RemoveTransport { key: KEY });
    let socket = SocketId(9);
    let bound = Ok((socket, "192.0.2.1:1000".parse().unwrap()));
    session.handle_bound(NOW, asked[0].0, bound);
    assert_eq!(session.poll_action(), Some(Action::Unbind { socket }));
}

#[test]
fn commands_that_do_not_fit_are_counted() {
    let mut session = session();
    session.handle_command(NOW, Command::RemoveTransport { key: KEY });
    session.handle_command(NOW, add_transport());
    session.handle_command(NOW, add_transport());
    let start = Command::StartSctp {
        key: KEY,
        local_port: 5000,
        remote_port: 5000,
        max_message_size: usize::MAX,
        may_move: false,
    };
    session.handle_command(NOW, start.clone());
    session.handle_command(NOW, start.clone());
    assert_eq!(session.counters().ignored_commands, 3);
    session.handle_command(NOW, Command::Close);
    session.handle_command(NOW, start);
    assert_eq!(session.counters().ignored_commands, 4);
    assert_eq!(reports(&mut session), []);
    assert_eq!(session.poll_timeout(), None);
}

#[test]
fn channels_that_wait_close_when_sctp_is_stopped_and_another_association_may_follow() {
    let mut session = session();
    session.handle_command(NOW, add_transport());
    let start = Command::StartSctp {
        key: KEY,
        local_port: 5000,
        remote_port: 5000,
        max_message_size: usize::MAX,
        may_move: false,
    };
    let channel = duologue_base::ChannelKey(0);
    let open = Command::OpenChannel {
        channel,
        stream: duologue_base::StreamId(0),
        init: duologue_datachannel::ChannelInit::default(),
    };
    for _ in 0..2 {
        session.handle_command(NOW, start.clone());
        session.handle_command(NOW, open.clone());
        assert_eq!(session.poll_channel(), None);
        session.handle_command(NOW, Command::StopSctp);
        assert_eq!(reports(&mut session).pop(), Some(Report::SctpStopped));
        let closed = ChannelReport::Closed {
            channel,
            error: None,
        };
        assert_eq!(session.poll_channel(), Some(closed));
        assert_eq!(session.poll_channel(), None);
    }
    assert_eq!(session.counters().ignored_commands, 0);
    session.handle_command(NOW, Command::StopSctp);
    assert_eq!(session.counters().ignored_commands, 1);
}

#[test]
fn datagrams_of_strangers_are_counted_and_dropped() {
    let mut session = session();
    let datagram = Datagram {
        socket: SocketId(5),
        remote: "203.0.113.1:9".parse().unwrap(),
        local_ip: None,
        ecn: Ecn::NotEct,
    };
    let mut give = |first: u8| {
        let mut bytes = [first; 40];
        session.handle_datagram(NOW, &datagram, &mut bytes);
    };
    give(22);
    give(0);
    give(128);
    give(70);
    session.handle_datagram(NOW, &datagram, &mut []);
    let counters = session.counters();
    assert_eq!(counters.datagrams_received, 5);
    assert_eq!(counters.unknown_socket, 2);
    assert_eq!(counters.stray_stun, 2);
    assert_eq!(counters.unknown_protocol, 1);
}

use std::time::Duration;

use duologue_base::{
    DtlsRole, Ecn, Generation, IceCredentials, IceRole, Protocol, SocketId, WallClock,
};
use duologue_identity::{Certificate, KeygenAlgorithm};

use super::*;
use crate::{
    BindError, BindId, ChannelCommand, Command, Interface, SctpCommand, SctpReport,
    TransportCommand, TransportReport,
};

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
    Command::Transport(
        KEY,
        TransportCommand::Add {
            generation: Generation(0),
            local: IceCredentials::generate(&mut rng),
            role: IceRole::Controlling,
            certificates: certificate.unwrap().into(),
        },
    )
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
    matches!(report, Report::Transport(_, TransportReport::GatheringState { state, .. }) if *state == complete)
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
        Command::Transport(
            KEY,
            TransportCommand::SetRemoteIce {
                generation: Generation(0),
                remote: IceCredentials::generate(&mut Rng::from_u64(3)),
                options: ice::RemoteOptions::default(),
            },
        ),
    );
    let addr = "198.51.100.1:2000".parse().unwrap();
    let candidate = ice::Candidate {
        tcp_type: Some(ice::TcpType::Passive),
        ..ice::Candidate::host(addr, Protocol::Tcp)
    };
    session.handle_command(
        NOW,
        Command::Transport(
            KEY,
            TransportCommand::AddRemoteCandidate {
                generation: Generation(0),
                candidate: Box::new(candidate),
            },
        ),
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
    let ip: std::net::IpAddr = "192.0.2.2".parse().unwrap();
    assert!(matches!(actions[..], [Action::Bind { ip: asked, .. }] if asked == ip));
    let over = session.poll_timeout().expect("it waits for the address");
    assert_eq!(over, NOW + Duration::from_secs(30));
    session.handle_timeout(over);
    let socket = SocketId(5);
    assert_eq!(session.poll_action(), Some(Action::Unbind { socket }));
}

#[test]
fn an_address_that_comes_back_in_time_has_the_socket_that_it_had() {
    let mut session = session();
    session.handle_command(NOW, add_transport());
    session.handle_interfaces(NOW, &[interface("192.0.2.1")]);
    let asked = binds(&mut session);
    let bound = Ok((SocketId(5), "192.0.2.1:1000".parse().unwrap()));
    session.handle_bound(NOW, asked[0].0, bound);
    session.handle_interfaces(NOW, &[]);
    let now = NOW + Duration::from_secs(29);
    session.handle_interfaces(now, &[interface("192.0.2.1")]);
    assert_eq!(session.poll_action(), None);
    session.handle_timeout(now + Duration::from_secs(60));
    assert_eq!(session.poll_action(), None);
}

#[test]
fn addresses_without_end_that_come_and_go_keep_a_bounded_number_of_sockets() {
    let mut session = session();
    session.handle_command(NOW, add_transport());
    let mut open = 0;
    for n in 0..1000 {
        session.handle_interfaces(NOW, &[interface(&format!("2001:db8::{n:x}"))]);
        while let Some(action) = session.poll_action() {
            match action {
                Action::Bind { bind_id, ip, .. } => {
                    open += 1;
                    let bound = (SocketId(n), std::net::SocketAddr::new(ip, 1000));
                    session.handle_bound(NOW, bind_id, Ok(bound));
                }
                Action::Unbind { .. } => open -= 1,
                Action::ListInterfaces => {}
                other => panic!("{other:?}"),
            }
        }
    }
    assert!(open <= 65, "{open}");
}

fn errors(session: &mut Session) -> Vec<(u16, String)> {
    let error = |report| match report {
        Report::Transport(_, TransportReport::CandidateError { error, .. }) => {
            Some((error.code, error.text))
        }
        _ => None,
    };
    reports(session).into_iter().filter_map(error).collect()
}

#[test]
fn a_host_that_can_bind_nothing_says_so_and_a_restart_tries_again() {
    let mut session = session();
    session.handle_command(NOW, add_transport());
    session.handle_interfaces(NOW, &[interface("192.0.2.1"), interface("192.0.2.2")]);
    for (bind_id, _) in binds(&mut session) {
        session.handle_bound(NOW, bind_id, Err(BindError::Exhausted));
    }
    let said = reports(&mut session);
    assert!(said.iter().any(is_complete), "{said:?}");
    let error = said.iter().position(|report| match report {
        Report::Transport(_, TransportReport::CandidateError { error, .. }) => {
            let text = "no socket could be bound: no port or file descriptor is free";
            (error.code, error.text.as_str()) == (701, text)
        }
        _ => false,
    });
    assert!(error < said.iter().position(is_complete), "{said:?}");
    let restart = |generation| {
        Command::Transport(
            KEY,
            TransportCommand::RestartIce {
                generation: Generation(generation),
                local: IceCredentials::generate(&mut Rng::from_u64(generation.into())),
            },
        )
    };
    session.handle_command(NOW, restart(1));
    assert!(!reports(&mut session).iter().any(is_complete));
    for (bind_id, ip) in binds(&mut session) {
        let addr = std::net::SocketAddr::new(ip.parse().unwrap(), 1000);
        let socket = SocketId(u32::from(ip == "192.0.2.2"));
        session.handle_bound(NOW, bind_id, Ok((socket, addr)));
    }
    let said = reports(&mut session);
    let candidates = said.iter().filter(|report| {
        let second = Generation(1);
        matches!(report, Report::Transport(_, TransportReport::LocalCandidate { generation, candidate, .. })
            if *generation == second && candidate.tcp_type.is_none())
    });
    assert_eq!(candidates.count(), 2);
    assert!(said.iter().any(is_complete), "{said:?}");
    let failed = |report: &&Report| {
        matches!(
            report,
            Report::Transport(_, TransportReport::CandidateError { .. })
        )
    };
    assert_eq!(said.iter().find(failed), None);
}

#[test]
fn one_socket_of_several_is_enough_to_say_nothing() {
    let mut session = session();
    session.handle_command(NOW, add_transport());
    session.handle_interfaces(NOW, &[interface("192.0.2.1"), interface("192.0.2.2")]);
    let asked = binds(&mut session);
    session.handle_bound(NOW, asked[0].0, Err(BindError::Exhausted));
    let bound = Ok((SocketId(1), "192.0.2.2:1000".parse().unwrap()));
    session.handle_bound(NOW, asked[1].0, bound);
    assert_eq!(errors(&mut session), []);
}

#[test]
fn a_host_that_cannot_list_its_addresses_says_so_and_later_can() {
    let mut session = session();
    session.handle_command(NOW, add_transport());
    session.handle_interfaces_unknown(NOW, BindError::Exhausted);
    let errors = errors(&mut session);
    assert_eq!(errors.len(), 1);
    assert!(errors[0].1.contains("file descriptor"), "{errors:?}");
    session.handle_interfaces(NOW, &[interface("192.0.2.1")]);
    assert_eq!(binds(&mut session).len(), 1);
}

fn listings(session: &mut Session) -> usize {
    let actions = std::iter::from_fn(|| session.poll_action());
    actions
        .filter(|action| *action == Action::ListInterfaces)
        .count()
}

#[test]
fn a_host_is_asked_for_its_addresses_once_and_again_when_it_could_not_list_them() {
    let mut session = session();
    assert_eq!(listings(&mut session), 0);
    session.handle_command(NOW, add_transport());
    session.handle_command(NOW, restart(1));
    assert_eq!(listings(&mut session), 1);
    session.handle_interfaces_unknown(NOW, BindError::Exhausted);
    session.handle_command(NOW, restart(2));
    assert_eq!(listings(&mut session), 1);
    session.handle_interfaces(NOW, &[interface("192.0.2.1")]);
    session.handle_command(NOW, restart(3));
    assert_eq!(listings(&mut session), 0);
}

#[test]
fn a_host_that_tells_its_addresses_first_is_not_asked() {
    let mut session = session();
    session.handle_interfaces(NOW, &[interface("192.0.2.1")]);
    session.handle_command(NOW, add_transport());
    assert_eq!(listings(&mut session), 0);
}

fn restart(generation: u64) -> Command {
    let local = IceCredentials::generate(&mut Rng::from_u64(generation));
    let generation = Generation(generation as _);
    Command::Transport(KEY, TransportCommand::RestartIce { generation, local })
}

fn drop_generation(generation: u64) -> Command {
    let generation = Generation(generation as _);
    Command::Transport(KEY, TransportCommand::DropGeneration { generation })
}

fn told_user_names(session: &mut Session) -> Vec<Vec<String>> {
    std::iter::from_fn(|| session.poll_action())
        .filter_map(|action| match action {
            Action::SetUserNames { ufrags, .. } => Some(ufrags),
            _ => None,
        })
        .collect()
}

/// RFC 8445 §5.3, §9: each generation has a user name; the peer may have taken that of one which was
/// offered and rolled back.
#[test]
fn a_host_of_many_sessions_hears_by_which_user_names_checks_are_for_this_one() {
    let mut session = session();
    session.share_sockets();
    session.handle_command(NOW, add_transport());
    let first = told_user_names(&mut session).remove(0);
    assert_eq!(first.len(), 1);

    session.handle_command(NOW, restart(1));
    let both = told_user_names(&mut session).remove(0);
    assert_eq!(both.len(), 2);

    session.handle_command(NOW, drop_generation(1));
    assert_eq!(told_user_names(&mut session), std::slice::from_ref(&both));

    session.handle_command(NOW, restart(2));
    session.handle_command(NOW, drop_generation(2));
    let last = told_user_names(&mut session).pop().unwrap();
    assert_eq!(last.len(), 2);
    assert!(!last.contains(&both[1]), "a later offer took its place");

    session.handle_command(NOW, Command::Transport(KEY, TransportCommand::Remove));
    assert_eq!(told_user_names(&mut session), [Vec::<String>::new()]);
}

#[test]
fn a_host_with_a_socket_for_each_session_hears_of_no_user_names() {
    let mut session = session();
    session.handle_command(NOW, add_transport());
    assert_eq!(told_user_names(&mut session).len(), 0);
}

/// Beside it another session may have a peer at the same address by then.
#[test]
fn a_host_of_many_sessions_hears_where_the_peer_is_and_when_it_is_silent() {
    let path = (SocketId(5), "192.0.2.2:2000".parse().unwrap());
    let (told, mut session, now) = silent_peer(false);
    assert_eq!(told, [(Some(path), false), (Some(path), true)]);

    let both = ["192.0.2.1", "192.0.2.3"].map(interface);
    session.handle_interfaces(now, &both);
    let bind = binds(&mut session).remove(0).0;
    let bound = (SocketId(7), "192.0.2.3:1000".parse().unwrap());
    session.handle_bound(now, bind, Ok(bound));
    assert_eq!(told_paths(&mut session), [(Some(path), true)]);
}

/// Whoever may check it says from where, and what comes back goes unseen.
#[test]
fn a_lite_agent_knows_of_no_address_that_it_is_its_peers() {
    let (told, ..) = silent_peer(true);
    assert_eq!(told, [(None, true)]);
}

type ToldPath = (Option<(SocketId, std::net::SocketAddr)>, bool);

fn told_paths(session: &mut Session) -> Vec<ToldPath> {
    std::iter::from_fn(|| session.poll_action())
        .filter_map(|action| match action {
            Action::SetPath { path, silent, .. } => Some((path, silent)),
            _ => None,
        })
        .collect()
}

/// What a session tells of the path to a peer that falls silent later.
fn silent_peer(lite: bool) -> (Vec<ToldPath>, Session, Instant) {
    let [here, there]: [std::net::SocketAddr; 2] =
        ["192.0.2.1:1000", "192.0.2.2:2000"].map(|addr| addr.parse().unwrap());
    let (ours, theirs) = (SocketId(5), SocketId(6));
    let add = add_transport();
    let Command::Transport(_, TransportCommand::Add { local, .. }) = &add else {
        panic!("it adds a transport");
    };
    let remote = IceCredentials::generate(&mut Rng::from_u64(9));
    let (config, rng) = (ice::Config::default(), Rng::from_u64(10));
    let (generation, role) = (Generation(0), IceRole::Controlled);
    let mut peer = ice::Agent::new(config, role, generation, remote.clone(), rng);
    let options = ice::RemoteOptions::default();
    let ours_has = ice::RemoteOptions { lite, ..options };
    peer.set_remote_credentials(NOW, generation, local.clone(), ours_has);
    let candidate = ice::Candidate::host(here, Protocol::Udp);
    peer.add_remote_candidate(NOW, generation, candidate);
    peer.add_local_address(NOW, theirs, there);
    peer.end_of_local_addresses(NOW);

    let mut session = session();
    session.config.ice.lite = lite;
    session.share_sockets();
    session.handle_interfaces(NOW, &[interface("192.0.2.1")]);
    session.handle_command(NOW, add);
    let bind = binds(&mut session).remove(0).0;
    session.handle_bound(NOW, bind, Ok((ours, here)));
    let candidate = Box::new(ice::Candidate::host(there, Protocol::Udp));
    for command in [
        TransportCommand::SetRemoteIce {
            generation,
            remote,
            options,
        },
        TransportCommand::AddRemoteCandidate {
            generation,
            candidate,
        },
    ] {
        session.handle_command(NOW, Command::Transport(KEY, command));
    }

    let datagram = |socket, remote, received| Datagram {
        socket,
        received,
        remote,
        local_ip: None,
        ecn: Ecn::NotEct,
    };
    let (mut told, mut out) = (Vec::new(), Vec::new());
    let (mut now, silent_from) = (NOW, NOW + Duration::from_secs(20));
    while now < NOW + Duration::from_secs(40) {
        while session.poll_transmit(now, &mut out).is_some() {
            peer.handle_datagram(now, &datagram(theirs, here, now), &out);
        }
        while peer.poll_transmit(now, &mut out).is_some() {
            if now < silent_from {
                session.handle_datagram(now, &datagram(ours, there, now), &mut out);
            }
        }
        told.extend(told_paths(&mut session));
        let next = Instant::earliest([session.poll_timeout(), peer.poll_timeout()]);
        now = now.max(next.expect("consent is asked for"));
        session.handle_timeout(now);
        peer.handle_timeout(now);
    }
    (told, session, now)
}

/// RFC 8445 §14: the distance of checks is that of the whole session, however many transports a
/// description made, and nobody makes this host check everything there is.
#[test]
fn many_transports_with_many_candidates_check_no_faster_than_one() {
    let mut session = session();
    session.handle_interfaces(NOW, &[interface("192.0.2.1")]);
    let mut next_socket = 0;
    let transports = 40;
    for key in (0..transports).map(TransportKey) {
        let Command::Transport(
            _,
            TransportCommand::Add {
                generation,
                local,
                role,
                certificates,
                ..
            },
        ) = add_transport()
        else {
            panic!("it adds a transport");
        };
        let add = Command::Transport(
            key,
            TransportCommand::Add {
                generation,
                local: local.clone(),
                role,
                certificates,
            },
        );
        session.handle_command(NOW, add);
        for (bind_id, ip) in binds(&mut session) {
            let addr = std::net::SocketAddr::new(ip.parse().unwrap(), 1000 + next_socket);
            let socket = SocketId(next_socket.into());
            next_socket += 1;
            session.handle_bound(NOW, bind_id, Ok((socket, addr)));
        }
        let remote = Command::Transport(
            key,
            TransportCommand::SetRemoteIce {
                generation,
                remote: local,
                options: ice::RemoteOptions::default(),
            },
        );
        session.handle_command(NOW, remote);
        for n in 0..100_u32 {
            let host = std::net::Ipv4Addr::from(0xc633_0000 + key.0 * 100 + n);
            let addr = std::net::SocketAddr::new(host.into(), 2000);
            let candidate = ice::Candidate {
                foundation: format!("f{n}").parse().unwrap(),
                ..ice::Candidate::host(addr, Protocol::Udp)
            };
            let add = Command::Transport(
                key,
                TransportCommand::AddRemoteCandidate {
                    generation,
                    candidate: Box::new(candidate),
                },
            );
            session.handle_command(NOW, add);
        }
    }
    assert_eq!(session.counters().excess_candidates, 4000 - 512);
    let end = NOW + Duration::from_secs(20);
    let (mut out, mut sent, mut hosts) = (Vec::new(), 0, std::collections::HashSet::new());
    let mut first = std::collections::BTreeMap::new();
    while let Some(now) = session.poll_timeout().filter(|now| *now < end) {
        session.handle_timeout(now);
        while let Some(transmit) = session.poll_transmit(now, &mut out) {
            sent += 1;
            hosts.insert(transmit.remote);
            first.entry(transmit.socket).or_insert(now);
        }
    }
    assert!(hosts.len() <= 512, "{}", hosts.len());
    assert!((512..4500).contains(&sent), "{sent}");
    // Each transport that has candidates has its turn.
    let waited = first.values().max().map(|at| *at - NOW);
    assert!(
        first.len() >= 6 && waited < Some(Duration::from_secs(1)),
        "{first:?}"
    );
}

#[test]
fn addresses_that_are_not_used_any_more_make_room_for_others() {
    let mut session = session();
    session.handle_interfaces(NOW, &[interface("192.0.2.1")]);
    session.handle_command(NOW, add_transport());
    for round in 0..20_u32 {
        let now = NOW + Duration::from_secs(round.into());
        for n in 0..100_u16 {
            let addr = std::net::SocketAddr::new(interface("198.51.100.1").ip, 1000 + n);
            let addr = std::net::SocketAddr::new(addr.ip(), addr.port() + 100 * round as u16);
            let add = Command::Transport(
                KEY,
                TransportCommand::AddRemoteCandidate {
                    generation: Generation(round),
                    candidate: Box::new(ice::Candidate::host(addr, Protocol::Udp)),
                },
            );
            session.handle_command(now, add);
        }
        let restart = Command::Transport(
            KEY,
            TransportCommand::RestartIce {
                generation: Generation(round + 1),
                local: IceCredentials::generate(&mut Rng::from_u64(round.into())),
            },
        );
        session.handle_command(now, restart);
    }
    assert_eq!(session.counters().excess_candidates, 0);
}

#[test]
fn a_socket_bound_too_late_is_given_back() {
    let mut session = session();
    session.handle_command(NOW, add_transport());
    session.handle_interfaces(NOW, &[interface("192.0.2.1")]);
    let asked = binds(&mut session);
    session.handle_command(NOW, Command::Transport(KEY, TransportCommand::Remove));
    let socket = SocketId(9);
    let bound = Ok((socket, "192.0.2.1:1000".parse().unwrap()));
    session.handle_bound(NOW, asked[0].0, bound);
    assert_eq!(session.poll_action(), Some(Action::Unbind { socket }));
}

#[test]
fn commands_that_do_not_fit_are_counted() {
    let mut session = session();
    session.handle_command(NOW, Command::Transport(KEY, TransportCommand::Remove));
    session.handle_command(NOW, add_transport());
    session.handle_command(NOW, add_transport());
    let start = Command::Sctp(SctpCommand::Start {
        key: KEY,
        local_port: 5000,
        remote_port: 5000,
        max_message_size: usize::MAX,
        may_move: false,
        inits: None,
    });
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
    let start = Command::Sctp(SctpCommand::Start {
        key: KEY,
        local_port: 5000,
        remote_port: 5000,
        max_message_size: usize::MAX,
        may_move: false,
        inits: None,
    });
    let channel = duologue_base::ChannelKey(0);
    let open = Command::Channel(
        channel,
        ChannelCommand::Open {
            stream: duologue_base::StreamId(0),
            init: Box::default(),
        },
    );
    for _ in 0..2 {
        session.handle_command(NOW, start.clone());
        session.handle_command(NOW, open.clone());
        assert_eq!(session.poll_channel(), None);
        session.handle_command(NOW, Command::Sctp(SctpCommand::Stop));
        assert_eq!(
            reports(&mut session).pop(),
            Some(Report::Sctp(SctpReport::Stopped))
        );
        let closed = ChannelReport::Closed {
            channel,
            error: None,
        };
        assert_eq!(session.poll_channel(), Some(closed));
        assert_eq!(session.poll_channel(), None);
    }
    assert_eq!(session.counters().ignored_commands, 0);
    session.handle_command(NOW, Command::Sctp(SctpCommand::Stop));
    assert_eq!(session.counters().ignored_commands, 1);
}

#[test]
fn datagrams_of_strangers_are_counted_and_dropped() {
    let mut session = session();
    let datagram = Datagram {
        socket: SocketId(5),
        received: NOW,
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

#[test]
fn checks_carry_nothing_of_a_handshake_that_is_made_again() {
    for again in [false, true] {
        let mut config = SessionConfig::new(dtls::Context::for_simulation(1).unwrap());
        config.ice.sped = true;
        let mut session = Session::new(config, Rng::from_u64(1));
        let Command::Transport(_, TransportCommand::Add { certificates, .. }) = add_transport()
        else {
            unreachable!("it adds one")
        };
        session.handle_command(NOW, add_transport());
        let start = TransportCommand::StartDtls {
            role: DtlsRole::Client,
            fingerprints: certificates.first().fingerprints().to_vec(),
        };
        session.handle_command(NOW, Command::Transport(KEY, start));
        if again {
            let restart = TransportCommand::RestartDtls {
                role: DtlsRole::Client,
                fingerprints: Vec::new(),
                certificates,
            };
            session.handle_command(NOW, Command::Transport(KEY, restart));
        }
        let carried = session.transports[0].agent.take_embedded().count();
        assert_eq!(carried, usize::from(!again));
    }
}

//! ICE transports without a connection (webrtc-ice), with their sessions, in virtual time.
#![allow(
    clippy::unwrap_used,
    reason = "helpers outside #[test] functions are tests too"
)]

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use duologue_base::{Datagram, Instant, Rng, SocketId, WallClock};
use duologue_dtls as dtls;
use duologue_peer::limits::MAX_REMOTE_CANDIDATES;
use duologue_peer::{
    ExceptionName, IceCandidateInit, IceGatherOptions, IceGathererState, IceParameters, IceRole,
    IceServer, IceTransportPolicy, IceTransportState, StandaloneIceEvent, StandaloneIceTransport,
};
use duologue_session::{Action, Command, Interface, Session, SessionConfig};

const DELAY: Duration = Duration::from_millis(10);

struct End {
    transport: StandaloneIceTransport,
    session: Session,
    at: SocketAddr,
    events: Vec<StandaloneIceEvent>,
}

/// Two ends that tell each other their candidates.
struct World {
    ends: [End; 2],
    flights: VecDeque<(Instant, usize, Vec<u8>)>,
    now: Instant,
}

fn transport(seed: u64) -> StandaloneIceTransport {
    StandaloneIceTransport::new(WallClock::from_unix_millis(1), Rng::from_u64(seed)).unwrap()
}

impl World {
    fn new() -> Self {
        let context = dtls::Context::new().unwrap();
        let ends = [1, 2].map(|n: u8| {
            let config = SessionConfig::new(context.clone());
            let mut session = Session::new(config, Rng::from_u64(n.into()));
            let ip = IpAddr::from([192, 0, 2, n]);
            session.handle_interfaces(Instant::ZERO, &[Interface { ip }]);
            End {
                transport: transport(n.into()),
                session,
                at: SocketAddr::new(ip, 5000),
                events: Vec::new(),
            }
        });
        World {
            ends,
            flights: VecDeque::new(),
            now: Instant::ZERO,
        }
    }

    fn parameters(&self, index: usize) -> IceParameters {
        let view = self.ends[index].transport.view();
        view.local_parameters().unwrap().clone()
    }

    fn start(&mut self, roles: [IceRole; 2]) {
        let parameters = [1, 0].map(|other| self.parameters(other));
        for ((end, parameters), role) in self.ends.iter_mut().zip(parameters).zip(roles) {
            end.transport.gather(IceGatherOptions::default()).unwrap();
            end.transport.start(parameters, false, role).unwrap();
        }
    }

    /// Moves everything between one end's planes once. Returns whether anything moved.
    fn turn(&mut self, index: usize) -> bool {
        let now = self.now;
        let End {
            transport,
            session,
            at,
            events,
        } = &mut self.ends[index];
        let mut moved = transport.run_task();
        let mut candidates = Vec::new();
        while let Some(event) = transport.poll_event() {
            if let StandaloneIceEvent::IceCandidate(candidate) = &event {
                let init = candidate.as_ref().map(|candidate| candidate.init.clone());
                candidates.push(init.unwrap_or_default());
            }
            events.push(event);
        }
        while let Some(command) = transport.poll_command() {
            session.handle_command(now, command);
        }
        while let Some(action) = session.poll_action() {
            if let Action::Bind { bind_id, .. } = action {
                session.handle_bound(now, bind_id, Ok((SocketId(0), *at)));
            }
            moved = true;
        }
        while let Some(report) = session.poll_report() {
            transport.handle_report(report);
            moved = true;
        }
        let mut buffer = Vec::new();
        while let Some(transmit) = session.poll_transmit(now, &mut buffer) {
            let bytes = buffer[..transmit.len].to_vec();
            self.flights.push_back((now + DELAY, 1 - index, bytes));
            moved = true;
        }
        for candidate in candidates {
            let other = &mut self.ends[1 - index].transport;
            other.add_remote_candidate(candidate).unwrap();
        }
        moved
    }

    fn settle(&mut self) {
        while (0..2).any(|index| self.turn(index)) {}
    }

    fn run_until(&mut self, what: &str, holds: impl Fn(&World) -> bool) {
        let deadline = self.now + Duration::from_secs(60);
        loop {
            self.settle();
            if holds(self) {
                return;
            }
            let flight = self.flights.front().map(|(at, ..)| *at);
            let timers = self.ends.iter_mut().map(|end| end.session.poll_timeout());
            let next = timers.flatten().chain(flight).min();
            self.now = self.now.max(next.expect(what));
            assert!(self.now <= deadline, "too late: {what}");
            self.deliver();
            for end in &mut self.ends {
                end.session.handle_timeout(self.now);
            }
        }
    }

    fn deliver(&mut self) {
        while self.flights.front().is_some_and(|(at, ..)| *at <= self.now) {
            let Some((_, to, mut bytes)) = self.flights.pop_front() else {
                return;
            };
            let datagram = Datagram {
                socket: SocketId(0),
                received: self.now,
                remote: self.ends[1 - to].at,
                local_ip: Some(self.ends[to].at.ip()),
                ecn: Default::default(),
            };
            let session = &mut self.ends[to].session;
            session.handle_datagram(self.now, &datagram, &mut bytes);
        }
    }

    fn both(&self, state: IceTransportState) -> bool {
        let mut ends = self.ends.iter();
        ends.all(|end| end.transport.view().state() == state)
    }
}

fn states(events: &[StandaloneIceEvent]) -> Vec<IceTransportState> {
    let state = |event: &StandaloneIceEvent| match event {
        StandaloneIceEvent::StateChange(state) => Some(*state),
        _ => None,
    };
    events.iter().filter_map(state).collect()
}

fn candidate(port: u16) -> IceCandidateInit {
    IceCandidateInit {
        candidate: format!("candidate:1 1 udp 2113929471 203.0.113.100 {port} typ host"),
        ..IceCandidateInit::default()
    }
}

fn parameters(text: &str) -> IceParameters {
    IceParameters {
        username_fragment: text.repeat(4),
        password: text.repeat(22),
    }
}

#[test]
fn two_of_them_connect_by_parameters_and_candidates_alone() {
    let mut world = World::new();
    world.start([IceRole::Controlling, IceRole::Controlled]);
    world.run_until("completed", |world| {
        world.both(IceTransportState::Completed)
    });
    for end in &world.ends {
        assert_eq!(
            states(&end.events),
            [IceTransportState::Connected, IceTransportState::Completed],
            "checking began in a method"
        );
        let pair = end.transport.view().selected_candidate_pair().unwrap();
        let view = end.transport.view();
        assert!(view.local_candidates().contains(&pair.local));
        assert!(view.remote_candidates().contains(&pair.remote));
    }
    let [a, b] = &world.ends;
    assert_eq!(a.transport.view().role(), IceRole::Controlling);
    assert_eq!(b.transport.view().role(), IceRole::Controlled);
}

#[test]
fn two_in_one_role_resolve_that_and_connect() {
    for role in [IceRole::Controlling, IceRole::Controlled] {
        let mut world = World::new();
        world.start([role, role]);
        world.run_until("completed", |world| {
            world.both(IceTransportState::Completed)
        });
        let [a, b] = world.ends.map(|end| end.transport.view().role());
        assert_ne!(a, b);
    }
}

#[test]
fn gathering_ends_by_an_event_without_a_candidate_and_then_its_state() {
    let mut world = World::new();
    let transport = &mut world.ends[0].transport;
    assert_eq!(transport.view().gathering_state(), IceGathererState::New);
    transport.gather(IceGatherOptions::default()).unwrap();
    assert_eq!(
        transport.view().gathering_state(),
        IceGathererState::Gathering
    );
    world.settle();
    let events = &world.ends[0].events;
    let end = [
        StandaloneIceEvent::IceCandidate(None),
        StandaloneIceEvent::GatheringStateChange(IceGathererState::Complete),
    ];
    assert!(events.ends_with(&end), "{events:?}");
    let gathered = events.iter().filter_map(|event| match event {
        StandaloneIceEvent::IceCandidate(candidate) => candidate.clone(),
        _ => None,
    });
    let gathered: Vec<_> = gathered.collect();
    assert!(!gathered.is_empty());
    assert_eq!(world.ends[0].transport.view().local_candidates(), gathered);
    let again = world.ends[0].transport.gather(IceGatherOptions::default());
    assert_eq!(again.unwrap_err().name(), ExceptionName::InvalidStateError);
}

#[test]
fn only_relays_are_gathered_if_only_those_are_wanted() {
    let mut world = World::new();
    let options = IceGatherOptions {
        gather_policy: IceTransportPolicy::Relay,
        ..IceGatherOptions::default()
    };
    world.ends[0].transport.gather(options).unwrap();
    world.settle();
    assert_eq!(
        world.ends[0].events,
        [
            StandaloneIceEvent::IceCandidate(None),
            StandaloneIceEvent::GatheringStateChange(IceGathererState::Complete),
        ]
    );
}

#[test]
fn it_checks_from_the_moment_at_which_parameters_and_a_candidate_are_there() {
    let mut first = transport(1);
    first.add_remote_candidate(candidate(1000)).unwrap();
    assert_eq!(first.view().state(), IceTransportState::New);
    first
        .start(parameters("1"), false, IceRole::Controlled)
        .unwrap();
    assert_eq!(first.view().state(), IceTransportState::Checking);

    let mut second = transport(2);
    second
        .start(parameters("1"), false, IceRole::Controlled)
        .unwrap();
    assert_eq!(second.view().state(), IceTransportState::New);
    second.add_remote_candidate(candidate(1000)).unwrap();
    assert_eq!(second.view().state(), IceTransportState::Checking);
    assert_eq!(second.view().remote_candidates().len(), 1);
}

#[test]
fn other_parameters_are_those_of_another_agent_whose_candidates_are_unknown() {
    let mut transport = transport(1);
    let role = IceRole::Controlled;
    transport.start(parameters("1"), false, role).unwrap();
    transport.add_remote_candidate(candidate(1000)).unwrap();
    transport.start(parameters("1"), false, role).unwrap();
    assert_eq!(transport.view().remote_candidates().len(), 1, "no effect");
    transport.start(parameters("2"), false, role).unwrap();
    assert_eq!(transport.view().state(), IceTransportState::New);
    assert!(transport.view().remote_candidates().is_empty());
    let remote = transport.view().remote_parameters().cloned();
    assert_eq!(remote, Some(parameters("2")));
}

#[test]
fn what_cannot_be_is_refused_and_changes_nothing() {
    let mut transport = transport(1);
    let role = IceRole::Controlled;
    for bad in ["1".repeat(3), "1".repeat(257), "123\n".to_owned()] {
        let remote = IceParameters {
            username_fragment: bad,
            ..parameters("1")
        };
        let refused = transport.start(remote, false, role).unwrap_err();
        assert_eq!(refused.name(), ExceptionName::SyntaxError);
    }
    let refused = transport.start(parameters("1"), false, IceRole::Unknown);
    assert_eq!(refused.unwrap_err().name(), ExceptionName::TypeError);
    assert_eq!(transport.view().remote_parameters(), None);
    assert_eq!(transport.view().role(), IceRole::Unknown);

    let invalid = IceCandidateInit {
        candidate: "invalid".to_owned(),
        ..IceCandidateInit::default()
    };
    let refused = transport.add_remote_candidate(invalid).unwrap_err();
    assert_eq!(refused.name(), ExceptionName::OperationError);
    assert!(transport.view().remote_candidates().is_empty());

    let options = IceGatherOptions {
        ice_servers: vec![IceServer {
            urls: vec!["http://192.0.2.1".to_owned()],
            ..IceServer::default()
        }],
        ..IceGatherOptions::default()
    };
    let refused = transport.gather(options).unwrap_err();
    assert_eq!(refused.name(), ExceptionName::SyntaxError);
    assert_eq!(transport.view().gathering_state(), IceGathererState::New);

    transport.start(parameters("1"), false, role).unwrap();
    let refused = transport.start(parameters("1"), false, IceRole::Controlling);
    assert_eq!(
        refused.unwrap_err().name(),
        ExceptionName::InvalidStateError
    );
    assert_eq!(transport.view().role(), role);
}

#[test]
fn a_peer_that_signals_without_end_is_stopped() {
    let mut transport = transport(1);
    for port in 0..MAX_REMOTE_CANDIDATES as u16 {
        transport
            .add_remote_candidate(candidate(1024 + port))
            .unwrap();
    }
    let refused = transport.add_remote_candidate(candidate(1023)).unwrap_err();
    assert_eq!(refused.name(), ExceptionName::OperationError);
    assert_eq!(
        transport.view().remote_candidates().len(),
        MAX_REMOTE_CANDIDATES
    );
}

#[test]
fn stop_is_final() {
    let mut world = World::new();
    world.start([IceRole::Controlling, IceRole::Controlled]);
    world.run_until("connected", |world| {
        world.both(IceTransportState::Completed)
    });
    let end = &mut world.ends[0];
    end.events.clear();
    end.transport.stop();
    end.transport.stop();
    assert_eq!(end.transport.view().state(), IceTransportState::Closed);
    assert_eq!(end.transport.view().selected_candidate_pair(), None);
    let command = end.transport.poll_command();
    assert!(matches!(command, Some(Command::Close)), "{command:?}");
    assert!(end.transport.poll_command().is_none());
    while end.transport.run_task() {}
    let event = end.transport.poll_event();
    let closed = StandaloneIceEvent::StateChange(IceTransportState::Closed);
    assert_eq!(event, Some(closed));
    assert_eq!(end.transport.poll_event(), None);

    let mut closed = transport(3);
    closed.stop();
    let refused = [
        closed.gather(IceGatherOptions::default()),
        closed.start(parameters("1"), false, IceRole::Controlled),
        closed.add_remote_candidate(candidate(1000)),
    ];
    for refused in refused {
        assert_eq!(
            refused.unwrap_err().name(),
            ExceptionName::InvalidStateError
        );
    }
    assert_eq!(closed.view().remote_parameters(), None);
    assert!(closed.view().remote_candidates().is_empty());
}

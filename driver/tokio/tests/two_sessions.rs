//! Two sessions on one endpoint, driven by commands alone, as a media server would.

use std::net::Ipv4Addr;
use std::time::Duration;

use duologue_base::{DtlsRole, Generation, IceCredentials, IceRole, Protocol, Rng, TransportKey};
use duologue_dtls::Context;
use duologue_ice::{
    Candidate, CandidateKind, Config, GatheringState, RelayProtocol, RemoteOptions, Server,
    ServerKind,
};
use duologue_identity::{Certificate, KeygenAlgorithm};
use duologue_session::{
    ChannelReport, Command, DtlsReport, Report, SctpCommand, Session, SessionConfig,
    TransportCommand, TransportReport,
};
use duologue_stun::{Class, Message, Writer};
use duologue_tokio::{
    Endpoint, EndpointOptions, Host, InterfaceFilter, Ports, SessionHandle, system_time,
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

const KEY: TransportKey = TransportKey(0);
const FIRST: Generation = Generation(0);

/// Passes reports to the test.
struct Forward(UnboundedSender<Report>);

impl Host for Forward {
    fn handle_report(&mut self, report: Report) {
        let _ = self.0.send(report);
    }

    fn wants_channel_reports(&self) -> bool {
        true
    }

    fn handle_channel_report(&mut self, _report: ChannelReport) {}
}

struct End {
    session: SessionHandle,
    told: UnboundedReceiver<Report>,
    local: IceCredentials,
    certificate: Certificate,
}

impl End {
    fn new(endpoint: &Endpoint, role: IceRole, seed: u64) -> Self {
        End::with(endpoint, role, seed, false)
    }

    fn with(endpoint: &Endpoint, role: IceRole, seed: u64, hide_host_addresses: bool) -> Self {
        End::configured(endpoint, role, seed, |ice| {
            ice.hide_host_addresses = hide_host_addresses;
        })
    }

    fn configured(
        endpoint: &Endpoint,
        role: IceRole,
        seed: u64,
        configure: impl FnOnce(&mut Config),
    ) -> Self {
        End::make(endpoint, role, seed, configure, false)
    }

    /// It gathers ahead.
    fn prepared(
        endpoint: &Endpoint,
        role: IceRole,
        seed: u64,
        configure: impl FnOnce(&mut Config),
    ) -> Self {
        End::make(endpoint, role, seed, configure, true)
    }

    fn make(
        endpoint: &Endpoint,
        role: IceRole,
        seed: u64,
        configure: impl FnOnce(&mut Config),
        prepare: bool,
    ) -> Self {
        let mut rng = Rng::from_u64(seed);
        let (sender, told) = unbounded_channel();
        let mut config = SessionConfig::new(Context::new().expect("a tested library"));
        config.ice.loopback = true;
        configure(&mut config.ice);
        let session = Session::new(config, rng.fork());
        let session = endpoint.spawn(session, |_| Forward(sender));
        let local = IceCredentials::generate(&mut rng);
        let certificate = Certificate::generate(
            KeygenAlgorithm::EcdsaP256,
            system_time(),
            Duration::from_secs(3600),
            &mut rng,
        );
        let certificate = certificate.expect("a certificate");
        if prepare {
            session.command(Command::Transport(
                KEY,
                TransportCommand::Prepare {
                    certificates: certificate.clone().into(),
                },
            ));
        }
        session.command(Command::Transport(
            KEY,
            TransportCommand::Add {
                generation: FIRST,
                local: local.clone(),
                role,
                certificates: certificate.clone().into(),
            },
        ));
        End {
            session,
            told,
            local,
            certificate,
        }
    }

    fn meet(&self, other: &End, role: DtlsRole) {
        self.session.commands([
            Command::Transport(
                KEY,
                TransportCommand::SetRemoteIce {
                    generation: FIRST,
                    remote: other.local.clone(),
                    options: RemoteOptions::default(),
                },
            ),
            Command::Transport(
                KEY,
                TransportCommand::StartDtls {
                    role,
                    fingerprints: other.certificate.fingerprints().to_vec(),
                },
            ),
            Command::Sctp(SctpCommand::Start {
                key: KEY,
                local_port: 5000,
                remote_port: 5000,
                max_message_size: 256 << 10,
                may_move: false,
                inits: None,
            }),
        ]);
    }

    /// Passes candidates on to `other` until `wanted` finds what it looks for.
    async fn until<T>(&mut self, other: &SessionHandle, wanted: impl Fn(Report) -> Option<T>) -> T {
        loop {
            match self.told.recv().await.expect("the session runs") {
                Report::Transport(_, TransportReport::LocalCandidate { mut candidate, .. }) => {
                    if candidate.name.is_some() {
                        // Signalling knows the name only.
                        candidate.addr.set_ip(Ipv4Addr::UNSPECIFIED.into());
                    }
                    other.command(Command::Transport(
                        KEY,
                        TransportCommand::AddRemoteCandidate {
                            generation: FIRST,
                            candidate,
                        },
                    ));
                }
                told => {
                    if let Some(found) = wanted(told) {
                        return found;
                    }
                }
            }
        }
    }
}

fn endpoint(ports: Ports) -> Endpoint {
    let interfaces = InterfaceFilter {
        loopback: true,
        ..Default::default()
    };
    Endpoint::new(EndpointOptions {
        interfaces,
        ports,
        ..Default::default()
    })
    .expect("loopback is there")
}

fn is_connected(report: Report) -> Option<()> {
    match report {
        Report::Transport(
            _,
            TransportReport::DtlsState {
                state: DtlsReport::Connected { .. },
                ..
            },
        ) => Some(()),
        _ => None,
    }
}

/// Two sessions, each with its transport connected.
async fn connect(endpoints: [&Endpoint; 2], seed: u64) -> [End; 2] {
    let mut a = End::new(endpoints[0], IceRole::Controlling, seed);
    let mut b = End::new(endpoints[1], IceRole::Controlled, seed + 1);
    a.meet(&b, DtlsRole::Client);
    b.meet(&a, DtlsRole::Server);
    let (to_a, to_b) = (a.session.clone(), b.session.clone());
    let (a_up, b_up) = (a.until(&to_b, is_connected), b.until(&to_a, is_connected));
    tokio::join!(a_up, b_up);
    [a, b]
}

async fn sockets_are_closed(before: usize) {
    while std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count) > before {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_with_ports_of_their_own_connect_and_leave_nothing() {
    let endpoint = endpoint(Ports::Own);
    // The first connection makes what the runtime and the endpoint keep.
    for end in connect([&endpoint; 2], 1).await {
        end.session.command(Command::Close);
    }
    let tasks = || endpoint.runtime().metrics().num_alive_tasks();
    while tasks() > 1 {
        tokio::task::yield_now().await;
    }
    let before = std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
    let ends = connect([&endpoint; 2], 3).await;
    for mut end in ends {
        assert!(end.session.command(Command::Close));
        while end.told.recv().await.is_some() {}
        assert!(
            !end.session.command(Command::Close),
            "the session has ended"
        );
    }
    sockets_are_closed(before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_sessions_of_a_server_share_one_port() {
    let server = endpoint(Ports::Shared(0));
    let clients = endpoint(Ports::Own);
    let mut ends = Vec::new();
    for i in 0..10 {
        ends.push(connect([&clients, &server], 10 * i).await);
    }
    assert!(server.shared_port().is_some());
    let stats = server.stats();
    assert_eq!((stats.send_conflicts, stats.queue_overflows), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_hears_of_no_candidate_answers_the_checks_of_the_other() {
    let endpoint = endpoint(Ports::Own);
    let mut a = End::new(&endpoint, IceRole::Controlling, 100);
    let mut b = End::new(&endpoint, IceRole::Controlled, 101);
    b.meet(&a, DtlsRole::Server);
    let gathered = |report| match report {
        Report::Transport(_, TransportReport::GatheringState { state, .. }) => {
            (state == GatheringState::Complete).then_some(())
        }
        _ => None,
    };
    let to_a = a.session.clone();
    b.until(&to_a, gathered).await;
    // Nothing but a datagram wakes `b` from here on.
    a.meet(&b, DtlsRole::Client);
    let nobody = End::new(&endpoint, IceRole::Controlled, 102).session;
    a.until(&nobody, is_connected).await;
}

/// Neither end hears an address of the other.
async fn connect_by_names(endpoints: [&Endpoint; 2], seed: u64) {
    let mut a = End::with(endpoints[0], IceRole::Controlling, seed, true);
    let mut b = End::with(endpoints[1], IceRole::Controlled, seed + 1, true);
    a.meet(&b, DtlsRole::Client);
    b.meet(&a, DtlsRole::Server);
    let (to_a, to_b) = (a.session.clone(), b.session.clone());
    let (a_up, b_up) = (a.until(&to_b, is_connected), b.until(&to_a, is_connected));
    tokio::join!(a_up, b_up);
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_hide_their_addresses_find_each_other_by_multicast_dns() {
    let endpoints = [endpoint(Ports::Own), endpoint(Ports::Own)];
    connect_by_names([&endpoints[0], &endpoints[1]], 200).await;
    connect_by_names([&endpoints[0], &endpoints[0]], 300).await;
}

/// The local candidates of an end when it has gathered, and whether it said that it could bind
/// nothing.
async fn gathered(end: &mut End) -> (Vec<Candidate>, bool) {
    let (mut candidates, mut refused) = (Vec::new(), false);
    loop {
        match end.told.recv().await.expect("the session runs") {
            Report::Transport(_, TransportReport::LocalCandidate { candidate, .. }) => {
                candidates.push(*candidate);
            }
            Report::Transport(
                _,
                TransportReport::GatheringState {
                    state: GatheringState::Complete,
                    ..
                },
            ) => return (candidates, refused),
            Report::Transport(_, TransportReport::CandidateError { error })
                if error.url.is_empty() =>
            {
                assert_eq!(error.code, 701);
                refused = true;
            }
            Report::Transport(_, TransportReport::CandidateError { error, .. }) => {
                panic!("{error:?}: {}", error.text)
            }
            _ => {}
        }
    }
}

/// A STUN server that says for every client that it is somewhere else.
async fn stun_server() -> u16 {
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let port = socket.local_addr().expect("it is bound").port();
    tokio::spawn(async move {
        let mut buffer = [0; 1500];
        for client in 1000.. {
            let Ok((len, from)) = socket.recv_from(&mut buffer).await else {
                return;
            };
            let request = Message::parse(&buffer[..len]).expect("sessions send STUN");
            let (method, id) = (request.method(), request.transaction_id());
            let mut answer = Vec::new();
            Writer::new(&mut answer, Class::SuccessResponse, method, id)
                .xor_mapped_address((Ipv4Addr::new(203, 0, 113, 1), client).into());
            let _ = socket.send_to(&answer, from).await;
        }
    });
    port
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_of_one_port_ask_the_same_stun_server() {
    let port = stun_server().await;
    let server = Server {
        url: format!("stun:127.0.0.1:{port}"),
        host: "127.0.0.1".to_owned(),
        port,
        transport: RelayProtocol::Udp,
        kind: ServerKind::Stun,
    };
    let endpoint = endpoint(Ports::Shared(0));
    let mut ends: Vec<End> = (0..5)
        .map(|seed| {
            End::configured(&endpoint, IceRole::Controlled, seed, |ice| {
                ice.servers = vec![server.clone()];
            })
        })
        .collect();
    for end in &mut ends {
        let (candidates, _) = gathered(end).await;
        let udp = candidates.iter().filter(|c| c.tcp_type.is_none());
        let (hosts, others): (Vec<_>, Vec<_>) =
            udp.partition(|c| c.kind == CandidateKind::Host && c.addr.is_ipv4());
        let mapped = others
            .iter()
            .filter(|c| c.kind == CandidateKind::ServerReflexive);

        // A server on loopback is asked from there alone.
        let asking = hosts.iter().filter(|c| c.addr.ip().is_loopback()).count();
        assert_eq!((asking, mapped.count()), (1, 1));
    }
    assert_eq!(endpoint.stats().send_conflicts, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn ports_come_from_a_range_until_none_is_free() {
    let free = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
    let first = free.local_addr().expect("it is bound").port().min(65_000);
    drop(free);
    let last = first + 9;
    let endpoint = endpoint(Ports::Range { first, last });
    connect([&endpoint; 2], 400).await;
    let mut ends: Vec<End> = (500..540)
        .map(|seed| End::new(&endpoint, IceRole::Controlled, seed))
        .collect();
    let (mut found, mut refusals) = (0, 0);
    for end in &mut ends {
        let (candidates, refused) = gathered(end).await;
        refusals += usize::from(refused);
        let udp = candidates.iter().filter(|c| c.protocol == Protocol::Udp);
        for candidate in udp {
            assert!((first..=last).contains(&candidate.addr.port()));
            found += usize::from(candidate.addr.ip() == Ipv4Addr::LOCALHOST);
        }
    }
    // The range has ten.
    assert!((1..=10).contains(&found), "{found}");
    assert!((1..40).contains(&refusals), "{refusals}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transport_that_was_prepared_tells_its_candidates_at_once_and_connects() {
    let endpoint = endpoint(Ports::Own);
    let port = stun_server().await;
    let server = Server {
        url: format!("stun:127.0.0.1:{port}"),
        host: "127.0.0.1".to_owned(),
        port,
        transport: RelayProtocol::Udp,
        kind: ServerKind::Stun,
    };
    let mut a = End::prepared(&endpoint, IceRole::Controlling, 600, |ice| {
        ice.servers = vec![server];
    });
    let mut b = End::new(&endpoint, IceRole::Controlled, 601);
    a.meet(&b, DtlsRole::Client);
    b.meet(&a, DtlsRole::Server);
    let (to_a, to_b) = (a.session.clone(), b.session.clone());
    let (a_up, b_up) = (a.until(&to_b, is_connected), b.until(&to_a, is_connected));
    tokio::join!(a_up, b_up);
}

/// One thread: the session's task does not run while it is handed messages.
#[tokio::test]
async fn a_session_that_is_handed_more_than_it_can_hold_ends() {
    let endpoint = Endpoint::new(EndpointOptions::default()).unwrap();
    let mut end = End::new(&endpoint, IceRole::Controlling, 1);
    let message = bytes::Bytes::from(vec![0; 1 << 20]);
    let send = || {
        let channel = duologue_base::ChannelKey(0);
        end.session.send(channel, message.clone(), true)
    };
    let taken = (0..1000).take_while(|_| send()).count();
    assert_eq!(taken, 511, "512 MiB, less what they cost besides");
    while end.told.recv().await.is_some() {}
    assert!(!end.session.command(Command::Close));
}

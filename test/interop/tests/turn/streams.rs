//! coturn over UDP, DTLS, TCP and TLS: what it relays, and every way in which it can fail.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use duologue::{
    Configuration, DataChannel, DataChannelInit, Endpoint, Event, Events, IceCandidate,
    IceCandidateError, IceConnectionState, IceServer, IceServerTransportProtocol, IceTransport,
    Message, PeerConnection, TcpTypes,
};
use duologue_coturn::PASSWORD;

use crate::coturn;
use crate::whole::{in_time, negotiate, negotiate_with_errors, relayed_by};

/// The best first.
const TRANSPORTS: [(&str, IceServerTransportProtocol); 4] = [
    ("udp", IceServerTransportProtocol::Udp),
    ("dtls", IceServerTransportProtocol::Udp),
    ("tcp", IceServerTransportProtocol::Tcp),
    ("tls", IceServerTransportProtocol::Tls),
];

/// What each end sends the other.
const BYTES: usize = 3_000_000;
const MESSAGE: usize = 30_000;
/// What happens at once, on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(3);

/// Two connected connections with a channel.
struct Pair {
    alice: PeerConnection,
    bob: PeerConnection,
    events: [Events; 2],
    channels: [DataChannel; 2],
}

fn endpoint(roots: &str) -> Endpoint {
    let builder = Endpoint::builder()
        .loopback(true)
        .ipv6(false)
        .tls_roots(roots);
    builder.build().expect("loopback is there")
}

async fn connect(endpoint: &Endpoint, configurations: [Configuration; 2]) -> Pair {
    let [(alice, mut a), (bob, mut b)] = configurations.map(|configuration| {
        let made = endpoint.connection(configuration);
        made.expect("the configuration is valid")
    });
    let init = DataChannelInit::default();
    let channel = alice.create_data_channel("relayed", init).expect("legal");
    negotiate((&alice, &mut a), (&bob, &mut b)).await;
    let incoming = loop {
        if let Event::DataChannel(channel) = in_time(b.recv()).await.expect("it is open") {
            break channel;
        }
    };
    in_time(channel.opened()).await.expect("it opens");
    Pair {
        alice,
        bob,
        events: [a, b],
        channels: [channel, incoming],
    }
}

impl Pair {
    /// Each end sends and counts what comes.
    async fn exchange(&self) {
        let [a, b] = &self.channels;
        let send = async |channel: &DataChannel| {
            for _ in 0..BYTES / MESSAGE {
                let message = Message::from(vec![7; MESSAGE]);
                channel.send(message).await.expect("it is open");
            }
        };
        let receive = async |channel: &DataChannel| {
            let mut received = 0;
            while received < BYTES {
                match channel.recv().await.expect("it stays open") {
                    Message::Binary(bytes) => received += bytes.len(),
                    Message::Text(_) => panic!("nobody sent text"),
                }
            }
            received
        };
        let (_, _, at_b, at_a) =
            in_time(async { tokio::join!(send(a), send(b), receive(b), receive(a)) }).await;
        assert_eq!((at_a, at_b), (BYTES, BYTES));
    }

    /// How each end reaches its server, if its candidate is a relayed one.
    fn relays(&self) -> [Option<IceServerTransportProtocol>; 2] {
        [0, 1].map(|end| {
            let pair = self.ice_transport(end).selected_candidate_pair();
            pair.expect("it is connected").local.relay_protocol
        })
    }

    fn ice_transport(&self, end: usize) -> IceTransport {
        let sctp = [&self.alice, &self.bob][end].sctp();
        let dtls = sctp.expect("it is connected").transport();
        dtls.expect("it is connected").ice_transport()
    }

    /// Restarts ICE; the codes of the errors of gathering.
    async fn restart_ice(&mut self) -> Vec<u16> {
        self.alice.restart_ice();
        let [a, b] = &mut self.events;
        negotiate_with_errors((&self.alice, a), (&self.bob, b)).await
    }

    /// Waits until an end's ICE connection is in this state.
    async fn ice_state(&mut self, end: usize, wanted: IceConnectionState) {
        let state = |event| matches!(event, Event::IceConnectionStateChange(at) if at == wanted);
        while !state(in_time(self.events[end].recv()).await.expect("it is open")) {}
    }
}

/// Gathers with these servers; the errors and how long it took.
async fn errors_of(
    configuration: Configuration,
    roots: &str,
) -> (Vec<IceCandidateError>, Duration) {
    gather(&endpoint(roots), configuration).await
}

async fn gather(
    endpoint: &Endpoint,
    configuration: Configuration,
) -> (Vec<IceCandidateError>, Duration) {
    let made = endpoint.connection(configuration);
    let (connection, mut events) = made.expect("the configuration is valid");
    let init = DataChannelInit::default();
    let _channel = connection.create_data_channel("", init).expect("legal");
    let begun = Instant::now();
    connection
        .set_local_description(None)
        .await
        .expect("an offer");
    let mut errors = Vec::new();
    loop {
        match in_time(events.recv()).await.expect("it is open") {
            Event::IceCandidate(None) => return (errors, begun.elapsed()),
            Event::IceCandidateError(error) => errors.push(error),
            _ => {}
        }
    }
}

async fn the_error_of(url: String, password: &str, roots: &str) -> IceCandidateError {
    the_error_within(AT_ONCE, url, password, roots).await
}

async fn the_error_within(
    limit: Duration,
    url: String,
    password: &str,
    roots: &str,
) -> IceCandidateError {
    let (mut errors, time) = errors_of(relayed_by(url.clone(), password), roots).await;
    assert!(time < limit, "{url}: {time:?}");
    assert_eq!(errors.len(), 1, "{errors:?}");
    let error = errors.remove(0);
    assert_eq!(error.url, url);
    error
}

#[tokio::test(flavor = "multi_thread")]
async fn data_is_relayed_over_udp_dtls_tcp_and_tls() {
    let coturn = coturn(&[]);
    let endpoint = endpoint(coturn.roots());
    for (transport, protocol) in TRANSPORTS {
        let relayed = || relayed_by(coturn.url(transport), PASSWORD);
        let pair = connect(&endpoint, [relayed(), Configuration::default()]).await;
        assert_eq!(pair.relays(), [Some(protocol), None]);
        pair.exchange().await;
        let pair = connect(&endpoint, [relayed(), relayed()]).await;
        assert_eq!(pair.relays(), [Some(protocol); 2]);
        pair.exchange().await;
    }
    assert_eq!(endpoint.stats().stream_overflows, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn relays_over_udp_are_preferred_to_dtls_and_those_to_tcp_and_those_to_tls() {
    let coturn = coturn(&[]);
    let mut configuration = relayed_by(coturn.url("tls"), PASSWORD);
    let urls = &mut configuration.ice_servers[0].urls;
    urls.extend(["tcp", "dtls", "udp"].map(|name| coturn.url(name)));
    let endpoint = endpoint(coturn.roots());
    let pair = connect(&endpoint, [configuration, Configuration::default()]).await;
    let mut candidates = pair.ice_transport(0).local_candidates();
    let priority = |candidate: &IceCandidate| candidate.parts.as_ref().map(|parts| parts.priority);
    candidates.sort_by_key(|candidate| std::cmp::Reverse(priority(candidate)));
    let relays: Vec<_> = candidates
        .iter()
        .filter_map(|candidate| Some((candidate.relay_protocol?, candidate.url.clone()?)))
        .collect();
    let expected = TRANSPORTS.map(|(name, protocol)| (protocol, coturn.url(name)));
    assert_eq!(relays, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_a_401_at_once() {
    let coturn = coturn(&[]);
    for (transport, _) in TRANSPORTS {
        let error = the_error_of(coturn.url(transport), "wrong", coturn.roots()).await;
        assert_eq!(error.error_code, 401);
        assert_eq!(error.address.as_deref(), Some("127.0.0.1"));
        assert!(error.port.is_some_and(|port| port != 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_at_the_port_is_a_701_at_once() {
    // A port that was free a moment ago.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("it is bound").port();
    drop(listener);
    let root = coturn(&[]).roots().to_owned();
    for url in [
        format!("turn:127.0.0.1:{port}?transport=tcp"),
        format!("turns:127.0.0.1:{port}"),
        format!("turns:127.0.0.1:{port}?transport=udp"),
    ] {
        let error = the_error_of(url, PASSWORD, &root).await;
        assert_eq!(error.error_code, 701);
        assert_eq!(error.error_text, "the connection was refused");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_trust_is_a_701_at_once() {
    let (coturn, other) = (coturn(&[]), coturn(&[]));
    let text = "the server's TLS certificate is not trusted";
    for transport in ["tls", "dtls"] {
        let error = the_error_of(coturn.url(transport), PASSWORD, other.roots()).await;
        assert_eq!((error.error_code, &error.error_text[..]), (701, text));
        // The certificate is for the address.
        let named = coturn.url(transport).replace("127.0.0.1", "localhost");
        let error = the_error_of(named, PASSWORD, coturn.roots()).await;
        assert_eq!((error.error_code, &error.error_text[..]), (701, text));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_shares_no_dtls_with_this_agent_is_a_701_once_its_alert_is_believed() {
    // Its one cipher suite takes a certificate with an RSA key.
    let coturn = coturn(&["--cipher-list=ECDHE-RSA-AES128-GCM-SHA256"]);
    // An alert that anybody may have sent counts after three seconds in which nothing better came.
    let limit = Duration::from_secs(3) + AT_ONCE;
    let error = the_error_within(limit, coturn.url("dtls"), PASSWORD, coturn.roots()).await;
    let text = "the DTLS handshake failed: it takes DTLS 1.2 and a certificate with an ECDSA key";
    assert_eq!((error.error_code, &error.error_text[..]), (701, text));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_up_is_a_701_at_once() {
    let coturn = coturn(&[]);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("it is bound").port();
    let server = std::thread::spawn(move || {
        for _ in 0..2 {
            drop(listener.accept());
        }
    });
    for url in [
        format!("turn:127.0.0.1:{port}?transport=tcp"),
        format!("turns:127.0.0.1:{port}"),
    ] {
        let error = the_error_of(url, PASSWORD, coturn.roots()).await;
        assert_eq!(error.error_code, 701);
        assert_eq!(error.error_text, "the connection was closed");
    }
    server.join().expect("it does not panic");
}

#[tokio::test(flavor = "multi_thread")]
async fn stun_over_tls_answers_also_on_the_port_of_a_listening_socket() {
    let coturn = coturn(&[]);
    let configuration = Configuration {
        ice_servers: vec![IceServer {
            urls: vec![format!("stuns:{}", coturn.tls_address())],
            username: None,
            credential: None,
        }],
        ..Configuration::default()
    };
    let (errors, time) = errors_of(configuration.clone(), coturn.roots()).await;
    assert_eq!(errors, []);
    assert!(time < AT_ONCE, "{time:?}");
    let only_listening = Endpoint::builder()
        .loopback(true)
        .ipv6(false)
        .udp(false)
        .tcp(TcpTypes {
            simultaneous_open: true,
            ..TcpTypes::NONE
        })
        .tls_roots(coturn.roots());
    let endpoint = only_listening.build().expect("loopback is there");
    let (errors, time) = gather(&endpoint, configuration).await;
    assert_eq!(errors, []);
    assert!(time < AT_ONCE, "{time:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_nonce_is_renewed() {
    let coturn = coturn(&["--stale-nonce=1"]);
    let endpoint = endpoint(coturn.roots());
    for (transport, _) in TRANSPORTS {
        let relayed = || relayed_by(coturn.url(transport), PASSWORD);
        let mut pair = connect(&endpoint, [relayed(), Configuration::default()]).await;
        // What is asked from now on is asked with an old nonce: channels of the new generation.
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(pair.restart_ice().await, Vec::<u16>::new());
        pair.exchange().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_is_a_486_until_a_connection_closes() {
    for (transport, _) in TRANSPORTS {
        let coturn = coturn(&["--user-quota=1"]);
        let relayed = || relayed_by(coturn.url(transport), PASSWORD);
        let configurations = [relayed(), Configuration::default()];
        let pair = connect(&endpoint(coturn.roots()), configurations).await;
        let error = the_error_of(coturn.url(transport), PASSWORD, coturn.roots()).await;
        assert_eq!(error.error_code, 486);
        pair.exchange().await;
        pair.alice.close();
        // The server learns of it a moment later.
        let freed = async { while !errors_of(relayed(), coturn.roots()).await.0.is_empty() {} };
        in_time(freed).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_is_noticed_at_once_and_a_restart_uses_the_new_one() {
    let mut coturn = coturn(&[]);
    let endpoint = endpoint(coturn.roots());
    for transport in ["dtls", "tcp", "tls"] {
        let relayed = || relayed_by(coturn.url(transport), PASSWORD);
        let mut pair = connect(&endpoint, [relayed(), Configuration::default()]).await;
        coturn.kill().expect("it runs");
        let begun = Instant::now();
        // Who asks nothing of UDP is told nothing.
        let nothing = Message::from(Vec::new());
        pair.channels[0].send(nothing).await.expect("it is open");
        pair.ice_state(0, IceConnectionState::Failed).await;
        assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
        coturn.start_again().expect("it starts");
        assert_eq!(pair.restart_ice().await, Vec::<u16>::new());
        pair.exchange().await;
    }
}

/// Over UDP nothing tells of a server's death: consent does, by its absence.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_starts_again_under_udp_is_noticed_with_the_silence() {
    let mut coturn = coturn(&[]);
    let relayed = relayed_by(coturn.url("udp"), PASSWORD);
    let configurations = [relayed, Configuration::default()];
    let mut pair = connect(&endpoint(coturn.roots()), configurations).await;
    coturn.kill().expect("it runs");
    coturn.start_again().expect("it starts");
    pair.ice_state(0, IceConnectionState::Disconnected).await;
    let begun = Instant::now();
    // It says itself that it knows nothing any more.
    pair.ice_state(0, IceConnectionState::Failed).await;
    assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
    assert_eq!(pair.restart_ice().await, Vec::<u16>::new());
    pair.exchange().await;
    assert_eq!(pair.relays(), [Some(IceServerTransportProtocol::Udp), None]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stays_dead_under_udp_is_a_701_of_the_restart_and_of_no_later_one() {
    let mut coturn = coturn(&[]);
    let relayed = relayed_by(coturn.url("udp"), PASSWORD);
    let configurations = [relayed, Configuration::default()];
    let mut pair = connect(&endpoint(coturn.roots()), configurations).await;
    coturn.kill().expect("it runs");
    pair.ice_state(0, IceConnectionState::Disconnected).await;
    assert_eq!(pair.restart_ice().await, [701]);
    coturn.start_again().expect("it starts");
    assert_eq!(pair.restart_ice().await, Vec::<u16>::new());
    pair.exchange().await;
    assert_eq!(pair.relays(), [Some(IceServerTransportProtocol::Udp), None]);
}

/// Before anybody missed it.
#[tokio::test(flavor = "multi_thread")]
async fn a_restart_right_after_that_of_the_server_makes_a_new_relay() {
    let mut coturn = coturn(&[]);
    let relayed = || relayed_by(coturn.url("udp"), PASSWORD);
    let configurations = [relayed(), relayed()];
    let mut pair = connect(&endpoint(coturn.roots()), configurations).await;
    coturn.kill().expect("it runs");
    coturn.start_again().expect("it starts");
    assert_eq!(pair.restart_ice().await, Vec::<u16>::new());
    pair.exchange().await;
    assert_eq!(pair.relays(), [Some(IceServerTransportProtocol::Udp); 2]);
}

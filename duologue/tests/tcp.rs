//! Connections without UDP.
#![cfg(feature = "tokio")]

mod common;

use std::time::{Duration, Instant};

use duologue::{
    DataChannel, DataChannelInit, Endpoint, EndpointBuilder, Event, IceConnectionState,
    IceProtocol, IceTcpCandidateType, Message, TcpTypes,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::common::{Peer, connected_on};

const ACTIVE: TcpTypes = TcpTypes {
    active: true,
    ..TcpTypes::NONE
};
const PASSIVE: TcpTypes = TcpTypes {
    passive: true,
    ..TcpTypes::NONE
};
const SIMULTANEOUS: TcpTypes = TcpTypes {
    simultaneous_open: true,
    ..TcpTypes::NONE
};
const BYTES: usize = 20_000_000;
const MESSAGE: usize = 50_000;

fn without_udp(types: TcpTypes) -> EndpointBuilder {
    let builder = Endpoint::builder().loopback(true).ipv6(false);
    builder.udp(false).tcp(types)
}

fn build(builder: EndpointBuilder) -> Endpoint {
    builder.build().expect("loopback is there")
}

/// The types of the candidates in use.
fn tcp_types(peer: &Peer) -> [Option<IceTcpCandidateType>; 2] {
    let sctp = peer.connection.sctp().expect("it is connected");
    let transport = sctp.transport().expect("it is connected").ice_transport();
    let pair = transport
        .selected_candidate_pair()
        .expect("it is connected");
    [pair.local, pair.remote].map(|candidate| {
        let parts = candidate.parts.expect("it has parts");
        assert_eq!(parts.protocol, IceProtocol::Tcp);
        parts.tcp_type
    })
}

/// Each end sends and counts what comes.
async fn exchange(a: &DataChannel, b: &DataChannel) {
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
    let (_, _, at_b, at_a) = tokio::join!(send(a), send(b), receive(b), receive(a));
    assert_eq!((at_a, at_b), (BYTES, BYTES));
}

#[tokio::test(flavor = "multi_thread")]
async fn peers_connect_and_exchange_data_over_tcp_alone() {
    use IceTcpCandidateType::{Active, Passive, So};
    for (types, expected) in [
        ([ACTIVE, PASSIVE], [Some(Active), Some(Passive)]),
        ([PASSIVE, ACTIVE], [Some(Passive), Some(Active)]),
        ([SIMULTANEOUS; 2], [Some(So); 2]),
    ] {
        let endpoints = types.map(|types| build(without_udp(types)));
        let init = DataChannelInit::default();
        let (alice, _bob, channel, incoming) =
            connected_on([&endpoints[0], &endpoints[1]], init).await;
        assert_eq!(tcp_types(&alice), expected);
        exchange(&channel, &incoming).await;
        for endpoint in endpoints {
            assert_eq!(endpoint.stats().stream_overflows, 0);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_connections_share_one_tcp_port_of_a_server_in_spite_of_strangers() {
    let server = build(without_udp(PASSIVE).shared_port(0));
    let clients = build(without_udp(ACTIVE));
    let port = server.shared_port().expect("it has one");
    let mut strangers = Vec::new();
    for words in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        &[0, 4, 1, 2, 3, 4],
        &[0xff; 3000],
        &[],
    ] {
        let mut stranger = TcpStream::connect(("127.0.0.1", port))
            .await
            .expect("it listens");
        stranger.write_all(words).await.expect("it is open");
        strangers.push(stranger);
    }
    let mut connections = Vec::new();
    for _ in 0..10 {
        let init = DataChannelInit::default();
        let (alice, bob, channel, incoming) = connected_on([&clients, &server], init).await;
        let sctp = alice.connection.sctp().expect("it is connected");
        let ice = sctp.transport().expect("it is connected").ice_transport();
        let pair = ice.selected_candidate_pair().expect("it is connected");
        assert_eq!(pair.remote.parts.expect("it has parts").port, port);
        connections.push((alice, bob, channel, incoming));
    }
    for (_, _, channel, incoming) in &connections {
        channel.send_text("hello").await.expect("it is open");
        assert_eq!(incoming.recv().await, Some("hello".into()));
    }
    // Those whose first message was no check of anybody's are sent away.
    let mut rest = Vec::new();
    for stranger in &mut strangers[..3] {
        // With a reset when it had not read everything.
        let _ = stranger.read_to_end(&mut rest).await;
    }
    assert!(rest.is_empty());
    assert!(server.stats().unroutable >= 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn listening_ports_come_from_the_range_and_each_is_one_connections_own() {
    let ports = 42_100..=42_199;
    let server = build(without_udp(PASSIVE).port_range(ports.clone()));
    let clients = build(without_udp(ACTIVE));
    let mut connections = Vec::new();
    let mut used = Vec::new();
    for _ in 0..4 {
        let init = DataChannelInit::default();
        let connected = connected_on([&clients, &server], init).await;
        let sctp = connected.0.connection.sctp().expect("it is connected");
        let ice = sctp.transport().expect("it is connected").ice_transport();
        let pair = ice.selected_candidate_pair().expect("it is connected");
        let port = pair.remote.parts.expect("it has parts").port;
        assert!(ports.contains(&port) && !used.contains(&port), "{port}");
        used.push(port);
        connections.push(connected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_breaks_fails_at_once() {
    let server = build(without_udp(PASSIVE));
    let init = DataChannelInit::default();
    // A runtime of its own: what runs on it ends with it, without a word.
    let other = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .worker_threads(1)
        .build()
        .expect("a runtime");
    let clients = {
        let _guard = other.enter();
        build(without_udp(ACTIVE))
    };
    let (_alice, mut bob, _channel, _incoming) = connected_on([&clients, &server], init).await;
    let begun = Instant::now();
    other.shutdown_background();
    bob.wait(|event| match event {
        Event::IceConnectionStateChange(IceConnectionState::Failed) => Some(()),
        _ => None,
    })
    .await;
    assert!(
        begun.elapsed() < Duration::from_secs(3),
        "{:?}",
        begun.elapsed()
    );
}

//! What an endpoint tells those who operate it.

mod common;

use common::media::{call_on, within};
use common::{Peer, endpoint};
use duologue::{EncodedFrameInit, Event, Metrics, PeerConnectionState, Traffic};

/// A look each moment until it shows what is waited for: sessions tell once a second.
async fn until(mut look: impl FnMut() -> bool) {
    within(async {
        while !look() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await;
}

fn in_all_states(metrics: &Metrics) -> u64 {
    use PeerConnectionState::{Connected, Connecting, Disconnected, Failed, New};
    let states = [New, Connecting, Connected, Disconnected, Failed];
    states.iter().map(|state| metrics.connections(*state)).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_counted_in_their_states_and_their_packets_at_both_ends() {
    let endpoint = endpoint();
    let mut call = call_on(&endpoint).await;
    until(|| {
        endpoint
            .metrics()
            .connections(PeerConnectionState::Connected)
            == 2
    })
    .await;

    let sound = call.of_alice[0].sender();
    let frames = (0..50).map(|number| EncodedFrameInit {
        timestamp: number * 960,
        data: "sound".into(),
        ..Default::default()
    });
    within(sound.frames().send_all(&mut frames.collect()))
        .await
        .unwrap();
    until(|| {
        let Traffic {
            rtp_packets_sent,
            rtp_packets_received,
            ..
        } = endpoint.metrics().traffic;
        (rtp_packets_sent, rtp_packets_received) == (50, 50)
    })
    .await;
    let metrics = endpoint.metrics();
    assert_eq!(metrics.traffic.sessions, 2);
    assert!(metrics.traffic.bytes_sent > 50 * 5, "{metrics:?}");
    assert_eq!(metrics.traffic.rtp_packets_lost, 0, "{metrics:?}");

    // Who is closed is in no state, what it did is not forgotten, and the other end follows.
    call.alice.connection.close();
    let gone = |event| match event {
        Event::DtlsStateChange(_, duologue::DtlsTransportState::Closed) => Some(()),
        _ => None,
    };
    within(call.bob.wait(gone)).await;
    call.bob.connection.close();
    until(|| endpoint.metrics().traffic.sessions_ended == 2).await;
    let metrics = endpoint.metrics();
    assert_eq!(in_all_states(&metrics), 0, "{metrics:?}");
    assert_eq!(metrics.traffic.rtp_packets_sent, 50);
    assert_eq!((metrics.estimate, metrics.estimates), (0, 0));
}

#[tokio::test]
async fn every_name_of_the_text_is_in_the_documentation_and_has_its_kind_once() {
    let endpoint = endpoint();
    let _peer = Peer::new(&endpoint);
    let text = endpoint.metrics().to_string();
    let documented = include_str!("../../docs/metrics.md");
    let mut kinds = Vec::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(!kinds.contains(&name), "{name} twice");
            assert!(documented.contains(&format!("`{name}`")), "{name}");
            assert_eq!(name.ends_with("_total"), kind == "counter", "{name}");
            kinds.push(name);
        } else if !line.starts_with('#') {
            let (name, value) = line.rsplit_once(' ').unwrap();
            let name = name.split('{').next().unwrap();
            assert_eq!(kinds.last(), Some(&name), "{line}");
            assert!(value.parse::<u64>().is_ok(), "{line}");
        }
    }
    assert!(
        text.contains("duologue_connections{state=\"new\"} 1\n"),
        "{text}"
    );
}

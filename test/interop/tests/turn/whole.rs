//! Whole connections through the public API, relayed by coturn.

use std::time::Duration;

use duologue::{
    Configuration, DataChannelInit, Endpoint, EndpointBuilder, Event, Events, IceServer,
    IceTransportPolicy, Message, PeerConnection,
};
use duologue_coturn::{PASSWORD, USER};

use crate::coturn;

fn relayed(port: u16, password: &str) -> Configuration {
    relayed_by(format!("turn:127.0.0.1:{port}"), password)
}

/// Only relayed candidates, of this server.
pub(crate) fn relayed_by(url: String, password: &str) -> Configuration {
    let server = IceServer {
        urls: vec![url],
        username: Some(USER.to_owned()),
        credential: Some(password.into()),
    };
    Configuration {
        ice_servers: vec![server],
        ice_transport_policy: IceTransportPolicy::Relay,
        ..Configuration::default()
    }
}

/// A test that waits for ever is a failed test.
pub(crate) async fn in_time<T>(what: impl Future<Output = T>) -> T {
    let result = tokio::time::timeout(Duration::from_secs(20), what).await;
    result.expect("it happens in time")
}

fn endpoint() -> Endpoint {
    on_loopback().build().expect("loopback is there")
}

fn on_loopback() -> EndpointBuilder {
    Endpoint::builder().loopback(true).ipv6(false)
}

/// Waits for the end of gathering and returns the codes of `icecandidateerror`s until then.
async fn gathered(events: &mut Events) -> Vec<u16> {
    let mut codes = Vec::new();
    loop {
        match in_time(events.recv()).await.expect("it is open") {
            Event::IceCandidate(None) => return codes,
            Event::IceCandidateError(error) => codes.push(error.error_code),
            _ => {}
        }
    }
}

pub(crate) async fn negotiate(
    a: (&PeerConnection, &mut Events),
    b: (&PeerConnection, &mut Events),
) {
    assert_eq!(negotiate_with_errors(a, b).await, Vec::<u16>::new());
}

/// The same, and the codes of the offerer's `icecandidateerror`s.
pub(crate) async fn negotiate_with_errors(
    a: (&PeerConnection, &mut Events),
    b: (&PeerConnection, &mut Events),
) -> Vec<u16> {
    a.0.set_local_description(None).await.expect("an offer");
    let codes = gathered(a.1).await;
    let offer = a.0.local_description().expect("an offer");
    b.0.set_remote_description(offer).await.expect("it is good");
    b.0.set_local_description(None).await.expect("an answer");
    assert_eq!(gathered(b.1).await, Vec::<u16>::new());
    let answer = b.0.local_description().expect("an answer");
    a.0.set_remote_description(answer)
        .await
        .expect("it is good");
    codes
}

#[tokio::test(flavor = "multi_thread")]
async fn data_channels_work_through_a_relay() {
    through_relays(&endpoint(), [true, false]).await;
}

/// draft-hancke-webrtc-sped: the checks that carry the handshake are carried by TURN's messages then.
#[tokio::test(flavor = "multi_thread")]
async fn the_handshake_inside_of_checks_works_through_relays() {
    let endpoint = on_loopback().sped(true).sctp_snap(true).post_quantum(true);
    let endpoint = endpoint.build().expect("loopback is there");
    through_relays(&endpoint, [true, false]).await;
    through_relays(&endpoint, [true, true]).await;
}

/// Two connections, the offerer's or both by relayed candidates only.
async fn through_relays(endpoint: &Endpoint, relays: [bool; 2]) {
    let coturn = coturn(&[]);
    let configurations = relays.map(|relay| match relay {
        true => relayed(coturn.address().port(), PASSWORD),
        false => Configuration::default(),
    });
    let [(alice, mut a), (bob, mut b)] = configurations.map(|configuration| {
        let made = endpoint.connection(configuration);
        made.expect("the configuration is valid")
    });
    let init = DataChannelInit::default();
    let channel = alice.create_data_channel("relayed", init).expect("legal");
    negotiate((&alice, &mut a), (&bob, &mut b)).await;
    let offer = alice.local_description().expect("an offer").sdp;
    assert!(offer.contains(" typ relay ") && !offer.contains(" typ host"));
    let incoming = loop {
        if let Event::DataChannel(channel) = in_time(b.recv()).await.expect("it is open") {
            break channel;
        }
    };
    in_time(channel.opened()).await.expect("it opens");
    let message = Message::from(vec![7; 200_000]);
    for _ in 0..20 {
        channel.send(message.clone()).await.expect("it is open");
        assert_eq!(in_time(incoming.recv()).await.as_ref(), Some(&message));
        incoming.send_text("thanks").await.expect("it is open");
        assert_eq!(in_time(channel.recv()).await, Some("thanks".into()));
    }
    alice.close();
    assert_eq!(
        in_time(incoming.recv()).await,
        None,
        "the last words arrive"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_an_icecandidateerror() {
    let coturn = coturn(&[]);
    let made = endpoint().connection(relayed(coturn.address().port(), "wrong"));
    let (alice, mut events) = made.expect("the configuration is valid");
    let init = DataChannelInit::default();
    let _channel = alice.create_data_channel("never", init).expect("legal");
    alice.set_local_description(None).await.expect("an offer");
    assert_eq!(gathered(&mut events).await, [401]);
}

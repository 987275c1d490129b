//! What the reference pages say of members that other tests only pass by: each does what its page says.

mod common;

use common::{Peer, describe, describe_at_once, endpoint, negotiate};
use duologue::{
    Configuration, DtmfSender, Event, ExceptionName, IceConnectionState, IceGatheringState,
    IceServer, IceTransport, IceTransportPolicy, MediaKind, MediaStreamTrack,
    MediaStreamTrackState, PeerConnectionState, RtpReceiver, SdpType, SessionDescription,
    SignalingState, Track, TransceiverDirection,
};

fn kind(description: Option<SessionDescription>) -> Option<SdpType> {
    description.map(|it| it.sdp_type)
}

fn sound() -> Track {
    Track {
        id: "sound".into(),
        kind: MediaKind::Audio,
    }
}

#[tokio::test]
async fn descriptions_are_pending_until_the_exchange_is_over_and_current_from_then_on() {
    let endpoint = endpoint();
    let (mut alice, mut bob) = (Peer::new(&endpoint), Peer::new(&endpoint));
    let (a, b) = (alice.connection.clone(), bob.connection.clone());
    a.create_data_channel("", Default::default()).unwrap();
    assert_eq!(b.can_trickle_ice_candidates(), None);
    describe(&mut alice, &mut bob).await;
    let (offer, answer) = (Some(SdpType::Offer), Some(SdpType::Answer));
    assert_eq!(kind(a.pending_local_description()), offer);
    assert_eq!(kind(b.pending_remote_description()), offer);
    assert_eq!(kind(a.current_local_description()), None);
    assert_eq!(a.signaling_state(), SignalingState::HaveLocalOffer);
    assert_eq!(b.can_trickle_ice_candidates(), Some(true));

    describe(&mut bob, &mut alice).await;
    for pc in [&a, &b] {
        assert_eq!(pc.signaling_state(), SignalingState::Stable);
        assert_eq!(pc.pending_local_description(), None);
        assert_eq!(pc.pending_remote_description(), None);
    }
    assert_eq!(kind(a.current_local_description()), offer);
    assert_eq!(kind(a.current_remote_description()), answer);
    assert_eq!(kind(a.remote_description()), answer);
    assert_eq!(kind(b.current_remote_description()), offer);
    assert_eq!(kind(b.local_description()), answer);
}

#[tokio::test]
async fn states_are_told_of_by_their_events() {
    let endpoint = endpoint();
    let (mut alice, mut bob) = (Peer::new(&endpoint), Peer::new(&endpoint));
    let a = alice.connection.clone();
    a.create_data_channel("", Default::default()).unwrap();
    a.set_local_description(None).await.unwrap();
    let offer = a.local_description().unwrap();
    bob.connection.set_remote_description(offer).await.unwrap();
    describe(&mut bob, &mut alice).await;

    let (mut gathering, mut ice, mut connection) = (Vec::new(), Vec::new(), Vec::new());
    while connection.last() != Some(&PeerConnectionState::Connected) {
        match alice.events.recv().await.unwrap() {
            Event::SignalingStateChange(_) => {}
            Event::IceGatheringStateChange(state) => gathering.push(state),
            Event::IceConnectionStateChange(state) => ice.push(state),
            Event::ConnectionStateChange(state) => connection.push(state),
            _ => {}
        }
    }
    assert_eq!(
        connection,
        [
            PeerConnectionState::Connecting,
            PeerConnectionState::Connected
        ]
    );
    assert_eq!(
        ice[..2],
        [IceConnectionState::Checking, IceConnectionState::Connected]
    );
    assert_eq!(gathering[0], IceGatheringState::Gathering);
    assert_eq!(a.connection_state(), PeerConnectionState::Connected);
    assert!(
        [IceConnectionState::Connected, IceConnectionState::Completed]
            .contains(&a.ice_connection_state())
    );
}

#[tokio::test]
async fn a_server_that_gives_no_candidate_is_named_by_an_event() {
    let url = "turn:127.0.0.1:1?transport=tcp";
    let (pc, events) = endpoint()
        .connection(Configuration {
            ice_servers: vec![IceServer {
                urls: vec![url.to_owned()],
                username: Some("user".to_owned()),
                credential: Some("password".into()),
            }],
            ..Default::default()
        })
        .unwrap();
    let mut alice = Peer {
        connection: pc.clone(),
        events,
    };
    pc.create_data_channel("", Default::default()).unwrap();
    pc.set_local_description(None).await.unwrap();
    let error = alice.wait(|event| match event {
        Event::IceCandidateError(error) => Some(error),
        _ => None,
    });
    let error = error.await;
    assert_eq!((error.url.as_str(), error.error_code), (url, 701));
    alice.gathered().await;
    assert_eq!(pc.ice_gathering_state(), IceGatheringState::Complete);
}

#[tokio::test]
async fn what_cannot_change_of_a_configuration_is_refused_and_the_rest_is_told() {
    let pc = Peer::new(&endpoint()).connection;
    let relay = Configuration {
        ice_transport_policy: IceTransportPolicy::Relay,
        ..pc.configuration()
    };
    pc.set_configuration(relay.clone()).unwrap();
    assert_eq!(
        pc.configuration().ice_transport_policy,
        IceTransportPolicy::Relay
    );
    let other = Configuration {
        peer_identity: Some("alice@example.org".to_owned()),
        ..relay
    };
    let error = pc.set_configuration(other).unwrap_err();
    assert_eq!(error.name(), ExceptionName::InvalidModificationError);
    assert_eq!(pc.configuration().peer_identity, None);
}

#[tokio::test]
async fn a_restart_asks_for_an_offer_with_other_credentials() {
    let endpoint = endpoint();
    let (mut alice, mut bob) = (Peer::new(&endpoint), Peer::new(&endpoint));
    let a = alice.connection.clone();
    a.create_data_channel("", Default::default()).unwrap();
    let needed = |event| matches!(event, Event::NegotiationNeeded).then_some(());
    alice.wait(needed).await;
    negotiate(&mut alice, &mut bob).await;
    let ufrag = |description: SessionDescription| {
        let lines = description.sdp.lines().map(str::to_owned);
        lines
            .into_iter()
            .find(|line| line.starts_with("a=ice-ufrag:"))
    };
    let before = ufrag(a.local_description().unwrap());
    a.restart_ice();
    alice.wait(needed).await;
    let offer = a.create_offer(Default::default()).await.unwrap();
    assert_ne!(ufrag(offer), before);
}

#[tokio::test]
async fn a_track_that_is_removed_is_sent_no_more_and_leaves_its_stream_at_the_other_end() {
    let endpoint = endpoint();
    let (alice, mut bob) = (Peer::new(&endpoint), Peer::new(&endpoint));
    let a = alice.connection.clone();
    let sender = a.add_track(sound(), &["camera".into()]).unwrap();
    describe_at_once(&alice, &bob).await;
    let arrived = bob.wait(|event| match event {
        Event::Track { track, .. } => Some(track),
        _ => None,
    });
    let arrived: MediaStreamTrack = arrived.await;
    assert_eq!(arrived.kind(), Some(MediaKind::Audio));
    assert_eq!(arrived.ready_state(), MediaStreamTrackState::Live);
    describe_at_once(&bob, &alice).await;

    a.remove_track(&sender).unwrap();
    assert_eq!(sender.track(), None);
    assert_eq!(a.senders(), [sender]);
    describe_at_once(&alice, &bob).await;
    let left = bob.wait(|event| match event {
        Event::StreamRemoveTrack { stream, track } => Some((stream, track)),
        _ => None,
    });
    let (stream, track) = left.await;
    assert_eq!(track, arrived);
    assert!(stream.tracks().is_empty() && stream.id().as_str() == "camera");
    describe_at_once(&bob, &alice).await;
    let direction = bob.connection.transceivers()[0].current_direction();
    assert_eq!(direction, Some(TransceiverDirection::Inactive));
    let receivers: Vec<RtpReceiver> = bob.connection.receivers();
    assert_eq!(receivers[0].track(), Some(arrived));
}

#[tokio::test]
async fn a_channel_of_the_other_end_comes_by_its_event_by_a_transport_that_tells_of_itself() {
    let endpoint = endpoint();
    let (mut alice, mut bob) = (Peer::new(&endpoint), Peer::new(&endpoint));
    let a = alice.connection.clone();
    assert!(a.sctp().is_none());
    let near = a.create_data_channel("chat", Default::default()).unwrap();
    negotiate(&mut alice, &mut bob).await;
    let far = bob.wait(|event| match event {
        Event::DataChannel(channel) => Some(channel),
        _ => None,
    });
    assert_eq!(far.await.label(), "chat");
    near.opened().await.unwrap();
    let ice: IceTransport = a.sctp().unwrap().transport().unwrap().ice_transport();
    assert!(ice.selected_candidate_pair().is_some());
    assert!(!ice.local_candidates().is_empty());
    assert!(ice.remote_parameters().is_some());
}

#[tokio::test]
async fn telephone_keys_are_played_by_the_sender_of_a_track() {
    let endpoint = endpoint();
    let (mut alice, mut bob) = (Peer::new(&endpoint), Peer::new(&endpoint));
    let sender = alice.connection.add_track(sound(), &[]).unwrap();
    let dtmf: DtmfSender = sender.dtmf().unwrap();
    assert!(!dtmf.can_insert_dtmf());
    negotiate(&mut alice, &mut bob).await;
    alice
        .wait(|event| {
            let connected = PeerConnectionState::Connected;
            matches!(event, Event::ConnectionStateChange(it) if it == connected).then_some(())
        })
        .await;
    dtmf.insert_dtmf("12", 40, 30).unwrap();
    // The first begins at once.
    assert_eq!(dtmf.tone_buffer(), "2");
    let tone = alice.wait(|event| match event {
        Event::ToneChange(_, tone) => Some(tone),
        _ => None,
    });
    assert_eq!(tone.await, "1");
}

//! Connections through the public API, over real sockets on loopback.

mod common;

use std::time::Duration;

use common::{Peer, endpoint, negotiate};
use duologue::{
    Certificate, Configuration, Endpoint, Event, ExceptionName, IceCandidatePairState,
    IceConnectionState, IceGatheringState, IceServer, KeygenAlgorithm, MediaKind, PeerConnection,
    PeerConnectionState, RtcErrorDetail, SdpType, SessionDescription, SignalingState, Track,
    TransceiverDirection, TransceiverInit,
};

fn is_connected(event: Event) -> Option<()> {
    let connected = PeerConnectionState::Connected;
    matches!(event, Event::ConnectionStateChange(state) if state == connected).then_some(())
}

#[tokio::test(flavor = "multi_thread")]
async fn two_peers_connect_with_candidates_in_their_descriptions() {
    let endpoint = endpoint();
    let (mut alice, mut bob) = (Peer::new(&endpoint), Peer::new(&endpoint));
    let _channel = alice
        .connection
        .create_data_channel("x", Default::default())
        .unwrap();
    negotiate(&mut alice, &mut bob).await;
    alice.wait(is_connected).await;
    bob.wait(is_connected).await;
    for peer in [&alice, &bob] {
        assert_eq!(peer.connection.signaling_state(), SignalingState::Stable);
        assert_eq!(
            peer.connection.connection_state(),
            PeerConnectionState::Connected
        );
        let dtls = peer.connection.sctp().unwrap().transport().unwrap();
        assert_eq!(dtls.remote_certificates().len(), 1);
        assert!(dtls.ice_transport().selected_candidate_pair().is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_peers_connect_with_candidates_as_they_come() {
    let endpoint = endpoint();
    let (mut alice, mut bob) = (Peer::new(&endpoint), Peer::new(&endpoint));
    let _channel = alice
        .connection
        .create_data_channel("x", Default::default())
        .unwrap();
    let (a, b) = (alice.connection.clone(), bob.connection.clone());
    // Through JSON, as a signalling server would carry it.
    let offer = a.create_offer(Default::default()).await.unwrap();
    a.set_local_description(offer.clone()).await.unwrap();
    let text = serde_json::to_string(&offer).unwrap();
    b.set_remote_description(serde_json::from_str(&text).unwrap())
        .await
        .unwrap();
    b.set_local_description(None).await.unwrap();
    a.set_remote_description(b.local_description().unwrap())
        .await
        .unwrap();

    async fn trickle(from: &mut Peer, to: &Peer) {
        let to = to.connection.clone();
        loop {
            match from.events.recv().await {
                Some(Event::IceCandidate(Some(candidate))) => {
                    let text = serde_json::to_string(&candidate.init).expect("plain data");
                    let candidate = serde_json::from_str(&text).expect("what it wrote");
                    to.add_ice_candidate(candidate)
                        .await
                        .expect("a good candidate");
                }
                Some(Event::IceCandidate(None)) | None => return,
                Some(_) => {}
            }
        }
    }
    trickle(&mut alice, &bob).await;
    trickle(&mut bob, &alice).await;
    for peer in [&alice, &bob] {
        while peer.connection.connection_state() != PeerConnectionState::Connected {
            tokio::task::yield_now().await;
        }
        let ice = peer.connection.ice_connection_state();
        assert!(matches!(
            ice,
            IceConnectionState::Connected | IceConnectionState::Completed
        ));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_is_rolled_back_and_the_other_one_answered() {
    let endpoint = endpoint();
    let (mut alice, mut bob) = (Peer::new(&endpoint), Peer::new(&endpoint));
    let _a = alice
        .connection
        .create_data_channel("a", Default::default())
        .unwrap();
    let _b = bob
        .connection
        .create_data_channel("b", Default::default())
        .unwrap();
    bob.connection.set_local_description(None).await.unwrap();
    assert_eq!(
        bob.connection.signaling_state(),
        SignalingState::HaveLocalOffer
    );
    let back = SessionDescription::rollback();
    bob.connection.set_local_description(back).await.unwrap();
    assert_eq!(bob.connection.signaling_state(), SignalingState::Stable);
    // Once more, and this time implicitly, by the other end's offer.
    bob.connection.set_local_description(None).await.unwrap();
    while bob.events.try_recv().is_some() {}
    negotiate(&mut alice, &mut bob).await;
    assert_eq!(
        bob.connection.local_description().unwrap().sdp_type,
        SdpType::Answer
    );
    alice.wait(is_connected).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn transceivers_negotiate_and_their_tracks_appear() {
    let endpoint = endpoint();
    let (mut alice, mut bob) = (Peer::new(&endpoint), Peer::new(&endpoint));
    let init = TransceiverInit::with_direction(TransceiverDirection::Sendonly);
    let sends = alice
        .connection
        .add_transceiver(MediaKind::Video, init)
        .unwrap();
    negotiate(&mut alice, &mut bob).await;
    assert_eq!(
        sends.current_direction(),
        Some(TransceiverDirection::Sendonly)
    );
    assert_eq!(bob.connection.transceivers().len(), 1);
    let receives = &bob.connection.transceivers()[0];
    assert_eq!(receives.mid(), sends.mid());
    assert_eq!(
        receives.current_direction(),
        Some(TransceiverDirection::Recvonly)
    );
    let track = receives.receiver().track().unwrap();
    assert_eq!(track.kind(), Some(MediaKind::Video));
    assert_eq!(bob.connection.receivers(), [receives.receiver()]);
    alice.wait(is_connected).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_remote_track_is_in_the_stream_that_its_sender_names() {
    let endpoint = endpoint();
    let (alice, mut bob) = (Peer::new(&endpoint), Peer::new(&endpoint));
    let track = Track {
        id: "camera".into(),
        kind: MediaKind::Video,
    };
    let sender = alice.connection.add_track(track, &["room".into()]).unwrap();
    let set = alice.connection.set_local_description(None);
    set.await.unwrap();
    let offer = alice.connection.local_description().unwrap();
    bob.connection.set_remote_description(offer).await.unwrap();
    let found = bob.wait(|event| match event {
        Event::Track { track, streams, .. } => Some((track, streams)),
        _ => None,
    });
    let (track, streams) = found.await;
    let [stream] = streams.as_slice() else {
        panic!("{streams:?}");
    };
    assert_eq!(stream.id().as_str(), "room");
    assert_eq!(stream.video_tracks(), std::slice::from_ref(&track));
    assert_eq!(stream.audio_tracks(), []);
    assert_eq!(stream.track_by_id(track.id()), Some(track.clone()));
    assert_eq!(track.label(), "remote video");
    assert!(stream.active());
    track.stop();
    assert!(!stream.active());

    // Before an answer nothing is sent, and before its first packet no stream is received.
    assert_eq!(sender.get_stats().await.unwrap().iter().count(), 0);
    let receiver = &bob.connection.receivers()[0];
    assert_eq!(receiver.get_stats().await.unwrap().iter().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn header_extensions_are_negotiated_as_the_transceiver_wants() {
    let endpoint = endpoint();
    let (mut alice, mut bob) = (Peer::new(&endpoint), Peer::new(&endpoint));
    let added = alice
        .connection
        .add_transceiver(MediaKind::Audio, Default::default());
    let transceiver = added.unwrap();
    let mut wanted = transceiver.header_extensions_to_negotiate();
    assert!(wanted.len() > 1);
    for extension in wanted.iter_mut().filter(|e| !e.uri.ends_with(":mid")) {
        extension.direction = TransceiverDirection::Stopped;
    }
    transceiver
        .set_header_extensions_to_negotiate(&wanted)
        .unwrap();
    negotiate(&mut alice, &mut bob).await;
    let negotiated = transceiver.negotiated_header_extensions();
    let running = negotiated
        .iter()
        .filter(|e| e.direction != TransceiverDirection::Stopped);
    let uris: Vec<&str> = running.map(|e| e.uri.as_str()).collect();
    assert_eq!(uris, ["urn:ietf:params:rtp-hdrext:sdes:mid"]);
    let refused = transceiver.set_header_extensions_to_negotiate(&[]);
    assert_eq!(
        refused.unwrap_err().name(),
        ExceptionName::InvalidModificationError
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_descriptions_are_refused_with_their_line_and_change_nothing() {
    let alice = Peer::new(&endpoint()).connection;
    let bad = SessionDescription::offer("v=0\r\nnonsense\r\n");
    let error = alice.set_remote_description(bad).await.unwrap_err();
    let detail = error.rtc_error().unwrap();
    assert_eq!(detail.error_detail, RtcErrorDetail::SdpSyntaxError);
    assert_eq!(detail.sdp_line_number, Some(2));
    let early = alice.create_answer().await.unwrap_err();
    assert_eq!(early.name(), ExceptionName::InvalidStateError);
    assert_eq!(alice.signaling_state(), SignalingState::Stable);
    assert_eq!(alice.remote_description(), None);
}

#[tokio::test]
async fn a_server_keeps_its_identity_from_run_to_run() {
    let lifetime = Some(Duration::from_secs(3600));
    let made = PeerConnection::generate_certificate(KeygenAlgorithm::EcdsaP256, lifetime);
    let made = made.await.unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), made.to_pem()).unwrap();

    let endpoint = endpoint();
    let mut seen = Vec::new();
    for _ in 0..2 {
        let kept = Certificate::from_pem(&std::fs::read_to_string(file.path()).unwrap()).unwrap();
        assert_eq!(kept.expires(), made.expires());
        let configuration = Configuration {
            certificates: vec![kept],
            ..Configuration::default()
        };
        let (connection, events) = endpoint.connection(configuration).unwrap();
        let mut server = Peer { connection, events };
        let mut client = Peer::new(&endpoint);
        client
            .connection
            .add_transceiver(MediaKind::Audio, Default::default())
            .unwrap();
        negotiate(&mut client, &mut server).await;
        client.wait(is_connected).await;

        let sdp = server.connection.local_description().unwrap().sdp;
        assert!(sdp.contains(&format!("a=fingerprint:{}", made.fingerprints()[0])));
        let transport = client.connection.senders()[0].transport().unwrap();
        seen.push(transport.remote_certificates());
    }
    assert_eq!(seen, [[made.der()], [made.der()]]);
}

#[tokio::test]
async fn a_certificate_that_has_expired_is_not_used() {
    let lifetime = Some(Duration::ZERO);
    let made = PeerConnection::generate_certificate(KeygenAlgorithm::EcdsaP256, lifetime);
    let kept = Certificate::from_pem(&made.await.unwrap().to_pem()).unwrap();
    let refused = PeerConnection::new(Configuration {
        certificates: vec![kept],
        ..Configuration::default()
    });
    let error = refused.unwrap_err();
    assert_eq!(error.name(), ExceptionName::InvalidAccessError);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_has_all_connections_on_one_port() {
    let builder = Endpoint::builder()
        .loopback(true)
        .ipv6(false)
        .shared_port(0);
    let server = builder.build().unwrap();
    let clients = endpoint();
    let mut peers = Vec::new();
    for _ in 0..5 {
        let (mut client, mut served) = (Peer::new(&clients), Peer::new(&server));
        let _channel = client
            .connection
            .create_data_channel("x", Default::default())
            .unwrap();
        negotiate(&mut client, &mut served).await;
        client.wait(is_connected).await;
        peers.push((client, served));
    }
    let port = format!(" {} typ host", server.shared_port().unwrap());
    for (_, served) in &peers {
        let description = served.connection.local_description().unwrap();
        let candidates = description
            .sdp
            .lines()
            .filter(|l| l.starts_with("a=candidate:") && l.contains(" udp "));
        assert!(candidates.clone().count() > 0);
        assert!(
            candidates.clone().all(|line| line.contains(&port)),
            "{}",
            description.sdp
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_handle_closes_the_connection() {
    let endpoint = endpoint();
    let (connection, mut events) = endpoint.connection(Configuration::default()).unwrap();
    let channel = connection
        .create_data_channel("x", Default::default())
        .unwrap();
    drop(connection);
    assert_eq!(
        events
            .recv()
            .await
            .map(|e| matches!(e, Event::NegotiationNeeded)),
        Some(true)
    );
    assert!(events.try_recv().is_none());
    drop(channel);
    assert!(events.recv().await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_a_future_does_not_cancel_what_it_began() {
    let mut alice = Peer::new(&endpoint());
    let _channel = alice
        .connection
        .create_data_channel("x", Default::default())
        .unwrap();
    {
        let connection = alice.connection.clone();
        let mut operation = std::pin::pin!(connection.set_local_description(None));
        let once = std::future::poll_fn(|cx| {
            let _ = operation.as_mut().poll(cx);
            std::task::Poll::Ready(())
        });
        once.await;
    }
    alice
        .wait(|event| match event {
            Event::SignalingStateChange(SignalingState::HaveLocalOffer) => Some(()),
            _ => None,
        })
        .await;
}

#[test]
fn handles_go_to_any_thread() {
    fn shared<T: Send + Sync + Clone + 'static>() {}
    fn sent<T: Send + 'static>() {}
    shared::<Endpoint>();
    shared::<duologue::PeerConnection>();
    shared::<duologue::DataChannel>();
    shared::<duologue::RtpTransceiver>();
    shared::<duologue::SctpTransport>();
    sent::<duologue::Events>();
    sent::<Event>();
}

#[tokio::test(flavor = "multi_thread")]
async fn statistics_name_the_selected_pair_with_the_candidates_of_both_ends() {
    let endpoint = endpoint();
    let (mut alice, mut bob) = (Peer::new(&endpoint), Peer::new(&endpoint));
    let _channel = alice
        .connection
        .create_data_channel("x", Default::default())
        .unwrap();
    negotiate(&mut alice, &mut bob).await;
    alice.wait(is_connected).await;
    let report = alice.connection.get_stats().await.unwrap();
    let pair = report.selected_candidate_pair().expect("a selected pair");
    assert_eq!(pair.state, IceCandidatePairState::Succeeded);
    assert!(pair.responses_received > 0 && pair.current_round_trip_time.is_some());
    let [local, remote] = [&pair.local_candidate_id, &pair.remote_candidate_id]
        .map(|id| report.candidate(id).expect("its candidate"));
    let dtls = alice.connection.sctp().unwrap().transport().unwrap();
    let selected = dtls.ice_transport().selected_candidate_pair().unwrap();
    for (stats, candidate) in [(local, selected.local), (remote, selected.remote)] {
        assert_eq!(stats.port, candidate.parts.unwrap().port);
    }

    // As a browser's `[...(await pc.getStats()).values()]` would be.
    let json = serde_json::to_value(&report).unwrap();
    let of = |kind: &str| {
        let mut all = json.as_array().unwrap().iter();
        all.find(|stats| stats["type"] == kind).unwrap()
    };
    assert_eq!(of("transport")["dtlsState"], "connected");
    assert_eq!(of("transport")["tlsVersion"], "FEFC");
    assert_eq!(of("transport")["selectedCandidatePairId"], pair.id);
    let mut all = json.as_array().unwrap().iter();
    let selected = all.find(|stats| stats["id"] == pair.id.as_str()).unwrap();
    assert_eq!(selected["type"], "candidate-pair");
    assert_eq!(selected["transportId"], of("transport")["id"]);
    assert_eq!(selected["bytesSent"], of("transport")["bytesSent"]);
    assert_eq!(of("local-candidate")["candidateType"], "host");
    assert!(of("remote-candidate")["address"].is_string());
    assert_eq!(of("data-channel")["label"], "x");
    assert_eq!(of("certificate")["fingerprintAlgorithm"], "sha-256");
    assert_eq!(of("peer-connection")["dataChannelsClosed"], 0);

    alice.connection.close();
    let closed = alice.connection.get_stats().await;
    assert_eq!(closed.unwrap().iter().count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_of_audio_plays_telephone_keys_by_the_clock() {
    let endpoint = endpoint();
    let (mut alice, mut bob) = (Peer::new(&endpoint), Peer::new(&endpoint));
    let track = Track {
        id: "microphone".into(),
        kind: MediaKind::Audio,
    };
    let sender = alice.connection.add_track(track, &[]).unwrap();
    let video = alice
        .connection
        .add_transceiver(MediaKind::Video, Default::default());
    assert!(video.unwrap().sender().dtmf().is_none());
    let dtmf = sender.dtmf().unwrap();
    let early = dtmf.insert_dtmf("1", 100, 70).unwrap_err();
    assert_eq!(early.name(), ExceptionName::InvalidStateError);
    negotiate(&mut alice, &mut bob).await;
    alice.wait(is_connected).await;
    assert!(dtmf.can_insert_dtmf());
    let wrong = dtmf.insert_dtmf("x", 100, 70).unwrap_err();
    assert_eq!(wrong.name(), ExceptionName::InvalidCharacterError);
    dtmf.insert_dtmf("1d#", 40, 30).unwrap();
    for tone in ["1", "D", "#", ""] {
        let played = alice.wait(|event| match event {
            Event::ToneChange(sender, tone) => Some((sender, tone)),
            _ => None,
        });
        assert_eq!(played.await, (dtmf.clone(), tone.to_owned()));
    }
    assert_eq!(dtmf.tone_buffer(), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_and_its_host_candidates_do_not_wait_for_silent_servers() {
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let addr = silent.local_addr().unwrap();
    let server = IceServer {
        urls: vec![format!("stun:{addr}"), format!("turn:{addr}")],
        username: Some("alice".to_owned()),
        credential: Some("secret".into()),
    };
    let configuration = Configuration {
        ice_servers: vec![server],
        ..Configuration::default()
    };
    let (connection, events) = endpoint().connection(configuration).unwrap();
    let mut alice = Peer { connection, events };
    let a = alice.connection.clone();
    let _channel = a.create_data_channel("x", Default::default()).unwrap();
    let early = async {
        a.set_local_description(None).await.unwrap();
        let found = |event| matches!(event, Event::IceCandidate(Some(_))).then_some(());
        alice.wait(found).await;
    };
    // The servers are given up after 9.5 s.
    let limit = std::time::Duration::from_secs(5);
    tokio::time::timeout(limit, early).await.expect("in time");
    assert_eq!(a.ice_gathering_state(), IceGatheringState::Gathering);
}

#[test]
fn without_a_runtime_there_is_an_error_and_no_panic() {
    let made = PeerConnection::new(Configuration::default());
    let error = made.map(drop).unwrap_err();
    assert_eq!(error.name(), ExceptionName::OperationError);
    assert!(error.message().contains("runtime"), "{error}");
}

#[tokio::test]
async fn the_url_of_an_ice_server_that_is_wrong_is_named_in_its_error() {
    let server = |url: &str| IceServer {
        urls: vec![url.to_owned()],
        ..IceServer::default()
    };
    for (wrong, name) in [
        ("http://turn.example.org", ExceptionName::SyntaxError),
        ("stun:stun.example.org:port", ExceptionName::SyntaxError),
        ("turn:turn.example.org", ExceptionName::InvalidAccessError),
    ] {
        let configuration = Configuration {
            ice_servers: vec![server("stun:stun.example.org"), server(wrong)],
            ..Configuration::default()
        };
        let error = PeerConnection::new(configuration).map(drop).unwrap_err();
        assert_eq!(error.name(), name, "{error}");
        assert!(error.message().contains(wrong), "{error}");
    }
}

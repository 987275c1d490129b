//! Two whole connections, control plane and data plane, over a wire in virtual time.
#![allow(
    clippy::unwrap_used,
    reason = "helpers outside #[test] functions are tests too"
)]

mod common;

use std::time::Duration;

use bytes::Bytes;
use common::log::Log;
use common::world::{DELAY, World};
use common::{audio, video};
use duologue_base::Instant;
use duologue_peer::{
    DataChannelInit, DataChannelState, DataChannelStats, DtlsTransportState, Event,
    IceCandidatePairState, Message, PeerConnectionState, RtcErrorDetail, SdpType, SignalingState,
    Stats, StatsReport, StatsSelector, TransceiverDirection, TransportStats, Value,
};
use tracing::Level;

fn binary(data: impl Into<Bytes>) -> Message {
    Message {
        data: data.into(),
        binary: true,
    }
}

#[test]
fn two_peers_open_a_channel_talk_and_close() {
    let mut world = World::new(1);
    let chat = world.channel(0, "chat");
    world.negotiate(0);
    world.run_until("the channel opens", |w| {
        w.is_open(0, chat) && !w.announced(1).is_empty()
    });
    assert!(
        world.now < Instant::ZERO + Duration::from_millis(500),
        "set-up took {:?}",
        world.now
    );
    assert!(world.connected());
    let echo = world.announced(1)[0];
    assert_eq!(world.pc(1).data_channel(echo).unwrap().label(), "chat");

    world.pc(0).send_text(chat, "hello").unwrap();
    world.pc(0).send(chat, binary(Bytes::new())).unwrap();
    world.pc(0).send(chat, binary(vec![7; 200_000])).unwrap();
    world.run_until("three messages arrive", |w| w.received(1).len() == 3);
    let sizes: Vec<usize> = world
        .received(1)
        .iter()
        .map(|(_, m)| m.data.len())
        .collect();
    assert_eq!(sizes, [5, 0, 200_000]);
    world.run_until("everything left the queue", |w| {
        w.pc(0).data_channel(chat).unwrap().buffered_amount() == 0
    });
    world.pc(1).send_text(echo, "and you").unwrap();
    world.run_until("the answer arrives", |w| w.received(0).len() == 1);

    world.pc(1).close_channel(echo);
    let closed = |world: &mut World, index: usize, key| {
        world.pc(index).data_channel(key).unwrap().ready_state() == DataChannelState::Closed
    };
    world.run_until("both ends are closed", |w| {
        closed(w, 0, chat) && closed(w, 1, echo)
    });
    let log = world.ends[0].host.take_events();
    let last = &log[log.len() - 2..];
    assert_eq!(last, ["closing", "close"]);
}

#[test]
fn the_events_of_a_set_up_come_in_the_specified_order() {
    let mut world = World::new(2);
    let chat = world.channel(0, "chat");
    world.negotiate(0);
    world.run_until("the channel opens", |w| w.is_open(0, chat));
    let log = world.ends[0].host.take_events();
    let expected = [
        "signalingstatechange have-local-offer",
        "signalingstatechange stable",
        "gatheringstatechange ice0 gathering",
        "icegatheringstatechange gathering",
        "icecandidate mid=0",
        "icecandidate end",
        "gatheringstatechange ice0 complete",
        "icegatheringstatechange complete",
        "icecandidate null",
        "statechange ice0 checking",
        "iceconnectionstatechange checking",
        "connectionstatechange connecting",
        "selectedcandidatepairchange",
        "statechange ice0 connected",
        "iceconnectionstatechange connected",
        "statechange dtls0 connecting",
        "statechange dtls0 connected",
        "connectionstatechange connected",
        "statechange sctp connected",
        "open",
    ];
    let mut at = 0;
    for wanted in expected {
        let found = log[at..].iter().position(|event| event == wanted);
        let found = found.unwrap_or_else(|| panic!("{wanted} after {at} in {log:#?}"));
        at += found + 1;
    }
}

#[test]
fn negotiated_channels_need_no_announcement() {
    let mut world = World::new(3);
    let init = || DataChannelInit {
        negotiated: true,
        id: Some(7),
        ..DataChannelInit::default()
    };
    let keys = [0, 1].map(|index| world.pc(index).create_data_channel("n", init()).unwrap());
    world.negotiate(1);
    world.run_until("both open", |w| {
        w.is_open(0, keys[0]) && w.is_open(1, keys[1])
    });
    world.pc(0).send_text(keys[0], "ping").unwrap();
    world.pc(1).send_text(keys[1], "pong").unwrap();
    world.run_until("both arrive", |w| {
        w.received(0).len() == 1 && w.received(1).len() == 1
    });
    assert!(world.announced(0).is_empty() && world.announced(1).is_empty());
}

#[test]
fn an_ice_restart_keeps_the_channel() {
    let mut world = World::new(4);
    let chat = world.channel(0, "chat");
    world.negotiate(0);
    world.run_until("the channel opens", |w| w.is_open(0, chat));
    world.pc(0).restart_ice();
    world.negotiate(0);
    for n in 0..20 {
        world.pc(0).send_text(chat, n.to_string()).unwrap();
        let until = world.now + Duration::from_millis(100);
        world.run_until("time passes", |w| w.now >= until || w.received(1).len() > n);
    }
    world.run_until("all arrive", |w| w.received(1).len() == 20);
    world.run_until("connected again", |w| {
        w.pc(0).ice_connection_state().as_str() != "checking" && w.connected()
    });
    assert_eq!(world.announced(1).len(), 1);
}

#[test]
fn media_sections_bring_their_bundled_transport_up() {
    let mut world = World::new(5);
    world.pc(0).add_track(audio("a"), &[]).unwrap();
    world.pc(1).add_track(video("v"), &[]).unwrap();
    world.negotiate(0);
    world.negotiate(1);
    world.run_until("connected", World::connected);
    for index in 0..2 {
        let pc = world.pc(index);
        let keys: Vec<_> = pc
            .transceivers()
            .into_iter()
            .map(|id| pc.transceiver(id).unwrap().transport())
            .collect();
        assert_eq!(keys.len(), 2);
        assert_eq!(keys[0], keys[1], "one transport carries both");
    }
    let pc = world.pc(0);
    let id = pc.transceivers()[1];
    let direction = pc.transceiver(id).unwrap().current_direction();
    assert_eq!(direction, Some(TransceiverDirection::Recvonly));
}

#[test]
fn both_ends_may_offer_at_once() {
    let mut world = World::new(6);
    let chat = world.channel(0, "a");
    let talk = world.channel(1, "b");
    let offers = [0, 1].map(|index| world.ends[index].host.set_local());
    // The second end is polite: its offer is rolled back. The first ignores the collision.
    let [offer, _ignored] = offers;
    assert_eq!(offer.sdp_type, SdpType::Offer);
    world.ends[1].host.set_remote(offer).unwrap();
    let answer = world.ends[1].host.set_local();
    world.ends[0].host.set_remote(answer).unwrap();
    assert_eq!(world.pc(1).signaling_state(), SignalingState::Stable);
    world.run_until("both channels open", |w| {
        w.is_open(0, chat) && w.is_open(1, talk)
    });
}

#[test]
fn a_wrong_fingerprint_is_a_failure_and_ends_the_other_end_too() {
    let mut world = World::new(8);
    world.channel(0, "chat");
    let offer = world.ends[0].host.set_local();
    world.ends[1].host.set_remote(offer).unwrap();
    let mut answer = world.ends[1].host.set_local();
    let at = answer.sdp.find("a=fingerprint:sha-256 ").unwrap() + 22;
    answer.sdp.replace_range(at..at + 95, &["00"; 32].join(":"));
    world.ends[0].host.set_remote(answer).unwrap();
    world.run_until("the first end fails", |w| {
        w.pc(0).connection_state() == PeerConnectionState::Failed
    });
    let mut events = world.ends[0].host.events.iter();
    let error = events.find_map(|event| match event {
        Event::DtlsError(_, error) => error.rtc_error().copied(),
        _ => None,
    });
    assert_eq!(
        error.unwrap().error_detail,
        RtcErrorDetail::FingerprintFailure
    );
    let key = world.pc(1).sctp().unwrap().transport().unwrap();
    world.run_until("the other end hears of it", |w| {
        let state = w.pc(1).dtls_transport(key).unwrap().state();
        matches!(
            state,
            DtlsTransportState::Failed | DtlsTransportState::Closed
        )
    });
}

#[test]
fn what_is_logged_names_no_address_no_password_and_no_content() {
    let (log, mut world) = Log::during(|| {
        let mut world = World::new(10);
        let chat = world.channel(0, "chat");
        world.negotiate(0);
        world.run_until("the channel opens", |w| w.is_open(0, chat));
        world.pc(0).send_text(chat, "a secret").unwrap();
        world.run_until("it arrives", |w| w.received(1).len() == 1);
        world
    });
    let told = log.lines(Level::INFO).join("\n");
    let all = log.lines(Level::TRACE).join("\n");
    assert!(all.contains("DTLS: Connecting -> Connected"), "{all}");
    let mut passwords = Vec::new();
    for end in &world.ends {
        let pc = &end.host.pc;
        let key = pc.sctp().unwrap().transport().unwrap();
        let ice = pc.ice_transport(key).unwrap();
        let description = pc.local_description().unwrap();
        let shown = format!("{:?} {pc:?} {ice:?} {description:?}", end.host.events);
        let password = ice.local_parameters().unwrap().password.clone();
        for hidden in ["192.0.2.", &password, "secret", "a=candidate"] {
            assert!(!shown.contains(hidden), "{hidden} in {shown}");
            assert!(!told.contains(hidden), "{hidden} in {told}");
        }
        passwords.push(password);
    }
    let [a, b] = [0, 1].map(|n| passwords[n].as_str());
    for hidden in [a, b, "secret", "192.0.2."] {
        assert!(!all.contains(hidden), "{hidden} in {all}");
    }
    world.pc(0).close();
}

#[test]
fn closing_one_end_is_seen_at_the_other() {
    let mut world = World::new(7);
    let chat = world.channel(0, "chat");
    world.negotiate(0);
    world.run_until("the channel opens", |w| {
        w.is_open(0, chat) && !w.announced(1).is_empty()
    });
    let echo = world.announced(1)[0];
    world.pc(0).close();
    world.run_until("the other end closes", |w| {
        w.pc(1).data_channel(echo).unwrap().ready_state() == DataChannelState::Closed
    });
    let log = world.ends[1].host.take_events();
    assert!(log.contains(&"close".to_owned()), "{log:?}");
    let key = world.pc(1).sctp().unwrap().transport().unwrap();
    world.run_until("its transport is closed", |w| {
        w.pc(1).dtls_transport(key).unwrap().state().as_str() == "closed"
    });
}

/// webrtc-stats, RTCPeerConnectionStats: a channel that closes has left the open state already, and one that its own
/// `datachannel` event closes had entered it.
#[test]
fn channels_count_as_opened_and_closed_by_the_state_that_they_enter_and_leave() {
    let mut world = World::new(21);
    let init = DataChannelInit::default();
    let chat = world.pc(0).create_data_channel("chat", init).unwrap();
    world.negotiate(0);
    world.run_until("the channel opens", |w| w.is_open(0, chat));
    world.pc(0).close_channel(chat);
    let asked = world.pc(0).get_stats(StatsSelector::Connection);
    let channels = world.pc(0).data_channel(chat).unwrap();
    assert_eq!(channels.ready_state(), DataChannelState::Closing);
    world.settle();
    let Some(Ok(Value::Stats(report))) = world.ends[0].host.settled.remove(&asked) else {
        panic!("no statistics");
    };
    let Some(Stats::PeerConnection(connection)) = report.get("P") else {
        panic!("the connection is in the report");
    };
    assert_eq!(connection.data_channels_opened, 1);
    assert_eq!(connection.data_channels_closed, 1);
}

fn stats(world: &mut World, index: usize) -> StatsReport {
    let asked = world.pc(index).get_stats(StatsSelector::Connection);
    world.settle();
    match world.ends[index].host.settled.remove(&asked) {
        Some(Ok(Value::Stats(report))) => report,
        other => panic!("no statistics: {other:?}"),
    }
}

fn transport(report: &StatsReport) -> &TransportStats {
    report.transports().next().expect("there is a transport")
}

fn channel_stats(report: &StatsReport) -> &DataChannelStats {
    report.data_channels().next().expect("there is a channel")
}

#[test]
fn statistics_count_what_passed_and_name_the_path() {
    let mut world = World::new(9);
    let chat = world.channel(0, "chat");
    world.negotiate(0);
    world.run_until("the channel opens", |w| {
        w.is_open(0, chat) && !w.announced(1).is_empty()
    });
    let before = stats(&mut world, 0);
    world.pc(0).send(chat, binary(vec![7; 50_000])).unwrap();
    world.run_until("it arrives", |w| w.received(1).len() == 1);
    world.run_until("it left the queue", |w| {
        w.pc(0).data_channel(chat).unwrap().buffered_amount() == 0
    });
    let reports = [0, 1].map(|index| stats(&mut world, index));

    let [sender, receiver] = reports.each_ref().map(channel_stats);
    assert_eq!(sender.messages_sent, Some(1));
    assert_eq!(sender.bytes_sent, Some(50_000));
    assert_eq!(receiver.messages_received, Some(1));
    assert_eq!(receiver.bytes_received, Some(50_000));

    let [near, far] = reports.each_ref().map(transport);
    // Some of it may be on its way.
    assert!(far.bytes_received > 50_000 && far.bytes_received <= near.bytes_sent);
    assert!(near.packets_received > 0 && near.packets_received <= far.packets_sent);
    assert!(near.bytes_sent - transport(&before).bytes_sent > 50_000);
    assert_eq!(near.tls_version, Some("FEFC"));
    assert_eq!(near.dtls_cipher, Some("TLS_AES_128_GCM_SHA256"));
    assert_eq!([near.dtls_role, far.dtls_role], ["server", "client"]);
    assert_eq!(near.local_certificate_id, far.remote_certificate_id);
    assert_eq!(near.selected_candidate_pair_changes, 1);

    let pair = reports[0].selected_candidate_pair().unwrap();
    assert_eq!(pair.state, IceCandidatePairState::Succeeded);
    assert!(pair.nominated);
    assert_eq!(pair.bytes_sent, near.bytes_sent);
    assert_eq!(
        pair.current_round_trip_time,
        Some(DELAY.as_secs_f64() * 2.0)
    );
    let now = 1_000_000.0 + world.now.since_origin().as_secs_f64() * 1e3;
    let last = pair.last_packet_sent_timestamp.unwrap();
    assert!((1_000_000.0..=now).contains(&last), "{last}");
    let local = reports[0].candidate(&pair.local_candidate_id).unwrap();
    assert_eq!(local.address.as_deref(), Some("192.0.2.1"));
    assert!(reports[0].get(&pair.remote_candidate_id).is_some());
    assert!(
        before
            .iter()
            .all(|stats| reports[0].get(stats.id()).is_some())
    );
}

#[test]
fn a_connection_has_statistics_before_its_first_transport_and_after_its_end() {
    let mut world = World::new(10);
    let chat = world.channel(0, "chat");
    world.pc(0).add_track(audio("voice"), &[]).unwrap();
    let report = stats(&mut world, 0);
    assert_eq!(channel_stats(&report).messages_sent, Some(0));
    let Some(Stats::MediaSource(source)) = report.get("Svoice") else {
        panic!("the track is in the report");
    };
    assert_eq!(source.kind, "audio");
    world.negotiate(0);
    assert_eq!(transport(&stats(&mut world, 1)).dtls_role, "client");
    world.run_until("the channel opens", |w| w.is_open(0, chat));
    let pending = world.pc(0).get_stats(StatsSelector::Connection);
    world.pc(0).close();
    world.settle();
    assert!(world.ends[0].host.settled.contains_key(&pending));
    let report = stats(&mut world, 0);
    let Some(Stats::PeerConnection(connection)) = report.get("P") else {
        panic!("the connection is in the report");
    };
    assert_eq!(connection.data_channels_opened, 1);
    assert_eq!(connection.data_channels_closed, 1);
    assert_eq!(channel_stats(&report).messages_sent, None);
}

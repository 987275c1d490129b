//! Packets of media: what the session is told of them, what its reports change, and packets
//! between two whole connections.
#![allow(
    clippy::unwrap_used,
    reason = "helpers outside #[test] functions are tests too"
)]

mod common;

use bytes::Bytes;
use common::world::World;
use common::{Host, audio, negotiate, pair, video};
use duologue_base::{TransceiverId, TransportKey};
use duologue_peer::{
    Event, ExceptionName, MediaStreamId, RtpEncodingParameters, TransceiverDirection,
    TransceiverInit,
};
use duologue_rtp::Ssrc;
use duologue_session::{
    Command, MediaCommand, MediaItem, MediaReport, Outlet, Report, RtpPacket, RtpPacketInit,
    SendEncoding, TransportCommand,
};

const FIRST: TransceiverId = TransceiverId(0);

/// What the session was told since the last look, in short; commands of other families are left
/// out but those that make and end transports.
fn told(host: &mut Host) -> Vec<String> {
    let commands = host.take_commands().into_iter();
    let short = commands.filter_map(|command| {
        Some(match command {
            Command::Transport(key, TransportCommand::Add { .. }) => format!("add {}", key.0),
            Command::Transport(key, TransportCommand::Remove) => format!("remove {}", key.0),
            Command::Media(id, command) => match command {
                MediaCommand::SetReceive { transport, .. } => {
                    format!("receive {} on {}", id.0, transport.0)
                }
                MediaCommand::SetSend { transport, .. } => {
                    format!("send {} on {}", id.0, transport.0)
                }
                MediaCommand::StopReceive => format!("stop receive {}", id.0),
                MediaCommand::StopSend => format!("stop send {}", id.0),
                MediaCommand::ExpectPackets => format!("expect {}", id.0),
                other => format!("{other:?}"),
            },
            _ => return None,
        })
    });
    short.collect()
}

fn unmuted() -> Report {
    Report::Media(FIRST, MediaReport::Unmuted)
}

fn muted(host: &Host, id: TransceiverId) -> bool {
    let track = host.pc.transceiver(id).unwrap().receiver_track().clone();
    host.pc.track(&track).unwrap().muted()
}

/// Two ends that send audio to each other and have packets of it.
fn talking() -> (Host, Host) {
    let (mut a, mut b) = pair();
    a.pc.add_track(audio("a"), &[MediaStreamId::from("s")])
        .unwrap();
    b.pc.add_track(audio("b"), &[MediaStreamId::from("s")])
        .unwrap();
    negotiate(&mut a, &mut b);
    for host in [&mut a, &mut b] {
        host.report(unmuted());
        told(host);
        host.take_log();
    }
    (a, b)
}

#[test]
fn the_session_is_told_of_transports_before_the_media_on_them() {
    let (mut a, mut b) = pair();
    a.pc.add_track(audio("a"), &[]).unwrap();
    a.pc.add_track(video("v"), &[]).unwrap();
    let offer = a.set_local();
    assert_eq!(
        told(&mut a),
        ["add 0", "add 1", "receive 0 on 0", "receive 1 on 1"]
    );
    b.set_remote(offer).unwrap();
    assert!(told(&mut b).is_empty());
    let answer = b.set_local();
    assert_eq!(told(&mut b), ["add 0", "receive 0 on 0", "receive 1 on 0"]);
    a.set_remote(answer).unwrap();
    assert_eq!(
        told(&mut a),
        [
            "remove 1",
            "stop receive 0",
            "stop receive 1",
            "send 0 on 0",
            "send 1 on 0"
        ]
    );
}

#[test]
fn the_first_packets_unmute_a_track_and_no_others_do() {
    let (mut a, mut b) = pair();
    a.pc.add_track(audio("a"), &[]).unwrap();
    negotiate(&mut a, &mut b);
    b.take_log();
    assert!(muted(&b, FIRST));
    b.report(unmuted());
    assert_eq!(b.take_log(), ["unmute"]);
    b.report(unmuted());
    assert!(b.take_log().is_empty());
    let bye = MediaReport::Bye { ssrc: Ssrc(1) };
    b.report(Report::Media(FIRST, bye));
    assert!(b.take_log().is_empty() && !muted(&b, FIRST));
}

#[test]
fn a_hold_mutes_and_packets_after_the_resume_unmute() {
    let (mut a, mut b) = talking();
    a.pc.set_direction(FIRST, TransceiverDirection::Recvonly)
        .unwrap();
    negotiate(&mut a, &mut b);
    assert!(b.take_log().contains(&"mute".to_owned()));
    assert_eq!(told(&mut b), ["stop receive 0"]);
    assert_eq!(told(&mut a), ["stop send 0"]);

    a.pc.set_direction(FIRST, TransceiverDirection::Sendrecv)
        .unwrap();
    negotiate(&mut a, &mut b);
    assert_eq!(told(&mut b), ["receive 0 on 0"]);
    assert_eq!(told(&mut a), ["send 0 on 0"]);
    assert!(muted(&b, FIRST));
    b.report(unmuted());
    assert!(!muted(&b, FIRST));
}

#[test]
fn a_hold_that_is_taken_back_waits_for_packets_again() {
    let (mut a, mut b) = talking();
    a.pc.set_direction(FIRST, TransceiverDirection::Recvonly)
        .unwrap();
    let offer = a.set_local();
    b.set_remote(offer).unwrap();
    assert!(muted(&b, FIRST));
    // Those still on their way from before do not count.
    b.report(unmuted());
    assert!(muted(&b, FIRST));
    assert!(told(&mut b).is_empty());

    let rollback = duologue_peer::SessionDescription {
        sdp_type: duologue_peer::SdpType::Rollback,
        sdp: String::new(),
    };
    b.set_remote(rollback).unwrap();
    assert_eq!(told(&mut b), ["expect 0"]);
    assert!(muted(&b, FIRST));
    b.report(unmuted());
    assert!(!muted(&b, FIRST));
}

#[test]
fn a_stopped_transceiver_ends_its_media_at_once() {
    let (mut a, _) = talking();
    a.pc.stop(FIRST).unwrap();
    a.run();
    assert_eq!(told(&mut a), ["stop receive 0", "stop send 0"]);
    a.take_log();
    // Its track has ended: packets that were on their way change nothing.
    a.report(unmuted());
    assert!(a.take_log().is_empty());
    a.set_local();
    assert!(told(&mut a).is_empty());
}

#[test]
fn a_wanted_key_frame_is_an_event_of_the_encodings_sender() {
    let (mut a, mut b) = pair();
    let encoding = |rid: &str| RtpEncodingParameters {
        rid: Some(rid.to_owned()),
        ..RtpEncodingParameters::default()
    };
    let init = TransceiverInit {
        send_encodings: vec![encoding("q"), encoding("f")],
        ..TransceiverInit::default()
    };
    let id = a.pc.add_transceiver(video("v"), init).unwrap();
    negotiate(&mut a, &mut b);
    a.events.clear();
    for encoding in [1, 7] {
        a.report(Report::Media(id, MediaReport::KeyFrameWanted { encoding }));
    }
    let request = |encoding, rid: Option<&str>| Event::KeyFrameRequest {
        transceiver: id,
        encoding,
        rid: rid.map(str::to_owned),
    };
    assert_eq!(a.events, [request(1, Some("f")), request(7, None)]);

    // A transform of the sender may want one, too.
    a.events.clear();
    a.pc.generate_key_frame(id, Some("f")).unwrap();
    a.pc.generate_key_frame(id, None).unwrap();
    a.run();
    let each = [(1, "f"), (0, "q"), (1, "f")];
    assert_eq!(a.events, each.map(|(at, rid)| request(at, Some(rid))));
    let unknown = a.pc.generate_key_frame(id, Some("h")).unwrap_err();
    assert_eq!(unknown.name(), ExceptionName::NotFoundError);
    let audio = a.pc.add_transceiver(audio("a"), TransceiverInit::default());
    let refused = a.pc.generate_key_frame(audio.unwrap(), None).unwrap_err();
    assert_eq!(refused.name(), ExceptionName::InvalidStateError);
}

#[test]
fn key_frames_are_asked_for_of_video_that_is_received() {
    let (mut a, mut b) = talking();
    let refused = |host: &mut Host, id| {
        let refused = host.pc.send_key_frame_request(id, 0);
        refused.unwrap_err().name() == ExceptionName::InvalidStateError
    };
    assert!(refused(&mut a, FIRST));
    let id = b.pc.add_track(video("v"), &[]).unwrap();
    negotiate(&mut b, &mut a);
    assert!(refused(&mut b, id));
    told(&mut a);
    a.pc.send_key_frame_request(id, 0).unwrap();
    a.run();
    assert_eq!(told(&mut a), ["RequestKeyFrame { encoding: 0 }"]);
    a.pc.close();
    assert!(refused(&mut a, id));
}

#[test]
fn the_session_knows_what_the_application_says_of_encodings() {
    let (mut a, mut b) = pair();
    let encoding = |rid: &str, active| RtpEncodingParameters {
        rid: Some(rid.to_owned()),
        active,
        ..RtpEncodingParameters::default()
    };
    let init = TransceiverInit {
        send_encodings: vec![encoding("q", true), encoding("f", false)],
        ..TransceiverInit::default()
    };
    let id = a.pc.add_transceiver(video("v"), init).unwrap();
    negotiate(&mut a, &mut b);
    let told_last = |host: &mut Host| told(host).pop().unwrap();
    let said = |active: [bool; 2]| {
        let encodings = active.map(SendEncoding::new);
        format!("{:?}", MediaCommand::SetEncodings(encodings.to_vec()))
    };
    assert_eq!(told_last(&mut a), said([true, false]));

    let mut parameters = a.pc.parameters(id).unwrap();
    parameters.encodings[0].active = false;
    let set = a.pc.set_parameters(id, parameters);
    a.settle(set).unwrap();
    assert_eq!(told(&mut a), [said([false, false])]);
    let mut parameters = a.pc.parameters(id).unwrap();
    parameters.encodings[0].max_bitrate = Some(100_000);
    let set = a.pc.set_parameters(id, parameters);
    a.settle(set).unwrap();
    let mut slow = SendEncoding::new(false);
    slow.max_bitrate = Some(100_000);
    let slow = MediaCommand::SetEncodings(vec![slow, SendEncoding::new(false)]);
    assert_eq!(told(&mut a), [format!("{slow:?}")]);
    let mut parameters = a.pc.parameters(id).unwrap();
    parameters.encodings[0].max_bitrate = None;
    parameters.encodings[0].scale_resolution_down_by = Some(4.0);
    let set = a.pc.set_parameters(id, parameters);
    a.settle(set).unwrap();
    assert_eq!(told(&mut a), [said([false, false])]);
    // It is told again when the sender begins anew.
    for direction in [
        TransceiverDirection::Inactive,
        TransceiverDirection::Sendrecv,
    ] {
        a.pc.set_direction(id, direction).unwrap();
        negotiate(&mut a, &mut b);
    }
    assert_eq!(told_last(&mut a), said([false, false]));

    // What changes on hold is told when it ends.
    a.pc.set_direction(id, TransceiverDirection::Inactive)
        .unwrap();
    negotiate(&mut a, &mut b);
    let mut parameters = a.pc.parameters(id).unwrap();
    for encoding in &mut parameters.encodings {
        encoding.active = true;
    }
    let set = a.pc.set_parameters(id, parameters);
    a.settle(set).unwrap();
    a.pc.set_direction(id, TransceiverDirection::Sendrecv)
        .unwrap();
    negotiate(&mut a, &mut b);
    let all_active = MediaCommand::SetEncodings(Vec::new());
    assert_eq!(told_last(&mut a), format!("{all_active:?}"));
}

/// What an end's receivers got and its application took.
fn taken(world: &World, index: usize) -> Vec<&RtpPacket> {
    let items = world.ends[index].items.iter();
    items
        .map(|item| match item {
            MediaItem::Packet(_, packet) => packet,
            other => panic!("{other:?}"),
        })
        .collect()
}

fn take_packets(world: &mut World, index: usize, id: TransceiverId) {
    let command = Command::Media(id, MediaCommand::SetOutlet(Outlet::Packets));
    let now = world.now;
    world.ends[index].session.handle_command(now, command);
}

fn send(world: &mut World, index: usize, id: TransceiverId, packets: std::ops::Range<u32>) {
    let packet = |n: u32| RtpPacketInit {
        timestamp: n * 960,
        payload: Bytes::from(n.to_be_bytes().to_vec()),
        ..RtpPacketInit::default()
    };
    let command = MediaCommand::SendPackets(packets.map(packet).collect());
    let now = world.now;
    let session = &mut world.ends[index].session;
    session.handle_command(now, Command::Media(id, command));
}

/// The numbers in the payloads.
fn numbers(packets: &[&RtpPacket]) -> Vec<u32> {
    let number = |packet: &&RtpPacket| u32::from_be_bytes(packet.payload[..].try_into().unwrap());
    packets.iter().map(number).collect()
}

/// Two connected ends with audio and video both ways; their applications take the packets.
fn call(seed: u64) -> (World, [TransceiverId; 2]) {
    let mut world = World::new(seed);
    let ids = [0, 1].map(|index| {
        let pc = world.pc(index);
        [audio("a"), video("v")].map(|track| pc.add_track(track, &[]).unwrap())
    });
    assert_eq!(ids[0], ids[1]);
    for index in 0..2 {
        for id in ids[0] {
            take_packets(&mut world, index, id);
        }
    }
    world.negotiate(0);
    world.run_until("connected", World::connected);
    (world, ids[0])
}

#[test]
fn packets_flow_both_ways_once_it_is_negotiated_and_unmute_the_tracks() {
    let (mut world, [voice, picture]) = call(1);
    assert!((0..2).all(|end| muted(&world.ends[end].host, voice)));
    for end in 0..2 {
        send(&mut world, end, voice, 0..10);
        send(&mut world, end, picture, 100..120);
    }
    world.run_until("all came", |world| {
        (0..2).all(|end| taken(world, end).len() == 30)
    });
    for end in 0..2 {
        let mut came = numbers(&taken(&world, end));
        came.sort_unstable();
        assert_eq!(came, (0..10).chain(100..120).collect::<Vec<_>>());
        assert!(!muted(&world.ends[end].host, voice));
        assert!(!muted(&world.ends[end].host, picture));
    }
}

#[test]
fn packets_stop_by_a_hold_and_come_again_after_it() {
    let (mut world, [voice, _]) = call(2);
    send(&mut world, 0, voice, 0..5);
    world.run_until("the first came", |world| taken(world, 1).len() == 5);
    assert!(!muted(&world.ends[1].host, voice));

    let pc = world.pc(0);
    pc.set_direction(voice, TransceiverDirection::Recvonly)
        .unwrap();
    world.negotiate(0);
    world.settle();
    assert!(muted(&world.ends[1].host, voice));
    send(&mut world, 0, voice, 5..10);
    send(&mut world, 1, voice, 0..5);
    world.run_until("the other way", |world| taken(world, 0).len() == 5);
    assert_eq!(taken(&world, 1).len(), 5);

    let pc = world.pc(0);
    pc.set_direction(voice, TransceiverDirection::Sendrecv)
        .unwrap();
    world.negotiate(0);
    world.settle();
    send(&mut world, 0, voice, 10..15);
    world.run_until("those after it", |world| taken(world, 1).len() == 10);
    let came = numbers(&taken(&world, 1));
    assert_eq!(came, (0..5).chain(10..15).collect::<Vec<_>>());
    assert!(!muted(&world.ends[1].host, voice));
    let ssrcs: Vec<Ssrc> = taken(&world, 1).iter().map(|packet| packet.ssrc).collect();
    assert!(ssrcs.iter().all(|ssrc| *ssrc == ssrcs[0]));
}

#[test]
fn packets_flow_while_more_is_negotiated() {
    let (mut world, [voice, picture]) = call(3);
    send(&mut world, 0, voice, 0..5);
    world.run_until("the first came", |world| taken(world, 1).len() == 5);
    // A third section, while packets of the second are on their way.
    let third = world.pc(0).add_track(video("w"), &[]).unwrap();
    send(&mut world, 0, picture, 5..10);
    world.negotiate(0);
    send(&mut world, 0, picture, 10..15);
    world.settle();
    take_packets(&mut world, 1, third);
    send(&mut world, 0, third, 15..20);
    world.run_until("all came", |world| taken(world, 1).len() == 20);
    let mut came = numbers(&taken(&world, 1));
    came.sort_unstable();
    assert_eq!(came, (0..20).collect::<Vec<_>>());
}

/// The section that stood for the transport is stopped, so that the other one moves to another.
#[test]
fn packets_move_to_another_transport_with_their_section() {
    let (mut world, [voice, picture]) = call(4);
    send(&mut world, 0, picture, 0..5);
    world.run_until("the first came", |world| taken(world, 1).len() == 5);
    let on = |world: &World| {
        world.ends[0]
            .host
            .pc
            .transceiver(picture)
            .unwrap()
            .transport()
    };
    assert_eq!(on(&world), Some(TransportKey(0)));
    world.pc(0).stop(voice).unwrap();
    world.negotiate(0);
    world.run_until("connected anew", World::connected);
    assert_ne!(on(&world), Some(TransportKey(0)));
    send(&mut world, 0, picture, 5..10);
    world.run_until("all came", |world| taken(world, 1).len() == 10);
    let came = taken(&world, 1);
    assert_eq!(numbers(&came), (0..10).collect::<Vec<_>>());
    // It is the same stream, whose numbers go on.
    assert!(came.iter().all(|packet| packet.ssrc == came[0].ssrc));
}

#[test]
fn an_encoding_that_is_not_active_sends_nothing_and_its_numbers_go_on() {
    let (mut world, [voice, _]) = call(6);
    let set_active = |world: &mut World, active| {
        let host = &mut world.ends[0].host;
        let mut parameters = host.pc.parameters(voice).unwrap();
        parameters.encodings[0].active = active;
        host.pc.set_parameters(voice, parameters);
        world.settle();
    };
    send(&mut world, 0, voice, 0..5);
    world.run_until("the first came", |world| taken(world, 1).len() == 5);
    set_active(&mut world, false);
    send(&mut world, 0, voice, 5..10);
    world.run_until("they were dropped", |world| world.ends[0].left == 10);
    set_active(&mut world, true);
    send(&mut world, 0, voice, 10..15);
    world.run_until("those after it", |world| taken(world, 1).len() == 10);
    let came = taken(&world, 1);
    assert_eq!(numbers(&came), (0..5).chain(10..15).collect::<Vec<_>>());
    let first = came[0].sequence_number;
    assert_eq!(came[9].sequence_number, first + 9);
}

#[test]
fn every_packet_is_told_of_when_it_waits_no_more() {
    let mut world = World::new(5);
    let voice = world.pc(0).add_track(audio("a"), &[]).unwrap();
    // Nothing is negotiated: they are dropped.
    send(&mut world, 0, voice, 0..3);
    assert_eq!(left(&mut world), 3);
    // They wait for the handshake.
    world.negotiate(0);
    world.settle();
    send(&mut world, 0, voice, 3..8);
    assert_eq!(left(&mut world), 0);
    // The sender is held.
    let pc = world.pc(0);
    pc.set_direction(voice, TransceiverDirection::Inactive)
        .unwrap();
    world.negotiate(0);
    world.settle();
    assert_eq!(world.ends[0].left, 5);
}

/// How many packets the first end's session says have left, without anything else happening.
fn left(world: &mut World) -> usize {
    let session = &mut world.ends[0].session;
    let mut count = 0;
    while let Some(report) = session.poll_report() {
        if let Report::Media(_, MediaReport::Sent { items, .. }) = report {
            count += items;
        }
    }
    count
}

//! Packets of media: what the session is told of them, what its reports change, and packets
//! between two whole connections.
#![allow(
    clippy::unwrap_used,
    reason = "helpers outside #[test] functions are tests too"
)]

mod common;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use common::world::World;
use common::{Host, audio, negotiate, pair, video};
use duologue_base::{Dscp, TransceiverId, TransportKey};
use duologue_peer::{
    Capabilities, Configuration, DataChannelInit, Event, ExceptionName, MediaKind, MediaStreamId,
    PeerConnection, PriorityType, RtpEncodingParameters, RtpHeaderEncryptionPolicy,
    TransceiverDirection, TransceiverInit,
};
use duologue_rtp::payload::{Parts, PayloadFormat};
use duologue_rtp::{Header, Ssrc};
use duologue_session::{
    Command, EncodedFrameInit, MediaCommand, MediaItem, MediaReport, Outlet, Report, RtpPacket,
    RtpPacketInit, SendEncoding, TransportCommand,
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
    call_in(World::new(seed))
}

fn call_in(mut world: World) -> (World, [TransceiverId; 2]) {
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

/// Ends with these policies.
fn encrypting(seed: u64, policies: [RtpHeaderEncryptionPolicy; 2]) -> World {
    let configurations = policies.map(|rtp_header_encryption_policy| Configuration {
        rtp_header_encryption_policy,
        ..Configuration::default()
    });
    World::of(seed, configurations)
}

/// What the header extensions are defined by of each RTP packet that an end sent, as a capture sees it.
fn profiles(world: &World, index: usize) -> Vec<u16> {
    let sent = world.wire.iter().filter(|(by, ..)| *by == index);
    let packets = sent.filter_map(|(_, _, bytes)| {
        // RFC 7983 §7 and RFC 5761 §4: neither DTLS nor RTCP.
        let rtp = (128..192).contains(&bytes[0]) && !(192..224).contains(&bytes[1]);
        rtp.then(|| Header::parse(bytes).unwrap())
    });
    packets
        .filter_map(|header| header.extension().map(|block| block.profile()))
        .collect()
}

#[test]
fn a_capture_cannot_read_the_header_extensions_of_ends_that_encrypt_them() {
    use RtpHeaderEncryptionPolicy::{Disable, Negotiate, Require};
    const ONE_BYTE: u16 = 0xbede;
    const ENCRYPTED: u16 = 0xc0de;
    for (policies, expected) in [
        ([Negotiate, Negotiate], ENCRYPTED),
        ([Require, Negotiate], ENCRYPTED),
        ([Negotiate, Require], ENCRYPTED),
        ([Negotiate, Disable], ONE_BYTE),
        ([Disable, Negotiate], ONE_BYTE),
    ] {
        let (mut world, ids) = call_in(encrypting(5, policies));
        for (end, id) in [(0, ids[0]), (0, ids[1]), (1, ids[0]), (1, ids[1])] {
            send(&mut world, end, id, 0..5);
        }
        world.run_until("all came", |world| {
            (0..2).all(|end| taken(world, end).len() == 10)
        });
        for end in 0..2 {
            let seen = profiles(&world, end);
            assert!(seen.len() >= 10, "{policies:?}");
            assert!(seen.iter().all(|profile| *profile == expected), "{seen:x?}");
            // The names in them were read, or the packets of two transceivers would be one's.
            for id in ids {
                let view = world.ends[end].host.pc.transceiver(id).unwrap();
                let encrypted = view.rtp_header_encryption_negotiated();
                assert_eq!(encrypted, expected == ENCRYPTED, "{policies:?}");
            }
        }
    }
}

/// A datagram of each packet would cost ten times the processor time (`bench/README.md`).
#[test]
fn packets_of_one_length_leave_as_one_train_whether_headers_are_encrypted_or_not() {
    use RtpHeaderEncryptionPolicy::{Disable, Negotiate};

    for (seed, policy) in [(31, Disable), (32, Negotiate)] {
        let (mut world, [voice, _]) = call_in(encrypting(seed, [policy; 2]));
        world.settle();
        send(&mut world, 0, voice, 0..8);

        let now = world.now;
        let mut buffer = Vec::new();
        let session = &mut world.ends[0].session;
        let train = session.poll_transmit(now, &mut buffer).unwrap();
        let segment = train.segment_size.unwrap();
        assert_eq!(train.len, 8 * segment, "{policy:?}");
    }
}

#[test]
fn who_requires_encrypted_headers_refuses_descriptions_that_do_not_take_them() {
    use RtpHeaderEncryptionPolicy::{Disable, Require};
    let mut world = encrypting(6, [Require, Disable]);
    for end in 0..2 {
        world.channel(end, "data needs none");
    }
    world.negotiate(0);
    world.run_until("connected", World::connected);

    // In an answer, and in an offer.
    let [alice, bob] = &mut world.ends;
    alice.host.pc.add_track(audio("a"), &[]).unwrap();
    let offer = alice.host.set_local();
    assert_eq!(offer.sdp.matches("a=cryptex\r\n").count(), 1);
    bob.host.set_remote(offer).unwrap();
    let answer = bob.host.set_local();
    assert!(!answer.sdp.contains("a=cryptex"));
    let refused = alice.host.set_remote(answer).unwrap_err();
    assert_eq!(refused.name(), ExceptionName::InvalidAccessError);

    let mut world = encrypting(7, [Require, Disable]);
    let [alice, bob] = &mut world.ends;
    bob.host.pc.add_track(audio("a"), &[]).unwrap();
    let offer = bob.host.set_local();
    let refused = alice.host.set_remote(offer).unwrap_err();
    assert_eq!(refused.name(), ExceptionName::InvalidAccessError);

    // Nor does it let itself be made to say that it takes none.
    alice.host.pc.add_track(audio("a"), &[]).unwrap();
    let mut offer = alice.host.create_offer();
    offer.sdp = offer.sdp.replace("a=cryptex\r\n", "");
    let refused = alice.host.set_local_to(offer).unwrap_err();
    assert_eq!(refused.name(), ExceptionName::InvalidModificationError);
    let changed = alice.host.pc.set_configuration(Configuration::default());
    let name = changed.unwrap_err().name();
    assert_eq!(name, ExceptionName::InvalidModificationError);
}

/// The marks of the datagrams that an end sent and that begin so, without repetition.
fn marks(world: &World, index: usize, first: std::ops::Range<u8>) -> Vec<Dscp> {
    let sent = world.wire.iter().filter(|(by, ..)| *by == index);
    let these = sent.filter(|(_, _, bytes)| first.contains(&bytes[0]));
    let mut marks: Vec<Dscp> = these.map(|(_, mark, _)| *mark).collect();
    marks.dedup();
    marks
}

fn set_priority(
    world: &mut World,
    id: TransceiverId,
    priority: PriorityType,
    network: Option<PriorityType>,
) {
    let host = &mut world.ends[0].host;
    let mut parameters = host.pc.parameters(id).unwrap();
    parameters.encodings[0].priority = priority;
    parameters.encodings[0].network_priority = network;
    let set = host.pc.set_parameters(id, parameters);
    host.settle(set).unwrap();
    world.settle();
}

/// As libdatachannel 0.24.5 does with attributes that it does not know.
#[test]
fn an_answer_that_repeats_what_it_does_not_know_promises_no_encryption() {
    use RtpHeaderEncryptionPolicy::{Disable, Negotiate, Require};
    for (seed, with_data) in [(8, false), (9, true)] {
        let mut world = encrypting(seed, [Negotiate, Disable]);
        if with_data {
            world.channel(0, "first");
            world.negotiate(0);
        }
        let repeat =
            |answer: duologue_peer::SessionDescription| duologue_peer::SessionDescription {
                sdp: (answer.sdp).replace(
                    "a=rtcp-mux\r\n",
                    "a=rtcp-mux\r\na=rtcp-mux-only\r\na=cryptex\r\n",
                ),
                ..answer
            };
        let [alice, bob] = &mut world.ends;
        let id = alice.host.pc.add_track(audio("a"), &[]).unwrap();
        bob.host.set_remote(alice.host.set_local()).unwrap();
        let answer = repeat(bob.host.set_local());
        alice.host.set_remote(answer).unwrap();
        let view = alice.host.pc.transceiver(id).unwrap();
        assert!(!view.rtp_header_encryption_negotiated(), "{with_data}");

        // What it offers later is from there.
        bob.host.pc.add_track(audio("b"), &[]).unwrap();
        let offer = repeat(bob.host.set_local());
        alice.host.set_remote(offer).unwrap();
        bob.host.set_remote(alice.host.set_local()).unwrap();
        let view = alice.host.pc.transceiver(id).unwrap();
        assert!(!view.rtp_header_encryption_negotiated(), "{with_data}");
    }

    let mut world = encrypting(10, [Require, Disable]);
    let [alice, bob] = &mut world.ends;
    alice.host.pc.add_track(audio("a"), &[]).unwrap();
    bob.host.set_remote(alice.host.set_local()).unwrap();
    let mut answer = bob.host.set_local();
    answer.sdp = (answer.sdp).replace(
        "a=rtcp-mux\r\n",
        "a=rtcp-mux\r\na=rtcp-mux-only\r\na=cryptex\r\n",
    );
    let refused = alice.host.set_remote(answer).unwrap_err();
    assert_eq!(refused.name(), ExceptionName::InvalidAccessError);
}

#[test]
fn packets_are_marked_by_the_priority_of_their_encoding() {
    use PriorityType::{High, Low, Medium, VeryLow};
    const RTP: std::ops::Range<u8> = 128..192;
    let (mut world, [voice, picture]) = call(8);
    // RFC 8837 §5, table 1; what the network is told goes before what the sender weighs.
    let rows = [
        (voice, Low, None, Dscp::DEFAULT),
        (voice, VeryLow, None, Dscp::LOWER_EFFORT),
        (voice, Medium, None, Dscp::EXPEDITED),
        (voice, High, None, Dscp::EXPEDITED),
        (voice, High, Some(Low), Dscp::DEFAULT),
        (picture, Low, None, Dscp::DEFAULT),
        (picture, VeryLow, None, Dscp::LOWER_EFFORT),
        (picture, Medium, None, Dscp::assured(4, 2)),
        (picture, High, None, Dscp::assured(4, 1)),
        (picture, VeryLow, Some(High), Dscp::assured(4, 1)),
    ];
    for (number, (id, priority, network, expected)) in rows.into_iter().enumerate() {
        set_priority(&mut world, id, priority, network);
        world.wire.clear();
        send(&mut world, 0, id, 0..3);
        world.run_until("they came", |world| {
            taken(world, 1).len() == 3 * (number + 1)
        });
        let seen = marks(&world, 0, RTP);
        // RTCP goes unmarked beside them.
        assert!(seen.contains(&expected), "{number}: {seen:?}");
        let allowed = [expected, Dscp::DEFAULT];
        assert!(
            seen.iter().all(|it| allowed.contains(it)),
            "{number}: {seen:?}"
        );
    }

    // Trains of two marks: each packet has its own, and all arrive.
    set_priority(&mut world, voice, High, None);
    world.wire.clear();
    send(&mut world, 0, picture, 10..20);
    send(&mut world, 0, voice, 0..10);
    let before = taken(&world, 1).len();
    world.run_until("all came", |world| taken(world, 1).len() == before + 20);
    let packets = |wanted: Dscp| {
        let sent = world.wire.iter().filter(|(by, ..)| *by == 0);
        sent.filter(|(_, mark, _)| *mark == wanted).count()
    };
    // Probes of the path may be among them.
    assert!(packets(Dscp::EXPEDITED) >= 10);
    assert!(packets(Dscp::assured(4, 1)) >= 10);
}

#[test]
fn an_association_is_marked_by_the_highest_priority_of_this_ends_channels() {
    use PriorityType::{High, Medium, VeryLow};
    const DTLS: std::ops::Range<u8> = 20..64;
    let mut world = World::new(9);
    let open = |world: &mut World, priority| {
        let init = DataChannelInit {
            priority,
            ..DataChannelInit::default()
        };
        let known = world.announced(1).len();
        world.pc(0).create_data_channel("marked", init).unwrap();
        if !world.connected() {
            world.negotiate(0);
        }
        world.run_until("announced", |world| world.announced(1).len() > known);
    };
    open(&mut world, VeryLow);
    for (priority, expected) in [
        (Medium, Dscp::assured(1, 1)),
        (High, Dscp::assured(2, 1)),
        // Once raised it stays (RFC 8837 §5: frequent changes are discouraged).
        (VeryLow, Dscp::assured(2, 1)),
    ] {
        world.wire.clear();
        open(&mut world, priority);
        let seen = marks(&world, 0, DTLS);
        assert_eq!(seen.last(), Some(&expected), "{priority:?}: {seen:?}");
        // The other end made none of them, and lets nobody else decide its marks.
        let seen = marks(&world, 1, DTLS);
        assert!(seen.iter().all(|it| *it == Dscp::DEFAULT), "{seen:?}");
    }
}

#[test]
fn media_of_an_isolated_track_comes_to_no_application() {
    let mut world = World::new(10);
    let tracks = [audio("a"), video("v")];
    let ids = [0, 1].map(|index| {
        let pc = world.pc(index);
        tracks.clone().map(|it| pc.add_track(it, &[]).unwrap())
    });
    // One of them is for Bob alone: nothing that Alice sends, nor what she gets, is for applications.
    world.pc(0).isolate_track("a".into(), "bob@idp.example");
    for index in 0..2 {
        ids[0]
            .iter()
            .for_each(|id| take_packets(&mut world, index, *id));
    }
    world.negotiate(0);
    world.run_until("connected", World::connected);
    for end in 0..2 {
        for id in ids[0] {
            let pc = &world.ends[end].host.pc;
            let track = pc.transceiver(id).unwrap().receiver_track().clone();
            assert!(pc.track(&track).unwrap().isolated());
            let changes = world.ends[end].host.events.iter();
            let change = Event::TrackIsolationChange(track, true);
            assert_eq!(changes.filter(|event| **event == change).count(), 1);
            // Also who asks now gets nothing.
            take_packets(&mut world, end, id);
        }
    }
    // Nobody said who Bob is, so that not even this is for him; the other track may go.
    assert!(!world.pc(0).may_transmit(ids[0][0]));
    assert!(world.pc(0).may_transmit(ids[0][1]));

    send(&mut world, 0, ids[0][1], 0..10);
    let came = |world: &mut World| {
        let track = world.ends[1].host.pc.transceiver(ids[0][1]).unwrap();
        let track = track.receiver_track().clone();
        !world.pc(1).track(&track).unwrap().muted()
    };
    world.run_until("something came", came);
    assert!(taken(&world, 1).is_empty());
}

/// As GStreamer sends H.264 out of files: its description has the parameter sets, and its stream has none.
#[test]
fn parameter_sets_of_a_description_come_with_the_key_frames_of_its_stream() {
    let stream = include_bytes!("../../rtp/tests/streams/h264.h264");
    let mut parts = Parts::new();
    let format = PayloadFormat::H264 { fragments: true };
    format.find_parts(stream, &mut parts).unwrap();
    let units = parts
        .iter()
        .map(|part| &stream[part.start as usize..part.end as usize]);
    let (sets, slices): (Vec<_>, Vec<_>) = units.partition(|unit| matches!(unit[0] & 0x1f, 7 | 8));
    let with_start_codes = |units: &[&[u8]]| -> Vec<u8> {
        let units = units.iter().map(|unit| [&[0, 0, 0, 1], *unit].concat());
        units.collect::<Vec<_>>().concat()
    };
    // Two slices a picture.
    let pictures: Vec<Vec<u8>> = slices.chunks(2).map(with_start_codes).collect();
    assert_eq!(pictures.len(), 4);

    let mut world = World::new(12);
    let id = world.pc(0).add_track(video("v"), &[]).unwrap();
    let capabilities =
        PeerConnection::sender_capabilities(&Capabilities::default(), MediaKind::Video);
    let mut h264 = capabilities.codecs;
    h264.retain(|codec| codec.mime_type == "video/H264");
    world.pc(0).set_codec_preferences(id, &h264).unwrap();
    let said = [sets[0], sets[1]].map(|set| STANDARD.encode(set)).join(",");
    let mut offer = world.ends[0].host.set_local();
    offer.sdp = offer.sdp.replace(
        ";profile-level-id=",
        &format!(";sprop-parameter-sets={said};profile-level-id="),
    );
    let [alice, bob] = &mut world.ends;
    bob.host.set_remote(offer).unwrap();
    alice.host.set_remote(bob.host.set_local()).unwrap();
    let outlet = Command::Media(id, MediaCommand::SetOutlet(Outlet::Frames));
    bob.session.handle_command(world.now, outlet);
    world.run_until("connected", World::connected);

    let frames = pictures
        .iter()
        .zip(0_u32..)
        .map(|(picture, n)| EncodedFrameInit {
            timestamp: n * 3_000,
            data: Bytes::from(picture.clone()),
            ..Default::default()
        });
    let command = MediaCommand::SendFrames(frames.collect());
    let session = &mut world.ends[0].session;
    session.handle_command(world.now, Command::Media(id, command));
    world.run_until("all came", |world| world.ends[1].items.len() == 4);
    let came = world.ends[1].items.iter().map(|item| match item {
        MediaItem::Frame(_, frame) => (frame.key, frame.data.to_vec()),
        other => panic!("{other:?}"),
    });
    let sets = with_start_codes(&sets[..2]);
    let key = |picture: &[u8]| (true, [&sets[..], picture].concat());
    let expected = [
        key(&pictures[0]),
        (false, pictures[1].clone()),
        (false, pictures[2].clone()),
        key(&pictures[3]),
    ];
    assert_eq!(came.collect::<Vec<_>>(), expected);
}

//! Statistics of RTP streams, beside packets counted outside and what the other end reports.
#![allow(
    clippy::unwrap_used,
    reason = "helpers outside #[test] functions are tests too"
)]

mod common;

use std::time::Duration;

use bytes::Bytes;
use common::EPOCH;
use common::world::{DELAY, World};
use common::{audio, video};
use duologue_base::TransceiverId;
use duologue_peer::{
    InboundRtpStreamStats, OutboundRtpStreamStats, RtpEncodingParameters, Stats, StatsReport,
    StatsSelector, TrackId, TransceiverDirection, TransceiverInit, Value,
};
use duologue_rtp::ext::AudioLevel;
use duologue_session::{Command, MediaCommand, Outlet, RtpPacketInit};

fn stats(world: &mut World, index: usize, selector: StatsSelector) -> StatsReport {
    let asked = world.pc(index).get_stats(selector);
    world.settle();
    match world.ends[index].host.settled.remove(&asked) {
        Some(Ok(Value::Stats(report))) => report,
        other => panic!("no statistics: {other:?}"),
    }
}

fn whole(world: &mut World, index: usize) -> StatsReport {
    stats(world, index, StatsSelector::Connection)
}

fn send(world: &mut World, index: usize, id: TransceiverId, count: u32) {
    let packet = |n: u32| RtpPacketInit {
        timestamp: (world.now.since_origin().as_millis() as u32) * 48,
        marker: n + 1 == count,
        audio_level: Some(AudioLevel::new(true, 20)),
        payload: Bytes::from(vec![n as u8; 500]),
        ..RtpPacketInit::default()
    };
    let command = MediaCommand::SendPackets((0..count).map(packet).collect());
    let now = world.now;
    let session = &mut world.ends[index].session;
    session.handle_command(now, Command::Media(id, command));
}

/// Lets so much time pass.
fn pass(world: &mut World, time: Duration) {
    let end = world.now + time;
    world.run_until("time passes", |world| world.now >= end);
}

/// Two connected ends with audio and video both ways.
fn call(seed: u64) -> (World, [TransceiverId; 2]) {
    let mut world = World::new(seed);
    let ids = [0, 1].map(|index| {
        let pc = world.pc(index);
        let tracks = match index {
            0 => [audio("a0"), video("v0")],
            _ => [audio("a1"), video("v1")],
        };
        tracks.map(|track| pc.add_track(track, &[]).unwrap())
    });
    for index in 0..2 {
        for id in ids[0] {
            let command = Command::Media(id, MediaCommand::SetOutlet(Outlet::Packets));
            let now = world.now;
            world.ends[index].session.handle_command(now, command);
        }
    }
    world.negotiate(0);
    world.run_until("connected", World::connected);
    (world, ids[0])
}

fn sent<'a>(report: &'a StatsReport, kind: &str) -> &'a OutboundRtpStreamStats {
    let mut streams = report.outbound_rtp().filter(|it| it.kind == kind);
    let stream = streams.next().expect("there is one");
    assert!(streams.next().is_none(), "and no other");
    stream
}

fn received<'a>(report: &'a StatsReport, kind: &str) -> &'a InboundRtpStreamStats {
    let mut streams = report.inbound_rtp().filter(|it| it.kind == kind);
    let stream = streams.next().expect("there is one");
    assert!(streams.next().is_none(), "and no other");
    stream
}

#[test]
fn streams_are_counted_as_they_were_sent_and_as_the_other_end_reports_them() {
    let (mut world, [voice, picture]) = call(1);
    for _ in 0..100 {
        send(&mut world, 0, voice, 1);
        send(&mut world, 0, picture, 5);
        pass(&mut world, Duration::from_millis(20));
    }
    // Audio is reported each five seconds or so.
    pass(&mut world, Duration::from_secs(10));
    let counted_outside = world.ends[1].items.len() as u64;
    assert_eq!(counted_outside, 600);
    let [near, far] = [0, 1].map(|index| whole(&mut world, index));

    for (kind, packets) in [("audio", 100), ("video", 500)] {
        let (out, came) = (sent(&near, kind), received(&far, kind));
        // What nobody asked for is sent to find out how fast the path is.
        let again = came.retransmitted_packets_received.unwrap_or(0);
        let again_bytes = came.retransmitted_bytes_received.unwrap_or(0);
        assert_eq!(
            (out.packets_sent, came.packets_received),
            (packets + again, packets + again)
        );
        assert_eq!(out.retransmitted_packets_sent, 0);
        assert_eq!(out.bytes_sent, packets * 500 + again_bytes);
        assert_eq!(out.bytes_sent, came.bytes_received);
        assert_eq!(out.header_bytes_sent, came.header_bytes_received);
        assert_eq!((out.ssrc, &out.mid), (came.ssrc, &came.mid));
        assert_eq!(
            (came.packets_lost, came.nack_count, out.nack_count),
            (0, 0, 0)
        );
        assert!(out.active);

        let remote = near.remote_inbound_rtp(out).expect("a report came");
        assert_eq!(remote.packets_received, packets);
        assert_eq!((remote.packets_lost, remote.ssrc), (0, out.ssrc));
        assert_eq!(
            (&remote.local_id, &remote.codec_id),
            (&out.id, &out.codec_id)
        );
        let trip = remote.round_trip_time.expect("it was measured");
        assert!((trip - 2.0 * DELAY.as_secs_f64()).abs() < 1e-3, "{trip}");
        let average = remote.total_round_trip_time / remote.round_trip_time_measurements as f64;
        assert!((average - trip).abs() < 1e-3);
        assert!(remote.timestamp < out.timestamp && remote.timestamp > 1e6);

        let remote = far.remote_outbound_rtp(came).expect("a report came");
        assert_eq!(remote.packets_sent, packets);
        assert_eq!(remote.bytes_sent, packets * 500);
        assert_eq!((&remote.local_id, remote.ssrc), (&came.id, out.ssrc));
        assert!(remote.reports_sent >= 1);

        for (report, codec) in [(&near, &out.codec_id), (&far, &came.codec_id)] {
            let codec = report.codec(codec.as_deref().unwrap()).unwrap();
            assert!(codec.mime_type.starts_with(kind), "{}", codec.mime_type);
            assert!(report.get(&codec.transport_id).is_some());
        }
    }
    let (picture, voice) = (sent(&near, "video"), sent(&near, "audio"));
    assert_eq!((picture.frames_sent, voice.frames_sent), (Some(100), None));
    assert_eq!(
        (picture.encoding_index, voice.encoding_index),
        (Some(0), None)
    );
    assert_eq!((picture.pli_count, voice.pli_count), (Some(0), None));
    assert_eq!(received(&far, "audio").retransmitted_packets_received, None);
    let level = received(&far, "audio")
        .audio_level
        .expect("packets tell it");
    assert!((level - 0.1).abs() < 1e-9, "{level}");
    assert_eq!(received(&far, "video").audio_level, None);
    assert_every_reference_is_there(&near);
    assert_every_reference_is_there(&far);
}

fn assert_every_reference_is_there(report: &StatsReport) {
    let streams = report.outbound_rtp().map(|it| {
        let ids = [
            &it.transport_id,
            &it.codec_id,
            &it.media_source_id,
            &it.remote_id,
        ];
        ids.map(Clone::clone)
    });
    let received = report.inbound_rtp().map(|it| {
        let transport = Some(it.transport_id.clone());
        [transport, it.codec_id.clone(), it.remote_id.clone(), None]
    });
    for id in streams.chain(received).flatten().flatten() {
        assert!(report.get(&id).is_some(), "{id}");
    }
    let mut ids: Vec<&str> = report.iter().map(Stats::id).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "each id names one object");
}

#[test]
fn a_sent_stream_is_there_from_the_answer_on_and_a_received_one_from_its_first_packet() {
    let mut world = World::new(2);
    let id = world.pc(0).add_track(video("v"), &[]).unwrap();
    assert_eq!(whole(&mut world, 0).outbound_rtp().count(), 0);
    let offer = world.ends[0].host.set_local();
    assert_eq!(whole(&mut world, 0).outbound_rtp().count(), 0);
    world.ends[1].host.set_remote(offer).unwrap();
    assert_eq!(whole(&mut world, 1).inbound_rtp().count(), 0);
    let answer = world.ends[1].host.set_local();
    world.ends[0].host.set_remote(answer).unwrap();
    world.settle();

    let report = whole(&mut world, 0);
    let stream = sent(&report, "video");
    assert_eq!((stream.packets_sent, &stream.codec_id), (0, &None));
    assert_eq!(stream.media_source_id.as_deref(), Some("Sv"));
    assert_eq!(stream.mid.as_deref(), Some("0"));
    world.run_until("connected", World::connected);
    assert_eq!(whole(&mut world, 1).inbound_rtp().count(), 0);
    // The answerer does not send.
    assert_eq!(whole(&mut world, 1).outbound_rtp().count(), 0);
    send(&mut world, 0, id, 1);
    pass(&mut world, Duration::from_secs(1));
    let report = whole(&mut world, 1);
    let stream = received(&report, "video");
    let again = stream.retransmitted_packets_received.unwrap_or(0);
    assert_eq!(stream.packets_received - again, 1);
    let at = stream.last_packet_received_timestamp.unwrap();
    assert!(at < stream.timestamp && at > EPOCH.as_secs_f64() * 1e3);
    let track = world.pc(1).transceiver(TransceiverId(0)).unwrap();
    assert_eq!(stream.track_identifier, track.receiver_track().to_string());
}

#[test]
fn a_sender_or_receiver_is_told_its_own_streams_and_what_they_refer_to() {
    let (mut world, [voice, picture]) = call(3);
    for (end, id) in [(0, voice), (0, picture), (1, voice), (1, picture)] {
        send(&mut world, end, id, 3);
    }
    pass(&mut world, Duration::from_secs(12));
    let all = whole(&mut world, 0);
    let kinds = |report: &StatsReport| {
        let outbound = report.outbound_rtp().map(|it| ("out", it.kind));
        let inbound = report.inbound_rtp().map(|it| ("in", it.kind));
        outbound.chain(inbound).collect::<Vec<_>>()
    };
    assert_eq!(kinds(&all).len(), 4);
    let track = world
        .pc(0)
        .transceiver(picture)
        .unwrap()
        .receiver_track()
        .clone();
    for (selector, expected) in [
        (StatsSelector::Sender(voice), ("out", "audio")),
        (StatsSelector::Track(TrackId::from("v0")), ("out", "video")),
        (StatsSelector::Receiver(voice), ("in", "audio")),
        (StatsSelector::Track(track), ("in", "video")),
    ] {
        let report = stats(&mut world, 0, selector);
        assert_eq!(kinds(&report), [expected]);
        assert_every_reference_is_there(&report);
        assert!(report.selected_candidate_pair().is_some());
        let pair = report.selected_candidate_pair().unwrap();
        assert!(report.candidate(&pair.remote_candidate_id).is_some());
        let codecs = report.iter().filter(|it| matches!(it, Stats::Codec(_)));
        assert_eq!(codecs.count(), 1);
        let others = ["P", "D0"]
            .into_iter()
            .filter(|id| report.get(id).is_some());
        assert_eq!(others.count(), 0);
        let sources = report
            .iter()
            .filter(|it| matches!(it, Stats::MediaSource(_)));
        assert_eq!(sources.count(), usize::from(expected.0 == "out"));
    }
}

#[test]
fn streams_stay_through_a_hold_and_go_with_their_transceiver() {
    let (mut world, [voice, picture]) = call(4);
    send(&mut world, 0, voice, 5);
    send(&mut world, 0, picture, 5);
    pass(&mut world, Duration::from_secs(2));
    let before = [0, 1].map(|index| whole(&mut world, index));

    let pc = world.pc(0);
    pc.set_direction(voice, TransceiverDirection::Inactive)
        .unwrap();
    world.negotiate(0);
    pass(&mut world, Duration::from_secs(1));
    let held = [0, 1].map(|index| whole(&mut world, index));
    let out = sent(&held[0], "audio");
    assert!(!out.active);
    assert_eq!(
        (&out.id, out.packets_sent),
        (&sent(&before[0], "audio").id, 5)
    );
    assert_eq!(out.transport_id, sent(&before[0], "audio").transport_id);
    let came = received(&held[1], "audio");
    assert_eq!(
        (&came.id, came.packets_received),
        (&received(&before[1], "audio").id, 5)
    );
    assert_every_reference_is_there(&held[0]);

    let pc = world.pc(0);
    pc.set_direction(voice, TransceiverDirection::Sendrecv)
        .unwrap();
    world.negotiate(0);
    world.settle();
    send(&mut world, 0, voice, 5);
    pass(&mut world, Duration::from_secs(1));
    let resumed = [0, 1].map(|index| whole(&mut world, index));
    let out = sent(&resumed[0], "audio");
    assert_eq!(
        (&out.id, out.packets_sent, out.active),
        (&sent(&before[0], "audio").id, 10, true)
    );
    let came = received(&resumed[1], "audio");
    assert_eq!(
        (&came.id, came.packets_received),
        (&received(&before[1], "audio").id, 10)
    );
    assert_eq!(came.packets_lost, 0);

    world.pc(0).stop(voice).unwrap();
    let of_sender = stats(&mut world, 0, StatsSelector::Sender(voice));
    assert_eq!(of_sender.iter().count(), 0, "it sends nothing");
    let frozen = whole(&mut world, 0);
    assert_eq!(sent(&frozen, "audio").packets_sent, 10);
    world.negotiate(0);
    world.settle();
    for index in 0..2 {
        let report = whole(&mut world, index);
        assert!(report.outbound_rtp().all(|it| it.kind == "video"));
        assert!(report.inbound_rtp().all(|it| it.kind == "video"));
    }
    world.pc(0).close();
    let closed = whole(&mut world, 0);
    assert_eq!(
        closed.outbound_rtp().count() + closed.inbound_rtp().count(),
        0
    );
}

#[test]
fn each_layer_is_a_stream_and_says_whether_it_is_active() {
    let mut world = World::new(5);
    let encoding = |rid: &str| RtpEncodingParameters {
        rid: Some(rid.to_owned()),
        active: rid != "h",
        scalability_mode: Some("L1T2".to_owned()),
        ..RtpEncodingParameters::default()
    };
    let init = TransceiverInit {
        send_encodings: vec![encoding("q"), encoding("h")],
        ..TransceiverInit::default()
    };
    world.pc(0).add_transceiver(video("v"), init).unwrap();
    let offer = world.ends[0].host.set_local();
    world.ends[1].host.set_remote(offer).unwrap();
    let mut answer = world.ends[1].host.set_local();
    // The other end takes both (RFC 8853 §5.3).
    if !answer.sdp.contains("a=simulcast") {
        answer.sdp += "a=rid:q recv\r\na=rid:h recv\r\na=simulcast:recv q;h\r\n";
    }
    world.ends[0].host.set_remote(answer).unwrap();
    world.settle();
    let report = whole(&mut world, 0);
    let streams = report.outbound_rtp();
    let layers: Vec<_> = streams
        .map(|it| (it.encoding_index, it.rid.as_deref(), it.active))
        .collect();
    assert_eq!(
        layers,
        [(Some(0), Some("q"), true), (Some(1), Some("h"), false)]
    );
    let mut modes = report
        .outbound_rtp()
        .map(|it| it.scalability_mode.as_deref());
    assert!(modes.all(|mode| mode == Some("L1T2")));
    let ids: Vec<&str> = report.outbound_rtp().map(|it| it.id.as_str()).collect();
    assert_ne!(ids[0], ids[1]);
}

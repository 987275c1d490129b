//! RTP packets through the public API, over real sockets on loopback.
#![allow(
    clippy::unwrap_used,
    reason = "helpers outside #[test] functions are tests too"
)]

mod common;

use std::sync::atomic::{AtomicBool, Ordering};

use common::media::{call, call_on, negotiate_again, within};
use common::{Peer, endpoint, negotiate};
use duologue::limits::{PACKET_BACKLOG, SEND_ITEMS};
use duologue::{
    Bitrate, BitrateBounds, Bytes, Endpoint, Event, ExceptionName, MediaKind,
    RtpEncodingParameters, RtpPacket, RtpPacketInit, RtpPacketWriter, RtpPackets, RtpSender,
    TransceiverDirection, TransceiverInit,
};

/// One whose estimate of a path holds up no packet.
fn fast_endpoint() -> Endpoint {
    let rate = Bitrate::from_kbps(2_000_000);
    let bounds = BitrateBounds {
        min: rate,
        start: rate,
        ..BitrateBounds::default()
    };
    let endpoint = Endpoint::builder().loopback(true).ipv6(false);
    endpoint.bitrate_bounds(bounds).build().unwrap()
}

fn packet(number: u32, len: usize) -> RtpPacketInit {
    let mut payload = vec![7; len];
    payload[..4].copy_from_slice(&number.to_be_bytes());
    RtpPacketInit {
        timestamp: number * 960,
        marker: number % 2 == 1,
        payload: Bytes::from(payload),
        ..Default::default()
    }
}

fn number(packet: &RtpPacket) -> u32 {
    u32::from_be_bytes(packet.payload[..4].try_into().expect("four bytes"))
}

async fn send(writer: &RtpPacketWriter, numbers: std::ops::Range<u32>, len: usize) {
    let mut packets = numbers.map(|number| packet(number, len)).collect();
    let sent = within(writer.send_all(&mut packets)).await;
    sent.expect("it is open");
}

/// The numbers of so many packets, as they come.
async fn numbers(packets: &mut RtpPackets, count: usize) -> Vec<u32> {
    let mut received = Vec::new();
    while received.len() < count {
        let come = packets.recv_many(&mut received, count);
        assert!(within(come).await > 0, "it ended");
    }
    received.iter().map(number).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn audio_and_video_go_both_ways_and_unmute_the_tracks() {
    let mut call = call().await;
    let ends = [
        (&call.of_alice, &call.of_bob),
        (&call.of_bob, &call.of_alice),
    ];
    for (from, to) in ends {
        for (at, len) in [(0, 160), (1, 1_100)] {
            let mut packets = to[at].receiver().packets();
            let writer = from[at].sender().packets();
            send(&writer, 0..100, len).await;
            let came = numbers(&mut packets, 100).await;
            assert_eq!(came, (0..100).collect::<Vec<_>>());
            let track = to[at].receiver().track().unwrap();
            assert_eq!(track.kind(), from[at].kind());
            assert_eq!(packets.dropped(), 0);
        }
    }
    for (peer, of_it) in [
        (&mut call.alice, &call.of_alice),
        (&mut call.bob, &call.of_bob),
    ] {
        for _ in of_it {
            let unmuted = peer.wait(|event| match event {
                Event::TrackUnmute(track) => Some(track),
                _ => None,
            });
            assert!(!within(unmuted).await.muted());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_packet_has_what_its_sender_said() {
    let call = call().await;
    let mut packets = call.of_bob[0].receiver().packets();
    let writer = call.of_alice[0].sender().packets();
    let sent = RtpPacketInit {
        sequence_number: Some(1_000),
        timestamp: 48_000,
        marker: true,
        payload: Bytes::from_static(b"sound"),
        ..Default::default()
    };
    assert_eq!(writer.send(&mut vec![sent]), Ok(1));
    let came = within(packets.recv()).await.unwrap();
    assert_eq!(came.sequence_number as u16, 1_000);
    assert_eq!((came.timestamp, came.marker), (48_000, true));
    assert_eq!(came.payload, "sound");
    let codecs = call.of_bob[0].receiver().parameters().unwrap().codecs;
    assert_eq!(came.payload_type.get(), codecs[0].payload_type);
    assert_eq!((came.rid, came.repaired), (None, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_stops_packets_and_a_resume_lets_them_come_and_unmutes_again() {
    let mut call = call().await;
    let mut packets = call.of_bob[0].receiver().packets();
    let writer = call.of_alice[0].sender().packets();
    send(&writer, 0..10, 100).await;
    assert_eq!(numbers(&mut packets, 10).await.len(), 10);
    let track = call.of_bob[0].receiver().track().unwrap();

    call.of_alice[0]
        .set_direction(TransceiverDirection::Recvonly)
        .unwrap();
    negotiate_again(&call).await;
    let mute = call
        .bob
        .wait(|event| matches!(event, Event::TrackMute(_)).then_some(()));
    within(mute).await;
    assert!(track.muted());
    // They are dropped, and nobody waits for them.
    send(&writer, 10..2_000, 100).await;

    call.of_alice[0]
        .set_direction(TransceiverDirection::Sendrecv)
        .unwrap();
    negotiate_again(&call).await;
    assert!(track.muted());
    send(&writer, 2_000..2_010, 100).await;
    let came = numbers(&mut packets, 10).await;
    assert_eq!(came, (2_000..2_010).collect::<Vec<_>>());
    let unmute = call
        .bob
        .wait(|event| matches!(event, Event::TrackUnmute(_)).then_some(()));
    within(unmute).await;
    assert!(!track.muted());
}

#[tokio::test(flavor = "multi_thread")]
async fn packets_flow_while_more_is_negotiated() {
    let call = call().await;
    let mut packets = call.of_bob[1].receiver().packets();
    let writer = call.of_alice[1].sender().packets();
    let negotiated = async {
        for kind in [MediaKind::Audio, MediaKind::Video] {
            let made = call
                .alice
                .connection
                .add_transceiver(kind, Default::default());
            made.unwrap();
            negotiate_again(&call).await;
        }
    };
    let stop = AtomicBool::new(false);
    let flow = async {
        let mut count = 0;
        while !stop.load(Ordering::Relaxed) || count < 1_000 {
            send(&writer, count..count + 10, 1_000).await;
            let came = numbers(&mut packets, 10).await;
            assert_eq!(came, (count..count + 10).collect::<Vec<_>>());
            count += 10;
        }
        // And over the sections that have come.
        send(&writer, count..count + 10, 1_000).await;
        numbers(&mut packets, 10).await
    };
    let negotiated = async {
        negotiated.await;
        stop.store(true, Ordering::Relaxed);
    };
    within(async { tokio::join!(negotiated, flow) }).await;
    assert_eq!(call.bob.connection.transceivers().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_does_not_read_loses_the_oldest_packets_and_holds_up_nobody() {
    let endpoint = fast_endpoint();
    let [mut alice, mut bob] = [Peer::new(&endpoint), Peer::new(&endpoint)];
    let made = [MediaKind::Audio, MediaKind::Video].map(|kind| {
        let made = alice.connection.add_transceiver(kind, Default::default());
        made.unwrap()
    });
    let channel = alice
        .connection
        .create_data_channel("c", Default::default());
    let channel = channel.unwrap();
    negotiate(&mut alice, &mut bob).await;
    let far = bob.incoming_channel().await;
    let [audio, video] = [0, 1].map(|at| bob.connection.receivers()[at].clone());
    let mut slow = audio.packets();
    let mut quick = video.packets();
    let count = 2 * PACKET_BACKLOG as u32;
    let writers = [0, 1].map(|at: usize| made[at].sender().packets());
    for first in (0..count).step_by(16) {
        send(&writers[0], first..first + 16, 100).await;
        send(&writers[1], first..first + 16, 100).await;
        // Loopback brings two trains in another order when the thread that sends moves to another
        // processor between them, and what repeats the first one as a probe with the second.
        let mut came = numbers(&mut quick, 16).await;
        came.sort_unstable();
        assert_eq!(came, (first..first + 16).collect::<Vec<_>>());
    }
    channel.send_text("through").await.unwrap();
    assert_eq!(within(far.recv()).await, Some("through".into()));
    assert_eq!(quick.dropped(), 0);

    // The last ones of the slow one's may still be on their way.
    send(&writers[0], count..count + 1, 100).await;
    let mut came = Vec::new();
    while came.last() != Some(&count) {
        came.extend(numbers(&mut slow, 1).await);
    }
    assert!(came.is_sorted() && came.len() <= PACKET_BACKLOG + 1);
    let all = came.len() as u64 + slow.dropped();
    assert_eq!(all, u64::from(count) + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn packets_that_nobody_takes_do_not_wait_for_the_next_reader() {
    let call = call().await;
    let receiver = call.of_bob[0].receiver();
    let writer = call.of_alice[0].sender().packets();
    let mut first = receiver.packets();
    send(&writer, 0..10, 100).await;
    assert_eq!(numbers(&mut first, 5).await, [0, 1, 2, 3, 4]);
    drop(first);
    let mut second = receiver.packets();
    assert!(second.try_recv().is_none_or(|packet| number(&packet) >= 5));
    send(&writer, 10..20, 100).await;
    let mut came = Vec::new();
    while came.last() != Some(&19) {
        came.extend(numbers(&mut second, 1).await);
    }
    assert!(came.is_sorted());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_waits_for_what_it_sent_to_leave() {
    let endpoint = endpoint();
    let [mut alice, mut bob] = [Peer::new(&endpoint), Peer::new(&endpoint)];
    let made = alice
        .connection
        .add_transceiver(MediaKind::Audio, Default::default());
    let writer = made.unwrap().sender().packets();
    alice.connection.set_local_description(None).await.unwrap();
    // There is no way yet: nothing may be sent, and what cannot be sent does not wait.
    send(&writer, 0..2 * SEND_ITEMS as u32, 100).await;
    within(async {
        while writer.queued() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;

    negotiate(&mut alice, &mut bob).await;
    let mut packets: Vec<_> = (0..4_000).map(|number| packet(number, 100)).collect();
    let mut batches = 0;
    while !packets.is_empty() {
        let taken = writer.send(&mut packets).unwrap();
        assert!(taken <= SEND_ITEMS && writer.queued() <= SEND_ITEMS);
        batches += usize::from(taken > 0);
        within(writer.ready()).await.unwrap();
    }
    assert!(batches >= 4, "{batches}");
    within(async {
        while writer.queued() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_transceiver_and_a_closed_connection_end_readers_and_writers() {
    let call = call().await;
    let mut packets = call.of_bob.clone().map(|it| it.receiver().packets());
    let writers = call.of_bob.clone().map(|it| it.sender().packets());
    call.of_bob[0].stop().unwrap();
    assert!(within(packets[0].recv()).await.is_none());
    let refused = |writer: &RtpPacketWriter| {
        let refused = writer.send(&mut vec![packet(0, 4)]);
        refused.is_err_and(|error| error.name() == ExceptionName::InvalidStateError)
    };
    assert!(refused(&writers[0]) && !refused(&writers[1]));
    call.bob.connection.close();
    assert!(within(packets[1].recv()).await.is_none());
    assert!(refused(&writers[1]));
    assert!(within(writers[1].ready()).await.is_err());
    // Who asks afterwards gets the same.
    let mut late = call.of_bob[1].receiver().packets();
    assert!(within(late.recv()).await.is_none());
    assert!(refused(&call.of_bob[1].sender().packets()));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_decode_asks_for_a_key_frame_and_the_writer_is_told() {
    let mut call = call().await;
    let receiver = call.of_bob[1].receiver();
    let mut packets = receiver.packets();
    let sender = call.of_alice[1].sender();
    send(&sender.packets(), 0..1, 100).await;
    numbers(&mut packets, 1).await;
    receiver.send_key_frame_request(0).unwrap();
    let request = call.alice.wait(|event| match event {
        Event::KeyFrameRequest {
            sender,
            encoding,
            rid,
        } => Some((sender, encoding, rid)),
        _ => None,
    });
    assert_eq!(within(request).await, (sender, 0, None));
    let audio = call.of_bob[0].receiver().send_key_frame_request(0);
    assert_eq!(audio.unwrap_err().name(), ExceptionName::InvalidStateError);
}

/// The layers that a receiver of simulcast asks for.
fn layered(names: &[&str]) -> TransceiverInit {
    let encoding = |name: &&str| RtpEncodingParameters {
        rid: Some((*name).to_owned()),
        ..Default::default()
    };
    TransceiverInit {
        direction: TransceiverDirection::Sendonly,
        send_encodings: names.iter().map(encoding).collect(),
        ..Default::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn layers_of_simulcast_are_told_apart_by_name() {
    let endpoint = endpoint();
    let [mut alice, mut bob] = [Peer::new(&endpoint), Peer::new(&endpoint)];
    let made = alice
        .connection
        .add_transceiver(MediaKind::Video, layered(&["q", "h", "f"]));
    let sender: RtpSender = made.unwrap().sender();
    negotiate(&mut alice, &mut bob).await;
    let mut packets = bob.connection.receivers()[0].packets();
    let writer = sender.packets();
    let batch = (0..30).map(|n| RtpPacketInit {
        encoding: n as usize % 3,
        ..packet(n, 500)
    });
    writer.send_all(&mut batch.collect()).await.unwrap();
    let mut received = Vec::new();
    while received.len() < 30 {
        within(packets.recv_many(&mut received, 30)).await;
    }
    for packet in &received {
        let layer = ["q", "h", "f"][number(packet) as usize % 3];
        assert_eq!(packet.rid.as_ref().map(|rid| rid.as_str()), Some(layer));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn statistics_of_streams_have_the_names_of_browsers() {
    let call = call().await;
    let mut packets = call.of_bob[1].receiver().packets();
    let writer = call.of_alice[1].sender().packets();
    send(&writer, 0..10, 500).await;
    assert_eq!(numbers(&mut packets, 10).await.len(), 10);

    // The first report of a stream comes at once, and the sender's within half a second or so.
    let (sender, receiver) = (call.of_alice[1].sender(), call.of_bob[1].receiver());
    let remote = |report: &duologue::StatsReport| {
        let streams = report.inbound_rtp().map(|it| it.remote_id.is_some());
        let mut streams = streams.chain(report.outbound_rtp().map(|it| it.remote_id.is_some()));
        streams.all(|known| known)
    };
    let reports = within(async {
        loop {
            let reports = [sender.get_stats().await, receiver.get_stats().await];
            let reports = reports.map(Result::unwrap);
            if reports.iter().all(remote) {
                break reports;
            }
            tokio::task::yield_now().await;
        }
    });
    let reports = reports.await.map(|it| serde_json::to_value(it).unwrap());
    let members = |kind: &str| -> Vec<String> {
        let all = reports.iter().flat_map(|it| it.as_array().unwrap());
        let one = all.clone().find(|stats| stats["type"] == kind).unwrap();
        one.as_object().unwrap().keys().cloned().collect()
    };
    for (kind, expected) in [
        (
            "outbound-rtp",
            "id timestamp type ssrc kind transportId codecId packetsSent bytesSent mid remoteId \
             encodingIndex headerBytesSent retransmittedPacketsSent retransmittedBytesSent rtxSsrc \
             framesSent nackCount firCount pliCount active",
        ),
        (
            "remote-inbound-rtp",
            "id timestamp type ssrc kind transportId codecId packetsReceived packetsLost jitter \
             localId roundTripTimeMeasurements totalRoundTripTime fractionLost",
        ),
        (
            "inbound-rtp",
            "id timestamp type ssrc kind transportId codecId packetsReceived packetsLost jitter \
             trackIdentifier mid remoteId lastPacketReceivedTimestamp headerBytesReceived \
             packetsDiscarded bytesReceived nackCount firCount pliCount \
             retransmittedPacketsReceived retransmittedBytesReceived",
        ),
        (
            "remote-outbound-rtp",
            "id timestamp type ssrc kind transportId codecId packetsSent bytesSent localId \
             remoteTimestamp reportsSent totalRoundTripTime roundTripTimeMeasurements",
        ),
        (
            "codec",
            "id timestamp type payloadType transportId mimeType clockRate",
        ),
    ] {
        let members = members(kind);
        for name in expected.split_whitespace() {
            assert!(
                members.iter().any(|it| it == name),
                "{kind} {name}: {members:?}"
            );
        }
    }
}

/// On one thread a session hands its reader no more at once than waits for it.
#[tokio::test]
async fn who_reads_all_the_time_loses_nothing_to_a_burst() {
    let call = call_on(&fast_endpoint()).await;
    let mut packets = call.of_bob[1].receiver().packets();
    let writer = call.of_alice[1].sender().packets();
    tokio::spawn(async move {
        for first in (0..).step_by(500) {
            let mut batch = (first..first + 500).map(|n| packet(n, 100)).collect();
            if writer.send_all(&mut batch).await.is_err() {
                return;
            }
        }
    });
    // What waits for a task has its turn among the others; what `block_on` runs, only now and then.
    let reader = tokio::spawn(async move {
        let (mut received, mut batch) = (0, Vec::new());
        while received < 8_000 {
            received += packets.recv_many(&mut batch, 256).await;
            batch.clear();
        }
        packets.dropped()
    });
    assert_eq!(within(reader).await.unwrap(), 0);
}

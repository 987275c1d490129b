//! Forwarding through the public API, over real sockets on loopback. Layers are in the tests of
//! `duologue-media`, browsers in `test/browsers`.
#![allow(
    clippy::unwrap_used,
    reason = "helpers outside #[test] functions are tests too"
)]

mod common;

use std::time::Duration;

use common::media::{call, call_on, within};
use common::{Peer, describe, endpoint};
use duologue::{
    Bitrate, BitrateBounds, Bytes, Choice, EncodedFrameInit, Endpoint, Event, Forwarder, MediaKind,
    PayloadType, RtpEncodingParameters, RtpSender, RtpTransceiver, TransceiverDirection,
    TransceiverInit,
};

const VIDEO: usize = 1;

/// A frame of VP8 that ends with its number (RFC 6386 §9.1).
fn frame(sender: &RtpSender, number: u8, key: bool) -> EncodedFrameInit {
    let mut data = match key {
        true => vec![0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01],
        false => vec![0x11, 0, 0],
    };
    data.resize(3_000, 7);
    data.push(number);
    let codecs = sender.parameters().unwrap().codecs;
    let vp8 = codecs.iter().find(|it| it.codec.mime_type == "video/VP8");
    EncodedFrameInit {
        payload_type: PayloadType::new(vp8.unwrap().payload_type),
        timestamp: u32::from(number) * 3_000,
        data: Bytes::from(data),
        ..Default::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_received_is_sent_on_from_a_key_frame_on_that_is_asked_for() {
    let mut call = call().await;
    let forwarder = Forwarder::new(&call.of_bob[VIDEO].receiver());
    let sender = call.of_alice[VIDEO].sender();
    let mut back = call.of_alice[VIDEO].receiver().packets();

    // Nothing is chosen yet, and then a frame comes that needs another one.
    let forwarding = forwarder.forward(&call.of_bob[VIDEO].sender());
    forwarding.choose(Choice::Layer(0));
    let sent = sender.frames();
    within(sent.send_all(&mut vec![frame(&sender, 1, false)]))
        .await
        .unwrap();
    let request = |event| matches!(event, Event::KeyFrameRequest { .. }).then_some(());
    within(call.alice.wait(request)).await;
    let frames = [(2, true), (3, false)].map(|(number, key)| frame(&sender, number, key));
    within(sent.send_all(&mut frames.into())).await.unwrap();

    let mut ends = Vec::new();
    let mut first = None;
    while ends.len() < 2 {
        let packet = within(back.recv()).await.expect("it is open");
        first.get_or_insert(packet.timestamp);
        if packet.marker {
            ends.push((
                packet.timestamp.wrapping_sub(first.unwrap()),
                packet.payload.last().copied(),
            ));
        }
    }
    assert_eq!(ends, [(0, Some(2)), (3_000, Some(3))]);
    assert_eq!((forwarding.current(), forwarding.dropped()), (Some(0), 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_publisher_changes_its_codec_and_viewers_get_it() {
    let call = call().await;
    let forwarder = Forwarder::new(&call.of_bob[VIDEO].receiver());
    let sender = call.of_alice[VIDEO].sender();
    let mut back = call.of_alice[VIDEO].receiver().packets();
    let forwarding = forwarder.forward(&call.of_bob[VIDEO].sender());
    forwarding.choose(Choice::Layer(0));
    let codecs = sender.parameters().unwrap().codecs;
    let h264 = codecs.iter().find(|it| it.codec.mime_type == "video/H264");
    let h264 = PayloadType::new(h264.unwrap().payload_type).unwrap();

    let sent = sender.frames();
    let vp8 = frame(&sender, 1, true);
    within(sent.send_all(&mut vec![vp8.clone()])).await.unwrap();
    // An IDR picture in one slice, behind its start code (H.264 §7.4.1).
    let mut data = vec![0, 0, 0, 1, 0x65];
    data.resize(600, 7);
    let idr = EncodedFrameInit {
        payload_type: Some(h264),
        timestamp: 6_000,
        data: Bytes::from(data),
        ..Default::default()
    };
    within(sent.send_all(&mut vec![idr])).await.unwrap();

    let mut packets = Vec::new();
    while packets
        .iter()
        .filter(|it: &&duologue::RtpPacket| it.marker)
        .count()
        < 2
    {
        packets.push(within(back.recv()).await.expect("it is open"));
    }
    let steps = packets
        .windows(2)
        .map(|pair| pair[1].sequence_number - pair[0].sequence_number);
    assert!(steps.into_iter().all(|step| step == 1));
    let last = packets.last().unwrap();
    assert_eq!(last.payload_type, h264);
    assert_eq!(last.payload.first(), Some(&0x65));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_publisher_takes_over_and_the_numbers_of_viewers_go_on() {
    let endpoint = endpoint();
    let [viewed, other] = [call_on(&endpoint).await, call_on(&endpoint).await];
    let forwarder = Forwarder::new(&viewed.of_bob[VIDEO].receiver());
    let mut back = viewed.of_alice[VIDEO].receiver().packets();
    let forwarding = forwarder.forward(&viewed.of_bob[VIDEO].sender());
    forwarding.choose(Choice::Layer(0));

    let mut packets = Vec::new();
    let publishers = [&viewed, &other].map(|call| call.of_alice[VIDEO].sender());
    for (number, sender) in (1..).zip(&publishers) {
        let mut first = vec![frame(sender, number, true)];
        within(sender.frames().send_all(&mut first)).await.unwrap();
        let ends = |packets: &[duologue::RtpPacket]| packets.iter().filter(|it| it.marker).count();
        while ends(&packets) < usize::from(number) {
            packets.push(within(back.recv()).await.expect("it is open"));
        }
        assert_eq!(packets.last().unwrap().payload.last(), Some(&number));
        forwarder.replace_publisher(&other.of_bob[VIDEO].receiver());
    }
    let mut steps = packets
        .windows(2)
        .map(|pair| pair[1].sequence_number - pair[0].sequence_number);
    assert!(steps.all(|step| step == 1));

    // The one before is not heard any more.
    let mut late = vec![frame(&publishers[0], 3, true)];
    within(publishers[0].frames().send_all(&mut late))
        .await
        .unwrap();
    let mut last = vec![frame(&publishers[1], 4, true)];
    within(publishers[1].frames().send_all(&mut last))
        .await
        .unwrap();
    let mut heard = None;
    while heard != Some(4) {
        heard = within(back.recv())
            .await
            .expect("it is open")
            .payload
            .last()
            .copied();
        assert_ne!(heard, Some(3));
    }
}

/// Frames of two layers, of 100 kbit/s and 1 Mbit/s, until it is enough; every tenth is a key frame.
async fn publish_until(sender: &RtpSender, number: &mut u32, enough: impl Fn(u32) -> bool) {
    let frames = sender.frames();
    let mut clock = tokio::time::interval(Duration::from_millis(33));
    while !enough(*number) {
        clock.tick().await;
        let key = number.is_multiple_of(10);
        let of = |encoding: usize, size: usize| {
            let mut data = frame(sender, 0, key).data.to_vec();
            data.resize(size, 7);
            EncodedFrameInit {
                encoding,
                timestamp: *number * 2_970,
                data: Bytes::from(data),
                ..frame(sender, 0, key)
            }
        };
        let mut both = vec![of(0, 410), of(1, 4_100)];
        within(frames.send_all(&mut both)).await.unwrap();
        *number += 1;
    }
}

/// Two layers from one peer to another, which can send them back: both peers, and the transceiver of each.
async fn publisher(endpoint: &Endpoint) -> ([Peer; 2], [RtpTransceiver; 2]) {
    let [mut alice, mut bob] = [Peer::new(endpoint), Peer::new(endpoint)];
    let layer = |rid: &str| RtpEncodingParameters {
        rid: rid.parse().ok(),
        ..Default::default()
    };
    let init = TransceiverInit {
        send_encodings: vec![layer("low"), layer("high")],
        ..Default::default()
    };
    let of_alice = alice
        .connection
        .add_transceiver(MediaKind::Video, init)
        .unwrap();
    describe(&mut alice, &mut bob).await;
    let of_bob = bob.connection.transceivers().remove(0);
    of_bob
        .set_direction(TransceiverDirection::Sendrecv)
        .unwrap();
    describe(&mut bob, &mut alice).await;
    ([alice, bob], [of_alice, of_bob])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_gets_the_layer_that_its_path_carries() {
    let (_peers, [of_alice, of_bob]) = publisher(&endpoint()).await;
    let forwarder = Forwarder::new(&of_bob.receiver());
    let forwarding = forwarder.forward(&of_bob.sender());
    forwarding.follow_estimate();
    let mut number = 0;
    // The path is not known at first, and then carries all there is.
    for layer in [0, 1] {
        let gets = |_| forwarding.current() == Some(layer);
        within(publish_until(&of_alice.sender(), &mut number, gets)).await;
    }

    let mut parameters = of_bob.sender().parameters().unwrap();
    parameters.encodings[0].max_bitrate = Some(300_000);
    of_bob.sender().set_parameters(parameters).await.unwrap();
    let gets = |_| forwarding.current() == Some(0);
    within(publish_until(&of_alice.sender(), &mut number, gets)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_knows_the_path_begins_with_the_layer_that_it_carries() {
    let bounds = BitrateBounds {
        start: Bitrate::from_kbps(5_000),
        ..BitrateBounds::default()
    };
    let builder = Endpoint::builder().loopback(true).ipv6(false);
    let endpoint = builder.bitrate_bounds(bounds).build().unwrap();
    let (_peers, [of_alice, of_bob]) = publisher(&endpoint).await;

    let forwarder = Forwarder::new(&of_bob.receiver());
    let forwarding = forwarder.forward(&of_bob.sender());
    let mut number = 0;
    // So many frames tell what each layer takes.
    let known = |number| number > 60;
    within(publish_until(&of_alice.sender(), &mut number, known)).await;
    forwarding.follow_estimate();
    let gets = |_| forwarding.current().is_some();
    within(publish_until(&of_alice.sender(), &mut number, gets)).await;
    assert_eq!(forwarding.current(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn layers_that_come_as_tracks_are_forwarded_as_one_stream() {
    let endpoint = endpoint();
    let [mut alice, mut bob] = [Peer::new(&endpoint), Peer::new(&endpoint)];
    let add = || {
        let added = alice
            .connection
            .add_transceiver(MediaKind::Video, Default::default());
        added.unwrap()
    };
    let of_alice = [add(), add()];
    describe(&mut alice, &mut bob).await;
    let of_bob = bob.connection.transceivers();
    let both = TransceiverDirection::Sendrecv;
    of_bob[0].set_direction(both).unwrap();
    describe(&mut bob, &mut alice).await;

    let layers = [0, 1].map(|at: usize| of_bob[at].receiver());
    let forwarder = Forwarder::of_layers(&layers);
    let forwarding = forwarder.forward(&of_bob[0].sender());
    let mut back = of_alice[0].receiver().packets();
    let mut packets = Vec::new();
    // A layer comes with its key frame, which its track is asked for; what the other one sends does not.
    for (first, layer) in [(1, 1), (5, 0)] {
        forwarding.choose(Choice::Layer(layer));
        let wanted = of_alice[layer].sender();
        let needs_another = &mut vec![frame(&wanted, 99, false)];
        within(wanted.frames().send_all(needs_another))
            .await
            .unwrap();
        let asked = |event| match event {
            Event::KeyFrameRequest { sender, .. } => (sender == wanted).then_some(()),
            _ => None,
        };
        within(alice.wait(asked)).await;
        let sent = [(first, layer), (first + 1, 1 - layer), (first + 2, layer)];
        for (number, of) in sent {
            let sender = of_alice[of].sender();
            let frames = &mut vec![frame(&sender, number, true)];
            within(sender.frames().send_all(frames)).await.unwrap();
            let ends_with = |it: &duologue::RtpPacket| it.payload.last() == Some(&number);
            while of == layer && !packets.last().is_some_and(ends_with) {
                let packet = within(back.recv()).await.expect("it is open");
                assert_ne!(packet.payload.last(), Some(&(first + 1)));
                packets.push(packet);
            }
        }
        assert_eq!(forwarding.current(), Some(layer));
    }
    let mut steps = packets
        .windows(2)
        .map(|pair| pair[1].sequence_number - pair[0].sequence_number);
    assert!(steps.all(|step| step == 1));
}

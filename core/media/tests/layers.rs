//! What the sender of a simulcast tells of its layers, over a network.

mod common;

use std::sync::Arc;

use bytes::Bytes;
use common::{ID, World, at, receive_plan, send_plan, video};
use duologue_media::{EncodedFrameInit, MediaReport, Outlet, SendEncoding};
use duologue_rtp::ext::{LayersAllocation, uri};
use duologue_rtp::{
    ExtensionId, HeaderExtensionParameters, ReceivePlan, Rid, RtcpFeedback, RtpParameters,
    SendPlan, SendStream, SourceParameters, Ssrc,
};

/// A sender of two layers whose path is estimated, and that may tell of them.
fn simulcast() -> World {
    let mut world = World::new();
    let mut parameters = video();
    let feedback = &mut parameters.codecs[0].feedback;
    feedback.push(RtcpFeedback::TransportCc);
    let extension = |id, uri| {
        let id = ExtensionId::new(id).expect("not 0");
        HeaderExtensionParameters::new(id, uri)
    };
    let more = [
        (5, uri::RID),
        (6, uri::VIDEO_LAYERS_ALLOCATION),
        // By it repetitions are known.
        (7, uri::REPAIRED_RID),
    ];
    let more = more.map(|(id, uri)| extension(id, uri));
    parameters.header_extensions.extend(more);
    set_plans(&mut world, parameters);
    world
}

fn set_plans(world: &mut World, parameters: RtpParameters) {
    let rids: [Rid; 2] = ["low", "high"].map(|rid| rid.parse().expect("a rid"));
    let stream = |(rid, at): (&Rid, u32)| SendStream {
        rid: Some(rid.clone()),
        source: SourceParameters {
            ssrc: Ssrc(100 + at),
            rtx: Some(Ssrc(200 + at)),
            fec: None,
        },
    };
    let send = SendPlan {
        parameters: parameters.clone(),
        streams: rids.iter().zip(0..).map(stream).collect(),
        ..SendPlan::clone(&send_plan())
    };
    let receive = ReceivePlan {
        parameters,
        rids: rids.to_vec(),
        ..ReceivePlan::clone(&receive_plan())
    };
    let now = at(world.now);
    let outlet = Outlet::Packets;
    world
        .receiver
        .set_receive(now, ID, Arc::new(receive), outlet);
    world.sender.set_send(now, ID, Arc::new(send));
}

/// A key frame of VP8 (RFC 6386 §9.1), or another one.
fn frame(encoding: usize, n: u32, key: bool) -> EncodedFrameInit {
    let mut data = vec![0; 2_500];
    data[0] = u8::from(!key);
    data[3..10].copy_from_slice(&[0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01]);
    EncodedFrameInit {
        encoding,
        timestamp: n * 3_000,
        data: Bytes::from(data),
        ..EncodedFrameInit::default()
    }
}

fn run(world: &mut World, frames: std::ops::Range<u32>, key: impl Fn(u32) -> bool) {
    for n in frames {
        let both = [0, 1].map(|encoding| frame(encoding, n, key(n)));
        world.sender.send_frames(at(world.now), ID, both.to_vec());
        world.run(33, |_| false);
    }
}

/// What was told, with the stream and the time stamp of the packet.
fn told(world: &World) -> Vec<(usize, u32, LayersAllocation)> {
    let packets = world.received.iter();
    let told = packets.filter_map(|packet| {
        let said = LayersAllocation::parse(&packet.layers_allocation)?;
        Some((packet.encoding, packet.timestamp, said))
    });
    told.collect()
}

fn targets(world: &World) -> Vec<u64> {
    let reports = world.sent_reports.iter().rev();
    let mut targets = reports.filter_map(|report| match report {
        MediaReport::TargetBitrates(targets) => Some(targets.clone()),
        _ => None,
    });
    targets.next().expect("they were told")
}

fn kbps(said: &LayersAllocation) -> Vec<(u8, u32)> {
    let layers = said.layers.iter();
    layers.map(|it| (it.stream, it.kbps()[0])).collect()
}

#[test]
fn a_simulcast_tells_the_targets_of_its_layers_with_key_frames_and_when_they_change() {
    let mut world = simulcast();
    run(&mut world, 0..90, |n| n == 0 || n == 80);
    let key = told(&world).into_iter().filter(|(_, at, _)| *at == 240_000);
    let key: Vec<_> = key.collect();
    assert_eq!(key.iter().map(|it| it.0).collect::<Vec<_>>(), [0, 1]);
    let now = targets(&world);
    assert!(now.iter().all(|target| *target > 0), "{now:?}");
    for (encoding, _, said) in &key {
        assert_eq!((usize::from(said.stream), said.streams), (*encoding, 2));
        let told = kbps(said);
        assert_eq!(told.len(), 2);
        for ((stream, kbps), target) in told.into_iter().zip(&now) {
            let told = u64::from(kbps) * 1_000;
            let near = told.abs_diff(*target) <= target / 10;
            assert!(near, "{told} of stream {stream} that may make {target}");
        }
    }

    // The upper one goes off.
    let before = told(&world).len();
    let off = [SendEncoding::new(true), SendEncoding::new(false)];
    world.sender.set_encodings(ID, off.to_vec());
    run(&mut world, 90..120, |_| false);
    let later = told(&world).split_off(before);
    let (_, _, last) = later.last().expect("that is told");
    assert_eq!(kbps(last).len(), 1);
    assert_eq!(last.layers[0].stream, 0);
    // And nothing is told that was told before.
    assert!(
        later
            .windows(2)
            .all(|pair| pair[0].2.layers != pair[1].2.layers)
    );
}

#[test]
fn what_is_told_of_layers_is_told_again_where_it_was_lost() {
    let mut world = simulcast();
    run(&mut world, 0..60, |n| n == 0);
    let before = told(&world).len();
    let both = [0, 1].map(|encoding| frame(encoding, 60, true));
    world.sender.send_frames(at(world.now), ID, both.to_vec());
    world.run(20, |_| true);
    run(&mut world, 61..90, |_| false);
    let repaired = world.received.iter().filter(|packet| {
        packet.timestamp == 180_000 && packet.repaired && !packet.layers_allocation.is_empty()
    });
    assert!(repaired.count() > 0, "one was lost and came again");
    assert!(told(&world).len() >= before + 2);
}

#[test]
fn nothing_is_told_of_layers_where_that_is_not_agreed_on() {
    let mut world = simulcast();
    let mut parameters = video();
    parameters.codecs[0]
        .feedback
        .push(RtcpFeedback::TransportCc);
    let rid = ExtensionId::new(5).expect("not 0");
    let rid = HeaderExtensionParameters::new(rid, uri::RID);
    parameters.header_extensions.push(rid);
    set_plans(&mut world, parameters);
    run(&mut world, 0..60, |n| n == 0 || n == 30);
    assert!(!world.received.is_empty());
    assert_eq!(told(&world), []);
}

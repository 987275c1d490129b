//! What frames depend on, told by dependency descriptors: of codecs whose packets say nothing of it.

mod common;

use common::{ID, World, at, payload_type};
use duologue_media::{EncodedFrameInit, Outlet};
use duologue_rtp::ext::uri;
use duologue_rtp::{
    Codec, CodecParameters, ExtensionId, HeaderExtensionParameters, MediaKind, RtcpFeedback,
    RtpParameters,
};

/// H.264 without repetitions: what is lost stays lost.
fn world(described: bool) -> World {
    let mut h264 = Codec::new(MediaKind::Video, "H264", 90_000);
    h264.sdp_fmtp_line = Some("packetization-mode=1".to_owned());
    let mut codec = CodecParameters::new(payload_type(96), h264);
    codec.feedback = vec![RtcpFeedback::Pli];
    let extension = |id, uri| {
        let id = ExtensionId::new(id).expect("not 0");
        HeaderExtensionParameters::new(id, uri)
    };
    let mut parameters = RtpParameters {
        codecs: vec![codec],
        header_extensions: vec![extension(1, uri::MID)],
        cname: Some("somebody".to_owned()),
        reduced_size: true,
        extmap_allow_mixed: false,
        cryptex: duologue_rtp::Cryptex::Off,
    };
    if described {
        let extension = extension(4, uri::DEPENDENCY_DESCRIPTOR);
        parameters.header_extensions.push(extension);
    }
    let mut world = World::new();
    world.agree(parameters, Outlet::Frames);
    world
}

/// A slice of an IDR picture with its parameter sets, or another one, which ends with its number.
fn frame(number: u8) -> Vec<u8> {
    let mut data: Vec<u8> = match number {
        0 => vec![
            0, 0, 0, 1, 0x67, 0x42, 0xe0, 0x1f, 0, 0, 0, 1, 0x68, 0xce, 0, 0, 0, 1, 0x65,
        ],
        _ => vec![0, 0, 0, 1, 0x41],
    };
    data.resize(800, 0x77);
    data.push(number + 1);
    data
}

/// Layers in the order of L1T3: every second frame is needed by none.
fn temporal(number: u8) -> u8 {
    [0, 2, 1, 2][usize::from(number % 4)]
}

/// Sends so many frames of which one is lost on its way; gives those that came, and how many key frames
/// were asked for.
fn sent(mut world: World, count: u8, lost: u8, named: bool) -> (Vec<u8>, usize, World) {
    for number in 0..count {
        let frame = EncodedFrameInit {
            timestamp: u32::from(number) * 3_000,
            temporal: Some(temporal(number)),
            discardable: temporal(number) == 2,
            frame_id: named.then(|| u64::from(number) + 1_000),
            // What the layers are for.
            dependencies: named.then(|| match temporal(number) {
                0 => Vec::from_iter(number.checked_sub(4).map(|it| u64::from(it) + 1_000)),
                1 => vec![u64::from(number) + 998],
                _ => vec![u64::from(number) + 999],
            }),
            data: frame(number).into(),
            ..Default::default()
        };
        world.sender.send_frames(at(world.now), ID, vec![frame]);
        world.run(33, |_| number == lost);
    }
    world.run(1_000, |_| false);
    let came = world.frames.iter().filter_map(|(_, it)| it.data.last());
    let came = came.map(|last| last - 1).collect();
    let asked = world.sent_key_frame_requests();
    (came, asked, world)
}

#[test]
fn a_lost_frame_that_none_needs_stops_nothing() {
    let (came, asked, world) = sent(world(true), 20, 5, false);
    let others: Vec<u8> = (0..20).filter(|it| *it != 5).collect();
    assert_eq!((came, asked), (others, 0));
    let frames: Vec<_> = world.frames.iter().map(|(_, frame)| frame).collect();
    let ids = frames.iter().map(|it| it.frame_id.expect("it is told"));
    let ids: Vec<u64> = ids.collect();
    assert!(
        ids.windows(2)
            .all(|pair| (1..=2).contains(&(pair[1] - pair[0])))
    );
    assert_eq!(frames[0].dependencies, []);
    assert_eq!(frames[2].dependencies, [ids[0]]);
    assert_eq!(frames[2].temporal, Some(1));
    assert_eq!(frames[4].dependencies, [ids[0]]);
    assert!(frames.iter().all(|it| it.spatial == Some(0)));
}

#[test]
fn without_descriptors_the_same_loss_needs_a_key_frame() {
    let (came, asked, _) = sent(world(false), 20, 5, false);
    assert_eq!(came, [0, 1, 2, 3, 4]);
    assert!(asked > 0);
}

/// H.264 as browsers send it says of no packet for sure that a frame begins with it. What is behind a loss waits for a key frame,
/// and goes on with it at once, whatever of the packets before it came.
#[test]
fn a_key_frame_behind_a_loss_goes_on_without_delimiters_too() {
    for lost in [&[5][..], &[5, 9], &[9]] {
        let mut world = world(false);
        for number in 0..15 {
            let data = if number == 10 {
                key_frame()
            } else {
                frame(number)
            };
            let frame = EncodedFrameInit {
                timestamp: u32::from(number) * 3_000,
                data: data.into(),
                ..Default::default()
            };
            world.sender.send_frames(at(world.now), ID, vec![frame]);
            world.run(33, |_| lost.contains(&number));
        }
        world.run(33, |_| false);
        let came = world.frames.iter().map(|(_, it)| it.timestamp / 3_000);
        let before = 0..u32::from(lost[0]);
        let expected: Vec<u32> = before.chain(10..15).collect();
        assert_eq!(came.collect::<Vec<_>>(), expected, "{lost:?}");
    }
}

/// What is missing may be its parameter sets, without which it is not to be decoded.
#[test]
fn a_key_frame_whose_first_packet_is_lost_is_not_taken_for_a_whole_one() {
    let mut world = world(false);
    for number in 0..15 {
        let data = match number {
            8 | 12 => key_frame(),
            _ => frame(number),
        };
        let frame = EncodedFrameInit {
            timestamp: u32::from(number) * 3_000,
            data: data.into(),
            ..Default::default()
        };
        world.sender.send_frames(at(world.now), ID, vec![frame]);
        let mut packets = 0;
        world.run(33, |_| {
            packets += 1;
            number == 7 || number == 8 && packets == 1
        });
    }
    world.run(33, |_| false);
    let came = world.frames.iter().map(|(_, it)| it.timestamp / 3_000);
    assert_eq!(
        came.collect::<Vec<_>>(),
        Vec::from_iter((0..7).chain(12..15))
    );
}

/// Of several packets.
fn key_frame() -> Vec<u8> {
    let mut data = frame(0);
    // first_mb_in_slice 0
    data[19] = 0xb8;
    data.resize(4_000, 0x77);
    data
}

#[test]
fn those_that_need_a_lost_frame_are_left_out_and_others_are_not() {
    // The application says who needs which. 6 is of the middle layer: 7 alone needs it.
    let (came, asked, _) = sent(world(true), 20, 6, true);
    let others: Vec<u8> = (0..20).filter(|it| ![6, 7].contains(it)).collect();
    assert_eq!((came, asked), (others, 0));
}

#[test]
fn a_lost_frame_of_the_lowest_layer_needs_a_key_frame() {
    let (came, asked, _) = sent(world(true), 20, 8, true);
    assert_eq!(came, (0..8).collect::<Vec<_>>());
    assert!(asked > 0);
}

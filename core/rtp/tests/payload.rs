//! Payload formats on what real encoders made.

mod streams;

use duologue_rtp::payload::{Boundary, FrameSize, Parts, Room};

use streams::{all, carried, payloads};

#[test]
fn frames_of_real_encoders_come_out_as_they_went_in() {
    for stream in all() {
        assert_eq!(stream.frames.len(), 4);
        for (index, frame) in stream.frames.iter().enumerate() {
            for bytes in [64, 100, 333, 1_200] {
                let room = Room::even(bytes);
                let packets = payloads(stream.format, frame, room).expect("they fit");
                let (mut joined, mut parts) = (Vec::new(), Parts::new());
                let slices = packets.iter().map(Vec::as_slice);
                let result = stream.format.join(slices, 4 << 20, &mut joined, &mut parts);
                assert_eq!(result, Ok(()), "{:?} {index} {bytes}", stream.format);
                assert_eq!(joined, carried(stream.format, frame));
            }
        }
    }
}

#[test]
fn key_frames_of_real_encoders_show_in_their_packets_and_have_a_size() {
    let size = FrameSize {
        width: 176,
        height: 144,
    };
    for stream in all() {
        for (index, frame) in stream.frames.iter().enumerate() {
            let key = index % 3 == 0;
            let mut parts = Parts::new();
            stream.format.find_parts(frame, &mut parts).expect("parts");
            let info = stream.format.frame_info(frame, &parts);
            assert_eq!(info.key, key, "{:?} {index}", stream.format);
            assert_eq!(
                info.size,
                key.then_some(size),
                "{:?} {index}",
                stream.format
            );

            let packets = payloads(stream.format, frame, Room::even(100)).expect("they fit");
            let first = stream.format.packet_info(&packets[0]).expect("a payload");
            assert_eq!(first.key, Some(key), "{:?} {index}", stream.format);
            assert_ne!(first.begins, Boundary::No);
        }
    }
}

#[test]
fn a_frame_without_any_one_of_its_packets_is_torn_or_shorter() {
    for stream in all() {
        let frame = &stream.frames[0];
        let packets = payloads(stream.format, frame, Room::even(100)).expect("they fit");
        for lost in 0..packets.len() {
            let (mut joined, mut parts) = (Vec::new(), Parts::new());
            let left = packets
                .iter()
                .enumerate()
                .filter(|(index, _)| *index != lost);
            let left = left.map(|(_, packet)| packet.as_slice());
            if stream
                .format
                .join(left, 4 << 20, &mut joined, &mut parts)
                .is_ok()
            {
                assert!(joined.len() < frame.len());
            } else {
                assert!(joined.is_empty() && parts.is_empty());
            }
        }
    }
}

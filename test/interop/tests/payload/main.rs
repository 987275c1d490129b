//! Our payload formats against those of rtc-rtp (webrtc-rs's), in both directions, on frames of real
//! encoders.

#[path = "../../../../core/rtp/tests/streams/mod.rs"]
mod streams;

use bytes::Bytes;
use duologue_rtp::payload::{Parts, PayloadFormat, Room, nal};
use rtc_rtp::codec::av1::{Av1Depacketizer, Av1Payloader};
use rtc_rtp::codec::h264::{H264Packet, H264Payloader};
use rtc_rtp::codec::h265::{H265Packet, H265Payload, HevcPayloader};
use rtc_rtp::codec::vp8::{Vp8Packet, Vp8Payloader};
use rtc_rtp::codec::vp9::{Vp9Packet, Vp9Payloader};
use rtc_rtp::packetizer::{Depacketizer, Payloader};
use streams::{Stream, carried, payloads};

/// Largest payloads that frames are cut into.
const ROOMS: [usize; 4] = [100, 250, 700, 1_200];

fn payloader(format: PayloadFormat) -> Box<dyn Payloader> {
    match format {
        PayloadFormat::Vp8 => {
            let mut payloader = Vp8Payloader::default();
            payloader.enable_picture_id = true;
            Box::new(payloader)
        }
        PayloadFormat::Vp9 => Box::new(Vp9Payloader::default()),
        PayloadFormat::H264 { .. } => Box::new(H264Payloader::default()),
        PayloadFormat::H265 { .. } => Box::new(HevcPayloader),
        PayloadFormat::Av1 => Box::new(Av1Payloader {}),
        other => panic!("{other:?} has no stream here"),
    }
}

/// A frame out of payloads, by them.
fn depacketize(format: PayloadFormat, payloads: &[Vec<u8>]) -> Vec<u8> {
    let mut depacketizer: Box<dyn Depacketizer> = match format {
        PayloadFormat::Vp8 => Box::new(Vp8Packet::default()),
        PayloadFormat::Vp9 => Box::new(Vp9Packet::default()),
        PayloadFormat::H264 { .. } => Box::new(H264Packet::default()),
        PayloadFormat::H265 { .. } => return depacketize_h265(payloads),
        PayloadFormat::Av1 => Box::new(Av1Depacketizer::new()),
        other => panic!("{other:?} has no stream here"),
    };
    let mut frame = Vec::new();
    for payload in payloads {
        let payload = Bytes::copy_from_slice(payload);
        frame.extend_from_slice(&depacketizer.depacketize(&payload).expect("they take it"));
    }
    frame
}

/// Theirs takes a payload apart; what is in it is put together here.
fn depacketize_h265(payloads: &[Vec<u8>]) -> Vec<u8> {
    const START_CODE: [u8; 4] = [0, 0, 0, 1];
    let mut frame = Vec::new();
    for payload in payloads {
        let mut packet = H265Packet::default();
        let payload = Bytes::copy_from_slice(payload);
        packet.depacketize(&payload).expect("they take it");
        match packet.payload() {
            H265Payload::H265SingleNALUnitPacket(unit) => {
                frame.extend_from_slice(&START_CODE);
                frame.extend_from_slice(&unit.payload_header().0.to_be_bytes());
                frame.extend_from_slice(&unit.payload());
            }
            H265Payload::H265AggregationPacket(units) => {
                let first = units.first_unit().expect("a unit").nal_unit();
                let others = units.other_units().iter().map(|unit| unit.nal_unit());
                for unit in std::iter::once(first).chain(others) {
                    frame.extend_from_slice(&START_CODE);
                    frame.extend_from_slice(&unit);
                }
            }
            H265Payload::H265FragmentationUnitPacket(fragment) => {
                let kind = u16::from(fragment.fu_header().fu_type()) << 9;
                if fragment.fu_header().s() {
                    let header = fragment.payload_header().0 & 0x81ff | kind;
                    frame.extend_from_slice(&START_CODE);
                    frame.extend_from_slice(&header.to_be_bytes());
                }
                frame.extend_from_slice(&fragment.payload());
            }
            other => panic!("{other:?} was not sent"),
        }
    }
    frame
}

#[test]
fn what_they_cut_we_join() {
    for Stream { format, frames } in streams::all() {
        for room in ROOMS {
            let mut payloader = payloader(format);
            for frame in &frames {
                let whole = Bytes::copy_from_slice(frame);
                let payloads = payloader.payload(room, &whole).expect("they cut it");
                let (mut joined, mut parts) = (Vec::new(), Parts::new());
                let slices = payloads.iter().map(|payload| &payload[..]);
                let result = format.join(slices, 4 << 20, &mut joined, &mut parts);
                assert_eq!(result, Ok(()), "{format:?} in {room}");
                assert_eq!(joined, carried(format, frame), "{format:?} in {room}");
            }
        }
    }
}

#[test]
fn what_we_cut_they_join() {
    for Stream { format, frames } in streams::all() {
        for room in ROOMS {
            for frame in &frames {
                let payloads = payloads(format, frame, Room::even(room)).expect("we cut it");
                let joined = depacketize(format, &payloads);
                assert_eq!(joined, carried(format, frame), "{format:?} in {room}");
            }
        }
    }
}

#[test]
fn we_never_need_more_packets_than_they_do() {
    for Stream { format, frames } in streams::all() {
        for room in ROOMS {
            let mut payloader = payloader(format);
            for frame in &frames {
                let whole = Bytes::copy_from_slice(frame);
                let theirs = payloader.payload(room, &whole).expect("they cut it").len();
                let ours = payloads(format, frame, Room::even(room))
                    .expect("we cut it")
                    .len();
                assert!(ours <= theirs, "{format:?} in {room}: {ours}, {theirs}");
            }
        }
    }
}

#[test]
fn units_of_mode_0_are_joined_by_them_as_well() {
    let [_, _, _, h264, _] = streams::all();
    let single = PayloadFormat::H264 { fragments: false };
    for frame in &h264.frames {
        let payloads = payloads(single, frame, Room::even(2_000)).expect("they fit");
        let mut parts = Parts::new();
        nal::find_by_start_codes(frame, &mut parts).expect("NAL units");
        assert_eq!(payloads.len(), parts.len());
        assert_eq!(depacketize(single, &payloads), *frame);
    }
}

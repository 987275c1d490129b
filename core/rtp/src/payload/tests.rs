use super::*;

/// The payloads that a frame is cut into.
pub(super) fn payloads(
    format: PayloadFormat,
    frame: &[u8],
    parts: &Parts,
    descriptor: Descriptor<'_>,
    room: Room,
) -> Result<Vec<Vec<u8>>, SplitError> {
    let mut packets = Packets::new();
    format.split(frame, parts, descriptor, room, &mut packets)?;
    let payload = |index| {
        let mut out = Vec::new();
        packets.write(index, frame, &mut out);
        assert_eq!(out.len(), packets.payload_len(index));
        out
    };
    Ok((0..packets.len()).map(payload).collect())
}

/// The frame and the parts that payloads make.
pub(super) fn joined<P: AsRef<[u8]>>(
    format: PayloadFormat,
    payloads: &[P],
) -> Result<(Vec<u8>, Parts), JoinError> {
    let (mut frame, mut parts) = (Vec::new(), Parts::new());
    let payloads = payloads.iter().map(AsRef::as_ref);
    format.join(payloads, 4 << 20, &mut frame, &mut parts)?;
    Ok((frame, parts))
}

#[test]
fn a_codec_that_is_not_known_is_passed_through_packet_by_packet() {
    let format = PayloadFormat::negotiated("H266", Fmtp::of(None));
    assert_eq!(format, PayloadFormat::Opaque);
    let packets = [&b"one"[..], b"two", b"!"];
    let (frame, parts) = joined(format, &packets).expect("nothing is asked of it");
    assert_eq!(frame, b"onetwo!");
    let again = payloads(format, &frame, &parts, Descriptor::None, Room::even(100));
    assert_eq!(again.expect("they fit"), packets);
}

#[test]
fn names_of_codecs_have_no_case() {
    for (name, format) in KNOWN {
        assert_eq!(PayloadFormat::negotiated(name, Fmtp::of(None)), format);
        let lower = name.to_ascii_lowercase();
        assert_eq!(PayloadFormat::negotiated(&lower, Fmtp::of(None)), format);
    }
}

#[test]
fn g722_counts_its_samples_by_two() {
    // 20 ms at 16 kHz are 320 samples, 160 bytes and 160 ticks.
    assert_eq!(PayloadFormat::G722.duration(&[0; 160]), Some(160));
    assert_eq!(PayloadFormat::G711.duration(&[0; 160]), Some(160));
    assert_eq!(PayloadFormat::ComfortNoise.duration(&[0; 9]), None);
}

#[test]
fn audio_is_a_frame_a_packet() {
    let info = PayloadFormat::Opus.packet_info(&[0x78]).expect("DTX");
    assert_eq!(
        (info.begins, info.ends),
        (Boundary::Certain, Boundary::Certain)
    );
    assert_eq!(
        PayloadFormat::Opus.packet_info(&[]),
        Err(JoinError::Malformed)
    );
    let too_large = payloads(
        PayloadFormat::Opus,
        &[0x78; 101],
        &Parts::whole(101),
        Descriptor::None,
        Room::even(100),
    );
    assert_eq!(too_large, Err(SplitError::TooLarge));
}

#[test]
fn a_frame_above_the_limit_is_not_made() {
    for format in [PayloadFormat::Opaque, PayloadFormat::Vp8] {
        let payload = [0x10, 1, 2, 3];
        let (mut frame, mut parts) = (vec![7], Parts::new());
        let limit = match format {
            PayloadFormat::Opaque => 3,
            _ => 2,
        };
        let result = format.join([&payload[..]], limit, &mut frame, &mut parts);
        assert_eq!(result, Err(JoinError::TooLarge));
        assert_eq!((frame, parts), (vec![7], Parts::new()));
    }
}

//! A few pictures by real encoders, see `make.sh`.

use duologue_rtp::payload::{
    Descriptor, Packets, Parts, PayloadFormat, Room, SplitError, nal, vp9,
};

/// A codec's stream, frame by frame.
pub(crate) struct Stream {
    pub(crate) format: PayloadFormat,
    pub(crate) frames: Vec<Vec<u8>>,
}

/// One for each codec that has fragments.
pub(crate) fn all() -> [Stream; 5] {
    let h264 = PayloadFormat::H264 { fragments: true };
    let h265 = PayloadFormat::H265 { numbered: false };
    [
        (PayloadFormat::Vp8, ivf(include_bytes!("vp8.ivf"))),
        (PayloadFormat::Vp9, ivf(include_bytes!("vp9.ivf"))),
        (PayloadFormat::Av1, ivf(include_bytes!("av1.ivf"))),
        (h264, access_units(include_bytes!("h264.h264"), begins_h264)),
        (h265, access_units(include_bytes!("h265.h265"), begins_h265)),
    ]
    .map(|(format, frames)| Stream { format, frames })
}

/// The frames of an IVF file: a header of 32 bytes, then each behind its length and eight bytes more.
pub(crate) fn ivf(file: &[u8]) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    let mut rest = &file[32..];
    while let Some((header, behind)) = rest.split_at_checked(12) {
        let len = u32::from_le_bytes([header[0], header[1], header[2], header[3]]);
        let (frame, behind) = behind.split_at(len as usize);
        frames.push(frame.to_vec());
        rest = behind;
    }
    frames
}

/// The access units of an elementary stream, each NAL unit behind four bytes of start code.
pub(crate) fn access_units(file: &[u8], begins: fn(&[u8]) -> Unit) -> Vec<Vec<u8>> {
    let mut parts = Parts::new();
    nal::find_by_start_codes(file, &mut parts).expect("NAL units");
    let mut frames: Vec<Vec<u8>> = Vec::new();
    let mut has_slice = true;
    for part in parts.iter() {
        let unit = &file[part.start as usize..part.end as usize];
        let begins = begins(unit);
        if has_slice && begins != Unit::Goes {
            frames.push(Vec::new());
            has_slice = false;
        }
        has_slice |= begins != Unit::Before;
        let frame = frames.last_mut().expect("there is one");
        frame.extend_from_slice(&[0, 0, 0, 1]);
        frame.extend_from_slice(unit);
    }
    frames
}

/// What a NAL unit has to do with the beginning of an access unit.
#[derive(Eq, PartialEq)]
pub(crate) enum Unit {
    /// It stands before the slices.
    Before,
    /// It is the first slice.
    Slice,
    /// It goes on with it.
    Goes,
}

pub(crate) fn begins_h264(unit: &[u8]) -> Unit {
    match unit[0] & 0x1f {
        6..=9 => Unit::Before,
        // first_mb_in_slice is 0.
        1..=5 if unit[1] & 0x80 != 0 => Unit::Slice,
        _ => Unit::Goes,
    }
}

pub(crate) fn begins_h265(unit: &[u8]) -> Unit {
    match unit[0] >> 1 & 0x3f {
        32..=35 | 39 => Unit::Before,
        // first_slice_segment_in_pic_flag
        0..=31 if unit[2] & 0x80 != 0 => Unit::Slice,
        _ => Unit::Goes,
    }
}

/// What packets carry of a frame: of AV1 no temporal delimiter.
pub(crate) fn carried(format: PayloadFormat, frame: &[u8]) -> Vec<u8> {
    match format {
        PayloadFormat::Av1 => frame.strip_prefix(&[0x12, 0]).unwrap_or(frame).to_vec(),
        _ => frame.to_vec(),
    }
}

/// What VP9's packets must say, at least.
pub(crate) fn descriptor(format: PayloadFormat, key: bool) -> Descriptor<'static> {
    match format {
        PayloadFormat::Vp9 => Descriptor::Vp9(vp9::Descriptor {
            predicted: !key,
            ..vp9::Descriptor::default()
        }),
        _ => Descriptor::None,
    }
}

/// A frame in payloads.
pub(crate) fn payloads(
    format: PayloadFormat,
    frame: &[u8],
    room: Room,
) -> Result<Vec<Vec<u8>>, SplitError> {
    let mut parts = Parts::new();
    format.find_parts(frame, &mut parts)?;
    let key = format.frame_info(frame, &parts).key;
    let mut packets = Packets::new();
    format.split(frame, &parts, descriptor(format, key), room, &mut packets)?;
    let payload = |index| {
        let mut payload = Vec::new();
        packets.write(index, frame, &mut payload);
        payload
    };
    Ok((0..packets.len()).map(payload).collect())
}

//! VP8 in RTP (RFC 7741).

use super::join::JoinError;
use super::parts::Parts;
use super::picture_id::{NumberPlaces, PictureId, Prefix, take};
use super::split::{Packets, Room, SplitError};
use super::{Boundary, FrameInfo, FrameSize, PacketInfo};

/// The payload descriptor (RFC 7741 §4.2) without what differs between the packets of a frame. By
/// default it is one byte, as browsers send it where the dependency descriptor is agreed on.
///
/// ```
/// use duologue_rtp::payload::{Descriptor, PayloadFormat, PictureId};
///
/// // X, S; I and T; the picture's number; the layer.
/// let payload = [0x90, 0xa0, 0x2a, 0x80, 0x11, 0x22];
/// let info = PayloadFormat::Vp8.packet_info(&payload)?;
/// let Descriptor::Vp8(descriptor) = info.descriptor else { unreachable!() };
/// assert_eq!(descriptor.picture_id, Some(PictureId::Short(42)));
/// assert_eq!((info.temporal, info.key), (Some(2), Some(false)));
/// # Ok::<(), duologue_rtp::payload::JoinError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Descriptor {
    /// N: no other frame needs this one.
    pub non_reference: bool,
    /// I, M: which picture the packet is of.
    pub picture_id: Option<PictureId>,
    /// TL0PICIDX: the running number of the last frame of the lowest temporal layer, modulo 256.
    pub tl0_picture: Option<u8>,
    /// TID: the temporal layer, 0 to 3.
    pub temporal: Option<u8>,
    /// Y: it needs the lowest temporal layer alone, so that a receiver may begin with its layer
    /// here. Says something with `temporal` only.
    pub layer_sync: bool,
    /// KEYIDX: the running number of the last key frame, modulo 32.
    pub key_index: Option<u8>,
}

impl Descriptor {
    fn write(&self) -> Prefix {
        let mut out = Prefix::default();
        let flag = |set: bool, bit: u8| if set { bit } else { 0 };
        let extended = flag(self.picture_id.is_some(), PICTURE_ID)
            | flag(self.tl0_picture.is_some(), TL0_PICTURE)
            | flag(self.temporal.is_some(), TEMPORAL)
            | flag(self.key_index.is_some(), KEY_INDEX);
        out.push(flag(extended != 0, EXTENDED) | flag(self.non_reference, NON_REFERENCE));
        if extended == 0 {
            return out;
        }

        out.push(extended);
        if let Some(id) = self.picture_id {
            id.write(&mut out);
        }
        if let Some(tl0) = self.tl0_picture {
            out.push(tl0);
        }
        if self.temporal.is_some() || self.key_index.is_some() {
            let temporal = (self.temporal.unwrap_or_default() & 3) << 6;
            let key_index = self.key_index.unwrap_or_default() & 0x1f;
            out.push(temporal | flag(self.layer_sync, LAYER_SYNC) | key_index);
        }
        out
    }
}

/// Where the numbers of a descriptor stand, which can be read.
pub(crate) fn number_places(payload: &[u8]) -> NumberPlaces {
    let mut places = NumberPlaces::default();
    let extended = match payload {
        [first, extended, ..] if first & EXTENDED != 0 => *extended,
        _ => return places,
    };
    let mut at = 2;
    if extended & PICTURE_ID != 0 {
        places.picture = Some(at);
        at += PictureId::len_in(&payload[at..]);
    }
    places.tl0_picture = (extended & TL0_PICTURE != 0).then_some(at);
    places
}

/// A payload taken apart.
#[derive(Clone, Copy, Debug)]
struct Payload<'a> {
    descriptor: Descriptor,
    /// S and PID 0: the frame begins.
    begins: bool,
    data: &'a [u8],
}

impl<'a> Payload<'a> {
    fn parse(payload: &'a [u8]) -> Result<Self, JoinError> {
        Self::read(payload).ok_or(JoinError::Malformed)
    }

    fn read(mut bytes: &'a [u8]) -> Option<Self> {
        let first = take(&mut bytes)?;
        let mut descriptor = Descriptor {
            non_reference: first & NON_REFERENCE != 0,
            ..Descriptor::default()
        };
        let extended = match first & EXTENDED {
            0 => 0,
            _ => take(&mut bytes)?,
        };

        if extended & PICTURE_ID != 0 {
            descriptor.picture_id = Some(PictureId::read(&mut bytes)?);
        }
        if extended & TL0_PICTURE != 0 {
            descriptor.tl0_picture = Some(take(&mut bytes)?);
        }
        if extended & (TEMPORAL | KEY_INDEX) != 0 {
            let byte = take(&mut bytes)?;
            descriptor.layer_sync = byte & LAYER_SYNC != 0;
            descriptor.temporal = (extended & TEMPORAL != 0).then_some(byte >> 6);
            descriptor.key_index = (extended & KEY_INDEX != 0).then_some(byte & 0x1f);
        }

        let payload = Payload {
            descriptor,
            begins: first & START != 0 && first & PARTITION == 0,
            data: bytes,
        };
        (!bytes.is_empty()).then_some(payload)
    }
}

pub(crate) fn packet_info(payload: &[u8]) -> Result<PacketInfo<'_>, JoinError> {
    let payload = Payload::parse(payload)?;
    let begins = match payload.begins {
        true => Boundary::Certain,
        false => Boundary::No,
    };
    Ok(PacketInfo {
        begins,
        // Nothing but the marker tells.
        ends: Boundary::Possible,
        key: payload.begins.then(|| is_key(payload.data)),
        temporal: payload.descriptor.temporal,
        discardable: payload.descriptor.non_reference,
        descriptor: super::Descriptor::Vp8(payload.descriptor),
        ..PacketInfo::default()
    })
}

pub(crate) fn split(
    frame: &[u8],
    descriptor: &Descriptor,
    room: Room,
    packets: &mut Packets,
) -> Result<(), SplitError> {
    let mut prefix = descriptor.write();
    let prefix = prefix.as_mut_slice();
    let room = room.less(prefix.len(), 0).ok_or(SplitError::NoRoom)?;
    let mut at = 0;
    for len in room.cut(frame.len()).ok_or(SplitError::NoRoom)? {
        // RFC 7741 §4.2: S is set where a partition begins. All is sent as the first one: where the
        // others begin is of no use to a receiver that repairs whole frames.
        prefix[0] &= !START;
        if at == 0 {
            prefix[0] |= START;
        }
        packets.packet(prefix, at..at + len as u32);
        at += len as u32;
    }
    Ok(())
}

pub(crate) fn join<'a>(
    payloads: impl Iterator<Item = &'a [u8]> + Clone,
    limit: usize,
    frame: &mut Vec<u8>,
    parts: &mut Parts,
) -> Result<(), JoinError> {
    let mut len = 0;
    for (index, payload) in payloads.clone().enumerate() {
        let payload = Payload::parse(payload)?;
        if payload.begins != (index == 0) {
            return Err(JoinError::Torn);
        }
        len += payload.data.len();
    }
    if len == 0 {
        return Err(JoinError::Empty);
    }

    let range = frame.len()..frame.len() + len;
    let end = u32::try_from(range.end).map_err(|_| JoinError::TooLarge)?;
    if len > limit || !parts.push(range.start as u32..end) {
        return Err(JoinError::TooLarge);
    }
    frame.reserve(len);
    for payload in payloads {
        frame.extend_from_slice(Payload::parse(payload)?.data);
    }
    Ok(())
}

/// RFC 6386 §9.1: the first bit of a frame is 0 for a key frame.
fn is_key(frame: &[u8]) -> bool {
    frame.first().is_some_and(|first| first & 1 == 0)
}

pub(crate) fn frame_info(frame: &[u8]) -> FrameInfo {
    let key = is_key(frame);
    FrameInfo {
        key,
        size: key.then(|| key_frame_size(frame)).flatten(),
        ..FrameInfo::default()
    }
}

/// RFC 6386 §9.1: behind the tag of three bytes a start code, then 14 bits each of width and height.
fn key_frame_size(frame: &[u8]) -> Option<FrameSize> {
    let [_, _, _, 0x9d, 0x01, 0x2a, w0, w1, h0, h1, ..] = *frame else {
        return None;
    };
    Some(FrameSize {
        width: u32::from(u16::from_le_bytes([w0, w1]) & 0x3fff),
        height: u32::from(u16::from_le_bytes([h0, h1]) & 0x3fff),
    })
}

const EXTENDED: u8 = 0x80;
const NON_REFERENCE: u8 = 0x20;
const START: u8 = 0x10;
const PARTITION: u8 = 0x07;
// The second byte.
const PICTURE_ID: u8 = 0x80;
const TL0_PICTURE: u8 = 0x40;
const TEMPORAL: u8 = 0x20;
const KEY_INDEX: u8 = 0x10;
// That of TID, Y and KEYIDX.
const LAYER_SYNC: u8 = 0x20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::tests::{joined, payloads};
    use crate::payload::{self, PayloadFormat};

    const FORMAT: PayloadFormat = PayloadFormat::Vp8;
    /// A key frame of 640x480: tag, start code, sizes.
    const KEY: [u8; 12] = [0x10, 2, 0, 0x9d, 1, 0x2a, 0x80, 2, 0xe0, 1, 9, 9];

    fn info(payload: &[u8]) -> PacketInfo<'_> {
        FORMAT.packet_info(payload).expect("a payload")
    }

    /// Chromium and Firefox, once the dependency descriptor is agreed on.
    #[test]
    fn a_descriptor_of_one_byte_has_no_numbers() {
        let mut payload = vec![0x10];
        payload.extend_from_slice(&KEY);
        let first = info(&payload);
        assert_eq!((first.begins, first.key), (Boundary::Certain, Some(true)));
        assert_eq!(
            first.descriptor,
            payload::Descriptor::Vp8(Descriptor::default())
        );
        let next = info(&[0x00, 1, 2, 3]);
        assert_eq!((next.begins, next.key), (Boundary::No, None));

        let (frame, parts) = joined(FORMAT, &[&payload[..], &[0, 7, 7]]).expect("a frame");
        assert_eq!(frame, [&KEY[..], &[7, 7]].concat());
        assert_eq!(&parts[..], std::slice::from_ref(&(0..14)));
        let info = FORMAT.frame_info(&frame, &parts);
        let size = FrameSize {
            width: 640,
            height: 480,
        };
        assert_eq!((info.key, info.size), (true, Some(size)));
    }

    /// Chromium with one stream: X, I, fifteen bits.
    #[test]
    fn one_stream_has_a_picture_id_of_fifteen_bits() {
        let first = info(&[0x90, 0x80, 0x92, 0x34, 0x11, 0]);
        let descriptor = Descriptor {
            picture_id: Some(PictureId::Long(0x1234)),
            ..Descriptor::default()
        };
        assert_eq!(first.descriptor, payload::Descriptor::Vp8(descriptor));
        assert_eq!(first.key, Some(false));
    }

    /// Chromium with simulcast: I, L, T; N on the top layer.
    #[test]
    fn a_simulcast_layer_says_its_temporal_layer_and_what_may_be_dropped() {
        let first = info(&[0xb0, 0xe0, 0x80, 0x05, 0x2a, 0xa0, 0x11, 0]);
        let descriptor = Descriptor {
            non_reference: true,
            picture_id: Some(PictureId::Long(5)),
            tl0_picture: Some(42),
            temporal: Some(2),
            layer_sync: true,
            key_index: None,
        };
        assert_eq!(first.descriptor, payload::Descriptor::Vp8(descriptor));
        assert_eq!((first.temporal, first.discardable), (Some(2), true));
    }

    #[test]
    fn what_is_split_is_read_again_with_its_descriptor() {
        let descriptors = [
            Descriptor::default(),
            Descriptor {
                non_reference: true,
                picture_id: Some(PictureId::Short(127)),
                key_index: Some(31),
                ..Descriptor::default()
            },
            Descriptor {
                picture_id: Some(PictureId::Long(0x7fff)),
                tl0_picture: Some(255),
                temporal: Some(3),
                layer_sync: true,
                key_index: Some(17),
                ..Descriptor::default()
            },
        ];
        let frame: Vec<u8> = (0..1000u32).map(|n| n as u8).collect();
        for descriptor in descriptors {
            let descriptor = payload::Descriptor::Vp8(descriptor);
            let room = Room {
                first: 200,
                middle: 300,
                last: 290,
            };
            let payloads = payloads(FORMAT, &frame, &Parts::whole(1000), descriptor, room);
            let payloads = payloads.expect("they fit");
            for (index, payload) in payloads.iter().enumerate() {
                let info = info(payload);
                assert_eq!(info.descriptor, descriptor);
                assert_eq!(info.begins == Boundary::Certain, index == 0);
            }
            let level = payloads[0].len() + 100;
            assert!(
                payloads[1..payloads.len() - 1]
                    .iter()
                    .all(|p| p.len() == level)
            );
            assert_eq!(joined(FORMAT, &payloads).expect("a frame").0, frame);
        }
    }

    #[test]
    fn a_frame_without_its_first_packet_is_torn() {
        assert_eq!(joined(FORMAT, &[[0x00, 1]]), Err(JoinError::Torn));
        assert_eq!(
            joined(FORMAT, &[[0x10, 1], [0x10, 1]]),
            Err(JoinError::Torn),
            "two first ones"
        );
        // The second partition's start is no frame's.
        assert!(joined(FORMAT, &[[0x10, 1], [0x11, 1]]).is_ok());
    }

    #[test]
    fn a_descriptor_that_is_cut_off_is_malformed() {
        let whole = [0xb0, 0xf0, 0x80, 0x05, 0x2a, 0xbf, 0x11];
        for len in 0..whole.len() {
            let result = FORMAT.packet_info(&whole[..len]);
            assert_eq!(result, Err(JoinError::Malformed), "{len}");
        }
    }

    #[test]
    fn picture_ids_wrap_within_their_bits() {
        assert_eq!(PictureId::Short(127).next(), PictureId::Short(0));
        assert_eq!(PictureId::Long(0x7fff).next(), PictureId::Long(0));
    }
}

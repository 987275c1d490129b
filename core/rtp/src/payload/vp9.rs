//! VP9 in RTP (RFC 9628). A frame in packets is that of one spatial layer: a picture of several layers
//! is as many frames with one time stamp, and the marker is on the last one's last packet. Joined they
//! are a superframe, whose index at its end decoders need to find all of them.

mod superframe;

use std::ops::{Deref, Range};

use super::bits::Bits;
use super::join::{Fragment, Head, JoinError, Plain, join_units};
use super::parts::{self, Parts};
use super::picture_id::{NumberPlaces, PictureId, Prefix, take};
use super::split::{Packets, Room, SplitError};
use super::{Boundary, FrameInfo, FrameSize, PacketInfo};

/// The payload descriptor (RFC 9628 §4.2) without what differs between the packets of a frame.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Descriptor<'a> {
    /// I, M: which picture it is; the same on all its layers.
    pub picture_id: Option<PictureId>,
    /// P: it needs other pictures.
    pub predicted: bool,
    /// L: which layers it is of.
    pub layers: Option<Layers>,
    /// F: its references are listed, instead of following from a group of pictures.
    pub flexible: bool,
    /// TL0PICIDX: the running number of the last picture of the lowest temporal layer, modulo 256.
    /// There are just those of frames with `layers` that are not `flexible`.
    pub tl0_picture: Option<u8>,
    /// P_DIFF: the pictures that it needs, if it is `flexible` and `predicted`.
    pub references: References,
    /// Z: no higher spatial layer of the same picture needs it.
    pub not_upper_reference: bool,
    /// V: what layers there are, on the first packet of key frames.
    pub structure: Option<Structure<'a>>,
}

impl Descriptor<'_> {
    /// Borrows nothing any more: the scalability structure is left out.
    pub fn without_structure(self) -> Descriptor<'static> {
        Descriptor {
            structure: None,
            ..self
        }
    }

    /// Of a packet that is neither the first nor the last; no structure.
    fn write(&self) -> Result<Prefix, SplitError> {
        let listed = self.flexible && self.predicted;
        if listed == self.references.is_empty() {
            return Err(SplitError::BadDescriptor);
        }
        let flag = |set: bool, bit: u8| if set { bit } else { 0 };
        let mut out = Prefix::default();
        out.push(
            flag(self.picture_id.is_some(), PICTURE_ID)
                | flag(self.predicted, PREDICTED)
                | flag(self.layers.is_some(), LAYERS)
                | flag(self.flexible, FLEXIBLE)
                | flag(self.not_upper_reference, NOT_UPPER_REFERENCE),
        );

        if let Some(id) = self.picture_id {
            id.write(&mut out);
        }
        if let Some(layers) = self.layers {
            out.push(layers.byte());
            if !self.flexible {
                out.push(self.tl0_picture.unwrap_or_default());
            }
        }
        for (index, &diff) in self.references.iter().enumerate() {
            let more = index + 1 < self.references.len();
            out.push(diff << 1 | u8::from(more));
        }
        Ok(out)
    }
}

/// Where in the layers a frame stands.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Layers {
    /// TID: 0 to 7.
    pub temporal: u8,
    /// U: from this picture on a receiver may go up to a higher temporal layer.
    pub switching_up: bool,
    /// SID: 0 to 7.
    pub spatial: u8,
    /// D: it needs the next lower spatial layer of the same picture.
    pub inter_layer: bool,
}

impl Layers {
    fn of(byte: u8) -> Self {
        Layers {
            temporal: byte >> 5,
            switching_up: byte & 0x10 != 0,
            spatial: byte >> 1 & 7,
            inter_layer: byte & 1 != 0,
        }
    }

    fn byte(self) -> u8 {
        self.temporal << 5
            | u8::from(self.switching_up) << 4
            | (self.spatial & 7) << 1
            | u8::from(self.inter_layer)
    }
}

/// How many pictures before this one each of up to three pictures lies that it needs.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct References {
    diffs: [u8; 3],
    len: u8,
}

impl References {
    /// `None` if there are more than three.
    pub fn new(diffs: &[u8]) -> Option<Self> {
        let mut references = References::default();
        for &diff in diffs {
            references.push(diff)?;
        }
        Some(references)
    }

    fn push(&mut self, diff: u8) -> Option<()> {
        *self.diffs.get_mut(usize::from(self.len))? = diff;
        self.len += 1;
        Some(())
    }
}

impl Deref for References {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.diffs[..usize::from(self.len)]
    }
}

/// A scalability structure (RFC 9628 §4.2.1) as it is in a packet, well-formed.
///
/// ```
/// use duologue_rtp::payload::FrameSize;
/// use duologue_rtp::payload::vp9::Structure;
///
/// let sizes = [(320, 180), (640, 360)].map(|(width, height)| FrameSize { width, height });
/// let mut bytes = Vec::new();
/// assert!(Structure::write(2, &sizes, &[], &mut bytes));
/// let structure = Structure::parse(&bytes).unwrap();
/// assert_eq!(structure.spatial_layers(), 2);
/// assert!(structure.sizes().eq(sizes));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Structure<'a>(&'a [u8]);

impl<'a> Structure<'a> {
    /// The structure that these bytes are, all of them.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let mut rest = bytes;
        let structure = Self::read(&mut rest)?;
        rest.is_empty().then_some(structure)
    }

    /// Appends one: a size for each spatial layer or none at all, from one layer to eight; and the
    /// pictures of a group, up to 255. False, and nothing appended, if it is not so.
    pub fn write(
        spatial_layers: u8,
        sizes: &[FrameSize],
        group: &[GroupPicture],
        out: &mut Vec<u8>,
    ) -> bool {
        let sized = sizes.len() == usize::from(spatial_layers) || sizes.is_empty();
        let small = |size: &FrameSize| size.width <= 0xffff && size.height <= 0xffff;
        if !(1..=8).contains(&spatial_layers)
            || !sized
            || !sizes.iter().all(small)
            || group.len() > 255
        {
            return false;
        }
        let flag = |set: bool, bit: u8| if set { bit } else { 0 };
        out.push(
            (spatial_layers - 1) << 5
                | flag(!sizes.is_empty(), SIZES)
                | flag(!group.is_empty(), GROUP),
        );
        for size in sizes {
            out.extend_from_slice(&(size.width as u16).to_be_bytes());
            out.extend_from_slice(&(size.height as u16).to_be_bytes());
        }
        if !group.is_empty() {
            out.push(group.len() as u8);
        }
        for picture in group {
            let references = picture.references.len << 2;
            out.push(picture.temporal << 5 | flag(picture.switching_up, 0x10) | references);
            out.extend_from_slice(&picture.references);
        }
        true
    }

    /// Takes one off.
    fn read(bytes: &mut &'a [u8]) -> Option<Self> {
        let whole = *bytes;
        let first = take(bytes)?;
        if first & SIZES != 0 {
            let len = (usize::from(first >> 5) + 1) * 4;
            *bytes = bytes.get(len..)?;
        }
        if first & GROUP != 0 {
            for _ in 0..take(bytes)? {
                GroupPicture::read(bytes)?;
            }
        }
        whole.get(..whole.len() - bytes.len()).map(Structure)
    }

    /// The bytes in the packet.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.0
    }

    /// N_S: how many spatial layers there are, 1 to 8.
    pub fn spatial_layers(&self) -> u8 {
        (self.first() >> 5) + 1
    }

    /// The sizes of the spatial layers, from the lowest up; none if they are not said.
    pub fn sizes(&self) -> impl Iterator<Item = FrameSize> + 'a {
        let layers = self.layers_with_size();
        let bytes = self.0.get(1..1 + layers * 4).unwrap_or_default();
        bytes.chunks_exact(4).map(|size| FrameSize {
            width: u32::from(u16::from_be_bytes([size[0], size[1]])),
            height: u32::from(u16::from_be_bytes([size[2], size[3]])),
        })
    }

    /// The pictures of a group in their order, which repeats; none if references are not said like
    /// this.
    pub fn group(&self) -> impl Iterator<Item = GroupPicture> + 'a {
        let grouped = self.first() & GROUP != 0;
        let at = 1 + self.layers_with_size() * 4 + 1;
        let mut rest = self.0.get(at..).filter(|_| grouped).unwrap_or_default();
        std::iter::from_fn(move || GroupPicture::read(&mut rest))
    }

    fn first(&self) -> u8 {
        self.0.first().copied().unwrap_or_default()
    }

    fn layers_with_size(&self) -> usize {
        match self.first() & SIZES {
            0 => 0,
            _ => usize::from(self.spatial_layers()),
        }
    }
}

/// One picture of the group that a [`Structure`] describes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct GroupPicture {
    /// The temporal layer, 0 to 7.
    pub temporal: u8,
    /// Whether a receiver may go up to a higher temporal layer from this picture on.
    pub switching_up: bool,
    /// The pictures that this one needs.
    pub references: References,
}

impl GroupPicture {
    fn read(bytes: &mut &[u8]) -> Option<Self> {
        let first = take(bytes)?;
        let mut references = References::default();
        for _ in 0..first >> 2 & 3 {
            references.push(take(bytes)?)?;
        }
        Some(GroupPicture {
            temporal: first >> 5,
            switching_up: first & 0x10 != 0,
            references,
        })
    }
}

/// Where the numbers of a descriptor stand, which can be read.
pub(crate) fn number_places(payload: &[u8]) -> NumberPlaces {
    let mut places = NumberPlaces::default();
    let Some(&first) = payload.first() else {
        return places;
    };
    let mut at = 1;
    if first & PICTURE_ID != 0 {
        places.picture = Some(at);
        at += PictureId::len_in(&payload[at..]);
    }
    if first & LAYERS != 0 && first & FLEXIBLE == 0 {
        places.tl0_picture = Some(at + 1);
    }
    places
}

/// A payload taken apart.
#[derive(Clone, Copy, Debug)]
struct Payload<'a> {
    descriptor: Descriptor<'a>,
    begins: bool,
    ends: bool,
    data: &'a [u8],
}

impl<'a> Payload<'a> {
    fn parse(payload: &'a [u8]) -> Result<Self, JoinError> {
        Self::read(payload).ok_or(JoinError::Malformed)
    }

    fn read(mut bytes: &'a [u8]) -> Option<Self> {
        let first = take(&mut bytes)?;
        let mut descriptor = Descriptor {
            predicted: first & PREDICTED != 0,
            flexible: first & FLEXIBLE != 0,
            not_upper_reference: first & NOT_UPPER_REFERENCE != 0,
            ..Descriptor::default()
        };
        if first & PICTURE_ID != 0 {
            descriptor.picture_id = Some(PictureId::read(&mut bytes)?);
        }
        if first & LAYERS != 0 {
            descriptor.layers = Some(Layers::of(take(&mut bytes)?));
            if !descriptor.flexible {
                descriptor.tl0_picture = Some(take(&mut bytes)?);
            }
        }
        if descriptor.flexible && descriptor.predicted {
            descriptor.references = read_references(&mut bytes)?;
        }
        if first & STRUCTURE != 0 {
            descriptor.structure = Some(Structure::read(&mut bytes)?);
        }

        let payload = Payload {
            descriptor,
            begins: first & BEGIN != 0,
            ends: first & END != 0,
            data: bytes,
        };
        (!bytes.is_empty()).then_some(payload)
    }
}

fn read_references(bytes: &mut &[u8]) -> Option<References> {
    let mut references = References::default();
    loop {
        let byte = take(bytes)?;
        references.push(byte >> 1)?;
        if byte & 1 == 0 {
            return Some(references);
        }
    }
}

pub(crate) fn packet_info(payload: &[u8]) -> Result<PacketInfo<'_>, JoinError> {
    let payload = Payload::parse(payload)?;
    let boundary = |certain| match certain {
        true => Boundary::Certain,
        false => Boundary::No,
    };
    Ok(PacketInfo {
        first_slice: false,
        parameter_sets: false,
        begins: boundary(payload.begins),
        ends: boundary(payload.ends),
        key: Some(!payload.descriptor.predicted),
        spatial: payload.descriptor.layers.map(|layers| layers.spatial),
        temporal: payload.descriptor.layers.map(|layers| layers.temporal),
        descriptor: super::Descriptor::Vp9(payload.descriptor),
        ..PacketInfo::default()
    })
}

/// One layer's frame.
pub(crate) fn split(
    frame: &[u8],
    descriptor: &Descriptor<'_>,
    room: Room,
    packets: &mut Packets,
) -> Result<(), SplitError> {
    let mut prefix = descriptor.write()?;
    let prefix = prefix.as_mut_slice();
    let structure = descriptor.structure.map_or(&[][..], |s| s.as_bytes());
    let room = room.less(prefix.len(), structure.len());
    let room = room.ok_or(SplitError::NoRoom)?;

    let flags = prefix[0];
    let mut at = 0;
    let mut cut = room.cut(frame.len()).ok_or(SplitError::NoRoom)?;
    while let Some(len) = cut.next() {
        let range = at as u32..(at + len) as u32;
        let end = if cut.packets() == 0 { END } else { 0 };
        if at > 0 {
            prefix[0] = flags | end;
            packets.piece(prefix, range);
        } else {
            let v = if structure.is_empty() { 0 } else { STRUCTURE };
            prefix[0] = flags | BEGIN | v | end;
            packets.piece(prefix, 0..0);
            packets.piece(structure, range);
        }
        packets.end_packet();
        at += len;
    }
    Ok(())
}

/// What a payload has of its frame.
pub(crate) fn fragment(payload: &[u8]) -> Result<Fragment<'_>, JoinError> {
    let payload = Payload::parse(payload)?;
    Ok(Fragment {
        head: Head::default(),
        data: payload.data,
        begins: payload.begins,
        ends: payload.ends,
    })
}

/// The layers of a picture one behind another; of several a superframe.
pub(crate) fn join<'a>(
    payloads: impl Iterator<Item = &'a [u8]> + Clone,
    limit: usize,
    frame: &mut Vec<u8>,
    parts: &mut Parts,
) -> Result<(), JoinError> {
    let (frame_len, parts_len) = (frame.len(), parts.len());
    join_units(&Plain, payloads.map(fragment), limit, frame, parts)?;
    let joined = superframe::append_index(&parts[parts_len..], frame);
    if joined.is_ok() && frame.len() - frame_len <= limit {
        return Ok(());
    }

    frame.truncate(frame_len);
    parts.truncate(parts_len);
    Err(JoinError::TooLarge)
}

/// A part for each frame of a superframe.
pub(crate) fn find_parts(frame: &[u8], parts: &mut Parts) -> bool {
    superframe::find_parts(frame, parts)
}

/// Decoders show the last frame of a superframe: it has the size of the picture. A key frame is one
/// whose lowest layer is.
pub(crate) fn frame_info(frame: &[u8], parts: &[Range<u32>]) -> FrameInfo {
    let header = |part: Option<&Range<u32>>| {
        let bytes = part.map_or(frame, |part| parts::bytes(frame, part));
        Header::read(bytes)
    };
    FrameInfo {
        key: header(parts.first()).is_some_and(|header| header.key),
        size: header(parts.last()).and_then(|header| header.size),
        ..FrameInfo::default()
    }
}

/// Of all frames of a superframe.
pub(crate) fn coded_sizes(frame: &[u8], parts: &[Range<u32>]) -> impl Iterator<Item = FrameSize> {
    let headers = parts.iter().map(|part| parts::bytes(frame, part));
    headers.filter_map(|bytes| Header::read(bytes)?.size)
}

/// What is of use here of the uncompressed header of a frame (VP9 bitstream specification §6.2).
#[derive(Clone, Copy, Debug)]
struct Header {
    key: bool,
    /// `None` if it is that of a frame before it.
    size: Option<FrameSize>,
}

impl Header {
    fn read(frame: &[u8]) -> Option<Self> {
        let mut bits = Bits::new(frame);
        if bits.read(2)? != 2 {
            return None;
        }
        let profile = u32::from(bits.bit()?) | u32::from(bits.bit()?) << 1;
        if profile == 3 {
            bits.skip(1)?;
        }
        let (show_existing_frame, non_key) = (bits.bit()?, bits.bit()?);
        if show_existing_frame {
            return None;
        }

        let (show_frame, error_resilient) = (bits.bit()?, bits.bit()?);
        match non_key {
            false => key_frame_size(&mut bits, profile).map(|size| Header {
                key: true,
                size: Some(size),
            }),
            true => Some(Header {
                key: false,
                size: inter_frame_size(&mut bits, show_frame, error_resilient),
            }),
        }
    }
}

fn key_frame_size(bits: &mut Bits<'_>, profile: u32) -> Option<FrameSize> {
    if bits.read(24)? != 0x49_8342 {
        return None;
    }
    if profile >= 2 {
        bits.skip(1)?;
    }
    let rgb = bits.read(3)? == 7;
    bits.skip(match (rgb, profile & 1) {
        (false, 0) => 1,
        (false, _) => 4,
        (true, 0) => 0,
        (true, _) => 1,
    })?;
    frame_size(bits)
}

/// §7.2.5, `frame_size_with_refs`: of a layer that is predicted from one of another size.
fn inter_frame_size(
    bits: &mut Bits<'_>,
    show_frame: bool,
    error_resilient: bool,
) -> Option<FrameSize> {
    let intra_only = !show_frame && bits.bit()?;
    if intra_only {
        return None;
    }
    if !error_resilient {
        // reset_frame_context
        bits.skip(2)?;
    }
    // refresh_frame_flags; ref_frame_idx and ref_frame_sign_bias of three references
    bits.skip(8 + 3 * 4)?;
    for _ in 0..3 {
        let found_ref = bits.bit()?;
        if found_ref {
            return None;
        }
    }
    frame_size(bits)
}

fn frame_size(bits: &mut Bits<'_>) -> Option<FrameSize> {
    Some(FrameSize {
        width: bits.read(16)? + 1,
        height: bits.read(16)? + 1,
    })
}

const PICTURE_ID: u8 = 0x80;
const PREDICTED: u8 = 0x40;
const LAYERS: u8 = 0x20;
const FLEXIBLE: u8 = 0x10;
const BEGIN: u8 = 0x08;
const END: u8 = 0x04;
const STRUCTURE: u8 = 0x02;
const NOT_UPPER_REFERENCE: u8 = 0x01;
// The first byte of a structure.
const SIZES: u8 = 0x10;
const GROUP: u8 = 0x08;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::tests::{joined, payloads};
    use crate::payload::{self, Parts, PayloadFormat};

    const FORMAT: PayloadFormat = PayloadFormat::Vp9;
    /// Profile 0, key frame, shown, error resilient, sync code, 4:2:0, 640x480.
    const KEY: [u8; 10] = [0x83, 0x49, 0x83, 0x42, 0x00, 0x27, 0xf0, 0x1d, 0xf0, 0x00];

    fn info(payload: &[u8]) -> PacketInfo<'_> {
        FORMAT.packet_info(payload).expect("a payload")
    }

    fn descriptor<'a>(info: &PacketInfo<'a>) -> Descriptor<'a> {
        match info.descriptor {
            payload::Descriptor::Vp9(descriptor) => descriptor,
            _ => panic!("{info:?}"),
        }
    }

    /// Chromium with one stream: F, Z, the structure (one layer, its size, no group) on the first
    /// packet of a key frame only, P_DIFF 1 on the others.
    #[test]
    fn one_stream_of_chromium_is_flexible() {
        let structure = [0x10, 0x02, 0x80, 0x01, 0xe0];
        let mut first = vec![0x9b, 0x80, 0x01];
        first.extend_from_slice(&structure);
        first.extend_from_slice(&KEY);
        let key = info(&first);
        assert_eq!((key.begins, key.ends), (Boundary::Certain, Boundary::No));
        assert_eq!((key.key, key.spatial), (Some(true), None));
        let size = FrameSize {
            width: 640,
            height: 480,
        };
        let layers = descriptor(&key).structure.expect("V is set");
        assert_eq!(layers.spatial_layers(), 1);
        assert_eq!(layers.sizes().collect::<Vec<_>>(), [size]);
        assert_eq!(layers.group().count(), 0);

        let last = [0x95, 0x80, 0x01, 7];
        let (frame, parts) = joined(FORMAT, &[&first[..], &last]).expect("a frame");
        assert_eq!(frame, [&KEY[..], &[7]].concat());
        let whole = FORMAT.frame_info(&frame, &parts);
        assert_eq!((whole.key, whole.size), (true, Some(size)));

        let delta = info(&[0xdd, 0x80, 0x02, 0x02, 0x86]);
        assert_eq!(delta.key, Some(false));
        assert_eq!(descriptor(&delta).references[..], [1]);
    }

    /// Firefox with one stream: F is not set, the structure has a group of pictures.
    #[test]
    fn one_stream_of_firefox_has_a_group_of_pictures() {
        let mut first = vec![0x8f, 0x80, 0x01, 0x18, 0x02, 0x80, 0x01, 0xe0];
        // Two pictures: each needs the one before it.
        first.extend_from_slice(&[2, 0x04, 1, 0x34, 1]);
        first.extend_from_slice(&KEY);
        let key = info(&first);
        assert!(!descriptor(&key).flexible);
        let structure = descriptor(&key).structure.expect("V is set");
        let group: Vec<GroupPicture> = structure.group().collect();
        let references = References::new(&[1]).expect("one");
        assert_eq!(
            group,
            [
                GroupPicture {
                    temporal: 0,
                    switching_up: false,
                    references
                },
                GroupPicture {
                    temporal: 1,
                    switching_up: true,
                    references
                }
            ]
        );
        assert_eq!(Structure::parse(structure.as_bytes()), Some(structure));

        let mut written = Vec::new();
        let sizes: Vec<FrameSize> = structure.sizes().collect();
        assert!(Structure::write(1, &sizes, &group, &mut written));
        assert_eq!(written, structure.as_bytes());
    }

    /// Chromium's L2T3_KEY: each layer is a frame, the upper one needs the lower one on key pictures.
    #[test]
    fn layers_of_a_picture_are_frames_of_their_own() {
        let low = [0xbc, 0x80, 0x01, 0x00, 0x86, 1];
        let high = [0xbd, 0x80, 0x01, 0x03, 0x86, 2];
        let (lower, upper) = (info(&low), info(&high));
        assert_eq!((lower.spatial, upper.spatial), (Some(0), Some(1)));
        assert!(descriptor(&upper).layers.is_some_and(|l| l.inter_layer));
        assert!(!descriptor(&lower).not_upper_reference);
        // Both together are a picture, with a part for each and an index that tells decoders so.
        let (frame, parts) = joined(FORMAT, &[low, high]).expect("a picture");
        assert_eq!(frame, [0x86, 1, 0x86, 2, 0xc1, 2, 2, 0xc1]);
        assert_eq!(parts[..], [0..2, 2..4]);
        let mut found = Parts::new();
        assert_eq!(FORMAT.find_parts(&frame, &mut found), Ok(()));
        assert_eq!(found, parts);
    }

    /// Chromium's L2T1 begins with a key frame of the lower layer's size, from which the upper one is
    /// predicted.
    #[test]
    fn a_picture_has_the_size_of_its_highest_layer() {
        // Not a key frame, shown, error resilient, refresh_frame_flags, three references, none of
        // whose sizes it has, 1280x720.
        let mut upper = vec![0xbd, 0x80, 0x01, 0x02, 0x87];
        upper.extend_from_slice(&[0x02, 0x00, 0x00, 0x09, 0xfe, 0x05, 0x9e]);
        upper.push(0);
        let lower = [&[0xbc, 0x80, 0x01, 0x00][..], &KEY].concat();
        let (frame, parts) = joined(FORMAT, &[&lower[..], &upper]).expect("a picture");
        let whole = FORMAT.frame_info(&frame, &parts);
        let size = FrameSize {
            width: 1_280,
            height: 720,
        };
        assert_eq!((whole.key, whole.size), (true, Some(size)));
    }

    #[test]
    fn a_frame_that_only_looks_like_a_superframe_is_one_part() {
        let mut parts = Parts::new();
        for frame in [
            // No marker in front of the sizes; sizes that are not those of the frame; no room.
            &[0x86, 1, 0x86, 2, 0xc0, 2, 2, 0xc1][..],
            &[0x86, 1, 0x86, 2, 0xc1, 2, 3, 0xc1],
            &[0x86, 1, 0x86, 2, 0xc1, 0, 4, 0xc1],
            &[0x86, 0xdf],
        ] {
            assert_eq!(FORMAT.find_parts(frame, &mut parts), Ok(()));
            assert_eq!(parts, Parts::whole(frame.len() as u32));
        }
    }

    #[test]
    fn a_picture_that_is_too_large_with_its_index_is_refused() {
        let layers = [
            [0xbc, 0x80, 0x01, 0x00, 0x86, 1],
            [0xbd, 0x80, 0x01, 0x03, 0x86, 2],
        ];
        let (mut frame, mut parts) = (Vec::new(), Parts::new());
        for limit in 0..8 {
            let payloads = layers.iter().map(|layer| &layer[..]);
            let joined = FORMAT.join(payloads, limit, &mut frame, &mut parts);
            assert_eq!(joined, Err(JoinError::TooLarge));
            assert!(frame.is_empty() && parts.is_empty());
        }
    }

    #[test]
    fn what_is_split_is_read_again_with_its_descriptor() {
        let mut bytes = Vec::new();
        let sizes = [(320, 240), (640, 480)].map(|(width, height)| FrameSize { width, height });
        assert!(Structure::write(2, &sizes, &[], &mut bytes));
        let layers = Layers {
            temporal: 2,
            switching_up: true,
            spatial: 1,
            inter_layer: true,
        };
        let descriptors = [
            Descriptor {
                picture_id: Some(PictureId::Long(77)),
                layers: Some(layers),
                flexible: true,
                structure: Structure::parse(&bytes),
                ..Descriptor::default()
            },
            Descriptor {
                picture_id: Some(PictureId::Short(1)),
                predicted: true,
                flexible: true,
                references: References::new(&[1, 5, 127]).expect("three"),
                not_upper_reference: true,
                ..Descriptor::default()
            },
            Descriptor {
                predicted: true,
                layers: Some(layers),
                tl0_picture: Some(9),
                ..Descriptor::default()
            },
        ];
        let frame: Vec<u8> = (0..1000u32).map(|n| n as u8).collect();
        for wanted in descriptors {
            let packets = payloads(
                FORMAT,
                &frame,
                &Parts::whole(1000),
                payload::Descriptor::Vp9(wanted),
                Room::even(300),
            );
            let packets = packets.expect("they fit");
            let level = packets[0].len();
            for (index, packet) in packets.iter().enumerate() {
                let last = index + 1 == packets.len();
                let info = info(packet);
                assert_eq!(info.begins == Boundary::Certain, index == 0);
                assert_eq!(info.ends == Boundary::Certain, last);
                assert!(packet.len() == level || last, "one train");
                match index {
                    0 => assert_eq!(descriptor(&info), wanted),
                    _ => assert_eq!(descriptor(&info), wanted.without_structure()),
                }
            }
            assert_eq!(joined(FORMAT, &packets).expect("a frame").0, frame);
        }
    }

    #[test]
    fn references_without_a_list_cannot_be_sent() {
        let wanted = Descriptor {
            predicted: true,
            flexible: true,
            ..Descriptor::default()
        };
        let wanted = payload::Descriptor::Vp9(wanted);
        let packets = payloads(FORMAT, &[1], &Parts::whole(1), wanted, Room::even(300));
        assert_eq!(packets, Err(SplitError::BadDescriptor));
    }

    #[test]
    fn a_descriptor_that_is_cut_off_or_goes_on_is_malformed() {
        let whole = [
            0xff, 0x80, 0x01, 0x00, 0x03, 0x03, 0x02, 0x18, 0, 1, 0, 1, 1, 0x0c, 1, 1, 1, 9,
        ];
        assert_eq!(info(&whole).key, Some(false));
        for len in 0..whole.len() {
            let result = FORMAT.packet_info(&whole[..len]);
            assert_eq!(result, Err(JoinError::Malformed), "{len}");
        }
        // A fourth reference.
        let four = [0x58, 3, 3, 3, 2, 9];
        assert_eq!(FORMAT.packet_info(&four), Err(JoinError::Malformed));
    }

    #[test]
    fn a_frame_with_a_gap_is_torn() {
        for packets in [
            &[[0x08, 1], [0x08, 1]][..],
            &[[0x00, 1], [0x04, 1]],
            &[[0x08, 1], [0x00, 1]],
        ] {
            assert_eq!(joined(FORMAT, packets), Err(JoinError::Torn));
        }
    }
}

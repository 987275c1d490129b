//! Payload formats: how an encoded frame becomes the payloads of RTP packets, and what those say.
//!
//! A [`PayloadFormat`] is what a codec's name and parameters in a description come to. It *splits* a
//! frame into [`Packets`], which are ranges of the frame behind a few bytes each, written when they
//! are sent; and it *joins* the payloads of a frame's packets, in their order, to the frame again.
//! [`packet_info`](PayloadFormat::packet_info) says of one payload alone where frames begin, which
//! layer it is of, and whether it is of a key frame; [`frame_info`](PayloadFormat::frame_info) says
//! it of a whole frame.
//!
//! Frames are VP8 and VP9 as they are, the spatial layers of a VP9 picture in a superframe; H.264 and H.265 with start codes of four bytes (annex B); AV1
//! as OBUs with sizes and without temporal delimiters; of a codec that is not known, each packet is a
//! part. Nothing here keeps a state from one frame to the next.
//!
//! ```
//! use duologue_rtp::Fmtp;
//! use duologue_rtp::payload::{Boundary, Descriptor, Packets, Parts, PayloadFormat, Room};
//!
//! let format = PayloadFormat::negotiated("VP8", Fmtp::of(None));
//! let frame = vec![0x10; 3_000];
//! let mut parts = Parts::new();
//! format.find_parts(&frame, &mut parts)?;
//!
//! // Extensions take 20 bytes more of the first packet.
//! let room = Room { first: 1_180, middle: 1_200, last: 1_200 };
//! let mut packets = Packets::new();
//! format.split(&frame, &parts, Descriptor::None, room, &mut packets)?;
//! let payloads: Vec<Vec<u8>> = (0..packets.len())
//!     .map(|index| {
//!         let mut payload = Vec::new();
//!         packets.write(index, &frame, &mut payload);
//!         payload
//!     })
//!     .collect();
//! let lens: Vec<usize> = payloads.iter().map(Vec::len).collect();
//! assert_eq!(lens, [988, 1_008, 1_007]);
//!
//! let first = format.packet_info(&payloads[0])?;
//! assert_eq!((first.begins, first.key), (Boundary::Certain, Some(true)));
//!
//! let (mut joined, mut parts) = (Vec::new(), Parts::new());
//! let payloads = payloads.iter().map(Vec::as_slice);
//! format.join(payloads, 4 << 20, &mut joined, &mut parts)?;
//! assert_eq!(joined, frame);
//! assert!(format.frame_info(&joined, &parts).key);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod av1;
pub(crate) mod bits;
pub mod h264;
pub mod h265;
mod join;
pub mod nal;
pub mod opus;
mod parameter_sets;
mod parts;
mod picture_id;
mod split;
#[cfg(test)]
mod tests;
pub mod vp8;
pub mod vp9;

pub use join::JoinError;
pub use parameter_sets::ParameterSets;
pub use parts::Parts;
pub use picture_id::PictureId;
pub use split::{Packets, Room, SplitError};

use join::{Fragment, Plain, join_units};

use std::ops::Range;

use crate::{Codec, Fmtp};

/// How the payloads of a payload type are made.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum PayloadFormat {
    /// A format that is not known here, to be passed through: a payload is a part of its frame, the
    /// marker ends the frame.
    Opaque,
    /// RFC 7587.
    Opus,
    /// PCMU and PCMA (RFC 3551 §4.5.14).
    G711,
    /// G.722 (RFC 3551 §4.5.2).
    G722,
    /// Comfort noise (RFC 3389): a noise level and a spectrum, for silence beside another codec.
    ComfortNoise,
    /// RFC 7741.
    Vp8,
    /// RFC 9628.
    Vp9,
    /// RFC 6184.
    H264 {
        /// Packetization mode 1: units may go in fragments and together. In mode 0 each is a packet
        /// when it is sent; what is received may be of both modes.
        fragments: bool,
    },
    /// RFC 7798.
    H265 {
        /// What is received has decoding order numbers (`sprop-max-don-diff`). What is sent has
        /// none, and units are not brought into another order.
        numbered: bool,
    },
    /// "RTP Payload Format For AV1", v1.0.
    Av1,
}

impl PayloadFormat {
    /// The format of a codec by its name in `a=rtpmap` and its parameters. Of a codec or mode that is
    /// not known it is [`Opaque`](Self::Opaque).
    pub fn negotiated(encoding_name: &str, fmtp: Fmtp<'_>) -> Self {
        let known = KNOWN.iter();
        let mut known = known.filter(|(name, _)| encoding_name.eq_ignore_ascii_case(name));
        match known.next().map(|&(_, format)| format) {
            // RFC 6184 §8.1: 0 if it is not said; 2 interleaves.
            Some(PayloadFormat::H264 { .. }) => match fmtp.number("packetization-mode") {
                None | Some(0) => PayloadFormat::H264 { fragments: false },
                Some(1) => PayloadFormat::H264 { fragments: true },
                Some(_) => PayloadFormat::Opaque,
            },
            // RFC 7798 §7.1: 0 if it is not said.
            Some(PayloadFormat::H265 { .. }) => PayloadFormat::H265 {
                numbered: fmtp.number("sprop-max-don-diff").is_some_and(|n| n > 0),
            },
            Some(format) => format,
            None => PayloadFormat::Opaque,
        }
    }

    /// The format of a codec that was agreed on.
    pub fn of(codec: &Codec) -> Self {
        Self::negotiated(&codec.name, codec.fmtp())
    }

    /// Finds the parts of a frame as an encoder or a file gives it, with start codes
    /// ([`nal::find_by_lengths`] is for frames without). `parts` has only them after it.
    ///
    /// # Errors
    ///
    /// [`SplitError::Empty`], or [`SplitError::BadPart`] if the frame is not of this codec.
    pub fn find_parts(self, frame: &[u8], parts: &mut Parts) -> Result<(), SplitError> {
        parts.clear();
        let len = u32::try_from(frame.len()).map_err(|_| SplitError::TooLarge)?;
        if len == 0 {
            return Err(SplitError::Empty);
        }
        match self {
            PayloadFormat::H264 { .. } | PayloadFormat::H265 { .. } => {
                nal::find_by_start_codes(frame, parts)
            }
            PayloadFormat::Av1 => av1::find_parts(frame, parts),
            PayloadFormat::Vp9 if vp9::find_parts(frame, parts) => Ok(()),
            _ => {
                *parts = Parts::whole(len);
                Ok(())
            }
        }
    }

    /// Cuts a frame into payloads, as few as can be and such that their *datagrams* are equal where
    /// the format allows it. `parts` is what [`find_parts`](Self::find_parts) or
    /// [`join`](Self::join) gave; `descriptor` is what the frame's packets shall say beside it, if
    /// the format has such. `packets` has only this frame's after it, none after an error.
    ///
    /// The packet behind which the marker belongs is the last one of a picture's last frame.
    ///
    /// # Errors
    ///
    /// See [`SplitError`].
    pub fn split(
        self,
        frame: &[u8],
        parts: &[Range<u32>],
        descriptor: Descriptor<'_>,
        room: Room,
        packets: &mut Packets,
    ) -> Result<(), SplitError> {
        packets.clear();
        let room = room.checked().ok_or(SplitError::NoRoom)?;
        if frame.is_empty() || parts.is_empty() {
            return Err(SplitError::Empty);
        }
        if u32::try_from(frame.len()).is_err() {
            return Err(SplitError::TooLarge);
        }

        let split = match (self, descriptor) {
            (PayloadFormat::Vp8, Descriptor::Vp8(d)) => vp8::split(frame, &d, room, packets),
            (PayloadFormat::Vp8, _) => {
                vp8::split(frame, &vp8::Descriptor::default(), room, packets)
            }
            (PayloadFormat::Vp9, Descriptor::Vp9(d)) => vp9::split(frame, &d, room, packets),
            (PayloadFormat::Vp9, _) => Err(SplitError::BadDescriptor),
            (PayloadFormat::H264 { fragments: true }, _) => {
                nal::split::<h264::H264>(frame, parts, room, packets)
            }
            (PayloadFormat::H264 { fragments: false }, _) => {
                nal::split_single::<h264::H264>(frame, parts, room, packets)
            }
            (PayloadFormat::Av1, _) => av1::split(frame, parts, room, packets),
            (PayloadFormat::H265 { .. }, _) => {
                nal::split::<h265::H265>(frame, parts, room, packets)
            }
            _ => split_whole(frame, parts, room, packets),
        };
        if split.is_err() {
            packets.clear();
        }
        split
    }

    /// What one payload says by itself.
    ///
    /// # Errors
    ///
    /// [`JoinError::Malformed`] and [`JoinError::Unsupported`].
    pub fn packet_info<'a>(self, payload: &'a [u8]) -> Result<PacketInfo<'a>, JoinError> {
        match self {
            PayloadFormat::Vp8 => vp8::packet_info(payload),
            PayloadFormat::Vp9 => vp9::packet_info(payload),
            PayloadFormat::H264 { .. } => h264::packet_info(payload),
            PayloadFormat::H265 { numbered } => h265::packet_info(payload, numbered),
            PayloadFormat::Av1 => av1::packet_info(payload),
            _ if payload.is_empty() => Err(JoinError::Malformed),
            PayloadFormat::Opaque => Ok(PacketInfo::default()),
            // A packet is a frame, which needs no other.
            _ => Ok(PacketInfo {
                begins: Boundary::Certain,
                ends: Boundary::Certain,
                key: Some(true),
                ..PacketInfo::default()
            }),
        }
    }

    /// Appends the frame of these payloads, which are all of it and in order, to `frame`, and its
    /// parts to `parts`, as ranges of all of `frame`. It takes at most `limit` bytes. After an error
    /// both are as they were.
    ///
    /// # Errors
    ///
    /// See [`JoinError`].
    pub fn join<'a, P>(
        self,
        payloads: P,
        limit: usize,
        frame: &mut Vec<u8>,
        parts: &mut Parts,
    ) -> Result<(), JoinError>
    where
        P: IntoIterator<Item = &'a [u8]>,
        P::IntoIter: Clone,
    {
        let payloads = payloads.into_iter();
        match self {
            PayloadFormat::Vp8 => vp8::join(payloads, limit, frame, parts),
            PayloadFormat::Vp9 => vp9::join(payloads, limit, frame, parts),
            PayloadFormat::H264 { .. } => {
                let units = payloads.flat_map(h264::fragments);
                nal::join::<h264::H264>(units, limit, frame, parts)
            }
            PayloadFormat::H265 { numbered } => {
                let units = payloads.flat_map(move |payload| h265::fragments(payload, numbered));
                nal::join::<h265::H265>(units, limit, frame, parts)
            }
            PayloadFormat::Av1 => {
                let obus = payloads.flat_map(av1::elements);
                join_units(&av1::LowOverhead, obus, limit, frame, parts)
            }
            _ => {
                let whole = payloads.map(|payload| Ok(Fragment::whole(payload)));
                join_units(&Plain, whole, limit, frame, parts)
            }
        }
    }

    /// What a whole frame says of itself.
    pub fn frame_info(self, frame: &[u8], parts: &[Range<u32>]) -> FrameInfo {
        match self {
            PayloadFormat::Vp8 => vp8::frame_info(frame),
            PayloadFormat::Vp9 => vp9::frame_info(frame, parts),
            PayloadFormat::H264 { .. } => h264::frame_info(frame, parts),
            PayloadFormat::H265 { .. } => h265::frame_info(frame, parts),
            PayloadFormat::Av1 => av1::frame_info(frame, parts),
            PayloadFormat::Opaque => FrameInfo::default(),
            _ => FrameInfo {
                key: true,
                ..FrameInfo::default()
            },
        }
    }

    /// Where the spatial layers of a picture lie in its frame, the lowest first: each is a frame by itself,
    /// which may be sent apart ([`ScalabilityMode`](crate::ScalabilityMode)). Of formats and frames
    /// without such it is the whole.
    pub fn spatial_layers(self, frame: &[u8], parts: &[Range<u32>]) -> Parts {
        match self {
            // A picture that is in one piece has a part that is all of it, or a hidden frame before it.
            PayloadFormat::Vp9 if parts.len() > 1 => parts.iter().cloned().collect(),
            PayloadFormat::Av1 => av1::spatial_layers(frame, parts),
            _ => Parts::whole(frame.len() as u32),
        }
    }

    /// The largest picture that a decoder of this frame has to make room for, where the frame says it:
    /// of all its pictures, and before they are cropped.
    pub fn coded_size(self, frame: &[u8], parts: &[Range<u32>]) -> Option<FrameSize> {
        let pixels = |size: &FrameSize| u64::from(size.width) * u64::from(size.height);
        let of_parts = match self {
            PayloadFormat::Vp9 => vp9::coded_sizes(frame, parts).max_by_key(pixels),
            PayloadFormat::H264 { .. } => h264::coded_sizes(frame, parts).max_by_key(pixels),
            PayloadFormat::H265 { .. } => h265::coded_sizes(frame, parts).max_by_key(pixels),
            _ => None,
        };
        of_parts.or_else(|| self.frame_info(frame, parts).size)
    }

    /// Writes other running numbers into a payload that has such: of its picture, and of the last picture
    /// of the lowest temporal layer. For who forwards; nothing to a payload without.
    pub fn renumber(self, payload: &mut [u8], picture: Option<u16>, tl0_picture: Option<u8>) {
        let places = match self {
            PayloadFormat::Vp8 => vp8::number_places(payload),
            PayloadFormat::Vp9 => vp9::number_places(payload),
            _ => return,
        };
        if let (Some(at), Some(number)) = (places.picture, picture) {
            PictureId::overwrite(&mut payload[at..], number);
        }
        if let (Some(at), Some(number)) = (places.tl0_picture, tl0_picture)
            && let Some(byte) = payload.get_mut(at)
        {
            *byte = number;
        }
    }

    /// How long a packet of audio lasts, in ticks of its time stamps' clock; `None` if it does not
    /// say, or is none.
    pub fn duration(self, payload: &[u8]) -> Option<u32> {
        match self {
            PayloadFormat::Opus => opus::duration(payload),
            // A sample a byte; and RFC 3551 §4.5.2: G.722's two samples a byte count as one, since
            // its clock is 8,000 by an old mistake.
            PayloadFormat::G711 | PayloadFormat::G722 => u32::try_from(payload.len()).ok(),
            _ => None,
        }
    }
}

/// By their names in `a=rtpmap` (RFC 3551 §6, RFC 3389, RFC 7587, RFC 7741, RFC 9628, RFC 6184,
/// RFC 7798).
const KNOWN: [(&str, PayloadFormat); 10] = [
    ("opus", PayloadFormat::Opus),
    ("PCMU", PayloadFormat::G711),
    ("PCMA", PayloadFormat::G711),
    ("G722", PayloadFormat::G722),
    ("CN", PayloadFormat::ComfortNoise),
    ("VP8", PayloadFormat::Vp8),
    ("VP9", PayloadFormat::Vp9),
    ("H264", PayloadFormat::H264 { fragments: false }),
    ("H265", PayloadFormat::H265 { numbered: false }),
    ("AV1", PayloadFormat::Av1),
];

/// Each part is a packet.
fn split_whole(
    frame: &[u8],
    parts: &[Range<u32>],
    room: Room,
    packets: &mut Packets,
) -> Result<(), SplitError> {
    for (index, part) in parts.iter().enumerate() {
        let len = parts::bytes(frame, part).len();
        if len == 0 {
            return Err(SplitError::BadPart);
        }
        if len > room.of(index == 0, index + 1 == parts.len()) {
            return Err(SplitError::TooLarge);
        }
        packets.packet(&[], part.clone());
    }
    Ok(())
}

/// Whether a frame begins or ends with a packet, as far as the payload tells.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Boundary {
    /// The frame does not begin or end with the packet.
    No,
    /// The frame may begin or end with the packet: a unit of the frame does, or the format does not
    /// tell.
    #[default]
    Possible,
    /// The frame begins or ends with the packet.
    Certain,
}

/// What a payload says by itself.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct PacketInfo<'a> {
    /// Whether a frame begins with this packet.
    pub begins: Boundary,
    /// Whether a frame ends with this packet.
    pub ends: Boundary,
    /// Whether the frame is a key frame, if this packet shows it; of a higher spatial layer, whether
    /// its picture needs no other one.
    pub key: Option<bool>,
    /// Whether a picture's first slice begins in it: the first macroblock's of H.264 (§7.4.3,
    /// `first_mb_in_slice`), H.265's `first_slice_segment_in_pic_flag` (§7.4.7.1). False where the format
    /// has no slices.
    pub first_slice: bool,
    /// Whether a parameter set of sequences is in it, which decoders begin with (H.264 §7.3.2.1, H.265
    /// §7.3.2.1 and §7.3.2.2). False where the format has none.
    pub parameter_sets: bool,
    /// The spatial layer, from 0.
    pub spatial: Option<u8>,
    /// The temporal layer, from 0.
    pub temporal: Option<u8>,
    /// Whether no other frame needs this one.
    pub discardable: bool,
    /// Which temporal layers a receiver may get from this picture on, if it has those below it.
    pub goes_up: GoesUp,
    /// All that the payload descriptor says.
    pub descriptor: Descriptor<'a>,
}

/// Which temporal layers need nothing of themselves before a picture: whoever has the layers below that picture's
/// may get them from it on. H.265 says it by the type of the picture's units (§7.4.2.2), VP8 and VP9 in
/// their [`Descriptor`].
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum GoesUp {
    /// None, as far as this tells.
    #[default]
    Untold,
    /// The picture's own: a step-wise temporal sub-layer access picture, STSA.
    Own,
    /// The picture's own and all above: a temporal sub-layer access picture, TSA.
    OwnAndAbove,
}

impl PacketInfo<'_> {
    /// Borrows nothing any more: VP9's scalability structure is left out.
    pub fn without_structure(self) -> PacketInfo<'static> {
        PacketInfo {
            descriptor: self.descriptor.without_structure(),
            ..self
        }
    }
}

/// What packets say beside the bytes of their frame.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Descriptor<'a> {
    /// The format has no such thing, or the least of it.
    #[default]
    None,
    /// RFC 7741 §4.2.
    Vp8(vp8::Descriptor),
    /// RFC 9628 §4.2. VP9 has no packet without one.
    Vp9(vp9::Descriptor<'a>),
}

impl Descriptor<'_> {
    /// Borrows nothing any more: VP9's scalability structure is left out.
    pub fn without_structure(self) -> Descriptor<'static> {
        match self {
            Descriptor::None => Descriptor::None,
            Descriptor::Vp8(descriptor) => Descriptor::Vp8(descriptor),
            Descriptor::Vp9(descriptor) => Descriptor::Vp9(descriptor.without_structure()),
        }
    }
}

/// What a frame says of itself.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct FrameInfo {
    /// Whether the frame is a key frame: it needs no other one.
    pub key: bool,
    /// The size of the frame's pictures, if it says so: key frames do.
    pub size: Option<FrameSize>,
    /// The spatial layer, from 0.
    pub spatial: Option<u8>,
    /// The temporal layer, from 0.
    pub temporal: Option<u8>,
    /// Whether no other frame needs this one.
    pub discardable: bool,
    /// Whether a parameter set of sequences is in the frame, as in [`PacketInfo::parameter_sets`].
    pub parameter_sets: bool,
}

/// The size of a picture, in pixels.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FrameSize {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
}

//! From a frame to the packets it leaves in.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use duologue_base::Rng;
use duologue_rtp::ScalabilityMode;
use duologue_rtp::payload::{
    Descriptor, FrameInfo, FrameSize, Packets, Parts, PayloadFormat, PictureId, Room, SplitError,
    vp8, vp9,
};
use smallvec::{SmallVec, smallvec};

use super::dependencies::{Described, Describer};
use super::layers::{LayerFrame, Layers};
use crate::frame::EncodedFrameInit;
use crate::limits::LARGEST_PAYLOAD;
use crate::packet::RtpPacketInit;

/// What the packets of one stream's frames say of them.
#[derive(Debug)]
pub(crate) struct Packetizer {
    picture: PictureId,
    /// Of the last frame that told it.
    pub(crate) size: Option<FrameSize>,
    tl0_picture: u8,
    /// Since the last key frame, where it said that there are several.
    layers: Option<Layers>,
    describer: Describer,
    parts: Parts,
    packets: Packets,
    /// One payload on its way into the slab.
    payload: Vec<u8>,
    /// Payloads lie in pieces of memory that are used again once they were sent.
    slab: BytesMut,
    /// A frame did not leave that later ones may need: none does before the next key frame.
    broken: bool,
}

/// Bytes of a payload: RTP header, extensions and SRTP's tag fit beside it into what paths take
/// everywhere. The extensions that only a stream's first packets have are counted in.
const ROOM: usize = 1_120;

impl Packetizer {
    pub(crate) fn new(rng: &mut Rng) -> Self {
        Packetizer {
            // RFC 7741 §4.2: "MAY start at a random value".
            picture: PictureId::Long(rng.u32() as u16 & 0x7fff),
            size: None,
            tl0_picture: rng.u32() as u8,
            layers: None,
            describer: Describer::default(),
            parts: Parts::new(),
            packets: Packets::new(),
            payload: Vec::new(),
            slab: BytesMut::new(),
            broken: false,
        }
    }

    /// Its pictures are of more than one spatial layer.
    pub(crate) fn has_spatial_layers(&self) -> bool {
        let mode = self.layers.as_ref().map(Layers::mode);
        mode.is_some_and(|mode| mode.spatial_layers() > 1)
    }

    /// A frame of video did not leave. Numbers have no gap where it was: the other end could not know.
    pub(crate) fn dropped(&mut self) {
        self.broken = true;
    }

    /// Whether the other end cannot decode the frame since one that it needs did not leave.
    pub(crate) fn lacks_reference(&mut self, format: PayloadFormat, frame: &[u8]) -> bool {
        // Of a format that is not known nobody can say what a key frame is.
        if !self.broken || !is_video(format) || format == PayloadFormat::Opaque {
            return false;
        }
        if format.find_parts(frame, &mut self.parts).is_ok() {
            self.broken = !format.frame_info(frame, &self.parts).key;
        }
        self.broken
    }

    /// Gives the packets of a frame to `each`, and what the frame says of itself. Where it `describes`, what
    /// the frame depends on is told.
    ///
    /// # Errors
    /// The bytes are no frame of this format.
    pub(crate) fn split(
        &mut self,
        format: PayloadFormat,
        frame: &EncodedFrameInit,
        describes: bool,
        mut each: impl FnMut(RtpPacketInit),
    ) -> Result<FrameInfo, SplitError> {
        format.find_parts(&frame.data, &mut self.parts)?;
        let info = format.frame_info(&frame.data, &self.parts);
        self.size = info.size.or(self.size);
        let pieces = self.begin_picture(format, frame, info);

        let (temporal, count) = (frame.temporal.or(info.temporal), pieces.len());
        for (spatial, piece) in (0..).zip(pieces) {
            let layers = self.layers.as_mut();
            let layer = layers.and_then(|it| it.frame(spatial, temporal.unwrap_or(0), info.key));
            let piece = frame.data.slice(piece);
            let place = Place {
                layer,
                last: usize::from(spatial) + 1 == count,
            };
            self.split_piece(format, frame, (&piece, info), place, describes, &mut each)?;
        }
        Ok(info)
    }

    /// Counts a picture, and says where the frames of its spatial layers lie.
    fn begin_picture(
        &mut self,
        format: PayloadFormat,
        frame: &EncodedFrameInit,
        info: FrameInfo,
    ) -> SmallVec<[Range<usize>; 3]> {
        if info.key {
            let mode = frame.scalability_mode;
            let mode = mode.filter(|mode| *mode != ScalabilityMode::L1T1);
            self.layers = mode.map(Layers::new);
        }
        if frame.temporal.or(info.temporal) == Some(0) || info.key {
            self.tl0_picture = self.tl0_picture.wrapping_add(1);
        }
        self.picture = self.picture.next();
        let whole = 0..frame.data.len();
        let Some(layers) = &mut self.layers else {
            return smallvec![whole];
        };

        layers.begin_picture();
        let spatial = usize::from(layers.mode().spatial_layers());
        let pieces = format.spatial_layers(&frame.data, &self.parts);
        if spatial == 1 || pieces.len() > spatial {
            return smallvec![whole];
        }
        let pieces = pieces.iter();
        let pieces = pieces.map(|it| it.start as usize..it.end as usize);
        pieces.collect()
    }

    /// The packets of a frame, or of that of one of its layers.
    fn split_piece(
        &mut self,
        format: PayloadFormat,
        frame: &EncodedFrameInit,
        (piece, info): (&Bytes, FrameInfo),
        place: Place,
        describes: bool,
        each: &mut impl FnMut(RtpPacketInit),
    ) -> Result<(), SplitError> {
        if piece.len() < frame.data.len() {
            format.find_parts(piece, &mut self.parts)?;
        }
        let mut structure = Vec::new();
        let layer = place.layer.as_ref();
        let descriptor = self.descriptor(format, frame, info, layer, &mut structure);
        // A frame of sound is one packet, whatever it has.
        let room = Room::even(if is_video(format) {
            ROOM
        } else {
            LARGEST_PAYLOAD
        });
        format.split(piece, &self.parts, descriptor, room, &mut self.packets)?;

        let count = self.packets.len();
        let described = describes.then(|| match layer {
            Some(layer) => {
                let first = info.key && layer.spatial == 0;
                self.describer.describe_layer(layer, first)
            }
            None => self.describer.describe(frame, info),
        });
        for index in 0..count {
            let ends = (index == 0, index + 1 == count);
            let packet = self.packet(frame, described.as_ref(), (index, piece), ends);
            each(RtpPacketInit {
                // The end of a picture; of audio it is the beginning of speech (RFC 3551 §4.1).
                marker: is_video(format) && index + 1 == count && place.last,
                // "MUST not be present in more than 1 packet per video frame."
                corruption_detection: frame
                    .corruption_detection
                    .filter(|_| index + 1 == count && place.last),
                ..packet
            });
        }
        Ok(())
    }

    fn packet(
        &mut self,
        frame: &EncodedFrameInit,
        described: Option<&Described>,
        (index, piece): (usize, &Bytes),
        ends: (bool, bool),
    ) -> RtpPacketInit {
        let descriptor = described.map(|it| self.describer.write(it, ends));
        RtpPacketInit {
            encoding: frame.encoding,
            payload_type: frame.payload_type,
            sequence_number: None,
            timestamp: frame.timestamp,
            marker: false,
            audio_level: frame.audio_level,
            contributing_sources: frame.contributing_sources.clone(),
            // It is about the first frame of a packet.
            capture_time: frame.capture_time.filter(|_| index == 0),
            dependency_descriptor: descriptor.unwrap_or_default(),
            corruption_detection: None,
            payload: self.payload(index, piece),
        }
    }

    fn payload(&mut self, index: usize, frame: &[u8]) -> Bytes {
        self.payload.clear();
        self.packets.write(index, frame, &mut self.payload);
        crate::slab::copy(&mut self.slab, &self.payload)
    }

    fn descriptor<'s>(
        &self,
        format: PayloadFormat,
        frame: &EncodedFrameInit,
        info: FrameInfo,
        layer: Option<&LayerFrame>,
        structure: &'s mut Vec<u8>,
    ) -> Descriptor<'s> {
        let temporal = frame.temporal.or(info.temporal);
        match format {
            PayloadFormat::Vp8 => Descriptor::Vp8(vp8::Descriptor {
                non_reference: frame.discardable,
                picture_id: Some(self.picture),
                tl0_picture: temporal.map(|_| self.tl0_picture),
                temporal,
                layer_sync: layer.is_some_and(LayerFrame::switches_up),
                ..Default::default()
            }),
            PayloadFormat::Vp9 => Descriptor::Vp9(match layer {
                Some(layer) => self.layer_of_vp9(info, layer, structure),
                None => vp9::Descriptor {
                    picture_id: Some(self.picture),
                    // As Chromium 156 sends one layer: each picture needs the one before.
                    flexible: true,
                    predicted: !info.key,
                    references: vp9::References::new(if info.key { &[] } else { &[1] })
                        .unwrap_or_default(),
                    not_upper_reference: true,
                    ..Default::default()
                },
            }),
            _ => Descriptor::None,
        }
    }

    /// In flexible mode, too: which picture it needs is told, and not by a group of pictures, which has
    /// to be kept to when the rate has nothing left for one.
    fn layer_of_vp9<'s>(
        &self,
        info: FrameInfo,
        layer: &LayerFrame,
        structure: &'s mut Vec<u8>,
    ) -> vp9::Descriptor<'s> {
        let needed = layer.picture_diff();
        let references = vp9::References::new(needed.as_slice()).unwrap_or_default();
        if info.key && layer.spatial == 0 {
            let mode = layer.mode;
            let sizes = info.size.map(|it| (it.width, it.height)).into_iter();
            let sizes = sizes.flat_map(|size| {
                let layers = 0..mode.spatial_layers();
                layers.map(move |spatial| mode.size_of(spatial, size))
            });
            let sizes = sizes.map(|(width, height)| FrameSize { width, height });
            let sizes: Vec<_> = sizes.collect();
            vp9::Structure::write(mode.spatial_layers(), &sizes, &[], structure);
        }
        vp9::Descriptor {
            picture_id: Some(self.picture),
            predicted: needed.is_some(),
            layers: Some(vp9::Layers {
                temporal: layer.temporal,
                switching_up: layer.switches_up(),
                spatial: layer.spatial,
                inter_layer: layer.inter_layer,
            }),
            flexible: true,
            tl0_picture: None,
            references,
            not_upper_reference: !layer.is_needed_above(),
            structure: vp9::Structure::parse(structure),
        }
    }
}

/// Where a frame stands in its picture.
struct Place {
    /// Among the layers of its stream, where there are such.
    layer: Option<LayerFrame>,
    /// It is the picture's last.
    last: bool,
}

fn is_video(format: PayloadFormat) -> bool {
    !matches!(
        format,
        PayloadFormat::Opus
            | PayloadFormat::G711
            | PayloadFormat::G722
            | PayloadFormat::ComfortNoise
    )
}

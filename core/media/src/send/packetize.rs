//! From a frame to the packets it leaves in.

use bytes::{Bytes, BytesMut};
use duologue_base::Rng;
use duologue_rtp::payload::{
    Descriptor, FrameInfo, FrameSize, Packets, Parts, PayloadFormat, PictureId, Room, SplitError,
    vp8, vp9,
};

use super::dependencies::Describer;
use crate::frame::EncodedFrameInit;
use crate::packet::RtpPacketInit;

/// What the packets of one stream's frames say of them.
#[derive(Debug)]
pub(crate) struct Packetizer {
    picture: PictureId,
    /// Of the last frame that told it.
    pub(crate) size: Option<FrameSize>,
    tl0_picture: u8,
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
            describer: Describer::default(),
            parts: Parts::new(),
            packets: Packets::new(),
            payload: Vec::new(),
            slab: BytesMut::new(),
            broken: false,
        }
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

    /// Gives the packets of a frame to `each`. Where it `describes`, what the frame depends on is told.
    ///
    /// # Errors
    /// The bytes are no frame of this format.
    pub(crate) fn split(
        &mut self,
        format: PayloadFormat,
        frame: &EncodedFrameInit,
        describes: bool,
        mut each: impl FnMut(RtpPacketInit),
    ) -> Result<(), SplitError> {
        format.find_parts(&frame.data, &mut self.parts)?;
        let info = format.frame_info(&frame.data, &self.parts);
        self.size = info.size.or(self.size);
        let descriptor = self.descriptor(format, frame, info);
        let room = Room::even(ROOM);
        format.split(
            &frame.data,
            &self.parts,
            descriptor,
            room,
            &mut self.packets,
        )?;

        let count = self.packets.len();
        let described = describes.then(|| self.describer.describe(frame, info));
        for index in 0..count {
            let ends = (index == 0, index + 1 == count);
            let descriptor = described.as_ref();
            let descriptor = descriptor.map_or(Bytes::new(), |it| self.describer.write(it, ends));
            let payload = self.payload(index, &frame.data);
            each(RtpPacketInit {
                encoding: frame.encoding,
                payload_type: frame.payload_type,
                sequence_number: None,
                timestamp: frame.timestamp,
                // The end of a picture; of audio it is the beginning of speech (RFC 3551 §4.1).
                marker: is_video(format) && index + 1 == count,
                audio_level: frame.audio_level,
                contributing_sources: frame.contributing_sources.clone(),
                // It is about the first frame of a packet.
                capture_time: frame.capture_time.filter(|_| index == 0),
                dependency_descriptor: descriptor,
                payload,
            });
        }
        Ok(())
    }

    fn payload(&mut self, index: usize, frame: &[u8]) -> Bytes {
        self.payload.clear();
        self.packets.write(index, frame, &mut self.payload);
        crate::slab::copy(&mut self.slab, &self.payload)
    }

    fn descriptor(
        &mut self,
        format: PayloadFormat,
        frame: &EncodedFrameInit,
        info: FrameInfo,
    ) -> Descriptor<'static> {
        let temporal = frame.temporal.or(info.temporal);
        if temporal == Some(0) || info.key {
            self.tl0_picture = self.tl0_picture.wrapping_add(1);
        }
        match format {
            PayloadFormat::Vp8 => {
                self.picture = self.picture.next();
                Descriptor::Vp8(vp8::Descriptor {
                    non_reference: frame.discardable,
                    picture_id: Some(self.picture),
                    tl0_picture: temporal.map(|_| self.tl0_picture),
                    temporal,
                    ..Default::default()
                })
            }
            PayloadFormat::Vp9 => {
                self.picture = self.picture.next();
                Descriptor::Vp9(vp9::Descriptor {
                    picture_id: Some(self.picture),
                    // As Chromium 156 sends one layer: each picture needs the one before.
                    flexible: true,
                    predicted: !info.key,
                    references: vp9::References::new(if info.key { &[] } else { &[1] })
                        .unwrap_or_default(),
                    not_upper_reference: true,
                    ..Default::default()
                })
            }
            _ => Descriptor::None,
        }
    }
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

use std::ops::Range;

use super::{
    AbsSendTime, AudioLevel, CaptureTime, CorruptionDetection, ExtensionBlock, ExtensionKind,
    ExtensionMap, PlayoutDelay, TransmissionOffset, VideoOrientation,
};
use crate::NtpTime;

/// What the header extension of one packet says: small values by themselves, longer ones as places
/// in the datagram. Elements whose length is not what their extension has are as if absent.
///
/// It is 64 bytes, because every received packet has one; hence the flags in place of `Option`s.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Extensions {
    capture_at: u64,
    capture_offset: i64,
    /// A bit for each [`ExtensionKind`].
    present: u32,
    send_time: u32,
    offset: TransmissionOffset,
    starts: [u16; ExtensionKind::PLACED],
    transport_sequence: u16,
    lens: [u8; ExtensionKind::PLACED],
    playout_delay: [u8; 3],
    audio_level: u8,
    orientation: u8,
    content_type: u8,
}

impl Extensions {
    /// Reads the header extension of a datagram. Of several elements with one id the last counts.
    #[inline]
    pub fn read(block: ExtensionBlock, datagram: &[u8], map: &ExtensionMap) -> Self {
        let mut read = Extensions::default();
        for element in block.elements(datagram) {
            if let Some(kind) = map.kind(element.id)
                && read.take(kind, element.start, element.data).is_some()
            {
                read.present |= kind.bit();
            }
        }
        read
    }

    #[inline]
    fn take(&mut self, kind: ExtensionKind, start: u16, data: &[u8]) -> Option<()> {
        match kind {
            ExtensionKind::Mid
            | ExtensionKind::Rid
            | ExtensionKind::RepairedRid
            | ExtensionKind::CsrcAudioLevel
            | ExtensionKind::DependencyDescriptor
            | ExtensionKind::VideoLayersAllocation
            | ExtensionKind::VideoTiming
            | ExtensionKind::ColorSpace
            | ExtensionKind::CorruptionDetection => {
                self.starts[kind as usize] = start;
                // An element has at most 255 bytes.
                self.lens[kind as usize] = data.len() as u8;
            }
            ExtensionKind::AudioLevel => self.audio_level = *one(data)?,
            ExtensionKind::AbsSendTime => self.send_time = u24(exactly(data)?),
            ExtensionKind::TransportSequence => {
                self.transport_sequence = u16::from_be_bytes(*exactly(data)?);
            }
            // Behind the number may stand a request for feedback, of two bytes.
            ExtensionKind::TransportSequence02 if data.len() == 2 || data.len() == 4 => {
                self.transport_sequence = u16::from_be_bytes(*data.first_chunk()?);
            }
            ExtensionKind::TransportSequence02 => return None,
            ExtensionKind::AbsCaptureTime => {
                let time = CaptureTime::parse(data)?;
                self.capture_at = time.at.to_bits();
                self.present &= !HAS_OFFSET;
                if let Some(offset) = time.clock_offset {
                    self.capture_offset = offset;
                    self.present |= HAS_OFFSET;
                }
            }
            ExtensionKind::VideoOrientation => self.orientation = *one(data)?,
            ExtensionKind::PlayoutDelay => {
                let bytes = *exactly(data)?;
                PlayoutDelay::from_bytes(bytes)?;
                self.playout_delay = bytes;
            }
            ExtensionKind::TransmissionOffset => {
                self.offset = TransmissionOffset::from_bits(u24(exactly(data)?));
            }
            ExtensionKind::VideoContentType => self.content_type = *one(data)?,
        }
        Some(())
    }

    /// The packet has this extension.
    #[inline]
    pub fn has(&self, kind: ExtensionKind) -> bool {
        self.present & kind.bit() != 0
    }

    /// Where the bytes of an extension lie, for those that are not values here: mids, rids, audio
    /// levels of contributing sources, dependency descriptor, layers, timing, colours.
    pub fn range(&self, kind: ExtensionKind) -> Option<Range<usize>> {
        let number = kind as usize;
        if !self.has(kind) || number >= ExtensionKind::PLACED {
            return None;
        }
        let start = usize::from(self.starts[number]);
        Some(start..start + usize::from(self.lens[number]))
    }

    /// The bytes of an extension that is no value here, of the datagram that this was read from.
    #[inline]
    pub fn bytes<'a>(&self, kind: ExtensionKind, datagram: &'a [u8]) -> Option<&'a [u8]> {
        datagram.get(self.range(kind)?)
    }

    /// An item of SDES (RFC 7941 §4.1.1) is UTF-8; zero bytes behind it, as some send, are padding.
    fn text<'a>(&self, kind: ExtensionKind, datagram: &'a [u8]) -> Option<&'a str> {
        let bytes = self.bytes(kind, datagram)?;
        let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
        std::str::from_utf8(&bytes[..end]).ok()
    }

    /// The `a=mid` of the packet's m-section.
    pub fn mid<'a>(&self, datagram: &'a [u8]) -> Option<&'a str> {
        self.text(ExtensionKind::Mid, datagram)
    }

    /// The `a=rid` of the packet's stream.
    pub fn rid<'a>(&self, datagram: &'a [u8]) -> Option<&'a str> {
        self.text(ExtensionKind::Rid, datagram)
    }

    /// The `a=rid` of the stream that the packet repairs.
    pub fn repaired_rid<'a>(&self, datagram: &'a [u8]) -> Option<&'a str> {
        self.text(ExtensionKind::RepairedRid, datagram)
    }

    /// The dependency descriptor, unread: it needs the structure of an earlier one.
    pub fn dependency_descriptor<'a>(&self, datagram: &'a [u8]) -> Option<&'a [u8]> {
        self.bytes(ExtensionKind::DependencyDescriptor, datagram)
    }

    /// Samples of the picture before it was encoded.
    #[inline]
    pub fn corruption_detection(&self, datagram: &[u8]) -> Option<CorruptionDetection> {
        let kind = ExtensionKind::CorruptionDetection;
        CorruptionDetection::parse(self.bytes(kind, datagram)?)
    }

    /// The audio levels of the contributing sources, in their order (RFC 6465 §3).
    pub fn csrc_audio_levels<'a>(
        &self,
        datagram: &'a [u8],
    ) -> impl Iterator<Item = AudioLevel> + use<'a> {
        let bytes = self.bytes(ExtensionKind::CsrcAudioLevel, datagram);
        // RFC 6465 §3: the first bit is 0.
        let levels = bytes.unwrap_or_default().iter();
        levels.map(|&b| AudioLevel::from_byte(b & 0x7f))
    }

    /// How loud the packet's audio is.
    #[inline]
    pub fn audio_level(&self) -> Option<AudioLevel> {
        self.has(ExtensionKind::AudioLevel)
            .then(|| AudioLevel::from_byte(self.audio_level))
    }

    /// When the packet left.
    #[inline]
    pub fn send_time(&self) -> Option<AbsSendTime> {
        self.has(ExtensionKind::AbsSendTime)
            .then(|| AbsSendTime::from_bits(self.send_time))
    }

    /// The number that transport-wide feedback calls the packet by.
    #[inline]
    pub fn transport_sequence(&self) -> Option<u16> {
        let either = self.has(ExtensionKind::TransportSequence)
            || self.has(ExtensionKind::TransportSequence02);
        either.then_some(self.transport_sequence)
    }

    /// When the media was captured.
    pub fn capture_time(&self) -> Option<CaptureTime> {
        self.has(ExtensionKind::AbsCaptureTime)
            .then(|| CaptureTime {
                at: NtpTime::from_bits(self.capture_at),
                clock_offset: (self.present & HAS_OFFSET != 0).then_some(self.capture_offset),
            })
    }

    /// How the picture is to be turned.
    pub fn orientation(&self) -> Option<VideoOrientation> {
        self.has(ExtensionKind::VideoOrientation)
            .then(|| VideoOrientation::from_byte(self.orientation))
    }

    /// Within which bounds the picture is to be delayed.
    pub fn playout_delay(&self) -> Option<PlayoutDelay> {
        if !self.has(ExtensionKind::PlayoutDelay) {
            return None;
        }
        PlayoutDelay::from_bytes(self.playout_delay)
    }

    /// How long after its time stamp the packet left.
    pub fn transmission_offset(&self) -> Option<TransmissionOffset> {
        self.has(ExtensionKind::TransmissionOffset)
            .then_some(self.offset)
    }

    /// 0 is a camera, 1 a screen.
    pub fn content_type(&self) -> Option<u8> {
        self.has(ExtensionKind::VideoContentType)
            .then_some(self.content_type)
    }
}

#[inline]
fn exactly<const N: usize>(data: &[u8]) -> Option<&[u8; N]> {
    data.try_into().ok()
}

#[inline]
fn one(data: &[u8]) -> Option<&u8> {
    exactly::<1>(data).map(|[byte]| byte)
}

#[inline]
fn u24(bytes: &[u8; 3]) -> u32 {
    u32::from_be_bytes([0, bytes[0], bytes[1], bytes[2]])
}

/// In `present` beside the kinds: the capture time has its offset.
const HAS_OFFSET: u32 = 1 << 31;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ext::send::one_of_everything;

    fn written(map: &ExtensionMap) -> (Vec<u8>, ExtensionBlock) {
        let mut bytes = Vec::new();
        assert!(one_of_everything().write(map, &mut bytes));
        let profile = u16::from_be_bytes([bytes[0], bytes[1]]);
        let words = u16::from_be_bytes([bytes[2], bytes[3]]);
        (bytes, ExtensionBlock::new(profile, 4, words).unwrap())
    }

    #[test]
    fn what_is_written_is_read() {
        let map = ExtensionMap::all(true);
        let (datagram, block) = written(&map);
        let sent = one_of_everything();

        let read = Extensions::read(block, &datagram, &map);
        assert_eq!(read.mid(&datagram), sent.mid);
        assert_eq!(read.rid(&datagram), sent.rid);
        assert_eq!(read.repaired_rid(&datagram), sent.repaired_rid);
        assert_eq!(read.audio_level(), sent.audio_level);
        assert!(
            read.csrc_audio_levels(&datagram)
                .eq([AudioLevel::new(false, 7)])
        );
        assert_eq!(read.send_time(), sent.send_time);
        assert_eq!(read.transport_sequence(), sent.transport_sequence);
        assert_eq!(read.capture_time(), sent.capture_time);
        assert_eq!(read.orientation(), sent.orientation);
        assert_eq!(read.playout_delay(), sent.playout_delay);
        assert_eq!(read.transmission_offset(), sent.transmission_offset);
        assert_eq!(read.content_type(), sent.content_type);
        let descriptor = read.dependency_descriptor(&datagram);
        assert_eq!(descriptor, sent.dependency_descriptor);
        let placed = |kind| read.bytes(kind, &datagram);
        assert_eq!(
            placed(ExtensionKind::VideoLayersAllocation),
            sent.layers_allocation
        );
        assert_eq!(placed(ExtensionKind::VideoTiming), sent.video_timing);
        assert_eq!(placed(ExtensionKind::ColorSpace), sent.color_space);
        assert!(ExtensionKind::ALL.into_iter().all(|kind| read.has(kind)));
    }

    #[test]
    fn what_was_not_agreed_on_is_not_read() {
        let (datagram, block) = written(&ExtensionMap::all(true));
        let read = Extensions::read(block, &datagram, &ExtensionMap::default());
        assert_eq!(read, Extensions::default());
        assert_eq!(read.transport_sequence(), None);
        assert_eq!(read.mid(&datagram), None);
    }

    #[test]
    fn an_element_of_the_wrong_length_is_as_if_absent() {
        let map = ExtensionMap::all(true);
        let id = |kind| map.id(kind).unwrap().get();
        for kind in &ExtensionKind::ALL[ExtensionKind::PLACED..] {
            let mut datagram = vec![id(*kind), 5, 1, 2, 3, 4, 5, 0];
            let block = ExtensionBlock::new(ExtensionBlock::TWO_BYTE, 0, 2).unwrap();
            let read = Extensions::read(block, &datagram, &map);
            assert_eq!(read.present, 0, "{kind:?}");

            datagram.clear();
            datagram.extend_from_slice(&[id(*kind), 0, 0, 0]);
            let block = ExtensionBlock::new(ExtensionBlock::TWO_BYTE, 0, 1).unwrap();
            let read = Extensions::read(block, &datagram, &map);
            assert_eq!(read.present, 0, "{kind:?}");
        }
    }

    #[test]
    fn a_mid_ends_at_its_first_zero_byte() {
        let mut map = ExtensionMap::default();
        map.insert(crate::ExtensionId::new(4).unwrap(), ExtensionKind::Mid);
        let datagram = [0x42, b'1', 0, 0];
        let block = ExtensionBlock::new(ExtensionBlock::ONE_BYTE, 0, 1).unwrap();
        let read = Extensions::read(block, &datagram, &map);
        assert_eq!(read.mid(&datagram), Some("1"));
    }

    #[test]
    fn a_request_for_feedback_stands_behind_the_number() {
        let map = ExtensionMap::all(true);
        let id = map.id(ExtensionKind::TransportSequence02).unwrap().get();
        let datagram = [id, 4, 0x12, 0x34, 0x80, 1, 0, 0];
        let block = ExtensionBlock::new(ExtensionBlock::TWO_BYTE, 0, 2).unwrap();
        let read = Extensions::read(block, &datagram, &map);
        assert_eq!(read.transport_sequence(), Some(0x1234));
    }

    #[test]
    fn it_is_64_bytes() {
        assert_eq!(size_of::<Extensions>(), 64);
    }
}

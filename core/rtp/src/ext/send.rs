use super::elements::Form;
use super::{
    AbsSendTime, AudioLevel, CaptureTime, CorruptionDetection, ExtensionKind, ExtensionMap,
    PlayoutDelay, TransmissionOffset, VideoOrientation,
};
use crate::ExtensionId;
use crate::limits::MAX_OTHER_ELEMENTS;

/// What the header extension of a packet is to say.
///
/// Written is what the map has an id for. One-byte elements are used as long as they do; if one is
/// longer than 16 bytes (or empty) or has an id above 14, all of that packet are two-byte elements,
/// and without `extmap-allow-mixed` that one is left out.
#[derive(Clone, Copy, Debug, Default)]
pub struct ExtensionsToSend<'a> {
    /// `a=mid` of the m-section.
    pub mid: Option<&'a str>,
    /// `a=rid` of the stream.
    pub rid: Option<&'a str>,
    /// `a=rid` of the stream that this packet repairs.
    pub repaired_rid: Option<&'a str>,
    /// The number for transport-wide feedback, in whichever form was agreed on.
    pub transport_sequence: Option<u16>,
    /// When the packet leaves.
    pub send_time: Option<AbsSendTime>,
    /// How long after its time stamp the packet leaves.
    pub transmission_offset: Option<TransmissionOffset>,
    /// How loud the packet is.
    pub audio_level: Option<AudioLevel>,
    /// How loud the contributing sources are: a byte each, in their order (RFC 6465 §3).
    pub csrc_audio_levels: Option<&'a [u8]>,
    /// When the media was captured.
    pub capture_time: Option<CaptureTime>,
    /// How the picture is to be turned.
    pub orientation: Option<VideoOrientation>,
    /// Within which bounds the picture is to be delayed.
    pub playout_delay: Option<PlayoutDelay>,
    /// A dependency descriptor.
    pub dependency_descriptor: Option<&'a [u8]>,
    /// `video-layers-allocation00`
    pub layers_allocation: Option<&'a [u8]>,
    /// `video-timing`
    pub video_timing: Option<&'a [u8]>,
    /// `color-space`
    pub color_space: Option<&'a [u8]>,
    /// Samples of the picture before it was encoded.
    pub corruption_detection: Option<CorruptionDetection>,
    /// 0 is a camera, 1 a screen.
    pub content_type: Option<u8>,
    /// Elements of other extensions, by their ids; those after the sixteenth are left out.
    pub other: &'a [(ExtensionId, &'a [u8])],
}

impl ExtensionsToSend<'_> {
    /// Appends the header extension with its head; nothing, and `false`, if it would be empty.
    #[inline]
    pub(crate) fn write(&self, map: &ExtensionMap, out: &mut Vec<u8>) -> bool {
        let start = out.len();
        out.extend_from_slice(&[0; HEAD]);
        let mut form = Form::OneByte;
        if !self.write_elements(form, map, out) && map.allows_mixed() {
            form = Form::TwoByte;
            out.truncate(start + HEAD);
            self.write_elements(form, map, out);
        }

        let len = out.len() - start - HEAD;
        if len == 0 {
            out.truncate(start);
            return false;
        }
        let padding = len.wrapping_neg() & 3;
        out.extend_from_slice(&[0; 3]);
        out.truncate(start + HEAD + len + padding);
        // At most 33 elements of at most 257 bytes.
        let words = ((len + padding) / 4) as u16;
        out[start..start + 2].copy_from_slice(&form.profile().to_be_bytes());
        out[start + 2..start + HEAD].copy_from_slice(&words.to_be_bytes());
        true
    }

    /// Appends all elements that this form can have; `false` if it cannot have all.
    #[inline]
    fn write_elements(&self, form: Form, map: &ExtensionMap, out: &mut Vec<u8>) -> bool {
        let mut fits = true;
        self.each(|kind, data| {
            if let Some(id) = map.id(kind) {
                fits &= form.write(id.get(), data, out);
            }
        });
        for (id, data) in self.other.iter().take(MAX_OTHER_ELEMENTS) {
            fits &= form.write(id.get(), data, out);
        }
        fits
    }

    #[inline]
    fn each(&self, mut element: impl FnMut(ExtensionKind, &[u8])) {
        if let Some(mid) = self.mid {
            element(ExtensionKind::Mid, mid.as_bytes());
        }
        if let Some(rid) = self.rid {
            element(ExtensionKind::Rid, rid.as_bytes());
        }
        if let Some(rid) = self.repaired_rid {
            element(ExtensionKind::RepairedRid, rid.as_bytes());
        }
        if let Some(sequence) = self.transport_sequence {
            element(ExtensionKind::TransportSequence, &sequence.to_be_bytes());
            element(ExtensionKind::TransportSequence02, &sequence.to_be_bytes());
        }
        if let Some(time) = self.send_time {
            element(
                ExtensionKind::AbsSendTime,
                &time.to_bits().to_be_bytes()[1..],
            );
        }
        if let Some(offset) = self.transmission_offset {
            let bytes = offset.to_bits().to_be_bytes();
            element(ExtensionKind::TransmissionOffset, &bytes[1..]);
        }
        if let Some(level) = self.audio_level {
            element(ExtensionKind::AudioLevel, &[level.to_byte()]);
        }
        self.each_rare(element);
    }

    /// Those of few packets.
    #[inline]
    fn each_rare(&self, mut element: impl FnMut(ExtensionKind, &[u8])) {
        if let Some(levels) = self.csrc_audio_levels {
            element(ExtensionKind::CsrcAudioLevel, levels);
        }
        if let Some(time) = self.capture_time {
            let (bytes, len) = time.to_bytes();
            element(ExtensionKind::AbsCaptureTime, &bytes[..len]);
        }
        if let Some(orientation) = self.orientation {
            element(ExtensionKind::VideoOrientation, &[orientation.to_byte()]);
        }
        if let Some(delay) = self.playout_delay {
            element(ExtensionKind::PlayoutDelay, &delay.to_bytes());
        }
        if let Some(descriptor) = self.dependency_descriptor {
            element(ExtensionKind::DependencyDescriptor, descriptor);
        }
        if let Some(allocation) = self.layers_allocation {
            element(ExtensionKind::VideoLayersAllocation, allocation);
        }
        if let Some(timing) = self.video_timing {
            element(ExtensionKind::VideoTiming, timing);
        }
        if let Some(space) = self.color_space {
            element(ExtensionKind::ColorSpace, space);
        }
        if let Some(samples) = self.corruption_detection {
            let (bytes, len) = samples.to_bytes();
            element(ExtensionKind::CorruptionDetection, &bytes[..len]);
        }
        if let Some(content) = self.content_type {
            element(ExtensionKind::VideoContentType, &[content]);
        }
    }
}

/// Profile and length of a header extension.
const HEAD: usize = 4;

#[cfg(test)]
pub(crate) fn one_of_everything() -> ExtensionsToSend<'static> {
    use std::time::Duration;

    ExtensionsToSend {
        mid: Some("video-1"),
        rid: Some("h"),
        repaired_rid: Some("q"),
        transport_sequence: Some(0x1234),
        send_time: Some(AbsSendTime::from_bits(0xabcdef)),
        transmission_offset: Some(TransmissionOffset::new(-5)),
        audio_level: Some(AudioLevel::new(true, 42)),
        csrc_audio_levels: Some(&[7]),
        capture_time: CaptureTime::parse(&[9; 16]),
        orientation: Some(VideoOrientation::from_byte(0x0e)),
        playout_delay: Some(PlayoutDelay::new(
            Duration::from_millis(10),
            Duration::from_millis(20),
        )),
        dependency_descriptor: Some(&[0xdd; 23]),
        layers_allocation: Some(&[0xaa; 11]),
        video_timing: Some(&[0x77; 13]),
        color_space: Some(&[6, 6, 6, 16]),
        corruption_detection: CorruptionDetection::parse(&[8; 16]),
        content_type: Some(1),
        other: &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ext::{ExtensionBlock, Extensions};

    fn map(agreed: &[(u8, ExtensionKind)], mixed: bool) -> ExtensionMap {
        let mut map = ExtensionMap::of([], mixed);
        for &(id, kind) in agreed {
            map.insert(ExtensionId::new(id).unwrap(), kind);
        }
        map
    }

    #[test]
    fn a_typical_video_packet_has_one_byte_elements() {
        let agreed = [
            (4, ExtensionKind::Mid),
            (3, ExtensionKind::TransportSequence),
            (2, ExtensionKind::AbsSendTime),
        ];
        let sent = ExtensionsToSend {
            mid: Some("1"),
            transport_sequence: Some(0x0102),
            send_time: Some(AbsSendTime::from_bits(0x030405)),
            // Not agreed on.
            rid: Some("h"),
            ..Default::default()
        };
        let mut bytes = Vec::new();
        assert!(sent.write(&map(&agreed, true), &mut bytes));
        let expected = [
            0xbe, 0xde, 0, 3, 0x40, b'1', 0x31, 1, 2, 0x22, 3, 4, 5, 0, 0, 0,
        ];
        assert_eq!(bytes, expected);
    }

    #[test]
    fn a_long_element_makes_all_of_its_packet_two_byte_elements() {
        let agreed = [
            (1, ExtensionKind::AudioLevel),
            (2, ExtensionKind::DependencyDescriptor),
        ];
        let sent = ExtensionsToSend {
            audio_level: Some(AudioLevel::new(false, 5)),
            dependency_descriptor: Some(&[7; 17]),
            ..Default::default()
        };
        let mut bytes = Vec::new();
        assert!(sent.write(&map(&agreed, true), &mut bytes));
        let mut expected = vec![0x10, 0, 0, 6, 1, 1, 5, 2, 17];
        expected.extend_from_slice(&[7; 17]);
        expected.extend_from_slice(&[0; 2]);
        assert_eq!(bytes, expected);
    }

    #[test]
    fn without_allow_mixed_a_long_element_is_left_out() {
        let agreed = [
            (1, ExtensionKind::AudioLevel),
            (2, ExtensionKind::DependencyDescriptor),
        ];
        let sent = ExtensionsToSend {
            audio_level: Some(AudioLevel::new(false, 5)),
            dependency_descriptor: Some(&[7; 17]),
            ..Default::default()
        };
        let mut bytes = Vec::new();
        assert!(sent.write(&map(&agreed, false), &mut bytes));
        assert_eq!(bytes, [0xbe, 0xde, 0, 1, 0x10, 5, 0, 0]);
        // Nothing is left: no extension at all.
        bytes.clear();
        assert!(!sent.write(&map(&agreed[1..], false), &mut bytes));
        assert!(bytes.is_empty());
    }

    #[test]
    fn an_id_above_14_needs_two_byte_elements() {
        let agreed = [(15, ExtensionKind::AudioLevel)];
        let sent = ExtensionsToSend {
            audio_level: Some(AudioLevel::new(false, 5)),
            ..Default::default()
        };
        let mut bytes = Vec::new();
        assert!(sent.write(&map(&agreed, true), &mut bytes));
        assert_eq!(bytes, [0x10, 0, 0, 1, 15, 1, 5, 0]);
        bytes.clear();
        assert!(!sent.write(&map(&agreed, false), &mut bytes));
    }

    #[test]
    fn elements_of_other_extensions_are_passed_on() {
        let other = [(ExtensionId::new(9).unwrap(), &b"any"[..]); 20];
        let sent = ExtensionsToSend {
            other: &other,
            ..Default::default()
        };
        let mut bytes = Vec::new();
        assert!(sent.write(&ExtensionMap::default(), &mut bytes));
        let words = u16::from_be_bytes([bytes[2], bytes[3]]);
        let block = ExtensionBlock::new(ExtensionBlock::ONE_BYTE, 4, words).unwrap();
        let read: Vec<_> = block.elements(&bytes).map(|e| (e.id, e.data)).collect();
        assert_eq!(read, [(9, &b"any"[..]); 16]);
        let known = Extensions::read(block, &bytes, &ExtensionMap::all(true));
        assert_eq!(known.mid(&bytes), None);
    }
}

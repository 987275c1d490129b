//! What is told of the frames of one stream: who needs which (AV1 RTP payload format, appendix A).

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use duologue_rtp::ext::{DependencyStructure, DescriptorToSend, FrameDependencies, Indication};
use duologue_rtp::payload::FrameInfo;

use super::layers::{self, LayerFrame};
use crate::frame::EncodedFrameInit;
use crate::limits::DESCRIBED_FRAMES;

/// Describes the frames of one stream: of one spatial layer, or of all that a mode has.
#[derive(Debug, Default)]
pub(super) struct Describer {
    /// The number of the next frame, extended.
    next: u64,
    /// Since the last key frame.
    structure: Option<DependencyStructure>,
    /// The frames since then, oldest first.
    sent: VecDeque<SentFrame>,
    slab: BytesMut,
    written: Vec<u8>,
}

/// A frame that later ones may need.
#[derive(Clone, Copy, Debug)]
struct SentFrame {
    number: u64,
    /// The application's name for it.
    id: Option<u64>,
    temporal: u8,
    discardable: bool,
}

/// What the packets of one frame say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Described {
    number: u64,
    dependencies: FrameDependencies,
    key: bool,
}

/// Temporal layers of a stream whose key frames say that it has some.
const TEMPORAL_LAYERS: u8 = 3;

/// As many as a descriptor can have.
const MOST_DIFFS: usize = 8;

impl Describer {
    pub(super) fn describe(&mut self, frame: &EncodedFrameInit, info: FrameInfo) -> Described {
        let number = self.next;
        self.next += 1;
        let temporal = frame.temporal.or(info.temporal);
        if info.key {
            let layers = temporal.map_or(1, |_| TEMPORAL_LAYERS);
            self.structure = Some(structure(layers, self.next_offset()));
            self.sent.clear();
        }
        let layers = self.structure.as_ref().map_or(1, |it| it.decode_targets);
        let temporal = temporal.unwrap_or(0).min(layers - 1);
        let discardable = frame.discardable || info.discardable;

        let diffs = match info.key {
            true => Vec::new(),
            false => self.diffs(frame, number, temporal),
        };
        let indications = indications(layers, temporal, (info.key, discardable));
        let dependencies = FrameDependencies::new(0, temporal, &indications, &diffs, &[]);
        if self.sent.len() >= DESCRIBED_FRAMES {
            self.sent.pop_front();
        }
        self.sent.push_back(SentFrame {
            number,
            id: frame.frame_id,
            temporal,
            discardable,
        });
        Described {
            number,
            dependencies: dependencies.unwrap_or(BASE),
            key: info.key,
        }
    }

    /// The same of one of several layers. With `key` it needs no other, and is the first of its picture.
    pub(super) fn describe_layer(&mut self, frame: &LayerFrame, key: bool) -> Described {
        let number = self.next;
        self.next += 1;
        if key {
            self.structure = Some(layers::structure(frame.mode, self.next_offset()));
            self.sent.clear();
        }
        Described {
            number,
            dependencies: frame.dependencies(),
            key,
        }
    }

    /// A new structure has other templates than the one before (A.8.2), of which there are 64 numbers.
    fn next_offset(&self) -> u8 {
        let before = self.structure.as_ref();
        let next = before.map_or(0, |it| it.template_id_offset + it.templates.len() as u8);
        next & 0x3f
    }

    /// How many numbers before its own the frames are that it needs, the nearest first.
    fn diffs(&self, frame: &EncodedFrameInit, number: u64, temporal: u8) -> Vec<u16> {
        let diff = |sent: &SentFrame| u16::try_from(number - sent.number).ok();
        if let Some(named) = &frame.dependencies {
            let found = named.iter().map(|id| {
                let mut sent = self.sent.iter().rev();
                sent.find(|sent| sent.id == Some(*id)).and_then(diff)
            });
            // One that nobody knows is older than all that can be told.
            if let Some(diffs) = found.collect::<Option<Vec<u16>>>()
                && diffs.len() <= MOST_DIFFS
            {
                return diffs;
            }
        }
        // What an encoder of temporal layers may refer to: lower and equal ones, back to the last of
        // the lowest.
        let needed = self.sent.iter().rev();
        let needed = needed.filter(|sent| sent.temporal <= temporal && !sent.discardable);
        let mut diffs = Vec::new();
        for sent in needed.take(MOST_DIFFS) {
            diffs.extend(diff(sent));
            if sent.temporal == 0 {
                break;
            }
        }
        diffs
    }

    /// The descriptor of a frame's packet, and whether it is the first, and the last. Empty before there
    /// was a key frame.
    pub(super) fn write(&mut self, frame: &Described, (first, last): (bool, bool)) -> Bytes {
        let Some(structure) = &self.structure else {
            return Bytes::new();
        };
        self.written.clear();
        structure.write(
            &DescriptorToSend {
                start_of_frame: first,
                end_of_frame: last,
                frame_number: frame.number as u16,
                dependencies: &frame.dependencies,
                active_decode_targets: None,
                attach_structure: frame.key && first,
            },
            &mut self.written,
        );
        crate::slab::copy(&mut self.slab, &self.written)
    }
}

/// What says nothing.
const BASE: FrameDependencies = FrameDependencies::BASE;

/// A decode target for each temporal layer and no chains, so that it fits one-byte extensions.
fn structure(layers: u8, template_id_offset: u8) -> DependencyStructure {
    let template = |temporal, key, diffs: &[u16]| {
        let indications = indications(layers, temporal, (key, false));
        FrameDependencies::new(0, temporal, &indications, diffs, &[]).unwrap_or(BASE)
    };
    let mut templates = vec![template(0, true, &[]), template(0, false, &[1])];
    templates.extend((1..layers).map(|temporal| template(temporal, false, &[1])));
    DependencyStructure {
        template_id_offset,
        decode_targets: layers,
        templates,
        chains: 0,
        protected_by: Vec::new(),
        resolutions: Vec::new(),
    }
}

/// Targets of lower layers do not have the frame. Which frames of higher layers may follow without those
/// before it is known of key frames alone, and of the only layer.
fn indications(layers: u8, temporal: u8, (key, discardable): (bool, bool)) -> Vec<Indication> {
    let of = |target: u8| match (target < temporal, discardable) {
        (true, _) => Indication::NotPresent,
        (false, true) => Indication::Discardable,
        (false, false) if key || target == 0 => Indication::Switch,
        (false, false) => Indication::Required,
    };
    (0..layers).map(of).collect()
}

#[cfg(test)]
mod tests {
    use duologue_rtp::ext::{DependencyDescriptor, DependencyReader};

    use super::*;

    /// Whether it is a key frame, its temporal layer, and which frames it needs.
    type Frame<'f> = (bool, Option<u8>, Option<&'f [u64]>);

    fn described(frames: &[Frame<'_>]) -> Vec<DependencyDescriptor> {
        let mut describer = Describer::default();
        let mut reader = DependencyReader::default();
        let mut read = Vec::new();
        for (id, (key, temporal, dependencies)) in (0..).zip(frames) {
            let frame = EncodedFrameInit {
                frame_id: Some(id),
                temporal: *temporal,
                dependencies: dependencies.map(<[u64]>::to_vec),
                ..Default::default()
            };
            let info = FrameInfo {
                key: *key,
                ..Default::default()
            };
            let frame = describer.describe(&frame, info);
            let bytes = describer.write(&frame, (true, true));
            assert!(bytes.len() <= 16, "it fits one-byte extensions");
            read.push(reader.read(&bytes).unwrap());
        }
        read
    }

    fn diffs(read: &[DependencyDescriptor]) -> Vec<&[u16]> {
        read.iter()
            .map(|it| it.dependencies.frame_diffs())
            .collect()
    }

    #[test]
    fn frames_of_one_layer_need_the_one_before() {
        let frames = [true, false, false, true, false].map(|key| (key, None, None));
        let read = described(&frames);
        let none: &[u16] = &[];
        assert_eq!(diffs(&read), [none, &[1], &[1], none, &[1]]);
        assert!(
            read.windows(2)
                .all(|pair| pair[1].frame == pair[0].frame + 1)
        );
        let structures = read.iter().map(|it| it.structure.is_some());
        let keys = frames.map(|(key, ..)| key);
        assert_eq!(structures.collect::<Vec<_>>(), keys);
    }

    #[test]
    fn frames_of_temporal_layers_need_lower_ones_back_to_the_lowest() {
        let layers = [0, 2, 1, 2, 0, 2, 1];
        let frames: Vec<_> = (0..)
            .zip(layers)
            .map(|(n, it)| (n == 0, Some(it), None))
            .collect();
        let read = described(&frames);
        let none: &[u16] = &[];
        let expected = [none, &[1], &[2], &[1, 2, 3], &[4], &[1], &[2]];
        assert_eq!(diffs(&read), expected);
        let of_lowest = |it: &DependencyDescriptor| it.dependencies.indication(0);
        assert_eq!(of_lowest(&read[1]), Indication::NotPresent);
        assert_eq!(of_lowest(&read[4]), Indication::Switch);
    }

    #[test]
    fn what_the_application_says_is_told() {
        let read = described(&[
            (true, None, None),
            (false, None, Some(&[0])),
            (false, None, Some(&[0])),
            (false, None, Some(&[2, 1])),
            // Nobody knows that one: it needs what frames need otherwise.
            (false, None, Some(&[99])),
        ]);
        let none: &[u16] = &[];
        assert_eq!(diffs(&read), [none, &[1], &[2], &[1, 2], &[1]]);
    }
}

//! Which frames can be decoded though others of their stream are missing, by what dependency descriptors
//! say (AV1 RTP payload format, appendix A): whatever their codec is.

use std::collections::VecDeque;

use duologue_rtp::ext::{DependencyDescriptor, DependencyReader, Indication};

use crate::frame::EncodedFrame;
use crate::limits::KNOWN_FRAMES;
use crate::packet::RtpPacket;

/// What was handed out of a stream, as far as its packets number their frames.
#[derive(Debug, Default)]
pub(super) struct Dependencies {
    reader: DependencyReader,
    /// The numbers of what was handed out since the last key frame, in their order.
    known: VecDeque<u64>,
}

/// What the packets of a picture say, one for each of its spatial layers, the lowest first.
pub(super) type Layers = Vec<DependencyDescriptor>;

impl Dependencies {
    /// What these packets of one picture will say, if all that come before them were read.
    pub(super) fn peek<'a>(&self, packets: impl Iterator<Item = &'a RtpPacket>) -> Layers {
        let mut packets = packets.filter(|it| !it.dependency_descriptor.is_empty());
        let Some(first) = packets.next() else {
            return Layers::new();
        };
        let mut reader = self.reader.clone();
        read(&mut reader, std::iter::once(first).chain(packets))
    }

    /// A picture with these layers can be decoded if no more is missing than what was not handed out.
    pub(super) fn allow(&self, layers: &Layers) -> bool {
        layers.iter().all(|layer| {
            needs(layer).all(|needed| {
                let of_picture = layers.iter().any(|it| it.frame == needed);
                of_picture || self.known.binary_search(&needed).is_ok()
            })
        })
    }

    /// A picture of these packets is handed out, or left out.
    pub(super) fn take<'a>(&mut self, packets: impl Iterator<Item = &'a RtpPacket>) -> Layers {
        let packets = packets.filter(|it| !it.dependency_descriptor.is_empty());
        read(&mut self.reader, packets)
    }

    pub(super) fn handed_out(&mut self, key: bool, layers: &Layers) {
        if key {
            self.known.clear();
        }
        for layer in layers {
            if self.known.back().is_some_and(|last| *last >= layer.frame) {
                // Another beginning: what came before has other numbers.
                self.known.clear();
            }
            self.known.push_back(layer.frame);
        }
        while self.known.len() > KNOWN_FRAMES {
            self.known.pop_front();
        }
    }
}

fn read<'a>(reader: &mut DependencyReader, packets: impl Iterator<Item = &'a RtpPacket>) -> Layers {
    // One that cannot be read is as if absent: it is of no structure that came.
    let read = packets.filter_map(|packet| reader.read(&packet.dependency_descriptor).ok());
    read.filter(|descriptor| descriptor.start_of_frame)
        .collect()
}

fn needs(layer: &DependencyDescriptor) -> impl Iterator<Item = u64> {
    let diffs = layer.dependencies.frame_diffs().iter();
    diffs.map(|diff| layer.frame.saturating_sub(u64::from(*diff)))
}

/// The packet is the first of a frame (A.8.2, `start_of_frame`).
pub(super) fn starts_frame(packet: &RtpPacket) -> bool {
    let first = packet.dependency_descriptor.first();
    first.is_some_and(|byte| byte & 0x80 != 0)
}

/// Adds to a frame what its layers say.
pub(super) fn describe(frame: &mut EncodedFrame, layers: &Layers) {
    let Some(highest) = layers.last() else {
        return;
    };
    let dependencies = &highest.dependencies;
    frame.frame_id = Some(highest.frame);
    frame.spatial = Some(dependencies.spatial);
    frame.temporal = frame.temporal.or(Some(dependencies.temporal));
    let within = |needed: &u64| layers.iter().any(|it| it.frame == *needed);
    let needed = layers.iter().flat_map(needs);
    frame.dependencies = needed.filter(|needed| !within(needed)).collect();
    frame.dependencies.sort_unstable();
    frame.dependencies.dedup();
    frame.discardable |= layers.iter().all(|layer| {
        (0..32).all(|target| {
            let indication = layer.dependencies.indication(target);
            matches!(indication, Indication::NotPresent | Indication::Discardable)
        })
    });
}

//! Which frames can be decoded though others of their stream are missing, by what payload descriptors
//! say of layers and references.

use duologue_rtp::payload::{Descriptor, PacketInfo, PictureId, vp8, vp9};

/// Beyond the highest temporal layer.
const ALL_LAYERS: u8 = 8;

/// What was handed out of a stream, as far as its frames name each other.
#[derive(Debug)]
pub(crate) struct References {
    /// TL0PICIDX of the last frame of the lowest temporal layer.
    lowest: Option<u8>,
    /// Of this temporal layer and of higher ones, frames may miss that others need. The lowest is told
    /// by its running number alone.
    broken_from: u8,
    pictures: Pictures,
    /// Frames were left out since the last key frame.
    gap: bool,
}

impl References {
    pub(crate) fn new() -> Self {
        References {
            lowest: None,
            broken_from: ALL_LAYERS,
            pictures: Pictures::default(),
            gap: false,
        }
    }

    /// Nothing was left out since the last key frame.
    pub(crate) fn allow_all(&self) -> bool {
        !self.gap
    }

    /// A frame with packets that say this can be decoded, if all that was handed out was.
    pub(crate) fn allow<'a>(&self, packets: impl Iterator<Item = PacketInfo<'a>>) -> bool {
        !self.gap || self.allow_behind(self.broken_from, packets)
    }

    /// It can, even if frames between it and the last one are left out.
    pub(crate) fn allow_behind_gap<'a>(
        &self,
        packets: impl Iterator<Item = PacketInfo<'a>>,
    ) -> bool {
        self.allow_behind(1, packets)
    }

    fn allow_behind<'a>(
        &self,
        broken_from: u8,
        mut packets: impl Iterator<Item = PacketInfo<'a>>,
    ) -> bool {
        packets.all(|info| match info.descriptor {
            Descriptor::Vp8(descriptor) => self.allow_vp8(broken_from, descriptor),
            Descriptor::Vp9(descriptor) => self.allow_vp9(broken_from, descriptor),
            // Nothing says what it needs: all before it.
            _ => false,
        })
    }

    /// RFC 7741 §4.2, TL0PICIDX, TID and Y.
    fn allow_vp8(&self, broken_from: u8, descriptor: vp8::Descriptor) -> bool {
        let (Some(lowest), Some(temporal)) = (descriptor.tl0_picture, descriptor.temporal) else {
            return false;
        };
        let intact = temporal < broken_from || descriptor.layer_sync;
        self.allow_layer(lowest, temporal, intact)
    }

    /// RFC 9628 §4.2: P_DIFF where references are listed, else TL0PICIDX and TID.
    fn allow_vp9(&self, broken_from: u8, descriptor: vp9::Descriptor<'_>) -> bool {
        if descriptor.flexible {
            let Some(picture) = descriptor.picture_id else {
                return false;
            };
            let mut needed = descriptor.references.iter();
            return needed.all(|diff| self.pictures.have(picture, *diff));
        }
        let (Some(lowest), Some(layers)) = (descriptor.tl0_picture, descriptor.layers) else {
            return false;
        };
        self.allow_layer(lowest, layers.temporal, layers.temporal < broken_from)
    }

    fn allow_layer(&self, lowest: u8, temporal: u8, intact: bool) -> bool {
        let Some(last) = self.lowest else {
            return false;
        };
        match temporal {
            0 => lowest == last.wrapping_add(1),
            _ => lowest == last && intact,
        }
    }

    /// Frames are left out.
    pub(crate) fn leave_out(&mut self) {
        self.gap = true;
        self.broken_from = 1;
    }

    /// A frame with this first packet was handed out.
    pub(crate) fn handed_out(&mut self, key: bool, first: &PacketInfo<'_>) {
        if key {
            *self = References::new();
        }
        match first.descriptor {
            Descriptor::Vp8(descriptor) => {
                let temporal = descriptor.temporal.filter(|_| !key).unwrap_or(0);
                if temporal == 0 {
                    self.lowest = descriptor.tl0_picture;
                }
                // It needs the lowest layer alone: the layers up to it begin anew.
                if descriptor.layer_sync && temporal == self.broken_from {
                    self.broken_from += 1;
                }
            }
            Descriptor::Vp9(descriptor) => {
                if let Some(picture) = descriptor.picture_id {
                    self.pictures.add(picture);
                }
                let layers = descriptor.layers;
                if key || layers.is_some_and(|layers| layers.temporal == 0) {
                    self.lowest = descriptor.tl0_picture;
                }
                // No later picture of a higher layer needs one before this picture.
                if layers.is_some_and(|it| it.switching_up && it.temporal < self.broken_from) {
                    self.broken_from = ALL_LAYERS;
                }
            }
            _ => {}
        }
    }
}

/// Which of the last 128 picture numbers were handed out: P_DIFF has seven bits.
#[derive(Debug, Default)]
struct Pictures {
    newest: Option<PictureId>,
    /// Bit n: so many numbers before the newest.
    before: u128,
}

impl Pictures {
    fn add(&mut self, picture: PictureId) {
        let ahead = self.newest.map(|newest| distance(newest, picture));
        self.before = match ahead {
            Some(ahead @ 0..128) => self.before << ahead | 1,
            _ => 1,
        };
        self.newest = Some(picture);
    }

    /// The one that comes so many numbers before this.
    fn have(&self, picture: PictureId, diff: u8) -> bool {
        let Some(newest) = self.newest else {
            return false;
        };
        let ahead = u32::from(distance(newest, picture));
        let at = u32::from(diff).checked_sub(ahead);
        at.and_then(|at| self.before.checked_shr(at))
            .is_some_and(|before| before & 1 == 1)
    }
}

/// How far a number is ahead of another, within the bits of the second.
fn distance(from: PictureId, to: PictureId) -> u16 {
    let ahead = to.number().wrapping_sub(from.number());
    match to {
        PictureId::Short(_) => ahead & 0x7f,
        PictureId::Long(_) => ahead & 0x7fff,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vp8(lowest: u8, temporal: u8, layer_sync: bool) -> PacketInfo<'static> {
        PacketInfo {
            descriptor: Descriptor::Vp8(vp8::Descriptor {
                tl0_picture: Some(lowest),
                temporal: Some(temporal),
                layer_sync,
                ..Default::default()
            }),
            ..Default::default()
        }
    }

    fn vp9(picture: u16, diffs: &[u8]) -> PacketInfo<'static> {
        PacketInfo {
            descriptor: Descriptor::Vp9(vp9::Descriptor {
                picture_id: Some(PictureId::Long(picture)),
                flexible: true,
                predicted: !diffs.is_empty(),
                references: vp9::References::new(diffs).unwrap(),
                ..Default::default()
            }),
            ..Default::default()
        }
    }

    fn after(frames: &[(bool, PacketInfo<'_>)]) -> References {
        let mut references = References::new();
        for (key, first) in frames {
            references.handed_out(*key, first);
        }
        references
    }

    fn behind_gap(references: &References, frame: PacketInfo<'_>) -> bool {
        references.allow_behind_gap([frame].into_iter())
    }

    #[test]
    fn the_lowest_layer_goes_on_behind_what_higher_layers_lost() {
        let references = after(&[(true, vp8(255, 0, false)), (false, vp8(255, 2, true))]);
        assert!(behind_gap(&references, vp8(0, 0, false)));
        // One of its own layer misses.
        assert!(!behind_gap(&references, vp8(1, 0, false)));
        // It may need the one that was left out.
        assert!(!behind_gap(&references, vp8(255, 2, false)));
        assert!(behind_gap(&references, vp8(255, 1, true)));
    }

    #[test]
    fn a_higher_layer_goes_on_where_it_begins_anew() {
        let mut references = after(&[(true, vp8(7, 0, false))]);
        let allow = |references: &References, frame| references.allow([frame].into_iter());
        references.leave_out();
        references.handed_out(false, &vp8(8, 0, false));
        assert!(!allow(&references, vp8(8, 1, false)));
        assert!(allow(&references, vp8(8, 2, true)), "this one alone");
        references.handed_out(false, &vp8(8, 2, true));
        assert!(!allow(&references, vp8(8, 1, false)));
        references.handed_out(false, &vp8(8, 1, true));
        assert!(allow(&references, vp8(8, 1, false)));
        assert!(!allow(&references, vp8(8, 2, false)));
        references.handed_out(true, &vp8(9, 0, false));
        assert!(allow(&references, vp8(9, 2, false)));
    }

    #[test]
    fn listed_references_are_looked_up_across_the_wrap() {
        let references = after(&[
            (true, vp9(0x7ffe, &[])),
            (false, vp9(0x7fff, &[1])),
            (false, vp9(1, &[2])),
        ]);
        assert!(behind_gap(&references, vp9(3, &[2, 4])));
        assert!(!behind_gap(&references, vp9(3, &[3])), "0 did not come");
        assert!(!behind_gap(&references, vp9(3, &[2, 1])), "nor did 2");
        assert!(!behind_gap(&references, vp9(200, &[127])));
    }

    #[test]
    fn who_says_nothing_needs_all() {
        let references = after(&[(true, PacketInfo::default())]);
        assert!(!behind_gap(&references, PacketInfo::default()));
        assert!(references.allow([PacketInfo::default()].into_iter()));
    }
}

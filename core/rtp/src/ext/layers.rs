//! `video-layers-allocation00`: which layers of all streams of a simulcast are sent, at which
//! bitrates and sizes.

use crate::limits::MAX_ALLOCATED_LAYERS;

/// What the sender of a simulcast sends now.
///
/// ```
/// use duologue_rtp::ext::{AllocatedLayer, LayerSize, LayersAllocation};
///
/// let size = LayerSize { width: 640, height: 360, max_framerate: 30 };
/// let allocation = LayersAllocation {
///     stream: 0,
///     streams: 1,
///     layers: vec![AllocatedLayer::new(0, 0, &[150, 300], Some(size)).unwrap()],
/// };
/// let mut bytes = Vec::new();
/// assert!(allocation.write(&mut bytes));
/// assert_eq!(LayersAllocation::parse(&bytes), Some(allocation));
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct LayersAllocation {
    /// The stream that this is sent on, by its place among the rids, 0 to 3.
    pub stream: u8,
    /// How many streams there are, 1 to 4; 0 if nothing is sent.
    pub streams: u8,
    /// What is sent, by stream and in each by spatial layer; up to 16.
    pub layers: Vec<AllocatedLayer>,
}

/// A spatial layer that is sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AllocatedLayer {
    /// The stream that the layer belongs to, 0 to 3.
    pub stream: u8,
    /// Which layer, 0 to 3.
    pub spatial: u8,
    kbps: [u32; 4],
    temporal_layers: u8,
    /// The size of the layer. Either all layers have it or none.
    pub size: Option<LayerSize>,
}

/// The size of a layer.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct LayerSize {
    /// 1 to 65,536
    pub width: u32,
    /// 1 to 65,536
    pub height: u32,
    /// Frames per second.
    pub max_framerate: u8,
}

impl AllocatedLayer {
    /// `kbps` has for each temporal layer, up to four, how many kilobits per second it takes with
    /// all that it needs. `None` if there is none or another number is out of range.
    pub fn new(stream: u8, spatial: u8, kbps: &[u32], size: Option<LayerSize>) -> Option<Self> {
        let sizes = 1..=65_536;
        let fits = |s: LayerSize| sizes.contains(&s.width) && sizes.contains(&s.height);
        if stream > 3 || spatial > 3 || kbps.is_empty() || !size.is_none_or(fits) {
            return None;
        }
        let mut layer = AllocatedLayer {
            stream,
            spatial,
            kbps: [0; 4],
            temporal_layers: kbps.len() as u8,
            size,
        };
        layer.kbps.get_mut(..kbps.len())?.copy_from_slice(kbps);
        Some(layer)
    }

    /// Kilobits per second of each temporal layer with all that it needs.
    pub fn kbps(&self) -> &[u32] {
        &self.kbps[..self.temporal_layers.into()]
    }
}

impl LayersAllocation {
    /// Reads the extension; `None` if it contradicts itself.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        if bytes == [0] {
            return Some(LayersAllocation::default());
        }
        let (&first, mut rest) = bytes.split_first()?;
        let mut allocation = LayersAllocation {
            stream: first >> 6,
            streams: (first >> 4 & 3) + 1,
            layers: Vec::new(),
        };

        let mut masks = [first & 0xf; 4];
        if first & 0xf == 0 {
            let (own, behind) = rest.split_at_checked(mask_bytes(allocation.streams))?;
            for (mask, place) in masks.iter_mut().zip(0..2 * own.len()) {
                *mask = own[place / 2] >> (4 * (1 - place % 2)) & 0xf;
            }
            rest = behind;
        }
        for (stream, mask) in (0..allocation.streams).zip(masks) {
            for spatial in (0..4).filter(|layer| mask >> layer & 1 == 1) {
                let layer = AllocatedLayer::new(stream, spatial, &[0], None)?;
                allocation.layers.push(layer);
            }
        }

        let layers = &mut allocation.layers;
        let (counts, mut rest) = rest.split_at_checked(layers.len().div_ceil(4))?;
        for (place, layer) in layers.iter_mut().enumerate() {
            layer.temporal_layers = (counts[place / 4] >> (6 - 2 * (place % 4)) & 3) + 1;
        }
        for layer in layers.iter_mut() {
            for kbps in &mut layer.kbps[..layer.temporal_layers.into()] {
                *kbps = split_leb128(&mut rest)?;
            }
        }
        if rest.is_empty() {
            return Some(allocation);
        }
        let (sizes, []) = rest.as_chunks() else {
            return None;
        };
        if sizes.len() != layers.len() {
            return None;
        }
        for (layer, &[w0, w1, h0, h1, max_framerate]) in layers.iter_mut().zip(sizes) {
            layer.size = Some(LayerSize {
                width: u32::from(u16::from_be_bytes([w0, w1])) + 1,
                height: u32::from(u16::from_be_bytes([h0, h1])) + 1,
                max_framerate,
            });
        }
        Some(allocation)
    }

    /// Appends the extension; nothing, and `false`, if layers are not in their order, twice, of a
    /// stream that is not there, or only some have a size.
    pub fn write(&self, out: &mut Vec<u8>) -> bool {
        if self.layers.is_empty() {
            out.push(0);
            return true;
        }
        if !self.is_valid() {
            return false;
        }

        let mut masks = [0; 4];
        for layer in &self.layers {
            masks[usize::from(layer.stream)] |= 1 << layer.spatial;
        }
        let streams = &masks[..self.streams.into()];
        let common = streams.iter().all(|mask| *mask == masks[0]);
        let shared = if common { masks[0] } else { 0 };
        out.push(self.stream << 6 | (self.streams - 1) << 4 | shared);
        if !common {
            let own = [masks[0] << 4 | masks[1], masks[2] << 4 | masks[3]];
            out.extend_from_slice(&own[..mask_bytes(self.streams)]);
        }
        for four in self.layers.chunks(4) {
            let counts = four.iter().enumerate();
            out.push(counts.fold(0, |byte, (place, layer)| {
                byte | (layer.temporal_layers - 1) << (6 - 2 * place)
            }));
        }
        for kbps in self.layers.iter().flat_map(AllocatedLayer::kbps) {
            write_leb128(*kbps, out);
        }
        for size in self.layers.iter().filter_map(|layer| layer.size) {
            let side = |pixels: u32| ((pixels - 1) as u16).to_be_bytes();
            out.extend_from_slice(&side(size.width));
            out.extend_from_slice(&side(size.height));
            out.push(size.max_framerate);
        }
        true
    }

    fn is_valid(&self) -> bool {
        let place = |layer: &AllocatedLayer| (layer.stream, layer.spatial);
        let sized = self.layers.iter().filter(|layer| layer.size.is_some());
        let sized = sized.count();
        self.stream < 4
            && (1..=4).contains(&self.streams)
            && self.layers.len() <= MAX_ALLOCATED_LAYERS
            && self.layers.iter().all(|layer| layer.stream < self.streams)
            && self.layers.is_sorted_by(|a, b| place(a) < place(b))
            && (sized == 0 || sized == self.layers.len())
    }
}

/// Bytes of masks, when streams have masks of their own.
fn mask_bytes(streams: u8) -> usize {
    if streams <= 2 { 1 } else { 2 }
}

/// A number in LEB128; `None` if it has more than 32 bits.
fn split_leb128(bytes: &mut &[u8]) -> Option<u32> {
    let mut value = 0u64;
    for place in 0..5 {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return u32::try_from(value).ok();
        }
    }
    None
}

fn write_leb128(mut value: u32, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SIZE: LayerSize = LayerSize {
        width: 640,
        height: 480,
        max_framerate: 20,
    };

    fn layer(stream: u8, spatial: u8, kbps: &[u32]) -> AllocatedLayer {
        AllocatedLayer::new(stream, spatial, kbps, Some(SIZE)).unwrap()
    }

    fn written(allocation: &LayersAllocation) -> Vec<u8> {
        let mut bytes = Vec::new();
        assert!(allocation.write(&mut bytes));
        assert_eq!(LayersAllocation::parse(&bytes).as_ref(), Some(allocation));
        bytes
    }

    #[test]
    fn one_layer_takes_eleven_bytes() {
        // As many as Chromium's (BROWSER-MEDIA, "Packet formats"), with two temporal layers.
        let allocation = LayersAllocation {
            stream: 0,
            streams: 1,
            layers: vec![layer(0, 0, &[200, 300])],
        };
        let expected = [
            0x01, 0x40, 0xc8, 0x01, 0xac, 0x02, 0x02, 0x7f, 0x01, 0xdf, 20,
        ];
        assert_eq!(written(&allocation), expected);
    }

    #[test]
    fn streams_with_the_same_layers_share_a_mask() {
        let allocation = LayersAllocation {
            stream: 1,
            streams: 3,
            layers: (0..3).map(|s| layer(s, 0, &[100])).collect(),
        };
        let bytes = written(&allocation);
        assert_eq!(bytes[..5], [0x40 | 0x20 | 1, 0, 100, 100, 100]);
        assert_eq!(bytes.len(), 5 + 15);
    }

    #[test]
    fn streams_with_other_layers_have_masks_of_their_own() {
        let mut allocation = LayersAllocation {
            stream: 0,
            streams: 2,
            layers: vec![layer(0, 0, &[1]), layer(0, 1, &[2]), layer(1, 2, &[3])],
        };
        assert_eq!(written(&allocation)[..3], [0x10, 0x34, 0]);
        allocation.streams = 3;
        assert_eq!(written(&allocation)[..4], [0x20, 0x34, 0x00, 0]);
    }

    #[test]
    fn nothing_sent_is_a_zero() {
        assert_eq!(written(&LayersAllocation::default()), [0]);
    }

    #[test]
    fn what_contradicts_itself_is_none() {
        for bytes in [
            &[][..],
            // Masks, counts, bitrates, sizes cut off; a size too many.
            &[0x10],
            &[0x01],
            &[0x01, 0x00],
            &[0x01, 0x00, 0x80],
            &[0x01, 0x00, 5, 0, 0, 0, 0],
            &[0x01, 0x00, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            // A bitrate of more than 32 bits.
            &[0x01, 0x00, 0xff, 0xff, 0xff, 0xff, 0x1f],
            &[0x01, 0x00, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00],
        ] {
            assert_eq!(LayersAllocation::parse(bytes), None, "{bytes:?}");
        }
    }

    #[test]
    fn what_cannot_be_said_is_not_written() {
        let refused = |streams, layers: Vec<AllocatedLayer>| {
            let allocation = LayersAllocation {
                stream: 0,
                streams,
                layers,
            };
            let mut bytes = Vec::new();
            assert!(!allocation.write(&mut bytes));
            assert!(bytes.is_empty());
        };
        refused(1, vec![layer(1, 0, &[1])]);
        refused(1, vec![layer(0, 1, &[1]), layer(0, 0, &[1])]);
        refused(1, vec![layer(0, 1, &[1]), layer(0, 1, &[1])]);
        let sizeless = AllocatedLayer::new(0, 1, &[1], None).unwrap();
        refused(1, vec![layer(0, 0, &[1]), sizeless]);
        assert_eq!(AllocatedLayer::new(4, 0, &[1], None), None);
        assert_eq!(AllocatedLayer::new(0, 4, &[1], None), None);
        assert_eq!(AllocatedLayer::new(0, 0, &[], None), None);
        assert_eq!(AllocatedLayer::new(0, 0, &[1; 5], None), None);
        let nothing = LayerSize { width: 0, ..SIZE };
        assert_eq!(AllocatedLayer::new(0, 0, &[1], Some(nothing)), None);
    }

    proptest! {
        #[test]
        fn allocations_survive(
            stream in 0u8..4,
            masks in proptest::collection::vec(0u8..16, 1..=4),
            kbps in proptest::collection::vec(any::<u32>(), 1..=4),
            size in proptest::option::of((1u32..=65_536, 1u32..=65_536, any::<u8>())),
        ) {
            let size = size.map(|(width, height, max_framerate)| LayerSize {
                width,
                height,
                max_framerate,
            });
            let mut layers = Vec::new();
            for (stream, mask) in (0..).zip(&masks) {
                for spatial in (0..4).filter(|s| mask >> s & 1 == 1) {
                    layers.push(AllocatedLayer::new(stream, spatial, &kbps, size).unwrap());
                }
            }
            let sent = !layers.is_empty();
            written(&LayersAllocation {
                stream: if sent { stream } else { 0 },
                streams: if sent { masks.len() as u8 } else { 0 },
                layers,
            });
        }

        #[test]
        fn junk_never_panics(junk in proptest::collection::vec(any::<u8>(), 0..120)) {
            if let Some(allocation) = LayersAllocation::parse(&junk) {
                prop_assert!(allocation.layers.len() <= 16);
            }
        }
    }
}

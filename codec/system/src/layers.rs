//! What encoders with layers are told of each picture: which of their buffers it may need and which it
//! fills. The same for all libraries that leave that to who uses them.

use duologue_codec::ScalabilityMode;
use duologue_rtp::InterLayer;

/// Where an encoder is in the pattern of its mode.
#[derive(Debug)]
pub(crate) struct Pattern {
    mode: ScalabilityMode,
    /// How many pictures there were since the last key picture, with it.
    pictures: u64,
}

/// One picture in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Picture {
    mode: ScalabilityMode,
    pub(crate) key: bool,
    pub(crate) temporal: u8,
    /// The temporal layer of the one before, of those that are needed by others.
    needed: u8,
}

/// The buffers of one spatial layer of a picture.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Buffers {
    /// Of an earlier picture of the layer, which it needs.
    pub(crate) own: Option<u8>,
    /// Of the layer below in the same picture.
    pub(crate) below: Option<u8>,
    /// The one that it fills.
    pub(crate) fills: Option<u8>,
}

impl Pattern {
    pub(crate) fn new(mode: ScalabilityMode) -> Self {
        Pattern { mode, pictures: 0 }
    }

    /// The next picture: a key picture if it has to be one, as the first one has.
    pub(crate) fn next(&mut self, key: bool) -> Picture {
        let key = key || self.pictures == 0;
        let at = if key { 0 } else { self.pictures };
        self.pictures = at + 1;
        let temporal = self.mode.temporal_of(at);
        let before = at.checked_sub(1).map(|at| self.mode.temporal_of(at));
        Picture {
            mode: self.mode,
            key,
            temporal,
            // The second one of layer 2 follows one of layer 1.
            needed: before.filter(|it| *it < temporal).unwrap_or(0),
        }
    }
}

impl Picture {
    /// Those of a spatial layer.
    pub(crate) fn buffers(&self, spatial: u8) -> Buffers {
        let (layers, temporal) = (self.mode.spatial_layers(), self.temporal);
        let at = |spatial: u8, temporal: u8| temporal * layers + spatial;
        let inter_layer = match self.mode.inter_layer() {
            InterLayer::Always => true,
            InterLayer::KeyPictures => self.key,
            InterLayer::Never => false,
        };
        let middle = temporal == 1 && self.mode.temporal_layers() == 3;
        let needed_above = inter_layer && spatial + 1 < layers;
        Buffers {
            own: (!self.key).then(|| at(spatial, self.needed)),
            below: (inter_layer && spatial > 0).then(|| at(spatial - 1, temporal)),
            fills: (temporal == 0 || middle || needed_above).then(|| at(spatial, temporal)),
        }
    }
}

/// Kilobits a second of each spatial layer, and in it of each temporal layer with those below it.
pub(crate) fn kilobits(mode: ScalabilityMode, bitrate: u64) -> Vec<Vec<u32>> {
    let weights: Vec<f64> = (0..mode.spatial_layers())
        .map(|spatial| {
            let (multiply, divide) = mode.scale_of(spatial);
            // A picture with a quarter of the pixels needs more than a quarter of the bits.
            (f64::from(multiply) / f64::from(divide)).powf(1.4)
        })
        .collect();
    let sum: f64 = weights.iter().sum();
    let temporal: &[f64] = match mode.temporal_layers() {
        3 => &[0.4, 0.6, 1.0],
        2 => &[0.6, 1.0],
        _ => &[1.0],
    };

    let layers = weights.iter().map(|weight| {
        let mut last = 0;
        let layers = temporal.iter().map(|share| {
            let bits = bitrate as f64 / 1_000.0 * weight / sum * share;
            // The libraries want each to be more than the one before.
            last = (bits as u32).clamp(last + 1, 1_000_000);
            last
        });
        layers.collect()
    });
    layers.collect()
}

/// By how much fewer pictures a temporal layer has, with those below it, than all have.
pub(crate) fn decimator(mode: ScalabilityMode, temporal: u8) -> u32 {
    1 << (mode.temporal_layers() - 1 - temporal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buffers(mode: &str, pictures: usize) -> Vec<Buffers> {
        let mode: ScalabilityMode = mode.parse().unwrap();
        let mut pattern = Pattern::new(mode);
        let pictures = std::iter::repeat_with(|| pattern.next(false)).take(pictures);
        let buffers = pictures.flat_map(|picture| {
            (0..mode.spatial_layers()).map(move |spatial| picture.buffers(spatial))
        });
        buffers.collect()
    }

    fn of(own: Option<u8>, below: Option<u8>, fills: Option<u8>) -> Buffers {
        Buffers { own, below, fills }
    }

    #[test]
    fn each_temporal_layer_needs_the_last_picture_of_a_lower_one() {
        let expected = [
            of(None, None, Some(0)),
            of(Some(0), None, None),
            of(Some(0), None, Some(1)),
            of(Some(1), None, None),
            of(Some(0), None, Some(0)),
        ];
        assert_eq!(buffers("L1T3", 5), expected);
        assert_eq!(buffers("L1T2", 2), expected[..2]);
    }

    #[test]
    fn spatial_layers_have_buffers_of_their_own_and_need_those_below_as_the_mode_says() {
        let key = [of(None, None, Some(0)), of(None, Some(0), Some(1))];
        let expected = [of(Some(0), None, Some(2)), of(Some(1), Some(2), None)];
        assert_eq!(buffers("L2T2", 2), [key, expected].concat());
        let expected = [of(Some(0), None, None), of(Some(1), None, None)];
        assert_eq!(buffers("L2T2_KEY", 2), [key, expected].concat());
        let alone = [of(None, None, Some(0)), of(None, None, Some(1))];
        assert_eq!(buffers("S2T2", 2), [alone, expected].concat());
    }

    #[test]
    fn eight_buffers_are_enough_for_all_modes() {
        for mode in ScalabilityMode::all() {
            for picture in buffers(&mode.to_string(), 9) {
                let all = [picture.own, picture.below, picture.fills];
                assert!(all.into_iter().flatten().all(|it| it < 8), "{mode}");
            }
        }
    }

    #[test]
    fn a_key_picture_begins_the_pattern_anew() {
        let mut pattern = Pattern::new("L1T3".parse().unwrap());
        let pictures = [false, false, true, false].map(|key| pattern.next(key));
        assert_eq!(pictures.map(|it| it.key), [true, false, true, false]);
        assert_eq!(pictures.map(|it| it.temporal), [0, 2, 0, 2]);
    }

    #[test]
    fn all_layers_together_have_the_rate_and_each_has_more_than_those_below() {
        let rates = kilobits("L3T3_KEY".parse().unwrap(), 1_000_000);
        let sum: u32 = rates.iter().filter_map(|it| it.last()).sum();
        assert!((990..=1_000).contains(&sum), "{rates:?}");
        assert!(rates.iter().all(|it| it.is_sorted()) && rates.is_sorted());
        let least = kilobits("L3T3".parse().unwrap(), 1);
        assert!(least.iter().all(|it| *it == [1, 2, 3]));
    }
}

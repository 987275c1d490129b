//! Scalability modes (webrtc-svc §6): into which layers a stream of pictures is divided.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// How many spatial and temporal layers there are, which of them need which, and how much larger each
/// spatial layer is than the one below: `scalabilityMode`, as `L3T3_KEY`.
///
/// Temporal layers are as the figures of webrtc-svc §7 have them: with two, pictures are of the layers 0
/// and 1 in turn, with three of 0, 2, 1 and 2. A picture needs the last one before it that is of a lower
/// temporal layer, or of the same one where that is the lowest; in its own spatial layer.
///
/// ```
/// use duologue_rtp::{InterLayer, ScalabilityMode};
///
/// let mode: ScalabilityMode = "L3T3_KEY".parse()?;
/// assert_eq!((mode.spatial_layers(), mode.temporal_layers()), (3, 3));
/// assert_eq!(mode.inter_layer(), InterLayer::KeyPictures);
/// assert_eq!(mode.size_of(0, (1_280, 720)), (320, 180));
/// assert!("L4T9".parse::<ScalabilityMode>().is_err());
/// # Ok::<(), duologue_rtp::ScalabilityModeError>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[doc(alias = "scalabilityMode")]
pub struct ScalabilityMode {
    spatial: u8,
    temporal: u8,
    inter_layer: InterLayer,
    ratio: Ratio,
}

/// When a spatial layer needs the one below it in the same picture.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum InterLayer {
    /// `L`: in all pictures.
    Always,
    /// `L…_KEY`: in key pictures alone.
    KeyPictures,
    /// `S`: never, so that each layer is a stream of its own.
    Never,
}

/// How many times as wide and high each spatial layer is as the one below it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Ratio {
    /// 2:1
    Double,
    /// `h`, 1.5:1
    Half,
}

/// A string names no scalability mode, or one that is not known.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("no such scalability mode")]
pub struct ScalabilityModeError;

impl ScalabilityMode {
    /// `L1T1`, one layer: what is sent where nothing is said.
    pub const L1T1: ScalabilityMode = ScalabilityMode::of_one_size(1);

    /// One spatial layer with so many temporal ones, at most three.
    const fn of_one_size(temporal: u8) -> Self {
        ScalabilityMode {
            spatial: 1,
            temporal,
            inter_layer: InterLayer::Always,
            ratio: Ratio::Double,
        }
    }

    /// The modes of one spatial layer: `L1T1`, `L1T2` and `L1T3`.
    pub fn temporal() -> impl Iterator<Item = ScalabilityMode> {
        (1..=MAX_LAYERS).map(ScalabilityMode::of_one_size)
    }

    /// All that are known: up to three layers of each kind. Those that shift key pictures
    /// (`…_KEY_SHIFT`) are not.
    pub fn all() -> impl Iterator<Item = ScalabilityMode> {
        let several = (2..=MAX_LAYERS).flat_map(|spatial| {
            (1..=MAX_LAYERS).flat_map(move |temporal| {
                let kinds = [
                    (InterLayer::Always, Ratio::Double),
                    (InterLayer::Always, Ratio::Half),
                    (InterLayer::KeyPictures, Ratio::Double),
                    (InterLayer::Never, Ratio::Double),
                    (InterLayer::Never, Ratio::Half),
                ];
                kinds.map(|(inter_layer, ratio)| ScalabilityMode {
                    spatial,
                    temporal,
                    inter_layer,
                    ratio,
                })
            })
        });
        ScalabilityMode::temporal().chain(several)
    }

    /// 1 to 3.
    pub fn spatial_layers(self) -> u8 {
        self.spatial
    }

    /// 1 to 3.
    pub fn temporal_layers(self) -> u8 {
        self.temporal
    }

    /// When spatial layers need those below them.
    pub fn inter_layer(self) -> InterLayer {
        self.inter_layer
    }

    /// What the sides of the highest layer are multiplied and divided by for a spatial layer.
    pub fn scale_of(self, spatial: u8) -> (u32, u32) {
        let steps = u32::from((self.spatial - 1).saturating_sub(spatial));
        match self.ratio {
            Ratio::Double => (1, 2_u32.pow(steps)),
            Ratio::Half => (2_u32.pow(steps), 3_u32.pow(steps)),
        }
    }

    /// Width and height of a spatial layer of pictures of this size: even ones below the highest.
    pub fn size_of(self, spatial: u8, (width, height): (u32, u32)) -> (u32, u32) {
        let (multiply, divide) = self.scale_of(spatial);
        if multiply == divide {
            return (width, height);
        }
        let scaled = |side: u32| {
            let side = u64::from(side) * u64::from(multiply) / u64::from(divide);
            u32::try_from(side + side % 2).unwrap_or(u32::MAX)
        };
        (scaled(width), scaled(height))
    }

    /// The temporal layer of the picture that comes so many after a key picture.
    pub fn temporal_of(self, picture: u64) -> u8 {
        match (self.temporal, picture % 4) {
            (2, at) => (at % 2) as u8,
            (3, at) => [0, 2, 1, 2][at as usize],
            _ => 0,
        }
    }
}

impl Default for ScalabilityMode {
    fn default() -> Self {
        ScalabilityMode::L1T1
    }
}

impl fmt::Display for ScalabilityMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.inter_layer {
            InterLayer::Never => 'S',
            InterLayer::Always | InterLayer::KeyPictures => 'L',
        };
        write!(f, "{kind}{}T{}", self.spatial, self.temporal)?;
        match (self.ratio, self.inter_layer) {
            (Ratio::Half, _) => f.write_str("h"),
            (_, InterLayer::KeyPictures) => f.write_str("_KEY"),
            _ => Ok(()),
        }
    }
}

impl FromStr for ScalabilityMode {
    type Err = ScalabilityModeError;

    fn from_str(name: &str) -> Result<Self, ScalabilityModeError> {
        let mut all = ScalabilityMode::all();
        all.find(|it| it.to_string() == name)
            .ok_or(ScalabilityModeError)
    }
}

const MAX_LAYERS: u8 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_modes_have_the_names_of_webrtc_svc_and_no_other_has_one() {
        let names: Vec<_> = ScalabilityMode::all().map(|it| it.to_string()).collect();
        for name in [
            "L1T1", "L1T3", "L2T1", "L2T2h", "L3T1_KEY", "L3T3_KEY", "S2T1", "S3T3h",
        ] {
            assert!(names.iter().any(|it| it == name), "{name}");
        }
        assert_eq!(names.len(), 3 + 2 * 3 * 5);
        for (mode, name) in ScalabilityMode::all().zip(&names) {
            assert_eq!(name.parse(), Ok(mode));
        }
        for name in ["", "L1T4", "l1t1", "L1T1h", "S2T1_KEY", "L2T2_KEY_SHIFT"] {
            assert_eq!(name.parse::<ScalabilityMode>(), Err(ScalabilityModeError));
        }
    }

    #[test]
    fn layers_of_a_ratio_are_two_thirds_of_the_next_or_half_of_it() {
        let sizes = |name: &str| {
            let mode: ScalabilityMode = name.parse().unwrap();
            [0, 1, 2].map(|layer| mode.size_of(layer, (1_280, 720)))
        };
        assert_eq!(sizes("L3T1"), [(320, 180), (640, 360), (1_280, 720)]);
        assert_eq!(sizes("S3T1h"), [(568, 320), (854, 480), (1_280, 720)]);
    }
}

//! The dictionaries of mediacapture-main §4.3 and §11: constraints, settings, capabilities.

use duologue_rtp::MediaKind;
use serde::{Deserialize, Serialize};

use super::constrain::{
    BooleanOrDomString, ConstrainBoolean, ConstrainBooleanOrDomString, ConstrainDomString,
    ConstrainDouble, ConstrainULong,
};

/// A dictionary whose members may all be missing, with the names that JavaScript has for them.
macro_rules! dictionary {
    ($(#[$doc:meta])* $name:ident { $($(#[$field:meta])* $member:ident: $type:ty,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
        #[serde(rename_all = "camelCase", default)]
        pub struct $name {
            $($(#[$field])* #[serde(skip_serializing_if = "Option::is_none")] pub $member: Option<$type>,)+
        }
    };
}

dictionary! {
    /// One set of constraints, `MediaTrackConstraintSet`.
    MediaTrackConstraintSet {
        /// `width`, in pixels
        width: ConstrainULong,
        /// `height`, in pixels
        height: ConstrainULong,
        /// `aspectRatio`: the width divided by the height
        aspect_ratio: ConstrainDouble,
        /// `frameRate`, in pictures a second
        frame_rate: ConstrainDouble,
        /// `facingMode`: where a camera looks
        facing_mode: ConstrainDomString,
        /// `resizeMode`: whether pictures may be cut and scaled
        resize_mode: ConstrainDomString,
        /// `sampleRate`, in hertz
        sample_rate: ConstrainULong,
        /// `sampleSize`, in bits
        sample_size: ConstrainULong,
        /// `echoCancellation`
        echo_cancellation: ConstrainBooleanOrDomString,
        /// `autoGainControl`
        auto_gain_control: ConstrainBoolean,
        /// `noiseSuppression`
        noise_suppression: ConstrainBoolean,
        /// `latency`, in seconds
        latency: ConstrainDouble,
        /// `channelCount`
        channel_count: ConstrainULong,
        /// `deviceId`
        device_id: ConstrainDomString,
        /// `groupId`
        group_id: ConstrainDomString,
    }
}

/// What is asked of a track, `MediaTrackConstraints`.
///
/// ```
/// use duologue_devices::{ConstrainRange, MediaTrackConstraintSet, MediaTrackConstraints};
///
/// let asked = MediaTrackConstraints::from(MediaTrackConstraintSet {
///     width: Some(1280.into()),
///     frame_rate: Some(ConstrainRange::max(30.0).into()),
///     ..Default::default()
/// });
/// let json = r#"{"width":1280,"frameRate":{"max":30.0}}"#;
/// assert_eq!(asked, serde_json::from_str(json).unwrap());
/// assert_eq!(serde_json::to_string(&asked).unwrap(), json);
/// ```
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MediaTrackConstraints {
    /// What is required and ideal.
    #[serde(flatten)]
    pub basic: MediaTrackConstraintSet,
    /// `advanced`: further sets, each of which counts if it can be satisfied as a whole, the first ones
    /// first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub advanced: Vec<MediaTrackConstraintSet>,
}

impl From<MediaTrackConstraintSet> for MediaTrackConstraints {
    fn from(basic: MediaTrackConstraintSet) -> Self {
        MediaTrackConstraints {
            basic,
            advanced: Vec::new(),
        }
    }
}

dictionary! {
    /// What a track is, `MediaTrackSettings`.
    MediaTrackSettings {
        /// `width`, in pixels
        width: u32,
        /// `height`, in pixels
        height: u32,
        /// `aspectRatio`: the width divided by the height
        aspect_ratio: f64,
        /// `frameRate`, in pictures a second
        frame_rate: f64,
        /// `facingMode`: where the camera looks
        facing_mode: VideoFacingMode,
        /// `resizeMode`: whether the pictures are those of the device or were cut and scaled
        resize_mode: VideoResizeMode,
        /// `sampleRate`, in hertz
        sample_rate: u32,
        /// `sampleSize`, in bits
        sample_size: u32,
        /// `echoCancellation`
        echo_cancellation: BooleanOrDomString,
        /// `autoGainControl`
        auto_gain_control: bool,
        /// `noiseSuppression`
        noise_suppression: bool,
        /// `latency`, in seconds
        latency: f64,
        /// `channelCount`
        channel_count: u32,
        /// `deviceId`
        device_id: String,
        /// `groupId`
        group_id: String,
    }
}

dictionary! {
    /// What a device can be set to, `MediaTrackCapabilities`.
    MediaTrackCapabilities {
        /// `width`, in pixels
        width: Range<u32>,
        /// `height`, in pixels
        height: Range<u32>,
        /// `aspectRatio`: the width divided by the height
        aspect_ratio: Range<f64>,
        /// `frameRate`, in pictures a second
        frame_rate: Range<f64>,
        /// `facingMode`: none of a device that looks nowhere in particular
        facing_mode: Vec<VideoFacingMode>,
        /// `resizeMode`
        resize_mode: Vec<VideoResizeMode>,
        /// `sampleRate`, in hertz
        sample_rate: Range<u32>,
        /// `sampleSize`, in bits
        sample_size: Range<u32>,
        /// `echoCancellation`
        echo_cancellation: Vec<BooleanOrDomString>,
        /// `autoGainControl`
        auto_gain_control: Vec<bool>,
        /// `noiseSuppression`
        noise_suppression: Vec<bool>,
        /// `latency`, in seconds
        latency: Range<f64>,
        /// `channelCount`
        channel_count: Range<u32>,
        /// `deviceId`
        device_id: String,
        /// `groupId`
        group_id: String,
    }
}

/// `ULongRange`, `DoubleRange`
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[doc(alias = "ULongRange")]
#[doc(alias = "DoubleRange")]
pub struct Range<T> {
    /// The least.
    pub min: T,
    /// The most.
    pub max: T,
}

impl<T: Copy + PartialOrd> Range<T> {
    /// From the least to the most of these; `None` of nothing.
    pub(crate) fn of(values: impl IntoIterator<Item = T>) -> Option<Self> {
        values.into_iter().fold(None, |range, value| {
            let Range { min, max } = range.unwrap_or(Range {
                min: value,
                max: value,
            });
            Some(Range {
                min: if value < min { value } else { min },
                max: if value > max { value } else { max },
            })
        })
    }
}

/// `VideoFacingModeEnum`: where a camera looks.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[doc(alias = "VideoFacingModeEnum")]
pub enum VideoFacingMode {
    /// `"user"`: the camera looks at whoever sits before it.
    User,
    /// `"environment"`: the camera looks away from whoever sits before it.
    Environment,
    /// `"left"`: the camera looks to the left.
    Left,
    /// `"right"`: the camera looks to the right.
    Right,
}

impl VideoFacingMode {
    /// The mode's name in JavaScript.
    pub const fn as_str(self) -> &'static str {
        match self {
            VideoFacingMode::User => "user",
            VideoFacingMode::Environment => "environment",
            VideoFacingMode::Left => "left",
            VideoFacingMode::Right => "right",
        }
    }
}

/// `VideoResizeModeEnum`: what is done to pictures on their way from the device to the track.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[doc(alias = "VideoResizeModeEnum")]
pub enum VideoResizeMode {
    /// `"none"`: size and rate are those of the device.
    None,
    /// `"crop-and-scale"`: pictures are cut and made smaller, and some are left out.
    CropAndScale,
}

impl VideoResizeMode {
    /// The mode's name in JavaScript.
    pub const fn as_str(self) -> &'static str {
        match self {
            VideoResizeMode::None => "none",
            VideoResizeMode::CropAndScale => "crop-and-scale",
        }
    }
}

/// What can be asked for, in the order of the dictionaries.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
#[doc(alias = "MediaTrackSupportedConstraints")]
#[allow(
    missing_docs,
    reason = "the members of the dictionaries, documented there"
)]
pub enum Property {
    Width,
    Height,
    AspectRatio,
    FrameRate,
    FacingMode,
    ResizeMode,
    SampleRate,
    SampleSize,
    EchoCancellation,
    AutoGainControl,
    NoiseSuppression,
    Latency,
    ChannelCount,
    DeviceId,
    GroupId,
}

impl Property {
    /// `getSupportedConstraints()`: all of them.
    #[doc(alias = "getSupportedConstraints")]
    pub const ALL: [Property; 15] = [
        Property::Width,
        Property::Height,
        Property::AspectRatio,
        Property::FrameRate,
        Property::FacingMode,
        Property::ResizeMode,
        Property::SampleRate,
        Property::SampleSize,
        Property::EchoCancellation,
        Property::AutoGainControl,
        Property::NoiseSuppression,
        Property::Latency,
        Property::ChannelCount,
        Property::DeviceId,
        Property::GroupId,
    ];

    /// The property's name in JavaScript.
    pub const fn as_str(self) -> &'static str {
        match self {
            Property::Width => "width",
            Property::Height => "height",
            Property::AspectRatio => "aspectRatio",
            Property::FrameRate => "frameRate",
            Property::FacingMode => "facingMode",
            Property::ResizeMode => "resizeMode",
            Property::SampleRate => "sampleRate",
            Property::SampleSize => "sampleSize",
            Property::EchoCancellation => "echoCancellation",
            Property::AutoGainControl => "autoGainControl",
            Property::NoiseSuppression => "noiseSuppression",
            Property::Latency => "latency",
            Property::ChannelCount => "channelCount",
            Property::DeviceId => "deviceId",
            Property::GroupId => "groupId",
        }
    }

    /// Whether tracks of this kind have it (mediacapture-main §4.3.8, the tables of properties).
    pub const fn is_of(self, kind: MediaKind) -> bool {
        match self {
            Property::DeviceId | Property::GroupId => true,
            Property::Width
            | Property::Height
            | Property::AspectRatio
            | Property::FrameRate
            | Property::FacingMode
            | Property::ResizeMode => matches!(kind, MediaKind::Video),
            _ => matches!(kind, MediaKind::Audio),
        }
    }
}

//! What devices there are, and what each can be set to.

use duologue_rtp::MediaKind;
use serde::{Deserialize, Serialize};

use crate::constraints::{
    BooleanOrDomString, MediaTrackCapabilities, MediaTrackConstraints, MediaTrackSettings,
    OverconstrainedError, Property, Range, VideoFacingMode, VideoResizeMode, number, numbers,
    select_settings,
};
use crate::limits;

/// `MediaDeviceKind`
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MediaDeviceKind {
    /// A microphone: `"audioinput"`.
    AudioInput,
    /// A loudspeaker: `"audiooutput"`.
    AudioOutput,
    /// A camera: `"videoinput"`.
    VideoInput,
}

/// What is told of a device, `MediaDeviceInfo` (mediacapture-main §9.3). A program of its own is no page
/// of a stranger: ids are the same in each run, and labels are told before anything was captured.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MediaDeviceInfo {
    /// `deviceId`
    pub device_id: String,
    /// `kind`
    pub kind: MediaDeviceKind,
    /// `label`: its name for people.
    pub label: String,
    /// `groupId`: devices of one apparatus share it.
    pub group_id: String,
}

/// A device that captures, `InputDeviceInfo`: what it is and what it can be set to.
///
/// ```
/// use duologue_devices::{InputDevice, VideoMode};
///
/// let mode = |width, height| VideoMode { width, height, frame_rate: 30.0 };
/// let camera = InputDevice::camera("cam0", "A camera", [mode(640, 480), mode(1280, 720)]);
/// assert_eq!(camera.capabilities().width.unwrap().max, 1280);
/// let settings = camera.select(&Default::default())?;
/// assert_eq!((settings.width, settings.height), (Some(640), Some(480)));
/// # Ok::<(), duologue_devices::OverconstrainedError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[doc(alias = "InputDeviceInfo")]
pub struct InputDevice {
    /// `deviceId`: no two devices share one.
    pub device_id: String,
    /// `groupId`: devices of one apparatus share it.
    pub group_id: String,
    /// `label`: its name for people.
    pub label: String,
    /// What the device can be set to.
    pub modes: Modes,
}

/// What a device can be set to.
#[derive(Clone, Debug, PartialEq)]
pub enum Modes {
    /// A camera.
    Video(VideoModes),
    /// A microphone.
    Audio(AudioModes),
}

/// What a camera can be set to.
#[derive(Clone, Debug, PartialEq)]
pub struct VideoModes {
    /// Sizes and rates, its usual ones first. Smaller ones are made of these.
    pub modes: Vec<VideoMode>,
    /// Where the camera looks, if that is known.
    pub facing_mode: Option<VideoFacingMode>,
}

/// A size and a rate of a camera.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VideoMode {
    /// Pixels of a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Pictures a second.
    pub frame_rate: f64,
}

/// What a microphone can be set to.
#[derive(Clone, Debug, PartialEq)]
pub struct AudioModes {
    /// Samples a second and channels, the usual ones first.
    pub modes: Vec<AudioMode>,
    /// Bits of a sample.
    pub sample_size: u32,
    /// How much sound it gives at once, in seconds.
    pub latency: f64,
    /// Whether there is neither an echo nor noise in the sound, and it is as loud as it is meant to
    /// be: whatever is asked of `echoCancellation`, `noiseSuppression` and `autoGainControl` is so
    /// without anybody doing it.
    pub clean: bool,
}

/// A rate and a number of channels of a microphone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AudioMode {
    /// The sample rate, in hertz.
    pub sample_rate: u32,
    /// The number of channels, one or two.
    pub channels: u8,
}

impl InputDevice {
    /// A camera in a group of its own.
    pub fn camera(
        device_id: impl Into<String>,
        label: impl Into<String>,
        modes: impl IntoIterator<Item = VideoMode>,
    ) -> Self {
        let modes = modes.into_iter().collect();
        let video = VideoModes {
            modes,
            facing_mode: None,
        };
        InputDevice::new(device_id.into(), label.into(), Modes::Video(video))
    }

    /// A microphone of 16 bits in a group of its own, which gives 10 ms at once.
    pub fn microphone(
        device_id: impl Into<String>,
        label: impl Into<String>,
        modes: impl IntoIterator<Item = AudioMode>,
    ) -> Self {
        let audio = AudioModes {
            modes: modes.into_iter().collect(),
            sample_size: 16,
            latency: 0.01,
            clean: false,
        };
        InputDevice::new(device_id.into(), label.into(), Modes::Audio(audio))
    }

    fn new(device_id: String, label: String, modes: Modes) -> Self {
        InputDevice {
            group_id: device_id.clone(),
            device_id,
            label,
            modes,
        }
    }

    /// The kind of the device's tracks.
    pub fn kind(&self) -> MediaKind {
        match self.modes {
            Modes::Video(_) => MediaKind::Video,
            Modes::Audio(_) => MediaKind::Audio,
        }
    }

    /// What is told of the device.
    pub fn info(&self) -> MediaDeviceInfo {
        MediaDeviceInfo {
            device_id: self.device_id.clone(),
            kind: match self.modes {
                Modes::Video(_) => MediaDeviceKind::VideoInput,
                Modes::Audio(_) => MediaDeviceKind::AudioInput,
            },
            label: self.label.clone(),
            group_id: self.group_id.clone(),
        }
    }

    /// `getCapabilities()`
    #[doc(alias = "getCapabilities")]
    pub fn capabilities(&self) -> MediaTrackCapabilities {
        let ids = MediaTrackCapabilities {
            device_id: Some(self.device_id.clone()),
            group_id: Some(self.group_id.clone()),
            ..MediaTrackCapabilities::default()
        };
        match &self.modes {
            Modes::Video(video) => video.capabilities(ids),
            Modes::Audio(audio) => audio.capabilities(ids),
        }
    }

    /// All settings that are worth a look for these constraints, the usual ones first.
    pub fn candidates(&self, constraints: &MediaTrackConstraints) -> Vec<MediaTrackSettings> {
        let ids = MediaTrackSettings {
            device_id: Some(self.device_id.clone()),
            group_id: Some(self.group_id.clone()),
            ..MediaTrackSettings::default()
        };
        match &self.modes {
            Modes::Video(video) => video.candidates(constraints, &ids),
            Modes::Audio(audio) => audio.candidates(&ids),
        }
    }

    /// The settings that are nearest to what is asked for.
    ///
    /// # Errors
    /// When it cannot be set to what is required.
    pub fn select(
        &self,
        constraints: &MediaTrackConstraints,
    ) -> Result<MediaTrackSettings, OverconstrainedError> {
        let mut all = self.candidates(constraints);
        let chosen = select_settings(&all, self.kind(), constraints)?;
        Ok(all.swap_remove(chosen))
    }
}

impl VideoModes {
    fn capabilities(&self, ids: MediaTrackCapabilities) -> MediaTrackCapabilities {
        let modes = || self.modes.iter().take(limits::MODES);
        let most = |side: fn(&VideoMode) -> u32| modes().map(side).max();
        let (Some(width), Some(height)) = (most(|it| it.width), most(|it| it.height)) else {
            return ids;
        };
        // Pictures are cut and made smaller, down to a single pixel, and left out, down to one a second.
        let rates = modes().map(|it| it.frame_rate);
        let rates = rates.clone().chain(rates.map(|it| it.min(1.0)));
        MediaTrackCapabilities {
            width: Range::of([1, width]),
            height: Range::of([1, height]),
            aspect_ratio: Range::of([ratio(1, height), ratio(width, 1)]),
            frame_rate: Range::of(rates),
            facing_mode: Some(self.facing_mode.into_iter().collect()),
            resize_mode: Some(vec![VideoResizeMode::None, VideoResizeMode::CropAndScale]),
            ..ids
        }
    }

    fn candidates(
        &self,
        constraints: &MediaTrackConstraints,
        ids: &MediaTrackSettings,
    ) -> Vec<MediaTrackSettings> {
        let settings = |width: u32, height: u32, frame_rate: f64, resize: VideoResizeMode| {
            MediaTrackSettings {
                width: Some(width),
                height: Some(height),
                aspect_ratio: Some(ratio(width, height)),
                frame_rate: Some(frame_rate),
                facing_mode: self.facing_mode,
                resize_mode: Some(resize),
                ..ids.clone()
            }
        };
        let modes = || self.modes.iter().take(limits::MODES);
        let native = modes().map(|it| {
            let VideoMode {
                width,
                height,
                frame_rate,
            } = *it;
            settings(width, height, frame_rate, VideoResizeMode::None)
        });

        let asked = Asked::new(constraints);
        let made = modes().flat_map(|mode| {
            let rates = asked.rates(mode);
            let sizes = asked.sizes(mode).into_iter();
            sizes.flat_map(move |size| rates.clone().into_iter().map(move |rate| (size, rate)))
        });
        let made = made.map(|((width, height), rate)| {
            settings(width, height, rate, VideoResizeMode::CropAndScale)
        });
        native.chain(made).take(limits::CANDIDATES).collect()
    }
}

/// The numbers that constraints speak of.
struct Asked {
    widths: Vec<f64>,
    heights: Vec<f64>,
    ratios: Vec<f64>,
    rates: Vec<f64>,
}

impl Asked {
    fn new(constraints: &MediaTrackConstraints) -> Self {
        let positive = |property| {
            let mut numbers = numbers(constraints, property);
            numbers.retain(|it| it.is_finite() && *it > 0.0);
            numbers
        };
        Asked {
            widths: positive(Property::Width),
            heights: positive(Property::Height),
            ratios: positive(Property::AspectRatio),
            rates: positive(Property::FrameRate),
        }
    }

    fn rates(&self, mode: &VideoMode) -> Vec<f64> {
        // Not lower than capabilities say.
        let lower = self.rates.iter().map(|it| it.max(mode.frame_rate.min(1.0)));
        let lower = lower.filter(|it| *it < mode.frame_rate);
        std::iter::once(mode.frame_rate).chain(lower).collect()
    }

    /// Sizes that can be cut out of those of a mode and made smaller: its own shape first.
    fn sizes(&self, mode: &VideoMode) -> Vec<(u32, u32)> {
        let (width, height) = (f64::from(mode.width), f64::from(mode.height));
        let widths = || std::iter::once(width).chain(self.widths.iter().copied());
        let heights = || std::iter::once(height).chain(self.heights.iter().copied());
        let shapes = || std::iter::once(width / height).chain(self.ratios.iter().copied());

        let by_width = shapes().flat_map(|it| widths().map(move |width| (width, width / it)));
        let by_height = shapes().flat_map(|it| heights().map(move |height| (height * it, height)));
        let both = widths().flat_map(|width| heights().map(move |height| (width, height)));
        let mut sizes: Vec<(u32, u32)> = Vec::new();
        for (width, height) in by_width.chain(by_height).chain(both) {
            let size = (width.round() as u32, height.round() as u32);
            let fits = (1..=mode.width).contains(&size.0) && (1..=mode.height).contains(&size.1);
            if fits && !sizes.contains(&size) {
                sizes.push(size);
            }
        }
        sizes
    }
}

impl AudioModes {
    fn capabilities(&self, ids: MediaTrackCapabilities) -> MediaTrackCapabilities {
        let modes = || self.modes.iter().take(limits::MODES);
        MediaTrackCapabilities {
            sample_rate: Range::of(modes().map(|it| it.sample_rate)),
            sample_size: Range::of([self.sample_size]),
            channel_count: Range::of(modes().map(|it| u32::from(it.channels))),
            latency: Range::of([self.latency]),
            echo_cancellation: Some(self.echo_cancellation()),
            auto_gain_control: Some(self.either()),
            noise_suppression: Some(self.either()),
            ..ids
        }
    }

    /// Sound is given as it is captured: nothing here cancels echoes, suppresses noise or evens out how
    /// loud it is.
    fn candidates(&self, ids: &MediaTrackSettings) -> Vec<MediaTrackSettings> {
        let modes = self.modes.iter().take(limits::MODES);
        let captured = modes.map(|mode| MediaTrackSettings {
            sample_rate: Some(mode.sample_rate),
            sample_size: Some(self.sample_size),
            channel_count: Some(mode.channels.into()),
            latency: Some(self.latency),
            ..ids.clone()
        });
        let with_echo = captured.flat_map(|settings| {
            let ways = self.echo_cancellation().into_iter();
            ways.map(move |way| MediaTrackSettings {
                echo_cancellation: Some(way),
                ..settings.clone()
            })
        });
        let with_gain = with_echo.flat_map(|settings| {
            let ways = self.either().into_iter();
            ways.map(move |way| MediaTrackSettings {
                auto_gain_control: Some(way),
                ..settings.clone()
            })
        });
        let all = with_gain.flat_map(|settings| {
            let ways = self.either().into_iter();
            ways.map(move |way| MediaTrackSettings {
                noise_suppression: Some(way),
                ..settings.clone()
            })
        });
        all.take(limits::CANDIDATES).collect()
    }

    fn either(&self) -> Vec<bool> {
        if self.clean {
            vec![true, false]
        } else {
            vec![false]
        }
    }

    fn echo_cancellation(&self) -> Vec<BooleanOrDomString> {
        let ways = self.either().into_iter().map(BooleanOrDomString::Boolean);
        let names = ["all", "remote-only"]
            .into_iter()
            .map(BooleanOrDomString::from);
        ways.chain(names.filter(|_| self.clean)).collect()
    }
}

/// mediacapture-main §4.3.8: "rounded to the tenth decimal place".
fn ratio(width: u32, height: u32) -> f64 {
    number(f64::from(width) / f64::from(height))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn camera() -> InputDevice {
        let mode = |width, height, frame_rate| VideoMode {
            width,
            height,
            frame_rate,
        };
        let modes = [
            mode(640, 480, 30.0),
            mode(1280, 720, 30.0),
            mode(320, 240, 60.0),
        ];
        InputDevice::camera("c", "camera", modes)
    }

    /// Width, height, rate and how they came about, of what is selected.
    fn selected(constraints: &str) -> (u32, u32, f64, &'static str) {
        let constraints = serde_json::from_str(constraints).unwrap();
        let settings = camera().select(&constraints).unwrap();
        let mode = settings.resize_mode.unwrap().as_str();
        let size = (settings.width.unwrap(), settings.height.unwrap());
        (size.0, size.1, settings.frame_rate.unwrap(), mode)
    }

    #[test]
    fn pictures_are_cut_and_made_smaller_to_what_is_asked_for_and_never_larger() {
        let (none, scaled) = ("none", "crop-and-scale");
        for (constraints, expected) in [
            ("{}", (640, 480, 30.0, none)),
            (r#"{"width":1280}"#, (1280, 720, 30.0, none)),
            (r#"{"width":960}"#, (960, 540, 30.0, scaled)),
            (r#"{"width":960,"height":960}"#, (960, 720, 30.0, scaled)),
            (r#"{"width":{"exact":200}}"#, (200, 150, 30.0, scaled)),
            (
                r#"{"width":{"exact":200},"height":{"exact":200}}"#,
                (200, 200, 30.0, scaled),
            ),
            (r#"{"height":{"max":100}}"#, (133, 100, 30.0, scaled)),
            (r#"{"frameRate":{"max":10}}"#, (640, 480, 10.0, scaled)),
            (r#"{"frameRate":0.5}"#, (640, 480, 1.0, scaled)),
            (r#"{"frameRate":60}"#, (320, 240, 60.0, none)),
            (r#"{"frameRate":{"exact":45}}"#, (320, 240, 45.0, scaled)),
            (r#"{"aspectRatio":1}"#, (480, 480, 30.0, scaled)),
            (
                r#"{"aspectRatio":{"exact":2},"width":{"exact":1000}}"#,
                (1000, 500, 30.0, scaled),
            ),
            (
                r#"{"width":960,"resizeMode":{"exact":"none"}}"#,
                (1280, 720, 30.0, none),
            ),
            (r#"{"width":5000,"height":5000}"#, (1280, 720, 30.0, none)),
        ] {
            assert_eq!(selected(constraints), expected, "{constraints}");
        }
    }

    #[test]
    fn what_no_mode_can_give_is_refused() {
        for (constraints, constraint) in [
            (r#"{"width":{"exact":1281}}"#, "width"),
            (r#"{"frameRate":{"min":61}}"#, "frameRate"),
            (r#"{"frameRate":{"max":0.5}}"#, "frameRate"),
            (r#"{"width":{"min":1000},"frameRate":{"min":50}}"#, "width"),
            (r#"{"facingMode":{"exact":"user"}}"#, "facingMode"),
        ] {
            let asked = serde_json::from_str(constraints).unwrap();
            let refused = camera().select(&asked).unwrap_err();
            assert_eq!(refused.constraint, constraint, "{constraints}");
        }
    }

    #[test]
    fn capabilities_are_what_settings_can_be() {
        let of = camera().capabilities();
        assert_eq!(of.width, Some(Range { min: 1, max: 1280 }));
        assert_eq!(
            of.frame_rate,
            Some(Range {
                min: 1.0,
                max: 60.0
            })
        );
        assert_eq!(of.facing_mode, Some(Vec::new()));
        assert_eq!((of.sample_rate, of.channel_count), (None, None));

        let mode = |sample_rate, channels| AudioMode {
            sample_rate,
            channels,
        };
        let modes = [mode(48_000, 1), mode(44_100, 2)];
        let microphone = InputDevice::microphone("m", "microphone", modes);
        let of = serde_json::to_value(microphone.capabilities()).unwrap();
        assert_eq!(of["sampleRate"]["min"], 44_100);
        assert_eq!(of["echoCancellation"], serde_json::json!([false]));
        assert_eq!(of.get("width"), None);
    }

    #[test]
    fn a_camera_without_modes_is_selected_by_nobody() {
        let broken = InputDevice::camera("x", "broken", []);
        assert!(broken.select(&Default::default()).is_err());
        assert_eq!(broken.capabilities().width, None);
    }

    #[test]
    fn many_modes_and_many_numbers_are_bounded() {
        let modes = (1..=1_000).map(|at| VideoMode {
            width: 1_000 + at,
            height: 1_000,
            frame_rate: 30.0,
        });
        let camera = InputDevice::camera("c", "camera", modes);
        let advanced = (1..100).map(|at| {
            format!(r#"{{"width":{at},"height":{at},"aspectRatio":{at},"frameRate":{at}}}"#)
        });
        let advanced: Vec<_> = advanced.collect();
        let json = format!(r#"{{"advanced":[{}]}}"#, advanced.join(","));
        let constraints = serde_json::from_str(&json).unwrap();
        assert_eq!(camera.candidates(&constraints).len(), limits::CANDIDATES);
    }
}

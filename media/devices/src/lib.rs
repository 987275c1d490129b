//! Cameras and microphones, and what takes their place: `getUserMedia` of mediacapture-main outside the
//! browser. [`MediaDevices`] knows the devices of its [`Backend`]s and opens those that are nearest to what
//! is asked for; a [`LocalTrack`] gives raw pictures or sound to any number of readers.
//!
//! | backend | devices |
//! |---|---|
//! | [`FakeDevices`] | a picture with a number and a clock, a tone; they come, go and are muted on request |
//! | [`FileDevices`] | files and pipes: Y4M, WAV, raw pictures and samples |
//! | `SoundDevices` | with the feature `sound`: the machine's microphones and loudspeakers |
//! | `CameraDevices` | with the feature `cameras`, on Linux: the machine's cameras |
//!
//! What comes is written by [`write_png`], [`Y4mWriter`] and [`WavWriter`], and heard by an [`AudioOutput`].
//!
//! How settings are chosen by constraints is a function of its arguments, [`select_settings`], for whoever
//! has devices of another kind. Nothing here touches the network, and no runtime is needed: each open
//! device has a thread.
#![forbid(unsafe_code)]

mod adapt;
mod backend;
#[cfg(all(feature = "cameras", target_os = "linux"))]
mod camera;
mod constraints;
mod device;
mod error;
mod fake;
mod file;
pub mod limits;
mod media_devices;
mod output;
mod pace;
mod reader;
mod sink;
#[cfg(feature = "sound")]
mod sound;
mod source;
mod stream;
mod track;
#[cfg(any(feature = "sound", all(feature = "cameras", target_os = "linux")))]
mod watch;

pub use backend::{Backend, Capture, Captured, Changed};
#[cfg(all(feature = "cameras", target_os = "linux"))]
pub use camera::CameraDevices;
pub use constraints::{
    BooleanOrDomString, Constrain, ConstrainBoolean, ConstrainBooleanOrDomString,
    ConstrainDomString, ConstrainDouble, ConstrainParameters, ConstrainRange, ConstrainULong,
    DomStrings, MediaTrackCapabilities, MediaTrackConstraintSet, MediaTrackConstraints,
    MediaTrackSettings, OverconstrainedError, Property, Range, VideoFacingMode, VideoResizeMode,
    select_settings,
};
pub use device::{
    AudioMode, AudioModes, InputDevice, MediaDeviceInfo, MediaDeviceKind, Modes, VideoMode,
    VideoModes,
};
/// Raw pictures and sound.
pub use duologue_codec as codec;
pub use duologue_codec::ContentHint;
pub use duologue_rtp::MediaKind;
pub use error::DeviceError;
pub use fake::FakeDevices;
pub use file::{FileDevices, FileFormat, FileSource};
pub use media_devices::{
    BooleanOrConstraints, DeviceChange, DeviceChanges, MediaDevices, MediaStreamConstraints,
};
pub use output::{AudioOutput, Play};
pub use reader::{AudioReader, VideoReader};
pub use sink::{WavWriter, Y4mWriter, write_png};
#[cfg(feature = "sound")]
pub use sound::SoundDevices;
pub use stream::LocalStream;
pub use track::{LocalTrack, TrackEvent, TrackEvents};

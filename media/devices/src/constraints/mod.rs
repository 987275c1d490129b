//! What is asked of tracks, and how settings are chosen by it (mediacapture-main §11). No device, no
//! clock: [`select_settings`] is a function of its arguments.

mod constrain;
mod demand;
mod dictionaries;
mod error;
mod select;

pub use constrain::{
    BooleanOrDomString, Constrain, ConstrainBoolean, ConstrainBooleanOrDomString,
    ConstrainDomString, ConstrainDouble, ConstrainParameters, ConstrainRange, ConstrainULong,
    DomStrings,
};
pub(crate) use demand::number;
pub use dictionaries::{
    MediaTrackCapabilities, MediaTrackConstraintSet, MediaTrackConstraints, MediaTrackSettings,
    Property, Range, VideoFacingMode, VideoResizeMode,
};
pub use error::OverconstrainedError;
pub(crate) use select::numbers;
pub use select::select_settings;

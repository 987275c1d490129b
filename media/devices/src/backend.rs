//! What knows devices and opens them.

use std::fmt;
use std::sync::Arc;

use duologue_codec::{AudioData, VideoFrame};

use crate::{AudioMode, DeviceError, InputDevice, MediaDeviceInfo, Play, VideoMode};

/// Devices of one sort: made up, files, those of a system's interface.
///
/// ```
/// use duologue_codec::{AudioData, VideoFrame};
/// use duologue_devices::{
///     AudioMode, Backend, Capture, Captured, DeviceError, InputDevice, MediaDevices, VideoMode,
/// };
///
/// /// A camera that sees nothing, as fast as it is asked.
/// #[derive(Debug)]
/// struct Dark;
///
/// impl Backend for Dark {
///     fn devices(&self) -> Vec<InputDevice> {
///         let mode = VideoMode { width: 64, height: 48, frame_rate: 30.0 };
///         vec![InputDevice::camera("dark", "A dark camera", [mode])]
///     }
///
///     fn open_video(&self, _: &str, mode: VideoMode) -> Result<Box<dyn Capture<VideoFrame>>, DeviceError> {
///         struct Night(VideoFrame);
///
///         impl Capture<VideoFrame> for Night {
///             fn read(&mut self) -> Result<Option<Captured<VideoFrame>>, DeviceError> {
///                 Ok(Some(Captured::Data(self.0.clone())))
///             }
///         }
///         let black = VideoFrame::black(mode.width, mode.height);
///         Ok(Box::new(Night(black.map_err(|_| DeviceError::Invalid("no such picture"))?)))
///     }
/// }
///
/// let devices = MediaDevices::new([std::sync::Arc::new(Dark) as _]);
/// assert_eq!(devices.enumerate_devices()[0].label, "A dark camera");
/// ```
pub trait Backend: fmt::Debug + Send + Sync {
    /// The devices that capture, as they are now.
    fn devices(&self) -> Vec<InputDevice>;

    /// The devices that play.
    fn outputs(&self) -> Vec<MediaDeviceInfo> {
        Vec::new()
    }

    /// Opens a camera in one of its modes.
    ///
    /// # Errors
    /// `NotFound`, `NotAllowed`, `NotReadable`.
    fn open_video(
        &self,
        device_id: &str,
        mode: VideoMode,
    ) -> Result<Box<dyn Capture<VideoFrame>>, DeviceError> {
        let _ = mode;
        Err(DeviceError::NotFound(device_id.to_owned()))
    }

    /// Opens a microphone in one of its modes.
    ///
    /// # Errors
    /// `NotFound`, `NotAllowed`, `NotReadable`.
    fn open_audio(
        &self,
        device_id: &str,
        mode: AudioMode,
    ) -> Result<Box<dyn Capture<AudioData>>, DeviceError> {
        let _ = mode;
        Err(DeviceError::NotFound(device_id.to_owned()))
    }

    /// Opens a loudspeaker in this mode, or in the nearest that it has.
    ///
    /// # Errors
    /// `NotFound`, `NotAllowed`, `NotReadable`.
    fn open_output(&self, device_id: &str, mode: AudioMode) -> Result<Box<dyn Play>, DeviceError> {
        let _ = mode;
        Err(DeviceError::NotFound(device_id.to_owned()))
    }

    /// Calls `changed` from now on whenever there are other devices. A backend whose devices stay needs
    /// none of this.
    fn watch(&self, changed: Changed) {
        let _ = changed;
    }
}

/// What a backend calls when there are other devices than before.
#[derive(Clone)]
pub struct Changed(pub(crate) Arc<dyn Fn() + Send + Sync>);

impl Changed {
    /// Tells that there are other devices than before.
    pub fn call(&self) {
        (self.0)();
    }
}

impl fmt::Debug for Changed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Changed")
    }
}

/// An open device, on a thread of its own. It is closed when it is dropped.
pub trait Capture<T>: Send {
    /// Waits for what comes next. Times rise; `None` when the device has gone, or the file is at its end.
    ///
    /// # Errors
    /// `NotReadable`: it has gone, too.
    fn read(&mut self) -> Result<Option<Captured<T>>, DeviceError>;
}

/// What comes of a device.
#[derive(Clone, Debug, PartialEq)]
pub enum Captured<T> {
    /// A picture, or a piece of sound.
    Data(T),
    /// Whether it has nothing to give for now: its tracks are `muted` from here on, or no longer.
    Muted(bool),
}

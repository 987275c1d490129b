use thiserror::Error;

use crate::OverconstrainedError;

/// Why a device is not captured. [`name`](Self::name) is the W3C's.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum DeviceError {
    /// Neither sound nor pictures are asked for, or what is asked for cannot be: `TypeError`.
    #[error("{0}")]
    Invalid(&'static str),
    /// The device is not there: `NotFoundError`.
    #[error("there is no {0}")]
    NotFound(String),
    /// The system does not let us: `NotAllowedError`.
    #[error("{0} may not be used")]
    NotAllowed(String),
    /// The device, or the file, cannot be read: `NotReadableError`.
    #[error("{0} cannot be read: {1}")]
    NotReadable(String, String),
    /// No device can be set to what is required.
    #[error(transparent)]
    Overconstrained(#[from] OverconstrainedError),
    /// The track has ended: `InvalidStateError`.
    #[error("the track has ended")]
    Ended,
}

impl DeviceError {
    /// The name of the `DOMException`, or `TypeError`.
    pub fn name(&self) -> &'static str {
        match self {
            DeviceError::Invalid(_) => "TypeError",
            DeviceError::NotFound(_) => "NotFoundError",
            DeviceError::NotAllowed(_) => "NotAllowedError",
            DeviceError::NotReadable(..) => "NotReadableError",
            DeviceError::Overconstrained(_) => "OverconstrainedError",
            DeviceError::Ended => "InvalidStateError",
        }
    }

    /// `device` cannot be read, by what the system says.
    pub(crate) fn of_io(device: &str, error: &std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::NotFound => DeviceError::NotFound(device.to_owned()),
            std::io::ErrorKind::PermissionDenied => DeviceError::NotAllowed(device.to_owned()),
            _ => DeviceError::NotReadable(device.to_owned(), error.to_string()),
        }
    }
}

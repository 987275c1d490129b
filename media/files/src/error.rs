use std::io;

/// Why a file cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The file itself, or what it is read from or written to.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The file is not as its format says.
    #[error("not a well-formed file: {0}")]
    Malformed(&'static str),
    /// The file is well-formed, as far as can be said, and not for this crate.
    #[error("{0} cannot be read or written here")]
    Unsupported(&'static str),
    /// A frame or an index is larger than [`limits`](crate::limits) allow.
    #[error("a frame or an index of more bytes than a file may have")]
    TooLarge,
}

impl FileError {
    /// What was written is as it was, and only the frame that was to be written is not in it: who records goes on
    /// with the next one. Else the file is at its end.
    pub fn is_of_one_frame(&self) -> bool {
        matches!(self, FileError::Malformed(_) | FileError::TooLarge)
    }
}

impl FileError {
    pub(crate) fn cut() -> Self {
        FileError::Malformed(CUT)
    }

    /// The file ends in the middle of something.
    pub(crate) fn is_cut(&self) -> bool {
        matches!(self, FileError::Malformed(CUT))
    }
}

const CUT: &str = "it ends in the middle";

pub(crate) type Result<T> = std::result::Result<T, FileError>;

/// What a file ends with in the middle of something is a bad file; else the end of all is the end.
pub(crate) fn truncated(error: io::Error) -> FileError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => FileError::cut(),
        _ => FileError::Io(error),
    }
}

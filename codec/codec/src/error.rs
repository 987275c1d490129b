use thiserror::Error;

/// Why something was not encoded or decoded.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum CodecError {
    /// The codec is one that nothing here has.
    #[error("no codec for {0} is there")]
    Unsupported(String),
    /// What was asked for is nothing that can be: a size of zero, a plane that is too short.
    #[error("{0}")]
    Invalid(&'static str),
    /// More than is allowed: of a picture the pixels, of an encoded one the bytes.
    #[error("{0} of {1} is more than is allowed")]
    TooLarge(&'static str, u64),
    /// What was to be decoded is damaged, or needs a frame that is not there.
    #[error("{0} does not decode this: {1}")]
    Damaged(&'static str, i64),
    /// The library failed otherwise, with its number for that.
    #[error("{0} failed: {1}")]
    Failed(&'static str, i64),
}

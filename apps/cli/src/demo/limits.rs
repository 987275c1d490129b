//! Every bound of the demo's web server and of its calls.

use std::time::Duration;

/// Calls at once; a page more is refused.
pub(super) const CALLS: usize = 64;
/// Notes that wait for a page to read them; more are dropped.
pub(super) const NOTES: usize = 1024;
/// Channels of one call that are served at once; one more is closed. The page makes four.
pub(super) const CHANNELS: usize = 16;
/// Tracks of one call that are sent back at once; one more is only received. The page has two.
pub(super) const MIRRORS: usize = 8;
/// Frames that are sent back in one go.
pub(super) const MIRRORED_FRAMES: usize = 64;
/// Frames of one track that wait to be decoded; one more is left out.
pub(super) const FRAMES_TO_DECODE: usize = 16;
/// Pixels of a row of the picture that the page is shown of what was decoded.
pub(super) const SNAPSHOT_WIDTH: u32 = 320;
/// The largest file that is taken: it is held in memory.
pub(super) const FILE_BYTES: usize = 256 << 20;
/// The largest recording: it is held in memory, too.
pub(super) const RECORDING_BYTES: usize = 64 << 20;
/// Telephone keys that the page is told of, the last ones that were heard.
pub(super) const TONES: usize = 16;
/// Bytes of all calls' files and recordings together.
pub(super) const KEPT_BYTES: usize = 512 << 20;
/// The largest body a page may post: a description with many m-lines has some tens of KiB.
pub(super) const BODY_BYTES: usize = 256 << 10;
/// Bytes of a request's head.
pub(super) const HEAD_BYTES: usize = 64 << 10;
/// How long pages may keep their connections to the web server once it ends.
pub(super) const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// After an `accept` that failed, since descriptors are short.
pub(super) const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long the certificate that is made at the start is valid.
pub(super) const CERTIFICATE_LIFE: Duration = Duration::from_secs(30 * 24 * 3600);

/// What strangers may take of the demo.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How long a call may take to connect; then it is ended.
    pub connect: Duration,
    /// How long the head of a request may take, the wait for it included, and a TLS handshake.
    pub head: Duration,
    /// How long the body of a request may take.
    pub body: Duration,
    /// How long a connection may take none of what it asked for.
    pub write: Duration,
    /// Connections to the web server at once; more wait.
    pub connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connect: Duration::from_secs(30),
            head: Duration::from_secs(20),
            body: Duration::from_secs(10),
            write: Duration::from_secs(30),
            connections: 256,
        }
    }
}

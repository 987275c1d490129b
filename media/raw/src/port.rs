//! What raw media are of: a sender or a receiver of a connection, whoever has that.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use duologue_base::{Instant, Rng, TransceiverId};
use duologue_codec::CodecSet;
use duologue_peer::{MediaStreamId, RtpReceiveParameters, RtpSendParameters};
use duologue_session::{EncodedFrame, EncodedFrameInit};
use tokio::runtime::Handle;

use crate::Shared;

/// Gives the codecs of a connection. It may look for them, which takes about a tenth of a second.
pub type Find = Box<dyn FnOnce() -> CodecSet + Send>;

/// What [`Sender::fraction_lost`] waits for.
pub type FractionLost<'a> = Pin<Box<dyn Future<Output = f32> + Send + 'a>>;

/// A transceiver, and what belongs to its connection.
pub trait Host: Send + Sync {
    /// The transceiver.
    fn id(&self) -> TransceiverId;

    /// The clock of the connection.
    fn now(&self) -> Instant;

    /// Where tasks and work that takes long run.
    fn runtime(&self) -> &Handle;

    /// What all raw media of one connection have in common.
    fn shared(&self) -> &Shared;

    /// What finds the codecs, on a thread where that may take long.
    fn codecs(&self) -> Find;
}

/// A sender: who encodes for it.
pub trait Sender: Host {
    /// `getParameters()`, without the transaction that it begins; none of a transceiver that is gone.
    fn parameters(&self) -> Option<RtpSendParameters>;

    /// What each encoding may be sent with, in bits a second; empty while that is not known.
    fn target_bitrates(&self) -> Vec<u64>;

    /// The share of packets that does not reach the other end, as it reports.
    fn fraction_lost(&self) -> FractionLost<'_>;

    /// Frames that were handed over and have not left.
    fn queued(&self) -> usize;

    /// What is handed over from now on is refused.
    fn ended(&self) -> bool;

    /// Whether the peer wanted a key frame of an encoding since this was asked last.
    fn take_key_frame_request(&self, encoding: usize) -> bool;

    /// The one that was taken was not made.
    fn want_key_frame(&self, encoding: usize);

    /// Hands over as many frames as there is room for, from the front.
    ///
    /// # Errors
    /// The transceiver is stopped or the connection closed.
    fn send(&self, frames: &mut Vec<EncodedFrameInit>) -> Result<(), Ended>;

    /// Ready once there is room for a frame.
    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), Ended>>;
}

/// A receiver: who decodes what comes to it. What it receives is kept for its reader while this is there.
pub trait Receiver: Host {
    /// The next frame; none at the end.
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<EncodedFrame>>;

    /// Frames that were dropped before they were read.
    fn dropped(&self) -> u64;

    /// `getParameters()`; none of a transceiver that is gone.
    fn parameters(&self) -> Option<RtpReceiveParameters>;

    /// `jitterBufferTarget`
    fn jitter_buffer_target(&self) -> Option<Duration>;

    /// The first of the streams that the peer put the track in.
    fn first_stream(&self) -> Option<MediaStreamId>;

    /// Asks the peer for a key frame. A receiver that no longer receives needs none.
    fn request_key_frame(&self);

    /// Randomness of its own.
    fn rng(&mut self) -> Rng;
}

/// The transceiver is stopped or the connection closed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Ended;

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(ENDED)
    }
}

impl std::error::Error for Ended {}

pub(crate) const ENDED: &str = "the transceiver is stopped or the connection closed";

/// Hands over all frames, as soon as there is room.
pub(crate) async fn send_all(
    sender: &dyn Sender,
    frames: &mut Vec<EncodedFrameInit>,
) -> Result<(), Ended> {
    while !frames.is_empty() {
        poll_fn(|cx| sender.poll_ready(cx)).await?;
        sender.send(frames)?;
    }
    Ok(())
}

//! What reads tracks.

use duologue_codec::{AudioData, VideoFrame};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

/// Reads the pictures of a track: `MediaStreamTrackProcessor`. Of a reader that is slow the oldest ones are
/// dropped and counted.
#[derive(Debug)]
#[doc(alias = "MediaStreamTrackProcessor")]
pub struct VideoReader(Reader<VideoFrame>);

/// Reads the sound of a track: `MediaStreamTrackProcessor`. Of a reader that is slow the oldest pieces are
/// dropped and counted.
#[derive(Debug)]
#[doc(alias = "MediaStreamTrackProcessor")]
pub struct AudioReader(Reader<AudioData>);

macro_rules! reader {
    ($name:ident, $data:ty, $what:literal) => {
        impl $name {
            pub(crate) fn new(receiver: Option<broadcast::Receiver<$data>>) -> Self {
                $name(Reader {
                    receiver,
                    dropped: 0,
                })
            }

            #[doc = concat!("The next ", $what, "; `None` once the track has ended. Nothing is lost when the")]
            /// future is dropped.
            pub async fn recv(&mut self) -> Option<$data> {
                self.0.recv().await
            }

            /// How many were not read in time.
            pub fn dropped(&self) -> u64 {
                self.0.dropped
            }
        }
    };
}

reader!(VideoReader, VideoFrame, "picture");
reader!(AudioReader, AudioData, "piece");

#[derive(Debug)]
struct Reader<T> {
    /// `None` of a track that had ended.
    receiver: Option<broadcast::Receiver<T>>,
    dropped: u64,
}

impl<T: Clone> Reader<T> {
    async fn recv(&mut self) -> Option<T> {
        loop {
            match self.receiver.as_mut()?.recv().await {
                Ok(data) => return Some(data),
                Err(RecvError::Lagged(missed)) => self.dropped += missed,
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

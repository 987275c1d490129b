//! Encoded frames of a transceiver, for programs that encode, decode, record or play themselves.

use std::pin::Pin;
use std::task::{Context, Poll};

use duologue_peer::Exception;
use duologue_session::{EncodedFrame, EncodedFrameInit};
use futures_core::Stream;

use crate::flow::{Reader, Writer};
use crate::media::{RtpReceiver, RtpSender};

impl RtpReceiver {
    /// What the peer sends to this receiver as whole frames, from now on: `createEncodedStreams` of
    /// webrtc-encoded-transform is what comes nearest. Of video these are the frames that can be
    /// decoded, in their order: what cannot be repaired is left out up to the next key frame, which
    /// is asked for. The first one is a key frame, asked for if the stream runs already. Each packet
    /// of audio is a frame, as it comes.
    ///
    /// Whoever reads [`packets`](RtpReceiver::packets) of the same receiver gets those as well.
    #[doc(alias = "createEncodedStreams")]
    pub fn frames(&self) -> EncodedFrames {
        EncodedFrames(Reader::new(self.connection().clone(), self.id()))
    }
}

impl RtpSender {
    /// What sends frames that the program has encoded itself, or received from elsewhere. What the
    /// sender's parameters say counts for them; its track does not. Frames and
    /// [`packets`](RtpSender::packets) of one sender share its queue.
    #[doc(alias = "createEncodedStreams")]
    pub fn frames(&self) -> EncodedFrameWriter {
        EncodedFrameWriter(Writer::new(self.connection().clone(), self.id()))
    }
}

/// The frames of a receiver. It ends when the transceiver is stopped or the connection closed. It is
/// also a [`Stream`] of them.
///
/// ```
/// use duologue::{EncodedFrameInit, Exception, RtpReceiver, RtpSender};
///
/// /// Sends back what comes, frame by frame.
/// async fn echo(from: RtpReceiver, to: RtpSender) -> Result<(), Exception> {
///     let (mut source, sink) = (from.frames(), to.frames());
///     let (mut received, mut batch) = (Vec::new(), Vec::new());
///     while source.recv_many(&mut received, 16).await > 0 {
///         batch.extend(received.drain(..).map(|frame| EncodedFrameInit {
///             payload_type: Some(frame.payload_type),
///             timestamp: frame.timestamp,
///             data: frame.data,
///             ..Default::default()
///         }));
///         sink.send_all(&mut batch).await?;
///     }
///     Ok(())
/// }
/// # use duologue::*;
/// # async fn negotiate(a: &PeerConnection, b: &PeerConnection, events: [&mut Events; 2]) -> Result<(), Exception> {
/// #     let [a_events, b_events] = events;
/// #     a.set_local_description(None).await?;
/// #     while !matches!(a_events.recv().await, Some(Event::IceCandidate(None))) {}
/// #     b.set_remote_description(a.local_description().unwrap()).await?;
/// #     b.transceivers()[0].set_direction(TransceiverDirection::Sendrecv)?;
/// #     b.set_local_description(None).await?;
/// #     while !matches!(b_events.recv().await, Some(Event::IceCandidate(None))) {}
/// #     a.set_remote_description(b.local_description().unwrap()).await
/// # }
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// #     let endpoint = Endpoint::builder().loopback(true).build()?;
/// #     let (near, mut e1) = endpoint.connection(Configuration::default())?;
/// #     let (far, mut e2) = endpoint.connection(Configuration::default())?;
/// #     let made = near.add_transceiver(MediaKind::Audio, Default::default())?;
/// #     negotiate(&near, &far, [&mut e1, &mut e2]).await?;
/// #     let there = far.transceivers().remove(0);
/// #     tokio::spawn(echo(there.receiver(), there.sender()));
/// #     let (mut received, sender) = (made.receiver().frames(), made.sender().frames());
/// #     let frame = loop {
/// #         let frame = EncodedFrameInit { data: Bytes::from_static(b"sound"), ..Default::default() };
/// #         sender.send(&mut vec![frame])?;
/// #         tokio::select! {
/// #             frame = received.recv() => break frame.unwrap(),
/// #             _ = tokio::task::yield_now() => {}
/// #         }
/// #     };
/// #     assert_eq!(frame.data, "sound");
/// #     Ok(())
/// # }
/// ```
///
/// Frames wait here until they are read. When [`FRAME_BACKLOG`](crate::limits::FRAME_BACKLOG) of them
/// do, or [`FRAME_BACKLOG_BYTES`](crate::limits::FRAME_BACKLOG_BYTES), the oldest ones are dropped
/// and counted: a slow reader of one track holds up neither another track nor a data channel. Frames
/// of video after a dropped one may need it: when [`dropped`](Self::dropped) has grown, skip to the
/// next one that is [`key`](EncodedFrame::key), and
/// [ask for it](RtpReceiver::send_key_frame_request). A frame goes to one reader.
#[derive(Debug)]
pub struct EncodedFrames(Reader<EncodedFrame>);

impl EncodedFrames {
    /// The next frame; `None` at the end.
    pub async fn recv(&mut self) -> Option<EncodedFrame> {
        self.0.recv().await
    }

    /// The next frame, if there is one already.
    pub fn try_recv(&mut self) -> Option<EncodedFrame> {
        self.0.try_recv()
    }

    /// Waits for a frame and adds what is there to `frames`, at most `limit`. Returns how many; none
    /// at the end.
    pub async fn recv_many(&mut self, frames: &mut Vec<EncodedFrame>, limit: usize) -> usize {
        self.0.recv_many(frames, limit).await
    }

    /// How many frames were dropped because nobody read them in time, of all readers of this
    /// receiver.
    pub fn dropped(&self) -> u64 {
        self.0.dropped()
    }
}

impl Stream for EncodedFrames {
    type Item = EncodedFrame;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<EncodedFrame>> {
        self.get_mut().0.poll_next(cx)
    }
}

/// Sends frames that the program has encoded.
///
/// Frames leave in the order in which they were handed over, split into packets of the format of
/// their codec (RFC 7741 for VP8, RFC 6184 for H.264, RFC 7587 for Opus, …). While the sender may not
/// send they are dropped: before the negotiation, on hold, for an encoding or a payload type that is
/// not agreed on; so are bytes that are no frame of the codec.
///
/// ```
/// use duologue::{Bytes, EncodedFrameInit, Exception, RtpSender};
///
/// /// Plays encoded pictures, 30 a second.
/// async fn play(sender: &RtpSender, pictures: Vec<Bytes>) -> Result<(), Exception> {
///     let writer = sender.frames();
///     let mut clock = tokio::time::interval(std::time::Duration::from_micros(33_333));
///     for (number, data) in pictures.into_iter().enumerate() {
///         clock.tick().await;
///         // Clocks of video have 90 kHz.
///         let timestamp = number as u32 * 3_000;
///         let frame = EncodedFrameInit { timestamp, data, ..Default::default() };
///         writer.send_all(&mut vec![frame]).await?;
///     }
///     Ok(())
/// }
/// ```
///
/// A peer that needs a key frame asks by [`Event::KeyFrameRequest`](crate::Event::KeyFrameRequest).
/// Cheap to clone; all clones write into the same streams.
#[derive(Clone, Debug)]
pub struct EncodedFrameWriter(Writer<EncodedFrameInit>);

impl EncodedFrameWriter {
    /// Hands over as many frames as there is room for, from the front, and leaves the others in
    /// `frames`. Returns how many: there is room for
    /// [`SEND_ITEMS`](crate::limits::SEND_ITEMS) that have not left, and another one while they have
    /// less than [`SEND_ITEMS_BYTES`](crate::limits::SEND_ITEMS_BYTES). A frame has left with the
    /// last of its packets.
    ///
    /// # Errors
    /// `InvalidStateError` when the transceiver is stopped or the connection closed.
    pub fn send(&self, frames: &mut Vec<EncodedFrameInit>) -> Result<usize, Exception> {
        self.0.send(frames)
    }

    /// Waits until there is room for a frame.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn ready(&self) -> Result<(), Exception> {
        self.0.ready().await
    }

    /// Hands over all frames, as soon as there is room.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn send_all(&self, frames: &mut Vec<EncodedFrameInit>) -> Result<(), Exception> {
        self.0.send_all(frames).await
    }

    /// How many frames, and packets, this sender was handed and has not sent.
    pub fn queued(&self) -> usize {
        self.0.queued()
    }
}

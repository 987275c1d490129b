//! RTP packets of a transceiver, for programs that record, forward or make media themselves.

use std::pin::Pin;
use std::task::{Context, Poll};

use duologue_peer::Exception;
use duologue_session::{RtpPacket, RtpPacketInit};
use futures_core::Stream;

use crate::flow::{Reader, Writer};
use crate::media::{RtpReceiver, RtpSender};

impl RtpReceiver {
    /// The packets that the peer sends to this receiver, decrypted: `createPacketReceiver` of WICG's
    /// webrtc-rtptransport is what comes nearest. They are handed out from now on; without anybody
    /// who takes them they are counted and dropped. Whoever reads
    /// [`frames`](RtpReceiver::frames) of the same receiver gets them as well.
    pub fn packets(&self) -> RtpPackets {
        RtpPackets(Reader::new(self.connection().clone(), self.id()))
    }

    /// Asks the peer for a key frame of one simulcast layer, 0 where there are none: what a program
    /// that decodes or records needs when it begins or after a loss. Requests that come faster than
    /// the peer could follow are one. `sendKeyFrameRequest()` of webrtc-encoded-transform.
    ///
    /// # Errors
    /// `InvalidStateError` for audio, and when the receiver does not receive.
    #[doc(alias = "sendKeyFrameRequest")]
    pub fn send_key_frame_request(&self, encoding: usize) -> Result<(), Exception> {
        let id = self.id();
        let connection = self.connection();
        connection.with(|control| control.peer_mut().send_key_frame_request(id, encoding))
    }
}

impl RtpSender {
    /// What sends packets that the program has made itself: `createPacketSender` of WICG's
    /// webrtc-rtptransport is what comes nearest. What the sender's parameters say counts for them;
    /// its track does not.
    pub fn packets(&self) -> RtpPacketWriter {
        RtpPacketWriter(Writer::new(self.connection().clone(), self.id()))
    }
}

/// The packets of a receiver, in the order in which they arrived; those that were repaired come when
/// they do. It ends when the transceiver is stopped or the connection closed. It is also a
/// [`Stream`] of them.
///
/// ```
/// use duologue::{Exception, RtpPacketInit, RtpReceiver, RtpSender};
///
/// /// Passes on what a receiver gets, a batch at a time.
/// async fn forward(from: RtpReceiver, to: RtpSender) -> Result<(), Exception> {
///     let (mut source, sink) = (from.packets(), to.packets());
///     let (mut received, mut batch) = (Vec::new(), Vec::new());
///     while source.recv_many(&mut received, 64).await > 0 {
///         batch.extend(received.drain(..).map(|packet| RtpPacketInit {
///             // Gaps stay gaps.
///             sequence_number: Some(packet.sequence_number as u16),
///             timestamp: packet.timestamp,
///             marker: packet.marker,
///             payload: packet.payload,
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
/// #     b.set_local_description(None).await?;
/// #     while !matches!(b_events.recv().await, Some(Event::IceCandidate(None))) {}
/// #     a.set_remote_description(b.local_description().unwrap()).await
/// # }
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// #     let endpoint = Endpoint::builder().loopback(true).build()?;
/// #     let connection = || endpoint.connection(Configuration::default());
/// #     // Alice to the server, the server to Bob.
/// #     let ((alice, mut e1), (near, mut e2)) = (connection()?, connection()?);
/// #     let ((far, mut e3), (bob, mut e4)) = (connection()?, connection()?);
/// #     let from = alice.add_transceiver(MediaKind::Audio, Default::default())?;
/// #     let on = far.add_transceiver(MediaKind::Audio, Default::default())?;
/// #     negotiate(&alice, &near, [&mut e1, &mut e2]).await?;
/// #     negotiate(&far, &bob, [&mut e3, &mut e4]).await?;
/// #     tokio::spawn(forward(near.receivers().remove(0), on.sender()));
/// #     let mut received = bob.receivers().remove(0).packets();
/// #     let sender = from.sender().packets();
/// #     let packet = loop {
/// #         let packet = RtpPacketInit { payload: Bytes::from_static(b"sound"), ..Default::default() };
/// #         sender.send(&mut vec![packet])?;
/// #         tokio::select! {
/// #             packet = received.recv() => break packet.unwrap(),
/// #             _ = tokio::task::yield_now() => {}
/// #         }
/// #     };
/// #     assert_eq!(packet.payload, "sound");
/// #     Ok(())
/// # }
/// ```
///
/// Packets wait here until they are read. When [`PACKET_BACKLOG`](crate::limits::PACKET_BACKLOG) of
/// them do, or [`PACKET_BACKLOG_BYTES`](crate::limits::PACKET_BACKLOG_BYTES), the oldest ones are
/// dropped and counted: a slow reader of one track holds up neither another track nor a data
/// channel. A packet goes to one reader.
#[derive(Debug)]
pub struct RtpPackets(Reader<RtpPacket>);

impl RtpPackets {
    /// The next packet; `None` at the end.
    pub async fn recv(&mut self) -> Option<RtpPacket> {
        self.0.recv().await
    }

    /// The next packet, if there is one already.
    pub fn try_recv(&mut self) -> Option<RtpPacket> {
        self.0.try_recv()
    }

    /// Waits for a packet and adds what is there to `packets`, at most `limit`. Returns how many;
    /// none at the end.
    pub async fn recv_many(&mut self, packets: &mut Vec<RtpPacket>, limit: usize) -> usize {
        self.0.recv_many(packets, limit).await
    }

    /// How many packets were dropped because nobody read them in time, of all readers of this
    /// receiver.
    pub fn dropped(&self) -> u64 {
        self.0.dropped()
    }
}

impl Stream for RtpPackets {
    type Item = RtpPacket;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<RtpPacket>> {
        self.get_mut().0.poll_next(cx)
    }
}

/// Sends packets that the program has made.
///
/// Packets leave in the order in which they were handed over, encrypted and with the numbers, SSRCs
/// and header extensions of the negotiated streams. While the sender may not send they are dropped:
/// before the negotiation, on hold, for an encoding or a payload type that is not agreed on.
///
/// ```
/// use duologue::{Bytes, Exception, RtpPacketInit, RtpSender};
///
/// /// Plays Opus packets of 20 ms each.
/// async fn play(sender: &RtpSender, packets: Vec<Bytes>) -> Result<(), Exception> {
///     let writer = sender.packets();
///     let mut clock = tokio::time::interval(std::time::Duration::from_millis(20));
///     for (number, payload) in packets.into_iter().enumerate() {
///         clock.tick().await;
///         let timestamp = number as u32 * 960;
///         let packet = RtpPacketInit { timestamp, payload, ..Default::default() };
///         writer.send(&mut vec![packet])?;
///     }
///     Ok(())
/// }
/// ```
///
/// Cheap to clone; all clones write into the same streams.
#[derive(Clone, Debug)]
pub struct RtpPacketWriter(Writer<RtpPacketInit>);

impl RtpPacketWriter {
    /// Hands over as many packets as there is room for, from the front, and leaves the others in
    /// `packets`. Returns how many: there is room for
    /// [`SEND_ITEMS`](crate::limits::SEND_ITEMS) that have not left, and
    /// [`SEND_ITEMS_BYTES`](crate::limits::SEND_ITEMS_BYTES).
    ///
    /// # Errors
    /// `InvalidStateError` when the transceiver is stopped or the connection closed.
    pub fn send(&self, packets: &mut Vec<RtpPacketInit>) -> Result<usize, Exception> {
        self.0.send(packets)
    }

    /// Waits until there is room for a packet.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn ready(&self) -> Result<(), Exception> {
        self.0.ready().await
    }

    /// Hands over all packets, as soon as there is room.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn send_all(&self, packets: &mut Vec<RtpPacketInit>) -> Result<(), Exception> {
        self.0.send_all(packets).await
    }

    /// How many packets, and frames, this sender was handed and has not sent.
    pub fn queued(&self) -> usize {
        self.0.queued()
    }
}

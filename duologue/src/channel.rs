//! Data channels, as the W3C shows them.

mod queues;
mod stream;

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, MutexGuard};
use std::task::{Context, Poll};

use duologue_base::StreamId;
use duologue_peer::{DataChannelState, Exception, PriorityType};
use futures_core::Stream;

use crate::Message;
use crate::connection::ConnectionHandle;
use queues::Outbox;
pub(crate) use queues::{Backlog, Channel};
pub use stream::ByteStream;

/// A bidirectional channel of messages: `RTCDataChannel` (webrtc-pc §6.2).
///
/// ```
/// use duologue::{DataChannel, Exception, Message};
///
/// /// As fast as the network takes it, with little memory.
/// async fn send_file(channel: &DataChannel, file: &[u8]) -> Result<(), Exception> {
///     channel.opened().await?;
///     channel.send_text(format!("{} bytes follow", file.len())).await?;
///     for chunk in file.chunks(16 * 1024) {
///         channel.send(chunk.to_vec()).await?;
///     }
///     channel.close();
///     channel.closed().await
/// }
///
/// async fn receive_file(channel: &DataChannel) -> Vec<u8> {
///     let mut file = Vec::new();
///     while let Some(message) = channel.recv().await {
///         match message {
///             Message::Text(text) => println!("{text}"),
///             Message::Binary(chunk) => file.extend_from_slice(&chunk),
///         }
///     }
///     file
/// }
/// # use duologue::{Configuration, Endpoint, Event};
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// #     let endpoint = Endpoint::builder().loopback(true).build()?;
/// #     let (a, mut a_events) = endpoint.connection(Configuration::default())?;
/// #     let (b, mut b_events) = endpoint.connection(Configuration::default())?;
/// #     let near = a.create_data_channel("file", Default::default())?;
/// #     a.set_local_description(None).await?;
/// #     while !matches!(a_events.recv().await, Some(Event::IceCandidate(None))) {}
/// #     b.set_remote_description(a.local_description().unwrap()).await?;
/// #     b.set_local_description(None).await?;
/// #     let far = loop {
/// #         match b_events.recv().await.unwrap() {
/// #             Event::IceCandidate(None) => {
/// #                 a.set_remote_description(b.local_description().unwrap()).await?;
/// #             }
/// #             Event::DataChannel(channel) => break channel,
/// #             _ => {}
/// #         }
/// #     };
/// #     let file = vec![7; 100_000];
/// #     let (sent, received) = tokio::join!(send_file(&near, &file), receive_file(&far));
/// #     sent?;
/// #     assert_eq!(received, file);
/// #     Ok(())
/// # }
/// ```
///
/// Cheap to clone; all clones are one channel. It is also a [`Stream`] of its messages. A message
/// goes to one reader. When the last handle is dropped, messages that arrive are discarded; the
/// channel itself stays open until it or its connection is closed.
///
/// Received messages wait here until they are read. When [`RECEIVE_BACKLOG`](crate::limits::RECEIVE_BACKLOG) bytes do, over all
/// channels of the connection, the receive window closes and the peer stops sending on all of
/// them: that is how SCTP's flow control is. A program that does not read one of its channels
/// drops its handle.
#[doc(alias = "RTCDataChannel")]
#[derive(Clone)]
pub struct DataChannel(Arc<Reader>);

/// Counts as a reader of the channel, and keeps its connection open.
struct Reader {
    channel: Arc<Channel>,
    connection: Arc<ConnectionHandle>,
}

impl DataChannel {
    pub(crate) fn new(channel: Arc<Channel>, connection: Arc<ConnectionHandle>) -> Self {
        channel.add_reader();
        DataChannel(Arc::new(Reader {
            channel,
            connection,
        }))
    }

    /// Sends bytes or text as soon as `bufferedAmount` is below the high-water mark
    /// ([`set_send_high_water_mark`](Self::set_send_high_water_mark)): `send(data)`, at the pace
    /// of the network.
    ///
    /// # Errors
    /// `InvalidStateError` unless the channel is open; `TypeError` when the message is longer than
    /// [`SctpTransport::max_message_size`](crate::SctpTransport::max_message_size).
    pub async fn send(&self, message: impl Into<Message>) -> Result<(), Exception> {
        let mut message = Some(message.into());
        poll_fn(|cx| {
            let mut outbox = self.0.channel.outbox();
            let len = message.as_ref().map_or(0, Message::len) as u64;
            if outbox.state == DataChannelState::Open && !outbox.has_room(len) {
                outbox.wakers.register(cx.waker());
                return Poll::Pending;
            }
            let message = message.take().unwrap_or_else(|| Message::from(b""));
            Poll::Ready(self.queue(outbox, message))
        })
        .await
    }

    /// Sends text: `send(string)`, else as [`send`](Self::send).
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn send_text(&self, text: impl Into<String>) -> Result<(), Exception> {
        self.send(Message::Text(text.into())).await
    }

    /// Sends at once, whatever `bufferedAmount` is: the W3C's `send(data)`.
    ///
    /// # Errors
    /// As [`send`](Self::send); and `OperationError` when 16 MiB wait already, each message counted with
    /// [`SEND_OVERHEAD`](crate::limits::SEND_OVERHEAD).
    pub fn try_send(&self, message: impl Into<Message>) -> Result<(), Exception> {
        self.queue(self.0.channel.outbox(), message.into())
    }

    fn queue(&self, mut outbox: MutexGuard<'_, Outbox>, message: Message) -> Result<(), Exception> {
        let len = message.len() as u64;
        let state = outbox.state;
        let max_message = self.0.connection.max_message_size();
        outbox.queue.push(state, len, Some(max_message))?;

        let binary = message.is_binary();
        // Under the lock: messages leave in the order in which `bufferedAmount` counted them, and
        // none follows a `close()`.
        let key = self.0.channel.key;
        self.0
            .connection
            .session()
            .send(key, message.into_bytes(), binary);
        Ok(())
    }

    /// The next message; `None` when the channel is closed and everything was read: the `message`
    /// event.
    #[doc(alias = "onmessage")]
    pub async fn recv(&self) -> Option<Message> {
        poll_fn(|cx| self.0.channel.poll_receive(cx)).await
    }

    /// The next message, if there is one already.
    pub fn try_recv(&self) -> Option<Message> {
        self.0.channel.try_receive()
    }

    /// Waits until the channel is open.
    ///
    /// # Errors
    /// `InvalidStateError` when it closes, or is closed, before; or what made it fail.
    pub async fn opened(&self) -> Result<(), Exception> {
        poll_fn(|cx| {
            let mut outbox = self.0.channel.outbox();
            match outbox.state {
                DataChannelState::Connecting => {
                    outbox.wakers.register(cx.waker());
                    Poll::Pending
                }
                DataChannelState::Open => Poll::Ready(Ok(())),
                DataChannelState::Closing | DataChannelState::Closed => {
                    let error = outbox.error.clone();
                    let error = error.unwrap_or_else(|| {
                        Exception::invalid_state("the data channel was closed before it opened")
                    });
                    Poll::Ready(Err(error))
                }
            }
        })
        .await
    }

    /// Waits until the channel is closed in both directions.
    ///
    /// # Errors
    /// What made it fail, unless it was closed on purpose: the `error` event.
    pub async fn closed(&self) -> Result<(), Exception> {
        poll_fn(|cx| {
            let mut outbox = self.0.channel.outbox();
            match (&outbox.state, outbox.error.clone()) {
                (DataChannelState::Closed, None) => Poll::Ready(Ok(())),
                (DataChannelState::Closed, Some(error)) => Poll::Ready(Err(error)),
                _ => {
                    outbox.wakers.register(cx.waker());
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// Closes the channel once everything that was sent has left: `close()`.
    pub fn close(&self) {
        let key = self.0.channel.key;
        self.0.connection.with(|control| control.close_channel(key));
    }

    /// `readyState`: messages can be sent while it is `Open`.
    pub fn ready_state(&self) -> DataChannelState {
        self.0.channel.outbox().state
    }

    /// `label`: the name that whoever made the channel gave it; not unique.
    pub fn label(&self) -> &str {
        &self.0.channel.attributes.label
    }

    /// `protocol`: what is spoken on it, as far as the applications say.
    pub fn protocol(&self) -> &str {
        &self.0.channel.attributes.protocol
    }

    /// `ordered`: whether messages arrive in the order they were sent.
    pub fn ordered(&self) -> bool {
        self.0.channel.attributes.ordered
    }

    /// `maxPacketLifeTime`: the milliseconds for which a message is retransmitted, if limited.
    pub fn max_packet_life_time(&self) -> Option<u16> {
        self.0.channel.attributes.max_packet_life_time
    }

    /// `maxRetransmits`: how often a message is retransmitted, if limited.
    pub fn max_retransmits(&self) -> Option<u16> {
        self.0.channel.attributes.max_retransmits
    }

    /// `negotiated`: both applications made the channel, with the same id.
    pub fn negotiated(&self) -> bool {
        self.0.channel.attributes.negotiated
    }

    /// `priority` (webrtc-priority §4.2): its share of the connection beside other channels.
    pub fn priority(&self) -> PriorityType {
        self.0.channel.attributes.priority
    }

    /// `id`: none until the application or the DTLS role gives it one.
    pub fn id(&self) -> Option<StreamId> {
        let key = self.0.channel.key;
        let connection = &self.0.connection;
        connection.with(|control| control.peer().data_channel(key)?.id())
    }

    /// `bufferedAmount`: bytes of messages that were sent and have not left yet.
    pub fn buffered_amount(&self) -> u64 {
        self.0.channel.outbox().queue.buffered_amount()
    }

    /// `bufferedAmountLowThreshold`: at or below how many bytes `bufferedamountlow` fires.
    pub fn buffered_amount_low_threshold(&self) -> u64 {
        self.0.channel.outbox().queue.low_threshold()
    }

    /// Sets `bufferedAmountLowThreshold`; 0 at first. Only a channel for which it was set, be it to
    /// 0, has [`Event::ChannelBufferedAmountLow`](crate::Event::ChannelBufferedAmountLow) in the
    /// stream: others would have one for nearly every message.
    pub fn set_buffered_amount_low_threshold(&self, bytes: u64) {
        let mut outbox = self.0.channel.outbox();
        outbox.queue.set_low_threshold(bytes);
        outbox.wants_low_event = true;
    }

    /// Sets the `bufferedAmount`, in bytes, from which [`send`](Self::send) waits until half of it
    /// has left. It bounds the memory of a fast writer and should be at least what the path holds:
    /// its rate times its round-trip time. 1 MiB at first. Unlike in `bufferedAmount` each message
    /// counts [`SEND_OVERHEAD`](crate::limits::SEND_OVERHEAD) bytes more than it has, which is about
    /// what it takes while it waits. Not in the W3C's documents.
    pub fn set_send_high_water_mark(&self, bytes: u64) {
        let mut outbox = self.0.channel.outbox();
        outbox.high_water = bytes.max(1);
        outbox.wakers.wake_all();
    }

    pub(crate) fn low_event_taken(&self) {
        self.0.channel.outbox().low_event_waits = false;
    }
}

impl Stream for DataChannel {
    type Item = Message;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Message>> {
        self.0.channel.poll_receive(cx)
    }
}

impl PartialEq for DataChannel {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0.channel, &other.0.channel)
    }
}

impl Eq for DataChannel {}

impl fmt::Debug for DataChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataChannel")
            .field("label", &self.label())
            .field("ready_state", &self.ready_state())
            .finish_non_exhaustive()
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.channel.remove_reader();
    }
}

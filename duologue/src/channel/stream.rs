//! A data channel as a stream of bytes, for what speaks over anything that is one.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use duologue_peer::{DataChannelState, Exception, ExceptionName};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::DataChannel;
use crate::Message;
use crate::limits::STREAM_MESSAGE;

/// The bytes of a [`DataChannel`] without the boundaries of its messages: [`AsyncRead`] and [`AsyncWrite`]
/// of tokio, for HTTP, TLS, `tokio::io::copy` and whatever else wants a stream.
///
/// It is one only over a channel that is ordered and reliable, as channels are unless they are made
/// otherwise.
///
/// ```
/// use duologue::DataChannel;
/// use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
///
/// /// Asks for a line and gets one.
/// async fn ask(channel: DataChannel) -> std::io::Result<String> {
///     let mut stream = BufReader::new(channel.into_byte_stream());
///     stream.write_all(b"what is the time?\n").await?;
///     let mut line = String::new();
///     stream.read_line(&mut line).await?;
///     Ok(line)
/// }
/// ```
///
/// What is written leaves in messages of at most [`STREAM_MESSAGE`] bytes, at the pace of
/// [`DataChannel::send`]; nothing is held back, so that `flush` has nothing to do. `shutdown` closes the
/// channel, in both directions: a data channel has no half of it. A reader finds the end where the peer
/// closed.
#[derive(Debug)]
pub struct ByteStream {
    channel: DataChannel,
    /// What of a message was not read yet.
    unread: Bytes,
}

impl DataChannel {
    /// The bytes of the messages, without the boundaries of messages. Text counts by its UTF-8.
    pub fn into_byte_stream(self) -> ByteStream {
        ByteStream {
            channel: self,
            unread: Bytes::new(),
        }
    }
}

impl ByteStream {
    /// The channel, without what was received and not read.
    pub fn into_inner(self) -> DataChannel {
        self.channel
    }
}

impl AsyncRead for ByteStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // A message without bytes would be taken for the end.
        while self.unread.is_empty() {
            match ready!(self.channel.0.channel.poll_receive(cx)) {
                Some(message) => self.unread = message.into_bytes(),
                None => return Poll::Ready(self.channel.failure().map_or(Ok(()), Err)),
            }
        }
        let len = self.unread.len().min(buffer.remaining());
        buffer.put_slice(&self.unread[..len]);
        self.unread.advance(len);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ByteStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let channel = &self.channel;
        let most = channel
            .0
            .connection
            .max_message_size()
            .min(STREAM_MESSAGE as u64);
        let len = data.len().min(most as usize);
        if len == 0 {
            return Poll::Ready(Ok(0));
        }
        let mut outbox = channel.0.channel.outbox();
        let waits = match outbox.state {
            DataChannelState::Connecting => true,
            DataChannelState::Open => !outbox.has_room(len as u64),
            DataChannelState::Closing | DataChannelState::Closed => false,
        };
        if waits {
            outbox.wakers.register(cx.waker());
            return Poll::Pending;
        }
        let queued = channel.queue(
            outbox,
            Message::Binary(Bytes::copy_from_slice(&data[..len])),
        );
        Poll::Ready(queued.map(|()| len).map_err(|error| failed(&error)))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let channel = &self.channel;
        if !matches!(
            channel.ready_state(),
            DataChannelState::Closing | DataChannelState::Closed
        ) {
            channel.close();
        }
        let mut outbox = channel.0.channel.outbox();
        if outbox.state != DataChannelState::Closed {
            outbox.wakers.register(cx.waker());
            return Poll::Pending;
        }
        drop(outbox);
        Poll::Ready(channel.failure().map_or(Ok(()), Err))
    }
}

impl DataChannel {
    /// What made it fail, if something did.
    fn failure(&self) -> Option<io::Error> {
        let error = self.0.channel.outbox().error.clone();
        error.as_ref().map(failed)
    }
}

fn failed(error: &Exception) -> io::Error {
    let kind = match error.name() {
        ExceptionName::InvalidStateError => io::ErrorKind::BrokenPipe,
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, error.to_string())
}

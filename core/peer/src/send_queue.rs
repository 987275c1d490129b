//! `send()`, `bufferedAmount` and `bufferedamountlow` (webrtc-pc §6.2), once for all hosts: some
//! send without the lock of the connection.

use crate::limits::{SEND_BUFFER_BYTES, SEND_OVERHEAD};
use crate::{DataChannelState, Exception};

/// What a data channel was given to send and has not sent.
///
/// ```
/// use duologue_peer::{DataChannelState, SendQueue};
///
/// let mut queue = SendQueue::default();
/// queue.set_low_threshold(10);
/// queue.push(DataChannelState::Open, 15, Some(1000))?;
/// assert_eq!(queue.buffered_amount(), 15);
/// assert!(queue.departed(5, 0), "it falls to the threshold");
/// assert!(!queue.departed(10, 1), "it was there before");
/// # Ok::<(), duologue_peer::Exception>(())
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct SendQueue {
    buffered: u64,
    messages: u64,
    low_threshold: u64,
}

impl SendQueue {
    /// Counts a message of `len` bytes that is being sent: `send(data)`, steps 2 to 6.
    /// `max_message` is `maxMessageSize`, none before an answer.
    ///
    /// # Errors
    /// `InvalidStateError` unless the channel is open, `TypeError` for a message larger than
    /// `maxMessageSize`, `OperationError` when it does not [fit](Self::fits). Nothing is counted then.
    pub fn push(
        &mut self,
        state: DataChannelState,
        len: u64,
        max_message: Option<u64>,
    ) -> Result<(), Exception> {
        if state != DataChannelState::Open {
            return Err(Exception::invalid_state("the data channel is not open"));
        }
        if max_message.is_some_and(|max| len > max) {
            return Err(Exception::type_error(
                "the message is longer than the peer accepts",
            ));
        }
        if !self.fits(len) {
            return Err(Exception::operation("the send buffer is full"));
        }

        self.buffered += len;
        self.messages += 1;
        Ok(())
    }

    /// Whether one more message is within what a channel may queue:
    /// [`SEND_BUFFER_BYTES`], or any single one.
    pub fn fits(&self, len: u64) -> bool {
        self.messages == 0 || self.cost() + len + SEND_OVERHEAD <= SEND_BUFFER_BYTES
    }

    /// What its messages count: an empty one takes memory, too.
    pub fn cost(&self) -> u64 {
        self.buffered + self.messages * SEND_OVERHEAD
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.messages == 0
    }

    /// Bytes left, and with them the last of so many messages. Whether `bufferedAmount` fell from
    /// above `bufferedAmountLowThreshold` to it or below: then `bufferedamountlow` is due.
    pub fn departed(&mut self, bytes: usize, messages: usize) -> bool {
        let before = self.buffered;
        self.buffered = before.saturating_sub(bytes as u64);
        self.messages = self.messages.saturating_sub(messages as u64);
        before > self.low_threshold && self.buffered <= self.low_threshold
    }

    /// `bufferedAmount`, in bytes.
    pub fn buffered_amount(&self) -> u64 {
        self.buffered
    }

    /// `bufferedAmountLowThreshold`, in bytes.
    pub fn low_threshold(&self) -> u64 {
        self.low_threshold
    }

    /// Sets `bufferedAmountLowThreshold`.
    pub fn set_low_threshold(&mut self, bytes: u64) {
        self.low_threshold = bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ExceptionName;

    const OPEN: DataChannelState = DataChannelState::Open;

    fn refused(queue: &mut SendQueue, state: DataChannelState, len: u64) -> Option<ExceptionName> {
        let before = queue.clone();
        let error = queue.push(state, len, Some(SEND_BUFFER_BYTES)).err()?;
        assert_eq!(*queue, before, "a refusal changes nothing");
        Some(error.name())
    }

    #[test]
    fn a_message_is_refused_by_the_state_first_then_by_its_length_then_by_what_waits() {
        let mut queue = SendQueue::default();
        let long = SEND_BUFFER_BYTES + 1;
        for state in [
            DataChannelState::Connecting,
            DataChannelState::Closing,
            DataChannelState::Closed,
        ] {
            let name = refused(&mut queue, state, long);
            assert_eq!(name, Some(ExceptionName::InvalidStateError), "{state:?}");
        }
        assert_eq!(
            refused(&mut queue, OPEN, long),
            Some(ExceptionName::TypeError)
        );
        assert_eq!(refused(&mut queue, OPEN, 1), None);
        let name = refused(&mut queue, OPEN, SEND_BUFFER_BYTES - 1);
        assert_eq!(name, Some(ExceptionName::OperationError));
    }

    #[test]
    fn the_longest_message_that_the_peer_accepts_can_be_sent() {
        let mut queue = SendQueue::default();
        assert_eq!(refused(&mut queue, OPEN, SEND_BUFFER_BYTES), None);
        assert_eq!(
            refused(&mut queue, OPEN, 0),
            Some(ExceptionName::OperationError)
        );
        queue.departed(SEND_BUFFER_BYTES as usize, 1);
        assert_eq!(refused(&mut queue, OPEN, SEND_BUFFER_BYTES), None);
    }

    #[test]
    fn empty_messages_take_room_and_are_bounded() {
        let mut queue = SendQueue::default();
        let sent = (0..).take_while(|_| refused(&mut queue, OPEN, 0).is_none());
        assert_eq!(sent.count() as u64, SEND_BUFFER_BYTES / SEND_OVERHEAD);
        assert_eq!(queue.buffered_amount(), 0);
    }

    #[test]
    fn the_amount_is_low_when_it_falls_through_the_threshold_and_at_no_other_time() {
        let mut queue = SendQueue::default();
        assert_eq!(refused(&mut queue, OPEN, 100), None);
        queue.set_low_threshold(100);
        assert!(!queue.departed(10, 0), "it was at the threshold already");
        queue.set_low_threshold(50);
        assert!(!queue.departed(39, 0));
        assert!(queue.departed(1, 0));
        assert!(!queue.departed(50, 1));
        queue.set_low_threshold(0);
        assert_eq!(refused(&mut queue, OPEN, 1), None);
        assert!(queue.departed(1, 1));
    }
}

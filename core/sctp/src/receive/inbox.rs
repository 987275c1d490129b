use std::collections::VecDeque;

use crate::Message;
use crate::limits::{IDLE_CAPACITY, RECEIVE_OVERHEAD};

/// Whole messages that wait for the application. They survive the association.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    messages: VecDeque<Message>,
    bytes: usize,
}

impl Inbox {
    pub(crate) fn push(&mut self, message: Message) {
        self.bytes += cost(message.data.len());
        self.messages.push_back(message);
    }

    pub(crate) fn pop(&mut self) -> Option<Message> {
        let message = self.messages.pop_front()?;
        self.bytes -= cost(message.data.len());
        Some(message)
    }

    /// What the messages count against the window.
    pub(crate) fn cost(&self) -> usize {
        self.bytes
    }

    pub(crate) fn release_memory(&mut self) {
        if self.messages.is_empty() {
            self.messages.shrink_to(IDLE_CAPACITY);
        }
    }
}

/// What `len` bytes in one piece count against the receive window.
pub(super) fn cost(len: usize) -> usize {
    len + RECEIVE_OVERHEAD
}

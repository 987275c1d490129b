use std::collections::VecDeque;

use crate::Inbound;
use crate::limits::{IDLE_CAPACITY, RECEIVE_OVERHEAD};

/// Whole messages, and ends of streams, that wait for the application. They survive the association.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    queue: VecDeque<Inbound>,
    cost: usize,
}

impl Inbox {
    pub(crate) fn push(&mut self, inbound: Inbound) {
        self.cost += cost_of(&inbound);
        self.queue.push_back(inbound);
    }

    pub(crate) fn pop(&mut self) -> Option<Inbound> {
        let inbound = self.queue.pop_front()?;
        self.cost -= cost_of(&inbound);
        Some(inbound)
    }

    pub(crate) fn len(&self) -> usize {
        self.queue.len()
    }

    /// What it counts against the window.
    pub(crate) fn cost(&self) -> usize {
        self.cost
    }

    pub(crate) fn release_memory(&mut self) {
        if self.queue.is_empty() {
            self.queue.shrink_to(IDLE_CAPACITY);
        }
    }
}

fn cost_of(inbound: &Inbound) -> usize {
    match inbound {
        Inbound::Message(message) => cost(message.data.len()),
        Inbound::StreamReset(_) => cost(0),
    }
}

/// What `len` bytes in one piece count against the receive window.
pub(super) fn cost(len: usize) -> usize {
    len + RECEIVE_OVERHEAD
}

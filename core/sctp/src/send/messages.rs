use bytes::Bytes;
use duologue_base::{Instant, StreamId};

use crate::Ppid;
use crate::limits::IDLE_CAPACITY;
use crate::tsn::Tsn;

/// A message that is queued or under way.
#[derive(Debug)]
pub(crate) struct OutMessage {
    pub(crate) data: Bytes,
    pub(crate) stream: StreamId,
    pub(crate) ppid: Ppid,
    pub(crate) unordered: bool,
    /// Stream sequence number or message identifier, given with the first fragment.
    pub(crate) sequence: u32,
    /// Bytes sent at least once.
    pub(crate) sent: u32,
    /// Fragments sent at least once.
    pub(crate) fragments: u32,
    /// Its chunks in the ring of those not cumulatively acknowledged, and where they begin.
    pub(crate) chunks: u32,
    pub(crate) first_tsn: Option<Tsn>,
    pub(crate) expiry: Expiry,
    pub(crate) abandoned: bool,
}

/// When a message is given up (RFC 3758 §4).
#[derive(Clone, Copy, Debug)]
pub(crate) enum Expiry {
    Never,
    At(Instant),
    Retransmissions(u16),
}

impl OutMessage {
    pub(crate) fn is_expired(&self, now: Instant) -> bool {
        matches!(self.expiry, Expiry::At(at) if at <= now)
    }

    pub(crate) fn is_fully_sent(&self) -> bool {
        self.sent as usize == self.data.len()
    }
}

/// The place of a message in [`Messages`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct MessageId(u32);

/// Messages in slots that are used again: chunks refer to them by index, and nothing is counted or
/// freed per chunk.
#[derive(Debug, Default)]
pub(crate) struct Messages {
    slots: Vec<Slot>,
    free: Option<u32>,
    used: usize,
}

#[derive(Debug)]
enum Slot {
    Used(OutMessage),
    Free { next: Option<u32> },
}

impl Messages {
    pub(crate) fn insert(&mut self, message: OutMessage) -> MessageId {
        self.used += 1;
        if let Some(index) = self.free
            && let Some(slot) = self.slots.get_mut(index as usize)
            && let Slot::Free { next } = *slot
        {
            *slot = Slot::Used(message);
            self.free = next;
            return MessageId(index);
        }
        // The send buffer's bound keeps this below 2³².
        self.slots.push(Slot::Used(message));
        MessageId((self.slots.len() - 1) as u32)
    }

    pub(crate) fn get(&self, id: MessageId) -> Option<&OutMessage> {
        match self.slots.get(id.0 as usize) {
            Some(Slot::Used(message)) => Some(message),
            _ => None,
        }
    }

    pub(crate) fn get_mut(&mut self, id: MessageId) -> Option<&mut OutMessage> {
        match self.slots.get_mut(id.0 as usize) {
            Some(Slot::Used(message)) => Some(message),
            _ => None,
        }
    }

    pub(crate) fn remove(&mut self, id: MessageId) -> Option<OutMessage> {
        let slot = self.slots.get_mut(id.0 as usize)?;
        if let Slot::Free { .. } = slot {
            return None;
        }
        let next = self.free.replace(id.0);
        self.used -= 1;
        match std::mem::replace(slot, Slot::Free { next }) {
            Slot::Used(message) => Some(message),
            Slot::Free { .. } => None,
        }
    }

    pub(crate) fn release_memory(&mut self) {
        if self.used == 0 && self.slots.capacity() > IDLE_CAPACITY {
            *self = Messages::default();
        }
    }
}

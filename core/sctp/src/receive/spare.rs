use std::collections::VecDeque;

use bytes::Bytes;

/// Messages of fewer bytes are not worth remembering.
const MIN_LEN: usize = 4_096;

/// Memory of delivered messages, for the next ones.
///
/// What one thread allocates and another frees goes back to the system and comes again page by
/// page, which costs as much as decrypting it. So a message is remembered when it is delivered; once
/// nobody else has it, its memory takes the next one.
#[derive(Debug)]
pub(super) struct Spare {
    /// In the order of delivery, which is about that in which they are dropped.
    messages: VecDeque<Bytes>,
    bytes: usize,
    limit: usize,
}

impl Spare {
    pub(super) fn new(limit: usize) -> Self {
        Spare {
            messages: VecDeque::new(),
            bytes: 0,
            limit,
        }
    }

    /// Empty, with room for `capacity` bytes.
    pub(super) fn take(&mut self, capacity: usize) -> Vec<u8> {
        let memory = self.take_oldest().filter(|memory| {
            let room = memory.capacity();
            room >= capacity && room / 2 <= capacity
        });
        memory.unwrap_or_else(|| Vec::with_capacity(capacity))
    }

    fn take_oldest(&mut self) -> Option<Vec<u8>> {
        if !self.messages.front()?.is_unique() {
            return None;
        }
        let oldest = self.messages.pop_front()?;
        self.bytes -= oldest.len();
        let mut memory = oldest.try_into_mut().ok()?;
        memory.clear();
        Some(memory.into())
    }

    /// Remembers a message. The oldest are forgotten beyond the limit: an application may keep
    /// them.
    pub(super) fn keep(&mut self, message: &Bytes) {
        if message.len() < MIN_LEN || message.len() > self.limit {
            return;
        }
        while self.bytes + message.len() > self.limit
            && let Some(oldest) = self.messages.pop_front()
        {
            self.bytes -= oldest.len();
        }
        self.bytes += message.len();
        self.messages.push_back(message.clone());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    pub(super) fn release(&mut self) {
        *self = Spare::new(self.limit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(len: usize) -> Bytes {
        Bytes::from(vec![1; len])
    }

    #[test]
    fn memory_is_used_again_once_the_application_has_dropped_it() {
        let mut spare = Spare::new(100_000);
        let delivered = message(10_000);
        let place = delivered.as_ptr();
        spare.keep(&delivered);
        let other = spare.take(10_000);
        assert_ne!(other.as_ptr(), place);
        let part = delivered.slice(5..6);
        drop(delivered);
        let other = spare.take(10_000);
        assert_ne!(other.as_ptr(), place);
        assert_eq!(part[..], [1]);
        drop(part);
        let again = spare.take(9_000);
        assert_eq!((again.as_ptr(), again.len()), (place, 0));
        assert!(spare.is_empty());
    }

    #[test]
    fn no_more_than_the_limit_is_remembered_and_what_does_not_fit_goes() {
        let mut spare = Spare::new(25_000);
        for _ in 0..5 {
            spare.keep(&message(10_000));
        }
        assert_eq!((spare.messages.len(), spare.bytes), (2, 20_000));
        spare.keep(&message(100));
        spare.keep(&message(30_000));
        assert_eq!(spare.messages.len(), 2);
        assert_eq!(spare.take(20_000).capacity(), 20_000);
        assert_eq!(spare.take(1_000).capacity(), 1_000);
        assert_eq!((spare.messages.len(), spare.bytes), (0, 0));
    }
}

//! Handshake messages from their pieces (RFC 6347 §4.2.3, RFC 9147 §5.5).

use std::mem;

use crate::limits::{
    ACK_NUMBERS, HELLO_BYTES, MESSAGE_BYTES, MESSAGES_AHEAD, PARTS, REASSEMBLY_BYTES,
};
use crate::record::RecordNumber;
use crate::wire::Reader;

/// Type, length, number, the fragment's offset and length (RFC 6347 §4.2.2).
pub(crate) const MESSAGE_HEADER: usize = 12;

/// A whole handshake message.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) kind: u8,
    pub(crate) number: u16,
    /// In which epoch all of it came.
    pub(crate) epoch: u64,
    pub(crate) body: Vec<u8>,
}

/// What a record of handshake messages brought.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Brought {
    /// Something that was not there yet.
    pub(crate) news: bool,
    /// Something of a message that was taken already.
    pub(crate) repeats: bool,
}

/// What comes before it can be used, within bounds.
#[derive(Debug)]
pub(crate) struct Reassembly {
    /// Bytes that all messages together may have.
    room: usize,
    /// The number of the next message.
    next: u16,
    slots: Vec<Slot>,
    /// Records that brought something of the flight that is coming, for an ACK.
    heard: Vec<RecordNumber>,
    /// Counts datagrams.
    datagram: u32,
}

/// A message that is being put together.
#[derive(Debug)]
struct Slot {
    kind: u8,
    number: u16,
    epoch: u64,
    length: usize,
    body: Vec<u8>,
    /// The datagram that brought its newest piece.
    datagram: u32,
    /// What is there, in order and with gaps between them.
    parts: Vec<(usize, usize)>,
}

impl Reassembly {
    pub(crate) fn new() -> Self {
        Reassembly {
            room: HELLO_BYTES,
            next: 0,
            slots: Vec::new(),
            heard: Vec::new(),
            datagram: 0,
        }
    }

    /// A hello was understood: certificates may come.
    pub(crate) fn make_room(&mut self) {
        self.room = REASSEMBLY_BYTES;
    }

    /// What comes now is of another datagram.
    pub(crate) fn begin_datagram(&mut self) {
        self.datagram = self.datagram.wrapping_add(1);
    }

    /// Forgets what came in earlier datagrams: before a hello anybody may have sent it, and nothing
    /// in it shows which hello it follows.
    pub(crate) fn forget_earlier(&mut self) {
        let newest = self.datagram;
        self.slots.retain(|slot| slot.datagram == newest);
    }

    /// Takes a record's content. Malformed rest is dropped: a fragment says by itself where it
    /// belongs.
    pub(crate) fn take(&mut self, at: RecordNumber, content: &[u8]) -> Brought {
        let mut brought = Brought::default();
        let mut reader = Reader::new(content);
        while !reader.is_empty() {
            if self
                .take_fragment(at.epoch, &mut reader, &mut brought)
                .is_none()
            {
                break;
            }
        }
        if brought.news && self.heard.len() < ACK_NUMBERS && !self.heard.contains(&at) {
            self.heard.push(at);
        }
        brought
    }

    fn take_fragment(
        &mut self,
        epoch: u64,
        reader: &mut Reader<'_>,
        brought: &mut Brought,
    ) -> Option<()> {
        let (kind, length, number) = (reader.u8()?, reader.u24()?, reader.u16()?);
        let (offset, fragment_len) = (reader.u24()?, reader.u24()?);
        let fragment = reader.bytes(fragment_len)?;
        let end = offset + fragment_len;
        if end > length || length > MESSAGE_BYTES {
            return None;
        }
        let Some(ahead) = number.checked_sub(self.next) else {
            brought.repeats = true;
            return Some(());
        };
        if ahead >= MESSAGES_AHEAD {
            return None;
        }

        let datagram = self.datagram;
        let slot = self.slot(kind, number, epoch, length)?;
        slot.datagram = datagram;
        brought.news |= slot.put(offset, fragment)?;
        Some(())
    }

    /// The place of a message. What is authentic replaces what is not; of two that are neither, the
    /// newer one stays, since the real one comes again.
    fn slot(&mut self, kind: u8, number: u16, epoch: u64, length: usize) -> Option<&mut Slot> {
        let known = self.slots.iter().position(|slot| slot.number == number);
        if let Some(at) = known {
            let slot = &self.slots[at];
            if slot.epoch > epoch {
                return None;
            }
            if (slot.epoch, slot.kind, slot.length) == (epoch, kind, length) {
                return self.slots.get_mut(at);
            }
            self.slots.swap_remove(at);
        }
        let used: usize = self.slots.iter().map(|slot| slot.length).sum();
        if used + length > self.room {
            return None;
        }
        self.slots.push(Slot {
            kind,
            number,
            epoch,
            length,
            body: Vec::new(),
            datagram: 0,
            parts: Vec::new(),
        });
        self.slots.last_mut()
    }

    /// The next message, if it is whole and came in an epoch that it may come in; one of an earlier
    /// epoch is forgotten.
    pub(crate) fn next(&mut self, epoch: u64) -> Option<Message> {
        let mut slots = self.slots.iter();
        let at = slots.position(|slot| slot.number == self.next)?;
        let slot = &self.slots[at];
        if slot.epoch < epoch {
            self.slots.swap_remove(at);
            return None;
        }
        if !slot.is_whole() {
            return None;
        }

        let slot = self.slots.swap_remove(at);
        self.next = self.next.wrapping_add(1);
        if self.slots.is_empty() {
            self.slots = Vec::new();
        }
        Some(Message {
            kind: slot.kind,
            number: slot.number,
            epoch: slot.epoch,
            body: slot.body,
        })
    }

    /// Messages that were taken.
    pub(crate) fn taken(&self) -> u16 {
        self.next
    }

    /// What was taken since this message was of no use: waits for it again.
    pub(crate) fn rewind(&mut self, number: u16) {
        self.next = number;
        self.slots = Vec::new();
        self.heard = Vec::new();
    }

    /// Whether a record's content begins with something of a message that was taken already.
    pub(crate) fn repeats(&self, content: &[u8]) -> bool {
        let number = content
            .get(4..6)
            .map(|it| u16::from_be_bytes([it[0], it[1]]));
        number.is_some_and(|number| number < self.next)
    }

    /// Whether something is missing before what is there.
    pub(crate) fn has_gap(&self) -> bool {
        let stands_apart = |slot: &Slot| slot.parts.first().is_none_or(|part| part.0 > 0);
        let mut slots = self.slots.iter();
        slots.any(|slot| slot.number != self.next || stands_apart(slot) || slot.parts.len() > 1)
    }

    /// The records that an ACK lists (RFC 9147 §7.1).
    pub(crate) fn heard(&self) -> &[RecordNumber] {
        &self.heard
    }

    /// The flight is whole, and is answered by ours.
    pub(crate) fn forget_heard(&mut self) -> Vec<RecordNumber> {
        mem::take(&mut self.heard)
    }
}

impl Slot {
    fn is_whole(&self) -> bool {
        self.parts == [(0, self.length)]
    }

    /// Whether it brings anything; `None` if it would take too many parts.
    fn put(&mut self, offset: usize, fragment: &[u8]) -> Option<bool> {
        let end = offset + fragment.len();
        if fragment.is_empty() {
            let news = self.length == 0 && self.parts.is_empty();
            if news {
                self.parts.push((0, 0));
            }
            return Some(news);
        }
        let known = self
            .parts
            .iter()
            .any(|part| part.0 <= offset && end <= part.1);
        if self.body.len() < end {
            self.body.resize(end, 0);
        }
        self.body[offset..end].copy_from_slice(fragment);

        // Joins whatever it touches.
        let (mut from, mut to) = (offset, end);
        let mut joined = Vec::with_capacity(self.parts.len() + 1);
        for &(start, stop) in &self.parts {
            if stop < from || to < start {
                joined.push((start, stop));
            } else {
                (from, to) = (from.min(start), to.max(stop));
            }
        }
        if joined.len() >= PARTS {
            return None;
        }
        joined.push((from, to));
        joined.sort_unstable();
        self.parts = joined;
        Some(!known)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::be24;

    fn fragment(kind: u8, number: u16, body: &[u8], range: std::ops::Range<usize>) -> Vec<u8> {
        let mut out = vec![kind];
        out.extend(be24(body.len()));
        out.extend(number.to_be_bytes());
        out.extend(be24(range.start));
        out.extend(be24(range.len()));
        out.extend_from_slice(&body[range]);
        out
    }

    fn at(number: u64) -> RecordNumber {
        RecordNumber { epoch: 0, number }
    }

    #[test]
    fn messages_come_out_in_order_whatever_the_order_of_their_pieces() {
        let bodies: Vec<Vec<u8>> = [500, 0, 30].map(|len| vec![len as u8; len]).to_vec();
        let mut pieces = Vec::new();
        for (number, body) in bodies.iter().enumerate() {
            let step = 100;
            for start in (0..body.len().max(1)).step_by(step) {
                let end = (start + step + 20).min(body.len());
                pieces.push(fragment(7, number as u16, body, start..end));
            }
        }
        pieces.reverse();
        let mut reassembly = Reassembly::new();
        for (number, piece) in pieces.iter().enumerate() {
            assert!(reassembly.next(0).is_none());
            assert!(reassembly.take(at(number as u64), piece).news);
            assert!(!reassembly.take(at(99), piece).news);
        }
        for body in &bodies {
            assert_eq!(&reassembly.next(0).expect("whole").body, body);
        }
        assert_eq!(reassembly.heard().len(), pieces.len());
        assert!(reassembly.take(at(1), &pieces[0]).repeats);
        assert!(reassembly.slots.is_empty());
    }

    #[test]
    fn what_is_not_authentic_gives_way() {
        let (forged, real) = (vec![1; 40], vec![2; 30]);
        let mut reassembly = Reassembly::new();
        reassembly.take(at(0), &fragment(20, 0, &forged, 0..40));
        assert!(reassembly.next(1).is_none());
        let authentic = RecordNumber {
            epoch: 1,
            number: 0,
        };
        reassembly.take(authentic, &fragment(20, 0, &real, 0..10));
        reassembly.take(at(1), &fragment(20, 0, &forged, 0..40));
        reassembly.take(authentic, &fragment(20, 0, &real, 10..30));
        assert_eq!(reassembly.next(1).expect("whole").body, real);
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken_within_bounds(records in prop::collection::vec(
            prop::collection::vec(any::<u8>(), 0..60), 0..200))
        {
            let mut reassembly = Reassembly::new();
            for (number, mut record) in records.into_iter().enumerate() {
                // Nearly right: small numbers where the header has lengths and numbers.
                for at in [1, 4, 6, 9] {
                    if let Some(byte) = record.get_mut(at) {
                        *byte = 0;
                    }
                }
                reassembly.take(at(number as u64), &record);
                let bytes: usize = reassembly.slots.iter().map(|slot| slot.body.len()).sum();
                prop_assert!(bytes <= HELLO_BYTES);
                prop_assert!(reassembly.slots.len() <= usize::from(MESSAGES_AHEAD));
                prop_assert!(reassembly.heard.len() <= ACK_NUMBERS);
                reassembly.next(0);
            }
        }
    }
}

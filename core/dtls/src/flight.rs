//! What this end says at once, and says again until it is known to have arrived (RFC 6347 §4.2.4,
//! RFC 9147 §5.8).

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

use duologue_base::Instant;

use crate::DtlsError;
use crate::limits::{
    LONGEST_RETRANSMISSION, OUTGOING_DATAGRAMS, REPEAT_GAP, RETRANSMISSIONS, SENT_NUMBERS,
};
use crate::reassembly::MESSAGE_HEADER;
use crate::record::{RecordNumber, Records, content};
use crate::wire::be24;

/// The newest flight of this end.
#[derive(Debug)]
pub(crate) struct Flight {
    items: Vec<Item>,
    pieces: Vec<Piece>,
    /// The number of the next message.
    next: u16,
    /// The largest datagram.
    pub(crate) mtu: usize,
    clock: Clock,
    /// What a test makes of a flight before it is said.
    #[cfg(test)]
    pub(crate) meddler: Option<Meddler>,
}

/// What is done, to which kind of message, and how.
#[cfg(test)]
pub(crate) type Meddler = (fn(&mut Vec<Item>, u8, usize), u8, usize);

/// When it is said again.
#[derive(Debug)]
struct Clock {
    first: Duration,
    wait: Duration,
    due: Option<Instant>,
    repeated: u32,
    said: Option<Instant>,
}

#[derive(Clone, Debug)]
pub(crate) enum Item {
    Message {
        epoch: u64,
        kind: u8,
        number: u16,
        body: Vec<u8>,
    },
    /// DTLS 1.2 only: the next epoch begins.
    ChangeCipherSpec,
}

/// A part of an item that fits into a datagram.
#[derive(Debug)]
struct Piece {
    item: usize,
    range: Range<usize>,
    /// The newest records that it left in.
    sent: Vec<RecordNumber>,
    acknowledged: bool,
}

impl Flight {
    pub(crate) fn new(first: Duration, mtu: usize) -> Self {
        Flight {
            items: Vec::new(),
            pieces: Vec::new(),
            next: 0,
            mtu,
            #[cfg(test)]
            meddler: None,
            clock: Clock {
                first,
                wait: first,
                due: None,
                repeated: 0,
                said: None,
            },
        }
    }

    /// For another attempt.
    pub(crate) fn anew(&self) -> Self {
        Flight {
            #[cfg(test)]
            meddler: self.meddler,
            ..Flight::new(self.clock.first, self.mtu)
        }
    }

    /// Forgets the flight before, which has arrived.
    pub(crate) fn begin(&mut self) {
        self.done();
        self.clock.wait = self.clock.first;
        self.clock.repeated = 0;
        self.clock.said = None;
    }

    /// It has arrived, and is not said again.
    pub(crate) fn done(&mut self) {
        self.items = Vec::new();
        self.pieces = Vec::new();
        self.clock.due = None;
    }

    /// Whether the peer is known to have all of it.
    pub(crate) fn has_arrived(&self) -> bool {
        self.items.is_empty()
    }

    /// Adds a message, and gives its number.
    pub(crate) fn add(&mut self, epoch: u64, kind: u8, body: Vec<u8>) -> u16 {
        let number = self.next;
        self.next = self.next.wrapping_add(1);
        self.items.push(Item::Message {
            epoch,
            kind,
            number,
            body,
        });
        number
    }

    pub(crate) fn add_change_cipher_spec(&mut self) {
        self.items.push(Item::ChangeCipherSpec);
    }

    /// The first saying. Without a timer it is repeated only when the peer shows that it is missing.
    pub(crate) fn send(
        &mut self,
        now: Instant,
        timer: bool,
        records: &mut Records,
        out: &mut VecDeque<Vec<u8>>,
    ) -> Result<(), DtlsError> {
        #[cfg(test)]
        if let Some((meddle, kind, how)) = self.meddler {
            meddle(&mut self.items, kind, how);
        }
        self.cut(records);
        self.write(records, out)?;
        self.clock.said = Some(now);
        self.clock.due = timer.then(|| now + self.clock.wait);
        Ok(())
    }

    /// Says it from the beginning, after a test's meddling.
    #[cfg(test)]
    pub(crate) fn say_anew(
        &mut self,
        meddler: Meddler,
        now: Instant,
        records: &mut Records,
        out: &mut VecDeque<Vec<u8>>,
    ) -> Result<(), DtlsError> {
        self.pieces.clear();
        self.meddler = Some(meddler);
        let said = self.send(now, true, records, out);
        self.meddler = None;
        said
    }

    /// What was said may leave only now: it is said again after as long as at first.
    pub(crate) fn resume(&mut self, now: Instant) {
        if let Some(due) = &mut self.clock.due {
            *due = now + self.clock.wait;
        }
        self.clock.said = Some(now);
    }

    pub(crate) fn timer(&self) -> Option<Instant> {
        self.clock.due
    }

    /// Says it again if that is due and what was said before has left; `Ok(false)` when it was often enough, unless it is `endless`.
    pub(crate) fn handle_timeout(
        &mut self,
        now: Instant,
        endless: bool,
        records: &mut Records,
        out: &mut VecDeque<Vec<u8>>,
    ) -> Result<bool, DtlsError> {
        if self.clock.due.is_none_or(|due| now < due) {
            return Ok(true);
        }
        if self.clock.repeated >= RETRANSMISSIONS && !endless {
            self.clock.due = None;
            return Ok(false);
        }
        self.clock.repeated = self.clock.repeated.saturating_add(1);
        self.clock.wait = longer(self.clock.wait).min(LONGEST_RETRANSMISSION);
        self.clock.due = Some(now + self.clock.wait);
        if !out.is_empty() {
            // Nothing may leave: once more of it would say no more.
            return Ok(true);
        }
        self.clock.said = Some(now);
        self.write(records, out).map(|()| true)
    }

    /// The peer said something again, so that it misses this.
    pub(crate) fn repeat(
        &mut self,
        now: Instant,
        records: &mut Records,
        out: &mut VecDeque<Vec<u8>>,
    ) -> Result<(), DtlsError> {
        let lately = self.clock.said.is_none_or(|said| now < said + REPEAT_GAP);
        if lately || self.items.is_empty() || out.len() >= OUTGOING_DATAGRAMS {
            return Ok(());
        }
        self.clock.said = Some(now);
        self.write(records, out)
    }

    /// RFC 9147 §7.2: records that arrived. Whether something of it is new and something still
    /// missing, which is then to be said again at once.
    pub(crate) fn acknowledge(&mut self, arrived: impl Iterator<Item = RecordNumber>) -> bool {
        let mut news = false;
        for number in arrived {
            for piece in &mut self.pieces {
                if !piece.acknowledged && piece.sent.contains(&number) {
                    piece.acknowledged = true;
                    news = true;
                }
            }
        }
        if self.pieces.iter().all(|piece| piece.acknowledged) {
            self.done();
            return false;
        }
        news
    }

    /// Cuts the items into pieces, once.
    fn cut(&mut self, records: &Records) {
        let mut room = self.mtu;
        for (index, item) in self.items.iter().enumerate() {
            let (epoch, length) = match item {
                Item::Message { epoch, body, .. } => (*epoch, body.len()),
                Item::ChangeCipherSpec => (0, 0),
            };
            let overhead = records.overhead(epoch) + MESSAGE_HEADER;
            let mut start = 0;
            loop {
                // A crumb at a datagram's end is not worth its header.
                if room < overhead + CRUMB.min(length - start) {
                    room = self.mtu;
                }
                let longest = records.limit(epoch) - MESSAGE_HEADER;
                let end = length.min(start + longest.min(room - overhead));
                room -= overhead + end - start;
                self.pieces.push(Piece {
                    item: index,
                    range: start..end,
                    sent: Vec::new(),
                    acknowledged: false,
                });
                start = end;
                if start >= length {
                    break;
                }
            }
        }
    }

    /// Writes all pieces that have not arrived, as many to a datagram as fit.
    fn write(
        &mut self,
        records: &mut Records,
        out: &mut VecDeque<Vec<u8>>,
    ) -> Result<(), DtlsError> {
        let mut datagram = Vec::new();
        for piece in self.pieces.iter_mut().filter(|piece| !piece.acknowledged) {
            let item = &self.items[piece.item];
            let need = match item {
                Item::Message { epoch, .. } => {
                    records.overhead(*epoch) + MESSAGE_HEADER + piece.range.len()
                }
                Item::ChangeCipherSpec => records.overhead(0) + 1,
            };
            if !datagram.is_empty() && datagram.len() + need > self.mtu {
                out.push_back(std::mem::take(&mut datagram));
            }
            if datagram.is_empty() {
                datagram.reserve_exact(self.mtu);
            }
            let number = item.write(&piece.range, records, &mut datagram)?;
            if let Some(number) = number {
                if piece.sent.len() >= SENT_NUMBERS {
                    // What is not acknowledged by now was lost, or its ACK was.
                    piece.sent.remove(0);
                }
                piece.sent.push(number);
            }
        }
        if !datagram.is_empty() {
            out.push_back(datagram);
        }
        Ok(())
    }
}

/// RFC 9147 §5.8.2 would double it, for paths that queue; ICE's checks have just shown this one.
fn longer(wait: Duration) -> Duration {
    wait * 3 / 2
}

/// The smallest piece that ends a datagram.
const CRUMB: usize = 32;

impl Item {
    fn write(
        &self,
        range: &Range<usize>,
        records: &mut Records,
        out: &mut Vec<u8>,
    ) -> Result<Option<RecordNumber>, DtlsError> {
        match self {
            Item::ChangeCipherSpec => {
                records.seal(0, content::CHANGE_CIPHER_SPEC, out, |out| out.push(1))
            }
            Item::Message {
                epoch,
                kind,
                number,
                body,
            } => records.seal(*epoch, content::HANDSHAKE, out, |out| {
                out.push(*kind);
                out.extend_from_slice(&be24(body.len()));
                out.extend_from_slice(&number.to_be_bytes());
                out.extend_from_slice(&be24(range.start));
                out.extend_from_slice(&be24(range.len()));
                out.extend_from_slice(&body[range.clone()]);
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::HANDSHAKE_MTU;
    use crate::reassembly::Reassembly;

    const FIRST: Duration = Duration::from_millis(50);

    fn collect(datagrams: VecDeque<Vec<u8>>, into: &mut Reassembly) {
        let mut records = Records::new(0);
        for mut datagram in datagrams {
            assert!(datagram.len() <= HANDSHAKE_MTU);
            let mut rest = &mut datagram[..];
            while let Some((read, after)) = records.open(rest) {
                if let crate::record::Read::Record { at, body, .. } = read {
                    into.take(at, body);
                }
                rest = after;
            }
        }
    }

    #[test]
    fn a_flight_is_cut_to_datagrams_and_comes_together_again() {
        let bodies = [10, 1100, 5000, 0, 1].map(|len| vec![len as u8; len]);
        let (mut flight, mut records) = (Flight::new(FIRST, HANDSHAKE_MTU), Records::new(7));
        for (number, body) in bodies.iter().enumerate() {
            assert_eq!(flight.add(0, 11, body.clone()), number as u16);
        }
        let mut out = VecDeque::new();
        let sent = flight.send(Instant::ZERO, true, &mut records, &mut out);
        sent.expect("sealed");
        assert!(out.len() <= 7, "{}", out.len());
        let mut reassembly = Reassembly::new();
        collect(out, &mut reassembly);
        for body in &bodies {
            assert_eq!(&reassembly.next(0).expect("whole").body, body);
        }
    }

    #[test]
    fn only_what_was_not_acknowledged_is_said_again_and_ever_later() {
        let (mut flight, mut records) = (Flight::new(FIRST, HANDSHAKE_MTU), Records::new(0));
        flight.add(0, 11, vec![1; 3000]);
        let mut out = VecDeque::new();
        let sent = flight.send(Instant::ZERO, true, &mut records, &mut out);
        sent.expect("sealed");
        assert_eq!(out.len(), 3);
        let of = |number| RecordNumber { epoch: 0, number };
        assert!(flight.acknowledge([of(0), of(2), of(77)].into_iter()));
        assert!(!flight.acknowledge([of(0)].into_iter()));
        let mut due = flight.timer().expect("a timer");
        assert_eq!(due, Instant::ZERO + FIRST);
        for times in 0..RETRANSMISSIONS {
            out.clear();
            let said = flight.handle_timeout(due, false, &mut records, &mut out);
            assert_eq!((said.expect("sealed"), out.len()), (true, 1));
            let next = flight.timer().expect("a timer");
            assert!(next - due > FIRST && next - due <= LONGEST_RETRANSMISSION);
            assert!(times < 10 || next - due == LONGEST_RETRANSMISSION);
            due = next;
        }
        let said = flight.handle_timeout(due, false, &mut records, &mut out);
        assert!(!said.expect("sealed"));
        assert_eq!(flight.timer(), None);
        assert!(!flight.has_arrived());
        // The first of them are so long ago that nobody acknowledges them any more.
        flight.acknowledge([of(4)].into_iter());
        assert!(!flight.has_arrived());
        let newest = 2 + u64::from(RETRANSMISSIONS);
        flight.acknowledge([of(newest - 15)].into_iter());
        assert!(flight.has_arrived());
    }
}

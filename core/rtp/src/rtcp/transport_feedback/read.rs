use super::{FIXED, MAX_RUN, Symbol, TICKS_PER_REFERENCE};
use crate::Ssrc;
use crate::rtcp::split_ssrc;

/// When the packets of all streams of a transport arrived, by the numbers that their sender gave
/// them.
#[derive(Clone, Copy, Debug)]
pub struct TransportFeedback<'a> {
    /// The SSRC of who received the packets.
    pub sender: Ssrc,
    /// The SSRC of one of the streams, no matter which.
    pub media: Ssrc,
    /// The number of the first packet that this tells of.
    pub base_sequence: u16,
    /// The number of packets that are told of.
    pub status_count: u16,
    /// The number of the feedback: one more than in the one before.
    pub feedback_count: u8,
    /// The time on the receiver's clock that arrivals count from, in 64 ms: the low 24 bits.
    pub reference_time: u32,
    chunks: &'a [u8],
    /// As many as the chunks announce: it was counted.
    deltas: &'a [u8],
}

/// A packet that arrived.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Received {
    /// The transport-wide number of the packet.
    pub sequence: u16,
    /// When the packet arrived, in ticks of 250 µs on the receiver's clock; wraps after twelve days.
    pub ticks: u32,
}

impl Received {
    /// Microseconds of one tick.
    pub const TICK_MICROS: u64 = 250;
}

impl<'a> TransportFeedback<'a> {
    pub(in crate::rtcp) fn parse(mut body: &'a [u8]) -> Option<Self> {
        let sender = split_ssrc(&mut body)?;
        let media = split_ssrc(&mut body)?;
        let (&[b0, b1, c0, c1, r0, r1, r2, feedback_count], rest) =
            body.split_first_chunk::<FIXED>()?;
        let status_count = u16::from_be_bytes([c0, c1]);

        // Each chunk takes two bytes, so a datagram bounds this.
        let mut chunks = Chunks::new(rest, status_count);
        let mut delta_bytes = 0;
        while chunks.left > 0 {
            let chunk = chunks.next()?;
            delta_bytes += chunk.delta_bytes()?;
        }
        let (chunks, deltas) = rest.split_at(rest.len() - chunks.rest.len());
        Some(TransportFeedback {
            sender,
            media,
            base_sequence: u16::from_be_bytes([b0, b1]),
            status_count,
            feedback_count,
            reference_time: u32::from_be_bytes([0, r0, r1, r2]),
            chunks,
            // What is behind them is padding, with its bit set or without.
            deltas: deltas.get(..delta_bytes)?,
        })
    }

    /// The packets that arrived, in the order of their numbers. Those between are lost or late:
    /// there may be 65,535 of them, so go through what you sent and not through all numbers.
    pub fn received(&self) -> impl Iterator<Item = Received> + use<'a> {
        let mut chunks = Chunks::new(self.chunks, self.status_count);
        let mut chunk = Chunk::EMPTY;
        let mut sequence = self.base_sequence;
        let mut ticks = self.reference_time.wrapping_mul(TICKS_PER_REFERENCE);
        let mut deltas = self.deltas;
        std::iter::from_fn(move || {
            loop {
                let Some((symbol, run)) = chunk.take() else {
                    chunk = chunks.next()?;
                    continue;
                };
                let number = sequence;
                sequence = sequence.wrapping_add(run);
                let delta = match symbol {
                    Symbol::NotReceived => continue,
                    Symbol::Small => {
                        let (&delta, rest) = deltas.split_first()?;
                        deltas = rest;
                        i32::from(delta)
                    }
                    Symbol::Large => {
                        let (&delta, rest) = deltas.split_first_chunk()?;
                        deltas = rest;
                        i32::from(i16::from_be_bytes(delta))
                    }
                };
                ticks = ticks.wrapping_add_signed(delta);
                return Some(Received {
                    sequence: number,
                    ticks,
                });
            }
        })
    }
}

/// The chunks of a feedback, cut to what it tells of.
struct Chunks<'a> {
    rest: &'a [u8],
    /// Statuses that are still to come.
    left: u16,
}

impl<'a> Chunks<'a> {
    fn new(bytes: &'a [u8], status_count: u16) -> Self {
        Chunks {
            rest: bytes,
            left: status_count,
        }
    }

    fn next(&mut self) -> Option<Chunk> {
        if self.left == 0 {
            return None;
        }
        let (bytes, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        let mut chunk = Chunk::from_bits(u16::from_be_bytes(*bytes));
        // A last vector may be longer than what is left.
        chunk.count = chunk.count.min(self.left);
        self.left -= chunk.count;
        Some(chunk)
    }
}

/// A chunk as far as it is not taken yet (§3.1.3, §3.1.4).
#[derive(Clone, Copy)]
struct Chunk {
    bits: u16,
    /// Bits of a symbol; 0 in a run, whose symbol is `bits`.
    width: u8,
    count: u16,
}

impl Chunk {
    const EMPTY: Chunk = Chunk {
        bits: 0,
        width: 0,
        count: 0,
    };

    fn from_bits(bits: u16) -> Self {
        match bits >> 14 {
            0b10 => Chunk {
                bits: bits << 2,
                width: 1,
                count: 14,
            },
            0b11 => Chunk {
                bits: bits << 2,
                width: 2,
                count: 7,
            },
            _ => Chunk {
                bits: (bits >> 13) & 3,
                width: 0,
                count: bits & MAX_RUN,
            },
        }
    }

    /// The next symbol and how many in a row are to be taken by it. Those that did not arrive are
    /// taken at once, others one by one.
    fn take(&mut self) -> Option<(Symbol, u16)> {
        if self.count == 0 {
            return None;
        }
        if self.width > 0 {
            let symbol = Symbol::from_bits(self.bits >> (16 - self.width))?;
            self.bits <<= self.width;
            self.count -= 1;
            return Some((symbol, 1));
        }

        let symbol = Symbol::from_bits(self.bits)?;
        let run = match symbol {
            Symbol::NotReceived => self.count,
            Symbol::Small | Symbol::Large => 1,
        };
        self.count -= run;
        Some((symbol, run))
    }

    /// Bytes of the times that it announces; `None` if it has a reserved symbol.
    fn delta_bytes(mut self) -> Option<usize> {
        if self.width == 0 {
            let symbol = Symbol::from_bits(self.bits)?;
            return Some(symbol.size() * usize::from(self.count));
        }
        let mut bytes = 0;
        while self.count > 0 {
            bytes += self.take()?.0.size();
        }
        Some(bytes)
    }
}

use duologue_base::Instant;

use super::{FIXED, MAX_RUN, Received, Symbol, TICKS_PER_REFERENCE};
use crate::Ssrc;
use crate::rtcp::{Writer, format, kind};

/// What a transport-wide feedback says beside the arrivals.
#[derive(Clone, Copy, Debug, Default)]
pub struct TransportFeedbackToSend {
    /// The SSRC of who received the packets.
    pub sender: Ssrc,
    /// The SSRC of one of the streams, no matter which.
    pub media: Ssrc,
    /// The number of the first packet that it tells of, extended so that it never wraps: what the
    /// feedback before returned.
    pub base_sequence: u64,
    /// The number of the feedback: one more than in the one before.
    pub feedback_count: u8,
    /// Bytes that the packet may have with its head.
    pub max_size: usize,
}

impl Writer<'_> {
    /// Tells when packets arrived, by their extended transport-wide numbers in ascending order. It
    /// returns the number behind the last packet that it tells of: where the next feedback begins,
    /// which is due at once if there are more arrivals. Nothing is written, and the base returned,
    /// if there is no arrival from the base on, or no room for one.
    ///
    /// An arrival starts another feedback if it is more than 8 s from the one before, more than
    /// 65,534 packets behind the base, or if there is no room. If that is the first one, the base
    /// is moved to it: nothing is told of the many that were lost before it.
    pub fn transport_feedback(
        &mut self,
        feedback: &TransportFeedbackToSend,
        arrivals: impl Iterator<Item = (u64, Instant)> + Clone,
    ) -> u64 {
        let wanted = feedback.base_sequence;
        let mut arrivals = arrivals
            .skip_while(|(number, _)| *number < wanted)
            .peekable();
        let Some(&(number, first)) = arrivals.peek() else {
            return wanted;
        };
        let reachable = number - wanted < u64::from(u16::MAX);
        let base = if reachable { wanted } else { number };
        let reference = ticks(first) / TICKS_PER_REFERENCE;

        let start = self.size();
        let told = self.packet(kind::RTPFB, format::TRANSPORT_CC, |out| {
            out.extend_from_slice(&feedback.sender.0.to_be_bytes());
            out.extend_from_slice(&feedback.media.0.to_be_bytes());
            out.extend_from_slice(&(base as u16).to_be_bytes());
            out.extend_from_slice(&[0; 2]);
            out.extend_from_slice(&reference.to_be_bytes()[1..]);
            out.push(feedback.feedback_count);

            let deltas = Deltas::new(base, reference, arrivals);
            let max = start.saturating_add(feedback.max_size);
            let told = write_chunks(deltas.clone(), max, out);
            for (_, delta) in deltas.take(told.arrivals) {
                match u8::try_from(delta) {
                    Ok(small) => out.push(small),
                    Err(_) => out.extend_from_slice(&delta.to_be_bytes()),
                }
            }
            let count_at = start + 4 + 8 + 2;
            out[count_at..count_at + 2].copy_from_slice(&told.statuses.to_be_bytes());
            pad(start, out);
            told.statuses
        });
        if told == 0 {
            self.out.truncate(start);
            return wanted;
        }
        base + u64::from(told)
    }
}

/// Fills the packet that begins at `start` up to whole words, with the padding bit, as browsers do.
fn pad(start: usize, out: &mut Vec<u8>) {
    let padding = (out.len() - start).wrapping_neg() & 3;
    if padding > 0 {
        out.resize(out.len() + padding - 1, 0);
        out.push(padding as u8);
        out[start] |= crate::rtcp::PADDED;
    }
}

/// What a feedback tells.
#[derive(Default)]
struct Told {
    arrivals: usize,
    statuses: u16,
}

/// Appends the chunks for as many arrivals as there is room for with their deltas, up to `max`
/// bytes in `out`.
fn write_chunks(deltas: impl Iterator<Item = (u16, i16)>, max: usize, out: &mut Vec<u8>) -> Told {
    let mut told = Told::default();
    let mut delta_bytes = 0;
    let mut pending = Pending::default();
    for (index, delta) in deltas {
        let symbol = match u8::try_from(delta) {
            Ok(_) => Symbol::Small,
            Err(_) => Symbol::Large,
        };
        let gap = index - told.statuses;
        // At most: what is pending, the gap, and the symbol, each with its rests of chunks.
        let chunks = 2 * (6 + usize::from(gap / MAX_RUN));
        delta_bytes += symbol.size();
        if out.len() + chunks + delta_bytes + 3 > max {
            break;
        }

        for _ in 0..gap {
            pending.push(Symbol::NotReceived, out);
        }
        pending.push(symbol, out);
        told.arrivals += 1;
        told.statuses = index + 1;
    }
    pending.finish(out);
    told
}

/// Of the arrivals, the places behind the base and the ticks behind the arrival before; up to one
/// that cannot be told of in the same feedback.
#[derive(Clone)]
struct Deltas<I> {
    arrivals: I,
    base: u64,
    next: u64,
    last: u32,
}

impl<I: Iterator<Item = (u64, Instant)>> Deltas<I> {
    fn new(base: u64, reference: u32, arrivals: I) -> Self {
        Deltas {
            arrivals,
            base,
            next: base,
            last: reference.wrapping_mul(TICKS_PER_REFERENCE),
        }
    }
}

impl<I: Iterator<Item = (u64, Instant)>> Iterator for Deltas<I> {
    type Item = (u16, i16);

    fn next(&mut self) -> Option<(u16, i16)> {
        // One that is not ascending was told already.
        let (number, at) = self.arrivals.find(|(number, _)| *number >= self.next)?;
        let index = u16::try_from(number - self.base).ok()?;
        if index == u16::MAX {
            return None;
        }
        let delta = ticks(at).wrapping_sub(self.last) as i32;
        let delta = i16::try_from(delta).ok()?;

        self.next = number + 1;
        self.last = ticks(at);
        Some((index, delta))
    }
}

/// Symbols that no chunk was made of yet: equal ones without bound, else up to fourteen.
#[derive(Default)]
struct Pending {
    /// The first fourteen.
    symbols: [u8; VECTOR_1],
    count: u16,
    /// Symbols that the first differs from.
    mixed: bool,
    large: bool,
}

impl Pending {
    fn push(&mut self, symbol: Symbol, out: &mut Vec<u8>) {
        while !self.has_room(symbol) {
            self.write_chunk(false, out);
        }

        self.mixed |= self.count > 0 && self.symbols[0] != symbol as u8;
        self.large |= symbol == Symbol::Large;
        if let Some(place) = self.symbols.get_mut(usize::from(self.count)) {
            *place = symbol as u8;
        }
        self.count += 1;
    }

    /// A chunk can be made of what is pending and this.
    fn has_room(&self, symbol: Symbol) -> bool {
        let count = usize::from(self.count);
        if count < VECTOR_2 {
            return true;
        }
        if !self.mixed && self.symbols[0] == symbol as u8 {
            return self.count < MAX_RUN;
        }
        count < VECTOR_1 && !self.large && symbol != Symbol::Large
    }

    /// Makes a chunk of as many as one has room for; only the last one may have room left.
    fn write_chunk(&mut self, last: bool, out: &mut Vec<u8>) {
        let count = usize::from(self.count);
        let (chunk, taken) = if !self.mixed {
            (u16::from(self.symbols[0]) << 13 | self.count, count)
        } else if !self.large && (count == VECTOR_1 || (last && count > VECTOR_2)) {
            (0x8000 | self.vector(1, VECTOR_1), count)
        } else {
            (0xc000 | self.vector(2, VECTOR_2), count.min(VECTOR_2))
        };
        out.extend_from_slice(&chunk.to_be_bytes());

        let rest = count.saturating_sub(taken);
        let mut left = Pending::default();
        if rest > 0 {
            // They are mixed, so all are there.
            left.symbols[..rest].copy_from_slice(&self.symbols[taken..count]);
            left.count = rest as u16;
            left.mixed = left.symbols[..rest].iter().any(|s| *s != left.symbols[0]);
            left.large = left.symbols[..rest].contains(&(Symbol::Large as u8));
        }
        *self = left;
    }

    /// The first symbols side by side, high bits first; what is missing did not arrive.
    fn vector(&self, width: usize, places: usize) -> u16 {
        let count = usize::from(self.count).min(places);
        let symbols = self.symbols[..count].iter().enumerate();
        symbols.fold(0, |bits, (place, symbol)| {
            bits | u16::from(*symbol) << (width * (places - 1 - place))
        })
    }

    fn finish(mut self, out: &mut Vec<u8>) {
        while self.count > 0 {
            self.write_chunk(true, out);
        }
    }
}

/// The low 32 bits of the time in ticks of 250 µs.
fn ticks(at: Instant) -> u32 {
    (at.as_nanos() / (1_000 * Received::TICK_MICROS)) as u32
}

/// Symbols in a vector of one bit each, and of two bits each.
const VECTOR_1: usize = 14;
const VECTOR_2: usize = 7;

const _: () = assert!(FIXED == 8);

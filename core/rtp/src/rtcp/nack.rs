use super::{Writer, format, kind, split_ssrc};
use crate::Ssrc;
use crate::limits::MAX_NACK_ENTRIES;

/// Packets of one stream are missing (RFC 4585 §6.2.1).
#[derive(Clone, Copy, Debug)]
pub struct Nack<'a> {
    /// The SSRC of who misses the packets.
    pub sender: Ssrc,
    /// The stream.
    pub media: Ssrc,
    entries: &'a [[u8; 4]],
}

impl<'a> Nack<'a> {
    pub(super) fn parse(mut body: &'a [u8]) -> Option<Self> {
        Some(Nack {
            sender: split_ssrc(&mut body)?,
            media: split_ssrc(&mut body)?,
            entries: body.as_chunks().0,
        })
    }

    /// The sequence numbers of the lost packets, as they were written: a datagram has at most 17
    /// for every four bytes, and they may repeat.
    pub fn lost(&self) -> impl Iterator<Item = u16> + use<'a> {
        self.entries.iter().flat_map(|&[p0, p1, b0, b1]| {
            let first = u16::from_be_bytes([p0, p1]);
            let mask = u16::from_be_bytes([b0, b1]);
            let behind = (0..16).filter(move |bit| mask & (1 << bit) != 0);
            std::iter::once(first).chain(behind.map(move |bit| first.wrapping_add(bit + 1)))
        })
    }
}

impl Writer<'_> {
    /// Asks for these packets, which are in the order in which they were sent. It says how many were
    /// written, which is all if there is room for them: a thousand bytes, up to 250 entries of a
    /// number with those among the next sixteen. Nothing is written for none.
    pub fn nack(
        &mut self,
        sender: Ssrc,
        media: Ssrc,
        lost: impl IntoIterator<Item = u16>,
    ) -> usize {
        let mut lost = lost.into_iter();
        let Some(mut first) = lost.next() else {
            return 0;
        };

        self.packet(kind::RTPFB, format::NACK, |out| {
            out.extend_from_slice(&sender.0.to_be_bytes());
            out.extend_from_slice(&media.0.to_be_bytes());
            let (mut mask, mut entries, mut written) = (0u16, 1, 1);
            let entry = |first: u16, mask: u16, out: &mut Vec<u8>| {
                out.extend_from_slice(&first.to_be_bytes());
                out.extend_from_slice(&mask.to_be_bytes());
            };
            for number in lost {
                match number.wrapping_sub(first) {
                    0 => {}
                    ahead @ 1..=16 => mask |= 1 << (ahead - 1),
                    _ if entries == MAX_NACK_ENTRIES => break,
                    _ => {
                        entry(first, mask, out);
                        (first, mask) = (number, 0);
                        entries += 1;
                    }
                }
                written += 1;
            }
            entry(first, mask, out);
            written
        })
    }
}

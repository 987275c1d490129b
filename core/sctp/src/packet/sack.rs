use duologue_base::Seq32;

use super::{RawChunk, Reader, kind, write_chunk};

/// TSNs received beyond the cumulative one, both ends included, as offsets from it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct GapBlock {
    pub(crate) start: u16,
    pub(crate) end: u16,
}

/// SACK (RFC 9260 §3.3.4).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sack<'a> {
    pub(crate) cumulative_tsn: Seq32,
    pub(crate) receive_window: u32,
    gaps: &'a [u8],
    /// How many duplicates the peer reports.
    pub(crate) duplicates: usize,
}

impl<'a> Sack<'a> {
    pub(crate) const FIXED_LEN: usize = 16;

    pub(crate) fn parse(chunk: RawChunk<'a>) -> Option<Self> {
        let mut reader = Reader(chunk.value);
        let cumulative_tsn = Seq32(reader.u32()?);
        let receive_window = reader.u32()?;
        let gap_count = usize::from(reader.u16()?);
        let duplicates = usize::from(reader.u16()?);
        let gaps = reader.bytes(gap_count * 4)?;
        reader.bytes(duplicates * 4)?;
        Some(Sack {
            cumulative_tsn,
            receive_window,
            gaps,
            duplicates,
        })
    }

    /// What the cumulative TSN of a SHUTDOWN says (RFC 9260 §9.2).
    pub(crate) fn cumulative(tsn: Seq32, receive_window: u32) -> Self {
        Sack {
            cumulative_tsn: tsn,
            receive_window,
            gaps: &[],
            duplicates: 0,
        }
    }

    /// The gap-ack blocks as the peer wrote them: not necessarily in order or disjoint.
    pub(crate) fn gaps(&self) -> impl Iterator<Item = GapBlock> + use<'a> {
        self.gaps.chunks_exact(4).map(|b| GapBlock {
            start: u16::from_be_bytes([b[0], b[1]]),
            end: u16::from_be_bytes([b[2], b[3]]),
        })
    }
}

/// Appends a SACK. The iterators must not give more than fits the packet.
pub(crate) fn write_sack(
    out: &mut Vec<u8>,
    cumulative_tsn: Seq32,
    receive_window: u32,
    gaps: impl Iterator<Item = GapBlock>,
    duplicates: impl Iterator<Item = Seq32>,
) {
    write_chunk(out, kind::SACK, 0, |out| {
        out.extend_from_slice(&cumulative_tsn.0.to_be_bytes());
        out.extend_from_slice(&receive_window.to_be_bytes());
        let counts = out.len();
        out.extend_from_slice(&[0; 4]);
        let mut gap_count: u16 = 0;
        for gap in gaps {
            gap_count += 1;
            out.extend_from_slice(&gap.start.to_be_bytes());
            out.extend_from_slice(&gap.end.to_be_bytes());
        }
        let mut duplicate_count: u16 = 0;
        for tsn in duplicates {
            duplicate_count += 1;
            out.extend_from_slice(&tsn.0.to_be_bytes());
        }
        out[counts..counts + 2].copy_from_slice(&gap_count.to_be_bytes());
        out[counts + 2..counts + 4].copy_from_slice(&duplicate_count.to_be_bytes());
    });
}

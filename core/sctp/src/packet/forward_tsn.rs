use duologue_base::{Seq32, StreamId};

use super::{RawChunk, Reader, kind, write_chunk};

/// A stream on which messages are skipped, up to and including `sequence`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Skipped {
    pub(crate) stream: StreamId,
    /// Stream sequence number, or in I-FORWARD-TSN message identifier.
    pub(crate) sequence: u32,
    /// I-FORWARD-TSN only: the unordered messages are meant.
    pub(crate) unordered: bool,
}

/// FORWARD-TSN (RFC 3758 §3.2) and I-FORWARD-TSN (RFC 8260 §2.3.1).
#[derive(Clone, Copy, Debug)]
pub(crate) struct ForwardTsn<'a> {
    pub(crate) new_cumulative_tsn: Seq32,
    pub(crate) interleaved: bool,
    skipped: &'a [u8],
}

impl<'a> ForwardTsn<'a> {
    pub(crate) fn parse(chunk: RawChunk<'a>) -> Option<Self> {
        let mut reader = Reader(chunk.value);
        Some(ForwardTsn {
            new_cumulative_tsn: Seq32(reader.u32()?),
            interleaved: chunk.kind == kind::I_FORWARD_TSN,
            skipped: reader.0,
        })
    }

    pub(crate) fn skipped(&self) -> impl Iterator<Item = Skipped> + use<'a> {
        let interleaved = self.interleaved;
        let size = Self::entry_len(interleaved);
        self.skipped.chunks_exact(size).filter_map(move |entry| {
            let mut reader = Reader(entry);
            let stream = StreamId(reader.u16()?);
            let second = reader.u16()?;
            Some(if interleaved {
                Skipped {
                    stream,
                    sequence: reader.u32()?,
                    unordered: second & 1 != 0,
                }
            } else {
                Skipped {
                    stream,
                    sequence: u32::from(second),
                    unordered: false,
                }
            })
        })
    }

    pub(crate) const fn entry_len(interleaved: bool) -> usize {
        if interleaved { 8 } else { 4 }
    }

    pub(crate) fn write(
        out: &mut Vec<u8>,
        interleaved: bool,
        new_cumulative_tsn: Seq32,
        skipped: &[Skipped],
    ) {
        let kind = if interleaved {
            kind::I_FORWARD_TSN
        } else {
            kind::FORWARD_TSN
        };
        write_chunk(out, kind, 0, |out| {
            out.extend_from_slice(&new_cumulative_tsn.0.to_be_bytes());
            for skipped in skipped {
                out.extend_from_slice(&skipped.stream.0.to_be_bytes());
                if interleaved {
                    out.extend_from_slice(&u16::from(skipped.unordered).to_be_bytes());
                    out.extend_from_slice(&skipped.sequence.to_be_bytes());
                } else {
                    out.extend_from_slice(&(skipped.sequence as u16).to_be_bytes());
                }
            }
        });
    }
}

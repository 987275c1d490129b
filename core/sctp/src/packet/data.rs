use duologue_base::{Seq32, StreamId};

use super::{CHUNK_HEADER_LEN, RawChunk, Reader, kind, padded};
use crate::Ppid;

const FLAG_END: u8 = 0x01;
const FLAG_BEGIN: u8 = 0x02;
const FLAG_UNORDERED: u8 = 0x04;
const FLAG_IMMEDIATE: u8 = 0x08;

/// Which part of a message a chunk carries.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Fragment {
    /// The B bit: its first byte.
    pub(crate) begin: bool,
    /// The E bit: its last byte.
    pub(crate) end: bool,
}

/// The header of a DATA or I-DATA chunk (RFC 9260 §3.3.1, RFC 8260 §2.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct DataHeader {
    pub(crate) tsn: Seq32,
    pub(crate) stream: StreamId,
    /// Stream sequence number in DATA, message identifier in I-DATA.
    pub(crate) sequence: u32,
    /// Fragment sequence number; DATA has none.
    pub(crate) fsn: u32,
    /// Only the first fragment carries it in I-DATA.
    pub(crate) ppid: Ppid,
    pub(crate) fragment: Fragment,
    pub(crate) unordered: bool,
    /// The I bit: acknowledge at once (RFC 7053).
    pub(crate) immediate: bool,
}

/// A received DATA or I-DATA chunk.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct DataChunk<'a> {
    pub(crate) header: DataHeader,
    pub(crate) interleaved: bool,
    /// At least one byte, from a correct peer.
    pub(crate) payload: &'a [u8],
}

impl<'a> DataChunk<'a> {
    pub(crate) fn parse(chunk: RawChunk<'a>) -> Option<Self> {
        let interleaved = chunk.kind == kind::I_DATA;
        let mut reader = Reader(chunk.value);
        let tsn = Seq32(reader.u32()?);
        let stream = StreamId(reader.u16()?);
        let fragment = Fragment {
            begin: chunk.flags & FLAG_BEGIN != 0,
            end: chunk.flags & FLAG_END != 0,
        };
        let (sequence, fsn, ppid);
        if interleaved {
            let _reserved = reader.u16()?;
            sequence = reader.u32()?;
            let word = reader.u32()?;
            // RFC 8260 §2.1: the first fragment has the PPID here, and the FSN 0.
            (fsn, ppid) = if fragment.begin { (0, word) } else { (word, 0) };
        } else {
            sequence = u32::from(reader.u16()?);
            (fsn, ppid) = (0, reader.u32()?);
        }
        let header = DataHeader {
            tsn,
            stream,
            sequence,
            fsn,
            ppid: Ppid(ppid),
            fragment,
            unordered: chunk.flags & FLAG_UNORDERED != 0,
            immediate: chunk.flags & FLAG_IMMEDIATE != 0,
        };
        Some(DataChunk {
            header,
            interleaved,
            payload: reader.0,
        })
    }
}

impl DataHeader {
    /// Bytes of a chunk's header, the chunk header included.
    pub(crate) const fn len(interleaved: bool) -> usize {
        if interleaved { 20 } else { 16 }
    }

    /// Sets the I bit of a chunk that is written already.
    pub(crate) fn set_immediate(chunk: &mut [u8]) {
        if let Some(flags) = chunk.get_mut(1) {
            *flags |= FLAG_IMMEDIATE;
        }
    }

    /// Appends the chunk with its padding.
    pub(crate) fn write(&self, out: &mut Vec<u8>, interleaved: bool, payload: &[u8]) {
        let len = Self::len(interleaved);
        let mut flags = 0;
        for (set, flag) in [
            (self.fragment.end, FLAG_END),
            (self.fragment.begin, FLAG_BEGIN),
            (self.unordered, FLAG_UNORDERED),
            (self.immediate, FLAG_IMMEDIATE),
        ] {
            flags |= if set { flag } else { 0 };
        }
        let mut bytes = [0; 20];
        bytes[0] = if interleaved {
            kind::I_DATA
        } else {
            kind::DATA
        };
        bytes[1] = flags;
        bytes[2..4].copy_from_slice(&((len + payload.len()) as u16).to_be_bytes());
        bytes[4..8].copy_from_slice(&self.tsn.0.to_be_bytes());
        bytes[8..10].copy_from_slice(&self.stream.0.to_be_bytes());
        if interleaved {
            let word = if self.fragment.begin {
                self.ppid.0
            } else {
                self.fsn
            };
            bytes[12..16].copy_from_slice(&self.sequence.to_be_bytes());
            bytes[16..20].copy_from_slice(&word.to_be_bytes());
        } else {
            bytes[10..12].copy_from_slice(&(self.sequence as u16).to_be_bytes());
            bytes[12..16].copy_from_slice(&self.ppid.0.to_be_bytes());
        }
        out.extend_from_slice(&bytes[..len]);
        out.extend_from_slice(payload);
        let padding = padded(payload.len()) - payload.len();
        out.extend_from_slice(&[0; CHUNK_HEADER_LEN][..padding]);
    }
}

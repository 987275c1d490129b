//! The packet format (RFC 9260 §3): common header, chunks, one chunk per file.
//!
//! Parsing borrows from the packet and never allocates; whoever writes appends to the caller's
//! buffer.

mod checksum;
mod cookie;
mod data;
mod error;
mod forward_tsn;
mod heartbeat;
mod init;
mod parameter;
mod reconfig;
mod sack;
mod shutdown;

pub(crate) use checksum::{has_valid_checksum, has_zero_checksum, write_checksum};
pub(crate) use cookie::{write_cookie_ack, write_cookie_echo};
pub(crate) use data::{DataChunk, DataHeader, Fragment};
pub(crate) use error::{Cause, first_cause_code, write_abort, write_error};
pub(crate) use forward_tsn::{ForwardTsn, Skipped};
pub(crate) use heartbeat::{write_heartbeat, write_heartbeat_ack, write_pad};
pub(crate) use init::{Init, Support};
pub(crate) use reconfig::{Reconfig, ReconfigParameter, ReconfigResult, StreamList};
pub(crate) use sack::{GapBlock, Sack, write_sack};
pub(crate) use shutdown::{
    parse_shutdown, write_shutdown, write_shutdown_ack, write_shutdown_complete,
};

/// Bytes of the common header.
pub(crate) const HEADER_LEN: usize = 12;
/// Bytes of a chunk's header.
pub(crate) const CHUNK_HEADER_LEN: usize = 4;

/// Chunk types (RFC 9260 §3.2 and the IANA registry).
pub(crate) mod kind {
    pub(crate) const DATA: u8 = 0;
    pub(crate) const INIT: u8 = 1;
    pub(crate) const INIT_ACK: u8 = 2;
    pub(crate) const SACK: u8 = 3;
    pub(crate) const HEARTBEAT: u8 = 4;
    pub(crate) const HEARTBEAT_ACK: u8 = 5;
    pub(crate) const ABORT: u8 = 6;
    pub(crate) const SHUTDOWN: u8 = 7;
    pub(crate) const SHUTDOWN_ACK: u8 = 8;
    pub(crate) const ERROR: u8 = 9;
    pub(crate) const COOKIE_ECHO: u8 = 10;
    pub(crate) const COOKIE_ACK: u8 = 11;
    pub(crate) const SHUTDOWN_COMPLETE: u8 = 14;
    /// RFC 8260 §2.1
    pub(crate) const I_DATA: u8 = 0x40;
    /// RFC 6525 §3.1
    pub(crate) const RE_CONFIG: u8 = 0x82;
    /// RFC 4820 §3
    pub(crate) const PAD: u8 = 0x84;
    /// RFC 3758 §3.2
    pub(crate) const FORWARD_TSN: u8 = 0xc0;
    /// RFC 8260 §2.3.1
    pub(crate) const I_FORWARD_TSN: u8 = 0xc2;
}

/// The T bit of ABORT and SHUTDOWN COMPLETE: the verification tag is the receiver's own, reflected
/// (RFC 9260 §8.5.1).
pub(crate) const FLAG_REFLECTED_TAG: u8 = 0x01;

/// The common header (RFC 9260 §3.1), its checksum apart.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Header {
    pub(crate) source_port: u16,
    pub(crate) destination_port: u16,
    pub(crate) verification_tag: u32,
}

impl Header {
    /// Splits a packet into header and chunks.
    pub(crate) fn parse(packet: &[u8]) -> Option<(Header, Chunks<'_>)> {
        let (header, rest) = packet.split_at_checked(HEADER_LEN)?;
        let mut reader = Reader(header);
        let header = Header {
            source_port: reader.u16()?,
            destination_port: reader.u16()?,
            verification_tag: reader.u32()?,
        };
        Some((header, Chunks { rest }))
    }

    /// Appends the header with a checksum of zero.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let mut bytes = [0; HEADER_LEN];
        bytes[..2].copy_from_slice(&self.source_port.to_be_bytes());
        bytes[2..4].copy_from_slice(&self.destination_port.to_be_bytes());
        bytes[4..8].copy_from_slice(&self.verification_tag.to_be_bytes());
        out.extend_from_slice(&bytes);
    }
}

/// One chunk, undecoded.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct RawChunk<'a> {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) value: &'a [u8],
}

/// A chunk or packet that does not follow the format.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Malformed;

/// The chunks of a packet in order. A length that cannot be ends them with an error.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chunks<'a> {
    rest: &'a [u8],
}

impl<'a> Chunks<'a> {
    /// Without a packet around them.
    pub(crate) fn of(rest: &'a [u8]) -> Self {
        Chunks { rest }
    }
}

impl<'a> Iterator for Chunks<'a> {
    type Item = Result<RawChunk<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let (Some((kind, flags, value)), rest) = split_chunk(self.rest) else {
            self.rest = &[];
            return Some(Err(Malformed));
        };
        self.rest = rest;
        Some(Ok(RawChunk { kind, flags, value }))
    }
}

type SplitChunk<'a> = (Option<(u8, u8, &'a [u8])>, &'a [u8]);

fn split_chunk(bytes: &[u8]) -> SplitChunk<'_> {
    let &[kind, flags, high, low, ..] = bytes else {
        return (None, &[]);
    };
    let len = usize::from(u16::from_be_bytes([high, low]));
    match bytes.get(CHUNK_HEADER_LEN..len) {
        // The padding of the last chunk may be missing.
        Some(value) => (
            Some((kind, flags, value)),
            bytes.get(padded(len)..).unwrap_or(&[]),
        ),
        None => (None, &[]),
    }
}

/// `len` rounded up to the four-byte boundary that chunks and parameters end on.
pub(crate) const fn padded(len: usize) -> usize {
    (len + 3) & !3
}

/// Appends a chunk whose value `write` appends.
pub(crate) fn write_chunk(
    out: &mut Vec<u8>,
    kind: u8,
    flags: u8,
    write: impl FnOnce(&mut Vec<u8>),
) {
    let start = out.len();
    out.extend_from_slice(&[kind, flags, 0, 0]);
    write(out);
    finish_tlv(out, start);
}

/// Writes the length of the chunk or parameter that began at `start`, and pads it.
fn finish_tlv(out: &mut Vec<u8>, start: usize) {
    let len = out.len() - start;
    let field = u16::try_from(len).unwrap_or(u16::MAX).to_be_bytes();
    out[start + 2..start + 4].copy_from_slice(&field);
    out.resize(start + padded(len), 0);
}

/// Reads big-endian numbers off the front of a slice.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn u16(&mut self) -> Option<u16> {
        let (head, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u16::from_be_bytes(*head))
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        let (head, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*head))
    }

    pub(crate) fn bytes(&mut self, len: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(head)
    }
}

#[cfg(test)]
mod tests;

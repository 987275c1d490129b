//! AV1 in RTP ("RTP Payload Format For AV1", v1.0, of the Alliance for Open Media; "AV1 RTP" below).
//! A frame is a temporal unit, or one spatial layer's frame of it where it is sent by itself.

mod header;
mod split;

use std::ops::Range;

use super::join::{Form, Fragment, Head, JoinError};
use super::parts::{self, Parts};
use super::split::SplitError;
use super::{Boundary, FrameInfo, PacketInfo};

pub use header::SequenceHeader;
pub(crate) use split::split;

/// An OBU's place in a frame (AV1 specification §5.3).
#[derive(Clone, Debug, Eq, PartialEq)]
struct Obu {
    header: Header,
    /// What the size counts.
    payload: Range<usize>,
}

impl Obu {
    /// The first one of these bytes; one without size takes all of them.
    fn read(bytes: &[u8]) -> Option<Self> {
        let header = Header::read(bytes)?;
        let start = header.len();
        let rest = &bytes[start..];
        let payload = match header.has_size() {
            true => {
                let (size, len) = read_leb128(rest)?;
                let size = usize::try_from(size).ok()?;
                start + len..(start + len).checked_add(size)?
            }
            false => start..bytes.len(),
        };
        (payload.end <= bytes.len()).then_some(Obu { header, payload })
    }
}

/// AV1 specification §5.3.2 and §5.3.3.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Header {
    first: u8,
    /// 0 if there is none.
    extension: u8,
}

impl Header {
    fn read(bytes: &[u8]) -> Option<Self> {
        let &first = bytes.first()?;
        let extension = match first & EXTENSION {
            0 => 0,
            _ => *bytes.get(1)?,
        };
        Some(Header { first, extension })
    }

    fn kind(self) -> u8 {
        self.first >> 3 & 0x0f
    }

    fn has_size(self) -> bool {
        self.first & HAS_SIZE != 0
    }

    fn len(self) -> usize {
        header_len(self.first)
    }

    /// Temporal and spatial layer.
    fn layers(self) -> Option<(u8, u8)> {
        let extended = self.first & EXTENSION != 0;
        extended.then_some((self.extension >> 5, self.extension >> 3 & 3))
    }
}

fn header_len(first: u8) -> usize {
    if first & EXTENSION == 0 { 1 } else { 2 }
}

/// AV1 RTP §5: temporal delimiters should not be sent and tile lists are not supported; both must be
/// ignored.
fn is_sent(kind: u8) -> bool {
    kind != TEMPORAL_DELIMITER && kind != TILE_LIST
}

/// Finds the OBUs of a frame, all but those that are not sent. `parts` has only them after it.
pub(crate) fn find_parts(frame: &[u8], parts: &mut Parts) -> Result<(), SplitError> {
    parts.clear();
    let mut at = 0;
    while at < frame.len() {
        let obu = Obu::read(&frame[at..]).ok_or(SplitError::BadPart)?;
        let end = at + obu.payload.end;
        let range = at as u32..end as u32;
        if is_sent(obu.header.kind()) && !parts.push(range) {
            return Err(SplitError::BadPart);
        }
        at = end;
    }
    match parts.is_empty() {
        true => Err(SplitError::Empty),
        false => Ok(()),
    }
}

/// The elements of a payload (AV1 RTP §4.3): OBUs and pieces of them.
#[derive(Clone, Debug)]
pub(crate) struct Elements<'a> {
    rest: &'a [u8],
    /// How many are to come, if that is said: W.
    left: Option<u8>,
    /// Z: the next one goes on with an OBU of the packet before.
    continues: bool,
    /// Y: the last one's OBU goes on in the packet after.
    unfinished: bool,
    wrong: bool,
}

pub(crate) fn elements(payload: &[u8]) -> Elements<'_> {
    let (header, rest) = match payload.split_first() {
        Some((&header, rest)) => (header, rest),
        None => (0, payload),
    };
    let count = header >> 4 & 3;
    Elements {
        rest,
        left: (count > 0).then_some(count),
        continues: header & CONTINUES != 0,
        unfinished: header & UNFINISHED != 0,
        wrong: rest.is_empty(),
    }
}

impl<'a> Elements<'a> {
    fn element(&mut self) -> Option<&'a [u8]> {
        if self.left == Some(1) {
            // The last one of a known number has no length.
            return Some(std::mem::take(&mut self.rest));
        }
        let (len, bytes) = read_leb128(self.rest)?;
        let len = usize::try_from(len).ok()?;
        let (element, rest) = self.rest[bytes..].split_at_checked(len)?;
        self.rest = rest;
        Some(element)
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Result<Fragment<'a>, JoinError>;

    fn next(&mut self) -> Option<Self::Item> {
        if std::mem::take(&mut self.wrong) {
            self.left = Some(0);
            return Some(Err(JoinError::Malformed));
        }
        match self.left {
            Some(0) => return None,
            None if self.rest.is_empty() => return None,
            _ => {}
        }
        let element = self.element().filter(|element| !element.is_empty());
        let Some(data) = element else {
            self.left = Some(0);
            return Some(Err(JoinError::Malformed));
        };

        self.left = self.left.map(|left| left - 1);
        let last = match self.left {
            Some(left) => left == 0,
            None => self.rest.is_empty(),
        };
        Some(Ok(Fragment {
            head: Head::default(),
            data,
            begins: !std::mem::take(&mut self.continues),
            ends: !(last && self.unfinished),
        }))
    }
}

/// The low-overhead bitstream format (AV1 specification §5.2): OBUs with sizes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LowOverhead;

impl Form for LowOverhead {
    const BEFORE_IS_PART: bool = true;

    fn before<'a>(
        &self,
        first: &Fragment<'a>,
        rest: impl Iterator<Item = Result<Fragment<'a>, JoinError>>,
    ) -> Result<Option<usize>, JoinError> {
        let header = *first.data.first().ok_or(JoinError::Malformed)?;
        if !is_sent(header >> 3 & 0x0f) {
            return Ok(None);
        }
        let payload = unit_len(first, rest)?.checked_sub(header_len(header));
        let payload = payload.ok_or(JoinError::Malformed)?;
        // AV1 RTP §4.4: has_size_field should be 0; where it is not, the size stays what it is.
        match header & HAS_SIZE {
            0 => Ok(Some(leb128_len(payload))),
            _ => Ok(Some(0)),
        }
    }

    fn finish(&self, place: &mut [u8], before: usize) -> Result<(), JoinError> {
        if before == 0 {
            let whole = Obu::read(place).is_some_and(|obu| obu.payload.end == place.len());
            return whole.then_some(()).ok_or(JoinError::Malformed);
        }
        let header = header_len(place[before]);
        place.copy_within(before..before + header, 0);
        place[0] |= HAS_SIZE;
        let payload = place.len() - before - header;
        write_leb128(payload, &mut place[header..header + before]);
        Ok(())
    }
}

/// Bytes of the OBU that a fragment begins. Each packet is looked at once for one that began before
/// it.
fn unit_len<'a>(
    first: &Fragment<'a>,
    rest: impl Iterator<Item = Result<Fragment<'a>, JoinError>>,
) -> Result<usize, JoinError> {
    let mut len = first.data.len();
    let mut ends = first.ends;
    let mut rest = rest;
    while !ends {
        let fragment = rest.next().unwrap_or(Err(JoinError::Torn))?;
        len += fragment.data.len();
        ends = fragment.ends;
    }
    Ok(len)
}

pub(crate) fn packet_info(payload: &[u8]) -> Result<PacketInfo<'_>, JoinError> {
    let new_sequence = payload
        .first()
        .is_some_and(|&first| first & NEW_SEQUENCE != 0);
    let mut info = PacketInfo {
        begins: Boundary::No,
        ends: Boundary::No,
        key: new_sequence.then_some(true),
        ..PacketInfo::default()
    };
    for (index, fragment) in elements(payload).enumerate() {
        let fragment = fragment?;
        info.ends = if fragment.ends {
            Boundary::Possible
        } else {
            Boundary::No
        };
        // Of one that does not begin here the header is not here either.
        let header = Header::read(fragment.data).filter(|_| fragment.begins);
        let Some(header) = header else {
            continue;
        };
        let first = new_sequence || header.kind() == TEMPORAL_DELIMITER;
        if index == 0 {
            info.begins = if first {
                Boundary::Certain
            } else {
                Boundary::Possible
            };
        }
        if let Some((temporal, spatial)) = header.layers() {
            info.temporal.get_or_insert(temporal);
            info.spatial.get_or_insert(spatial);
        }
        if info.key.is_none() {
            info.key = is_key(header, fragment.data);
        }
    }
    Ok(info)
}

/// Whether an OBU shows that its frame is a key frame, or that it is none.
fn is_key(header: Header, obu: &[u8]) -> Option<bool> {
    let size = match header.has_size() {
        true => read_leb128(obu.get(header.len()..)?)?.1,
        false => 0,
    };
    match header.kind() {
        SEQUENCE_HEADER => Some(true),
        FRAME_HEADER | FRAME => {
            let first = *obu.get(header.len() + size)?;
            // show_existing_frame, frame_type (AV1 specification §5.9.2).
            Some(first & 0xe0 == 0)
        }
        _ => None,
    }
}

pub(crate) fn frame_info(frame: &[u8], parts: &[Range<u32>]) -> FrameInfo {
    let mut info = FrameInfo::default();
    let mut sequence = None;
    for part in parts {
        let bytes = parts::bytes(frame, part);
        let Some(obu) = Obu::read(bytes) else {
            continue;
        };
        let payload = &bytes[obu.payload];
        match obu.header.kind() {
            SEQUENCE_HEADER => sequence = SequenceHeader::parse(payload),
            FRAME_HEADER | FRAME => {
                let size = header::key_frame_size(payload, sequence.as_ref());
                info.key |= size.is_some();
                info.size = size.flatten().or(info.size);
                if let Some((temporal, spatial)) = obu.header.layers() {
                    // Decoders show the highest layer: it has the size of the picture.
                    if size.is_none() && spatial > 0 {
                        let sequence = sequence.as_ref();
                        let upper = |it| header::upper_layer_size(payload, it);
                        info.size = sequence.and_then(upper);
                    }
                    info.temporal = Some(temporal);
                    info.spatial = Some(spatial);
                }
            }
            _ => {}
        }
    }
    info
}

/// From the first OBU of each spatial layer to the first of the next. Those that are of no layer, such as
/// a sequence header, go with what follows them. Of frames without an extension the layer is the lowest:
/// libaom 3.6 writes none there, though others of the picture have one.
pub(crate) fn spatial_layers(frame: &[u8], parts: &[Range<u32>]) -> Parts {
    let mut layers: Vec<Range<u32>> = Vec::new();
    let mut last = None;
    // Where what is of no layer begins.
    let mut unclaimed = None;
    for part in parts {
        let header = Header::read(parts::bytes(frame, part));
        let header = header.filter(|it| is_of_layer(it.kind()));
        let Some(header) = header else {
            unclaimed.get_or_insert(part.start);
            continue;
        };
        let spatial = header.layers().map_or(0, |(_, spatial)| spatial);
        match layers.last_mut().filter(|_| last == Some(spatial)) {
            Some(layer) => layer.end = part.end,
            None => layers.push(unclaimed.unwrap_or(part.start)..part.end),
        }
        (last, unclaimed) = (Some(spatial), None);
    }

    let end = parts.last().map_or(0, |part| part.end);
    match layers.last_mut() {
        Some(layer) => layer.end = end,
        None => layers.push(0..end),
    }
    layers.into_iter().collect()
}

/// AV1 specification §5.3.1: of the OBUs that are sent, those of one layer.
fn is_of_layer(kind: u8) -> bool {
    matches!(
        kind,
        FRAME_HEADER | TILE_GROUP | FRAME | REDUNDANT_FRAME_HEADER
    )
}

/// AV1 specification §4.10.5: the number, below 2^32, and the bytes it takes.
fn read_leb128(bytes: &[u8]) -> Option<(u32, usize)> {
    let mut value = 0u64;
    for (index, &byte) in bytes.iter().take(MAX_LEB128).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((u32::try_from(value).ok()?, index + 1));
        }
    }
    None
}

/// Bytes of a number of up to 32 bits.
fn leb128_len(value: usize) -> usize {
    let bits = usize::BITS - value.leading_zeros();
    bits.div_ceil(7).max(1) as usize
}

/// Fills the place with a number that takes just as many bytes.
fn write_leb128(value: usize, place: &mut [u8]) {
    let last = place.len().saturating_sub(1);
    for (index, byte) in place.iter_mut().enumerate() {
        let more = if index < last { 0x80 } else { 0 };
        *byte = (value >> (7 * index)) as u8 & 0x7f | more;
    }
}

// The aggregation header (AV1 RTP §4.4): Z, Y, N; W is in the two bits between.
const CONTINUES: u8 = 0x80;
const UNFINISHED: u8 = 0x40;
const NEW_SEQUENCE: u8 = 0x08;
// The header of an OBU.
const EXTENSION: u8 = 0x04;
const HAS_SIZE: u8 = 0x02;
// Types (AV1 specification §6.2.2).
const SEQUENCE_HEADER: u8 = 1;
const TEMPORAL_DELIMITER: u8 = 2;
const FRAME_HEADER: u8 = 3;
const TILE_GROUP: u8 = 4;
const FRAME: u8 = 6;
const REDUNDANT_FRAME_HEADER: u8 = 7;
const TILE_LIST: u8 = 8;
/// AV1 specification §4.10.5.
const MAX_LEB128: usize = 8;

#[cfg(test)]
mod tests;

//! What a browser put on the wire, counted in the file to which the Rust peer writes its packets in the clear.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::Serialize;
use serde_json::{Value, json};

/// What came of a browser so far. `mid` is the id of that header extension.
pub(crate) fn came(capture: &Path, mid: u8) -> io::Result<Value> {
    let mut wire = Wire::default();
    for packet in captured(&std::fs::read(capture)?) {
        match (packet.dissector, packet.received) {
            (b"rtp", true) => wire.add_media(&packet, mid),
            (b"rtcp", true) => wire.add_control(packet.bytes),
            (b"rtcp", false) => wire.add_report(&packet),
            _ => {}
        }
    }
    Ok(json!(wire))
}

#[derive(Debug, Default, Serialize)]
struct Wire {
    /// By their SSRC.
    streams: BTreeMap<u32, Stream>,
    /// BYE packets.
    goodbyes: u32,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Stream {
    packets: u32,
    by_payload_type: BTreeMap<u8, u32>,
    /// Packets of padding alone.
    empty: u32,
    /// Packets that had their MID.
    named: u32,
    /// Of these, packets that came long after the first report of the stream had left.
    named_late: u32,
    /// Packets by the first byte of their payload.
    first_bytes: BTreeMap<u8, u32>,
    /// What has the size of a telephone key's packets (RFC 4733 §2.3), by payload type and time stamp.
    events: BTreeMap<u8, BTreeMap<u32, Event>>,
    /// When it was first reported of.
    #[serde(skip)]
    reported: Option<u64>,
}

/// A telephone key.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    /// By its own clock, as the last of its packets says.
    duration: u16,
    /// From its first packet to its last.
    took_ms: u64,
    #[serde(skip)]
    began: u64,
}

impl Wire {
    fn add_media(&mut self, packet: &Captured<'_>, mid: u8) {
        let Some(rtp) = Rtp::read(packet.bytes) else {
            return;
        };
        let stream = self.streams.entry(rtp.ssrc).or_default();
        stream.packets += 1;
        *stream.by_payload_type.entry(rtp.payload_type).or_default() += 1;
        stream.empty += u32::from(rtp.payload.is_empty());
        if let Some(first) = rtp.payload.first() {
            *stream.first_bytes.entry(*first).or_default() += 1;
        }

        let named = rtp.extensions.contains(&mid);
        let late = |reported: u64| packet.at > reported + LATE;
        stream.named += u32::from(named);
        stream.named_late += u32::from(named && stream.reported.is_some_and(late));

        if let [_, _, high, low] = *rtp.payload {
            let new = Event {
                began: packet.at,
                ..Event::default()
            };
            let events = stream.events.entry(rtp.payload_type).or_default();
            let event = events.entry(rtp.timestamp).or_insert(new);
            event.duration = u16::from_be_bytes([high, low]);
            event.took_ms = (packet.at - event.began) / 1_000_000;
        }
    }

    fn add_control(&mut self, compound: &[u8]) {
        let kinds = control_packets(compound).map(|packet| packet[1]);
        self.goodbyes += kinds.filter(|kind| *kind == BYE).count() as u32;
    }

    /// A report of ours has a block for each stream that it is about.
    fn add_report(&mut self, packet: &Captured<'_>) {
        for report in control_packets(packet.bytes) {
            let head = match report[1] {
                SENDER_REPORT => 28,
                RECEIVER_REPORT => 8,
                _ => continue,
            };
            for block in report.get(head..).unwrap_or_default().chunks_exact(24) {
                let ssrc = u32::from_be_bytes([block[0], block[1], block[2], block[3]]);
                let stream = self.streams.entry(ssrc).or_default();
                stream.reported.get_or_insert(packet.at);
            }
        }
    }
}

struct Rtp<'a> {
    payload_type: u8,
    timestamp: u32,
    ssrc: u32,
    extensions: Vec<u8>,
    payload: &'a [u8],
}

impl<'a> Rtp<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let word = |at: usize| Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?));
        let first = *bytes.first()?;
        let mut at = 12 + 4 * usize::from(first & 0x0f);
        let mut extensions = Vec::new();
        if first & 0x10 != 0 {
            let head = word(at)?;
            let end = at + 4 + 4 * (head & 0xffff) as usize;
            let two_bytes = head >> 16 != 0xbede;
            extensions = ids(bytes.get(at + 4..end)?, two_bytes);
            at = end;
        }
        let padding = match first & 0x20 != 0 {
            true => usize::from(*bytes.last()?),
            false => 0,
        };
        Some(Rtp {
            payload_type: bytes.get(1)? & 0x7f,
            timestamp: word(4)?,
            ssrc: word(8)?,
            extensions,
            payload: bytes.get(at..bytes.len().checked_sub(padding)?)?,
        })
    }
}

/// RFC 8285 §4.2, §4.3
fn ids(mut block: &[u8], two_bytes: bool) -> Vec<u8> {
    let mut ids = Vec::new();
    while let [first, rest @ ..] = block {
        let element = match (first, two_bytes) {
            (0, _) => Some((0, 1)),
            (_, false) => Some((first >> 4, usize::from(first & 0x0f) + 2)),
            (_, true) => rest
                .first()
                .map(|length| (*first, usize::from(*length) + 2)),
        };
        let Some((id, length)) = element else { break };
        ids.push(id);
        block = block.get(length..).unwrap_or_default();
    }
    ids
}

/// Each packet of a compound one (RFC 3550 §6.1).
fn control_packets(mut compound: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let [_, _, high, low, ..] = *compound else {
            return None;
        };
        let length = 4 * (usize::from(u16::from_be_bytes([high, low])) + 1);
        let (packet, rest) = compound.split_at_checked(length)?;
        compound = rest;
        Some(packet)
    })
}

struct Captured<'a> {
    /// In nanoseconds.
    at: u64,
    received: bool,
    dissector: &'a [u8],
    bytes: &'a [u8],
}

/// The packets of a pcapng file whose last block may still be written: Enhanced Packet Blocks, in each an
/// exported PDU of Wireshark.
fn captured(mut file: &[u8]) -> impl Iterator<Item = Captured<'_>> {
    std::iter::from_fn(move || {
        loop {
            let kind = little(file, 0)?;
            let (block, rest) = file.split_at_checked(little(file, 4)? as usize)?;
            file = rest;
            if kind == ENHANCED_PACKET {
                return enhanced_packet(block);
            }
        }
    })
}

fn enhanced_packet(block: &[u8]) -> Option<Captured<'_>> {
    let at = u64::from(little(block, 12)?) << 32 | u64::from(little(block, 16)?);
    let length = little(block, 20)? as usize;
    let data = block.get(28..28 + length)?;
    // The only option: epb_flags.
    let flags = little(block, 28 + length.next_multiple_of(4) + 4)?;

    let mut rest = data;
    let mut dissector: &[u8] = &[];
    while let [k0, k1, l0, l1, tagged @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*l0, *l1]));
        let (value, behind) = tagged.split_at_checked(length)?;
        rest = behind;
        match u16::from_be_bytes([*k0, *k1]) {
            0 => break,
            DISSECTOR_NAME => dissector = value.trim_ascii_end(),
            _ => {}
        }
    }
    let end = dissector.iter().position(|byte| *byte == 0);
    Some(Captured {
        at,
        received: flags & 3 == INBOUND,
        dissector: &dissector[..end.unwrap_or(dissector.len())],
        bytes: rest,
    })
}

fn little(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// What is under way when a report leaves has come by then, on a machine that is busy.
const LATE: u64 = 300_000_000;

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const BYE: u8 = 203;

const ENHANCED_PACKET: u32 = 6;
const DISSECTOR_NAME: u16 = 12;
const INBOUND: u32 = 1;

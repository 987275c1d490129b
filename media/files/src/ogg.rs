//! Opus in Ogg (RFC 7845), by the `ogg` crate's pages and packets.

use std::collections::VecDeque;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::time::Duration;

use bytes::Bytes;
use duologue_rtp::payload::opus;
use ogg::{OggReadError, PacketReader, PacketWriteEndInfo, PacketWriter};

use crate::error::{FileError, Result};
use crate::limits::{OGG_HEADERS, OGG_PACKET_BYTES, PAGE_TIME};
use crate::track::{Format, Frame, Track, ticks, time_of};

pub(crate) const MAGIC: &[u8] = b"OggS";

/// Ticks of Opus, whatever it was encoded from (RFC 7845 §4).
const RATE: u32 = 48_000;

/// Which of the streams of a file these pages are; there is one.
const SERIAL: u32 = 1;

pub(crate) struct Reader<R: Read + Seek> {
    packets: PacketReader<Bounded<R>>,
    /// Of the link that is read: a file may be a chain of streams, one after another (RFC 3533 §4).
    serial: u32,
    /// The granule position that is the file's beginning, by this link's count; known with its first page.
    zero: Option<i128>,
    /// Where the last packet ended, in ticks from the file's beginning.
    position: u64,
    /// Packets of a page before its last.
    ending: Vec<Bytes>,
    /// Of the page before that, what was not taken.
    page: VecDeque<Frame>,
}

impl<R: Read + Seek> std::fmt::Debug for Reader<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}

impl<R: Read + Seek> Reader<R> {
    pub(crate) fn begin(source: R) -> Result<(Self, Track)> {
        let packets = PacketReader::new(Bounded {
            source,
            left: OGG_PACKET_BYTES,
        });
        let mut reader = Reader {
            packets,
            serial: 0,
            zero: None,
            position: 0,
            ending: Vec::new(),
            page: VecDeque::new(),
        };
        // Each stream begins with one of its own pages before there is anything else (RFC 3533 §4).
        for _ in 0..OGG_HEADERS {
            let Some(packet) = reader.packet()? else {
                break;
            };
            if let Some(channels) = channels(&packet.data) {
                reader.serial = packet.stream_serial();
                let track = Track {
                    channels,
                    ..Track::new(Format::Opus)
                };
                return Ok((reader, track));
            }
        }
        Err(FileError::Unsupported("Ogg without Opus"))
    }

    pub(crate) fn next(&mut self) -> Result<Option<Frame>> {
        while self.page.is_empty() {
            let Some(packet) = self.packet()? else {
                return Ok(None);
            };
            if packet.first_in_stream() {
                self.begin_link(&packet);
                continue;
            }
            let other = packet.stream_serial() != self.serial;
            if other || packet.data.starts_with(b"OpusTags") {
                continue;
            }
            // What a page says of time, it says of its end.
            let (last, position) = (packet.last_in_page(), packet.absgp_page());
            if packet.last_in_stream() {
                // The next link may have the same number.
                self.packets.delete_unread_packets();
            }
            self.ending.push(Bytes::from(packet.data));
            if last {
                self.end_page(position)?;
            }
        }
        Ok(self.page.pop_front())
    }

    /// All streams that lie beside each other begin before there is anything else: one of Opus that begins behind sound
    /// of ours is the next link. Its sound comes behind what was there.
    fn begin_link(&mut self, head: &ogg::Packet) {
        if self.zero.is_some() && channels(&head.data).is_some() {
            self.serial = head.stream_serial();
            self.zero = None;
        }
    }

    /// A page's position is where its last packet ends. It goes ahead where something is missing; at
    /// the end it may go back, to cut off what is too much (RFC 7845 §4.4). The count of a stream that was cut out of
    /// a longer one does not begin with 0 (§4.3).
    fn end_page(&mut self, position: u64) -> Result<()> {
        let packets = std::mem::take(&mut self.ending);
        let all: u64 = packets.iter().map(|packet| duration(packet)).sum();
        if position != u64::MAX {
            let begins = i128::from(position.saturating_sub(all));
            let zero = self.zero.get_or_insert(begins - i128::from(self.position));
            let begins = u64::try_from(begins - *zero).unwrap_or(0);
            self.position = self.position.max(begins);
        }
        for data in packets {
            let begins = self.position;
            self.position = begins.saturating_add(duration(&data));
            let time = time_of(begins, 1, u64::from(RATE));
            self.page.push_back(Frame {
                track: 0,
                time: time.ok_or(FileError::Malformed("a time beyond all"))?,
                key: true,
                data,
            });
        }
        Ok(())
    }

    fn packet(&mut self) -> Result<Option<ogg::Packet>> {
        self.packets.get_mut().left = OGG_PACKET_BYTES;
        match self.packets.read_packet() {
            Ok(packet) => Ok(packet),
            Err(OggReadError::ReadError(error)) if is_bound(&error) => Err(FileError::TooLarge),
            Err(OggReadError::ReadError(error)) => Err(crate::error::truncated(error)),
            Err(_) => Err(FileError::Malformed("a page of Ogg")),
        }
    }
}

/// How many channels `OpusHead` says (RFC 7845 §5.1); `None` if it is none.
fn channels(packet: &[u8]) -> Option<u8> {
    let head = packet.strip_prefix(b"OpusHead")?;
    // Of the version only the high four bits must be known.
    let (version, channels) = (*head.first()?, *head.get(1)?);
    (version < 16 && channels > 0).then_some(channels)
}

/// `OpusHead` of sound that is recorded as it comes: nothing is to be left out at its beginning.
pub(crate) fn head(channels: u8) -> [u8; 19] {
    let mut head = *b"OpusHead\x01\0\0\0\0\0\0\0\0\0\0";
    head[9] = channels;
    head[12..16].copy_from_slice(&RATE.to_le_bytes());
    head
}

/// So many bytes may be read until there is a packet.
struct Bounded<R> {
    source: R,
    left: usize,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "a packet"));
        }
        let most = buffer.len().min(self.left);
        let count = self.source.read(&mut buffer[..most])?;
        self.left -= count;
        Ok(count)
    }
}

fn is_bound(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::FileTooLarge
}

impl<R: Seek> Seek for Bounded<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.source.seek(to)
    }
}

#[derive(Debug)]
pub(crate) struct Writer {
    channels: u8,
    begun: bool,
    /// The last packet and its time: whether a page ends with it is known with the next one.
    held: Option<(Bytes, u64)>,
    page_begins: u64,
}

impl Writer {
    pub(crate) fn new(channels: u8) -> Self {
        Writer {
            channels,
            begun: false,
            held: None,
            page_begins: 0,
        }
    }

    /// Times are not below those before.
    pub(crate) fn write<W: Write>(
        &mut self,
        to: &mut PacketWriter<'static, W>,
        time: Duration,
        data: &Bytes,
    ) -> Result<()> {
        self.begin(to)?;
        let begins = ticks(time, RATE);
        if let Some((packet, at)) = self.held.take() {
            let ends = at + duration(&packet);
            // A position can only be said for the end of a page: one ends before a gap.
            let gap = begins > ends + duration(&packet) / 2;
            let long = ends.saturating_sub(self.page_begins) >= ticks(PAGE_TIME, RATE);
            let end = match gap || long {
                true => PacketWriteEndInfo::EndPage,
                false => PacketWriteEndInfo::NormalPacket,
            };
            if gap || long {
                self.page_begins = begins;
            }
            to.write_packet(packet.to_vec(), SERIAL, end, ends)?;
        }
        self.held = Some((data.clone(), begins));
        Ok(())
    }

    fn begin<W: Write>(&mut self, to: &mut PacketWriter<'static, W>) -> Result<()> {
        if self.begun {
            return Ok(());
        }
        self.begun = true;
        let head = head(self.channels).to_vec();
        to.write_packet(head, SERIAL, PacketWriteEndInfo::EndPage, 0)?;
        let mut tags = Vec::from(*b"OpusTags");
        for text in ["duologue", ""] {
            tags.extend((text.len() as u32).to_le_bytes());
            tags.extend(text.as_bytes());
        }
        Ok(to.write_packet(tags, SERIAL, PacketWriteEndInfo::EndPage, 0)?)
    }

    pub(crate) fn finish<W: Write>(&mut self, to: &mut PacketWriter<'static, W>) -> Result<()> {
        self.begin(to)?;
        if let Some((packet, at)) = self.held.take() {
            let ends = at + duration(&packet);
            to.write_packet(packet.to_vec(), SERIAL, PacketWriteEndInfo::EndStream, ends)?;
        }
        Ok(())
    }
}

fn duration(packet: &[u8]) -> u64 {
    u64::from(opus::duration(packet).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    /// 20 ms.
    const PACKET: [u8; 2] = [0xf8, 1];

    /// A stream of pages of two packets, of which the first one ends with the first of these positions.
    fn link(serial: u32, positions: &[u64]) -> Vec<u8> {
        let mut to = PacketWriter::new(Vec::new());
        let page = PacketWriteEndInfo::EndPage;
        to.write_packet(head(2).to_vec(), serial, page, 0).unwrap();
        to.write_packet(&b"OpusTags\0\0\0\0\0\0\0\0"[..], serial, page, 0)
            .unwrap();
        for (n, position) in positions.iter().enumerate() {
            let first = PacketWriteEndInfo::NormalPacket;
            to.write_packet(&PACKET[..], serial, first, *position)
                .unwrap();
            let last = match n + 1 == positions.len() {
                true => PacketWriteEndInfo::EndStream,
                false => PacketWriteEndInfo::EndPage,
            };
            to.write_packet(&PACKET[..], serial, last, *position)
                .unwrap();
        }
        to.into_inner()
    }

    fn times(file: Vec<u8>) -> Vec<u128> {
        let (mut reader, _) = Reader::begin(Cursor::new(file)).unwrap();
        let frames = std::iter::from_fn(|| reader.next().unwrap());
        frames.map(|frame| frame.time.as_millis()).collect()
    }

    #[test]
    fn sound_that_was_cut_out_of_a_live_stream_begins_at_once() {
        let hours = 7 * 3_600 * 48_000;
        // A page was lost in the middle.
        let positions = [hours + 77, hours + 77 + 1_920, hours + 77 + 5_760];
        assert_eq!(times(link(5, &positions)), [0, 20, 40, 60, 120, 140]);
    }

    #[test]
    fn links_of_a_chain_come_one_after_another() {
        let (first, hours) = ([1_920, 3_840], 1_000_000_000);
        for (serial, position) in [(6, 1_920), (6, hours), (5, 1_920)] {
            // The last position of a link cuts off a part of its last packet.
            let links = [
                link(5, &first),
                link(serial, &[position, position + 1_700]),
                link(9, &[1_920]),
            ];
            let expected: Vec<_> = (0..10).map(|n| n * 20).collect();
            assert_eq!(times(links.concat()), expected, "{serial} {position}");
        }
    }

    #[test]
    fn a_stream_of_opus_beside_the_first_one_is_no_link_of_it() {
        let mut to = PacketWriter::new(Vec::new());
        for serial in [1, 2] {
            to.write_packet(head(2).to_vec(), serial, PacketWriteEndInfo::EndPage, 0)
                .unwrap();
        }
        for (serial, position) in [(2, 960), (1, 960), (2, 1_920), (1, 1_920)] {
            let page = PacketWriteEndInfo::EndPage;
            to.write_packet(&PACKET[..], serial, page, position)
                .unwrap();
        }
        assert_eq!(times(to.into_inner()), [0, 20]);
    }
}

use std::ops::Range;

use duologue_base::Seq16;

use crate::ext::{Elements, ExtensionBlock, ExtensionMap, Extensions, ExtensionsToSend};
use crate::{PayloadType, Ssrc};

/// The header of an RTP packet (RFC 3550 §5.1), read without copying: it says where the rest lies.
///
/// SRTP reads it alone, since all behind it is still encrypted then; [`Packet`] is a header with
/// what belongs to it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Header {
    /// The M bit: what it means is the payload format's.
    pub marker: bool,
    /// Which format the payload has.
    pub payload_type: PayloadType,
    /// The sequence number: one more with each packet of the stream.
    pub sequence_number: Seq16,
    /// When the payload was sampled, in ticks of the format's clock.
    pub timestamp: u32,
    /// The stream.
    pub ssrc: Ssrc,
    padded: bool,
    csrc_count: u8,
    extension: Option<ExtensionBlock>,
    len: u16,
}

/// The bytes are no RTP packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum HeaderError {
    /// The packet ends before its header does, or is longer than a datagram can be.
    #[error("the length fits no RTP packet")]
    Length,
    /// RFC 3550 §5.1: the version is 2.
    #[error("not of RTP's version 2")]
    Version,
    /// The P bit is set, and the last byte counts no bytes or more than there are.
    #[error("the padding fits not")]
    Padding,
}

/// What a packet has behind its header.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Content {
    /// A payload, at this place of the datagram.
    Payload(Range<usize>),
    /// The packet has no payload at all, and so many bytes of padding: it counts for replay,
    /// statistics and feedback and goes no further. Browsers send such packets as probes, on any
    /// stream and before any media. Zero bytes of padding are a keep-alive (RFC 6263 §4.6).
    PaddingOnly(u8),
}

impl Header {
    /// Reads the header; the padding is not looked at. Extension and payload may be encrypted.
    ///
    /// # Errors
    /// No RTP of version 2, or shorter than its own header.
    #[inline]
    pub fn parse(datagram: &[u8]) -> Result<Header, HeaderError> {
        let Some((fixed, rest)) = datagram.split_first_chunk::<FIXED>() else {
            return Err(HeaderError::Length);
        };
        if datagram.len() > usize::from(u16::MAX) {
            return Err(HeaderError::Length);
        }
        if fixed[0] >> 6 != VERSION {
            return Err(HeaderError::Version);
        }

        let csrc_count = fixed[0] & 0xf;
        let mut len = FIXED + 4 * usize::from(csrc_count);
        let mut extension = None;
        if fixed[0] & EXTENDED != 0 {
            let head = rest.get(len - FIXED..).and_then(|r| r.first_chunk::<4>());
            let Some(&[p0, p1, l0, l1]) = head else {
                return Err(HeaderError::Length);
            };
            let words = u16::from_be_bytes([l0, l1]);
            let block = ExtensionBlock::new(u16::from_be_bytes([p0, p1]), len + 4, words);
            len += 4 + 4 * usize::from(words);
            extension = block;
        }
        if len > datagram.len() {
            return Err(HeaderError::Length);
        }

        Ok(Header {
            marker: fixed[1] & MARKER != 0,
            payload_type: PayloadType::from_low_bits(fixed[1]),
            sequence_number: Seq16(u16::from_be_bytes([fixed[2], fixed[3]])),
            timestamp: u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]),
            ssrc: Ssrc(u32::from_be_bytes([
                fixed[8], fixed[9], fixed[10], fixed[11],
            ])),
            padded: fixed[0] & PADDED != 0,
            csrc_count,
            extension,
            // Not above the datagram's length.
            len: len as u16,
        })
    }

    /// Bytes of the header with contributing sources and extension: where the payload begins.
    pub fn size(&self) -> usize {
        self.len.into()
    }

    /// Where the contributing sources are listed, four bytes each.
    pub fn csrc_range(&self) -> Range<usize> {
        FIXED..FIXED + 4 * usize::from(self.csrc_count)
    }

    /// The contributing sources, of the datagram that this was read from.
    pub fn csrcs(self, datagram: &[u8]) -> impl Iterator<Item = Ssrc> + '_ {
        let list = datagram.get(self.csrc_range()).unwrap_or_default();
        list.as_chunks()
            .0
            .iter()
            .map(|c| Ssrc(u32::from_be_bytes(*c)))
    }

    /// The header extension, if the X bit is set.
    pub fn extension(&self) -> Option<ExtensionBlock> {
        self.extension
    }

    /// What is behind the header of the (decrypted) datagram that this was read from.
    ///
    /// # Errors
    /// Padding of no byte, or of more than there are.
    #[inline]
    pub fn content(&self, datagram: &[u8]) -> Result<Content, HeaderError> {
        let body = datagram.get(self.size()..).ok_or(HeaderError::Length)?;
        let mut padding = 0;
        if self.padded {
            padding = body.last().copied().unwrap_or(0);
            if padding == 0 || usize::from(padding) > body.len() {
                return Err(HeaderError::Padding);
            }
        }

        let end = datagram.len() - usize::from(padding);
        if end == self.size() {
            return Ok(Content::PaddingOnly(padding));
        }
        Ok(Content::Payload(self.size()..end))
    }
}

/// A whole RTP packet in the clear: views over the datagram that it came in.
///
/// ```
/// use duologue_base::Seq16;
/// use duologue_rtp::ext::{AudioLevel, ExtensionKind, ExtensionMap, ExtensionsToSend};
/// use duologue_rtp::{ExtensionId, HeaderToSend, Packet, PayloadType, Ssrc};
///
/// let mut map = ExtensionMap::default();
/// map.insert(ExtensionId::new(1).unwrap(), ExtensionKind::AudioLevel);
///
/// let mut datagram = Vec::new();
/// let header = HeaderToSend {
///     marker: true,
///     payload_type: PayloadType::new(111).unwrap(),
///     sequence_number: Seq16(17),
///     timestamp: 960,
///     ssrc: Ssrc(0x1234_5678),
///     extensions: ExtensionsToSend {
///         audio_level: Some(AudioLevel::new(true, 30)),
///         ..Default::default()
///     },
///     ..Default::default()
/// };
/// header.write(&map, &mut datagram);
/// datagram.extend_from_slice(b"a frame of Opus");
///
/// let packet = Packet::parse(&datagram)?;
/// assert_eq!(packet.header.sequence_number, Seq16(17));
/// assert_eq!(packet.payload(), b"a frame of Opus");
/// let level = packet.extensions(&map).audio_level().unwrap();
/// assert_eq!((level.voice(), level.level()), (true, 30));
/// # Ok::<(), duologue_rtp::HeaderError>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Packet<'a> {
    /// What stands before the payload.
    pub header: Header,
    datagram: &'a [u8],
    padding: u8,
}

impl<'a> Packet<'a> {
    /// Reads header and padding.
    ///
    /// # Errors
    /// The bytes are no RTP packet.
    pub fn parse(datagram: &'a [u8]) -> Result<Packet<'a>, HeaderError> {
        let header = Header::parse(datagram)?;
        let padding = match header.content(datagram)? {
            Content::Payload(range) => (datagram.len() - range.end) as u8,
            Content::PaddingOnly(count) => count,
        };

        Ok(Packet {
            header,
            datagram,
            padding,
        })
    }

    /// The payload without the padding; empty in a packet of padding only.
    pub fn payload(&self) -> &'a [u8] {
        let end = self.datagram.len() - usize::from(self.padding);
        &self.datagram[self.header.size()..end]
    }

    /// Whether the packet has no payload: see [`Content::PaddingOnly`].
    pub fn is_padding_only(&self) -> bool {
        self.payload().is_empty()
    }

    /// Bytes of padding at the packet's end.
    pub fn padding(&self) -> u8 {
        self.padding
    }

    /// Who contributed to the payload.
    pub fn csrcs(&self) -> impl Iterator<Item = Ssrc> + 'a {
        self.header.csrcs(self.datagram)
    }

    /// The elements of its header extension as they are.
    pub fn elements(&self) -> Elements<'a> {
        match self.header.extension {
            Some(block) => block.elements(self.datagram),
            None => Elements::default(),
        }
    }

    /// What the elements say, by the ids that were agreed on.
    pub fn extensions(&self, map: &ExtensionMap) -> Extensions {
        match self.header.extension {
            Some(block) => Extensions::read(block, self.datagram, map),
            None => Extensions::default(),
        }
    }
}

/// The header of a packet to be sent.
///
/// What is written of [`ExtensionsToSend`] are those that the map has an id for.
#[derive(Clone, Copy, Debug, Default)]
pub struct HeaderToSend<'a> {
    /// The M bit.
    pub marker: bool,
    /// Which format the payload has.
    pub payload_type: PayloadType,
    /// The sequence number: one more than in the packet before.
    pub sequence_number: Seq16,
    /// When the payload was sampled, in ticks of the format's clock.
    pub timestamp: u32,
    /// The stream.
    pub ssrc: Ssrc,
    /// Who contributed to the payload; those after the fifteenth are left out (RFC 3550 §5.1).
    pub csrcs: &'a [Ssrc],
    /// What the header extension says.
    pub extensions: ExtensionsToSend<'a>,
    /// Sets the P bit: [`write_padding`] is to be called once the payload is written.
    pub padded: bool,
}

impl HeaderToSend<'_> {
    /// Appends the header to what is in `out`.
    #[inline]
    pub fn write(&self, map: &ExtensionMap, out: &mut Vec<u8>) {
        let csrcs = &self.csrcs[..self.csrcs.len().min(MAX_CSRCS)];
        let start = out.len();
        let mut fixed = [0; FIXED];
        fixed[0] = (VERSION << 6) | (u8::from(self.padded) * PADDED) | csrcs.len() as u8;
        fixed[1] = (u8::from(self.marker) * MARKER) | self.payload_type.get();
        fixed[2..4].copy_from_slice(&self.sequence_number.0.to_be_bytes());
        fixed[4..8].copy_from_slice(&self.timestamp.to_be_bytes());
        fixed[8..].copy_from_slice(&self.ssrc.0.to_be_bytes());
        out.extend_from_slice(&fixed);
        for csrc in csrcs {
            out.extend_from_slice(&csrc.0.to_be_bytes());
        }

        if self.extensions.write(map, out) {
            out[start] |= EXTENDED;
        }
    }
}

/// Appends padding, which says its own length (RFC 3550 §5.1); zero bytes are none.
pub fn write_padding(count: u8, out: &mut Vec<u8>) {
    if let Some(zeros) = count.checked_sub(1) {
        out.resize(out.len() + usize::from(zeros), 0);
        out.push(count);
    }
}

/// The datagram is RTCP rather than RTP, when both come to one port (RFC 5761 §4): the second byte
/// is 192 to 223. It says nothing about whether the rest is either.
pub fn is_rtcp(datagram: &[u8]) -> bool {
    datagram.get(1).is_some_and(|b| (192..=223).contains(b))
}

/// Bytes of a header without contributing sources and extension.
const FIXED: usize = 12;
const VERSION: u8 = 2;
const PADDED: u8 = 0x20;
const EXTENDED: u8 = 0x10;
const MARKER: u8 = 0x80;
/// As many as four bits count.
const MAX_CSRCS: usize = 15;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ext::{ExtensionKind, one_of_everything};

    fn plain() -> HeaderToSend<'static> {
        HeaderToSend {
            marker: true,
            payload_type: PayloadType::new(96).unwrap(),
            sequence_number: Seq16(0xfffe),
            timestamp: 0x0102_0304,
            ssrc: Ssrc(0x0506_0708),
            ..Default::default()
        }
    }

    #[test]
    fn the_fixed_header_is_laid_out_as_in_rfc_3550() {
        let mut packet = Vec::new();
        plain().write(&ExtensionMap::default(), &mut packet);
        let expected = [0x80, 0xe0, 0xff, 0xfe, 1, 2, 3, 4, 5, 6, 7, 8];
        assert_eq!(packet, expected);
    }

    #[test]
    fn a_header_is_appended_to_a_train() {
        let mut train = vec![1, 2, 3];
        plain().write(&ExtensionMap::default(), &mut train);
        assert_eq!(train[..3], [1, 2, 3]);
        assert!(Packet::parse(&train[3..]).is_ok());
    }

    #[test]
    fn a_packet_of_padding_only_is_its_own_kind() {
        // As Chromium and Firefox begin: the RTX stream, 255 bytes of padding, no payload, not even
        // the original sequence number.
        let mut packet = Vec::new();
        let header = HeaderToSend {
            padded: true,
            ..plain()
        };
        header.write(&ExtensionMap::default(), &mut packet);
        write_padding(255, &mut packet);
        assert_eq!(packet.len(), 12 + 255);

        let header = Header::parse(&packet).unwrap();
        assert_eq!(header.content(&packet), Ok(Content::PaddingOnly(255)));
        let parsed = Packet::parse(&packet).unwrap();
        assert!(parsed.is_padding_only());
        assert_eq!(parsed.padding(), 255);
        // A keep-alive has not even that.
        let parsed = Packet::parse(&[0x80; 12]).unwrap();
        assert!(parsed.is_padding_only());
    }

    #[test]
    fn padding_ends_the_payload() {
        let mut packet = Vec::new();
        let header = HeaderToSend {
            padded: true,
            ..plain()
        };
        header.write(&ExtensionMap::default(), &mut packet);
        packet.extend_from_slice(b"media");
        write_padding(1, &mut packet);
        let parsed = Packet::parse(&packet).unwrap();
        assert_eq!((parsed.payload(), parsed.padding()), (&b"media"[..], 1));
    }

    #[test]
    fn padding_that_fits_not_is_an_error() {
        let mut packet = vec![0xa0; 12];
        assert_eq!(Packet::parse(&packet), Err(HeaderError::Padding));
        packet.extend_from_slice(&[9, 9, 0]);
        assert_eq!(Packet::parse(&packet), Err(HeaderError::Padding));
        packet[14] = 4;
        assert_eq!(Packet::parse(&packet), Err(HeaderError::Padding));
        packet[14] = 3;
        assert!(Packet::parse(&packet).unwrap().is_padding_only());
    }

    #[test]
    fn a_header_that_is_cut_off_is_an_error() {
        let mut packet = Vec::new();
        let csrcs = [Ssrc(1), Ssrc(2)];
        let header = HeaderToSend {
            csrcs: &csrcs,
            extensions: one_of_everything(),
            ..plain()
        };
        let map = ExtensionMap::all(true);
        header.write(&map, &mut packet);
        for len in 0..packet.len() {
            assert_eq!(Header::parse(&packet[..len]), Err(HeaderError::Length));
        }
        assert_eq!(Header::parse(&packet).unwrap().size(), packet.len());
    }

    #[test]
    fn another_version_is_an_error() {
        assert_eq!(Header::parse(&[0x40; 12]), Err(HeaderError::Version));
        assert_eq!(Header::parse(&[0xc0; 12]), Err(HeaderError::Version));
        assert_eq!(Header::parse(&[0x80; 65_536]), Err(HeaderError::Length));
    }

    #[test]
    fn a_sixteenth_contributing_source_is_left_out() {
        let csrcs: Vec<Ssrc> = (0..16).map(Ssrc).collect();
        let mut packet = Vec::new();
        let header = HeaderToSend {
            csrcs: &csrcs,
            ..plain()
        };
        header.write(&ExtensionMap::default(), &mut packet);
        let parsed = Packet::parse(&packet).unwrap();
        assert!(parsed.csrcs().eq(csrcs[..15].iter().copied()));
    }

    #[test]
    fn rtcp_is_told_from_rtp_by_the_second_byte() {
        assert!(is_rtcp(&[0x80, 200, 0, 0]));
        assert!(!is_rtcp(&[0x80, 0x80 | 96]));
        assert!(!is_rtcp(&[0x80]));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            marker: bool,
            number in 0u8..128,
            sequence: u16,
            timestamp: u32,
            ssrc: u32,
            csrcs in proptest::collection::vec(any::<u32>(), 0..16),
            transport: u16,
            payload in proptest::collection::vec(any::<u8>(), 1..64),
            padding: u8,
        ) {
            let csrcs: Vec<Ssrc> = csrcs.into_iter().map(Ssrc).collect();
            let map = ExtensionMap::all(false);
            let header = HeaderToSend {
                marker,
                payload_type: PayloadType::new(number).unwrap(),
                sequence_number: Seq16(sequence),
                timestamp,
                ssrc: Ssrc(ssrc),
                csrcs: &csrcs,
                extensions: ExtensionsToSend {
                    transport_sequence: Some(transport),
                    ..Default::default()
                },
                padded: padding > 0,
            };
            let mut packet = Vec::new();
            header.write(&map, &mut packet);
            packet.extend_from_slice(&payload);
            write_padding(padding, &mut packet);

            let parsed = Packet::parse(&packet).unwrap();
            prop_assert_eq!(parsed.header.marker, marker);
            prop_assert_eq!(parsed.header.payload_type.get(), number);
            prop_assert_eq!(parsed.header.sequence_number.0, sequence);
            prop_assert_eq!(parsed.header.timestamp, timestamp);
            prop_assert_eq!(parsed.header.ssrc.0, ssrc);
            prop_assert!(parsed.csrcs().eq(csrcs.iter().copied()));
            prop_assert_eq!(parsed.payload(), &payload);
            prop_assert_eq!(parsed.padding(), padding);
            let read = parsed.extensions(&map);
            prop_assert_eq!(read.transport_sequence(), Some(transport));
            prop_assert!(read.has(ExtensionKind::TransportSequence));
        }

        #[test]
        fn junk_never_panics(mut junk in proptest::collection::vec(any::<u8>(), 0..200), v2: bool) {
            if let (true, Some(first)) = (v2, junk.first_mut()) {
                *first = *first & 0x3f | 0x80;
            }
            if let Ok(packet) = Packet::parse(&junk) {
                prop_assert!(packet.header.size() + packet.payload().len() <= junk.len());
                let _ = packet.extensions(&ExtensionMap::all(true));
                prop_assert!(packet.elements().count() <= junk.len());
            }
        }
    }
}

use super::{Writer, kind, split_ssrc, split_u32};
use crate::{NtpShort, NtpTime, Ssrc};

/// What a stream's sender has sent (RFC 3550 §6.4.1).
#[derive(Clone, Debug)]
pub struct SenderReport<'a> {
    /// The stream.
    pub sender: Ssrc,
    /// What was sent of the stream.
    pub info: SenderInfo,
    /// What the same end has received of other streams. Browsers leave them out here and send a
    /// receiver report beside it.
    pub blocks: ReportBlocks<'a>,
}

/// What was sent of a stream (RFC 3550 §6.4.1).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct SenderInfo {
    /// When the report was sent, on the sender's clock.
    pub ntp_time: NtpTime,
    /// The moment when the report was sent, as the stream's time stamps have it.
    pub rtp_time: u32,
    /// Packets since the stream began, modulo 2^32.
    pub packet_count: u32,
    /// Bytes of their payloads, modulo 2^32.
    pub octet_count: u32,
}

/// What a receiver has received (RFC 3550 §6.4.2).
#[derive(Clone, Debug)]
pub struct ReceiverReport<'a> {
    /// Who reports; anything if it sends no stream itself.
    pub sender: Ssrc,
    /// The report blocks, one for each stream, or none.
    pub blocks: ReportBlocks<'a>,
}

/// What was received of one stream (RFC 3550 §6.4.1).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ReportBlock {
    /// The stream.
    pub ssrc: Ssrc,
    /// Lost since the last report, in 256ths of what was expected.
    pub fraction_lost: u8,
    /// Expected less received packets since the stream began; duplicates may make it negative.
    /// It has 24 bits on the wire and is cut to them.
    pub cumulative_lost: i32,
    /// The highest sequence number received, with a count of its cycles before it.
    pub highest_sequence: u32,
    /// The mean deviation of the time that packets take, in ticks of the stream's clock (§A.8).
    pub jitter: u32,
    /// The middle of the last sender report's time; zero if there was none.
    pub last_sr: NtpShort,
    /// How long ago that was; zero if there was none.
    pub delay_since_last_sr: NtpShort,
}

/// The blocks of a report.
#[derive(Clone, Debug, Default)]
pub struct ReportBlocks<'a> {
    rest: &'a [[u8; BLOCK]],
}

impl<'a> SenderReport<'a> {
    pub(super) fn parse(count: u8, mut body: &'a [u8]) -> Option<Self> {
        let bytes = &mut body;
        Some(SenderReport {
            sender: split_ssrc(bytes)?,
            info: SenderInfo {
                ntp_time: NtpTime::from_bits(
                    u64::from(split_u32(bytes)?) << 32 | u64::from(split_u32(bytes)?),
                ),
                rtp_time: split_u32(bytes)?,
                packet_count: split_u32(bytes)?,
                octet_count: split_u32(bytes)?,
            },
            blocks: ReportBlocks::parse(count, body)?,
        })
    }
}

impl<'a> ReceiverReport<'a> {
    pub(super) fn parse(count: u8, mut body: &'a [u8]) -> Option<Self> {
        Some(ReceiverReport {
            sender: split_ssrc(&mut body)?,
            blocks: ReportBlocks::parse(count, body)?,
        })
    }
}

impl<'a> ReportBlocks<'a> {
    fn parse(count: u8, bytes: &'a [u8]) -> Option<Self> {
        // What is behind the blocks is a profile's extension (RFC 3550 §6.4.3).
        let rest = bytes.as_chunks().0.get(..count.into())?;
        Some(ReportBlocks { rest })
    }
}

impl Iterator for ReportBlocks<'_> {
    type Item = ReportBlock;

    fn next(&mut self) -> Option<ReportBlock> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(ReportBlock::from_bytes(first))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.rest.len(), Some(self.rest.len()))
    }
}

impl ExactSizeIterator for ReportBlocks<'_> {}

impl ReportBlock {
    fn from_bytes(bytes: &[u8; BLOCK]) -> Self {
        let word = |n: usize| {
            let [a, b, c, d] = [bytes[n], bytes[n + 1], bytes[n + 2], bytes[n + 3]];
            u32::from_be_bytes([a, b, c, d])
        };
        ReportBlock {
            ssrc: Ssrc(word(0)),
            fraction_lost: bytes[4],
            // 24 bits with a sign.
            cumulative_lost: (word(4) << 8) as i32 >> 8,
            highest_sequence: word(8),
            jitter: word(12),
            last_sr: NtpShort(word(16)),
            delay_since_last_sr: NtpShort(word(20)),
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        let lost = self.cumulative_lost.clamp(-0x80_0000, 0x7f_ffff) as u32 & 0xff_ffff;
        let words = [
            self.ssrc.0,
            u32::from(self.fraction_lost) << 24 | lost,
            self.highest_sequence,
            self.jitter,
            self.last_sr.0,
            self.delay_since_last_sr.0,
        ];
        for word in words {
            out.extend_from_slice(&word.to_be_bytes());
        }
    }
}

impl Writer<'_> {
    /// A sender report. Blocks after the 31st go into receiver reports behind it (RFC 3550 §6.1).
    pub fn sender_report(&mut self, sender: Ssrc, info: &SenderInfo, blocks: &[ReportBlock]) {
        let (first, rest) = blocks.split_at(blocks.len().min(MAX_COUNT));
        self.packet(kind::SR, first.len() as u8, |out| {
            out.extend_from_slice(&sender.0.to_be_bytes());
            out.extend_from_slice(&info.ntp_time.to_bits().to_be_bytes());
            for word in [info.rtp_time, info.packet_count, info.octet_count] {
                out.extend_from_slice(&word.to_be_bytes());
            }
            for block in first {
                block.write(out);
            }
        });
        if !rest.is_empty() {
            self.receiver_report(sender, rest);
        }
    }

    /// A receiver report; if there are more than 31 blocks, several of them (RFC 3550 §6.1).
    pub fn receiver_report(&mut self, sender: Ssrc, blocks: &[ReportBlock]) {
        let mut rest = blocks;
        loop {
            let (first, behind) = rest.split_at(rest.len().min(MAX_COUNT));
            self.packet(kind::RR, first.len() as u8, |out| {
                out.extend_from_slice(&sender.0.to_be_bytes());
                for block in first {
                    block.write(out);
                }
            });
            rest = behind;
            if rest.is_empty() {
                return;
            }
        }
    }
}

/// Bytes of a report block.
const BLOCK: usize = 24;
/// As many as five bits count.
const MAX_COUNT: usize = 31;

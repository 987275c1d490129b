use super::{Writer, kind, split_ssrc};
use crate::limits::MAX_DLRR_ENTRIES;
use crate::{NtpShort, NtpTime, Ssrc};

/// Extended reports (RFC 3611): how a receiver that sends nothing measures the round trip.
#[derive(Clone, Copy, Debug)]
pub struct ExtendedReport<'a> {
    /// The SSRC of who reports.
    pub sender: Ssrc,
    blocks: &'a [u8],
}

/// A block of an extended report.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ExtendedReportBlock<'a> {
    /// The receiver's time when it sent this (RFC 3611 §4.4).
    ReceiverReferenceTime(NtpTime),
    /// The answers to such times of several receivers (RFC 3611 §4.5).
    Dlrr(DlrrEntries<'a>),
    /// A block of another type.
    Unknown {
        /// The type.
        block_type: u8,
        /// What is behind the first four bytes.
        body: &'a [u8],
    },
}

/// The delay since the last receiver reference time (RFC 3611 §4.5).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Dlrr {
    /// The receiver whose reference time is answered.
    pub ssrc: Ssrc,
    /// The middle of the receiver's reference time; zero if there was none.
    pub last_rr: NtpShort,
    /// How long ago the receiver's reference time came.
    pub delay: NtpShort,
}

/// The entries of a DLRR block.
#[derive(Clone, Debug)]
pub struct DlrrEntries<'a> {
    rest: &'a [[u8; 12]],
}

impl Iterator for DlrrEntries<'_> {
    type Item = Dlrr;

    fn next(&mut self) -> Option<Dlrr> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        let [a, b, c, d, e, f, g, h, i, j, k, l] = *first;
        Some(Dlrr {
            ssrc: Ssrc(u32::from_be_bytes([a, b, c, d])),
            last_rr: NtpShort(u32::from_be_bytes([e, f, g, h])),
            delay: NtpShort(u32::from_be_bytes([i, j, k, l])),
        })
    }
}

impl<'a> ExtendedReport<'a> {
    pub(super) fn parse(mut body: &'a [u8]) -> Option<Self> {
        Some(ExtendedReport {
            sender: split_ssrc(&mut body)?,
            blocks: body,
        })
    }

    /// The blocks up to one that is cut off; those whose length is not their type's are skipped.
    pub fn blocks(&self) -> impl Iterator<Item = ExtendedReportBlock<'a>> + use<'a> {
        let mut rest = self.blocks;
        let split = move || {
            let (&[block_type, _, l0, l1], behind) = rest.split_first_chunk()?;
            let len = 4 * usize::from(u16::from_be_bytes([l0, l1]));
            let (body, behind) = behind.split_at_checked(len)?;
            rest = behind;
            Some((block_type, body))
        };
        std::iter::from_fn(split).filter_map(|(block_type, body)| match block_type {
            RRTR => {
                let time = u64::from_be_bytes(body.try_into().ok()?);
                Some(ExtendedReportBlock::ReceiverReferenceTime(
                    NtpTime::from_bits(time),
                ))
            }
            DLRR => {
                let rest = body.as_chunks().0;
                Some(ExtendedReportBlock::Dlrr(DlrrEntries { rest }))
            }
            block_type => Some(ExtendedReportBlock::Unknown { block_type, body }),
        })
    }
}

impl Writer<'_> {
    /// An extended report with our time, with answers to the times of others, or with both. Answers
    /// after the 64th are left out.
    pub fn extended_report(&mut self, sender: Ssrc, now: Option<NtpTime>, answers: &[Dlrr]) {
        let answers = &answers[..answers.len().min(MAX_DLRR_ENTRIES)];
        self.packet(kind::XR, 0, |out| {
            out.extend_from_slice(&sender.0.to_be_bytes());
            if let Some(now) = now {
                out.extend_from_slice(&[RRTR, 0, 0, 2]);
                out.extend_from_slice(&now.to_bits().to_be_bytes());
            }
            if !answers.is_empty() {
                let [l0, l1] = (3 * answers.len() as u16).to_be_bytes();
                out.extend_from_slice(&[DLRR, 0, l0, l1]);
                for answer in answers {
                    for word in [answer.ssrc.0, answer.last_rr.0, answer.delay.0] {
                        out.extend_from_slice(&word.to_be_bytes());
                    }
                }
            }
        });
    }
}

/// RFC 3611 §4.4
const RRTR: u8 = 4;
/// RFC 3611 §4.5
const DLRR: u8 = 5;

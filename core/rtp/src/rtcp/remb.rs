use super::{Writer, format, kind, split_ssrc, ssrcs};
use crate::Ssrc;

/// How much a receiver thinks it can receive of some streams together
/// (draft-alvestrand-rmcat-remb-03 §2.2).
#[derive(Clone, Copy, Debug)]
pub struct ReceiverEstimatedMaxBitrate<'a> {
    /// The SSRC of the receiver that estimates.
    pub sender: Ssrc,
    /// Bits per second; `u64::MAX` if it does not fit.
    pub bitrate: u64,
    list: &'a [u8],
}

impl<'a> ReceiverEstimatedMaxBitrate<'a> {
    /// The name stands behind the two SSRCs.
    pub(super) fn is_one(body: &[u8]) -> bool {
        body.get(8..12) == Some(NAME)
    }

    pub(super) fn parse(mut body: &'a [u8]) -> Option<Self> {
        let sender = split_ssrc(&mut body)?;
        // The SSRC of the media source is zero.
        split_ssrc(&mut body)?;
        let (&[_, _, _, _, count, a, b, c], rest) = body.split_first_chunk()?;
        let exponent = u32::from(a >> 2);
        let mantissa = u64::from(u32::from_be_bytes([0, a & 3, b, c]));
        let bitrate = mantissa.saturating_mul(1 << exponent);

        Some(ReceiverEstimatedMaxBitrate {
            sender,
            bitrate,
            list: rest.get(..4 * usize::from(count))?,
        })
    }

    /// The streams.
    pub fn ssrcs(&self) -> impl Iterator<Item = Ssrc> + use<'a> {
        ssrcs(self.list)
    }
}

impl Writer<'_> {
    /// Says how many bits per second may come of these streams, rounded down to 18 bits. Streams
    /// after the 255th are left out.
    pub fn receiver_estimated_max_bitrate(&mut self, sender: Ssrc, bitrate: u64, ssrcs: &[Ssrc]) {
        let ssrcs = &ssrcs[..ssrcs.len().min(255)];
        let exponent = (64 - bitrate.leading_zeros()).saturating_sub(18);
        let mantissa = (bitrate >> exponent) as u32;
        self.packet(kind::PSFB, format::AFB, |out| {
            out.extend_from_slice(&sender.0.to_be_bytes());
            out.extend_from_slice(&[0; 4]);
            out.extend_from_slice(NAME);
            let word = (ssrcs.len() as u32) << 24 | exponent << 18 | mantissa;
            out.extend_from_slice(&word.to_be_bytes());
            for ssrc in ssrcs {
                out.extend_from_slice(&ssrc.0.to_be_bytes());
            }
        });
    }
}

const NAME: &[u8] = b"REMB";

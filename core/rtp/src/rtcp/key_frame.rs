use super::{Writer, format, kind, split_ssrc};
use crate::Ssrc;

/// A decoder lost the picture and needs a key frame (RFC 4585 §6.3.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PictureLossIndication {
    /// The SSRC of who needs the key frame.
    pub sender: Ssrc,
    /// The stream.
    pub media: Ssrc,
}

impl PictureLossIndication {
    pub(super) fn parse(mut body: &[u8]) -> Option<Self> {
        Some(PictureLossIndication {
            sender: split_ssrc(&mut body)?,
            media: split_ssrc(&mut body)?,
        })
    }
}

/// Somebody new needs a key frame (RFC 5104 §4.3.1).
#[derive(Clone, Copy, Debug)]
pub struct FullIntraRequest<'a> {
    /// The SSRC of who asks.
    pub sender: Ssrc,
    entries: &'a [[u8; 8]],
}

impl<'a> FullIntraRequest<'a> {
    pub(super) fn parse(mut body: &'a [u8]) -> Option<Self> {
        let sender = split_ssrc(&mut body)?;
        // RFC 5104 §4.3.1.2: the SSRC of the media source is not used.
        split_ssrc(&mut body)?;
        Some(FullIntraRequest {
            sender,
            entries: body.as_chunks().0,
        })
    }

    /// The streams, each with a number that a repetition of the same request does not change.
    pub fn entries(&self) -> impl Iterator<Item = (Ssrc, u8)> + use<'a> {
        let entries = self.entries.iter();
        entries.map(|&[a, b, c, d, number, ..]| (Ssrc(u32::from_be_bytes([a, b, c, d])), number))
    }
}

impl Writer<'_> {
    /// Asks for a key frame of this stream.
    pub fn picture_loss_indication(&mut self, sender: Ssrc, media: Ssrc) {
        self.packet(kind::PSFB, format::PLI, |out| {
            out.extend_from_slice(&sender.0.to_be_bytes());
            out.extend_from_slice(&media.0.to_be_bytes());
        });
    }

    /// Asks for key frames of these streams, each with the number of the request: a new one has the
    /// next number. Those after the 31st are left out.
    pub fn full_intra_request(&mut self, sender: Ssrc, entries: &[(Ssrc, u8)]) {
        self.packet(kind::PSFB, format::FIR, |out| {
            out.extend_from_slice(&sender.0.to_be_bytes());
            out.extend_from_slice(&[0; 4]);
            for (ssrc, number) in entries.iter().take(31) {
                out.extend_from_slice(&ssrc.0.to_be_bytes());
                out.extend_from_slice(&[*number, 0, 0, 0]);
            }
        });
    }
}

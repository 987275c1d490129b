use super::{Writer, kind, ssrcs};
use crate::Ssrc;

/// Streams end (RFC 3550 §6.6). Firefox sends it on `inactive` as well, and goes on later with the
/// same SSRC; Chromium never sends it.
#[derive(Clone, Copy, Debug)]
pub struct Goodbye<'a> {
    list: &'a [u8],
    reason: &'a [u8],
}

impl<'a> Goodbye<'a> {
    pub(super) fn parse(count: u8, body: &'a [u8]) -> Option<Self> {
        let (list, rest) = body.split_at_checked(4 * usize::from(count))?;
        let reason = match rest.split_first() {
            Some((&len, text)) => text.get(..len.into())?,
            None => &[],
        };
        Some(Goodbye { list, reason })
    }

    /// The sources that end; there may be none.
    pub fn ssrcs(&self) -> impl Iterator<Item = Ssrc> + use<'a> {
        ssrcs(self.list)
    }

    /// Why, if it is said, and in UTF-8.
    pub fn reason(&self) -> Option<&'a str> {
        let text = std::str::from_utf8(self.reason).ok()?;
        (!text.is_empty()).then_some(text)
    }
}

impl Writer<'_> {
    /// Says that these streams end; if they are more than 31, in several packets.
    pub fn goodbye(&mut self, ssrcs: &[Ssrc]) {
        for some in ssrcs.chunks(31) {
            self.packet(kind::BYE, some.len() as u8, |out| {
                for ssrc in some {
                    out.extend_from_slice(&ssrc.0.to_be_bytes());
                }
            });
        }
    }
}

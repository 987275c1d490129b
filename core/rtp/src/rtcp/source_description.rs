use super::{Writer, kind, split_ssrc};
use crate::Ssrc;

/// Who is behind SSRCs (RFC 3550 §6.5). Browsers send one beside sender reports, and one alone for
/// streams that do not flow.
#[derive(Clone, Debug)]
pub struct SourceDescription<'a> {
    /// Whole chunks only: it was walked once.
    chunks: &'a [u8],
    count: u8,
}

/// What is said of one SSRC.
#[derive(Clone, Debug)]
pub struct SourceDescriptionChunk<'a> {
    /// The SSRC.
    pub ssrc: Ssrc,
    items: &'a [u8],
}

/// One thing that is said of an SSRC.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SourceDescriptionItem<'a> {
    /// 1 is CNAME (RFC 3550 §12.2).
    pub item_type: u8,
    /// The value of the item, which should be UTF-8.
    pub value: &'a [u8],
}

impl<'a> SourceDescription<'a> {
    pub(super) fn parse(count: u8, body: &'a [u8]) -> Option<Self> {
        let mut rest = body;
        for _ in 0..count {
            SourceDescriptionChunk::split(&mut rest)?;
        }
        Some(SourceDescription {
            chunks: body,
            count,
        })
    }

    /// What is said, by SSRC.
    pub fn chunks(&self) -> impl Iterator<Item = SourceDescriptionChunk<'a>> + use<'a> {
        let mut rest = self.chunks;
        (0..self.count).map_while(move |_| SourceDescriptionChunk::split(&mut rest))
    }
}

impl<'a> SourceDescriptionChunk<'a> {
    /// A chunk ends with at least one zero byte, at a multiple of four (RFC 3550 §6.5).
    fn split(rest: &mut &'a [u8]) -> Option<Self> {
        let ssrc = split_ssrc(rest)?;
        let items = *rest;
        let mut len = 0;
        while *items.get(len)? != END {
            len += 2 + usize::from(*items.get(len + 1)?);
        }

        *rest = items.get((len + 1).next_multiple_of(4)..)?;
        Some(SourceDescriptionChunk {
            ssrc,
            items: &items[..len],
        })
    }

    /// What is said.
    pub fn items(&self) -> impl Iterator<Item = SourceDescriptionItem<'a>> + use<'a> {
        let mut rest = self.items;
        std::iter::from_fn(move || {
            let (&[item_type, len], behind) = rest.split_first_chunk()?;
            let (value, behind) = behind.split_at_checked(len.into())?;
            rest = behind;
            Some(SourceDescriptionItem { item_type, value })
        })
    }

    /// The name that all streams of one endpoint share (RFC 7022); `None` also if it is not UTF-8.
    pub fn cname(&self) -> Option<&'a str> {
        let item = self.items().find(|item| item.item_type == CNAME)?;
        std::str::from_utf8(item.value).ok()
    }
}

impl Writer<'_> {
    /// A source description that says the same CNAME of these SSRCs; if they are more than 31,
    /// several. Of a name what is beyond 255 bytes is left out.
    pub fn source_description(&mut self, ssrcs: &[Ssrc], cname: &str) {
        let cname = duologue_base::cut(cname, 255).as_bytes();
        for some in ssrcs.chunks(31) {
            self.packet(kind::SDES, some.len() as u8, |out| {
                for ssrc in some {
                    let start = out.len();
                    out.extend_from_slice(&ssrc.0.to_be_bytes());
                    out.extend_from_slice(&[CNAME, cname.len() as u8]);
                    out.extend_from_slice(cname);
                    let len = out.len() + 1 - start;
                    out.resize(start + len.next_multiple_of(4), END);
                }
            });
        }
    }
}

/// Ends the items of a chunk.
const END: u8 = 0;
const CNAME: u8 = 1;

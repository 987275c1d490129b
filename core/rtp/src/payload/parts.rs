use std::ops::{Deref, Range};

use smallvec::SmallVec;

use crate::limits;

/// Where the pieces lie that a frame consists of and that a packetiser must not have to find again:
/// NAL units (without start codes), OBUs (whole, with header and size), else the frame as one.
///
/// In the order of the frame. Up to four lie in the value itself.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Parts(SmallVec<[Range<u32>; 4]>);

impl Parts {
    /// An empty list of pieces.
    pub fn new() -> Self {
        Parts::default()
    }

    /// The whole of a frame of `len` bytes.
    pub fn whole(len: u32) -> Self {
        let mut parts = Parts::new();
        parts.0.push(0..len);
        parts
    }

    /// Takes all away and keeps the memory.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// False, and nothing changed, when there are as many as there may be.
    pub(crate) fn push(&mut self, part: Range<u32>) -> bool {
        let fits = self.0.len() < limits::MAX_PARTS;
        if fits {
            self.0.push(part);
        }
        fits
    }

    pub(crate) fn truncate(&mut self, len: usize) {
        self.0.truncate(len);
    }
}

impl FromIterator<Range<u32>> for Parts {
    /// Those behind as many as there may be are left out.
    fn from_iter<I: IntoIterator<Item = Range<u32>>>(parts: I) -> Self {
        Parts(parts.into_iter().take(limits::MAX_PARTS).collect())
    }
}

impl Deref for Parts {
    type Target = [Range<u32>];

    fn deref(&self) -> &[Range<u32>] {
        &self.0
    }
}

/// The bytes of a part, none where it lies outside.
pub(crate) fn bytes<'a>(frame: &'a [u8], part: &Range<u32>) -> &'a [u8] {
    let range = part.start as usize..part.end as usize;
    frame.get(range).unwrap_or_default()
}

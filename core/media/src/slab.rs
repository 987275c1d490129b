use bytes::{Bytes, BytesMut};

use crate::limits::SLAB_BYTES;

/// A copy in a piece of memory that many share, and that is used again once all of them are gone: in
/// the long run nothing is allocated.
pub(crate) fn copy(slab: &mut BytesMut, bytes: &[u8]) -> Bytes {
    if slab.capacity() < bytes.len() {
        slab.reserve(SLAB_BYTES.max(bytes.len()));
    }
    slab.extend_from_slice(bytes);
    slab.split().freeze()
}

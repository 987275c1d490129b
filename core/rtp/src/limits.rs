//! Every bound of the crate. A peer must not choose how much memory or work it costs us.

/// Elements beside the known ones that one header is written with.
pub(crate) const MAX_OTHER_ELEMENTS: usize = 16;

//! Memory that sessions use only while they run, so that idle ones hold none of it.

use std::cell::RefCell;

use duologue_udp::ReceiveBuffers;

/// One of these per thread: a session's turn is synchronous, so two never need one at once.
#[derive(Default)]
pub(crate) struct Scratch {
    /// What was received and is being handled.
    pub(crate) receive: ReceiveBuffers,
    /// What a stream brought and is being handled.
    pub(crate) stream: Vec<u8>,
    /// The train that is being made and sent.
    pub(crate) transmit: Vec<u8>,
}

thread_local! {
    static SCRATCH: RefCell<Option<Box<Scratch>>> = const { RefCell::new(None) };
}

/// Runs `work` with this thread's memory.
pub(crate) fn with<R>(work: impl FnOnce(&mut Scratch) -> R) -> R {
    // Taken, not borrowed: should a runtime ever poll a session inside another's turn, the inner
    // one gets memory of its own in place of a panic.
    let mut scratch = SCRATCH.with_borrow_mut(Option::take).unwrap_or_default();
    let result = work(&mut scratch);
    SCRATCH.set(Some(scratch));
    result
}

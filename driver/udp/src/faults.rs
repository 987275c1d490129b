//! Errors that the system did not make, for tests of what becomes of connections then: with the feature
//! `faults`, which nothing that is shipped has.
//!
//! They are those of all sockets of the process, so that whoever tests a whole program needs no way through its
//! layers.
//!
//! ```
//! use duologue_base::{Dscp, Ecn, SocketId, Transmit};
//! use duologue_udp::faults::{Call, Fault, made, set};
//! use duologue_udp::{Socket, SocketOptions};
//!
//! # fn main() -> std::io::Result<()> {
//! let socket = Socket::bind("127.0.0.1:0".parse().unwrap(), &SocketOptions::default())?;
//! let transmit = Transmit {
//!     socket: SocketId(0),
//!     remote: socket.local_addr(),
//!     local_ip: None,
//!     ecn: Ecn::NotEct,
//!     dscp: Dscp::DEFAULT,
//!     len: 1,
//!     segment_size: None,
//! };
//! set(Call::Send, Some(Fault { code: 1, one_in: 1 }));
//! let refused = socket.send(&transmit, &[7]).unwrap_err();
//! assert_eq!((refused.raw_os_error(), made(Call::Send)), (Some(1), 1));
//! set(Call::Send, None);
//! assert_eq!(socket.send(&transmit, &[7])?, 1);
//! # Ok(())
//! # }
//! ```

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

/// A system call that sockets make.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Call {
    /// Calls of [`Socket::send`](crate::Socket::send).
    Send,
    /// Calls of [`Socket::receive`](crate::Socket::receive).
    Receive,
}

/// What happens to some of the calls, in place of the call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Fault {
    /// The system's number of the error: `ENOBUFS` and its like.
    pub code: i32,
    /// How many calls there are for each that fails; 1 for all of them.
    pub one_in: u32,
}

/// Lets calls of this kind fail so from now on, or none.
pub fn set(call: Call, fault: Option<Fault>) {
    let packed = fault.map_or(NONE, |fault| {
        u64::from(fault.code.cast_unsigned()) << 32 | u64::from(fault.one_in.max(1))
    });
    call.state().fault.store(packed, Ordering::Relaxed);
}

/// How many calls of this kind failed by [`set`] so far.
pub fn made(call: Call) -> u64 {
    call.state().made.load(Ordering::Relaxed)
}

/// The fault of this call, if it is to fail.
pub(crate) fn strike(call: Call) -> io::Result<()> {
    let state = call.state();
    let packed = state.fault.load(Ordering::Relaxed);
    if packed == NONE {
        return Ok(());
    }
    let calls = state.calls.fetch_add(1, Ordering::Relaxed);
    if !calls.is_multiple_of(packed & u64::from(u32::MAX)) {
        return Ok(());
    }
    state.made.fetch_add(1, Ordering::Relaxed);
    Err(io::Error::from_raw_os_error((packed >> 32) as i32))
}

/// No fault has it: it would be one in none.
const NONE: u64 = 0;

struct State {
    /// The code, then one in how many.
    fault: AtomicU64,
    calls: AtomicU64,
    made: AtomicU64,
}

impl State {
    const fn new() -> Self {
        State {
            fault: AtomicU64::new(NONE),
            calls: AtomicU64::new(0),
            made: AtomicU64::new(0),
        }
    }
}

impl Call {
    fn state(self) -> &'static State {
        static SEND: State = State::new();
        static RECEIVE: State = State::new();
        match self {
            Call::Send => &SEND,
            Call::Receive => &RECEIVE,
        }
    }
}

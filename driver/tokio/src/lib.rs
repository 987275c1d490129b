//! Runs sessions on tokio.
//!
//! An [`Endpoint`] is what the sessions of one application share: the runtime, the choice of
//! interfaces, the clock and, if wanted, one UDP port. [`Endpoint::spawn`] makes one task of a
//! [`Session`] and returns the [`SessionHandle`] that feeds it commands; what the session reports
//! goes to a [`Host`], on that task.
//!
//! ```text
//! SessionHandle ──commands──► queue ─┐          ┌─► Host::handle_report
//!                     sockets ───────┤ Session  ├─► Host::handle_channel_report
//!                       timer ───────┘          └─► sockets
//! ```
//!
//! A turn of the task is: take all commands, take what the sockets have in batches, let time
//! pass, perform actions, send until nothing is left, report. The work of a turn is bounded. The
//! task owns the session: no lock is held while a packet is made or read, and no thread belongs to
//! a connection. By default each transport of each session has a UDP socket of its own on each
//! interface, as browsers do; a server may have one port for all sessions ([`Ports::Shared`]).
//! Byte streams to TURN servers and peers are read and written in the same turns.
#![forbid(unsafe_code)]

mod endpoint;
mod host;
mod limits;
mod mailbox;
mod mdns;
mod notice;
mod queue;
mod route;
mod scratch;
mod shared;
mod socket;
mod stream;
mod task;
mod timer;

#[doc(no_inline)]
pub use duologue_session::Session;
pub use duologue_udp::{Interface, InterfaceFilter, SocketOptions};
pub use endpoint::{Endpoint, EndpointOptions, EndpointStats, Ports, SessionHandle, system_time};
pub use host::Host;
pub use stream::TlsRoots;

//! The native part of the npm package: the control plane on the JavaScript thread, the data plane
//! on a runtime of its own. The W3C's interfaces are made of it in `lib/`: `lib/native.ts` has the
//! types of what passes, made of the types here, and `lib/binding.ts` the functions.
//!
//! ```text
//! JavaScript thread                            runtime's threads
//! peer::PeerConnection ──Command──► SessionHandle ──► session task
//!        ▲                                                │
//!        └─next()── Inbox ◄──Report, ChannelReport────────┤ Host
//!              ▲                                          │
//!              └────────── Hub: one wake-up for all ◄─────┘
//! ```
//!
//! Nothing is shared between JavaScript threads but the runtime and the endpoint of those who name
//! none: each connection belongs to the thread that made it.
#![allow(
    unsafe_code,
    reason = "the macros of Node-API make functions that C calls"
)]

pub mod certificate;
pub mod channels;
pub mod connection;
mod data_plane;
pub mod devices;
mod effect;
pub mod endpoint;
mod environment;
mod exception;
pub mod flow;
pub mod host;
pub mod ice_transport;
mod limits;
mod log;
pub mod media;
mod mirror;
pub mod sframe;
pub mod transports;
#[cfg(all(test, feature = "typescript"))]
mod typescript;

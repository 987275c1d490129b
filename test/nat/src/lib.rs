//! Networks for tests: namespaces of the kernel, joined by virtual cables and translated by real
//! NATs (nftables), with a STUN and TURN server (coturn) in the middle.
//!
//! The peers are processes of [`nat-peer`](../nat_peer/index.html), one in each namespace, driven
//! by JSON lines. Everything ends with the value that stands for it. It takes root on Linux.

mod call;
mod coturn;
mod namespace;
mod nat;

pub use call::{Call, PeerOptions, Side};
pub use coturn::Coturn;
pub use namespace::{Namespace, need_namespaces};
pub use nat::{Internet, Kind, Site};

//! Whole connections over a network that exists only in memory, in virtual time.
//!
//! A [`World`] has hosts and a [`Network`] between them. Everything random comes from one seed, so
//! that a failure is a number: [`for_seeds`] prints it, and `DUOLOGUE_SEED=n` runs only that one.
//! (Keys and signatures stay random; they decide nothing here.) After every step the world checks
//! what must hold at all times.
//!
//! ```
//! use duologue_sim::{Link, World};
//! use std::time::Duration;
//!
//! let mut world: World = World::new(7, Link::default().delay(Duration::from_millis(20)));
//! let [alice, bob] = world.pair();
//! world.connect(alice, bob);
//! world.run_until(Duration::from_secs(5), |world| world.is_connected(alice));
//! ```
#![forbid(unsafe_code)]

mod asleep;
pub mod congestion;
mod host;
mod identity;
mod machine;
mod nat;
mod network;
mod peer;
mod scenario;
mod signalling;
pub mod swarm;
mod world;

pub use asleep::sleep_for_an_hour;
pub use host::{Host, HostId, Received};
pub use machine::Machine;
pub use nat::NatKind;
pub use network::{Burst, Link, Network, NetworkStats};
pub use peer::{Peer, Signal, Speed};
pub use scenario::for_seeds;
pub use signalling::{Description, Message};
pub use world::{End, World};

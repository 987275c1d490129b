//! Whole connections over a seeded network, in virtual time. One program: each of its own would be built from the same generic
//! code again.

mod any_order;
mod bandwidth;
mod channels;
mod common;
mod connect;
mod handover;
mod handshake;
mod media;
mod peers;
mod resilience;
mod round_trips;
mod swarm;

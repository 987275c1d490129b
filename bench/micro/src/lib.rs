//! Two ends of a connection in one thread, in virtual time and without sockets, for programs that
//! measure what the layers cost by themselves: instructions (`bench-micro`), allocations
//! (`tests/allocations.rs`) and throughput (`examples/in_memory.rs`).

mod associations;
mod identity;
mod pair;
mod transports;

pub use associations::Associations;
pub use identity::certificate;
pub use pair::{End, Pair, Train};
pub use transports::Transports;

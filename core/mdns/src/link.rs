/// A network interface and a family of addresses on it, as the owner numbers them.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Link(pub u32);

/// The socket, of a link's two, that a datagram leaves from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Source {
    /// Port 5353, which the programs of a host share.
    Shared,
    /// A port of its own.
    Own,
}

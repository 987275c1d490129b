//! Word of the system that the interfaces or their addresses changed.

use std::io;
use std::os::fd::OwnedFd;

/// A non-blocking datagram socket that becomes readable when an interface or an address of one
/// changed. What it brings is of no use but for that: the list is to be looked at again, also when
/// reading fails, since what overflowed is a change, too. Linux only so far.
///
/// # Errors
/// What the system says; [`io::ErrorKind::Unsupported`] where it has no such thing.
pub fn interface_changes() -> io::Result<OwnedFd> {
    system::open()
}

#[cfg(target_os = "linux")]
mod system {
    use std::io;
    use std::os::fd::{AsFd, OwnedFd};

    use netlink_sys::protocols::NETLINK_ROUTE;
    use netlink_sys::{Socket, SocketAddr};

    pub(super) fn open() -> io::Result<OwnedFd> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        socket.set_non_blocking(true)?;
        socket.bind(&SocketAddr::new(0, LINKS | IPV4_ADDRESSES | IPV6_ADDRESSES))?;
        socket.as_fd().try_clone_to_owned()
    }

    /// rtnetlink(7): `RTMGRP_LINK`, `RTMGRP_IPV4_IFADDR`, `RTMGRP_IPV6_IFADDR`.
    const LINKS: u32 = 1;
    const IPV4_ADDRESSES: u32 = 0x10;
    const IPV6_ADDRESSES: u32 = 0x100;
}

#[cfg(not(target_os = "linux"))]
mod system {
    pub(super) fn open() -> std::io::Result<std::os::fd::OwnedFd> {
        Err(std::io::ErrorKind::Unsupported.into())
    }
}

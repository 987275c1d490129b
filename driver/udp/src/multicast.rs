//! The sockets of multicast DNS (RFC 6762).

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, UdpSocket};

use socket2::{Domain, Socket, Type};

use crate::Interface;

/// What multicast DNS needs on one interface for one family of addresses. All sockets are
/// non-blocking.
#[derive(Debug)]
pub struct MdnsSockets {
    /// The socket on port 5353, which the programs of a host share. It receives what is sent to the group on
    /// this interface.
    pub shared: UdpSocket,
    /// The socket on a free port: answers to what is sent from here reach nobody else.
    pub own: UdpSocket,
    /// The group, as both send to it.
    pub group: SocketAddr,
}

impl MdnsSockets {
    /// Opens them for the interface of this address.
    ///
    /// # Errors
    /// What the system says: the interface knows no multicast or is gone, another program has the
    /// port to itself.
    pub fn open(interface: &Interface) -> io::Result<Self> {
        let index = interface.index.unwrap_or(0);
        let group = match interface.ip {
            IpAddr::V4(_) => SocketAddr::from((GROUP_V4, PORT)),
            IpAddr::V6(_) => SocketAddrV6::new(GROUP_V6, PORT, 0, index).into(),
        };
        let shared = socket(interface, index)?;
        shared.set_reuse_address(true)?;
        #[cfg(all(unix, not(any(target_os = "solaris", target_os = "illumos"))))]
        shared.set_reuse_port(true)?;
        match interface.ip {
            IpAddr::V4(ip) => {
                shared.join_multicast_v4(&GROUP_V4, &ip)?;
                // Not what other sockets of this host joined on other interfaces.
                #[cfg(any(target_os = "linux", target_os = "android"))]
                shared.set_multicast_all_v4(false)?;
            }
            IpAddr::V6(_) => shared.join_multicast_v6(&GROUP_V6, index)?,
        }
        shared.bind(&listening_address(group).into())?;
        let own = socket(interface, index)?;
        own.bind(&SocketAddr::new(interface.ip, 0).into())?;
        Ok(MdnsSockets {
            shared: shared.into(),
            own: own.into(),
            group,
        })
    }
}

/// A socket that multicasts on this interface, also to this host, and no router forwards that.
fn socket(interface: &Interface, index: u32) -> io::Result<Socket> {
    let domain = match interface.ip {
        IpAddr::V4(_) => Domain::IPV4,
        IpAddr::V6(_) => Domain::IPV6,
    };
    let socket = Socket::new(domain, Type::DGRAM, None)?;
    socket.set_nonblocking(true)?;
    match interface.ip {
        IpAddr::V4(ip) => {
            socket.set_multicast_if_v4(&ip)?;
            socket.set_multicast_ttl_v4(TTL)?;
            socket.set_multicast_loop_v4(true)?;
        }
        IpAddr::V6(_) => {
            socket.set_only_v6(true)?;
            socket.set_multicast_if_v6(index)?;
            socket.set_multicast_hops_v6(TTL)?;
            socket.set_multicast_loop_v6(true)?;
        }
    }
    Ok(socket)
}

/// The group itself where the system allows it: then no unicast datagram that is for another
/// program on the port ends up here (RFC 6762 §15.1), and nothing from beyond the link (§11).
fn listening_address(group: SocketAddr) -> SocketAddr {
    if cfg!(unix) {
        return group;
    }
    match group {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, PORT).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, PORT).into(),
    }
}

/// RFC 6762 §3
const GROUP_V4: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);
const GROUP_V6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb);
const PORT: u16 = 5353;
/// RFC 6762 §11: "All Multicast DNS responses (including responses sent via unicast) SHOULD be
/// sent with IP TTL set to 255."
const TTL: u32 = 255;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::interfaces;

    #[test]
    fn programs_of_one_host_hear_each_other_on_every_interface() {
        let mut heard = 0;
        for interface in interfaces().unwrap() {
            let link_local = matches!(interface.ip, IpAddr::V6(ip) if ip.is_unicast_link_local());
            let (false, Ok(one), Ok(other)) = (
                link_local,
                MdnsSockets::open(&interface),
                MdnsSockets::open(&interface),
            ) else {
                continue;
            };
            let said = format!("{} on {}", interface.ip, interface.name);
            for from in [&one.shared, &one.own] {
                if from.send_to(said.as_bytes(), one.group).is_err() {
                    // Linux has no route for multicast on the IPv6 side of `lo`.
                    assert!(interface.ip.is_ipv6() && interface.is_loopback);
                    continue;
                }
                other.shared.set_nonblocking(false).unwrap();
                let limit = Some(Duration::from_secs(5));
                other.shared.set_read_timeout(limit).unwrap();
                let mut buffer = [0; 1500];
                loop {
                    // Others may be talking, too.
                    let (len, _) = other.shared.recv_from(&mut buffer).unwrap();
                    if buffer[..len] == *said.as_bytes() {
                        break;
                    }
                }
                heard += 1;
            }
        }
        assert!(heard >= 2, "the IPv4 side of the loopback interface does");
    }
}

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::message::{MAGIC_COOKIE, TransactionId};

const FAMILY_IPV4: u8 = 0x01;
const FAMILY_IPV6: u8 = 0x02;

/// Longest encoding of an address attribute's value.
pub(crate) const LEN_MAX: usize = 20;

/// RFC 8489 §14.1: the value of MAPPED-ADDRESS and its like.
pub(crate) fn read(value: &[u8]) -> Option<SocketAddr> {
    let (&[_, family, p0, p1], ip) = value.split_first_chunk::<4>()?;
    let ip = match family {
        FAMILY_IPV4 => IpAddr::V4(Ipv4Addr::from(<[u8; 4]>::try_from(ip).ok()?)),
        FAMILY_IPV6 => IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(ip).ok()?)),
        _ => return None,
    };
    Some(SocketAddr::new(ip, u16::from_be_bytes([p0, p1])))
}

/// RFC 8489 §14.2: the same with the address hidden from middleboxes that rewrite addresses.
pub(crate) fn read_xored(value: &[u8], id: TransactionId) -> Option<SocketAddr> {
    read(value).map(|addr| xor(addr, id))
}

pub(crate) fn write(addr: SocketAddr, out: &mut [u8; LEN_MAX]) -> usize {
    out[0] = 0;
    out[2..4].copy_from_slice(&addr.port().to_be_bytes());
    match addr.ip() {
        IpAddr::V4(ip) => {
            out[1] = FAMILY_IPV4;
            out[4..8].copy_from_slice(&ip.octets());
            8
        }
        IpAddr::V6(ip) => {
            out[1] = FAMILY_IPV6;
            out[4..20].copy_from_slice(&ip.octets());
            20
        }
    }
}

/// Its own inverse.
pub(crate) fn xor(addr: SocketAddr, id: TransactionId) -> SocketAddr {
    let ip = match addr.ip() {
        IpAddr::V4(ip) => IpAddr::V4(Ipv4Addr::from_bits(ip.to_bits() ^ MAGIC_COOKIE)),
        IpAddr::V6(ip) => {
            let mut mask = [0; 16];
            mask[..4].copy_from_slice(&MAGIC_COOKIE.to_be_bytes());
            mask[4..].copy_from_slice(&id.0);
            let bits = ip.to_bits() ^ u128::from_be_bytes(mask);
            IpAddr::V6(Ipv6Addr::from_bits(bits))
        }
    };
    SocketAddr::new(ip, addr.port() ^ (MAGIC_COOKIE >> 16) as u16)
}

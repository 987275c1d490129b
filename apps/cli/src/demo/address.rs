//! Where the demo can be opened.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;

/// The addresses at which a server that listens at `listen` is found, the likeliest first. Others
/// than this machine's own come first: they open it here, too.
pub(super) fn addresses(listen: IpAddr) -> Vec<IpAddr> {
    if !listen.is_unspecified() {
        return vec![listen];
    }
    // Without a list the address of this machine's own is left.
    let interfaces = duologue_udp::interfaces().unwrap_or_default();
    let is_wanted = |ip: &IpAddr| ip.is_ipv4() || listen.is_ipv6();
    let mut addresses: Vec<IpAddr> = interfaces
        .into_iter()
        .filter(|interface| !interface.is_loopback)
        .map(|interface| interface.ip)
        .filter(|ip| is_wanted(ip) && !is_link_local(ip))
        .collect();
    let default = of_default_route();
    addresses.sort_by_key(|ip| (Some(*ip) != default, ip.is_ipv6()));
    addresses.dedup();
    addresses.push(match listen {
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    });
    addresses
}

/// A browser needs the interface with these, and has no way to be told.
fn is_link_local(ip: &IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

/// The address that this host would use towards the rest of the world. Nothing is sent.
fn of_default_route() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    // RFC 5737: an address of nobody's.
    socket.connect(SocketAddr::from(([192, 0, 2, 1], 9))).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

/// A URL for the camera of a phone: black on white, whatever the colours of the terminal are.
pub(super) fn qr_code(url: &str) -> Option<String> {
    let code = QrCode::new(url).ok()?;
    let text = code
        .render::<Dense1x2>()
        .dark_color(Dense1x2::Light)
        .light_color(Dense1x2::Dark)
        .build();
    let lines = text
        .lines()
        .map(|line| format!("  {WHITE_ON_BLACK}{line}{RESET}\n"));
    Some(lines.collect())
}

/// What is drawn is the white of the code.
const WHITE_ON_BLACK: &str = "\x1b[97;40m";
const RESET: &str = "\x1b[0m";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_at_every_address_is_found_at_each_of_them_and_on_this_machine() {
        let everywhere = addresses(Ipv4Addr::UNSPECIFIED.into());
        let (own, others) = everywhere.split_last().unwrap();
        assert_eq!(*own, IpAddr::from(Ipv4Addr::LOCALHOST));
        assert!(others.iter().all(|ip| ip.is_ipv4() && !ip.is_loopback()));
        let one: IpAddr = "192.0.2.7".parse().unwrap();
        assert_eq!(addresses(one), [one]);
    }

    #[test]
    fn the_code_of_a_url_is_square_with_a_white_edge() {
        let code = qr_code("https://192.168.100.100:8080/").unwrap();
        let lines: Vec<String> = code
            .lines()
            .map(|line| line.replace(WHITE_ON_BLACK, "").replace(RESET, ""))
            .collect();
        // Two rows in each line; 29 modules a side for version 3, and four of edge all around.
        assert_eq!(lines.len(), 19);
        for line in &lines {
            assert_eq!(line.trim_start().chars().count(), 37, "{line}");
        }
        assert!(lines[0].trim_start().chars().all(|c| c == '█'));
    }
}

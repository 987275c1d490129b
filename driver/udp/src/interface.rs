use std::io;
use std::net::{IpAddr, Ipv6Addr};

/// One address of one network interface of this host.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub struct Interface {
    /// The system's name of the interface, such as `eth0`.
    pub name: String,
    /// The system's number of the interface, where it has one.
    pub index: Option<u32>,
    /// The address.
    pub ip: IpAddr,
    /// Whether this is the host talking to itself.
    pub is_loopback: bool,
}

/// The addresses of this host's interfaces that are up, in the system's order.
///
/// # Errors
/// What the system says; out of memory or file descriptors in practice.
pub fn interfaces() -> io::Result<Vec<Interface>> {
    let listed = if_addrs::get_if_addrs()?;
    Ok(listed
        .into_iter()
        .filter(|i| i.is_oper_up() || i.is_loopback())
        .map(|i| Interface {
            index: i.index,
            ip: i.ip(),
            is_loopback: i.is_loopback(),
            name: i.name,
        })
        .collect())
}

/// Which interfaces' addresses become candidates.
///
/// ```
/// use duologue_udp::InterfaceFilter;
///
/// let only_loopback = InterfaceFilter { loopback: true, only: vec!["lo".into()], ..Default::default() };
/// assert!(only_loopback.ipv4);
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct InterfaceFilter {
    /// Use IPv4 addresses. Default: yes.
    pub ipv4: bool,
    /// Use IPv6 addresses. Default: yes.
    pub ipv6: bool,
    /// Use loopback addresses too. Default: no, as RFC 8445 §5.1.1.1 has it; two peers on one
    /// host without a network need it.
    pub loopback: bool,
    /// Use only the interfaces of these names; empty: all.
    pub only: Vec<String>,
    /// Never use the interfaces of these names.
    pub except: Vec<String>,
    /// Use only these addresses; empty: all.
    pub only_addresses: Vec<IpAddr>,
    /// Never use these addresses.
    pub except_addresses: Vec<IpAddr>,
}

impl Default for InterfaceFilter {
    fn default() -> Self {
        InterfaceFilter {
            ipv4: true,
            ipv6: true,
            loopback: false,
            only: Vec::new(),
            except: Vec::new(),
            only_addresses: Vec::new(),
            except_addresses: Vec::new(),
        }
    }
}

impl InterfaceFilter {
    /// Whether a candidate may be made of this address.
    pub fn accepts(&self, interface: &Interface) -> bool {
        let family = match interface.ip {
            IpAddr::V4(ip) => self.ipv4 && !ip.is_unspecified() && !ip.is_link_local(),
            IpAddr::V6(ip) => self.ipv6 && is_usable_ipv6(ip),
        };
        family
            && (self.loopback || !interface.is_loopback)
            && (self.only.is_empty() || self.only.contains(&interface.name))
            && !self.except.contains(&interface.name)
            && (self.only_addresses.is_empty() || self.only_addresses.contains(&interface.ip))
            && !self.except_addresses.contains(&interface.ip)
    }
}

/// RFC 8445 §5.1.1.1: "Deprecated IPv4-compatible IPv6 addresses [RFC4291] and IPv6 site-local
/// unicast addresses [RFC3879] MUST NOT be included in the address candidates. IPv4-mapped IPv6
/// addresses SHOULD NOT be included". Link-local ones would need a zone that the other end does
/// not know; browsers leave them out as well.
fn is_usable_ipv6(ip: Ipv6Addr) -> bool {
    const SITE_LOCAL: u16 = 0xfec0;
    let site_local = ip.segments()[0] & 0xffc0 == SITE_LOCAL;
    let ipv4_compatible = ip.segments()[..6] == [0; 6] && !ip.is_loopback();
    !(ip.is_unspecified()
        || ip.is_unicast_link_local()
        || site_local
        || ipv4_compatible
        || ip.to_ipv4_mapped().is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(name: &str, ip: &str) -> Interface {
        let ip: IpAddr = ip.parse().unwrap();
        Interface {
            name: name.to_owned(),
            index: None,
            ip,
            is_loopback: ip.is_loopback(),
        }
    }

    #[test]
    fn candidates_are_made_of_routable_addresses_only() {
        let filter = InterfaceFilter::default();
        for good in ["192.0.2.1", "10.0.0.1", "2001:db8::1", "fd00::1"] {
            assert!(filter.accepts(&interface("eth0", good)), "{good}");
        }
        let bad = [
            "127.0.0.1",
            "169.254.1.1",
            "0.0.0.0",
            "::",
            "::1",
            "fe80::1",
            "fec0::1",
            "::192.0.2.1",
            "::ffff:192.0.2.1",
        ];
        for bad in bad {
            assert!(!filter.accepts(&interface("eth0", bad)), "{bad}");
        }
    }

    #[test]
    fn loopback_families_and_names_are_options() {
        let loopback = InterfaceFilter {
            loopback: true,
            ..Default::default()
        };
        assert!(loopback.accepts(&interface("lo", "127.0.0.1")));
        assert!(loopback.accepts(&interface("lo", "::1")));
        let narrow = InterfaceFilter {
            ipv6: false,
            only: vec!["eth0".into(), "eth1".into()],
            except: vec!["eth1".into()],
            ..Default::default()
        };
        assert!(narrow.accepts(&interface("eth0", "192.0.2.1")));
        assert!(!narrow.accepts(&interface("eth0", "2001:db8::1")));
        assert!(!narrow.accepts(&interface("eth1", "192.0.2.1")));
        assert!(!narrow.accepts(&interface("wlan0", "192.0.2.1")));
    }

    #[test]
    fn addresses_are_options() {
        let [public, private]: [IpAddr; 2] =
            ["192.0.2.1", "10.0.0.1"].map(|ip| ip.parse().unwrap());
        let accepted = |filter: InterfaceFilter| {
            [public, private].map(|ip| filter.accepts(&interface("eth0", &ip.to_string())))
        };
        let only = InterfaceFilter {
            only_addresses: vec![public],
            ..Default::default()
        };
        assert_eq!(accepted(only), [true, false]);
        let except = InterfaceFilter {
            except_addresses: vec![public],
            ..Default::default()
        };
        assert_eq!(accepted(except), [false, true]);
    }

    #[test]
    fn the_system_lists_its_loopback_interface() {
        assert!(interfaces().unwrap().iter().any(|i| i.is_loopback));
    }
}

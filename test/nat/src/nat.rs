use std::fmt;

use crate::Namespace;

/// How a site is joined to the public network.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// With public addresses.
    Open,
    /// RFC 4787: endpoint-independent mapping and filtering.
    FullCone,
    /// Endpoint-independent mapping, address-dependent filtering.
    AddressRestricted,
    /// Endpoint-independent mapping, address and port-dependent filtering.
    PortRestricted,
    /// Address and port-dependent mapping and filtering.
    Symmetric,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 5] = [
        Kind::Open,
        Kind::FullCone,
        Kind::AddressRestricted,
        Kind::PortRestricted,
        Kind::Symmetric,
    ];

    /// What makes a Linux router translate like that. Its connection tracking keeps a source port
    /// where it can, which makes one mapping for all destinations, and lets in only what answers;
    /// what does more for the other kinds.
    fn rules(self, host: &str) -> String {
        let (masquerade, incoming) = match self {
            Kind::Open => return String::new(),
            Kind::FullCone => ("masquerade", format!("udp dport 1024-65535 dnat to {host}")),
            Kind::AddressRestricted => (
                "masquerade",
                format!("ip saddr @known udp dport 1024-65535 dnat to {host}"),
            ),
            Kind::PortRestricted => ("masquerade", String::new()),
            Kind::Symmetric => ("masquerade fully-random", String::new()),
        };
        // What nobody in here asked for is dropped, not refused: a refused one would leave a
        // tracked connection that takes the port from the host, and RFC 5382 §4.3 wants it so.
        format!(
            "table ip nat {{
                set known {{ type ipv4_addr; flags dynamic,timeout; timeout 2m; }}
                chain outgoing {{
                    type filter hook forward priority 0;
                    iifname lan update @known {{ ip daddr }}
                }}
                chain postrouting {{
                    type nat hook postrouting priority 100;
                    oifname wan {masquerade}
                }}
                chain prerouting {{
                    type nat hook prerouting priority -100;
                    iifname wan {incoming_or_nothing}
                }}
                chain input {{
                    type filter hook input priority 0;
                    iifname wan meta l4proto {{ tcp, udp }} drop
                }}
            }}",
            incoming_or_nothing = match incoming.is_empty() {
                true => "counter".to_owned(),
                false => incoming,
            },
        )
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Kind::Open => "open",
            Kind::FullCone => "full cone",
            Kind::AddressRestricted => "address-restricted",
            Kind::PortRestricted => "port-restricted",
            Kind::Symmetric => "symmetric",
        })
    }
}

/// The public network: one segment that all sites are joined to.
#[derive(Debug)]
pub struct Internet {
    namespace: Namespace,
}

impl Internet {
    /// The addresses of its servers.
    pub const SERVERS: [&str; 2] = ["203.0.113.1", "203.0.113.2"];

    /// With its servers' addresses and no sites.
    pub fn new() -> Self {
        let namespace = Namespace::new();
        namespace.ip(&["link", "add", "segment", "type", "bridge"]);
        namespace.ip(&["link", "set", "segment", "up"]);
        for server in Internet::SERVERS {
            namespace.address("segment", &format!("{server}/24"));
        }
        // What is sent to private addresses vanishes, as in the Internet: coturn gives an
        // allocation up when the system knows no route.
        namespace.ip(&[
            "neigh",
            "add",
            NOBODY,
            "lladdr",
            "02:00:00:00:00:fe",
            "dev",
            "segment",
        ]);
        namespace.default_route(NOBODY);
        Internet { namespace }
    }

    /// Where servers run.
    pub fn servers(&self) -> &Namespace {
        &self.namespace
    }

    /// Joins an interface of a namespace, which the site calls `wan`, to the segment.
    pub fn attach(&self, site: &Namespace, port: &str, address: &str) {
        self.attach_as(site, port, "wan", address);
    }

    /// The same with another name of the interface.
    pub fn attach_as(&self, site: &Namespace, port: &str, interface: &str, address: &str) {
        self.namespace.join(port, site, interface);
        let master = ["link", "set", port, "master", "segment"];
        self.namespace.ip(&master);
        site.address(interface, address);
    }
}

impl Default for Internet {
    fn default() -> Self {
        Internet::new()
    }
}

/// A host and, unless it is open, the router that translates its addresses.
#[derive(Debug)]
pub struct Site {
    /// Where the peer runs.
    pub host: Namespace,
    /// What is between it and the public network.
    pub router: Option<Namespace>,
}

impl Site {
    /// `number`, unique on its network, makes its addresses: 203.0.113.`number` and 10.0.`number`.2.
    pub fn new(internet: &Internet, kind: Kind, number: u8) -> Self {
        let (host, port) = (Namespace::new(), format!("site{number}"));
        let public = format!("203.0.113.{number}/24");
        if kind == Kind::Open {
            internet.attach(&host, &port, &public);
            return Site { host, router: None };
        }
        let router = Namespace::new();
        internet.attach(&router, &port, &public);
        host.join("eth0", &router, "lan");
        let (inside, gateway) = (format!("10.0.{number}.2"), format!("10.0.{number}.1"));
        router.address("lan", &format!("{gateway}/24"));
        host.address("eth0", &format!("{inside}/24"));
        host.default_route(&gateway);
        router.forward();
        router.nft(&kind.rules(&inside));
        Site {
            host,
            router: Some(router),
        }
    }
}

/// A gateway that is not there.
const NOBODY: &str = "203.0.113.254";

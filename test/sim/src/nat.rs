use std::net::{IpAddr, SocketAddr};

/// How a network address translator maps and filters (RFC 4787 §4 and §5).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NatKind {
    /// One public port per private one; anybody may answer ("full cone").
    EndpointIndependent,
    /// One public port per private one; only addresses that were sent to may answer ("port
    /// restricted").
    PortRestricted,
    /// A public port for every destination ("symmetric").
    Symmetric,
}

#[derive(Debug)]
pub(crate) struct Nat {
    kind: NatKind,
    public: IpAddr,
    private: Vec<IpAddr>,
    mappings: Vec<Mapping>,
    next_port: u16,
}

#[derive(Debug)]
struct Mapping {
    private: SocketAddr,
    /// Only for this destination, if the translator is symmetric.
    to: Option<SocketAddr>,
    port: u16,
    sent_to: Vec<SocketAddr>,
}

const FIRST_PORT: u16 = 40_000;

impl Nat {
    pub(crate) fn new(kind: NatKind, public: IpAddr, private: &[IpAddr]) -> Self {
        Nat {
            kind,
            public,
            private: private.to_vec(),
            mappings: Vec::new(),
            next_port: FIRST_PORT,
        }
    }

    pub(crate) fn public(&self) -> IpAddr {
        self.public
    }

    pub(crate) fn hides(&self, ip: IpAddr) -> bool {
        self.private.contains(&ip)
    }

    pub(crate) fn is_symmetric(&self) -> bool {
        self.kind == NatKind::Symmetric
    }

    /// It forgets who it let through: the same ends get other ports.
    pub(crate) fn forget(&mut self) {
        self.mappings.clear();
    }

    pub(crate) fn outward(&mut self, private: SocketAddr, to: SocketAddr) -> SocketAddr {
        let only = (self.kind == NatKind::Symmetric).then_some(to);
        let known = self
            .mappings
            .iter()
            .position(|mapping| mapping.private == private && mapping.to == only);
        let index = known.unwrap_or_else(|| {
            self.mappings.push(Mapping {
                private,
                to: only,
                port: self.next_port,
                sent_to: Vec::new(),
            });
            self.next_port += 1;
            self.mappings.len() - 1
        });
        let mapping = &mut self.mappings[index];
        if !mapping.sent_to.contains(&to) {
            mapping.sent_to.push(to);
        }
        SocketAddr::new(self.public, mapping.port)
    }

    pub(crate) fn inward(&self, from: SocketAddr, to: SocketAddr) -> Option<SocketAddr> {
        let mapping = self.mappings.iter().find(|m| m.port == to.port())?;
        let open = self.kind == NatKind::EndpointIndependent || mapping.sent_to.contains(&from);
        open.then_some(mapping.private)
    }
}

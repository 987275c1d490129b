use std::net::{IpAddr, SocketAddr};

use duologue_base::{
    Datagram, DtlsRole, Generation, IceCredentials, IceRole, Instant, Rng, SocketId, TransportKey,
};
use duologue_dtls as dtls;
use duologue_ice as ice;
use duologue_identity::{Certificate, Fingerprint};

use crate::{Action, BindError, BindId, DtlsReport, Report, SessionConfig, TransportReport};

/// One ICE transport and the DTLS association on it.
#[derive(Debug)]
pub(crate) struct Transport {
    pub(crate) key: TransportKey,
    pub(crate) agent: ice::Agent,
    pub(crate) dtls: dtls::Transport,
    handshake: Handshake,
    /// It gathers ahead and is not reported of.
    pub(crate) prepared: bool,
    pub(crate) sockets: Vec<BoundSocket>,
    /// Requests to bind that the host has not answered.
    pub(crate) binds: Vec<(BindId, Wanted)>,
    /// Why the last of them failed, until it was told or does not matter.
    pub(crate) bind_error: Option<BindError>,
    /// Streams that the host is opening.
    pub(crate) connects: Vec<(BindId, ice::ConnectId, SocketAddr)>,
    srtp: Option<dtls::SrtpKeying>,
    /// Datagrams sent and received, those of ICE left out.
    pub(crate) sent: ice::PathTraffic,
    pub(crate) received: ice::PathTraffic,
}

/// A socket of a transport.
#[derive(Debug)]
pub(crate) struct BoundSocket {
    pub(crate) socket: SocketId,
    /// The host has no room for more.
    pub(crate) blocked: bool,
    pub(crate) kind: SocketKind,
}

#[derive(Debug)]
pub(crate) enum SocketKind {
    /// One for datagrams, or one that listens.
    Bound(Wanted),
    Stream(Box<StreamSocket>),
}

/// What a socket is bound for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Wanted {
    pub(crate) ip: IpAddr,
    /// A TCP socket that listens, for such candidates.
    pub(crate) listens: Option<ice::TcpType>,
}

/// A byte stream.
#[derive(Debug)]
pub(crate) struct StreamSocket {
    pub(crate) remote: SocketAddr,
    /// Taken while what it cuts out is handled.
    pub(crate) deframer: Option<ice::Deframer>,
}

/// How far the beginning of the handshake is. It needs a path, so that its timers do not run
/// before anything can be sent.
#[derive(Debug)]
enum Handshake {
    /// The roles are not agreed on.
    Unknown,
    /// Waits for a path.
    Agreed {
        role: DtlsRole,
        fingerprints: Vec<Fingerprint>,
        /// Another handshake went before this one, over generations older than this: their path
        /// may still lead to another peer.
        restart: Option<Generation>,
    },
    Begun(DtlsRole),
}

impl Transport {
    pub(crate) fn new(
        config: &SessionConfig,
        key: TransportKey,
        agent: ice::Agent,
        certificate: Certificate,
    ) -> Self {
        Transport {
            key,
            agent,
            dtls: dtls::Transport::new(config.dtls.clone(), certificate),
            handshake: Handshake::Unknown,
            prepared: false,
            sockets: Vec::new(),
            binds: Vec::new(),
            bind_error: None,
            connects: Vec::new(),
            srtp: None,
            sent: ice::PathTraffic::default(),
            received: ice::PathTraffic::default(),
        }
    }

    /// The roles and the peer's fingerprints are agreed on; `false` if they were before.
    pub(crate) fn agree_on_dtls(&mut self, role: DtlsRole, fingerprints: Vec<Fingerprint>) -> bool {
        let first = matches!(self.handshake, Handshake::Unknown);
        if first {
            self.handshake = Handshake::Agreed {
                role,
                fingerprints,
                restart: None,
            };
        }
        first
    }

    /// The handshake is made again, with another peer or certificate.
    pub(crate) fn restart_dtls(
        &mut self,
        config: &SessionConfig,
        role: DtlsRole,
        fingerprints: Vec<Fingerprint>,
        certificate: Certificate,
        reports: &mut impl Extend<Report>,
    ) {
        self.dtls = dtls::Transport::new(config.dtls.clone(), certificate);
        self.srtp = None;
        let begun = matches!(
            self.handshake,
            Handshake::Begun(_)
                | Handshake::Agreed {
                    restart: Some(_),
                    ..
                }
        );
        if matches!(self.handshake, Handshake::Begun(_)) {
            reports.extend([self.connecting()]);
        }
        self.handshake = Handshake::Agreed {
            role,
            fingerprints,
            restart: self.agent.generations().last().filter(|_| begun),
        };
    }

    /// Our role in the handshake, once it has begun.
    pub(crate) fn dtls_role(&self) -> Option<DtlsRole> {
        match self.handshake {
            Handshake::Begun(role) => Some(role),
            _ => None,
        }
    }

    /// Our role in the handshake that was agreed on, whether or not it has begun.
    pub(crate) fn agreed_dtls_role(&self) -> Option<DtlsRole> {
        match self.handshake {
            Handshake::Agreed { role, .. } | Handshake::Begun(role) => Some(role),
            Handshake::Unknown => None,
        }
    }

    /// The keys for SRTP, once the handshake made them.
    pub(crate) fn srtp(&self) -> Option<&dtls::SrtpKeying> {
        self.srtp.as_ref()
    }

    pub(crate) fn has_socket(&self, socket: SocketId) -> bool {
        self.sockets.iter().any(|bound| bound.socket == socket)
    }

    /// The socket takes nothing for now.
    pub(crate) fn is_blocked(&self, socket: SocketId) -> bool {
        let mut sockets = self.sockets.iter();
        sockets.any(|bound| bound.socket == socket && bound.blocked)
    }

    /// Whether ICE has heard of the sender. By signalling is enough once packets are protected. Until
    /// then it must have been by an authenticated message: whoever answers first is who the handshake
    /// is with, and addresses that signalling names can be guessed. What overtook the message is sent
    /// again.
    pub(crate) fn knows(&self, datagram: &Datagram) -> bool {
        let remote = SocketAddr::new(datagram.remote.ip().to_canonical(), datagram.remote.port());
        let on_route = |route: ice::Route| route.remote == remote;
        if self.agent.route().is_some_and(on_route) || self.agent.has_heard(remote) {
            return true;
        }
        let is_protected = self.dtls.state() == dtls::State::Connected;
        is_protected
            && self.agent.generations().any(|generation| {
                let mut remotes = self.agent.remote_candidates(generation);
                remotes.any(|candidate| candidate.addr == remote)
            })
    }

    /// Begins the handshake when it can, and turns events into reports. Returns what the owner of
    /// the association must know.
    pub(crate) fn advance(
        &mut self,
        now: Instant,
        reports: &mut impl Extend<Report>,
        actions: &mut impl Extend<Action>,
        next_bind: &mut u32,
    ) -> Progress {
        let key = self.key;
        while let Some(event) = self.agent.poll_event() {
            match event {
                ice::Event::Resolve { host } => actions.extend([Action::Resolve { host }]),
                ice::Event::ResolveName { name } => actions.extend([Action::ResolveName { name }]),
                ice::Event::Connect {
                    id,
                    local,
                    remote,
                    security,
                } => {
                    let bind_id = BindId::next(next_bind);
                    self.connects.push((bind_id, id, remote));
                    actions.extend([Action::Connect {
                        bind_id,
                        transport: key,
                        local,
                        remote,
                        security,
                    }]);
                }
                ice::Event::Disconnect { socket } => {
                    self.sockets.retain(|bound| bound.socket != socket);
                    actions.extend([Action::Unbind { socket }]);
                }
                _ if self.prepared => {}
                event => {
                    actions.extend(announcement(&event));
                    reports.extend(ice_report(event).map(|report| Report::Transport(key, report)));
                }
            }
        }
        if let Handshake::Agreed { restart, .. } = self.handshake
            && self.agent.selected_generation() >= Some(restart.unwrap_or_default())
        {
            self.begin_handshake(now, reports);
        }
        let mut progress = Progress::None;
        while let Some(event) = self.dtls.poll_event() {
            let state = match event {
                dtls::Event::Connected {
                    remote_certificate,
                    version,
                    srtp,
                } => {
                    self.srtp = srtp;
                    progress = Progress::Connected;
                    DtlsReport::Connected {
                        remote_certificates: vec![remote_certificate],
                        version,
                    }
                }
                dtls::Event::Closed => {
                    progress = Progress::Closed;
                    DtlsReport::Closed
                }
                dtls::Event::Failed(error) => {
                    progress = Progress::Failed;
                    DtlsReport::Failed { error }
                }
            };
            reports.extend([Report::Transport(key, TransportReport::DtlsState { state })]);
        }
        progress
    }

    /// There is a path, and DTLS over it.
    pub(crate) fn may_send_data(&self, now: Instant) -> bool {
        self.dtls.state() == dtls::State::Connected && self.agent.may_send(now)
    }

    fn begin_handshake(&mut self, now: Instant, reports: &mut impl Extend<Report>) {
        let handshake = std::mem::replace(&mut self.handshake, Handshake::Unknown);
        match handshake {
            Handshake::Agreed {
                role,
                fingerprints,
                restart,
            } => {
                self.handshake = Handshake::Begun(role);
                if restart.is_none() {
                    reports.extend([self.connecting()]);
                }
                self.dtls.start(now, role, fingerprints);
            }
            handshake => self.handshake = handshake,
        }
    }

    fn connecting(&self) -> Report {
        let state = DtlsReport::Connecting;
        Report::Transport(self.key, TransportReport::DtlsState { state })
    }

    /// Datagrams of data were made for the path in use.
    pub(crate) fn count_sent(&mut self, now: Instant, packets: u64, bytes: usize) {
        self.sent.count(now, packets, bytes as u64);
        self.agent.count_sent(now, packets, bytes as u64);
    }

    /// A datagram of data came; `relayed` if a TURN server forwarded it.
    pub(crate) fn count_received(&mut self, datagram: &Datagram, relayed: bool, bytes: usize) {
        self.received.count(datagram.received, 1, bytes as u64);
        self.agent.count_received(datagram, relayed, bytes);
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let timers = [self.agent.poll_timeout(), self.dtls.poll_timeout()];
        timers.into_iter().flatten().min()
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        if self.agent.poll_timeout().is_some_and(|at| at <= now) {
            self.agent.handle_timeout(now);
        }
        if self.dtls.poll_timeout().is_some_and(|at| at <= now) {
            self.dtls.handle_timeout(now);
        }
    }
}

/// What happened to the DTLS association of a transport.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Progress {
    None,
    Connected,
    /// The peer ended it.
    Closed,
    Failed,
}

/// Before a candidate is signalled its name is answered for.
fn announcement(event: &ice::Event) -> Option<Action> {
    let ice::Event::LocalCandidate { candidate, .. } = event else {
        return None;
    };
    Some(Action::AnnounceName {
        name: candidate.name?,
        ip: candidate.addr.ip(),
    })
}

fn ice_report(event: ice::Event) -> Option<TransportReport> {
    Some(match event {
        ice::Event::LocalCandidate {
            generation,
            candidate,
        } => TransportReport::LocalCandidate {
            generation,
            candidate: Box::new(candidate),
        },
        ice::Event::Gathering { generation, state } => {
            TransportReport::GatheringState { generation, state }
        }
        ice::Event::State(state) => TransportReport::IceState { state },
        ice::Event::Role(role) => TransportReport::IceRole { role },
        ice::Event::SelectedPair(pair) => TransportReport::SelectedPair {
            pair: Box::new(pair),
        },
        ice::Event::CandidateError(error) => TransportReport::CandidateError { error },
        _ => return None,
    })
}

/// The agent's randomness is its own, so that one transport's draws do not shift another's.
pub(crate) fn new_agent(
    config: &SessionConfig,
    role: IceRole,
    generation: Generation,
    local: IceCredentials,
    rng: &mut Rng,
) -> ice::Agent {
    ice::Agent::new(config.ice.clone(), role, generation, local, rng.fork())
}

//! What connections share: the runtime, interfaces, ports, and how all of them are chosen.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;
#[cfg(feature = "codecs")]
use std::sync::OnceLock;
use std::time::Duration;

use duologue_base::Instant;
#[cfg(feature = "codecs")]
use duologue_codec::CodecSet;
use duologue_dtls as dtls;
use duologue_jsep::Capabilities;
use duologue_peer::{Configuration, Exception, IdentityProviderDetails};
use duologue_session::{BitrateBounds, ExternalAddress, SessionConfig, TcpTypes};
use duologue_tokio::{EndpointOptions, EndpointStats, Metrics, Ports, TlsRoots};

use crate::connection::PeerConnection;
use crate::event::Events;
use crate::identity::{IdentityProvider, Providers};
use crate::limits::{PACING_SLOT_LEAST, PACING_SLOT_MOST};
use crate::standalone::{StandaloneIceEvents, StandaloneIceTransport};

/// What the connections of one program share: the tokio runtime, the choice of network interfaces
/// and ports. Cheap to clone. The W3C has no counterpart: a browser has one.
///
/// A program that wants the defaults needs none: [`PeerConnection::new`].
#[derive(Clone)]
pub struct Endpoint(Arc<Shared>);

struct Shared {
    driver: duologue_tokio::Endpoint,
    session: SessionConfig,
    capabilities: Arc<Capabilities>,
    providers: Providers,
    #[cfg(feature = "codecs")]
    codecs: OnceLock<CodecSet>,
}

impl Endpoint {
    /// Options, then an endpoint.
    pub fn builder() -> EndpointBuilder {
        EndpointBuilder::default()
    }

    /// A new connection and its events: `new RTCPeerConnection(configuration)`.
    ///
    /// # Errors
    /// As the W3C's constructor throws: `SyntaxError` for a server's URL, `InvalidAccessError` for
    /// a TURN server without credentials or an expired certificate, `NotSupportedError`. The message
    /// names the URL.
    pub fn connection(
        &self,
        configuration: Configuration,
    ) -> Result<(PeerConnection, Events), Exception> {
        PeerConnection::on(self, configuration)
    }

    /// The time by which [`RtpPacket::received`](crate::RtpPacket::received) and its like are told.
    pub fn now(&self) -> Instant {
        self.0.driver.now()
    }

    /// An ICE transport without a connection, and its events: `new RTCIceTransport()` (webrtc-ice).
    ///
    /// # Errors
    /// `OperationError` when the system has no randomness, `UnknownError` when it cannot be started.
    pub fn ice_transport(
        &self,
    ) -> Result<(StandaloneIceTransport, StandaloneIceEvents), Exception> {
        StandaloneIceTransport::on(self)
    }

    /// How many datagrams were lost in this host rather than on the way.
    pub fn stats(&self) -> EndpointStats {
        self.0.driver.stats()
    }

    /// What the connections did so far and are at the moment, of all that share this endpoint: for operators,
    /// as text for Prometheus or as numbers. `docs/metrics.md` of the repository says of each name what it is.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use duologue::{Configuration, Endpoint, PeerConnectionState};
    ///
    /// let endpoint = Endpoint::builder().build()?;
    /// let (pc, _events) = endpoint.connection(Configuration::default())?;
    /// let metrics = endpoint.metrics();
    /// assert_eq!(metrics.connections(PeerConnectionState::New), 1);
    /// // What a handler of `/metrics` answers, as `text/plain; version=0.0.4`.
    /// let text = metrics.to_string();
    /// assert!(text.contains("duologue_connections{state=\"new\"} 1"));
    /// # drop(pc);
    /// # Ok(())
    /// # }
    /// ```
    pub fn metrics(&self) -> Metrics {
        self.0.driver.metrics()
    }

    /// The UDP port that all connections share, if that was asked for.
    pub fn shared_port(&self) -> Option<u16> {
        self.0.driver.shared_port()
    }

    pub(crate) fn driver(&self) -> &duologue_tokio::Endpoint {
        &self.0.driver
    }

    pub(crate) fn session_config(&self) -> &SessionConfig {
        &self.0.session
    }

    /// What raw pictures and sound are encoded and decoded with.
    #[cfg(feature = "codecs")]
    pub(crate) fn codecs(&self) -> CodecSet {
        let codecs = self.0.codecs.get_or_init(duologue_raw::found_codecs);
        codecs.clone()
    }

    pub(crate) fn providers(&self) -> &Providers {
        &self.0.providers
    }

    pub(crate) fn capabilities(&self) -> &Arc<Capabilities> {
        &self.0.capabilities
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").finish_non_exhaustive()
    }
}

/// Builds an [`Endpoint`]. What is not said is as in browsers.
///
/// ```
/// use duologue::{Endpoint, TcpTypes};
///
/// # #[tokio::main]
/// # async fn main() -> std::io::Result<()> {
/// // A server in a cloud: one port for everybody, known by its address from outside, reached by
/// // TCP where UDP is blocked.
/// let endpoint = Endpoint::builder()
///     .shared_port(0)
///     .external_address(None, "192.0.2.1".parse().unwrap())
///     .tcp(TcpTypes { passive: true, ..TcpTypes::default() })
///     .loopback(true)
///     .build()?;
/// println!("open this port: {:?}", endpoint.shared_port());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct EndpointBuilder {
    driver: EndpointOptions,
    hide_host_addresses: bool,
    external_addresses: Vec<ExternalAddress>,
    no_udp: bool,
    tcp: TcpTypes,
    gather_continually: bool,
    ice_lite: bool,
    ice_renomination: bool,
    sctp_snap: bool,
    sped: bool,
    post_quantum: bool,
    max_channels: Option<u16>,
    bitrate_bounds: BitrateBounds,
    pacing_slot: Option<Duration>,
    congestion_control_feedback: bool,
    providers: Providers,
    #[cfg(feature = "codecs")]
    codecs: Option<CodecSet>,
    #[cfg(feature = "codecs")]
    only_these_codecs: bool,
}

impl EndpointBuilder {
    /// Whether loopback addresses become candidates too. Not by default, as RFC 8445 §5.1.1.1 has
    /// it; two peers on one host without a network need it. A peer that is on loopback alone is
    /// reached over UDP without it, too, as by browsers.
    pub fn loopback(mut self, yes: bool) -> Self {
        self.driver.interfaces.loopback = yes;
        self
    }

    /// Whether IPv4 addresses are used; they are by default.
    pub fn ipv4(mut self, yes: bool) -> Self {
        self.driver.interfaces.ipv4 = yes;
        self
    }

    /// Whether IPv6 addresses are used; they are by default.
    pub fn ipv6(mut self, yes: bool) -> Self {
        self.driver.interfaces.ipv6 = yes;
        self
    }

    /// Uses only the network interfaces of these names, such as `eth0`.
    pub fn only_interfaces<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.driver.interfaces.only = names.into_iter().map(Into::into).collect();
        self
    }

    /// Does not use the network interfaces of these names.
    pub fn except_interfaces<S: Into<String>>(
        mut self,
        names: impl IntoIterator<Item = S>,
    ) -> Self {
        self.driver.interfaces.except = names.into_iter().map(Into::into).collect();
        self
    }

    /// Uses only these addresses of this host.
    pub fn only_addresses(mut self, addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        self.driver.interfaces.only_addresses = addresses.into_iter().collect();
        self
    }

    /// Does not use these addresses of this host.
    pub fn except_addresses(mut self, addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        self.driver.interfaces.except_addresses = addresses.into_iter().collect();
        self
    }

    /// Whether UDP is used; it is by default. Without it connections need TCP candidates at one
    /// end that the other reaches, or a TURN server over TCP or TLS.
    pub fn udp(mut self, yes: bool) -> Self {
        self.no_udp = !yes;
        self
    }

    /// Which kinds of TCP candidates connections have (RFC 6544). By default the active ones, as
    /// in browsers: connections are opened to peers that listen. A server behind a firewall that
    /// drops UDP has passive ones, too: its addresses listen then, with a
    /// [`shared_port`](Self::shared_port) for all connections together. Who listens behind a NAT
    /// learns from STUN and TURN servers how that shows it: they are asked over TCP, or TLS.
    pub fn tcp(mut self, types: TcpTypes) -> Self {
        self.tcp = types;
        self.driver.listen = types.passive || types.simultaneous_open;
        self
    }

    /// Certificates in PEM form: TURN and STUN servers reached over TLS or DTLS must show one that
    /// these have issued. By default those count that the platform trusts.
    pub fn tls_roots(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.driver.tls_roots = TlsRoots::Pem(pem.into());
        self
    }

    /// Puts all connections on one UDP port (0: any free one), for servers behind a firewall. By
    /// default each transport has a port of its own, as in browsers. It is bound on each address
    /// of this host, those that it gets later included, with a socket for each thread of the
    /// runtime (on Linux; one elsewhere).
    ///
    /// Two connections cannot use the same remote address then: the second one uses another
    /// candidate pair, or fails. That includes TURN servers over UDP, but neither STUN servers nor
    /// TURN over TCP and TLS.
    pub fn shared_port(mut self, port: u16) -> Self {
        self.driver.ports = Ports::Shared(port);
        self
    }

    /// Takes the ports of connections from a range, for firewalls that let it through. A
    /// connection needs one for each address of this host; when none is free, the address is left
    /// out.
    pub fn port_range(mut self, ports: RangeInclusive<u16>) -> Self {
        self.driver.ports = Ports::Range {
            first: *ports.start(),
            last: *ports.end(),
        };
        self
    }

    /// Says that this host is reached at `external`, as clouds have it: their NAT translates one
    /// address to one other and keeps ports. It is signalled in place of `local`, or of each
    /// address of its family when that is none.
    pub fn external_address(mut self, local: Option<IpAddr>, external: IpAddr) -> Self {
        self.external_addresses.push(ExternalAddress {
            local,
            external,
            replaces: true,
        });
        self
    }

    /// An external address that is signalled as a server-reflexive candidate beside the host's own, which hosts
    /// of the same network reach without a detour.
    pub fn also_external_address(mut self, local: Option<IpAddr>, external: IpAddr) -> Self {
        self.external_addresses.push(ExternalAddress {
            local,
            external,
            replaces: false,
        });
        self
    }

    /// Signals random names in place of the addresses of this host, as browsers do, so that they
    /// stay private (draft-ietf-mmusic-mdns-ice-candidates). Not by default. Hosts of the same
    /// network find the addresses by multicast DNS; others need a STUN or TURN server. The names
    /// of other peers are resolved in any case.
    pub fn hide_host_addresses(mut self, yes: bool) -> Self {
        self.hide_host_addresses = yes;
        self
    }

    /// Signals addresses that this host gets while connections run, too, whose gathering then never
    /// ends. By default the other end learns of them by connectivity checks only.
    pub fn gather_continually(mut self, yes: bool) -> Self {
        self.gather_continually = yes;
        self
    }

    /// Answers connectivity checks and makes none: ICE-lite (RFC 8445 §2.5), for servers that
    /// everybody reaches at an address of their own. Not by default. The other end must be a full
    /// agent, as browsers are.
    pub fn ice_lite(mut self, yes: bool) -> Self {
        self.ice_lite = yes;
        self
    }

    /// Says in descriptions that ICE may go over to another path without a restart, and does so with
    /// a peer that says it too (draft-thatcher-ice-renomination, as libwebrtc has it): when a better
    /// path is found later, and when the one in use stops to answer. Not by default: it is no
    /// standard, and a controlling agent of RFC 8445 §8.1.1 nominates once.
    pub fn ice_renomination(mut self, yes: bool) -> Self {
        self.ice_renomination = yes;
        self
    }

    /// Offers to set SCTP up by the descriptions (draft-hancke-tsvwg-snap, `a=sctp-init`): a data
    /// channel opens two round trips earlier with a peer that does so, too, and as without it
    /// with any other. Not by default, for it is a draft; a peer that offers it is answered
    /// always.
    pub fn sctp_snap(mut self, yes: bool) -> Self {
        self.sctp_snap = yes;
        self
    }

    /// Offers to begin DTLS with the first connectivity check and not with the first path
    /// (draft-hancke-webrtc-sped, `a=ice-options:sped`): keys are there a round trip earlier with a
    /// peer that does so, too, and as without it with any other. Not by default, for it is a draft; a
    /// peer that offers it, or does it as libwebrtc's `WebRTC-IceHandshakeDtls`, is answered always.
    pub fn sped(mut self, yes: bool) -> Self {
        self.sped = yes;
        self
    }

    /// Offers a key exchange that quantum computers do not break: X25519MLKEM768
    /// (draft-ietf-tls-ecdhe-mlkem), which takes one datagram more and about a tenth of
    /// a millisecond of time. Not by default; a peer that offers it is answered always.
    pub fn post_quantum(mut self, yes: bool) -> Self {
        self.post_quantum = yes;
        self
    }

    /// How many data channels a connection may have, 1,024 by default: what we announce to the peer,
    /// which may have fewer. `SctpTransport::max_channels` says what was agreed on; a channel whose
    /// `id` is not below it fails with an `OperationError`. Each channel that a peer opens takes
    /// memory here.
    pub fn max_channels(mut self, channels: u16) -> Self {
        self.max_channels = Some(channels);
        self
    }

    /// Whether feedback of when packets of media arrive and of how the network marked them is offered
    /// and answered (RFC 8888, `a=rtcp-fb:* ack ccfb`). Not by default, as in browsers, which tell of
    /// arrivals in another way. With a peer that knows it packets leave as capable of L4S (ECT(1),
    /// RFC 9331), and where a queue on the way marks them, the rate follows its marks.
    pub fn congestion_control_feedback(mut self, yes: bool) -> Self {
        self.congestion_control_feedback = yes;
        self
    }

    /// What the estimate of a path that media take stays between, and where it begins: by default
    /// from 300 kbit/s, as in browsers, between 30 kbit/s and 10 Gbit/s. An application that knows its
    /// network begins higher, and its first pictures are sharp; a least rate is kept whatever the path
    /// says, and makes losses where it carries less. What one sender sends at most is the `max_bitrate`
    /// of its encodings.
    pub fn bitrate_bounds(mut self, bounds: BitrateBounds) -> Self {
        self.bitrate_bounds = bounds;
        self
    }

    /// How much video leaves at once, as the time in which the pacing rate carries it, up to 40 ms: 5 ms by default.
    /// Longer ones cost a server less, which sends a picture with one system call then, and make a short
    /// queue on a narrow path; 40 ms are what Chromium has.
    pub fn pacing_slot(mut self, slot: Duration) -> Self {
        self.pacing_slot = Some(slot.clamp(PACING_SLOT_LEAST, PACING_SLOT_MOST));
        self
    }

    /// Trusts `provider` to speak for this domain and protocol: it vouches for this end after
    /// [`set_identity_provider`](PeerConnection::set_identity_provider), and says who the other end is
    /// that names it. An assertion of any other is a `peerIdentity` that is rejected by
    /// `idp-load-failure`: unlike a browser, a program runs no code of whom a peer names.
    pub fn identity_provider(
        mut self,
        of: IdentityProviderDetails,
        provider: Arc<dyn IdentityProvider>,
    ) -> Self {
        self.providers.add(of, provider);
        self
    }

    /// Whose connections these are, as identity providers are told: the origin of a web page, `null`
    /// unless said.
    pub fn origin(mut self, origin: impl Into<String>) -> Self {
        self.providers.origin = origin.into();
        self
    }

    /// Writes what happens to each connection into this file, a line of JSON an event. `docs/event-log.md` of
    /// the repository has the schema. It has addresses in it, and no content.
    pub fn event_log(mut self, path: impl Into<PathBuf>) -> Self {
        self.driver.event_log = Some(path.into());
        self
    }

    /// Writes every packet of SCTP, RTP and RTCP into this file **in the clear**, as pcapng, which Wireshark
    /// opens: what a capture of the network does not show. Whoever has the file has what was said.
    pub fn packet_capture(mut self, path: impl Into<PathBuf>) -> Self {
        self.driver.packet_capture = Some(path.into());
        self
    }

    /// Adds the secrets of every connection's DTLS to this file, as SSLKEYLOGFILE
    /// (draft-ietf-tls-keylogfile), by which Wireshark reads a capture of the network: SCTP, and what SRTP's
    /// keys are made of. Whoever has the file has what was said, then and later. No variable of the
    /// environment does the same.
    pub fn key_log(mut self, path: impl Into<PathBuf>) -> Self {
        self.driver.key_log = Some(path.into());
        self
    }

    /// What raw pictures and sound are encoded and decoded with, in place of
    /// [`found_codecs`](crate::codec::found_codecs): codecs of the application's own, or without the
    /// libraries of this machine, of which none is loaded then.
    #[cfg(feature = "codecs")]
    pub fn codecs(mut self, codecs: CodecSet) -> Self {
        self.codecs = Some(codecs);
        self
    }

    /// Bytes asked of the system for each socket's receive and send buffer; 4 MiB by default. The
    /// system may grant less: on Linux at most `net.core.rmem_max` and `net.core.wmem_max`.
    pub fn socket_buffers(mut self, receive: usize, send: usize) -> Self {
        self.driver.sockets.receive_buffer = receive;
        self.driver.sockets.send_buffer = send;
        self
    }

    /// Whether offers and answers have only codecs that something here encodes, or decodes, by
    /// [`codecs`](Self::codecs): for programs whose media are raw pictures and sound. Without it they have
    /// all that this library carries, for encoded frames and packets.
    #[cfg(feature = "codecs")]
    pub fn only_these_codecs(mut self, yes: bool) -> Self {
        self.only_these_codecs = yes;
        self
    }

    /// The endpoint, on the current tokio runtime.
    ///
    /// # Errors
    /// No tokio runtime around; a shared port that cannot be bound on any address; TLS roots that are
    /// no certificates; a cryptographic library that fails its self-test.
    ///
    /// # Panics
    /// In a tokio runtime without its I/O and time drivers.
    pub fn build(self) -> io::Result<Endpoint> {
        let context = dtls::Context::new().map_err(io::Error::other)?;
        let context = context.with_post_quantum(self.post_quantum);
        let context = context.with_key_log(self.driver.key_log.is_some());
        let mut session = SessionConfig::new(context);
        session.ice.hide_host_addresses = self.hide_host_addresses;
        session.ice.external_addresses = self.external_addresses;
        session.ice.udp = !self.no_udp;
        session.ice.tcp = self.tcp;
        session.ice.gather_continually = self.gather_continually;
        session.ice.lite = self.ice_lite;
        session.ice.renomination = self.ice_renomination;
        session.ice.sped = self.sped;
        if let Some(channels) = self.max_channels {
            session.sctp.streams = channels;
        }

        session.bitrate_bounds = self.bitrate_bounds;
        session.pacing_slot = self.pacing_slot;
        session.ice.loopback = self.driver.interfaces.loopback;
        let mut capabilities = Capabilities {
            ice_lite: self.ice_lite,
            ice_renomination: self.ice_renomination,
            sctp_snap: self.sctp_snap,
            sped: self.sped,
            ..Capabilities::default()
        };

        if self.congestion_control_feedback {
            capabilities = capabilities.with_congestion_control_feedback();
        }
        #[cfg(feature = "codecs")]
        let codecs: OnceLock<CodecSet> = self.codecs.map(OnceLock::from).unwrap_or_default();
        #[cfg(feature = "codecs")]
        if self.only_these_codecs {
            duologue_raw::narrow(
                &mut capabilities,
                codecs.get_or_init(duologue_raw::found_codecs),
            );
        }

        let driver = duologue_tokio::Endpoint::new(self.driver)?;
        session.wall_clock = driver.origin();
        session.may_fragment = driver.may_fragment();
        Ok(Endpoint(Arc::new(Shared {
            driver,
            session,
            capabilities: Arc::new(capabilities),
            providers: self.providers,
            #[cfg(feature = "codecs")]
            codecs,
        })))
    }
}

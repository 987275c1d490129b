mod agent;
mod handshake;
mod socket;

use std::collections::VecDeque;
use std::net::SocketAddr;

use duologue_base::{Datagram, Instant, TransportKey};
use duologue_dtls as dtls;
use duologue_ice as ice;
use duologue_identity::Certificates;

use crate::media::MediaPath;
use crate::{Action, BindError, BindId, Report, SessionConfig};
use agent::PathTold;
use handshake::Handshake;

pub(crate) use agent::new_agent;
pub(crate) use handshake::Progress;
pub(crate) use socket::{BoundSocket, SocketKind, StreamSocket, Wanted};

/// One ICE transport and the DTLS association on it.
#[derive(Debug)]
pub(crate) struct Transport {
    pub(crate) key: TransportKey,
    pub(crate) agent: ice::Agent,
    pub(crate) dtls: dtls::Transport,
    handshake: Handshake,
    /// What handshakes ask the peer to promise.
    pub(crate) confidentiality: dtls::Confidentiality,
    /// Both ends promised to keep the media from applications.
    pub(crate) confidential: bool,
    /// It gathers ahead and is not reported of.
    pub(crate) prepared: bool,
    pub(crate) sockets: Vec<BoundSocket>,
    /// Requests to bind that the host has not answered.
    pub(crate) binds: Vec<(BindId, Wanted)>,
    /// Why the last of them failed, until it was told or does not matter.
    pub(crate) bind_error: Option<BindError>,
    /// Streams that the host is opening.
    pub(crate) connects: Vec<(BindId, ice::ConnectId, SocketAddr)>,
    /// The agent's user names that the host knows: as of which revision.
    user_names_told: Option<u32>,
    /// What all sockets know of its path, if they know the same.
    path_told: Option<PathTold>,
    srtp: Option<dtls::SrtpKeying>,
    /// Once media is agreed on.
    pub(crate) media: Option<Box<MediaPath>>,
    /// Datagrams sent and received, those of ICE left out.
    pub(crate) sent: ice::PathTraffic,
    pub(crate) received: ice::PathTraffic,
    /// What is logged about it is in here.
    span: tracing::Span,
}

impl Transport {
    pub(crate) fn new(
        config: &SessionConfig,
        key: TransportKey,
        agent: ice::Agent,
        certificates: Certificates,
    ) -> Self {
        Transport {
            key,
            agent,
            dtls: dtls::Transport::new(config.dtls.clone(), certificates),
            handshake: Handshake::Unknown,
            confidentiality: dtls::Confidentiality::Accepted,
            confidential: false,
            prepared: false,
            sockets: Vec::new(),
            binds: Vec::new(),
            bind_error: None,
            connects: Vec::new(),
            user_names_told: None,
            path_told: Some(PathTold::default()),
            srtp: None,
            media: None,
            sent: ice::PathTraffic::default(),
            received: ice::PathTraffic::default(),
            span: tracing::debug_span!("transport", key = key.0),
        }
    }

    /// What is logged until the end of it is about this transport.
    pub(crate) fn enter(&self) -> Option<tracing::span::EnteredSpan> {
        // Nearly always nobody listens, and this is done for every datagram.
        (!self.span.is_disabled()).then(|| self.span.clone().entered())
    }

    /// Carries what happened in ICE and DTLS to the owner and the host. Returns what the owner of the
    /// association must know.
    pub(crate) fn advance(
        &mut self,
        now: Instant,
        reports: &mut VecDeque<Report>,
        actions: &mut VecDeque<Action>,
        next_bind: &mut u32,
    ) -> Progress {
        self.advance_ice(reports, actions, next_bind);
        let progress = self.advance_dtls(now, reports);
        if self.dtls.is_ahead() {
            self.advance_embedded(now);
        }
        progress
    }

    /// There is a path, and DTLS over it.
    pub(crate) fn may_send_data(&self, now: Instant) -> bool {
        self.dtls.state() == dtls::State::Connected && self.agent.may_send(now)
    }

    /// And its socket has room. It is asked for at every poll, and mostly no socket is full.
    pub(crate) fn can_send_data(&self, now: Instant) -> bool {
        let is_full = || self.sockets.iter().any(|bound| bound.blocked);
        self.may_send_data(now) && (!is_full() || self.path(now).is_some())
    }

    /// The path that media takes now, and the media.
    pub(crate) fn media_path(&mut self, now: Instant) -> Option<(ice::Route, &mut MediaPath)> {
        let has_keys = self.media.as_ref().is_some_and(|media| media.has_keys());
        let route = has_keys.then(|| self.path(now)).flatten()?;
        let media = self.media.as_deref_mut()?;
        media.handle_route(now, &route);
        Some((route, media))
    }

    /// The path of data, unless its socket is full.
    pub(crate) fn path(&self, now: Instant) -> Option<ice::Route> {
        let route = self
            .may_send_data(now)
            .then(|| self.agent.route())
            .flatten()?;
        (!self.is_blocked(route.socket)).then_some(route)
    }

    /// When the media has something to say, if it can be sent.
    pub(crate) fn media_timeout(&self, now: Instant) -> Option<Instant> {
        let timeout = self.media.as_ref()?.poll_send_timeout(now)?;
        self.path(now).map(|_| timeout)
    }

    /// Datagrams of data were made for the path in use.
    pub(crate) fn count_sent(&mut self, now: Instant, packets: u64, bytes: usize) {
        self.sent.count(now, packets, bytes as u64);
        self.agent.count_sent(now, packets, bytes as u64);
    }

    /// A datagram of data came; `relayed` if a TURN server forwarded it.
    pub(crate) fn count_received(&mut self, datagram: &Datagram, relayed: bool, bytes: usize) {
        self.received.count(datagram.received, 1, bytes as u64);
        self.agent.handle_data(datagram, relayed, bytes);
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let media = self.media.as_ref();
        let media = media.and_then(|media| media.rtp.poll_timeout());
        Instant::earliest([self.agent.poll_timeout(), self.dtls.poll_timeout(), media])
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        let _in = self.enter();
        if self.agent.poll_timeout().is_some_and(|at| at <= now) {
            self.agent.handle_timeout(now);
        }
        if self.dtls.poll_timeout().is_some_and(|at| at <= now) {
            self.dtls.handle_timeout(now);
        }
        if let Some(media) = &mut self.media
            && media.rtp.poll_timeout().is_some_and(|at| at <= now)
        {
            media.rtp.handle_timeout(now);
        }
    }
}

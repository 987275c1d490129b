use std::collections::{HashSet, VecDeque};
use std::net::{IpAddr, SocketAddr};

use duologue_base::{Datagram, Instant, MdnsName, Rng, SocketId, Transmit, TransportKey};
use duologue_datachannel::ChannelReport;
use duologue_dtls as dtls;
use duologue_ice as ice;
use duologue_media::MediaTotals;
use duologue_sctp as sctp;

use crate::association::Sctp;
use crate::capture::{Captured, capture};
use crate::counters::Counters;
use crate::demux::{Kind, Payload};
use crate::gather::HostInterfaces;
use crate::media::Media;
use crate::stats::ChannelCounters;
use crate::transmit::Leftovers;
use crate::transport::{Progress, Transport};
use crate::{Action, CapturedProtocol, PacketDirection, Report, SessionConfig};

/// The data plane of one connection.
///
/// * `handle_*` takes input: commands of the owner, datagrams, time, and what the host did.
/// * `poll_*` gives output until it returns `None`. `poll_transmit` comes first after every batch of
///   input; `poll_timeout` comes last.
///
/// Inputs and polls may come in any order, and a poll may be repeated. Several datagrams should be
/// handled before the next poll: what they ask for is then sent together.
#[derive(Debug)]
pub struct Session {
    pub(crate) config: SessionConfig,
    pub(crate) rng: Rng,
    /// The latest time that was told.
    pub(crate) now: Instant,
    pub(crate) transports: Vec<Transport>,
    pub(crate) sctp: Sctp,
    pub(crate) reports: VecDeque<Report>,
    pub(crate) actions: VecDeque<Action>,
    pub(crate) interfaces: HostInterfaces,
    /// Addresses that it lost, and until when they may come back.
    pub(crate) away: Vec<(IpAddr, Instant)>,
    /// The names that stand for the host's addresses.
    pub(crate) names: Vec<(IpAddr, MdnsName)>,
    pub(crate) next_bind: u32,
    pub(crate) media: Media,
    /// The transport whose turn it is to check.
    pub(crate) first_to_check: usize,
    /// The transport whose turn it is to send media.
    pub(crate) first_to_send: usize,
    /// What new transports may check before the host was asked.
    pub(crate) check_leave: ice::CheckLeave,
    /// Addresses of remote candidates, of some that are gone, too.
    pub(crate) checked: HashSet<SocketAddr>,
    /// When those that are gone were forgotten last.
    pub(crate) checked_at: Instant,
    /// One SCTP packet on its way into DTLS.
    pub(crate) packet: Vec<u8>,
    pub(crate) leftovers: Leftovers,
    pub(crate) counters: Counters,
    pub(crate) channel_counters: ChannelCounters,
    pub(crate) captured: Captured,
    /// The host tells sessions apart by their user names, and hears of them.
    pub(crate) tells_user_names: bool,
    pub(crate) closed: bool,
}

impl Session {
    /// A session without transports.
    pub fn new(config: SessionConfig, rng: Rng) -> Self {
        Session {
            config,
            rng,
            now: Instant::ZERO,
            transports: Vec::new(),
            sctp: Sctp::new(),
            reports: VecDeque::new(),
            actions: VecDeque::new(),
            interfaces: HostInterfaces::Unknown,
            away: Vec::new(),
            names: Vec::new(),
            next_bind: 0,
            media: Media::default(),
            first_to_check: 0,
            first_to_send: 0,
            check_leave: ice::CheckLeave::Free,
            checked: HashSet::new(),
            checked_at: Instant::ZERO,
            packet: Vec::new(),
            leftovers: Leftovers::default(),
            counters: Counters::default(),
            channel_counters: ChannelCounters::default(),
            captured: None,
            tells_user_names: false,
            closed: false,
        }
    }

    /// Takes a datagram. It is decrypted where it lies.
    pub fn handle_datagram(&mut self, now: Instant, datagram: &Datagram, bytes: &mut [u8]) {
        self.now = self.now.max(now);
        self.counters.datagrams_received += 1;
        self.counters.bytes_received += bytes.len() as u64;
        match Kind::of(bytes) {
            Kind::Ice => self.handle_ice(datagram, bytes),
            Kind::Payload(payload) => self.handle_payload(datagram, false, bytes, payload),
            Kind::Other => self.counters.unknown_protocol += 1,
        }
    }

    /// What a TURN server forwarded: it came from the peer, and no relay is inside another.
    fn handle_relayed(&mut self, datagram: &Datagram, bytes: &mut [u8]) {
        match Kind::of(bytes) {
            Kind::Payload(payload) => self.handle_payload(datagram, true, bytes, payload),
            Kind::Ice | Kind::Other => self.counters.unknown_protocol += 1,
        }
    }

    fn handle_payload(
        &mut self,
        datagram: &Datagram,
        relayed: bool,
        bytes: &mut [u8],
        payload: Payload,
    ) {
        let Some(at) = self.receiver(datagram) else {
            return;
        };
        let transport = &mut self.transports[at];
        transport.count_received(datagram, relayed, bytes.len());
        match payload {
            Payload::Dtls => {
                transport.agent.acknowledge_direct(bytes);
                self.handle_dtls(at, bytes);
            }
            Payload::Rtcp => self.handle_rtcp(at, datagram, bytes),
            Payload::Rtp => self.handle_rtp(at, datagram, bytes),
        }
    }

    /// Does what is due at `now`. Early and late calls are harmless.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.now = self.now.max(now);
        for transport in &mut self.transports {
            transport.handle_timeout(self.now);
        }
        self.give_up_away(|until| until <= now);
        if let Some(running) = self.sctp.running()
            && can_send(&self.transports, running.agreed.key, self.now)
        {
            let due = running.association.poll_timeout();
            if due.is_some_and(|at| at <= self.now) {
                running.association.handle_timeout(self.now);
            }
        }
        if let Some(running) = self.sctp.running()
            && running.ends().is_some_and(|at| at <= self.now)
        {
            running.end(&mut self.reports);
        }
        self.advance_all();
    }

    /// A socket takes no more for now, or does again. While it does not, nothing is sent on it that
    /// can wait; other sockets go on. A host drops what else comes for it, like a full socket buffer.
    pub fn handle_socket_blocked(&mut self, now: Instant, socket: SocketId, blocked: bool) {
        self.now = self.now.max(now);
        let mut sockets = self.transports.iter_mut().flat_map(|t| &mut t.sockets);
        if let Some(bound) = sockets.find(|bound| bound.socket == socket) {
            bound.blocked = blocked;
        }
    }

    /// What [`Session::poll_transmit`] gave was lost at its socket: there was no room, or the system refused
    /// it. It counts for the candidate pair in use, if that is its way, whatever it is: media, data or a check.
    /// Of a train that was taken in part, `len` is the rest. What does not fit on a stream (TCP, TLS) is not for
    /// this.
    pub fn handle_discarded(&mut self, now: Instant, transmit: &Transmit) {
        self.now = self.now.max(now);
        let way = (transmit.socket, transmit.remote);
        let segment = transmit.segment_size.unwrap_or(transmit.len).max(1);
        let packets = transmit.len.div_ceil(segment) as u64;
        let mut transports = self.transports.iter_mut();
        let its = transports.find(|it| it.sockets.iter().any(|bound| bound.socket == way.0));
        if let Some(transport) = its {
            let bytes = transmit.len as u64;
            transport.agent.count_discarded(now, way, packets, bytes);
        }
    }

    /// When to call [`Session::handle_timeout`] and to poll for datagrams again.
    pub fn poll_timeout(&mut self) -> Option<Instant> {
        let transports = self.transports.iter().filter_map(Transport::poll_timeout);
        let earliest = transports.min();
        // Without consent, or into a full socket, nothing can be sent: SCTP's timers wait.
        let association = self
            .sctp
            .running()
            .filter(|running| can_send(&self.transports, running.agreed.key, self.now))
            .and_then(|running| running.association.poll_timeout());
        let ends = self.sctp.running().and_then(|running| running.ends());
        let away = self.away.iter().map(|(_, until)| *until).min();
        Instant::earliest([earliest, association, ends, away, self.media_timeout()])
    }

    /// When media has something to say, of a session that has any.
    fn media_timeout(&self) -> Option<Instant> {
        if !self.media.is_in_use() {
            return None;
        }
        let media = self.transports.iter();
        media
            .filter_map(|transport| transport.media_timeout(self.now))
            .min()
    }

    /// What the host is to do. A socket is given up only after its last datagrams were polled.
    pub fn poll_action(&mut self) -> Option<Action> {
        if self.leftovers.has_closing() {
            return None;
        }
        let action = self.actions.pop_front();
        if self.actions.is_empty() {
            self.actions.shrink_to_fit();
        }
        action
    }

    /// What happened, channels aside.
    pub fn poll_report(&mut self) -> Option<Report> {
        if let Some(report) = self.reports.pop_front() {
            if self.reports.is_empty() {
                // Most come while the connection is set up; an idle one keeps no room for them.
                self.reports.shrink_to_fit();
            }
            return Some(report);
        }
        let of_media = self.poll_media_report();
        of_media.or_else(|| self.sctp.running()?.poll_buffered_amount())
    }

    /// What happened on the channels, in order. A host whose reader is slow stops calling this: the
    /// receive window closes then, and nothing else is held back. Calling it again may make
    /// something to send.
    pub fn poll_channel(&mut self) -> Option<ChannelReport> {
        let report = self.sctp.poll_channel(self.now)?;
        if let ChannelReport::Message { channel, data, .. } = &report {
            self.channel_counters.count_received(*channel, data.len());
        }
        Some(report)
    }

    /// Whether [`poll_channel`](Self::poll_channel) may give anything: there is an association, or there was one that
    /// was not told of in full. Most sessions of a media server have none, and need not ask whether a reader is slow.
    pub fn has_channels(&self) -> bool {
        self.sctp.has_channels()
    }

    /// Whether the session was told [`Command::Close`](crate::Command::Close): nothing happens any
    /// more, once its last datagrams were polled.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// What was received and not acted on, and more.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// What the streams of media of all transports count, summed up.
    pub fn media_totals(&self) -> MediaTotals {
        let mut totals = MediaTotals::default();
        for media in self.transports.iter().filter_map(|it| it.media.as_ref()) {
            totals += media.rtp.totals();
        }
        totals
    }

    /// Counters and gauges of the association, once it exists.
    pub fn sctp_stats(&self) -> Option<sctp::Stats> {
        self.sctp.stats()
    }

    /// The candidate pairs of a transport.
    pub fn candidate_pairs(&self, key: TransportKey) -> Vec<ice::PairStats> {
        let agent = self.find(key).map(|at| &self.transports[at].agent);
        agent.map_or_else(Vec::new, |agent| agent.pairs().collect())
    }

    fn handle_dtls(&mut self, at: usize, bytes: &mut [u8]) {
        let Session {
            transports,
            sctp,
            counters,
            captured,
            now,
            ..
        } = self;
        let transport = &mut transports[at];
        let key = transport.key;
        let _in = transport.enter();
        transport.dtls.handle_datagram(*now, bytes, |packet| {
            let what = (PacketDirection::Received, CapturedProtocol::Sctp);
            capture(captured, *now, key, what, packet);
            if !sctp.handle_packet(*now, key, packet) {
                counters.early_sctp_dropped += 1;
            }
        });
        self.advance_entered(at);
    }

    fn handle_ice(&mut self, datagram: &Datagram, bytes: &mut [u8]) {
        let now = self.now;
        let mut taken = self
            .transports
            .iter_mut()
            .enumerate()
            .map(|(at, transport)| {
                if !transport.has_socket(datagram.socket) {
                    return (at, ice::Input::Unknown);
                }
                let _in = transport.enter();
                (at, transport.agent.handle_datagram(now, datagram, bytes))
            });
        match taken.find(|(_, input)| *input != ice::Input::Unknown) {
            Some((at, ice::Input::Handled)) => {
                self.advance(at);
                while let Some(mut datagram) = self.transports[at].agent.poll_embedded() {
                    self.handle_dtls(at, &mut datagram);
                }
            }
            Some((_, ice::Input::Data { remote, range })) => {
                let datagram = Datagram {
                    remote,
                    ..*datagram
                };
                self.handle_relayed(&datagram, &mut bytes[range]);
            }
            Some((_, ice::Input::Unknown)) | None => self.counters.stray_stun += 1,
        }
    }

    /// The transport that a datagram is for, if ICE knows its sender.
    fn receiver(&mut self, datagram: &Datagram) -> Option<usize> {
        let at_socket = |t: &Transport| t.has_socket(datagram.socket);
        let for_it = |t: &Transport| at_socket(t) && t.knows(datagram);
        let found = self.transports.iter().position(for_it);
        if found.is_none() {
            if self.transports.iter().any(at_socket) {
                self.counters.unknown_source += 1;
            } else {
                self.counters.unknown_socket += 1;
            }
        }
        found
    }

    pub(crate) fn find(&self, key: TransportKey) -> Option<usize> {
        self.transports.iter().position(|t| t.key == key)
    }

    pub(crate) fn advance_transport(&mut self, key: TransportKey) {
        if let Some(at) = self.find(key) {
            self.advance(at);
        }
    }

    /// Advances the transport that the association runs over, or is to run over.
    pub(crate) fn advance_sctp(&mut self) {
        if let Some(key) = self.sctp.transport() {
            self.advance_transport(key);
        }
    }

    pub(crate) fn advance_all(&mut self) {
        for at in 0..self.transports.len() {
            self.advance(at);
        }
    }

    /// Carries what happened in one layer of a transport to the next, and to the owner.
    pub(crate) fn advance(&mut self, at: usize) {
        let _in = self.transports[at].enter();
        self.advance_entered(at);
    }

    /// The same inside of the transport's span.
    fn advance_entered(&mut self, at: usize) {
        let transport = &mut self.transports[at];
        let key = transport.key;
        let progress = transport.advance(
            self.now,
            &mut self.reports,
            &mut self.actions,
            &mut self.next_bind,
        );
        if self.tells_user_names {
            transport.tell_user_names(&mut self.actions);
            transport.tell_path(self.config.ice.lite, &mut self.actions);
        }
        let new = self.sctp.awaited() == Some(key);
        if new
            && transport.dtls.state() == dtls::State::Connected
            && let Some(role) = transport.dtls_role()
        {
            self.sctp.start(self.now, &self.config, role, &mut self.rng);
        }
        if let Some(running) = self.sctp.on(key) {
            running.advance(&mut self.reports);
            match progress {
                Progress::Closed => running.transport_closed(self.now, &mut self.reports),
                Progress::Failed => running.end(&mut self.reports),
                Progress::Connected if !new => running.transport_connected(self.now),
                Progress::None | Progress::Connected => {}
            }
        }
        if progress == Progress::Connected {
            self.update_outlets(key);
        }
    }
}

fn can_send(transports: &[Transport], key: TransportKey, now: Instant) -> bool {
    transports
        .iter()
        .any(|transport| transport.key == key && transport.can_send_data(now))
}

#[cfg(test)]
mod tests;

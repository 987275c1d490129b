//! Two whole connections, control plane and data plane, over a wire in virtual time.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use duologue_base::{ChannelKey, Datagram, Dscp, Instant, Rng, SocketId};
use duologue_dtls as dtls;
use duologue_peer::{
    Configuration, DataChannelInit, DataChannelState, Event, IceCandidateInit, Message,
    PeerConnectionState,
};
use duologue_session::{
    Action, BindError, Interface, MediaItem, MediaReport, Report, Session, SessionConfig,
};

use super::Host;

/// Where a server may be.
pub(crate) const SERVER: SocketAddr =
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 9)), 3478);

pub(crate) const DELAY: Duration = Duration::from_millis(10);

/// One end: a connection and its session, on a host with one address.
pub(crate) struct End {
    pub(crate) host: Host,
    pub(crate) session: Session,
    pub(crate) ip: IpAddr,
    pub(crate) sockets: Vec<SocketAddr>,
    pub(crate) seen: usize,
    /// What its receivers got.
    pub(crate) items: Vec<MediaItem>,
    /// How many packets have left its senders' queues.
    pub(crate) left: usize,
}

/// What is on its way.
pub(crate) struct Flight {
    pub(crate) at: Instant,
    pub(crate) to: usize,
    pub(crate) payload: Payload,
}

pub(crate) enum Payload {
    Packet {
        from: SocketAddr,
        addr: SocketAddr,
        bytes: Vec<u8>,
    },
    Candidate(IceCandidateInit),
}

/// Answers a datagram.
pub(crate) type Server = fn(&[u8]) -> Vec<u8>;

pub(crate) struct World {
    pub(crate) ends: [End; 2],
    pub(crate) flights: VecDeque<Flight>,
    pub(crate) now: Instant,
    /// Datagrams between the two are lost.
    pub(crate) blocked: bool,
    /// DTLS between the two is lost.
    pub(crate) mute_dtls: bool,
    /// Candidates of both are lost.
    pub(crate) mute_candidates: bool,
    /// Hosts cannot bind sockets.
    pub(crate) unbindable: bool,
    /// What a capture sees between the two: by which end, with which mark, and the bytes.
    pub(crate) wire: Vec<(usize, Dscp, Vec<u8>)>,
    /// What a TURN server at [`SERVER`] answers to what is sent to it.
    pub(crate) server: Option<Server>,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        World::with(seed, Configuration::default())
    }

    pub(crate) fn with(seed: u64, configuration: Configuration) -> Self {
        World::of(seed, [configuration.clone(), configuration])
    }

    /// Each end with a configuration of its own.
    pub(crate) fn of(seed: u64, configurations: [Configuration; 2]) -> Self {
        let context = dtls::Context::new().unwrap();
        let ends = [1, 2].map(|n: u8| {
            let configuration = configurations[usize::from(n) - 1].clone();
            let rng = Rng::from_u64(seed * 100 + u64::from(n));
            let config = SessionConfig::new(context.clone());
            let ip = IpAddr::from([192, 0, 2, n]);
            let mut session = Session::new(config, rng);
            session.handle_interfaces(Instant::ZERO, &[Interface { ip }]);
            End {
                host: Host::with(seed * 10 + u64::from(n), configuration),
                session,
                ip,
                sockets: Vec::new(),
                seen: 0,
                items: Vec::new(),
                left: 0,
            }
        });
        World {
            ends,
            flights: VecDeque::new(),
            now: Instant::ZERO,
            blocked: false,
            mute_dtls: false,
            mute_candidates: false,
            unbindable: false,
            wire: Vec::new(),
            server: None,
        }
    }

    pub(crate) fn pc(&mut self, index: usize) -> &mut duologue_peer::PeerConnection {
        &mut self.ends[index].host.pc
    }

    /// Exchanges an offer of one end and the answer of the other; candidates trickle.
    pub(crate) fn negotiate(&mut self, offerer: usize) {
        let answerer = 1 - offerer;
        let offer = self.ends[offerer].host.set_local();
        self.ends[answerer].host.set_remote(offer).unwrap();
        let answer = self.ends[answerer].host.set_local();
        self.ends[offerer].host.set_remote(answer).unwrap();
    }

    /// Runs both ends until nothing is left to do now.
    pub(crate) fn settle(&mut self) {
        let mut quiet = 0;
        while quiet < 2 {
            for index in 0..2 {
                quiet = match self.turn(index) {
                    true => 0,
                    false => quiet + 1,
                };
            }
        }
    }

    /// Moves everything between one end's planes once. Returns whether anything moved.
    pub(crate) fn turn(&mut self, index: usize) -> bool {
        let now = self.now;
        let end = &mut self.ends[index];
        end.host.now = now;
        let mut moved = end.host.turn();
        for command in end.host.take_commands() {
            end.session.handle_command(now, command);
            moved = true;
        }
        while let Some(action) = end.session.poll_action() {
            if let Action::Resolve { host } = &action {
                // No name has an address here.
                end.session.handle_resolved(now, host, &[]);
            }
            if let Action::Bind { bind_id, .. } = action
                && self.unbindable
            {
                let error = Err(BindError::NotPermitted);
                end.session.handle_bound(now, bind_id, error);
            } else if let Action::Bind { bind_id, ip, .. } = action {
                let socket = SocketId(end.sockets.len() as u32);
                let addr = SocketAddr::new(ip, 5000 + end.sockets.len() as u16);
                end.sockets.push(addr);
                end.session.handle_bound(now, bind_id, Ok((socket, addr)));
            }
            moved = true;
        }
        while let Some(report) = end.session.poll_report() {
            if let Report::Media(_, MediaReport::Sent { items, .. }) = &report {
                end.left += items;
            }
            end.host.pc.handle_report(report);
            moved = true;
        }
        while let Some(item) = end.session.poll_media() {
            end.items.push(item);
            moved = true;
        }
        while let Some(report) = end.session.poll_channel() {
            end.host.pc.handle_channel_report(report);
            moved = true;
        }
        let mut buffer = Vec::new();
        while let Some(transmit) = end.session.poll_transmit(now, &mut buffer) {
            let size = transmit.segment_size.unwrap_or(transmit.len.max(1));
            for bytes in buffer[..transmit.len].chunks(size) {
                let from = end.sockets[transmit.socket.0 as usize];
                if transmit.remote == SERVER {
                    let answer = self.server.map(|answer| Flight {
                        at: now + 2 * DELAY,
                        to: index,
                        payload: Payload::Packet {
                            from: SERVER,
                            addr: from,
                            bytes: answer(bytes),
                        },
                    });
                    self.flights.extend(answer);
                    continue;
                }
                // RFC 7983 §7: what DTLS begins with.
                let dtls = bytes.first().is_some_and(|first| (20..64).contains(first));
                if self.blocked || dtls && self.mute_dtls {
                    continue;
                }
                self.wire.push((index, transmit.dscp, bytes.to_vec()));
                self.flights.push_back(Flight {
                    at: now + DELAY,
                    to: 1 - index,
                    payload: Payload::Packet {
                        from,
                        addr: transmit.remote,
                        bytes: bytes.to_vec(),
                    },
                });
            }
            buffer.clear();
            moved = true;
        }
        self.trickle(index);
        moved
    }

    pub(crate) fn trickle(&mut self, index: usize) {
        let end = &mut self.ends[index];
        for event in &end.host.events[end.seen..] {
            if let Event::IceCandidate(Some(candidate)) = event
                && !self.mute_candidates
            {
                self.flights.push_back(Flight {
                    at: self.now + DELAY,
                    to: 1 - index,
                    payload: Payload::Candidate(candidate.init.clone()),
                });
            }
        }
        end.seen = end.host.events.len();
    }

    pub(crate) fn deliver(&mut self) {
        while self
            .flights
            .front()
            .is_some_and(|flight| flight.at <= self.now)
        {
            let Some(Flight { to, payload, .. }) = self.flights.pop_front() else {
                return;
            };
            let end = &mut self.ends[to];
            match payload {
                Payload::Candidate(init) => {
                    end.host.pc.add_ice_candidate(init);
                }
                Payload::Packet {
                    from,
                    addr,
                    mut bytes,
                } => {
                    let Some(socket) = end.sockets.iter().position(|local| *local == addr) else {
                        continue;
                    };
                    let datagram = Datagram {
                        socket: SocketId(socket as u32),
                        received: self.now,
                        remote: from,
                        local_ip: Some(end.ip),
                        ecn: Default::default(),
                    };
                    end.session.handle_datagram(self.now, &datagram, &mut bytes);
                }
            }
        }
    }

    /// Lets time pass until something holds.
    pub(crate) fn run_until(&mut self, what: &str, mut holds: impl FnMut(&mut World) -> bool) {
        // Patience with a peer that does not answer is 39.5 s.
        let deadline = self.now + Duration::from_secs(60);
        loop {
            self.settle();
            if holds(self) {
                return;
            }
            let flight = self.flights.front().map(|flight| flight.at);
            let timers = self.ends.iter_mut().map(|end| end.session.poll_timeout());
            let next = timers.flatten().chain(flight).min();
            let next = next.unwrap_or_else(|| panic!("nothing happens any more: {what}"));
            assert!(next <= deadline, "too late: {what}");
            self.now = self.now.max(next);
            self.deliver();
            for end in &mut self.ends {
                end.session.handle_timeout(self.now);
            }
        }
    }

    pub(crate) fn connected(&mut self) -> bool {
        (0..2).all(|index| self.pc(index).connection_state() == PeerConnectionState::Connected)
    }

    pub(crate) fn is_open(&mut self, index: usize, channel: ChannelKey) -> bool {
        let channel = self.pc(index).data_channel(channel);
        channel.is_some_and(|channel| channel.ready_state() == DataChannelState::Open)
    }

    /// Messages that an end got.
    pub(crate) fn received(&self, index: usize) -> Vec<(ChannelKey, Message)> {
        let events = self.ends[index].host.events.iter();
        events
            .filter_map(|event| match event {
                Event::ChannelMessage(channel, message) => Some((*channel, message.clone())),
                _ => None,
            })
            .collect()
    }

    pub(crate) fn channel(&mut self, index: usize, label: &str) -> ChannelKey {
        let init = DataChannelInit::default();
        self.pc(index).create_data_channel(label, init).unwrap()
    }

    pub(crate) fn announced(&self, index: usize) -> Vec<ChannelKey> {
        let events = self.ends[index].host.events.iter();
        events
            .filter_map(|event| match event {
                Event::DataChannel(channel) => Some(*channel),
                _ => None,
            })
            .collect()
    }
}

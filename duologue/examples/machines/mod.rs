//! What the examples without a runtime share: the two machines of one end of a connection, and what the program has
//! seen of them. Sockets are the example's, real ones or pretended.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use duologue::sans_io::{
    Action, ChannelCommand, ChannelReport, Command, ConnectError, Context, Datagram, Ecn, Effect,
    Env, Event, Instant, Interface, Peer, Rng, Session, SessionConfig, SocketId, TransportCommand,
    WallClock,
};
use duologue::{
    Bytes, ChannelKey, Configuration, DataChannelInit, LocalSessionDescription, SessionDescription,
};

pub(crate) type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// The W3C's algorithms, the protocols below them, and the sockets that they asked for.
pub(crate) struct End {
    pub(crate) peer: Peer,
    pub(crate) session: Session,
    pub(crate) channel: Option<ChannelKey>,
    pub(crate) open: bool,
    pub(crate) messages: Vec<Bytes>,
    pub(crate) sockets: Sockets,
    gathered: bool,
}

impl End {
    pub(crate) fn new(
        context: &Context,
        sockets: Sockets,
        now: WallClock,
        mut rng: Rng,
    ) -> Outcome<Self> {
        let mut config = SessionConfig::new(context.clone());
        // Addresses of loopback count only where somebody says so.
        config.ice.loopback = sockets.address.is_loopback();
        let sctp_init = config.sctp_init(&mut rng);
        let session = Session::new(config, rng.fork());
        let env = Env {
            now,
            // The session's clock begins with it.
            epoch: Duration::from_millis(now.unix_millis()),
            rng,
            capabilities: Arc::default(),
            sctp_init: Some(sctp_init),
        };
        Ok(End {
            peer: Peer::new(Configuration::default(), env)?,
            session,
            sockets,
            gathered: false,
            channel: None,
            open: false,
            messages: Vec::new(),
        })
    }

    pub(crate) fn create_channel(&mut self, label: &str) -> Outcome<()> {
        self.channel = Some(
            self.peer
                .create_data_channel(label, DataChannelInit::default())?,
        );
        Ok(())
    }

    /// `setLocalDescription()` without a description, then waits for the candidates.
    pub(crate) fn describe(&mut self, now: Instant) -> Outcome<SessionDescription> {
        self.run(now);
        self.peer
            .set_local_description(LocalSessionDescription::default());
        while !self.gathered {
            self.run(now);
        }
        Ok(self.peer.local_description().ok_or("it was just set")?)
    }

    /// Takes what each machine has for the other, until neither has anything.
    pub(crate) fn run(&mut self, now: Instant) {
        loop {
            while let Some(effect) = self.peer.poll_effect() {
                self.perform(effect);
            }
            while let Some(command) = self.peer.poll_command() {
                if let Command::Transport(_, TransportCommand::Add { .. }) = command {
                    let ip = self.sockets.address;
                    self.session.handle_interfaces(now, &[Interface { ip }]);
                }
                self.session.handle_command(now, command);
            }
            while let Some(action) = self.session.poll_action() {
                self.sockets.act(now, &mut self.session, action);
            }
            while let Some(report) = self.session.poll_report() {
                self.peer.handle_report(report);
            }
            while let Some(report) = self.session.poll_channel() {
                match report {
                    // A short cut that a host may take; the peer would make an event of it.
                    ChannelReport::Message { data, .. } => self.messages.push(data),
                    report => self.peer.handle_channel_report(report),
                }
            }
            if !self.peer.run_task(now) {
                return;
            }
        }
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Event(Event::IceCandidate(None)) => self.gathered = true,
            Effect::Event(Event::DataChannel(channel)) => self.channel = Some(channel),
            Effect::Event(Event::ChannelOpen(_)) => self.open = true,
            Effect::Event(_) | Effect::Resolve { .. } => {}
            Effect::Reject { exception, .. } => panic!("{exception}"),
            Effect::Ask { .. } => unreachable!("no identity provider was set"),
        }
    }

    pub(crate) fn say(&mut self, now: Instant, text: &'static str) -> Outcome<()> {
        let channel = self.channel.ok_or("no channel")?;
        let send = ChannelCommand::Send {
            data: Bytes::from_static(text.as_bytes()),
            binary: false,
        };
        self.session
            .handle_command(now, Command::Channel(channel, send));
        Ok(())
    }
}

/// The sockets of one session, on one address.
pub(crate) struct Sockets {
    pub(crate) address: IpAddr,
    open: Vec<(SocketId, SocketAddr)>,
    /// Opens one at an address, and says which port it has.
    bind: Box<dyn FnMut(SocketId, IpAddr) -> Option<SocketAddr>>,
}

impl Sockets {
    pub(crate) fn new(
        address: IpAddr,
        bind: impl FnMut(SocketId, IpAddr) -> Option<SocketAddr> + 'static,
    ) -> Self {
        Sockets {
            address,
            open: Vec::new(),
            bind: Box::new(bind),
        }
    }

    /// Does what a session asks its host for.
    pub(crate) fn act(&mut self, now: Instant, session: &mut Session, action: Action) {
        match action {
            Action::ListInterfaces => {
                let ip = self.address;
                session.handle_interfaces(now, &[Interface { ip }]);
            }
            Action::Bind { bind_id, ip, .. } => {
                let id = SocketId(self.open.len() as u32);
                if let Some(addr) = (self.bind)(id, ip) {
                    self.open.push((id, addr));
                    session.handle_bound(now, bind_id, Ok((id, addr)));
                }
            }
            Action::Connect { bind_id, .. } => {
                session.handle_connected(now, bind_id, Err(ConnectError::NotPossible));
            }
            Action::Unbind { socket } => self.open.retain(|(id, _)| *id != socket),
            _ => {}
        }
    }

    /// What the session has to send, datagram by datagram: from which socket, from where, to where.
    pub(crate) fn transmit(
        &self,
        now: Instant,
        session: &mut Session,
        mut send: impl FnMut(SocketId, SocketAddr, SocketAddr, &[u8]),
    ) {
        let mut train = Vec::new();
        while let Some(transmit) = session.poll_transmit(now, &mut train) {
            let Some((id, from)) = self.open.iter().find(|(id, _)| *id == transmit.socket) else {
                continue;
            };
            for datagram in train.chunks(transmit.segment_size.unwrap_or(train.len().max(1))) {
                send(*id, *from, transmit.remote, datagram);
            }
        }
    }

    /// Hands the session a datagram that came to one of its sockets.
    pub(crate) fn receive(
        &self,
        now: Instant,
        session: &mut Session,
        [from, to]: [SocketAddr; 2],
        bytes: &mut [u8],
    ) {
        let Some((socket, _)) = self.open.iter().find(|(_, addr)| *addr == to) else {
            return;
        };
        let datagram = Datagram {
            socket: *socket,
            received: now,
            remote: from,
            local_ip: None,
            ecn: Ecn::NotEct,
        };
        session.handle_datagram(now, &datagram, bytes);
    }
}

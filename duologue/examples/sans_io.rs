//! Two whole peers on one thread, without sockets, clocks or tasks:
//! `cargo run --example sans_io --no-default-features`.
//!
//! Time and the network are this program's. Both are pretended here, so that the run takes as long
//! as it computes and is the same every time.
#![allow(clippy::print_stdout, reason = "an example shows what happens")]

use std::collections::VecDeque;
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

/// How long a datagram travels.
const DELAY: Duration = Duration::from_millis(10);

/// One end: the W3C's algorithms, the protocols below them, and what the program has seen.
struct End {
    peer: Peer,
    session: Session,
    address: IpAddr,
    sockets: Vec<(SocketId, SocketAddr)>,
    gathered: bool,
    channel: Option<ChannelKey>,
    open: bool,
    messages: Vec<Bytes>,
}

/// A datagram on its way.
struct Flight {
    arrives: Instant,
    from: SocketAddr,
    to: SocketAddr,
    bytes: Vec<u8>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let context = Context::new()?;
    let mut alice = End::new(&context, [192, 0, 2, 1].into(), 1)?;
    let mut bob = End::new(&context, [192, 0, 2, 2].into(), 2)?;
    let mut network = VecDeque::new();
    let mut now = Instant::ZERO;

    alice.channel = Some(
        alice
            .peer
            .create_data_channel("chat", DataChannelInit::default())?,
    );
    let offer = alice.describe(now);
    bob.peer.set_remote_description(offer);
    let answer = bob.describe(now);
    alice.peer.set_remote_description(answer);

    let mut greeted = false;
    while bob.messages.is_empty() {
        for end in [&mut alice, &mut bob] {
            end.run(now);
            end.send(now, &mut network);
        }
        if alice.open && !greeted {
            greeted = true;
            let channel = alice.channel.ok_or("no channel")?;
            alice.session.handle_command(
                now,
                Command::Channel(
                    channel,
                    ChannelCommand::Send {
                        data: Bytes::from_static(b"Hello, Bob"),
                        binary: false,
                    },
                ),
            );
            continue;
        }
        now = next_moment(now, &mut alice, &mut bob, &network).ok_or("nothing happens any more")?;
        while network
            .front()
            .is_some_and(|flight: &Flight| flight.arrives <= now)
        {
            let mut flight = network.pop_front().ok_or("it was there")?;
            let to = [&mut alice, &mut bob]
                .into_iter()
                .find(|end| end.address == flight.to.ip());
            to.ok_or("a stray datagram")?.receive(now, &mut flight);
        }
        for end in [&mut alice, &mut bob] {
            end.session.handle_timeout(now);
        }
    }
    let text = String::from_utf8_lossy(&bob.messages[0]);
    println!("After {now:?} of pretended time Bob got {text:?}.");
    Ok(())
}

/// When the next datagram arrives or the next timer is due.
fn next_moment(
    now: Instant,
    alice: &mut End,
    bob: &mut End,
    network: &VecDeque<Flight>,
) -> Option<Instant> {
    let arrival = network.front().map(|flight| flight.arrives);
    let timers = [alice.session.poll_timeout(), bob.session.poll_timeout()];
    let moment = timers.into_iter().chain([arrival]).flatten().min()?;
    Some(moment.max(now))
}

impl End {
    fn new(
        context: &Context,
        address: IpAddr,
        seed: u64,
    ) -> Result<Self, Box<dyn std::error::Error>> {
        let mut rng = Rng::from_u64(seed);
        let session = Session::new(SessionConfig::new(context.clone()), rng.fork());
        let env = Env {
            now: WallClock::from_unix_millis(1_700_000_000_000),
            rng,
            capabilities: Arc::default(),
        };
        Ok(End {
            peer: Peer::new(Configuration::default(), env)?,
            session,
            address,
            sockets: Vec::new(),
            gathered: false,
            channel: None,
            open: false,
            messages: Vec::new(),
        })
    }

    /// `setLocalDescription()` without a description, then waits for the candidates.
    fn describe(&mut self, now: Instant) -> SessionDescription {
        self.run(now);
        self.peer
            .set_local_description(LocalSessionDescription::default());
        while !self.gathered {
            self.run(now);
        }
        self.peer.local_description().expect("it was just set")
    }

    /// Takes what each machine has for the other, until neither has anything.
    fn run(&mut self, now: Instant) {
        loop {
            while let Some(effect) = self.peer.poll_effect() {
                self.perform(effect);
            }
            while let Some(command) = self.peer.poll_command() {
                if let Command::Transport(_, TransportCommand::Add { .. }) = command {
                    self.session
                        .handle_interfaces(now, &[Interface { ip: self.address }]);
                }
                self.session.handle_command(now, command);
            }
            while let Some(action) = self.session.poll_action() {
                self.act(now, action);
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
        }
    }

    /// Pretends to open and close sockets.
    fn act(&mut self, now: Instant, action: Action) {
        match action {
            Action::Bind { bind_id, ip, .. } => {
                let number = self.sockets.len() as u16;
                let socket = (
                    SocketId(number.into()),
                    SocketAddr::new(ip, 50_000 + number),
                );
                self.sockets.push(socket);
                self.session.handle_bound(now, bind_id, Ok(socket));
            }
            Action::Connect { bind_id, .. } => {
                let result = Err(ConnectError::NotPossible);
                self.session.handle_connected(now, bind_id, result);
            }
            Action::Unbind { socket } => self.sockets.retain(|(id, _)| *id != socket),
            _ => {}
        }
    }

    /// Puts what is to be sent on its way, datagram by datagram.
    fn send(&mut self, now: Instant, network: &mut VecDeque<Flight>) {
        let mut train = Vec::new();
        while let Some(transmit) = self.session.poll_transmit(now, &mut train) {
            let Some((_, from)) = self.sockets.iter().find(|(id, _)| *id == transmit.socket) else {
                continue;
            };
            for bytes in train.chunks(transmit.segment_size.unwrap_or(train.len().max(1))) {
                network.push_back(Flight {
                    arrives: now + DELAY,
                    from: *from,
                    to: transmit.remote,
                    bytes: bytes.to_vec(),
                });
            }
        }
    }

    fn receive(&mut self, now: Instant, flight: &mut Flight) {
        if let Some((socket, _)) = self.sockets.iter().find(|(_, addr)| *addr == flight.to) {
            let datagram = Datagram {
                socket: *socket,
                received: now,
                remote: flight.from,
                local_ip: None,
                ecn: Ecn::NotEct,
            };
            self.session
                .handle_datagram(now, &datagram, &mut flight.bytes);
        }
    }
}

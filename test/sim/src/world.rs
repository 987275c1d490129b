use std::collections::VecDeque;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use bytes::Bytes;
use duologue_base::{ChannelKey, Generation, Instant, Rng, StreamId};
use duologue_datachannel::ChannelInit;
use duologue_dtls as dtls;
use duologue_session::{ChannelCommand, Command, SessionConfig};

use crate::host::{Host, HostId};
use crate::machine::Machine;
use crate::network::{Link, Network};

/// An end of a connection, as the world sees it.
pub trait End: fmt::Debug {
    /// What signalling carries from one end to the other.
    type Signal: fmt::Debug;

    /// Its session and sockets.
    fn machine(&mut self) -> &mut Machine;

    /// Polls everything until nothing is left.
    fn flush(&mut self, now: Instant, network: &mut Network);

    /// What it has to tell the other end.
    fn take_signals(&mut self) -> Vec<Self::Signal>;

    /// What the other end told it.
    fn hear(&mut self, now: Instant, signal: Self::Signal);

    /// A timer of its own, besides the session's.
    fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// The time has come.
    fn handle_timeout(&mut self, _now: Instant) {}
}

/// Hosts, the network and the signalling between them, and the time.
#[derive(Debug)]
pub struct World<E: End = Host> {
    now: Instant,
    rng: Rng,
    network: Network,
    hosts: Vec<E>,
    signalling_delay: Duration,
    signals: VecDeque<(Instant, HostId, E::Signal)>,
    /// Who is connected with whom.
    partners: Vec<(HostId, HostId)>,
    dtls: dtls::Context,
    steps_at_once: usize,
    /// Hosts of machines that sleep.
    asleep: Vec<HostId>,
}

/// Steps without time passing, after which the world is said to spin.
const STEPS_AT_ONCE_MAX: usize = 20_000;

impl<E: End> World<E> {
    /// An empty world whose links are `link`.
    pub fn new(seed: u64, link: Link) -> Self {
        let mut rng = Rng::from_u64(seed);
        World {
            now: Instant::ZERO,
            network: Network::new(rng.fork(), link),
            rng,
            hosts: Vec::new(),
            signalling_delay: Duration::ZERO,
            signals: VecDeque::new(),
            partners: Vec::new(),
            dtls: dtls::Context::for_simulation(seed).expect("the library passes its tests"),
            steps_at_once: 0,
            asleep: Vec::new(),
        }
    }

    /// Offers and accepts only these versions of DTLS in the hosts added from now on.
    pub fn set_dtls_versions(&mut self, versions: dtls::Versions) {
        self.dtls = self.dtls.clone().with_versions(versions);
    }

    /// The hosts added from now on offer a key exchange with ML-KEM, whose flights take two datagrams.
    pub fn set_post_quantum(&mut self, offered: bool) {
        self.dtls = self.dtls.clone().with_post_quantum(offered);
    }

    /// How long descriptions and candidates take to the other end.
    pub fn set_signalling_delay(&mut self, delay: Duration) {
        self.signalling_delay = delay;
    }

    /// What a session is made with here.
    pub fn config(&self) -> SessionConfig {
        SessionConfig {
            may_fragment: false,
            ..SessionConfig::new(self.dtls.clone())
        }
    }

    /// A host.
    pub fn host(&self, host: HostId) -> &E {
        &self.hosts[host.0]
    }

    /// The network.
    pub fn network(&mut self) -> &mut Network {
        &mut self.network
    }

    /// The world's dice, for a scenario's own.
    pub fn rng(&mut self) -> &mut Rng {
        &mut self.rng
    }

    /// The time.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Nothing arrives for so long.
    pub(crate) fn hold_network(&mut self, time: Duration) {
        let until = self.now + time;
        self.network.hold_until(until);
    }

    /// The host's machine sleeps: nothing that is due happens, and what arrives is lost, until it
    /// [wakes](Self::wake). Its clock goes on.
    pub fn sleep(&mut self, host: HostId) {
        self.asleep.push(host);
    }

    /// The host's machine wakes: what was due happens now, and signalling catches up.
    pub fn wake(&mut self, host: HostId) {
        self.asleep.retain(|it| *it != host);
    }

    /// The host's addresses change.
    pub fn set_addresses(&mut self, host: HostId, addresses: &[IpAddr]) {
        self.with(host, |host, now| {
            host.machine().set_addresses(now, addresses);
        });
    }

    /// Lets time pass.
    pub fn run(&mut self, time: Duration) {
        self.run_while(time, |_| true);
    }

    /// Lets time pass until something holds, and fails if it does not within `time`.
    pub fn run_until(&mut self, time: Duration, holds: impl Fn(&World<E>) -> bool) {
        self.run_while(time, |world| !holds(world));
        assert!(holds(self), "it does not hold after {time:?}: {self:#?}");
    }

    /// Does something with a host, and polls it.
    pub(crate) fn with<T>(&mut self, host: HostId, act: impl FnOnce(&mut E, Instant) -> T) -> T {
        let result = act(&mut self.hosts[host.0], self.now);
        self.flush(host);
        result
    }

    pub(crate) fn push(&mut self, host: E) -> HostId {
        self.hosts.push(host);
        HostId(self.hosts.len() - 1)
    }

    /// Lets two hosts signal to one another.
    pub(crate) fn introduce(&mut self, one: HostId, other: HostId) {
        self.partners.push((one, other));
        for host in [one, other] {
            self.with(host, |host, now| host.machine().announce(now));
        }
    }

    /// Ends the signalling between a host and its partner.
    pub(crate) fn part(&mut self, host: HostId) {
        self.partners
            .retain(|&(one, other)| one != host && other != host);
    }

    fn run_while(&mut self, time: Duration, go_on: impl Fn(&World<E>) -> bool) {
        let end = self.now + time;
        while go_on(self) {
            let Some(next) = self.next_event().filter(|&at| at <= end) else {
                self.now = end;
                return;
            };
            self.step(next);
        }
    }

    fn next_event(&mut self) -> Option<Instant> {
        let asleep = &self.asleep;
        let hosts = self.hosts.iter_mut().enumerate();
        let awake = hosts.filter(|(index, _)| !asleep.contains(&HostId(*index)));
        let timers = awake.filter_map(|(_, host)| next_timer(host)).min();
        let signal = self.next_signal().map(|at| self.signals[at].0);
        [self.network.next_arrival(), signal, timers]
            .into_iter()
            .flatten()
            .min()
    }

    fn step(&mut self, next: Instant) {
        self.steps_at_once = if next > self.now {
            0
        } else {
            self.steps_at_once + 1
        };
        if self.steps_at_once >= STEPS_AT_ONCE_MAX {
            let timers =
                |host: &mut E| (host.poll_timeout(), host.machine().session.poll_timeout());
            let timers: Vec<_> = self.hosts.iter_mut().map(timers).collect();
            panic!("time stands still at {next:?}: own timers and sessions' {timers:?}");
        }
        self.now = self.now.max(next);
        while let Some(arrived) = self.network.arrive(self.now) {
            let mut hosts = self.hosts.iter_mut();
            let to = hosts.position(|host| host.machine().owns(arrived.to));
            if let Some(to) = to.filter(|to| !self.asleep.contains(&HostId(*to))) {
                self.hosts[to].machine().deliver(self.now, arrived);
            }
        }
        while let Some(at) = self.next_signal()
            && self.signals[at].0 <= self.now
            && let Some((_, to, signal)) = self.signals.remove(at)
        {
            self.with(to, |host, now| host.hear(now, signal));
        }
        for index in 0..self.hosts.len() {
            if self.asleep.contains(&HostId(index)) {
                continue;
            }
            let host = &mut self.hosts[index];
            if next_timer(host).is_some_and(|at| at <= self.now) {
                host.machine().session.handle_timeout(self.now);
                host.handle_timeout(self.now);
            }
            self.flush(HostId(index));
        }
    }

    /// Where the first signal is for somebody who hears it.
    fn next_signal(&self) -> Option<usize> {
        let mut signals = self.signals.iter();
        signals.position(|(_, to, _)| !self.asleep.contains(to))
    }

    /// Polls a host and passes on what it signals.
    fn flush(&mut self, id: HostId) {
        self.hosts[id.0].flush(self.now, &mut self.network);
        let signals = self.hosts[id.0].take_signals();
        let Some(partner) = self.partner(id) else {
            return;
        };
        // In order, also after the delay got shorter.
        let last = self.signals.back().map_or(self.now, |(at, ..)| *at);
        let at = (self.now + self.signalling_delay).max(last);
        let sent = signals.into_iter().map(|signal| (at, partner, signal));
        self.signals.extend(sent);
    }

    fn partner(&self, id: HostId) -> Option<HostId> {
        self.partners.iter().find_map(|&(a, b)| match id {
            id if id == a => Some(b),
            id if id == b => Some(a),
            _ => None,
        })
    }
}

fn next_timer<E: End>(host: &mut E) -> Option<Instant> {
    let own = host.poll_timeout();
    let session = host.machine().session.poll_timeout();
    [own, session].into_iter().flatten().min()
}

impl World<Host> {
    /// A host with these addresses.
    pub fn add_host(&mut self, config: SessionConfig, addresses: &[IpAddr]) -> HostId {
        let host = Host::new(config, addresses, self.rng.fork());
        self.push(host)
    }

    /// Two hosts with one address each.
    pub fn pair(&mut self) -> [HostId; 2] {
        [1, 2].map(|last| {
            let config = self.config();
            self.add_host(config, &[address(last)])
        })
    }

    /// The description of this host will carry a wrong fingerprint.
    pub fn forge_fingerprint_of(&mut self, host: HostId) {
        self.hosts[host.0].forged = true;
    }

    /// Begins to connect: `offerer` sends an offer.
    pub fn connect(&mut self, offerer: HostId, answerer: HostId) {
        self.introduce(offerer, answerer);
        self.with(offerer, |host, now| host.offer(now, Generation(0)));
    }

    /// Begins an ICE restart.
    pub fn restart_ice(&mut self, offerer: HostId) {
        self.with(offerer, |host, now| {
            let generation = Generation(host.next_generation.0 + 1);
            host.offer(now, generation);
        });
    }

    /// Opens a channel.
    pub fn open(&mut self, host: HostId, stream: u16, init: ChannelInit) -> ChannelKey {
        let stream = StreamId(stream);
        self.with(host, |host, now| host.open(now, stream, init))
    }

    /// Sends a message.
    pub fn send(&mut self, host: HostId, key: ChannelKey, data: impl Into<Bytes>, binary: bool) {
        self.with(host, |host, now| host.send(now, key, data.into(), binary));
    }

    /// Sends a message of `len` bytes that the other end will check.
    pub fn send_numbered(&mut self, host: HostId, key: ChannelKey, len: usize) -> u32 {
        self.with(host, |host, now| host.send_numbered(now, key, len))
    }

    /// Closes a channel.
    pub fn close_channel(&mut self, host: HostId, channel: ChannelKey) {
        self.command(host, Command::Channel(channel, ChannelCommand::Close));
    }

    /// Closes a connection.
    pub fn close(&mut self, host: HostId) {
        self.command(host, Command::Close);
    }

    /// The host's system has no room for what its sockets would send, or has again.
    pub fn set_blocked(&mut self, host: HostId, blocked: bool) {
        self.with(host, |host, now| host.machine.set_blocked(now, blocked));
    }

    /// Gives a command.
    pub fn command(&mut self, host: HostId, command: Command) {
        self.with(host, |host, now| host.command(now, command));
    }

    /// Whether the application of a host reads its channels.
    pub fn set_reading(&mut self, host: HostId, reading: bool) {
        self.with(host, |host, _| host.reading = reading);
    }

    /// The association of a host is up.
    pub fn is_connected(&self, host: HostId) -> bool {
        self.host(host).is_sctp_connected()
    }
}

/// An address on the network that everybody reaches.
pub(crate) fn address(last: u8) -> IpAddr {
    Ipv4Addr::new(198, 51, 100, last).into()
}

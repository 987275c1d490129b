use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use bytes::Bytes;
use duologue_base::{ChannelKey, Generation, Instant, Rng, StreamId};
use duologue_datachannel::ChannelInit;
use duologue_dtls as dtls;
use duologue_ice as ice;
use duologue_session::{Command, SessionConfig};

use crate::host::{Host, HostId};
use crate::network::{Link, Network};
use crate::signalling::{Message, Signalling};

/// Hosts, the network between them, and the time.
#[derive(Debug)]
pub struct World {
    now: Instant,
    rng: Rng,
    network: Network,
    hosts: Vec<Host>,
    signalling: Signalling,
    /// Who is connected with whom.
    partners: Vec<(HostId, HostId)>,
    dtls: dtls::Context,
    steps_at_once: usize,
}

/// Steps without time passing, after which the world is said to spin.
const STEPS_AT_ONCE_MAX: usize = 100_000;

impl World {
    /// An empty world whose links are `link`.
    pub fn new(seed: u64, link: Link) -> Self {
        let mut rng = Rng::from_u64(seed);
        World {
            now: Instant::ZERO,
            network: Network::new(rng.fork(), link),
            rng,
            hosts: Vec::new(),
            signalling: Signalling::default(),
            partners: Vec::new(),
            dtls: dtls::Context::for_simulation(seed).expect("the library passes its tests"),
            steps_at_once: 0,
        }
    }

    /// Offers and accepts only these versions of DTLS in the hosts added from now on.
    pub fn set_dtls_versions(&mut self, versions: dtls::Versions) {
        self.dtls = self.dtls.clone().with_versions(versions);
    }

    /// How long descriptions and candidates take to the other end.
    pub fn set_signalling_delay(&mut self, delay: Duration) {
        self.signalling.delay = delay;
    }

    /// The description of this host will carry a wrong fingerprint.
    pub fn forge_fingerprint_of(&mut self, host: HostId) {
        self.signalling.forged = Some(host);
    }

    /// What a session is made with here.
    pub fn config(&self) -> SessionConfig {
        SessionConfig::new(self.dtls.clone())
    }

    /// A host with these addresses.
    pub fn add_host(&mut self, config: SessionConfig, addresses: &[IpAddr]) -> HostId {
        let host = Host::new(config, addresses.to_vec(), self.rng.fork());
        self.hosts.push(host);
        HostId(self.hosts.len() - 1)
    }

    /// Two hosts with one address each.
    pub fn pair(&mut self) -> [HostId; 2] {
        [1, 2].map(|last| {
            let config = self.config();
            self.add_host(config, &[address(last)])
        })
    }

    /// Begins to connect: `offerer` sends an offer.
    pub fn connect(&mut self, offerer: HostId, answerer: HostId) {
        self.partners.push((offerer, answerer));
        for id in [offerer, answerer] {
            let addresses = self.hosts[id.0].addresses().to_vec();
            self.hosts[id.0].set_interfaces(self.now, addresses);
        }
        self.offer(offerer, answerer, Generation(0));
    }

    /// Begins an ICE restart.
    pub fn restart_ice(&mut self, offerer: HostId, answerer: HostId) {
        let generation = Generation(self.hosts[offerer.0].next_generation.0 + 1);
        self.offer(offerer, answerer, generation);
    }

    fn offer(&mut self, offerer: HostId, answerer: HostId, generation: Generation) {
        let credentials = ice::Credentials::generate(&mut self.rng);
        let host = &mut self.hosts[offerer.0];
        host.begin_generation(self.now, generation, credentials, true);
        let offer = self.signalling.describe(offerer, host);
        self.signalling
            .send(self.now, answerer, Message::Offer(offer));
        self.flush(offerer);
    }

    /// Opens a channel.
    pub fn open(&mut self, host: HostId, stream: u16, init: ChannelInit) -> ChannelKey {
        let key = self.hosts[host.0].open(self.now, StreamId(stream), init);
        self.flush(host);
        key
    }

    /// Sends a message.
    pub fn send(&mut self, host: HostId, key: ChannelKey, data: impl Into<Bytes>, binary: bool) {
        self.hosts[host.0].send(self.now, key, data.into(), binary);
        self.flush(host);
    }

    /// Sends a message of `len` bytes that the other end will check.
    pub fn send_numbered(&mut self, host: HostId, key: ChannelKey, len: usize) -> u32 {
        let number = self.hosts[host.0].send_numbered(self.now, key, len);
        self.flush(host);
        number
    }

    /// Closes a channel.
    pub fn close_channel(&mut self, host: HostId, channel: ChannelKey) {
        self.command(host, Command::CloseChannel { channel });
    }

    /// Closes a connection.
    pub fn close(&mut self, host: HostId) {
        self.command(host, Command::Close);
    }

    /// Gives a command.
    pub fn command(&mut self, host: HostId, command: Command) {
        self.hosts[host.0].command(self.now, command);
        self.flush(host);
    }

    /// The host's addresses change.
    pub fn set_addresses(&mut self, host: HostId, addresses: &[IpAddr]) {
        self.hosts[host.0].set_interfaces(self.now, addresses.to_vec());
        self.flush(host);
    }

    /// Whether the application of a host reads its channels.
    pub fn set_reading(&mut self, host: HostId, reading: bool) {
        self.hosts[host.0].reading = reading;
        self.flush(host);
    }

    /// A host.
    pub fn host(&self, host: HostId) -> &Host {
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

    /// The association of a host is up.
    pub fn is_connected(&self, host: HostId) -> bool {
        self.host(host).is_sctp_connected()
    }

    /// Lets time pass.
    pub fn run(&mut self, time: Duration) {
        self.run_while(time, |_| true);
    }

    /// Lets time pass until something holds, and fails if it does not within `time`.
    pub fn run_until(&mut self, time: Duration, holds: impl Fn(&World) -> bool) {
        self.run_while(time, |world| !holds(world));
        assert!(holds(self), "it does not hold after {time:?}: {self:#?}");
    }

    fn run_while(&mut self, time: Duration, go_on: impl Fn(&World) -> bool) {
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
        let timers = self.hosts.iter_mut().filter_map(Host::poll_timeout).min();
        [
            self.network.next_arrival(),
            self.signalling.next_arrival(),
            timers,
        ]
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
        assert!(self.steps_at_once < STEPS_AT_ONCE_MAX, "time stands still");
        self.now = self.now.max(next);
        while let Some(arrived) = self.network.arrive(self.now) {
            let to = self.hosts.iter_mut().find(|host| host.owns(arrived.to));
            if let Some(host) = to {
                host.deliver(self.now, arrived);
            }
        }
        while let Some((to, message)) = self.signalling.arrive(self.now) {
            self.hear(to, message);
        }
        for index in 0..self.hosts.len() {
            let due = self.hosts[index].poll_timeout();
            if due.is_some_and(|at| at <= self.now) {
                self.hosts[index].handle_timeout(self.now);
            }
            self.flush(HostId(index));
        }
    }

    fn hear(&mut self, to: HostId, message: Message) {
        match message {
            Message::Offer(offer) => {
                let credentials = ice::Credentials::generate(&mut self.rng);
                let offerer = offer.from;
                let generation = offer.generation;
                let host = &mut self.hosts[to.0];
                host.begin_generation(self.now, generation, credentials, false);
                host.apply(self.now, offer, false);
                let answer = self.signalling.describe(to, host);
                self.signalling
                    .send(self.now, offerer, Message::Answer(answer));
            }
            Message::Answer(answer) => self.hosts[to.0].apply(self.now, answer, true),
            Message::Candidate(report) => self.hosts[to.0].apply_candidate(self.now, report),
        }
        self.flush(to);
    }

    /// Polls a host and passes on what it signals.
    fn flush(&mut self, id: HostId) {
        self.hosts[id.0].flush(self.now, &mut self.network);
        while let Some(report) = self.hosts[id.0].signals.pop_front() {
            if let Some(partner) = self.partner(id) {
                self.signalling
                    .send(self.now, partner, Message::Candidate(report));
            }
        }
    }

    fn partner(&self, id: HostId) -> Option<HostId> {
        self.partners.iter().find_map(|&(a, b)| match id {
            id if id == a => Some(b),
            id if id == b => Some(a),
            _ => None,
        })
    }
}

/// An address on the network that everybody reaches.
pub(crate) fn address(last: u8) -> IpAddr {
    Ipv4Addr::new(198, 51, 100, last).into()
}

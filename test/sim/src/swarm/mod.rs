//! Whole calls at random: connections with channels and media between two to five hosts, under random
//! weather, while their applications call whatever they like. After every step what must always hold
//! is checked; at the end the weather clears, and both ends of each connection must agree.
//!
//! ```
//! use duologue_sim::swarm::{Scenario, run};
//!
//! let summary = run(&Scenario::random(7), || 0);
//! assert!(summary.members >= 2);
//! ```

mod act;
mod channels;
mod media;
mod member;
mod peace;
mod scenario;
mod shrink;
mod watch;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use duologue_base::WallClock;
use duologue_identity::Certificate;
use duologue_peer::{Capabilities, Configuration, Env, PeerConnection};

pub use scenario::{NoScenario, Scenario, Step, Verb};
pub use shrink::shrink;

use crate::host::HostId;
use crate::machine::Machine;
use crate::network::Link;
use crate::world::World;
use member::Member;

/// What a life came to.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Summary {
    /// Ends that there were.
    pub members: usize,
    /// Connections that were connected at the end.
    pub connected: usize,
    /// Messages that arrived.
    pub messages: usize,
    /// Frames and packets of media that arrived.
    pub media: usize,
    /// Datagrams that the network carried.
    pub datagrams: u64,
}

/// The bytes of memory that are in use, as whoever runs a scenario measures them.
pub type Gauge = fn() -> usize;

/// What one end may take of memory while much waits, and when nothing waits any more.
const BUSY_BYTES: usize = 24 << 20;
const QUIET_BYTES: usize = 6 << 20;

/// Lives a scenario to its end.
///
/// # Panics
/// When something does not hold that must.
pub fn run(scenario: &Scenario, gauge: Gauge) -> Summary {
    let mut swarm = Swarm::new(scenario, gauge);
    for step in &scenario.steps {
        swarm.tell(step);
        swarm.act(step);
        let pause = Duration::from_millis(u64::from(step.pause));
        swarm.world.run(pause);
        swarm.check_memory(BUSY_BYTES);
    }
    swarm.make_peace();
    swarm.check_memory(QUIET_BYTES);
    let summary = swarm.summary();
    swarm.close_all();
    summary
}

/// The world and what the scenario changes in it.
#[derive(Debug)]
struct Swarm {
    world: World<Member>,
    members: Vec<HostId>,
    /// By two ends.
    pairs: Vec<[HostId; 2]>,
    participants: Vec<Participant>,
    link: Link,
    certificates: [Certificate; 2],
    gauge: Gauge,
    baseline: usize,
    labels: u32,
    addresses: u8,
}

/// One host.
#[derive(Debug)]
struct Participant {
    address: IpAddr,
    /// The translator's, behind which it is.
    public: Option<IpAddr>,
}

/// Ends that there are at most, however many calls a scenario makes.
const MEMBERS_MAX: usize = 12;

impl Swarm {
    fn new(scenario: &Scenario, gauge: Gauge) -> Self {
        let link = Link::default().delay(Duration::from_millis(10));
        let mut world = World::new(scenario.seed, link.clone());
        world.network().set_stun_server(STUN_SERVER);
        let certificates = [(); 2].map(|()| crate::identity::certificate(world.rng()));
        let participants = scenario.participants.clamp(2, 5);
        let mut swarm = Swarm {
            world,
            members: Vec::new(),
            pairs: Vec::new(),
            participants: Vec::new(),
            link,
            certificates,
            gauge,
            baseline: gauge(),
            labels: 0,
            addresses: 0,
        };
        for _ in 0..participants {
            let address = swarm.fresh_address();
            swarm.participants.push(Participant {
                address,
                public: None,
            });
        }
        for other in 1..usize::from(participants) {
            swarm.call(0, other);
        }
        swarm
    }

    fn fresh_address(&mut self) -> IpAddr {
        self.addresses += 1;
        Ipv4Addr::new(198, 51, 100, self.addresses).into()
    }

    /// A connection between two hosts.
    fn call(&mut self, one: usize, other: usize) {
        if self.members.len() + 2 > MEMBERS_MAX {
            return;
        }
        let pair = [(one, true), (other, false)].map(|(host, polite)| self.add(host, polite));
        self.world.introduce(pair[0], pair[1]);
        self.members.extend(pair);
        self.pairs.push(pair);
    }

    fn add(&mut self, participant: usize, polite: bool) -> HostId {
        let index = self.members.len() as u16 * 2 + u16::from(polite);
        let (config, mut rng) = (self.world.config(), self.world.rng().fork());
        let address = self.participants[participant].address;
        let mut machine = Machine::new(config, &[address], rng.fork());
        machine.set_first_port(10_000 + 1_000 * index);
        let configuration = Configuration {
            ice_servers: vec![duologue_peer::IceServer {
                urls: vec![format!("stun:{STUN_SERVER}")],
                ..Default::default()
            }],
            certificates: vec![self.certificates[usize::from(polite)].clone()],
            ..Configuration::default()
        };
        let env = Env {
            now: WallClock::from_unix_millis(1_795_000_000_000),
            epoch: Duration::from_secs(1_795_000_000),
            rng: rng.fork(),
            capabilities: Arc::new(Capabilities::default()),
            sctp_init: None,
        };
        let pc = PeerConnection::new(configuration, env).expect("the configuration is valid");
        let member = Member::new(machine, pc, participant, polite, rng);
        self.world.push(member)
    }

    fn tell(&mut self, step: &Step) {
        let id = self.members[usize::from(step.at) % self.members.len()];
        self.world
            .with(id, |member, now| member.tell(now, || format!("{step:?}")));
    }

    fn member(&self, id: HostId) -> &Member {
        self.world.host(id)
    }

    /// Memory stays below what each end may have.
    fn check_memory(&self, each: usize) {
        let used = (self.gauge)().saturating_sub(self.baseline);
        let most = each * self.members.len();
        assert!(used <= most, "{used} bytes for {} ends", self.members.len());
    }

    fn summary(&mut self) -> Summary {
        let mut summary = Summary {
            members: self.members.len(),
            datagrams: self.world.network().stats().delivered,
            ..Summary::default()
        };
        for &pair in &self.pairs {
            summary.connected += usize::from(pair.iter().all(|id| self.is_connected(*id)));
        }
        for &id in &self.members {
            let member = self.member(id);
            let channels = member.channels.logs();
            summary.messages += channels.map(|(_, log)| log.received.len()).sum::<usize>();
            summary.media += member.media.total();
        }
        summary
    }
}

/// Where all of them ask for their addresses.
const STUN_SERVER: std::net::SocketAddr =
    std::net::SocketAddr::new(IpAddr::V4(Ipv4Addr::new(203, 0, 113, 250)), 3478);

impl Drop for Swarm {
    /// With `DUOLOGUE_STORY` set, what happened before something failed.
    #[expect(clippy::print_stderr, reason = "whoever looks for a cause reads it")]
    fn drop(&mut self) {
        if !std::thread::panicking() || std::env::var_os("DUOLOGUE_STORY").is_none() {
            return;
        }
        for &id in &self.members {
            for line in self.member(id).story() {
                eprintln!("{id:?} {line}");
            }
        }
    }
}

//! What many sessions of one process send to addresses that never answer. It is alone in its
//! process, whose checks it uses up.

use std::collections::HashSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use duologue_base::{Generation, IceCredentials, IceRole, Protocol, Rng, TransportKey};
use duologue_dtls::Context;
use duologue_ice::{Candidate, RemoteOptions, TransportState};
use duologue_identity::{Certificate, KeygenAlgorithm};
use duologue_session::{
    ChannelReport, Command, Report, Session, SessionConfig, TransportCommand, TransportReport,
};
use duologue_stun::Message;
use duologue_tokio::{
    Endpoint, EndpointOptions, Host, InterfaceFilter, SessionHandle, system_time,
};
use tokio::net::UdpSocket;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

const KEY: TransportKey = TransportKey(0);
const FIRST: Generation = Generation(0);

/// Each with as many pairs as a checklist has.
const HOSTILE_SESSIONS: u64 = 100;
const ADDRESSES: u8 = 100;

/// `UNANSWERED_CHECKS` of the driver's limits, and one more each millisecond.
const UNANSWERED_CHECKS: u32 = 4_096;
const WANTED: u32 = UNANSWERED_CHECKS + 2_000;

struct Forward(UnboundedSender<Report>);

impl Host for Forward {
    fn handle_report(&mut self, report: Report) {
        let _ = self.0.send(report);
    }

    fn wants_channel_reports(&self) -> bool {
        true
    }

    fn handle_channel_report(&mut self, _report: ChannelReport) {}
}

struct End {
    session: SessionHandle,
    told: UnboundedReceiver<Report>,
    local: IceCredentials,
}

impl End {
    fn new(endpoint: &Endpoint, config: &SessionConfig, certificate: &Certificate, n: u64) -> Self {
        let mut rng = Rng::from_u64(n);
        let (sender, told) = unbounded_channel();
        let session = Session::new(config.clone(), rng.fork());
        let session = endpoint.spawn(session, |_| Forward(sender));
        let local = IceCredentials::generate(&mut rng);
        session.command(Command::Transport(
            KEY,
            TransportCommand::Add {
                generation: FIRST,
                local: local.clone(),
                role: match n % 2 {
                    0 => IceRole::Controlling,
                    _ => IceRole::Controlled,
                },
                certificates: certificate.clone().into(),
            },
        ));
        End {
            session,
            told,
            local,
        }
    }

    fn tell(&self, what: TransportCommand) {
        self.session.command(Command::Transport(KEY, what));
    }

    fn hear_of(&self, remote: IceCredentials) {
        self.tell(TransportCommand::SetRemoteIce {
            generation: FIRST,
            remote,
            options: RemoteOptions::default(),
        });
    }

    fn add(&self, candidate: Box<Candidate>) {
        self.tell(TransportCommand::AddRemoteCandidate {
            generation: FIRST,
            candidate,
        });
    }

    /// Passes candidates on until it is connected.
    async fn connects(&mut self, other: &SessionHandle) {
        loop {
            match self.told.recv().await.expect("the session runs") {
                Report::Transport(_, TransportReport::LocalCandidate { candidate, .. }) => {
                    other.command(Command::Transport(
                        KEY,
                        TransportCommand::AddRemoteCandidate {
                            generation: FIRST,
                            candidate,
                        },
                    ));
                }
                Report::Transport(
                    _,
                    TransportReport::IceState {
                        state: TransportState::Connected | TransportState::Completed,
                        ..
                    },
                ) => return,
                _ => {}
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_sessions_of_a_process_share_what_may_go_unanswered_and_honest_peers_still_meet() {
    let options = EndpointOptions {
        interfaces: InterfaceFilter {
            loopback: true,
            ..Default::default()
        },
        ..Default::default()
    };
    // The process counts, whatever its endpoints.
    let endpoints = [0, 1].map(|_| Endpoint::new(options.clone()).expect("loopback is there"));
    let mut rng = Rng::from_u64(0);
    let (algorithm, day) = (KeygenAlgorithm::EcdsaP256, Duration::from_secs(86_400));
    let certificate = Certificate::generate(algorithm, system_time(), day, &mut rng);
    let certificate = certificate.expect("a certificate");
    let mut config = SessionConfig::new(Context::new().expect("a tested library"));
    config.ice.loopback = true;

    let victim = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await;
    let victim = victim.expect("a free port");
    let port = victim.local_addr().expect("bound").port();
    let began = Instant::now();
    let hostile = |n: u64| {
        let end = End::new(&endpoints[n as usize % 2], &config, &certificate, n);
        end.hear_of(IceCredentials::generate(&mut Rng::from_u64(1000 + n)));
        for last in 0..ADDRESSES {
            let addr = SocketAddr::from(([127, 9, n as u8, last], port));
            let mut candidate = Candidate::host(addr, Protocol::Udp);
            candidate.foundation = format!("{last}").parse().expect("a foundation");
            end.add(Box::new(candidate));
        }
        end
    };
    let hostile: Vec<End> = (1..=HOSTILE_SESSIONS).map(hostile).collect();
    let seen = tokio::spawn(async move {
        let (mut seen, mut buffer) = (HashSet::new(), [0; 1500]);
        while (seen.len() as u32) < WANTED {
            let len = victim.recv(&mut buffer).await.expect("a datagram");
            let check = Message::parse(&buffer[..len]).expect("a check");
            seen.insert(check.transaction_id().0);
        }
        began.elapsed()
    });
    let took = tokio::time::timeout(Duration::from_secs(60), seen).await;
    let took = took.expect("checks go on").expect("no panic");
    let least = Duration::from_millis(u64::from(WANTED - UNANSWERED_CHECKS));
    assert!(took >= least, "{WANTED} checks in {took:?}");

    let [mut alice, mut bob] =
        [2000, 2001].map(|n| End::new(&endpoints[0], &config, &certificate, n));
    alice.hear_of(bob.local.clone());
    bob.hear_of(alice.local.clone());
    let (to_alice, to_bob) = (alice.session.clone(), bob.session.clone());
    let both = async { tokio::join!(alice.connects(&to_bob), bob.connects(&to_alice)) };
    let met = tokio::time::timeout(Duration::from_secs(30), both).await;
    met.expect("they meet");
    for end in hostile {
        end.session.command(Command::Close);
    }
}

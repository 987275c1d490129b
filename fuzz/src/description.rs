use std::sync::OnceLock;
use std::time::Duration;

use duologue_base::{Instant, Rng, WallClock};
use duologue_dtls as dtls;
use duologue_identity::{Certificate, KeygenAlgorithm};
use duologue_peer::{
    Capabilities, Configuration, DataChannelInit, Effect, Env, Exception, MediaKind,
    PeerConnection, SdpType, SessionDescription, SignalingState, TransceiverInit,
};
use duologue_session::{Session, SessionConfig};

use crate::memory;

/// A text as what the other end describes, to a whole connection and its session: as an offer to one that has
/// nothing and to one that has everything, and as the answer to an offer. Either it is refused and changes
/// nothing, or it can be answered, and comes again without harm.
pub fn set_remote_description(text: &str) {
    let _bound = memory::at_most_kib(2 << 10);
    for full in [false, true] {
        let mut side = Side::new(full);
        if side.hear(SdpType::Offer, text) {
            side.say("an offer that was taken can be answered");
            // The same once more, as another round of negotiation.
            if side.hear(SdpType::Offer, text) {
                side.say("what was answered once is answered again");
            }
        }
        side.close();
    }

    for kind in [SdpType::Answer, SdpType::Pranswer] {
        let mut side = Side::new(true);
        side.say("an offer");
        if side.hear(kind, text) && kind == SdpType::Pranswer {
            side.hear(SdpType::Answer, text);
        }
        if side.pc.signaling_state() == SignalingState::Stable {
            side.say("what was agreed on is offered again");
        }
        side.close();
    }
}

/// A connection and its data plane.
struct Side {
    pc: PeerConnection,
    session: Session,
    /// How the last operation ended.
    settled: Option<Result<(), Exception>>,
}

const NOW: Instant = Instant::ZERO;
/// More than what one description makes.
const STEPS_MAX: usize = 20_000;

/// Keys and the library's self-tests are dear: made once.
fn shared() -> &'static (Certificate, dtls::Context) {
    static MADE: OnceLock<(Certificate, dtls::Context)> = OnceLock::new();
    MADE.get_or_init(|| {
        let (now, mut rng) = (WallClock::default(), Rng::from_u64(1));
        let day = Duration::from_secs(86_400);
        let made = Certificate::generate(KeygenAlgorithm::EcdsaP256, now, day, &mut rng);
        let context = dtls::Context::for_simulation(2).expect("a DTLS library");
        (made.expect("a key"), context)
    })
}

impl Side {
    fn new(full: bool) -> Self {
        let (certificate, context) = shared();
        let configuration = Configuration {
            certificates: vec![certificate.clone()],
            ..Configuration::default()
        };
        let env = Env {
            now: WallClock::default(),
            epoch: Duration::ZERO,
            rng: Rng::from_u64(3),
            capabilities: Capabilities::shared_default(),
            sctp_init: None,
        };
        let mut pc = PeerConnection::new(configuration, env).expect("it is valid");
        if full {
            let made = pc.create_data_channel("fuzz".to_owned(), DataChannelInit::default());
            made.expect("a channel");
            for kind in [MediaKind::Audio, MediaKind::Video] {
                let made = pc.add_transceiver(kind, TransceiverInit::default());
                made.expect("a transceiver");
            }
        }
        let session = Session::new(SessionConfig::new(context.clone()), Rng::from_u64(4));
        let mut side = Side {
            pc,
            session,
            settled: None,
        };
        side.settle();
        side
    }

    /// Whether it is taken.
    fn hear(&mut self, sdp_type: SdpType, text: &str) -> bool {
        let (state, before) = (self.pc.signaling_state(), self.descriptions());
        let sdp = text.to_owned();
        self.settled = None;
        let description = SessionDescription { sdp_type, sdp };
        self.pc.set_remote_description(description);
        self.settle();
        let taken = self.settled.take().expect("it settles").is_ok();
        if !taken {
            assert_eq!(
                (self.pc.signaling_state(), self.descriptions()),
                (state, before)
            );
        }
        taken
    }

    /// Sets what it would say now.
    fn say(&mut self, what: &str) {
        self.settled = None;
        self.pc.set_local_description(None);
        self.settle();
        if let Err(exception) = self.settled.take().expect("it settles") {
            panic!("{what}: {exception}");
        }
    }

    fn descriptions(&self) -> [Option<SessionDescription>; 2] {
        [self.pc.local_description(), self.pc.remote_description()]
    }

    /// Tasks, effects and commands, until nothing is left to do at this moment.
    fn settle(&mut self) {
        for _ in 0..STEPS_MAX {
            let mut busy = self.pc.run_task(NOW);
            while let Some(effect) = self.pc.poll_effect() {
                busy = true;
                match effect {
                    Effect::Resolve { .. } => self.settled = Some(Ok(())),
                    Effect::Reject { exception, .. } => self.settled = Some(Err(exception)),
                    _ => {}
                }
            }
            while let Some(command) = self.pc.poll_command() {
                busy = true;
                self.session.handle_command(NOW, command);
            }
            while let Some(report) = self.session.poll_report() {
                busy = true;
                self.pc.handle_report(report);
            }
            while self.session.poll_action().is_some() {}
            if !busy {
                return;
            }
        }
        panic!("a description makes work without end");
    }

    fn close(mut self) {
        self.pc.close();
        self.settle();
    }
}

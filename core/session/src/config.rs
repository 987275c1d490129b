use std::time::Duration;

use duologue_base::{Rng, WallClock};
use duologue_dtls as dtls;
use duologue_ice as ice;
use duologue_media::cc::Bounds as BitrateBounds;
use duologue_sctp as sctp;

use crate::limits::{SEND_BUFFER_BYTES, TRAIN_DATAGRAMS};

/// How a session behaves.
#[derive(Clone, Debug)]
pub struct SessionConfig {
    /// Shared by all sessions of a host: make one and clone it.
    pub dtls: dtls::Context,
    /// ICE's settings.
    pub ice: ice::Config,
    /// SCTP's settings. Its ports are those of
    /// [`SctpCommand::Start`](crate::SctpCommand::Start).
    pub sctp: sctp::Config,
    /// The time of day at [`Instant::ZERO`](duologue_base::Instant::ZERO), which sender reports tell:
    /// the other end synchronizes streams by it.
    pub wall_clock: WallClock,
    /// What the estimate of a path stays between, and where it begins, for the media of each transport.
    pub bitrate_bounds: BitrateBounds,
    /// How much video leaves at once, as the time that its rate takes for that; 5 ms, when left out.
    pub pacing_slot: Option<Duration>,
    /// Datagrams in one [`Transmit`](duologue_base::Transmit), 1 to 64. 1 for hosts that cannot send
    /// several with one system call.
    pub max_datagrams: usize,
    /// IP may cut datagrams of this host into fragments. Then no larger packets than every path carries are
    /// looked for (RFC 8899 §3, item 1): they would seem to arrive. `false` for hosts whose sockets set
    /// the don't-fragment bit and lose what is too long.
    pub may_fragment: bool,
}

impl SessionConfig {
    /// What a WebRTC connection wants.
    pub fn new(dtls: dtls::Context) -> Self {
        SessionConfig {
            dtls,
            ice: ice::Config::default(),
            sctp: sctp::Config {
                send_buffer: SEND_BUFFER_BYTES,
                ..sctp::Config::default()
            },
            wall_clock: WallClock::default(),
            bitrate_bounds: BitrateBounds::default(),
            pacing_slot: None,
            max_datagrams: TRAIN_DATAGRAMS,
            may_fragment: true,
        }
    }

    /// The INIT chunk of an association by this configuration, for descriptions that set SCTP up
    /// (draft-hancke-tsvwg-snap). For one association: it is made anew for each connection.
    pub fn sctp_init(&self, rng: &mut Rng) -> Vec<u8> {
        sctp::SignalledInit::generate(&self.sctp, rng)
            .as_bytes()
            .to_vec()
    }
}

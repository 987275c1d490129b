//! What the fuzz targets do with their input, and what must hold whatever it is.
//!
//! A target in `targets/` is one line. A parser gets the input as it is; a state machine gets a
//! list of operations made from it. A crash is a panic, an assertion here, a run over ten seconds, or one
//! that holds more memory than its target may (`memory.rs`): a bug, whatever the input.
//!
//! `cargo xtask fuzz` runs all of them, `cargo xtask fuzz sdp --seconds 600` one. `seeds/` is where
//! a run starts; what it finds is kept in `target/fuzz/corpus`. `examples/stable.rs`, which every run of the tests has
//! for some seconds, gives the same functions the seeds and mutations of them without guidance.

mod certificate;
mod congestion;
mod description;
mod dtls;
mod files;
mod hostile;
mod ice;
mod ice_server;
mod jsep;
mod mdns;
mod media;
mod memory;
mod parsers;
mod payload;
mod peer;
mod playout;
mod rtp;
mod sctp;
mod session;
mod srtp;
mod streams;
mod wire;

pub use certificate::certificate;
pub use congestion::{CongestionScenario, congestion};
pub use description::set_remote_description;
pub use dtls::{DtlsScenario, dtls, dtls_12, dtls_13, dtls_record};
pub use files::files;
pub use hostile::{HostileScenario, hostile_peer};
pub use ice::{IceScenario, ice_agent};
pub use ice_server::{IceServerScenario, ice_server};
pub use jsep::{remote_answer, remote_offer};
pub use mdns::mdns;
pub use media::{MediaLoopScenario, MediaReceiveScenario, media_loop, media_receive};
pub use memory::take_most_kib;
pub use parsers::{candidate, dcep, fingerprint, sdp, stun};
pub use payload::{payload_join, payload_split};
pub use peer::{PeerScenario, peer};
pub use playout::{PlayoutScenario, playout};
pub use rtp::{dependency, repair, rtcp, rtp};
pub use sctp::{SctpScenario, sctp_association, sctp_packet};
pub use session::{SessionScenario, session_datagrams};
pub use srtp::{SrtpScenario, srtp};
pub use streams::{StreamScenario, stream};

/// One of the two ends of a connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq, arbitrary::Arbitrary)]
pub(crate) enum End {
    A,
    B,
}

impl End {
    pub(crate) fn index(self) -> usize {
        match self {
            End::A => 0,
            End::B => 1,
        }
    }
}

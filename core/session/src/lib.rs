//! The data plane of one connection, sans-IO: ICE, DTLS, SCTP, data channels and media of all its
//! transports behind commands and reports.
//!
//! A session knows no session description. Whoever does (the `peer` crate, or a media server by
//! itself) tells it what was agreed with a [`Command`] and learns what happened from a [`Report`]
//! a [`ChannelReport`] or a [`MediaItem`]. Commands cannot fail; what really fails, such as a handshake, is
//! reported, and stays.
//!
//! ```text
//! Command ─► ┌───────────────────────────────────────────────┐ ─► Report, ChannelReport, MediaItem
//!            │ Session              ┌► SRTP ─► streams       │
//! datagrams ►│ demux ─► ICE ─► DTLS ┴► SCTP ─► data channels │ ─► trains of datagrams
//! streams ─► │   ▲ cut into datagrams                        │ ─► Action (bind, connect)
//! time ────► └───────────────────────────────────────────────┘
//! ```
//!
//! The host's loop, after any input:
//!
//! 1. `poll_transmit` until `None`, sending each train;
//! 2. `poll_action`, `poll_report`, `poll_media` and, as fast as the reader is, `poll_channel` until
//!    `None`;
//! 3. `poll_transmit` again if anything was polled from the channels: a window may have opened;
//! 4. wait for input until `poll_timeout`, then `handle_timeout`.
//!
//! How it begins, with one interface (`test/sim` and `driver/tokio/tests/two_sessions.rs` go on to
//! connected ends):
//!
//! ```
//! use std::net::SocketAddr;
//! use std::time::Duration;
//!
//! use duologue_base::{
//!     Generation, IceCredentials, IceRole, Instant, Rng, SocketId, TransportKey, WallClock,
//! };
//! use duologue_dtls::Context;
//! use duologue_identity::{Certificate, KeygenAlgorithm};
//! use duologue_session::{
//!     Action, Command, Interface, Report, Session, SessionConfig, TransportCommand, TransportReport,
//! };
//!
//! let (now, mut rng) = (Instant::ZERO, Rng::from_u64(1));
//! let day = Duration::from_secs(86_400);
//! let certificate =
//!     Certificate::generate(KeygenAlgorithm::EcdsaP256, WallClock::default(), day, &mut rng)?;
//! let mut session = Session::new(SessionConfig::new(Context::new()?), rng.fork());
//!
//! // What our description is going to say, and where this host is.
//! session.handle_command(now, Command::Transport(TransportKey(0), TransportCommand::Add {
//!     generation: Generation(0),
//!     local: IceCredentials::generate(&mut rng),
//!     role: IceRole::Controlling,
//!     certificates: certificate.into(),
//! }));
//! session.handle_interfaces(now, &[Interface { ip: "192.0.2.1".parse()? }]);
//!
//! // The host does what it is asked for.
//! while let Some(action) = session.poll_action() {
//!     if let Action::Bind { bind_id, ip, .. } = action {
//!         session.handle_bound(now, bind_id, Ok((SocketId(0), SocketAddr::new(ip, 50_000))));
//!     }
//! }
//!
//! // What the peer has to know, by signalling.
//! let mut reports = std::iter::from_fn(|| session.poll_report());
//! let candidate = reports.find_map(|report| match report {
//!     Report::Transport(_, TransportReport::LocalCandidate { candidate, .. }) => Some(candidate),
//!     _ => None,
//! });
//! assert_eq!(candidate.map(|candidate| candidate.addr), Some("192.0.2.1:50000".parse()?));
//!
//! // Then, with the peer's description: TransportCommand::{SetRemoteIce, AddRemoteCandidate,
//! // StartDtls} with its fingerprints, SctpCommand::Start, ChannelCommand::{Open, Send}.
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A session is `Send`, holds no lock and allocates nothing per packet once it runs.
#![forbid(unsafe_code)]

mod action;
mod apply;
mod association;
mod capture;
mod command;
mod config;
mod counters;
mod demux;
mod gather;
mod limits;
mod media;
mod names;
mod report;
mod session;
mod stats;
mod stream;
mod transmit;
mod transport;

pub use action::{Action, BindError, BindId, Interface};
pub use capture::{CapturedPacket, CapturedProtocol, PacketDirection};
pub use command::{
    ChannelCommand, Command, MediaCommand, SctpCommand, SctpInits, TransportCommand,
};
pub use config::SessionConfig;
pub use counters::Counters;
pub use duologue_datachannel::ChannelReport;
pub use duologue_ice::{Candidate, CheckLeave, ConnectError, ExternalAddress, Security, TcpTypes};
pub use duologue_media::cc::{Bitrate, Bounds as BitrateBounds};
pub use duologue_media::{
    Contributor, EncodedFrame, EncodedFrameInit, FrameCounters, InboundStats, MediaItem,
    MediaReport, MediaStats, MediaTotals, OutboundStats, Outlet, RemoteReports, RepairStats,
    RtpPacket, RtpPacketInit, RtpSource, SendCounters, SendEncoding, SenderReportStats, SenderTime,
    Statistics, Tone,
};
pub use duologue_playout::{AudioStatistics, VideoStatistics};
pub use report::{DtlsReport, Report, SctpError, SctpReport, TransportReport};
pub use session::Session;
pub use stats::{
    ChannelTraffic, Corruption, EncoderStats, GenerationStats, Given, Played, PlayerStats,
    PlayoutStats, QualityLimitation, SourceStats, Stats, TransportStats,
};

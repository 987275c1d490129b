//! Runs sessions on tokio.
//!
//! An [`Endpoint`] is what the sessions of one application share: the runtime, the choice of
//! interfaces, the clock and, if wanted, one UDP port. [`Endpoint::spawn`] makes one task of a
//! [`Session`] and returns the [`SessionHandle`] that feeds it commands; what the session reports
//! goes to a [`Host`], on that task.
//!
//! ```text
//! SessionHandle ──commands──► queue ─┐          ┌─► Host::handle_report
//!                     sockets ───────┤ Session  ├─► Host::handle_channel_report, handle_media
//!                       timer ───────┘          └─► sockets
//! ```
//!
//! A turn of the task is: take all commands, take what the sockets have in batches, let time
//! pass, perform actions, send until nothing is left, report. The work of a turn is bounded. The
//! task owns the session: no lock is held while a packet is made or read, and no thread belongs to
//! a connection. By default each transport of each session has a UDP socket of its own on each
//! interface, as browsers do; a server may have one port for all sessions ([`Ports::Shared`]).
//! Byte streams to TURN servers and peers are read and written in the same turns.
//!
//! ```
//! use std::time::Duration;
//!
//! use duologue_base::{Generation, IceCredentials, IceRole, Rng, TransportKey};
//! use duologue_dtls::Context;
//! use duologue_ice::Candidate;
//! use duologue_identity::{Certificate, KeygenAlgorithm};
//! use duologue_session::{
//!     ChannelReport, Command, Report, Session, SessionConfig, TransportCommand, TransportReport,
//! };
//! use duologue_tokio::{Endpoint, EndpointOptions, Host, system_time};
//! use tokio::sync::mpsc;
//!
//! /// Passes candidates on.
//! struct Gathering(mpsc::UnboundedSender<Candidate>);
//!
//! impl Host for Gathering {
//!     fn handle_report(&mut self, report: Report) {
//!         if let Report::Transport(_, TransportReport::LocalCandidate { candidate, .. }) = report {
//!             let _ = self.0.send(*candidate);
//!         }
//!     }
//!
//!     fn wants_channel_reports(&self) -> bool {
//!         true
//!     }
//!
//!     fn handle_channel_report(&mut self, _report: ChannelReport) {}
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let mut options = EndpointOptions::default();
//!     options.interfaces.loopback = true;
//!     let endpoint = Endpoint::new(options)?;
//!
//!     let mut rng = Rng::from_u64(1);
//!     let mut config = SessionConfig::new(Context::new()?);
//!     config.ice.loopback = true;
//!     let (sender, mut candidates) = mpsc::unbounded_channel();
//!     let session = Session::new(config, rng.fork());
//!     let session = endpoint.spawn(session, |_handle| Gathering(sender));
//!
//!     let day = Duration::from_secs(86_400);
//!     let algorithm = KeygenAlgorithm::EcdsaP256;
//!     session.command(Command::Transport(TransportKey(0), TransportCommand::Add {
//!         generation: Generation(0),
//!         local: IceCredentials::generate(&mut rng),
//!         role: IceRole::Controlling,
//!         certificates: Certificate::generate(algorithm, system_time(), day, &mut rng)?.into(),
//!     }));
//!     assert!(candidates.recv().await.is_some());
//!     session.command(Command::Close);
//!     Ok(())
//! }
//! ```
#![forbid(unsafe_code)]

mod checks;
mod endpoint;
mod error_log;
mod exposition;
mod host;
mod limits;
mod mailbox;
mod mdns;
mod metrics;
mod notice;
mod queue;
mod record;
mod report_queue;
mod route;
mod scratch;
mod shared;
mod socket;
mod stream;
mod task;
mod timer;

#[doc(no_inline)]
pub use duologue_session::Session;
pub use duologue_udp::{Interface, InterfaceFilter, SocketOptions};
pub use endpoint::{
    Endpoint, EndpointOptions, EndpointStats, Ports, SessionHandle, connection_span, system_time,
};
pub use exposition::{Metrics, StateCount};
pub use host::Host;
pub use metrics::Traffic;
pub use report_queue::{Pushed, ReportQueue, Reported, TakenReports};
pub use stream::TlsRoots;

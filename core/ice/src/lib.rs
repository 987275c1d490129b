//! ICE (RFC 8445): finds a path between two agents, and keeps knowing that it works.
//!
//! An agent is one transport with one component. It does no input or output: its owner hands it
//! received STUN messages, the time, local addresses and what signalling brought, and takes
//! messages to send and events from it.
#![forbid(unsafe_code)]

mod agent;
mod candidate;
mod checklist;
mod config;
mod consent;
mod credentials;
mod drive;
mod event;
mod gather;
mod generation;
mod limits;
mod nominate;
mod reply;
mod request;
mod response;
mod state;
mod stats;
mod status;
mod transaction;

pub use agent::{Agent, Route};
pub use candidate::{Candidate, CandidateKind, RelayProtocol, TcpType};
pub use config::Config;
pub use credentials::{Credentials, CredentialsError};
pub use event::{CandidatePair, Event};
pub use state::{GatheringState, Role, TransportState};
pub use stats::{Counters, PairCounters, PairId, PairState, PairStats};

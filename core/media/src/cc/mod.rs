//! How fast a transport may send.
//!
//! Feedback of any kind becomes [`PacketResult`]s in a [`History`]; a [`Controller`] makes [`Plan`]s
//! of them. [`Gcc`] is the default: its behaviour and its constants are those of libwebrtc's public
//! mirror at 3710345 (2026-01-13), each in the part that has it, and what is ours beyond them says so.
//!
//! ```text
//! transport-cc, RFC 8888 ─► History ─► PacketResult ─┬─► Throughput ──────────────┐
//!                                                    ├─► Groups ► Trendline ►     │
//!                                                    │   Overuse ► Aimd ──────────┼─► target
//!                                                    ├─► LossBased ───────────────┤
//!                                                    └─► ProbeResults ────────────┘
//!                                   Alr, wanted ─► Prober ─► clusters to be sent
//! ```
//!
//! Nothing here reads a clock or draws: the same inputs give the same plans, so that an event log of
//! [`Input`]s is replayed into any controller, and each change of the target has a [`Reason`].

mod acked;
mod aimd;
mod allocate;
mod alr;
mod controller;
mod delay;
mod feedback;
mod gcc;
mod group;
mod l4s;
mod loss;
mod overuse;
mod probe;
mod rate;
mod report;
mod select;
mod time;
mod trendline;

pub use acked::Throughput;
pub use aimd::{Aimd, Standing};
pub use allocate::{Allocation, Allocator, Demand, Layer, Share, ShareKey};
pub use alr::Alr;
pub use controller::{Bounds, Controller, Event, Input, Plan, Reason};
pub use feedback::{History, PacketResult};
pub use gcc::Gcc;
pub use group::{Delta, Groups};
pub use l4s::L4s;
pub use loss::{LossBased, LossEstimate, LossState};
pub use overuse::{Overuse, Usage};
pub use probe::{Cluster, ClusterId, Holds, ProbeResults, Prober, Shown};
pub use rate::Bitrate;
pub use report::ReportedLoss;
pub use select::Selector;
pub use trendline::Trendline;

//! The media plane without input or output: streams of RTP packets, their repair, and how fast they
//! may be sent. It knows no socket, no thread and no SDP.
#![forbid(unsafe_code)]

pub mod cc;
mod counters;
mod limits;
mod packet;
mod recv;
mod report;
mod rtcp;
mod send;
mod stats;
mod transport;

pub use counters::Counters;
pub use packet::{MediaItem, Outlet, RtpPacket, RtpPacketInit};
pub use recv::{Reception, Statistics};
pub use report::MediaReport;
pub use send::{RemoteReports, SendCounters};
pub use stats::{InboundStats, MediaStats, OutboundStats, SenderReportStats};
pub use transport::{MediaTransport, PausedSender};

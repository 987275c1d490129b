//! The media plane without input or output: streams of RTP packets, their repair, and how fast they
//! may be sent. It knows no socket, no thread and no SDP.
#![forbid(unsafe_code)]

pub mod cc;
mod counters;
mod frame;
mod limits;
mod packet;
mod recv;
mod report;
mod rtcp;
mod send;
mod slab;
mod stats;
mod transport;

pub use counters::Counters;
pub use frame::{EncodedFrame, EncodedFrameInit};
pub use packet::{MediaItem, Outlet, RtpPacket, RtpPacketInit, SendEncoding};
pub use recv::{FrameCounters, Reception, Statistics};
pub use report::MediaReport;
pub use send::pacer;
pub use send::{RemoteReports, SendCounters};
pub use stats::{InboundStats, MediaStats, OutboundStats, RepairStats, SenderReportStats};
pub use transport::{MediaTransport, PausedSender};

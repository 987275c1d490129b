//! The media plane without input or output: streams of RTP packets, their repair, and how fast they
//! may be sent. It knows no socket, no thread and no SDP.
//!
//! A [`MediaTransport`] has all streams of one transport. It is told by plans
//! ([`ReceivePlan`](duologue_rtp::ReceivePlan), [`SendPlan`](duologue_rtp::SendPlan)) what descriptions
//! agree on, takes packets that SRTP has opened, and gives packets for SRTP to protect. What it
//! receives comes out as [`MediaItem`]s: packets, or frames that [`Outlet`] asks for.
//!
//! ```text
//! SRTP ─► handle_rtp  ─► whose is it? ─► missing? ─► repaired ─► packets, frames ─► poll_item
//!      ─► handle_rtcp ─► reports, NACK, key frames wanted ───────────────────────► poll_report
//! SRTP ◄─ poll_rtp    ◄─ repetitions, error correction, packets ◄─ frames ◄──────── send, send_frames
//!      ◄─ poll_rtcp   ◄─ reports, NACK, PLI, when packets arrived
//! ```
//!
//! ```
//! use std::sync::Arc;
//!
//! use duologue_base::{Instant, Rng, TransceiverId, WallClock};
//! use duologue_media::{EncodedFrameInit, MediaItem, MediaTransport, Outlet};
//! use duologue_rtp::{
//!     Codec, CodecParameters, MediaKind, PayloadType, ReceivePlan, RtpParameters, SendPlan,
//!     SendStream, SourceParameters, Ssrc,
//! };
//!
//! let opus = Codec { channels: Some(2), ..Codec::new(MediaKind::Audio, "opus", 48_000) };
//! let opus = CodecParameters::new(PayloadType::new(111).unwrap(), opus);
//! let parameters = RtpParameters { codecs: vec![opus], ..Default::default() };
//! let source = SourceParameters::new(Ssrc(7));
//! let (now, id) = (Instant::ZERO, TransceiverId(0));
//!
//! let origin = WallClock::from_unix_millis(1_795_000_000_000).into();
//! let mut near = MediaTransport::new(origin, Rng::from_u64(1));
//! near.set_send(now, id, Arc::new(SendPlan {
//!     mid: "audio".parse()?,
//!     kind: MediaKind::Audio,
//!     parameters: parameters.clone(),
//!     streams: vec![SendStream { rid: None, source }],
//! }));
//! let mut far = MediaTransport::new(origin, Rng::from_u64(2));
//! let plan = ReceivePlan {
//!     mid: "audio".parse()?,
//!     kind: MediaKind::Audio,
//!     parameters,
//!     rids: Vec::new(),
//!     sources: vec![source],
//!     sent_formats: Vec::new(),
//! };
//! far.set_receive(now, id, Arc::new(plan), Outlet::Frames);
//!
//! near.send_frames(now, id, vec![EncodedFrameInit { data: "sound".into(), ..Default::default() }]);
//! let mut packet = Vec::new();
//! near.poll_rtp(now, 1_200, &mut packet);
//! // SRTP is between them, and tells the extended sequence number.
//! let sequence_number = u16::from_be_bytes([packet[2], packet[3]]).into();
//! far.handle_rtp(now, now, sequence_number, &packet);
//!
//! let Some(MediaItem::Frame(_, frame)) = far.poll_item() else { panic!() };
//! assert_eq!(frame.data, "sound");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod capture;
pub mod cc;
mod counters;
pub mod forward;
mod frame;
mod limits;
mod outlets;
mod packet;
mod recv;
mod report;
mod reported;
mod round_trips;
mod rtcp;
mod send;
mod slab;
mod stats;
mod totals;
mod transport;

pub use counters::Counters;
pub use frame::{Contributor, EncodedFrame, EncodedFrameInit, SenderTime};
pub use packet::{MediaItem, Outlet, RtpPacket, RtpPacketInit, RtpSource, SendEncoding};
pub use recv::{FrameCounters, Reception, Statistics};
pub use report::MediaReport;
pub use reported::ReportedPackets;
pub use round_trips::RoundTrips;
pub use send::pacer;
pub use send::{BandwidthFeedback, RemoteReports, RtpToSend, SendCounters, Tone};
pub use stats::{InboundStats, MediaStats, OutboundStats, RepairStats, SenderReportStats};
pub use totals::MediaTotals;
pub use transport::{MediaTransport, PausedSender};

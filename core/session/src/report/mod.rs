mod sctp;
mod transport;

use duologue_base::{ChannelKey, TransceiverId, TransportKey};
use duologue_media::MediaReport;

pub use sctp::{SctpError, SctpReport};
pub use transport::{DtlsReport, TransportReport};

use crate::Stats;

/// What a session tells its owner, by whom it is about, apart from what happens on data channels.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Report {
    /// What happened to one transport: ICE and DTLS.
    Transport(TransportKey, TransportReport),
    /// What happened to the association of the data channels.
    Sctp(SctpReport),
    /// What happened to the media of one transceiver.
    Media(TransceiverId, MediaReport),
    /// Bytes of messages left a channel's send queue: W3C `bufferedAmount` falls by as much.
    BufferedAmount {
        /// The channel.
        channel: ChannelKey,
        /// Bytes since the last such report.
        sent: usize,
        /// Messages that left entirely, empty ones included.
        messages: usize,
    },
    /// The answer to [`Command::GetStats`](crate::Command::GetStats).
    Stats {
        /// What it was asked for by.
        request: u64,
        /// The statistics.
        stats: Box<Stats>,
    },
}

mod channel;
mod media;
mod sctp;
mod transport;

use duologue_base::{ChannelKey, TransceiverId, TransportKey};
use duologue_ice as ice;

pub use channel::ChannelCommand;
pub use media::MediaCommand;
pub use sctp::{SctpCommand, SctpInits};
pub use transport::TransportCommand;

/// What the owner of a session tells it, by whom it is for. A command has been validated by
/// whoever sends it: one that does not fit (an unknown key, a second [`SctpCommand::Start`]) is
/// ignored and counted, never an error.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Command {
    /// A command for one transport: ICE and DTLS.
    Transport(TransportKey, TransportCommand),
    /// A command for the association of the data channels.
    Sctp(SctpCommand),
    /// A command for one data channel.
    Channel(ChannelKey, ChannelCommand),
    /// A command for the media of one transceiver.
    Media(TransceiverId, MediaCommand),
    /// The servers to gather from, for transports and generations that begin after it.
    SetIceServers {
        /// The servers.
        servers: Vec<ice::Server>,
        /// W3C `iceTransportPolicy: "relay"`.
        relay_only: bool,
    },
    /// Asks for [`Report::Stats`](crate::Report::Stats).
    GetStats {
        /// What the report is to be known by.
        request: u64,
    },
    /// Ends everything at once: SCTP ABORT, DTLS close_notify, sockets unbound. No report follows.
    Close,
}

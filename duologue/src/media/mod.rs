//! Transceivers, senders, receivers, tracks and streams, as the W3C shows them.

mod connection;
mod event;
mod receiver;
mod sender;
mod stream;
mod track;
mod transceiver;

pub(crate) use event::event_with_handles;
pub use receiver::RtpReceiver;
pub use sender::RtpSender;
pub use stream::MediaStream;
pub use track::MediaStreamTrack;
pub use transceiver::RtpTransceiver;
use transceiver::read_transceiver;

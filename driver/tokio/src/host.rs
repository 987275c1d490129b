use duologue_session::{ChannelReport, MediaItem, Report};

/// Who learns what a session reports. All methods run on the session's task, between two packets:
/// they must not block. A host may push commands into its own session from any of them.
pub trait Host: Send + Unpin + 'static {
    /// States, candidates and what left the send queues.
    fn handle_report(&mut self, report: Report);

    /// Whether more of what happened on the channels is wanted. While it is not, the session is
    /// not asked for it, its receive window closes, and the peer stops sending. A host that wants
    /// more again calls [`SessionHandle::wake`](crate::SessionHandle::wake).
    fn wants_channel_reports(&self) -> bool;

    /// What happened on the channels, in order.
    fn handle_channel_report(&mut self, report: ChannelReport);

    /// What receivers of media got, in the order of arrival. The session is asked for all of it in
    /// each turn, however slow the readers of channels are; a host bounds what it keeps. Nothing comes
    /// unless [`MediaCommand::SetOutlet`](duologue_session::MediaCommand::SetOutlet) asked for it.
    fn handle_media(&mut self, _item: MediaItem) {}

    /// A batch of reports ended: the moment to wake whoever waits for them, once.
    fn end_of_batch(&mut self) {}
}

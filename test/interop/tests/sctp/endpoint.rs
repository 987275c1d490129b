use std::time::Duration;

/// One side, whoever wrote it. Times are since the start of the simulation.
pub(crate) trait Endpoint {
    fn connect(&mut self, now: Duration);
    fn handle_packet(&mut self, now: Duration, packet: &[u8]);
    fn handle_timeout(&mut self, now: Duration);
    fn poll_packet(&mut self, now: Duration) -> Option<Vec<u8>>;
    fn poll_timeout(&mut self) -> Option<Duration>;
    fn is_connected(&mut self) -> bool;
    /// Sends ordered; reliably, or without retransmission.
    fn send(&mut self, now: Duration, stream: u16, data: &[u8], reliable: bool);
    fn poll_message(&mut self) -> Option<(u16, Vec<u8>)>;
    fn reset(&mut self, stream: u16);
    /// A stream that the other side reset.
    fn poll_reset(&mut self) -> Option<u16>;
}

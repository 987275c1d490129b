use std::collections::VecDeque;
use std::time::Duration;

use dcsctp::api::{
    DcSctpSocket, Message, Options, PpId, SendOptions, SocketEvent, SocketState, SocketTime,
    StreamId, ZERO_CHECKSUM_ALTERNATE_ERROR_DETECTION_METHOD_LOWER_LAYER_DTLS,
};

use crate::endpoint::Endpoint;

/// The crate dcsctp, which Chromium uses.
pub(crate) struct Chromium {
    socket: Box<dyn DcSctpSocket>,
    packets: VecDeque<Vec<u8>>,
    resets: VecDeque<u16>,
}

impl Chromium {
    pub(crate) fn new(extensions: bool) -> Self {
        let mut options = Options {
            max_message_size: 1 << 20,
            max_send_buffer_size: 16 << 20,
            per_stream_send_queue_limit: 16 << 20,
            // Its default of 4 slows it down where a batch of packets gets one SACK.
            max_burst: 64,
            ..Options::default()
        };
        if extensions {
            options.enable_message_interleaving = true;
            options.zero_checksum_alternate_error_detection_method =
                ZERO_CHECKSUM_ALTERNATE_ERROR_DETECTION_METHOD_LOWER_LAYER_DTLS;
        }
        Chromium {
            socket: dcsctp::new_socket("dcsctp", &options),
            packets: VecDeque::new(),
            resets: VecDeque::new(),
        }
    }

    fn drain(&mut self) {
        while let Some(event) = self.socket.poll_event() {
            match event {
                SocketEvent::SendPacket(packet) => self.packets.push_back(packet),
                SocketEvent::OnIncomingStreamReset(streams) => {
                    self.resets
                        .extend(streams.into_iter().map(|stream| stream.0));
                }
                SocketEvent::OnAborted(kind, text) => panic!("aborted: {kind:?} {text}"),
                _ => {}
            }
        }
    }

    fn advance(&mut self, now: Duration) {
        self.socket.advance_time(SocketTime::zero() + now);
    }
}

impl Endpoint for Chromium {
    fn connect(&mut self, now: Duration) {
        self.advance(now);
        self.socket.connect();
    }

    fn handle_packet(&mut self, now: Duration, packet: &[u8]) {
        self.advance(now);
        self.socket.handle_input(packet);
    }

    fn handle_timeout(&mut self, now: Duration) {
        self.advance(now);
    }

    fn poll_packet(&mut self, _now: Duration) -> Option<Vec<u8>> {
        self.drain();
        self.packets.pop_front()
    }

    fn poll_timeout(&mut self) -> Option<Duration> {
        let at = self.socket.poll_timeout();
        (at != SocketTime::infinite_future()).then(|| at - SocketTime::zero())
    }

    fn is_connected(&mut self) -> bool {
        self.socket.state() == SocketState::Connected
    }

    fn send(&mut self, now: Duration, stream: u16, data: &[u8], reliable: bool) {
        self.advance(now);
        let message = Message::new(StreamId(stream), PpId(53), data.to_vec());
        let options = SendOptions {
            max_retransmissions: (!reliable).then_some(0),
            ..SendOptions::default()
        };
        self.socket.send(message, &options).expect("accepted");
    }

    fn poll_message(&mut self) -> Option<(u16, Vec<u8>)> {
        let message = self.socket.get_next_message()?;
        Some((message.stream_id.0, message.payload))
    }

    fn reset(&mut self, stream: u16) {
        self.socket
            .reset_streams(&[StreamId(stream)])
            .expect("accepted");
    }

    fn poll_reset(&mut self) -> Option<u16> {
        self.drain();
        self.resets.pop_front()
    }
}

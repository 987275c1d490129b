use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rtc_sctp::{
    Association, AssociationHandle, ClientConfig, DatagramEvent, Endpoint as Host, EndpointConfig,
    Event, Payload, PayloadProtocolIdentifier, ReliabilityType, ServerConfig, StreamEvent,
};

use crate::endpoint::Endpoint;

/// The crate rtc_sctp, which webrtc-rs uses.
pub(crate) struct WebrtcRs {
    origin: Instant,
    host: Host,
    association: Option<(AssociationHandle, Association)>,
    packets: VecDeque<Vec<u8>>,
    readable: VecDeque<u16>,
    resets: VecDeque<u16>,
    connected: bool,
}

const REMOTE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 5000);

impl WebrtcRs {
    pub(crate) fn new(caller: bool) -> Self {
        let server = (!caller).then(|| Arc::new(ServerConfig::default()));
        WebrtcRs {
            origin: Instant::now(),
            host: Host::new(
                REMOTE,
                Default::default(),
                Arc::new(EndpointConfig::new()),
                server,
            ),
            association: None,
            packets: VecDeque::new(),
            readable: VecDeque::new(),
            resets: VecDeque::new(),
            connected: false,
        }
    }

    fn drain(&mut self, now: Duration) {
        let at = self.origin + now;
        let Some((_, association)) = &mut self.association else {
            return;
        };
        while let Some(event) = association.poll() {
            match event {
                Event::Connected => self.connected = true,
                Event::Stream(StreamEvent::Readable { id }) => self.readable.push_back(id),
                Event::Stream(StreamEvent::Finished { id }) => self.resets.push_back(id),
                Event::AssociationLost { reason, .. } => panic!("lost: {reason}"),
                _ => {}
            }
        }
        while let Some(transmit) = association.poll_transmit(at) {
            if let Payload::RawEncode(packets) = transmit.message {
                self.packets
                    .extend(packets.into_iter().map(|packet| packet.to_vec()));
            }
        }
    }
}

impl Endpoint for WebrtcRs {
    fn connect(&mut self, now: Duration) {
        let made = self
            .host
            .connect(self.origin + now, ClientConfig::default(), REMOTE);
        self.association = Some(made.expect("a new association"));
    }

    fn handle_packet(&mut self, now: Duration, packet: &[u8]) {
        let (at, data) = (self.origin + now, Bytes::copy_from_slice(packet));
        match self.host.handle(at, REMOTE, None, data) {
            Some((handle, DatagramEvent::NewAssociation(new))) => {
                self.association = Some((handle, new));
            }
            Some((_, DatagramEvent::AssociationEvent(event))) => {
                if let Some((_, association)) = &mut self.association {
                    association.handle_event(event);
                }
            }
            _ => {}
        }
        self.drain(now);
    }

    fn handle_timeout(&mut self, now: Duration) {
        if let Some((_, association)) = &mut self.association {
            association.handle_timeout(self.origin + now);
        }
    }

    fn poll_packet(&mut self, now: Duration) -> Option<Vec<u8>> {
        self.drain(now);
        self.packets.pop_front()
    }

    fn poll_timeout(&mut self) -> Option<Duration> {
        let (_, association) = self.association.as_ref()?;
        association.poll_timeout().map(|at| at - self.origin)
    }

    fn is_connected(&mut self) -> bool {
        self.connected
    }

    fn send(&mut self, now: Duration, stream: u16, data: &[u8], reliable: bool) {
        let (_, association) = self.association.as_mut().expect("connected");
        let kind = PayloadProtocolIdentifier::Binary;
        if association.stream(stream).is_err() {
            association.open_stream(stream, kind).expect("a new stream");
        }
        let mut stream = association.stream(stream).expect("open");
        let (reliability, limit) = if reliable {
            (ReliabilityType::Reliable, 0)
        } else {
            (ReliabilityType::Rexmit, 0)
        };
        stream
            .set_reliability_params(false, reliability, limit)
            .expect("accepted");
        stream
            .write_with_ppi(self.origin + now, data, kind)
            .expect("accepted");
    }

    fn poll_message(&mut self) -> Option<(u16, Vec<u8>)> {
        while let Some(&id) = self.readable.front() {
            let (_, association) = self.association.as_mut()?;
            if let Ok(mut stream) = association.stream(id)
                && let Ok(Some(chunks)) = stream.read()
            {
                let mut data = vec![0; chunks.len()];
                chunks.read(&mut data).expect("room for all of it");
                return Some((id, data));
            }
            self.readable.pop_front();
        }
        None
    }

    fn reset(&mut self, stream: u16) {
        let (_, association) = self.association.as_mut().expect("connected");
        association
            .stream(stream)
            .and_then(|mut stream| stream.close(self.origin))
            .expect("open");
    }

    fn poll_reset(&mut self) -> Option<u16> {
        self.resets.pop_front()
    }
}

//! The crates sctp-proto and rtc-sctp have grown apart from one origin: what drives both is said
//! here once, in terms of the types of whichever crate uses it.

/// An [`Endpoint`](crate::endpoint::Endpoint) of the crate whose types are in scope. What differs
/// between the crates is said by expressions; `at` is the crate's time.
macro_rules! endpoint {
    (
        $(#[$doc:meta])*
        $name:ident,
        host: |$server:ident| $host:expr,
        connect: |$connecting:ident, $connect_at:ident| $connect:expr,
        handle: |$handling:ident, $handle_at:ident, $data:ident| $handle:expr,
        payload: $payload:ident,
        write: |$stream:ident, $write_at:ident, $message:ident, $kind:ident| $write:expr,
        close: |$closing:ident, $close_at:ident| $close:expr,
    ) => {
        $(#[$doc])*
        pub(crate) struct $name {
            origin: Instant,
            host: Host,
            association: Option<(AssociationHandle, Association)>,
            packets: VecDeque<Vec<u8>>,
            readable: VecDeque<u16>,
            resets: VecDeque<u16>,
            connected: bool,
        }

        impl $name {
            pub(crate) fn new(caller: bool) -> Self {
                let $server = (!caller).then(|| Arc::new(ServerConfig::default()));
                $name {
                    origin: Instant::now(),
                    host: $host,
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
                    if let Payload::RawEncode(packets) = transmit.$payload {
                        let packets = packets.into_iter().map(|packet| packet.to_vec());
                        self.packets.extend(packets);
                    }
                }
            }

            fn association(&mut self) -> &mut Association {
                let (_, association) = self.association.as_mut().expect("connected");
                association
            }
        }

        impl Endpoint for $name {
            fn connect(&mut self, now: Duration) {
                let ($connecting, $connect_at) = (&mut self.host, self.origin + now);
                self.association = Some($connect.expect("a new association"));
            }

            fn handle_packet(&mut self, now: Duration, packet: &[u8]) {
                let ($handling, $handle_at) = (&mut self.host, self.origin + now);
                let $data = Bytes::copy_from_slice(packet);
                match $handle {
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

            fn send(&mut self, now: Duration, stream: u16, $message: &[u8], reliable: bool) {
                let $write_at = self.origin + now;
                let association = self.association();
                let $kind = PayloadProtocolIdentifier::Binary;
                if association.stream(stream).is_err() {
                    association.open_stream(stream, $kind).expect("a new stream");
                }
                let mut $stream = association.stream(stream).expect("open");
                let reliability = match reliable {
                    true => ReliabilityType::Reliable,
                    false => ReliabilityType::Rexmit,
                };
                $stream
                    .set_reliability_params(false, reliability, 0)
                    .expect("accepted");
                $write.expect("accepted");
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
                let $close_at = self.origin;
                let mut $closing = self.association().stream(stream).expect("open");
                $close.expect("open");
            }

            fn poll_reset(&mut self) -> Option<u16> {
                self.resets.pop_front()
            }
        }
    };
}

pub(crate) use endpoint;

use std::net::{Ipv4Addr, SocketAddr};

pub(crate) const REMOTE: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 5000);

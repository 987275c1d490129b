//! Our end, on a socket of loopback.

use std::net::UdpSocket;
use std::time::{Duration, Instant as SystemInstant};

use duologue_base::{DtlsRole, Instant};
use duologue_dtls::{Context, Event, State, Transport};
use duologue_identity::{Certificate, Fingerprint, HashFunction};

use crate::programs::Side;

const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Peer {
    socket: UdpSocket,
    transport: Transport,
    begin: SystemInstant,
    events: Vec<Event>,
    received: Vec<u8>,
    /// Whether the first datagram tells where the program is.
    listens: bool,
}

impl Peer {
    /// Our end, on the other side of the program's.
    pub(crate) fn bind(ours: Certificate, theirs: &Certificate, program: Side) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let context = Context::new().expect("the library works");
        let mut transport = Transport::new(context, ours);
        let role = match program {
            Side::Server => DtlsRole::Client,
            Side::Client => DtlsRole::Server,
        };
        let peer = Fingerprint::of(HashFunction::Sha256, theirs.der());
        transport.start(Instant::ZERO, role, vec![peer]);
        Peer {
            socket,
            transport,
            begin: SystemInstant::now(),
            events: Vec::new(),
            received: Vec::new(),
            listens: program == Side::Client,
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.socket.local_addr().expect("bound").port()
    }

    fn now(&self) -> Instant {
        Instant::from_origin(self.begin.elapsed())
    }

    /// Completes the handshake.
    pub(crate) fn connect(&mut self, port: Option<u16>, what: &str) {
        if let Some(port) = port {
            self.socket.connect(("127.0.0.1", port)).expect("connected");
        }
        self.run(what, |peer| peer.transport.state() != State::Connecting);
        assert_eq!(
            self.transport.state(),
            State::Connected,
            "{what}: {:?}",
            self.events
        );
    }

    pub(crate) fn wait_for(&mut self, text: &str, what: &str) {
        self.run(what, |peer| {
            String::from_utf8_lossy(&peer.received).contains(text)
        });
    }

    pub(crate) fn say(&mut self, text: &str) {
        let mut datagram = Vec::new();
        assert!(
            self.transport
                .seal(self.now(), text.as_bytes(), &mut datagram)
        );
        self.socket.send(&datagram).expect("sent");
    }

    pub(crate) fn srtp_keys(&self) -> Option<Vec<u8>> {
        self.events.iter().find_map(|event| match event {
            Event::Connected { srtp, .. } => srtp.as_ref().map(|keys| keys.material.0.clone()),
            _ => None,
        })
    }

    fn run(&mut self, what: &str, done: impl Fn(&Peer) -> bool) {
        let deadline = SystemInstant::now() + PATIENCE;
        let mut buffer = vec![0; 65_536];
        while !done(self) {
            assert!(SystemInstant::now() < deadline, "{what}: {:?}", self.events);
            self.flush();
            let now = self.now();
            let next = self.transport.poll_timeout().unwrap_or(now + PATIENCE);
            let wait = (next - now).clamp(Duration::from_millis(1), Duration::from_millis(200));
            self.socket.set_read_timeout(Some(wait)).expect("a timeout");
            if let Ok((len, from)) = self.socket.recv_from(&mut buffer) {
                if self.listens {
                    self.socket.connect(from).expect("connected");
                    self.listens = false;
                }
                let received = &mut self.received;
                let take = |packet: &[u8]| received.extend_from_slice(packet);
                let now = Instant::from_origin(self.begin.elapsed());
                self.transport
                    .handle_datagram(now, &mut buffer[..len], take);
            }
            let now = self.now();
            if self.transport.poll_timeout().is_some_and(|at| at <= now) {
                self.transport.handle_timeout(now);
            }
            self.flush();
        }
    }

    fn flush(&mut self) {
        let mut datagram = Vec::new();
        while self.transport.poll_datagram(&mut datagram) {
            // Nobody may listen yet: it is sent again.
            let _ = self.socket.send(&datagram);
            datagram.clear();
        }
        while let Some(event) = self.transport.poll_event() {
            self.events.push(event);
        }
    }
}

//! STUN servers on the simulated network.

use std::net::SocketAddr;

use duologue_stun::{Class, ErrorCode, Message, Writer};

/// What a server does with requests.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Mood {
    Answers,
    Silent,
    Refuses,
}

#[derive(Debug)]
pub(crate) struct StunServer {
    pub(crate) at: SocketAddr,
    pub(crate) mood: Mood,
    /// It is there over TCP, and over TLS; over UDP it is silent.
    pub(crate) tcp: bool,
    pub(crate) requests: usize,
}

impl StunServer {
    pub(crate) fn new(at: &str, mood: Mood) -> Self {
        StunServer {
            at: at.parse().expect("an address"),
            mood,
            tcp: false,
            requests: 0,
        }
    }

    pub(crate) fn handle(&mut self, from: SocketAddr, bytes: &[u8]) -> Option<Vec<u8>> {
        let request = Message::parse(bytes).expect("agents send STUN to STUN servers");
        assert_eq!(request.class(), Class::Request);
        assert!(request.has_fingerprint());
        self.requests += 1;
        let mut out = Vec::new();
        let (id, method) = (request.transaction_id(), request.method());
        match self.mood {
            Mood::Silent => return None,
            Mood::Answers => {
                Writer::new(&mut out, Class::SuccessResponse, method, id).xor_mapped_address(from);
            }
            Mood::Refuses => {
                Writer::new(&mut out, Class::ErrorResponse, method, id)
                    .error_code(ErrorCode::SERVER_ERROR);
            }
        }
        Some(out)
    }
}

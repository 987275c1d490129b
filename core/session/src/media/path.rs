use std::net::SocketAddr;

use duologue_base::{Dscp, DtlsRole, Ecn, Instant, Rng, SocketId, SrtpKeying};
use duologue_ice as ice;
use duologue_media::MediaTransport;
use duologue_rtp::{Cryptex, NtpTime};
use duologue_srtp as srtp;

use crate::counters::Counters;

/// The media of one transport and its keys.
#[derive(Debug)]
pub(crate) struct MediaPath {
    pub(crate) rtp: MediaTransport,
    /// Once the handshake made keys.
    keys: Option<Keys>,
    /// What is agreed on of their headers.
    cryptex: Headers,
    /// Where packets went last.
    way: Option<(SocketId, SocketAddr)>,
}

#[derive(Debug)]
struct Keys {
    sender: srtp::Sender,
    receiver: srtp::Receiver,
}

/// Whether headers of packets are encrypted (RFC 9335).
#[derive(Clone, Copy, Debug, Default)]
struct Headers {
    sent: bool,
    received: Cryptex,
}

impl Keys {
    fn set_cryptex(&mut self, headers: Headers) {
        self.sender.set_cryptex(headers.sent);
        self.receiver.set_cryptex(headers.received);
    }
}

impl MediaPath {
    pub(crate) fn new(origin: NtpTime, rng: Rng) -> Self {
        MediaPath {
            rtp: MediaTransport::new(origin, rng),
            keys: None,
            cryptex: Headers::default(),
            way: None,
        }
    }

    /// Packets are about to go this way.
    pub(crate) fn handle_route(&mut self, now: Instant, route: &ice::Route) {
        let way = (route.socket, route.remote);
        if self.way.replace(way).is_some_and(|before| before != way) {
            self.rtp.handle_route(now);
        }
    }

    /// A handshake made keys.
    pub(crate) fn set_keys(&mut self, keying: &SrtpKeying, role: DtlsRole) {
        let keys = srtp::MasterKey::of_handshake(keying, role);
        let keys = keys.and_then(|[ours, theirs]| {
            Ok(Keys {
                sender: srtp::Sender::new(&ours)?,
                receiver: srtp::Receiver::new(&theirs)?,
            })
        });
        match keys {
            Ok(mut keys) => {
                keys.set_cryptex(self.cryptex);
                self.keys = Some(keys);
                self.rtp.handle_new_keys();
            }
            Err(error) => tracing::debug!(%error, "the keys of SRTP cannot be used"),
        }
    }

    /// What a plan of a sender says of headers; all plans of a transport say the same.
    pub(crate) fn set_sent_headers(&mut self, cryptex: Cryptex) {
        self.cryptex.sent = cryptex != Cryptex::Off;
        self.apply_cryptex();
    }

    /// What a plan of a receiver says of them.
    pub(crate) fn set_received_headers(&mut self, cryptex: Cryptex) {
        self.cryptex.received = cryptex;
        self.apply_cryptex();
    }

    fn apply_cryptex(&mut self) {
        if let Some(keys) = &mut self.keys {
            keys.set_cryptex(self.cryptex);
        }
    }

    /// The association that made them is over. Its successor is with another peer, maybe.
    pub(crate) fn forget_keys(&mut self) {
        self.keys = None;
        self.rtp.restart();
    }

    pub(crate) fn has_keys(&self) -> bool {
        self.keys.is_some()
    }

    /// Returns how long the packet is that was inside, where it lay.
    pub(crate) fn handle_rtp(
        &mut self,
        now: Instant,
        arrival: (Instant, Ecn),
        bytes: &mut [u8],
        counters: &mut Counters,
    ) -> Option<usize> {
        let Some(keys) = &mut self.keys else {
            counters.unexpected_srtp += 1;
            return None;
        };
        match keys.receiver.open_rtp(bytes) {
            Ok(opened) => {
                let packet = &bytes[..opened.length];
                self.rtp
                    .handle_marked_rtp(now, arrival, opened.sequence, packet);
                Some(opened.length)
            }
            Err(_) => {
                counters.refused_srtp += 1;
                None
            }
        }
    }

    /// Returns how long the datagram is that was inside, where it lay.
    pub(crate) fn handle_rtcp(
        &mut self,
        arrival: Instant,
        bytes: &mut [u8],
        counters: &mut Counters,
    ) -> Option<usize> {
        let Some(keys) = &mut self.keys else {
            counters.unexpected_srtp += 1;
            return None;
        };
        match keys.receiver.open_rtcp(bytes) {
            Ok(length) => {
                self.rtp.handle_rtcp(arrival, &bytes[..length]);
                Some(length)
            }
            Err(_) => {
                counters.refused_srtp += 1;
                None
            }
        }
    }

    /// Writes the next RTP packet behind `out`, protected, if it is not longer than `room`, but for what
    /// protecting adds to CSRCs without an extension; `tap` sees it before. Returns how it is to be marked.
    pub(crate) fn poll_rtp(
        &mut self,
        now: Instant,
        room: usize,
        out: &mut Vec<u8>,
        mut tap: impl FnMut(&[u8]),
    ) -> Option<Dscp> {
        let keys = self.keys.as_mut()?;
        let begin = out.len();
        let room = room.saturating_sub(keys.sender.rtp_overhead());
        while let Some(polled) = self.rtp.poll_rtp(now, room, out) {
            if polled.sealed {
                return Some(polled.dscp);
            }
            tap(&out[begin..]);
            if keys.sender.protect_rtp(out, begin).is_ok() {
                self.rtp.handle_sealed(&out[begin..]);
                return Some(polled.dscp);
            }
            // A number of its stream that was used, or the key is used up.
            out.truncate(begin);
        }
        None
    }

    /// Writes the next RTCP datagram at `begin`, where `out` ends, protected; `tap` sees it before.
    pub(crate) fn poll_rtcp(
        &mut self,
        now: Instant,
        begin: usize,
        out: &mut Vec<u8>,
        mut tap: impl FnMut(&[u8]),
    ) -> bool {
        let Some(keys) = &mut self.keys else {
            return false;
        };
        if !self.rtp.poll_rtcp(now, out) {
            return false;
        }
        tap(&out[begin..]);
        keys.sender.protect_rtcp(out, begin).is_ok()
    }

    /// When there is RTCP to send.
    pub(crate) fn poll_rtcp_timeout(&self) -> Option<Instant> {
        self.rtp.poll_rtcp_timeout().filter(|_| self.has_keys())
    }

    /// When there is RTP or RTCP to send.
    pub(crate) fn poll_send_timeout(&self, now: Instant) -> Option<Instant> {
        let rtp = self.rtp.poll_rtp_timeout(now);
        Instant::earliest([self.rtp.poll_rtcp_timeout(), rtp]).filter(|_| self.has_keys())
    }
}

use std::time::Duration;

use aws_lc_rs::hmac;
use duologue_base::{Instant, Seq32};

use super::state::Identity;
use crate::packet::{Reader, Support};

const MAC_LEN: usize = 32;

/// What an INIT and our answer to it said, given to the peer to give back (RFC 9260 §5.1.3), so
/// that an INIT leaves nothing here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct StateCookie {
    pub(crate) local: Identity,
    pub(crate) peer: PeerInit,
    pub(crate) created: Instant,
    /// Our and the peer's tag of the association that exists already (RFC 9260 §5.2.2); zeros
    /// when there is none.
    pub(crate) tie_tags: (u32, u32),
}

/// What a peer's INIT or INIT ACK said.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct PeerInit {
    pub(crate) tag: u32,
    pub(crate) initial_tsn: Seq32,
    pub(crate) receive_window: u32,
    pub(crate) outbound_streams: u16,
    pub(crate) inbound_streams: u16,
    pub(crate) support: Support,
}

impl StateCookie {
    pub(crate) fn seal(&self, secret: &[u8; 32]) -> Vec<u8> {
        let mut out = Vec::with_capacity(80 + MAC_LEN);
        for number in [
            self.local.tag,
            self.local.initial_tsn.0,
            self.peer.tag,
            self.peer.initial_tsn.0,
            self.peer.receive_window,
            self.tie_tags.0,
            self.tie_tags.1,
        ] {
            out.extend_from_slice(&number.to_be_bytes());
        }
        out.extend_from_slice(&self.peer.outbound_streams.to_be_bytes());
        out.extend_from_slice(&self.peer.inbound_streams.to_be_bytes());
        let created = self.created.as_nanos();
        out.extend_from_slice(&((created >> 32) as u32).to_be_bytes());
        out.extend_from_slice(&(created as u32).to_be_bytes());
        out.extend_from_slice(&support_bits(self.peer.support).to_be_bytes());
        let mac = hmac::sign(&key(secret), &out);
        out.extend_from_slice(mac.as_ref());
        out
    }

    /// The cookie, if it is one of ours. The comparison takes the same time for any bytes.
    pub(crate) fn open(bytes: &[u8], secret: &[u8; 32]) -> Option<Self> {
        let (body, mac) = bytes.split_at_checked(bytes.len().checked_sub(MAC_LEN)?)?;
        hmac::verify(&key(secret), body, mac).ok()?;
        let mut reader = Reader(body);
        let mut number = || reader.u32();
        let local = Identity {
            tag: number()?,
            initial_tsn: Seq32(number()?),
        };
        let (tag, initial_tsn, receive_window) = (number()?, Seq32(number()?), number()?);
        let tie_tags = (number()?, number()?);
        let streams = number()?;
        let created = (u64::from(number()?) << 32) | u64::from(number()?);
        let peer = PeerInit {
            tag,
            initial_tsn,
            receive_window,
            outbound_streams: (streams >> 16) as u16,
            inbound_streams: streams as u16,
            support: support_of(number()?),
        };
        Some(StateCookie {
            local,
            peer,
            created: Instant::from_nanos(created),
            tie_tags,
        })
    }

    /// By how much the cookie outlived its life (RFC 9260 §5.2.6).
    pub(crate) fn staleness(&self, now: Instant, life: Duration) -> Option<Duration> {
        (now - self.created).checked_sub(life)
    }
}

fn key(secret: &[u8; 32]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, secret)
}

fn support_bits(support: Support) -> u32 {
    let bits = [
        support.partial_reliability,
        support.reconfiguration,
        support.interleaving,
        support.zero_checksum,
        support.padding,
    ];
    let mut word = 0;
    for (n, bit) in bits.into_iter().enumerate() {
        word |= u32::from(bit) << n;
    }
    word
}

fn support_of(word: u32) -> Support {
    Support {
        partial_reliability: word & 1 != 0,
        reconfiguration: word & 2 != 0,
        interleaving: word & 4 != 0,
        zero_checksum: word & 8 != 0,
        padding: word & 16 != 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_cookies_open_and_only_unchanged() {
        let cookie = StateCookie {
            local: Identity {
                tag: 7,
                initial_tsn: Seq32(u32::MAX),
            },
            peer: PeerInit {
                tag: 9,
                initial_tsn: Seq32(3),
                receive_window: 1 << 20,
                outbound_streams: 65_535,
                inbound_streams: 1_024,
                support: Support {
                    interleaving: true,
                    ..Support::default()
                },
            },
            created: Instant::from_nanos(1 << 40),
            tie_tags: (1, 2),
        };
        let sealed = cookie.seal(&[1; 32]);
        assert_eq!(StateCookie::open(&sealed, &[1; 32]), Some(cookie));
        assert_eq!(StateCookie::open(&sealed, &[2; 32]), None);
        for n in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[n] ^= 1;
            assert_eq!(StateCookie::open(&changed, &[1; 32]), None);
            assert_eq!(StateCookie::open(&sealed[..n], &[1; 32]), None);
        }
        let life = Duration::from_secs(60);
        let late = cookie.created + life + Duration::from_secs(1);
        assert_eq!(cookie.staleness(cookie.created + life / 2, life), None);
        assert_eq!(cookie.staleness(late, life), Some(Duration::from_secs(1)));
    }
}

/// What a datagram is, by its first byte (RFC 7983 §7, RFC 9443 §3).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// Also what a TURN server forwards inside STUN or on a channel.
    Ice,
    /// What a path carries for those above ICE.
    Payload(Payload),
    /// ZRTP, QUIC, and what is not assigned.
    Other,
}

/// A protocol that runs over ICE.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Payload {
    Dtls,
    Rtp,
    Rtcp,
}

impl Kind {
    pub(crate) fn of(datagram: &[u8]) -> Self {
        match datagram {
            [0..=3 | 64..=79, ..] => Kind::Ice,
            [20..=63, ..] => Kind::Payload(Payload::Dtls),
            // RFC 5761 §4: these packet types of RTCP are no payload types with a marker of RTP.
            [128..=191, 192..=223, ..] => Kind::Payload(Payload::Rtcp),
            [128..=191, ..] => Kind::Payload(Payload::Rtp),
            _ => Kind::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_byte_tells_the_protocols_apart() {
        let kind = |first: u8| Kind::of(&[first, 0]);
        assert_eq!([kind(0), kind(3), kind(64), kind(79)], [Kind::Ice; 4]);
        assert_eq!([kind(20), kind(63)], [Kind::Payload(Payload::Dtls); 2]);
        assert_eq!([kind(128), kind(191)], [Kind::Payload(Payload::Rtp); 2]);
        assert_eq!(Kind::of(&[128, 200]), Kind::Payload(Payload::Rtcp));
        for other in [4, 19, 80, 127, 192, 255] {
            assert_eq!(kind(other), Kind::Other);
        }
        assert_eq!(Kind::of(&[]), Kind::Other);
    }
}

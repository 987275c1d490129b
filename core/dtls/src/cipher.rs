//! The name of the cipher suite that a handshake agreed on. The library does not tell it, but the
//! ServerHello does, which is in plaintext.

/// A cipher suite by its number in IANA's registry.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CipherSuite(pub u16);

impl CipherSuite {
    /// The registry's description: webrtc-stats `dtlsCipher`. None for one that is not used here.
    pub const fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0x1301 => "TLS_AES_128_GCM_SHA256",
            0x1302 => "TLS_AES_256_GCM_SHA384",
            0x1303 => "TLS_CHACHA20_POLY1305_SHA256",
            0xc02b => "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
            0xc02c => "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
            0xcca9 => "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
            _ => return None,
        })
    }

    /// What a datagram says that begins with a whole ServerHello, in plaintext and one piece.
    pub(crate) fn of_server_hello(datagram: &[u8]) -> Option<Self> {
        const HANDSHAKE: u8 = 22;
        const SERVER_HELLO: u8 = 2;
        // RFC 6347 §4.1: type, version, epoch, sequence number, length.
        let (record, body) = datagram.split_at_checked(13)?;
        let is_plaintext = record[0] == HANDSHAKE && record[3..5] == [0, 0];
        // §4.2.2: type, length, message number, fragment's offset and length.
        let (header, hello) = body.split_at_checked(12)?;
        if !is_plaintext || header[0] != SERVER_HELLO || header[6..9] != [0, 0, 0] {
            return None;
        }
        // RFC 5246 §7.4.1.3, RFC 8446 §4.1.3: version, random, session id.
        let session_id = usize::from(*hello.get(34)?);
        let suite = hello.get(35 + session_id..37 + session_id)?;
        Some(CipherSuite(u16::from_be_bytes([suite[0], suite[1]])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A ServerHello with a session id of this length.
    fn server_hello(session_id: u8, suite: u16) -> Vec<u8> {
        let mut datagram = vec![22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        datagram.extend([2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        datagram.extend([0xfe, 0xfd]);
        datagram.extend([7; 32]);
        datagram.push(session_id);
        datagram.extend(vec![9; usize::from(session_id)]);
        datagram.extend(suite.to_be_bytes());
        datagram
    }

    #[test]
    fn a_server_hello_tells_the_suite() {
        for length in [0, 32] {
            let suite = CipherSuite::of_server_hello(&server_hello(length, 0x1301));
            assert_eq!(
                suite.and_then(CipherSuite::name),
                Some("TLS_AES_128_GCM_SHA256")
            );
        }
    }

    #[test]
    fn whatever_else_comes_tells_none() {
        let whole = server_hello(32, 0xc02b);
        for length in 0..whole.len() {
            assert_eq!(CipherSuite::of_server_hello(&whole[..length]), None);
        }
        let mut encrypted = whole.clone();
        encrypted[4] = 1;
        assert_eq!(CipherSuite::of_server_hello(&encrypted), None);
    }
}

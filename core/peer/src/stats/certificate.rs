use duologue_identity::{Fingerprint, HashFunction};

use super::{Collector, Stats};

dictionary! {
    /// About a certificate of either end.
    #[doc(alias = "RTCCertificateStats")]
    pub struct CertificateStats {
        /// Hexadecimal, with colons.
        pub fingerprint: String,
        /// The hash function's name.
        pub fingerprint_algorithm: &'static str,
        /// DER, in base64.
        pub base64_certificate: String,
    } optional {
        /// The next certificate of the chain.
        pub issuer_certificate_id: String,
    }
}

impl Collector {
    /// A certificate chain, whose first certificate's id this gives.
    pub(super) fn add_chain(&mut self, chain: &[Vec<u8>]) -> String {
        let fingerprints: Vec<String> = chain
            .iter()
            .map(|der| Fingerprint::of(HashFunction::Sha256, der).value_text())
            .collect();
        let id = |fingerprint: &String| format!("CF{fingerprint}");
        for (at, der) in chain.iter().enumerate() {
            let own = id(&fingerprints[at]);
            if self.stats.iter().any(|stats| stats.id() == own) {
                continue;
            }
            let stats = CertificateStats {
                id: own,
                timestamp: self.timestamp(),
                fingerprint: fingerprints[at].clone(),
                fingerprint_algorithm: HashFunction::Sha256.name(),
                base64_certificate: base64(der),
                issuer_certificate_id: fingerprints.get(at + 1).map(id),
            };
            self.stats.push(Stats::Certificate(stats));
        }
        fingerprints.first().map(id).unwrap_or_default()
    }
}

/// RFC 4648 §4.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let sextet = (bits >> (18 - 6 * at)) & 63;
            let padding = at > group.len();
            text.push(if padding {
                '='
            } else {
                char::from(ALPHABET[sextet as usize])
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_rfc() {
        let pairs = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ];
        for (plain, encoded) in pairs {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
    }
}

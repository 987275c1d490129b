//! The key schedule of DTLS 1.3 (RFC 8446 §7, RFC 9147 §5.9).
//!
//! A secret is set up as a key of HMAC once for all that is derived of it, since that is half of what
//! deriving costs.
//!
//! What HMAC gives passes the stack in a `hmac::Tag`, which aws-lc-rs neither wipes nor lets anybody wipe. What is kept of
//! it is [`Redacted`], which does.

use aws_lc_rs::hmac;
use duologue_base::Redacted;

use crate::DtlsError;
use crate::limits::DERIVED_BYTES;
use crate::record::Keys;
use crate::suite::{Hash, Suite};

/// RFC 9147 §5.9: in the place of TLS's "tls13 ".
const PREFIX: &[u8] = b"dtls13";

/// A secret of the schedule, as long as the hash.
pub(crate) type Secret = Redacted<Vec<u8>>;

/// The schedule from the master secret on.
#[derive(Debug)]
pub(crate) struct Schedule {
    hash: Hash,
    master: Secret,
}

/// The handshake's end: the traffic secrets, and what exporters begin with.
#[derive(Debug)]
pub(crate) struct Application {
    pub(crate) client: Secret,
    pub(crate) server: Secret,
    pub(crate) exporter: Secret,
}

impl Schedule {
    /// Without a pre-shared key: from the shared secret of the key exchange, and the hash of both hellos.
    /// Also the secrets that protect the handshake: the client's and the server's.
    pub(crate) fn new(hash: Hash, shared: &[u8], hellos: &[u8]) -> (Self, [Secret; 2]) {
        let handshake = Keyed::extract(hash, handshake_salt(hash), shared);
        let handshake = Keyed::new(hash, &handshake);
        let client = handshake.derive(b"c hs traffic", hellos);
        let server = handshake.derive(b"s hs traffic", hellos);

        let salt = handshake.derive(b"derived", empty_hash(hash));
        let zeros = [0; HASH_BYTES];
        let master = Keyed::extract(hash, &salt, &zeros[..hash.len()]);
        (Schedule { hash, master }, [client, server])
    }

    /// The secrets after the handshake, of all up to the server's Finished.
    pub(crate) fn application(&self, finished: &[u8]) -> Application {
        let master = Keyed::new(self.hash, &self.master);
        Application {
            client: master.derive(b"c ap traffic", finished),
            server: master.derive(b"s ap traffic", finished),
            exporter: master.derive(b"exp master", finished),
        }
    }
}

/// RFC 8446 §7.3, RFC 9147 §4.2.3: the keys of one direction of one epoch.
pub(crate) fn traffic_keys(suite: Suite, secret: &[u8]) -> Result<Keys, DtlsError> {
    Keyed::new(suite.hash, secret).traffic_keys(suite)
}

/// The same of the handshake's epoch, and the key of that direction's Finished (RFC 8446 §4.4.4).
pub(crate) fn handshake_keys(suite: Suite, secret: &[u8]) -> Result<(Keys, Secret), DtlsError> {
    let secret = Keyed::new(suite.hash, secret);
    let keys = secret.traffic_keys(suite)?;
    Ok((keys, secret.derive(b"finished", &[])))
}

/// RFC 8446 §7.2: the secret after a KeyUpdate.
pub(crate) fn next_traffic(hash: Hash, secret: &[u8]) -> Secret {
    Keyed::new(hash, secret).derive(b"traffic upd", &[])
}

/// RFC 8446 §4.4.4: what a Finished says, by the key of its direction.
pub(crate) fn verify_data(hash: Hash, key: &[u8], transcript: &[u8]) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hash.hmac(), key), transcript)
}

/// RFC 8446 §7.5, without a context.
pub(crate) fn export(hash: Hash, exporter: &[u8], label: &[u8], len: usize) -> Secret {
    let empty = empty_hash(hash);
    let secret = Keyed::new(hash, exporter).derive(label, empty);
    let mut out = Redacted(vec![0; len]);
    Keyed::new(hash, &secret).expand_label(b"exporter", empty, &mut out.0);
    out
}

/// A secret that more is derived of.
struct Keyed {
    hash: Hash,
    key: hmac::Key,
}

impl Keyed {
    fn new(hash: Hash, secret: &[u8]) -> Self {
        let key = hmac::Key::new(hash.hmac(), secret);
        Keyed { hash, key }
    }

    /// HKDF-Extract, which is this HMAC (RFC 5869 §2.2).
    fn extract(hash: Hash, salt: &[u8], input: &[u8]) -> Secret {
        let tag = hmac::sign(&hmac::Key::new(hash.hmac(), salt), input);
        Redacted(tag.as_ref().to_vec())
    }

    /// RFC 8446 §7.1 `Derive-Secret`, of the hash of the messages.
    fn derive(&self, label: &[u8], messages: &[u8]) -> Secret {
        let mut out = Redacted(vec![0; self.hash.len()]);
        self.expand_label(label, messages, &mut out.0);
        out
    }

    fn traffic_keys(&self, suite: Suite) -> Result<Keys, DtlsError> {
        let mut all = Redacted([0_u8; KEY_BYTES + IV_BYTES + KEY_BYTES]);
        let (key, rest) = all.0.split_at_mut(suite.aead.key_len());
        let (iv, rest) = rest.split_at_mut(IV_BYTES);
        let number_key = &mut rest[..suite.aead.key_len()];
        self.expand_label(b"key", &[], key);
        self.expand_label(b"iv", &[], iv);
        self.expand_label(b"sn", &[], number_key);
        Keys::v13(suite.aead, key, iv, number_key)
    }

    fn expand_label(&self, label: &[u8], context: &[u8], out: &mut [u8]) {
        self.expand_label_of(PREFIX, label, context, out);
    }

    /// RFC 8446 §7.1 `HKDF-Expand-Label`.
    fn expand_label_of(&self, prefix: &[u8], label: &[u8], context: &[u8], out: &mut [u8]) {
        let length = (out.len() as u16).to_be_bytes();
        let (of_label, of_context) = (prefix.len() + label.len(), context.len());
        let parts: [&[u8]; 6] = [
            &length,
            &[of_label as u8],
            prefix,
            label,
            &[of_context as u8],
            context,
        ];
        let (mut info, mut end) = ([0; INFO_BYTES], 0);
        for part in parts {
            info[end..end + part.len()].copy_from_slice(part);
            end += part.len();
        }
        self.expand(&mut info[..=end], out);
    }

    /// HKDF-Expand (RFC 5869 §2.3): each block is the HMAC of the one before, the info and the block's number, for
    /// which `info` has its last byte. Most have one block.
    fn expand(&self, info: &mut [u8], out: &mut [u8]) {
        debug_assert!(out.len() <= DERIVED_BYTES);
        let mut before: Option<hmac::Tag> = None;
        for block in out.chunks_mut(self.hash.len()) {
            if let Some(number) = info.last_mut() {
                *number += 1;
            }
            let mut context = hmac::Context::with_key(&self.key);
            if let Some(before) = &before {
                context.update(before.as_ref());
            }
            context.update(info);
            let tag = context.sign();
            block.copy_from_slice(&tag.as_ref()[..block.len()]);
            before = Some(tag);
        }
    }
}

/// What a handshake secret without a pre-shared key is extracted with: Derive-Secret(HKDF-Extract(0, 0), "derived", "")
/// of RFC 8446 §7.1 with RFC 9147's prefix.
fn handshake_salt(hash: Hash) -> &'static [u8] {
    match hash {
        Hash::Sha256 => &[
            0xb1, 0x7b, 0xce, 0x94, 0x51, 0xee, 0x8b, 0xc6, 0xe8, 0xae, 0xbc, 0x0a, 0xa9, 0xe9,
            0x82, 0x95, 0x67, 0x7a, 0x4a, 0x6a, 0x91, 0xf7, 0x84, 0x40, 0x83, 0x31, 0x46, 0xe4,
            0x65, 0xf2, 0xff, 0x95,
        ],
        Hash::Sha384 => &[
            0x27, 0x00, 0x86, 0x05, 0xd3, 0x39, 0x6f, 0x88, 0x44, 0x19, 0x75, 0x65, 0xca, 0xec,
            0xc5, 0x92, 0xb3, 0xe5, 0x8f, 0x2e, 0xae, 0x55, 0xf8, 0x41, 0xb5, 0x77, 0xcf, 0xbc,
            0xab, 0xb4, 0x7e, 0x22, 0x1f, 0x67, 0x4e, 0xd3, 0xa6, 0x8a, 0xa8, 0x93, 0x43, 0x9c,
            0xf5, 0x57, 0xf1, 0x11, 0xc0, 0xfc,
        ],
    }
}

/// The hash of no messages.
fn empty_hash(hash: Hash) -> &'static [u8] {
    match hash {
        Hash::Sha256 => &[
            0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f,
            0xb9, 0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b,
            0x78, 0x52, 0xb8, 0x55,
        ],
        Hash::Sha384 => &[
            0x38, 0xb0, 0x60, 0xa7, 0x51, 0xac, 0x96, 0x38, 0x4c, 0xd9, 0x32, 0x7e, 0xb1, 0xb1,
            0xe3, 0x6a, 0x21, 0xfd, 0xb7, 0x11, 0x14, 0xbe, 0x07, 0x43, 0x4c, 0x0c, 0xc7, 0xbf,
            0x63, 0xf6, 0xe1, 0xda, 0x27, 0x4e, 0xde, 0xbf, 0xe7, 0x6f, 0x65, 0xfb, 0xd5, 0x1a,
            0xd2, 0xf1, 0x48, 0x98, 0xb9, 0x5b,
        ],
    }
}

/// The longest output of a hash here.
const HASH_BYTES: usize = 48;

/// The longest key of a cipher here, and a nonce's bytes.
const KEY_BYTES: usize = 32;
const IV_BYTES: usize = 12;

/// The longest `HkdfLabel` (RFC 8446 §7.1) and the number of a block: the longest label is the exporter's of SRTP, and a context is a hash.
const INFO_BYTES: usize = 96;

#[cfg(test)]
mod tests {
    use aws_lc_rs::hkdf::{KeyType, Prk, Salt};

    use super::*;
    use crate::crypto::hex::hex;

    const SHA256: Hash = Hash::Sha256;

    fn tls(secret: &[u8], label: &[u8], context: &[u8], len: usize) -> Vec<u8> {
        let mut out = vec![0; len];
        Keyed::new(SHA256, secret).expand_label_of(b"tls13 ", label, context, &mut out);
        out
    }

    /// RFC 8448 §3: the schedule of TLS differs by its prefix alone.
    #[test]
    fn the_schedule_is_that_of_rfc_8448_but_for_its_prefix() {
        let early = Keyed::extract(SHA256, &[0; 32], &[0; 32]);
        assert_eq!(
            early.0,
            hex("33ad0a1c607ec03b09e6cd9893680ce210adf300aa1f2660e1b22e10f170f92a")
        );
        let derived = tls(&early, b"derived", empty_hash(SHA256), 32);
        assert_eq!(
            derived,
            hex("6f2615a108c702c5678f54fc9dbab69716c076189c48250cebeac3576c3611ba")
        );
        let shared = hex("8bd4054fb55b9d63fdfbacf9f04b9f0d35e6d63f537563efd46272900f89492d");
        let handshake = Keyed::extract(SHA256, &derived, &shared);
        assert_eq!(
            handshake.0,
            hex("1dc826e93606aa6fdc0aadc12f741b01046aa6b99f691ed221a9f0ca043fbeac")
        );
        let hello = hex("860c06edc07858ee8e78f0e7428c58edd6b43f2ca3e6e95f02ed063cf0e1cad8");
        assert_eq!(
            tls(&handshake, b"c hs traffic", &hello, 32),
            hex("b3eddb126e067f35a780b3abf45e2d8f3b1a950738f52e9600746a0e27a55a21")
        );
        assert_eq!(
            tls(&handshake, b"s hs traffic", &hello, 32),
            hex("b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38")
        );
        let salt = tls(&handshake, b"derived", empty_hash(SHA256), 32);
        let master = Keyed::extract(SHA256, &salt, &[0; 32]);
        assert_eq!(
            master.0,
            hex("18df06843d13a08bf2a449844c5f8a478001bc4d4c627984d5a41da8d0402919")
        );
        let finished = hex("9608102a0f1ccc6db6250b7b7e417b1a000eaada3daae4777a7686c9ff83df13");
        assert_eq!(
            tls(&master, b"exp master", &finished, 32),
            hex("fe22f881176eda18eb8f44529e6792c50c9a3f89452f68d8ae311b4309d3cf50")
        );
    }

    #[test]
    fn a_server_finished_of_rfc_8448_is_made_of_its_key() {
        let server = hex("b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38");
        let key = tls(&server, b"finished", &[], 32);
        assert_eq!(
            key,
            hex("008d3b66f816ea559f96b537e885c31fc068bf492c652f01f288a1d8cdc19fc8")
        );
        let write_key = tls(&server, b"key", &[], 16);
        assert_eq!(write_key, hex("3fce516009c21727d0f2e4e86ee403bc"));
        assert_eq!(
            tls(&server, b"iv", &[], 12),
            hex("5d313eb2671276ee13000b30")
        );
    }

    /// What is known beforehand of a handshake without a pre-shared key.
    #[test]
    fn what_is_constant_is_what_the_schedule_gives() {
        for hash in [Hash::Sha256, Hash::Sha384] {
            let empty = aws_lc_rs::digest::digest(hash.digest(), &[]);
            assert_eq!(empty_hash(hash), empty.as_ref());
            let zeros = vec![0; hash.len()];
            let early = Keyed::extract(hash, &zeros, &zeros);
            let salt = Keyed::new(hash, &early).derive(b"derived", empty.as_ref());
            assert_eq!(handshake_salt(hash), &salt[..]);
        }
    }

    struct Len(usize);

    impl KeyType for Len {
        fn len(&self) -> usize {
            self.0
        }
    }

    /// Ours is what the library computes in one go, of one block or of several.
    #[test]
    fn extracting_and_expanding_are_hkdfs() {
        let (salt, input) = ([3; 32], [4; 40]);
        for (hash, algorithm) in [
            (Hash::Sha256, aws_lc_rs::hkdf::HKDF_SHA256),
            (Hash::Sha384, aws_lc_rs::hkdf::HKDF_SHA384),
        ] {
            let secret = Keyed::extract(hash, &salt, &input);
            let theirs = Salt::new(algorithm, &salt).extract(&input);
            let again = Prk::new_less_safe(algorithm, &secret);
            for len in [1, 12, 32, 48, 49, 64, 88, 97] {
                let mut ours = vec![0; len];
                Keyed::new(hash, &secret).expand(&mut b"info\0".to_vec(), &mut ours);
                for prk in [&theirs, &again] {
                    let mut out = vec![0; len];
                    let okm = prk.expand(&[b"info"], Len(len)).expect("expanded");
                    okm.fill(&mut out).expect("filled");
                    assert_eq!(ours, out);
                }
            }
        }
    }
}

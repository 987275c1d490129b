//! The key schedule of DTLS 1.3 (RFC 8446 §7, RFC 9147 §5.9).

use aws_lc_rs::hkdf::{KeyType, Prk};
use aws_lc_rs::hmac;
use duologue_base::Redacted;

use crate::DtlsError;
use crate::record::Keys;
use crate::suite::{Hash, Suite};
use crate::wire::{put_u16, put_vec};

/// RFC 9147 §5.9: in the place of TLS's "tls13 ".
const PREFIX: &[u8] = b"dtls13";

/// A secret of the schedule, as long as the hash.
pub(crate) type Secret = Redacted<Vec<u8>>;

/// The schedule from the handshake secret on.
#[derive(Debug)]
pub(crate) struct Schedule {
    hash: Hash,
    secret: Secret,
}

/// The handshake's end: the traffic secrets, and what exporters begin with.
#[derive(Debug)]
pub(crate) struct Application {
    pub(crate) client: Secret,
    pub(crate) server: Secret,
    pub(crate) exporter: Secret,
}

impl Schedule {
    /// Without a pre-shared key: from the shared secret of the key exchange.
    pub(crate) fn new(hash: Hash, shared: &[u8]) -> Result<Self, DtlsError> {
        let zeros = [0; 64];
        let early = extract(hash, &[], &zeros[..hash.len()])?;
        let salt = derive(hash, &early, b"derived", empty_hash(hash).as_ref())?;
        let secret = extract(hash, &salt, shared)?;
        Ok(Schedule { hash, secret })
    }

    /// The secrets that protect the handshake: the client's and the server's.
    pub(crate) fn handshake_traffic(&self, hello: &[u8]) -> Result<[Secret; 2], DtlsError> {
        Ok([
            derive(self.hash, &self.secret, b"c hs traffic", hello)?,
            derive(self.hash, &self.secret, b"s hs traffic", hello)?,
        ])
    }

    /// The secrets after the handshake, of all up to the server's Finished.
    pub(crate) fn application(&self, finished: &[u8]) -> Result<Application, DtlsError> {
        let zeros = [0; 64];
        let salt = derive(
            self.hash,
            &self.secret,
            b"derived",
            empty_hash(self.hash).as_ref(),
        )?;
        let master = extract(self.hash, &salt, &zeros[..self.hash.len()])?;
        let of = |label: &[u8]| derive(self.hash, &master, label, finished);
        Ok(Application {
            client: of(b"c ap traffic")?,
            server: of(b"s ap traffic")?,
            exporter: of(b"exp master")?,
        })
    }
}

/// RFC 8446 §7.3, RFC 9147 §4.2.3: the keys of one direction of one epoch.
pub(crate) fn traffic_keys(suite: Suite, secret: &[u8]) -> Result<Keys, DtlsError> {
    let of = |label: &[u8], len| expand_label(suite.hash, secret, label, &[], len);
    let len = suite.aead.key_len();
    Keys::v13(
        suite.aead,
        &of(b"key", len)?,
        &of(b"iv", 12)?,
        &of(b"sn", len)?,
    )
}

/// RFC 8446 §7.2: the secret after a KeyUpdate.
pub(crate) fn next_traffic(hash: Hash, secret: &[u8]) -> Result<Secret, DtlsError> {
    expand_label(hash, secret, b"traffic upd", &[], hash.len())
}

/// RFC 8446 §4.4.4: what a Finished says.
pub(crate) fn verify_data(
    hash: Hash,
    secret: &[u8],
    transcript: &[u8],
) -> Result<hmac::Tag, DtlsError> {
    let key = expand_label(hash, secret, b"finished", &[], hash.len())?;
    Ok(hmac::sign(&hmac::Key::new(hash.hmac(), &key), transcript))
}

/// RFC 8446 §7.5, without a context.
pub(crate) fn export(
    hash: Hash,
    exporter: &[u8],
    label: &[u8],
    len: usize,
) -> Result<Secret, DtlsError> {
    let empty = empty_hash(hash);
    let secret = derive(hash, exporter, label, empty.as_ref())?;
    expand_label(hash, &secret, b"exporter", empty.as_ref(), len)
}

fn empty_hash(hash: Hash) -> aws_lc_rs::digest::Digest {
    aws_lc_rs::digest::digest(hash.digest(), &[])
}

/// HKDF-Extract, whose output the library keeps to itself: it is this HMAC (RFC 5869 §2.2).
fn extract(hash: Hash, salt: &[u8], input: &[u8]) -> Result<Secret, DtlsError> {
    let zeros = [0; 64];
    let salt = match salt.is_empty() {
        true => &zeros[..hash.len()],
        false => salt,
    };
    let tag = hmac::sign(&hmac::Key::new(hash.hmac(), salt), input);
    Ok(Redacted(tag.as_ref().to_vec()))
}

/// RFC 8446 §7.1 `Derive-Secret`, of the hash of the messages.
fn derive(hash: Hash, secret: &[u8], label: &[u8], messages: &[u8]) -> Result<Secret, DtlsError> {
    expand_label(hash, secret, label, messages, hash.len())
}

fn expand_label(
    hash: Hash,
    secret: &[u8],
    label: &[u8],
    context: &[u8],
    len: usize,
) -> Result<Secret, DtlsError> {
    expand_label_of(PREFIX, hash, secret, label, context, len)
}

/// RFC 8446 §7.1 `HKDF-Expand-Label`.
fn expand_label_of(
    prefix: &[u8],
    hash: Hash,
    secret: &[u8],
    label: &[u8],
    context: &[u8],
    len: usize,
) -> Result<Secret, DtlsError> {
    let mut info = Vec::with_capacity(96);
    put_u16(&mut info, len as u16);
    put_vec(&mut info, 1, |out| {
        out.extend_from_slice(prefix);
        out.extend_from_slice(label);
    });
    put_vec(&mut info, 1, |out| out.extend_from_slice(context));

    let mut out = Redacted(vec![0; len]);
    let secret = Prk::new_less_safe(hash.hkdf(), secret);
    let info = [&info[..]];
    let expanded = secret.expand(&info, Len(len));
    expanded
        .and_then(|okm| okm.fill(&mut out.0))
        .map_err(|_| DtlsError::library())?;
    Ok(out)
}

struct Len(usize);

impl KeyType for Len {
    fn len(&self) -> usize {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::hkdf::Salt;

    use super::*;
    use crate::crypto::hex::hex;

    fn tls(secret: &[u8], label: &[u8], context: &[u8], len: usize) -> Vec<u8> {
        let expanded = expand_label_of(b"tls13 ", Hash::Sha256, secret, label, context, len);
        expanded.expect("expanded").0.clone()
    }

    /// RFC 8448 §3: the schedule of TLS differs by its prefix alone.
    #[test]
    fn the_schedule_is_that_of_rfc_8448_but_for_its_prefix() {
        let sha256 = Hash::Sha256;
        let early = extract(sha256, &[], &[0; 32]).expect("extracted");
        assert_eq!(
            early.0,
            hex("33ad0a1c607ec03b09e6cd9893680ce210adf300aa1f2660e1b22e10f170f92a")
        );
        let derived = tls(&early, b"derived", empty_hash(sha256).as_ref(), 32);
        assert_eq!(
            derived,
            hex("6f2615a108c702c5678f54fc9dbab69716c076189c48250cebeac3576c3611ba")
        );
        let shared = hex("8bd4054fb55b9d63fdfbacf9f04b9f0d35e6d63f537563efd46272900f89492d");
        let handshake = extract(sha256, &derived, &shared).expect("extracted");
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
        let salt = tls(&handshake, b"derived", empty_hash(sha256).as_ref(), 32);
        let master = extract(sha256, &salt, &[0; 32]).expect("extracted");
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

    /// `extract` is what the library computes under another name.
    #[test]
    fn extracting_is_hkdfs() {
        let (salt, input) = ([3; 32], [4; 40]);
        let ours = extract(Hash::Sha256, &salt, &input).expect("extracted");
        let ours = Prk::new_less_safe(Hash::Sha256.hkdf(), &ours);
        let theirs = Salt::new(Hash::Sha256.hkdf(), &salt).extract(&input);
        let expand = |prk: &Prk| {
            let mut out = [0; 32];
            let okm = prk.expand(&[b"info"], Len(32)).expect("expanded");
            okm.fill(&mut out).expect("filled");
            out
        };
        assert_eq!(expand(&ours), expand(&theirs));
    }
}

//! The keys of DTLS 1.2 (RFC 5246 §5, §6.3, §8; RFC 7627).

use aws_lc_rs::tls_prf::Secret;
use duologue_base::{DtlsRole, Redacted};

use crate::DtlsError;
use crate::limits::VERIFY_DATA_12;
use crate::record::Keys;
use crate::suite::Suite;

/// The randoms of both hellos.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Randoms {
    pub(crate) client: [u8; 32],
    pub(crate) server: [u8; 32],
}

/// The master secret of a handshake.
#[derive(Debug)]
pub(crate) struct Master {
    suite: Suite,
    secret: Redacted<Vec<u8>>,
    randoms: Randoms,
}

/// Both directions' keys.
pub(crate) struct Pair {
    pub(crate) client: Keys,
    pub(crate) server: Keys,
}

impl Pair {
    /// The keys of what this end seals, and of what it opens.
    pub(crate) fn sealing_and_opening(self, role: DtlsRole) -> (Keys, Keys) {
        match role {
            DtlsRole::Client => (self.client, self.server),
            DtlsRole::Server => (self.server, self.client),
        }
    }
}

impl Master {
    /// RFC 7627 §4, the only way here: `session_hash` is over all up to the ClientKeyExchange.
    pub(crate) fn extended(
        suite: Suite,
        premaster: &[u8],
        session_hash: &[u8],
        randoms: Randoms,
    ) -> Result<Self, DtlsError> {
        let label = b"extended master secret";
        let secret = prf(suite, premaster, label, [session_hash, &[]], 48)?;
        Ok(Master {
            suite,
            secret,
            randoms,
        })
    }

    /// For who may read along.
    pub(crate) fn secret(&self) -> &[u8] {
        &self.secret
    }

    /// RFC 5246 §6.3. Suites with authenticated encryption have no MAC keys.
    pub(crate) fn keys(&self) -> Result<Pair, DtlsError> {
        let aead = self.suite.aead;
        let (key, iv) = (aead.key_len(), aead.fixed_iv_len());
        let seed = [&self.randoms.server[..], &self.randoms.client];
        let block = prf(
            self.suite,
            &self.secret,
            b"key expansion",
            seed,
            2 * (key + iv),
        )?;

        let (keys, ivs) = block.split_at(2 * key);
        let keys_of = |key: &[u8], iv: &[u8]| Keys::v12(aead, key, iv);
        Ok(Pair {
            client: keys_of(&keys[..key], &ivs[..iv])?,
            server: keys_of(&keys[key..], &ivs[iv..])?,
        })
    }

    /// RFC 5246 §7.4.9: what the Finished of this end of the association says.
    pub(crate) fn verify_data(
        &self,
        of: DtlsRole,
        transcript: &[u8],
    ) -> Result<Redacted<Vec<u8>>, DtlsError> {
        let label: &[u8] = match of {
            DtlsRole::Client => b"client finished",
            DtlsRole::Server => b"server finished",
        };
        prf(
            self.suite,
            &self.secret,
            label,
            [transcript, &[]],
            VERIFY_DATA_12,
        )
    }

    /// RFC 5705 §4, without a context.
    pub(crate) fn export(&self, label: &[u8], len: usize) -> Result<Redacted<Vec<u8>>, DtlsError> {
        let seed = [&self.randoms.client[..], &self.randoms.server];
        prf(self.suite, &self.secret, label, seed, len)
    }
}

fn prf(
    suite: Suite,
    secret: &[u8],
    label: &[u8],
    seed: [&[u8]; 2],
    len: usize,
) -> Result<Redacted<Vec<u8>>, DtlsError> {
    let derive = || {
        let secret = Secret::new(suite.hash.prf(), secret)?;
        secret.derive_with_seed_concatination(label, seed[0], seed[1], len)
    };
    let derived = derive().map_err(|_| DtlsError::library())?;
    Ok(Redacted(derived.as_ref().to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Version;
    use crate::crypto::hex::hex;

    /// The vector for P_SHA256 that the TLS working group uses, of Ian Jackson's and others' message
    /// "Test vectors for the TLS 1.2 PRF" (2009).
    #[test]
    fn the_function_gives_the_working_groups_vector() {
        let suite = Suite::find(0xc02b, Version::V12).expect("a suite");
        let secret = hex("9bbe436ba940f017b17652849a71db35");
        let seed = hex("a0ba9f936cda311827a6f796ffd5198c");
        let expected = hex(
            "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a
             6b301791e90d35c9c9a46b4e14baf9af0fa022f7077def17abfd3797c0564bab
             4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff701
             87347b66",
        );
        let derived = prf(suite, &secret, b"test label", [&seed, &[]], expected.len());
        assert_eq!(derived.expect("derived").0, expected);
    }
}

//! Key exchange: elliptic curves, alone or with ML-KEM.

use std::fmt;

use aws_lc_rs::agreement::{self, PrivateKey, UnparsedPublicKey};
use aws_lc_rs::kem::{self, Ciphertext, DecapsulationKey, EncapsulationKey};
use duologue_base::Redacted;

use crate::DtlsError;

/// A group by its number in IANA's registry "TLS Supported Groups".
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u16)]
pub(crate) enum Group {
    /// ML-KEM-768 and X25519 together (draft-ietf-tls-ecdhe-mlkem §3): DTLS 1.3 only.
    X25519MlKem768 = 0x11ec,
    X25519 = 0x001d,
    P256 = 0x0017,
    P384 = 0x0018,
}

/// Those that are accepted, the most wanted first.
pub(crate) const GROUPS: [Group; 4] = [
    Group::X25519MlKem768,
    Group::X25519,
    Group::P256,
    Group::P384,
];

const MLKEM_KEY: usize = 1184;
const MLKEM_CIPHERTEXT: usize = 1088;

impl Group {
    pub(crate) fn find(number: u16) -> Option<Group> {
        GROUPS.into_iter().find(|group| group.number() == number)
    }

    pub(crate) fn number(self) -> u16 {
        self as u16
    }

    /// Whether DTLS 1.2 has it.
    pub(crate) fn is_curve(self) -> bool {
        self != Group::X25519MlKem768
    }

    /// RFC 8446 §4.2.8.2, RFC 8422 §5.4: 32 bytes, or an uncompressed point, of which the library is not that
    /// particular.
    fn is_share(self, of_curve: &[u8]) -> bool {
        match self {
            Group::X25519MlKem768 | Group::X25519 => of_curve.len() == 32,
            Group::P256 => matches!(of_curve, [4, rest @ ..] if rest.len() == 64),
            Group::P384 => matches!(of_curve, [4, rest @ ..] if rest.len() == 96),
        }
    }

    fn curve(self) -> &'static agreement::Algorithm {
        match self {
            Group::X25519MlKem768 | Group::X25519 => &agreement::X25519,
            Group::P256 => &agreement::ECDH_P256,
            Group::P384 => &agreement::ECDH_P384,
        }
    }
}

/// The secret that both ends computed.
pub(crate) type Shared = Redacted<Vec<u8>>;

/// Our half of a key exchange that the other end answers.
pub(crate) struct Exchange {
    group: Group,
    curve: PrivateKey,
    kem: Option<DecapsulationKey>,
    public: Vec<u8>,
}

impl Exchange {
    pub(crate) fn generate(group: Group) -> Result<Self, DtlsError> {
        let library = |_| DtlsError::library();
        let curve = PrivateKey::generate(group.curve()).map_err(library)?;
        let (mut public, mut kem) = (Vec::new(), None);
        if !group.is_curve() {
            let key = DecapsulationKey::generate(&kem::ML_KEM_768).map_err(library)?;
            let encapsulation = key.encapsulation_key().map_err(library)?;
            let bytes = encapsulation.key_bytes().map_err(library)?;
            public.extend_from_slice(bytes.as_ref());
            kem = Some(key);
        }
        let of_curve = curve.compute_public_key().map_err(library)?;
        public.extend_from_slice(of_curve.as_ref());
        Ok(Exchange {
            group,
            curve,
            kem,
            public,
        })
    }

    pub(crate) fn group(&self) -> Group {
        self.group
    }

    /// What the other end is told.
    pub(crate) fn public(&self) -> &[u8] {
        &self.public
    }

    /// With what the other end told us; `None` if that is no key of the group.
    pub(crate) fn agree(&self, peer: &[u8]) -> Option<Shared> {
        let mut shared = Redacted(Vec::with_capacity(64));
        let mut of_curve = peer;
        if let Some(key) = &self.kem {
            let (ciphertext, rest) = peer.split_at_checked(MLKEM_CIPHERTEXT)?;
            let secret = key.decapsulate(Ciphertext::from(ciphertext)).ok()?;
            shared.0.extend_from_slice(secret.as_ref());
            of_curve = rest;
        }
        agree(self.group, &self.curve, of_curve, &mut shared)?;
        Some(shared)
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Exchange").field(&self.group).finish()
    }
}

/// Answers what the other end told us: what it is told, and the secret. `Ok(None)` if `peer` is no
/// key of the group.
pub(crate) fn respond(group: Group, peer: &[u8]) -> Result<Option<(Vec<u8>, Shared)>, DtlsError> {
    let library = |_| DtlsError::library();
    let (mut public, mut shared) = (Vec::new(), Redacted(Vec::with_capacity(64)));
    let mut of_curve = peer;
    if !group.is_curve() {
        let Some((key, rest)) = peer.split_at_checked(MLKEM_KEY) else {
            return Ok(None);
        };
        let Ok(key) = EncapsulationKey::new(&kem::ML_KEM_768, key) else {
            return Ok(None);
        };
        let Ok((ciphertext, secret)) = key.encapsulate() else {
            return Ok(None);
        };
        public.extend_from_slice(ciphertext.as_ref());
        shared.0.extend_from_slice(secret.as_ref());
        of_curve = rest;
    }

    let curve = PrivateKey::generate(group.curve()).map_err(library)?;
    let of_ours = curve.compute_public_key().map_err(library)?;
    public.extend_from_slice(of_ours.as_ref());
    let agreed = agree(group, &curve, of_curve, &mut shared);
    Ok(agreed.map(|()| (public, shared)))
}

fn agree(group: Group, ours: &PrivateKey, peer: &[u8], shared: &mut Shared) -> Option<()> {
    if !group.is_share(peer) {
        return None;
    }
    let peer = UnparsedPublicKey::new(group.curve(), peer);
    agreement::agree(ours, peer, (), |secret| {
        shared.0.extend_from_slice(secret);
        Ok(())
    })
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_have_the_same_secret_in_every_group() {
        for group in GROUPS {
            let ours = Exchange::generate(group).expect("generated");
            let answer = respond(group, ours.public()).expect("the library works");
            let (public, theirs) = answer.expect("a key");
            let shared = ours.agree(&public).expect("a key");
            assert_eq!(shared, theirs, "{group:?}");
            assert!(shared.len() >= 32);
            assert_eq!(Group::find(group.number()), Some(group));
        }
    }

    #[test]
    fn what_is_no_key_of_the_group_is_none() {
        for group in GROUPS {
            let ours = Exchange::generate(group).expect("generated");
            let other = if group == Group::P256 {
                Group::P384
            } else {
                Group::P256
            };
            let foreign = Exchange::generate(other).expect("generated");
            let zeros = vec![0; ours.public().len()];
            let short = &ours.public()[1..];
            for peer in [&[], short, foreign.public(), &zeros] {
                assert!(ours.agree(peer).is_none(), "{group:?}");
                assert!(respond(group, peer).expect("the library works").is_none());
            }
        }
    }
}

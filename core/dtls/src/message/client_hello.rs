//! ClientHello (RFC 8446 §4.1.2, RFC 6347 §4.2.1).

use duologue_base::SrtpProfile;

use super::alpn::Protocol;
use super::extension::{self, Extensions};
use super::{V12, V13};
use crate::crypto::group::{Exchange, GROUPS, Group};
use crate::crypto::signature::SCHEMES;
use crate::suite::SUITES;
use crate::wire::{Reader, numbers, only_vec16, put_u16, put_vec};
use crate::{Confidentiality, Version, Versions};

/// The protection profiles that are offered and accepted, the most wanted first: what browsers have
/// hardware for.
pub(crate) const SRTP_PROFILES: [SrtpProfile; 3] = [
    SrtpProfile::AeadAes256Gcm,
    SrtpProfile::AeadAes128Gcm,
    SrtpProfile::Aes128CmSha1_80,
];

/// IANA's registry "DTLS-SRTP Protection Profiles".
pub(crate) fn srtp_number(profile: SrtpProfile) -> u16 {
    match profile {
        SrtpProfile::Aes128CmSha1_80 => 1,
        SrtpProfile::Aes128CmSha1_32 => 2,
        SrtpProfile::AeadAes128Gcm => 7,
        SrtpProfile::AeadAes256Gcm => 8,
    }
}

/// A ClientHello that came.
#[derive(Clone, Debug)]
pub(crate) struct ClientHello<'a> {
    pub(crate) random: [u8; 32],
    pub(crate) cookie: &'a [u8],
    suites: &'a [u8],
    pub(crate) extensions: Extensions<'a>,
}

impl<'a> ClientHello<'a> {
    pub(crate) fn read(body: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(body);
        reader.u16()?;
        let random = reader.array()?;
        // A session id, which nothing is resumed by here.
        reader.vec8().filter(|id| id.len() <= 32)?;
        let cookie = reader.vec8()?;
        let suites = reader.vec16().filter(|list| list.len() % 2 == 0)?;
        let compression = reader.vec8()?;
        // A client of DTLS 1.2 may send none.
        let extensions = match reader.is_empty() {
            true => Extensions::default(),
            false => Extensions::read(reader.vec16()?)?,
        };
        reader.end()?;

        compression.contains(&0).then_some(ClientHello {
            random,
            cookie,
            suites,
            extensions,
        })
    }

    pub(crate) fn suites(&self) -> impl Iterator<Item = u16> + Clone + 'a {
        let suites = self.suites;
        suites
            .chunks_exact(2)
            .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
    }

    /// Whether it offers a version. Who does not list versions has the old one (RFC 8446 §4.2.1).
    pub(crate) fn offers(&self, version: Version) -> bool {
        let number = match version {
            Version::V12 => V12,
            Version::V13 => V13,
        };
        match self.extensions.get(extension::SUPPORTED_VERSIONS) {
            None => version == Version::V12,
            Some(body) => {
                let mut reader = Reader::new(body);
                let list = reader.vec8().unwrap_or_default();
                numbers(list).any(|offered| offered == number)
            }
        }
    }

    /// The numbers in an extension that is one vector of them.
    pub(crate) fn list(&self, number: u16) -> impl Iterator<Item = u16> + Clone + 'a {
        let list = self.extensions.get(number).and_then(only_vec16);
        let list = list.unwrap_or_default();
        list.chunks_exact(2)
            .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
    }

    /// RFC 8446 §4.2.8: what it offers for a group.
    pub(crate) fn key_share(&self, group: Group) -> Option<&'a [u8]> {
        let shares = only_vec16(self.extensions.get(extension::KEY_SHARE)?)?;
        let mut reader = Reader::new(shares);
        while !reader.is_empty() {
            let (number, key) = (reader.u16()?, reader.vec16()?);
            if number == group.number() {
                return Some(key);
            }
        }
        None
    }

    /// RFC 5764 §4.1.1: the profile to use, by the client's preference.
    pub(crate) fn srtp_profile(&self) -> Option<SrtpProfile> {
        let mut reader = Reader::new(self.extensions.get(extension::USE_SRTP)?);
        let offered = reader.vec16()?;
        numbers(offered).find_map(|number| {
            let mut known = SRTP_PROFILES.into_iter();
            known.find(|profile| srtp_number(*profile) == number)
        })
    }

    /// RFC 5746 §3.6: no connection is renegotiated here, so that nothing may be said of one.
    pub(crate) fn renegotiates(&self) -> bool {
        let info = self.extensions.get(extension::RENEGOTIATION_INFO);
        info.is_some_and(|info| info != [0])
    }
}

/// What to write in a ClientHello.
#[derive(Debug)]
pub(crate) struct Offer<'a> {
    pub(crate) versions: Versions,
    pub(crate) random: [u8; 32],
    /// RFC 6347 §4.2.1: of a HelloVerifyRequest.
    pub(crate) cookie_12: &'a [u8],
    /// RFC 8446 §4.2.2: of a HelloRetryRequest.
    pub(crate) cookie_13: Option<&'a [u8]>,
    pub(crate) shares: &'a [Exchange],
    /// Whether ML-KEM is among the groups.
    pub(crate) post_quantum: bool,
    pub(crate) server_name: Option<&'a str>,
    /// Whether media may follow.
    pub(crate) srtp: bool,
    /// What is said of the association's use.
    pub(crate) confidentiality: Option<Confidentiality>,
}

pub(crate) fn write_client_hello(offer: &Offer<'_>) -> Vec<u8> {
    let has = |version| match offer.versions {
        Versions::Both => true,
        Versions::Only(only) => only == version,
    };
    let mut out = Vec::with_capacity(512);
    put_u16(&mut out, V12);
    out.extend_from_slice(&offer.random);
    // RFC 9147 §5.3: no session id, not even one for the sake of middleboxes.
    put_vec(&mut out, 1, |_| {});
    put_vec(&mut out, 1, |out| out.extend_from_slice(offer.cookie_12));
    put_vec(&mut out, 2, |out| {
        let suites = SUITES.iter().filter(|suite| has(suite.version));
        suites.for_each(|suite| put_u16(out, suite.number.0));
    });
    put_vec(&mut out, 1, |out| out.push(0));
    put_vec(&mut out, 2, |out| {
        put_common(out, offer);
        let newest = match has(Version::V13) {
            true => Version::V13,
            false => Version::V12,
        };
        extension::put_record_size_limit(out, newest);
        if has(Version::V12) {
            // RFC 7627 §5.1, RFC 5746 §3.5, RFC 8422 §5.1.2.
            extension::put(out, extension::EXTENDED_MASTER_SECRET, |_| {});
            extension::put(out, extension::RENEGOTIATION_INFO, |out| out.push(0));
            extension::put(out, extension::EC_POINT_FORMATS, |out| {
                out.extend_from_slice(&[1, 0]);
            });
        }
        if has(Version::V13) {
            put_13(out, offer, has(Version::V12));
        }
    });
    out
}

fn put_common(out: &mut Vec<u8>, offer: &Offer<'_>) {
    if let Some(name) = offer.server_name {
        // RFC 6066 §3: a list with one name of the type host_name.
        extension::put(out, extension::SERVER_NAME, |out| {
            put_vec(out, 2, |out| {
                out.push(0);
                put_vec(out, 2, |out| out.extend_from_slice(name.as_bytes()));
            });
        });
    }
    let groups = GROUPS.into_iter().filter(|group| match offer.versions {
        Versions::Only(Version::V12) => group.is_curve(),
        _ => offer.post_quantum || group.is_curve(),
    });
    extension::put_numbers(out, extension::SUPPORTED_GROUPS, groups.map(Group::number));
    let schemes = SCHEMES.map(|scheme| scheme.0);
    extension::put_numbers(out, extension::SIGNATURE_ALGORITHMS, schemes);
    if offer.srtp {
        // RFC 5764 §4.1.1: profiles, and no master key identifier.
        extension::put(out, extension::USE_SRTP, |out| {
            put_vec(out, 2, |out| {
                let numbers = SRTP_PROFILES.map(srtp_number);
                numbers.iter().for_each(|number| put_u16(out, *number));
            });
            out.push(0);
        });
    }
    Protocol::put_offer(out, offer.confidentiality);
}

fn put_13(out: &mut Vec<u8>, offer: &Offer<'_>, also_12: bool) {
    extension::put(out, extension::SUPPORTED_VERSIONS, |out| {
        put_vec(out, 1, |out| {
            put_u16(out, V13);
            if also_12 {
                put_u16(out, V12);
            }
        });
    });
    if let Some(cookie) = offer.cookie_13 {
        extension::put(out, extension::COOKIE, |out| {
            put_vec(out, 2, |out| out.extend_from_slice(cookie));
        });
    }
    extension::put(out, extension::KEY_SHARE, |out| {
        put_vec(out, 2, |out| {
            for share in offer.shares {
                put_u16(out, share.group().number());
                put_vec(out, 2, |out| out.extend_from_slice(share.public()));
            }
        });
    });
}

//! `RTCConfiguration`: what may be in it, and what `setConfiguration` may change.

use std::fmt;

use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::{Engine as _, alphabet};
use duologue_base::{Protocol, Redacted, WallClock};
use duologue_ice as ice;
use duologue_identity::{Certificate, Certificates, KeygenAlgorithm};
use duologue_session::Command;

use crate::ice_server::{IceServerScheme, IceServerUrl, UrlError};
use crate::limits::{MAX_ACCESS_TOKEN_BYTES, MAX_ICE_SERVERS, MAX_USERNAME_BYTES};
use crate::{
    BundlePolicy, Exception, IceTransportPolicy, RtcpMuxPolicy, RtpHeaderEncryptionPolicy,
};

/// How a connection is set up (webrtc-pc §4.2.1).
#[doc(alias = "RTCConfiguration")]
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(default, rename_all = "camelCase")
)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(optional_fields = nullable)
)]
pub struct Configuration {
    /// STUN and TURN servers. [`crate::limits::MAX_ICE_SERVERS`] are used, the rest is ignored.
    pub ice_servers: Vec<IceServer>,
    /// Which candidates may be used.
    pub ice_transport_policy: IceTransportPolicy,
    /// How many transports are prepared for a peer that may not bundle.
    pub bundle_policy: BundlePolicy,
    /// Whether RTP and RTCP share a port.
    pub rtcp_mux_policy: RtcpMuxPolicy,
    /// Certificates to use instead of a fresh one: a handshake shows the first that the peer verifies,
    /// those whose key is ECDSA before others. A description has the fingerprints of all.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub certificates: Vec<Certificate>,
    /// How many candidate sets are gathered before they are needed.
    pub ice_candidate_pool_size: u8,
    /// The "target peer identity" (webrtc-identity): `user@domain`, whom a provider has to vouch for in
    /// every description of the other end before it is applied.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub peer_identity: Option<String>,
    /// webrtc-extensions §4.2: offer data channels even when none was created yet.
    pub always_negotiate_data_channels: bool,
    /// Whether header extensions and CSRCs of RTP are encrypted (webrtc-extensions §13, RFC 9335).
    pub rtp_header_encryption_policy: RtpHeaderEncryptionPolicy,
}

impl Default for Configuration {
    fn default() -> Self {
        Configuration {
            ice_servers: Vec::new(),
            ice_transport_policy: IceTransportPolicy::All,
            bundle_policy: BundlePolicy::Balanced,
            rtcp_mux_policy: RtcpMuxPolicy::Require,
            certificates: Vec::new(),
            ice_candidate_pool_size: 0,
            peer_identity: None,
            always_negotiate_data_channels: false,
            rtp_header_encryption_policy: RtpHeaderEncryptionPolicy::Negotiate,
        }
    }
}

/// One STUN or TURN server (webrtc-pc §4.2.2).
#[doc(alias = "RTCIceServer")]
#[derive(Clone, Default, Eq, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(rename_all = "camelCase")
)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(optional_fields = nullable)
)]
pub struct IceServer {
    /// The server's addresses: `stun:`, `stuns:`, `turn:` and `turns:` URLs. In JSON one of them may stand
    /// without a list around it.
    #[cfg_attr(feature = "serde", serde(deserialize_with = "one_or_more"))]
    pub urls: Vec<String>,
    /// The user name at a TURN server.
    #[cfg_attr(
        feature = "serde",
        serde(default, skip_serializing_if = "Option::is_none")
    )]
    pub username: Option<String>,
    /// The password at a TURN server, or the token for it.
    #[cfg_attr(
        feature = "serde",
        serde(default, skip_serializing_if = "Option::is_none")
    )]
    pub credential: Option<IceCredential>,
}

/// How one shows a TURN server that one may use it: `(DOMString or RTCOAuthCredential)`, which is W3C
/// `credential`; `credentialType` follows from it.
#[derive(Clone, Eq, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(untagged)
)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum IceCredential {
    /// A password.
    Password(String),
    /// What an authorization server gave (RFC 7635); [`IceServer::username`] is its `kid`.
    OAuth(OAuthCredential),
}

impl From<String> for IceCredential {
    fn from(password: String) -> Self {
        IceCredential::Password(password)
    }
}

impl From<&str> for IceCredential {
    fn from(password: &str) -> Self {
        IceCredential::Password(password.to_owned())
    }
}

impl fmt::Debug for IceCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IceCredential(<redacted>)")
    }
}

/// What an authorization server gives for a TURN server (RFC 7635), each in base64 or base64url: W3C
/// `RTCOAuthCredential`, which webrtc-extensions had until 2025.
#[doc(alias = "RTCOAuthCredential")]
#[derive(Clone, Eq, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(rename_all = "camelCase")
)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct OAuthCredential {
    /// The key that protects what is said to the server (RFC 7635 §4.1).
    pub mac_key: String,
    /// What only the server can read (RFC 7635 §6.2).
    pub access_token: String,
}

/// RFC 4648 §4 with padding or without: keys come out of JSON Web Keys (RFC 7518 §6.4.1), which have none.
const BASE64: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, ANY_PADDING);

/// The same of RFC 4648 §5.
const BASE64_URL: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, ANY_PADDING);

const ANY_PADDING: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);

impl OAuthCredential {
    /// As bytes, if both are base64, and as long as a message takes.
    fn decoded(&self) -> Option<(Vec<u8>, Vec<u8>)> {
        let bytes = |text: &String| {
            let engine = match text.contains(['-', '_']) {
                true => &BASE64_URL,
                false => &BASE64,
            };
            engine.decode(text).ok().filter(|it| !it.is_empty())
        };
        let (key, token) = (bytes(&self.mac_key)?, bytes(&self.access_token)?);
        (token.len() <= MAX_ACCESS_TOKEN_BYTES).then_some((key, token))
    }
}

impl fmt::Debug for OAuthCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OAuthCredential(<redacted>)")
    }
}

/// §4.2.2: `required (DOMString or sequence<DOMString>) urls`
#[cfg(feature = "serde")]
fn one_or_more<'de, D: serde::Deserializer<'de>>(urls: D) -> Result<Vec<String>, D::Error> {
    #[derive(serde::Deserialize)]
    #[serde(untagged)]
    enum Urls {
        One(String),
        More(Vec<String>),
    }
    Ok(match serde::Deserialize::deserialize(urls)? {
        Urls::One(url) => vec![url],
        Urls::More(urls) => urls,
    })
}

impl Configuration {
    /// What the session is told of it.
    pub(crate) fn ice_servers_command(&self) -> Command {
        ice_servers_command(&self.ice_servers, self.ice_transport_policy)
    }

    /// The constructor's checks: the certificates', then those of "set the configuration".
    pub(crate) fn validate_new(self, now: WallClock) -> Result<Self, Exception> {
        // §4.4.1.1 step 5.1
        if self.certificates.iter().any(|c| c.expires() < now) {
            return Err(Exception::invalid_access("a certificate has expired"));
        }
        self.validate()
    }

    /// What handshakes may show, of what the application gave. §4.2.1: "The implementation selects
    /// which of the certificates is used": the first that the peer verifies. ECDSA comes first
    /// (RFC 8827 §6.5), since it costs a fraction of RSA in time and bytes.
    pub(crate) fn preferred_certificates(&self) -> Option<Certificates> {
        let is_ecdsa = |it: &&Certificate| it.algorithm() == KeygenAlgorithm::EcdsaP256;
        let all = self.certificates.iter();
        let others = all.clone().filter(|it| !is_ecdsa(it));
        Certificates::new(all.filter(is_ecdsa).chain(others).cloned())
    }

    /// "Set the configuration" (§4.4.1.6) over `old`: the new value of `[[Configuration]]`.
    pub(crate) fn validate_change(
        self,
        old: &Configuration,
        target_identity: Option<&str>,
        set_local_description_called: bool,
    ) -> Result<Self, Exception> {
        let fail = |message| Err(Exception::invalid_modification(message));
        if self.certificates != old.certificates {
            return fail("certificates cannot change");
        }
        if self.bundle_policy != old.bundle_policy {
            return fail("bundlePolicy cannot change");
        }
        if self.rtcp_mux_policy != old.rtcp_mux_policy {
            return fail("rtcpMuxPolicy cannot change");
        }
        if self.ice_candidate_pool_size != old.ice_candidate_pool_size
            && set_local_description_called
        {
            return fail("iceCandidatePoolSize cannot change after setLocalDescription");
        }
        // webrtc-identity: "If configuration.peerIdentity is set and its value differs from the target
        // peer identity, throw an InvalidModificationError."
        if self.peer_identity.is_some() && self.peer_identity.as_deref() != target_identity {
            return fail("peerIdentity cannot change");
        }
        // webrtc-extensions §4.2: "If the value of configuration.alwaysNegotiateDataChannels is
        // different from oldConfig.alwaysNegotiateDataChannels, then fail."
        if self.always_negotiate_data_channels != old.always_negotiate_data_channels {
            return fail("alwaysNegotiateDataChannels cannot change");
        }
        // Descriptions that were made would have promised something else.
        if self.rtp_header_encryption_policy != old.rtp_header_encryption_policy {
            return fail("rtpHeaderEncryptionPolicy cannot change");
        }
        self.validate()
    }

    fn validate(mut self) -> Result<Self, Exception> {
        validate_ice_servers(&mut self.ice_servers)?;
        Ok(self)
    }
}

/// What the session is told of servers.
pub(crate) fn ice_servers_command(servers: &[IceServer], policy: IceTransportPolicy) -> Command {
    Command::SetIceServers {
        servers: servers.iter().flat_map(IceServer::to_ice).collect(),
        relay_only: policy == IceTransportPolicy::Relay,
    }
}

/// "Validate an ICE server" of each (§4.4.1.6).
pub(crate) fn validate_ice_servers(servers: &mut Vec<IceServer>) -> Result<(), Exception> {
    servers.truncate(MAX_ICE_SERVERS);
    servers.iter().try_for_each(IceServer::validate)
}

impl fmt::Debug for IceServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IceServer")
            .field("urls", &self.urls)
            .finish_non_exhaustive()
    }
}

impl IceServer {
    /// The server's URLs, parsed. Servers inside a [`crate::PeerConnection`] are always valid.
    ///
    /// # Errors
    /// What the first of them that is no URL of an ICE server lacks.
    pub fn parse_urls(&self) -> Result<Vec<IceServerUrl>, UrlError> {
        self.urls.iter().map(|url| url.parse()).collect()
    }

    /// What ICE gathers from, one for each URL.
    pub(crate) fn to_ice(&self) -> impl Iterator<Item = ice::Server> {
        let urls = self.parse_urls().unwrap_or_default();
        urls.into_iter().zip(&self.urls).map(|(parsed, url)| {
            // RFC 7064 §3.2, RFC 7065 §3.2: without a parameter `turn:` and `stun:` mean UDP, and
            // the secure schemes TLS over TCP; over UDP they mean DTLS.
            let transport = match (parsed.scheme, parsed.transport) {
                (IceServerScheme::Stun, _) => ice::RelayProtocol::Udp,
                (IceServerScheme::Turn, Some(Protocol::Tcp)) => ice::RelayProtocol::Tcp,
                (IceServerScheme::Turn, _) => ice::RelayProtocol::Udp,
                (IceServerScheme::Turns, Some(Protocol::Udp)) => ice::RelayProtocol::Dtls,
                (IceServerScheme::Stuns | IceServerScheme::Turns, _) => ice::RelayProtocol::Tls,
            };
            let kind = match parsed.scheme {
                IceServerScheme::Stun | IceServerScheme::Stuns => ice::ServerKind::Stun,
                IceServerScheme::Turn | IceServerScheme::Turns => self.turn(),
            };
            let tls = matches!(
                parsed.scheme,
                IceServerScheme::Stuns | IceServerScheme::Turns
            );
            // RFC 7064 §3.2, RFC 7065 §3.2
            let default_port = if tls { 5349 } else { 3478 };
            ice::Server {
                url: url.clone(),
                host: parsed.host,
                port: parsed.port.unwrap_or(default_port),
                transport,
                kind,
            }
        })
    }

    fn turn(&self) -> ice::ServerKind {
        let username = Redacted(self.username.clone().unwrap_or_default());
        match &self.credential {
            Some(IceCredential::OAuth(token)) => {
                let (mac_key, access_token) = token.decoded().unwrap_or_default();
                ice::ServerKind::TurnToken(ice::TokenCredential {
                    kid: username,
                    mac_key: Redacted(mac_key),
                    access_token: Redacted(access_token),
                })
            }
            Some(IceCredential::Password(password)) => ice::ServerKind::Turn {
                username,
                password: Redacted(password.clone()),
            },
            None => ice::ServerKind::Turn {
                username,
                password: Redacted(String::new()),
            },
        }
    }

    fn validate(&self) -> Result<(), Exception> {
        if self.urls.is_empty() {
            return Err(Exception::syntax("an ICE server without a URL"));
        }
        for url in &self.urls {
            // Which one it is: a configuration has several, often from a server of one's own.
            let parsed = url
                .parse::<IceServerUrl>()
                .map_err(|error| Exception::syntax(format!("{url:?}: {error}")))?;
            if parsed.is_turn() && !self.has_credentials() {
                return Err(Exception::invalid_access(format!(
                    "{url:?}: a TURN server needs a username and a credential"
                )));
            }
        }
        Ok(())
    }

    /// Both are there and conform to RFC 8489 §14.3 and RFC 8265 §4.1. Empty ones are accepted
    /// as in browsers (web-platform-tests `RTCConfiguration-iceServers.html`).
    fn has_credentials(&self) -> bool {
        let (Some(username), Some(credential)) = (&self.username, &self.credential) else {
            return false;
        };
        let is_legal = match credential {
            IceCredential::Password(password) => !password.contains(char::is_control),
            IceCredential::OAuth(token) => token.decoded().is_some(),
        };
        username.len() <= MAX_USERNAME_BYTES && !username.contains(char::is_control) && is_legal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_base64_or_base64url_with_padding_or_without() {
        let decoded = |mac_key: &str| {
            let token = OAuthCredential {
                mac_key: mac_key.to_owned(),
                access_token: "AAwg3kPHWPfvk9bDFL936w".to_owned(),
            };
            token.decoded().map(|(key, _)| key)
        };
        let key = Some(vec![0xfb, 0xef, 0xff, 0xfe]);
        for legal in ["++///g==", "++///g", "--___g==", "--___g"] {
            assert_eq!(decoded(legal), key, "{legal}");
        }
        for illegal in ["", "no base64!", "--///g=="] {
            assert_eq!(decoded(illegal), None, "{illegal}");
        }
    }
}

//! What two descriptions agree, m-section by m-section and transport by transport.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use duologue_base::{
    DtlsRole, Generation, IceCredentials, IceRole, Mid, TransceiverId, TransportKey,
};
use duologue_identity::Fingerprint;
use duologue_rtp::{Rid, RtpParameters, SentFormat};

pub use crate::announced_source::AnnouncedSource;
use crate::applied::Applied;
pub use crate::ice_key::IceKey;
use crate::{Direction, SdpType, SectionKind, Side};

/// What two descriptions say together: every m-section and every transport. Immutable; the next
/// agreement is another value.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Agreement {
    /// The m-sections in their order.
    pub media: Vec<Arc<MediaAgreement>>,
    /// The transports that m-sections use.
    pub transports: BTreeMap<TransportKey, Arc<TransportAgreement>>,
    /// The descriptions that agreed on it; `None` before the first exchange, and while there is
    /// only an offer.
    pub(crate) exchange: Option<Exchange>,
    /// The peer repeats attributes that it does not know, as an answer of it showed: what it says of those
    /// that this end said first is no word of its own.
    pub(crate) peer_repeats: bool,
}

/// An offer and its answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Exchange {
    pub(crate) local: Arc<Applied>,
    pub(crate) remote: Arc<Applied>,
}

impl Exchange {
    pub(crate) fn side(&self, side: Side) -> &Arc<Applied> {
        match side {
            Side::Local => &self.local,
            Side::Remote => &self.remote,
        }
    }
}

impl Agreement {
    /// An answer has accepted a BUNDLE group, so new sections join it without more ado
    /// (RFC 9429 §5.2.2: no `a=bundle-only` any more).
    pub(crate) fn bundle_agreed(&self) -> bool {
        let answer = self.exchange.as_ref().map(|e| match e.remote.ty {
            SdpType::Offer => &e.local,
            _ => &e.remote,
        });
        answer.is_some_and(|applied| !applied.blueprint.bundles.is_empty())
    }

    /// The m-section with this tag.
    pub fn by_mid(&self, mid: &Mid) -> Option<&Arc<MediaAgreement>> {
        self.media.iter().find(|m| m.mid == *mid)
    }

    /// The m-section that is associated with this transceiver, rejected or not.
    pub fn by_transceiver(&self, id: TransceiverId) -> Option<&Arc<MediaAgreement>> {
        self.media.iter().find(|m| m.transceiver == Some(id))
    }

    /// The sets of ICE credentials that this end uses.
    pub fn ice_keys(&self) -> impl Iterator<Item = IceKey> {
        let running = self
            .transports
            .iter()
            .filter(|(_, t)| t.local_ice.is_some());
        running.map(|(key, transport)| IceKey {
            transport: *key,
            generation: transport.generation,
        })
    }

    /// Whether a transport bears an m-section's name: it is this section's own, or that of the
    /// BUNDLE group that the section stands for.
    pub(crate) fn stands_for_transport(&self, media: &MediaAgreement) -> bool {
        let transport = self.transport_of(media);
        transport.is_some_and(|transport| transport.mid == media.mid)
    }

    /// The transport of an m-section.
    pub fn transport_of(&self, media: &MediaAgreement) -> Option<&Arc<TransportAgreement>> {
        self.transports.get(&media.transport?)
    }

    /// The m-section of the data channels; a rejected one only when there is no other.
    pub fn data(&self) -> Option<&Arc<MediaAgreement>> {
        let mut sections = self.media.iter().filter(|m| m.kind == SectionKind::Data);
        let alive = sections.clone().find(|m| !m.rejected);
        alive.or_else(|| sections.next())
    }
}

/// What was agreed on for one m-section.
#[derive(Clone, Debug, PartialEq)]
pub struct MediaAgreement {
    /// The section's tag, as given or generated.
    pub mid: Mid,
    /// The kind of the section: what it is about.
    pub kind: SectionKind,
    /// Whether the section's port is zero and it is not bundle-only: it carries nothing, and may be recycled.
    pub rejected: bool,
    /// Why the answer rejects the section; none where the offer did.
    pub rejection: Option<Rejection>,
    /// The transceiver that is associated with the section. A rejected section of a stable
    /// agreement still names the transceiver it had, which is stopped and has no mid any more.
    pub transceiver: Option<TransceiverId>,
    /// The transport that the section uses; `None` when rejected.
    pub transport: Option<TransportKey>,
    /// What the last answer or provisional answer made of the section's direction, seen from here.
    #[doc(alias = "[[CurrentDirection]]")]
    pub current_direction: Option<Direction>,
    /// The direction that the last track event was about.
    #[doc(alias = "[[FiredDirection]]")]
    pub fired_direction: Option<Direction>,
    /// Whether the latest description lets this end receive.
    #[doc(alias = "[[Receptive]]")]
    pub receptive: bool,
    /// Ids of the streams that the other end puts its track in, while it sends.
    pub remote_streams: Vec<String>,
    /// What the other end calls itself in RTCP, when a description says.
    pub remote_cname: Option<String>,
    /// The sources that the other end's description announces, in its order. Without any, packets
    /// tell by their MID and rid what they belong to (RFC 9143 §9.2).
    pub remote_sources: Vec<AnnouncedSource>,
    /// What may be sent; set by an answer.
    pub send: Option<RtpParameters>,
    /// What may be received; set by an answer, without codecs when this end's description does not
    /// receive. webrtc-pc §4.4.1.5 has offers set `[[ReceiveCodecs]]`, too; web-platform-tests want
    /// none before an answer.
    pub receive: Option<RtpParameters>,
    /// What the other end's description says of how it sends what may be received; set by an answer.
    pub sent_formats: Vec<SentFormat>,
    /// What the description says about the sender's simulcast layers.
    pub layers: Layers,
    /// The rids that the other end sends, when it sends simulcast.
    pub receive_rids: Vec<Rid>,
    /// The SCTP association; data only.
    pub sctp: Option<SctpAgreement>,
}

impl MediaAgreement {
    /// A section that nothing is agreed of yet.
    pub(crate) fn new(mid: Mid, kind: SectionKind) -> Self {
        MediaAgreement {
            mid,
            kind,
            rejected: false,
            rejection: None,
            transceiver: None,
            transport: None,
            current_direction: None,
            fired_direction: None,
            receptive: false,
            remote_streams: Vec::new(),
            remote_cname: None,
            remote_sources: Vec::new(),
            send: None,
            receive: None,
            sent_formats: Vec::new(),
            layers: Layers::Unmentioned,
            receive_rids: Vec::new(),
            sctp: None,
        }
    }
}

/// Why an answer rejects an m-section. The W3C's `RTCRtpTransceiver` is stopped then, and does not say
/// why.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Rejection {
    /// This end has none of the codecs that the other end offers.
    NoCommonCodec,
    /// This end does not take the section for another reason: its transceiver was stopped, or the bundle
    /// policy leaves it out.
    ByThisEnd,
    /// The other end does not take the section. Its own log says why; an answer cannot.
    ByPeer,
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Rejection::NoCommonCodec => "no codec in common",
            Rejection::ByThisEnd => "this end does not take it",
            Rejection::ByPeer => "the other end does not take it",
        })
    }
}

/// What the latest description says about a sender's simulcast layers; the peer applies it to
/// `[[SendEncodings]]`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Layers {
    /// The description says nothing: leave the encodings as they are.
    #[default]
    Unmentioned,
    /// A remote offer asks for these: they replace a lone encoding that has no rid.
    Proposed(Vec<Rid>),
    /// An answer keeps these and removes the others; when empty, the first encoding stays.
    Kept(Vec<Rid>),
}

impl Layers {
    /// The rids of `[[SendEncodings]]` after the description that says this; `None` where it leaves
    /// them as they are. `rids` are those before, in their order: none of a lone encoding without one.
    pub fn applied_to(&self, rids: &[Rid]) -> Option<Vec<Rid>> {
        match self {
            Layers::Proposed(proposed) if rids.is_empty() => Some(proposed.clone()),
            Layers::Kept(kept) if rids.len() > 1 => {
                let left = rids.iter().filter(|rid| kept.contains(rid));
                let left: Vec<Rid> = left.cloned().collect();
                Some(match left.is_empty() {
                    true => rids[..1].to_vec(),
                    false => left,
                })
            }
            _ => None,
        }
    }
}

/// Parameters of the SCTP association (RFC 8841).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SctpAgreement {
    /// The SCTP port of this end.
    pub local_port: u16,
    /// The other end's SCTP port.
    pub remote_port: Option<u16>,
    /// The largest message that the other end takes: `None` for any size.
    pub remote_max_message_size: Option<u64>,
    /// The INIT chunks of both ends, if descriptions set the association up (draft-hancke-tsvwg-snap).
    pub inits: Option<SctpInits>,
    /// An answer has established the association: it may be started.
    pub established: bool,
}

/// The `a=sctp-init` of both ends (draft-hancke-tsvwg-snap).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SctpInits {
    /// The INIT chunk of this end.
    pub local: Vec<u8>,
    /// The other end's.
    pub remote: Vec<u8>,
}

/// What was agreed on for one transport.
#[derive(Clone, Debug, PartialEq)]
pub struct TransportAgreement {
    /// The m-section that stands for the transport. When another one comes to the head of the
    /// BUNDLE group, the group gets another transport: RFC 9143 §7.5 would have it go on over the
    /// one that it has, but libwebrtc and Firefox make a new one, and no description tells.
    pub mid: Mid,
    /// Which set of ICE credentials is in use.
    pub generation: Generation,
    /// The ICE credentials of this end; `None` until a local description has them, and with them the
    /// transport starts.
    pub local_ice: Option<IceCredentials>,
    /// The other end's ICE credentials and abilities.
    pub remote_ice: Option<RemoteIce>,
    /// The ICE role of this end when the transport was made.
    pub ice_role: IceRole,
    /// Once an answer said who starts, and what certificate the other end has.
    pub dtls: Option<DtlsAgreement>,
}

/// The other end's ICE parameters.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RemoteIce {
    /// The other agent's credentials.
    pub credentials: IceCredentials,
    /// Whether the other agent is a lite implementation (RFC 8445 §2.5).
    pub lite: bool,
    /// The least time between two checks that it can take, in milliseconds (RFC 8839 §5.7).
    pub pacing: Option<u32>,
    /// Whether the other agent takes trickled candidates (RFC 8840 §4.1.1).
    pub trickle: bool,
    /// Whether the other agent follows renominations (draft-thatcher-ice-renomination).
    pub renomination: bool,
    /// Whether the other agent's checks carry the DTLS handshake (draft-hancke-webrtc-sped).
    pub sped: bool,
}

/// What DTLS needs to start.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DtlsAgreement {
    /// The DTLS role of this end.
    pub role: DtlsRole,
    /// What the other end's certificate must hash to.
    pub fingerprints: Vec<Fingerprint>,
}

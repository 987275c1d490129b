//! `setLocalDescription` and `setRemoteDescription`: RFC 9429 §§5.5–5.11.

use std::sync::Arc;

use duologue_base::{Mid, TransceiverId, TransportKey};

use duologue_rtp::{CodecParameters, Cryptex, PayloadType, RtpParameters};

use super::bundle::Bundled;
use super::transport::{self, Transports};
use super::{answer, associate, codec, dtls_role, extension, simulcast, verify};
use crate::agreement::{
    Agreement, DtlsAgreement, Exchange, IceKey, Layers, MediaAgreement, Rejection, SctpAgreement,
    SctpInits, TransportAgreement,
};
use crate::applied::Read;
use crate::blueprint::{Blueprint, DataLines, RtpLines, Section, Streams};
use crate::signaling::{Pending, Proposal};
use crate::{
    ContentError, Direction, Draft, Ids, Intent, JsepError, Modification, SdpType, Side, Signaling,
};

/// Applies a description that was created here. `ty` is the draft's own type, or `Pranswer` for
/// an answer. For a rollback use [`Signaling::rollback`].
///
/// # Errors
/// A type that does not fit the state or the draft.
#[doc(alias = "setLocalDescription")]
pub fn apply_local(
    signaling: &Signaling,
    intent: &Intent,
    ids: &mut Ids,
    ty: SdpType,
    draft: &Draft,
) -> Result<Signaling, JsepError> {
    signaling.check_state(ty, Side::Local)?;
    if (draft.ty == SdpType::Offer) != (ty == SdpType::Offer) {
        return Err(Modification::NotCreated.into());
    }
    let read = Read::parse(ty, Side::Local, &draft.sdp)?;
    ids.retain_transports(&signaling.transports());
    match &signaling.proposal {
        Some(Proposal::RemoteOffer(pending) | Proposal::LocalPranswer(pending)) => {
            let applied = apply_answer(signaling, intent, ids, pending, read);
            // What a draft says fits the offer; its text may have been changed.
            applied.map_err(|error| match error {
                JsepError::Content(error) => Modification::Content(error).into(),
                other => other,
            })
        }
        _ => apply_local_offer(signaling, ids, draft, read),
    }
}

/// Applies a description of the other end. An offer in `have-local-offer` has to be preceded by a
/// rollback; for an explicit rollback use [`Signaling::rollback`].
///
/// # Errors
/// A type that does not fit the state; text that is not SDP, with its line; content that cannot be
/// accepted or contradicts what was agreed.
#[doc(alias = "setRemoteDescription")]
pub fn apply_remote(
    signaling: &Signaling,
    intent: &Intent,
    ids: &mut Ids,
    ty: SdpType,
    sdp: &str,
) -> Result<Signaling, JsepError> {
    signaling.check_state(ty, Side::Remote)?;
    let read = Read::parse(ty, Side::Remote, sdp)?;
    ids.retain_transports(&signaling.transports());
    match &signaling.proposal {
        Some(Proposal::LocalOffer(pending) | Proposal::RemotePranswer(pending)) => {
            apply_answer(signaling, intent, ids, pending, read)
        }
        _ => apply_remote_offer(signaling, intent, ids, read),
    }
}

fn apply_local_offer(
    signaling: &Signaling,
    ids: &mut Ids,
    draft: &Draft,
    read: Read,
) -> Result<Signaling, JsepError> {
    let base = signaling.latest();
    let offer = &read.blueprint;
    let mids = associate::offer_mids(base, offer, ids);
    // An old draft may have been made on top of another agreement than the one that is there now.
    verify::subsequent_offer(base, offer, &mids).map_err(Modification::Content)?;
    let bundled = Bundled::new(offer, &mids);
    let assigned = transport::assign_local(base, &bundled, ids);
    let transports = transport::local_offer(base, &bundled, &assigned, ids);
    let sections = Sections {
        base,
        mids: &mids,
        assigned: &assigned,
        transceivers: &draft.transceivers,
    };
    let media = sections.map(offer, |media, section| {
        media.receptive = section.direction.receives() && !section.is_rejected();
        media.layers = Layers::Unmentioned;
        if let Some(data) = section.data().filter(|_| media.sctp.is_none()) {
            media.sctp = Some(sctp_of(data));
        }
    });
    for mid in &mids {
        ids.use_mid(mid);
    }
    let pending = offer_pending(base, media, transports, read, Vec::new());
    Ok(signaling.proposing(Proposal::LocalOffer(pending)))
}

fn apply_remote_offer(
    signaling: &Signaling,
    intent: &Intent,
    ids: &mut Ids,
    read: Read,
) -> Result<Signaling, JsepError> {
    let base = signaling.latest();
    let offer = &read.blueprint;
    let mids = associate::offer_mids(base, offer, ids);
    let bundled = Bundled::new(offer, &mids);
    verify::remote(&bundled)?;
    verify::header_encryption(offer, intent.header_encryption, base.peer_repeats)?;
    verify::subsequent_offer(base, offer, &mids)?;
    verify::tracks(offer)?;
    let associations = associate::remote_offer(base, offer, &mids, intent, ids);
    let assigned = transport::assign_remote(base, &bundled, ids);
    let transports = transport::remote_offer(base, &bundled, &assigned, ids);
    let default_stream = ids.default_stream();
    let sections = Sections {
        base,
        mids: &mids,
        assigned: &assigned,
        transceivers: &associations.transceivers,
    };

    let max = intent.capabilities.max_encodings;
    let media = sections.map(offer, |media, section| {
        let Some(rtp) = section.rtp() else {
            if let Some(data) = section.data().filter(|_| !section.is_rejected()) {
                let port = media
                    .sctp
                    .as_ref()
                    .map_or(intent.sctp.port, |sctp| sctp.local_port);
                remember_sctp(media, data, port, None);
            }
            return;
        };
        hear(media, section, rtp, &default_stream);
        media.layers = match section.is_rejected() {
            true => Layers::Unmentioned,
            false => simulcast::proposed(rtp, max),
        };
    });

    for mid in &mids {
        ids.use_mid(mid);
    }
    let mut created = match &signaling.proposal {
        Some(proposal) => proposal.pending().created.clone(),
        None => Vec::new(),
    };
    created.extend(associations.created);

    let pending = offer_pending(base, media, transports, read, created);
    Ok(signaling.proposing(Proposal::RemoteOffer(pending)))
}

fn offer_pending(
    base: &Agreement,
    media: Vec<Arc<MediaAgreement>>,
    transports: Transports,
    read: Read,
    created: Vec<TransceiverId>,
) -> Pending {
    let offered = Arc::new(Agreement {
        media,
        transports,
        exchange: base.exchange.clone(),
        peer_repeats: base.peer_repeats,
    });
    Pending {
        offer: read.apply(candidate_keys(&offered)),
        answer: None,
        next: Arc::clone(&offered),
        offered,
        created,
    }
}

/// The m-sections of an offer on top of those that are there.
struct Sections<'a> {
    base: &'a Agreement,
    mids: &'a [Mid],
    assigned: &'a [Option<TransportKey>],
    transceivers: &'a [Option<TransceiverId>],
}

impl Sections<'_> {
    fn map(
        &self,
        offer: &Blueprint,
        mut change: impl FnMut(&mut MediaAgreement, &Section),
    ) -> Vec<Arc<MediaAgreement>> {
        let sections = offer.sections.iter().enumerate();
        let media = sections.map(|(index, section)| {
            let mid = &self.mids[index];
            let before = self.base.by_mid(mid);
            let goes_on = before.filter(|m| !m.rejected || section.is_rejected());
            let mut media = match goes_on {
                Some(media) => MediaAgreement::clone(media),
                None => MediaAgreement::new(mid.clone(), section.kind()),
            };
            let was_rejected = media.rejected;
            media.rejected = section.is_rejected();
            media.rejection = media.rejection.filter(|_| was_rejected && media.rejected);
            media.transceiver = self.transceivers[index];
            media.transport = self.assigned[index];
            if !(was_rejected && media.rejected) {
                change(&mut media, section);
            }
            Arc::new(media)
        });
        media.collect()
    }
}

/// Takes in what a remote description says about the other end's track
/// (webrtc-pc §5.4 "process remote tracks").
fn hear(media: &mut MediaAgreement, section: &Section, rtp: &RtpLines, default_stream: &str) {
    let direction = match section.is_rejected() {
        true => Direction::Inactive,
        false => section.direction.reversed(),
    };
    media.receptive = direction.receives();
    media.fired_direction = Some(direction);
    media.remote_streams = match (&rtp.streams, direction.receives()) {
        (_, false) => Vec::new(),
        (Streams::In(streams), true) => streams.clone(),
        (Streams::Unsaid, true) => vec![default_stream.to_owned()],
    };
    media.remote_cname = rtp.cname.clone();
    media.remote_sources = rtp.sources.clone();
}

fn sctp_of(data: &DataLines) -> SctpAgreement {
    SctpAgreement {
        local_port: data.port,
        remote_port: None,
        remote_max_message_size: Some(DEFAULT_MESSAGE_SIZE),
        inits: None,
        established: false,
    }
}

/// RFC 8841 §6.1: 64 kilobytes when the description does not say.
const DEFAULT_MESSAGE_SIZE: u64 = 65_536;

/// Takes in the other end's SCTP parameters.
fn remember_sctp(
    media: &mut MediaAgreement,
    theirs: &DataLines,
    local_port: u16,
    answered: Option<&DataLines>,
) {
    let before = media.sctp.take();
    let established = before.as_ref().is_some_and(|sctp| sctp.established);
    let inits = match answered {
        // draft-hancke-tsvwg-snap: it sets up an association that there is not yet.
        Some(ours) if !established => {
            let both = ours.init.clone().zip(theirs.init.clone());
            both.map(|(local, remote)| SctpInits { local, remote })
        }
        _ => before.and_then(|sctp| sctp.inits),
    };
    media.sctp = Some(SctpAgreement {
        local_port,
        inits,
        remote_port: Some(theirs.port),
        remote_max_message_size: match theirs.max_message_size.unwrap_or(DEFAULT_MESSAGE_SIZE) {
            0 => None,
            size => Some(size),
        },
        established: established || answered.is_some(),
    });
}

fn apply_answer(
    signaling: &Signaling,
    intent: &Intent,
    ids: &mut Ids,
    pending: &Pending,
    read: Read,
) -> Result<Signaling, JsepError> {
    let offer = &pending.offer.blueprint;
    if offer.sections.len() != read.blueprint.sections.len() {
        return Err(ContentError::SectionCount.into());
    }
    let mids: Vec<Mid> = pending
        .offered
        .media
        .iter()
        .map(|m| m.mid.clone())
        .collect();
    let answerer = Answerer {
        side: read.side(),
        offer: Bundled::new(offer, &mids),
        answer: Bundled::new(&read.blueprint, &mids),
        offered: &pending.offered,
        latest: &pending.next,
        stable: signaling.stable(),
        intent,
        default_stream: match read.side() {
            // A local answer names no remote stream.
            Side::Local => String::new(),
            Side::Remote => ids.default_stream(),
        },
    };

    let mut agreement = answerer.agree()?;
    remember_extensions(offer, &read.blueprint, ids);
    let ty = read.sdp_type();
    let answer = read.apply(candidate_keys(&agreement));
    if ty == SdpType::Pranswer {
        let next = Pending {
            answer: Some(Arc::clone(&answer)),
            next: Arc::new(agreement),
            ..pending.clone()
        };
        return Ok(signaling.proposing(match answer.side {
            Side::Local => Proposal::LocalPranswer(next),
            Side::Remote => Proposal::RemotePranswer(next),
        }));
    }

    let offer = Arc::clone(&pending.offer);
    agreement.exchange = Some(match answer.side {
        Side::Local => Exchange {
            local: answer,
            remote: offer,
        },
        Side::Remote => Exchange {
            local: offer,
            remote: answer,
        },
    });
    Ok(Signaling::agreed(agreement))
}

/// RFC 8285 §5: the ids of the extensions that both descriptions have stay what they are.
fn remember_extensions(offer: &Blueprint, answer: &Blueprint, ids: &mut Ids) {
    for (offered, answered) in offer.sections.iter().zip(&answer.sections) {
        let (Some(offered), Some(answered)) = (offered.rtp(), answered.rtp()) else {
            continue;
        };
        let taken = answered.extensions.iter();
        for extension in taken.filter(|taken| offered.extensions.iter().any(|e| e.uri == taken.uri))
        {
            let known = ids.extensions.entry(extension.uri.clone());
            known.or_insert(extension.id);
        }
    }
}

/// Applies an answer to what was offered (RFC 9429 §5.11).
struct Answerer<'a> {
    /// Whose answer it is.
    side: Side,
    offer: Bundled<'a>,
    answer: Bundled<'a>,
    offered: &'a Agreement,
    /// What the last provisional answer agreed, else what was offered.
    latest: &'a Agreement,
    stable: &'a Agreement,
    intent: &'a Intent,
    /// The stream of remote tracks whose description names none.
    default_stream: String,
}

impl Answerer<'_> {
    fn agree(&self) -> Result<Agreement, JsepError> {
        // An answer may leave its mids out: its sections are those of the offer in their order.
        verify::answer(&self.offer, &self.answer)?;
        if self.side == Side::Remote {
            verify::remote(&self.answer)?;
            let policy = self.intent.header_encryption;
            verify::header_encryption(self.answer.blueprint, policy, self.peer_repeats())?;
        }
        let transports = self.transports()?;
        let sections = self.answer.blueprint.sections.iter().enumerate();
        let media = sections.map(|(index, answered)| {
            let mut media = MediaAgreement::clone(&self.offered.media[index]);
            let latest = &self.latest.media[index];
            media.fired_direction = latest.fired_direction;
            media.remote_streams.clone_from(&latest.remote_streams);
            self.section(index, answered, &mut media);
            Arc::new(media)
        });
        Ok(Agreement {
            media: media.collect(),
            transports,
            exchange: self.stable.exchange.clone(),
            peer_repeats: self.peer_repeats(),
        })
    }

    fn section(&self, index: usize, answered: &Section, media: &mut MediaAgreement) {
        media.rejected = answered.is_rejected();
        let offered = self.offer.section(index);
        let rejects = media.rejected && !offered.is_rejected();
        media.rejection = rejects.then(|| match self.side {
            Side::Local => {
                let transceiver = media.transceiver.and_then(|id| self.intent.transceiver(id));
                answer::rejection(offered, transceiver, self.intent)
            }
            Side::Remote => Rejection::ByPeer,
        });
        media.transport = match media.rejected {
            true => None,
            false => self
                .owner(index)
                .and_then(|at| self.offered.media[at].transport),
        };
        match (self.offer.section(index), answered.rtp(), answered.data()) {
            (offered, Some(rtp), _) => {
                if let Some(offered_rtp) = offered.rtp() {
                    self.rtp(media, answered, (offered.direction, offered_rtp), rtp);
                    if let Some(send) = &mut media.send {
                        send.cryptex = self.sent_cryptex(index);
                    }
                }
            }
            (offered, _, Some(data)) if !media.rejected => {
                let offered = offered.data().unwrap_or(data);
                let (ours, theirs) = match self.side {
                    Side::Local => (data, offered),
                    Side::Remote => (offered, data),
                };
                remember_sctp(media, theirs, ours.port, Some(ours));
            }
            _ => media.sctp = None,
        }
    }

    fn rtp(
        &self,
        media: &mut MediaAgreement,
        section: &Section,
        (offered_direction, offered): (Direction, &RtpLines),
        answered: &RtpLines,
    ) {
        let (ours, theirs, direction, described) = match self.side {
            Side::Local => (answered, offered, section.direction, section.direction),
            Side::Remote => (
                offered,
                answered,
                section.direction.reversed(),
                offered_direction,
            ),
        };
        let direction = match section.is_rejected() {
            true => Direction::Inactive,
            false => direction,
        };
        match self.side {
            Side::Remote => hear(media, section, theirs, &self.default_stream),
            // webrtc-pc §4.4.1.5: a local answer that stops receiving removes the streams.
            Side::Local if !direction.receives() => media.remote_streams.clear(),
            Side::Local => {}
        }
        media.receptive = direction.receives();
        media.fired_direction = Some(direction);
        media.current_direction = Some(direction);

        if section.is_rejected() {
            media.layers = Layers::Unmentioned;
            return;
        }
        let (send_extensions, receive_extensions) =
            extension::agree(&ours.extensions, &theirs.extensions);
        let reduced_size = section.transport.reduced_size;
        let both = [self.offer.blueprint, self.answer.blueprint];
        let extmap_allow_mixed = both.iter().all(|it| it.extmap_allow_mixed);
        let capabilities = &self.intent.capabilities;
        media.send = Some(RtpParameters {
            codecs: codec::sendable(capabilities, theirs.kind, &self.listed(ours, theirs)),
            header_extensions: send_extensions,
            cname: Some(self.intent.cname.clone()),
            reduced_size,
            extmap_allow_mixed,
            cryptex: Cryptex::Off,
        });

        let receivable = receivable(ours, theirs, described);
        media.sent_formats = codec::sent_formats(&receivable, &theirs.codecs);
        media.receive = Some(RtpParameters {
            codecs: receivable,
            header_extensions: receive_extensions,
            cname: theirs.cname.clone(),
            reduced_size,
            extmap_allow_mixed,
            cryptex: self.intent.header_encryption.of_received(),
        });

        media.layers = simulcast::kept(ours, theirs, direction);
        media.receive_rids = match direction.receives() {
            true => simulcast::received(ours, theirs),
            false => Vec::new(),
        };
    }

    /// Whether the peer gives back what it does not know. RFC 8858 §4.3: no answer has `a=rtcp-mux-only`, which this
    /// end's offers have; answers of libdatachannel 0.24 do, and `a=cryptex` and whatever else there was.
    fn peer_repeats(&self) -> bool {
        let mut sections = self.answer.blueprint.sections.iter();
        let repeated = sections.any(|section| section.transport.rtcp_mux_only);
        self.stable.peer_repeats || repeated && self.side == Side::Remote
    }

    /// Whether headers are encrypted on the transport of a section. RFC 9335 §4: all sections of packets
    /// of a BUNDLE group say so, or none, for they share keys; of an end that says it of some, none counts.
    fn sent_cryptex(&self, index: usize) -> Cryptex {
        let sections = 0..self.offered.media.len();
        let mut shared = sections.filter(|at| self.owner(*at) == self.owner(index));
        let agreed = shared.all(|at| {
            let both = [self.offer.section(at), self.answer.section(at)];
            both.iter()
                .all(|it| it.rtp().is_none() || it.transport.cryptex)
        });
        match agreed && !self.peer_repeats() {
            true => Cryptex::Accepted,
            false => Cryptex::Off,
        }
    }

    /// The other end's codecs that both descriptions have, the preferred first: a remote answer
    /// has chosen them itself, a local one has chosen from the offer by payload type.
    fn listed(&self, ours: &RtpLines, theirs: &RtpLines) -> Vec<CodecParameters> {
        let find = |pt: PayloadType| theirs.codecs.iter().find(|c| c.payload_type == pt);
        match self.side {
            Side::Remote => theirs.codecs.clone(),
            Side::Local => {
                let chosen = ours.codecs.iter().filter_map(|c| find(c.payload_type));
                chosen.cloned().collect()
            }
        }
    }

    /// The section that stands for the transport of a section: the first of its group that the
    /// answer accepts, or itself (RFC 9143 §7.3).
    fn owner(&self, index: usize) -> Option<usize> {
        let rejected = self.answer.section(index).is_rejected();
        (!rejected).then(|| self.answer.owner(index))
    }

    fn transports(&self) -> Result<Transports, ContentError> {
        let mut transports = Transports::new();
        for index in 0..self.offered.media.len() {
            let Some(owner) = self.owner(index) else {
                continue;
            };
            let Some(key) = self.offered.media[owner].transport else {
                continue;
            };
            if transports.contains_key(&key) {
                continue;
            }
            if let Some(before) = self.offered.transports.get(&key) {
                let transport = self.transport(owner, key, before)?;
                transports.insert(key, Arc::new(transport));
            }
        }
        Ok(transports)
    }

    fn transport(
        &self,
        index: usize,
        key: TransportKey,
        before: &TransportAgreement,
    ) -> Result<TransportAgreement, ContentError> {
        let offered = self.offer.answered_lines(index);
        let answered = self.answer.lines(index);
        let mut next = TransportAgreement {
            mid: self.answer.mids[index].clone(),
            ..before.clone()
        };
        let (theirs, blueprint) = match self.side {
            Side::Local => {
                if next.local_ice.is_none() {
                    next.local_ice = answered.ice.clone();
                }
                (offered, self.offer.blueprint)
            }
            Side::Remote => (answered, self.answer.blueprint),
        };
        if let Some(remote) = transport::remote_ice(blueprint, theirs) {
            // RFC 9429 §5.10 has an offered ICE restart answered by one. An end that knows no restarts
            // answers with the credentials that it has: then there is none, as in libwebrtc, and the
            // generation that runs goes on.
            let known = |s: &TransportAgreement| {
                let known = s.remote_ice.as_ref().map(|ice| &ice.credentials);
                known == Some(&remote.credentials)
            };
            let running = self.stable.transports.get(&key).filter(|s| known(s));
            if let Some(running) = running.filter(|_| self.side == Side::Remote) {
                next.generation = running.generation;
                next.local_ice = running.local_ice.clone();
            }
            next.remote_ice = Some(remote);
        }

        let role = dtls_role::agreed(answered.setup, self.side)?;
        let running = self.stable.transports.get(&key);
        let goes_on = running
            .and_then(|transport| transport.dtls.as_ref())
            .filter(|dtls| self.side == Side::Remote && dtls.fingerprints == theirs.fingerprints);
        next.dtls = Some(DtlsAgreement {
            // RFC 8842 §5.3: who answers keeps its role while the association goes on. Firefox does,
            // and answers `active` all the same.
            role: goes_on.map_or(role, |dtls| dtls.role),
            fingerprints: theirs.fingerprints.clone(),
        });
        Ok(next)
    }
}

/// The codecs that may come. webrtc-pc §4.4.1.5: none when this end's description does not receive, whatever the other end's
/// makes of it.
fn receivable(ours: &RtpLines, theirs: &RtpLines, described: Direction) -> Vec<CodecParameters> {
    match described.receives() {
        true => codec::receivable(&ours.codecs, &theirs.codecs),
        false => Vec::new(),
    }
}

/// The credentials that each section's candidates belong to.
fn candidate_keys(agreement: &Agreement) -> Vec<(Mid, Option<IceKey>)> {
    let media = agreement.media.iter();
    let keys = media.map(|media| {
        let transport = agreement.transport_of(media);
        let key = media
            .transport
            .zip(transport)
            .map(|(key, transport)| IceKey {
                transport: key,
                generation: transport.generation,
            });
        (media.mid.clone(), key)
    });
    keys.collect()
}

use std::collections::BTreeMap;
use std::sync::Arc;

use duologue_base::{TransceiverId, TransportKey};
use duologue_rtp::{
    CodecParameters, CodecRole, Cryptex, HeaderExtensionParameters, MediaKind, ReceivePlan, Rid,
    RtpParameters, SendPlan, SendStream, SourceParameters,
};

use crate::agreement::{Agreement, Layers, MediaAgreement};
use crate::blueprint::RtpLines;
use crate::plan::simulcast;
use crate::signaling::Proposal;
use crate::{Direction, Intent, SectionKind, SenderIntent, Signaling, StopState};

/// A change of what the data plane takes or sends for one transceiver; the peer makes a session
/// command of each.
#[derive(Clone, Debug, PartialEq)]
pub enum MediaChange {
    /// Packets are taken as the plan says, from now on.
    Receive {
        /// Whose receiver.
        id: TransceiverId,
        /// Where they come.
        transport: TransportKey,
        /// What they may be.
        plan: Arc<ReceivePlan>,
    },
    /// Packets are sent as the plan says, from now on.
    Send {
        /// Whose sender.
        id: TransceiverId,
        /// Where they go.
        transport: TransportKey,
        /// What they may be.
        plan: Arc<SendPlan>,
    },
    /// A transceiver ends receiving: no packet is taken any more.
    StopReceive {
        /// Whose receiver.
        id: TransceiverId,
    },
    /// A transceiver ends sending: no packet is sent any more.
    StopSend {
        /// Whose sender.
        id: TransceiverId,
    },
}

/// What all transceivers of a connection take and send in one signaling state.
///
/// * A receiver's plan begins with this end's own description: an offerer must take what its offer
///   allows before there is an answer (RFC 3264 §5.1). While an exchange is open it is the union of
///   what held before and of what is proposed; where the two give one number two meanings, the
///   proposed one counts from its answer on, provisional or not.
/// * A sender's plan begins with an answer and is what the last one says, provisional or not.
/// * A transceiver that is stopping has neither (webrtc-pc §5.4, "stop sending and receiving").
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MediaPlans {
    receive: BTreeMap<TransceiverId, Planned<ReceivePlan>>,
    send: BTreeMap<TransceiverId, Planned<SendPlan>>,
}

/// A plan and the transport it is for.
#[derive(Clone, Debug, PartialEq)]
struct Planned<P> {
    transport: TransportKey,
    plan: Arc<P>,
}

impl MediaPlans {
    /// What this transceiver takes, and where.
    pub fn receive(&self, id: TransceiverId) -> Option<(TransportKey, &Arc<ReceivePlan>)> {
        let planned = self.receive.get(&id)?;
        Some((planned.transport, &planned.plan))
    }

    /// What this transceiver sends, and where.
    pub fn send(&self, id: TransceiverId) -> Option<(TransportKey, &Arc<SendPlan>)> {
        let planned = self.send.get(&id)?;
        Some((planned.transport, &planned.plan))
    }
}

/// The plans in this signaling state, and what has to change for them in a data plane that runs
/// those `before`: what ends first, then what comes or is another one than before. Whole plans are
/// compared; equal ones give no change and go on being the same value.
pub fn media_diff(
    before: &MediaPlans,
    signaling: &Signaling,
    intent: &Intent,
) -> (MediaPlans, Vec<MediaChange>) {
    let running = intent.transceivers.iter();
    let running = running.filter(|transceiver| transceiver.stop == StopState::Running);
    let mut plans = MediaPlans::default();
    for transceiver in running {
        let id = transceiver.id;
        if let Some(planned) = receiving(signaling, intent, id) {
            plans.receive.insert(id, planned);
        }
        if let Some(planned) = sending(signaling.effective(), id, &transceiver.sender) {
            plans.send.insert(id, planned);
        }
    }

    let mut changes = Vec::new();
    let ended = keep_same(&before.receive, &mut plans.receive);
    changes.extend(ended.map(|id| MediaChange::StopReceive { id }));
    let ended = keep_same(&before.send, &mut plans.send);
    changes.extend(ended.map(|id| MediaChange::StopSend { id }));
    for (id, Planned { transport, plan }) in different(&before.receive, &plans.receive) {
        changes.push(MediaChange::Receive {
            id,
            transport,
            plan,
        });
    }
    for (id, Planned { transport, plan }) in different(&before.send, &plans.send) {
        changes.push(MediaChange::Send {
            id,
            transport,
            plan,
        });
    }
    (plans, changes)
}

/// Puts plans that were there before in the place of equal ones, and says which are there no more.
fn keep_same<P: PartialEq>(
    before: &BTreeMap<TransceiverId, Planned<P>>,
    now: &mut BTreeMap<TransceiverId, Planned<P>>,
) -> impl Iterator<Item = TransceiverId> + use<P> {
    let mut ended = Vec::new();
    for (id, then) in before {
        match now.get_mut(id) {
            Some(now) if now.plan == then.plan => now.plan = Arc::clone(&then.plan),
            Some(_) => {}
            None => ended.push(*id),
        }
    }
    ended.into_iter()
}

fn different<'a, P>(
    before: &'a BTreeMap<TransceiverId, Planned<P>>,
    now: &'a BTreeMap<TransceiverId, Planned<P>>,
) -> impl Iterator<Item = (TransceiverId, Planned<P>)> + 'a {
    let same = |then: &Planned<P>, now: &Planned<P>| {
        then.transport == now.transport && Arc::ptr_eq(&then.plan, &now.plan)
    };
    let new = now.iter().filter(move |(id, now)| {
        let then = before.get(id);
        then.is_none_or(|then| !same(then, now))
    });
    new.map(|(id, Planned { transport, plan })| {
        let plan = Arc::clone(plan);
        let transport = *transport;
        (*id, Planned { transport, plan })
    })
}

fn receiving(
    signaling: &Signaling,
    intent: &Intent,
    id: TransceiverId,
) -> Option<Planned<ReceivePlan>> {
    let (effective, stable) = (signaling.effective(), signaling.stable());
    let offer = own_offer(signaling, intent, id);
    // In the order in which they count where they disagree.
    let parts = [
        agreed_to_receive(effective, id),
        agreed_to_receive(stable, id),
        offer.as_ref().map(|(_, part)| part.clone()),
    ];
    let mut parts = parts.into_iter().flatten();
    let mut plan = parts.next()?;
    for part in parts {
        unite(&mut plan, part);
    }
    let agreed = [effective, stable].into_iter();
    let agreed = agreed.filter_map(|agreement| agreement.by_transceiver(id)?.transport);
    let offered = offer.map(|(transport, _)| transport);
    Some(Planned {
        transport: agreed.chain(offered).next()?,
        plan: Arc::new(plan),
    })
}

/// What an answer lets a transceiver receive.
fn agreed_to_receive(agreement: &Agreement, id: TransceiverId) -> Option<ReceivePlan> {
    let media = agreement.by_transceiver(id)?;
    let receives = media.current_direction.is_some_and(Direction::receives);
    let parameters = media.receive.clone().filter(|_| receives)?;
    Some(ReceivePlan {
        rids: media.receive_rids.clone(),
        sources: media.remote_sources.iter().map(|s| s.source).collect(),
        sent_formats: media.sent_formats.clone(),
        ..plan_of(media, parameters)?
    })
}

/// What this end's offer under way lets a transceiver receive, and where.
fn own_offer(
    signaling: &Signaling,
    intent: &Intent,
    id: TransceiverId,
) -> Option<(TransportKey, ReceivePlan)> {
    let pending = match signaling.proposal.as_ref()? {
        Proposal::LocalOffer(pending) | Proposal::RemotePranswer(pending) => pending,
        Proposal::RemoteOffer(_) | Proposal::LocalPranswer(_) => return None,
    };
    let mut sections = pending.offered.media.iter();
    let index = sections.position(|media| media.transceiver == Some(id))?;
    let (media, section) = (
        &pending.offered.media[index],
        &pending.offer.blueprint.sections[index],
    );
    let lines = section.rtp()?;
    if section.is_rejected() || !section.direction.receives() {
        return None;
    }
    let parameters = RtpParameters {
        cryptex: intent.header_encryption.of_received(),
        ..offered(lines)
    };
    let plan = ReceivePlan {
        rids: simulcast::wanted(lines),
        ..plan_of(media, parameters)?
    };
    Some((media.transport?, plan))
}

fn plan_of(media: &MediaAgreement, parameters: RtpParameters) -> Option<ReceivePlan> {
    Some(ReceivePlan {
        mid: media.mid.clone(),
        kind: kind_of(media)?,
        parameters,
        rids: Vec::new(),
        sources: Vec::new(),
        sent_formats: Vec::new(),
    })
}

fn kind_of(media: &MediaAgreement) -> Option<MediaKind> {
    match &media.kind {
        SectionKind::Rtp(kind) => Some(*kind),
        _ => None,
    }
}

/// What an offer alone says of the packets that its author takes.
fn offered(lines: &RtpLines) -> RtpParameters {
    let received = lines.extensions.iter().filter(|e| e.direction.receives());
    let extensions =
        received.map(|extension| HeaderExtensionParameters::new(extension.id, &extension.uri));
    RtpParameters {
        codecs: lines.codecs.clone(),
        header_extensions: extensions.collect(),
        cname: None,
        reduced_size: false,
        extmap_allow_mixed: false,
        cryptex: Cryptex::Off,
    }
}

/// Adds what else may be received. A number that has a meaning already keeps it.
fn unite(plan: &mut ReceivePlan, other: ReceivePlan) {
    let ReceivePlan {
        parameters,
        rids,
        sources,
        sent_formats,
        ..
    } = other;
    let known = &mut plan.parameters;
    for codec in parameters.codecs {
        let taken = |c: &CodecParameters| c.payload_type == codec.payload_type;
        if !known.codecs.iter().any(taken) {
            known.codecs.push(codec);
        }
    }
    for extension in parameters.header_extensions {
        let taken = |e: &HeaderExtensionParameters| e.id == extension.id || e.uri == extension.uri;
        if !known.header_extensions.iter().any(taken) {
            known.header_extensions.push(extension);
        }
    }
    known.cname = known.cname.take().or(parameters.cname);

    for rid in rids {
        if !plan.rids.contains(&rid) {
            plan.rids.push(rid);
        }
    }
    for format in sent_formats {
        let known = &mut plan.sent_formats;
        if known
            .iter()
            .all(|known| known.payload_type != format.payload_type)
        {
            known.push(format);
        }
    }
    for source in sources {
        if plan.sources.iter().all(|known| known.ssrc != source.ssrc) {
            plan.sources.push(source);
        }
    }
}

fn sending(
    effective: &Agreement,
    id: TransceiverId,
    sender: &SenderIntent,
) -> Option<Planned<SendPlan>> {
    let media = effective.by_transceiver(id)?;
    let sends = media.current_direction.is_some_and(Direction::sends);
    let parameters = media.send.clone().filter(|_| sends && !media.rejected)?;
    if !parameters.codecs.iter().any(|c| c.codec.is_media()) {
        return None;
    }
    let repeats = |c: &CodecParameters| c.codec.role() == CodecRole::Rtx;
    let rtx = parameters.codecs.iter().any(repeats);
    let fec = parameters.codecs.iter().any(|c| c.codec.is_flexfec());
    let streams = streams(&media.layers, sender).into_iter();
    let streams = streams.map(|(rid, source)| SendStream {
        rid,
        source: SourceParameters {
            rtx: source.rtx.filter(|_| rtx),
            fec: source.fec.filter(|_| fec),
            ..source
        },
    });
    Some(Planned {
        transport: media.transport?,
        plan: Arc::new(SendPlan {
            mid: media.mid.clone(),
            kind: kind_of(media)?,
            streams: streams.collect(),
            parameters,
        }),
    })
}

/// The encodings that the answer keeps, each with its source. A lone one has a name only where the
/// answer names it. A sender that has none of the names, for an earlier answer took them, still sends.
fn streams(layers: &Layers, sender: &SenderIntent) -> Vec<(Option<Rid>, SourceParameters)> {
    if let Layers::Kept(kept) = layers {
        let layers = sender.rids.iter().zip(&sender.sources);
        let kept = layers.filter(|(rid, _)| kept.contains(rid));
        let kept: Vec<_> = kept
            .map(|(rid, source)| (Some(rid.clone()), *source))
            .collect();
        if !kept.is_empty() {
            return kept;
        }
    }
    let first = sender.sources.first();
    first.map(|source| (None, *source)).into_iter().collect()
}

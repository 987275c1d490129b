//! Two ends that negotiate with each other through text, as two applications would: what
//! `duologue-peer` does around this crate, without the W3C's objects.

use duologue_base::{Rng, TransceiverId};
use duologue_jsep::agreement::MediaAgreement;
use duologue_jsep::{
    BundlePolicy, Candidates, Capabilities, Direction, Draft, Ids, Intent, JsepError, MediaChange,
    MediaKind, MediaPlans, Modification, OfferOptions, SdpType, Side, Signaling, SourceParameters,
    StopState, SurfaceChange, TransceiverIntent, TransportChange, apply_local, apply_remote,
    create_answer, create_offer, diff, media_diff, surface,
};
use duologue_rtp::Ssrc;

pub(crate) struct End {
    pub(crate) intent: Intent,
    pub(crate) ids: Ids,
    pub(crate) signaling: Signaling,
    pub(crate) offer: Option<Draft>,
    pub(crate) answer: Option<Draft>,
    /// Of the last step.
    pub(crate) changes: Vec<TransportChange>,
    pub(crate) media_changes: Vec<MediaChange>,
    pub(crate) plans: MediaPlans,
    pub(crate) surface: Option<SurfaceChange>,
}

pub(crate) fn fingerprint(seed: u64) -> String {
    format!("sha-256 {}", vec![format!("{seed:02X}"); 32].join(":"))
}

impl End {
    pub(crate) fn new(seed: u64) -> Self {
        Self::with(seed, BundlePolicy::Balanced, Capabilities::default())
    }

    pub(crate) fn with(seed: u64, policy: BundlePolicy, capabilities: Capabilities) -> Self {
        let fingerprints = vec![fingerprint(seed).parse().unwrap()];
        End {
            intent: Intent::new(
                policy,
                capabilities.into(),
                fingerprints,
                format!("c{seed}"),
            ),
            ids: Ids::new(Rng::from_u64(seed)),
            signaling: Signaling::new(),
            offer: None,
            answer: None,
            changes: Vec::new(),
            media_changes: Vec::new(),
            plans: MediaPlans::default(),
            surface: None,
        }
    }

    pub(crate) fn add(&mut self, kind: MediaKind, direction: Direction) -> TransceiverId {
        let id = self.ids.transceiver();
        let mut transceiver = TransceiverIntent::new(id, kind, direction);
        transceiver.sender.track_id = format!("track{}", id.0);
        transceiver.sender.sources = vec![source_of(id, 0)];
        self.intent.transceivers.push(transceiver);
        id
    }

    /// `addTrack` without looking for a transceiver to reuse.
    pub(crate) fn add_track(&mut self, kind: MediaKind, stream: &str) -> TransceiverId {
        let id = self.add(kind, Direction::SendRecv);
        let transceiver = self.transceiver(id);
        transceiver.added_by_add_track = true;
        transceiver.sender.streams.push(stream.to_owned());
        id
    }

    /// `addTransceiver` of video that is sent in these layers.
    pub(crate) fn layered(&mut self, names: &[&str]) -> TransceiverId {
        let id = self.add_track(MediaKind::Video, "s");
        let mut sources = (1..).map(|n| source_of(id, n));
        let sender = &mut self.transceiver(id).sender;
        let rids = names.iter().map(|name| name.parse().unwrap());
        sender.set_layers(rids.collect(), || sources.next().unwrap());
        id
    }

    pub(crate) fn audio(&mut self) -> TransceiverId {
        self.add(MediaKind::Audio, Direction::SendRecv)
    }

    pub(crate) fn video(&mut self) -> TransceiverId {
        self.add(MediaKind::Video, Direction::SendRecv)
    }

    pub(crate) fn transceiver(&mut self, id: TransceiverId) -> &mut TransceiverIntent {
        self.intent.transceiver_mut(id).unwrap()
    }

    pub(crate) fn media(&self, id: TransceiverId) -> &MediaAgreement {
        self.signaling.latest().by_transceiver(id).unwrap()
    }

    pub(crate) fn current_direction(&self, id: TransceiverId) -> Option<Direction> {
        self.signaling
            .latest()
            .by_transceiver(id)?
            .current_direction
    }

    pub(crate) fn create_offer(&mut self) -> String {
        self.create_offer_with(OfferOptions::default())
    }

    pub(crate) fn create_offer_with(&mut self, options: OfferOptions) -> String {
        let draft = create_offer(&self.signaling, &self.intent, &mut self.ids, options).unwrap();
        let sdp = draft.sdp().to_owned();
        self.offer = Some(draft);
        sdp
    }

    pub(crate) fn create_answer(&mut self) -> String {
        let draft = create_answer(&self.signaling, &self.intent, &mut self.ids).unwrap();
        let sdp = draft.sdp().to_owned();
        self.answer = Some(draft);
        sdp
    }

    pub(crate) fn set_local(&mut self, ty: SdpType) -> Result<(), JsepError> {
        let next = match ty {
            SdpType::Rollback => self.signaling.rollback()?,
            _ => {
                let draft = match ty {
                    SdpType::Offer => self.offer.as_ref(),
                    _ => self.answer.as_ref(),
                };
                let draft = draft.ok_or(Modification::NotCreated)?;
                apply_local(&self.signaling, &self.intent, &mut self.ids, ty, draft)?
            }
        };
        self.step(next);
        Ok(())
    }

    /// `setLocalDescription` with a text that was changed since it was created.
    pub(crate) fn set_local_text(&mut self, ty: SdpType, sdp: &str) -> Result<(), JsepError> {
        let draft = match ty {
            SdpType::Offer => self.offer.as_ref(),
            _ => self.answer.as_ref(),
        };
        let draft = draft.ok_or(Modification::NotCreated)?;
        let draft = draft.with_text(sdp, &self.signaling, &self.intent)?;
        let next = apply_local(&self.signaling, &self.intent, &mut self.ids, ty, &draft)?;
        self.step(next);
        Ok(())
    }

    pub(crate) fn set_remote(&mut self, ty: SdpType, sdp: &str) -> Result<(), JsepError> {
        if ty == SdpType::Offer && self.signaling.check_state(ty, Side::Remote).is_err() {
            // webrtc-pc §4.4.2: an offer in have-local-offer rolls back first.
            let next = self.signaling.rollback()?;
            self.step(next);
        }
        let next = match ty {
            SdpType::Rollback => self.signaling.rollback()?,
            _ => apply_remote(&self.signaling, &self.intent, &mut self.ids, ty, sdp)?,
        };
        self.step(next);
        Ok(())
    }

    /// Offer, set and return its text.
    pub(crate) fn offer(&mut self) -> String {
        let sdp = self.create_offer();
        self.set_local(SdpType::Offer).unwrap();
        sdp
    }

    /// Answer, set and return its text.
    pub(crate) fn answer(&mut self) -> String {
        let sdp = self.create_answer();
        self.set_local(SdpType::Answer).unwrap();
        sdp
    }

    /// What the application does to a created description with its own transceivers: what the
    /// W3C's algorithms make of the surface.
    fn step(&mut self, next: Signaling) {
        let rolled_back = next.state() == duologue_jsep::SignalingState::Stable
            && next.stable() == self.signaling.stable();
        self.changes = diff(&self.signaling, &next);
        let change = surface(&self.signaling, &next);
        for one in &change.transceivers {
            if one.created {
                let mut new = TransceiverIntent::new(one.id, one.kind, Direction::RecvOnly);
                new.sender.track_id = format!("track{}", one.id.0);
                self.intent.transceivers.push(new);
            }
            let Some(transceiver) = self.intent.transceiver_mut(one.id) else {
                continue;
            };
            if one.uncreated && !transceiver.taken_by_add_track {
                self.intent.transceivers.retain(|t| t.id != one.id);
                continue;
            }
            let Some(after) = one.after.as_ref().filter(|_| !rolled_back) else {
                continue;
            };
            if after.rejected
                && (change.state.as_str() == "stable" || transceiver.stop == StopState::Running)
            {
                transceiver.stop = StopState::Stopped;
            }
            let sender = &mut transceiver.sender;
            if let Some(rids) = after.layers.applied_to(&sender.rids) {
                let mut sources = (1..).map(|n| source_of(one.id, n));
                sender.set_layers(rids, || sources.next().unwrap());
            }
        }
        self.surface = Some(change);
        self.signaling = next;
        if self.signaling.state() == duologue_jsep::SignalingState::Stable && !rolled_back {
            self.intent.forget_replaced(&self.signaling);
            let rejected = self.signaling.stable().data().is_some_and(|m| m.rejected);
            self.intent.data &= !rejected;
        }
        self.update_media();
    }

    /// What the peer does after each change of the signaling state or of what is wanted.
    pub(crate) fn update_media(&mut self) {
        let (plans, changes) = media_diff(&self.plans, &self.signaling, &self.intent);
        self.plans = plans;
        self.media_changes = changes;
    }

    pub(crate) fn description(&self, side: Side) -> String {
        let none = Candidates::new();
        let pending = self.signaling.pending_description(side, &none);
        let current = || self.signaling.current_description(side, &none);
        pending.or_else(current).unwrap().1
    }
}

/// A source of a sender: of its n-th layer, 0 for a lone one.
fn source_of(id: TransceiverId, n: u32) -> SourceParameters {
    SourceParameters {
        ssrc: Ssrc(1000 + 10 * id.0 + n),
        rtx: Some(Ssrc(2000 + 10 * id.0 + n)),
        fec: Some(Ssrc(3000 + 10 * id.0 + n)),
    }
}

/// A whole exchange; returns the offer and the answer.
pub(crate) fn negotiate(offerer: &mut End, answerer: &mut End) -> (String, String) {
    let offer = offerer.offer();
    answerer.set_remote(SdpType::Offer, &offer).unwrap();
    let answer = answerer.answer();
    offerer.set_remote(SdpType::Answer, &answer).unwrap();
    (offer, answer)
}

/// The m-sections of a description, the session level first.
pub(crate) fn sections(sdp: &str) -> Vec<String> {
    let mut sections: Vec<String> = vec![String::new()];
    for line in sdp.split_terminator("\r\n") {
        if line.starts_with("m=") {
            sections.push(String::new());
        }
        let last = sections.last_mut().unwrap();
        last.push_str(line);
        last.push_str("\r\n");
    }
    sections
}

/// The values of the lines that begin with this.
pub(crate) fn lines<'a>(sdp: &'a str, prefix: &'a str) -> Vec<&'a str> {
    sdp.lines()
        .filter_map(|line| line.strip_prefix(prefix))
        .collect()
}

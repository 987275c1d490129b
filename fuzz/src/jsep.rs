use std::sync::OnceLock;

use duologue_base::{Rng, TransceiverId};
use duologue_jsep::{
    BundlePolicy, Capabilities, Direction, Ids, Intent, MediaKind, OfferOptions, SdpType,
    Signaling, TransceiverIntent, apply_local, apply_remote, create_answer, create_offer, diff,
    negotiation_needed, surface,
};
use duologue_sdp::SessionDescription;

use crate::memory;

/// An offer is refused and leaves everything as it was, or it can be rolled back, and an answer
/// to it can be made, read and applied.
pub fn remote_offer(text: &str) {
    let _bound = memory::at_most_kib(1 << 10);
    let mut end = End::new(false);
    let before = end.signaling.clone();
    let Ok(offered) = apply_remote(&before, &end.intent, &mut end.ids, SdpType::Offer, text) else {
        return;
    };
    let rolled_back = offered.rollback().expect("an offer can be rolled back");
    assert_eq!(rolled_back.stable(), before.stable());
    let _ = (diff(&before, &offered), surface(&before, &offered));
    let _ = (
        diff(&offered, &rolled_back),
        surface(&offered, &rolled_back),
    );

    let answer = create_answer(&offered, &end.intent, &mut end.ids).expect("an answer");
    SessionDescription::parse(answer.sdp()).expect("an answer is well-formed");
    let stable = apply_local(
        &offered,
        &end.intent,
        &mut end.ids,
        SdpType::Answer,
        &answer,
    )
    .expect("our own answer fits");
    end.negotiate_again(stable);
}

/// An answer to an offer of audio, video and data is refused or applied.
pub fn remote_answer(text: &str) {
    let _bound = memory::at_most_kib(1 << 10);
    static OFFERED: OnceLock<End> = OnceLock::new();
    let mut end = OFFERED.get_or_init(End::offering).clone();
    let before = end.signaling.clone();
    let answered = apply_remote(&before, &end.intent, &mut end.ids, SdpType::Answer, text);
    if let Ok(stable) = answered {
        let _ = (diff(&before, &stable), surface(&before, &stable));
        end.negotiate_again(stable);
    }
}

#[derive(Clone)]
struct End {
    intent: Intent,
    ids: Ids,
    signaling: Signaling,
}

impl End {
    fn new(offers: bool) -> Self {
        let text = "sha-256 ".to_owned() + &["A0"; 32].join(":");
        let fingerprints = vec![text.parse().expect("a fingerprint")];
        let capabilities = Capabilities::shared_default();
        let cname = String::from("cname");
        let mut intent = Intent::new(BundlePolicy::Balanced, capabilities, fingerprints, cname);
        let mut ids = Ids::new(Rng::from_u64(1));
        if offers {
            intent.data = true;
            for kind in [MediaKind::Audio, MediaKind::Video] {
                let id: TransceiverId = ids.transceiver();
                let transceiver = TransceiverIntent::new(id, kind, Direction::SendRecv);
                intent.transceivers.push(transceiver);
            }
        }
        End {
            intent,
            ids,
            signaling: Signaling::new(),
        }
    }

    fn offering() -> Self {
        let mut end = Self::new(true);
        end.signaling = end.offer(&Signaling::new());
        end
    }

    /// Makes an offer and applies it.
    fn offer(&mut self, stable: &Signaling) -> Signaling {
        let options = OfferOptions::default();
        let offer = create_offer(stable, &self.intent, &mut self.ids, options).expect("an offer");
        SessionDescription::parse(offer.sdp()).expect("an offer is well-formed");
        apply_local(stable, &self.intent, &mut self.ids, SdpType::Offer, &offer)
            .expect("our own offer fits")
    }

    /// What was agreed can be offered again.
    fn negotiate_again(mut self, stable: Signaling) {
        let _ = negotiation_needed(&stable, &self.intent);
        let offered = self.offer(&stable);
        let rolled_back = offered.rollback().expect("an offer can be rolled back");
        assert_eq!(rolled_back.stable(), stable.stable());
    }
}

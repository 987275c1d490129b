//! What holds for every sequence of operations, tried with generated ones.

use crate::end::{End, negotiate};
use duologue_jsep::agreement::MediaAgreement;
use duologue_jsep::{
    BundlePolicy, Capabilities, Direction, MediaKind, OfferOptions, SdpType, SignalingState,
    StopState, apply_local, apply_remote, create_answer, create_offer, diff, media_diff,
    negotiation_needed,
};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Operation {
    AddTransceiver(MediaKind, Direction),
    AddTrack(MediaKind),
    SetDirection(usize, Direction),
    Stop(usize),
    Prefer(usize, usize),
    WantData,
    RestartIce,
    CreateOffer(bool),
    CreateAnswer,
    SetLocal(SdpType),
    /// Sends the last created offer or answer to the other end.
    Send(SdpType),
    Rollback,
}

fn direction() -> impl Strategy<Value = Direction> {
    prop_oneof![
        Just(Direction::SendRecv),
        Just(Direction::SendOnly),
        Just(Direction::RecvOnly),
        Just(Direction::Inactive),
    ]
}

fn kind() -> impl Strategy<Value = MediaKind> {
    prop_oneof![Just(MediaKind::Audio), Just(MediaKind::Video)]
}

fn policy() -> impl Strategy<Value = BundlePolicy> {
    prop_oneof![
        Just(BundlePolicy::Balanced),
        Just(BundlePolicy::MaxCompat),
        Just(BundlePolicy::MaxBundle),
    ]
}

fn api_call() -> impl Strategy<Value = Operation> {
    prop_oneof![
        3 => (kind(), direction()).prop_map(|(k, d)| Operation::AddTransceiver(k, d)),
        2 => kind().prop_map(Operation::AddTrack),
        2 => (0usize..6, direction()).prop_map(|(i, d)| Operation::SetDirection(i, d)),
        1 => (0usize..6).prop_map(Operation::Stop),
        1 => (0usize..6, 0usize..6).prop_map(|(i, n)| Operation::Prefer(i, n)),
        1 => Just(Operation::WantData),
        1 => Just(Operation::RestartIce),
    ]
}

fn operation() -> impl Strategy<Value = Operation> {
    let answers = || {
        prop_oneof![
            3 => Just(SdpType::Offer),
            3 => Just(SdpType::Answer),
            1 => Just(SdpType::Pranswer),
        ]
    };
    prop_oneof![
        4 => api_call(),
        3 => any::<bool>().prop_map(Operation::CreateOffer),
        3 => Just(Operation::CreateAnswer),
        5 => answers().prop_map(Operation::SetLocal),
        5 => answers().prop_map(Operation::Send),
        1 => Just(Operation::Rollback),
    ]
}

fn perform(operation: &Operation, end: &mut End, other: &mut End) {
    match operation {
        Operation::AddTransceiver(kind, direction) => {
            end.add(*kind, *direction);
        }
        Operation::AddTrack(kind) => {
            end.add_track(*kind, "stream");
        }
        Operation::SetDirection(index, direction) => {
            if let Some(transceiver) = end.intent.transceivers.get_mut(*index) {
                transceiver.direction = *direction;
            }
        }
        Operation::Stop(index) => {
            let transceiver = end.intent.transceivers.get_mut(*index);
            if let Some(t) = transceiver.filter(|t| t.stop == StopState::Running) {
                t.stop = StopState::Stopping;
            }
        }
        Operation::Prefer(index, codec) => prefer(end, *index, *codec),
        Operation::WantData => end.intent.data = true,
        Operation::RestartIce => end.intent.ice_to_replace = end.signaling.local_ice_keys(),
        Operation::CreateOffer(restart) => {
            let options = OfferOptions {
                ice_restart: *restart,
            };
            if let Ok(draft) = create_offer(&end.signaling, &end.intent, &mut end.ids, options) {
                end.offer = Some(draft);
            }
        }
        Operation::CreateAnswer => {
            if let Ok(draft) = create_answer(&end.signaling, &end.intent, &mut end.ids) {
                end.answer = Some(draft);
            }
        }
        Operation::SetLocal(ty) => {
            let _refused = end.set_local(*ty);
        }
        Operation::Send(ty) => {
            let draft = match ty {
                SdpType::Offer => &end.offer,
                _ => &end.answer,
            };
            if let Some(sdp) = draft.as_ref().map(|d| d.sdp().to_owned()) {
                let _refused = other.set_remote(*ty, &sdp);
            }
        }
        Operation::Rollback => {
            let _refused = end.set_local(SdpType::Rollback);
        }
    }
}

fn prefer(end: &mut End, index: usize, codec: usize) {
    if let Some(transceiver) = end.intent.transceivers.get_mut(index) {
        let mut codecs = end.intent.capabilities.receive_codecs(transceiver.kind);
        let media: Vec<_> = codecs.drain(..).filter(|c| c.is_media()).collect();
        transceiver.codec_preferences = vec![media[codec % media.len()].clone()];
    }
}

/// Brings both ends to stable.
fn settle(a: &mut End, b: &mut End) {
    for end in [&mut *a, &mut *b] {
        if end.signaling.rollback().is_ok() {
            end.set_local(SdpType::Rollback).unwrap();
        }
    }
}

fn agree(a: &End, b: &End) -> Result<(), TestCaseError> {
    let (left, right) = (a.signaling.stable(), b.signaling.stable());
    prop_assert_eq!(left.media.len(), right.media.len());
    for (l, r) in left.media.iter().zip(&right.media) {
        prop_assert_eq!(&l.mid, &r.mid);
        prop_assert_eq!(&l.kind, &r.kind);
        prop_assert_eq!(l.rejected, r.rejected);
        if l.rejected {
            continue;
        }
        prop_assert_eq!(
            l.current_direction,
            r.current_direction.map(Direction::reversed)
        );
        media_agrees(l, r)?;
        media_agrees(r, l)?;
        let ice = |end: &End, media: &MediaAgreement| {
            let transport = end.signaling.stable().transport_of(media).unwrap().clone();
            (
                transport.local_ice.clone(),
                transport.remote_ice.clone().map(|r| r.credentials),
            )
        };
        let ((local, remote), (there_local, there_remote)) = (ice(a, l), ice(b, r));
        prop_assert_eq!(local, there_remote);
        prop_assert_eq!(remote, there_local);
        let role = |end: &End, media: &MediaAgreement| {
            let transport = end.signaling.stable().transport_of(media).unwrap().clone();
            transport.dtls.clone().unwrap().role
        };
        prop_assert_ne!(role(a, l), role(b, r));
    }
    // The same sections share a transport at both ends.
    for (i, j) in (0..left.media.len()).flat_map(|i| (0..i).map(move |j| (i, j))) {
        let shared = |media: &[std::sync::Arc<MediaAgreement>]| {
            !media[i].rejected && media[i].transport == media[j].transport
        };
        prop_assert_eq!(shared(&left.media), shared(&right.media));
    }
    Ok(())
}

/// What one end sends, the other can receive, under the same numbers.
fn media_agrees(from: &MediaAgreement, to: &MediaAgreement) -> Result<(), TestCaseError> {
    let (Some(send), Some(receive)) = (&from.send, &to.receive) else {
        return Ok(());
    };
    if to.current_direction.is_some_and(Direction::receives) {
        for codec in &send.codecs {
            let there = receive
                .codecs
                .iter()
                .find(|c| c.payload_type == codec.payload_type);
            prop_assert!(
                there.is_some_and(|c| c.codec.name == codec.codec.name),
                "{codec:?}"
            );
        }
    }
    prop_assert_eq!(&send.header_extensions, &receive.header_extensions);
    Ok(())
}

/// What an end sends, the other one takes: whatever its transceivers send has a receiver for the
/// same m-section, which knows the numbers.
fn is_understood(from: &End, to: &End) -> Result<(), TestCaseError> {
    for transceiver in &from.intent.transceivers {
        let Some((_, sent)) = from.plans.send(transceiver.id) else {
            continue;
        };
        let mut there = to.intent.transceivers.iter();
        let taken = there.find_map(|t| {
            let (_, plan) = to.plans.receive(t.id)?;
            Some(plan).filter(|plan| plan.mid == sent.mid)
        });
        prop_assert!(taken.is_some(), "{}", sent.mid);
        let taken = &taken.unwrap().parameters;
        for codec in &sent.parameters.codecs {
            let mut known = taken.codecs.iter();
            let known = known.find(|c| c.payload_type == codec.payload_type);
            prop_assert_eq!(known.map(|c| &c.codec.name), Some(&codec.codec.name));
        }
        for extension in &sent.parameters.header_extensions {
            prop_assert!(taken.header_extensions.contains(extension), "{extension:?}");
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    /// Random operations at two ends, in any order: never a panic; a refusal or a rollback leaves
    /// no trace; the transports that run follow from the state alone.
    #[test]
    fn any_operations_leave_a_consistent_state(
        policies in (policy(), policy()),
        operations in prop::collection::vec((any::<bool>(), operation()), 1..60),
    ) {
        let mut a = End::with(1, policies.0, Capabilities::default());
        let mut b = End::with(2, policies.1, Capabilities::default());
        for (left, operation) in &operations {
            let (end, other) = if *left { (&mut a, &mut b) } else { (&mut b, &mut a) };
            perform(operation, end, other);
            for end in [&a, &b] {
                prop_assert!(diff(&end.signaling, &end.signaling).is_empty());
                let state = end.signaling.state();
                let rolled_back = end.signaling.rollback();
                let open = matches!(
                    state,
                    SignalingState::HaveLocalOffer | SignalingState::HaveRemoteOffer
                );
                prop_assert_eq!(rolled_back.is_ok(), open);
            }
        }
    }

    /// rollback(apply(s, offer)) == s, for local and remote offers, on every agreement reached.
    #[test]
    fn rollback_gives_back_the_value_before_the_offer(
        policies in (policy(), policy()),
        rounds in prop::collection::vec(prop::collection::vec((any::<bool>(), api_call()), 0..5), 1..4),
        restart in any::<bool>(),
    ) {
        let mut a = End::with(1, policies.0, Capabilities::default());
        let mut b = End::with(2, policies.1, Capabilities::default());
        for operations in rounds {
            for (left, operation) in &operations {
                let (end, other) = if *left { (&mut a, &mut b) } else { (&mut b, &mut a) };
                perform(operation, end, other);
            }
            let options = OfferOptions { ice_restart: restart };
            let draft = create_offer(&a.signaling, &a.intent, &mut a.ids, options).unwrap();
            let before = (a.signaling.clone(), b.signaling.clone());
            let offered =
                apply_local(&a.signaling, &a.intent, &mut a.ids, SdpType::Offer, &draft).unwrap();
            prop_assert_eq!(&offered.rollback().unwrap(), &before.0);
            prop_assert_eq!(&a.signaling, &before.0);
            // What the rollback undoes is what the offer did.
            let (there, back) = (diff(&before.0, &offered), diff(&offered, &before.0));
            prop_assert_eq!(there.is_empty(), back.is_empty());
            let plans = |end: &End, signaling| media_diff(&end.plans, signaling, &end.intent).0;
            let now = plans(&a, &before.0);
            let proposed = media_diff(&now, &offered, &a.intent).0;
            let (back, _) = media_diff(&proposed, &offered.rollback().unwrap(), &a.intent);
            prop_assert_eq!(&back, &now);
            prop_assert!(media_diff(&back, &before.0, &a.intent).1.is_empty());
            let sdp = draft.sdp();
            let applied =
                apply_remote(&b.signaling, &b.intent, &mut b.ids, SdpType::Offer, sdp).unwrap();
            prop_assert_eq!(&applied.rollback().unwrap(), &before.1);
            negotiate(&mut a, &mut b);
        }
    }

    /// Two ends with any intents always come to an agreement that is the same at both.
    #[test]
    fn two_ends_with_any_intents_agree(
        policies in (policy(), policy()),
        rounds in prop::collection::vec(
            (any::<bool>(), prop::collection::vec((any::<bool>(), api_call()), 0..6)),
            1..6,
        ),
    ) {
        let mut a = End::with(1, policies.0, Capabilities::default());
        let mut b = End::with(2, policies.1, Capabilities::default());
        for (left, operations) in rounds {
            for (left, operation) in &operations {
                let (end, other) = if *left { (&mut a, &mut b) } else { (&mut b, &mut a) };
                perform(operation, end, other);
            }
            let (offerer, answerer) = if left { (&mut a, &mut b) } else { (&mut b, &mut a) };
            let offer = offerer.offer();
            answerer.set_remote(SdpType::Offer, &offer).unwrap();
            let answer = answerer.answer();
            // While the answer is on its way, the answerer follows it and the offerer does not yet.
            is_understood(answerer, offerer)?;
            offerer.set_remote(SdpType::Answer, &answer).unwrap();
            agree(&a, &b)?;
            is_understood(&a, &b)?;
            is_understood(&b, &a)?;
            // The offerer's intent is all in the offer; nothing is left to negotiate.
            let offerer = if left { &a } else { &b };
            prop_assert!(!negotiation_needed(&offerer.signaling, &offerer.intent));
        }
    }

    /// After any operations, a rollback and an exchange make the ends agree again.
    #[test]
    fn ends_recover_from_any_operations_by_an_exchange(
        operations in prop::collection::vec((any::<bool>(), api_call()), 0..12),
        glare in any::<bool>(),
    ) {
        let (mut a, mut b) = (End::new(1), End::new(2));
        for (left, operation) in &operations {
            let (end, other) = if *left { (&mut a, &mut b) } else { (&mut b, &mut a) };
            perform(operation, end, other);
        }
        if glare {
            a.offer();
            let offer = b.offer();
            a.set_remote(SdpType::Offer, &offer).unwrap();
            let answer = a.answer();
            b.set_remote(SdpType::Answer, &answer).unwrap();
        }
        settle(&mut a, &mut b);
        negotiate(&mut a, &mut b);
        agree(&a, &b)?;
    }

    /// Any text is either applied or refused, and a refusal changes nothing; an offer that is
    /// applied can be answered, and an agreement that comes of it can be offered again.
    #[test]
    fn altered_descriptions_never_panic(
        rounds in prop::collection::vec((edits(), any::<bool>()), 1..4),
    ) {
        let (mut a, mut b) = (End::new(1), End::new(2));
        a.audio();
        a.add_track(MediaKind::Video, "s");
        a.intent.data = true;
        for (edits, answer) in rounds {
            settle(&mut a, &mut b);
            let offer = a.offer();
            let (end, text, ty) = match answer {
                true if b.set_remote(SdpType::Offer, &offer).is_ok() => {
                    (&mut a, b.answer(), SdpType::Answer)
                }
                _ => (&mut b, offer, SdpType::Offer),
            };
            let altered = alter(&text, &edits);
            let before = end.signaling.clone();
            if end.set_remote(ty, &altered).is_err() {
                prop_assert_eq!(&end.signaling, &before);
                continue;
            }
            if ty == SdpType::Offer {
                end.answer();
            }
            prop_assert_eq!(end.signaling.state(), SignalingState::Stable);
            end.offer();
            end.set_local(SdpType::Rollback).unwrap();
        }
    }
}

type Edit = (prop::sample::Index, prop::sample::Index, u8);

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let index = || any::<prop::sample::Index>();
    prop::collection::vec((index(), index(), 0u8..5), 1..6)
}

/// The text with lines removed, doubled, swapped and changed.
fn alter(text: &str, edits: &[Edit]) -> String {
    let mut lines: Vec<String> = text.split_terminator("\r\n").map(str::to_owned).collect();
    for (at, other, what) in edits {
        let (at, other) = (at.index(lines.len()), other.index(lines.len()));
        match what {
            0 if lines.len() > 2 => {
                lines.remove(at);
            }
            1 => lines.insert(at, lines[other].clone()),
            2 => lines.swap(at, other),
            3 => lines[at] = lines[at].replace(|c: char| c.is_ascii_digit(), "7"),
            _ => lines[at] = lines[at].replace(" 9 ", " 0 ").replace("video", "audio"),
        }
    }
    lines.join("\r\n") + "\r\n"
}

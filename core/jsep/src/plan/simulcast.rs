//! Simulcast layers of an m-section (RFC 8851, RFC 8853).

use duologue_sdp::attr::{RidDirection, Simulcast, SimulcastRid, SimulcastStream};

use crate::agreement::Layers;
use crate::blueprint::RtpLines;
use crate::limits::MAX_RIDS;
use crate::{Direction, MediaKind, Rid};

/// Writes the layers that this end sends and receives into a section.
pub(crate) fn describe(lines: &mut RtpLines, send: &[Rid], receive: &[Rid], always: bool) {
    let rids = |rids: &[Rid], direction| {
        let rids = rids.iter().cloned();
        rids.map(|rid| (rid, direction)).collect::<Vec<_>>()
    };
    lines.rids = rids(send, RidDirection::Send);
    lines.rids.extend(rids(receive, RidDirection::Recv));
    let streams = |rids: &[Rid]| -> Vec<SimulcastStream> {
        let stream = |rid: &Rid| SimulcastStream(vec![SimulcastRid::active(rid.clone())]);
        // RFC 9429 §5.2.1: a=simulcast comes with more than one a=rid.
        match rids.len() > 1 || always {
            true => rids.iter().map(stream).collect(),
            false => Vec::new(),
        }
    };
    let simulcast = Simulcast {
        send: streams(send),
        recv: streams(receive),
    };
    let any = !simulcast.send.is_empty() || !simulcast.recv.is_empty();
    lines.simulcast = any.then_some(simulcast);
}

/// The layers of one direction that `a=simulcast` lists: the first of each list of alternatives,
/// duplicates dropped (webrtc-pc §4.4.1.5). RFC 9429 §5.8.3 has an error for one that no `a=rid`
/// describes; browsers ignore it.
fn listed(lines: &RtpLines, streams: &[SimulcastStream]) -> Vec<Rid> {
    let described = |id: &Rid| lines.rids.iter().any(|(rid, _)| rid == id);
    let mut rids: Vec<Rid> = Vec::new();
    let streams = streams.iter().take(MAX_RIDS);
    let first = streams.filter_map(|stream| stream.0.first());
    for SimulcastRid { id, .. } in first {
        if described(id) && !rids.contains(id) {
            rids.push(id.clone());
        }
    }
    rids
}

/// The layers that the section's author wants to receive.
pub(crate) fn wanted(lines: &RtpLines) -> Vec<Rid> {
    let simulcast = lines.simulcast.as_ref();
    simulcast.map_or_else(Vec::new, |s| listed(lines, &s.recv))
}

/// The layers that the section's author takes of those that there are. A lone one is not simulcast: its
/// `a=rid` line alone stands for it (RFC 8851 §6).
pub(crate) fn taken(lines: &RtpLines) -> Vec<Rid> {
    let received = |(_, direction): &&(Rid, RidDirection)| *direction == RidDirection::Recv;
    let mut received = lines.rids.iter().filter(received);
    match (&lines.simulcast, received.next(), received.next()) {
        (None, Some((lone, _)), None) => vec![lone.clone()],
        _ => wanted(lines),
    }
}

/// The layers that the section's author sends.
pub(crate) fn sent(lines: &RtpLines) -> Vec<Rid> {
    let simulcast = lines.simulcast.as_ref();
    simulcast.map_or_else(Vec::new, |s| listed(lines, &s.send))
}

/// What a remote offer says about this end's layers.
pub(crate) fn proposed(lines: &RtpLines, max: usize) -> Layers {
    let mut rids = wanted(lines);
    rids.truncate(max);
    // There is no simulcast of audio.
    match rids.is_empty() || lines.kind == MediaKind::Audio {
        true => Layers::Unmentioned,
        false => Layers::Proposed(rids),
    }
}

/// What an answer says about this end's layers: `ours` and `theirs` describe the section, one in
/// the offer and one in the answer. An m-section that does not send says nothing, so a pause does
/// not end simulcast.
pub(crate) fn kept(ours: &RtpLines, theirs: &RtpLines, direction: Direction) -> Layers {
    let offered: Vec<&Rid> = ours
        .rids
        .iter()
        .filter(|(_, direction)| *direction == RidDirection::Send)
        .map(|(rid, _)| rid)
        .collect();
    if !direction.sends() || offered.is_empty() {
        return match direction.sends() {
            true => Layers::Kept(Vec::new()),
            false => Layers::Unmentioned,
        };
    }
    let taken = taken(theirs);
    let kept = offered.into_iter().filter(|rid| taken.contains(rid));
    Layers::Kept(kept.cloned().collect())
}

/// The layers that the other end sends once an answer has agreed to them.
pub(crate) fn received(ours: &RtpLines, theirs: &RtpLines) -> Vec<Rid> {
    let accepted = wanted(ours);
    let mut rids = sent(theirs);
    rids.retain(|rid| accepted.contains(rid));
    rids
}

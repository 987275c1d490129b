//! The end of a scenario: the weather clears, and both ends of each connection agree.

use std::time::Duration;

use duologue_peer::{
    DataChannelState, DtlsTransportState, MediaKind, PeerConnection, PeerConnectionState,
    SctpTransportState, TransceiverDirection, TransceiverView,
};

use super::Swarm;
use super::channels::Log;
use crate::host::HostId;
use crate::network::Link;

/// How long ends may take to find each other again: ICE fails after half a minute without consent,
/// and begins anew.
const PATIENCE: Duration = Duration::from_secs(150);

const TURN: Duration = Duration::from_millis(500);

/// So long both ends have agreed when it is said that they do.
const CALM: Duration = Duration::from_secs(3);

/// How long media may take from where it is sent to where it is received.
const ON_AIR: Duration = Duration::from_secs(20);

impl Swarm {
    pub(super) fn make_peace(&mut self) {
        self.world.network().heal();
        let link = Link::default().delay(Duration::from_millis(10));
        self.world.network().set_default(link);
        self.world.set_signalling_delay(Duration::from_millis(10));
        for id in self.members.clone() {
            self.world.with(id, |member, now| {
                member.reads = true;
                member.manners = Default::default();
                member.machine.set_blocked(now, false);
            });
        }
        self.wait_for_agreement();
        self.check_promises();
        for pair in self.pairs.clone() {
            self.check_channels(pair);
        }
        self.check_media();
    }

    fn wait_for_agreement(&mut self) {
        let (mut waited, mut calm) = (Duration::ZERO, Duration::ZERO);
        while calm < CALM {
            self.world.run(TURN);
            waited += TURN;
            let quarrel = self.pairs.iter().find_map(|pair| self.quarrel(*pair));
            match quarrel {
                None => calm += TURN,
                Some(why) => {
                    calm = Duration::ZERO;
                    assert!(waited < PATIENCE, "no agreement: {why}");
                }
            }
        }
    }

    /// Why two ends do not agree yet.
    fn quarrel(&self, pair: [HostId; 2]) -> Option<String> {
        let [a, b] = pair.map(|id| self.member(id));
        if self.is_over(pair) {
            return None;
        }
        for (id, member) in pair.into_iter().zip([a, b]) {
            if !member.is_at_peace() {
                let state = member.pc.signaling_state();
                return Some(format!(
                    "{id:?} is {state}, waits for {:?}",
                    member.pending()
                ));
            }
            if self.sections(&member.pc) > 0 && !self.is_connected(id) {
                return Some(format!("{id:?} is {}", member.pc.connection_state()));
            }
        }
        if self.sections(&a.pc) != self.sections(&b.pc) {
            return Some("one has more m-sections".to_owned());
        }
        media_quarrel(&a.pc, &b.pc).or_else(|| self.channel_quarrel(pair))
    }

    /// One of the two was closed, or their DTLS association is over: nothing can be agreed on.
    fn is_over(&self, pair: [HostId; 2]) -> bool {
        pair.iter().any(|id| {
            let pc = &self.member(*id).pc;
            pc.is_closed() || self.dtls_failed(pc)
        })
    }

    fn dtls_failed(&self, pc: &PeerConnection) -> bool {
        let transceivers = pc.transceivers().into_iter();
        let media = transceivers.filter_map(|id| pc.transceiver(id)?.transport());
        let data = pc.sctp().and_then(|sctp| sctp.transport());
        media.chain(data).any(|key| {
            let dtls = pc.dtls_transport(key).map(|dtls| dtls.state());
            dtls == Some(DtlsTransportState::Failed)
        })
    }

    /// Sections of the current description that are in use.
    fn sections(&self, pc: &PeerConnection) -> usize {
        let description = pc.current_local_description();
        let sdp = description.map(|it| it.sdp).unwrap_or_default();
        // Port 0 is that of a rejected one; PCMU's payload type is 0, too.
        let used = |line: &&str| line.starts_with("m=") && line.split(' ').nth(1) != Some("0");
        sdp.lines().filter(used).count()
    }

    pub(super) fn is_connected(&self, id: HostId) -> bool {
        self.member(id).pc.connection_state() == PeerConnectionState::Connected
    }

    /// Channels that one end has open the other one has, too, and all that was sent has come.
    fn channel_quarrel(&self, pair: [HostId; 2]) -> Option<String> {
        for [one, other] in [pair, [pair[1], pair[0]]] {
            let (one, other) = (self.member(one), self.member(other));
            for (key, log) in one.channels.logs() {
                let state = state_of(&one.pc, key);
                let counterpart = other.channels.labelled(&log.label);
                if is_one_sided(log) || counterpart.is_some_and(|(_, log)| is_one_sided(log)) {
                    continue;
                }
                let there = counterpart.map(|(key, _)| state_of(&other.pc, key));
                let settled = matches!(state, DataChannelState::Open | DataChannelState::Closed);
                if !settled || there.is_some_and(|there| there != state) {
                    return Some(format!("{} is {state}, there {there:?}", log.label));
                }
                if state == DataChannelState::Open && there.is_none() {
                    return Some(format!("{} is open here alone", log.label));
                }
                let open = state == DataChannelState::Open;
                if open && counterpart.is_some_and(|(_, received)| received.lacks(log)) {
                    return Some(format!("not all of {} has come", log.label));
                }
            }
        }
        None
    }

    /// Every promise has settled, but those of who is closed.
    fn check_promises(&self) {
        for id in &self.members {
            let member = self.member(*id);
            let pending = member.pending();
            assert!(
                pending.is_empty() || member.pc.is_closed(),
                "{id:?} still waits for {pending:?}"
            );
        }
    }

    /// What was sent on a channel before its `close()` has come, unless the other end closed it, too, or
    /// something failed.
    fn check_channels(&self, pair: [HostId; 2]) {
        for [one, other] in [pair, [pair[1], pair[0]]] {
            let (one, other) = (self.member(one), self.member(other));
            if self.is_over(pair) || sctp_ended(&one.pc) || sctp_ended(&other.pc) {
                return;
            }
            for (_, log) in one.channels.logs() {
                let Some((_, received)) = other.channels.labelled(&log.label) else {
                    assert_eq!(log.sent, 0, "{} never came to be there", log.label);
                    continue;
                };
                let lost = received.lacks(log);
                let excused = received.closed_here || received.failed || log.failed;
                assert!(!lost || excused, "{} lost messages", log.label);
            }
        }
    }

    /// What is sent is received.
    fn check_media(&mut self) {
        let mut expected = Vec::new();
        for pair in self.pairs.clone() {
            if self.is_over(pair) {
                continue;
            }
            for [one, other] in [pair, [pair[1], pair[0]]] {
                expected.extend(self.senders_of(one, other));
            }
        }
        let count = |swarm: &Swarm, (id, transceiver)| swarm.member(id).media.count(transceiver);
        let before: Vec<usize> = expected.iter().map(|&it| count(self, it)).collect();
        let mut waited = Duration::ZERO;
        let waits = |swarm: &Swarm| {
            let mut all = expected.iter().zip(&before);
            all.find(|&(&it, &before)| count(swarm, it) <= before)
                .map(|(it, _)| *it)
        };
        while let Some((id, transceiver)) = waits(self) {
            assert!(waited < ON_AIR, "{id:?} gets nothing at {transceiver:?}");
            self.world.run(TURN);
            waited += TURN;
        }
    }

    /// Those receivers of an end that the other one sends to now.
    fn senders_of(
        &self,
        one: HostId,
        other: HostId,
    ) -> Vec<(HostId, duologue_base::TransceiverId)> {
        let (from, to) = (&self.member(one).pc, &self.member(other).pc);
        let sending = from.transceivers().into_iter().filter_map(|id| {
            let transceiver = from.transceiver(id)?;
            let sends = transceiver.current_direction()?.sends();
            let active = from.sender_parameters(id)?.encodings.first()?.active;
            let on = sends && active && transceiver.sender_track().is_some();
            transceiver.mid().filter(|_| on)
        });
        let receiver = |mid: &duologue_base::Mid| {
            let mut all = to.transceivers().into_iter();
            all.find(|id| to.transceiver(*id).is_some_and(|it| it.mid() == Some(mid)))
        };
        let found = sending.map(|mid| (other, receiver(mid).expect("they agree on mids")));
        found.collect()
    }

    /// Who is closed holds nothing and says nothing.
    pub(super) fn close_all(&mut self) {
        for id in self.members.clone() {
            self.world.with(id, |member, _| member.pc.close());
            let member = self.member(id);
            assert_eq!(member.machine.socket_count(), 0, "{id:?} keeps sockets");
        }
        self.world.run(TURN);
        let sent = self.world.network().stats().sent;
        self.world.run(Duration::from_secs(100));
        let stats = self.world.network().stats();
        assert_eq!(stats.sent, sent, "somebody speaks after close()");
    }
}

/// An end that closed its channel before there was an association: the other one, which made its own, can
/// not know.
fn is_one_sided(log: &Log) -> bool {
    log.init.negotiated && log.closed_here && !log.opened
}

fn sctp_ended(pc: &PeerConnection) -> bool {
    pc.sctp()
        .is_none_or(|sctp| sctp.state() == SctpTransportState::Closed)
}

fn state_of(pc: &PeerConnection, key: duologue_base::ChannelKey) -> DataChannelState {
    let channel = pc.data_channel(key);
    channel.map_or(DataChannelState::Closed, |channel| channel.ready_state())
}

/// The same mids on both sides, of the same kind, and what one sends the other receives.
fn media_quarrel(a: &PeerConnection, b: &PeerConnection) -> Option<String> {
    let sections = |pc: &PeerConnection| {
        let transceivers = pc.transceivers().into_iter();
        let all = transceivers.filter_map(|id| {
            let it = pc.transceiver(id)?;
            Some((it.mid()?.to_string(), it.kind(), it.current_direction()?))
        });
        let mut all: Vec<(String, MediaKind, TransceiverDirection)> = all.collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all
    };
    let mirrored = |(mid, kind, direction): (String, MediaKind, TransceiverDirection)| {
        let mirrored = match direction {
            TransceiverDirection::Sendonly => TransceiverDirection::Recvonly,
            TransceiverDirection::Recvonly => TransceiverDirection::Sendonly,
            same => same,
        };
        (mid, kind, mirrored)
    };
    let theirs: Vec<_> = sections(b).into_iter().map(mirrored).collect();
    let ours = sections(a);
    let unnegotiated = |pc: &PeerConnection| {
        let mut ids = pc.transceivers().into_iter();
        ids.any(|id| {
            let running =
                |it: &TransceiverView<'_>| it.direction() != TransceiverDirection::Stopped;
            let transceiver = pc.transceiver(id).filter(running);
            transceiver.is_some_and(|it| it.mid().is_none())
        })
    };
    if unnegotiated(a) || unnegotiated(b) {
        return Some("a transceiver is not negotiated".to_owned());
    }
    (ours != theirs).then(|| format!("{ours:?} here, {theirs:?} there, mirrored"))
}

use std::collections::VecDeque;

use duologue_base::{Instant, Seq32, StreamId};

use super::retry::Retry;
use super::state::Open;
use super::{Association, State};
use crate::limits::{MAX_REMEMBERED_RESULTS, MAX_RESET_STREAMS};
use crate::packet::{RawChunk, Reconfig, ReconfigParameter, ReconfigResult, StreamList};
use crate::receive::Inbox;
use crate::send::{SendQueue, Sender};
use crate::tsn::Tsn;
use crate::{Config, Event, Inbound};

/// Re-configuration in both directions (RFC 6525).
#[derive(Debug)]
pub(crate) struct StreamReset {
    /// Number of our next request.
    next_request: Seq32,
    /// Streams of which everything has left, in this order, and the last TSN sent then.
    leaving: VecDeque<(StreamId, Tsn)>,
    outstanding: Option<Outstanding>,
    /// Number of the peer's next request.
    peer_next: Seq32,
    /// The peer's last requests and what we answered, for retransmitted ones.
    results: VecDeque<(Seq32, ReconfigResult)>,
    /// The peer's request to reset streams that waits for data sent before it.
    deferred: Option<Deferred>,
}

/// A request of ours that is not answered yet; there is one at a time (RFC 6525 §5.1.1).
#[derive(Debug)]
struct Outstanding {
    request: Seq32,
    last_tsn: Tsn,
    streams: Vec<StreamId>,
    /// Those of them that the peer has shown to be reset.
    shown: Vec<StreamId>,
    retry: Retry,
    /// The peer still misses something that was sent before, on other streams.
    in_progress: bool,
}

#[derive(Debug)]
struct Deferred {
    request: Seq32,
    last_tsn: Tsn,
    /// Empty means all streams.
    streams: Vec<StreamId>,
}

impl StreamReset {
    /// RFC 6525 §4.1: numbering begins at each side's initial TSN.
    pub(crate) fn new(local_initial_tsn: Seq32, peer_initial_tsn: Seq32) -> Self {
        StreamReset {
            next_request: local_initial_tsn,
            leaving: VecDeque::new(),
            outstanding: None,
            peer_next: peer_initial_tsn,
            results: VecDeque::new(),
            deferred: None,
        }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.outstanding.as_ref()?.retry.deadline()
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        if let Some(outstanding) = &mut self.outstanding {
            outstanding.retry.handle_timeout(now);
        }
    }

    /// Takes up streams of which everything has left, and has the peer acknowledge that at once.
    pub(crate) fn note_drained(&mut self, queue: &mut SendQueue, sender: &mut Sender) {
        let last = sender.last_tsn();
        let drained = queue.take_drained();
        self.leaving.extend(drained.map(|stream| (stream, last)));
        sender.ask_for_sack();
    }

    /// A request is to be sent.
    ///
    /// RFC 6525 §5.1.2 lets it go as soon as everything was sent, and has the receiver wait for what
    /// is missing. Some receivers do not wait: a message that was lost on the way would never come.
    pub(crate) fn is_due(&self, sender: &Sender) -> bool {
        match &self.outstanding {
            Some(outstanding) => outstanding.retry.is_due(),
            None => self.may_leave(sender),
        }
    }

    /// The peer has everything of the first of the streams that are to be reset.
    fn may_leave(&self, sender: &Sender) -> bool {
        let first = self.leaving.front();
        first.is_some_and(|&(_, last)| last <= sender.acknowledged())
    }

    fn take_leaving(&mut self, sender: &Sender) -> Vec<StreamId> {
        let mut streams = Vec::new();
        while streams.len() < MAX_RESET_STREAMS
            && let Some(stream) = self.take_first_leaving(sender)
        {
            streams.push(stream);
        }
        streams
    }

    fn take_first_leaving(&mut self, sender: &Sender) -> Option<StreamId> {
        let (stream, _) = self.may_leave(sender).then(|| self.leaving.pop_front())??;
        Some(stream)
    }

    /// The peer has everything through `cumulative`. If that was what its reset waited for, it is
    /// asked again: RFC 6525 §5.2.7 does not have it answer of its own accord.
    pub(crate) fn on_acknowledged(&mut self, cumulative: Tsn) {
        if let Some(outstanding) = &mut self.outstanding
            && outstanding.in_progress
            && outstanding.last_tsn <= cumulative
        {
            outstanding.in_progress = false;
            outstanding.retry.reset();
        }
    }

    /// A reset of the peer's waits.
    pub(crate) fn is_deferred(&self) -> bool {
        self.deferred.is_some()
    }

    /// Our streams are being reset, or are to be.
    pub(crate) fn is_busy(&self) -> bool {
        self.outstanding.is_some() || !self.leaving.is_empty()
    }

    /// Data sent on these streams after the reset must not come in before it is performed.
    pub(crate) fn holds_back(&self, stream: StreamId, tsn: Tsn) -> bool {
        self.deferred.as_ref().is_some_and(|deferred| {
            tsn > deferred.last_tsn
                && (deferred.streams.is_empty() || deferred.streams.contains(&stream))
        })
    }

    fn remember(&mut self, request: Seq32, result: ReconfigResult) {
        if self.results.len() >= MAX_REMEMBERED_RESULTS {
            self.results.pop_front();
        }
        self.results.push_back((request, result));
    }
}

impl Open {
    /// Appends our request to reset the streams of which the peer has everything.
    pub(super) fn write_reset_request(&mut self, now: Instant, out: &mut Vec<u8>, config: &Config) {
        if self.reset.outstanding.is_none() {
            let streams = self.reset.take_leaving(&self.sender);
            let request = self.reset.next_request;
            self.reset.next_request = request.plus(1);
            self.reset.outstanding = Some(Outstanding {
                request,
                last_tsn: self.sender.last_tsn(),
                streams,
                shown: Vec::new(),
                retry: Retry::now(),
                in_progress: false,
            });
        }
        let rto = self.sender.rto();
        // RFC 6525 §4.1: the number of the peer's last request, when not an answer to one.
        let response = self.reset.peer_next.minus(1);
        if let Some(outstanding) = &mut self.reset.outstanding {
            let last_tsn = outstanding.last_tsn.wire();
            let streams = &outstanding.streams;
            Reconfig::write_outgoing_reset(out, outstanding.request, response, last_tsn, streams);
            outstanding.retry.on_sent(now, rto, config.timers.rto_max);
        }
    }

    /// Performs the peer's reset once everything sent before it is here (RFC 6525 §5.2.2 E3), and the
    /// ends of its streams have room in the window like messages.
    pub(super) fn perform_deferred_reset(&mut self, config: &Config, inbox: &mut Inbox) {
        let cumulative = self.tracker.cumulative();
        let has_room = inbox.cost() < config.receive_window;
        let Some(deferred) = self
            .reset
            .deferred
            .take_if(|deferred| deferred.last_tsn <= cumulative && has_room)
        else {
            return;
        };
        let mut streams = if deferred.streams.is_empty() {
            self.in_streams.ids()
        } else {
            deferred.streams
        };
        self.in_streams
            .reset(&mut streams, self.sender.interleaved());
        streams.dedup();
        for stream in streams {
            inbox.push(Inbound::StreamReset(stream));
        }
        self.answer(deferred.request, ReconfigResult::Performed);
    }

    fn answer(&mut self, request: Seq32, result: ReconfigResult) {
        match self.reset.results.iter_mut().find(|r| r.0 == request) {
            Some(remembered) => remembered.1 = result,
            None => self.reset.remember(request, result),
        }
        self.reply(|out| Reconfig::write_response(out, request, result));
    }
}

impl Association {
    /// The peer shows on a layer above that it has reset our outgoing stream, and its answer to our
    /// request is late or lost: the stream is used from its beginning, and no event tells. `false` when
    /// no request for it is under way.
    pub fn note_stream_reset(&mut self, stream: StreamId) -> bool {
        let State::Open(open) = &mut self.state else {
            return false;
        };
        let Some(outstanding) = &mut open.reset.outstanding else {
            return false;
        };
        // The request still goes out as it was (RFC 6525 §5.1.1).
        let asked = outstanding.streams.contains(&stream) && !outstanding.shown.contains(&stream);
        if asked {
            outstanding.shown.push(stream);
            self.queue.end_reset(stream, true);
        }
        asked
    }

    /// RFC 6525 §5.1: a peer that does not list RE-CONFIG is not asked. It says nothing of the end of its
    /// side either, which ends with ours.
    pub(super) fn end_resets_unasked(&mut self) {
        let State::Open(open) = &mut self.state else {
            return;
        };
        if open.reconfiguration {
            return;
        }
        if self.queue.has_drained() {
            open.reset.note_drained(&mut self.queue, &mut open.sender);
        }
        while let Some(stream) = open.reset.take_first_leaving(&open.sender) {
            self.queue.end_reset(stream, false);
            self.events.push_back(Event::StreamResetRefused { stream });
            self.inbox.push(Inbound::StreamReset(stream));
        }
    }

    pub(super) fn handle_reconfig(&mut self, chunk: RawChunk<'_>) -> bool {
        let mut understood = false;
        for parameter in Reconfig::parse(chunk).parameters() {
            understood = true;
            match parameter {
                ReconfigParameter::Response { request, result } => {
                    self.handle_reset_response(request, result);
                }
                ReconfigParameter::OutgoingReset { request, .. }
                | ReconfigParameter::IncomingReset { request }
                | ReconfigParameter::SsnTsnReset { request }
                | ReconfigParameter::AddOutgoing { request, .. }
                | ReconfigParameter::AddIncoming { request, .. } => {
                    self.handle_reconfig_request(request, parameter);
                }
            }
        }
        understood
    }

    /// RFC 6525 §5.2.1: each request is carried out once, and each copy is answered.
    fn handle_reconfig_request(&mut self, request: Seq32, parameter: ReconfigParameter<'_>) {
        let State::Open(open) = &mut self.state else {
            return;
        };
        if let Some(&(_, result)) = open.reset.results.iter().find(|r| r.0 == request) {
            open.reply(|out| Reconfig::write_response(out, request, result));
            return;
        }
        if request != open.reset.peer_next {
            let result = ReconfigResult::BadSequenceNumber;
            open.reply(|out| Reconfig::write_response(out, request, result));
            return;
        }
        open.reset.peer_next = request.plus(1);
        match parameter {
            ReconfigParameter::OutgoingReset {
                last_tsn, streams, ..
            } => {
                let last_tsn = open.tracker.cumulative().nearest(last_tsn);
                let (config, inbox) = (&self.config, &mut self.inbox);
                open.begin_peer_reset(request, last_tsn, streams, config, inbox);
            }
            ReconfigParameter::AddOutgoing { count, .. } => {
                let total = open.inbound_streams.checked_add(count);
                let result = match total.filter(|&total| total <= self.config.streams) {
                    Some(total) => {
                        open.inbound_streams = total;
                        ReconfigResult::Performed
                    }
                    None => ReconfigResult::Denied,
                };
                open.answer(request, result);
            }
            // Who sends on a stream says when it ends: RFC 8831 §6.7 has each side reset its own, and messages would be
            // refused of which nobody knows that they are too late. We never send on more streams than were agreed,
            // and never begin all numbers anew.
            ReconfigParameter::IncomingReset { .. }
            | ReconfigParameter::SsnTsnReset { .. }
            | ReconfigParameter::AddIncoming { .. }
            | ReconfigParameter::Response { .. } => open.answer(request, ReconfigResult::Denied),
        }
    }

    fn handle_reset_response(&mut self, request: Seq32, result: ReconfigResult) {
        let State::Open(open) = &mut self.state else {
            return;
        };
        let is_ours = |outstanding: &Outstanding| outstanding.request == request;
        if result == ReconfigResult::InProgress {
            // RFC 6525 §5.2.7: asked again later, with the same number.
            if let Some(outstanding) = open.reset.outstanding.as_mut().filter(|o| is_ours(o))
                && !std::mem::replace(&mut outstanding.in_progress, true)
            {
                // Something on another stream was overtaken, or is lost.
                open.sender.ask_for_sack();
            }
            return;
        }
        let Some(outstanding) = open.reset.outstanding.take_if(|o| is_ours(o)) else {
            return;
        };
        let performed = matches!(
            result,
            ReconfigResult::Performed | ReconfigResult::NothingToDo
        );
        let Outstanding { streams, shown, .. } = outstanding;
        for stream in streams.into_iter().filter(|id| !shown.contains(id)) {
            if result == ReconfigResult::AlreadyInProgress && self.queue.ask_again(stream) {
                continue;
            }
            self.queue.end_reset(stream, performed);
            self.events.push_back(if performed {
                Event::StreamReset { stream }
            } else {
                Event::StreamResetRefused { stream }
            });
        }
    }
}

impl Open {
    /// RFC 6525 §5.2.2
    fn begin_peer_reset(
        &mut self,
        request: Seq32,
        last_tsn: Tsn,
        streams: StreamList<'_>,
        config: &Config,
        inbox: &mut Inbox,
    ) {
        if self.reset.deferred.is_some() {
            // One at a time: an honest peer waits for our answer (§5.1.1).
            self.answer(request, ReconfigResult::AlreadyInProgress);
            return;
        }
        let known = self.inbound_streams;
        let listed: Vec<StreamId> = streams.iter().filter(|id| id.0 < known).collect();
        if listed.is_empty() && !streams.is_all() {
            self.answer(request, ReconfigResult::WrongSsn);
            return;
        }
        self.reset.deferred = Some(Deferred {
            request,
            last_tsn,
            streams: listed,
        });
        self.perform_deferred_reset(config, inbox);
        if self.reset.deferred.is_some() {
            self.answer(request, ReconfigResult::InProgress);
        }
    }
}

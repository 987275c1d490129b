//! The task of one session.

mod actions;
mod interfaces;
mod receive;
mod sockets;
mod transmit;
mod user_names;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use duologue_base::{Instant, MdnsName};
use duologue_session::{CheckLeave, Command, Session};

use crate::Host;
use crate::checks::CHECKS;
use crate::endpoint::Shared;
use crate::error_log::ErrorLog;
use crate::limits::{CHECKS_PAUSE, IDLE_QUEUE_CAPACITY, MEDIA_PER_POLL, TURNS_PER_POLL};
use crate::mailbox::{Input, Mailbox};
use crate::mdns::NameRequest;
use crate::metrics::Told;
use crate::queue::Overrun;
use crate::record::{channel_event, report_event};
use crate::scratch::{self, Scratch};
use crate::stream::Streams;
use crate::timer::Timer;
use sockets::BoundSocket;
use user_names::UserNames;

/// Owns a session and everything it runs on; ends with [`Command::Close`] or with the runtime.
pub(crate) struct SessionTask<H> {
    session: Session,
    /// By which records name it.
    number: u64,
    host: H,
    endpoint: Arc<Shared>,
    mailbox: Arc<Mailbox>,
    /// Lent to the mailbox in exchange for what it holds; empty between turns.
    inputs: Vec<Input>,
    sockets: Vec<BoundSocket>,
    streams: Streams,
    next_socket: u32,
    first_to_receive: usize,
    /// Packets and frames that the host got since the task was last polled.
    media_given: usize,
    user_names: UserNames,
    /// Names that multicast DNS answers for.
    names: Vec<MdnsName>,
    timer: Timer,
    errors: ErrorLog,
    /// What the metrics of the endpoint have of it.
    told: Told,
}

impl<H: Host> SessionTask<H> {
    pub(crate) fn new(
        mut session: Session,
        number: u64,
        host: H,
        endpoint: Arc<Shared>,
        mailbox: Arc<Mailbox>,
    ) -> Self {
        session.meter_checks();
        if endpoint.port.is_some() {
            session.share_sockets();
        }
        if endpoint.records.packets.is_some() {
            session.capture_packets();
        }
        let told = Told::begin(&endpoint.meters);
        SessionTask {
            session,
            number,
            host,
            endpoint,
            mailbox,
            inputs: Vec::new(),
            sockets: Vec::new(),
            streams: Streams::default(),
            next_socket: 0,
            first_to_receive: 0,
            media_given: 0,
            user_names: UserNames::default(),
            names: Vec::new(),
            timer: Timer::default(),
            errors: ErrorLog::default(),
            told,
        }
    }

    /// One turn. Returns whether work was left for another one.
    fn turn(&mut self, cx: &mut Context<'_>, scratch: &mut Scratch) -> bool {
        let now = self.endpoint.clock.now();
        let known_sockets = self.next_socket;
        let took_trains = self.take_inputs(now);

        let mut received_all = self.receive(cx, scratch);
        received_all &= self.streams.receive(
            cx,
            &mut self.session,
            now,
            &mut scratch.stream,
            &mut self.next_socket,
        );

        let answered = self.session.take_answered_checks();
        if answered > 0 {
            CHECKS.give_back(answered);
        }
        if self.session.poll_timeout().is_some_and(|at| at <= now) {
            self.session.handle_timeout(now);
            self.meter_checks(now);
        }
        self.perform_actions(now);

        // Before sending: what readers take opens the receive window that acknowledgements tell.
        let mut reported = self.report();
        reported |= self.report_channels();
        reported |= self.report_media();

        let sent_all = self.transmit(cx, scratch, now);
        self.record_packets();
        // Sockets that have sent their last datagram are closed; bytes have left the send queues.
        self.perform_actions(now);
        reported |= self.report();
        if self.told.is_due(now) {
            self.tell_metrics(now);
        }
        if reported {
            self.host.end_of_batch();
        }

        if took_trains {
            for lease in self.sockets.iter().filter_map(|b| b.socket.lease_ref()) {
                lease.help_receiver(now, &mut scratch.receive);
            }
        }
        // A socket that was bound in this turn wakes nobody until it is asked for datagrams.
        let listens_to_all = self.next_socket == known_sockets;
        !(received_all && sent_all && listens_to_all)
    }

    /// A check that is due may want leave.
    fn meter_checks(&mut self, now: Instant) {
        while self.session.wants_check_leave(now) {
            let leave = match CHECKS.take() {
                true => CheckLeave::Once,
                false => CheckLeave::Held {
                    until: now + CHECKS_PAUSE,
                },
            };
            self.session.handle_check_leave(now, leave);
        }
    }

    /// Returns whether datagrams of shared sockets were among them.
    fn take_inputs(&mut self, now: Instant) -> bool {
        let mut took_trains = false;
        let mut inputs = std::mem::take(&mut self.inputs);
        if let Err(Overrun) = self.mailbox.queue().take(&mut inputs) {
            tracing::warn!("more was handed to the session than it can hold: it ends");
            self.session.handle_command(now, Command::Close);
        }
        let taken = inputs.len();
        for input in inputs.drain(..) {
            match input {
                Input::Channel(channel, command) => {
                    let command = Command::Channel(channel, command);
                    self.session.handle_command(now, command);
                }
                Input::Media(transceiver, command) => {
                    let command = Command::Media(transceiver, command);
                    self.session.handle_command(now, command);
                }
                Input::Command(command) => {
                    if matches!(*command, Command::Close) {
                        // Its streams are gone afterwards.
                        self.tell_metrics(now);
                    }
                    self.session.handle_command(now, *command);
                }
                Input::Interfaces(ips) => self.handle_interfaces(now, &ips),
                Input::Resolved { host, ips } => self.session.handle_resolved(now, &host, &ips),
                Input::NameResolved { name, ips } => {
                    self.session.handle_name_resolved(now, name, &ips);
                }
                Input::Connected { bind_id, result } => self.connected(now, bind_id, result),
                Input::Accepted(accepted) => self.accepted(now, *accepted),
                Input::Train(train) => {
                    took_trains = true;
                    self.handle_train(now, *train);
                }
            }
        }
        // The memory of a burst goes when bursts have ended.
        if inputs.capacity() <= IDLE_QUEUE_CAPACITY || taken > inputs.capacity() / 8 {
            self.inputs = inputs;
        }
        took_trains
    }

    fn report(&mut self) -> bool {
        let mut any = false;
        while let Some(report) = self.session.poll_report() {
            self.record(|| report_event(&report));
            self.told.handle_report(&report);
            self.host.handle_report(report);
            any = true;
        }
        any
    }

    /// An event, for whoever asked for a log of them.
    fn record(&self, event: impl FnOnce() -> Option<(&'static str, serde_json::Value)>) {
        if let Some(log) = &self.endpoint.records.events
            && let Some((event, more)) = event()
        {
            log.write(self.endpoint.clock.now(), self.number, event, more);
        }
    }

    fn record_packets(&mut self) {
        if let Some(capture) = &self.endpoint.records.packets {
            while let Some(packet) = self.session.poll_captured() {
                capture.write(self.number, packet);
            }
        }
        if let Some(log) = &self.endpoint.records.keys {
            while let Some(line) = self.session.poll_key_log() {
                log.write(line);
            }
        }
    }

    fn report_media(&mut self) -> bool {
        let mut any = false;
        while let Some(item) = self.session.poll_media() {
            self.host.handle_media(item);
            self.media_given += 1;
            any = true;
        }
        any
    }

    fn report_channels(&mut self) -> bool {
        let mut any = false;
        while self.session.has_channels() && self.host.wants_channel_reports() {
            let Some(report) = self.session.poll_channel() else {
                break;
            };
            self.record(|| channel_event(&report));
            self.host.handle_channel_report(report);
            any = true;
        }
        any
    }
}

impl<H> SessionTask<H> {
    fn tell_metrics(&mut self, now: Instant) {
        let Shared { meters, gauges, .. } = &*self.endpoint;
        self.told.tell(now, &self.session, meters, gauges);
    }
}

impl<H: Host> Future for SessionTask<H> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let task = self.get_mut();
        task.media_given = 0;
        scratch::with(|scratch| {
            for _ in 0..TURNS_PER_POLL {
                let more = task.turn(cx, scratch);
                if task.session.is_closed() {
                    return Poll::Ready(());
                }
                if task.media_given >= MEDIA_PER_POLL {
                    break;
                }
                if more || !task.mailbox.queue().wait(cx.waker()) {
                    continue;
                }
                let deadline = task.session.poll_timeout();
                if task
                    .timer
                    .poll(cx, task.endpoint.clock, deadline)
                    .is_pending()
                {
                    return Poll::Pending;
                }
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
    }
}

impl<H> Drop for SessionTask<H> {
    fn drop(&mut self) {
        self.mailbox.queue().close();
        let now = self.endpoint.clock.now();
        self.tell_metrics(now);
        self.told.end(&self.endpoint.meters, &self.endpoint.gauges);
        // Those of a session that was not closed.
        for name in std::mem::take(&mut self.names) {
            let request = NameRequest::Withdraw { name };
            self.endpoint.mdns.request(&self.endpoint, request);
        }
    }
}

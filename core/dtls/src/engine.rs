//! One association: the record layer, and the handshake that is under way or what it left.

use std::mem;

use duologue_base::{DtlsRole, Instant};

use crate::handshake12;
use crate::handshake13;
use crate::hello::{Begun, ClientStart, ServerStart};
use crate::limits::{EARLY_DATAGRAM_BYTES, EARLY_RECORDS, FORGED_RECORDS, RECORDS_PER_KEY};
use crate::link::{Agreed, Link};
use crate::open13::Open13;
use crate::reassembly::Message;
use crate::record::{Read, RecordNumber, content};
use crate::trust::Trust;
use crate::wire::Reader;
use crate::{Alert, CipherSuite, DtlsError, Version};

/// One end of an association.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) link: Link,
    state: State,
    /// Records that came before their keys.
    early: Vec<Vec<u8>>,
    suite: Option<CipherSuite>,
    /// Until the owner has taken it.
    agreed: Option<Box<Agreed>>,
}

/// How far the handshake is.
#[derive(Debug)]
enum State {
    ClientStart(Box<ClientStart>),
    ServerStart(Box<ServerStart>),
    Client12(Box<handshake12::Client>),
    Server12(Box<handshake12::Server>),
    Client13(Box<handshake13::Client>),
    Server13(Box<handshake13::Server>),
    /// Done.
    Open12,
    Open13(Box<Open13>),
}

impl From<Begun> for State {
    fn from(begun: Begun) -> Self {
        match begun {
            Begun::Client12(client) => State::Client12(client),
            Begun::Server12(server) => State::Server12(server),
            Begun::Client13(client) => State::Client13(client),
            Begun::Server13(server) => State::Server13(server),
        }
    }
}

/// Why an association does not go on.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The peer closed it.
    Closed,
    /// It is certain: the peer said it under the keys, or we cannot go on.
    Final(DtlsError),
    /// Anybody may have sent what was wrong. It is forgotten, and waited for again.
    Unauthenticated(DtlsError),
}

impl From<DtlsError> for Fault {
    fn from(error: DtlsError) -> Self {
        Fault::Final(error)
    }
}

impl Engine {
    /// Begins: a client says hello.
    pub(crate) fn new(mut link: Link) -> Result<Self, DtlsError> {
        let state = match link.role {
            DtlsRole::Client => State::ClientStart(Box::new(ClientStart::begin(&mut link)?)),
            DtlsRole::Server => State::ServerStart(Box::default()),
        };
        Ok(Engine {
            link,
            state,
            early: Vec::new(),
            suite: None,
            agreed: None,
        })
    }

    /// Takes a datagram, in which data is decrypted and given out.
    pub(crate) fn handle_datagram(
        &mut self,
        now: Instant,
        datagram: &mut [u8],
        on_packet: &mut dyn FnMut(&[u8]),
    ) -> Result<(), Fault> {
        self.link.now = now;
        if let State::Open13(open) = &mut self.state {
            open.forget_old(&mut self.link);
        }
        self.read(datagram, on_packet)?;
        while !self.early.is_empty() {
            let before = self.readable();
            for mut record in mem::take(&mut self.early) {
                self.read(&mut record, on_packet)?;
            }
            if self.readable() == before {
                break;
            }
        }
        self.acknowledge_if_due()
    }

    /// What of early records could be read.
    fn readable(&self) -> (u64, bool) {
        let records = &self.link.records;
        (records.opening_epoch(), records.holds_data())
    }

    fn read(&mut self, datagram: &mut [u8], on_packet: &mut dyn FnMut(&[u8])) -> Result<(), Fault> {
        self.link.reassembly.begin_datagram();
        let (mut rest, mut news) = (datagram, false);
        while let Some((read, after)) = self.link.records.open(rest) {
            rest = after;
            match read {
                Read::Record { content, at, body } => match content {
                    content::APPLICATION_DATA if self.takes_data(at.epoch) => on_packet(body),
                    content::HANDSHAKE if at.epoch == 0 || !body.is_empty() => {
                        news |= self.handle_handshake(at, body)?;
                    }
                    // Anybody may have sent it; alerts and ACKs are nothing in plaintext, and epochs say
                    // what a ChangeCipherSpec does.
                    _ if at.epoch == 0 => {}
                    content::ALERT => self.handle_alerts(body)?,
                    content::ACK if self.version() == Some(Version::V13) => {
                        self.handle_ack(body)?;
                    }
                    // RFC 8446 §5, §5.1, §5.4, RFC 5246 §6.
                    _ => return Err(DtlsError::misbehaved(Alert::UNEXPECTED_MESSAGE).into()),
                },
                Read::Early(record) => {
                    let is_open = self.is_open();
                    keep(&mut self.early, record, is_open);
                }
                // RFC 9147 §4.5.3: somebody tries keys.
                Read::Noise if self.link.records.forged >= FORGED_RECORDS => {
                    return Err(DtlsError::library().into());
                }
                Read::Noise => {}
            }
        }
        // All of a datagram before any of it is used: of two messages in one place the newer counts.
        while let Some(message) = self.link.reassembly.next(self.epoch()) {
            self.handle_message(&message)?;
        }
        if news {
            self.link.plan_ack();
        }
        Ok(())
    }

    /// Whether data may pass.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.state, State::Open12 | State::Open13(_))
    }

    /// Whether data of an epoch may pass: not under the keys of the handshake (RFC 9147 §6.1).
    fn takes_data(&self, epoch: u64) -> bool {
        match self.state {
            State::Open12 => epoch >= handshake12::DATA_EPOCH,
            State::Open13(_) => epoch >= handshake13::DATA_EPOCH,
            _ => false,
        }
    }

    /// The version whose keys are in use.
    fn version(&self) -> Option<Version> {
        self.link.records.version()
    }

    /// Whether what goes on is certainly with somebody who answers us: no other hello counts then.
    pub(crate) fn is_proved(&self) -> bool {
        match &self.state {
            State::ClientStart(_) | State::ServerStart(_) => false,
            State::Client12(_) | State::Server12(_) => self.epoch() > 0,
            State::Client13(_) | State::Server13(_) => self.link.records.has_opened(),
            State::Open12 | State::Open13(_) => true,
        }
    }

    /// The epoch of the next handshake message.
    fn epoch(&self) -> u64 {
        match &self.state {
            State::ClientStart(_) | State::ServerStart(_) => 0,
            State::Client12(client) => client.epoch(),
            State::Server12(server) => server.epoch(),
            State::Client13(_) | State::Server13(_) => handshake13::HANDSHAKE_EPOCH,
            State::Open12 => handshake12::DATA_EPOCH,
            State::Open13(_) => handshake13::DATA_EPOCH,
        }
    }

    /// Whether it brought something new.
    fn handle_handshake(&mut self, at: RecordNumber, body: &[u8]) -> Result<bool, Fault> {
        if at.epoch < self.epoch() {
            if self.link.reassembly.repeats(body) {
                self.handle_repetition(at)?;
            }
            return Ok(false);
        }
        let brought = self.link.reassembly.take(at, body);
        if brought.repeats {
            self.handle_repetition(at)?;
        }
        Ok(brought.news)
    }

    /// The peer misses our flight, or our ACK.
    fn handle_repetition(&mut self, at: RecordNumber) -> Result<(), Fault> {
        let acknowledges = match &self.state {
            // Plaintext that anybody may have sent.
            State::Open12 | State::Open13(_) if at.epoch == 0 => return Ok(()),
            // Only a client still waits for an answer to what it said in the handshake.
            State::Open13(_) => {
                self.link.role == DtlsRole::Server || at.epoch > handshake13::HANDSHAKE_EPOCH
            }
            _ => false,
        };
        match acknowledges {
            true => self.link.send_ack(&[at])?,
            false => self.link.repeat_flight()?,
        }
        Ok(())
    }

    fn handle_message(&mut self, message: &Message) -> Result<(), Fault> {
        if message.epoch != self.epoch() && !matches!(self.state, State::Open13(_)) {
            return Err(DtlsError::misbehaved(Alert::UNEXPECTED_MESSAGE).into());
        }
        let link = &mut self.link;
        let result = match &mut self.state {
            State::ClientStart(start) => start.handle(link, message).map(Step::of_hello),
            State::ServerStart(start) => start.handle(link, message).map(Step::of_hello),
            State::Client12(client) => client.handle(link, message).map(Step::of_12),
            State::Server12(server) => server.handle(link, message).map(Step::of_12),
            State::Client13(client) => client.handle(link, message).map(Step::of_13),
            State::Server13(server) => server.handle(link, message).map(Step::of_13),
            // RFC 5746 §4.5: who asks for a renegotiation gets no answer.
            State::Open12 => Ok(Step::Goes(None)),
            State::Open13(open) => open.handle(link, message).map(|()| Step::Goes(None)),
        };
        match result {
            Ok(Step::Goes(None)) => {}
            Ok(Step::Goes(Some(state))) => self.go(state),
            Ok(Step::Done12(agreed)) => self.open(State::Open12, agreed),
            Ok(Step::Done13(finished)) => self.open_13(*finished)?,
            Err(error) => return Err(self.refuse(message, error)),
        }
        Ok(())
    }

    fn go(&mut self, state: State) {
        self.suite = match &state {
            State::Client12(client) => Some(client.suite().number),
            State::Server12(server) => Some(server.suite().number),
            State::Client13(client) => Some(client.suite().number),
            State::Server13(server) => Some(server.suite().number),
            _ => self.suite,
        };
        self.link.reassembly.forget_earlier();
        self.link.reassembly.make_room();
        self.state = state;
    }

    /// Something was refused. If it was plaintext, and the peer has not proved yet that it said it,
    /// all is as before it came.
    fn refuse(&mut self, message: &Message, error: DtlsError) -> Fault {
        let proved = matches!(
            error,
            DtlsError::FingerprintMismatch { .. }
                | DtlsError::UntrustedCertificate
                | DtlsError::UnsupportedCertificate
                | DtlsError::Library { .. }
        );
        if message.epoch > 0 || proved {
            return Fault::Final(error);
        }
        match &mut self.state {
            State::Client12(client) => client.rewind(&mut self.link),
            State::Server12(server) => server.rewind(&mut self.link),
            _ => self.link.reassembly.rewind(message.number),
        }
        Fault::Unauthenticated(error)
    }

    fn open(&mut self, state: State, agreed: Box<Agreed>) {
        self.state = state;
        self.agreed = Some(agreed);
        // Nobody is judged any more.
        self.link.trust = Trust::Refused;
        self.link.records.release_data();
    }

    fn open_13(&mut self, finished: handshake13::Finished) -> Result<(), DtlsError> {
        let link = &mut self.link;
        if link.role == DtlsRole::Server {
            // RFC 9147 §7.1: nothing else acknowledges the client's last flight.
            let heard = link.reassembly.forget_heard();
            link.send_ack(&heard)?;
            link.records.retire_sealing();
        }
        let open = Open13::new(finished.traffic);
        let state = State::Open13(Box::new(open));
        self.open(state, Box::new(finished.agreed));
        Ok(())
    }

    /// RFC 5246 §6.2.1: messages of one type may share a record. RFC 8446 §5.1: alerts do not any more.
    fn handle_alerts(&mut self, body: &[u8]) -> Result<(), Fault> {
        let new = self.version() == Some(Version::V13);
        let (alerts, rest) = body.as_chunks::<2>();
        if !rest.is_empty() || new && alerts.len() > 1 {
            return Err(DtlsError::misbehaved(Alert::DECODE_ERROR).into());
        }
        if alerts.is_empty() {
            return Err(DtlsError::misbehaved(Alert::UNEXPECTED_MESSAGE).into());
        }
        alerts
            .iter()
            .try_for_each(|alert| handle_alert(*alert, new))
    }

    /// RFC 9147 §7.2.
    fn handle_ack(&mut self, body: &[u8]) -> Result<(), Fault> {
        let mut reader = Reader::new(body);
        let Some(mut list) = reader.vec16().map(Reader::new) else {
            return Ok(());
        };
        let arrived = std::iter::from_fn(|| {
            let (epoch, number) = (list.u64()?, list.u64()?);
            Some(RecordNumber { epoch, number })
        });
        let misses = self.link.flight.acknowledge(arrived);
        if misses {
            self.link.repeat_flight()?;
        }
        if let State::Open13(open) = &mut self.state
            && self.link.flight.has_arrived()
        {
            open.flight_arrived(&mut self.link)?;
        }
        Ok(())
    }

    fn acknowledge_if_due(&mut self) -> Result<(), Fault> {
        let link = &mut self.link;
        if link.ack_due.is_some_and(|due| due <= link.now) {
            let heard = match self.state {
                // Nothing else acknowledges what comes after the handshake.
                State::Open13(_) => link.reassembly.forget_heard(),
                _ => link.reassembly.heard().to_vec(),
            };
            link.send_ack(&heard)?;
        }
        Ok(())
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) -> Result<(), Fault> {
        self.link.now = self.link.now.max(now);
        self.acknowledge_if_due()?;
        let endless = matches!(&self.state, State::Open13(open) if open.is_updating());
        let link = &mut self.link;
        let goes_on =
            (link.flight).handle_timeout(now, endless, &mut link.records, &mut link.outgoing)?;
        match goes_on || self.is_open() {
            true => Ok(()),
            false => Err(Fault::Final(DtlsError::HandshakeTimeout)),
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        Instant::earliest([self.link.flight.timer(), self.link.ack_due])
    }

    /// Appends a record with data; `false` before data may pass, or if the peer takes less.
    #[inline(always)]
    pub(crate) fn seal(
        &mut self,
        now: Instant,
        packet: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<bool, DtlsError> {
        let records = &mut self.link.records;
        let epoch = records.sealing_epoch();
        if !matches!(self.state, State::Open12 | State::Open13(_))
            || packet.len() > records.limit(epoch)
        {
            return Ok(false);
        }
        self.link.now = now;
        let fill = |out: &mut Vec<u8>| out.extend_from_slice(packet);
        records.seal(epoch, content::APPLICATION_DATA, out, fill)?;
        if let State::Open13(open) = &mut self.state
            && records.sealed() >= RECORDS_PER_KEY
        {
            open.update(&mut self.link)?;
        }
        Ok(true)
    }

    /// A KeyUpdate now, and not after so many records.
    #[cfg(test)]
    pub(crate) fn renew_keys(&mut self, now: Instant) -> Result<(), DtlsError> {
        self.link.now = now;
        match &mut self.state {
            State::Open13(open) => open.update(&mut self.link),
            _ => Ok(()),
        }
    }

    /// Says an alert under the newest keys, or in plaintext before there are any.
    pub(crate) fn say_alert(&mut self, level: u8, alert: Alert) -> Result<(), DtlsError> {
        let records = &mut self.link.records;
        let epoch = records.sealing_epoch();
        let mut datagram = Vec::new();
        let fill = |out: &mut Vec<u8>| out.extend_from_slice(&[level, alert.0]);
        records.seal(epoch, content::ALERT, &mut datagram, fill)?;
        self.link.outgoing.push_back(datagram);
        Ok(())
    }

    pub(crate) fn suite(&self) -> Option<CipherSuite> {
        self.suite
    }

    /// What the handshake agreed on, once.
    pub(crate) fn take_agreed(&mut self) -> Option<(Box<Agreed>, Version)> {
        let version = match self.state {
            State::Open12 => Version::V12,
            State::Open13(_) => Version::V13,
            _ => return None,
        };
        self.agreed.take().map(|agreed| (agreed, version))
    }

    /// Messages of the peer's that were taken.
    pub(crate) fn taken(&self) -> u16 {
        self.link.reassembly.taken()
    }
}

enum Step {
    Goes(Option<State>),
    Done12(Box<Agreed>),
    Done13(Box<handshake13::Finished>),
}

impl Step {
    fn of_hello(begun: Option<Begun>) -> Self {
        Step::Goes(begun.map(State::from))
    }

    fn of_12(next: handshake12::Next) -> Self {
        match next {
            handshake12::Next::Waits => Step::Goes(None),
            handshake12::Next::Done(agreed) => Step::Done12(agreed),
        }
    }

    fn of_13(next: handshake13::Next) -> Self {
        match next {
            handshake13::Next::Waits => Step::Goes(None),
            handshake13::Next::Done(finished) => Step::Done13(finished),
        }
    }
}

/// Keeps a record that came before its keys. Afterwards there are none to wait for.
/// RFC 8446 §6: in DTLS 1.3 all but two end the association.
fn handle_alert([level, description]: [u8; 2], new: bool) -> Result<(), Fault> {
    const CLOSE_NOTIFY: u8 = 0;
    const USER_CANCELED: u8 = 90;
    const FATAL: u8 = 2;
    match description {
        CLOSE_NOTIFY => Err(Fault::Closed),
        USER_CANCELED => Ok(()),
        _ if level == FATAL || new => Err(DtlsError::AlertReceived(Alert(description)).into()),
        _ => Ok(()),
    }
}

fn keep(early: &mut Vec<Vec<u8>>, record: &[u8], open: bool) {
    if !open && early.len() < EARLY_RECORDS && record.len() <= EARLY_DATAGRAM_BYTES {
        early.push(record.to_vec());
    }
}

//! Datagrams of a handshake inside of checks and their answers (draft-hancke-webrtc-sped, SPED): what
//! runs over ICE begins with the first check, a round trip before there is a path.
//!
//! The draft negotiates it by `a=ice-options:sped`. libwebrtc tells by the attributes alone, so that
//! they count as well: who hears them may send them.

use std::collections::VecDeque;

use duologue_stun::{AttributeType, Message, Writer, crc32};

use crate::agent::Agent;
use crate::limits::{EMBEDDED_ACKS, EMBEDDED_BYTES, EMBEDDED_DATAGRAMS, EMBEDDED_SENDS};

/// What an agent carries for those above it.
#[derive(Debug)]
pub(crate) struct Embedding {
    mode: Mode,
    /// Datagrams that the other agent is not known to have: the draft's L1. They take turns.
    flight: VecDeque<Vec<u8>>,
    /// How many more messages may carry one.
    sends: u32,
    /// The CRC-32 of what came, newest last: the draft's L2.
    heard: VecDeque<u32>,
    /// What came, for those above.
    arrived: VecDeque<Vec<u8>>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Mode {
    /// This end would, and nothing shows yet that the other one does.
    Tentative,
    Active,
    /// The handshake is over here, and perhaps not at the other end.
    Finished,
    /// The other end does not know it, or is done, too.
    Off,
}

impl Embedding {
    pub(crate) fn tentative() -> Box<Self> {
        Box::new(Embedding {
            mode: Mode::Tentative,
            flight: VecDeque::new(),
            sends: 0,
            heard: VecDeque::new(),
            arrived: VecDeque::new(),
        })
    }

    fn is_on(&self) -> bool {
        matches!(self.mode, Mode::Tentative | Mode::Active)
    }

    /// The other end knows it, by its description or because it does it.
    fn confirm(&mut self) {
        if self.mode == Mode::Tentative {
            self.mode = Mode::Active;
        }
    }

    /// Another flight, or more of one. The newest ones stay.
    fn push(&mut self, datagram: Vec<u8>) {
        if self.flight.len() >= EMBEDDED_DATAGRAMS {
            self.flight.pop_front();
        }
        self.flight.push_back(datagram);
        self.sends = EMBEDDED_SENDS;
    }

    fn acknowledge(&mut self, datagram: &[u8]) {
        let sum = crc32(datagram);
        self.heard.retain(|known| *known != sum);
        if self.heard.len() >= EMBEDDED_ACKS {
            self.heard.pop_front();
        }
        self.heard.push_back(sum);
    }

    /// Adds to a message to the other agent.
    pub(crate) fn write(&mut self, writer: &mut Writer<'_>) {
        match self.mode {
            Mode::Off => return,
            Mode::Finished if self.heard.is_empty() => return,
            Mode::Tentative | Mode::Active | Mode::Finished => {}
        }
        if self.sends > 0
            && let Some(datagram) = self.flight.pop_front()
        {
            writer.attribute(AttributeType::DTLS_IN_STUN_DATA, &datagram);
            self.flight.push_back(datagram);
            self.sends -= 1;
        }
        // Empty it says that this end knows what it is.
        let sums = self.heard.iter().flat_map(|sum| sum.to_be_bytes());
        writer.attribute(AttributeType::DTLS_IN_STUN_ACK, &sums.collect::<Vec<u8>>());
    }

    /// Reads an authentic message of the other agent's.
    fn read(&mut self, message: &Message<'_>) {
        let data = message.attribute(AttributeType::DTLS_IN_STUN_DATA);
        let acks = message.attribute(AttributeType::DTLS_IN_STUN_ACK);
        match (self.mode, data.is_some() || acks.is_some()) {
            (Mode::Tentative, false) => self.mode = Mode::Off,
            (Mode::Tentative, true) => self.mode = Mode::Active,
            // The other end has no more to be acknowledged.
            (Mode::Finished, _) if data.is_none() => self.mode = Mode::Off,
            _ => {}
        }
        let acks = acks.unwrap_or_default().chunks_exact(4);
        for sum in acks.take(2 * EMBEDDED_ACKS) {
            self.flight
                .retain(|datagram| crc32(datagram).to_be_bytes() != *sum);
        }

        // RFC 9443 §3: what is no DTLS is not passed on.
        let fits =
            |data: &&[u8]| matches!(data.first(), Some(20..=63)) && data.len() <= EMBEDDED_BYTES;
        if let Some(data) = data.filter(fits) {
            self.acknowledge(data);
            if self.arrived.len() < EMBEDDED_DATAGRAMS {
                self.arrived.push_back(data.to_vec());
            }
        }
    }
}

impl Agent {
    /// Whether datagrams can be [embedded](Self::embed) in checks: by option of this end, unless the
    /// other one has shown that it does not know it; or because it does it.
    pub fn embeds(&self) -> bool {
        self.embedding.as_ref().is_some_and(|it| it.is_on())
    }

    /// A datagram for the other agent, before there is a path: it leaves with checks and answers to
    /// them until the other agent has it, or [`take_embedded`](Self::take_embedded) takes it back. It
    /// needs room in them: 1,000 bytes are few enough.
    pub fn embed(&mut self, datagram: Vec<u8>) {
        self.embedding
            .get_or_insert_with(Embedding::tentative)
            .push(datagram);
    }

    /// Gives back the datagrams that the other agent is not known to have: there is a path.
    pub fn take_embedded(&mut self) -> impl Iterator<Item = Vec<u8>> + use<> {
        let flight = self
            .embedding
            .as_mut()
            .map(|it| std::mem::take(&mut it.flight));
        flight.into_iter().flatten()
    }

    /// The next datagram that came with a check, or with the answer to one.
    #[inline]
    pub fn poll_embedded(&mut self) -> Option<Vec<u8>> {
        self.embedding.as_mut()?.arrived.pop_front()
    }

    /// A datagram of the handshake came by itself. The other agent is told, as of those inside.
    #[inline]
    pub fn acknowledge_direct(&mut self, datagram: &[u8]) {
        if let Some(embedding) = self.embedding.as_mut().filter(|it| it.is_on()) {
            embedding.acknowledge(datagram);
        }
    }

    /// The handshake is over: nothing is embedded any more. Where nothing ever was, consent checks
    /// are not searched for it.
    pub fn finish_embedding(&mut self) {
        let Some(embedding) = &mut self.embedding else {
            self.embeds_nothing = true;
            return;
        };
        if embedding.is_on() {
            embedding.mode = Mode::Finished;
            embedding.flight = VecDeque::new();
        }
    }

    /// The other agent's description says that it knows it.
    pub(crate) fn agree_on_embedding(&mut self) {
        if self.embeds_nothing {
            return;
        }
        self.embedding
            .get_or_insert_with(Embedding::tentative)
            .confirm();
    }

    /// Reads what an authentic message carries.
    pub(crate) fn read_embedded(&mut self, message: &Message<'_>) {
        if self.embeds_nothing {
            return;
        }
        let has = |kind| message.attribute(kind).is_some();
        let shows = has(AttributeType::DTLS_IN_STUN_DATA) || has(AttributeType::DTLS_IN_STUN_ACK);
        if self.embedding.is_none() && shows {
            self.embedding = Some(Embedding::tentative());
        }
        if let Some(embedding) = &mut self.embedding {
            embedding.read(message);
        }
    }
}

#[cfg(test)]
mod tests {
    use duologue_stun::{Class, Method, TransactionId};

    use super::*;

    const FLIGHT: [&[u8]; 3] = [&[22; 900], &[22, 1], &[23, 2]];

    fn message(mut fill: impl FnMut(&mut Writer<'_>)) -> Vec<u8> {
        let mut bytes = Vec::new();
        let id = TransactionId([7; 12]);
        fill(&mut Writer::new(
            &mut bytes,
            Class::Request,
            Method::BINDING,
            id,
        ));
        bytes
    }

    fn say(from: &mut Embedding) -> Vec<u8> {
        message(|writer| from.write(writer))
    }

    fn hear(to: &mut Embedding, bytes: &[u8]) {
        to.read(&Message::parse(bytes).expect("a message"));
    }

    fn arrived(at: &mut Embedding) -> Vec<Vec<u8>> {
        at.arrived.drain(..).collect()
    }

    #[test]
    fn datagrams_take_turns_until_they_are_acknowledged() {
        let [mut a, mut b] = [(); 2].map(|()| Embedding::tentative());
        for datagram in FLIGHT {
            a.push(datagram.to_vec());
        }
        for expected in FLIGHT {
            let said = say(&mut a);
            hear(&mut b, &said);
            assert_eq!(arrived(&mut b), [expected]);
        }
        let said = say(&mut b);
        hear(&mut a, &said);
        assert!(a.flight.is_empty() && a.is_on() && b.is_on());
        let said = say(&mut a);
        hear(&mut b, &said);
        assert!(arrived(&mut b).is_empty());
    }

    #[test]
    fn who_shows_nothing_is_asked_no_more_and_the_flight_stays() {
        let mut a = Embedding::tentative();
        a.push(FLIGHT[1].to_vec());
        hear(&mut a, &message(|_| {}));
        assert!(!a.is_on());
        assert_eq!(say(&mut a), message(|_| {}));
        assert_eq!(a.flight, [FLIGHT[1]]);
        // By its description it does.
        let mut b = Embedding::tentative();
        b.confirm();
        hear(&mut b, &message(|_| {}));
        assert!(b.is_on());
    }

    #[test]
    fn both_ends_fall_silent_after_the_handshake() {
        let [mut a, mut b] = [(); 2].map(|()| Embedding::tentative());
        a.push(FLIGHT[0].to_vec());
        let said = say(&mut a);
        hear(&mut b, &said);
        for end in [&mut a, &mut b] {
            end.mode = Mode::Finished;
            end.flight.clear();
        }
        // What came last is acknowledged once more.
        let said = say(&mut b);
        hear(&mut a, &said);
        let said = say(&mut a);
        hear(&mut b, &said);
        assert_eq!(
            [say(&mut a), say(&mut b)],
            [message(|_| {}), message(|_| {})]
        );
    }

    #[test]
    fn what_a_peer_can_make_grow_is_bounded() {
        let mut a = Embedding::tentative();
        for n in 0..100_u8 {
            a.push(vec![22, n]);
            let sums: Vec<u8> = (0..1200_u32).map(|sum| (sum as u8) ^ n).collect();
            hear(
                &mut a,
                &message(|writer| {
                    writer.attribute(AttributeType::DTLS_IN_STUN_ACK, &sums);
                    writer.attribute(AttributeType::DTLS_IN_STUN_DATA, &[22, n, n]);
                }),
            );
        }
        for junk in [&[][..], &[0; 50], &[128; 50], &[22; EMBEDDED_BYTES + 1]] {
            hear(
                &mut a,
                &message(|writer| {
                    writer.attribute(AttributeType::DTLS_IN_STUN_DATA, junk);
                }),
            );
        }
        assert_eq!(a.flight.len(), EMBEDDED_DATAGRAMS);
        assert_eq!(a.arrived.len(), EMBEDDED_DATAGRAMS);
        assert_eq!(a.heard.len(), EMBEDDED_ACKS);
        let mut carried = 0;
        for _ in 0..100 {
            let said = say(&mut a);
            let said = Message::parse(&said).expect("a message");
            carried += u32::from(said.attribute(AttributeType::DTLS_IN_STUN_DATA).is_some());
        }
        assert_eq!(carried, EMBEDDED_SENDS);
    }
}

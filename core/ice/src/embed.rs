//! Datagrams of a handshake inside of checks and their answers (draft-hancke-webrtc-sped, SPED): what
//! runs over ICE begins with the first check, a round trip before there is a path.
//!
//! The draft negotiates it by `a=ice-options:sped`. libwebrtc tells by the attributes alone, so that
//! they count as well: who hears them may send them.

use std::collections::VecDeque;

use duologue_stun::{AttributeType, Message, Writer, crc32};

use crate::agent::Agent;
use crate::limits::{EMBEDDED_ACKS, EMBEDDED_BYTES, EMBEDDED_DATAGRAMS, EMBEDDED_SENDS};

/// Whether an agent carries datagrams for those above it.
#[derive(Debug)]
pub(crate) enum Embedding {
    /// Nothing asks for it so far. The other agent may.
    Idle,
    Carrying(Box<Carried>),
    /// The handshake is over, with or without it: messages are not searched for it any more.
    Over,
}

/// What is carried, either way.
#[derive(Debug)]
pub(crate) struct Carried {
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
    /// The other end does not know it. The flight waits for a path.
    Refused,
    /// The handshake is over here, and perhaps not at the other end.
    Finished,
}

impl Embedding {
    /// Of an agent that asks for it, or does not.
    pub(crate) fn new(asks: bool) -> Self {
        let mut embedding = Embedding::Idle;
        if asks {
            embedding.begin();
        }
        embedding
    }

    /// What is carried, from now on if nothing was; `None` if it is over.
    fn begin(&mut self) -> Option<&mut Carried> {
        if let Embedding::Idle = self {
            *self = Embedding::Carrying(Carried::tentative());
        }
        self.carried()
    }

    fn carried(&mut self) -> Option<&mut Carried> {
        match self {
            Embedding::Carrying(carried) => Some(carried),
            Embedding::Idle | Embedding::Over => None,
        }
    }

    /// The other end knows it, by its description.
    fn confirm(&mut self) {
        if let Some(carried) = self.begin()
            && carried.mode == Mode::Tentative
        {
            carried.mode = Mode::Active;
        }
    }

    /// Another agent takes the other one's place: what that did not know this one may.
    fn ask_again(&mut self) {
        if let Embedding::Carrying(carried) = self
            && carried.mode == Mode::Refused
        {
            carried.mode = Mode::Tentative;
        }
    }

    /// The handshake is over here.
    fn finish(&mut self) {
        match self {
            Embedding::Carrying(carried) if carried.mode != Mode::Refused => {
                carried.mode = Mode::Finished;
                carried.flight = VecDeque::new();
            }
            _ => *self = Embedding::Over,
        }
    }

    /// Adds to a message to the other agent.
    #[inline]
    pub(crate) fn write(&mut self, writer: &mut Writer<'_>) {
        if let Some(carried) = self.carried() {
            carried.write(writer);
        }
    }

    /// Reads an authentic message of the other agent's.
    fn read(&mut self, message: &Message<'_>) {
        let data = message.attribute(AttributeType::DTLS_IN_STUN_DATA);
        let acks = message.attribute(AttributeType::DTLS_IN_STUN_ACK);
        if data.is_some() || acks.is_some() {
            self.begin();
        }
        let Embedding::Carrying(carried) = self else {
            return;
        };
        match carried.mode {
            // The other end has no more to be acknowledged.
            Mode::Finished if data.is_none() => *self = Embedding::Over,
            _ => carried.read(data, acks),
        }
    }
}

impl Carried {
    fn tentative() -> Box<Self> {
        Box::new(Carried {
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

    fn write(&mut self, writer: &mut Writer<'_>) {
        match self.mode {
            Mode::Refused => return,
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

    fn read(&mut self, data: Option<&[u8]>, acks: Option<&[u8]>) {
        if self.mode == Mode::Tentative {
            self.mode = match data.or(acks) {
                Some(_) => Mode::Active,
                None => Mode::Refused,
            };
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
        matches!(&self.embedding, Embedding::Carrying(carried) if carried.is_on())
    }

    /// A datagram for the other agent, before there is a path: it leaves with checks and answers to
    /// them until the other agent has it, or [`take_embedded`](Self::take_embedded) takes it back. It
    /// needs room in them: 1,000 bytes are few enough. After the handshake's end it is dropped.
    pub fn embed(&mut self, datagram: Vec<u8>) {
        if let Some(carried) = self.embedding.begin() {
            carried.push(datagram);
        }
    }

    /// Gives back the datagrams that the other agent is not known to have: there is a path, or nobody
    /// waits for them any more.
    pub fn take_embedded(&mut self) -> impl Iterator<Item = Vec<u8>> + use<> {
        let carried = self.embedding.carried();
        let flight = carried.map(|it| std::mem::take(&mut it.flight));
        flight.into_iter().flatten()
    }

    /// The next datagram that came with a check, or with the answer to one.
    pub fn poll_embedded(&mut self) -> Option<Vec<u8>> {
        self.embedding.carried()?.arrived.pop_front()
    }

    /// A datagram of the handshake came by itself. The other agent is told, as of those inside.
    #[inline]
    pub fn acknowledge_direct(&mut self, datagram: &[u8]) {
        if let Embedding::Carrying(carried) = &mut self.embedding
            && carried.is_on()
        {
            carried.acknowledge(datagram);
        }
    }

    /// The handshake is over: nothing is embedded any more.
    pub fn finish_embedding(&mut self) {
        self.embedding.finish();
    }

    /// Another agent answers in the place of the one before.
    pub(crate) fn ask_again_for_embedding(&mut self) {
        self.embedding.ask_again();
    }

    /// The other agent's description says that it knows it.
    pub(crate) fn agree_on_embedding(&mut self) {
        self.embedding.confirm();
    }

    /// Reads what an authentic message carries.
    #[inline]
    pub(crate) fn read_embedded(&mut self, message: &Message<'_>) {
        if !matches!(self.embedding, Embedding::Over) {
            self.embedding.read(message);
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

    fn carried(at: &mut Embedding) -> &mut Carried {
        at.carried().expect("something is carried")
    }

    fn arrived(at: &mut Embedding) -> Vec<Vec<u8>> {
        carried(at).arrived.drain(..).collect()
    }

    #[test]
    fn datagrams_take_turns_until_they_are_acknowledged() {
        let [mut a, mut b] = [(); 2].map(|()| Embedding::new(true));
        for datagram in FLIGHT {
            carried(&mut a).push(datagram.to_vec());
        }
        for expected in FLIGHT {
            let said = say(&mut a);
            hear(&mut b, &said);
            assert_eq!(arrived(&mut b), [expected]);
        }
        let said = say(&mut b);
        hear(&mut a, &said);
        assert!(carried(&mut a).flight.is_empty());
        assert!(carried(&mut a).is_on() && carried(&mut b).is_on());
        let said = say(&mut a);
        hear(&mut b, &said);
        assert!(arrived(&mut b).is_empty());
    }

    #[test]
    fn who_shows_nothing_is_asked_no_more_and_the_flight_stays() {
        let mut a = Embedding::new(true);
        carried(&mut a).push(FLIGHT[1].to_vec());
        hear(&mut a, &message(|_| {}));
        assert!(!carried(&mut a).is_on());
        assert_eq!(say(&mut a), message(|_| {}));
        assert_eq!(carried(&mut a).flight, [FLIGHT[1]]);
        // By its description it does.
        let mut b = Embedding::new(true);
        b.confirm();
        hear(&mut b, &message(|_| {}));
        assert!(carried(&mut b).is_on());
    }

    #[test]
    fn another_agent_is_asked_again() {
        let mut a = Embedding::new(true);
        carried(&mut a).push(FLIGHT[1].to_vec());
        hear(&mut a, &message(|_| {}));
        assert!(!carried(&mut a).is_on());

        a.ask_again();
        let said = say(&mut a);
        let mut b = Embedding::new(true);
        hear(&mut b, &said);
        assert_eq!(arrived(&mut b), [FLIGHT[1]]);

        // After the handshake's end nobody is.
        a.finish();
        a.ask_again();
        assert!(!carried(&mut a).is_on());
    }

    #[test]
    fn both_ends_fall_silent_after_the_handshake() {
        let [mut a, mut b] = [(); 2].map(|()| Embedding::new(true));
        carried(&mut a).push(FLIGHT[0].to_vec());
        let said = say(&mut a);
        hear(&mut b, &said);
        for end in [&mut a, &mut b] {
            end.finish();
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
        // And for good.
        let late = message(|writer| {
            writer.attribute(AttributeType::DTLS_IN_STUN_DATA, FLIGHT[1]);
        });
        for mut end in [a, b] {
            end.confirm();
            hear(&mut end, &late);
            assert!(matches!(end, Embedding::Over));
        }
    }

    #[test]
    fn who_does_not_ask_begins_when_the_other_end_does_and_not_after_the_handshake() {
        let mut asks = Embedding::new(true);
        let said = say(&mut asks);
        for is_over in [false, true] {
            let mut end = Embedding::new(false);
            hear(&mut end, &message(|_| {}));
            assert!(matches!(end, Embedding::Idle));
            if is_over {
                end.finish();
            }
            hear(&mut end, &said);
            assert_eq!(matches!(end, Embedding::Over), is_over);
            assert_eq!(say(&mut end) == message(|_| {}), is_over);
        }
    }

    #[test]
    fn what_a_peer_can_make_grow_is_bounded() {
        let mut a = Embedding::new(true);
        for n in 0..100_u8 {
            carried(&mut a).push(vec![22, n]);
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
        let carrying = carried(&mut a);
        assert_eq!(carrying.flight.len(), EMBEDDED_DATAGRAMS);
        assert_eq!(carrying.arrived.len(), EMBEDDED_DATAGRAMS);
        assert_eq!(carrying.heard.len(), EMBEDDED_ACKS);
        let mut carried = 0;
        for _ in 0..100 {
            let said = say(&mut a);
            let said = Message::parse(&said).expect("a message");
            carried += u32::from(said.attribute(AttributeType::DTLS_IN_STUN_DATA).is_some());
        }
        assert_eq!(carried, EMBEDDED_SENDS);
    }
}

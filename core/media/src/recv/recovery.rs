//! Packets of a stream that come back by parity: ULPFEC in RED in the stream itself (RFC 5109), or
//! FlexFEC in a stream of its own (draft-ietf-payload-flexible-fec-scheme-03).

use std::collections::VecDeque;

use duologue_base::Seq16;
use duologue_rtp::fec::{FlexFec, Protected, ProtectedSet, UlpFec};
use duologue_rtp::{PayloadType, Ssrc};

use crate::limits::{PARITIES, PROTECTED_PACKETS};

/// What one stream's lost packets can be recovered from. It begins with the first packet of parity:
/// streams without cost nothing.
#[derive(Debug)]
pub(crate) struct Recovery {
    ssrc: Ssrc,
    /// The other packets as they came, in the order of their numbers.
    packets: VecDeque<Kept>,
    /// Parity that may still be of use, oldest first.
    parities: VecDeque<Parity>,
    /// Parity that gave nothing and cannot any more.
    discarded: u64,
}

#[derive(Debug)]
struct Kept {
    /// Extended.
    sequence_number: u64,
    datagram: Vec<u8>,
    /// It is in RED; ULPFEC is over what is inside.
    in_red: bool,
}

#[derive(Debug)]
struct Parity {
    kind: Kind,
    payload: Vec<u8>,
    set: ProtectedSet,
}

/// Whose parity it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Ulp,
    Flex,
}

impl Recovery {
    pub(crate) fn new(ssrc: Ssrc) -> Self {
        Recovery {
            ssrc,
            packets: VecDeque::new(),
            parities: VecDeque::new(),
            discarded: 0,
        }
    }

    /// `fecPacketsDiscarded`: nothing it protects was missing, or it came too late, or too much was.
    pub(crate) fn discarded(&self) -> u64 {
        self.discarded
    }

    /// A packet of the stream came, or came back.
    pub(crate) fn keep(&mut self, sequence_number: u64, datagram: &[u8], red: Option<PayloadType>) {
        let number = |kept: &Kept| kept.sequence_number;
        let Err(at) = self.packets.binary_search_by_key(&sequence_number, number) else {
            return;
        };
        let mut buffer = Vec::new();
        let mut at = at;
        if self.packets.len() >= PROTECTED_PACKETS {
            if at == 0 {
                return;
            }
            buffer = self.packets.pop_front().map_or(buffer, |it| it.datagram);
            at -= 1;
        }
        buffer.clear();
        buffer.extend_from_slice(datagram);
        let payload_type = datagram.get(1).map(|byte| byte & 0x7f);
        let kept = Kept {
            sequence_number,
            datagram: buffer,
            in_red: payload_type.is_some() && payload_type == red.map(PayloadType::get),
        };
        self.packets.insert(at, kept);
    }

    /// Parity came. False: it is none.
    pub(crate) fn add(&mut self, kind: Kind, payload: &[u8]) -> bool {
        let set = match kind {
            Kind::Ulp => UlpFec::parse(payload).map(|fec| fec.protected()),
            Kind::Flex => FlexFec::parse(payload).map(|fec| fec.protected()),
        };
        let Some(set) = set else { return false };
        if self.parities.len() >= PARITIES {
            self.parities.pop_front();
            self.discarded += 1;
        }
        self.parities.push_back(Parity {
            kind,
            payload: payload.to_vec(),
            set,
        });
        true
    }

    /// A packet that can be recovered now: its extended number and its bytes. Parity that has given
    /// it, or has nothing to give, is gone.
    pub(crate) fn next(&mut self) -> Option<(u64, Vec<u8>)> {
        let near = self.packets.back()?.sequence_number;
        let mut at = 0;
        while at < self.parities.len() {
            let Some(lacking) = self.lacking(&self.parities[at], near) else {
                at += 1;
                continue;
            };
            let parity = self.parities.remove(at)?;
            let recovered = lacking.and_then(|number| self.recover(&parity, number, near));
            if recovered.is_some() {
                return recovered;
            }
            self.discarded += 1;
        }
        None
    }

    /// The one packet that parity can give; an inner `None` if it has nothing to give any more, an
    /// outer one if too many others are missing.
    fn lacking(&self, parity: &Parity, near: u64) -> Option<Option<u64>> {
        let numbers = parity.set.iter().map(|number| Seq16(number).extend(near));
        let mut missing = numbers.filter(|number| self.get(*number).is_none());
        let first = missing.next();
        match missing.next() {
            None => Some(first),
            Some(_) => None,
        }
    }

    fn get(&self, sequence_number: u64) -> Option<&Kept> {
        let number = |kept: &Kept| kept.sequence_number;
        let at = self.packets.binary_search_by_key(&sequence_number, number);
        self.packets.get(at.ok()?)
    }

    fn recover(&self, parity: &Parity, lacking: u64, near: u64) -> Option<(u64, Vec<u8>)> {
        let numbers = parity.set.iter().map(|number| Seq16(number).extend(near));
        let others = numbers.filter_map(|number| self.get(number));
        let sequence = lacking as u16;
        let mut out = Vec::new();
        let whole = match parity.kind {
            Kind::Flex => {
                let others = others.filter_map(|kept| Protected::packet(&kept.datagram));
                FlexFec::parse(&parity.payload)?.recover(sequence, others, &mut out)
            }
            Kind::Ulp => {
                let others = others.filter_map(|kept| match kept.in_red {
                    true => Protected::without_red(&kept.datagram),
                    false => Protected::packet(&kept.datagram),
                });
                UlpFec::parse(&parity.payload)?.recover(self.ssrc, sequence, others, &mut out)
            }
        };
        whole.then_some((lacking, out))
    }
}

#[cfg(test)]
mod tests {
    use duologue_rtp::fec::Protector;

    use super::*;

    const SSRC: Ssrc = Ssrc(5);

    fn packet(number: u64) -> Vec<u8> {
        let [high, low] = (number as u16).to_be_bytes();
        vec![0x80, 96, high, low, 0, 0, 0, 9, 0, 0, 0, 5, b'p', low, low]
    }

    fn parity(numbers: impl Iterator<Item = u64>) -> Vec<u8> {
        let mut protector = Protector::default();
        for number in numbers {
            let packet = packet(number);
            let packet = Protected::packet(&packet).expect("a packet");
            assert!(protector.add(packet, FlexFec::MAX_SPAN));
        }
        let mut payload = Vec::new();
        assert!(protector.write_flex(SSRC, &mut payload));
        payload
    }

    #[test]
    fn what_came_back_helps_to_recover_the_next_one() {
        let mut recovery = Recovery::new(SSRC);
        // Across the wrap of 16 bits; 65,537 and 65,539 are lost.
        let lost = [0x1_0001, 0x1_0003];
        for number in (0xfffe..0x1_0004).filter(|number| !lost.contains(number)) {
            recovery.keep(number, &packet(number), None);
        }
        assert!(recovery.add(Kind::Flex, &parity(0xfffe..0x1_0004)));
        assert_eq!(recovery.next(), None);
        assert!(recovery.add(Kind::Flex, &parity(0x1_0000..0x1_0002)));
        assert_eq!(recovery.next(), Some((lost[0], packet(lost[0]))));
        recovery.keep(lost[0], &packet(lost[0]), None);
        assert_eq!(recovery.next(), Some((lost[1], packet(lost[1]))));
        assert!(recovery.parities.is_empty());
        assert_eq!(recovery.discarded(), 0);
        // Nothing of it is missing any more.
        assert!(recovery.add(Kind::Flex, &parity(0x1_0000..0x1_0002)));
        assert_eq!(recovery.next(), None);
        assert_eq!(recovery.discarded(), 1);
    }

    #[test]
    fn a_flood_is_bounded() {
        let mut recovery = Recovery::new(SSRC);
        for number in 0..10_000 {
            recovery.keep(number * 3, &packet(number * 3), None);
            assert!(recovery.add(Kind::Flex, &parity(number..number + 90)));
            assert_eq!(recovery.next(), None);
        }
        assert_eq!(recovery.packets.len(), PROTECTED_PACKETS);
        assert_eq!(recovery.parities.len(), PARITIES);
        assert!(!recovery.add(Kind::Ulp, &[1, 2, 3]));
    }
}

//! Messages: the part of DNS that this crate reads and writes.

use std::net::IpAddr;
use std::time::Duration;

use duologue_base::MdnsName;
use simple_dns::rdata::{A, AAAA, NSEC, RData};
use simple_dns::{CLASS, Name, Packet, PacketFlag, QCLASS, QTYPE, Question, ResourceRecord, TYPE};

use crate::limits;

/// A message as far as it is about candidates' names.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Message {
    Query {
        id: u16,
        questions: Vec<Asked>,
        /// RFC 6762 §7.1: answers that the querier has already.
        known: Vec<Record>,
    },
    Response(Vec<Record>),
}

/// A question about one name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Asked {
    pub(crate) name: MdnsName,
    pub(crate) kind: Kind,
    /// RFC 6762 §5.4: the answer may be unicast.
    pub(crate) unicast: bool,
}

/// Which records are asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Ipv4,
    Ipv6,
    Any,
}

/// An address of a name; a lifetime of zero takes it back (RFC 6762 §10.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Record {
    pub(crate) name: MdnsName,
    pub(crate) address: IpAddr,
    pub(crate) ttl: Duration,
}

/// It is not a message, or one that is too large.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Malformed;

/// How records are sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Reply {
    /// To all, or to one that takes part in multicast DNS.
    Multicast,
    /// To a resolver that does not (RFC 6762 §6.7), in answer to this query.
    Legacy { id: u16 },
}

impl Message {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        // The parser makes room for as many entries as the header says.
        if bytes.len() > limits::MESSAGE_LEN || entries(bytes).ok_or(Malformed)? > limits::ENTRIES {
            return Err(Malformed);
        }
        let packet = Packet::parse(bytes).map_err(|_| Malformed)?;
        let records = packet.answers.iter().filter_map(record);
        if packet.has_flags(PacketFlag::RESPONSE) {
            let additional = packet.additional_records.iter().filter_map(record);
            return Ok(Message::Response(records.chain(additional).collect()));
        }
        let questions = packet.questions.iter().filter_map(asked);
        Ok(Message::Query {
            id: packet.id(),
            questions: questions.take(limits::QUESTIONS).collect(),
            known: records.collect(),
        })
    }
}

/// A query for both kinds of addresses of these names.
pub(crate) fn write_query(names: &[MdnsName], unicast: bool) -> Vec<u8> {
    let texts: Vec<String> = names.iter().map(MdnsName::to_string).collect();
    let mut packet = Packet::new_query(0);
    for text in &texts {
        for kind in [TYPE::A, TYPE::AAAA] {
            let name = Name::new_unchecked(text);
            let class = QCLASS::CLASS(CLASS::IN);
            let question = Question::new(name, QTYPE::TYPE(kind), class, unicast);
            packet.questions.push(question);
        }
    }
    bytes(&packet)
}

/// A response with these records.
pub(crate) fn write_response(records: &[Record], reply: Reply, asked: &[Asked]) -> Vec<u8> {
    let texts: Vec<String> = records.iter().map(|r| r.name.to_string()).collect();
    let questions: Vec<String> = asked.iter().map(|a| a.name.to_string()).collect();
    let id = match reply {
        Reply::Multicast => 0,
        Reply::Legacy { id } => id,
    };
    let mut packet = Packet::new_reply(id);
    packet.set_flags(PacketFlag::AUTHORITATIVE_ANSWER);
    if let Reply::Legacy { .. } = reply {
        for (asked, text) in asked.iter().zip(&questions) {
            packet.questions.push(question(asked, text));
        }
    }
    for (record, text) in records.iter().zip(&texts) {
        let (data, kind) = match record.address {
            IpAddr::V4(ip) => (RData::A(A::from(ip)), TYPE::A),
            IpAddr::V6(ip) => (RData::AAAA(AAAA::from(ip)), TYPE::AAAA),
        };
        let seconds = record.ttl.as_secs() as u32;
        // RFC 6762 §10.2: the record is the only one of its name; not for those who would take
        // the bit for a part of the class.
        let only = reply == Reply::Multicast;
        let of = |data| {
            let name = Name::new_unchecked(text);
            ResourceRecord::new(name, CLASS::IN, seconds, data).with_cache_flush(only)
        };
        packet.answers.push(of(data));
        if !record.ttl.is_zero() {
            // RFC 6762 §6.1: there is no address of the other kind, nobody needs to wait for it.
            let none = NSEC::from_types(Name::new_unchecked(text), &[kind]);
            packet.additional_records.push(of(RData::NSEC(none)));
        }
    }
    bytes(&packet)
}

fn question<'a>(asked: &Asked, text: &'a str) -> Question<'a> {
    let kind = match asked.kind {
        Kind::Ipv4 => QTYPE::TYPE(TYPE::A),
        Kind::Ipv6 => QTYPE::TYPE(TYPE::AAAA),
        Kind::Any => QTYPE::ANY,
    };
    let name = Name::new_unchecked(text);
    Question::new(name, kind, QCLASS::CLASS(CLASS::IN), false)
}

fn bytes(packet: &Packet<'_>) -> Vec<u8> {
    packet
        .build_bytes_vec_compressed()
        .expect("a vector takes every byte, and the names are short")
}

/// How many entries the header promises; none if there is no header.
fn entries(bytes: &[u8]) -> Option<usize> {
    let counts = bytes.get(4..12)?.chunks_exact(2);
    Some(
        counts
            .map(|n| usize::from(u16::from_be_bytes([n[0], n[1]])))
            .sum(),
    )
}

fn asked(question: &Question<'_>) -> Option<Asked> {
    if !matches!(question.qclass, QCLASS::CLASS(CLASS::IN) | QCLASS::ANY) {
        return None;
    }
    Some(Asked {
        name: name(&question.qname)?,
        kind: match question.qtype {
            QTYPE::TYPE(TYPE::A) => Kind::Ipv4,
            QTYPE::TYPE(TYPE::AAAA) => Kind::Ipv6,
            QTYPE::ANY => Kind::Any,
            _ => return None,
        },
        unicast: question.unicast_response,
    })
}

fn record(record: &ResourceRecord<'_>) -> Option<Record> {
    if record.class != CLASS::IN {
        return None;
    }
    Some(Record {
        name: name(&record.name)?,
        address: match &record.rdata {
            RData::A(a) => IpAddr::V4(a.address.into()),
            RData::AAAA(aaaa) => IpAddr::V6(aaaa.address.into()),
            _ => return None,
        },
        ttl: Duration::from_secs(record.ttl.into()).min(limits::TTL),
    })
}

fn name(name: &Name<'_>) -> Option<MdnsName> {
    match name.get_labels() {
        [label, domain]
            if domain
                .as_ref()
                .eq_ignore_ascii_case(MdnsName::DOMAIN.as_bytes()) =>
        {
            MdnsName::from_label(label.as_ref())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use duologue_base::Rng;

    use super::*;

    fn record(seed: u64, address: &str, ttl: Duration) -> Record {
        Record {
            name: MdnsName::random(&mut Rng::from_u64(seed)),
            address: address.parse().unwrap(),
            ttl,
        }
    }

    #[test]
    fn queries_and_responses_are_read_as_they_were_written() {
        let name = MdnsName::random(&mut Rng::from_u64(1));
        let asked = |kind| Asked {
            name,
            kind,
            unicast: true,
        };
        assert_eq!(
            Message::parse(&write_query(&[name], true)),
            Ok(Message::Query {
                id: 0,
                questions: vec![asked(Kind::Ipv4), asked(Kind::Ipv6)],
                known: vec![],
            })
        );
        let records = [
            record(1, "192.0.2.1", limits::TTL),
            record(2, "2001:db8::1", Duration::ZERO),
        ];
        assert_eq!(
            Message::parse(&write_response(&records, Reply::Multicast, &[])),
            Ok(Message::Response(records.to_vec()))
        );
    }

    #[test]
    fn a_full_message_of_ours_fits_any_link() {
        let names: Vec<_> = (0..limits::NAMES_PER_MESSAGE as u64)
            .map(|seed| record(seed, "2001:db8::1", limits::TTL))
            .collect();
        assert!(write_response(&names, Reply::Multicast, &[]).len() <= 1232);
        let names: Vec<_> = names.iter().map(|record| record.name).collect();
        assert!(write_query(&names, true).len() <= 1232);
    }

    #[test]
    fn a_resolver_without_multicast_finds_its_question_again() {
        let record = record(1, "192.0.2.1", limits::LEGACY_TTL);
        let asked = Asked {
            name: record.name,
            kind: Kind::Ipv4,
            unicast: false,
        };
        let bytes = write_response(&[record], Reply::Legacy { id: 0x1234 }, &[asked]);
        let packet = Packet::parse(&bytes).unwrap();
        assert_eq!(packet.id(), 0x1234);
        assert_eq!(packet.questions.len(), 1);
        assert!(!packet.answers[0].cache_flush);
    }

    #[test]
    fn a_header_that_promises_too_much_costs_nothing() {
        let mut bytes = write_query(&[MdnsName::random(&mut Rng::from_u64(1))], false);
        bytes[4..6].copy_from_slice(&u16::MAX.to_be_bytes());
        assert_eq!(Message::parse(&bytes), Err(Malformed));
        assert_eq!(Message::parse(&[]), Err(Malformed));
        assert_eq!(Message::parse(&[0; 10_000]), Err(Malformed));
    }

    #[test]
    fn names_of_another_form_are_not_heard_of() {
        let mut packet = Packet::new_reply(0);
        for other in [
            "printer.local",
            "1f4712db-ea17-4bcf-a596-105139dfd8bf.example",
        ] {
            let data = RData::A(A {
                address: 0x7f00_0001,
            });
            let record = ResourceRecord::new(Name::new_unchecked(other), CLASS::IN, 120, data);
            packet.answers.push(record);
        }
        assert_eq!(
            Message::parse(&bytes(&packet)),
            Ok(Message::Response(vec![]))
        );
    }
}

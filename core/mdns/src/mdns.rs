use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};

use duologue_base::{Instant, MdnsName};

use crate::cache::Cache;
use crate::limits;
use crate::link::{Link, Source};
use crate::message::{self, Asked, Message, Record, Reply};
use crate::querier::Querier;
use crate::responder::Responder;

/// Where a datagram goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Destination {
    /// The multicast DNS group of the link's family, port 5353.
    Group,
    /// One host, by its address.
    Host(SocketAddr),
}

/// A datagram to send.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Transmit {
    /// The link to send the datagram on.
    pub link: Link,
    /// The socket to send the datagram from.
    pub source: Source,
    /// The destination of the datagram.
    pub destination: Destination,
    /// The datagram's content.
    pub bytes: Vec<u8>,
}

/// What an [`Mdns`] tells its owner.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Event {
    /// The answer to [`Mdns::resolve`].
    Resolved {
        /// The name.
        name: MdnsName,
        /// The addresses of the name; none when nobody answers. A candidate's name has one.
        addresses: Vec<IpAddr>,
    },
}

/// What was received and not acted on, and what was too much.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counters {
    /// Datagrams that are no message, or too large a one.
    pub malformed: u64,
    /// Names, questions, answers or events above a limit.
    pub over_limit: u64,
}

/// Multicast DNS of one host.
///
/// * Inputs: [`set_links`](Self::set_links), [`announce`](Self::announce),
///   [`withdraw`](Self::withdraw), [`resolve`](Self::resolve),
///   [`handle_datagram`](Self::handle_datagram), [`handle_timeout`](Self::handle_timeout).
/// * Outputs: [`poll_transmit`](Self::poll_transmit) and [`poll_event`](Self::poll_event) until
///   they give nothing more, then [`poll_timeout`](Self::poll_timeout) for when time is to pass.
#[derive(Debug, Default)]
pub struct Mdns {
    links: Vec<Link>,
    responder: Responder,
    querier: Querier,
    cache: Cache,
    transmits: VecDeque<Transmit>,
    events: VecDeque<Event>,
    counters: Counters,
}

impl Mdns {
    /// The links that there are. Names are announced on new ones.
    pub fn set_links(&mut self, now: Instant, links: &[Link]) {
        self.links = links.iter().take(limits::LINKS).copied().collect();
        self.responder.set_links(now, &self.links);
        let links = &self.links;
        self.transmits.retain(|t| links.contains(&t.link));
    }

    /// Answers for a name from now on. A name has one address for its whole life: a known one is
    /// left as it is.
    pub fn announce(&mut self, now: Instant, name: MdnsName, address: IpAddr) {
        if !self.responder.add(now, name, address, &self.links) {
            self.counters.over_limit += 1;
        }
        // The peer may be in this process.
        self.conclude(now, name);
    }

    /// The name is not used any more, which all are told (RFC 6762 §10.1).
    pub fn withdraw(&mut self, name: MdnsName) {
        let Some(goodbye) = self.responder.remove(name) else {
            return;
        };
        for link in self.links.clone() {
            let bytes = message::write_response(&[goodbye], Reply::Multicast, &[]);
            self.send(link, Source::Shared, Destination::Group, bytes);
        }
    }

    /// Finds the address of a name; [`Event::Resolved`] tells it.
    pub fn resolve(&mut self, now: Instant, name: MdnsName) {
        if !self.querier.ask(now, name) {
            self.counters.over_limit += 1;
            self.push_event(Event::Resolved {
                name,
                addresses: Vec::new(),
            });
        }
        self.conclude(now, name);
    }

    /// A datagram arrived at one of the sockets of a link.
    pub fn handle_datagram(&mut self, now: Instant, link: Link, from: SocketAddr, bytes: &[u8]) {
        match Message::parse(bytes) {
            Ok(Message::Query {
                id,
                questions,
                known,
            }) => self.handle_query(now, link, from, id, &questions, &known),
            // RFC 6762 §6: "the source UDP port in all Multicast DNS responses MUST be 5353", and
            // others are to be ignored.
            Ok(Message::Response(_)) if from.port() != PORT => self.counters.malformed += 1,
            Ok(Message::Response(records)) => self.handle_response(now, &records),
            Err(message::Malformed) => self.counters.malformed += 1,
        }
    }

    /// The next datagram to send.
    pub fn poll_transmit(&mut self, now: Instant) -> Option<Transmit> {
        if self.transmits.is_empty() {
            self.send_due(now);
        }
        self.transmits.pop_front()
    }

    /// What happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout), then to poll.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let responder = match self.links.is_empty() {
            true => None,
            false => self.responder.timeout(),
        };
        [responder, self.querier.timeout()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Gives up what nobody answered.
    pub fn handle_timeout(&mut self, now: Instant) {
        for name in self.querier.take_given_up(now) {
            self.push_event(Event::Resolved {
                name,
                addresses: Vec::new(),
            });
        }
    }

    /// Whether nothing is announced and nothing asked for: the sockets may go.
    pub fn is_idle(&self) -> bool {
        self.responder.is_empty() && self.querier.is_empty() && self.transmits.is_empty()
    }

    /// What was received and not acted on.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    fn handle_query(
        &mut self,
        now: Instant,
        link: Link,
        from: SocketAddr,
        id: u16,
        questions: &[Asked],
        known: &[Record],
    ) {
        // RFC 6762 §6.7: a resolver that knows nothing of multicast asks from another port.
        let legacy = from.port() != PORT;
        let mut unicast: Vec<(Asked, Record)> = Vec::new();
        for asked in questions {
            let Some(mut record) = self.responder.answer(asked, known) else {
                continue;
            };
            if legacy {
                record.ttl = limits::LEGACY_TTL;
            }
            if legacy || asked.unicast {
                unicast.push((*asked, record));
            } else {
                self.responder.request(now, record.name, link);
            }
        }
        unicast.truncate(2 * limits::NAMES_PER_MESSAGE);
        if unicast.is_empty() {
            return;
        }
        let asked: Vec<Asked> = unicast.iter().map(|(asked, _)| *asked).collect();
        let mut records: Vec<Record> = unicast.iter().map(|(_, record)| *record).collect();
        records.dedup();
        let reply = match legacy {
            true => Reply::Legacy { id },
            false => Reply::Multicast,
        };
        let bytes = message::write_response(&records, reply, &asked);
        self.send(link, Source::Shared, Destination::Host(from), bytes);
    }

    fn handle_response(&mut self, now: Instant, records: &[Record]) {
        self.cache.learn(now, records);
        for record in records {
            self.conclude(now, record.name);
        }
    }

    /// Answers the question for a name, if it was asked and the answer is known.
    fn conclude(&mut self, now: Instant, name: MdnsName) {
        let addresses = match self.responder.get(name) {
            Some(own) => vec![own],
            None => match self.cache.get(now, name) {
                Some(known) => known.to_vec(),
                None => return,
            },
        };
        if self.querier.take(name) {
            self.push_event(Event::Resolved { name, addresses });
        }
    }

    /// Queues what is due on every link.
    fn send_due(&mut self, now: Instant) {
        let queries = [Source::Own, Source::Shared]
            .map(|source| (source, self.querier.take_due(now, source)));
        for link in self.links.clone() {
            let records = self.responder.take_due(now, link);
            for records in records.chunks(limits::NAMES_PER_MESSAGE) {
                let bytes = message::write_response(records, Reply::Multicast, &[]);
                self.send(link, Source::Shared, Destination::Group, bytes);
            }
            for (source, names) in &queries {
                for names in names.chunks(limits::NAMES_PER_MESSAGE) {
                    let bytes = message::write_query(names, *source == Source::Own);
                    self.send(link, *source, Destination::Group, bytes);
                }
            }
        }
    }

    fn send(&mut self, link: Link, source: Source, destination: Destination, bytes: Vec<u8>) {
        if self.transmits.len() >= limits::TRANSMITS {
            self.counters.over_limit += 1;
            return;
        }
        self.transmits.push_back(Transmit {
            link,
            source,
            destination,
            bytes,
        });
    }

    fn push_event(&mut self, event: Event) {
        if self.events.len() >= limits::EVENTS {
            self.events.pop_front();
            self.counters.over_limit += 1;
        }
        self.events.push_back(event);
    }

    #[cfg(test)]
    pub(crate) fn cached(&self) -> usize {
        self.cache.len()
    }
}

/// The port of multicast DNS.
pub(crate) const PORT: u16 = 5353;

#[cfg(test)]
mod tests;

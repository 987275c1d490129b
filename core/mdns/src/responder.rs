use std::net::IpAddr;
use std::time::Duration;

use duologue_base::{Instant, MdnsName};

use crate::limits;
use crate::link::Link;
use crate::message::{Asked, Kind, Record};

/// The names of this host's addresses.
#[derive(Debug, Default)]
pub(crate) struct Responder(Vec<Announced>);

#[derive(Debug)]
struct Announced {
    name: MdnsName,
    address: IpAddr,
    schedules: Vec<Schedule>,
}

/// When a record is multicast on a link.
#[derive(Clone, Copy, Debug)]
struct Schedule {
    link: Link,
    /// Announcements that are left.
    announcements: u32,
    last: Option<Instant>,
    due: Option<Instant>,
}

impl Schedule {
    fn new(now: Instant, link: Link) -> Self {
        Schedule {
            link,
            announcements: limits::ANNOUNCEMENTS,
            last: None,
            due: Some(now),
        }
    }

    /// RFC 6762 §6: not again within a second of the last time.
    fn request(&mut self, now: Instant) {
        let earliest = self
            .last
            .map_or(now, |last| last + limits::MULTICAST_INTERVAL);
        self.due.get_or_insert(earliest.max(now));
    }

    fn sent(&mut self, now: Instant) {
        self.announcements = self.announcements.saturating_sub(1);
        self.last = Some(now);
        self.due = (self.announcements > 0).then(|| now + limits::MULTICAST_INTERVAL);
    }
}

impl Responder {
    /// Announces a name; false when there are too many already.
    pub(crate) fn add(
        &mut self,
        now: Instant,
        name: MdnsName,
        address: IpAddr,
        links: &[Link],
    ) -> bool {
        if self.get(name).is_some() {
            return true;
        }
        if self.0.len() >= limits::NAMES {
            return false;
        }
        let schedules = links.iter().map(|&link| Schedule::new(now, link));
        self.0.push(Announced {
            name,
            address,
            schedules: schedules.collect(),
        });
        true
    }

    /// Takes a name back: the record that says so.
    pub(crate) fn remove(&mut self, name: MdnsName) -> Option<Record> {
        let at = self.0.iter().position(|known| known.name == name)?;
        let gone = self.0.swap_remove(at);
        Some(gone.record(Duration::ZERO))
    }

    pub(crate) fn get(&self, name: MdnsName) -> Option<IpAddr> {
        let mut known = self.0.iter();
        Some(known.find(|known| known.name == name)?.address)
    }

    /// The links changed: names are announced on the new ones.
    pub(crate) fn set_links(&mut self, now: Instant, links: &[Link]) {
        for announced in &mut self.0 {
            let schedules = &mut announced.schedules;
            schedules.retain(|schedule| links.contains(&schedule.link));
            for &link in links {
                if schedules.iter().all(|schedule| schedule.link != link) {
                    schedules.push(Schedule::new(now, link));
                }
            }
        }
    }

    /// The record that answers a question, unless the querier knows it already (RFC 6762 §7.1:
    /// with at least half of its lifetime left).
    pub(crate) fn answer(&self, asked: &Asked, known: &[Record]) -> Option<Record> {
        let announced = self.0.iter().find(|known| known.name == asked.name)?;
        let record = announced.record(limits::TTL);
        let is_known = known.iter().any(|known| {
            (known.name, known.address) == (record.name, record.address)
                && known.ttl >= limits::TTL / 2
        });
        // A question for the other kind of address is answered as well: the record that comes
        // with ours says that there is none (RFC 6762 §6.1).
        let asks_for_it = match asked.kind {
            Kind::Ipv4 => announced.address.is_ipv4(),
            Kind::Ipv6 => announced.address.is_ipv6(),
            Kind::Any => true,
        };
        (!(asks_for_it && is_known)).then_some(record)
    }

    /// Multicasts a record on a link as soon as it may be.
    pub(crate) fn request(&mut self, now: Instant, name: MdnsName, link: Link) {
        let announced = self.0.iter_mut().find(|known| known.name == name);
        let schedules = announced.into_iter().flat_map(|a| &mut a.schedules);
        for schedule in schedules.filter(|schedule| schedule.link == link) {
            schedule.request(now);
        }
    }

    /// The records to multicast on a link now, which then count as sent.
    pub(crate) fn take_due(&mut self, now: Instant, link: Link) -> Vec<Record> {
        let due = |announced: &mut Announced| {
            let mut schedules = announced.schedules.iter_mut();
            let schedule = schedules.find(|schedule| schedule.link == link)?;
            if schedule.due? > now {
                return None;
            }
            schedule.sent(now);
            Some(announced.record(limits::TTL))
        };
        self.0.iter_mut().filter_map(due).collect()
    }

    pub(crate) fn timeout(&self) -> Option<Instant> {
        let schedules = self.0.iter().flat_map(|announced| &announced.schedules);
        schedules.filter_map(|schedule| schedule.due).min()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Announced {
    fn record(&self, ttl: Duration) -> Record {
        Record {
            name: self.name,
            address: self.address,
            ttl,
        }
    }
}

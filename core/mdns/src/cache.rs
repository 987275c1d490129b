use std::net::IpAddr;

use duologue_base::{Instant, MdnsName};

use crate::limits;
use crate::message::Record;

/// What was heard of other hosts' names, while it is true.
#[derive(Debug, Default)]
pub(crate) struct Cache(Vec<Known>);

#[derive(Debug)]
struct Known {
    name: MdnsName,
    addresses: Vec<IpAddr>,
    until: Instant,
}

impl Cache {
    /// A name's addresses.
    pub(crate) fn get(&self, now: Instant, name: MdnsName) -> Option<&[IpAddr]> {
        let mut known = self.0.iter();
        let known = known.find(|known| known.name == name && known.until > now)?;
        Some(&known.addresses)
    }

    /// The records of one response: they replace what was known of their names, because names of
    /// candidates have one address (RFC 6762 §10.2).
    pub(crate) fn learn(&mut self, now: Instant, records: &[Record]) {
        for record in records {
            self.0.retain(|known| known.name != record.name);
        }
        self.0.retain(|known| known.until > now);
        for record in records.iter().filter(|record| !record.ttl.is_zero()) {
            self.add(now, record);
        }
    }

    fn add(&mut self, now: Instant, record: &Record) {
        let same = |known: &&mut Known| known.name == record.name;
        if let Some(known) = self.0.iter_mut().find(same) {
            let addresses = &mut known.addresses;
            if !addresses.contains(&record.address) && addresses.len() < limits::ADDRESSES {
                addresses.push(record.address);
            }
            return;
        }
        if self.0.len() >= limits::CACHED {
            // The oldest: a flood of names ends before the names that are in use.
            self.0.remove(0);
        }
        self.0.push(Known {
            name: record.name,
            addresses: vec![record.address],
            until: now + record.ttl,
        });
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

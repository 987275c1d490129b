//! Bounds of everything that another party, or the network, could make grow.

use std::time::Duration;

/// Interfaces, each family counted apart, that names are announced and asked for on.
pub(crate) const LINKS: usize = 32;
/// Names announced at once.
pub(crate) const NAMES: usize = 4096;
/// Names asked for at once.
pub(crate) const QUERIES: usize = 256;
/// Names heard of and remembered.
pub(crate) const CACHED: usize = 256;
/// Addresses of one name that are remembered. Two say already that it is no candidate's.
pub(crate) const ADDRESSES: usize = 4;
/// Datagrams that wait to be sent.
pub(crate) const TRANSMITS: usize = 1024;
/// Results that wait to be taken.
pub(crate) const EVENTS: usize = 1024;

/// RFC 6762 §17: the largest message, with IP and UDP headers.
pub(crate) const MESSAGE_LEN: usize = 9000;
/// Questions and records of a message that are read: a larger one is ignored.
pub(crate) const ENTRIES: usize = 256;
/// Names in one message of ours, so that it fits the least MTU of IPv6.
pub(crate) const NAMES_PER_MESSAGE: usize = 8;
/// RFC 6762 §18.14 allows a message of another implementation what it wants; one of ours that is
/// about other questions is not answered at length.
pub(crate) const QUESTIONS: usize = 64;

/// RFC 6762 §10: "The recommended TTL value for Multicast DNS resource records with a host name
/// […] is 120 seconds."
pub(crate) const TTL: Duration = Duration::from_secs(120);
/// RFC 6762 §6.7: what resolvers that do not take part may cache for.
pub(crate) const LEGACY_TTL: Duration = Duration::from_secs(10);
/// RFC 6762 §6: a record is multicast again on a link after so long at the earliest.
pub(crate) const MULTICAST_INTERVAL: Duration = Duration::from_secs(1);
/// RFC 6762 §8.3: "at least two unsolicited responses, one second apart".
pub(crate) const ANNOUNCEMENTS: u32 = 2;
/// A name is asked for at 0, 1 and 3 s (RFC 6762 §5.2: after a second, then in doubling
/// intervals).
pub(crate) const QUERY_SENDS: u32 = 3;
/// How long the first query is waited for.
pub(crate) const QUERY_INTERVAL: Duration = Duration::from_secs(1);
/// How long the last query is waited for.
pub(crate) const QUERY_LAST_WAIT: Duration = Duration::from_secs(2);

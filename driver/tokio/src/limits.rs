//! Every bound of this crate.

use std::time::Duration;

/// Receive calls of one turn of a session, over all its sockets: commands and timers are looked at
/// at least this often while datagrams keep coming.
pub(crate) const RECEIVES_PER_TURN: usize = 4;

/// Datagrams of one turn of a session that are received before what they brought is handed on, but for
/// those of the call that passes it.
pub(crate) const DATAGRAMS_PER_TURN: usize = 256;

/// Packets and frames of media that a session hands on before it lets other tasks of its thread run,
/// their reader among them, who has a bounded queue. What a task wakes is first of all its own
/// thread's, and no other thread takes that away.
pub(crate) const MEDIA_PER_POLL: usize = 256;

/// Trains that one turn of a session sends.
pub(crate) const TRANSMITS_PER_TURN: usize = 16;

/// Bytes that one turn of a session sends, but for the train that passes it: 2 ms at 1 Gbit/s.
pub(crate) const TRANSMIT_BYTES_PER_TURN: usize = 256 << 10;

/// Turns of a session before it lets other tasks of its thread run.
pub(crate) const TURNS_PER_POLL: usize = 4;

/// What waits to be taken by a session's task, in bytes. A session holds half of it in messages to
/// send before it closes channels; who brings it here has a task that does not run, or gives
/// commands without end. The session ends then.
pub(crate) const WAITING_INPUT_BYTES: usize = 512 << 20;

/// What one input counts besides the bytes that it carries.
pub(crate) const INPUT_COST: usize = 256;

/// Reports of a connection that wait for another thread to take them.
pub(crate) const WAITING_REPORTS: usize = 65_536;

/// Entries of a record that wait to be written to its file; further ones are lost and counted.
pub(crate) const RECORDS_WAITING: usize = 16_384;

/// Commands that a session's queue keeps memory for between turns.
pub(crate) const IDLE_QUEUE_CAPACITY: usize = 4;

/// Sockets of one session; a request for more is refused.
pub(crate) const SOCKETS_PER_SESSION: usize = 256;

/// Bytes of datagrams that wait for one session of a shared port; further ones are dropped and
/// counted, as a full socket buffer would.
pub(crate) const SHARED_QUEUE_BYTES: usize = 1 << 20;

/// The same of all sessions together, for each socket of a shared port.
pub(crate) const SHARED_BACKLOG_BYTES: usize = 64 << 20;

/// Sockets that a shared port has on one address, for as many threads.
pub(crate) const SHARED_SOCKETS: usize = 16;

/// A session whose datagrams come from a shared socket receives for all, when nobody did for so
/// long.
pub(crate) const RECEIVER_LATE: Duration = Duration::from_millis(1);

/// Receive calls of one turn of a shared socket. Far more than a session's: between two turns of
/// this one task, all sessions may have had theirs, and all that came meanwhile waits in one
/// buffer of the system.
pub(crate) const SHARED_RECEIVES_PER_TURN: usize = 64;

/// Addresses that sessions lost and that a receiver of a shared port remembers at least before it
/// looks for them.
pub(crate) const FORGET_AFTER: u64 = 64;

/// Remote addresses that one session of a shared port owns at a time; it checks as many pairs of one
/// socket at most, of those that it has at a time.
pub(crate) const REMOTES_PER_SESSION: usize = 256;

/// Questions to STUN servers that one session of a shared port may have open.
pub(crate) const QUESTIONS_PER_SESSION: usize = 32;

/// Ports of a range that are tried for one socket.
pub(crate) const PORT_TRIES: u32 = 256;

/// How long a list of the host's interfaces is taken for current.
pub(crate) const INTERFACES_FRESH: Duration = Duration::from_secs(1);

/// How often a running endpoint looks for changes of the interfaces where the system does not tell
/// of them.
pub(crate) const INTERFACES_INTERVAL: Duration = Duration::from_secs(2);

/// The same where it does.
pub(crate) const INTERFACES_INTERVAL_TOLD: Duration = Duration::from_secs(30);

/// How long changes that the system tells of are let settle: they come in swarms.
pub(crate) const INTERFACES_SETTLE: Duration = Duration::from_millis(100);

/// Interfaces, each family counted apart, that multicast DNS is spoken on.
pub(crate) const MDNS_LINKS: usize = 16;

/// The largest message of multicast DNS (RFC 6762 §17).
pub(crate) const MDNS_MESSAGE_LEN: usize = 9000;

/// Requests of sessions for names that wait for the task of multicast DNS; further ones are dropped.
pub(crate) const NAME_REQUESTS: usize = 16_384;

/// Messages of multicast DNS that are read before other tasks of the thread run.
pub(crate) const MDNS_RECEIVES_PER_TURN: usize = 64;

/// How long the sockets of multicast DNS are kept after nothing needs them.
pub(crate) const MDNS_LINGER: Duration = Duration::from_secs(10);

/// Bytes that wait to be written to one stream; a train that does not fit is dropped and counted,
/// as a full socket buffer would.
pub(crate) const STREAM_QUEUE_BYTES: usize = 256 << 10;

/// How long the certificate is valid that DTLS servers are shown if they ask for one.
pub(crate) const DTLS_CERTIFICATE_LIFE: Duration = Duration::from_secs(30 * 24 * 3600);

/// Datagrams that one turn of a session takes from a DTLS connection.
pub(crate) const DTLS_DATAGRAMS_PER_TURN: usize = 64;

/// Datagrams that wait to be sent on one DTLS connection: a few trains.
pub(crate) const DTLS_QUEUE: usize = 256;

/// How long a stream may take to be opened, with TLS. The session has less patience.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// How long a closed stream may take to write its last words.
pub(crate) const STREAM_LINGER: Duration = Duration::from_secs(3);

/// Connections that a listening socket of a session keeps for it.
pub(crate) const BACKLOG: u32 = 64;

/// Connections that one turn of a session takes.
pub(crate) const ACCEPTS_PER_TURN: usize = 8;

/// Connections at a shared port that have not said whom they are for; further ones are closed.
pub(crate) const UNKNOWN_STREAMS: usize = 256;

/// How long they may take to say so.
pub(crate) const FIRST_MESSAGE_TIMEOUT: Duration = Duration::from_secs(5);

/// The longest first message: no check is longer.
pub(crate) const FIRST_MESSAGE_BYTES: usize = 1500;

/// How long a listening socket waits that could not take a connection.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Checks of addresses that only signalling vouches for which all sessions of this process may have
/// sent without an answer: those of some hundred peers at once that are behind NATs. A check that is not
/// answered is seven datagrams.
pub(crate) const UNANSWERED_CHECKS: u32 = 4_096;

/// How long until there may be one more.
pub(crate) const UNANSWERED_CHECKS_INTERVAL: Duration = Duration::from_millis(1);

/// How long a session waits that may not send one: its peer's checks are answered, and asked back,
/// meanwhile.
pub(crate) const CHECKS_PAUSE: Duration = Duration::from_millis(50);

/// How often a socket error of one kind is told to the log.
pub(crate) const SOCKET_ERROR_INTERVAL: Duration = Duration::from_secs(1);

/// So many kinds at once.
pub(crate) const SOCKET_ERROR_KINDS: usize = 16;

/// How often a session adds what it counted to the metrics of its endpoint.
pub(crate) const METRICS_INTERVAL: Duration = Duration::from_secs(1);

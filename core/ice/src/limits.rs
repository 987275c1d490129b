//! Bounds of everything that another party, or the network, could make grow.

use std::time::Duration;

/// Generations that live at once: the stable one, a proposed one, and some that a restart in
/// quick succession has not let go of yet.
pub(crate) const GENERATIONS: usize = 4;
/// Local candidates of a generation, peer-reflexive ones included.
pub(crate) const LOCAL_CANDIDATES: usize = 64;
/// Remote candidates of a generation, peer-reflexive ones included.
pub(crate) const REMOTE_CANDIDATES: usize = 128;
/// Remote candidates whose names are being resolved. Signalling could make this host ask its
/// network for names of nobody (draft-ietf-mmusic-mdns-ice-candidates §6.1).
pub(crate) const UNRESOLVED: usize = 16;
/// RFC 8445 §6.1.2.5: pairs of a checklist; the recommended default.
pub(crate) const PAIRS: usize = 100;
/// Checks that came before the remote credentials and wait for them.
pub(crate) const EARLY_CHECKS: usize = 16;
/// Responses that wait to be sent.
pub(crate) const REPLIES: usize = 64;
/// Refusals of requests without proof of a password that leave in a row. Each is 2.4 times as large
/// as the smallest such request, whose source address anybody can forge.
pub(crate) const REFUSALS: u32 = 16;
/// How long until there may be one more.
pub(crate) const REFUSAL_INTERVAL: Duration = Duration::from_millis(100);
/// Requests that wait for their response, those that were given up but may still be answered
/// included.
pub(crate) const TRANSACTIONS: usize = 256;
/// Attribute types listed in one 420 response.
pub(crate) const UNKNOWN_ATTRIBUTES: usize = 8;
/// Events that wait to be taken. An owner that takes none loses the oldest.
pub(crate) const EVENTS: usize = 1024;

/// Servers of a configuration. webrtc-pc §4.2.1: "at least 32".
pub(crate) const SERVERS: usize = 64;
/// Addresses of one server's name.
pub(crate) const SERVER_ADDRESSES: usize = 8;
/// Pairs of socket and STUN server.
pub(crate) const PROBES: usize = 128;
/// Allocations at TURN servers.
pub(crate) const ALLOCATIONS: usize = 32;
/// Channels of one allocation, over its whole life.
pub(crate) const CHANNELS: usize = 1024;
/// RFC 8489 §14.9, §14.10: bytes of a realm or nonce.
pub(crate) const CHALLENGE_LEN: usize = 763;
/// How often in a row a TURN server may want other credentials for one request.
pub(crate) const REJECTIONS: u32 = 3;
/// How often in a row the nonce of one request may be too old when it arrives, each time with another
/// one to take: a server may let them live hardly longer than a round trip.
pub(crate) const STALE_NONCES: u32 = 16;
/// RFC 8656 §7.4: "The client SHOULD try three different client transport addresses before giving up
/// on this server", which takes it for a client that it had before.
pub(crate) const CLIENT_ADDRESSES: u32 = 3;
/// How often a TURN server may name another one.
pub(crate) const REDIRECTS: u32 = 3;
/// RFC 8656 §3.2: what is asked for.
pub(crate) const ALLOCATION_LIFETIME: Duration = Duration::from_secs(600);
/// RFC 8656 §8: an allocation is refreshed so long before its end.
pub(crate) const REFRESH_AHEAD: Duration = Duration::from_secs(60);
/// RFC 8656 §9: a permission lives 5 minutes; refreshing the channel renews it.
pub(crate) const CHANNEL_REFRESH: Duration = Duration::from_secs(240);
/// How long until a channel, or more life of an allocation, is asked for again after an error that passes: twice before the
/// permission, or the allocation, ends.
pub(crate) const TURN_RETRY: Duration = Duration::from_secs(25);
/// RFC 8656 §12: a channel lives 10 minutes.
pub(crate) const CHANNEL_LIFETIME: Duration = Duration::from_secs(600);
/// Characters of a server's reason phrase that are passed on.
pub(crate) const REASON_CHARS: usize = 128;
/// How long the host may take to resolve a name.
pub(crate) const RESOLVE_WAIT: Duration = Duration::from_secs(10);
/// How often a request to a server is sent at most: after 0, 0.5, 1.5, 3.5 and 7.5 s.
pub(crate) const SERVER_SENDS_MAX: u32 = 5;
/// How long the last of them is waited for.
pub(crate) const SERVER_LAST_WAIT: Duration = Duration::from_secs(2);
/// How long a server has to answer in all, and a stream to be opened before.
pub(crate) const SERVER_WAIT: Duration = Duration::from_millis(9_500);
/// Streams to servers.
pub(crate) const CONNECTIONS: usize = 64;
/// RFC 8445 §11: how often the NAT bindings of candidates are kept alive.
pub(crate) const BINDING_REFRESH: Duration = Duration::from_secs(15);

/// RFC 8445 §14.3: retransmission timeouts are never shorter.
pub(crate) const RTO_MIN: Duration = Duration::from_millis(500);
/// RFC 8489 §6.2.1: Rc, how often a request is sent at most.
pub(crate) const SENDS_MAX: u32 = 7;
/// RFC 8489 §6.2.2: Ti, how long a request over a stream is waited for.
pub(crate) const RELIABLE_WAIT: Duration = Duration::from_millis(39_500);
/// Streams to and from the other agent.
pub(crate) const PEER_STREAMS: usize = 64;
/// How long a stream to the other agent may take to be opened.
pub(crate) const CONNECT_WAIT: Duration = Duration::from_secs(10);
/// A stream that no pair uses is closed when it was not used for so long; one that was accepted
/// and brings no check, too.
pub(crate) const STREAM_REVIEW: Duration = Duration::from_secs(10);
/// RFC 8489 §6.2.1: Rm, how many RTOs the last of them is waited for.
pub(crate) const LAST_WAIT: u32 = 16;

/// RFC 7675 §5.1: consent is asked for every 5 s, varied by a fifth either way.
pub(crate) const CONSENT_INTERVAL: Duration = Duration::from_secs(5);
/// RFC 7675 §5.1: without a response for so long nothing may be sent.
pub(crate) const CONSENT_EXPIRY: Duration = Duration::from_secs(30);
/// A consent check unanswered for so long makes the transport disconnected: the next one, at most
/// 6 s later, had time to be answered too, so that one lost datagram disconnects nobody.
pub(crate) const SILENCE: Duration = Duration::from_millis(6_500);
/// The same when the other side checks another pair, which it does when its network changed.
/// Consent is then asked for every [`RTO_MIN`]: four times.
pub(crate) const PROBED_SILENCE: Duration = Duration::from_millis(1_700);
/// A pair that answered so recently is not asked again yet: both ends check many pairs at first. One that was silent is asked
/// so soon after data that comes on it.
pub(crate) const PROBE_AGE: Duration = Duration::from_secs(1);
/// A valid pair that is not in use stops being an alternative so long after its last response.
pub(crate) const SPARE_FRESHNESS: Duration = Duration::from_secs(10);
/// How often a pair that is not in use is asked whether it works again.
pub(crate) const SPARE_INTERVAL: Duration = Duration::from_secs(2);
/// A lite agent asks nothing: it is disconnected when the other side's consent checks, which come
/// at least every 6 s, stayed away twice.
pub(crate) const LITE_SILENCE: Duration = Duration::from_secs(15);

/// A replaced generation is kept until the other side's checks stayed away for so long: consent
/// checks come at least every 6 s while it has not seen the new pair nominated.
pub(crate) const RETIRED_LINGER: Duration = Duration::from_secs(10);

/// Datagrams of a handshake that wait to be carried by checks, or came with them: a flight with
/// post-quantum keys and two long certificates has fewer.
pub(crate) const EMBEDDED_DATAGRAMS: usize = 8;
/// The largest of them.
pub(crate) const EMBEDDED_BYTES: usize = 1500;
/// Datagrams that are acknowledged at a time: what draft-hancke-webrtc-sped recommends.
pub(crate) const EMBEDDED_ACKS: usize = 4;
/// How many messages carry datagrams of one flight: at 1,000 bytes each about the 14,600 bytes that
/// RFC 8445 appendix B.1 lets be under way. Other checks leave without.
pub(crate) const EMBEDDED_SENDS: u32 = 14;

/// NOMINATION has 24 bits (draft-thatcher-ice-renomination §4).
pub(crate) const NOMINATION_MAX: u32 = 0xff_ffff;
/// How long the controlling agent waits for better pairs than the first valid one: that pair's
/// round trip, within these bounds. Data flows meanwhile.
pub(crate) const NOMINATION_WAIT_MIN: Duration = Duration::from_millis(20);
/// See [`NOMINATION_WAIT_MIN`].
pub(crate) const NOMINATION_WAIT_MAX: Duration = Duration::from_millis(200);
/// How long it waits when the first valid pair goes through a TURN server: the first check on a
/// direct pair may have met a NAT that the other side's check had not opened yet, and is sent
/// again after [`RTO_MIN`].
pub(crate) const NOMINATION_WAIT_RELAYED: Duration = Duration::from_millis(1000);

/// The longest time between two checks that the other end can ask for (`a=ice-pacing`).
pub(crate) const MAX_PACING: Duration = Duration::from_secs(1);

//! Every bound of WHIP and WHEP.

use std::time::Duration;

/// Bytes of an answer of a server's: a description with many m-sections has some tens of KiB.
pub(super) const ANSWER_BYTES: usize = 256 << 10;
/// m-sections that a fragment may have.
pub(super) const SECTIONS: usize = 16;
/// Candidates of one fragment.
pub(super) const CANDIDATES: usize = 64;
/// Links of one answer, and ICE servers among them.
pub(super) const LINKS: usize = 32;
/// How long more candidates are waited for before those that are there go in one request (RFC 9725 §4.3.2).
pub(super) const TRICKLE_PAUSE: Duration = Duration::from_millis(50);
/// How often candidates are told again, in a row, to a server that does not take them now.
pub(super) const TRICKLE_TRIES: u32 = 5;
/// How long a connection may take.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(40);
/// ICE restarts in a row that lead to no connection, and requests for one that fail after ICE did.
pub(super) const RESTARTS: u32 = 5;
/// How long one may send without an answer (RFC 7675 §5.1).
pub(super) const CONSENT_TIME: Duration = Duration::from_secs(30);
/// Before the second request for a restart; longer before each one more, up to ten times that.
pub(super) const RESTART_PAUSE: Duration = Duration::from_millis(200);
/// The longest pause that a server may ask for (`Retry-After`).
pub(super) const RETRY_PAUSE: Duration = Duration::from_secs(30);
/// How long the packets of the last frames may wait for their turn.
pub(super) const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);
/// How often is looked whether they have left: a writer tells how many wait when it is asked.
pub(super) const DRAIN_POLL: Duration = Duration::from_millis(10);
/// How long the last packets may take to arrive, or to be missed and sent again: that they did nobody says.
pub(super) const REPAIR_TIME: Duration = Duration::from_millis(300);
/// No packet for so long is a loss, where there are other places to go to.
pub(super) const SILENCE: Duration = Duration::from_secs(1);
/// How often is looked whether packets come.
pub(super) const SILENCE_POLL: Duration = Duration::from_millis(100);
/// How long another place may take to answer, and then to connect; how long any may take to say that a session is
/// ended.
pub(super) const ROAM_TIMEOUT: Duration = Duration::from_secs(3);
/// How long the places are tried in turn.
pub(super) const ROAM_PATIENCE: Duration = Duration::from_secs(30);
/// Between two of them.
pub(super) const ROAM_PAUSE: Duration = Duration::from_millis(100);
/// How often a publisher looks whether its server is there, where there are other places.
pub(super) const PROBE_INTERVAL: Duration = Duration::from_millis(500);
/// Other relays of a cluster; one more is not known.
pub(super) const NODES: usize = 256;
/// How often a relay tells the others of itself.
pub(super) const BEAT_INTERVAL: Duration = Duration::from_secs(1);
/// A relay that was not heard of for so long is gone.
pub(super) const NODE_LIFE: Duration = Duration::from_secs(3);
/// Bytes of what a relay tells: names of some thousand streams.
pub(super) const RECORD_BYTES: i32 = 256 << 10;
/// Messages of NATS that wait to be read, of each kind; one more is dropped, and told or asked again.
pub(super) const NATS_MESSAGES: usize = 1024;
/// How long NATS may take to answer.
pub(super) const NATS_TIMEOUT: Duration = Duration::from_secs(2);
/// Before NATS is tried again.
pub(super) const NATS_PAUSE: Duration = Duration::from_millis(250);
/// How long another relay may take to say whether it has a publisher.
pub(super) const QUESTION_TIMEOUT: Duration = Duration::from_millis(500);
/// Streams that come from other relays at once; one more nobody publishes, for its viewers.
pub(super) const PULLS: usize = 1024;
/// Simulcast layers that come with a stream from another relay: what browsers send.
pub(super) const PULLED_LAYERS: usize = 4;
/// How long a stream that nobody sees is pulled from another relay.
pub(super) const PULL_IDLE: Duration = Duration::from_secs(10);
/// How long a stream is looked for that does not come any more, and a lost publisher waited for.
pub(super) const PULL_PATIENCE: Duration = Duration::from_secs(10);
/// How long sessions of a server that ends may take to complete what they record.
pub(super) const RECORDS_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a recording waits for the first picture where sound comes and no picture does; then it is one of sound.
pub(super) const PICTURES_PATIENCE: Duration = Duration::from_secs(5);
/// Frames of sound that wait for that.
pub(super) const HELD_SOUND: usize = 1024;
/// Frames that wait to be written to a file.
pub(super) const FRAMES: usize = 64;

/// Connections to the web server at once; more wait. Clients keep theirs for a while.
pub(super) const WEB_CONNECTIONS: usize = 4096;
/// Bytes that a client may post.
pub(super) const BODY_BYTES: usize = 64 << 10;
/// How long a server gathers candidates for an answer: what a silent STUN server would add is left out.
pub(super) const GATHER_TIMEOUT: Duration = Duration::from_secs(5);
/// Requests a second of one source that say no token or a wrong one; four seconds' worth may come at once.
pub(super) const GUESSES: u32 = 5;
/// Such sources that are told apart at once; one more waits.
pub(super) const GUESSERS: usize = 1024;
/// Names of streams.
pub(super) const NAME_BYTES: usize = 64;

/// What clients may take of a server.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Publishers at once; one more is told to come later.
    pub publishers: usize,
    /// Viewers at once; one more is told to come later.
    pub viewers: usize,
    /// Requests a second that ask for a session or change one; four seconds' worth may come at once. Those with a
    /// wrong token, or without one, have a limit of their own for each source.
    pub requests: u32,
    /// How long a session may take to connect; then it is ended.
    pub connect: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            publishers: 100,
            viewers: 2000,
            requests: 100,
            connect: Duration::from_secs(30),
        }
    }
}

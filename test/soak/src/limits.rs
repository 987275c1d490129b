//! Every number of this program that somebody may want to turn.

use std::time::Duration;

/// How often each pair sends a message that is echoed.
pub(crate) const PING_INTERVAL: Duration = Duration::from_millis(100);
/// Bytes of it.
pub(crate) const PING_LEN: usize = 200;
/// A packet of sound.
pub(crate) const SOUND_INTERVAL: Duration = Duration::from_millis(20);
pub(crate) const SOUND_LEN: usize = 80;
/// A packet of a picture.
pub(crate) const PICTURE_INTERVAL: Duration = Duration::from_millis(33);
pub(crate) const PICTURE_LEN: usize = 1_000;

/// How long a pair lives at least, and how much longer at most.
pub(crate) const LIFE: Duration = Duration::from_secs(8);
pub(crate) const LIFE_SPREAD: Duration = Duration::from_secs(24);

/// How long two ends may take to connect, while others do so too and sockets refuse what is sent.
pub(crate) const SETUP_MAX: Duration = Duration::from_secs(30);
/// How long what was sent may take to come back once there is peace: longer than SCTP's pauses
/// between two attempts after ten seconds of silence.
pub(crate) const ECHO_MAX: Duration = Duration::from_secs(45);

/// A crowd before the first measurement: runtime, allocator and tables have their size then.
pub(crate) const WARM_UP: Duration = Duration::from_secs(20);
/// Between two troubles, in which samples count.
pub(crate) const CALM: Duration = Duration::from_secs(15);
/// After a trouble: no sample counts before what had to wait has gone.
pub(crate) const RECOVERY: Duration = Duration::from_secs(8);
/// How long what has ended may take to be gone.
pub(crate) const LEAVING_MAX: Duration = Duration::from_secs(20);

/// How long sockets refuse with one kind of error, and the pause until the next.
pub(crate) const FAULT: Duration = Duration::from_secs(3);
pub(crate) const BETWEEN: Duration = Duration::from_secs(2);
/// The same where nothing at all leaves: longer than ICE waits before it says `disconnected`.
pub(crate) const SILENCE: Duration = Duration::from_secs(9);

/// Connections to another process.
pub(crate) const LINKS: usize = 10;
/// It is stopped so long that connections notice, and so long that they give up (RFC 7675 §5.1: 30 s).
pub(crate) const STOPPED: Duration = Duration::from_secs(9);
pub(crate) const STOPPED_LONG: Duration = Duration::from_secs(40);
/// How long a connection may take to say that nobody is there any more.
pub(crate) const GIVING_UP_MAX: Duration = Duration::from_secs(50);

/// Failures whose words are kept.
pub(crate) const KEPT_FAILURES: usize = 20;
/// Lines of the log that are looked at together.
pub(crate) const KEPT_LINES: usize = 4_000;

//! Every bound of this crate.

use std::time::Duration;

/// Bytes of a text that is asked for, such as a `deviceId`.
pub const TEXT: usize = 500;

/// Advanced sets of constraints that are looked at.
pub const ADVANCED_SETS: usize = 32;

/// Numbers that are looked at for one property.
pub const NUMBERS: usize = 8;

/// Settings of one device that are compared.
pub const CANDIDATES: usize = 20_000;

/// Devices that are looked at, of all backends.
pub const DEVICES: usize = 64;

/// Modes of one camera that are looked at.
pub const MODES: usize = 128;

/// Tracks of one open device.
pub const TRACKS: usize = 64;

/// Pictures of a track that wait for each reader; older ones are dropped and counted.
pub const PICTURES: usize = 3;

/// Pieces of sound of a track that wait for each reader: a second of 10 ms each.
pub const SOUNDS: usize = 100;

/// Events of a track or of the list of devices that wait for each reader; a slower one misses the oldest.
pub const EVENTS: usize = 16;

/// Pictures a second of a device.
pub const FRAME_RATE: f64 = 1_000.0;

/// How long one picture of a file lasts at most.
pub const FRAME_TIME: Duration = Duration::from_secs(3_600);

/// Bytes of the header of a Y4M file.
pub const Y4M_HEADER: usize = 1_000;

/// How much of a gap between pictures or sounds a recorded file fills with the last picture or with
/// silence; the rest of a longer one is left out.
pub const GAP: Duration = Duration::from_secs(10);

/// Bytes of the samples of a WAV file: it counts those of all that it has in 32 bits.
pub const WAV_BYTES: u32 = u32::MAX - 127;

/// How much sound of a sound card waits for whoever captures it; older sound is dropped.
pub const MICROPHONE: Duration = Duration::from_secs(1);

/// How much sound waits for a loudspeaker at most; older sound is dropped. It is how late one is heard at most.
pub const LOUDSPEAKER: Duration = Duration::from_millis(200);

/// How much sound a loudspeaker waits for before it begins, and before it goes on after it had none.
pub const BEFORE: Duration = Duration::from_millis(30);

/// A camera or a microphone that gives nothing for so long is muted until it does.
pub const STALL: Duration = Duration::from_secs(1);

/// How often it is looked whether there are other cameras and sound cards.
pub const LOOK: Duration = Duration::from_secs(3);

/// How far a device that makes its media up may be behind before it leaves some out.
pub(crate) const BEHIND: Duration = Duration::from_millis(500);

//! Sound and pictures of one `MediaStream`, which are heard and seen as they belong together.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use duologue_base::{Instant, TransceiverId};
use duologue_peer::{MediaKind, MediaStreamId};
use duologue_playout::{LipSync, SyncDelays};
use duologue_rtp::NtpTime;

use crate::Receiver;

/// By the stream that they are in.
#[derive(Debug, Default)]
pub(super) struct Groups(BTreeMap<MediaStreamId, Weak<Mutex<Group>>>);

impl Groups {
    fn of(&mut self, stream: &MediaStreamId) -> Arc<Mutex<Group>> {
        self.0.retain(|_, group| group.strong_count() > 0);
        let known = self.0.get(stream).and_then(Weak::upgrade);
        known.unwrap_or_else(|| {
            let group = Arc::default();
            self.0.insert(stream.clone(), Arc::downgrade(&group));
            group
        })
    }
}

/// Sound and pictures, one of each.
#[derive(Debug, Default)]
struct Group {
    audio: Option<TransceiverId>,
    video: Option<TransceiverId>,
    sync: LipSync,
    least: SyncDelays,
    delays: SyncDelays,
}

impl Group {
    /// Whose sound, or pictures, it is about: the first who came.
    fn holder(&mut self, kind: MediaKind) -> &mut Option<TransceiverId> {
        match kind {
            MediaKind::Audio => &mut self.audio,
            MediaKind::Video => &mut self.video,
        }
    }

    fn leave(&mut self, kind: MediaKind, id: TransceiverId) {
        if *self.holder(kind) == Some(id) {
            *self.holder(kind) = None;
            // Nobody is waited for who is not there.
            self.sync = LipSync::new();
            self.delays = SyncDelays::default();
        }
    }
}

/// One of a group, if its receiver is in one.
#[derive(Debug)]
pub(super) struct Member {
    kind: MediaKind,
    id: TransceiverId,
    group: Option<(MediaStreamId, Arc<Mutex<Group>>)>,
}

impl Member {
    pub(super) fn new(kind: MediaKind, id: TransceiverId) -> Self {
        Member {
            kind,
            id,
            group: None,
        }
    }

    /// Joins those of the stream that the peer has put the receiver's track in, or leaves them.
    pub(super) fn join(&mut self, receiver: &dyn Receiver) {
        let stream = receiver.first_stream();
        if self.group.as_ref().map(|(stream, _)| stream) == stream.as_ref() {
            return;
        }
        self.leave();
        if let Some(stream) = stream {
            let group = receiver.shared().groups().of(&stream);
            lock(&group).holder(self.kind).get_or_insert(self.id);
            self.group = Some((stream, group));
        }
    }

    /// What is to be waited at least.
    pub(super) fn delay(&self) -> Duration {
        let Some((_, group)) = &self.group else {
            return Duration::ZERO;
        };
        let mut group = lock(group);
        if *group.holder(self.kind) != Some(self.id) {
            return Duration::ZERO;
        }
        match self.kind {
            MediaKind::Audio => group.delays.audio,
            MediaKind::Video => group.delays.video,
        }
    }

    /// What was captured then is played at `at`, and would be held back for `least` by itself.
    pub(super) fn played(&self, captured: Option<NtpTime>, at: Instant, least: Duration) {
        let (Some((_, group)), Some(captured)) = (&self.group, captured) else {
            return;
        };
        let mut group = lock(group);
        if *group.holder(self.kind).get_or_insert(self.id) != self.id {
            return;
        }
        match self.kind {
            MediaKind::Audio => group.least.audio = least,
            MediaKind::Video => group.least.video = least,
        }
        group.sync.handle_played(self.kind, captured, at);
        let least = group.least;
        if let Some(delays) = group.sync.poll(at, least) {
            group.delays = delays;
        }
    }

    fn leave(&mut self) {
        if let Some((_, group)) = self.group.take() {
            lock(&group).leave(self.kind, self.id);
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.leave();
    }
}

fn lock(group: &Mutex<Group>) -> MutexGuard<'_, Group> {
    // Nothing that can panic runs under this lock.
    group.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use duologue_base::WallClock;

    fn member(group: &Arc<Mutex<Group>>, kind: MediaKind, id: u32) -> Member {
        lock(group).holder(kind).get_or_insert(TransceiverId(id));
        let stream = MediaStreamId::from("s".to_owned());
        Member {
            kind,
            id: TransceiverId(id),
            group: Some((stream, group.clone())),
        }
    }

    /// Sound is heard 30 ms after it was captured and pictures are seen after 330, and what they are
    /// told they wait longer; so many seconds later, how far they are apart.
    fn apart(seconds: u64) -> Duration {
        let group = Arc::default();
        let audio = member(&group, MediaKind::Audio, 1);
        let video = member(&group, MediaKind::Video, 2);
        let noon = NtpTime::from(WallClock::from_unix_millis(1_795_000_000_000));
        let of = |member: &Member, own: u64| Duration::from_millis(own).max(member.delay());
        for tick in 0..20 * seconds {
            let captured = Duration::from_millis(50 * tick);
            for (member, own) in [(&audio, 30), (&video, 330)] {
                let at = Instant::from_origin(Duration::from_secs(5) + captured + of(member, own));
                let least = Duration::from_millis(own);
                member.played(Some(noon.plus(captured)), at, least);
            }
        }
        of(&video, 330).abs_diff(of(&audio, 30))
    }

    #[test]
    fn sound_waits_for_pictures_that_are_later_until_both_are_together() {
        assert_eq!(apart(0), Duration::from_millis(300));
        assert!(apart(8) < Duration::from_millis(40), "{:?}", apart(8));
    }

    #[test]
    fn the_second_sound_of_a_stream_is_not_waited_for_and_who_goes_leaves_nobody_waiting() {
        let group = Arc::default();
        let audio = member(&group, MediaKind::Audio, 1);
        let other = member(&group, MediaKind::Audio, 2);
        lock(&group).delays.audio = Duration::from_millis(200);
        assert_eq!(audio.delay(), Duration::from_millis(200));
        assert_eq!(other.delay(), Duration::ZERO);
        let video = member(&group, MediaKind::Video, 3);
        drop(video);
        assert_eq!(audio.delay(), Duration::ZERO);
    }
}

use duologue_base::Instant;

/// The slots of an `RTCDTMFSender`.
#[derive(Debug, Default)]
pub(crate) struct Dtmf {
    /// `[[ToneBuffer]]`
    tones: String,
    /// `[[Duration]]`, in milliseconds.
    duration: u32,
    /// `[[InterToneGap]]`, in milliseconds.
    gap: u32,
    /// "A task to run the DTMF playout task steps is scheduled."
    playout: Playout,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Playout {
    #[default]
    Idle,
    /// The task is queued.
    Queued,
    /// The task is due then.
    At(Instant),
}

impl Dtmf {
    /// `[[ToneBuffer]]`
    pub(crate) fn tones(&self) -> &str {
        &self.tones
    }

    /// `[[Duration]]`, in milliseconds.
    pub(crate) fn duration(&self) -> u32 {
        self.duration
    }

    /// `[[InterToneGap]]`, in milliseconds.
    pub(crate) fn gap(&self) -> u32 {
        self.gap
    }

    /// Tones take the place of those that wait. Returns whether the playout task is to be queued for
    /// them: it may be scheduled already.
    pub(crate) fn insert(&mut self, tones: String, duration: u32, gap: u32) -> bool {
        (self.tones, self.duration, self.gap) = (tones, duration, gap);
        let begins = !self.tones.is_empty() && self.playout == Playout::Idle;
        if begins {
            self.playout = Playout::Queued;
        }
        begins
    }

    /// The playout task runs: none is scheduled until [`play_again_at`](Self::play_again_at).
    pub(crate) fn begin_playout(&mut self) {
        self.playout = Playout::Idle;
    }

    /// Takes the first tone that waits.
    pub(crate) fn take_tone(&mut self) -> Option<char> {
        (!self.tones.is_empty()).then(|| self.tones.remove(0))
    }

    /// The playout task is due again then.
    pub(crate) fn play_again_at(&mut self, at: Instant) {
        self.playout = Playout::At(at);
    }

    /// When the playout task is due.
    pub(crate) fn due_at(&self) -> Option<Instant> {
        match self.playout {
            Playout::At(at) => Some(at),
            Playout::Idle | Playout::Queued => None,
        }
    }

    /// Returns whether the playout task is due and to be queued, which it then is.
    pub(crate) fn queue_if_due(&mut self, now: Instant) -> bool {
        let due = self.due_at().is_some_and(|at| at <= now);
        if due {
            self.playout = Playout::Queued;
        }
        due
    }
}

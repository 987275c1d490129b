use duologue_base::Instant;

/// Maps the caller's time to the type that the library wants. One anchor, whose value does not
/// matter: only differences do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    origin: std::time::Instant,
}

impl Clock {
    #[expect(
        clippy::disallowed_methods,
        reason = "std::time::Instant has no constructor but now(); the library wants that type"
    )]
    pub(crate) fn new() -> Self {
        Clock {
            origin: std::time::Instant::now(),
        }
    }

    pub(crate) fn to_std(self, at: Instant) -> std::time::Instant {
        self.origin + at.since_origin()
    }

    pub(crate) fn read_std(self, at: std::time::Instant) -> Instant {
        Instant::from_origin(at.saturating_duration_since(self.origin))
    }
}

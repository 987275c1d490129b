use duologue_base::Instant;

/// Milliseconds from one point to another, negative when the second is earlier.
pub(super) fn ms_between(from: Instant, to: Instant) -> f64 {
    if to >= from {
        (to - from).as_secs_f64() * 1e3
    } else {
        -(from - to).as_secs_f64() * 1e3
    }
}

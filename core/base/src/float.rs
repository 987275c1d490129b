//! Functions of floating-point numbers that give the same bits on every machine.
//!
//! `f64::ln` and its like are the platform's: glibc alone has two of each, for processors with fused multiply-add and
//! without, that round differently. A congestion controller feeds its results back into its inputs; after a minute such
//! a last bit is another rate, and a seed that fails on one machine passes on the next. `core/clippy.toml` therefore says
//! no to the methods of the standard library; what IEEE 754 rounds correctly (`+`, `*`, `/`, `sqrt`) is no matter.

/// The natural logarithm.
///
/// ```
/// assert_eq!(duologue_base::float::ln(1.0), 0.0);
/// ```
#[must_use]
pub fn ln(x: f64) -> f64 {
    libm::log(x)
}

/// The logarithm to the base of ten.
#[must_use]
pub fn log10(x: f32) -> f32 {
    libm::log10f(x)
}

/// *e* to the power of `x`.
#[must_use]
pub fn exp(x: f64) -> f64 {
    libm::exp(x)
}

/// `x` to the power of `y`.
///
/// ```
/// assert_eq!(duologue_base::float::pow(1.5, 2.0), 2.25);
/// ```
#[must_use]
pub fn pow(x: f64, y: f64) -> f64 {
    libm::pow(x, y)
}

/// What a level in decibels of full scale is as an amplitude of 0 to 1: 10^(*decibels* / 20).
///
/// ```
/// assert_eq!(duologue_base::float::amplitude(0.0), 1.0);
/// ```
#[must_use]
pub fn amplitude(decibels: f64) -> f64 {
    pow(10.0, decibels / 20.0)
}

/// The cubic root.
///
/// ```
/// assert_eq!(duologue_base::float::cbrt(27.0), 3.0);
/// ```
#[must_use]
pub fn cbrt(x: f64) -> f64 {
    libm::cbrt(x)
}

/// The sine of an angle in radians.
#[must_use]
pub fn sin(x: f32) -> f32 {
    libm::sinf(x)
}

/// The cosine of an angle in radians.
#[must_use]
pub fn cos(x: f32) -> f32 {
    libm::cosf(x)
}

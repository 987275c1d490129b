//! What is asked of one property (mediacapture-main §11.3 and §11.4).

use serde::{Deserialize, Serialize};

/// What is asked of a property: a bare value, or what is required and what is ideal.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Constrain<T, P> {
    /// A bare value: ideal, but required in an advanced set.
    Bare(T),
    /// What is required and what is ideal.
    Parameters(P),
}

/// `ConstrainULong`
pub type ConstrainULong = Constrain<u32, ConstrainRange<u32>>;
/// `ConstrainDouble`
pub type ConstrainDouble = Constrain<f64, ConstrainRange<f64>>;
/// `ConstrainBoolean`
pub type ConstrainBoolean = Constrain<bool, ConstrainParameters<bool>>;
/// `ConstrainDOMString`
pub type ConstrainDomString = Constrain<DomStrings, ConstrainParameters<DomStrings>>;
/// `ConstrainBooleanOrDOMString`
pub type ConstrainBooleanOrDomString =
    Constrain<BooleanOrDomString, ConstrainParameters<BooleanOrDomString>>;

/// What is asked of a number: `ConstrainULongRange`, `ConstrainDoubleRange`.
///
/// ```
/// use duologue_devices::{ConstrainDouble, ConstrainRange};
///
/// let rate: ConstrainDouble = ConstrainRange::ideal(30.0).and_max(60.0).into();
/// # let _ = rate;
/// ```
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[doc(alias = "ConstrainULongRange")]
#[doc(alias = "ConstrainDoubleRange")]
pub struct ConstrainRange<T> {
    /// Required: not less.
    #[serde(skip_serializing_if = "Option::is_none", default = "nothing")]
    pub min: Option<T>,
    /// Required: not more.
    #[serde(skip_serializing_if = "Option::is_none", default = "nothing")]
    pub max: Option<T>,
    /// Required: this.
    #[serde(skip_serializing_if = "Option::is_none", default = "nothing")]
    pub exact: Option<T>,
    /// The ideal value.
    #[serde(skip_serializing_if = "Option::is_none", default = "nothing")]
    pub ideal: Option<T>,
}

/// What is asked of a text or a choice: `ConstrainDOMStringParameters`, `ConstrainBooleanParameters`,
/// `ConstrainBooleanOrDOMStringParameters`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[doc(alias = "ConstrainDOMStringParameters")]
#[doc(alias = "ConstrainBooleanParameters")]
#[doc(alias = "ConstrainBooleanOrDOMStringParameters")]
pub struct ConstrainParameters<T> {
    /// Required.
    #[serde(skip_serializing_if = "Option::is_none", default = "nothing")]
    pub exact: Option<T>,
    /// The ideal value.
    #[serde(skip_serializing_if = "Option::is_none", default = "nothing")]
    pub ideal: Option<T>,
}

/// Without `T: Default`, which serde's own way would ask for.
fn nothing<T>() -> Option<T> {
    None
}

/// A text, or several of which each will do.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(untagged)]
pub enum DomStrings {
    /// One text.
    One(String),
    /// Any of several texts. None at all asks for nothing.
    Many(Vec<String>),
}

/// `(boolean or DOMString)`, as `echoCancellation` is.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(untagged)]
pub enum BooleanOrDomString {
    /// Whether.
    Boolean(bool),
    /// How: for `echoCancellation` `"all"` or `"remote-only"`.
    DomString(String),
}

impl<T> Default for ConstrainRange<T> {
    fn default() -> Self {
        ConstrainRange {
            min: None,
            max: None,
            exact: None,
            ideal: None,
        }
    }
}

impl<T> ConstrainRange<T> {
    /// `{ min }`
    pub fn min(value: T) -> Self {
        ConstrainRange::default().and_min(value)
    }

    /// `{ max }`
    pub fn max(value: T) -> Self {
        ConstrainRange::default().and_max(value)
    }

    /// `{ exact }`
    pub fn exact(value: T) -> Self {
        ConstrainRange {
            exact: Some(value),
            ..ConstrainRange::default()
        }
    }

    /// `{ ideal }`
    pub fn ideal(value: T) -> Self {
        ConstrainRange {
            ideal: Some(value),
            ..ConstrainRange::default()
        }
    }

    /// Adds `min` to the constraint.
    pub fn and_min(self, value: T) -> Self {
        ConstrainRange {
            min: Some(value),
            ..self
        }
    }

    /// Adds `max` to the constraint.
    pub fn and_max(self, value: T) -> Self {
        ConstrainRange {
            max: Some(value),
            ..self
        }
    }
}

impl<T> Default for ConstrainParameters<T> {
    fn default() -> Self {
        ConstrainParameters {
            exact: None,
            ideal: None,
        }
    }
}

impl<T> ConstrainParameters<T> {
    /// `{ exact }`
    pub fn exact(value: impl Into<T>) -> Self {
        ConstrainParameters {
            exact: Some(value.into()),
            ideal: None,
        }
    }

    /// `{ ideal }`
    pub fn ideal(value: impl Into<T>) -> Self {
        ConstrainParameters {
            exact: None,
            ideal: Some(value.into()),
        }
    }
}

impl<T, P> From<T> for Constrain<T, P> {
    fn from(value: T) -> Self {
        Constrain::Bare(value)
    }
}

impl<T> From<ConstrainRange<T>> for Constrain<T, ConstrainRange<T>> {
    fn from(range: ConstrainRange<T>) -> Self {
        Constrain::Parameters(range)
    }
}

impl<T> From<ConstrainParameters<T>> for Constrain<T, ConstrainParameters<T>> {
    fn from(parameters: ConstrainParameters<T>) -> Self {
        Constrain::Parameters(parameters)
    }
}

impl From<&str> for DomStrings {
    fn from(text: &str) -> Self {
        DomStrings::One(text.to_owned())
    }
}

impl From<&str> for ConstrainDomString {
    fn from(text: &str) -> Self {
        Constrain::Bare(text.into())
    }
}

impl From<bool> for BooleanOrDomString {
    fn from(value: bool) -> Self {
        BooleanOrDomString::Boolean(value)
    }
}

impl From<&str> for BooleanOrDomString {
    fn from(text: &str) -> Self {
        BooleanOrDomString::DomString(text.to_owned())
    }
}

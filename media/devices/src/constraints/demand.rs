//! A constraint of any type in one shape, and how far a value is from it.

use super::constrain::{
    BooleanOrDomString, Constrain, ConstrainParameters, ConstrainRange, DomStrings,
};
use super::dictionaries::{MediaTrackConstraintSet, MediaTrackSettings, Property};

/// What a property may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value<'a> {
    Number(f64),
    Text(&'a str),
    Flag(bool),
}

/// What a bare value is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Bare {
    Ideal,
    Exact,
}

/// What is asked of one property. An empty list asks for nothing (SelectSettings, step 1).
#[derive(Clone, Debug, Default)]
pub(super) struct Demand<'a> {
    min: Option<f64>,
    max: Option<f64>,
    exact: Vec<Value<'a>>,
    ideal: Vec<Value<'a>>,
}

impl<'a> Demand<'a> {
    /// Whether the value meets what is required. One that is missing does not.
    pub(super) fn admits(&self, actual: Option<Value<'_>>) -> bool {
        if self.min.is_none() && self.max.is_none() && self.exact.is_empty() {
            return true;
        }
        let Some(actual) = actual else {
            return false;
        };
        let exact = self.exact.is_empty() || self.exact.contains(&actual);
        let within = match actual {
            Value::Number(it) => {
                self.min.is_none_or(|min| it >= min) && self.max.is_none_or(|max| it <= max)
            }
            _ => self.min.is_none() && self.max.is_none(),
        };
        exact && within
    }

    /// The fitness distance of a value that is admitted.
    pub(super) fn distance(&self, actual: Option<Value<'_>>) -> f64 {
        // "If no ideal value is specified, the fitness distance is 0."
        let Some(ideal) = self.ideal.first() else {
            return 0.0;
        };
        match (actual, ideal) {
            // "If the settings dictionary's member does not exist, the fitness distance is 1."
            (None, _) => 1.0,
            (Some(Value::Number(actual)), Value::Number(ideal)) if actual != *ideal => {
                (actual - ideal).abs() / actual.abs().max(ideal.abs())
            }
            (Some(actual), _) if self.ideal.contains(&actual) => 0.0,
            _ => 1.0,
        }
    }

    /// The numbers that it speaks of.
    pub(super) fn numbers(&self) -> impl Iterator<Item = f64> {
        let values = self.exact.iter().chain(&self.ideal);
        let numbers = values.filter_map(|value| match value {
            Value::Number(number) => Some(*number),
            _ => None,
        });
        // What is required goes first, where not all of them are looked at.
        self.min.into_iter().chain(self.max).chain(numbers)
    }

    /// How long the longest text is, in bytes.
    pub(super) fn longest_text(&self) -> usize {
        let values = self.exact.iter().chain(&self.ideal);
        let lengths = values.map(|value| match value {
            Value::Text(text) => text.len(),
            _ => 0,
        });
        lengths.max().unwrap_or(0)
    }

    fn bare(values: Vec<Value<'a>>, bare: Bare) -> Demand<'a> {
        let (exact, ideal) = match bare {
            Bare::Exact => (values, Vec::new()),
            Bare::Ideal => (Vec::new(), values),
        };
        Demand {
            exact,
            ideal,
            ..Demand::default()
        }
    }
}

/// What a constraint of any type asks for.
trait Asks {
    fn demand(&self, bare: Bare) -> Demand<'_>;
}

impl<T: Copy + Into<f64>> Asks for Constrain<T, ConstrainRange<T>> {
    fn demand(&self, bare: Bare) -> Demand<'_> {
        let number = |value: T| number(value.into());
        let one = |value: Option<T>| value.map(|it| Value::Number(number(it))).into_iter();
        match self {
            Constrain::Bare(value) => Demand::bare(one(Some(*value)).collect(), bare),
            Constrain::Parameters(range) => Demand {
                min: range.min.map(number),
                max: range.max.map(number),
                exact: one(range.exact).collect(),
                ideal: one(range.ideal).collect(),
            },
        }
    }
}

impl<T: Values> Asks for Constrain<T, ConstrainParameters<T>> {
    fn demand(&self, bare: Bare) -> Demand<'_> {
        fn all<T: Values>(values: &Option<T>) -> Vec<Value<'_>> {
            values.as_ref().map(T::values).unwrap_or_default()
        }
        match self {
            Constrain::Bare(value) => Demand::bare(value.values(), bare),
            Constrain::Parameters(parameters) => Demand {
                exact: all(&parameters.exact),
                ideal: all(&parameters.ideal),
                ..Demand::default()
            },
        }
    }
}

/// mediacapture-main §4.3.8, `aspectRatio`: "a double rounded to the tenth decimal place".
pub(crate) fn number(value: f64) -> f64 {
    (value * 1e10).round() / 1e10
}

/// What is a list of values.
trait Values {
    fn values(&self) -> Vec<Value<'_>>;
}

impl Values for bool {
    fn values(&self) -> Vec<Value<'_>> {
        vec![Value::Flag(*self)]
    }
}

impl Values for DomStrings {
    fn values(&self) -> Vec<Value<'_>> {
        match self {
            DomStrings::One(text) => vec![Value::Text(text)],
            DomStrings::Many(texts) => texts.iter().map(|text| Value::Text(text)).collect(),
        }
    }
}

impl Values for BooleanOrDomString {
    fn values(&self) -> Vec<Value<'_>> {
        vec![self.value()]
    }
}

impl BooleanOrDomString {
    fn value(&self) -> Value<'_> {
        match self {
            BooleanOrDomString::Boolean(flag) => Value::Flag(*flag),
            BooleanOrDomString::DomString(text) => Value::Text(text),
        }
    }
}

impl MediaTrackConstraintSet {
    /// What it asks of a property.
    pub(super) fn demand(&self, property: Property, bare: Bare) -> Option<Demand<'_>> {
        fn of<A: Asks>(asked: &Option<A>, bare: Bare) -> Option<Demand<'_>> {
            asked.as_ref().map(|asked| asked.demand(bare))
        }
        match property {
            Property::Width => of(&self.width, bare),
            Property::Height => of(&self.height, bare),
            Property::AspectRatio => of(&self.aspect_ratio, bare),
            Property::FrameRate => of(&self.frame_rate, bare),
            Property::FacingMode => of(&self.facing_mode, bare),
            Property::ResizeMode => of(&self.resize_mode, bare),
            Property::SampleRate => of(&self.sample_rate, bare),
            Property::SampleSize => of(&self.sample_size, bare),
            Property::EchoCancellation => of(&self.echo_cancellation, bare),
            Property::AutoGainControl => of(&self.auto_gain_control, bare),
            Property::NoiseSuppression => of(&self.noise_suppression, bare),
            Property::Latency => of(&self.latency, bare),
            Property::ChannelCount => of(&self.channel_count, bare),
            Property::DeviceId => of(&self.device_id, bare),
            Property::GroupId => of(&self.group_id, bare),
        }
    }
}

impl MediaTrackSettings {
    /// What a property is.
    pub(super) fn value(&self, property: Property) -> Option<Value<'_>> {
        let whole = |number: Option<u32>| number.map(|it| Value::Number(it.into()));
        match property {
            Property::Width => whole(self.width),
            Property::Height => whole(self.height),
            Property::AspectRatio => self.aspect_ratio.map(Value::Number),
            Property::FrameRate => self.frame_rate.map(Value::Number),
            Property::FacingMode => self.facing_mode.map(|it| Value::Text(it.as_str())),
            Property::ResizeMode => self.resize_mode.map(|it| Value::Text(it.as_str())),
            Property::SampleRate => whole(self.sample_rate),
            Property::SampleSize => whole(self.sample_size),
            Property::EchoCancellation => {
                let set = self.echo_cancellation.as_ref();
                set.map(BooleanOrDomString::value)
            }
            Property::AutoGainControl => self.auto_gain_control.map(Value::Flag),
            Property::NoiseSuppression => self.noise_suppression.map(Value::Flag),
            Property::Latency => self.latency.map(Value::Number),
            Property::ChannelCount => whole(self.channel_count),
            Property::DeviceId => self.device_id.as_deref().map(Value::Text),
            Property::GroupId => self.group_id.as_deref().map(Value::Text),
        }
    }
}

//! SelectSettings and the fitness distance (mediacapture-main §11.1.1).

use duologue_rtp::MediaKind;

use super::demand::{Bare, Demand};
use super::dictionaries::{
    MediaTrackConstraintSet, MediaTrackConstraints, MediaTrackSettings, Property,
};
use super::error::OverconstrainedError;
use crate::limits;

/// Which of all possible settings is chosen, by its index: the SelectSettings algorithm. Of several that
/// are as near to what is ideal, it is the first. The settings may be those of several devices.
///
/// ```
/// use duologue_devices::{
///     ConstrainRange, MediaKind, MediaTrackConstraintSet, MediaTrackSettings, select_settings,
/// };
///
/// let of = |width, height| MediaTrackSettings {
///     width: Some(width),
///     height: Some(height),
///     ..Default::default()
/// };
/// let all = [of(640, 480), of(1280, 720), of(1920, 1080)];
/// let asked = |width: ConstrainRange<u32>| {
///     let set = MediaTrackConstraintSet { width: Some(width.into()), ..Default::default() };
///     select_settings(&all, MediaKind::Video, &set.into())
/// };
/// assert_eq!(asked(ConstrainRange::ideal(1300)), Ok(1));
/// assert_eq!(asked(ConstrainRange::min(1300)), Ok(2));
/// assert_eq!(asked(ConstrainRange::min(4000)).unwrap_err().constraint, "width");
/// ```
///
/// # Errors
/// When none meets what is required; also for texts longer than [`limits::TEXT`].
pub fn select_settings(
    all: &[MediaTrackSettings],
    kind: MediaKind,
    constraints: &MediaTrackConstraints,
) -> Result<usize, OverconstrainedError> {
    // Steps 1 and 3: bare values of the basic set are ideal ones.
    let basic = demands(&constraints.basic, kind, Bare::Ideal);
    if let Some((name, _)) = basic
        .iter()
        .find(|(_, it)| it.longest_text() > limits::TEXT)
    {
        return Err(OverconstrainedError {
            constraint: name.as_str().to_owned(),
        });
    }
    let mut candidates: Vec<usize> = (0..all.len())
        .filter(|at| admits(&basic, &all[*at]))
        .collect();
    // Step 4.
    if candidates.is_empty() {
        return Err(blame(&basic, all));
    }

    // Step 5: those of an advanced set are required, where all of it can be met.
    for set in constraints.advanced.iter().take(limits::ADVANCED_SETS) {
        let demands = demands(set, kind, Bare::Exact);
        let meet = candidates.iter().copied();
        let meet: Vec<usize> = meet.filter(|at| admits(&demands, &all[*at])).collect();
        if !meet.is_empty() {
            candidates = meet;
        }
    }

    // Step 6: the nearest, of equals the first.
    let distances = candidates
        .into_iter()
        .map(|at| (at, distance(&basic, &all[at])));
    let nearest = distances.min_by(|(_, one), (_, other)| one.total_cmp(other));
    nearest.map(|(at, _)| at).ok_or_else(|| blame(&basic, all))
}

/// The numbers that constraints speak of for a property: between two of them no settings are better.
pub(crate) fn numbers(constraints: &MediaTrackConstraints, property: Property) -> Vec<f64> {
    let advanced = constraints.advanced.iter().take(limits::ADVANCED_SETS);
    let sets = std::iter::once(&constraints.basic).chain(advanced);
    let mut numbers: Vec<f64> = Vec::new();
    for set in sets {
        let demand = set.demand(property, Bare::Exact);
        for number in demand.iter().flat_map(Demand::numbers) {
            if numbers.len() < limits::NUMBERS && !numbers.contains(&number) {
                numbers.push(number);
            }
        }
    }
    numbers
}

type Demands<'a> = Vec<(Property, Demand<'a>)>;

/// What a set asks of tracks of this kind; the rest is ignored.
fn demands(set: &MediaTrackConstraintSet, kind: MediaKind, bare: Bare) -> Demands<'_> {
    let of_kind = Property::ALL.into_iter().filter(|it| it.is_of(kind));
    let asked = of_kind.filter_map(|it| Some((it, set.demand(it, bare)?)));
    asked.collect()
}

fn admits(demands: &Demands<'_>, settings: &MediaTrackSettings) -> bool {
    let mut demands = demands.iter();
    demands.all(|(property, demand)| demand.admits(settings.value(*property)))
}

fn distance(demands: &Demands<'_>, settings: &MediaTrackSettings) -> f64 {
    let distances = demands.iter();
    let distances = distances.map(|(property, demand)| demand.distance(settings.value(*property)));
    distances.sum()
}

/// mediacapture-main §10.2: "any constraint whose fitness distance was infinity for all settings
/// dictionaries examined"; where there is none, the first one without which the rest could be met, as
/// browsers have it (mediacapture-streams/overconstrained_error of the web-platform-tests).
fn blame(demands: &Demands<'_>, all: &[MediaTrackSettings]) -> OverconstrainedError {
    let met_by_none = |(property, demand): &&(Property, Demand<'_>)| {
        !all.iter().any(|it| demand.admits(it.value(*property)))
    };
    let in_the_way = |(blamed, _): &&(Property, Demand<'_>)| {
        let others = || demands.iter().filter(|(property, _)| property != blamed);
        let met = |it: &MediaTrackSettings| {
            others().all(|(property, demand)| demand.admits(it.value(*property)))
        };
        all.iter().any(met)
    };
    let culprit = demands.iter().find(met_by_none);
    let culprit = culprit.or_else(|| demands.iter().find(in_the_way));
    let constraint = culprit.map_or("", |(property, _)| property.as_str());
    OverconstrainedError {
        constraint: constraint.to_owned(),
    }
}

#[cfg(test)]
mod tests;

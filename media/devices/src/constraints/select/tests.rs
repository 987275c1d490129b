use super::*;
use crate::MediaTrackSettings;

/// Cameras of two shapes and a rate each, by JSON as pages have it.
fn cameras() -> Vec<MediaTrackSettings> {
    let all = r#"[
        {"width":640,"height":480,"frameRate":30,"resizeMode":"none","deviceId":"a","facingMode":"user"},
        {"width":1280,"height":720,"frameRate":30,"resizeMode":"none","deviceId":"a","facingMode":"user"},
        {"width":1280,"height":720,"frameRate":60,"resizeMode":"none","deviceId":"b"},
        {"width":320,"height":240,"frameRate":15,"resizeMode":"crop-and-scale","deviceId":"b"}
    ]"#;
    serde_json::from_str(all).unwrap()
}

fn microphones() -> Vec<MediaTrackSettings> {
    let all = r#"[
        {"sampleRate":48000,"channelCount":1,"echoCancellation":false,"latency":0.01,"deviceId":"m"},
        {"sampleRate":44100,"channelCount":2,"echoCancellation":"all","latency":0.02,"deviceId":"n"}
    ]"#;
    serde_json::from_str(all).unwrap()
}

fn select(all: &[MediaTrackSettings], kind: MediaKind, constraints: &str) -> Result<usize, String> {
    let constraints = serde_json::from_str(constraints).unwrap();
    select_settings(all, kind, &constraints).map_err(|it| it.constraint)
}

/// What is asked for, and the index of what is chosen or the constraint that is to blame.
type Rows<'a> = &'a [(&'a str, Result<usize, &'a str>)];

fn check(all: &[MediaTrackSettings], kind: MediaKind, rows: Rows<'_>) {
    for (constraints, expected) in rows {
        let selected = select(all, kind, constraints);
        let expected = expected.map_err(str::to_owned);
        assert_eq!(selected, expected, "{constraints}");
    }
}

#[test]
fn what_is_required_of_pictures_is_met_and_of_the_rest_the_nearest_is_chosen() {
    let rows: Rows<'_> = &[
        (r#"{}"#, Ok(0)),
        (r#"{"width":1280}"#, Ok(1)),
        (r#"{"width":{"ideal":1000}}"#, Ok(1)),
        (r#"{"width":{"ideal":700}}"#, Ok(0)),
        (r#"{"width":{"min":641}}"#, Ok(1)),
        (r#"{"width":{"max":639}}"#, Ok(3)),
        (r#"{"width":{"exact":1280},"frameRate":{"min":31}}"#, Ok(2)),
        (r#"{"width":1280,"frameRate":{"ideal":60}}"#, Ok(2)),
        (r#"{"deviceId":"b"}"#, Ok(2)),
        (r#"{"deviceId":["x","b"]}"#, Ok(2)),
        (
            r#"{"deviceId":{"exact":["x","b"]},"width":{"max":320}}"#,
            Ok(3),
        ),
        (r#"{"facingMode":{"exact":"user"},"width":9999}"#, Ok(1)),
        (r#"{"resizeMode":"crop-and-scale"}"#, Ok(3)),
        // An empty list asks for nothing.
        (r#"{"deviceId":[]}"#, Ok(0)),
        (r#"{"deviceId":{"exact":[]}}"#, Ok(0)),
        // Nor does what is of sound.
        (
            r#"{"sampleRate":{"exact":1},"channelCount":{"min":9}}"#,
            Ok(0),
        ),
    ];
    check(&cameras(), MediaKind::Video, rows);
}

#[test]
fn the_constraint_that_nothing_meets_is_named() {
    let rows: Rows<'_> = &[
        (r#"{"width":{"min":4000}}"#, Err("width")),
        (r#"{"width":{"min":700,"max":600}}"#, Err("width")),
        (r#"{"frameRate":{"exact":29}}"#, Err("frameRate")),
        (r#"{"deviceId":{"exact":"c"}}"#, Err("deviceId")),
        (
            r#"{"facingMode":{"exact":"left"},"height":{"ideal":1}}"#,
            Err("facingMode"),
        ),
        // No settings have an aspect ratio here.
        (r#"{"aspectRatio":{"min":1}}"#, Err("aspectRatio")),
        // Each can be met, but not both: without the first, the other.
        (
            r#"{"width":{"exact":640},"frameRate":{"exact":60}}"#,
            Err("width"),
        ),
    ];
    check(&cameras(), MediaKind::Video, rows);
    assert_eq!(select(&[], MediaKind::Video, "{}"), Err(String::new()));
}

#[test]
fn bare_values_of_advanced_sets_are_required_where_the_whole_set_can_be_met() {
    let rows: Rows<'_> = &[
        (r#"{"advanced":[{"width":1280}]}"#, Ok(1)),
        (r#"{"advanced":[{"width":1280,"frameRate":60}]}"#, Ok(2)),
        // The first set cannot be met as a whole, so that nothing of it counts.
        (
            r#"{"advanced":[{"width":1280,"frameRate":59},{"height":240}]}"#,
            Ok(3),
        ),
        // The first ones count more.
        (r#"{"advanced":[{"height":240},{"width":1280}]}"#, Ok(3)),
        // A wish in an advanced set changes nothing.
        (r#"{"advanced":[{"width":{"ideal":1280}}]}"#, Ok(0)),
        (
            r#"{"width":{"max":640},"advanced":[{"width":1280}]}"#,
            Ok(0),
        ),
        (r#"{"height":720,"advanced":[{"deviceId":["b"]}]}"#, Ok(2)),
    ];
    check(&cameras(), MediaKind::Video, rows);
}

#[test]
fn sound_is_chosen_likewise() {
    let rows: Rows<'_> = &[
        (r#"{}"#, Ok(0)),
        (r#"{"channelCount":2}"#, Ok(1)),
        (
            r#"{"channelCount":{"exact":2},"sampleRate":{"exact":48000}}"#,
            Err("sampleRate"),
        ),
        (
            r#"{"echoCancellation":{"exact":true}}"#,
            Err("echoCancellation"),
        ),
        (r#"{"echoCancellation":true}"#, Ok(0)),
        (r#"{"echoCancellation":{"exact":"all"}}"#, Ok(1)),
        (r#"{"latency":{"max":0.015}}"#, Ok(0)),
        (r#"{"latency":{"min":0.015}}"#, Ok(1)),
        // No settings say it: required it is not met, wished it is as far from all.
        (
            r#"{"noiseSuppression":{"exact":false}}"#,
            Err("noiseSuppression"),
        ),
        (r#"{"noiseSuppression":false}"#, Ok(0)),
        (r#"{"width":{"exact":1}}"#, Ok(0)),
    ];
    check(&microphones(), MediaKind::Audio, rows);
}

#[test]
fn the_fitness_distance_is_that_of_the_specification() {
    let camera = &cameras()[1];
    let rows = [
        (r#"{"width":1280}"#, 0.0),
        (r#"{"width":640}"#, 0.5),
        (r#"{"width":2560}"#, 0.5),
        (
            r#"{"width":640,"height":360,"frameRate":40}"#,
            0.5 + 0.5 + 0.25,
        ),
        (r#"{"width":{"min":100}}"#, 0.0),
        (r#"{"deviceId":"b"}"#, 1.0),
        (r#"{"deviceId":["b","a"]}"#, 0.0),
        (r#"{"groupId":"g"}"#, 1.0),
    ];
    for (constraints, expected) in rows {
        let set: MediaTrackConstraintSet = serde_json::from_str(constraints).unwrap();
        let demands = demands(&set, MediaKind::Video, Bare::Ideal);
        assert_eq!(distance(&demands, camera), expected, "{constraints}");
    }
}

#[test]
fn a_ratio_is_compared_to_ten_decimal_places() {
    let camera = MediaTrackSettings {
        aspect_ratio: Some(1.777_777_777_8),
        ..Default::default()
    };
    let asked = MediaTrackConstraintSet {
        aspect_ratio: Some(crate::ConstrainRange::exact(16.0 / 9.0).into()),
        ..Default::default()
    };
    let selected = select_settings(&[camera], MediaKind::Video, &asked.into());
    assert_eq!(selected, Ok(0));
}

#[test]
fn what_a_page_asks_for_is_bounded() {
    let long = format!(r#"{{"deviceId":"{}"}}"#, "x".repeat(limits::TEXT + 1));
    let refused = select(&cameras(), MediaKind::Video, &long);
    assert_eq!(refused, Err("deviceId".to_owned()));
    let many = MediaTrackConstraints {
        advanced: (0..10_000)
            .map(|at: u32| MediaTrackConstraintSet {
                width: Some(at.into()),
                ..Default::default()
            })
            .collect(),
        ..Default::default()
    };
    assert_eq!(numbers(&many, Property::Width).len(), limits::NUMBERS);
}

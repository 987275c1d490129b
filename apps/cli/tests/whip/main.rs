//! WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep): each requirement by a client of raw HTTP, and media from one
//! program to another.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "helpers outside #[test] functions are tests too"
)]

mod clients;
mod cluster;
mod endpoints;
mod fuzz;
mod media;
mod raw;
mod relay;
mod sessions;

/// `docs/whip-requirements.md` says which test holds what: each is there.
#[test]
fn each_test_that_the_table_of_requirements_names_is_there() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let mut sources = String::new();
    for folder in [
        "apps/cli/tests/whip",
        "apps/cli/src/whip",
        "apps/cli/src/whip/serve",
        "apps/cli/src/whip/tend",
    ] {
        for entry in std::fs::read_dir(format!("{root}/{folder}")).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|it| it == "rs") {
                sources += &std::fs::read_to_string(path).unwrap();
            }
        }
    }
    let table = std::fs::read_to_string(format!("{root}/docs/whip-requirements.md")).unwrap();
    let is_test = |word: &&str| word.matches('_').count() > 2;
    let named: Vec<&str> = table.split('`').filter(is_test).collect();
    assert!(named.len() > 40, "{named:?}");
    for name in named {
        assert!(sources.contains(&format!("fn {name}()")), "{name}");
    }
}

//! Whatever the text: no panic, and what is accepted is written as it was read.

use duologue_sdp::attr::Candidate;
use duologue_sdp::{MediaDescription, Origin, SessionDescription};
use proptest::prelude::*;
use proptest::sample::{Index, select};

const DESCRIPTIONS: [&str; 5] = [
    include_str!("descriptions/chrome_offer.sdp"),
    include_str!("descriptions/chrome_simulcast_offer.sdp"),
    include_str!("descriptions/firefox_offer.sdp"),
    include_str!("descriptions/firefox_answer_rejecting.sdp"),
    include_str!("descriptions/legacy_sctpmap_answer.sdp"),
];

/// Parses; if that succeeds, checks everything that holds for any description.
fn check(text: &str) -> Result<bool, TestCaseError> {
    let description = match SessionDescription::parse(text) {
        Ok(description) => description,
        Err(error) => {
            prop_assert!(error.line >= 1 && error.line <= text.split('\n').count());
            return Ok(false);
        }
    };
    let written = description.to_string();
    let expected = text.trim_end_matches(['\r', '\n']).replace("\r\n", "\n");
    let kept = written.replace("\r\n", "\n");
    prop_assert_eq!(kept.trim_end_matches('\n'), expected);
    prop_assert_eq!(
        &SessionDescription::parse(&written),
        &Ok(description.clone())
    );
    let candidates = description.medias().map(|media| {
        let candidates: Vec<Candidate> = media.candidates().cloned().collect();
        (candidates, media.end_of_candidates())
    });
    prop_assert_eq!(
        SessionDescription::candidates_of(text),
        candidates.collect::<Vec<_>>()
    );
    prop_assert_eq!(
        rebuilt(&description)?.media_count(),
        description.media_count()
    );
    Ok(true)
}

/// The description written anew from its typed values, which must be well-formed again.
fn rebuilt(description: &SessionDescription) -> Result<SessionDescription, TestCaseError> {
    // One with odd fields is lossless text and no value to build from.
    let origin = description.origin().cloned().unwrap_or(Origin::new(0, 0));
    let mut builder =
        SessionDescription::builder(origin).attributes(description.session().attributes().cloned());
    for media in description.medias() {
        let mut section = MediaDescription::builder(media.line().clone())
            .attributes(media.section().attributes().cloned());
        for bandwidth in media.section().bandwidths() {
            section = section.bandwidth(bandwidth.clone());
        }
        builder = builder.media(section.build());
    }
    let built = builder.build();
    let written = built.to_string();
    let parsed = SessionDescription::parse(&written);
    prop_assert_eq!(parsed.map_err(|e| (e, written)), Ok(built.clone()));
    Ok(built)
}

/// One change to a text, at a place that `Index` chooses.
#[derive(Clone, Debug)]
enum Mutation {
    RemoveLine(Index),
    RepeatLine(Index),
    SwapLines(Index, Index),
    Cut(Index, Index),
    Insert(Index, String),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let splice = prop_oneof![
        select(vec![
            " ", ":", ";", "/", "=", "\r", "\n", "\0", "-1", "65536", "*", "~", "a=", "m="
        ])
        .prop_map(str::to_owned),
        any::<String>(),
    ];
    prop_oneof![
        any::<Index>().prop_map(Mutation::RemoveLine),
        any::<Index>().prop_map(Mutation::RepeatLine),
        (any::<Index>(), any::<Index>()).prop_map(|(a, b)| Mutation::SwapLines(a, b)),
        (any::<Index>(), any::<Index>()).prop_map(|(a, b)| Mutation::Cut(a, b)),
        (any::<Index>(), splice).prop_map(|(at, text)| Mutation::Insert(at, text)),
    ]
}

/// `str`'s own is younger than the Rust that this crate takes.
fn floor_char_boundary(text: &str, at: usize) -> usize {
    let mut boundaries = (0..=at.min(text.len())).rev();
    boundaries
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0)
}

fn mutate(text: &mut String, mutation: Mutation) {
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    let boundary = |index: Index| {
        let at = index.index(text.len() + 1);
        floor_char_boundary(text, at)
    };
    match mutation {
        Mutation::RemoveLine(index) => {
            lines.remove(index.index(lines.len()));
        }
        Mutation::RepeatLine(index) => {
            let at = index.index(lines.len());
            lines.insert(at, lines[at].clone());
        }
        Mutation::SwapLines(a, b) => {
            let (a, b) = (a.index(lines.len()), b.index(lines.len()));
            lines.swap(a, b);
        }
        Mutation::Cut(a, b) => {
            let (a, b) = (boundary(a), boundary(b));
            let short = b.clamp(a.min(b), floor_char_boundary(text, a.min(b) + 8));
            text.replace_range(a.min(b)..short, "");
            return;
        }
        Mutation::Insert(at, splice) => {
            text.insert_str(boundary(at), &splice);
            return;
        }
    }
    *text = lines.join("\n");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn any_text_is_refused_or_kept(text in any::<String>()) {
        check(&text)?;
    }

    #[test]
    fn any_lines_are_refused_or_kept(
        lines in prop::collection::vec("[a-z]=[ -~]{0,40}", 0..20),
    ) {
        check(&format!("v=0\no=- 1 1 IN IP4 0.0.0.0\ns=-\nt=0 0\n{}", lines.join("\n")))?;
    }

    #[test]
    fn a_changed_description_is_refused_or_kept(
        text in select(DESCRIPTIONS.to_vec()),
        mutations in prop::collection::vec(mutation(), 0..6),
    ) {
        let mut text = text.to_owned();
        for mutation in mutations {
            mutate(&mut text, mutation);
        }
        check(&text)?;
    }

    #[test]
    fn a_candidate_is_refused_or_read_again_as_it_was_written(
        text in "(candidate:|a=candidate:)?[a-z0-9+/_:=-]{0,4} {1,2}[0-9]{1,3} (udp|TCP|x|7) [0-9]{1,10} \
                 ([0-9]{1,3}\\.[0-9]\\.[0-9]\\.[0-9]|[a-f0-9:%]{2,8}|[a-z.$]{1,9}) [0-9]{1,5} typ \
                 (host|srflx|prflx|relay|y)( (raddr ::1|raddr |raddr|rport [0-9]{1,5}|tcptype so|a b|ufrag c)){0,4}",
    ) {
        if let Ok(candidate) = text.parse::<Candidate>() {
            let written = candidate.to_string();
            prop_assert_eq!(written.parse(), Ok(candidate));
        }
    }
}

#[test]
fn the_descriptions_themselves_are_kept() -> Result<(), TestCaseError> {
    for text in DESCRIPTIONS {
        assert!(check(text)?);
    }
    Ok(())
}

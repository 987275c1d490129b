use std::collections::BTreeSet;
use std::path::PathBuf;

use super::source::Source;

/// Groups of files each of which needs, by others, itself.
pub(super) fn circles(sources: &[Source]) -> Vec<Vec<PathBuf>> {
    let needs: Vec<BTreeSet<usize>> = sources.iter().map(|s| needed(sources, s)).collect();
    let reached: Vec<BTreeSet<usize>> = (0..sources.len())
        .map(|from| reachable(&needs, from))
        .collect();
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for at in 0..sources.len() {
        let together = reached[at].iter().filter(|&&to| reached[to].contains(&at));
        let together: Vec<usize> = together.copied().collect();
        if together.len() < 2 || !seen.insert(together[0]) {
            continue;
        }
        if !is_one_folder(sources, &together) {
            found.push(
                together
                    .iter()
                    .map(|&at| sources[at].file.clone())
                    .collect(),
            );
        }
    }
    found
}

/// The files whose modules it names.
fn needed(sources: &[Source], source: &Source) -> BTreeSet<usize> {
    let of = |path: &Vec<String>| {
        (1..=path.len()).rev().find_map(|length| {
            let module = &path[..length];
            sources.iter().position(|source| source.module == module)
        })
    };
    let named = source.paths.iter().filter_map(of);
    named
        .filter(|&at| sources[at].file != source.file)
        .collect()
}

fn reachable(needs: &[BTreeSet<usize>], from: usize) -> BTreeSet<usize> {
    let mut reached = BTreeSet::new();
    let mut next = vec![from];
    while let Some(at) = next.pop() {
        next.extend(needs[at].iter().copied().filter(|&to| reached.insert(to)));
    }
    reached
}

/// What heads a folder, and files of that folder.
fn is_one_folder(sources: &[Source], files: &[usize]) -> bool {
    files.iter().any(|&head| {
        let head = &sources[head].module;
        let is_in = |module: &[String]| module.split_last().is_some_and(|(_, of)| of == head);
        let modules = files.iter().map(|&at| &sources[at].module);
        !head.is_empty()
            && modules
                .into_iter()
                .all(|module| module == head || is_in(module))
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn parse(files: &[(&str, &str)]) -> Vec<Source> {
        let parse =
            |&(file, text): &(&str, &str)| Source::parse(Path::new(""), file.into(), text).unwrap();
        files.iter().map(parse).collect()
    }

    #[test]
    fn files_that_need_each_other_by_others_are_a_circle() {
        let sources = parse(&[
            ("a.rs", "use crate::b::B;"),
            ("b.rs", "use crate::c::C;"),
            ("c.rs", "use crate::a::A;"),
            ("d.rs", "use crate::a::A;"),
        ]);
        let names: Vec<PathBuf> = ["a.rs", "b.rs", "c.rs"].map(PathBuf::from).into();
        assert_eq!(circles(&sources), [names]);
    }

    #[test]
    fn a_folder_and_what_heads_it_are_none() {
        let sources = parse(&[("a/mod.rs", "use self::b::B;"), ("a/b.rs", "use super::A;")]);
        assert_eq!(circles(&sources), Vec::<Vec<PathBuf>>::new());
    }
}

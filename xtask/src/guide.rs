//! The guide in `docs`: all its pages are in its table of contents, and what they point at is there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::run::{Outcome, all, root};

pub(crate) fn check() -> Outcome {
    let docs = root().join("docs");
    let read = |path: &Path| {
        std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
    };
    let mut pages = BTreeSet::new();
    for entry in std::fs::read_dir(&docs).map_err(|error| error.to_string())? {
        let path = entry.map_err(|error| error.to_string())?.path();
        if path.extension().is_some_and(|ending| ending == "md") {
            pages.insert(path);
        }
    }
    let summary = docs.join("SUMMARY.md");
    let contents: BTreeSet<PathBuf> = links(&read(&summary)?)
        .map(|link| docs.join(link))
        .collect();

    let missing = pages
        .iter()
        .filter(|page| **page != summary && !contents.contains(*page));
    let missing = missing.map(|page| Err(format!("{} is not in SUMMARY.md", page.display())));
    let broken = pages.iter().map(|page| page_is_whole(page, &read(page)?));
    all(missing.chain(broken))
}

/// Links and inclusions of a page lead to files that are there.
fn page_is_whole(page: &Path, text: &str) -> Outcome {
    let folder = page.parent().unwrap_or(page);
    let local = |link: &&str| !link.contains("://") && !link.starts_with('#');
    let targets = links(text).filter(local).chain(included(text));
    all(targets.map(|target| {
        let file = target.split('#').next().unwrap_or_default();
        match folder.join(file).exists() {
            true => Ok(()),
            false => Err(format!("{}: {target} is not there", page.display())),
        }
    }))
}

/// What `[text](target)` leads to, outside of code.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let mut code = false;
    let lines = text.lines().filter(move |line| {
        code ^= line.starts_with("```");
        !code
    });
    lines.flat_map(|line| {
        let targets = line.split("](").skip(1);
        targets.filter_map(|rest| rest.split_once(')').map(|(target, _)| target))
    })
}

/// The files that mdBook puts into a page.
fn included(text: &str) -> impl Iterator<Item = &str> {
    let rests = text.split("{{#include ").skip(1);
    rests.filter_map(|rest| rest.split_once("}}").map(|(file, _)| file.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_inclusions_are_found_and_code_is_none() {
        let text = "[a](b.md) and [c](d.md#e)\n```\n[x](y)\n```\n{{#include ../f.rs}}\n";
        assert_eq!(links(text).collect::<Vec<_>>(), ["b.md", "d.md#e"]);
        assert_eq!(included(text).collect::<Vec<_>>(), ["../f.rs"]);
    }

    #[test]
    fn a_page_whose_links_lead_nowhere_is_not_whole() {
        let page = root().join("docs/SUMMARY.md");
        assert!(page_is_whole(&page, "[x](start.md) [y](https://a.example/z)").is_ok());
        assert!(page_is_whole(&page, "[x](nowhere.md)").is_err());
        assert!(page_is_whole(&page, "{{#include nowhere.rs}}").is_err());
    }
}

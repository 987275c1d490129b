//! The guide in `docs`: all its pages are in its table of contents, and what they point at is there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::run::{self, Outcome, all, command, read, root, target_dir};
use crate::tools::Tool;

pub(crate) const MDBOOK: Tool = Tool {
    name: "mdbook",
    version: "0.5.4",
    // Neither a server nor a search.
    with: &["--no-default-features"],
};

/// Builds the book, with the programs that its pages lead to beside it, and asks whether each link leads to a page and
/// to a place on it.
pub(crate) fn build() -> Outcome {
    let site = target_dir().join("guide");
    let book = site.join("docs");
    let program = MDBOOK.provide()?.display().to_string();
    let mut build = command(&program, ["build", "docs", "--dest-dir"]);
    build.arg(&book);
    run::run(build)?;

    let mut pages = BTreeMap::new();
    for path in files(&book, "html")? {
        let name = path.file_name().unwrap_or_default().display().to_string();
        pages.insert(name, read(&path)?);
    }
    // It does not know from where it is shown.
    pages.remove("404.html");
    let outside: BTreeSet<&str> = pages.values().flat_map(|page| links_of(page)).collect();
    let outside = outside
        .into_iter()
        .filter_map(|link| link.strip_prefix("../"));
    all(outside.map(|file| copy(&root().join(file), &site.join(file))))?;
    all(pages.keys().map(|name| lead_somewhere(name, &pages)))
}

/// Whether the links of a built page lead to pages and headings of the book that are there.
fn lead_somewhere(name: &str, pages: &BTreeMap<String, String>) -> Outcome {
    let inside = links_of(&pages[name]).filter(|link| !link.starts_with("../"));
    all(inside.map(|link| {
        let (page, place) = link.split_once('#').unwrap_or((link, ""));
        let target = match page {
            "" => name,
            page => page,
        };
        let Some(text) = pages.get(target) else {
            return Err(format!("{name}: {target} is not in the book"));
        };
        match place.is_empty() || attributes(text, "id").any(|id| id == place) {
            true => Ok(()),
            false => Err(format!("{name}: {link} is no place on {target}")),
        }
    }))
}

fn copy(from: &Path, to: &Path) -> Outcome {
    let folder = to.parent().unwrap_or(to);
    let copied = std::fs::create_dir_all(folder).and_then(|()| std::fs::copy(from, to));
    copied.map_or_else(
        |error| Err(format!("{}: {error}", from.display())),
        |_| Ok(()),
    )
}

/// What a built page leads to, without what mdBook itself puts beside its pages.
fn links_of(page: &str) -> impl Iterator<Item = &str> {
    attributes(page, "href").filter(|link| !link.contains(':') && !is_part_of_a_page(link))
}

fn is_part_of_a_page(link: &str) -> bool {
    [".css", ".svg", ".png"]
        .iter()
        .any(|ending| link.ends_with(ending))
}

/// The values of an attribute of a page in HTML that a program has written.
fn attributes<'p>(page: &'p str, name: &str) -> impl Iterator<Item = &'p str> {
    let begin = format!(" {name}=\"");
    let values: Vec<&str> = page.split(begin.as_str()).skip(1).collect();
    values.into_iter().filter_map(|rest| rest.split('"').next())
}

/// The files of a folder with this ending.
fn files(folder: &Path, ending: &str) -> Outcome<BTreeSet<PathBuf>> {
    let entries = std::fs::read_dir(folder).map_err(|error| error.to_string())?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let paths: Result<BTreeSet<_>, _> = paths.collect();
    let mut paths = paths.map_err(|error| error.to_string())?;
    paths.retain(|path| path.extension().is_some_and(|its| its == ending));
    Ok(paths)
}

pub(crate) fn check() -> Outcome {
    let docs = root().join("docs");
    let pages = files(&docs, "md")?;
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

    #[test]
    fn a_link_to_a_heading_that_is_not_there_is_found() {
        let page = |text: &str| text.to_owned();
        let pages = BTreeMap::from([
            (
                "a.html".into(),
                page("<a href=\"b.html#two\"> <a href=\"#one\"><h1 id=\"one\">"),
            ),
            ("b.html".into(), page("<a href=\"c.html\"><h2 id=\"two\">")),
            (
                "d.html".into(),
                page("<a href=\"b.html#three\"> <a href=\"https://a.example/\">"),
            ),
        ]);
        assert_eq!(lead_somewhere("a.html", &pages), Ok(()));
        assert_eq!(
            lead_somewhere("b.html", &pages),
            Err("b.html: c.html is not in the book".into())
        );
        let place = "d.html: b.html#three is no place on b.html";
        assert_eq!(lead_somewhere("d.html", &pages), Err(place.into()));
    }
}

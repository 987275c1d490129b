//! What the pages say of files is true: each that they name is there.

use std::path::Path;
use std::{fs, io};

use crate::run::{Outcome, root};

/// The pages that lead through the code.
const PAGES: &[&str] = &[
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "README.md",
    "SECURITY.md",
    "bench/README.md",
    "docs/browsers.md",
    "docs/debugging.md",
    "docs/event-log.md",
];

/// Folders of what is built or fetched.
const OTHERS: &[&str] = &["target", "node_modules", ".git"];

/// Fails with every source file that a page names and that is not there.
pub(crate) fn check() -> Outcome {
    let mut files = Vec::new();
    list(&root(), "", &mut files).map_err(|error| error.to_string())?;
    let mut wrong = Vec::new();
    for page in PAGES {
        let text = fs::read_to_string(root().join(page));
        let text = text.map_err(|error| format!("{page}: {error}"))?;
        let missing = named(&text).filter(|name| !is_there(&files, name));
        wrong.extend(missing.map(|name| format!("{page} names {name}, which is not there")));
    }
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(wrong.join("\n")),
    }
}

/// The source files in a page's code spans.
fn named(text: &str) -> impl Iterator<Item = &str> {
    let spans = text.split('`').skip(1).step_by(2);
    let is_plain = |span: &&str| !span.contains(['{', '*', '<', ' ', '\n']);
    let is_source = |span: &&str| {
        let extension = Path::new(span).extension();
        extension.is_some_and(|extension| extension == "rs" || extension == "ts")
    };
    spans.filter(is_plain).filter(is_source)
}

/// A file may be named by the end of its path: that of its crate is left out where it is clear.
fn is_there(files: &[String], name: &str) -> bool {
    let end = format!("/{name}");
    files.iter().any(|file| file.ends_with(&end))
}

/// Paths from the root, each with a slash before it.
fn list(folder: &Path, path: &str, files: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{path}/{name}");
        if !entry.file_type()?.is_dir() {
            files.push(path);
        } else if !OTHERS.contains(&name.as_str()) {
            list(&entry.path(), &path, files)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_pages_name_is_there() {
        assert_eq!(check(), Ok(()));
    }

    fn page(path: &str) -> String {
        fs::read_to_string(root().join(path)).unwrap()
    }

    /// Cells of the first row of a table that begins so.
    fn row<'t>(table: &'t str, begins: &str) -> Vec<&'t str> {
        let mut rows = table.lines().filter(|line| line.starts_with(begins));
        let row = rows.next().unwrap_or_else(|| panic!("no {begins}"));
        row.split('|').map(str::trim).collect()
    }

    #[test]
    fn the_first_page_says_of_the_web_platform_tests_what_their_table_does() {
        let (first, results) = (page("README.md"), page("node/wpt/RESULTS.md"));
        let grouped = |number: &str| {
            let (thousands, rest) = number.split_at(number.len() - 3);
            format!("{thousands},{rest}")
        };
        let (_, results) = results
            .split_once("### files that need no document")
            .unwrap();
        for count in &row(results, "| **total** |")[3..6] {
            let (passed, all) = count.split_once(" / ").unwrap();
            let said = format!("{} of {}", grouped(passed), grouped(all));
            assert!(first.contains(&said), "{said}");
        }
        let of_both = row(results, "| duologue |")[3];
        let (_, share) = of_both.split_once('(').unwrap();
        let share = share.split(' ').next().unwrap();
        assert!(first.contains(&format!("{share} % pass here")), "{share}");
    }

    #[test]
    fn the_first_page_names_the_stacks_of_the_table_of_peers_whose_cells_are_all_right() {
        let (first, results) = (page("README.md"), page("test/peers/RESULTS.md"));
        let rows: Vec<&str> = results
            .lines()
            .filter(|line| line.contains("offer |"))
            .collect();
        assert!(rows.len() > 20);
        for row in rows {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            let stack = match cells[1].split([' ', ',']).next().unwrap() {
                "@roamhq/wrtc" => "libwebrtc",
                "node-datachannel" => "libdatachannel",
                "Mozilla" => "Firefox",
                name => name,
            };
            assert!(first.contains(stack), "{stack}");
            let fine = |cell: &&str| cell.starts_with("**ok**") || cell.starts_with("lacks it");
            assert!(cells[3..10].iter().all(fine), "{row}");
        }
    }

    #[test]
    fn the_first_page_says_how_much_faster_it_is_as_the_table_does() {
        let (first, bench) = (page("README.md"), page("bench/README.md"));
        let of = |begins| row(&bench, begins)[5].split(' ').next().unwrap();
        assert_eq!(of("| dc-16k | CPU s/GB | 1.48"), "0.21");
        let said = format!(
            "{} × the bytes of a data channel at a fifth of the CPU, set-up {} × and round trips {} × faster",
            of("| dc-16k | MB/s | 680"),
            of("| setup | ms | 1.13"),
            of("| ping | µs median / p99 |"),
        );
        assert!(first.contains(&said), "{said}");
    }

    #[test]
    fn a_file_is_found_by_the_end_of_its_path() {
        let files = ["/core/ice/src/role.rs".to_owned()];
        let page = "See `ice/src/role.rs`, `src/gone.rs`, `core/*/src/x.rs` and `Agent`.";
        let found: Vec<(&str, bool)> = named(page)
            .map(|name| (name, is_there(&files, name)))
            .collect();
        assert_eq!(found, [("ice/src/role.rs", true), ("src/gone.rs", false)]);
        assert!(!is_there(&files, "le.rs"));
    }
}

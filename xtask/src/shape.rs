//! The shape of the product's Rust code: how long files and functions are, which files need each other
//! in a circle, and whether what documents a public item names it.

mod circles;
mod source;
mod subjects;

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::run::{Outcome, root};
use circles::circles;
use source::Source;

/// Lines of a file, tests left out.
const FILE_LINES: usize = 800;

/// Lines of a function, empty ones and comments left out.
const FUNCTION_LINES: usize = 70;

/// A function of so many lines and statements has a blank line between its steps.
const STEPS: (usize, usize) = (40, 8);

/// Groups of files that need each other, over all crates. A folder's files and what heads them are no
/// group: they are one thing in parts. Six is what is wanted; these are those that there are.
const CIRCLES: usize = 4;

/// What only named methods change: no field of it may be touched from another file.
const PRIVATE: &[&str] = &[
    "core/peer/src/slots/",
    "core/peer/src/channels.rs",
    "core/peer/src/data_channel.rs",
    "core/peer/src/media.rs",
    "core/peer/src/send_queue.rs",
    "core/peer/src/states.rs",
    "core/ice/src/nomination.rs",
];

/// Whose code it is about.
const CRATES: &[&str] = &[
    "core/*", "driver/*", "duologue", "media/*", "codec/*", "node", "apps/*",
];

/// Whose public items nobody but the project meets.
const PROGRAMS: &[&str] = &["node/", "apps/"];

/// Fails with every file and function that is too long, and with the circles if there are too many.
pub(crate) fn check() -> Outcome {
    let mut wrong = Vec::new();
    let mut found = Vec::new();
    for folder in source_folders().map_err(|error| error.to_string())? {
        let sources = read(&folder)?;
        wrong.extend(sources.iter().flat_map(too_long));
        wrong.extend(sources.iter().flat_map(open));
        wrong.extend(sources.iter().flat_map(subjectless));
        let name = folder.strip_prefix(root()).unwrap_or(&folder);
        found.extend(circles(&sources).iter().map(|files| {
            let files: Vec<String> = files.iter().map(|f| f.display().to_string()).collect();
            format!("{}: {}", name.display(), files.join(", "))
        }));
    }
    if found.len() > CIRCLES {
        let (count, list) = (found.len(), found.join("\n  "));
        wrong.push(format!(
            "{count} circles of files, {CIRCLES} at most:\n  {list}"
        ));
    }
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(wrong.join("\n")),
    }
}

fn too_long(source: &Source) -> Vec<String> {
    let place = source.path.strip_prefix(root()).unwrap_or(&source.path);
    let place = place.display();
    let functions = source
        .functions
        .iter()
        .filter(|function| function.lines > FUNCTION_LINES)
        .map(|function| format!("{place}: {} has {} lines", function.name, function.lines));
    let without_steps = source.functions.iter().filter(|function| {
        let long = function.lines >= STEPS.0 && function.statements >= STEPS.1;
        long && !function.has_blank_line
    });
    let without_steps = without_steps.map(|function| {
        format!(
            "{place}: {} has no blank line between its steps",
            function.name
        )
    });
    let file = (source.lines > FILE_LINES).then(|| format!("{place} has {} lines", source.lines));
    file.into_iter()
        .chain(functions)
        .chain(without_steps)
        .collect()
}

fn open(source: &Source) -> Vec<String> {
    let place = source.path.strip_prefix(root()).unwrap_or(&source.path);
    let place = place.display().to_string();
    let private = PRIVATE.iter().any(|path| place.starts_with(path));
    let fields = source.open_fields.iter().filter(|_| private);
    fields
        .map(|field| format!("{place}: other files may touch {field}"))
        .collect()
}

fn subjectless(source: &Source) -> Vec<String> {
    let place = source.path.strip_prefix(root()).unwrap_or(&source.path);
    let place = place.display().to_string();
    let program = PROGRAMS.iter().any(|path| place.starts_with(path));
    let found = source.subjectless.iter().filter(|_| !program);
    found
        .map(|(line, words)| format!("{place}:{line}: `{words} …` does not say what the item is"))
        .collect()
}

fn source_folders() -> io::Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for pattern in CRATES {
        match pattern.strip_suffix("/*") {
            None => folders.push(root().join(pattern)),
            Some(parent) => {
                for entry in fs::read_dir(root().join(parent))? {
                    folders.push(entry?.path());
                }
            }
        }
    }
    folders.iter_mut().for_each(|folder| folder.push("src"));
    folders.retain(|folder| folder.is_dir());
    folders.sort();
    Ok(folders)
}

/// The files of a crate that are no tests.
fn read(folder: &Path) -> Result<Vec<Source>, String> {
    let mut files = Vec::new();
    list(folder, &mut files).map_err(|error| format!("{}: {error}", folder.display()))?;
    files.sort();
    let texts = files.into_iter().map(|path| {
        let text = fs::read_to_string(&path);
        let text = text.map_err(|error| format!("{}: {error}", path.display()))?;
        Source::parse(folder, path, &text)
    });
    texts.collect()
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let stem = path.file_stem().unwrap_or_default();
        if stem == "tests" {
            continue;
        }
        if path.is_dir() {
            list(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_product_is_in_shape() {
        assert_eq!(super::check(), Ok(()));
    }
}

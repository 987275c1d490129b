//! `THIRD-PARTY-LICENSES` of what is handed out as a binary: the texts of every crate that is in it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::run::{Outcome, cargo, output, target_dir};

/// The binaries that are handed out, and where the texts of each go.
const BINARIES: [(&str, &str); 2] = [("duologue-cli", "program"), ("duologue-node", "node-core")];

/// Texts that licences ask to be kept with copies.
const TEXTS: [&str; 5] = ["LICENSE", "LICENCE", "COPYING", "NOTICE", "COPYRIGHT"];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_members: Vec<String>,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    manifest_path: PathBuf,
}

/// Writes them all. A crate without a licence is an error.
pub(crate) fn write() -> Outcome {
    let metadata = output(cargo(["metadata", "--format-version", "1", "--locked"]))?;
    let metadata: Metadata = serde_json::from_str(&metadata).map_err(|error| error.to_string())?;
    for (package, folder) in BINARIES {
        let used = used_by(package)?;
        let foreign = metadata.packages.iter().filter(|it| {
            let name = format!("{} v{}", it.name, it.version);
            !metadata.workspace_members.contains(&it.id) && used.contains(&name)
        });
        let text = text(foreign)?;
        let folder = target_dir().join("package").join(folder);
        let written = fs::create_dir_all(&folder)
            .and_then(|()| fs::write(folder.join("THIRD-PARTY-LICENSES"), text));
        written.map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    Ok(())
}

/// `NAME vVERSION` of everything that is linked into it.
fn used_by(package: &str) -> Outcome<BTreeSet<String>> {
    let tree = [
        "tree", "--locked", "--edges", "normal", "--prefix", "none", "--format", "{p}", "-p",
    ];
    let mut tree = cargo(tree);
    tree.arg(package);
    let listed = output(tree)?;
    let name = |line: &str| line.split(' ').take(2).collect::<Vec<_>>().join(" ");
    Ok(listed.lines().map(name).collect())
}

/// Each text once, under the names of those that have it.
fn text<'p>(packages: impl Iterator<Item = &'p Package>) -> Outcome<String> {
    let mut by_text: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut list = String::new();
    let mut without = String::new();
    for package in packages {
        let Package { name, version, .. } = package;
        let licence = package.license.as_deref();
        let licence = licence.ok_or_else(|| format!("{name} {version} names no licence"))?;
        // Writing to a string cannot fail.
        let _ = writeln!(list, "{name} {version}: {licence}");
        let folder = package.manifest_path.parent().unwrap_or(Path::new("."));
        let texts = texts_in(folder)?;
        if texts.is_empty() {
            let _ = writeln!(without, "{name} {version}: {licence}");
        }
        for text in texts {
            by_text
                .entry(text)
                .or_default()
                .push(format!("{name} {version}"));
        }
    }

    let mut whole =
        format!("What is in this binary beside duologue, and under which licences:\n\n{list}");
    if !without.is_empty() {
        let _ = write!(
            whole,
            "\nOf these, without a text in their packages:\n\n{without}"
        );
    }
    for (text, of) in by_text {
        let line = "-".repeat(80);
        let _ = write!(
            whole,
            "\n{line}\n{}\n{line}\n\n{}\n",
            of.join(", "),
            text.trim()
        );
    }
    Ok(whole)
}

fn texts_in(folder: &Path) -> Outcome<Vec<String>> {
    let listed = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut texts = BTreeSet::new();
    for entry in listed.flatten() {
        let name = entry.file_name().to_string_lossy().to_ascii_uppercase();
        if TEXTS.iter().any(|text| name.starts_with(text))
            && let Ok(text) = fs::read_to_string(entry.path())
        {
            texts.insert(text.replace("\r\n", "\n"));
        }
    }
    Ok(texts.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_there_once_whoever_has_it_and_who_has_none_is_named() {
        let folder = std::env::temp_dir().join(format!("duologue-licences-{}", std::process::id()));
        let package = |name: &str, text: Option<&str>| {
            let folder = folder.join(name);
            fs::create_dir_all(&folder).unwrap();
            if let Some(text) = text {
                fs::write(folder.join("License-MIT.txt"), text).unwrap();
            }
            Package {
                id: name.to_owned(),
                name: name.to_owned(),
                version: "1.0.0".to_owned(),
                license: Some("MIT".to_owned()),
                manifest_path: folder.join("Cargo.toml"),
            }
        };
        let packages = [
            package("a", Some("as is\r\n")),
            package("b", Some("as is\n")),
            package("c", None),
        ];
        let whole = text(packages.iter()).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(whole.matches("as is").count(), 1, "{whole}");
        assert!(whole.contains("a 1.0.0, b 1.0.0"), "{whole}");
        assert!(
            whole.contains("without a text in their packages:\n\nc 1.0.0: MIT"),
            "{whole}"
        );
        let nameless = Package {
            license: None,
            ..package("d", None)
        };
        assert!(text([&nameless].into_iter()).is_err());
    }
}

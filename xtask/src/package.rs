//! `cargo xtask package`: what goes to the registries, made and looked into.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use crate::run::{self, Outcome, all, cargo, command, output, root, target_dir};
use crate::{debian, licences, semver};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only what takes seconds: packs and looks into the packages, but builds nothing out of them
    #[arg(long)]
    quick: bool,
    /// Compare the library's interface with this commit's, instead of the last release's
    #[arg(long, value_name = "COMMIT")]
    baseline: Option<String>,
    /// Only this
    #[arg(long, value_enum, conflicts_with = "quick")]
    only: Option<Piece>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
enum Piece {
    /// Of every crate its package, and what is built out of it
    Crates,
    /// What the library breaks of its interface
    Semver,
    /// The npm packages
    Npm,
    /// The Debian package of the program, with the licences
    Debian,
}

/// The largest a crate may be, packed. Registries take ten times as much.
const MAX_CRATE_BYTES: u64 = 1 << 20;

/// What every package has beside its manifest and its sources.
const TEXTS: [&str; 3] = ["README.md", "LICENSE-MIT", "LICENSE-APACHE"];

pub(crate) fn run(args: &Args) -> Outcome {
    if args.quick {
        return all([crates(true), licences::write()]);
    }
    let pieces = [Piece::Crates, Piece::Semver, Piece::Npm, Piece::Debian];
    let wanted = pieces
        .into_iter()
        .filter(|it| args.only.is_none_or(|only| only == *it));
    all(wanted.map(|piece| match piece {
        Piece::Crates => crates(false),
        Piece::Semver => semver::check(args.baseline.as_deref()),
        Piece::Npm => npm(),
        Piece::Debian => licences::write().and_then(|()| debian::package()),
    }))
}

/// `cargo package` of all crates that are published, against one another; each is built out of its package unless
/// it is to be `quick`.
pub(crate) fn crates(quick: bool) -> Outcome {
    let published = published()?;
    let mut package = cargo(["package", "--allow-dirty", "--quiet"]);
    // What they depend on was built here already, so that its manifests are known.
    package.args(
        quick
            .then_some(["--no-verify", "--offline"])
            .into_iter()
            .flatten(),
    );
    package.args(published.iter().flat_map(|package| ["-p", &package.name]));
    silent(package)?;

    all(published.iter().map(|package| {
        package.complete()?;
        let name = format!("{}-{}", package.name, package.version);
        let packed = target_dir().join(format!("package/{name}.crate"));
        let files = names(&packed)?;
        let files: Vec<&str> = files
            .lines()
            .filter_map(|file| file.strip_prefix(&format!("{name}/")))
            .collect();
        look_into(&package.name, &packed, &files)
    }))
}

/// The npm packages out of what `npm run build` made: the package tests install and run them, here it is looked at
/// what is in them.
fn npm() -> Outcome {
    let folder = target_dir().join("package/npm");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(|error| error.to_string())?;
    }
    let node = root().join("node");
    for step in [&["ci"][..], &["run", "build"]] {
        let mut npm = command("npm", step);
        npm.current_dir(&node);
        run::run(npm)?;
    }
    let mut pack = command("node", ["scripts/pack.mjs".as_ref(), folder.as_os_str()]);
    pack.current_dir(&node);
    run::run(pack)?;

    let packs = std::fs::read_dir(&folder).map_err(|error| error.to_string())?;
    all(packs.map(|entry| {
        let packed = entry.map_err(|error| error.to_string())?.path();
        let files = names(&packed)?;
        let absent = ["package.json", "LICENSE-MIT", "LICENSE-APACHE"]
            .into_iter()
            .find(|text| !files.lines().any(|file| file == format!("package/{text}")));
        absent.map_or(Ok(()), |text| {
            Err(format!("{} has no {text}", packed.display()))
        })
    }))
}

/// What a manifest says of a package.
#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    publish: Option<Vec<String>>,
    description: Option<String>,
    license: Option<String>,
    rust_version: Option<String>,
    readme: Option<PathBuf>,
    keywords: Vec<String>,
    categories: Vec<String>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

/// The workspace's packages that any registry may have.
fn published() -> Outcome<Vec<Package>> {
    let metadata = output(cargo(["metadata", "--no-deps", "--format-version", "1"]))?;
    let metadata: Metadata = serde_json::from_str(&metadata).map_err(|error| error.to_string())?;
    let mut packages = metadata.packages;
    packages.retain(|package| package.publish.is_none());
    Ok(packages)
}

impl Package {
    /// Whoever finds it in a registry sees what it is, and whether they may use it.
    fn complete(&self) -> Outcome {
        let lacks = [
            ("description", self.description.is_some()),
            ("license", self.license.is_some()),
            ("rust-version", self.rust_version.is_some()),
            ("readme", self.readme.is_some()),
            // Registries take no more than five of each.
            ("keywords", (1..=5).contains(&self.keywords.len())),
            ("categories", (1..=5).contains(&self.categories.len())),
        ];
        let lacks = lacks.iter().find(|(_, has)| !has);
        lacks.map_or(Ok(()), |(what, _)| {
            Err(format!("{}: no good {what}", self.name))
        })
    }
}

/// Its texts and its sources are there, and nothing that only the workspace needs.
fn look_into(name: &str, packed: &Path, files: &[&str]) -> Outcome {
    for text in TEXTS {
        if !files.contains(&text) {
            return Err(format!("{name}: the package has no {text}"));
        }
    }
    if !files.iter().any(|file| file.starts_with("src/")) {
        return Err(format!("{name}: the package has no sources"));
    }
    if let Some(file) = files.iter().find(|file| file.starts_with("tests/")) {
        return Err(format!(
            "{name}: {file} is in the package, which has not what it needs"
        ));
    }
    let size = std::fs::metadata(packed)
        .map_err(|error| error.to_string())?
        .len();
    if size > MAX_CRATE_BYTES {
        return Err(format!("{name}: {size} bytes are too many for a crate"));
    }
    Ok(())
}

/// The names of the files in a packed archive.
fn names(packed: &Path) -> Outcome<String> {
    output(command("tar", ["tzf".as_ref(), packed.as_os_str()]))
}

/// Runs it; what it says is shown if it fails. A warning for each test that is left out would be all that one sees.
fn silent(mut command: Command) -> Outcome {
    let out = command
        .output()
        .map_err(|error| format!("cannot start cargo package: {error}"))?;
    match out.status.success() {
        true => Ok(()),
        false => Err(format!(
            "cargo package failed:\n{}",
            String::from_utf8_lossy(&out.stderr)
        )),
    }
}

//! The Debian package of the program: made, installed into a folder of its own, and run out of it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::run::{self, Outcome, cargo, command, output, target_dir};
use crate::setup::{self, need};
use crate::tools::Tool;

const CARGO_DEB: Tool = Tool {
    name: "cargo-deb",
    version: "3.8.0",
    with: &[],
};

/// The shells whose completions are in the package.
const SHELLS: [&str; 3] = ["bash", "zsh", "fish"];

/// What is in the package, beside what `$auto` depends on.
const INSTALLED: [&str; 6] = [
    "usr/bin/duologue",
    "usr/share/man/man1/duologue.1.gz",
    "usr/share/man/man1/duologue-whip-publish.1.gz",
    "usr/share/bash-completion/completions/duologue",
    "usr/share/zsh/vendor-completions/_duologue",
    "usr/share/fish/vendor_completions.d/duologue.fish",
];

/// Makes the package of a program that is built, and looks whether it works. The licences are written already.
pub(crate) fn package() -> Outcome {
    run::run(cargo([
        "build",
        "--locked",
        "--release",
        "-p",
        "duologue-cli",
    ]))?;
    beside()?;
    setup::provide(&[need("dpkg-deb", "dpkg"), need("dpkg-shlibdeps", "dpkg-dev")])?;
    let folder = fresh(&target_dir().join("package/debian"))?;
    let mut deb = command(
        &CARGO_DEB.provide()?.display().to_string(),
        ["-p", "duologue-cli", "--no-build", "--locked", "--output"],
    );
    deb.arg(&folder);
    run::run(deb)?;
    let made = fs::read_dir(&folder).map_err(|error| error.to_string())?;
    let made = made.filter_map(|entry| Some(entry.ok()?.path()));
    let made: Vec<PathBuf> = made
        .filter(|it| it.extension().is_some_and(|it| it == "deb"))
        .collect();
    match &made[..] {
        [package] => installs(package),
        _ => Err(format!("{}: {} packages", folder.display(), made.len())),
    }
}

/// The pages of the manual and the completions, by the program itself.
fn beside() -> Outcome {
    let program = target_dir().join("release/duologue").display().to_string();
    let folder = target_dir().join("release-doc");
    let pages = fresh(&folder.join("man"))?;
    let mut manual = command(&program, ["manual"]);
    manual.arg(pages);
    run::run(manual)?;
    for shell in SHELLS {
        let text = output(command(&program, ["completions", shell]))?;
        run::write(&folder.join(format!("duologue.{shell}")), &text)?;
    }
    Ok(())
}

/// What it depends on is what this system can have, its files are where they belong, and the program runs from there.
fn installs(package: &Path) -> Outcome {
    if run::has("apt-get") {
        let mut simulated = command("apt-get", ["install", "--simulate", "--quiet=2"]);
        simulated.arg(package);
        output(simulated)?;
    }
    let folder = fresh(&target_dir().join("package/debian-root"))?;
    let mut unpack = command("dpkg-deb", ["--extract"]);
    unpack.arg(package).arg(&folder);
    run::run(unpack)?;
    if let Some(lacks) = INSTALLED.iter().find(|it| !folder.join(it).is_file()) {
        return Err(format!("{}: there is no {lacks}", package.display()));
    }

    let program = folder.join(INSTALLED[0]).display().to_string();
    let said = output(command(&program, ["--version"]))?;
    let mut version = command("dpkg-deb", ["--field"]);
    version.arg(package).arg("Version");
    let version = output(version)?;
    // Debian's own revision comes behind it.
    let version = version.split('-').next().unwrap_or_default().trim();
    match said.trim() == format!("duologue {version}") {
        true => {
            println!("{} installs, and its program runs", package.display());
            Ok(())
        }
        false => Err(format!("the program of version {version} says {said}")),
    }
}

/// The folder, empty.
fn fresh(folder: &Path) -> Outcome<PathBuf> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(folder.to_owned())
}

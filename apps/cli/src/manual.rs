//! What packages of this program carry beside it, made of its options: completions of shells, pages of the manual.

use std::io::Write;
use std::path::PathBuf;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::{Cli, Failure};

#[derive(Debug, clap::Args)]
pub(crate) struct CompletionsArgs {
    shell: Shell,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ManualArgs {
    /// The folder that gets a page for each command: `duologue.1`, `duologue-call.1`, …
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

pub(crate) fn completions(args: CompletionsArgs) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "duologue", &mut script);
    std::io::stdout().write_all(&script)?;
    Ok(())
}

pub(crate) fn manual(args: &ManualArgs) -> Result<(), Failure> {
    let at = |error| format!("{}: {error}", args.folder.display());
    std::fs::create_dir_all(&args.folder).map_err(at)?;
    clap_mangen::generate_to(Cli::command(), &args.folder).map_err(at)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_has_a_page_of_the_manual() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("man");
        manual(&ManualArgs {
            folder: folder.clone(),
        })
        .unwrap();
        for page in ["duologue.1", "duologue-call.1", "duologue-whip-publish.1"] {
            let text = std::fs::read_to_string(folder.join(page)).unwrap();
            assert!(text.contains(".SH SYNOPSIS"), "{page}");
        }
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let folder = PathBuf::from("/dev/null/man");
        let failure = manual(&ManualArgs { folder }).unwrap_err().to_string();
        assert!(failure.starts_with("/dev/null/man: "), "{failure}");
    }
}

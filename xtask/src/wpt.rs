//! `cargo xtask wpt --wpt DIR`: the web-platform-tests against the npm package.

use std::path::PathBuf;

use crate::run::{self, Outcome, command, root};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A checkout of the web-platform-tests
    #[arg(long)]
    wpt: PathBuf,
    /// Only files whose path contains this
    #[arg(long)]
    filter: Option<String>,
    /// Write every subtest's status here
    #[arg(long)]
    json: Option<PathBuf>,
    /// Keep what this run found as the new expectations
    #[arg(long)]
    update: bool,
}

pub(crate) fn run(args: &Args) -> Outcome {
    let mut node = command("node", ["node/wpt/main.mjs", "--wpt"]);
    node.current_dir(root()).arg(&args.wpt);
    if let Some(filter) = &args.filter {
        node.args(["--filter", filter]);
    }
    if let Some(json) = &args.json {
        node.arg("--json").arg(json);
    }
    if args.update {
        node.arg("--update");
    }
    run::run(node)
}

//! `cargo xtask coverage`: each name of the reference pages with where it is in Rust and in Node and the test that shows
//! it, as a page of the guide; and whether those tests fail when what they show does not work.

mod mutants;
mod traps;

use crate::names::{Code, interface};
use crate::run::{Outcome, all, read, root, write};

/// The names, one a line: name, what throws in Node, its entry, the test in Node, where it is in Rust, the test in Rust.
const NAMES: &str = "xtask/src/coverage/names.tsv";
const PAGE: &str = "docs/api-coverage.md";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Writes the page
    #[arg(long)]
    update: bool,
    /// Lets each name throw in its turn, and expects its tests to fail
    #[arg(long)]
    mutate: bool,
    /// With --mutate: names that contain this
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
    /// With --mutate: in Rust alone
    #[arg(long)]
    rust: bool,
}

pub(crate) fn run(args: &Args) -> Outcome {
    let rows = rows()?;
    if args.update {
        write(&root().join(PAGE), &page(&rows))?;
    }
    check()?;
    match args.mutate {
        false => Ok(()),
        true => {
            let only: Vec<&Row> = rows
                .iter()
                .filter(|row| row.name.contains(&args.only))
                .collect();
            let rust = traps::run(&only);
            match args.rust {
                true => rust,
                false => all([mutants::run(&only), rust]),
            }
        }
    }
}

/// Whether every name is somewhere and has its tests, and the page says so.
pub(crate) fn check() -> Outcome {
    let rows = rows()?;
    let code = Code::read()?;
    let wrong = rows.iter().flat_map(|row| row.wrong(&code));
    let mut wrong: Vec<String> = wrong.collect();
    wrong.extend(without_a_row(&rows)?);
    if read(&root().join(PAGE))? != page(&rows) {
        wrong.push(format!("{PAGE} is stale: cargo xtask coverage --update"));
    }
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(wrong.join("\n")),
    }
}

/// What `RTCPeerConnection` has that the names do not.
fn without_a_row(rows: &[Row]) -> Outcome<Vec<String>> {
    const OF: &str = "RTCPeerConnection";
    let members = interface(OF)?;
    let has = |member: &String| rows.iter().any(|row| row.node == format!("{OF}.{member}"));
    let without = members.into_iter().filter(|member| !has(member));
    Ok(without
        .map(|member| format!("{NAMES} has no line for {OF}.{member}"))
        .collect())
}

/// One name.
#[derive(Debug)]
struct Row {
    name: String,
    /// The mutant, as `node/scripts/mutant.cjs` takes it.
    node: String,
    /// What is imported to have it.
    entry: String,
    node_test: Test,
    /// `Type::member`, `Event::Variant`, `Type`, or `Type::*` for all its methods.
    rust: String,
    rust_test: Test,
}

/// A test by its file and name.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Test {
    file: String,
    name: String,
}

fn rows() -> Outcome<Vec<Row>> {
    let text = read(&root().join(NAMES))?;
    text.lines().map(row).collect()
}

fn row(line: &str) -> Outcome<Row> {
    let cells: Vec<&str> = line.split('\t').collect();
    let [name, node, entry, node_test, rust, rust_test] = cells[..] else {
        return Err(format!("{NAMES}: six cells are wanted: {line}"));
    };
    let test = |cell: &str| {
        let (file, name) = cell
            .split_once(": ")
            .ok_or(format!("{NAMES}: {name} has no test"))?;
        Ok::<_, String>(Test {
            file: file.to_owned(),
            name: name.to_owned(),
        })
    };
    Ok(Row {
        name: name.to_owned(),
        node: node.to_owned(),
        entry: entry.to_owned(),
        node_test: test(node_test)?,
        rust: rust.to_owned(),
        rust_test: test(rust_test)?,
    })
}

impl Row {
    fn wrong(&self, code: &Code) -> Vec<String> {
        let Row { name, rust, .. } = self;
        let mut wrong = Vec::new();
        let Test { file, name: test } = &self.node_test;
        let text = read(&root().join("node").join(file)).unwrap_or_default();
        let quoted = test.replace('\'', "\\'");
        if !text.contains(&format!("test('{quoted}'")) {
            wrong.push(format!("{name}: node/{file} has no test {test}"));
        }

        let Test { file, name: test } = &self.rust_test;
        let text = read(&root().join(file)).unwrap_or_default();
        if !text.contains(&format!("fn {test}()")) {
            wrong.push(format!("{name}: {file} has no test {test}"));
        }
        if !code.has(rust) {
            wrong.push(format!("{name}: there is no {rust} in Rust"));
        }
        wrong
    }

    /// What imports it in Node.
    fn import(&self) -> String {
        match self.entry.as_str() {
            "index" => String::new(),
            entry => format!(", by `duologue/{entry}`"),
        }
    }
}

fn page(rows: &[Row]) -> String {
    let row = |row: &Row| {
        let Row {
            name,
            node,
            node_test,
            rust,
            rust_test,
            ..
        } = row;
        let test = |folder: &str, test: &Test| {
            let file = test.file.rsplit('/').next().unwrap_or_default();
            let address = format!("{REPOSITORY}{folder}{}", test.file);
            format!("[{file}]({address}): {}", test.name.replace('_', " "))
        };
        format!(
            "| `{name}` | `{node}`{} | {} | `{rust}` | {} |\n",
            row.import(),
            test("node/", node_test),
            test("", rust_test),
        )
    };
    let rows: String = rows.iter().map(row).collect();
    format!("{HEAD}{rows}")
}

/// The root, from the page.
const REPOSITORY: &str = "../";

const HEAD: &str = "\
# Where each name is, and what shows it

<!-- Made by `cargo xtask coverage --update` of xtask/src/coverage/names.tsv. -->

The names that the reference pages of `RTCPeerConnection` have, those of today and those of yesterday. In the column of Node is what
`cargo xtask coverage --mutate` lets throw, one after the other: the test beside it has to fail then. In Rust it lets functions trap
(`Type::*`: all of a type); a field, a type or a variant of `Event` that were not there would not compile. Names of the opt-in are
obsolete (`duologue/legacy`, feature `legacy`).

| name | in Node | shown by | in Rust | shown by |
|---|---|---|---|---|
";

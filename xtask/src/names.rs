//! `cargo xtask names`: what the W3C's names are called in Rust, as a page of the guide, made of the code: the
//! interfaces of the npm package (which are the IDL's) beside what the library exports.

mod code;
mod interfaces;

use crate::run::{Outcome, read, root, write};
pub(crate) use code::Code;
use code::Exported;
use interfaces::Interface;

const PAGE: &str = "docs/names.md";
const INTERFACES: &str = "node/lib/idl/interfaces.ts";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Writes the page
    #[arg(long)]
    update: bool,
}

pub(crate) fn run(args: &Args) -> Outcome {
    match args.update {
        false => check(),
        true => write(&root().join(PAGE), &page()?),
    }
}

/// Whether the page is what it would be if it were made now.
pub(crate) fn check() -> Outcome {
    let there = read(&root().join(PAGE))?;
    match there == page()? {
        true => Ok(()),
        false => Err(format!("{PAGE} is stale: cargo xtask names --update")),
    }
}

/// The members of an interface of the npm package.
pub(crate) fn interface(name: &str) -> Outcome<Vec<String>> {
    let text = read(&root().join(INTERFACES))?;
    let mut all = interfaces::read(&text).into_iter();
    let interface = all.find(|interface| interface.name == name);
    interface
        .map(|interface| interface.members)
        .ok_or(format!("{INTERFACES} has no {name}"))
}

fn page() -> Outcome<String> {
    let text = read(&root().join(INTERFACES))?;
    let code = Code::read()?;
    let (mut types, mut events, mut absent) = (String::new(), String::new(), Vec::new());
    for interface in interfaces::read(&text) {
        match code.exported(&interface.name) {
            Some(Exported::Type(ty)) => types.push_str(&section(&code, &interface, ty)),
            Some(Exported::Events(names)) => {
                let names = names.iter().map(|name| format!("Event::{name}"));
                events.push_str(&row(&interface.name, &names.collect::<Vec<_>>()));
            }
            None => absent.push(interface.name),
        }
    }
    let absent = spans(&absent);
    Ok(format!(
        "{HEAD}{types}\n## Events\n\n{TABLE}{events}\n## Interfaces without a type of their own\n\n{absent}.\n"
    ))
}

/// An interface that is a type.
fn section(code: &Code, interface: &Interface, ty: &str) -> String {
    let named = interface
        .members
        .iter()
        .map(|member| (member, code.members(ty, interface, member)));
    let (there, without): (Vec<_>, Vec<_>) = named.partition(|(_, names)| !names.is_empty());
    let rows: String = there
        .iter()
        .map(|(member, names)| row(member, names))
        .collect();
    let without: Vec<&String> = without.into_iter().map(|(member, _)| member).collect();

    let mut section = format!("\n## `{}`: `{ty}`\n", interface.name);
    if !rows.is_empty() {
        section.push_str(&format!("\n{TABLE}{rows}"));
    }
    if !without.is_empty() {
        section.push_str(&format!("\nWithout a name here: {}.\n", spans(&without)));
    }
    section
}

fn row(name: &str, names: &[String]) -> String {
    format!("| `{name}` | {} |\n", spans(names))
}

fn spans<S: std::fmt::Display>(names: &[S]) -> String {
    let spans: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    spans.join(", ")
}

const TABLE: &str = "| W3C | Rust |\n|---|---|\n";

const HEAD: &str = "\
# The W3C's names in Rust

<!-- Made by `cargo xtask names --update` of the code. -->

A type `RTCFoo` is `Foo`, a member `fooBar` is `foo_bar`; `getFoo()` is `foo` where it only reads. What an event handler
would get is a variant of `Event`, which `Events::recv` gives. The search of the Rust documentation finds all of these by the W3C's names, too.
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_by_alias_and_by_rule() {
        let code = Code::of(
            "duologue",
            "#[doc(alias = \"RTCDoor\")] pub struct Door { pub parts: Option<Parts> }
             pub struct Parts { pub size: u32 }
             #[doc(alias = \"RTCDoor\")] pub struct Gate {}
             impl Gate { pub fn lift(&self) {} }
             impl Door {
                 pub fn open_wide(&self) {}
                 pub fn set_lock(&self) {}
                 #[doc(alias = \"getColour\")] pub async fn paint(&self) {}
                 fn hidden(&self) {}
             }
             pub enum Event {
                 #[doc(alias = \"onknock\")] #[doc(alias = \"RTCKnock\")] Knock(Door),
                 #[doc(alias = \"onknock\")] WindowKnock(Window),
             }",
            "pub use door::{Door, Event, Gate, Parts};",
        );
        let interface = Interface {
            name: "RTCDoor".into(),
            members: [
                "openWide",
                "lock",
                "getColour",
                "onknock",
                "hidden",
                "size",
                "lift",
            ]
            .map(String::from)
            .into(),
        };
        let names: Vec<Vec<String>> = interface
            .members
            .iter()
            .map(|member| code.members("Door", &interface, member))
            .collect();
        assert_eq!(code.exported("RTCDoor"), Some(Exported::Type("Door")));
        assert_eq!(
            code.exported("RTCKnock"),
            Some(Exported::Events(vec!["Knock"]))
        );
        assert_eq!(code.exported("RTCWindow"), None);
        let wanted: [&[&str]; 7] = [
            &["open_wide"],
            &["set_lock"],
            &["paint"],
            &["Event::Knock"],
            &[],
            &["parts.size"],
            &["Gate::lift"],
        ];
        assert_eq!(names, wanted);
    }
}

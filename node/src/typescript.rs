//! What passes between JavaScript and the core, as TypeScript has it: `lib/native.ts`, and `lib/flow/columns.ts` for what
//! passes as rows of numbers.

use std::collections::BTreeMap;
use std::fmt::{Display, Write};
use std::{env, fs};

use duologue_peer as peer;
use ts_rs::{Config, TS, TypeVisitor};

use crate::{effect, endpoint, flow, media, mirror};

const HEAD: &str = "\
/** What passes between JavaScript and the core, made of the core's types by `npm run types`. */

";

#[test]
fn native_ts_is_what_the_types_say() {
    let mut declarations = Declarations::default();
    declarations.visit::<effect::EffectView>();
    declarations.visit::<effect::AnswerView>();
    declarations.visit::<mirror::Changes>();
    declarations.visit::<effect::PairView>();
    declarations.visit::<media::TransceiverInit>();
    declarations.visit::<endpoint::Options>();
    declarations.visit::<flow::details::Details>();
    declarations.visit::<peer::Configuration>();
    declarations.visit::<peer::OfferOptions>();
    declarations.visit::<peer::LocalSessionDescription>();
    declarations.visit::<peer::DataChannelInit>();
    declarations.visit::<peer::IceParameters>();
    declarations.visit::<peer::IceGatherOptions>();
    declarations.visit::<peer::RtpCapabilities>();
    declarations.visit::<peer::RtpSendParameters>();
    declarations.visit::<peer::RtpReceiveParameters>();
    declarations.visit::<peer::RtpContributingSource>();
    agree("lib/native.ts", &declarations.text());
}

const COLUMNS_HEAD: &str = "\
/**
 * How frames and packets pass the border to the core: a row of numbers each in one array, their bytes in another. What is not
 * known is -1. Made of `src/flow/columns.rs` by `npm run types`.
 */
";

#[test]
fn columns_ts_is_what_the_table_says() {
    let mut text = COLUMNS_HEAD.to_owned();
    write_numbers(&mut text, flow::columns::ALL);
    text.push('\n');
    write_numbers(&mut text, flow::columns::ALL_FLAGS);
    agree("lib/flow/columns.ts", &text);
}

fn write_numbers(text: &mut String, numbers: &[(&str, impl Display, &str)]) {
    for (name, value, doc) in numbers {
        if !doc.is_empty() {
            writeln!(text, "/**{doc} */").unwrap();
        }
        writeln!(text, "export const {name} = {value};").unwrap();
    }
}

/// Writes the file of the package, or asks whether it is what was made.
fn agree(file: &str, text: &str) {
    let path = format!("{}/{file}", env!("CARGO_MANIFEST_DIR"));
    if env::var_os("UPDATE").is_some() {
        fs::write(path, text).unwrap();
    } else {
        let is = fs::read_to_string(path).unwrap();
        assert!(is == text, "{file} is stale: npm run types");
    }
}

/// Those of all types that were visited and of what they consist of, by name.
#[derive(Default)]
struct Declarations {
    config: Config,
    by_name: BTreeMap<String, String>,
}

impl Declarations {
    fn text(&self) -> String {
        let declarations: Vec<&str> = self.by_name.values().map(String::as_str).collect();
        let text = declarations.join("\n");
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        format!("{HEAD}{}\n", lines.join("\n"))
    }
}

impl TypeVisitor for Declarations {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        let name = T::ident(&self.config);
        // Neither what TypeScript has itself, nor what was seen.
        if T::output_path().is_none() || self.by_name.contains_key(&name) {
            return;
        }
        let docs = T::docs().unwrap_or_default();
        let declaration = format!("{docs}export {}\n", T::decl(&self.config));
        self.by_name.insert(name, declaration);
        T::visit_dependencies(self);
    }
}

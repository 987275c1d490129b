use std::path::{Path, PathBuf};

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::subjects;

/// A file, as far as its shape goes.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) path: PathBuf,
    /// Relative to the crate's folder of sources.
    pub(super) file: PathBuf,
    /// The path of its module in the crate.
    pub(super) module: Vec<String>,
    /// Without those of tests.
    pub(super) lines: usize,
    pub(super) functions: Vec<Function>,
    /// Fields that other files of the crate may touch.
    pub(super) open_fields: Vec<String>,
    /// Paths of this crate that it names, from its root.
    pub(super) paths: Vec<Vec<String>>,
    /// Lines of documentation that do not say what the item is, and how they begin.
    pub(super) subjectless: Vec<(usize, &'static str)>,
}

#[derive(Debug)]
pub(super) struct Function {
    pub(super) name: String,
    /// Without empty ones and comments.
    pub(super) lines: usize,
    /// Of its body, those inside of others left out.
    pub(super) statements: usize,
    pub(super) has_blank_line: bool,
}

impl Source {
    pub(super) fn parse(folder: &Path, path: PathBuf, text: &str) -> Result<Self, String> {
        let tree = syn::parse_file(text).map_err(|error| format!("{}: {error}", path.display()))?;
        let file = path.strip_prefix(folder).unwrap_or(&path).to_path_buf();
        let module = module_of(&file);
        let mut reader = Reader {
            text: text.lines().collect(),
            module: &module,
            test_lines: 0,
            functions: Vec::new(),
            open_fields: Vec::new(),
            paths: Vec::new(),
        };
        reader.visit_file(&tree);
        let (functions, paths) = (reader.functions, reader.paths);
        let open_fields = reader.open_fields;
        Ok(Source {
            lines: text.lines().count() - reader.test_lines,
            path,
            file,
            module,
            functions,
            open_fields,
            paths,
            subjectless: subjects::missing(&tree),
        })
    }
}

/// `a/b.rs` and `a/b/mod.rs` are `a::b`; what heads the crate is empty.
fn module_of(file: &Path) -> Vec<String> {
    let plain = file.with_extension("");
    let names = plain.iter().map(|name| name.to_string_lossy().into_owned());
    let mut names: Vec<String> = names.collect();
    if names
        .last()
        .is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str()))
    {
        names.pop();
    }
    names
}

struct Reader<'a> {
    text: Vec<&'a str>,
    module: &'a [String],
    test_lines: usize,
    functions: Vec<Function>,
    open_fields: Vec<String>,
    paths: Vec<Vec<String>>,
}

impl Reader<'_> {
    fn function(&mut self, name: &syn::Ident, span: Span, body: &syn::Block) {
        let (begin, end) = (span.start().line - 1, span.end().line);
        let mut lines = self.text[begin..end].iter();
        let has_blank_line = lines.any(|line| line.trim().is_empty());
        let code = self.text[begin..end].iter().filter(|line| {
            let line = line.trim();
            !line.is_empty() && !line.starts_with("//")
        });
        self.functions.push(Function {
            name: name.to_string(),
            lines: code.count(),
            statements: body.stmts.len(),
            has_blank_line,
        });
    }

    /// Notes a path as seen from the crate's root, if it is of this crate.
    fn path(&mut self, names: &[String]) {
        let mut rest = names;
        let mut from = match names.first().map(String::as_str) {
            Some("crate") => Vec::new(),
            Some("super" | "self") => self.module.to_vec(),
            _ => return,
        };
        while let Some(first) = rest.first() {
            match first.as_str() {
                "crate" | "self" => {}
                "super" => drop(from.pop()),
                _ => break,
            }
            rest = &rest[1..];
        }
        from.extend_from_slice(rest);
        self.paths.push(from);
    }

    fn tree(&mut self, before: &mut Vec<String>, tree: &syn::UseTree) {
        match tree {
            syn::UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.tree(before, &path.tree);
                before.pop();
            }
            syn::UseTree::Group(group) => {
                for tree in &group.items {
                    self.tree(before, tree);
                }
            }
            syn::UseTree::Name(syn::UseName { ident })
            | syn::UseTree::Rename(syn::UseRename { ident, .. }) => {
                before.push(ident.to_string());
                self.path(before);
                before.pop();
            }
            syn::UseTree::Glob(_) => self.path(before),
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if let syn::Item::Mod(module) = item
            && module.attrs.iter().any(is_of_tests)
        {
            let span = item.span();
            self.test_lines += span.end().line - span.start().line + 1;
            return;
        }
        visit::visit_item(self, item);
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        // What it shows to others is not what it needs.
        if matches!(item.vis, syn::Visibility::Inherited) {
            self.tree(&mut Vec::new(), &item.tree);
        }
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        // What an application is given has fields for it; what only this crate has must not.
        let open = |field: &&syn::Field| matches!(field.vis, syn::Visibility::Restricted(_));
        let name = |field: &syn::Field| field.ident.as_ref().map(ToString::to_string);
        self.open_fields
            .extend(item.fields.iter().filter(open).map(|field| {
                let field = name(field).unwrap_or_default();
                format!("{}.{field}", item.ident)
            }));
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        if names.len() > 1 {
            self.path(&names);
        }
        visit::visit_path(self, path);
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.function(&function.sig.ident, function.span(), &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.function(&function.sig.ident, function.span(), &function.block);
        visit::visit_impl_item_fn(self, function);
    }
}

pub(super) fn is_of_tests(attribute: &syn::Attribute) -> bool {
    attribute.path().is_ident("cfg")
        && attribute
            .parse_args::<syn::Path>()
            .is_ok_and(|condition| condition.is_ident("test"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(file: &str, text: &str) -> Source {
        Source::parse(Path::new(""), file.into(), text).unwrap()
    }

    #[test]
    fn fields_that_other_files_may_touch_are_noted() {
        let text = "struct A { pub(crate) a: u8, b: u8 }\npub struct B { pub b: u8 }\n";
        assert_eq!(parse("a.rs", text).open_fields, ["A.a"]);
    }

    #[test]
    fn functions_are_counted_without_comments_and_files_without_tests() {
        let text =
            "fn f() {\n    // why\n\n    g();\n}\n\n#[cfg(test)]\nmod tests {\n    fn t() {}\n}\n";
        let source = parse("a.rs", text);
        let functions: Vec<_> = source
            .functions
            .iter()
            .map(|f| (f.name.as_str(), f.lines))
            .collect();
        assert_eq!(functions, [("f", 3)]);
        assert_eq!(source.lines, 6);
    }

    #[test]
    fn paths_are_seen_from_the_root_of_the_crate() {
        let text = "use super::b::{C, d::E};\nuse crate::f;\npub use self::g::H;\nfn i() { super::j::k(); std::mem::take(x) }";
        let source = parse("a/mod.rs", text);
        let paths: Vec<String> = source.paths.iter().map(|path| path.join("::")).collect();
        assert_eq!(paths, ["b::C", "b::d::E", "f", "j::k"]);
    }
}

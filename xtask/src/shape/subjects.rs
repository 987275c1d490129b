//! The first sentence of a public item's documentation names what the item is: who meets the item in a
//! list or a tooltip reads nothing before it.

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::source::is_of_tests;

/// Beginnings, in whole words, that speak of something said before.
const BEGINNINGS: &[&str] = &[
    "It",
    "Its",
    "They",
    "Their",
    "Them",
    "Those",
    "That",
    "This is",
    "This was",
    "This does",
    "This did",
    "This one",
    "The same",
    "Such",
    "And",
    "Also",
    "Nor",
    "Of",
    "As it",
    "In hertz",
    "One.",
    "One of them",
    "One more",
    "None.",
    "None yet",
    "Another.",
    "Another,",
    "Another one",
    "Neither.",
    "Neither,",
    "So much",
    "So many",
    "Whose.",
    "Which.",
    "When.",
    "What.",
];

/// The line of each sentence that begins so, and how it does.
pub(super) fn missing(tree: &syn::File) -> Vec<(usize, &'static str)> {
    let mut reader = Reader { found: Vec::new() };
    reader.visit_file(tree);
    reader.found
}

struct Reader {
    found: Vec<(usize, &'static str)>,
}

impl Reader {
    fn item(&mut self, visibility: &syn::Visibility, attributes: &[syn::Attribute]) {
        if is_public(visibility) {
            self.documented(attributes);
        }
    }

    fn documented(&mut self, attributes: &[syn::Attribute]) {
        let mut docs = attributes.iter().filter_map(|attribute| {
            let text = documentation(&attribute.meta)?;
            Some((attribute.span(), text))
        });
        if let Some((span, text)) = docs.next() {
            self.sentence(span, &text);
        }
    }

    fn sentence(&mut self, span: Span, text: &str) {
        let beginning = BEGINNINGS.iter().find(|words| begins(text.trim(), words));
        let line = span.start().line;
        self.found.extend(beginning.map(|words| (line, *words)));
    }

    /// The documentation of what a macro makes is among its tokens.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut within = false;
        for token in tokens {
            match token {
                TokenTree::Punct(sign) if sign.as_char() == '#' => {}
                TokenTree::Group(group) => {
                    let meta: Option<syn::Meta> = syn::parse2(group.stream()).ok();
                    match meta.as_ref().and_then(documentation) {
                        Some(_) if within => {}
                        Some(text) => {
                            self.sentence(group.span(), &text);
                            within = true;
                        }
                        None => self.tokens(group.stream()),
                    }
                }
                _ => within = false,
            }
        }
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        match item {
            syn::Item::Mod(module) if module.attrs.iter().any(is_of_tests) => return,
            syn::Item::Macro(invoked) if invoked.ident.is_none() => {
                self.tokens(invoked.mac.tokens.clone());
            }
            syn::Item::Const(item) => self.item(&item.vis, &item.attrs),
            syn::Item::Enum(item) => self.item(&item.vis, &item.attrs),
            syn::Item::Fn(item) => self.item(&item.vis, &item.attrs),
            syn::Item::Static(item) => self.item(&item.vis, &item.attrs),
            syn::Item::Struct(item) => self.item(&item.vis, &item.attrs),
            syn::Item::Trait(item) => self.item(&item.vis, &item.attrs),
            syn::Item::Type(item) => self.item(&item.vis, &item.attrs),
            _ => {}
        }
        visit::visit_item(self, item);
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        if is_public(&item.vis) {
            item.fields
                .iter()
                .for_each(|field| self.item(&field.vis, &field.attrs));
        }
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        let variants = item.variants.iter().filter(|_| is_public(&item.vis));
        for variant in variants {
            self.documented(&variant.attrs);
            let fields = variant.fields.iter();
            fields.for_each(|field| self.documented(&field.attrs));
        }
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        let functions = item.items.iter().filter(|_| is_public(&item.vis));
        for function in functions {
            if let syn::TraitItem::Fn(function) = function {
                self.documented(&function.attrs);
            }
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.item(&function.vis, &function.attrs);
    }

    fn visit_impl_item_const(&mut self, constant: &'ast syn::ImplItemConst) {
        self.item(&constant.vis, &constant.attrs);
    }
}

fn is_public(visibility: &syn::Visibility) -> bool {
    matches!(visibility, syn::Visibility::Public(_))
}

fn documentation(meta: &syn::Meta) -> Option<String> {
    let syn::Meta::NameValue(pair) = meta else {
        return None;
    };
    match &pair.value {
        syn::Expr::Lit(syn::ExprLit {
            lit: syn::Lit::Str(text),
            ..
        }) if pair.path.is_ident("doc") => Some(text.value()),
        _ => None,
    }
}

fn begins(text: &str, words: &str) -> bool {
    let whole = |rest: &str| !rest.starts_with(char::is_alphanumeric);
    text.strip_prefix(words).is_some_and(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<usize> {
        let tree = syn::parse_file(text).unwrap();
        missing(&tree).into_iter().map(|(line, _)| line).collect()
    }

    #[test]
    fn a_sentence_without_a_subject_is_found_at_public_items_alone() {
        let text = "/// Its place.\npub struct A {\n    /// In hertz.\n    pub rate: u32,\n    /// It is.\n    b: u8,\n}\n/// They are.\nfn f() {}\npub enum B {\n    /// The same,\n    /// twice.\n    C {\n        /// Of it.\n        d: u8,\n    },\n}\n";
        assert_eq!(lines(text), [1, 3, 11, 14]);
    }

    #[test]
    fn a_sentence_is_found_among_the_tokens_of_a_macro() {
        let text = "made! {\n    /// A colour.\n    /// It is bright.\n    pub enum A {\n        /// Its red.\n        Red = \"red\",\n    }\n}\n";
        assert_eq!(lines(text), [5]);
    }

    #[test]
    fn a_sentence_that_names_its_subject_passes() {
        let text = "impl A {\n    /// Item by item.\n    pub fn f() {}\n    /// This end.\n    pub const B: u8 = 0;\n    /// One channel.\n    pub fn g() {}\n}\n";
        assert_eq!(lines(text), [0; 0]);
    }
}

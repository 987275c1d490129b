//! What the library exports, with the W3C's names that its documentation knows it by.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use syn::{
    Attribute, Fields, GenericArgument, ImplItem, Item, ItemEnum, ItemImpl, PathArguments, Type,
    UseTree, Visibility,
};

use super::interfaces::Interface;
use crate::run::{Outcome, read, root};

/// Crates of which the façade exports things, by the names of their folders.
const CRATES: &[&str] = &[
    "duologue",
    "core/peer",
    "media/devices",
    "core/identity",
    "core/session",
    "core/media",
    "core/rtp",
    "core/base",
    "media/raw",
    "codec/codec",
    "driver/tokio",
];

/// By crate and name: the façade's `PeerConnection` is not the core's.
type Key = (String, String);

#[derive(Debug, Default)]
pub(crate) struct Code {
    types: BTreeMap<Key, Named>,
    variants: Vec<Variant>,
    /// The names that the façade exports, and of which crate.
    exports: BTreeMap<String, String>,
}

/// What an interface of the W3C is in Rust.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Exported<'c> {
    Type(&'c str),
    /// Variants of `Event`.
    Events(Vec<&'c str>),
}

/// A type, its members with their aliases, and of which types its fields are.
#[derive(Debug, Default)]
struct Named {
    aliases: BTreeSet<String>,
    members: BTreeMap<String, BTreeSet<String>>,
    functions: BTreeSet<String>,
    fields: Vec<(String, String)>,
}

/// One of `Event`.
#[derive(Debug)]
struct Variant {
    name: String,
    aliases: BTreeSet<String>,
    /// The type that it tells of first.
    of: Option<String>,
}

impl Code {
    pub(crate) fn read() -> Outcome<Self> {
        let mut code = Code::default();
        code.read_exports(&read(&root().join("duologue/src/lib.rs"))?)?;
        for folder in CRATES {
            let name = folder.rsplit('/').next().unwrap_or(folder);
            code.read_folder(name, &root().join(folder).join("src"))?;
        }
        Ok(code)
    }

    /// Whether there is such a type, member of a type, or `Event`; in front of it its modules may be.
    pub(crate) fn has(&self, path: &str) -> bool {
        let mut names = path.rsplit("::");
        let (last, before) = (names.next().unwrap_or_default(), names.next());
        match (before, last) {
            (Some("Event"), variant) => self.variants.iter().any(|it| it.name == variant),
            (_, "*") => !self.functions(path).is_empty(),
            (Some(ty), member) if member.starts_with(char::is_lowercase) => {
                self.members_of(ty).any(|it| it == member)
            }
            (_, ty) => {
                self.exports.contains_key(ty) || self.types.keys().any(|(_, name)| name == ty)
            }
        }
    }

    /// The public functions that a path names, `Type::function` or `Type::*`, each with its type.
    pub(crate) fn functions(&self, path: &str) -> Vec<(String, String)> {
        let mut names = path.rsplit("::");
        let (last, ty) = (
            names.next().unwrap_or_default(),
            names.next().unwrap_or_default(),
        );
        let named = self.types.iter().filter(|((_, name), _)| name == ty);
        let all = named.flat_map(|(_, named)| &named.functions);
        let wanted = all.filter(|name| last == "*" || name.as_str() == last);
        wanted.map(|name| (ty.to_owned(), name.clone())).collect()
    }

    fn members_of(&self, ty: &str) -> impl Iterator<Item = &String> {
        let named = self.types.iter().filter(move |((_, name), _)| name == ty);
        named.flat_map(|(_, named)| named.members.keys())
    }

    /// One crate of one file, which is the façade.
    #[cfg(test)]
    pub(super) fn of(name: &str, text: &str, facade: &str) -> Self {
        let mut code = Code::default();
        code.read_exports(facade).unwrap();
        code.read_file(name, text).unwrap();
        code
    }

    /// What an interface is here.
    pub(super) fn exported(&self, interface: &str) -> Option<Exported<'_>> {
        let ty = self.types_of(interface).next();
        let variants = self.variants.iter();
        let mut variants = variants
            .filter(|variant| variant.aliases.contains(interface))
            .map(|v| v.name.as_str());
        match ty {
            Some(name) => Some(Exported::Type(name)),
            None => Some(variants.by_ref().collect())
                .filter(|names: &Vec<_>| !names.is_empty())
                .map(Exported::Events),
        }
    }

    /// The types that are an interface, most often one.
    fn types_of(&self, interface: &str) -> impl Iterator<Item = &str> {
        let exported = |(of, name): &Key| self.exports.get(name).is_some_and(|from| from == of);
        let types = self.types.iter().filter(move |(key, _)| exported(key));
        types
            .filter(move |((_, name), ty)| name == interface || ty.aliases.contains(interface))
            .map(|((_, name), _)| name.as_str())
    }

    /// What a member of an interface is called, where `ty` is its type.
    pub(super) fn members(&self, ty: &str, interface: &Interface, member: &str) -> Vec<String> {
        let handled = match member.starts_with("on") {
            true => self.events(ty, member),
            false => Vec::new(),
        };
        if !handled.is_empty() {
            return handled;
        }
        let named = |ty: &str| {
            self.named_of(ty)
                .map(|named| named.members_called(interface, member))
        };
        let own = named(ty).unwrap_or_default();
        if !own.is_empty() {
            return own;
        }
        let others = self.types_of(&interface.name).filter(|other| *other != ty);
        let of_others: Vec<String> = others
            .flat_map(|other| {
                let names = named(other).unwrap_or_default();
                names
                    .into_iter()
                    .map(move |name| format!("{other}::{name}"))
            })
            .collect();
        if !of_others.is_empty() {
            return of_others;
        }
        let fields = self
            .named_of(ty)
            .into_iter()
            .flat_map(|named| &named.fields);
        let inner = fields.flat_map(|(field, of)| {
            let names = named(of).unwrap_or_default();
            names.into_iter().map(move |name| format!("{field}.{name}"))
        });
        inner.collect()
    }

    /// What a handler would get: the events of this type, or the only one of that name.
    fn events(&self, ty: &str, handler: &str) -> Vec<String> {
        let variants: Vec<&Variant> = self
            .variants
            .iter()
            .filter(|v| v.aliases.contains(handler))
            .collect();
        let is_own = |variant: &&&Variant| variant.of.as_deref() == Some(ty) || variants.len() == 1;
        let own = variants.iter().filter(is_own);
        own.map(|variant| format!("Event::{}", variant.name))
            .collect()
    }

    fn named_of(&self, ty: &str) -> Option<&Named> {
        let from = self.exports.get(ty)?.clone();
        self.types.get(&(from, ty.to_owned()))
    }

    fn read_exports(&mut self, facade: &str) -> Outcome {
        let tree = syn::parse_file(facade).map_err(|error| error.to_string())?;
        for item in &tree.items {
            if let Item::Use(item) = item
                && matches!(item.vis, Visibility::Public(_))
            {
                self.read_use("duologue", &item.tree);
            }
        }
        Ok(())
    }

    fn read_use(&mut self, from: &str, tree: &UseTree) {
        match tree {
            UseTree::Path(path) => {
                let name = path.ident.to_string();
                let from = name.strip_prefix("duologue_").unwrap_or(from).to_owned();
                self.read_use(&from, &path.tree);
            }
            UseTree::Name(name) => {
                self.exports.insert(name.ident.to_string(), from.to_owned());
            }
            UseTree::Group(group) => group
                .items
                .iter()
                .for_each(|tree| self.read_use(from, tree)),
            UseTree::Rename(_) | UseTree::Glob(_) => {}
        }
    }

    fn read_folder(&mut self, name: &str, folder: &Path) -> Outcome {
        for entry in fs::read_dir(folder).map_err(|error| error.to_string())? {
            let path = entry.map_err(|error| error.to_string())?.path();
            if path.is_dir() {
                self.read_folder(name, &path)?;
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                self.read_file(name, &read(&path)?)?;
            }
        }
        Ok(())
    }

    fn read_file(&mut self, crate_name: &str, text: &str) -> Outcome {
        let tree = syn::parse_file(text).map_err(|error| error.to_string())?;
        for item in tree.items {
            match item {
                Item::Struct(item) => {
                    let ty = self.named(crate_name, &item.ident.to_string());
                    ty.aliases.extend(aliases(&item.attrs));
                    ty.add_fields(&item.fields);
                }
                Item::Trait(item) => {
                    let ty = self.named(crate_name, &item.ident.to_string());
                    ty.aliases.extend(aliases(&item.attrs));
                }
                Item::Enum(item) => self.read_enum(crate_name, &item),
                Item::Impl(item) if item.trait_.is_none() => self.read_impl(crate_name, &item),
                _ => {}
            }
        }
        Ok(())
    }

    fn read_enum(&mut self, crate_name: &str, item: &ItemEnum) {
        let ty = self.named(crate_name, &item.ident.to_string());
        ty.aliases.extend(aliases(&item.attrs));
        if crate_name == "duologue" && item.ident == "Event" {
            self.variants.extend(item.variants.iter().map(|variant| {
                Variant {
                    name: variant.ident.to_string(),
                    aliases: aliases(&variant.attrs).collect(),
                    of: variant
                        .fields
                        .iter()
                        .next()
                        .and_then(|field| type_name(&field.ty)),
                }
            }));
        }
    }

    fn read_impl(&mut self, crate_name: &str, item: &ItemImpl) {
        let Some(name) = type_name(&item.self_ty) else {
            return;
        };
        let ty = self.named(crate_name, &name);
        for item in &item.items {
            if let ImplItem::Fn(function) = item
                && matches!(function.vis, Visibility::Public(_))
            {
                let name = function.sig.ident.to_string();
                ty.functions.insert(name.clone());
                ty.add(name, &function.attrs);
            }
        }
    }

    fn named(&mut self, crate_name: &str, name: &str) -> &mut Named {
        // Another crate of ours exports what it has from one below it.
        let from = self
            .exports
            .get(name)
            .map_or(crate_name, |from| match from.as_str() {
                "session" => "session",
                _ => crate_name,
            });
        self.types
            .entry((from.to_owned(), name.to_owned()))
            .or_default()
    }
}

impl Named {
    fn add(&mut self, name: String, attrs: &[Attribute]) {
        self.members.entry(name).or_default().extend(aliases(attrs));
    }

    fn add_fields(&mut self, fields: &Fields) {
        for field in fields {
            let (Some(name), Visibility::Public(_)) = (&field.ident, &field.vis) else {
                continue;
            };
            let name = name.to_string();
            self.fields
                .extend(type_name(&field.ty).map(|of| (name.clone(), of)));
            self.add(name, &field.attrs);
        }
    }

    /// By alias, or by the rules of Rust's names.
    fn members_called(&self, interface: &Interface, member: &str) -> Vec<String> {
        let snake = snake_case(member);
        let plain = snake.strip_prefix("get_").unwrap_or(&snake);
        let set = format!("set_{snake}");
        // `localDescription` is not what `setLocalDescription()` sets.
        let is_set = !interface
            .members
            .iter()
            .any(|member| snake_case(member) == set);
        let is_called = |name: &str| name == snake || name == plain || (is_set && name == set);
        let is_it = |(name, aliases): &(&String, &BTreeSet<String>)| {
            is_called(name) || aliases.contains(member)
        };
        self.members
            .iter()
            .filter(is_it)
            .map(|(name, _)| name.clone())
            .collect()
    }
}

/// The texts of `#[doc(alias = "…")]`.
fn aliases(attrs: &[Attribute]) -> impl Iterator<Item = String> {
    let docs = attrs.iter().filter(|attr| attr.path().is_ident("doc"));
    docs.filter_map(|attr| {
        let mut alias = None;
        // Texts of documentation are no lists.
        let _ = attr.parse_nested_meta(|meta| {
            if meta.path.is_ident("alias") {
                alias = Some(meta.value()?.parse::<syn::LitStr>()?.value());
            }
            Ok(())
        });
        alias
    })
}

/// The last name of a type's path; of an `Option`, what may be there.
fn type_name(ty: &Type) -> Option<String> {
    let Type::Path(path) = ty else {
        return None;
    };
    let last = path.path.segments.last()?;
    let PathArguments::AngleBracketed(inner) = &last.arguments else {
        return Some(last.ident.to_string());
    };
    match inner.args.first()? {
        GenericArgument::Type(ty) if last.ident == "Option" => type_name(ty),
        _ => Some(last.ident.to_string()),
    }
}

/// `setLocalDescription` as `set_local_description`; `sdpMLineIndex` as `sdp_m_line_index`, `insertDTMF` as `insert_dtmf`.
fn snake_case(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut snake = String::new();
    for (n, letter) in letters.iter().enumerate() {
        let begins = letter.is_uppercase()
            && n > 0
            && (letters[n - 1].is_lowercase()
                || letters.get(n + 1).is_some_and(|next| next.is_lowercase()));
        if begins {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::snake_case;

    #[test]
    fn names_are_rusts() {
        let names = [
            "setLocalDescription",
            "sdpMLineIndex",
            "insertDTMF",
            "toJSON",
            "id",
            "canInsertDTMF",
        ];
        let snake = [
            "set_local_description",
            "sdp_m_line_index",
            "insert_dtmf",
            "to_json",
            "id",
            "can_insert_dtmf",
        ];
        assert_eq!(names.map(snake_case), snake);
    }
}

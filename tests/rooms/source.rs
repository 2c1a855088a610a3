//! What a source file names: the paths in it, without those under `#[cfg(test)]`.
//!
//! Read from its tokens, so that the body of a macro counts like any other.

use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};

/// One source file, without its tests.
pub struct Source {
    /// From the project's root: `src/core/plan/step.rs`.
    pub file: PathBuf,
    /// Where it stands in its crate: `["plan", "step"]`; nothing for the crate's root.
    pub module: Vec<String>,
    pub text: String,
    pub syntax: syn::File,
    /// Modules that are declared under `#[cfg(test)]` and lie in files of their own.
    test_modules: Vec<String>,
    /// Lines before the first module of tests.
    pub length: usize,
}

/// A path as written, made absolute where it was relative to a module above.
pub struct Named {
    /// `["crate", "plan", "Step"]`, `["std", "fs"]`, `["kube", "Client"]`.
    pub path: Vec<String>,
    /// What it is called here: its last word, or the one behind `as`; `*` for everything in it.
    pub alias: String,
    /// The module that it stands in.
    pub module: Vec<String>,
    pub how: How,
    pub line: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum How {
    Use,
    /// `pub use`, also when it is public for a part of the crate only.
    Passed,
    InPassing,
}

impl Source {
    pub fn new(file: &Path, text: &str) -> Self {
        let mut syntax =
            syn::parse_file(text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let mut tests = Tests { declared: Vec::new(), first_line: text.lines().count() + 1 };
        tests.visit_file_mut(&mut syntax);
        Self {
            file: file.to_owned(),
            module: module(file),
            text: text.to_owned(),
            syntax,
            test_modules: tests.declared,
            length: tests.first_line - 1,
        }
    }

    /// The crate's folder: `src/carrier`, `src/core`, `src/sandbox` or `src`.
    pub fn home(&self) -> &'static str {
        home(&self.file)
    }

    /// Files and folders that hold tests only.
    pub fn test_files(&self) -> impl Iterator<Item = PathBuf> {
        let folder = self.module.iter().fold(PathBuf::from(self.home()), |at, word| at.join(word));
        self.test_modules
            .iter()
            .flat_map(move |name| [folder.join(format!("{name}.rs")), folder.join(name)])
    }

    /// Every path, every type's name, and every function called by its bare name.
    pub fn names(&self) -> Vec<Named> {
        let mut found = Vec::new();
        read(self.syntax.to_token_stream(), &self.module, &mut found);
        found
    }
}

/// Takes out what stands under `#[cfg(test)]`, and notes which modules went.
struct Tests {
    declared: Vec<String>,
    first_line: usize,
}

impl VisitMut for Tests {
    fn visit_file_mut(&mut self, file: &mut syn::File) {
        self.strip(&mut file.items);
        visit_mut::visit_file_mut(self, file);
    }

    fn visit_item_mod_mut(&mut self, module: &mut syn::ItemMod) {
        if let Some((_, items)) = &mut module.content {
            self.strip(items);
        }
        visit_mut::visit_item_mod_mut(self, module);
    }

    fn visit_item_impl_mut(&mut self, block: &mut syn::ItemImpl) {
        block.items.retain(|item| !is_test(item));
        visit_mut::visit_item_impl_mut(self, block);
    }

    fn visit_block_mut(&mut self, block: &mut syn::Block) {
        block.stmts.retain(|statement| !is_test(statement));
        visit_mut::visit_block_mut(self, block);
    }
}

impl Tests {
    fn strip(&mut self, items: &mut Vec<syn::Item>) {
        for item in items.extract_if(.., |item| is_test(item)) {
            let syn::Item::Mod(module) = item else { continue };
            if module.content.is_some() {
                self.first_line = self.first_line.min(module.span().start().line);
            } else {
                self.declared.push(module.ident.to_string());
            }
        }
    }
}

/// Whether one of the attributes in front says `cfg(test)` or `cfg(any(test, ..))`.
fn is_test(item: &impl ToTokens) -> bool {
    let trees: Vec<TokenTree> = item.to_token_stream().into_iter().collect();
    let attributes = trees.chunks(2).take_while(|pair| is_sign(&pair[0], '#'));
    attributes.filter_map(|pair| pair.get(1)).map(ToString::to_string).any(|attribute| {
        let words: Vec<&str> = attribute.split(|c: char| !c.is_alphanumeric()).collect();
        words.contains(&"cfg") && words.contains(&"test") && !words.contains(&"not")
    })
}

fn home(file: &Path) -> &'static str {
    ["src/carrier", "src/core", "src/sandbox"]
        .into_iter()
        .find(|home| file.starts_with(home))
        .unwrap_or("src")
}

fn module(file: &Path) -> Vec<String> {
    let inside = file.strip_prefix(home(file)).unwrap_or(file).with_extension("");
    let words = inside.iter().filter_map(|word| word.to_str()).map(str::to_owned);
    words.filter(|word| !matches!(word.as_str(), "lib" | "main")).collect()
}

fn read(tokens: TokenStream, module: &[String], found: &mut Vec<Named>) {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    let sign = |at: usize, sign: char| trees.get(at).is_some_and(|tree| is_sign(tree, sign));
    let colons = |at: usize| sign(at, ':') && sign(at + 1, ':');
    let mut at = 0;
    while let Some(tree) = trees.get(at) {
        at += 1;
        match tree {
            TokenTree::Group(group) => read(group.stream(), module, found),
            TokenTree::Ident(word) if word == "mod" => {
                if let (Some(TokenTree::Ident(name)), Some(TokenTree::Group(body))) =
                    (trees.get(at), trees.get(at + 1))
                {
                    let inner = [module, &[name.to_string()]].concat();
                    read(body.stream(), &inner, found);
                    at += 2;
                }
            }
            TokenTree::Ident(word) if word == "use" && !sign(at, '<') => {
                let before = &trees[..at - 1];
                let is_public = |tree: &TokenTree| tree.to_string() == "pub";
                let passed = match before.last() {
                    Some(TokenTree::Group(g)) if g.delimiter() == Delimiter::Parenthesis => true,
                    last => last.is_some_and(is_public),
                };
                let how = if passed { How::Passed } else { How::Use };
                let length = trees[at..].iter().take_while(|tree| !is_sign(tree, ';')).count();
                read_use(&trees[at..at + length], &[], &mut |path, alias, span| {
                    found.push(Named::new(path, alias, module, how, span));
                });
                at += length;
            }
            TokenTree::Ident(word) => {
                let before = at.checked_sub(2).map(|at| trees[at].to_string());
                let mut path = vec![word.to_string()];
                while colons(at)
                    && let Some(TokenTree::Ident(next)) = trees.get(at + 2)
                {
                    path.push(next.to_string());
                    at += 3;
                }
                let is_called = matches!(
                    trees.get(at),
                    Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis
                ) && !matches!(before.as_deref(), Some("." | "fn"));
                let waits = word == "async" || word == "await";
                if path.len() > 1 || is_type(word) || is_called || waits {
                    found.push(Named::new(
                        path,
                        String::new(),
                        module,
                        How::InPassing,
                        word.span(),
                    ));
                }
            }
            _ => {}
        }
    }
}

/// Reads `a::{b, c::d as e, f::*}`.
fn read_use(
    trees: &[TokenTree],
    before: &[String],
    found: &mut impl FnMut(Vec<String>, String, Span),
) {
    for part in trees.split(|tree| is_sign(tree, ',')).filter(|part| !part.is_empty()) {
        let mut path = before.to_vec();
        let mut alias = None;
        let mut tree = part.iter();
        while let Some(next) = tree.next() {
            match next {
                TokenTree::Group(group) => {
                    let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                    read_use(&inner, &path, found);
                    path.clear();
                }
                TokenTree::Ident(word) if word == "as" => {
                    alias = tree.next().map(ToString::to_string);
                }
                TokenTree::Ident(word) if word == "self" && !path.is_empty() => {}
                TokenTree::Ident(word) => path.push(word.to_string()),
                TokenTree::Punct(sign) if sign.as_char() == '*' => alias = Some("*".to_owned()),
                _ => {}
            }
        }
        if let Some(last) = path.last().cloned() {
            found(path, alias.unwrap_or(last), part[0].span());
        }
    }
}

fn is_sign(tree: &TokenTree, sign: char) -> bool {
    matches!(tree, TokenTree::Punct(punct) if punct.as_char() == sign)
}

fn is_type(word: &Ident) -> bool {
    word.to_string().starts_with(char::is_uppercase)
}

impl Named {
    /// Turns `self::` and `super::` into a path from the crate's root.
    fn new(path: Vec<String>, alias: String, module: &[String], how: How, span: Span) -> Self {
        let up = path.iter().take_while(|word| *word == "super").count();
        let is_relative = path.len() > 1 && (up > 0 || path[0] == "self");
        let path = if is_relative || (up == 1 && how != How::InPassing) {
            let above = module.iter().take(module.len().saturating_sub(up)).cloned();
            let rest = path.into_iter().skip_while(|word| word == "super" || word == "self");
            std::iter::once("crate".to_owned()).chain(above).chain(rest).collect()
        } else {
            path
        };
        Self { path, alias, module: module.to_vec(), how, line: span.start().line }
    }
}

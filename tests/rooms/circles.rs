//! Which files of one room import each other in a circle.
//!
//! A file imports another one when it names what the other one defines: an item, or the module
//! itself. A re-export is followed to the file that defines; to declare a child or to pass its items
//! on is no import.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::source::{How, Named, Source};

/// From one file to another, both without `.rs`: `core/plan/step -> core/plan`.
pub type Arrow = (String, String);

/// The arrows that lie on a circle.
pub fn on_circles(arrows: &BTreeSet<Arrow>) -> BTreeSet<Arrow> {
    arrows.iter().filter(|arrow| closes(arrows, arrow)).cloned().collect()
}

/// Whether these arrows lead back from the head of this one to its tail.
fn closes(arrows: &BTreeSet<Arrow>, (tail, head): &Arrow) -> bool {
    let (mut seen, mut open) = (BTreeSet::from([head]), vec![head]);
    while let Some(at) = open.pop() {
        if at == tail {
            return true;
        }
        let next = arrows.range((at.clone(), String::new())..).take_while(|(from, _)| from == at);
        open.extend(next.map(|(_, to)| to).filter(|to| seen.insert(to)));
    }
    false
}

/// The arrows between files of one room, in one crate.
pub fn arrows(sources: &[&Source]) -> BTreeSet<Arrow> {
    let mut scopes = Scopes::default();
    for source in sources {
        scopes.define(&source.module, &source.file, &source.syntax.items);
    }
    let names: Vec<(&Source, Vec<Named>)> = sources.iter().map(|s| (*s, s.names())).collect();
    for (_, names) in &names {
        for named in names.iter().filter(|named| named.how != How::InPassing) {
            let scope = scopes.0.get_mut(&named.module).unwrap();
            scope.uses.push((named.alias.clone(), named.path.clone()));
        }
    }
    let mut arrows = BTreeSet::new();
    for (source, names) in &names {
        for named in names.iter().filter(|named| named.how != How::Passed) {
            let Some((module, file)) = scopes.find(&named.module, &named.path, 0) else { continue };
            // The crate that holds the tests' server is one room, and so is the carrier's.
            let same = ["src/carrier", "src/sandbox"].contains(&source.home())
                || module.first() == source.module.first();
            if same && file != source.file {
                arrows.insert((short(&source.file), short(file)));
            }
        }
    }
    arrows
}

fn short(file: &Path) -> String {
    file.with_extension("").strip_prefix("src").unwrap().display().to_string()
}

/// The modules of one crate, with what each defines and what it calls by another's name.
#[derive(Default)]
struct Scopes<'a>(BTreeMap<Vec<String>, Scope<'a>>);

struct Scope<'a> {
    file: &'a Path,
    items: BTreeSet<String>,
    uses: Vec<(String, Vec<String>)>,
}

impl<'a> Scopes<'a> {
    fn define(&mut self, module: &[String], file: &'a Path, items: &[syn::Item]) {
        let mut names = BTreeSet::new();
        for item in items {
            use syn::Item::{Const, Enum, Fn, Mod, Static, Struct, Trait, Type, Union};
            names.insert(match item {
                Const(item) => item.ident.to_string(),
                Enum(item) => item.ident.to_string(),
                Fn(item) => item.sig.ident.to_string(),
                Static(item) => item.ident.to_string(),
                Struct(item) => item.ident.to_string(),
                Trait(item) => item.ident.to_string(),
                Type(item) => item.ident.to_string(),
                Union(item) => item.ident.to_string(),
                Mod(syn::ItemMod { ident, content: Some((_, items)), .. }) => {
                    self.define(&[module, &[ident.to_string()]].concat(), file, items);
                    continue;
                }
                _ => continue,
            });
        }
        self.0.insert(module.to_vec(), Scope { file, items: names, uses: Vec::new() });
    }

    /// The module and the file that define what a path names, if they are of this crate.
    fn find(
        &self,
        from: &[String],
        path: &[String],
        depth: usize,
    ) -> Option<(Vec<String>, &'a Path)> {
        let is_absolute = path.first().is_some_and(|first| first == "crate");
        let mut module = if is_absolute { Vec::new() } else { from.to_vec() };
        let mut rest = if is_absolute { &path[1..] } else { path };
        while let Some((name, after)) = rest.split_first() {
            let scope = self.0.get(&module)?;
            let child = [module.as_slice(), std::slice::from_ref(name)].concat();
            if self.0.contains_key(&child) {
                (module, rest) = (child, after);
                continue;
            }
            if scope.items.contains(name) {
                return Some((module, scope.file));
            }
            // What leads in a circle, as `use url::url` might, is not ours.
            let depth = (depth < 8).then_some(depth + 1)?;
            let called = scope.uses.iter().filter(|(alias, _)| alias == name);
            let globs = scope.uses.iter().filter(|(alias, _)| alias == "*");
            let longer = called
                .map(|(_, path)| [path, after].concat())
                .chain(globs.map(|(_, path)| [path, rest].concat()));
            return longer
                .filter(|path| path != rest)
                .find_map(|path| self.find(&module, &path, depth));
        }
        let file = self.0.get(&module)?.file;
        Some((module, file))
    }
}

//! Where solutions lie in a snapshot, and the mistakes that would make a living one vanish.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::contract;
use super::fault::{Fault, Fix, code};
use super::snapshot::{Folder, Oddity, Snapshot};
use crate::model::decode::{self, Fields};
pub use crate::model::last_name as name;
use crate::model::yaml::{Spanned, Value};
use crate::model::{Party, SolutionName};

/// The file that makes a folder a solution.
pub const FILE: &str = "solution.yaml";

/// How many names the path of a solution may have: three groups and its own folder.
const DEEPEST: usize = 4;

/// Folders of files that a solution has beside `solution.yaml`.
const SIDE_FOLDERS: [&str; 4] = ["examples", "screenshots", "pictures", "images"];

/// What lies where.
#[derive(Debug, Default)]
pub struct Layout<'a> {
    /// Folders to be judged, by path.
    pub solutions: BTreeMap<&'a str, &'a Arc<Folder>>,
    /// Folders that are refused for where they lie or how their file is called.
    pub misplaced: Vec<Misplaced>,
    /// Why absent names cannot be told from removed ones, if so.
    pub undecided: Option<String>,
}

/// A folder that says something we cannot do, before anybody reads its `solution.yaml`.
#[derive(Debug)]
pub struct Misplaced {
    pub path: String,
    pub fault: Fault,
    /// `metadata.name`, where it can be read.
    pub declared: Option<String>,
    /// Whether it claims its name against another folder of the same name.
    pub claims: bool,
}

/// Whether the folder is a solution, be its file only a link to somewhere.
fn holds_file(folder: &Folder) -> bool {
    folder.files.contains_key(FILE) || folder.oddities.contains_key(FILE)
}

/// Finds solutions, and what looks like one and is none.
pub fn layout(snapshot: &Snapshot) -> Layout<'_> {
    let mut layout = Layout::default();
    let folders = &*snapshot.folders;
    let is_solution = |path: &str| folders.get(path).is_some_and(|folder| holds_file(folder));
    let outer = |path: &str| {
        let mut ends = path.match_indices('/').map(|(at, _)| at);
        ends.find_map(|at| path.get(..at).filter(|outer| is_solution(outer)).map(str::to_owned))
    };
    for (path, folder) in folders {
        if let Some(outer) = outer(path) {
            if holds_file(folder) {
                layout.misplaced.push(nested(path, &outer, folder.files.get(FILE)));
            }
            continue;
        }
        if let Some(wrong) = misspelt(folder) {
            layout.misplaced.push(misspelling(path, &wrong, folder));
        } else if !holds_file(folder) {
            if let Some(lost) = lost(snapshot, path, folder) {
                layout.misplaced.push(lost);
            }
        } else if path.split('/').count() > DEEPEST {
            layout.misplaced.push(too_deep(path, folder));
        } else {
            layout.solutions.insert(path, folder);
        }
        if folder.oddities.contains_key(Folder::ITSELF) {
            layout.undecided.get_or_insert_with(|| {
                format!("`{path}` holds too much to be looked into: other solutions may be in it")
            });
        }
        if holds_file(folder) {
            let suffix = format!("/{FILE}");
            for (inside, file) in &folder.files {
                if let Some(inner) = inside.strip_suffix(&suffix) {
                    let inner = format!("{path}/{inner}");
                    if !folders.contains_key(&inner) {
                        layout.misplaced.push(nested(&inner, path, Some(file)));
                    }
                }
            }
        } else {
            for (name, oddity) in &folder.oddities {
                layout.odd(&format!("{path}/{name}"), *oddity);
            }
        }
    }
    for (path, oddity) in &snapshot.oddities {
        let known = layout.misplaced.iter().any(|misplaced| misplaced.path == *path);
        let inside = outer(path).is_some();
        if !known && !inside {
            layout.odd(path, *oddity);
        }
    }
    layout.misplaced.dedup_by(|a, b| a.path == b.path && a.fault.code == b.fault.code);
    layout
}

impl Layout<'_> {
    /// An entry between the solutions that nobody can look into. It may stand where a solution
    /// or a group of them stood.
    fn odd(&mut self, path: &str, what: Oddity) {
        let looks_like_a_file = name(path).contains('.');
        if what == Oddity::NameNotUtf8 || !looks_like_a_file {
            self.undecided.get_or_insert_with(|| {
                format!("`{path}` cannot be looked into: it may hold solutions")
            });
        }
        self.misplaced.push(Misplaced {
            path: path.to_owned(),
            fault: oddity(path, what),
            declared: None,
            claims: false,
        });
    }
}

/// The fault of an entry that is no plain file or folder.
pub fn oddity(path: &str, what: Oddity) -> Fault {
    let (code, message, help) = match what {
        Oddity::SymbolicLink => (
            code::SYMBOLIC_LINK,
            format!("`{path}` is a symbolic link"),
            "put the file itself there",
        ),
        Oddity::Submodule => (
            code::SUBMODULE,
            format!("`{path}` is a submodule, which is another repository"),
            "put the files themselves there",
        ),
        Oddity::NameNotUtf8 => (
            code::NAME_NOT_UTF8,
            format!("the name `{path}` is not UTF-8"),
            "rename it with `git mv`",
        ),
        Oddity::NotAFile => (
            code::NOT_A_FILE,
            format!("`{path}` is neither a file nor a folder"),
            "take the device, socket or pipe away",
        ),
        Oddity::TooManyFiles => (
            code::TOO_MANY_FILES,
            format!(
                "`{path}` holds more than {} files and folders, or more than 32 MiB of small files",
                Folder::MAX_ENTRIES
            ),
            "keep data and models elsewhere: in the image, or in an image of their own",
        ),
        Oddity::TooDeep => (
            code::TOO_MANY_FILES,
            format!("`{path}` holds more than 32 folders within folders"),
            "move the files up",
        ),
        Oddity::TooLarge(size) => (
            code::TOO_MANY_FILES,
            match size {
                Some(size) => format!(
                    "`{path}` is {} MiB large; a file in a solution's folder may be {} MiB",
                    size >> 20,
                    Folder::MAX_FILE >> 20
                ),
                None => format!(
                    "`{path}` is larger than the {} MiB that a file in a solution's folder may be, \
                     or Git keeps it as a difference to a file that is",
                    Folder::MAX_FILE >> 20
                ),
            },
            "take it out, or commit it anew if it is small by now; data and models belong into the \
             image, or into an image of their own",
        ),
    };
    Fault::new(code, path, Party::Author, message).help(help)
}

fn nested(path: &str, outer: &str, file: Option<&super::snapshot::File>) -> Misplaced {
    let message = format!("the solution `{path}` lies inside the solution `{outer}`");
    let fault = Fault::new(code::NESTED_SOLUTION, format!("{path}/{FILE}"), Party::Author, message)
        .help("move its folder beside the other one");
    let declared = file.and_then(|file| file.bytes.as_deref()).and_then(declared);
    Misplaced { path: path.to_owned(), fault, declared, claims: false }
}

fn too_deep(path: &str, folder: &Folder) -> Misplaced {
    let message = format!("the solution `{path}` lies below more than three groups");
    let file = format!("{path}/{FILE}");
    let fault =
        Fault::new(code::NESTED_TOO_DEEP, file, Party::Author, message).help("move its folder up");
    let bytes = folder.files.get(FILE).and_then(|file| file.bytes.as_deref());
    Misplaced { path: path.to_owned(), fault, declared: bytes.and_then(declared), claims: true }
}

/// `solution.yml`, `Solution.yaml` and the like.
fn misspelt(folder: &Folder) -> Option<String> {
    folder.files.keys().find(|name| is_misspelt(name)).cloned()
}

fn is_misspelt(name: &str) -> bool {
    let lower = name.to_lowercase();
    let alike = ["solution.yaml", "solution.yml", "solutions.yaml", "solutions.yml"];
    name != FILE && alike.contains(&lower.as_str())
}

fn misspelling(path: &str, wrong: &str, folder: &Folder) -> Misplaced {
    let fault = Fault::new(
        code::MISSPELT_FILE,
        format!("{path}/{wrong}"),
        Party::Author,
        format!("`{wrong}` is not read"),
    );
    let read = |name: &str| folder.files.get(name).and_then(|file| file.bytes.as_deref());
    let fault = if folder.files.contains_key(FILE) {
        let copy = read(FILE).is_some() && read(FILE) == read(wrong);
        fault.help(format!("delete it: `{FILE}` stands beside it")).fix(copy.then(Fix::remove))
    } else {
        // Of two with wrong names nobody knows which is meant.
        let one = folder.files.keys().filter(|name| is_misspelt(name)).count() == 1;
        fault.help(format!("call it `{FILE}`")).fix(one.then(|| Fix::rename(FILE)))
    };
    let declared = read(FILE).and_then(declared).or_else(|| read(wrong).and_then(declared));
    Misplaced { path: path.to_owned(), fault, declared, claims: true }
}

/// A folder that has what a solution has, and no `solution.yaml`, and no solution below it.
fn lost(snapshot: &Snapshot, path: &str, folder: &Folder) -> Option<Misplaced> {
    let (holder, side) = match path.rsplit_once('/') {
        Some((holder, last)) if SIDE_FOLDERS.contains(&last) => (holder, true),
        _ => (path, false),
    };
    let picture = |file: &str| {
        let ending = file.rsplit_once('.').map(|(_, ending)| ending.to_lowercase());
        ending.is_some_and(|ending| {
            ["png", "jpg", "jpeg", "webp", "svg", "gif"].contains(&ending.as_str())
        })
    };
    let evidence = folder.files.keys().find(|file| {
        side || file.eq_ignore_ascii_case("readme.md")
            || picture(file)
            || SIDE_FOLDERS.iter().any(|side| file.starts_with(&format!("{side}/")))
    })?;
    let below = format!("{holder}/");
    let mut inside =
        snapshot.folders.range(below.clone()..).take_while(|(p, _)| p.starts_with(&below));
    let is_group =
        inside.any(|(_, folder)| folder.files.contains_key(FILE) || misspelt(folder).is_some());
    // A folder that no solution could be called like is documentation.
    if is_group || SolutionName::parse(name(holder)).is_err() {
        return None;
    }
    let evidence = format!("{path}/{evidence}");
    let evidence = evidence.strip_prefix(&below).unwrap_or(&evidence);
    let message = format!("`{holder}` has `{evidence}` and no `{FILE}`");
    let fault = Fault::new(code::LOST_SOLUTION, holder, Party::Author, message).help(format!(
        "put `{FILE}` back, or delete the whole folder to remove the solution; a folder that is \
         no solution begins with `_`"
    ));
    Some(Misplaced { path: holder.to_owned(), fault, declared: None, claims: false })
}

/// `metadata.name` of a file that is not judged any further.
fn declared(bytes: &[u8]) -> Option<String> {
    let (sheet, root) = decode::open(FILE, bytes, Party::Author);
    let root = root?;
    let fields = sheet.root(&root, contract::SOLUTION)?;
    Some(declared_name(&fields)?.value)
}

/// `metadata.name`, whatever else is wrong.
pub fn declared_name(root: &Fields<'_>) -> Option<Spanned<String>> {
    let metadata = root.or_null("metadata")?;
    let Value::Map(entries) = &metadata.node.value else { return None };
    let (_, node) = entries.iter().find(|(key, _)| key.text == "name")?;
    match &node.value {
        Value::Text(text) => Some(Spanned { value: text.clone(), at: node.at }),
        _ => None,
    }
}

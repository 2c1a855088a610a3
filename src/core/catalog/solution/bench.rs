//! What a folder is judged with, and what became of it.

use std::cell::RefCell;
use std::sync::Arc;

use super::{Effective, Solution};
use crate::catalog::dated::Dated;
use crate::catalog::fault::{Fault, code};
use crate::catalog::platform::Platform;
use crate::catalog::snapshot::Folder;
use crate::model::decode::{Cursor, certain, nearest};

/// What a folder is judged with.
pub struct Bench<'a> {
    /// The folder, relative to the catalogue's root.
    pub path: &'a str,
    pub folder: &'a Folder,
    pub platform: &'a Platform,
    /// Where to note every effective value with its origin, if anybody asks.
    pub origins: Option<&'a RefCell<Vec<Effective>>>,
}

/// What became of a folder.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// Complete if and only if there is no fault.
    pub solution: Option<Arc<Solution>>,
    pub faults: Vec<Fault>,
    pub warnings: Vec<Fault>,
    /// What has to be said from a day on.
    pub dated: Vec<Dated>,
    /// `metadata.name` as written, for protection.
    pub declared: Option<String>,
    /// A fault at `metadata.name` (or at the first line), to be filled in by whoever compares
    /// folders with each other.
    pub at_name: Fault,
}

/// Whether two names differ only in how their marks are written: `é` as one character or as two.
/// Enough to say so; what a file system or an archive does to names is nothing to guess at.
fn looks_like(one: &str, other: &str) -> bool {
    let bare = |name: &str| -> String {
        name.chars().filter(|c| !matches!(c, '\u{300}'..='\u{36f}')).collect()
    };
    let marks = |name: &str| bare(name).chars().count() != name.chars().count();
    // One of them has marks of their own, where the other has letters that carry them.
    marks(one) != marks(other) && {
        let (one, other) = (bare(one), bare(other));
        let pairs: Vec<(char, char)> = one.chars().zip(other.chars()).collect();
        one.chars().count() == other.chars().count()
            && pairs.iter().all(|(a, b)| a == b || a.is_ascii() != b.is_ascii())
    }
}

/// A name with every character that is not ASCII as its number.
fn spelt_out(name: &str) -> String {
    let spell = |c: char| match c.is_ascii() {
        true => c.to_string(),
        false => c.escape_unicode().to_string(),
    };
    name.chars().map(spell).collect()
}

impl Bench<'_> {
    /// A path below the folder that must be a file; faults are reported.
    pub fn file(&self, cursor: &Cursor<'_>) -> Option<String> {
        let text = cursor.text()?.value;
        let shape = !text.is_empty()
            && !text.starts_with('/')
            && text.split('/').all(|part| !part.is_empty() && part != "." && part != "..");
        if !shape {
            let message = format!("`{text}` is not a path of this folder");
            let help = "write it relative to the folder, such as configs/model.yaml, without `..`";
            let fix = self.spelt(&text).and_then(|path| cursor.instead(&text, &path));
            cursor.sheet.report(cursor.fault(code::BAD_PATH, message).help(help).fix(fix));
            return None;
        }
        if self.folder.files.contains_key(&text) {
            return Some(text);
        }
        let message = format!("the folder has no file `{text}`");
        let mut fault = cursor.fault(code::NO_FILE, message);
        let near = nearest(&text, self.folder.files.keys().map(String::as_str));
        fault.help = near.map(|near| match looks_like(&text, near) {
            true => format!(
                "the folder's file looks the same and is written in other characters (`{}`, here \
                 `{}`): rename it, or copy its name from `git ls-files`",
                spelt_out(near),
                spelt_out(&text)
            ),
            false => format!("did you mean `{near}`?"),
        });
        let names = || self.folder.files.keys().map(String::as_str);
        let mut alike = names().filter(|name| looks_like(&text, name));
        let sure = match (alike.next(), alike.next()) {
            (Some(name), None) => Some(name),
            (None, _) => certain(&text, names()),
            (Some(_), Some(_)) => None,
        };
        let sure = sure.map(str::to_owned).or_else(|| self.spelt(&text));
        let fix = sure.and_then(|name| cursor.instead(&text, &name));
        cursor.sheet.report(fault.fix(fix));
        None
    }

    /// A path of the folder that is written from the folder on, from a root or with `\`: the file
    /// that there is.
    fn spelt(&self, text: &str) -> Option<String> {
        let path = text.replace('\\', "/");
        let path = path.trim_start_matches("./").trim_start_matches('/');
        self.folder.files.contains_key(path).then(|| path.to_owned())
    }
}

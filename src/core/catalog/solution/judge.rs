//! Judges one folder: `solution.yaml` and what lies beside it.

use std::sync::Arc;

use super::bench::{Bench, Verdict};
use super::{About, Solution, about, example, parts, readme};
use crate::catalog::contract;
use crate::catalog::dated::Dated;
use crate::catalog::fault::{Fault, Severity, code};
use crate::catalog::folders::{self, FILE};
use crate::catalog::snapshot::Folder;
use crate::model::decode::{self, Cursor, Fields, Sheet};
use crate::model::yaml::{self, Span, Spanned, is_lfs_pointer};
use crate::model::{Party, SolutionName, meant};

/// Judges a folder that holds `solution.yaml`.
pub fn judge(bench: &Bench<'_>) -> Verdict {
    let file = format!("{}/{FILE}", bench.path);
    let Some(bytes) = bench.folder.files.get(FILE).and_then(|file| file.bytes.as_deref()) else {
        return unread(bench, &file);
    };
    let (sheet, root) = decode::open(&file, bytes, Party::Author);
    if bench.folder.oddities.contains_key(Folder::ITSELF) {
        return too_much(bench, &sheet, root.as_ref());
    }
    let mut declared = None;
    let mut solution = None;
    let mut dated = Vec::new();
    if let Some(fields) = root.as_ref().and_then(|root| sheet.root(root, contract::SOLUTION)) {
        declared = folders::declared_name(&fields);
        solution = document(bench, &fields, declared.as_ref(), &mut dated);
    }
    let at = declared.as_ref().map_or(Span::START, |name| name.at);
    let at_name = sheet.shown(sheet.fault(code::DUPLICATE_NAME, at, ""));
    let all = sheet.finish();
    let (mut warnings, mut faults): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|fault| fault.severity == Severity::Warning);
    faults.extend(oddities(bench));
    faults.extend(example::judge(bench));
    faults.extend(readme_elsewhere(bench));
    warnings.extend(unsaid(bench));
    // Kept as long as the folder is.
    warnings.shrink_to_fit();
    let solution = solution.filter(|_| faults.is_empty()).map(Arc::new);
    let declared = declared.map(|name| name.value);
    Verdict { solution, faults, warnings, dated, declared, at_name }
}

/// The verdict on a folder whose `solution.yaml` is no plain file, or too large.
fn unread(bench: &Bench<'_>, file: &str) -> Verdict {
    let message = format!("the file is larger than {} KiB", yaml::MAX_BYTES / 1024);
    let fault = Fault::new(code::TOO_LARGE, file, Party::Author, message);
    let mut faults = oddities(bench);
    if !bench.folder.oddities.contains_key(FILE) {
        faults.push(fault.clone());
    }
    Verdict {
        solution: None,
        at_name: fault,
        faults,
        warnings: Vec::new(),
        dated: Vec::new(),
        declared: None,
    }
}

/// The verdict on a folder of which only `solution.yaml` was read, because it holds too much.
fn too_much(bench: &Bench<'_>, sheet: &Sheet, root: Option<&yaml::Node>) -> Verdict {
    let declared =
        root.and_then(|root| folders::declared_name(&sheet.root(root, contract::SOLUTION)?));
    let at = declared.as_ref().map_or(Span::START, |name| name.at);
    Verdict {
        solution: None,
        faults: oddities(bench),
        warnings: Vec::new(),
        dated: Vec::new(),
        at_name: sheet.fault(code::DUPLICATE_NAME, at, ""),
        declared: declared.map(|name| name.value),
    }
}

/// Entries of the folder that are no plain files, and the folder itself if it holds too much.
fn oddities(bench: &Bench<'_>) -> Vec<Fault> {
    let path = |name: &str| match name {
        Folder::ITSELF => bench.path.to_owned(),
        _ => format!("{}/{name}", bench.path),
    };
    let oddities = bench.folder.oddities.iter();
    oddities.map(|(name, oddity)| folders::oddity(&path(name), *oddity)).collect()
}

fn document(
    bench: &Bench<'_>,
    root: &Fields<'_>,
    declared: Option<&Spanned<String>>,
    dated: &mut Vec<Dated>,
) -> Option<Solution> {
    crate::catalog::envelope(root, "Solution");
    let mut about = About::default();
    let (readme_title, readme_text) = readme_of(bench.folder);
    let (mut title, mut description) = (readme_title, readme_text);
    let mut name = None;
    let folder = folders::name(bench.path);
    let whole = format!("{{name: {folder}}}");
    let metadata = match SolutionName::parse(folder) {
        Ok(_) => root.required_as("metadata", &whole, "spec"),
        Err(_) => root.required("metadata"),
    };
    if let Some(metadata) = metadata.and_then(|c| c.fields()) {
        let cursor = match SolutionName::parse(folder) {
            Ok(_) => metadata.required_as("name", folder, "title"),
            Err(_) => metadata.required("name"),
        };
        if let Some(cursor) = cursor
            && cursor.text().is_some()
            && let Some(declared) = declared
        {
            name = solution_name(bench, &cursor, &declared.value);
        }
        if let Some(written) = metadata.get("title").and_then(|c| c.line()) {
            title = Some(written.value);
        }
        if let Some(written) = metadata.get("description").and_then(|c| c.line()) {
            description = Some(written.value);
        }
        about::metadata(&metadata, &mut about);
    }
    let spec = root.required("spec")?.fields()?;
    about::spec(bench, &spec, &mut about);
    if let Some(access) = spec.get("access") {
        access_is_public(&access);
    }
    let expires = about::expires(&spec);
    let suspend = about::suspend(&spec);
    dated.extend(expires.as_ref().map(|day| Dated::expiry(root.sheet, day)));
    dated.extend(suspend.as_ref().map(|until| Dated::suspension(root.sheet, until)));
    let (shape, components) = parts::parts(bench, &spec, name.as_ref());
    let name = name?;
    Some(Solution {
        title: title.unwrap_or_else(|| name.to_string()),
        name,
        description,
        folder: bench.path.to_owned(),
        tree: bench.folder.tree.clone(),
        shape,
        components,
        expires: expires.map(|day| day.value),
        suspend: suspend.map(|suspension| suspension.value),
        about,
        preview: None,
    })
}

/// What a README still asks of its author.
fn unsaid(bench: &Bench<'_>) -> Option<Fault> {
    let (path, file) = bench.folder.files.iter().find(|(path, _)| is_readme(path))?;
    let text = String::from_utf8_lossy(file.bytes.as_deref()?);
    let line = readme::unsaid(&text)?;
    let message = "this line is still the one that `vitrine new` wrote";
    let name = format!("{}/{path}", bench.path);
    let fault = Fault::new(code::UNSAID, name, Party::Author, message).at(Span::point(line, 1));
    let shown = text.lines().nth((line as usize).saturating_sub(1)).map(str::to_owned);
    Some(fault.snippet(shown).help("say it in your own words, or delete the line"))
}

fn is_readme(path: &str) -> bool {
    path.eq_ignore_ascii_case("readme.md")
}

fn readme_of(folder: &Folder) -> (Option<String>, Option<String>) {
    let readme = folder.files.iter().find(|(path, _)| is_readme(path));
    match readme.and_then(|(_, file)| file.bytes.as_deref()) {
        Some(bytes) => readme::heading_and_paragraph(&String::from_utf8_lossy(bytes)),
        None => (None, None),
    }
}

/// A README that Git LFS keeps would be shown as the three lines of its pointer.
fn readme_elsewhere(bench: &Bench<'_>) -> Option<Fault> {
    let mut files = bench.folder.files.iter();
    let (path, file) = files.find(|(path, _)| is_readme(path))?;
    is_lfs_pointer(file.bytes.as_deref()?).then(|| {
        let message = format!("`{path}` lies in Git LFS: the folder holds a pointer to it");
        let name = format!("{}/{path}", bench.path);
        let fault = Fault::new(code::LFS_POINTER, name, Party::Author, message);
        fault.help("commit the file itself")
    })
}

/// One bad name is one fault: a name that no solution may have is not compared with the folder's.
fn solution_name(bench: &Bench<'_>, cursor: &Cursor<'_>, text: &str) -> Option<SolutionName> {
    let folder = folders::name(bench.path);
    // The folder says how the name is spelt, where both have the same letters.
    let same = meant::name(text) == meant::name(folder) && SolutionName::parse(folder).is_ok();
    let spelt = || same.then(|| cursor.instead(text, folder)).flatten();
    match SolutionName::parse(text) {
        Err(bad) => {
            cursor.sheet.report(cursor.fault(code::BAD_NAME, bad.to_string()).fix(spelt()));
            None
        }
        Ok(_) if text != folder => {
            let message = format!("the solution is called `{text}`, its folder `{folder}`");
            let help = "the two must be equal; renaming the folder moves the solution to another \
                        address";
            let fault = cursor.fault(code::NAME_IS_NOT_FOLDER, message).help(help);
            cursor.sheet.report(fault.fix(spelt()));
            None
        }
        Ok(name) => Some(name),
    }
}

fn access_is_public(cursor: &Cursor<'_>) {
    if let Some(access) = cursor.text()
        && access.value != "public"
    {
        let message = format!("`access: {}` is not supported yet", access.value);
        let help = "write access: public, or delete the key";
        cursor.sheet.report(cursor.fault(code::NOT_YET, message).help(help));
    }
}

//! A snapshot of a folder of the file system, for tests.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use vitrine_core::catalog::snapshot::{File, Folder, Oddity, Snapshot};
use vitrine_core::model::{ContentHash, Revision, TreeId};

const PICTURES: [&str; 6] = ["png", "jpg", "jpeg", "webp", "gif", "svg"];

/// Files by path relative to the catalogue's root.
pub type Files = BTreeMap<String, Vec<u8>>;

/// What a commit of this folder would say. `expected.txt` at its root is left out.
pub fn snapshot(root: &Path) -> Snapshot {
    let mut files = Files::new();
    let mut oddities = BTreeMap::new();
    walk(root, "", &mut files, &mut oddities);
    files.remove("expected.txt");
    of_files(&files, oddities)
}

fn walk(root: &Path, below: &str, files: &mut Files, oddities: &mut BTreeMap<String, Oddity>) {
    let entries = fs::read_dir(root.join(below)).expect("a readable folder");
    for entry in entries {
        let entry = entry.expect("a readable entry");
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with(['.', '_']) {
            continue;
        }
        let path = if below.is_empty() { name } else { format!("{below}/{name}") };
        let kind = entry.file_type().expect("a known type");
        if kind.is_symlink() {
            oddities.insert(path, Oddity::SymbolicLink);
        } else if kind.is_dir() {
            walk(root, &path, files, oddities);
        } else {
            files.insert(path, fs::read(entry.path()).expect("a readable file"));
        }
    }
}

/// What a commit of these files would say.
pub fn of_files(files: &Files, oddities: BTreeMap<String, Oddity>) -> Snapshot {
    let solution = |folder: &str| {
        let file = format!("{folder}/solution.yaml");
        files.contains_key(&file) || oddities.contains_key(&file)
    };
    let mut folders: BTreeMap<String, Folder> = BTreeMap::new();
    for (path, bytes) in files {
        let Some((holder, _)) = path.rsplit_once('/') else { continue };
        let outermost =
            path.match_indices('/').filter_map(|(at, _)| path.get(..at)).find(|f| solution(f));
        let holder = outermost.unwrap_or(holder);
        let inside = path.strip_prefix(&format!("{holder}/")).expect("the holder is a prefix");
        let folder = folders.entry(holder.to_owned()).or_insert_with(empty);
        folder.files.insert(inside.to_owned(), file(path, bytes));
    }
    for path in oddities.keys() {
        if let Some(holder) = path.strip_suffix("/solution.yaml") {
            folders.entry(holder.to_owned()).or_insert_with(empty);
        }
    }
    let mut elsewhere = BTreeMap::new();
    for (path, oddity) in &oddities {
        let holder = folders
            .iter_mut()
            .find(|(holder, _)| solution(holder) && path.starts_with(&format!("{holder}/")));
        match holder {
            Some((holder, folder)) => {
                let inside = path.get(holder.len() + 1..).unwrap_or_default();
                folder.oddities.insert(inside.to_owned(), *oddity);
            }
            None => _ = elsewhere.insert(path.clone(), *oddity),
        }
    }
    for folder in folders.values_mut() {
        let mut text = format!("{:?}", folder.oddities);
        for (path, file) in &folder.files {
            text += &format!("{path} {:?}\n", file.bytes.as_deref().map(ContentHash::of));
        }
        folder.tree = tree(&text);
    }
    Snapshot {
        revision: Revision::parse(&"0".repeat(40)).expect("40 digits"),
        committed: jiff::Timestamp::UNIX_EPOCH,
        root: tree("root"),
        platform: files.get("platform.yaml").map(|bytes| file("platform.yaml", bytes)),
        folders: Arc::new(
            folders.into_iter().map(|(path, folder)| (path, Arc::new(folder))).collect(),
        ),
        oddities: elsewhere,
    }
}

fn empty() -> Folder {
    Folder { tree: tree(""), files: Default::default(), oddities: BTreeMap::new() }
}

fn file(path: &str, bytes: &[u8]) -> File {
    let ending = path.rsplit('.').next().unwrap_or_default();
    let size = bytes.len() as u64;
    let kept = size <= File::READ_LIMIT && !PICTURES.contains(&ending);
    File { size, bytes: kept.then(|| Arc::from(bytes)) }
}

fn tree(text: &str) -> TreeId {
    TreeId::parse(&ContentHash::of(text.as_bytes()).first(40)).expect("40 digits")
}

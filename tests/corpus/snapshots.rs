//! A folder of a disk and a commit of it are the same catalogue.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use vitrine::git::{Source, make_repository, read_folder};
use vitrine_core::catalog::{self, Catalog, Memory, Snapshot};
use vitrine_core::config;

/// Every catalogue of the corpus and the example.
fn catalogues() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = vec![root.join("catalog")];
    for sort in ["valid", "invalid"] {
        let entries = fs::read_dir(root.join("tests/catalogues").join(sort)).unwrap();
        all.extend(entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()));
    }
    all
}

async fn committed(folder: &Path) -> Snapshot {
    let place = tempfile::tempdir().unwrap();
    let (repository, mirror) = (place.path().join("catalogue"), place.path().join("mirror"));
    make_repository(folder, &repository).unwrap();
    let text = format!(
        "instance: test\nrepository:\n  url: {}\n  mirror: {}\n",
        repository.display(),
        mirror.display()
    );
    let file = config::File { name: "vitrine.yaml", text: &text };
    let config = config::read(Some(file), &BTreeMap::new(), &BTreeMap::new()).unwrap();
    let mut source = Source::open(&config.repository).unwrap();
    let tip = source.tip().await.unwrap();
    source.fetch(&tip).await.unwrap();
    source.read(&tip).await.unwrap()
}

/// What may not differ: everything but the names of the commit and of its trees.
fn told(snapshot: &Snapshot) -> String {
    let catalog = catalog::read(snapshot, &mut Memory::default());
    let Catalog { platform, solutions, refused, protected, warnings, dated, .. } = catalog;
    let mut text =
        format!("{platform:#?}\n{refused:#?}\n{protected:#?}\n{warnings:#?}\n{dated:#?}\n");
    for solution in solutions.values() {
        let mut solution = vitrine_core::catalog::Solution::clone(solution);
        solution.tree = snapshot.root.clone();
        text += &format!("{solution:#?}\n");
    }
    text.lines().filter(|line| !line.contains("TreeId(")).collect::<Vec<_>>().join("\n")
}

fn files(snapshot: &Snapshot) -> String {
    let folders = snapshot.folders.iter();
    let shown = folders.map(|(path, folder)| (path, &folder.files, &folder.oddities));
    format!("{:?}\n{:?}", shown.collect::<Vec<_>>(), snapshot.oddities)
}

#[tokio::test]
async fn a_folder_and_a_commit_of_it_are_judged_alike() {
    let catalogues = catalogues();
    assert!(catalogues.len() > 70, "{}", catalogues.len());
    for folder in catalogues {
        let (disk, commit) = (read_folder(&folder).unwrap(), committed(&folder).await);
        assert_eq!(files(&disk), files(&commit), "{}", folder.display());
        assert_eq!(told(&disk), told(&commit), "{}", folder.display());
    }
}

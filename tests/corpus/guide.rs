//! The catalogue files of `docs/platform.md` are a catalogue without a fault.

use vitrine_core::catalog::{self, Memory};

use crate::cluster::doctor::blocks;

#[test]
fn the_files_of_the_guide_publish_its_first_solution() {
    let folder = tempfile::tempdir().unwrap();
    let hello = folder.path().join("hello");
    std::fs::create_dir(&hello).unwrap();
    std::fs::write(hello.join("README.md"), "# Hello\n\nSays hello.\n").unwrap();
    for (_, block) in blocks("docs/platform.md") {
        if block.contains("kind: Platform\n") {
            std::fs::write(folder.path().join("platform.yaml"), &block).unwrap();
        } else if block.contains("kind: Solution\n") {
            std::fs::write(hello.join("solution.yaml"), &block).unwrap();
        }
    }
    let snapshot = vitrine::git::read_folder(folder.path()).unwrap();
    let catalog = catalog::read(&snapshot, &mut Memory::default());
    assert!(catalog.platform.is_ok(), "{:#?}", catalog.platform);
    assert!(catalog.refused.is_empty(), "{:#?}", catalog.refused);
    assert_eq!(catalog.solutions.keys().map(|n| n.as_str()).collect::<Vec<_>>(), ["hello"]);
}

//! What comes into the mirror of a repository on this machine, and what is left out of it.

use proptest::prelude::*;

use super::scene::{SOLUTION, Scene, Server, git};
use super::sieves::history;
use crate::git::Source;
use crate::git::refs::TIP;
use vitrine_core::catalog::snapshot::{Oddity, Snapshot};

const MIB: usize = 1 << 20;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

async fn read(source: &mut Source) -> Snapshot {
    let tip = source.tip().await.unwrap();
    source.fetch(&tip).await.unwrap();
    source.read(&tip).await.unwrap()
}

/// Everything that a ref reaches.
fn reached(folder: &std::path::Path, from: &str) -> Vec<String> {
    let list = git(folder, &["rev-list", "--objects", "--no-object-names", from]);
    let mut list: Vec<String> = list.lines().map(str::to_owned).collect();
    list.sort();
    list
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn a_copy_has_what_the_branch_reaches_however_it_is_packed(
        sizes in prop::collection::vec((1_usize..300, any::<u8>()), 2..7),
        again in prop::collection::vec((1_usize..300, any::<u8>()), 1..3),
        packed in 0_u8..4,
    ) {
        let scene = history(&sizes);
        match packed {
            0 => {}
            1 => _ = scene.git(&["repack", "-adfq"]),
            2 => _ = scene.git(&["-c", "repack.useDeltaBaseOffset=false", "repack", "-adfq"]),
            _ => {
                // What is borrowed from another repository.
                scene.git(&["repack", "-adfq"]);
                git(scene.folder.path(), &["clone", "-q", "--shared", "--bare", "work", "lent"]);
                scene.git(&["config", "core.bare", "false"]);
            }
        }
        let folder = if packed == 3 { scene.folder.path().join("lent") } else { scene.work() };
        let mirror = scene.folder.path().join("mirror/catalogue.git");
        runtime().block_on(async {
            let mut source = Source::open(&scene.settings(folder.to_str().unwrap())).unwrap();
            read(&mut source).await;
            assert_eq!(reached(&mirror, TIP), reached(&folder, "main"));
            // A second time only what is new.
            let before = git(&mirror, &["count-objects", "-v"]);
            for (n, (size, seed)) in again.iter().enumerate() {
                scene.put("use/again.txt", &format!("{seed}{}", "x\n".repeat(*size)));
                scene.put("use/solution.yaml", &format!("kind: Solution\n# again {n}\n"));
                // Shorter, so that git makes it from the older one, which is not copied again.
                let older = std::fs::read_to_string(scene.work().join("use/0.txt")).unwrap();
                let shorter: Vec<&str> = older.lines().skip(1).collect();
                scene.put("use/0.txt", &shorter.join("\n"));
                scene.commit();
            }
            if packed == 1 || packed == 2 {
                scene.git(&["repack", "-adfq"]);
            }
            if packed == 3 {
                git(&folder, &["fetch", "-q", "../work", "+main:main"]);
            }
            read(&mut source).await;
            assert_eq!(reached(&mirror, TIP), reached(&folder, "main"));
            let after = git(&mirror, &["count-objects", "-v"]);
            let in_pack = |counted: &str| -> usize {
                let line = counted.lines().find_map(|line| line.strip_prefix("in-pack: "));
                line.unwrap().parse().unwrap()
            };
            let all = reached(&mirror, TIP).len();
            assert_eq!(in_pack(&after), all, "each once: {before}\n{after}");
        });
        git(&mirror, &["fsck", "--full", "--strict", TIP]);
    }
}

#[tokio::test]
async fn a_file_too_large_is_the_fault_of_its_folder_alone() {
    let scene = Scene::new();
    scene.put("use/solution.yaml", SOLUTION);
    scene.put("use/large.bin", &"l".repeat(17 * MIB));
    scene.put("use/vast.bin", &"v".repeat(40 * MIB));
    scene.put("use/vast.png", &"p".repeat(40 * MIB));
    scene.put("use/allowed.bin", &"a".repeat(15 * MIB));
    scene.put("good/solution.yaml", SOLUTION);
    scene.put("named/solution.yaml", &"s".repeat(40 * MIB));
    // Nobody's fault: no solution.
    scene.put("docs/film.bin", &"f".repeat(40 * MIB));
    scene.commit();
    let server = Server::git(&scene, None);
    let file = format!("file://{}", scene.work().display());
    for url in [scene.local().url, file, server.url("work/.git")] {
        let mut settings = scene.settings(&url);
        settings.mirror = scene.folder.path().join(format!("mirror-{}", url.len()));
        let mut source = Source::open(&settings).unwrap();
        for again in [false, true] {
            let snapshot = read(&mut source).await;
            let folder = &snapshot.folders["use"];
            for (name, mib) in [("large.bin", 17), ("vast.bin", 40), ("vast.png", 40)] {
                let size = Some((mib * MIB) as u64);
                assert_eq!(folder.oddities[name], Oddity::TooLarge(size), "{url}, {again}");
            }
            assert!(folder.files.contains_key("allowed.bin"), "{url}");
            assert!(snapshot.folders["good"].oddities.is_empty(), "{url}");
            assert_eq!(
                snapshot.folders["docs"].files.get("film.bin").unwrap().size,
                40 << 20,
                "{url}"
            );
            let catalog = vitrine_core::catalog::read(
                &snapshot,
                &mut vitrine_core::catalog::Memory::default(),
            );
            let faults = &catalog.refused["use"].faults;
            let large: Vec<_> = faults.iter().filter(|fault| fault.code == "V0127").collect();
            assert_eq!(large.len(), 3, "{faults:?}");
            assert!(large.iter().any(|fault| fault.message.contains("40 MiB")), "{faults:?}");
            assert!(catalog.refused.contains_key("named"), "{url}");
            // What is new after it comes as before.
            scene.put("good/notes.md", &format!("{url} {again}"));
            scene.commit();
        }
        let packs = settings.mirror.join("catalogue.git/objects/pack");
        let size: u64 = std::fs::read_dir(packs)
            .unwrap()
            .map(|entry| entry.unwrap().metadata().unwrap().len())
            .sum();
        assert!(size < 1 << 20, "{url}: the mirror has {size} bytes");
    }
}

#[tokio::test]
async fn a_mirror_that_lost_a_file_is_not_taken_for_one_that_does_without() {
    let scene = Scene::new();
    scene.put("use/solution.yaml", SOLUTION);
    scene.put("use/vast.bin", &"v".repeat(40 * MIB));
    scene.put("use/notes.md", "notes\n");
    scene.commit();
    let mut source = scene.open();
    let tip = read(&mut source).await.revision;
    let mirror = scene.folder.path().join("mirror/catalogue.git");
    let lost = scene.git(&["rev-parse", "HEAD:use/notes.md"]);
    // Everything but one small file, in one pack.
    let list = git(&mirror, &["cat-file", "--batch-check=%(objectname)", "--batch-all-objects"]);
    let kept: String =
        list.lines().filter(|id| **id != *lost).map(|id| format!("{id}\n")).collect();
    let kept = scene.file("kept", &kept);
    let packs = mirror.join("objects/pack");
    let line = format!(
        "cd {} && git pack-objects -q new < {} && rm pack-* && for f in new-*; do mv $f pack-${{f#new-}}; done",
        packs.display(),
        kept.display()
    );
    scene.shell(&line);
    drop(source);
    let mut source = scene.open();
    // It is made again, instead of a file that is said to be left out.
    let snapshot = source.read(&tip).await.unwrap();
    assert!(snapshot.folders["use"].files.contains_key("notes.md"));
    assert!(!snapshot.folders["use"].oddities.contains_key("notes.md"));
}

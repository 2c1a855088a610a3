use std::sync::Arc;

use super::scene::{SOLUTION, Scene, git};
use crate::git::Source;
use vitrine_core::catalog::snapshot::{Folder, Oddity, Snapshot};

async fn read(source: &mut Source) -> Snapshot {
    let tip = source.tip().await.unwrap();
    source.fetch(&tip).await.unwrap();
    source.read(&tip).await.unwrap()
}

#[tokio::test]
async fn a_catalogue_is_read_completely() {
    let scene = Scene::new();
    scene.put("platform.yaml", "kind: Platform\n");
    scene.put("README.md", "not a folder");
    scene.put("use/solution.yaml", SOLUTION);
    scene.put("use/examples/a.json", "{}");
    scene.put("use/picture.png", "png");
    scene.put("use/inner/solution.yaml", SOLUTION);
    scene.put("use/_draft/a.txt", "no");
    scene.put("group/deep/solution.yaml", SOLUTION);
    scene.put("lost/README.md", "I had a solution.yaml once");
    scene.put("_hidden/solution.yaml", SOLUTION);
    scene.put(".github/solution.yaml", SOLUTION);
    scene.put("big/solution.yaml", &"#".repeat(256 * 1024 + 1));
    scene.put("big/data.bin", &"x".repeat(512 * 1024 + 1));
    let head = scene.commit();

    let snapshot = read(&mut scene.open()).await;

    assert_eq!(snapshot.revision, head);
    assert_eq!(snapshot.root.as_str(), scene.git(&["rev-parse", "HEAD^{tree}"]));
    let committed = scene.git(&["log", "-1", "--format=%ct"]);
    assert_eq!(snapshot.committed.as_second().to_string(), committed);
    assert_eq!(snapshot.platform.unwrap().bytes.as_deref(), Some(&b"kind: Platform\n"[..]));
    let names: Vec<_> = snapshot.folders.keys().map(String::as_str).collect();
    assert_eq!(names, ["big", "group/deep", "lost", "use"]);
    let files: Vec<_> = snapshot.folders["use"].files.keys().map(String::as_str).collect();
    assert_eq!(files, ["examples/a.json", "inner/solution.yaml", "picture.png", "solution.yaml"]);
    let picture = snapshot.folders["use"].files.get("picture.png").unwrap();
    assert_eq!((picture.size, &picture.bytes), (3, &None));
    for file in snapshot.folders["big"].files.values() {
        assert!(file.size > 256 * 1024 && file.bytes.is_none());
    }
}

#[tokio::test]
async fn what_cannot_be_walked_into_is_named() {
    let scene = Scene::new();
    scene.put("use/solution.yaml", SOLUTION);
    std::os::unix::fs::symlink("/etc/passwd", scene.work().join("use/link")).unwrap();
    std::os::unix::fs::symlink("use", scene.work().join("alias")).unwrap();
    std::fs::create_dir(scene.work().join("linked")).unwrap();
    std::os::unix::fs::symlink("../x", scene.work().join("linked/solution.yaml")).unwrap();
    let commit = scene.commit();
    let submodule = format!("160000,{commit},module");
    scene.git(&["update-index", "--add", "--cacheinfo", &submodule]);
    let blob = scene.git(&["hash-object", "-w", "use/solution.yaml"]);
    let odd = scene.file("index", "");
    std::fs::write(&odd, [format!("100644 {blob}\tuse/").as_bytes(), b"\xff.md\n"].concat())
        .unwrap();
    scene.shell(&format!("git update-index --index-info < {}", odd.display()));
    scene.git(&["commit", "-q", "-m", "odd"]);

    let snapshot = read(&mut scene.open()).await;

    assert_eq!(snapshot.oddities["alias"], Oddity::SymbolicLink);
    assert_eq!(snapshot.oddities["module"], Oddity::Submodule);
    let folder = &snapshot.folders["use"];
    assert_eq!(folder.oddities["link"], Oddity::SymbolicLink);
    assert_eq!(folder.oddities["\u{fffd}.md"], Oddity::NameNotUtf8);
    assert_eq!(folder.files.len(), 1);
    assert_eq!(snapshot.folders["linked"].oddities["solution.yaml"], Oddity::SymbolicLink);
}

#[tokio::test]
async fn an_unchanged_folder_is_not_read_again() {
    let scene = Scene::new();
    scene.put("a/solution.yaml", SOLUTION);
    scene.put("b/solution.yaml", "kind: Solution\n# b\n");
    scene.put("c/solution.yaml", SOLUTION);
    scene.commit();
    let mut source = scene.open();
    let first = read(&mut source).await;
    assert!(Arc::ptr_eq(&first.folders["a"], &first.folders["c"]), "equal trees, one allocation");
    scene.put("b/solution.yaml", "kind: Solution\n# changed\n");
    scene.commit();
    let second = read(&mut source).await;
    assert!(Arc::ptr_eq(&first.folders["a"], &second.folders["a"]));
    assert!(!Arc::ptr_eq(&first.folders["b"], &second.folders["b"]));
}

#[tokio::test]
async fn what_a_commit_leaves_as_it_was_is_the_same_snapshot() {
    let scene = Scene::new();
    scene.put("platform.yaml", "kind: Platform\n");
    scene.put("README.md", "a catalogue");
    scene.put("use/solution.yaml", SOLUTION);
    scene.commit();
    let mut source = scene.open();
    let mut before = read(&mut source).await;
    let touch: [(&str, bool, &dyn Fn()); 9] = [
        ("a workflow", true, &|| scene.put(".github/workflows/check.yml", "on: push")),
        ("a draft", true, &|| scene.put("_draft/solution.yaml", SOLUTION)),
        ("a README that becomes a link", false, &|| {
            scene.shell("rm README.md && ln -s platform.yaml README.md");
        }),
        ("a README", false, &|| _ = scene.shell("rm README.md && echo another > README.md")),
        ("one file more", true, &|| scene.put("LICENSE", "free")),
        ("one file less", true, &|| _ = scene.git(&["rm", "-q", "LICENSE"])),
        ("the platform", false, &|| scene.put("platform.yaml", "kind: Platform\n# 2\n")),
        ("a link", false, &|| _ = scene.shell("ln -s use alias")),
        ("a folder", false, &|| scene.put("other/solution.yaml", SOLUTION)),
    ];
    for (what, same, touch) in touch {
        touch();
        scene.commit();
        let after = read(&mut source).await;
        assert_eq!(before.is_left_by(&after), same, "{what}");
        assert_eq!(Arc::ptr_eq(&before.folders, &after.folders), same, "{what}");
        assert_ne!(before.revision, after.revision, "{what}");
        assert_ne!(before.root, after.root, "{what}");
        let mut settings = scene.local();
        settings.mirror = scene.folder.path().join(what);
        let anew = read(&mut Source::open(&settings).unwrap()).await;
        let names = |s: &Snapshot| s.folders.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&after), names(&anew), "{what}");
        assert_eq!(after.oddities, anew.oddities, "{what}");
        before = after;
    }
}

#[tokio::test]
async fn an_empty_catalogue_is_a_snapshot_and_a_missing_one_is_not() {
    let scene = Scene::new();
    scene.put("README.md", "nothing yet");
    scene.put("empty/README.md", "no folder in it");
    let head = scene.commit();
    let mut settings = scene.local();
    settings.path = "./empty/".to_owned();
    let snapshot = read(&mut Source::open(&settings).unwrap()).await;
    assert!(snapshot.folders.is_empty() && snapshot.platform.is_none());

    for path in ["missing", "README.md", "README.md/deeper", "empty/missing"] {
        settings.path = path.to_owned();
        let mut source = Source::open(&settings).unwrap();
        source.fetch(&head).await.unwrap();
        let unknown = source.read(&head).await.unwrap_err();
        assert!(unknown.cause.contains(path) && unknown.cause.contains("repository.path"));
    }
    settings.path = "../other".to_owned();
    assert!(Source::open(&settings).is_err());
}

#[tokio::test]
async fn a_catalogue_that_unfolds_without_end_is_refused() {
    let scene = Scene::new();
    let blob = scene.file("blob", "x");
    let blob = scene.git(&["hash-object", "-w", blob.to_str().unwrap()]);
    let tree = |lines: String| {
        let file = scene.file("tree", &lines);
        scene.shell(&format!("git mktree < {}", file.display()))
    };
    // Twelve folders, each with twelve, and so on: 250 000 groups in five objects.
    let mut bomb = tree((0..12).map(|n| format!("100644 blob {blob}\tn{n}\n")).collect());
    for _ in 0..5 {
        bomb = tree((0..12).map(|n| format!("040000 tree {bomb}\tn{n}\n")).collect());
    }
    scene.commit_tree(&bomb);
    let mut source = scene.open();
    let tip = source.tip().await.unwrap();
    source.fetch(&tip).await.unwrap();
    let unknown = source.read(&tip).await.unwrap_err();
    assert!(unknown.cause.contains("200000 files and folders"), "{}", unknown.cause);

    // Nor deeper than any solution may lie, where folders are only looked through.
    let mut below = bomb.clone();
    for _ in 0..8 {
        below = tree(format!("040000 tree {below}\tgroup\n"));
    }
    scene.commit_tree(&below);
    let tip = source.tip().await.unwrap();
    source.fetch(&tip).await.unwrap();
    let unknown = source.read(&tip).await.unwrap_err();
    assert!(unknown.cause.contains("200000 files and folders"), "{}", unknown.cause);

    // In a solution it is the fault of that one, whose name is still seen.
    let solution = tree(format!("040000 tree {bomb}\tbomb\n100644 blob {blob}\tsolution.yaml\n"));
    let mut deep = tree(format!("100644 blob {blob}\ta.txt\n"));
    for _ in 0..40 {
        deep = tree(format!("040000 tree {deep}\td\n"));
    }
    let deep = tree(format!("040000 tree {deep}\td\n100644 blob {blob}\tsolution.yaml\n"));
    let root = format!("040000 tree {deep}\tdeep\n040000 tree {solution}\tuse\n");
    scene.commit_tree(&tree(root));
    let snapshot = read(&mut source).await;
    for (name, oddity) in [("use", Oddity::TooManyFiles), ("deep", Oddity::TooDeep)] {
        let folder = &snapshot.folders[name];
        assert_eq!(folder.oddities[Folder::ITSELF], oddity);
        assert_eq!(folder.files.keys().collect::<Vec<_>>(), ["solution.yaml"]);
    }
    let catalog =
        vitrine_core::catalog::read(&snapshot, &mut vitrine_core::catalog::Memory::default());
    assert_eq!(catalog.refused["use"].faults[0].code, "V0127");
    assert_eq!(catalog.refused["deep"].faults[0].code, "V0127");
    assert!(catalog.protected.covers("what lay inside"));
}

#[tokio::test]
async fn a_solution_that_was_moved_down_is_seen_however_deep() {
    let scene = Scene::new();
    let deep = |names: usize| (0..names).map(|n| format!("g{n}/")).collect::<String>();
    let platform =
        "apiVersion: vitrine.dev/v1alpha1\nkind: Platform\nspec: {domain: demo.example}\n";
    scene.put("platform.yaml", platform);
    scene.put("good/solution.yaml", SOLUTION);
    for names in [3, 4, 5, 9, 31] {
        scene.put(&format!("{}use{names}/solution.yaml", deep(names)), SOLUTION);
        // Whatever else lies so deep is nobody's business.
        scene.put(&format!("good{names}/{}README.md", deep(names)), "# Notes\n");
    }
    scene.commit();
    let catalog = |snapshot: &vitrine_core::catalog::Snapshot| {
        vitrine_core::catalog::read(snapshot, &mut vitrine_core::catalog::Memory::default())
    };
    let seen = catalog(&read(&mut scene.open()).await);
    for names in [4, 5, 9, 31] {
        let refused = &seen.refused[format!("use{names}").as_str()];
        assert_eq!(refused.faults[0].code, "V0125", "{names}");
    }
    assert_eq!(seen.protected.all, None);

    // Deeper than anybody looks, everything may lie.
    scene.put(&format!("{}use/solution.yaml", deep(33)), SOLUTION);
    scene.commit();
    assert!(catalog(&read(&mut scene.open()).await).protected.covers("what lies nowhere"));
}

#[tokio::test]
async fn a_solution_of_many_small_files_is_refused_before_they_fill_the_memory() {
    let scene = Scene::new();
    let text = "x".repeat(512 * 1024);
    scene.put("use/solution.yaml", SOLUTION);
    for n in 0..65 {
        scene.put(&format!("use/data/{n}.csv"), &format!("{n:07}{}", &text[7..]));
    }
    scene.put("good/solution.yaml", SOLUTION);
    scene.commit();
    let snapshot = read(&mut scene.open()).await;
    assert_eq!(snapshot.folders["use"].oddities[Folder::ITSELF], Oddity::TooManyFiles);
    assert_eq!(snapshot.folders["use"].files.len(), 1);
    assert!(snapshot.folders["good"].oddities.is_empty());
}

#[tokio::test]
async fn of_a_folder_that_is_no_solution_only_the_names_are_read() {
    let scene = Scene::new();
    scene.put("docs/guide.md", "# Guide");
    scene.put("lost/Solution.yml", SOLUTION);
    scene.commit();
    let snapshot = read(&mut scene.open()).await;
    assert_eq!(snapshot.folders["docs"].files.get("guide.md").unwrap().bytes, None);
    assert!(snapshot.folders["lost"].files.get("Solution.yml").unwrap().bytes.is_some());
}

#[tokio::test]
async fn every_kind_of_local_repository_can_be_read() {
    let scene = Scene::new();
    let head = scene.published();
    let folder = scene.folder.path().to_owned();
    git(&folder, &["clone", "-q", "--bare", "work", "bare.git"]);
    scene.git(&["worktree", "add", "-q", "-b", "side", "../tree"]);
    let file_url = format!("file://{}", folder.join("bare.git").display());
    for url in [
        folder.join("bare.git").to_str().unwrap(),
        folder.join("tree").to_str().unwrap(),
        file_url.as_str(),
    ] {
        let mut source = Source::open(&scene.settings(url)).unwrap();
        let snapshot = read(&mut source).await;
        assert_eq!(snapshot.revision, head);
        assert!(snapshot.folders.contains_key("use"));
    }
}

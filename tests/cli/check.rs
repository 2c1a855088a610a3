//! `check`: folders judged without any cluster.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::scene::{Scene, verdicts};
use super::status::{board, daemon};
use crate::support::binary::{Finished, finish, vitrine};
use crate::support::catalogue::minimal;

/// Folders of one author, in no repository unless `git init` makes one.
pub struct Desk {
    folder: TempDir,
}

impl Desk {
    /// A platform and these solutions, each one small service with an owner.
    pub fn of(names: &[&str]) -> Self {
        let desk = Self::empty();
        let platform = Path::new(env!("CARGO_MANIFEST_DIR")).join("catalog/platform.yaml");
        fs::copy(platform, desk.path("platform.yaml")).unwrap();
        for name in names {
            desk.solution(name);
        }
        desk
    }

    pub fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(".git")).unwrap(); // nothing above is looked at
        Self { folder }
    }

    pub fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    pub fn write(&self, file: &str, text: &str) {
        let path = self.path(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn solution(&self, folder: &str) {
        let name = folder.rsplit('/').next().unwrap();
        let text = format!("{}  owner: group:lab\n", minimal(name));
        self.write(&format!("{folder}/solution.yaml"), &text);
    }

    /// Adds a line to a solution's `spec`.
    pub fn add(&self, folder: &str, line: &str) {
        let file = format!("{folder}/solution.yaml");
        let text = fs::read_to_string(self.path(&file)).unwrap();
        self.write(&file, &format!("{text}  {line}\n"));
    }

    /// Runs `check` in the folder. Whatever it says, it names no folder of this machine.
    #[track_caller]
    pub fn check(&self, arguments: &[&str]) -> Finished {
        let run = finish(vitrine(self.folder.path()).arg("check").args(arguments));
        let here = self.folder.path().to_str().unwrap();
        for said in [&run.out, &run.err] {
            assert!(!said.contains(here) && !said.contains(env!("CARGO_MANIFEST_DIR")), "{said}");
        }
        run
    }

    #[track_caller]
    pub fn json(&self, arguments: &[&str]) -> Vec<Value> {
        let run = self.check(&[arguments, &["--format", "json"]].concat());
        run.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The codes of everything found, with the files.
    #[track_caller]
    fn codes(&self, arguments: &[&str]) -> Vec<String> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let found = self.json(arguments);
        found.iter().map(|one| format!("{} {}", text(&one["code"]), text(&one["file"]))).collect()
    }
}

#[test]
fn a_good_catalogue_exits_with_0_and_says_so_in_one_line() {
    let desk = Desk::of(&["use", "group/part"]);
    let run = desk.check(&[]).exits(0);
    assert_eq!(run.out, "2 solutions: 2 good; 0 errors, 0 warnings\n");
    // Beside it, what is promised and held by nothing.
    let unlimited = "vitrine: nothing at the edge of this platform limits how large a request may be, \
                     or how many requests a visitor may send; `vitrine explain NAME --isolation` says \
                     why\n";
    assert_eq!(run.err, unlimited);
    let run = desk.check(&["--format", "json"]).exits(0);
    assert_eq!((run.out.as_str(), run.err.as_str()), ("", ""));
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("catalog");
    finish(vitrine(&example).arg("check")).exits(0).says(&["4 solutions: 4 good"]);
}

#[test]
fn a_fault_exits_with_1_and_shows_its_line_and_its_page() {
    let desk = Desk::of(&["good", "bad"]);
    desk.add("bad", "replica: 3");
    let run = desk.check(&[]).exits(1);
    let shown = "error[V0207]: unknown field `replica`\n  --> bad/solution.yaml:8:3\n  |\n\
                 8 |   replica: 3\n  |   ^^^^^^^ not a field of `spec`\n  |\n  = ";
    assert!(run.out.starts_with(shown), "{}", run.out);
    run.says(&[
        "  = see: vitrine check --explain V0207\n",
        "2 solutions: 1 good, 1 refused; 1 error, 0 warnings\n",
    ]);
}

#[test]
fn warnings_alone_are_good_unless_they_are_denied() {
    let desk = Desk::of(&[]);
    desk.write("use/solution.yaml", &minimal("use"));
    desk.check(&[]).exits(0).says(&["warning[V9001]", "1 solution: 1 good; 0 errors, 1 warning"]);
    desk.check(&["--deny", "warnings"]).exits(1);
    desk.solution("use");
    desk.check(&["--deny", "warnings"]).exits(0);
}

#[test]
fn what_holds_from_a_day_on_is_said_when_the_day_has_come() {
    let desk = Desk::of(&["use", "later"]);
    desk.add("use", "expires: 2020-01-31");
    desk.add("later", "expires: 2999-01-31");
    assert_eq!(desk.codes(&[]), ["V9004 use/solution.yaml"]);
    desk.check(&[]).exits(0);
}

#[test]
fn a_program_reads_one_object_a_line() {
    let desk = Desk::of(&["use"]);
    desk.add("use", "replica: 3");
    desk.add("use", "port: 80");
    let found = desk.json(&[]);
    assert_eq!(found.len(), 2);
    let first = &found[0];
    assert_eq!((first["code"].as_str(), first["line"].as_u64()), (Some("V0207"), Some(8)));
    assert_eq!((first["column"].as_u64(), first["end_column"].as_u64()), (Some(3), Some(10)));
    assert_eq!(first["end_line"], 8);
    assert_eq!((&first["severity"], &first["party"]), (&"error".into(), &"author".into()));
    assert_eq!((&first["solution"], &first["file"]), (&"use".into(), &"use/solution.yaml".into()));
    assert!(
        first["help"]
            .as_str()
            .unwrap()
            .starts_with("did you mean `spec.scaling.maxReplicas`? allowed: ")
    );
    assert!(found[1]["message"].as_str().unwrap().contains("`spec.port` is 80"));
    assert_eq!(found[1]["help"], Value::Null);
    assert_eq!(first["fix"], Value::Null);
    assert_eq!(first.as_object().unwrap().len(), 12);
}

#[test]
fn a_workflow_gets_annotations_with_the_files_of_its_repository() {
    let desk = Desk::of(&[]);
    fs::create_dir(desk.path("lab")).unwrap();
    fs::rename(desk.path("platform.yaml"), desk.path("lab/platform.yaml")).unwrap();
    desk.solution("lab/use");
    desk.add("lab/use", "port: 80");
    let run = desk.check(&["lab", "--format", "github"]).exits(1);
    assert_eq!(
        run.out,
        "::error file=lab/use/solution.yaml,line=8,endLine=8,col=9,endColumn=11,title=V0304::\
         `spec.port` is 80, allowed are 1024 to 65535\n"
    );
    assert_eq!(run.err, "1 solution: 0 good, 1 refused; 1 error, 0 warnings\n");
}

#[test]
fn a_narrow_path_tells_what_lies_under_it_and_the_platforms_faults() {
    let desk = Desk::of(&["use", "team/one", "team/two"]);
    for folder in ["use", "team/one", "team/two"] {
        desk.add(folder, "port: 80");
    }
    desk.write("use/examples/a.json", "{");
    desk.write("use/README.md", "# Use\n");
    let of = |file: &str| format!("V0304 {file}/solution.yaml");
    let (one, two, used) = (of("team/one"), of("team/two"), of("use"));
    let example = "V0405 use/examples/a.json".to_owned();
    let all = [one.clone(), two.clone(), used.clone(), example.clone()];
    assert_eq!(desk.codes(&[]), all);
    assert_eq!(desk.codes(&["team"]), [one.clone(), two.clone()]);
    assert_eq!(desk.codes(&["team/one"]), [one.as_str()]);
    assert_eq!(desk.codes(&["team/one", "team/two/solution.yaml"]), [one, two]);
    for inside in ["use/solution.yaml", "use/README.md", "use/examples", "use/examples/a.json"] {
        assert_eq!(desk.codes(&[inside]), [used.clone(), example.clone()], "{inside}");
    }
    desk.check(&["team/one"]).exits(1).says(&["1 solution: 0 good, 1 refused; 1 error"]);
    assert_eq!(desk.codes(&["platform.yaml"]), [""; 0]);
    desk.write("platform.yaml", "kind: Platform\n");
    let platform = desk.codes(&["platform.yaml"]);
    assert_eq!(platform, ["V0203 platform.yaml", "V0203 platform.yaml"]);
    assert_eq!(desk.codes(&["team/one"])[..2], platform);
    assert!(desk.json(&["platform.yaml"]).iter().all(|one| one["solution"] == Value::Null));
    assert!(desk.json(&["platform.yaml"]).iter().all(|one| one["party"] == "operator"));
}

#[test]
fn the_whole_catalogue_is_judged_also_from_below() {
    let desk = Desk::of(&["use", "team/use"]);
    let found = desk.json(&["team/use"]);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["code"], "V0501");
    assert_eq!(found[0]["file"], "team/use/solution.yaml");
    desk.check(&[]).exits(1).says(&["2 solutions: 0 good, 2 refused; 2 errors"]);
    let mut below = vitrine(&desk.path("team/use"));
    finish(below.arg("check")).exits(1).says(&["team/use/solution.yaml:4:9"]);
}

#[test]
fn without_a_platform_a_root_is_faulty_and_a_lone_folder_is_judged_by_defaults() {
    let desk = Desk::of(&["use"]);
    fs::remove_file(desk.path("platform.yaml")).unwrap();
    desk.check(&[]).exits(1).says(&["V0601", "1 solution: 1 good; 1 error"]);
    let run = desk.check(&["use"]).exits(0);
    assert_eq!(run.out, "1 solution: 1 good; 0 errors, 0 warnings\n");
    assert_eq!(run.err.lines().count(), 1);
    assert!(run.err.contains("no `platform.yaml` in `use` or above it"), "{}", run.err);
    desk.add("use", "port: 80");
    assert_eq!(desk.codes(&["use/solution.yaml"]), ["V0304 use/solution.yaml"]);
    // Whoever looks for a catalogue where none is does not want to hear of every file below.
    assert_eq!(desk.codes(&["."]), ["V0601 platform.yaml"]);
    desk.write("notes.txt", "hello");
    desk.check(&["notes.txt"]).exits(2).says(&["notes.txt belongs to no catalogue"]);
    fs::create_dir(desk.path("empty")).unwrap();
    assert_eq!(desk.codes(&["empty"]), ["V0601 platform.yaml"]);
}

#[test]
fn the_search_for_a_platform_ends_at_the_repositorys_root() {
    let desk = Desk::of(&[]);
    desk.solution("clone/use");
    fs::create_dir(desk.path("clone/.git")).unwrap();
    desk.check(&["clone"]).exits(1).says(&["V0601"]);
    // A file of a solution that happens to be called like the platform's is none.
    desk.solution("use");
    desk.write("use/platform.yaml", "anything: 1\n");
    desk.check(&["use"]).exits(0).says(&["1 solution: 1 good"]);
}

#[test]
fn what_is_not_there_or_not_readable_exits_with_2() {
    let desk = Desk::of(&["use"]);
    let run = desk.check(&["nowhere"]).exits(2).says(&["there is no file or folder `nowhere`"]);
    assert_eq!(run.out, "");
    fs::set_permissions(desk.path("use/solution.yaml"), fs::Permissions::from_mode(0o000)).unwrap();
    // The superuser reads everything.
    if fs::File::open(desk.path("use/solution.yaml")).is_err() {
        let run = desk.check(&[]).exits(2).says(&["cannot read `use/solution.yaml`"]);
        assert_eq!(run.out, "");
    }
}

#[test]
fn what_is_no_plain_file_is_named_and_never_opened() {
    use std::os::unix::ffi::OsStrExt as _;
    let desk = Desk::of(&["good", "use", "team/other"]);
    symlink("/etc/passwd", desk.path("use/out")).unwrap();
    symlink("solution.yaml", desk.path("use/in")).unwrap();
    symlink(".", desk.path("use/loop")).unwrap();
    symlink("..", desk.path("team/up")).unwrap();
    let made = Command::new("mkfifo").arg(desk.path("use/pipe.json")).status().unwrap();
    assert!(made.success());
    assert!(fs::metadata(desk.path("use/pipe.json")).unwrap().file_type().is_fifo());
    let _socket = std::os::unix::net::UnixListener::bind(desk.path("use/app.sock")).unwrap();
    fs::create_dir_all(desk.path("use/vendor/.git")).unwrap();
    fs::write(desk.path("use").join(std::ffi::OsStr::from_bytes(b"caf\xe9.md")), "").unwrap();
    assert_eq!(
        desk.codes(&[]),
        [
            "V0121 team/up",
            "V0128 use/app.sock",
            "V0123 use/caf\u{fffd}.md",
            "V0121 use/in",
            "V0121 use/loop",
            "V0121 use/out",
            "V0128 use/pipe.json",
            "V0122 use/vendor",
        ]
    );
    desk.check(&[]).exits(1).says(&["4 solutions: 2 good, 2 refused; 8 errors"]);
    // A link as the path is judged as what it is.
    assert_eq!(desk.codes(&["team/up"]), ["V0121 team/up"]);
}

#[test]
fn a_folder_of_ten_thousand_files_is_refused_alone() {
    let desk = Desk::of(&["good", "use"]);
    fs::create_dir(desk.path("use/data")).unwrap();
    for n in 0..10_000 {
        fs::write(desk.path(&format!("use/data/{n}")), "").unwrap();
    }
    assert_eq!(desk.codes(&[]), ["V0127 use"]);
    desk.check(&["good"]).exits(0);
    // The same beside a solution is nobody's fault.
    fs::rename(desk.path("use/data"), desk.path("data")).unwrap();
    desk.check(&[]).exits(0);
}

#[test]
fn what_is_large_or_deep_is_judged_promptly() {
    let desk = Desk::of(&["good", "large", "deep"]);
    for file in ["large/solution.yaml", "large/examples/a.json"] {
        fs::create_dir_all(desk.path(file).parent().unwrap()).unwrap();
        let vast = fs::File::create(desk.path(file)).unwrap();
        vast.set_len(100 << 20).unwrap();
    }
    let mut below = desk.path("deep");
    let mut groups = desk.path("groups");
    for _ in 0..200 {
        below.push("d");
        groups.push("d");
    }
    fs::create_dir_all(&below).unwrap();
    fs::create_dir_all(&groups).unwrap();
    let begun = Instant::now();
    // Groups are looked through so far; a solution may lie below, and nobody knows.
    let groups = format!("V0127 groups{}", "/d".repeat(31));
    assert_eq!(
        desk.codes(&[]),
        ["V0127 deep", &groups, "V0101 large/solution.yaml", "V0127 large/examples/a.json"]
    );
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[test]
fn names_that_differ_by_case_are_two_folders() {
    let desk = Desk::of(&["use", "Use"]);
    assert_eq!(desk.codes(&[]), ["V0301 Use/solution.yaml"]);
    desk.write("use/Solution.yaml", "kind: Solution\n");
    assert!(desk.codes(&["use"]).contains(&"V0120 use/Solution.yaml".to_owned()));
}

#[test]
fn files_that_git_does_not_track_are_judged_too() {
    let desk = Desk::of(&["use"]);
    desk.write(".gitignore", "*.json\n");
    desk.write("use/examples/a.json", "{");
    assert_eq!(desk.codes(&[]), ["V0405 use/examples/a.json"]);
}

#[test]
fn a_credential_is_shown_in_no_format() {
    let desk = Desk::of(&["use"]);
    let secret = format!("ghp_{}", "q8Zr5Tn2Lk9Wp4Xv7Bm1q8Zr5Tn2Lk9Wp4Xv");
    desk.add("use", &format!("env: {{TOKEN: {secret}}}"));
    for format in ["human", "json", "github"] {
        let run = desk.check(&["--format", format]).exits(1).says(&["V0315"]);
        assert!(!run.out.contains(&secret) && !run.err.contains(&secret), "{}", run.out);
    }
}

#[test]
fn colour_is_for_terminals_only() {
    let desk = Desk::of(&["use"]);
    desk.add("use", "port: 80");
    let mut loud = vitrine(desk.folder.path());
    let run = finish(loud.arg("check").env("CLICOLOR_FORCE", "1")).exits(1);
    assert!(!run.out.contains('\u{1b}'), "{}", run.out);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_trouble() {
    let desk = Desk::of(&["use"]);
    for n in 0..900 {
        desk.write(&format!("use/examples/{n}.json"), "{");
    }
    let mut command = vitrine(desk.folder.path());
    command.arg("check").stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut first = String::new();
    let mut out = BufReader::with_capacity(64, child.stdout.take().unwrap());
    out.read_line(&mut first).unwrap();
    drop(out);
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert!(first.starts_with("error[V0405]"), "{first}");
    assert_eq!(err, "");
}

#[test]
fn a_code_is_explained_and_an_unknown_one_is_told_which_there_are() {
    let desk = Desk::empty();
    for asked in ["V0207", "v0207"] {
        let run = desk.check(&["--explain", asked]).exits(0);
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/faults/V0207.md");
        assert_eq!(run.out, fs::read_to_string(page).unwrap());
    }
    let run = desk.check(&["--explain", "V0299"]).exits(2).says(&["V0299", "V0201, V0202"]);
    assert!(run.out.is_empty() && !run.err.contains("V0301"));
    desk.check(&["--explain", "E1"]).exits(2).says(&["V0101", "V9001"]);
    desk.check(&["--explain", "V0207", "--format", "json"]).exits(2);
}

#[test]
fn the_daemon_and_a_desk_say_the_same() {
    let mistakes = [
        ("one", "port: 80"),
        ("two", "replica: 3"),
        ("three", "env: {1X: a}"),
        ("four", "idleAfter: 1s"),
        ("five", "port: 80\n  replica: 3"),
    ];
    let scene = Scene::of(&["good", "one", "two", "three", "four", "five"]);
    for (name, line) in mistakes {
        let file = format!("{name}/solution.yaml");
        scene.catalogue.edit(&file, "spec:", &format!("spec:\n  {line}"));
    }
    let head = scene.catalogue.commit("Mistakes");
    let (daemon, address) = daemon(&scene);
    let told = board(&daemon, &address, "at the commit", |b| {
        b["revision"] == head.as_str()
            && verdicts(b).get("good").is_some_and(|v| v["sync"] == "Synced")
    });
    let told = verdicts(&told);
    let desk = finish(
        vitrine(scene.home()).args(["check", "--format", "json"]).arg(scene.catalogue.path()),
    );
    let desk: Vec<Value> =
        desk.exits(1).out.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    for (name, _) in mistakes {
        let file = format!("{name}/solution.yaml");
        let said: Vec<String> = desk
            .iter()
            .filter(|fault| fault["file"] == *file && fault["severity"] == "error")
            .map(|fault| {
                let message = fault["message"].as_str().unwrap();
                format!("{file}:{}:{}: {message}", fault["line"], fault["column"])
            })
            .collect();
        let reason = told[name]["reason"].as_str().unwrap();
        let expected = match &said[..] {
            [fault] => fault.clone(),
            [fault, rest @ ..] => format!("{fault} (and {} more)", rest.len()),
            [] => panic!("the desk says nothing of {name}: {desk:?}"),
        };
        assert!(reason.starts_with(&expected), "{reason}\n{expected}");
    }
    daemon.signal("TERM");
    daemon.ended().exits(0);
}

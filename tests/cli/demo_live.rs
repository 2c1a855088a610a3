//! `demo` while it runs: three things to try, how it ends, how it goes on.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::scene::verdicts;
use crate::support::binary::{Running, finish, get, untold, vitrine};
use crate::support::left_out;

/// How long a change may take until it is seen. It takes well under a second; a busy machine more.
const SOON: Duration = Duration::from_secs(10);

/// A demo in a folder that is kept.
struct Demo {
    running: Running,
    folder: PathBuf,
    /// Of the board.
    address: String,
}

impl Demo {
    fn start(folder: &Path) -> Self {
        let mut command = vitrine(folder.parent().unwrap());
        command.current_dir(env!("CARGO_MANIFEST_DIR"));
        command.args(["demo", "--listen", "127.0.0.1:0", "--dir"]).arg(folder);
        let running = Running::start(&mut command);
        running.wait("the guide", Duration::from_secs(30), |out| out.contains("Ctrl-C ends"));
        let out = running.out();
        let board = out.split("http://").nth(1).expect("the guide names the board");
        let address = board.split_whitespace().next().unwrap().to_owned();
        Self { running, folder: folder.to_owned(), address }
    }

    fn catalogue(&self) -> PathBuf {
        self.folder.join("catalogue")
    }

    fn edit(&self, file: &str, change: impl FnOnce(String) -> String) {
        let file = self.catalogue().join(file);
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, change(text)).unwrap();
    }

    fn git(&self, arguments: &[&str]) -> String {
        git(&self.catalogue(), arguments)
    }

    fn commit(&self, message: &str) -> String {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", message]);
        self.git(&["rev-parse", "HEAD"]).trim().to_owned()
    }

    fn board(&self) -> Value {
        serde_json::from_str(&get(&self.address, "/status.json").unwrap()).unwrap()
    }

    /// Waits until the board is as `told`, and says how long that took.
    #[track_caller]
    fn board_is(&self, told: &str, is: impl Fn(&Value) -> bool) {
        let begun = Instant::now();
        loop {
            let board = self.board();
            if is(&board) {
                break;
            }
            assert!(begun.elapsed() < SOON, "the board is not {told}: {board:#}");
            std::thread::sleep(Duration::from_millis(10));
        }
        println!("board {told} after {:?}", begun.elapsed());
    }

    #[track_caller]
    fn says(&self, told: &str, is: impl Fn(&str) -> bool) {
        println!("terminal {told} after {:?}", self.running.wait(told, SOON, is));
    }

    /// Waits until the note of a commit holds these words.
    #[track_caller]
    fn noted(&self, commit: &str, words: &str) -> String {
        let begun = Instant::now();
        loop {
            let mut show = Command::new("git");
            show.arg("-C").arg(self.catalogue());
            show.args(["notes", "--ref", "refs/notes/vitrine/demo", "show", commit]);
            let note = String::from_utf8(show.output().unwrap().stdout).unwrap();
            if note.contains(words) {
                return note;
            }
            assert!(begun.elapsed() < SOON, "the note of {commit} lacks {words:?}: {note}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let done = Command::new("git").arg("-C").arg(folder).args(arguments).output().unwrap();
    assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

fn is(board: &Value, name: &str, sync: &str) -> bool {
    verdicts(board).get(name).is_some_and(|v| v["sync"] == sync)
}

/// Every line of a note with its context.
fn contexts(note: &str) -> Vec<&str> {
    note.lines().filter_map(|line| line.split('\t').nth(1)).collect()
}

#[test]
fn what_the_guide_tells_to_try_shows_at_once() {
    let home = tempfile::tempdir().unwrap();
    let demo = Demo::start(&home.path().join("demo"));
    let first = demo.git(&["rev-parse", "HEAD"]).trim().to_owned();
    let guide = demo.running.out();
    for words in ["4 solutions: 4 Synced", "catalogue", "kubectl --kubeconfig", "git log --notes"] {
        assert!(guide.contains(words), "the guide lacks {words:?}:\n{guide}");
    }
    assert!(get(&demo.address, "/").unwrap().contains("part-comparer"));

    // Another image: woken once, seen running.
    let before = demo.running.out().len();
    demo.edit("use/solution.yaml", |text| text.replacen("sha256:a3b1", "sha256:b3b1", 1));
    let image = demo.commit("A newer encoder");
    demo.says("tells of the new image", |out| out[before..].contains("use: Progressing"));
    demo.board_is("at the new image", |board| {
        board["revision"] == image.as_str() && is(board, "use", "Synced")
    });
    let note = demo.noted(&image, "seen running at this revision");
    assert_eq!(contexts(&note), ["vitrine/demo", "vitrine/demo/use"], "{note}");

    // A mistake: the line is named, the old revision keeps serving.
    demo.edit("use/solution.yaml", |text| text + "replicas: 3\n");
    let lines = std::fs::read_to_string(demo.catalogue().join("use/solution.yaml")).unwrap();
    let place = format!("use/solution.yaml:{}:1", lines.lines().count());
    let mistake = demo.commit("Oops");
    demo.says("names the line", |out| out.contains(&place));
    demo.board_is("Failed", |board| is(board, "use", "Failed"));
    let reason = verdicts(&demo.board())["use"]["reason"].as_str().unwrap().to_owned();
    assert!(reason.starts_with(&place), "{reason}");
    assert!(reason.ends_with("keeps serving"), "{reason}");
    let note = demo.noted(&mistake, "1 Failed (use)");
    assert_eq!(contexts(&note), ["vitrine/demo", "vitrine/demo/use"], "{note}");
    assert!(note.contains(&place), "{note}");

    // No folder, no solution.
    demo.git(&["rm", "-rq", "tourism"]);
    let over = demo.commit("The tourism project is over");
    let went = "objects, https://tourism.demo.example no longer answers\n";
    let told = |out: &str| {
        let line = out.lines().find_map(|line| line.split_once("tourism: removed: "));
        line.map(|(_, went)| format!("{went}\n"))
    };
    demo.says("tells of the removal", |out| told(out).is_some_and(|told| told.ends_with(went)));
    demo.board_is("without tourism", |board| !verdicts(board).contains_key("tourism"));
    let note = demo.noted(&over, "removed");
    assert_eq!(contexts(&note), ["vitrine/demo", "vitrine/demo/tourism"], "{note}");

    let log = demo.git(&["log", "--notes=vitrine/demo"]);
    assert_eq!(log.matches("Notes (vitrine/demo):").count(), 4, "{log}");
    let note = demo.noted(&first, "vitrine/demo/use");
    assert_eq!(contexts(&note).len(), 5, "one line a solution, one for all: {note}");

    demo.running.signal("TERM");
    let ended = demo.running.ended().exits(0);
    assert_eq!(ended.err, "");
}

#[test]
fn a_second_start_goes_on_with_the_repository_it_finds() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("demo");
    let demo = Demo::start(&folder);
    demo.edit("use/solution.yaml", |text| text.replacen("sha256:a3b1", "sha256:b3b1", 1));
    let head = demo.commit("A newer encoder");
    demo.board_is("at the new image", |board| board["revision"] == head.as_str());
    demo.running.signal("INT");
    demo.running.ended().exits(0);

    let demo = Demo::start(&folder);
    assert!(demo.running.out().contains("from an earlier start"), "{}", demo.running.out());
    demo.board_is("as before", |board| {
        let all = verdicts(board);
        board["revision"] == head.as_str()
            && all.len() == 4
            && all.values().all(|v| v["sync"] == "Synced")
    });
    demo.running.signal("INT");
    demo.running.ended().exits(0);
}

#[test]
fn the_kubeconfig_of_the_demo_opens_its_cluster() {
    let home = tempfile::tempdir().unwrap();
    let demo = Demo::start(&home.path().join("demo"));
    let kubeconfig = demo.folder.join("kubeconfig");
    let kubectl = Path::new("/usr/bin/kubectl");
    if kubectl.exists() {
        let mut get = Command::new(kubectl);
        get.env("HOME", home.path()).arg("--kubeconfig").arg(&kubeconfig);
        let got = finish(get.args(["get", "deployments", "-A"])).exits(0);
        assert!(got.out.contains("sol-use") && got.out.contains("sol-tourism"), "{}", got.out);
    } else {
        left_out("what kubectl sees of the demo", "there is no /usr/bin/kubectl");
    }
    // As any client: the address of the kubeconfig answers in Kubernetes' words.
    let config: Value = serde_json::from_slice(&std::fs::read(&kubeconfig).unwrap()).unwrap();
    let server = config["clusters"][0]["cluster"]["server"].as_str().unwrap();
    let list = get(server.trim_start_matches("http://"), "/apis/apps/v1/deployments").unwrap();
    let list: Value = serde_json::from_str(&list).unwrap();
    assert_eq!(list["kind"], "DeploymentList");
    assert!(list["items"].as_array().unwrap().len() > 4);
    demo.running.signal("TERM");
    demo.running.ended().exits(0);
}

#[test]
fn a_second_demo_in_the_same_folder_is_told_of_the_first() {
    let home = tempfile::tempdir().unwrap();
    let demo = Demo::start(&home.path().join("demo"));
    let kubeconfig = || std::fs::read_to_string(demo.folder.join("kubeconfig")).unwrap();
    let before = kubeconfig();
    let mut second = vitrine(home.path());
    second.args(["demo", "--listen", "127.0.0.1:0", "--dir"]).arg(&demo.folder);
    finish(&mut second).exits(2).says(&["a demo is running", &demo.address]);
    assert_eq!(kubeconfig(), before, "the first one's cluster can no longer be found");
    demo.running.signal("TERM");
    demo.running.ended().exits(0);
}

#[test]
fn the_command_that_the_board_shows_lets_what_is_held_happen() {
    let home = tempfile::tempdir().unwrap();
    // A place that a shell would take for three words.
    let demo = Demo::start(&home.path().join("my own demo"));
    for name in ["use", "anomaly", "tourism"] {
        std::fs::remove_dir_all(demo.catalogue().join(name)).unwrap();
    }
    demo.commit("Nearly all of it");
    demo.board_is("held", |board| board["held"]["command"].is_string());
    let board = demo.board();
    let command = board["held"]["command"].as_str().unwrap();
    assert!(get(&demo.address, "/").unwrap().contains("--kubeconfig"), "{command}");
    let next = verdicts(&board)["use"]["next"].as_str().unwrap().to_owned();
    assert!(next.contains(command), "{next}");
    demo.says("tells it too", |out| out.contains(command));

    // Typed as it stands, by a person who is elsewhere.
    let program = env!("CARGO_BIN_EXE_vitrine");
    let typed = command.replacen("vitrine", program, 1);
    let mut shell = Command::new("sh");
    let shell = untold(shell.arg("-c").arg(&typed).current_dir(home.path()));
    let done = shell.output().unwrap();
    assert!(done.status.success(), "{typed}: {}", String::from_utf8_lossy(&done.stderr));
    demo.board_is("one solution", |board| verdicts(board).len() == 1);
}

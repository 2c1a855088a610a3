//! `demo --dir`: which folder it takes for its own, and that it changes nothing in any other.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::support::binary::{Finished, Running, finish, vitrine};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A home with a folder `lab` for the demo.
struct Desk {
    home: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap() }
    }

    fn lab(&self) -> PathBuf {
        self.home.path().join("lab")
    }

    fn path(&self, path: &str) -> PathBuf {
        self.lab().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn demo(&self, arguments: &[&str]) -> Command {
        let mut command = vitrine(self.home.path());
        command.current_dir(ROOT).arg("demo").args(arguments).arg("--dir").arg(self.lab());
        command
    }

    #[track_caller]
    fn once(&self) -> Finished {
        finish(&mut self.demo(&["--once"]))
    }

    /// The demo refuses to begin, names these, and leaves everything as it was.
    #[track_caller]
    fn refuses(&self, arguments: &[&str], words: &[&str]) {
        let before = tree(self.home.path());
        let run = finish(self.demo(arguments).args(["--once"])).exits(2).says(words);
        let run = run.says(&["--dir"]);
        assert_eq!(run.err.lines().count(), 1, "one sentence: {}", run.err);
        assert_eq!(tree(self.home.path()), before, "something was changed");
    }

    fn git(&self, folder: &str, arguments: &[&str]) -> String {
        let mut git = Command::new("git");
        git.arg("-C").arg(self.path(folder)).args(["-c", "user.name=Me", "-c", "user.email=me@x"]);
        let done = git.args(arguments).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    }
}

/// Everything below a folder: what it is, when it was written, and what it says.
fn tree(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let about = path.symlink_metadata().unwrap();
        let text = if about.is_symlink() {
            format!("link to {}", fs::read_link(&path).unwrap().display())
        } else if about.is_dir() {
            all.extend(tree(&path));
            "folder".to_owned()
        } else {
            String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned()
        };
        all.insert(path, format!("{:?} {text}", about.modified().unwrap()));
    }
    all
}

#[test]
fn a_folder_with_somebodys_files_is_left_as_it_is() {
    let desk = Desk::new();
    desk.write("catalogue/use/solution.yaml", "mine: true\n");
    desk.write("catalogue/diary.txt", "Nobody's business.\n");
    desk.refuses(&[], &["lab", "catalogue", "no demo made", "empty or a new folder"]);
}

#[test]
fn one_foreign_file_is_enough() {
    for file in ["notes.txt", ".hidden", "kubeconfig", "vitrine-demo", "catalogue.new", "mirror"] {
        let desk = Desk::new();
        desk.write(file, "mine\n");
        desk.refuses(&[], &["lab", file]);
    }
}

#[test]
fn a_repository_of_ones_own_is_no_demo() {
    let desk = Desk::new();
    desk.write("catalogue/README.md", "# Mine\n");
    desk.git("catalogue", &["init", "-q"]);
    desk.git("catalogue", &["add", "-A"]);
    desk.git("catalogue", &["commit", "-q", "-m", "Mine"]);
    desk.refuses(&[], &["lab", "catalogue"]);
    // Nor with a mirror of a daemon beside it.
    desk.write("mirror/vitrine-mirror", "vitrine mirror 1\n/lab/catalogue\n");
    desk.refuses(&[], &["lab", "catalogue"]);
}

#[test]
fn a_link_in_the_place_of_the_catalogue_is_not_followed() {
    let desk = Desk::new();
    desk.write("../mine/solution.yaml", "mine: true\n");
    fs::create_dir_all(desk.lab()).unwrap();
    symlink("../mine", desk.path("catalogue")).unwrap();
    desk.refuses(&[], &["lab", "catalogue"]);

    // Also where the demo was before.
    let desk = Desk::new();
    desk.once().exits(0);
    fs::rename(desk.path("catalogue"), desk.home.path().join("mine")).unwrap();
    symlink("../mine", desk.path("catalogue")).unwrap();
    desk.refuses(&[], &["lab/catalogue", "was not made by the demo", "move it away"]);
}

#[test]
fn what_a_person_put_into_a_demo_is_left_alone() {
    type Put = (&'static str, fn(&Desk));
    let mine: [Put; 3] = [
        ("kubeconfig", |desk| desk.write("kubeconfig", "clusters: [{name: production}]\n")),
        ("mirror", |desk| {
            fs::remove_dir_all(desk.path("mirror")).unwrap();
            desk.write("mirror/photo.txt", "a face\n");
        }),
        ("catalogue", |desk| {
            fs::remove_dir_all(desk.path("catalogue")).unwrap();
            desk.write("catalogue/README.md", "# Mine\n");
            desk.git("catalogue", &["init", "-q"]);
            desk.git("catalogue", &["add", "-A"]);
            desk.git("catalogue", &["commit", "-q", "-m", "Mine"]);
        }),
    ];
    for (what, put) in mine {
        let desk = Desk::new();
        desk.once().exits(0);
        put(&desk);
        desk.refuses(&[], &[&format!("lab/{what}"), "was not made by the demo", "move it away"]);
    }
}

#[test]
fn what_is_no_folder_and_what_cannot_be_written_is_named() {
    let desk = Desk::new();
    fs::write(desk.lab(), "a file\n").unwrap();
    desk.refuses(&[], &["lab is not a folder"]);
    let below = desk.path("deeper");
    finish(vitrine(desk.home.path()).current_dir(ROOT).args(["demo", "--dir"]).arg(below))
        .exits(2)
        .says(&["lab/deeper", "--dir"]);
    // Nobody, not even root, makes a folder there.
    finish(vitrine(desk.home.path()).current_dir(ROOT).args(["demo", "--dir", "/proc/demo"]))
        .exits(2)
        .says(&["/proc/demo", "may write", "--dir"]);
}

#[test]
fn a_demo_inside_the_catalogue_that_it_copies_is_refused() {
    let desk = Desk::new();
    let mine = desk.home.path().join("mine");
    fs::create_dir(&mine).unwrap();
    fs::write(mine.join("platform.yaml"), "").unwrap();
    symlink("mine/inner/lab", desk.lab()).unwrap();
    desk.refuses(&[], &["lab"]);
    fs::remove_file(desk.lab()).unwrap();
    let home = desk.home.path().to_str().unwrap();
    desk.refuses(&["--catalog", home], &["in one another", "lab"]);
    fs::create_dir(desk.lab()).unwrap();
    desk.refuses(&["--catalog", home], &["in one another", "lab"]);
    desk.refuses(&["--catalog", desk.lab().to_str().unwrap()], &["in one another", "lab"]);
    // A catalogue beside the demo's files is foreign to them.
    desk.write("mine/platform.yaml", "");
    desk.refuses(&["--catalog", desk.path("mine").to_str().unwrap()], &["lab", "mine"]);
}

#[test]
fn a_new_and_an_empty_folder_become_a_demo_that_goes_on() {
    for make in [false, true] {
        let desk = Desk::new();
        if make {
            fs::create_dir(desk.lab()).unwrap();
        }
        desk.once().exits(0).says(&["4 solutions: 4 Synced"]);
        desk.git("catalogue", &["rm", "-rq", "tourism"]);
        desk.git("catalogue", &["commit", "-q", "-m", "The project is over"]);
        // What `kubectl config` makes of the kubeconfig is still the demo's.
        let text = fs::read_to_string(desk.path("kubeconfig")).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        fs::write(desk.path("kubeconfig"), format!("# set-context\n{value:#}\n")).unwrap();
        desk.once().exits(0).says(&["3 solutions: 3 Synced"]);
    }
}

#[test]
fn a_demo_of_an_earlier_version_goes_on() {
    let desk = Desk::new();
    desk.once().exits(0);
    // It wrote no mark.
    fs::remove_file(desk.path("vitrine-demo")).unwrap();
    desk.git("catalogue", &["rm", "-rq", "tourism"]);
    desk.git("catalogue", &["commit", "-q", "-m", "The project is over"]);
    desk.once().exits(0).says(&["3 solutions: 3 Synced"]);
    assert!(desk.path("vitrine-demo").is_file(), "it has its mark from now on");
}

#[test]
fn a_first_start_that_was_killed_at_any_step_is_made_anew() {
    let steps: [fn(&Desk); 5] = [
        |_| {},
        |desk| desk.write("vitrine-demo", ""),
        |desk| desk.write("vitrine-demo", "vitrine demo 1\n"),
        |desk| {
            desk.write("vitrine-demo", "vitrine demo 1\nboard http://127.0.0.1:8080\n");
            desk.write("catalogue.new/use/solution.yaml", "kind: Solu");
            desk.write("catalogue.new/.git/HEAD", "");
        },
        |desk| {
            desk.once().exits(0);
            fs::remove_dir_all(desk.path("mirror")).unwrap();
            fs::write(desk.path("kubeconfig"), "").unwrap();
        },
    ];
    for step in steps {
        let desk = Desk::new();
        fs::create_dir(desk.lab()).unwrap();
        step(&desk);
        desk.once().exits(0).says(&["4 solutions: 4 Synced"]);
        assert_eq!(desk.git("catalogue", &["status", "--porcelain"]), "");
        assert!(!desk.path("catalogue.new").exists());
    }
}

#[test]
fn a_demo_that_is_killed_again_and_again_ends_whole() {
    let desk = Desk::new();
    for pause in [2, 5, 10, 20, 40, 80] {
        let running = Running::start(&mut desk.demo(&["--once"]));
        std::thread::sleep(Duration::from_millis(pause));
        running.signal("KILL");
        running.ended();
    }
    desk.once().exits(0).says(&["4 solutions: 4 Synced"]);
}

#[test]
fn a_second_demo_is_told_where_the_board_of_the_first_one_is() {
    let desk = Desk::new();
    let first = Running::start(&mut desk.demo(&["--listen", "127.0.0.1:0"]));
    first.wait("the guide", Duration::from_secs(30), |out| out.contains("Ctrl-C ends"));
    let out = first.out();
    let board = out.split("http://").nth(1).unwrap().split_whitespace().next().unwrap();
    let second = finish(&mut desk.demo(&["--listen", "127.0.0.1:0"])).exits(2);
    let second = second.says(&["lab", "is running", &format!("http://{board}"), "--dir"]);
    assert!(!second.err.contains("repository.mirror"), "{}", second.err);
    // Not even where the first one's board would be in the way.
    finish(&mut desk.demo(&["--listen", board])).exits(2).says(&["is running", "--dir"]);
    first.signal("TERM");
    first.ended().exits(0);
    desk.once().exits(0);
}

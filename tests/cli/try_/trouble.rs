//! What cannot be tried, and what is left when a trial is killed: each in words.

use std::time::{Duration, Instant};

use super::{command, command_on, desk, example, of_image, solution, tried};
use crate::support::binary::{Running, finish};
use crate::support::podman::{FOREIGN, Podman};

#[test]
fn without_a_runtime_it_is_told_what_to_install() {
    let desk = desk();
    solution(&desk, "well", "");
    let nothing = desk.path("empty");
    std::fs::create_dir(&nothing).unwrap();
    let ended = finish(command(&desk, &["use"]).env("PATH", &nothing)).exits(2);
    assert_eq!(ended.out, "");
    ended.says(&["there is no podman and no docker on PATH", "apt-get install podman"]);
    finish(command(&desk, &["use", "--with", "docker"]).env("PATH", &nothing))
        .exits(2)
        .says(&["there is no docker on PATH"]);
}

#[test]
fn a_runtime_that_cannot_run_is_told_with_its_reason() {
    use std::os::unix::fs::PermissionsExt as _;
    let desk = desk();
    solution(&desk, "well", "");
    let broken = desk.path("bin");
    std::fs::create_dir(&broken).unwrap();
    let program = broken.join("podman");
    let text = "#!/bin/sh\necho 'Error: cannot find UID/GID for user lab: no subuid ranges found' >&2\nexit 125\n";
    std::fs::write(&program, text).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let ended = finish(command(&desk, &["use"]).env("PATH", &broken)).exits(2);
    ended.says(&["podman is there and cannot run: cannot find UID/GID", "/etc/subuid"]);
}

#[test]
fn an_image_that_is_nowhere_is_told_and_programs_are_told_too() {
    let desk = desk();
    of_image(&desk, "localhost/lab/none:1", "well", "");
    let ended = tried(&desk, &["use"]).exits(2);
    assert_eq!(ended.out, "");
    ended.says(&[
        "pulls localhost/lab/none:1",
        "is not here and cannot be pulled",
        "build it here",
    ]);
    let json = tried(&desk, &["use", "--format", "json"]).exits(2).json();
    assert!(json["untried"].as_str().unwrap().contains("localhost/lab/none:1"), "{json}");
}

#[test]
fn a_program_for_another_processor_is_told() {
    let desk = desk();
    of_image(&desk, FOREIGN, "well", "");
    tried(&desk, &["use"]).exits(1).says(&["exec format error"]);
}

#[test]
fn what_has_faults_or_is_not_there_is_not_tried() {
    let desk = desk();
    solution(&desk, "well", "  replica: 2\n");
    tried(&desk, &["use"]).exits(2).says(&["unknown field `replica`", "`use` has faults"]);
    solution(&desk, "well", "");
    tried(&desk, &["us"]).exits(2).says(&["no solution `us`", "did you mean `use`?"]);
    tried(&desk, &["use", "--component", "web"]).exits(2).says(&["no component `web`", "app"]);
    std::fs::remove_dir_all(desk.path("use")).unwrap();
    tried(&desk, &[]).exits(2).says(&["there is no solution here"]);
}

#[test]
fn all_solutions_are_tried_one_after_the_other_and_one_can_be_opened_only() {
    let desk = desk();
    solution(&desk, "well", "");
    let text = std::fs::read_to_string(desk.path("use/solution.yaml")).unwrap();
    desk.write(
        "more/solution.yaml",
        &text.replace("name: use", "name: more").replace("well", "crash"),
    );
    let ended = tried(&desk, &[]).exits(1);
    let more = ended.out.find("more: localhost").unwrap();
    assert!(more < ended.out.find("use: localhost").unwrap(), "{}", ended.out);
    tried(&desk, &["--open"]).exits(2).says(&["more/app, use/app", "--component"]);
}

#[test]
fn a_folder_without_a_platform_is_tried_by_the_defaults() {
    let desk = desk();
    std::fs::remove_file(desk.path("platform.yaml")).unwrap();
    solution(&desk, "well", "");
    // By which no image of this machine can be had.
    let ended = tried(&desk, &["use"]).exits(2);
    ended.says(&["judged by the defaults of a platform", "one's own machine"]);
}

#[test]
fn what_takes_too_long_is_given_up_and_cleared() {
    let desk = desk();
    solution(&desk, "elsewhere", "");
    tried(&desk, &["use", "--timeout", "3s"]).exits(2).says(&["not over within 3s", "--timeout"]);
}

#[test]
fn a_trial_leaves_nothing_however_it_ends() {
    let (desk, podman) = (desk(), Podman::alone());
    example(&desk);
    solution(&desk, "well", "");
    finish(&mut command_on(&podman, &desk, &["use"])).exits(0);
    assert_eq!(podman.listed(), "");
    solution(&desk, "elsewhere", "");
    finish(&mut command_on(&podman, &desk, &["use", "--timeout", "2s"])).exits(2);
    assert_eq!(podman.listed(), "");
    let running = Running::start(&mut command_on(&podman, &desk, &["use"]));
    wait(&podman, |listed| listed.contains("-app-1 Up"));
    running.signal("INT");
    running.ended().exits(2).says(&["what was started is removed"]);
    assert_eq!(podman.listed(), "");
}

#[test]
fn what_a_killed_trial_left_is_removed_by_the_next_and_what_runs_is_not() {
    let (desk, podman) = (desk(), Podman::alone());
    solution(&desk, "elsewhere", "");
    let killed = Running::start(&mut command_on(&podman, &desk, &["use"]));
    wait(&podman, |listed| listed.contains("-app-1 Up"));
    killed.signal("KILL");
    // Its carrier ends by itself, and that is how the next one knows.
    wait(&podman, |listed| listed.contains("-carrier-1 Exited"));
    let left: Vec<String> = podman.listed().lines().map(name).collect();
    assert_eq!(left.len(), 2, "{left:?}");

    let beside = Running::start(&mut command_on(&podman, &desk, &["use"]));
    wait(&podman, |listed| {
        listed.lines().filter(|line| line.contains("-app-1 Up")).count() == 1
            && listed.lines().all(|line| !left.contains(&name(line)))
    });
    let lives: Vec<String> = podman.listed().lines().map(name).collect();
    solution(&desk, "crash", "");
    finish(&mut command_on(&podman, &desk, &["use"])).exits(1);
    let listed = podman.listed();
    assert!(lives.iter().all(|one| listed.contains(one)), "{lives:?}\n{listed}");
    beside.signal("TERM");
    beside.ended().exits(2);
    assert_eq!(podman.listed(), "");
}

fn name(line: &str) -> String {
    line.split(' ').next().unwrap_or_default().to_owned()
}

#[track_caller]
fn wait(podman: &Podman, is: impl Fn(&str) -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !is(&podman.listed()) {
        assert!(Instant::now() < deadline, "{}", podman.listed());
        std::thread::sleep(Duration::from_millis(100));
    }
}

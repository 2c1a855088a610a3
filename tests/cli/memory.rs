//! Memory does not follow what an author commits: repositories that are small on disk and vast when
//! unpacked, on a path and over HTTP. Each test prints the peaks.

use std::io::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use super::scene::{Scene, verdicts};
use super::status::{board, board_within, daemon_with};
use crate::support::binary::{Running, vitrine};
use crate::support::catalogue::image;
use crate::support::git_server::GitServer;
use crate::support::heavy::{Blob, Heavy, commit};

/// What the daemon and its children may take, in MiB.
const LIMIT: u64 = 200;

/// How long such a commit may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

const MIB: usize = 1 << 20;

/// Commits files into the folder `big` of a running daemon's catalogue, with a change of its
/// neighbour in the same commit. The neighbour is published, `big` keeps what it has and is told
/// why; so it is with a mirror that is made anew, and for `plan`.
#[track_caller]
fn bounded(what: &str, over_http: bool, make: impl Fn(&mut Heavy) -> Vec<Blob>, told: &[&str]) {
    let scene = Scene::of(&["big", "good"]);
    let server = over_http.then(|| GitServer::over(scene.catalogue.path().parent().unwrap()));
    let url = |s: &mut Value| {
        if let Some(server) = &server {
            s["repository"]["url"] = json!(server.url("catalogue"));
        }
    };
    let (running, address) = daemon_with(&scene, url);
    let before = scene.catalogue.head();
    board(&running, &address, "published", |b| {
        b["revision"] == before.as_str() && ["big", "good"].iter().all(|name| is(b, name, "Synced"))
    });

    let mut heavy = Heavy::new();
    let blobs = make(&mut heavy);
    heavy.give_to(&scene.catalogue);
    scene.catalogue.edit("good/solution.yaml", &image('a'), &image('b'));
    let paths: Vec<String> = (0..blobs.len()).map(|n| format!("big/{n}.bin")).collect();
    let files: Vec<(&str, Blob)> = paths.iter().map(String::as_str).zip(blobs).collect();
    let head = commit(&scene.catalogue, &files);
    running.signal("HUP");
    let now = board_within(PATIENCE, &running, &address, "at the heavy commit", |b| {
        b["revision"] == head.as_str() && is(b, "good", "Synced") && !is(b, "big", "Progressing")
    });
    let published = scene.api.state()["Deployment/sol-good/app"].to_string();
    assert!(published.contains(&"b".repeat(64)), "the neighbour noticed");
    let verdict = verdicts(&now)["big"].to_string();
    for told in told {
        assert!(verdict.contains(told), "{told} is not in {verdict}");
    }
    assert!(scene.api.state().contains_key("Deployment/sol-big/app"));
    let first = running.peak();
    running.signal("TERM");
    running.ended().exits(0);

    // At the next start, with nothing fetched yet.
    std::fs::remove_dir_all(scene.home().join("mirror")).unwrap();
    let (running, address) = daemon_with(&scene, url);
    board_within(PATIENCE, &running, &address, "read anew", |b| {
        b["revision"] == head.as_str() && is(b, "good", "Synced") && !is(b, "big", "Progressing")
    });
    let second = running.peak();
    running.signal("TERM");
    running.ended().exits(0);

    std::fs::remove_dir_all(scene.home().join("mirror")).unwrap();
    let mut plan = vitrine(scene.home());
    let (plan, third) =
        Running::start(plan.args(["plan", "--config", "vitrine.yaml"])).ended_within();
    assert!(plan.code.is_some(), "plan was killed");
    let way = if over_http { "HTTP" } else { "path" };
    // Past the test runner, which swallows what a passing test prints.
    let _ = writeln!(
        std::io::stderr(),
        "{what}, {way}: peak {first} MiB while it runs, {second} MiB at a start, {third} MiB plan"
    );
    for peak in [first, second, third] {
        assert!(peak < LIMIT, "{what}, {way}: {peak} MiB");
    }
}

fn is(board: &Value, name: &str, sync: &str) -> bool {
    verdicts(board).get(name).is_some_and(|v| v["sync"] == sync)
}

const FAILED: &str = "\"sync\":\"Failed\"";

#[test]
fn a_gigabyte_of_zeros_on_a_path() {
    bounded("1 GiB of zeros", false, |h| vec![h.zeros("", 1024)], &[FAILED, "1024 MiB"]);
}

#[test]
fn a_gigabyte_of_zeros_over_http() {
    bounded("1 GiB of zeros", true, |h| vec![h.zeros("", 1024)], &[FAILED, "1024 MiB"]);
}

fn three_differences(heavy: &mut Heavy) -> Vec<Blob> {
    let base = heavy.zeros("base", 420);
    let mut blobs = vec![base];
    blobs.extend(["one", "two", "three"].map(|letters| heavy.difference(base, letters, 420 * MIB)));
    blobs
}

#[test]
fn three_differences_of_420_mib_on_a_path() {
    bounded("three differences of 420 MiB", false, three_differences, &[FAILED, "420 MiB"]);
}

#[test]
fn three_differences_of_420_mib_over_http() {
    bounded("three differences of 420 MiB", true, three_differences, &[FAILED, "420 MiB"]);
}

#[test]
fn two_files_of_530_mib_on_a_path() {
    let two = |h: &mut Heavy| vec![h.zeros("a", 530), h.zeros("b", 530)];
    bounded("two of 530 MiB", false, two, &[FAILED, "530 MiB"]);
}

#[test]
fn two_files_of_530_mib_over_http() {
    let two = |h: &mut Heavy| vec![h.zeros("a", 530), h.zeros("b", 530)];
    bounded("two of 530 MiB", true, two, &[FAILED, "530 MiB"]);
}

fn made_difference(heavy: &mut Heavy) -> Vec<Blob> {
    let base = heavy.zeros("base", 8);
    vec![base, heavy.difference(base, "vast", 2048 * MIB)]
}

#[test]
fn a_difference_of_2_gib_on_a_path() {
    bounded("a difference of 2 GiB", false, made_difference, &[FAILED, "2048 MiB"]);
}

#[test]
fn a_difference_of_2_gib_over_http() {
    // Its name is not known: nobody unfolds it for that.
    bounded("a difference of 2 GiB", true, made_difference, &[FAILED, "16 MiB"]);
}

fn small_of_large(heavy: &mut Heavy) -> Vec<Blob> {
    let base = heavy.zeros("base", 1024);
    vec![heavy.difference(base, "small", 4096)]
}

#[test]
fn a_small_file_that_is_kept_as_a_difference_to_a_gigabyte_on_a_path() {
    bounded("4 KiB made from 1 GiB", false, small_of_large, &[FAILED, "difference"]);
}

#[test]
fn a_small_file_that_is_kept_as_a_difference_to_a_gigabyte_over_http() {
    let with_base = |heavy: &mut Heavy| {
        let base = heavy.zeros("base", 1024);
        vec![base, heavy.difference(base, "small", 4096)]
    };
    bounded("4 KiB made from 1 GiB", true, with_base, &[FAILED, "1024 MiB"]);
}

#[test]
fn differences_just_within_the_bounds() {
    let within = |heavy: &mut Heavy| {
        let base = heavy.zeros("base", 31);
        let letters = ["one", "two", "three"];
        let mut blobs = vec![base];
        blobs.extend(letters.map(|letters| heavy.difference(base, letters, 31 * MIB)));
        blobs
    };
    for over_http in [false, true] {
        bounded("three differences of 31 MiB", over_http, within, &[FAILED, "31 MiB"]);
    }
}

#[test]
fn noise_that_is_taken_file_by_file() {
    for over_http in [false, true] {
        let noise = |h: &mut Heavy| (0..12).map(|_| h.noise(15)).collect();
        bounded("12 times 15 MiB of noise", over_http, noise, &["\"sync\":\"Synced\""]);
    }
}

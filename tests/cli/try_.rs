//! `vitrine try` on a real runtime: images of one static program, well and badly behaved.

mod trouble;

use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::check::Desk;
use crate::support::binary::{Finished, Running, finish, get, vitrine};
use crate::support::podman::{IMAGE, Podman, ROOT};

/// A catalogue whose nodes may pull what was built here.
fn desk() -> Desk {
    let desk = Desk::empty();
    desk.write(
        "platform.yaml",
        "apiVersion: vitrine.dev/v1alpha1\nkind: Platform\nspec:\n  domain: demo.example\n  \
         registries: {requireDigest: false, allow: [\"localhost/*\"]}\n  \
         defaults: {hardware: small}\n  \
         hardware:\n    - {name: small, isolation: shared, requests: {cpu: 100m, memory: 64Mi}, \
         limits: {memory: 64Mi}, caps: {memory: 1Gi}}\n",
    );
    desk
}

/// A solution of one image that runs as `mode`, with more lines below `spec`.
fn solution(desk: &Desk, mode: &str, more: &str) {
    of_image(desk, IMAGE, mode, more);
}

fn of_image(desk: &Desk, image: &str, mode: &str, more: &str) {
    let words: Vec<String> = mode.split(' ').map(|word| format!("\"{word}\"")).collect();
    desk.write(
        "use/solution.yaml",
        &format!(
            "apiVersion: vitrine.dev/v1alpha1\nkind: Solution\nmetadata: {{name: use}}\nspec:\n  \
             owner: group:lab\n  image: {image}\n  args: [{}]\n  startup: {{timeout: 20s}}\n{more}",
            words.join(", ")
        ),
    );
}

/// A request that the program echoes.
fn example(desk: &Desk) {
    desk.write(
        "use/examples/embed.json",
        r#"{"method": "POST", "path": "/embed", "json": {"text": "a"}, "expect": {"status": 200}}"#,
    );
}

fn command(desk: &Desk, words: &[&str]) -> Command {
    command_on(Podman::shared(), desk, words)
}

fn command_on(podman: &Podman, desk: &Desk, words: &[&str]) -> Command {
    let mut command = vitrine(&desk.path(""));
    command.arg("try").args(words).env("PATH", podman.path());
    command
}

#[track_caller]
fn tried(desk: &Desk, words: &[&str]) -> Finished {
    finish(&mut command(desk, words))
}

/// The line of a report that holds these words.
#[track_caller]
fn line<'a>(ended: &'a Finished, words: &str) -> &'a str {
    let mut lines = ended.out.lines();
    lines.find(|line| line.contains(words)).unwrap_or_else(|| {
        panic!("no line has {words:?}:\n{}\n{}", ended.out, ended.err);
    })
}

#[test]
fn a_good_image_is_told_line_by_line() {
    let desk = desk();
    let more = "  readOnlyRootFilesystem: true\n  api: {openapi: /openapi.json}\n  \
                readinessProbe: {httpGet: {path: /health}}\n";
    solution(&desk, "well", more);
    example(&desk);
    let ended = tried(&desk, &["use"]).exits(0);
    assert_eq!(ended.err, "");
    for words in [
        "use: localhost/lab/demonstrator:1 · ",
        "user 10001 · memory 64Mi · read-only root · no capabilities · no network",
        "  ✓ listens on 0.0.0.0:8080 ",
        "  ✓ GET / → 200 text/html, 45 bytes ",
        "  ✓ HEAD / → 200 ",
        "  ✓ GET /health → 200, readiness ",
        "  ✓ /openapi.json is OpenAPI 3.1, 2 paths",
        "  ✓ examples/embed.json → 200 application/json, 12 bytes ",
        "  ✓ a second start gives equal answers",
        "  ✓ runs as user 10001",
        "  ✓ runs with a read-only root file system",
        "startup.timeout ",
        "resources.requests.memory ",
        "0 warnings, 0 errors: the contract holds",
    ] {
        line(&ended, words);
    }
    assert!(line(&ended, "startup.timeout").contains("of 20s"), "{}", ended.out);
    assert!(line(&ended, "resources").contains("of 64Mi"), "{}", ended.out);
}

#[test]
fn a_wrong_port_is_told_with_the_right_one() {
    let desk = desk();
    solution_starting(&desk, "elsewhere", "2s");
    let ended = tried(&desk, &["use"]).exits(1);
    assert_eq!(line(&ended, "5000"), "  ✗ listens on 5000, not on 8080  → write port: 5000");
    line(&ended, "0 warnings, 1 error: the contract does not hold");
}

/// A solution whose program has another time to start.
fn solution_starting(desk: &Desk, mode: &str, timeout: &str) {
    solution(desk, mode, "");
    let file = desk.path("use/solution.yaml");
    let text = std::fs::read_to_string(&file).unwrap().replace("20s", timeout);
    std::fs::write(file, text).unwrap();
}

#[test]
fn who_listens_on_loopback_alone_is_told() {
    let desk = desk();
    solution(&desk, "loopback", "");
    let ended = tried(&desk, &["use"]).exits(1);
    line(&ended, "✗ listens on 127.0.0.1:8080 only, where nobody outside of its container");
    solution(&desk, "loopback6", "");
    let ended = tried(&desk, &["use"]).exits(1);
    line(&ended, "✗ listens on [::1]:8080 only, where nobody outside of its container");
}

#[test]
fn who_listens_on_all_addresses_of_both_sorts_is_reached() {
    let desk = desk();
    solution(&desk, "dual", "");
    let ended = tried(&desk, &["use"]).exits(0);
    line(&ended, "✓ listens on [::]:8080");
}

#[test]
fn a_page_that_leads_to_itself_is_no_page() {
    let desk = desk();
    solution(&desk, "circles", "  readinessProbe: {httpGet: {path: /health}}\n");
    let ended = tried(&desk, &["use"]).exits(1);
    line(&ended, "✗ GET / leads on and on: no page answers in the end");
}

#[test]
fn json_is_no_page_for_people() {
    let desk = desk();
    solution(&desk, "json", "");
    let ended = tried(&desk, &["use"]).exits(0);
    line(&ended, "! GET / → 200 application/json, 16 bytes: no page for people");
    line(&ended, "1 warning, 0 errors: the contract holds");
}

#[test]
fn a_crash_is_told_with_its_last_lines_and_without_its_secrets() {
    let desk = desk();
    solution(&desk, "crash", "");
    let ended = tried(&desk, &["use"]).exits(1);
    line(&ended, "with exit code 3");
    line(&ended, "  | begins as crash");
    line(&ended, "  | cannot reach https://lab:*******@models.example/use");
    assert!(!format!("{}{}", ended.out, ended.err).contains("hunter2"));
}

#[test]
fn a_line_that_was_written_in_pieces_is_told_as_it_was_meant() {
    let desk = desk();
    solution(&desk, "pieces", "");
    let told = "  | cannot read the model\n  | and ends\n";
    tried(&desk, &["use"]).exits(1).says(&[told]);
}

#[test]
fn a_slow_start_is_warned_of_and_a_longer_time_suggested() {
    let desk = desk();
    solution_starting(&desk, "slow 3500", "6s");
    let ended = tried(&desk, &["use"]).exits(0);
    line(&ended, "of the 6s that a start may take");
    assert!(line(&ended, "startup.timeout").contains("→ write "), "{}", ended.out);
}

#[test]
fn root_is_refused_as_a_node_refuses_it() {
    let desk = desk();
    of_image(&desk, ROOT, "well", "");
    let ended = tried(&desk, &["use"]).exits(1);
    line(&ended, "✗ runs as root, and this platform starts nobody as root");
    line(&ended, "✓ GET / → 200");
}

#[test]
fn a_write_to_the_root_is_told_whether_it_may_or_not() {
    let desk = desk();
    solution(&desk, "writes", "");
    let ended = tried(&desk, &["use"]).exits(0);
    line(&ended, "! writes to /data/state");
    solution(&desk, "writes", "  readOnlyRootFilesystem: true\n");
    let ended = tried(&desk, &["use"]).exits(1);
    assert!(
        line(&ended, "with exit code 4").ends_with("name the folder under `scratch`"),
        "{}",
        ended.out
    );
    line(&ended, "  | cannot write /data/state: Read-only file system (os error 30)");
}

#[test]
fn who_never_answers_is_given_up_when_its_start_should_be_over() {
    let desk = desk();
    solution_starting(&desk, "silent", "3s");
    let begun = std::time::Instant::now();
    let ended = tried(&desk, &["use"]).exits(1);
    line(&ended, "✗ takes connections, and does not answer GET / within 3s");
    assert!(begun.elapsed().as_secs() < 30, "{:?}", begun.elapsed());
}

#[test]
fn a_page_without_an_end_is_cut() {
    let desk = desk();
    solution(&desk, "endless", "  readinessProbe: {httpGet: {path: /health}}\n");
    let ended = tried(&desk, &["use"]).exits(1);
    line(&ended, "✗ GET / → 200 text/html, 16 MB, and does not end: cut there");
}

#[test]
fn the_examples_decide() {
    let desk = desk();
    example(&desk);
    solution(&desk, "fails", "");
    let ended = tried(&desk, &["use"]).exits(1);
    line(&ended, "✗ examples/embed.json → 500 application/json, 21 bytes, expected is 200");
    solution(&desk, "breaks", "");
    let ended = tried(&desk, &["use"]).exits(1);
    line(&ended, "✗ ends at examples/embed.json, with exit code 9");
    line(&ended, "  | the model is broken");
    solution(&desk, "counts", "");
    line(&tried(&desk, &["use"]).exits(0), "is answered otherwise each time");
}

#[test]
fn an_end_that_a_busy_machine_tells_late_is_an_end() {
    let desk = desk();
    example(&desk);
    solution(&desk, "breaks", "");
    let mut command = command(&desk, &["use"]);
    let ended = finish(command.env("PATH", Podman::shared().late("wait", 2))).exits(1);
    line(&ended, "✗ ends at examples/embed.json, with exit code 9");
}

#[test]
fn what_the_runtime_takes_to_start_is_no_time_of_the_program() {
    let desk = desk();
    solution(&desk, "well", "");
    let mut command = command(&desk, &["use", "--format", "json"]);
    let ended = finish(command.env("PATH", Podman::shared().late("start", 6))).exits(0);
    let report: Value = serde_json::from_str(&ended.out).unwrap();
    let ready = report["measured"]["ready_ms"].as_u64().unwrap();
    assert!(ready < 5000, "{ready} ms");
}

#[test]
fn a_summary_for_a_ci_is_folded_where_the_contract_holds() {
    let desk = desk();
    solution(&desk, "well", "");
    let ended = tried(&desk, &["use", "--format", "markdown"]).exits(0);
    assert!(ended.out.starts_with("### `use` · "), "{}", ended.out);
    assert!(ended.out.contains(": the contract holds\n\n<details>"), "{}", ended.out);
    line(&ended, "  ✓ listens on 0.0.0.0:8080 ");
    solution(&desk, "fails", "");
    example(&desk);
    let ended = tried(&desk, &["use", "--format", "markdown"]).exits(1);
    let start = "### `use` · 0 warnings, 1 error: the contract does not hold\n\n```text\n";
    assert!(ended.out.starts_with(start), "{}", ended.out);
    line(&ended, "✗ examples/embed.json → 500");
}

#[test]
fn a_page_elsewhere_is_followed_and_a_missing_head_is_a_warning() {
    let desk = desk();
    solution(&desk, "redirects", "");
    line(&tried(&desk, &["use"]).exits(0), "✓ GET / → /ui → 200 text/html");
    solution(&desk, "headless", "");
    line(&tried(&desk, &["use"]).exits(0), "! HEAD / → 405");
}

#[test]
fn who_takes_more_memory_than_it_may_is_told_so() {
    let desk = desk();
    solution(&desk, "greedy 200", "");
    let ended = tried(&desk, &["use"]).exits(1);
    line(&ended, "✗ is killed for its memory after ");
    assert!(line(&ended, "resources.requests.memory").ends_with("→ write 128Mi"), "{}", ended.out);
    solution(&desk, "greedy 40", "");
    let ended = tried(&desk, &["use"]).exits(0);
    let peak = line(&ended, "resources.requests.memory");
    assert!(peak.contains("peak 4") && peak.contains(" MB of 64Mi"), "{peak}");
}

#[test]
fn it_is_started_as_the_platform_would() {
    let desk = desk();
    desk.write("use/settings.yaml", "depth: 2\n");
    let more = "  env: {GREETING: hello}\n  secrets: [KEY]\n  readOnlyRootFilesystem: true\n  \
                files: {/etc/use/settings.yaml: settings.yaml}\n  \
                scratch: [{mountPath: /scratch, sizeLimit: 1Mi}]\n  command: [/app]\n";
    solution(&desk, "environment", more);
    let mut command = command(&desk, &["use"]);
    let ended = finish(command.env("https_proxy", "http://lab:hunter2@proxy.example:1")).exits(1);
    line(
        &ended,
        "GREETING=hello KEY=None settings=\"depth: 2\\n\" scratch=true root=true out=false",
    );
    line(&ended, "not given here: its secrets (KEY)");
    line(&ended, "proxy=None");
}

#[test]
fn programs_read_one_object_a_line() {
    let desk = desk();
    solution_starting(&desk, "elsewhere", "1s");
    let ended = tried(&desk, &["--format", "json"]).exits(1);
    let report: Value = ended.json();
    assert_eq!(report["solution"], "use");
    assert_eq!(report["holds"], false);
    assert_eq!(report["lines"][0]["part"], "start");
    assert_eq!(report["lines"][0]["hint"], "write port: 5000");
    assert_eq!(report["image"]["user"], "10001");
    assert!(report["measured"]["memory_peak_bytes"].as_u64().is_some_and(|peak| peak > 0));
}

#[test]
fn an_open_program_answers_on_this_machine_until_it_is_told_to_end() {
    let desk = desk();
    solution(&desk, "well", "");
    let running = Running::start(&mut command(&desk, &["use", "--open"]));
    let limit = Duration::from_secs(60);
    running.wait("address", limit, |out| out.contains("open at http://localhost:"));
    let out = running.out();
    let port = out.split("http://localhost:").nth(1).unwrap().split('/').next().unwrap();
    let address = format!("127.0.0.1:{port}");
    assert!(get(&address, "/").unwrap().contains("<h1>use</h1>"));
    assert_eq!(get(&address, "/health").unwrap(), "well");
    running.signal("INT");
    running.ended().exits(0).says(&["the contract holds"]);
    assert!(get(&address, "/").is_err());
}

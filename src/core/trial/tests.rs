use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::catalog::fit::Build;
use crate::catalog::snapshot::{File, Folder};
use crate::catalog::solution::example::Example;
use crate::catalog::{Catalog, Memory, Snapshot, Solution};
use crate::model::{ContentHash, InstanceName, Quoted, Revision, TreeId};
use crate::render::container::{Container, containers};
use crate::render::{Phase, all};

const DIGEST: &str = "sha256:a3b142af6e97cfc3bb23e409ab83467af7d16ded7dc0632be6a6a9023e49ce8b";

/// A solution of one component that is tried.
struct Scene {
    solution: Arc<Solution>,
    containers: BTreeMap<String, Container>,
    component: &'static str,
    questions: Vec<Question>,
}

fn file(text: &str) -> File {
    File { size: text.len() as u64, bytes: Some(Arc::from(text.as_bytes())) }
}

fn catalog(spec: &str) -> Catalog {
    let platform = format!(
        "apiVersion: vitrine.dev/v1alpha1\nkind: Platform\nspec:\n  domain: demo.example\n  \
         warmup: {{image: registry.example/vitrine@{DIGEST}}}\n"
    );
    let text = format!(
        "apiVersion: vitrine.dev/v1alpha1\nkind: Solution\nmetadata: {{name: use}}\nspec:\n{spec}"
    );
    let tree = TreeId::parse(&ContentHash::of(text.as_bytes()).first(40)).unwrap();
    let files = [
        ("solution.yaml".to_owned(), file(&text)),
        ("examples/a.json".to_owned(), file(r#"{"path": "/a"}"#)),
    ]
    .into_iter()
    .collect();
    let folder = Arc::new(Folder { tree, files, oddities: BTreeMap::new() });
    let snapshot = Snapshot {
        revision: Revision::parse(&"0".repeat(40)).unwrap(),
        committed: jiff::Timestamp::UNIX_EPOCH,
        root: TreeId::parse(&"0".repeat(40)).unwrap(),
        platform: Some(file(&platform)),
        folders: BTreeMap::from([("use".to_owned(), folder)]).into(),
        oddities: BTreeMap::new(),
    };
    crate::catalog::read(&snapshot, &mut Memory::default())
}

impl Scene {
    /// A component with these lines below `spec`, and the example `/a`.
    #[track_caller]
    fn of(component: &'static str, spec: &str) -> Self {
        let catalog = catalog(spec);
        let solution = catalog.solutions.get("use");
        let solution = Arc::clone(solution.unwrap_or_else(|| panic!("{:#?}", catalog.refused)));
        let instance = InstanceName::parse("test").unwrap();
        let platform = catalog.platform.as_ref().unwrap();
        let containers = containers(&all(&solution, platform, &instance, Phase::Live));
        let example = Example::read(br#"{"path": "/a", "expect": {"status": 200}}"#).unwrap();
        let examples = [("examples/a.json".to_owned(), example)];
        let part = solution.components.get(component).unwrap();
        let questions = questions(&solution, part, &examples);
        Self { solution, containers, component, questions }
    }

    fn usual() -> Self {
        let spec = format!(
            "  image: a/b@{DIGEST}\n  startup: {{timeout: 1m}}\n  readOnlyRootFilesystem: true\n  \
             resources: {{requests: {{memory: 1Gi}}}}\n"
        );
        Self::of("app", &spec)
    }

    fn subject(&self) -> Subject<'_> {
        Subject {
            solution: &self.solution,
            component: self.solution.components.get(self.component).unwrap(),
            container: self.containers.get(self.component).unwrap(),
            questions: &self.questions,
        }
    }

    /// All goes well.
    fn seen(&self) -> Seen {
        let start = || Start {
            reach: Reach::All,
            ready: Some(Duration::from_millis(400)),
            listeners: vec![listener("0.0.0.0", 8080)],
            asked: self.questions.iter().map(well).collect(),
            peak: Some(90 << 20),
            ..Start::default()
        };
        let image = Build {
            os: "linux".to_owned(),
            architecture: "amd64".to_owned(),
            user: "10001".to_owned(),
            size: 14_000_000,
            ..Build::default()
        };
        let machine = "linux/amd64".to_owned();
        Seen { image, machine, first: start(), again: Some(start()) }
    }

    fn report(&self, seen: &Seen) -> Report {
        report(&self.subject(), seen)
    }

    /// `mark text → hint` of every line that is not good.
    fn told(&self, seen: &Seen) -> Vec<String> {
        let report = self.report(seen);
        let lines = report.lines.iter().filter(|line| line.mark != Mark::Good);
        lines
            .map(|line| {
                let mark = if line.mark == Mark::Error { "✗" } else { "!" };
                let hint = line.hint.as_ref().map(|hint| format!(" → {hint}")).unwrap_or_default();
                format!("{mark} {}{hint}", line.text)
            })
            .collect()
    }
}

fn listener(host: &str, port: u16) -> Listener {
    Listener { host: host.parse::<IpAddr>().unwrap(), port }
}

fn answer(status: u16, kind: &str, body: &str) -> Answer {
    Answer {
        status,
        page: None,
        kind: Quoted::of(kind),
        length: body.len() as u64,
        hash: ContentHash::of(body.as_bytes()),
        body: body.as_bytes().to_vec(),
        cut: None,
        took: Duration::from_millis(40),
    }
}

fn well(question: &Question) -> Asked {
    let first = match question.purpose {
        Purpose::Page => answer(200, "text/html", "<h1>use</h1>"),
        Purpose::Head => answer(200, "text/html", ""),
        Purpose::OpenApi => {
            answer(200, "application/json", r#"{"openapi": "3.1.0", "paths": {"/a": {}}}"#)
        }
        _ => answer(200, "application/json", "{}"),
    };
    let then = matches!(question.purpose, Purpose::Example { .. }).then(|| Ok(first.clone()));
    Asked { first: Ok(first), then }
}

/// A start that came to nothing.
fn nothing() -> Start {
    Start::default()
}

#[test]
fn an_image_that_does_well_is_told_so_line_by_line() {
    let scene = Scene::usual();
    let report = scene.report(&scene.seen());
    assert!(report.holds());
    assert_eq!(
        text(&report, false),
        "  ✓ listens on 0.0.0.0:8080                          0.4 s, then 0.4 s
  ✓ GET / → 200 text/html, 12 bytes                  0.04 s
  ✓ HEAD / → 200                                     0.04 s
  ✓ examples/a.json → 200 application/json, 2 bytes  0.04 s
  ✓ a second start gives equal answers
  ✓ runs as user 10001
  ✓ runs with a read-only root file system
startup.timeout            ready after 0.4 s of 1m  → 10s would do
resources.requests.memory  peak 94 MB of 1Gi        → 128Mi would do
"
    );
    assert_eq!(summary(&[report]), "0 warnings, 0 errors: the contract holds");
}

#[test]
fn each_start_that_comes_to_nothing_is_told_with_what_to_do() {
    let scene = Scene::usual();
    let first = |first: Start| Seen { first, again: None, ..scene.seen() };
    let ended =
        |code, out_of_memory| Ended { code, after: Duration::from_millis(230), out_of_memory };
    let log = |line: &str| vec![Quoted::of(line)];
    let cases = [
        (
            Start { listeners: vec![listener("0.0.0.0", 5000)], ..nothing() },
            "✗ listens on 5000, not on 8080 → write port: 5000",
        ),
        (
            Start { listeners: vec![listener("0.0.0.0", 80)], ..nothing() },
            "✗ listens on 80, not on 8080 → ports below 1024 are root's: let it listen above",
        ),
        (
            Start {
                listeners: vec![
                    listener("10.0.0.1", 8081),
                    listener("0.0.0.0", 9000),
                    listener("127.0.0.1", 8081),
                ],
                ..nothing()
            },
            "✗ listens on 8081 and 9000, not on 8080 → write port: 8081",
        ),
        (
            Start { listeners: vec![listener("::", 8080)], ..nothing() },
            "✗ listens on [::]:8080 only, where it is not asked → let it listen on 0.0.0.0",
        ),
        (
            Start { reach: Reach::Loopback, listeners: vec![listener("::1", 8080)], ..nothing() },
            "✗ listens on [::1]:8080 only, where nobody outside of its container reaches it → let \
             it listen on 0.0.0.0",
        ),
        (nothing(), "✗ listens on no port within 1m"),
        (
            Start { reach: Reach::Loopback, ..nothing() },
            "✗ listens on 127.0.0.1:8080 only, where nobody outside of its container reaches it → \
             let it listen on 0.0.0.0",
        ),
        (
            Start {
                reach: Reach::All,
                probed: Some(Err(NoAnswer::Late(Duration::from_secs(5)))),
                ..nothing()
            },
            "✗ takes connections, and does not answer GET / within 1m",
        ),
        (
            Start {
                reach: Reach::All,
                probed: Some(Ok(answer(503, "text/plain", "wait"))),
                ..nothing()
            },
            "✗ is not ready within 1m: GET / → 503 text/plain, 4 bytes → a readiness probe is \
             answered with 2xx or 3xx",
        ),
        (
            Start { ended: Some(ended(3, false)), ..nothing() },
            "✗ ends after 0.2 s with exit code 3",
        ),
        (
            Start { ended: Some(ended(137, false)), ..nothing() },
            "✗ ends after 0.2 s with signal 9 → most likely for its memory: write resources: \
             {requests: {memory: 2Gi}}",
        ),
        (
            Start { ended: Some(ended(139, false)), ..nothing() },
            "✗ ends after 0.2 s with a segmentation fault (signal 11)",
        ),
        (
            Start { ended: Some(ended(0, false)), ..nothing() },
            "✗ ends by itself after 0.2 s → let its program run in the foreground",
        ),
        (
            Start { ended: Some(ended(137, true)), ..nothing() },
            "✗ is killed for its memory after 0.2 s: it may take 1 GiB → write resources: \
             {requests: {memory: 2Gi}}",
        ),
        (
            Start {
                ended: Some(ended(1, false)),
                log: log("OSError: [Errno 30] Read-only file system: '/app/cache'"),
                ..nothing()
            },
            "✗ ends after 0.2 s with exit code 1 → it writes where it may not: name the folder \
             under `scratch`",
        ),
        (
            Start {
                ended: Some(ended(1, false)),
                log: log("open /data/db: permission denied"),
                ..nothing()
            },
            "✗ ends after 0.2 s with exit code 1 → it may not use what it needs as a user that is \
             not root: `chmod` in its Dockerfile",
        ),
        (
            Start {
                refused: Some(Quoted::of("crun: executable file `/nope` not found")),
                ..nothing()
            },
            "✗ does not start: crun: executable file `/nope` not found → its entry point or \
             `command` is not in the image",
        ),
    ];
    for (start, told) in cases {
        assert_eq!(scene.told(&first(start)), [told]);
    }
    let mut seen = first(Start {
        ended: Some(ended(1, false)),
        log: log("exec /app: exec format error"),
        ..nothing()
    });
    seen.image.architecture = "arm64".to_owned();
    assert_eq!(
        scene.told(&seen),
        [
            "✗ is built for linux/arm64, and this machine is linux/amd64 → build it for the platform's \
          processors, too"
        ]
    );
}

#[test]
fn what_ends_or_is_slow_later_is_told_too() {
    let scene = Scene::usual();
    let mut seen = scene.seen();
    seen.first.ended =
        Some(Ended { code: 134, after: Duration::from_secs(9), out_of_memory: false });
    seen.again = None;
    assert_eq!(scene.told(&seen), ["✗ ends after it was asked, with an abort (signal 6)"]);
    seen.first.asked.pop();
    assert_eq!(scene.told(&seen), ["✗ ends at examples/a.json, with an abort (signal 6)"]);
    let mut seen = scene.seen();
    seen.again = Some(nothing());
    assert_eq!(scene.told(&seen), ["✗ a second start listens on no port within 1m"]);
    let mut seen = scene.seen();
    let again = seen.again.as_mut().unwrap();
    again.asked.pop();
    again.ended = Some(Ended { code: 137, after: Duration::from_secs(3), out_of_memory: true });
    assert_eq!(
        scene.told(&seen),
        [
            "✗ a second start is killed for its memory at examples/a.json: it may take 1 GiB → write \
             resources: {requests: {memory: 2Gi}}"
        ]
    );
    assert_eq!(scene.report(&seen).numbers[1].advice, Advice::Raise("2Gi".to_owned()));
    let mut seen = scene.seen();
    seen.first.ready = Some(Duration::from_secs(31));
    assert_eq!(
        scene.told(&seen),
        ["! takes 31.0 s of the 1m that a start may take → a busy machine is slower"]
    );
    let numbers = scene.report(&seen).numbers;
    assert_eq!(numbers[0].advice, Advice::Raise("2m".to_owned()));
}

#[test]
fn a_description_that_is_too_large_to_be_read_is_no_wrong_one() {
    let spec = format!("  image: a/b@{DIGEST}\n  api: {{openapi: /openapi.yaml}}\n");
    let scene = Scene::of("app", &spec);
    let description = |length, body: &str| {
        let answer = Answer { length, ..answer(200, "application/yaml", body) };
        with(&scene, |purpose| *purpose == Purpose::OpenApi, first(Ok(answer)))
    };
    assert_eq!(description(300_000, ""), ["! /openapi.yaml is 300 kB: too large to be read here"]);
    let told = description(20, "<!doctype html>");
    assert!(told[0].starts_with("✗ /openapi.yaml is neither JSON nor YAML"), "{told:?}");
}

/// The report with another answer to the first question for which this is so.
fn with(scene: &Scene, is: fn(&Purpose) -> bool, asked: Asked) -> Vec<String> {
    let mut seen = scene.seen();
    let at = scene.questions.iter().position(|question| is(&question.purpose)).unwrap();
    seen.first.asked[at] = asked;
    scene.told(&seen)
}

fn first(answer: Result<Answer, NoAnswer>) -> Asked {
    Asked { first: answer, then: None }
}

#[test]
fn the_page_is_one_that_people_can_read() {
    let scene = Scene::usual();
    let page = |answer| with(&scene, |purpose| *purpose == Purpose::Page, first(answer));
    assert_eq!(
        page(Ok(answer(200, "application/json", "{}"))),
        [
            "! GET / → 200 application/json, 2 bytes: no page for people → answer HTML there, or name \
          the page with `basePath`"
        ]
    );
    assert_eq!(
        page(Ok(answer(404, "text/plain", ""))),
        ["✗ GET / → 404 text/plain → visitors begin here; `basePath` names another page"]
    );
    let endless = Answer { cut: Some(Cut::Size), ..answer(200, "text/html", "xx") };
    assert_eq!(
        page(Ok(endless)),
        ["✗ GET / → 200 text/html, 2 bytes, and does not end: cut there"]
    );
    // Pages that lead elsewhere say in HTML where.
    assert_eq!(
        page(Ok(answer(302, "text/html", "xx"))),
        ["! GET / → 302 text/html, 2 bytes → visitors are led elsewhere"]
    );
    assert_eq!(
        page(Err(NoAnswer::Around)),
        ["✗ GET / leads on and on: no page answers in the end"]
    );
    let led = Answer { page: Some(Quoted::of("/ui/")), ..answer(200, "text/html", "xx") };
    assert_eq!(page(Ok(led)), [""; 0]);
    let broken = Err(NoAnswer::Broken(Quoted::of("connection closed")));
    assert_eq!(page(broken), ["✗ GET / was not answered: connection closed"]);
    let head =
        with(&scene, |purpose| *purpose == Purpose::Head, first(Ok(answer(405, "text/plain", ""))));
    assert_eq!(head, ["! HEAD / → 405 → link previews and some proxies ask with HEAD"]);
}

#[test]
fn the_examples_decide() {
    let scene = Scene::usual();
    let example = |asked| with(&scene, |purpose| matches!(purpose, Purpose::Example { .. }), asked);
    let wrong = answer(500, "text/plain", "oh");
    assert_eq!(
        example(first(Ok(wrong.clone()))),
        ["✗ examples/a.json → 500 text/plain, 2 bytes, expected is 200"]
    );
    assert_eq!(
        example(first(Err(NoAnswer::Late(Duration::from_secs(60))))),
        ["✗ examples/a.json was not answered within 1m"]
    );
    let right = answer(200, "application/json", "{}");
    assert_eq!(
        example(Asked { first: Ok(right.clone()), then: Some(Ok(wrong)) }),
        ["✗ examples/a.json → 200 application/json, 2 bytes; the second time 500 text/plain, 2 \
          bytes, expected is 200"]
    );
    let other = answer(200, "application/json", "[]");
    assert_eq!(
        example(Asked { first: Ok(other.clone()), then: Some(Ok(other)) }),
        ["! a second start answers examples/a.json otherwise → no answer may hang on what ran \
          before: it sleeps, wakes, and runs more than once"]
    );
    // What differs by itself says nothing of state.
    let varies = answer(200, "application/json", "1");
    assert_eq!(example(Asked { first: Ok(varies), then: Some(Ok(right.clone())) }), [""; 0]);
    let cut = Answer { cut: Some(Cut::Time), ..right };
    assert_eq!(
        example(first(Ok(cut))),
        ["! examples/a.json → 200 application/json, 2 bytes, and does not end: cut after 0.04 s"]
    );
}

#[test]
fn a_slow_first_answer_asks_for_a_warm_up_unless_there_is_one() {
    let hint = |scene: &Scene| {
        let mut seen = scene.seen();
        let asked = seen.first.asked.last_mut().unwrap();
        asked.first.as_mut().unwrap().took = Duration::from_millis(2800);
        let report = scene.report(&seen);
        let line = report.lines.iter().find(|line| line.part == "example").unwrap().clone();
        assert_eq!(line.took.as_deref(), Some("2.8 s, then 0.04 s"));
        line.hint
    };
    let wanted = Some("write startup: {warmup: [examples/a.json]}".to_owned());
    assert_eq!(hint(&Scene::usual()), wanted);
    let spec = format!("  image: a/b@{DIGEST}\n  startup: {{warmup: [examples/a.json]}}\n");
    assert_eq!(hint(&Scene::of("app", &spec)), None);
}

#[test]
fn who_it_runs_as_and_where_it_writes_is_told() {
    let scene = Scene::usual();
    let user = |user: &str| {
        let mut seen = scene.seen();
        seen.image.user = user.to_owned();
        scene.told(&seen)
    };
    assert_eq!(user("10001:10001"), [""; 0]);
    let root = "✗ runs as root, and this platform starts nobody as root → end its Dockerfile with a \
                user of its own: USER 10001";
    assert_eq!(user(""), [root]);
    assert_eq!(user("0"), [root]);
    assert_eq!(
        user("app\u{1b}[31m"),
        ["✗ runs as `app`, a name, of which a node cannot tell that it is not root → write its \
          number: USER 10001"]
    );
    let writable = Scene::of("app", &format!("  image: a/b@{DIGEST}\n"));
    let mut seen = writable.seen();
    assert_eq!(writable.told(&seen), [""; 0]);
    seen.first.wrote = ["/a", "/b", "/c"].map(Quoted::of).into();
    assert_eq!(
        writable.told(&seen),
        [
            "! writes to /a, /b and 1 more → gone whenever it sleeps; name the folder under `scratch`"
        ]
    );
}

#[test]
fn a_number_is_raised_before_it_kills() {
    let scene = Scene::usual();
    let advice = |peak: u64| {
        let mut seen = scene.seen();
        seen.first.peak = Some(peak << 20);
        seen.again.as_mut().unwrap().peak = Some(1 << 20);
        scene.report(&seen).numbers[1].advice.clone()
    };
    assert_eq!(advice(90), Advice::Lower("128Mi".to_owned()));
    assert_eq!(advice(600), Advice::Keep);
    assert_eq!(advice(950), Advice::Raise("1280Mi".to_owned()));
    let mut seen = scene.seen();
    (seen.first.peak, seen.again) = (None, None);
    assert_eq!(scene.report(&seen).numbers.len(), 1, "what nobody saw has no advice");
}

#[test]
fn every_component_is_asked_what_is_led_to_it() {
    let spec = format!(
        "  api: {{openapi: /api/openapi.json}}\n  components:\n    \
         web: {{image: a/web@{DIGEST}, expose: {{path: /}}, dependsOn: [index], secrets: [KEY]}}\n    \
         api: {{image: a/api@{DIGEST}, expose: {{path: /api, stripPrefix: true}}}}\n    \
         index: {{image: a/i@{DIGEST}, readinessProbe: {{httpGet: {{path: /up}}}}, \
         livenessProbe: {{httpGet: {{path: /live}}}}}}\n"
    );
    let asked = |component| -> Vec<String> {
        let questions = Scene::of(component, &spec).questions;
        questions.iter().map(|question| format!("{} {}", question.method, question.path)).collect()
    };
    assert_eq!(asked("web"), ["GET /", "HEAD /", "GET /a"]);
    assert_eq!(asked("api"), ["GET /", "HEAD /", "GET /openapi.json"]);
    assert_eq!(asked("index"), ["GET /up", "GET /live"]);
    let web = Scene::of("web", &spec);
    let host = ("host".to_owned(), "use.demo.example".to_owned());
    assert!(web.questions.iter().all(|question| question.headers.contains(&host)));
    let proto = ("x-forwarded-proto".to_owned(), "https".to_owned());
    assert!(web.questions.iter().all(|question| question.headers.contains(&proto)));
    let example = Example::read(br#"{"path": "/a"}"#).unwrap();
    let odd = [("examples/a\n  ✓ all is well\u{1b}[8m.json".to_owned(), example)];
    let part = web.solution.components.get("web").unwrap();
    let asked = questions(&web.solution, part, &odd);
    let Purpose::Example { file, .. } = &asked.last().unwrap().purpose else { panic!() };
    assert!(!file.contains(char::is_control), "{file:?}");
    assert_eq!(
        web.report(&web.seen()).left_out,
        ["its secrets (KEY)", "the components that it calls (index)"]
    );
}

#[test]
fn the_keys_for_programs_are_a_promise() {
    let scene = Scene::usual();
    let mut seen = scene.seen();
    seen.first.ended = Some(Ended { code: 1, after: Duration::ZERO, out_of_memory: false });
    seen.first.log = vec![Quoted::of("boom")];
    seen.again = None;
    let report = scene.report(&seen);
    let json = report_json(&scene.subject(), &seen, &report);
    let keys: Vec<&String> = json.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "component",
            "errors",
            "holds",
            "image",
            "left_out",
            "lines",
            "log",
            "measured",
            "numbers",
            "solution",
            "warnings"
        ]
    );
    assert_eq!(json["holds"], false);
    assert_eq!(json["log"], serde_json::json!(["boom"]));
    assert_eq!(
        json["lines"][0],
        serde_json::json!({
            "part": "start", "mark": "good", "text": "listens on 0.0.0.0:8080",
            "took": "0.4 s", "hint": null,
        })
    );
    assert_eq!(
        json["measured"],
        serde_json::json!({
            "ready_ms": 400, "ready_again_ms": null, "memory_peak_bytes": 90 << 20,
        })
    );
    assert_eq!(
        json["numbers"][1],
        serde_json::json!({
            "field": "resources.requests.memory", "now": "1Gi", "seen": "peak 94 MB",
            "advice": "lower", "suggested": "128Mi",
        })
    );
}

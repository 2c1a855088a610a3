//! The story of a branch at a forge that really runs: whoever has one can prove in a minute that
//! vitrine can talk to it.
//!
//! `VITRINE_TEST_FORGE` says which: kind, address of the API, file with a token, repository, as
//! `gitea http://127.0.0.1:3000/api/v1 /run/token aim/catalogue`. The repository is pushed to, on a
//! branch of its own that nobody else has. `tests/run forge` brings a Gitea along.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Value, json};
use vitrine_core::config::{Auth, Config, Forge, ForgeAuth, ForgeKind, PullRequests};
use vitrine_core::model::{Kind, ObjectKey, Revision};

use crate::support::catalogue::{Catalogue, image};
use crate::support::cluster::Cluster;
use crate::support::daemon::{Daemon, settings};
use crate::support::requests::Request;

const VARIABLE: &str = "VITRINE_TEST_FORGE";
const PATIENCE: Duration = Duration::from_secs(60);

/// A forge that somebody named.
struct Server {
    forge: Forge,
    token: String,
    branch: String,
    client: reqwest::Client,
}

/// State and text by context.
type Said = BTreeMap<String, (String, String)>;

impl Server {
    fn named() -> Option<Self> {
        let told = std::env::var(VARIABLE).ok()?;
        let words: Vec<&str> = told.split_whitespace().collect();
        let [kind, api, file, repository] = words[..] else {
            panic!("{VARIABLE} says kind, address of the API, file with a token, repository");
        };
        let kind = ForgeKind::ALL.into_iter().find(|known| known.as_str() == kind);
        let forge = Forge {
            kind: kind.expect("the kind is github, gitlab, gitea or forgejo"),
            api_url: api.to_owned(),
            repository: repository.to_owned(),
            auth: ForgeAuth::Token { token_file: file.into() },
            per_solution: true,
            ca_file: None,
            pull_requests: PullRequests::Off,
            annotations: false,
            dry_run: false,
            images: None,
        };
        let token = std::fs::read_to_string(file).expect("the token's file can be read");
        Some(Self {
            forge,
            token: token.trim().to_owned(),
            branch: format!("vitrine-test-{:08x}", fastrand::u32(..)),
            client: vitrine::http::builder().build().unwrap(),
        })
    }

    /// Where Git finds the repository.
    fn url(&self) -> String {
        let api = url::Url::parse(&self.forge.api_url).unwrap();
        let host = match self.forge.kind {
            ForgeKind::GitHub if api.host_str() == Some("api.github.com") => {
                "https://github.com".to_owned()
            }
            _ => api.origin().ascii_serialization(),
        };
        format!("{host}/{}.git", self.forge.repository)
    }

    fn push(&self, catalogue: &Catalogue) {
        self.push_to(catalogue, &self.branch);
    }

    /// Pushes what is checked out, whatever the branch was before.
    fn push_to(&self, catalogue: &Catalogue, branch: &str) {
        let basic = STANDARD.encode(format!("x-access-token:{}", self.token));
        let header = format!("http.extraHeader=Authorization: Basic {basic}");
        let to = format!("+HEAD:refs/heads/{branch}");
        catalogue.git(&["-c", &header, "push", "-q", &self.url(), &to]);
    }

    /// One request to its API, which has to be done; what it answers, or null.
    async fn asks(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let url = format!("{}{path}", self.forge.api_url);
        let asked = self.client.request(method, &url).header("user-agent", "vitrine tests");
        let asked = match self.forge.kind {
            ForgeKind::GitLab => asked.header("private-token", &self.token),
            _ => asked.header("authorization", format!("token {}", self.token)),
        };
        let asked = match body {
            Some(body) => asked.header("content-type", "application/json").body(body.to_string()),
            None => asked,
        };
        let answer = asked.send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{url}: {status}: {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// What the forge itself says of a commit, in its own words for a state; GitLab's in ours.
    async fn said(&self, commit: &Revision) -> Said {
        let Forge { kind, repository, .. } = &self.forge;
        let encoded = repository.replace('/', "%2F");
        let path = match kind {
            ForgeKind::GitLab => {
                format!("/projects/{encoded}/repository/commits/{commit}/statuses")
            }
            _ => format!("/repos/{repository}/commits/{commit}/status"),
        };
        let answer = self.asks(Method::GET, &path, None).await;
        let rows = if *kind == ForgeKind::GitLab { &answer } else { &answer["statuses"] };
        let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
        let row = |row: &Value| match kind {
            ForgeKind::GitLab => {
                (text(row, "name"), (text(row, "status"), text(row, "description")))
            }
            ForgeKind::GitHub => {
                (text(row, "context"), (text(row, "state"), text(row, "description")))
            }
            ForgeKind::Gitea | ForgeKind::Forgejo => {
                (text(row, "context"), (text(row, "status"), text(row, "description")))
            }
        };
        let said: Said = rows.as_array().into_iter().flatten().map(row).collect();
        let ours = |(context, (state, description)): (String, (String, String))| {
            let state = if state == "failed" { "failure".to_owned() } else { state };
            (context, (state, description))
        };
        said.into_iter().map(ours).collect()
    }

    /// Waits until just this stands on a commit.
    async fn stands(&self, commit: &Revision, lines: &[(&str, &str, &str)]) {
        let end = Instant::now() + PATIENCE;
        loop {
            let said = self.said(commit).await;
            let is = |(context, state, words): &(&str, &str, &str)| {
                said.get(*context).is_some_and(|(s, text)| s == state && text.contains(words))
            };
            if said.len() == lines.len() && lines.iter().all(is) {
                return;
            }
            assert!(Instant::now() < end, "{} is not {lines:#?}: {said:#?}", commit.short());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    fn settings(&self, catalogue: &Catalogue) -> Config {
        let mut settings = settings(catalogue);
        let ForgeAuth::Token { token_file } = &self.forge.auth else { unreachable!() };
        settings.repository.url = self.url();
        settings.repository.branch.clone_from(&self.branch);
        settings.repository.auth = Some(Auth::Token { token_file: token_file.clone() });
        settings.repository.poll = Some(Duration::from_millis(300));
        settings.safety.max_removed_share = 1.0;
        settings.forge = Some(self.forge.clone());
        settings
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_branch_has_its_last_words_at_the_forge_that_the_environment_names() {
    let Some(server) = Server::named() else {
        // Past the test runner, which swallows what a passing test prints.
        let _ =
            writeln!(std::io::stderr(), "left out: a real forge, because {VARIABLE} names none");
        return;
    };
    let catalogue = Catalogue::of(&["one", "two"]);
    let cluster = Cluster::sandbox().await;
    let first = catalogue.head();
    server.push(&catalogue);
    let mut daemon = Daemon::with(&cluster, server.settings(&catalogue)).await.patient(PATIENCE);
    let synced = |context| (context, "success", "Synced: ");
    let whole = |words| ("vitrine/test", "success", words);
    let (one, two) = ("vitrine/test/one", "vitrine/test/two");
    let both = whole("2 solutions: 2 Synced");
    server.stands(&first, &[both, synced(one), synced(two)]).await;

    // Two commits in one push, then a mistake, its correction, and a folder less.
    catalogue.edit("one/solution.yaml", &image('a'), &image('b'));
    let lower = catalogue.commit("One of two");
    catalogue.edit("two/solution.yaml", &image('a'), &image('b'));
    let upper = catalogue.commit("Two of two");
    server.push(&catalogue);
    server.stands(&lower, &[synced(one)]).await;
    server.stands(&upper, &[both, synced(two)]).await;
    catalogue.edit("two/solution.yaml", "spec:", "spec:\n  replica: 3");
    let broken = catalogue.commit("A mistake");
    server.push(&catalogue);
    let failed = "Failed: two/solution.yaml:6:3: ";
    let lines = [("vitrine/test", "failure", "1 Failed (two)"), (two, "failure", failed)];
    server.stands(&broken, &lines).await;
    catalogue.remove("two");
    let without = catalogue.commit("A folder less");
    server.push(&catalogue);
    let alone = whole("1 solution: 1 Synced");
    server.stands(&without, &[alone, (two, "success", "removed")]).await;

    // Another life has nothing to add, and the branch may be pushed back.
    daemon.settled(&without).await;
    daemon.stop().await;
    let daemon = Daemon::with(&cluster, server.settings(&catalogue)).await.patient(PATIENCE);
    catalogue.git(&["reset", "-q", "--hard", "HEAD~1"]);
    catalogue.edit("one/solution.yaml", &image('b'), &image('c'));
    catalogue.edit("two/solution.yaml", "\n  replica: 3", "");
    let instead = catalogue.commit("What is there instead");
    server.push(&catalogue);
    server.stands(&instead, &[both, synced(one), synced(two)]).await;
    for commit in [&first, &lower, &upper, &broken, &without, &instead] {
        let said = server.said(commit).await;
        assert!(
            said.values().all(|(state, _)| state != "pending"),
            "{}: {said:#?}",
            commit.short()
        );
    }
    daemon.stop().await;
    let _ = writeln!(std::io::stderr(), "told at {}", server.forge.api_url);
}

/// Pull requests at a Gitea or a Forgejo.
struct Pulls<'s> {
    server: &'s Server,
    daemon: &'s Daemon,
    /// The branch that is to be merged.
    from: String,
}

impl Pulls<'_> {
    async fn asks(&self, method: Method, rest: &str, body: Option<Value>) -> Value {
        let path = format!("/repos/{}{rest}", self.server.forge.repository);
        self.server.asks(method, &path, body).await
    }

    async fn open(&self) -> u64 {
        let body = json!({"head": self.from, "base": self.server.branch, "title": "A change"});
        let made = self.asks(Method::POST, "/pulls", Some(body)).await;
        made["number"].as_u64().unwrap()
    }

    async fn comments(&self, number: u64) -> Vec<(u64, String)> {
        let rest = format!("/issues/{number}/comments");
        let all = self.asks(Method::GET, &rest, None).await;
        let one =
            |it: &Value| (it["id"].as_u64().unwrap(), it["body"].as_str().unwrap().to_owned());
        all.as_array().unwrap().iter().map(one).collect()
    }

    /// Waits until the only comment says this, and answers which it is.
    async fn says(&self, number: u64, words: &[&str]) -> u64 {
        let end = Instant::now() + PATIENCE;
        loop {
            self.daemon.hint();
            let comments = self.comments(number).await;
            if let [(id, body)] = comments.as_slice()
                && words.iter().all(|word| body.contains(word))
            {
                return *id;
            }
            assert!(Instant::now() < end, "{words:?}: {comments:#?}");
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }

    /// Waits until the forge found out whether it has conflicts.
    async fn is_mergeable(&self, number: u64) {
        let end = Instant::now() + PATIENCE;
        while self.asks(Method::GET, &format!("/pulls/{number}"), None).await["mergeable"] != true {
            assert!(Instant::now() < end, "it has no conflicts");
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }

    /// Waits until this stands on a head, beside whatever else.
    async fn is(&self, head: &Revision, context: &str, state: &str, words: &str) {
        let end = Instant::now() + PATIENCE;
        loop {
            self.daemon.hint();
            let said = self.server.said(head).await;
            if said.get(context).is_some_and(|(s, text)| s == state && text.contains(words)) {
                return;
            }
            assert!(Instant::now() < end, "{context} {state} {words}: {said:#?}");
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pull_request_is_told_shown_and_merged_at_the_forge_that_the_environment_names() {
    let gitea =
        |server: &Server| matches!(server.forge.kind, ForgeKind::Gitea | ForgeKind::Forgejo);
    let Some(mut server) = Server::named().filter(gitea) else {
        let why = format!("because {VARIABLE} names no Gitea and no Forgejo");
        let _ = writeln!(std::io::stderr(), "left out: pull requests at a real forge, {why}");
        return;
    };
    server.forge.pull_requests = PullRequests::Comment;
    server.forge.dry_run = true;
    let catalogue = Catalogue::of(&["one", "two"]);
    let shows = "spec:\n  previews: {label: preview, keepFor: 1h, atMost: 3}\n";
    catalogue.edit("platform.yaml", "spec:\n", shows);
    let first = catalogue.commit("Previews");
    let cluster = Cluster::sandbox().await;
    server.push(&catalogue);
    let mut daemon = Daemon::with(&cluster, server.settings(&catalogue)).await.patient(PATIENCE);
    daemon.settled(&first).await;
    let pulls =
        Pulls { server: &server, daemon: &daemon, from: format!("{}-change", server.branch) };
    let pushes = |digit: char| {
        catalogue.git(&["reset", "-q", "--hard", first.as_str()]);
        catalogue.edit("one/solution.yaml", &image('a'), &image(digit));
        let head = catalogue.commit("A change");
        server.push_to(&catalogue, &pulls.from);
        head
    };

    // Opened, and pushed over by force. Its branch is one of the repository: the API server is asked.
    cluster.requests().take();
    let old = pushes('b');
    let number = pulls.open().await;
    pulls.is(&old, "vitrine/test/validate", "success", "1 changed").await;
    let tried = |request: &Request| request.parameter("dryRun").is_some();
    assert!(cluster.requests().take().iter().any(tried), "{number} is of the repository itself");
    let comment = pulls.says(number, &["### `one` · changed", "with the label `preview`"]).await;
    let head = pushes('c');
    pulls.is(&head, "vitrine/test/validate", "success", "1 changed").await;
    assert_eq!(pulls.says(number, &[&format!("sha256:{}", "c".repeat(12))]).await, comment);

    // Shown.
    let label = json!({"name": "preview", "color": "#0088ff"});
    pulls.asks(Method::POST, "/labels", Some(label)).await;
    let labels = format!("/issues/{number}/labels");
    pulls.asks(Method::POST, &labels, Some(json!({"labels": ["preview"]}))).await;
    let address = format!("https://pr-{number}--one.");
    pulls.is(&head, "vitrine/test/preview", "success", &format!("ready at {address}")).await;
    pulls.says(number, &[&format!("**Preview** of {}: <{address}", head.short())]).await;
    let namespace = ObjectKey::cluster(Kind::Namespace, format!("pv-{number}-one"));
    assert!(cluster.get(&namespace).await.is_some());
    let visited = format!("pv-{number}-one");
    cluster.players().visit(&visited, "app", 1).await.unwrap();
    let app = ObjectKey::namespaced(Kind::Deployment, visited, "app");
    let awake = |it: Option<&Value>| it.is_some_and(|it| it["spec"]["replicas"] == 1);
    cluster.wait_for(&app, "the preview is awake", awake).await;

    // Merged, with its last edit; the branch goes, and the preview.
    pulls.is_mergeable(number).await;
    let merge = format!("/pulls/{number}/merge");
    pulls.asks(Method::POST, &merge, Some(json!({"Do": "merge"}))).await;
    pulls.asks(Method::DELETE, &format!("/branches/{}", pulls.from), None).await;
    let merged = pulls.asks(Method::GET, &format!("/pulls/{number}"), None).await;
    let merged = Revision::parse(merged["merge_commit_sha"].as_str().unwrap()).unwrap();
    pulls.is(&merged, "vitrine/test/one", "success", "Synced: ").await;
    let last = [format!("**Merged as {}.**", merged.short()), "`one`: `Synced: ".to_owned()];
    assert_eq!(pulls.says(number, &[&last[0], &last[1]]).await, comment);
    cluster.wait_for(&namespace, "the preview is gone", |it| it.is_none()).await;
    daemon.stop().await;
    let _ = writeln!(std::io::stderr(), "pull request {number} told at {}", server.forge.api_url);
}

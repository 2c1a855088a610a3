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
use serde_json::Value;
use vitrine_core::config::{Auth, Config, Forge, ForgeAuth, ForgeKind, PullRequests};
use vitrine_core::model::Revision;

use crate::support::catalogue::{Catalogue, image};
use crate::support::cluster::Cluster;
use crate::support::daemon::{Daemon, settings};

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
        let basic = STANDARD.encode(format!("x-access-token:{}", self.token));
        let header = format!("http.extraHeader=Authorization: Basic {basic}");
        let to = format!("+HEAD:refs/heads/{}", self.branch);
        catalogue.git(&["-c", &header, "push", "-q", &self.url(), &to]);
    }

    /// What the forge itself says of a commit, in its own words for a state; GitLab's in ours.
    async fn said(&self, commit: &Revision) -> Said {
        let Forge { kind, api_url, repository, .. } = &self.forge;
        let encoded = repository.replace('/', "%2F");
        let url = match kind {
            ForgeKind::GitLab => {
                format!("{api_url}/projects/{encoded}/repository/commits/{commit}/statuses")
            }
            _ => format!("{api_url}/repos/{repository}/commits/{commit}/status"),
        };
        let asked = self.client.get(url).header("user-agent", "vitrine tests");
        let asked = match kind {
            ForgeKind::GitLab => asked.header("private-token", &self.token),
            _ => asked.header("authorization", format!("token {}", self.token)),
        };
        let answer: Value = asked.send().await.unwrap().json().await.unwrap();
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
